//! What is upright: poses are turned so that reference samples have none, and the networks behind ψ learn that.
//!
//! An autoencoder's canonical pose is whatever training led to. Formula: `ψ'(x) = ψ(x) · m⁻¹` with m the Fréchet mean of ψ
//! over samples that stand upright: the angle whose squared chordal distances to theirs are least, which is that of the
//! sum of their directions. (RECON, arXiv 2505.13289.) ψ' costs the device nothing, since m goes into the weights of ψ's
//! last layer. But η has learned from samples in the old pose, so it is trained on those in the new one, as long
//! again.

use super::{Draw, GridTask, Task, TrainError, Trained, train};
use crate::data::posed::Sample;
use crate::method::{GridBatch, GridModel, Loss};
use crate::recipe::TrainingSection;
use burn::prelude::*;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The trained networks with poses such that `samples` are upright in the mean. Writes its checkpoint to `folder`.
///
/// # Errors
/// [`TrainError::NoMean`] if there is no pose that is an angle, or no mean; others as [`train`].
pub fn align(
    task: &GridTask<'_>,
    trained: Trained<GridModel>,
    samples: &[Sample],
    device: &Device,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<Trained<GridModel>, TrainError> {
    let unit = 1.0 / task.recipe().data.scale;
    let poses = trained.model.infer(samples, unit, device).elements.pop().unwrap_or_default();
    let mut model = trained.model;
    model.align(mean(&poses).ok_or(TrainError::NoMean)?);
    let aligned = train(&Aligned { task, model }, device, folder, false, stop)?;
    let history = [trained.history, aligned.history].concat();
    Ok(Trained { model: aligned.model, history })
}

/// The direction of the sum; None where there is none, or where rows are no angles.
fn mean(poses: &[Vec<f32>]) -> Option<[f32; 2]> {
    let mut sum = [0.0; 2];
    for pose in poses {
        let &[cos, sin] = &pose[..] else { return None };
        sum = [sum[0] + cos, sum[1] + sin];
    }
    let length = sum[0].hypot(sum[1]);
    // One sample among a thousand decides nothing.
    (length > 1e-3 * poses.len() as f32).then(|| sum.map(|part| part / length))
}

/// The same recipe, from trained weights.
struct Aligned<'a> {
    task: &'a GridTask<'a>,
    model: GridModel,
}

impl Task for Aligned<'_> {
    type Model = GridModel;
    type Batch = GridBatch;

    fn recipe(&self) -> String {
        Task::recipe(self.task)
    }

    fn trains_as(&self, _: &str) -> bool {
        // Its checkpoint is not what the recipe alone would give.
        false
    }

    fn schedule(&self) -> &TrainingSection {
        self.task.schedule()
    }

    fn fresh(&self, device: &Device) -> GridModel {
        self.model.clone().fork(device).train()
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, GridBatch>> {
        self.task.batches(epoch)
    }

    fn loss(&self, model: &GridModel, batch: GridBatch) -> Loss {
        self.task.loss(model, batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_that_of_directions() {
        let poses = |degrees: &[f32]| -> Vec<Vec<f32>> {
            degrees.iter().map(|degrees| [degrees.to_radians().cos(), degrees.to_radians().sin()].to_vec()).collect()
        };
        let [cos, sin] = mean(&poses(&[350.0, 10.0, 30.0])).unwrap();
        assert!((sin.atan2(cos).to_degrees() - 10.0).abs() < 1e-3);
        assert_eq!(mean(&poses(&[0.0, 180.0])), None);
        assert_eq!(mean(&[vec![1.0, 0.0, 0.0]]), None);
    }
}
