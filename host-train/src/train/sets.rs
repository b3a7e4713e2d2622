//! Sets: all of them are drawn anew in every epoch.

use super::{Draw, Task, TrainError, windows::shuffled};
use crate::data::sets::{Set, Sets};
use crate::method::{Loss, SetBatch, SetModel};
use crate::recipe::TrainingSection;
use crate::recipe::set::SetRecipe;
use burn::prelude::*;
use rand_chacha::ChaCha8Rng;

/// A recipe of sets and what draws them.
pub struct SetTask<'a> {
    recipe: &'a SetRecipe,
    sets: &'a Sets,
}

impl<'a> SetTask<'a> {
    /// A recipe and its sets.
    ///
    /// # Errors
    /// [`TrainError::Samples`] if there are no classes to learn.
    pub fn new(recipe: &'a SetRecipe, sets: &'a Sets) -> Result<Self, TrainError> {
        if recipe.loss.class > 0.0 && sets.classes.len() < 2 {
            let reason = "the recipe weighs classes, and these sets have none; set loss.class to 0";
            return Err(TrainError::Samples(reason.into()));
        }
        Ok(Self { recipe, sets })
    }

    fn batch(&self, size: usize, rng: &mut ChaCha8Rng, device: &Device) -> SetBatch {
        let elements = self.sets.draw_size(rng);
        let drawn: Vec<Set> = (0..size).map(|_| self.sets.draw(elements, rng)).collect();
        let labels: Vec<i32> = drawn.iter().map(|set| set.label as i32).collect();
        SetBatch {
            elements: self.sets.tensor(&drawn, self.recipe.data.scale, device),
            labels: Tensor::from_data(TensorData::new(labels, [size]), device),
            rng: rng.clone(),
        }
    }
}

impl Task for SetTask<'_> {
    type Model = SetModel;
    type Batch = SetBatch;

    fn recipe(&self) -> String {
        self.recipe.to_toml()
    }

    fn trains_as(&self, recipe: &str) -> bool {
        SetRecipe::from_toml("the checkpoint's recipe", recipe).is_ok_and(|of| of.trains_as(self.recipe))
    }

    fn schedule(&self) -> &TrainingSection {
        &self.recipe.training
    }

    fn fresh(&self, device: &Device) -> SetModel {
        SetModel::new(self.recipe, self.sets, device)
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, SetBatch>> {
        // Only how many there are and their generators matter.
        let places = vec![(); self.recipe.data.train];
        let draws = shuffled(&places, self.schedule(), epoch).into_iter();
        draws
            .map(|(places, mut rng)| -> Draw<'_, _> {
                Box::new(move |device| self.batch(places.len(), &mut rng, device))
            })
            .collect()
    }

    fn loss(&self, model: &SetModel, batch: SetBatch) -> Loss {
        model.loss(batch, self.recipe)
    }
}
