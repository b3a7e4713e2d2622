//! Samples of grids: which of them an epoch sees, in which order and how varied.

use super::windows::shuffled;
use super::{Draw, Task, TrainError};
use crate::data::augment::deviate;
use crate::data::posed::Posed;
use crate::group::draw;
use crate::method::{GridBatch, GridModel, Loss};
use crate::nn::grid::Extent;
use crate::recipe::TrainingSection;
use crate::recipe::grid::GridRecipe;
use burn::prelude::*;
use rand_chacha::ChaCha8Rng;

/// A recipe of grids and its data.
pub struct GridTask<'a> {
    recipe: &'a GridRecipe,
    samples: &'a Posed,
}

impl<'a> GridTask<'a> {
    /// The training samples.
    ///
    /// # Errors
    /// [`TrainError::NoWindows`] if there is nothing to train on, [`TrainError::Shape`] if the recipe's networks or
    /// groups do not fit the samples.
    pub fn new(recipe: &'a GridRecipe, samples: &'a Posed, device: &Device) -> Result<Self, TrainError> {
        if samples.train.len() < 2 {
            return Err(TrainError::NoWindows);
        }
        // Built once for what it refuses.
        GridModel::new(recipe, samples.extent(), samples.classes.len(), device).map_err(TrainError::Shape)?;
        Ok(Self { recipe, samples })
    }

    /// The recipe.
    pub(super) fn recipe(&self) -> &GridRecipe {
        self.recipe
    }

    fn batch(&self, places: &[usize], rng: &mut ChaCha8Rng, device: &Device) -> GridBatch {
        let (extent, augment) = (self.samples.extent(), &self.recipe.augment);
        let Extent { rows, columns, .. } = extent;
        let unit = 1.0 / self.recipe.data.scale;
        let mut numbers = Vec::with_capacity(places.len() * rows * columns);
        for &place in places {
            let factor = unit * (1.0 + augment.amplitude * deviate(rng));
            let factors: Vec<f32> = (0..columns)
                .map(|_| if augment.columns > 0.0 { factor * (1.0 + augment.columns * deviate(rng)) } else { factor })
                .collect();
            let counts = &self.samples.train[place].counts;
            numbers.extend(counts.iter().enumerate().map(|(i, &count)| f32::from(count) * factors[i % columns]));
        }
        // Moving needs no gradient.
        let plain = device.clone().inner();
        let mut samples = Tensor::from_data(TensorData::new(numbers, [places.len(), 1, rows, columns]), &plain);
        if augment.posed {
            for group in self.recipe.data.groups(extent).iter().rev() {
                samples = group.act(draw(&**group, places.len(), rng, &plain), samples);
            }
        }
        let labels: Vec<i32> = places.iter().map(|&place| self.samples.train[place].label as i32).collect();
        GridBatch {
            samples: Tensor::from_inner(samples),
            labels: Tensor::from_data(TensorData::new(labels, [places.len()]), device),
            rng: rng.clone(),
        }
    }
}

impl Task for GridTask<'_> {
    type Model = GridModel;
    type Batch = GridBatch;

    fn recipe(&self) -> String {
        self.recipe.to_toml()
    }

    fn trains_as(&self, recipe: &str) -> bool {
        GridRecipe::from_toml("the checkpoint's recipe", recipe).is_ok_and(|of| of.trains_as(self.recipe))
    }

    fn schedule(&self) -> &TrainingSection {
        &self.recipe.training
    }

    fn fresh(&self, device: &Device) -> GridModel {
        let (extent, classes) = (self.samples.extent(), self.samples.classes.len());
        GridModel::new(self.recipe, extent, classes, device).expect("new has built it before")
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, GridBatch>> {
        let places: Vec<usize> = (0..self.samples.train.len()).collect();
        let draws = shuffled(&places, self.schedule(), epoch).into_iter();
        draws
            .map(|(places, mut rng)| -> Draw<'_, _> { Box::new(move |device| self.batch(&places, &mut rng, device)) })
            .collect()
    }

    fn loss(&self, model: &GridModel, batch: GridBatch) -> Loss {
        model.loss(batch, self.recipe)
    }
}
