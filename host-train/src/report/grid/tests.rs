//! All figures on one page.

use super::super::reproduce::{ReproducePage, html};
use super::super::tests::assert_well_formed;
use super::*;
use crate::reproduce::rows::Row;
use std::f32::consts::TAU;

/// A made-up digit: a hook, turned by an angle in degrees.
fn hook(side: usize, angle: f32) -> Vec<i16> {
    let (sin, cos) = angle.to_radians().sin_cos();
    let middle = (side as f32 - 1.0) / 2.0;
    let at = |i: usize| {
        let (x, y) = ((i % side) as f32 / middle - 1.0, (i / side) as f32 / middle - 1.0);
        let (x, y) = (cos * x + sin * y, cos * y - sin * x);
        let stem = (-40.0 * (x - 0.1).powi(2)).exp() * if y.abs() < 0.7 { 1.0 } else { 0.0 };
        let hook = (-30.0 * (y - 0.55 + 0.3 * x).powi(2)).exp() * if (-0.6..0.1).contains(&x) { 1.0 } else { 0.0 };
        (255.0 * (stem + hook).min(1.0)) as i16
    };
    (0..side * side).map(at).collect()
}

/// A beat of a made-up heart, `[140, 1]`, or a ring of electrodes around it, shifted by a share of the whole.
fn wave(columns: usize, shift: f32) -> Vec<i16> {
    let at = |i: usize| {
        let (t, electrode) = ((i / columns) as f32 / 140.0, (i % columns) as f32 / columns as f32);
        let phase = TAU * (t + if columns == 1 { shift } else { 0.0 });
        let place = TAU * (electrode + shift);
        let beat = (6.0 * (phase.cos() - 1.0)).exp() - 0.3 * (3.0 * phase).sin();
        (900.0 * beat * if columns == 1 { 1.0 } else { place.cos() }) as i16
    };
    (0..140 * columns).map(at).collect()
}

fn objects(form: Form, names: &[&str]) -> Gallery {
    let (columns, sample): (usize, fn(f32) -> Vec<i16>) = match form {
        Form::Image => (28, |share| hook(28, 360.0 * share)),
        Form::Signal => (1, |share| wave(1, share)),
        Form::Ring => (8, |share| wave(8, share)),
    };
    let view = |i: usize| View {
        moved: format!("{}°", 30 * i),
        input: sample(i as f32 / 12.0),
        canonical: sample(0.06 + 0.004 * (i as f32).sin()),
        confidence: 1.0 + 0.2 * (i as f32).cos(),
    };
    let object = |name: &&str| Object { name: (*name).to_owned(), views: (0..12).map(view).collect() };
    Gallery { title: format!("{form:?}s"), form, columns, objects: names.iter().map(object).collect() }
}

/// Ten clouds of codes on a circle.
fn clouds(number: usize) -> Codes {
    let code = |i: usize| {
        let (class, spin) = ((i % 10) as f32, i as f32 * 2.4);
        let (sin, cos) = (TAU * class / 10.0).sin_cos();
        let wide = ((i * 7919 % 997) as f32 / 997.0).sqrt();
        vec![4.0 * cos + wide * spin.cos(), 3.0 * sin + wide * spin.sin(), 0.3 * spin.sin(), 1.0]
    };
    Codes {
        title: "Codes".to_owned(),
        codes: (0..number).map(code).collect(),
        labels: (0..number).map(|i| i % 10).collect(),
        classes: ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
            .map(str::to_owned)
            .to_vec(),
    }
}

fn turned(number: usize) -> Vec<Posed> {
    let pose = |i: usize| {
        let angle = i as f32 * 137.5 % 360.0;
        let (sin, cos) = (angle + 6.0 * (i as f32).sin()).to_radians().sin_cos();
        let sure = 1.0 + 0.25 * (i as f32 * 0.7).sin();
        Posed { at: (sure * cos, sure * sin), angle_deg: angle }
    };
    (0..number).map(pose).collect()
}

fn methods() -> Vec<Errors> {
    let line = |name: &str, base: f32, hill: f32| Errors {
        name: name.to_owned(),
        points: (0..24).map(|i| 15.0 * i as f32).map(|a| (a, base + hill * (a / 2.0).to_radians().sin())).collect(),
    };
    vec![line("giae", 0.0158, 0.0002), line("classical", 0.017, 0.03), line("quotient", 0.0227, 0.001)]
}

fn row(method: &str, metric: &str, mean: f64, published: Option<f64>) -> Row {
    let [data, method, metric] = ["MNIST, rotated", method, metric].map(str::to_owned);
    Row { data, method, metric, mean, std: mean / 50.0, seeds: 3, published }
}

fn page() -> ReproducePage {
    let pose_errors: Vec<f32> = (1..2000).map(|i| 0.3 * ((i as f32 * 0.61).sin() * 2.0).exp()).collect();
    ReproducePage {
        title: "Rotated digits".to_owned(),
        rows: vec![
            row("classical autoencoder", "reconstruction error", 0.0170, Some(0.0170)),
            row("quotient autoencoder", "reconstruction error", 0.0227, Some(0.0227)),
            row("giae", "reconstruction error", 0.0158, Some(0.0162)),
            row("classical autoencoder", "5-NN accuracy", 0.684, Some(0.68)),
            row("quotient autoencoder", "5-NN accuracy", 0.817, Some(0.82)),
            row("giae", "5-NN accuracy", 0.912, Some(0.90)),
            row("giae, int8", "5-NN accuracy", 0.909, None),
        ],
        panels: vec![
            gallery(&objects(Form::Image, &["three", "seven"])),
            gallery(&objects(Form::Signal, &["normal beat"])),
            gallery(&objects(Form::Ring, &["fist"])),
            angle("Error over the angle", &methods()),
            codes(&clouds(4000)),
            poses("Poses", &turned(4000)),
            errors("Pose error", &pose_errors),
        ],
    }
}

#[test]
fn a_full_page_has_every_panel_and_needs_nothing_else() {
    let page = html(&page());
    assert_well_formed(&page);
    assert_eq!(page.matches("<section id=\"").count(), 8);
    assert_eq!(page.matches("<img ").count(), 2 * 12 * 3);
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), page.matches("src=").count());
    // Plots of signals, and a chart each of the other four.
    assert_eq!(page.matches("<svg ").count(), 2 * 12 + 4);
    for foreign in ["http://", "https://", "url(", "@import", "<script", "<link", "could not be drawn", ">NaN", "\"NaN"]
    {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("<b>0.0158 ± 0.0003</b>") && page.contains("<b>0.912 ± 0.018</b>"));
    assert!(!page.contains("<b>0.909"));
    assert!(page.contains("Drawn are 1500 of 4000."));
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert_eq!(page, html(&self::page()), "the same numbers give the same page");
    // For a person to look at.
    if let Ok(path) = std::env::var("GIMBAL_FIGURES_PAGE") {
        std::fs::write(path, &page).expect("the page is written");
    }
}

#[test]
fn ten_objects_at_twelve_angles_stay_small() {
    for form in [Form::Image, Form::Signal, Form::Ring] {
        let size = gallery(&objects(form, &["object"; 10])).body.len();
        assert!(size < 500_000, "{form:?}: {size} bytes");
    }
}

#[test]
fn a_runs_page_shows_panels_too() {
    let report = super::super::Report { panels: page().panels, ..Default::default() };
    let page = super::super::html(&report);
    assert_well_formed(&page);
    assert!(page.contains("<section id=\"panel-7\""));
}

#[test]
fn nothing_and_broken_numbers_make_a_page_all_the_same() {
    let nan = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0];
    let view = View { moved: String::new(), input: vec![1; 7], canonical: vec![], confidence: f32::NAN };
    let object = Object { name: String::new(), views: vec![view; 2] };
    let broken =
        |form| Gallery { form, columns: 3, objects: vec![object.clone(), Object::default()], ..Gallery::default() };
    let map = Codes {
        codes: vec![vec![], vec![1.0, f32::NAN], vec![2.0, 1.0], vec![1.0], vec![f32::MAX, f32::MIN]],
        labels: vec![0, 0, usize::MAX, 1, 2],
        ..Codes::default()
    };
    let panels = vec![
        gallery(&Gallery::default()),
        gallery(&broken(Form::Image)),
        gallery(&broken(Form::Signal)),
        gallery(&broken(Form::Ring)),
        angle("", &[]),
        angle("", &[Errors { name: "m".to_owned(), points: nan.iter().map(|v| (*v, *v)).collect() }]),
        codes(&Codes::default()),
        codes(&map),
        poses("", &[]),
        poses("", &nan.map(|v| Posed { at: (v, f32::MAX), angle_deg: v })),
        errors("", &[]),
        errors("", &nan),
    ];
    let count = panels.len();
    let rows = vec![row("m", "loss", f64::NAN, Some(f64::NAN))];
    let page = html(&ReproducePage { title: String::new(), rows, panels });
    assert_well_formed(&page);
    assert_eq!(page.matches("<section id=\"").count(), count + 1);
    for word in [">NaN", ">inf", "\"NaN", "\"inf", "MNaN", "Minf", "could not be drawn", "-2147483648", "2147483647"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(!html(&ReproducePage::default()).contains("<section"));
}

#[test]
fn text_from_outside_is_escaped_everywhere() {
    let evil = || "<b>&\"'".to_owned();
    let mut images = objects(Form::Image, &["x"]);
    (images.title, images.objects[0].name, images.objects[0].views[0].moved) = (evil(), evil(), evil());
    let signals = Gallery { form: Form::Signal, ..images.clone() };
    let map = Codes { title: evil(), classes: vec![evil(); 10], ..clouds(40) };
    let lines = [Errors { name: evil(), ..methods()[0].clone() }];
    let row = Row { data: evil(), method: evil(), metric: evil(), ..row("", "", 1.0, None) };
    let panels = vec![
        gallery(&images),
        gallery(&signals),
        codes(&map),
        angle(&evil(), &lines),
        poses(&evil(), &turned(9)),
        errors(&evil(), &[1.0]),
    ];
    let page = html(&ReproducePage { title: evil(), rows: vec![row], panels });
    for bare in ["<b>&\"", "&\"'"] {
        assert!(!page.contains(bare), "{:?}", page.split_once(bare).map(|(before, _)| &before[before.len() - 80..]));
    }
    assert!(page.matches("&lt;b&gt;&amp;").count() > 60);
    assert_well_formed(&page);
}
