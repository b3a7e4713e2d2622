//! The page as a whole.

use super::pose::Histogram;
use super::*;

/// The sections a page has, by anchor.
fn sections(page: &str) -> Vec<&str> {
    page.split("<section id=\"").skip(1).filter_map(|rest| rest.split_once('"').map(|(id, _)| id)).collect()
}

/// Every tag that is opened is closed, in order.
pub(super) fn assert_well_formed(page: &str) {
    let mut open = Vec::new();
    // A style sheet may hold '>'.
    let (head, rest) = page.split_once("<style>").expect("a style");
    let body = rest.split_once("</style>").expect("its end").1;
    for tag in format!("{head}{body}").split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
        match tag {
            _ if tag.starts_with('!') || tag.ends_with('/') || ["meta", "br", "img"].contains(&name) => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name.to_owned())),
            _ => open.push(name.to_owned()),
        }
    }
    assert!(open.is_empty(), "{open:?} left open");
}

#[test]
fn a_full_report_has_every_section_and_needs_nothing_else() {
    let page = html(&sample::report());
    assert_eq!(sections(&page), ["figures", "windows", "confusion", "pose", "training", "layers", "recipe"]);
    for id in sections(&page) {
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{id} is not in the contents");
    }
    // 3 examples × 5 rotations × 2 fields × before and after, the histogram, the curves.
    assert_eq!(page.matches("<svg ").count(), 62);
    assert_eq!(page.matches("aria-label=").count(), 62 + 2);
    for foreign in ["http://", "https://", "src=", "url(", "@import", "<script", "<link"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("✓ met") && page.contains("✗ not met") && page.contains("<dd>5 of 6</dd>"));
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert_well_formed(&page);
    assert_eq!(page, html(&sample::report()), "the same report gives the same page");
}

#[test]
fn an_empty_report_has_no_section() {
    let page = html(&Report::default());
    assert!(sections(&page).is_empty(), "{:?}", sections(&page));
    assert_well_formed(&page);
}

#[test]
fn an_unsupervised_run_has_no_confusion() {
    let unsupervised = Report { confusion_upright: vec![], confusion_rotated: vec![], ..sample::report() };
    assert!(!sections(&html(&unsupervised)).contains(&"confusion"));
    let half = Report { confusion_upright: vec![], ..sample::report() };
    let page = html(&half);
    assert!(sections(&page).contains(&"confusion"));
    assert_eq!(page.matches("class=\"matrix\"").count(), 1);
}

#[test]
fn text_from_outside_is_escaped_everywhere() {
    let evil = "<b>&\"'".to_owned();
    let mut report = sample::report();
    let Report { name, recipe_toml, metrics, fields, examples, classes, layers, curves, .. } = &mut report;
    for text in [name, recipe_toml]
        .into_iter()
        .chain(metrics.iter_mut().flat_map(|m| [&mut m.name, &mut m.meaning, &mut m.unit, &mut m.must]))
        .chain(fields.iter_mut().flat_map(|f| [&mut f.name, &mut f.unit]))
        .chain(
            examples
                .iter_mut()
                .flat_map(|e| e.turned.iter_mut().filter_map(|t| t.predicted.as_mut()).chain([&mut e.class])),
        )
        .chain(classes.iter_mut())
        .chain(layers.iter_mut().flat_map(|l| [&mut l.network, &mut l.operator, &mut l.output]))
        .chain(curves.iter_mut().map(|c| &mut c.name))
    {
        *text = evil.clone();
    }
    let page = html(&report);
    assert!(!page.contains("<b>&") && !page.contains("&\"'"));
    assert!(page.matches("&lt;b&gt;&amp;").count() > 60);
    assert_well_formed(&page);
}

#[test]
fn broken_numbers_never_reach_the_page() {
    let mut report = sample::report();
    let mut broken =
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, f32::MIN_POSITIVE, f32::MAX, -1.0].into_iter().cycle();
    let mut next = || broken.next().unwrap_or_default();
    report.rate_hz = next();
    report.pose_errors_deg.iter_mut().for_each(|e| *e = next());
    report.metrics.iter_mut().for_each(|m| m.value = f64::from(next()));
    report.fields.iter_mut().for_each(|f| f.per_count = next());
    report.curves.iter_mut().flat_map(|c| &mut c.points).for_each(|p| *p = (next(), next()));
    for turned in report.examples.iter_mut().flat_map(|e| &mut e.turned) {
        (turned.angle_deg, turned.confidence) = (next(), next());
        // A window cut short, and one not a whole number of samples.
        turned.before.truncate(7);
        turned.after.clear();
    }
    // Ragged matrices, fewer names than classes.
    report.confusion_upright = vec![vec![1], vec![], vec![0, u32::MAX, 3, 4]];
    report.confusion_rotated = vec![vec![]];
    report.classes.truncate(1);
    let page = html(&report);
    let visible = page.split_once("</style>").map_or("", |(_, body)| body);
    for word in [">NaN", ">inf", "\"NaN", "\"inf", "NaN%", "-2147483648", "2147483647"] {
        assert!(!visible.contains(word), "{word}");
    }
    assert_well_formed(&page);
}

#[test]
fn the_histogram_counts_every_error_once() {
    let sum = |h: &Histogram| h.counts.iter().sum::<u64>() + h.missing;
    let cases: [&[f32]; 8] = [
        &[],
        &[0.0],
        &[f32::NAN, f32::INFINITY],
        &[0.0, 1e-30, 1e-3, 0.1, 0.1, 1.0, 10.0, 180.0, f32::NAN],
        &[1.0; 9],
        &[1000.0, f32::MAX],
        &[-0.5, 0.5],
        &[180.0],
    ];
    for errors in cases {
        let histogram = Histogram::new(errors);
        assert_eq!(sum(&histogram), errors.len() as u64, "{errors:?}: {histogram:?}");
    }
    let errors = sample::report().pose_errors_deg;
    assert_eq!(sum(&Histogram::new(&errors)), errors.len() as u64);
    assert_eq!(Histogram::new(&[1.0, 3.0, 2.0, f32::NAN]).marks, Some((2.0, 3.0)));
    assert_eq!(Histogram::new(&[f32::NAN]).marks, None);
}

#[test]
fn canonical_rows_lie_together() {
    let report = sample::report();
    for example in &report.examples {
        let before = examples::scatter(&report, example, 0, |t| &t.before);
        let after = examples::scatter(&report, example, 0, |t| &t.after);
        assert!(before > 0.3 && after < 0.01, "{before} {after}");
    }
}
