//! The training loop.
//!
//! All randomness of an epoch comes from (seed, epoch), so a run that was stopped and resumed
//! takes exactly the steps of one that was not, and a seed decides every bit of the weights on a
//! given backend.

mod checkpoint;
mod progress;
mod sampler;

pub use checkpoint::{Checkpoint, CheckpointError};

use crate::data::Dataset;
use crate::method::{Batch, Model};
use crate::recipe::{Recipe, TrainingSection};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use sampler::Sampler;
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
    /// A loss was no number.
    #[error("The loss stopped being a number in epoch {epoch}; a lower learning rate may help.")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: usize,
    },
    /// No recording is long enough, or no subject is left to train on.
    #[error("The recipe leaves no window to train on.")]
    NoWindows,
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

/// A finished run.
#[derive(Debug)]
pub struct Trained {
    /// The networks, for inference.
    pub model: Model,
    /// One entry an epoch.
    pub history: Vec<Epoch>,
}

/// Trains, or goes on with, the recipe's networks.
///
/// `run` is the run's directory; after each epoch its checkpoint is replaced. With `resume` a run
/// goes on from there (from the start if there is none); without, it starts afresh. `stop` is
/// looked at before every step. `device` is a plain one, without autodiff.
pub fn train(
    recipe: &Recipe,
    dataset: &Dataset,
    device: &Device,
    run: &Path,
    resume: bool,
    stop: &AtomicBool,
) -> Result<Trained, TrainError> {
    let sampler = Sampler::new(recipe, dataset).ok_or(TrainError::NoWindows)?;
    let device = device.clone().autodiff();
    let found = match resume {
        true => Checkpoint::find(run, recipe)?,
        false => None,
    };
    let mut state = State {
        model: Model::new(recipe, dataset.classes.len(), &device),
        optimizer: optimizer(&recipe.training),
        history: Vec::new(),
    };
    if let Some(checkpoint) = found {
        state = checkpoint.restore(state)?;
    }
    let epochs = recipe.training.epochs;
    let progress = progress::Progress::new(epochs, state.history.len());
    while state.history.len() < epochs {
        let done = state.history.len();
        let (next, mean) = epoch(state, recipe, &sampler, done, &device, stop)?;
        state = next;
        if !mean.loss.is_finite() {
            return Err(TrainError::Diverged { epoch: done + 1 });
        }
        state.history.push(mean);
        Checkpoint::save(run, recipe, &state)?;
        progress.epoch(done + 1, mean);
    }
    progress.finish();
    Ok(Trained { model: state.model.valid(), history: state.history })
}

/// The networks of a finished run, for inference.
pub fn load(run: &Path, recipe: &Recipe, classes: usize, device: &Device) -> Result<Trained, TrainError> {
    let checkpoint =
        Checkpoint::find(run, recipe)?.ok_or_else(|| CheckpointError::Missing { path: checkpoint::path(run) })?;
    let state = State {
        model: Model::new(recipe, classes, device),
        optimizer: optimizer(&recipe.training),
        history: Vec::new(),
    };
    let state = checkpoint.restore(state)?;
    if state.history.len() < recipe.training.epochs {
        return Err(TrainError::Interrupted { epoch: state.history.len(), epochs: recipe.training.epochs });
    }
    Ok(Trained { model: state.model.valid(), history: state.history })
}

/// What changes from step to step.
pub(crate) struct State {
    model: Model,
    optimizer: ModuleOptimizer,
    history: Vec<Epoch>,
}

fn optimizer(section: &TrainingSection) -> ModuleOptimizer {
    AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(section.weight_decay).init()
}

/// One pass; `index` counts from 0.
fn epoch(
    mut state: State,
    recipe: &Recipe,
    sampler: &Sampler,
    index: usize,
    device: &Device,
    stop: &AtomicBool,
) -> Result<(State, Epoch), TrainError> {
    let training = &recipe.training;
    let batches = sampler.epoch(index);
    let steps = batches.len();
    let mut sums = Tensor::<1>::zeros([3], &device.clone().inner());
    for (step, batch) in batches.enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted { epoch: index, epochs: training.epochs });
        }
        let Batch { windows, labels } = batch(device);
        let loss = state.model.loss(Batch { windows, labels }, recipe);
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
