//! What class codes and latents look like: maps of both, and samples that the decoder makes of them.

use crate::data::augment::deviate;
use crate::data::labelled::LabelledSet;
use crate::evaluate::equivae::{EquivaeFloat, EquivaeReadings};
use crate::method::EquivaeModel;
use crate::nn::grid::Extent;
use crate::report::grid::{self, Codes, Form, Panel, Sheet};
use burn::prelude::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Samples in a row.
const ACROSS: usize = 10;
/// How far v goes along one of its numbers, standard deviations of its prior.
const REACH: f32 = 2.0;
/// Rows of interpolations.
const WALKS: usize = 5;

/// A trained model and what draws it.
pub struct Drawn<'a> {
    /// The networks.
    pub model: &'a EquivaeModel,
    /// What they said.
    pub float: &'a EquivaeFloat,
    /// What the package said.
    pub readings: &'a EquivaeReadings,
    /// The samples.
    pub set: &'a LabelledSet,
    /// Where tensors live.
    pub device: &'a Device,
}

/// All panels; none of a classifier alone.
pub fn panels(name: &str, drawn: &Drawn<'_>) -> Vec<Panel> {
    if drawn.float.table.is_empty() {
        return Vec::new();
    }
    let mut panels = maps(name, drawn);
    let v = drawn.float.test.within.first().map_or(0, Vec::len);
    panels.extend([varied(name, drawn, v), exchanged(name, drawn), walks(name, drawn, v), samples(name, drawn, v)]);
    panels
}

/// r and v in two dimensions.
fn maps(name: &str, drawn: &Drawn<'_>) -> Vec<Panel> {
    let labels: Vec<usize> = drawn.set.test.iter().map(|sample| sample.label).collect();
    let [_, (codes, classes)] = &drawn.float.codes;
    let map = |title: String, codes: Vec<Vec<f32>>, labels: Vec<usize>| {
        grid::codes(&Codes { title, codes, labels, classes: drawn.set.classes.clone() })
    };
    let within = drawn.readings.test.iter().map(|reading| reading.within.clone()).collect();
    let mut panels = Vec::new();
    if !codes.is_empty() {
        panels.push(map(format!("r, means over samples of a class: {name}"), codes.clone(), classes.clone()));
    }
    panels.push(map(format!("v, integers of the test samples: {name}"), within, labels));
    panels
}

/// r fixed in each row, v along one of its numbers.
fn varied(name: &str, drawn: &Drawn<'_>, v: usize) -> Panel {
    let widest = spread(&drawn.float.test.within, v);
    let row = |(class, code): (&String, &Vec<f32>)| {
        let latents = (0..ACROSS).map(|at| {
            let mut latent = vec![0.0; v];
            latent[widest] = REACH * (2.0 * at as f32 / (ACROSS - 1) as f32 - 1.0);
            latent
        });
        (class.clone(), decoded(drawn, &vec![code.clone(); ACROSS], &latents.collect::<Vec<_>>()))
    };
    let rows = drawn.set.classes.iter().zip(&drawn.float.table).map(row).collect();
    let lead = "Each row has one class code. Along it, the number of v that differs most among the test samples goes from \
                two standard deviations of its prior below zero to two above; all others are zero.";
    panel(drawn, &format!("r fixed, v varied: {name}"), lead, rows)
}

/// v fixed in each row, r through all classes.
fn exchanged(name: &str, drawn: &Drawn<'_>) -> Panel {
    let rows = drawn.set.classes.iter().enumerate().filter_map(|(class, label)| {
        let at = drawn.set.test.iter().position(|sample| sample.label == class)?;
        let latents = vec![drawn.float.test.within[at].clone(); drawn.float.table.len()];
        let mut row = vec![drawn.set.test[at].counts.clone()];
        row.extend(decoded(drawn, &drawn.float.table, &latents));
        Some((label.clone(), row))
    });
    let lead = "Each row begins with a test sample. Behind it stands what the decoder makes of its v and each class code in \
                turn: what the samples of a row have in common is v.";
    panel(drawn, &format!("v fixed, r varied: {name}"), lead, rows.collect())
}

/// From one sample of a class to another, and from one class to the next.
fn walks(name: &str, drawn: &Drawn<'_>, v: usize) -> Panel {
    let of = |class: usize| drawn.set.test.iter().enumerate().filter(move |(_, sample)| sample.label == class);
    let between =
        |a: &[f32], b: &[f32], part: f32| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a + part * (b - a)).collect() };
    let part = |at: usize| at as f32 / (ACROSS - 1) as f32;
    let within = |at: usize| &drawn.float.test.within[at];
    let classes = drawn.set.classes.len();
    let mut rows: Vec<(String, Vec<Vec<i16>>)> = (0..classes.min(WALKS))
        .filter_map(|class| {
            let (from, to) = (of(class).next()?.0, of(class).nth(1)?.0);
            let latents: Vec<_> = (0..ACROSS).map(|at| between(within(from), within(to), part(at))).collect();
            let codes = vec![drawn.float.table[class].clone(); ACROSS];
            Some((format!("v, class {}", drawn.set.classes[class]), decoded(drawn, &codes, &latents)))
        })
        .collect();
    rows.extend((0..classes.min(WALKS)).map(|class| {
        let next = (class + 1) % classes;
        let [a, b] = [class, next].map(|class| &drawn.float.table[class]);
        let codes: Vec<_> = (0..ACROSS).map(|at| between(a, b, part(at))).collect();
        let name = format!("r, {} to {}", drawn.set.classes[class], drawn.set.classes[next]);
        (name, decoded(drawn, &codes, &vec![vec![0.0; v]; ACROSS]))
    }));
    let lead = "Above, from the v of one test sample to that of another of its class; below, from one class code to the \
                next, v being zero.";
    panel(drawn, &format!("Interpolations: {name}"), lead, rows)
}

/// v drawn from its prior.
fn samples(name: &str, drawn: &Drawn<'_>, v: usize) -> Panel {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let latents: Vec<Vec<f32>> = (0..ACROSS).map(|_| (0..v).map(|_| deviate(&mut rng)).collect()).collect();
    let row =
        |(class, code): (&String, &Vec<f32>)| (class.clone(), decoded(drawn, &vec![code.clone(); ACROSS], &latents));
    let rows = drawn.set.classes.iter().zip(&drawn.float.table).map(row).collect();
    let lead = "Samples of the model: each row has one class code, each column one v drawn from its prior.";
    panel(drawn, &format!("Prior samples: {name}"), lead, rows)
}

/// Which number of v differs most.
fn spread(within: &[Vec<f32>], v: usize) -> usize {
    let variance = |i: usize| {
        let mean = within.iter().map(|v| v[i]).sum::<f32>() / within.len().max(1) as f32;
        within.iter().map(|v| (v[i] - mean).powi(2)).sum::<f32>()
    };
    (0..v).max_by(|&a, &b| variance(a).total_cmp(&variance(b))).unwrap_or(0)
}

/// What the decoder makes of class codes and latents, in counts, channels inside.
fn decoded(drawn: &Drawn<'_>, codes: &[Vec<f32>], latents: &[Vec<f32>]) -> Vec<Vec<i16>> {
    let (units, Extent { channels, .. }) = (drawn.set.row_units(), drawn.set.extent);
    let counts = |numbers: Vec<f32>| {
        let places = numbers.len() / channels;
        let inside = (0..numbers.len()).map(|i| numbers[i % channels * places + i / channels]);
        inside.zip(units.iter().cycle()).map(|(number, unit)| (number / unit).round() as i16).collect()
    };
    drawn.model.decoded(codes, latents, drawn.device).into_iter().map(counts).collect()
}

fn panel(drawn: &Drawn<'_>, title: &str, lead: &str, rows: Vec<(String, Vec<Vec<i16>>)>) -> Panel {
    let columns = drawn.set.row_units().len();
    let form = if drawn.set.extent.channels == 1 { Form::Image } else { Form::Signal };
    grid::sheet(&Sheet { title: title.into(), lead: lead.into(), form, columns, rows })
}
