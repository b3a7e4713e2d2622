//! What is upright: poses are turned so that reference samples have none, and the networks behind ψ learn that.
//!
//! An autoencoder's canonical pose is whatever training led to. Formula: `ψ'(x) = ψ(x) · m⁻¹` with m the Fréchet
//! [mean](super::mean) of ψ over samples that stand upright. (RECON, arXiv 2505.13289.) Of angles, m goes into the weights
//! of ψ's last layer; of rotations of space, which no weights can turn from the right, into the package beside the chart.
//! But η has learned from samples in the old pose, so it is trained on those in the new one, as long again.

use super::{Draw, Task, TrainError, Trained, train};
use crate::method::Loss;
use crate::recipe::TrainingSection;
use burn::prelude::*;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// A task whose poses can be turned from the right.
pub trait Upright: Task {
    /// Trained networks with poses such that `samples` are upright in the mean; from then on ψ learns no more. `None` if
    /// there is no pose that can be turned, or no mean.
    fn upright<S: AsRef<[i16]>>(&self, model: Self::Model, samples: &[S], device: &Device) -> Option<Self::Model>;
}

/// The trained networks with poses such that `samples` are upright in the mean. Writes its checkpoint to `folder`.
///
/// # Errors
/// [`TrainError::NoMean`] if there is no pose that can be turned, or no mean; others as [`train`].
pub fn align<T: Upright, S: AsRef<[i16]>>(
    task: &T,
    trained: Trained<T::Model>,
    samples: &[S],
    device: &Device,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<Trained<T::Model>, TrainError> {
    let model = task.upright(trained.model, samples, device).ok_or(TrainError::NoMean)?;
    let aligned = train(&Aligned { task, model }, device, folder, false, stop)?;
    let history = [trained.history, aligned.history].concat();
    Ok(Trained { model: aligned.model, history })
}

/// The same recipe, from trained weights.
struct Aligned<'a, T: Task> {
    task: &'a T,
    model: T::Model,
}

impl<T: Task> Task for Aligned<'_, T> {
    type Model = T::Model;
    type Batch = T::Batch;

    fn recipe(&self) -> String {
        self.task.recipe()
    }

    fn trains_as(&self, _: &str) -> bool {
        // Its checkpoint is not what the recipe alone would give.
        false
    }

    fn schedule(&self) -> &TrainingSection {
        self.task.schedule()
    }

    fn fresh(&self, device: &Device) -> T::Model {
        self.model.clone().fork(device).train()
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, T::Batch>> {
        self.task.batches(epoch)
    }

    fn loss(&self, model: &T::Model, batch: T::Batch) -> Loss {
        self.task.loss(model, batch)
    }
}
