//! `gimbal reproduce`.

use super::grids::GridWorkshop;
use super::train::Common;
use super::{DONE, jobs, table};
use crate::report::reproduce::{ReproducePage, html};
use crate::reproduce::experiment::{Experiment, Method, NAMES, Preset, experiment};
use crate::reproduce::measure::{Trial, rows};
use crate::reproduce::{figures, rows as comparison};
use crate::run::{Run, write_all};
use anyhow::{Result, bail};
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// The experiment, which is a recipe's name: rotated-digits, rotated-digits-small, reflected-digits-small,
    /// shifted-digits, shifted-beats or ring.
    name: String,
    /// How long to train: quick (minutes on two cores) or full (for a GPU).
    #[arg(long, default_value = "quick", value_enum)]
    preset: Preset,
    /// Trainings of each method, which differ in their seed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seeds: u64,
    /// Trainings at once [default: one a core, or one on a GPU].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Train these methods only, as the table names them.
    #[arg(long, value_delimiter = ';', value_name = "METHOD;…")]
    only: Vec<String>,
    /// The folder of data sets that `gimbal data fetch` fills.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub fn run(options: &Options) -> Result<u8> {
    let Some(mut experiment) = experiment(&options.name, options.preset)? else {
        bail!("there is no experiment `{}`; there are {}", options.name, NAMES.join(", "));
    };
    if options.seeds == 0 {
        bail!("--seeds 0 trains nothing");
    }
    let known: Vec<&str> = experiment.methods.iter().map(|method| method.name).collect();
    if let Some(unknown) = options.only.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("`{}` has no method `{unknown}`; it has {}", options.name, known.join("; "));
    }
    if !options.only.is_empty() {
        experiment.methods.retain(|method| options.only.iter().any(|name| name == method.name));
    }
    let folder = options.common.runs.join("reproduce");
    let trainings = trainings(options, &experiment)?;
    let at_once = jobs::at_once(options.jobs, &options.common.backend);
    eprintln!(
        "{} trainings, {} at a time, in {}",
        trainings.len(),
        at_once.min(trainings.len()),
        folder.join(experiment.name).display()
    );
    let mut trained = jobs::side_by_side(at_once, &trainings, |training| training.train(options))?.into_iter();
    let (mut all_rows, mut firsts) = (Vec::new(), Vec::new());
    for method in &experiment.methods {
        let trials: Vec<Trained> = trained.by_ref().take(options.seeds as usize).collect();
        let metrics: Vec<_> = trials.iter().map(|trial| trial.metrics.clone()).collect();
        all_rows.extend(rows(experiment.data, method, &metrics));
        firsts.extend(trials.into_iter().next().map(|trial| (method, trial)));
    }
    let page = ReproducePage { title: options.name.clone(), rows: all_rows, panels: panels(&firsts)? };
    let [json, report] = ["json", "html"].map(|kind| folder.join(format!("{}.{kind}", options.name)));
    write_all(&[
        (&json, format!("{}\n", comparison::json(&page.rows)?).as_bytes()),
        (&report, html(&page).as_bytes()),
    ])?;
    table::emit(&format!(
        "\n{}\nRows: {}\nReport: {}\n",
        comparison::text(&page.rows),
        json.display(),
        report.display()
    ))?;
    Ok(DONE)
}

/// A training of a method.
struct Training<'a> {
    workshop: GridWorkshop,
    method: &'a Method,
    run: Run,
}

/// A training and what it needs to be drawn.
struct Trained {
    workshop: GridWorkshop,
    trial: Trial,
    model: crate::method::GridModel,
    metrics: Vec<(&'static str, f64)>,
}

/// What is to be trained, method after method; data are loaded once for all that want them in the same way.
fn trainings<'a>(options: &Options, experiment: &'a Experiment) -> Result<Vec<Training<'a>>> {
    let mut trainings: Vec<Training> = Vec::new();
    for method in &experiment.methods {
        let words = method.name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let slug = words.collect::<Vec<_>>().join("-");
        for seed in 1..=options.seeds {
            let mut recipe = method.recipe.clone();
            recipe.training.seed = seed;
            let loaded = trainings.iter().find(|other| other.workshop.recipe().data == recipe.data);
            let workshop = match loaded {
                Some(other) => other.workshop.with(&recipe),
                None => GridWorkshop::new(&recipe, &options.common.backend, &options.data)?,
            };
            let path = options.common.runs.join("reproduce").join(experiment.name).join(format!("{slug}-{seed}"));
            trainings.push(Training { workshop, method, run: Run::at(path) });
        }
    }
    Ok(trainings)
}

impl Training<'_> {
    fn train(&self, options: &Options) -> Result<Trained> {
        let (trial, model) = self.workshop.trial(&self.run, options.common.resume)?;
        let metrics = trial.metrics(self.method, self.workshop.posed());
        Ok(Trained { workshop: self.workshop.clone(), trial, model, metrics })
    }
}

fn panels(firsts: &[(&Method, Trained)]) -> Result<Vec<crate::report::grid::Panel>> {
    let mut panels = Vec::new();
    let Some((method, first)) = firsts.first() else { return Ok(panels) };
    let posed = first.workshop.posed();
    if let Some((package, measured)) = &first.trial.packaged {
        panels.push(figures::gallery(package, &method.recipe, posed)?);
        let models: Vec<_> =
            firsts.iter().map(|(method, trained)| (method.name, &method.recipe, &trained.model)).collect();
        panels.extend(figures::errors(&models, posed, first.workshop.device()));
        panels.extend(figures::maps(measured, &method.recipe, posed));
    }
    Ok(panels)
}
