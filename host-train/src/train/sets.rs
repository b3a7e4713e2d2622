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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::device;
    use crate::train::train;
    use std::sync::atomic::AtomicBool;

    fn recipe() -> SetRecipe {
        let mut recipe = SetRecipe::load("digit-sets").unwrap();
        (recipe.data.elements, recipe.data.train, recipe.data.test) = ([3, 5], 320, 10);
        (recipe.eta.layers, recipe.delta.layers) = (vec![16], vec![16]);
        (recipe.training.epochs, recipe.training.batch) = (3, 32);
        recipe
    }

    #[test]
    fn training_lowers_the_loss_and_a_seed_decides_it() {
        let (recipe, folder) = (recipe(), tempfile::tempdir().unwrap());
        let sets = Sets::new(&recipe.data);
        let task = SetTask::new(&recipe, &sets).unwrap();
        let history = || train(&task, &device(), folder.path(), false, &AtomicBool::new(false)).unwrap().history;
        let first = history();
        assert!(first[2].loss < 0.9 * first[0].loss, "{first:?}");
        assert_eq!(first, history());
    }

    #[test]
    fn a_batch_holds_sets_of_one_size_and_an_epoch_of_all() {
        let recipe = recipe();
        let sets = Sets::new(&recipe.data);
        let task = SetTask::new(&recipe, &sets).unwrap();
        let mut sizes: Vec<usize> =
            task.batches(0).into_iter().map(|draw| draw(&device()).elements.dims()[1]).collect();
        assert_eq!(sizes.len(), 10);
        sizes.sort_unstable();
        sizes.dedup();
        assert_eq!(sizes, [3, 4, 5]);
    }

    #[test]
    fn classes_that_are_not_there_cannot_be_learned() {
        let mut recipe = recipe();
        recipe.loss.class = 1.0;
        let sets = Sets::new(&recipe.data);
        assert!(SetTask::new(&recipe, &sets).is_err());
    }
}
