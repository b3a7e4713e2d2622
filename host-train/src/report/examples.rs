//! Small multiples: one row a rotation, the window before on the left, after on the right.

use super::chart::Axis;
use super::page::Section;
use super::panel::{Panel, axes};
use super::text::{escape, rounded};
use super::{Example, FieldScale, Report, Turned};

pub(super) fn section(report: &Report) -> Option<Section> {
    let drawn = |example: &&Example| !example.turned.is_empty() && !report.fields.is_empty();
    let shown: Vec<&Example> = report.examples.iter().filter(drawn).collect();
    let body: String = shown.iter().map(|example| grid(report, example)).collect();
    (!shown.is_empty()).then(|| Section {
        id: "windows".into(),
        title: "Windows before and after".into(),
        lead:
            "Each row is the same movement with the sensor turned another way, by the angle at its left: before, the \
               three axes differ from row to row; after, they should not. Confidence is about 1 for a typical window \
               and falls towards 0 where the data no longer decide the pose."
                .to_owned(),
        body: format!(
            "<p class=\"legend\" aria-label=\"Colours\"><span class=\"x\">x</span><span class=\"y\">y</span>\
             <span class=\"z\">z</span></p>\n{body}"
        ),
    })
}

fn grid(report: &Report, example: &Example) -> String {
    let sides = ["As the turned sensor gave it", "After Gimbal"];
    let fields = &report.fields;
    let titles: String = (0..2).flat_map(|_| fields.iter().map(title)).collect();
    let heads = sides.map(|side| format!("<p class=\"side\" style=\"grid-column:span {}\">{side}</p>", fields.len()));
    let axes: Vec<_> = (0..fields.len()).map(|field| axes(report, example, field)).collect();
    let last = example.turned.len().saturating_sub(1);
    let rows: String =
        example.turned.iter().enumerate().map(|(i, turned)| row(report, example, turned, &axes, i == last)).collect();
    let class = match example.class.as_str() {
        "" => String::new(),
        class => format!("<h3>{}</h3>\n", escape(class)),
    };
    format!(
        "<div class=\"example\">{class}<p class=\"spread\">{}</p>\n<div class=\"scroll\">\
         <div class=\"grid\" style=\"grid-template-columns:7.5rem repeat({},minmax(12.5rem,1fr))\">\
         <span></span>{}<span></span>{titles}\n{rows}</div></div></div>\n",
        spread(report, example),
        2 * fields.len(),
        heads.concat(),
    )
}

/// A rotation's caption and panels; the last row carries the time axes.
fn row(report: &Report, example: &Example, turned: &Turned, axes: &[(Axis, Axis)], last: bool) -> String {
    let mut html = caption(example, turned);
    for (side, counts) in [("Before", &turned.before), ("After", &turned.after)] {
        for (field, axes) in axes.iter().enumerate() {
            let label = format!("{side} Gimbal, turned {}", degrees(turned.angle_deg));
            html.push_str(&Panel { report, field, counts, axes, last, label }.draw());
        }
    }
    html + "\n"
}

fn title(field: &FieldScale) -> String {
    let unit = if field.unit.is_empty() { String::new() } else { format!(", {}", escape(&field.unit)) };
    format!("<p class=\"field\">{}{unit}</p>", escape(&field.name))
}

fn degrees(angle: f32) -> String {
    match angle.is_finite() {
        true => format!("{angle:.0}°"),
        false => "—".to_owned(),
    }
}

/// What stands at the left of a row.
fn caption(example: &Example, turned: &Turned) -> String {
    let read = match &turned.predicted {
        None => String::new(),
        Some(class) if *class == example.class => format!("<span class=\"met\">✓ {}</span>", escape(class)),
        Some(class) => format!("<span class=\"missed\">✗ {}</span>", escape(class)),
    };
    let confidence = match turned.confidence.is_finite() {
        true => format!("{:.2}", turned.confidence),
        false => "—".to_owned(),
    };
    format!(
        "<p class=\"row\"><b>{}</b><span class=\"faint\">confidence {confidence}</span>{read}</p>",
        degrees(turned.angle_deg),
    )
}

/// The same in numbers: how far the rows are from their mean, before and after.
fn spread(report: &Report, example: &Example) -> String {
    let one = |(i, field): (usize, &FieldScale)| {
        let rms = |side: fn(&Turned) -> &[i16]| rounded(scatter(report, example, i, side), 3);
        let (before, after) = (rms(|t| &t.before), rms(|t| &t.after));
        format!("{} <b>{before}</b> → <b>{after}</b> {}", escape(&field.name), escape(&field.unit))
    };
    let fields: Vec<String> = report.fields.iter().enumerate().map(one).collect();
    format!("Root mean square distance of the rows from their mean: {}.", fields.join("; "))
}

/// RMS over rows, samples and axes of one field, in its unit. Not finite where there is nothing.
pub(super) fn scatter(report: &Report, example: &Example, field: usize, side: fn(&Turned) -> &[i16]) -> f64 {
    let channels = 3 * report.fields.len();
    let value = |counts: &[i16], at: usize| f64::from(*counts.get(at).unwrap_or(&0));
    let rows: Vec<&[i16]> = example.turned.iter().map(side).collect();
    let samples = rows.iter().map(|counts| counts.len() / channels).min().unwrap_or(0);
    let (mut sum, mut number) = (0.0, 0.0);
    for at in (0..samples).flat_map(|t| (0..3).map(move |axis| t * channels + 3 * field + axis)) {
        let mean = rows.iter().map(|counts| value(counts, at)).sum::<f64>() / rows.len() as f64;
        sum += rows.iter().map(|counts| (value(counts, at) - mean).powi(2)).sum::<f64>();
        number += rows.len() as f64;
    }
    (sum / number).sqrt() * report.fields.get(field).map_or(f64::NAN, |field| f64::from(field.per_count))
}
