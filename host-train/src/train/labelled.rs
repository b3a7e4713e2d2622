//! Samples of which some have a label: which of them a step sees, and whose mean the class codes are.

use super::windows::shuffled;
use super::{Draw, Task, TrainError};
use crate::data::augment::deviate;
use crate::data::labelled::LabelledSet;
use crate::method::routing::{Pool, count};
use crate::method::{EquivaeBatch, EquivaeModel, Loss};
use crate::nn::grid::Extent;
use crate::recipe::TrainingSection;
use crate::recipe::equivae::EquivaeRecipe;
use burn::prelude::*;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// A recipe of EquiVAE and its data.
pub struct LabelledTask<'a> {
    recipe: &'a EquivaeRecipe,
    set: &'a LabelledSet,
    /// Places of the labelled samples, a list a class.
    by_class: Vec<Vec<usize>>,
    /// All of these.
    labelled: Vec<usize>,
    /// Places of the others.
    unlabelled: Vec<usize>,
}

impl<'a> LabelledTask<'a> {
    /// The training samples.
    ///
    /// # Errors
    /// [`TrainError::NoWindows`] if there is nothing to train on, [`TrainError::Samples`] if labels are missing, beyond the
    /// classes, or too few of a class, [`TrainError::Shape`] if the recipe's networks do not fit the samples.
    pub fn new(recipe: &'a EquivaeRecipe, set: &'a LabelledSet, device: &Device) -> Result<Self, TrainError> {
        if set.train.len() < 2 {
            return Err(TrainError::NoWindows);
        }
        set.check().map_err(TrainError::Samples)?;
        // Built once for what it refuses.
        EquivaeModel::new(recipe, set.extent, set.classes.len(), device).map_err(TrainError::Shape)?;
        let (labelled, unlabelled) = (0..set.train.len()).partition(|&place| set.train[place].label.is_some());
        Ok(Self { recipe, set, by_class: set.by_class(), labelled, unlabelled })
    }

    /// Samples without a label where there are some, or else labelled ones: an epoch is a pass over these.
    fn passed(&self) -> &[usize] {
        if self.unlabelled.is_empty() { &self.labelled } else { &self.unlabelled }
    }

    fn batch(&self, places: &[usize], progress: f64, rng: &mut ChaCha8Rng, device: &Device) -> EquivaeBatch {
        let most = self.recipe.class_code.most;
        let labelled: Vec<usize> = match self.unlabelled.is_empty() {
            true => places.to_vec(),
            false => {
                let one = |_| *self.labelled.choose(rng).expect("there are labelled samples");
                (0..self.recipe.data.labelled_batch).map(one).collect()
            }
        };
        let labels: Vec<usize> = labelled.iter().filter_map(|&place| self.set.train[place].label).collect();
        // One more than count, for a sample that is itself among them.
        let pool = Pool::draw(&self.by_class, most + 1, rng);
        let m = count(most, rng);
        let routed = labelled.iter().zip(&labels);
        let complements: Vec<f32> =
            routed.flat_map(|(&place, &class)| pool.mean(&pool.complement(class, Some(place), m, rng))).collect();
        let members: Vec<f32> =
            (0..self.by_class.len()).flat_map(|class| pool.mean(&pool.complement(class, None, m, rng))).collect();
        let weights = |numbers: Vec<f32>| {
            let shape = [numbers.len() / pool.places.len(), pool.places.len()];
            Tensor::<2>::from_data(TensorData::new(numbers, shape), device)
        };
        let (complements, members) = (weights(complements), weights(members));
        let others: &[usize] = if self.unlabelled.is_empty() { &[] } else { places };
        let varied = self.varied(&[&labelled, others].concat(), rng, device);
        let labels: Vec<i32> = labels.into_iter().map(|label| label as i32).collect();
        EquivaeBatch {
            labelled: self.tensor(&labelled, device),
            varied,
            labels: Tensor::from_data(TensorData::new(labels, [labelled.len()]), device),
            unlabelled: (!others.is_empty()).then(|| self.tensor(others, device)),
            pool: self.tensor(&pool.places, device),
            complements,
            members,
            rng: rng.clone(),
            progress,
        }
    }

    /// Samples as they are, network units.
    fn tensor(&self, places: &[usize], device: &Device) -> Tensor<4> {
        let samples: Vec<&[i16]> = places.iter().map(|&place| self.set.train[place].as_ref()).collect();
        self.set.tensor(&samples, device)
    }

    /// Varied samples, network units.
    fn varied(&self, places: &[usize], rng: &mut ChaCha8Rng, device: &Device) -> Tensor<4> {
        let (augment, Extent { channels, rows, columns }) = (&self.recipe.augment, self.set.extent);
        let mut numbers = Vec::with_capacity(places.len() * channels * rows * columns);
        for &place in places {
            let factor = 1.0 + if augment.amplitude > 0.0 { augment.amplitude * deviate(rng) } else { 0.0 };
            let sample = self.set.numbers(&self.set.train[place].counts);
            let varied = sample.into_iter().map(|number| number * factor).collect();
            numbers.extend(shifted(varied, [rows, columns], augment.shift, rng));
        }
        Tensor::from_data(TensorData::new(numbers, [places.len(), channels, rows, columns]), device)
    }
}

/// An image moved by up to `most` pixels down and across, with zeros coming in.
fn shifted(image: Vec<f32>, [rows, columns]: [usize; 2], most: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    if most == 0 {
        return image;
    }
    let [down, across] = [0; 2].map(|_| rng.random_range(0..=2 * most));
    let from = |at: usize, by: usize, length: usize| (at + by).checked_sub(most).filter(|&from| from < length);
    let pixel = |row: usize, column: usize| {
        let (row, column) = (from(row, down, rows)?, from(column, across, columns)?);
        image.get(row * columns + column)
    };
    (0..rows * columns).map(|at| pixel(at / columns, at % columns).copied().unwrap_or(0.0)).collect()
}

impl Task for LabelledTask<'_> {
    type Model = EquivaeModel;
    type Batch = EquivaeBatch;

    fn recipe(&self) -> String {
        self.recipe.to_toml()
    }

    fn trains_as(&self, recipe: &str) -> bool {
        EquivaeRecipe::from_toml("the checkpoint's recipe", recipe).is_ok_and(|of| of.trains_as(self.recipe))
    }

    fn schedule(&self) -> &TrainingSection {
        &self.recipe.training
    }

    fn fresh(&self, device: &Device) -> EquivaeModel {
        let (extent, classes) = (self.set.extent, self.set.classes.len());
        EquivaeModel::new(self.recipe, extent, classes, device).expect("new has built it before")
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, EquivaeBatch>> {
        let draws = shuffled(self.passed(), self.schedule(), epoch);
        let steps = draws.len();
        let all = (steps * self.schedule().epochs) as f64;
        let batch = |(step, (places, mut rng)): (usize, (Vec<usize>, ChaCha8Rng))| -> Draw<'_, _> {
            let progress = (epoch * steps + step) as f64 / all;
            Box::new(move |device| self.batch(&places, progress, &mut rng, device))
        };
        draws.into_iter().enumerate().map(batch).collect()
    }

    fn loss(&self, model: &EquivaeModel, batch: EquivaeBatch) -> Loss {
        model.loss(batch, self.recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Checkpoint, State, epoch, train};
    use super::*;
    use crate::data::grid::load;
    use crate::nn::testing::{device, difference};
    use crate::recipe::equivae::EquivaeMethod;
    use rand::SeedableRng;
    use std::path::Path;
    use std::sync::atomic::AtomicBool;

    /// A recipe of small networks and few samples.
    fn small() -> (EquivaeRecipe, LabelledSet) {
        let mut recipe = EquivaeRecipe::load("equivae-small").unwrap();
        (recipe.data.samples, recipe.data.labels, recipe.training.epochs) = (400, 5, 4);
        let digits = load("digits", Path::new("")).unwrap();
        let set = LabelledSet::of_grids(&recipe.data, &digits, &device()).unwrap();
        (recipe, set)
    }

    /// No sample has a weight in its own class code, in any batch; the weights of the others are those of a mean.
    #[test]
    fn batches_withhold_a_sample_from_its_own_code() {
        let (recipe, set) = small();
        let task = LabelledTask::new(&recipe, &set, &device()).unwrap();
        let mut met = 0;
        for draw in task.batches(0) {
            let batch = draw(&device());
            let rows = |tensor: Tensor<2>| crate::data::posed::rows(tensor);
            let [labelled, pool] = [batch.labelled, batch.pool].map(|samples| rows(samples.flatten(1, 3)));
            for (sample, weights) in labelled.iter().zip(rows(batch.complements)) {
                for (other, weight) in pool.iter().zip(&weights) {
                    if other == sample {
                        met += 1;
                        assert_eq!(*weight, 0.0);
                    }
                }
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            }
            for weights in rows(batch.members) {
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            }
        }
        assert!(met > 100, "samples met themselves {met} times in a pool");
    }

    #[test]
    fn a_shifted_image_lets_zeros_in() {
        let image: Vec<f32> = (1..=9).map(|x| x as f32).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(shifted(image.clone(), [3, 3], 0, &mut rng), image);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let moved = shifted(image.clone(), [3, 3], 1, &mut rng);
            let at = |number: f32| moved.iter().position(|&x| x == number).map(|at| (at / 3, at % 3));
            let (row, column) = at(5.0).unwrap();
            // What lies right of the middle still does.
            assert_eq!(at(6.0), (column < 2).then_some((row, column + 1)));
            seen.insert((row, column));
        }
        assert_eq!(seen.len(), 9);
    }

    #[test]
    fn what_cannot_be_trained_on_is_refused_before_training() {
        let (recipe, set) = small();
        let says = |change: fn(&mut LabelledSet)| {
            let mut set = set.clone();
            change(&mut set);
            LabelledTask::new(&recipe, &set, &device()).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(says(|_| ()), "");
        assert!(says(|set| set.train.truncate(1)).contains("no window"));
        assert!(says(|set| set.train.iter_mut().for_each(|sample| sample.label = None)).contains("no labels"));
        assert!(says(|set| set.train[3].label = Some(99)).contains("training sample 3 has a label beyond"));
        let alone = |set: &mut LabelledSet| {
            let of = set.train.iter_mut().filter(|sample| sample.label == Some(2));
            of.skip(1).for_each(|sample| sample.label = None);
        };
        assert!(says(alone).contains("class `2` has 1 labelled samples"), "{}", says(alone));
        let thin = |set: &mut LabelledSet| set.extent.columns = 0;
        assert!(says(thin).contains("In `classifier`"), "{}", says(thin));
    }

    #[test]
    fn a_resumed_run_ends_with_the_same_networks() {
        let (recipe, set) = small();
        let (folder, go, plain) = (tempfile::tempdir().unwrap(), AtomicBool::new(false), device());
        let [whole, cut] = ["whole", "cut"].map(|name| folder.path().join(name));
        let task = LabelledTask::new(&recipe, &set, &plain).unwrap();
        let expected = train(&task, &plain, &whole, false, &go).unwrap();
        let device = plain.clone().autodiff();
        let mut state = State::fresh(&task, &device);
        for index in 0..2 {
            let (next, mean) = epoch(state, &task, index, &device, &go).unwrap();
            state = next;
            state.history.push(mean);
        }
        Checkpoint::save(&cut, task.recipe(), &state).unwrap();
        let resumed = train(&task, &plain, &cut, true, &go).unwrap();
        assert_eq!(resumed.history, expected.history);
        let x = set.tensor(&set.test[..8], &plain);
        assert_eq!(difference(resumed.model.classify(x.clone()), expected.model.classify(x)), 0.0);
        assert!(expected.history[3].loss < expected.history[0].loss);
    }

    #[test]
    fn baselines_train_on_the_same_batches() {
        let (mut recipe, set) = small();
        recipe.training.epochs = 2;
        for method in [EquivaeMethod::M2, EquivaeMethod::Plain] {
            recipe.method = method;
            let folder = tempfile::tempdir().unwrap();
            let task = LabelledTask::new(&recipe, &set, &device()).unwrap();
            let trained = train(&task, &device(), folder.path(), false, &AtomicBool::new(false)).unwrap();
            assert!(trained.history.iter().all(|epoch| epoch.loss.is_finite()));
            assert_eq!(trained.history[0].reconstruction > 0.0, method == EquivaeMethod::M2);
        }
    }
}
