//! The training loop.
//!
//! All randomness of an epoch comes from (seed, epoch), so a run that was stopped and resumed
//! takes exactly the steps of one that was not, and a seed decides every bit of the weights on a
//! given backend.

mod align;
mod checkpoint;
mod delta;
mod grids;
mod labelled;
mod mean;
mod progress;
mod sets;
mod triples;
mod windows;

pub use align::{Upright, align};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use delta::DeltaTask;
pub use grids::GridTask;
pub use labelled::LabelledTask;
pub use sets::SetTask;
pub(crate) use triples::images;
pub use triples::{DecodeTask, TripleTask};
pub use windows::WindowTask;

use crate::method::Loss;
use crate::recipe::TrainingSection;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why training ended without a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The interrupt flag was set.
    #[error("Training was interrupted after epoch {epoch} of {epochs}.")]
    Interrupted {
        /// Epochs finished and saved.
        epoch: usize,
        /// Epochs wanted.
        epochs: usize,
    },
    /// The interrupt flag was set before the first step.
    #[error("Training was interrupted before it began.")]
    NotBegun,
    /// A loss was no number.
    #[error("The loss stopped being a number in epoch {epoch}; a lower learning rate may help.")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: usize,
    },
    /// The interrupt flag was set while something learned that follows training.
    #[error(
        "What follows training was interrupted. The trained networks are kept; the same command, of `train` and `reproduce` with --resume, does it again."
    )]
    Following,
    /// No recording is long enough, or no subject is left to train on.
    #[error("The recipe leaves no window to train on.")]
    NoWindows,
    /// The recipe's networks or groups do not fit the samples.
    #[error("{0}")]
    Shape(String),
    /// The samples are not what the recipe needs.
    #[error("The data set cannot be trained on: {0}.")]
    Samples(String),
    /// Samples that shall be upright have no mean pose.
    #[error(
        "The poses of these samples have no mean: the recipe has no ψ whose poses are angles or rotations of space, or they cancel out."
    )]
    NoMean,
    /// The checkpoint could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// The mean losses of one epoch, before weighting.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The weighted sum that was minimized.
    pub loss: f32,
    /// Mean squared error, network units squared; 0 without a decoder.
    pub reconstruction: f32,
    /// Cross-entropy, nats; 0 without a class head.
    pub class: f32,
}

/// What the loop needs of a method: its networks, its batches and its loss.
pub trait Task {
    /// The networks.
    type Model: Module;
    /// Samples of one step.
    type Batch;

    /// The recipe as TOML, which the checkpoint keeps.
    fn recipe(&self) -> String;

    /// Whether a checkpoint's recipe gives the same weights.
    fn trains_as(&self, recipe: &str) -> bool;

    /// The optimizer's schedule.
    fn schedule(&self) -> &TrainingSection;

    /// Networks with first weights, which the recipe's seed decides.
    fn fresh(&self, device: &Device) -> Self::Model;

    /// The batches of an epoch, each made when it is called with its device: a function of the recipe's seed and the
    /// epoch, counted from 0.
    fn batches(&self, epoch: usize) -> Vec<Draw<'_, Self::Batch>>;

    /// What is minimized.
    fn loss(&self, model: &Self::Model, batch: Self::Batch) -> Loss;
}

/// Makes a batch on a device.
pub type Draw<'a, B> = Box<dyn FnOnce(&Device) -> B + 'a>;

/// A finished run.
#[derive(Debug)]
pub struct Trained<M> {
    /// The networks, for inference.
    pub model: M,
    /// One entry an epoch.
    pub history: Vec<Epoch>,
}

/// Trains, or goes on with, a task's networks.
///
/// `run` is the run's directory; after each epoch its checkpoint is replaced. With `resume` a run
/// goes on from there (from the start if there is none); without, it starts afresh. `stop` is
/// looked at before every step. `device` is a plain one, without autodiff.
pub fn train<T: Task>(
    task: &T,
    device: &Device,
    run: &Path,
    resume: bool,
    stop: &AtomicBool,
) -> Result<Trained<T::Model>, TrainError> {
    let device = device.clone().autodiff();
    let found = match resume {
        true => Checkpoint::find(run, |recipe| task.trains_as(recipe))?,
        false => None,
    };
    let mut state = State::fresh(task, &device);
    if let Some(checkpoint) = found {
        state = checkpoint.restore(state)?;
    }
    let epochs = task.schedule().epochs;
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    let progress = progress::Progress::new(&name, epochs, state.history.len());
    while state.history.len() < epochs {
        let done = state.history.len();
        let (next, mean) = epoch(state, task, done, &device, stop)?;
        state = next;
        if !mean.loss.is_finite() {
            return Err(TrainError::Diverged { epoch: done + 1 });
        }
        state.history.push(mean);
        Checkpoint::save(run, task.recipe(), &state)?;
        progress.epoch(done + 1, mean);
    }
    progress.finish();
    Ok(Trained { model: state.model.valid(), history: state.history })
}

/// The networks of a finished run, for inference.
pub fn load<T: Task>(task: &T, run: &Path, device: &Device) -> Result<Trained<T::Model>, TrainError> {
    let checkpoint = Checkpoint::find(run, |recipe| task.trains_as(recipe))?
        .ok_or_else(|| CheckpointError::Missing { path: checkpoint::path(run) })?;
    let state = checkpoint.restore(State::fresh(task, device))?;
    let epochs = task.schedule().epochs;
    if state.history.len() < epochs {
        return Err(TrainError::Interrupted { epoch: state.history.len(), epochs });
    }
    Ok(Trained { model: state.model.valid(), history: state.history })
}

/// What changes from step to step.
pub(crate) struct State<M> {
    model: M,
    optimizer: ModuleOptimizer,
    history: Vec<Epoch>,
}

impl<M: Module> State<M> {
    fn fresh<T: Task<Model = M>>(task: &T, device: &Device) -> Self {
        Self { model: task.fresh(device), optimizer: optimizer(task.schedule()), history: Vec::new() }
    }
}

fn optimizer(section: &TrainingSection) -> ModuleOptimizer {
    AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(section.weight_decay).init()
}

/// One pass; `index` counts from 0.
fn epoch<T: Task>(
    mut state: State<T::Model>,
    task: &T,
    index: usize,
    device: &Device,
    stop: &AtomicBool,
) -> Result<(State<T::Model>, Epoch), TrainError> {
    let training = task.schedule();
    let batches = task.batches(index);
    let steps = batches.len();
    let mut sums = Tensor::<1>::zeros([3], &device.clone().inner());
    for (step, batch) in batches.into_iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted { epoch: index, epochs: training.epochs });
        }
        let loss = task.loss(&state.model, batch(device));
        let parts = [loss.total.clone(), loss.reconstruction, loss.class];
        sums = sums + Tensor::cat(parts.map(Tensor::inner).to_vec(), 0);
        let gradients = GradientsParams::from_grads(loss.total.backward(), &state.model);
        let done = (index * steps + step) as f64 / (training.epochs * steps) as f64;
        let rate = learning_rate(training, done);
        state.model = state.optimizer.step(rate, state.model, gradients);
    }
    // Read once an epoch: reading is what makes the host wait for the device.
    let mean = (sums / steps as f32).into_data();
    let mean = mean.try_to_vec::<f32>().expect("losses are f32");
    let mean = Epoch { loss: mean[0], reconstruction: mean[1], class: mean[2] };
    Ok((state, mean))
}

/// The rate after the fraction `done` of all steps: a linear rise, then half a cosine to zero.
fn learning_rate(section: &TrainingSection, done: f64) -> f64 {
    let factor = if done < section.warmup {
        // A rise from zero would waste the first step.
        0.04 + 0.96 * done / section.warmup
    } else {
        let falling = (done - section.warmup) / (1.0 - section.warmup);
        0.5 + 0.5 * (std::f64::consts::PI * falling).cos()
    };
    section.learning_rate * factor
}

#[cfg(test)]
mod tests;
