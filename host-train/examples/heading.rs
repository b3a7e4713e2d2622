//! The table of RESULTS.md, section "heading": frames for the exercises at the wrist, learned ones and others, each
//! supervised as `wrist` is and measured through core.
//!
//! `cargo run --release -p gimbal-train --example heading -- METHOD SEED` trains one row (minutes) and prints it.

use anyhow::{Context, Result, bail};
use gimbal_train::backend;
use gimbal_train::data::{CHANNELS, Dataset, wrist};
use gimbal_train::evaluate::device::Device;
use gimbal_train::evaluate::metrics::percentile;
use gimbal_train::evaluate::{Evaluation, evaluate, mirror, turn_about_gravity};
use gimbal_train::pipeline::{ROTATION_SEED, Split, measure, package};
use gimbal_train::recipe::{Pose, Recipe};
use gimbal_train::train::{WindowTask, train};
use std::sync::atomic::AtomicBool;

/// What one sample becomes, from the acceleration (g), the angular rate (rad/s) and the direction of gravity.
type Invariants = fn([f32; 3], [f32; 3], [f32; 3]) -> [f32; CHANNELS];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [method, seed] = &arguments[..] else { bail!("usage: heading METHOD SEED") };
    let mut recipe = Recipe::load("heading")?;
    recipe.training.seed = seed.parse().context("the seed is no number")?;
    let mut dataset = wrist::load()?;
    let invariants: Option<Invariants> = match &method[..] {
        "gravity" => None,
        "gravity-mirror" => {
            recipe.model.pose = Pose::GravityMirror;
            None
        }
        "so3" => {
            recipe.model.pose = Pose::So3;
            None
        }
        "augmented" => {
            recipe.model.pose = Pose::None;
            None
        }
        "level" => Some(level),
        "invariants" => Some(lengths),
        _ => bail!("there are `gravity`, `gravity-mirror`, `so3`, `augmented`, `level` and `invariants`"),
    };
    if let Some(invariants) = invariants {
        recipe.model.pose = Pose::None;
        // Nothing is left that a rotation would turn.
        recipe.augment.rotate = false;
        transform(&mut dataset, recipe.data.window, invariants);
    }
    let folder = tempfile::tempdir()?;
    let task = WindowTask::new(&recipe, &dataset)?;
    let trained = train(&task, &backend::device("flex")?, folder.path(), false, &AtomicBool::new(false))?;
    let split = Split::new(&recipe, &dataset)?;
    let package = package("heading", &recipe, &dataset, &trained.model, &split)?;
    let measured = measure(&package, &split, None)?;
    let mut core = Device::new(&package)?;
    let level = evaluate(&mut core, &split.test, &turn_about_gravity(&split.test, ROTATION_SEED))?;
    let mirrored = evaluate(&mut core, &split.test, &mirror(&split.test_turned))?;
    let accuracy = |of: Option<f64>| of.map_or_else(|| "–".into(), |accuracy| format!("{accuracy:.4}"));
    // Windows of numbers that do not turn are not turned.
    let rotated = |evaluation: &Evaluation| match invariants {
        Some(_) => evaluation.accuracy_upright(),
        None => evaluation.accuracy_rotated(),
    };
    let degrees = |errors: &[f32], part| match errors {
        [] => "–".into(),
        errors => format!("{:.3}", percentile(errors, part)),
    };
    println!(
        "| {method} | {seed} | {} | {} | {} | {} | {} / {} | {} / {} | {} | {} | {} |",
        accuracy(rotated(&measured.evaluation)),
        accuracy(measured.evaluation.accuracy_upright()),
        accuracy(rotated(&level)),
        // Nor mirrored: their channels are none of a vector's.
        accuracy(rotated(&mirrored)),
        degrees(&measured.evaluation.pose_errors_deg, 0.5),
        degrees(&measured.evaluation.pose_errors_deg, 0.95),
        degrees(&level.pose_errors_deg, 0.5),
        degrees(&level.pose_errors_deg, 0.95),
        mirrored.hand_errors,
        measured.evaluation.degenerate(),
        measured.metric("macs"),
    );
    Ok(())
}

/// Replaces each sample by numbers that do not turn. Gravity is the mean acceleration of the `length` samples around
/// the sample. Numbers that change their sign in a mirror are in the channels 0, 4 and 5, where the augmentation
/// mirrors them as it should; those in 3, 4 and 5 grow with the tempo.
fn transform(dataset: &mut Dataset, length: usize, invariants: Invariants) {
    let units = dataset.units_per_count;
    for recording in &mut dataset.recordings {
        let halves = |sample: &[i16; CHANNELS]| -> [[f32; 3]; 2] {
            std::array::from_fn(|half| std::array::from_fn(|i| f32::from(sample[3 * half + i]) * units[half]))
        };
        let samples: Vec<_> = recording.counts.iter().map(halves).collect();
        for (t, counts) in recording.counts.iter_mut().enumerate() {
            let around = &samples[t.saturating_sub(length / 2)..(t + length / 2).min(samples.len())];
            let sum: [f32; 3] = std::array::from_fn(|i| around.iter().map(|[a, _]| a[i]).sum());
            let [a, w] = samples[t];
            let numbers = invariants(a, w, sum.map(|x| x / norm(sum)));
            *counts = std::array::from_fn(|i| (numbers[i] / units[i / 3]).round() as i16);
        }
    }
}

/// In a frame of gravity and of each sample's own horizontal acceleration: that acceleration's length and its vertical
/// part, and all three parts of the angular rate.
fn level(a: [f32; 3], w: [f32; 3], up: [f32; 3]) -> [f32; CHANNELS] {
    let ahead: [f32; 3] = std::array::from_fn(|i| a[i] - dot(a, up) * up[i]);
    let length = norm(ahead);
    let ahead = ahead.map(|x| x / length.max(1e-3));
    [0.0, dot(a, up), length, dot(w, cross(up, ahead)), dot(w, ahead), dot(w, up)]
}

/// a·ω in units of g · 3 rad/s, ‖a‖ and ‖ω‖.
fn lengths(a: [f32; 3], w: [f32; 3], _: [f32; 3]) -> [f32; CHANNELS] {
    [dot(a, w) / 3.0, norm(a), 0.0, norm(w), 0.0, 0.0]
}

fn dot([a, b, c]: [f32; 3], [x, y, z]: [f32; 3]) -> f32 {
    a * x + b * y + c * z
}

fn cross([a, b, c]: [f32; 3], [x, y, z]: [f32; 3]) -> [f32; 3] {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

fn norm(v: [f32; 3]) -> f32 {
    dot(v, v).sqrt()
}
