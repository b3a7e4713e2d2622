//! `gimbal demo`: the whole road in one command.

use super::train::Common;
use super::workshop::{Finished, Workshop};
use super::{DONE, NO, simulate, table};
use crate::recipe::Recipe;
use crate::run::{REPORT, Run};
use crate::simulate::{Missing, Target};
use anyhow::Result;
use clap::Args;
use std::time::Instant;

/// Windows in each simulation.
const SIMULATED: usize = 16;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    common: Common,
    /// Leave out the emulated microcontrollers.
    #[arg(long)]
    skip_simulation: bool,
}

pub fn run(options: &Options) -> Result<u8> {
    let run = Run::at(options.common.runs.join("demo"));
    let workshop = Workshop::new(&options.common.backend)?;
    let start = Instant::now();
    let train = |recipe: &str, run: &Run| -> Result<(Recipe, Finished)> {
        eprintln!("training `{recipe}` in {}", run.path().display());
        let recipe = Recipe::load(recipe)?;
        let finished = workshop.train(&recipe, run, options.common.resume)?;
        Ok((recipe, finished))
    };
    let (recipe, main) = train("wrist", &run)?;
    let beside = [("unsupervised", "wrist-unsupervised"), ("classical", "wrist-classical")];
    let mut others = Vec::new();
    for (folder, recipe) in beside {
        let run = Run::at(run.path().join(folder));
        let (recipe, finished) = train(recipe, &run)?;
        workshop.publish_alone(&recipe, &run, &finished)?;
        others.push(finished);
    }
    let [unsupervised, classical] = &others[..] else { unreachable!("two recipes were trained") };

    let mut metrics: Vec<(String, f64)> =
        main.measured.metrics.iter().filter(|(name, _)| name != "reconstruction_mse").cloned().collect();
    let mut note = |name: &str, value: f64| metrics.push((name.to_owned(), value));
    note("reconstruction_mse", unsupervised.measured.metric("reconstruction_mse"));
    note("reconstruction_mse_classical", classical.measured.metric("reconstruction_mse"));
    note("knn_accuracy_unsupervised", unsupervised.measured.metric("knn_accuracy"));
    note("knn_accuracy_classical", classical.measured.metric("knn_accuracy"));
    note("training_seconds", start.elapsed().as_secs_f64().round());
    if !options.skip_simulation {
        simulate_all(&main.package, &mut note)?;
    }
    let runs = [("wrist", &main), ("unsupervised", unsupervised), ("classical", classical)];
    let histories = runs.map(|(name, finished)| (name, &finished.trained.history[..]));
    workshop.publish(&recipe, &run, &main, &metrics, &histories)?;
    let (figures, met) = table::figures(&metrics, true);
    table::emit(&format!("{figures}\nReport: {}\n", run.file(REPORT).display()))?;
    Ok(if met { DONE } else { NO })
}

/// Compares the device with the host on every emulated core. A missing emulator is no failure of the
/// model, so it is said and its figures are left out.
fn simulate_all(package: &[u8], note: &mut impl FnMut(&str, f64)) -> Result<()> {
    for (target, golden) in [(Target::M4, "golden_m4"), (Target::M3, "golden_m3"), (Target::M0, "golden_m0")] {
        eprintln!("comparing {SIMULATED} windows on {target} with the host");
        match simulate::golden(package, target, SIMULATED) {
            Ok(simulation) => {
                note(golden, f64::from(u8::from(simulation.success)));
                if target == Target::M4 {
                    note("text_bytes_m4", simulation.text_bytes as f64);
                }
            }
            Err(error) if error.is::<Missing>() => {
                eprintln!("not simulated: {error:#}");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
