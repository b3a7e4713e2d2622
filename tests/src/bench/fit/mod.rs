//! What everything takes that kernels do, fitted: the costs with which `gimbal inspect --target` predicts.
//!
//! ```text
//! package (layers of many shapes) ─► measure ─► instructions ─┐
//!    └─► inspect::counts ─────────────────────────────────────┴─► solve ─► host-train/src/inspect/costs.toml
//! ```
//!
//! Every operator of the packages is measured, those that feed the layers too. Each error counts by its share
//! of what the layer takes, so that small layers matter as much as large ones.

pub mod package;
pub mod sets;
pub mod solve;

use super::{here, measure, package::benchmark};
use anyhow::{Context, Result};
use gimbal_core::Model;
use gimbal_train::inspect::cost::{Coefficients, Costs, cost, parse};
use gimbal_train::inspect::counts::{self, Counts};
use gimbal_train::simulate::{Target, Vectors};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// A step that was measured.
#[derive(Clone, Debug)]
struct Sample {
    counts: Counts,
    instructions: f64,
}

/// How well a kind of step is predicted.
#[derive(Clone, Debug)]
pub struct Quality {
    /// The kind: `conv i8`.
    pub kind: String,
    /// Steps that were measured.
    pub samples: usize,
    /// Mean of their errors, in percent.
    pub mean: f64,
    /// The largest error, in percent.
    pub worst: f64,
}

/// Measures, fits and writes the costs of a processor; those of others stay. If `new`, so do those of its kinds of steps
/// that have costs, and only packages with other steps are measured.
///
/// # Errors
/// As [`measure::layers`], and where the file cannot be read or written.
pub fn fit(target: Target, new: bool) -> Result<Vec<Quality>> {
    let mut all = load()?;
    let costs = all.entry(target.name().into()).or_default();
    if !new {
        costs.clear();
    }
    let mut samples = samples(target, costs)?;
    samples.retain(|sample| !costs.contains_key(&sample.counts.kind));
    let kinds: BTreeSet<&str> = samples.iter().map(|sample| &*sample.counts.kind).collect();
    let of_kind = |kind: &str| samples.iter().filter(|sample| sample.counts.kind == kind).collect::<Vec<_>>();
    costs.extend(kinds.iter().map(|kind| ((*kind).into(), coefficients(&of_kind(kind)))));
    let qualities = kinds.iter().map(|kind| quality(kind, &of_kind(kind), costs)).collect::<Result<_>>()?;
    let path = path();
    fs::write(&path, text(&all)).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(qualities)
}

/// Every step of every package that has a step without costs.
fn samples(target: Target, known: &Costs) -> Result<Vec<Sample>> {
    let table = benchmark();
    let mut samples = vec![];
    for (package, window) in package::packages().into_iter().chain([(table.package, table.window)]) {
        let model = Model::from_bytes(&package)?;
        let operators = model.operators().map(|operator| counts::operator(&model, &operator));
        let steps: Option<Vec<Counts>> = operators.chain([Some(counts::canonicalize(&model))]).collect();
        let steps = steps.context("an operator has no tensors")?;
        if steps.iter().all(|step| known.contains_key(&step.kind)) {
            continue;
        }
        let run = measure::run(target, &package, &Vectors::compute(&package, &[window])?)?;
        let counted = run.operators.iter().chain([&run.canonicalize]);
        samples.extend(
            steps
                .into_iter()
                .zip(counted)
                .map(|(counts, counted)| Sample { counts, instructions: counted.instructions as f64 }),
        );
    }
    Ok(samples)
}

/// The costs of a kind of step.
fn coefficients(samples: &[&Sample]) -> Coefficients {
    let names: BTreeSet<&String> = samples.iter().flat_map(|sample| sample.counts.counts.keys()).collect();
    let share = |sample: &Sample, name: &String| sample.counts.counts.get(name).unwrap_or(&0.0) / sample.instructions;
    let rows: Vec<Vec<f64>> =
        samples.iter().map(|sample| names.iter().map(|name| share(sample, name)).collect()).collect();
    let costs = solve::nonnegative(&rows);
    // As many digits as the file has.
    let rounded = costs.into_iter().map(|cost| (cost * 1000.0).round() / 1000.0);
    names.into_iter().cloned().zip(rounded).filter(|(_, cost)| *cost > 0.0).collect()
}

fn quality(kind: &str, samples: &[&Sample], costs: &Costs) -> Result<Quality> {
    let error = |sample: &&Sample| {
        let predicted = cost(costs, &sample.counts)? as f64;
        Ok(100.0 * (predicted / sample.instructions - 1.0).abs())
    };
    let errors = samples.iter().map(error).collect::<Result<Vec<f64>>>()?;
    Ok(Quality {
        kind: kind.into(),
        samples: errors.len(),
        mean: errors.iter().sum::<f64>() / errors.len() as f64,
        worst: errors.iter().copied().fold(0.0, f64::max),
    })
}

// ---- The file ----------------------------------------------------------------------------------------

fn path() -> PathBuf {
    here().with_file_name("host-train").join("src/inspect/costs.toml")
}

fn load() -> Result<BTreeMap<String, Costs>> {
    let path = path();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

/// As `parse` reads it, a line for each kind of step.
fn text(costs: &BTreeMap<String, Costs>) -> String {
    let mut text = String::from("# Instructions for each thing that a kernel does. Written by `tests/bench fit`.\n");
    for (target, kinds) in costs {
        // Writing to a string cannot fail.
        _ = write!(text, "\n[{target}]\n");
        for (kind, costs) in kinds {
            let costs: Vec<String> = costs.iter().map(|(name, cost)| format!("{name:?} = {cost}")).collect();
            _ = writeln!(text, "{kind:?} = {{ {} }}", costs.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let costs = load().unwrap();
        assert_eq!(parse(&text(&costs)).unwrap(), costs);
    }
}
