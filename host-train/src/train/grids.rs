//! Samples of grids: which of them an epoch sees, in which order and how varied.

use super::windows::shuffled;
use super::{Draw, Task, TrainError, Upright, mean};
use crate::data::augment::deviate;
use crate::data::posed::{Posed, Sample};
use crate::group::draw;
use crate::method::{GridBatch, GridModel, Loss};
use crate::nn::grid::Extent;
use crate::recipe::TrainingSection;
use crate::recipe::grid::{GridRecipe, GroupName};
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
        let wrong = |reason: String| Err(TrainError::Samples(reason));
        let flat = |sample: &Sample| sample.counts.iter().all(|count| Some(count) == sample.counts.first());
        if samples.train.iter().all(flat) {
            return wrong("each training sample is the same number throughout, so there is nothing to learn".into());
        }
        if let Some(index) = samples.train.iter().position(flat).filter(|_| !recipe.pose.is_empty()) {
            return wrong(format!("training sample {index} is the same number throughout, so it has no pose to learn"));
        }
        if recipe.loss.class > 0.0 {
            let classes = samples.classes.len();
            if classes < 2 {
                return wrong("the recipe weighs classes, and the data set has no labels; set loss.class to 0".into());
            }
            if let Some(index) = samples.train.iter().position(|sample| sample.label >= classes) {
                return wrong(format!("training sample {index} has a label beyond the {classes} classes"));
            }
        }
        // Built once for what it refuses.
        GridModel::new(recipe, samples.extent(), samples.classes.len(), device).map_err(TrainError::Shape)?;
        Ok(Self { recipe, samples })
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

impl Upright for GridTask<'_> {
    fn upright<S: AsRef<[i16]>>(&self, mut model: GridModel, samples: &[S], device: &Device) -> Option<GridModel> {
        model.poses.last().filter(|pose| matches!(pose.group, GroupName::So2 | GroupName::Shift))?;
        let poses = model.infer(samples, 1.0 / self.recipe.data.scale, device).elements.pop()?;
        model.align(mean::of_angles(&poses)?);
        Some(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::posed::Moved;
    use crate::nn::testing::device;

    fn posed(rows: usize, columns: usize) -> Posed {
        let count = |index: usize, place: usize| (index * 7 + place * place * 31 % 97) as i16;
        let sample = |index: usize| Sample {
            counts: (0..rows * columns).map(|place| count(index, place)).collect(),
            label: index % 10,
        };
        let train: Vec<Sample> = (0..20).map(sample).collect();
        let moved = Moved { samples: train.clone(), elements: Vec::new() };
        Posed {
            rows,
            columns,
            classes: (0..10).map(|class| class.to_string()).collect(),
            rate_hz: 1.0,
            per_count: 1.0,
            unit: "ink".into(),
            recorded: train.clone(),
            train: train.clone(),
            train_moved: moved.clone(),
            test: train,
            test_moved: moved,
        }
    }

    fn refusal(recipe: &GridRecipe, posed: &Posed) -> String {
        GridTask::new(recipe, posed, &device()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn samples_that_nothing_can_be_learned_from_are_refused_before_training() {
        let recipe = GridRecipe::load("rotated-digits-small").unwrap();
        assert_eq!(refusal(&recipe, &posed(8, 8)), "");
        let mut empty = posed(8, 8);
        empty.train[3].counts.fill(0);
        assert!(refusal(&recipe, &empty).contains("sample 3"));
        let mut all_empty = posed(8, 8);
        all_empty.train.iter_mut().for_each(|sample| sample.counts.fill(0));
        let mut classical = recipe.clone();
        classical.pose.clear();
        for recipe in [&recipe, &classical] {
            assert!(refusal(recipe, &all_empty).contains("each training sample"));
        }
        let mut nameless = posed(8, 8);
        nameless.classes.clear();
        assert!(refusal(&recipe, &nameless).contains("no labels"));
        let mut beyond = posed(8, 8);
        beyond.train[4].label = 10;
        assert!(refusal(&recipe, &beyond).contains("sample 4"));
    }

    #[test]
    fn a_group_that_cannot_act_on_its_data_is_refused_before_training() {
        let mut recipe = GridRecipe::load("rotated-digits-small").unwrap();
        assert!(refusal(&recipe, &posed(8, 6)).contains("square"));
        for group in [GroupName::C4, GroupName::O2] {
            recipe.pose[0].group = group;
            assert!(refusal(&recipe, &posed(8, 6)).contains("square"));
        }
        let mut ring = GridRecipe::load("ring").unwrap();
        assert!(refusal(&ring, &posed(200, 6)).contains("C8, so for rings of 8 electrodes; these samples have 6"));
        ring.data.order = None;
        assert_eq!(refusal(&ring, &posed(200, 6)), "");
        // Strides that do not close around so many electrodes, and a signal that is none.
        let mut gapped = ring.clone();
        if let crate::recipe::grid::LayerSection::Conv(conv) = &mut gapped.eta.layers[2] {
            conv.stride = [1, 4];
        }
        assert!(refusal(&gapped, &posed(200, 6)).contains("does not close"));
        let mut uneven = ring.clone();
        uneven.delta.loudness = 7;
        assert!(refusal(&uneven, &posed(200, 8)).contains("7 instants each, of 200"));
        assert!(refusal(&ring, &posed(200, 1)).contains("two electrodes"));
        let beats = GridRecipe::load("shifted-beats").unwrap();
        assert!(refusal(&beats, &posed(140, 2)).contains("signals"));
    }
}
