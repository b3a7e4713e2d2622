//! What `demo`, `train` and `export` share: a device, the data, and the way from a recipe to a run's files.

use crate::backend;
use crate::data::{CHANNELS, Dataset, recording, starts, wrist};
use crate::method::{Model, batch};
use crate::pipeline::{Measured, Split, fields, measure, package};
use crate::recipe::Recipe;
use crate::report::gather::{Gathered, gather};
use crate::run::{ALIGNED, CONFIG, METRICS, PACKAGE, REPORT, Run, metrics_json};
use crate::train::{Epoch, TrainError, Trained, WindowTask, align, load, train};
use anyhow::{Result, bail};
use burn::prelude::{Device, Module};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Stands for the recipe's own training samples, as recorded.
pub const RECORDED: &str = "recorded";

/// Set by Ctrl-C; training looks at it before every step.
static STOP: AtomicBool = AtomicBool::new(false);
/// How many trainings look at [`STOP`].
static TRAININGS: AtomicUsize = AtomicUsize::new(0);

/// From here on Ctrl-C ends training at the next step, and everything else at once.
fn listen() -> Result<()> {
    static LISTENING: OnceLock<Result<(), ctrlc::Error>> = OnceLock::new();
    let listening = LISTENING.get_or_init(|| {
        ctrlc::set_handler(|| {
            // Nor does the second Ctrl-C wait for the step to end.
            if STOP.swap(true, Ordering::Relaxed) || TRAININGS.load(Ordering::Relaxed) == 0 {
                std::process::exit(super::INTERRUPTED.into());
            }
        })
    });
    match listening {
        Ok(()) => Ok(()),
        Err(error) => bail!("cannot listen to Ctrl-C: {error}"),
    }
}

/// Runs a training that looks at its flag before every step, and stops at Ctrl-C. What the run's folder held goes away
/// first, unless it is to be resumed.
pub fn interruptible<T>(
    run: &Run,
    resume: bool,
    train: impl FnOnce(&AtomicBool) -> Result<T, TrainError>,
) -> Result<T> {
    listen()?;
    // What an earlier run left is not cleared for one that will not take place.
    if STOP.load(Ordering::Relaxed) {
        return Err(TrainError::NotBegun.into());
    }
    if !resume {
        run.clear()?;
    }
    let _counted = Counted::new();
    Ok(train(&STOP)?)
}

/// The same for what follows a training, which nothing resumes.
pub fn following<T>(run: &Run, train: impl FnOnce(&AtomicBool) -> Result<T, TrainError>) -> Result<T> {
    interruptible(run, false, |stop| {
        train(stop).map_err(|error| match error {
            TrainError::Interrupted { .. } => TrainError::Following,
            error => error,
        })
    })
}

/// One of [`TRAININGS`], panic or not.
struct Counted;

impl Counted {
    fn new() -> Self {
        TRAININGS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        TRAININGS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Ends every training at its next step, as Ctrl-C does.
pub fn stop() {
    STOP.store(true, Ordering::Relaxed);
}

/// Whether the interrupted command goes on with `--resume`.
pub fn is_resumable(error: &anyhow::Error) -> bool {
    !matches!(error.downcast_ref(), Some(TrainError::Following))
}

/// Whether this is no more than a training that was told to end.
pub fn is_interruption(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(TrainError::Interrupted { .. } | TrainError::NotBegun | TrainError::Following))
}

/// The device and the data that a command trains with.
pub struct Workshop {
    device: Device,
    dataset: Dataset,
}

/// A trained, packaged and measured run.
pub struct Finished {
    /// The weights and how they came about.
    pub trained: Trained<Model>,
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

    /// Names of the data's classes, in the order of their labels.
    pub fn classes(&self) -> &[String] {
        &self.dataset.classes
    }

    /// Trains a recipe in a run's folder, packages the result and measures it. What the folder held goes
    /// away once training has begun, unless it is to be resumed.
    pub fn train(&self, recipe: &Recipe, run: &Run, resume: bool) -> Result<Finished> {
        let split = Split::new(recipe, &self.dataset)?;
        let task = WindowTask::new(recipe, &self.dataset)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        self.finish(recipe, &run.name(), trained, split)
    }

    /// Packages a trained run again; with a `reference`, so that this file's windows are upright.
    pub fn export(&self, recipe: &Recipe, run: &Run, reference: Option<&Path>) -> Result<Finished> {
        let split = Split::new(recipe, &self.dataset)?;
        let upright = reference.map(|path| self.upright(recipe, path, &split)).transpose()?;
        let task = WindowTask::new(recipe, &self.dataset)?;
        let trained = load(&task, run.path(), &self.device)?;
        let trained = match upright {
            None => trained,
            Some(windows) => {
                let aligned = Run::at(run.file(ALIGNED));
                following(&aligned, |stop| align(&task, trained, &windows, &self.device, aligned.path(), stop))?
            }
        };
        self.finish(recipe, &run.name(), trained, split)
    }

    /// The windows of a file, on the recipe's grid, or those that the recipe trains with as recorded.
    fn upright(&self, recipe: &Recipe, path: &Path, split: &Split) -> Result<Vec<Vec<i16>>> {
        if path == Path::new(RECORDED) {
            return Ok(split.train.iter().map(|window| window.counts.clone()).collect());
        }
        let (length, hop) = (recipe.data.window, recipe.data.hop);
        let counts = recording::read(path, &fields(&self.dataset), length)?;
        let starts = starts(counts.len() / CHANNELS, length, hop);
        Ok(starts.map(|start| counts[start * CHANNELS..][..length * CHANNELS].to_vec()).collect())
    }

    /// Packages a trained model and measures it.
    pub fn finish(&self, recipe: &Recipe, name: &str, trained: Trained<Model>, split: Split) -> Result<Finished> {
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
        run.write(&[
            (CONFIG, recipe.to_toml().as_bytes()),
            (PACKAGE, &finished.package),
            (METRICS, format!("{}\n", metrics_json(metrics)).as_bytes()),
            (REPORT, crate::report::html(&report).as_bytes()),
        ])
    }
}
