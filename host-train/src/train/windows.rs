//! Windows of recordings: which of them an epoch sees, in which order and how varied.

use super::{Draw, Task, TrainError, Upright, mean};
use crate::data::{Dataset, augment, starts};
use crate::method::{Batch, Loss, Model, batch};
use crate::recipe::{Recipe, TrainingSection};
use burn::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// A recipe of windows and its data.
pub struct WindowTask<'a> {
    recipe: &'a Recipe,
    dataset: &'a Dataset,
    units: [f32; 2],
    /// Recording and first sample.
    places: Vec<(usize, usize)>,
}

impl<'a> WindowTask<'a> {
    /// The windows of everyone who is not kept for tests.
    ///
    /// # Errors
    /// [`TrainError::NoWindows`] if there is nothing to train on.
    pub fn new(recipe: &'a Recipe, dataset: &'a Dataset) -> Result<Self, TrainError> {
        let section = &recipe.data;
        let mut places = Vec::new();
        for (index, recording) in dataset.recordings.iter().enumerate() {
            if !section.test_subjects.contains(&recording.subject) {
                let starts = starts(recording.counts.len(), section.window, section.hop);
                places.extend(starts.map(|start| (index, start)));
            }
        }
        // Batch statistics need two windows.
        match places.len() {
            0 | 1 => Err(TrainError::NoWindows),
            _ => Ok(Self { recipe, dataset, units: batch::units(recipe, dataset), places }),
        }
    }

    fn batch(&self, places: &[(usize, usize)], rng: &mut ChaCha8Rng, device: &Device) -> Batch {
        let (length, section) = (self.recipe.data.window, &self.recipe.augment);
        let mut labels = Vec::with_capacity(places.len());
        let mut windows = Vec::with_capacity(places.len());
        for &(recording, start) in places {
            let recording = &self.dataset.recordings[recording];
            labels.push(recording.label as i32);
            windows.push(augment::draw(recording, start, length, section, rng));
        }
        Batch {
            windows: batch::tensor_of_floats(&windows, self.units, device),
            labels: Tensor::from_data(TensorData::new(labels, [places.len()]), device),
        }
    }
}

impl Task for WindowTask<'_> {
    type Model = Model;
    type Batch = Batch;

    fn recipe(&self) -> String {
        self.recipe.to_toml()
    }

    fn trains_as(&self, recipe: &str) -> bool {
        Recipe::from_toml("the checkpoint's recipe", recipe).is_ok_and(|of| of.trains_as(self.recipe))
    }

    fn schedule(&self) -> &TrainingSection {
        &self.recipe.training
    }

    fn fresh(&self, device: &Device) -> Model {
        Model::new(self.recipe, self.dataset.classes.len(), device)
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, Batch>> {
        let draws = shuffled(&self.places, self.schedule(), epoch).into_iter();
        draws
            .map(|(places, mut rng)| -> Draw<'_, _> { Box::new(move |device| self.batch(&places, &mut rng, device)) })
            .collect()
    }

    fn loss(&self, model: &Model, batch: Batch) -> Loss {
        model.loss(batch, self.recipe)
    }
}

impl Upright for WindowTask<'_> {
    fn upright<S: AsRef<[i16]>>(&self, mut model: Model, samples: &[S], device: &Device) -> Option<Model> {
        // Poses that may be reflections have no mean that is a rotation.
        model.psi.as_ref().filter(|psi| !psi.mirrored)?;
        let poses = model.infer(samples, self.units, device).rotations;
        model.psi.as_mut()?.upright = Some(mean::of_rotations(&poses)?);
        Some(model)
    }
}

/// The batches of an epoch, each with a generator of its own, so that none depends on how much the one before drew.
/// All are equally large; the samples left over differ from epoch to epoch.
pub(super) fn shuffled<P: Clone>(places: &[P], schedule: &TrainingSection, epoch: usize) -> Vec<(Vec<P>, ChaCha8Rng)> {
    let mut rng = ChaCha8Rng::seed_from_u64(schedule.seed);
    rng.set_stream(epoch as u64 + 1);
    let mut order = places.to_vec();
    order.shuffle(&mut rng);
    let size = schedule.batch.min(order.len()).max(1);
    let batch = |(number, places): (usize, &[P])| {
        let mut rng = rng.clone();
        rng.set_stream((epoch as u64 + 1) << 32 | (number as u64 + 1));
        rng.set_word_pos(0);
        (places.to_vec(), rng)
    };
    order.chunks_exact(size).enumerate().map(batch).collect()
}
