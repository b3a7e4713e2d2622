//! Triples: which of them an epoch sees, and in which order. And the samples of a decoder behind a frozen network.

use super::{Draw, Task, TrainError, windows::shuffled};
use crate::data::paired::Paired;
use crate::method::{ClassPoseModel, Loss, TripleBatch};
use crate::nn::{ImageDecoder, initialize};
use crate::recipe::TrainingSection;
use crate::recipe::class_pose::{ClassPoseRecipe, DecodeSection};
use burn::prelude::*;

/// A recipe of triples and its data.
pub struct TripleTask<'a> {
    recipe: &'a ClassPoseRecipe,
    paired: &'a Paired,
    /// The actions as rows.
    actions: Vec<Vec<f32>>,
}

impl<'a> TripleTask<'a> {
    /// The triples to train on.
    ///
    /// # Errors
    /// [`TrainError::NoWindows`] if there is nothing to train on, [`TrainError::Shape`] if the recipe's networks do not fit
    /// the samples.
    pub fn new(recipe: &'a ClassPoseRecipe, paired: &'a Paired, device: &Device) -> Result<Self, TrainError> {
        if paired.before.len() < 2 {
            return Err(TrainError::NoWindows);
        }
        // Built once for what it refuses, and for what its rows are.
        let model = ClassPoseModel::new(recipe, paired, device).map_err(TrainError::Shape)?;
        Ok(Self { recipe, paired, actions: paired.rows(&model.poses) })
    }

    fn batch(&self, places: &[usize], device: &Device) -> TripleBatch {
        let of = |samples: &'a [Vec<i16>]| places.iter().map(|&place| &samples[place]);
        let samples: Vec<&Vec<i16>> = of(&self.paired.before).chain(of(&self.paired.after)).collect();
        let actions: Vec<f32> = places.iter().flat_map(|&place| self.actions[place].clone()).collect();
        let width = actions.len() / places.len().max(1);
        TripleBatch {
            samples: images(&samples, self.paired.shape, 1.0 / self.recipe.triples.scale, device),
            actions: Tensor::from_data(TensorData::new(actions, [places.len(), width]), device),
        }
    }
}

/// Samples as `[B, rows, columns, C]`; a count is `unit` in network units.
pub(crate) fn images<S: AsRef<[i16]>>(samples: &[S], shape: [usize; 3], unit: f32, device: &Device) -> Tensor<4> {
    let numbers: Vec<f32> =
        samples.iter().flat_map(|sample| sample.as_ref().iter().map(|&count| f32::from(count) * unit)).collect();
    let [rows, columns, channels] = shape;
    Tensor::from_data(TensorData::new(numbers, [samples.len(), rows, columns, channels]), device)
}

impl Task for TripleTask<'_> {
    type Model = ClassPoseModel;
    type Batch = TripleBatch;

    fn recipe(&self) -> String {
        self.recipe.to_toml()
    }

    fn trains_as(&self, recipe: &str) -> bool {
        ClassPoseRecipe::from_toml("the checkpoint's recipe", recipe).is_ok_and(|of| of.trains_as(self.recipe))
    }

    fn schedule(&self) -> &TrainingSection {
        &self.recipe.training
    }

    fn fresh(&self, device: &Device) -> ClassPoseModel {
        ClassPoseModel::new(self.recipe, self.paired, device).expect("new has built it before")
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, TripleBatch>> {
        let places: Vec<usize> = (0..self.paired.before.len()).collect();
        let draws = shuffled(&places, self.schedule(), epoch).into_iter();
        draws.map(|(places, _)| -> Draw<'_, _> { Box::new(move |device| self.batch(&places, device)) }).collect()
    }

    fn loss(&self, model: &ClassPoseModel, batch: TripleBatch) -> Loss {
        model.loss(batch)
    }
}

/// A decoder of what a frozen network says of the training samples.
pub struct DecodeTask<'a> {
    recipe: &'a ClassPoseRecipe,
    section: &'a DecodeSection,
    schedule: TrainingSection,
    paired: &'a Paired,
    /// Of each sample, those before an action first.
    codes: Vec<Vec<f32>>,
}

impl<'a> DecodeTask<'a> {
    /// `codes` are those of the samples before, then those of the samples after each action. `None` if the recipe has no
    /// decoder.
    ///
    /// # Errors
    /// [`TrainError::Shape`] if the decoder does not fit the samples.
    pub fn new(
        recipe: &'a ClassPoseRecipe,
        paired: &'a Paired,
        codes: Vec<Vec<f32>>,
        device: &Device,
    ) -> Result<Option<Self>, TrainError> {
        let Some(section) = &recipe.decoder else { return Ok(None) };
        let schedule = TrainingSection { epochs: section.epochs, ..recipe.training.clone() };
        let task = Self { recipe, section, schedule, paired, codes };
        let width = task.codes.first().map_or(0, Vec::len);
        ImageDecoder::new(width, paired.shape, section, device)
            .map_err(|reason| TrainError::Shape(format!("In `decoder`, {reason}.")))?;
        Ok(Some(task))
    }
}

impl Task for DecodeTask<'_> {
    type Model = ImageDecoder;
    /// Codes and samples.
    type Batch = (Tensor<2>, Tensor<4>);

    fn recipe(&self) -> String {
        self.recipe.to_toml()
    }

    fn trains_as(&self, recipe: &str) -> bool {
        ClassPoseRecipe::from_toml("the checkpoint's recipe", recipe).is_ok_and(|of| of.trains_as(self.recipe))
    }

    fn schedule(&self) -> &TrainingSection {
        &self.schedule
    }

    fn fresh(&self, device: &Device) -> ImageDecoder {
        let width = self.codes.first().map_or(0, Vec::len);
        let decoder = ImageDecoder::new(width, self.paired.shape, self.section, device);
        initialize(decoder.expect("new has built it before"), self.schedule.seed)
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, Self::Batch>> {
        let pairs: Vec<usize> = (0..self.paired.before.len()).collect();
        let draws = shuffled(&pairs, &self.schedule, epoch).into_iter();
        let batch = |places: Vec<usize>, device: &Device| {
            // Both samples of each pair, as the network itself sees them.
            let of = |samples: &'_ [Vec<i16>]| places.iter().map(|&place| samples[place].clone()).collect::<Vec<_>>();
            let samples = [of(&self.paired.before), of(&self.paired.after)].concat();
            let behind = self.paired.before.len();
            let both = places.iter().copied().chain(places.iter().map(|place| behind + place));
            let codes: Vec<f32> = both.flat_map(|place| self.codes[place].clone()).collect();
            let shape = [samples.len(), codes.len() / samples.len().max(1)];
            let unit = 1.0 / self.recipe.triples.scale;
            let samples = images(&samples, self.paired.shape, unit, device);
            (Tensor::from_data(TensorData::new(codes, shape), device), samples)
        };
        draws.map(|(places, _)| -> Draw<'_, _> { Box::new(move |device| batch(places, device)) }).collect()
    }

    fn loss(&self, model: &ImageDecoder, (codes, samples): Self::Batch) -> Loss {
        let error = (model.forward(codes) - samples).square().mean();
        let none = Tensor::zeros([1], &error.device());
        Loss { total: error.clone(), reconstruction: error.detach(), class: none }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::{device, difference};
    use crate::recipe::class_pose::{TripleMethod, WavesSection};
    use crate::train::train;
    use burn::nn::Linear;
    use std::sync::atomic::AtomicBool;

    fn recipe(method: TripleMethod) -> ClassPoseRecipe {
        let mut recipe = ClassPoseRecipe::load("class-pose-sprites").unwrap();
        (recipe.triples.size, recipe.triples.train, recipe.triples.test) = (16, 256, 32);
        (recipe.encoder.channels, recipe.encoder.features) = (vec![8, 16], 32);
        (recipe.training.epochs, recipe.training.batch) = (4, 16);
        let waves = Some(WavesSection { count: 8, frequency: 1.0 });
        recipe.decoder = Some(DecodeSection { hidden: Vec::new(), channels: vec![8, 8], size: 3, epochs: 3, waves });
        recipe.loss.method = method;
        recipe
    }

    #[test]
    fn every_method_learns_and_a_seed_decides_the_run() {
        let (device, go) = (device(), AtomicBool::new(false));
        for method in [
            TripleMethod::ClassPose,
            TripleMethod::NoInfonce,
            TripleMethod::MdpHomomorphism,
            TripleMethod::Linear,
            TripleMethod::Unconstrained,
        ] {
            let recipe = recipe(method);
            let paired = Paired::new(&recipe).unwrap();
            let task = TripleTask::new(&recipe, &paired, &device).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let whole = train(&task, &device, folder.path(), false, &go).unwrap();
            let (first, last) = (whole.history[0].loss, whole.history[3].loss);
            assert!(last < 0.9 * first, "{method:?}: {first} {last}");
            // Stopped before the first step, and gone on with from there.
            let other = tempfile::tempdir().unwrap();
            let stopped = train(&task, &device, other.path(), false, &AtomicBool::new(true));
            assert!(matches!(stopped, Err(TrainError::Interrupted { .. })));
            let resumed = train(&task, &device, other.path(), true, &go).unwrap();
            assert_eq!(resumed.history, whole.history);
        }
    }

    #[test]
    fn a_decoder_learns_behind_a_frozen_network() {
        let (device, go) = (device(), AtomicBool::new(false));
        let recipe = recipe(TripleMethod::ClassPose);
        let paired = Paired::new(&recipe).unwrap();
        let model = ClassPoseModel::new(&recipe, &paired, &device).unwrap();
        let samples = [paired.before.clone(), paired.after.clone()].concat();
        let codes = model.infer(&samples, &paired, 1.0 / recipe.triples.scale, &device);
        let codes = codes.iter().map(|point| point.numbers()).collect();
        let task = DecodeTask::new(&recipe, &paired, codes, &device).unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let trained = train(&task, &device, folder.path(), false, &go).unwrap();
        assert!(trained.history[2].loss < 0.9 * trained.history[0].loss);
    }

    /// How far poses depend on the code is part of the loss, and moves poses alone.
    #[test]
    fn poses_learn_to_be_independent_of_codes_that_stay() {
        let device = device().autodiff();
        let mut recipe = recipe(TripleMethod::ClassPose);
        let paired = Paired::new(&recipe).unwrap();
        let [without, with] = [0.0, 0.5].map(|independence| {
            recipe.loss.independence = independence;
            let task = TripleTask::new(&recipe, &paired, &device).unwrap();
            let model = task.fresh(&device);
            let total = task.loss(&model, task.batch(&Vec::from_iter(0..32), &device)).total;
            let gradients = total.backward();
            let of = |layer: &Linear| Tensor::from_inner(layer.weight.grad(&gradients).unwrap());
            (total.into_scalar::<f32>(), of(model.code.as_ref().unwrap()), of(&model.pose))
        });
        assert!((1e-3..0.5).contains(&(with.0 - without.0)), "{} {}", without.0, with.0);
        assert_eq!(difference(with.1, without.1), 0.0);
        assert!(difference(with.2, without.2) > 1e-4);
    }
}
