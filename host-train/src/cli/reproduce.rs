//! `gimbal reproduce`.

mod grids;
mod labelled;
mod sets;
mod triples;
mod windows;

use super::grids::GridWorkshop;
use super::labelled::LabelledWorkshop;
use super::sets::SetWorkshop;
use super::train::Common;
use super::triples::TripleWorkshop;
use super::{DONE, jobs, table};
use crate::report::grid::Panel;
use crate::report::reproduce::{ReproducePage, html};
use crate::reproduce::experiment::{AnyExperiment, Experiment, Method, Preset, experiment, names};
use crate::reproduce::rows as comparison;
use crate::reproduce::rows::{Row, rows};
use crate::run::{Run, write_all};
use anyhow::{Result, bail};
use clap::Args;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use windows::WindowBench;

#[derive(Args)]
pub struct Options {
    /// The experiment, which is a recipe's name: wrist, rotated-digits, rotated-digits-small, reflected-digits,
    /// reflected-digits-small, quarter-digits, shifted-digits, shifted-beats, ring, digit-sets, tetris, solids,
    /// solids-mirror, solids-views, voxels, molecules, equivae, equivae-small, equivae-wrist or class-pose.
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
    /// The folder of data sets that `gimbal data fetch` fills [default: data]. Of class-pose, which generates its data, the
    /// data set to train on: sprites, color-shift, multi-sprites, chairs, rooms, chairs-symmetric or wrist
    /// [default: all].
    #[arg(long, value_name = "DIR|NAME")]
    data: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub fn run(options: &Options) -> Result<u8> {
    if options.seeds == 0 {
        bail!("--seeds 0 trains nothing");
    }
    match experiment(&options.name, options.preset)? {
        Some(AnyExperiment::Windows(experiment)) => reproduce::<WindowBench>(options, experiment),
        Some(AnyExperiment::Grids(experiment)) => reproduce::<GridWorkshop>(options, experiment),
        Some(AnyExperiment::Sets(experiment)) => reproduce::<SetWorkshop>(options, experiment),
        Some(AnyExperiment::Equivae(experiment)) => reproduce::<LabelledWorkshop>(options, experiment),
        Some(AnyExperiment::Triples(mut experiment)) => {
            triples::of_data(&mut experiment, options.data.as_deref())?;
            reproduce::<TripleWorkshop>(options, experiment)
        }
        None => {
            let known: Vec<&str> = names().collect();
            bail!("there is no experiment `{}`; there are {}", options.name, known.join(", "))
        }
    }
}

impl Options {
    /// The folder of data sets.
    fn folder(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new("data"))
    }
}

/// What trains, measures and draws the methods of an experiment: windows, grids, sets, labelled samples or triples.
trait Bench: Sized + Sync {
    /// What a method is trained by.
    type Recipe: Clone + Sync;
    /// A training and what it needs to be drawn.
    type Trained: Send;

    /// For a recipe of this seed; shares the data of others that want them in the same way.
    fn open(options: &Options, recipe: &Self::Recipe, seed: u64, others: &[&Self]) -> Result<Self>;

    /// Trains in a run's folder and measures.
    fn train(&self, run: &Run, resume: bool) -> Result<Self::Trained>;

    /// The metrics of the comparison.
    fn metrics(&self, trained: &Self::Trained) -> Vec<(&'static str, f64)>;

    /// What the first training of each method looks like.
    fn panels(all: &[Reproduced<'_, Self>]) -> Result<Vec<Panel>>;
}

/// A method, its first training and its rows.
struct Reproduced<'a, B: Bench> {
    method: &'a Method<B::Recipe>,
    bench: &'a B,
    trained: B::Trained,
    rows: Vec<Row>,
}

/// A training of a method.
struct Training<B> {
    bench: B,
    run: Run,
    /// Whether it is its method's first, which is drawn; of others only the metrics are kept.
    first: bool,
}

fn reproduce<B: Bench>(options: &Options, mut experiment: Experiment<B::Recipe>) -> Result<u8> {
    let known = experiment.method_names();
    if let Some(unknown) = options.only.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("`{}` has no method `{unknown}`; it has {}", options.name, known.join("; "));
    }
    if !options.only.is_empty() {
        experiment.methods.retain(|method| options.only.iter().any(|name| name == method.name));
    }
    let folder = options.common.runs.join("reproduce");
    let trainings = trainings::<B>(options, &experiment)?;
    let at_once = jobs::at_once(options.jobs, &options.common.backend);
    eprintln!(
        "{} trainings, {} at a time, in {}",
        trainings.len(),
        at_once.min(trainings.len()),
        folder.join(experiment.name).display()
    );
    let resume = options.common.resume;
    let trained = jobs::side_by_side(at_once, &trainings, |training| {
        let trained = training.bench.train(&training.run, resume)?;
        let metrics = training.bench.metrics(&trained);
        Ok((training.first.then_some(trained), metrics))
    })?;
    let mut all = Vec::new();
    let (mut trained, seeds) = (trained.into_iter(), options.seeds as usize);
    for (method, trainings) in experiment.methods.iter().zip(trainings.chunks(seeds)) {
        let (trials, metrics): (Vec<_>, Vec<_>) = trained.by_ref().take(seeds).unzip();
        let rows = rows(&experiment.data(method), method, &metrics);
        let first = trials.into_iter().next().flatten().zip(trainings.first());
        all.extend(first.map(|(trained, training)| Reproduced { method, bench: &training.bench, trained, rows }));
    }
    let page = ReproducePage {
        title: options.name.clone(),
        panels: B::panels(&all)?,
        rows: all.into_iter().flat_map(|reproduced| reproduced.rows).collect(),
    };
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

/// What is to be trained, method after method and seed after seed.
fn trainings<B: Bench>(options: &Options, experiment: &Experiment<B::Recipe>) -> Result<Vec<Training<B>>> {
    let mut trainings: Vec<Training<B>> = Vec::new();
    for method in &experiment.methods {
        let name = format!("{} {}", method.name, method.setting);
        let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let slug = words.collect::<Vec<_>>().join("-");
        for seed in 1..=options.seeds {
            let others: Vec<&B> = trainings.iter().map(|training| &training.bench).collect();
            let bench = B::open(options, &method.recipe, seed, &others)?;
            let path = options.common.runs.join("reproduce").join(experiment.name).join(format!("{slug}-{seed}"));
            trainings.push(Training { bench, run: Run::at(path), first: seed == 1 });
        }
    }
    Ok(trainings)
}
