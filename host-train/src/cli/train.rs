//! `gimbal train`.

use super::{DONE, table};
use crate::backend;
use crate::data::{Dataset, wrist};
use crate::method::batch;
use crate::pipeline::{Measured, Split, measure, package};
use crate::recipe::Recipe;
use crate::report::gather::{Gathered, gather};
use crate::run::{CHECKPOINT, CONFIG, PACKAGE, REPORT, Run};
use crate::train::{Epoch, Trained, train};
use anyhow::{Context, Result, bail};
use burn::prelude::{Device, Module};
use clap::Args;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by Ctrl-C; training looks at it before every step.
static STOP: AtomicBool = AtomicBool::new(false);
/// Whether anything looks at [`STOP`].
static TRAINING: AtomicBool = AtomicBool::new(false);

/// What training runs on and where its results go.
#[derive(Args, Clone)]
pub struct Common {
    /// Where tensors live, among the backends compiled in.
    #[arg(long, default_value = "flex", value_name = "NAME")]
    pub backend: String,
    /// The folder that holds all runs.
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub runs: PathBuf,
    /// Go on after the last finished epoch of an interrupted run.
    #[arg(long)]
    pub resume: bool,
}

#[derive(Args)]
pub struct Options {
    /// A recipe's name, as `gimbal recipes` lists them, or the path of a recipe's file.
    recipe: String,
    /// The run's name [default: the recipe's].
    #[arg(long)]
    name: Option<String>,
    /// Replace the run if it exists.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    #[command(flatten)]
    common: Common,
}

pub fn run(options: &Options) -> Result<u8> {
    let recipe = Recipe::load(&options.recipe)?;
    let name = match &options.name {
        Some(name) => name.clone(),
        None => PathBuf::from(&options.recipe)
            .file_stem()
            .context("the recipe has no name; give --name")?
            .to_string_lossy()
            .into(),
    };
    let run = Run::at(options.common.runs.join(name));
    let exists = run.file(CHECKPOINT).exists();
    if exists && !options.common.resume && !options.overwrite {
        bail!(
            "{} holds a run already; go on with --resume, replace it with --overwrite, or choose another --name",
            run.path().display()
        );
    }
    let workshop = Workshop::new(&options.common.backend)?;
    let finished = workshop.train(&recipe, &run, options.common.resume)?;
    workshop.publish_alone(&recipe, &run, &finished)?;
    let (figures, _) = table::figures(&finished.measured.metrics, false);
    table::emit(&format!("{figures}\nReport: {}\n", run.file(REPORT).display()))?;
    Ok(DONE)
}

/// From here on Ctrl-C ends training at the next step, and everything else at once.
fn listen() -> Result<()> {
    static LISTENING: OnceLock<Result<(), ctrlc::Error>> = OnceLock::new();
    let listening = LISTENING.get_or_init(|| {
        ctrlc::set_handler(|| {
            // Nor does the second Ctrl-C wait for the step to end.
            if STOP.swap(true, Ordering::Relaxed) || !TRAINING.load(Ordering::Relaxed) {
                std::process::exit(super::INTERRUPTED.into());
            }
        })
    });
    match listening {
        Ok(()) => Ok(()),
        Err(error) => bail!("cannot listen to Ctrl-C: {error}"),
    }
}

/// The device and the data that a command trains with.
pub struct Workshop {
    device: Device,
    dataset: Dataset,
}

/// A trained, packaged and measured run.
pub struct Finished {
    /// The weights and how they came about.
    pub trained: Trained,
    /// The package.
    pub package: Vec<u8>,
    /// Its figures.
    pub measured: Measured,
    /// The windows that it was measured on.
    pub split: Split,
}

impl Workshop {
    /// Opens the backend and loads the data.
    pub fn new(backend: &str) -> Result<Self> {
        Ok(Self { device: backend::device(backend)?, dataset: wrist::load()? })
    }

    /// Trains a recipe in a run's folder, packages the result and measures it. What the folder held goes
    /// away once training has begun, unless it is to be resumed.
    pub fn train(&self, recipe: &Recipe, run: &Run, resume: bool) -> Result<Finished> {
        let split = Split::new(recipe, &self.dataset)?;
        listen()?;
        if !resume {
            run.clear()?;
        }
        TRAINING.store(true, Ordering::Relaxed);
        let trained = train(recipe, &self.dataset, &self.device, run.path(), resume, &STOP);
        TRAINING.store(false, Ordering::Relaxed);
        self.finish(recipe, &run.name(), trained?, split)
    }

    /// Packages a trained model and measures it.
    pub fn finish(&self, recipe: &Recipe, name: &str, trained: Trained, split: Split) -> Result<Finished> {
        let package = package(name, recipe, &self.dataset, &trained.model, &split)?;
        let units = batch::units(recipe, &self.dataset);
        let mut measured = measure(&package, &split, Some((&trained.model, units, &self.device)))?;
        measured.metrics.push(("parameters".into(), trained.model.num_params() as f64));
        Ok(Finished { trained, package, measured, split })
    }

    /// Writes a finished run's files, with its own figures and losses.
    pub fn publish_alone(&self, recipe: &Recipe, run: &Run, finished: &Finished) -> Result<()> {
        let histories = [("training", &finished.trained.history[..])];
        self.publish(recipe, run, finished, &finished.measured.metrics, &histories)
    }

    /// Writes a finished run's files; `metrics` and `histories` may hold more than its own.
    pub fn publish(
        &self,
        recipe: &Recipe,
        run: &Run,
        finished: &Finished,
        metrics: &[(String, f64)],
        histories: &[(&str, &[Epoch])],
    ) -> Result<()> {
        let report = gather(&Gathered {
            name: &run.name(),
            recipe,
            dataset: &self.dataset,
            package: &finished.package,
            split: &finished.split,
            evaluation: &finished.measured.evaluation,
            metrics,
            histories,
        })?;
        run.write(CONFIG, recipe.to_toml().as_bytes())?;
        run.write(PACKAGE, &finished.package)?;
        run.write_metrics(metrics)?;
        run.write(REPORT, crate::report::html(&report).as_bytes())
    }

    /// The data.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }
}
