//! All figures on one page.

use super::super::grid::{Codes, Panel, codes, errors};
use super::super::reproduce::{ReproducePage, html};
use super::super::tests::assert_well_formed;
use super::*;

/// A made-up solid of `elements` points, turned about the third axis.
fn form(name: &str, elements: usize) -> Form {
    let point = |i: usize, angle: f32| {
        let (sin, cos) = (2.4 * i as f32 + angle).sin_cos();
        [cos, 0.5 * sin, i as f32 / elements as f32 - 0.5]
    };
    let view = |turn: usize| View {
        given: (0..elements).map(|i| point(i, turn as f32)).collect(),
        canonical: (0..elements).map(|i| point(i, 0.01 * turn as f32)).collect(),
        order: if elements < 10 { (0..elements).rev().collect() } else { Vec::new() },
    };
    Form { name: name.to_owned(), views: (0..6).map(view).collect() }
}

fn lines() -> Curves {
    let line = |name: &str, end: f32| Line {
        name: name.to_owned(),
        points: [2.0, 4.0, 8.0, 16.0].map(|x: f32| (x, end * (1.0 - 1.0 / x))).to_vec(),
    };
    Curves {
        title: "Set accuracy".to_owned(),
        lead: "Of all sets.".to_owned(),
        x: "code".to_owned(),
        y: "set accuracy".to_owned(),
        lines: vec![line("giae", 1.0), line("classical", 0.2)],
    }
}

/// A made-up molecule of a carbon atom and what is around it.
fn molecule() -> Molecule {
    let atoms = |angle: f32| -> Vec<Atom> {
        let place = |i: usize| [(angle + i as f32).cos(), (angle + i as f32).sin(), 0.1 * i as f32];
        let around = (0..5).map(|kind| Atom { place: place(kind), kind });
        around.chain([Atom { place: [0.0; 3], kind: 1 }]).collect()
    };
    Molecule { given: atoms(1.0), canonical: atoms(0.0), reconstructed: atoms(0.1) }
}

fn panels() -> Vec<Panel> {
    let title = || "Canonical sets".to_owned();
    vec![
        forms(&Forms { title: title(), forms: vec![form("bar", 4), form("corner", 4)] }),
        forms(&Forms { title: title(), forms: vec![form("torus", 64)] }),
        molecules(&Molecules { title: "Molecules".to_owned(), molecules: vec![molecule(), molecule()] }),
        codes(&Codes { codes: (0..80).map(|i| vec![(i % 8) as f32, 0.1 * i as f32]).collect(), ..Codes::default() }),
        errors("Pose error", &[0.1, 0.2, 0.3]),
        curves(&lines()),
    ]
}

#[test]
fn a_full_page_has_every_panel_and_needs_nothing_else() {
    let page = html(&ReproducePage { title: "tetris".to_owned(), rows: Vec::new(), panels: panels() });
    assert_well_formed(&page);
    assert_eq!(page.matches("<section id=\"").count(), 6);
    // Three pictures a view, six views a form; three a molecule; a chart each of curves and errors. Codes without labels
    // have none.
    assert_eq!(page.matches("<svg ").count(), 3 * 3 * 6 + 3 * 2 + 2);
    for foreign in ["http://", "https://", "url(", "@import", "<script", "<link", "could not be drawn", ">NaN", "\"NaN"]
    {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.len() < 200_000, "{} bytes", page.len());
    // For a person to look at.
    if let Ok(path) = std::env::var("GIMBAL_FIGURES_PAGE") {
        std::fs::write(path, &page).expect("the page is written");
    }
}

#[test]
fn nothing_and_broken_numbers_make_a_page_all_the_same() {
    let nan = [f32::NAN, f32::INFINITY, 0.0];
    let view = View { given: vec![nan, [0.0; 3]], canonical: Vec::new(), order: vec![7, 0] };
    let broken = Form { name: String::new(), views: vec![view, View::default()] };
    let odd = Molecule {
        given: vec![Atom { place: nan, kind: 1 }, Atom { place: [0.0; 3], kind: 7 }],
        ..Molecule::default()
    };
    let line = Line { name: String::new(), points: vec![(f32::NAN, 1.0), (1.0, f32::INFINITY), (3.0, 3.0)] };
    let panels = vec![
        forms(&Forms::default()),
        forms(&Forms { title: String::new(), forms: vec![broken, Form::default()] }),
        molecules(&Molecules { title: String::new(), molecules: vec![odd, Molecule::default()] }),
        curves(&Curves::default()),
        curves(&Curves { lines: vec![line], ..Curves::default() }),
    ];
    let page = html(&ReproducePage { title: String::new(), rows: Vec::new(), panels });
    assert_well_formed(&page);
    for word in [">NaN", ">inf", "\"NaN", "\"inf", "MNaN", "Minf", "could not be drawn", "2147483647"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn text_from_outside_is_escaped_everywhere() {
    let evil = || "<b>&\"'".to_owned();
    let mut drawn = lines();
    (drawn.title, drawn.lead, drawn.x, drawn.y, drawn.lines[0].name) = (evil(), evil(), evil(), evil(), evil());
    let panels = vec![forms(&Forms { title: evil(), forms: vec![form(&evil(), 4)] }), curves(&drawn)];
    let page = html(&ReproducePage { title: evil(), rows: Vec::new(), panels });
    for bare in ["<b>&\"", "&\"'"] {
        assert!(!page.contains(bare), "{:?}", page.split_once(bare).map(|(before, _)| &before[before.len() - 80..]));
    }
    assert_well_formed(&page);
}
