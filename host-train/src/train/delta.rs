//! δ learns the codes of the device.
//!
//! Rounded weights give other codes and poses than those that δ was trained with, the same ones for the same set. δ is never
//! exported, so it can learn what they mean: a set's code, order and pose come from core, and δ goes on from its weights. On
//! the device nothing changes.

use super::{Draw, Task};
use crate::data::sets::{Set, Sets};
use crate::evaluate::device::{Device as Core, Reading};
use crate::evaluate::set_device::orthogonal;
use crate::method::{Loss, SetDecoder};
use crate::recipe::TrainingSection;
use crate::recipe::set::SetRecipe;
use burn::prelude::*;
use gimbal_core::group::Group;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Of the recipe's highest rate: δ is nearly where it should be.
const RATE: f64 = 0.3;
/// Keeps these draws apart from those of the networks' training.
const SEED: u64 = 0x5de1_7a00;

/// Sets are drawn until a batch has a pose, but no more than so many times as it takes.
const TRIES: usize = 4;
/// Fewer sets with a pose are no batch.
const FEWEST: usize = 2;

/// A trained δ and the package whose codes it learns.
pub struct DeltaTask<'a> {
    recipe: &'a SetRecipe,
    sets: &'a Sets,
    package: &'a [u8],
    delta: SetDecoder,
    schedule: TrainingSection,
}

/// Codes of sets of one size and the sets, canonical and in order.
pub struct Codes {
    /// `[B, code]`.
    codes: Tensor<2>,
    /// `[B, N, channels]`.
    canonical: Tensor<3>,
    /// 0 where too few sets have a pose, and 1 elsewhere.
    weight: f32,
}

impl<'a> DeltaTask<'a> {
    /// A package of a recipe with an order and what it was trained with; the package must be one that core takes.
    pub fn new(recipe: &'a SetRecipe, sets: &'a Sets, package: &'a [u8], delta: SetDecoder) -> Self {
        let training = &recipe.training;
        let schedule = TrainingSection {
            epochs: recipe.quantize.delta_epochs,
            learning_rate: RATE * training.learning_rate,
            ..training.clone()
        };
        Self { recipe, sets, package, delta, schedule }
    }

    fn batch(&self, rng: &mut ChaCha8Rng, device: &Device) -> Codes {
        let elements = self.sets.draw_size(rng);
        let mut core = Core::new(self.package).expect("a package that was measured");
        let mut found: Vec<(Set, Reading)> = Vec::new();
        for _ in 0..TRIES * self.schedule.batch {
            let set = self.sets.draw(elements, rng);
            let reading = core.read(&set.counts).expect("a set as the package takes them");
            // Without a pose it has no code either.
            found.extend((!reading.code.is_empty()).then_some((set, reading)));
            if found.len() == self.schedule.batch {
                break;
            }
        }
        self.codes(&found, elements, device)
    }

    /// Sets of one size and what the device said of them.
    fn codes(&self, found: &[(Set, Reading)], elements: usize, device: &Device) -> Codes {
        let mut codes: Vec<f32> = found.iter().flat_map(|(_, reading)| reading.code.iter().copied()).collect();
        let mut canonical: Vec<f32> = found.iter().flat_map(|(set, reading)| self.canonical(set, reading)).collect();
        let posed = found.len().max(FEWEST);
        // A mean of nothing is no number, and statistics need two: zeros, which weigh nothing.
        codes.resize(posed * self.recipe.eta.code, 0.0);
        canonical.resize(posed * elements * self.sets.channels(), 0.0);
        let shape = [posed, elements, self.sets.channels()];
        Codes {
            codes: Tensor::from_data(TensorData::new(codes, [posed, self.recipe.eta.code]), device),
            canonical: Tensor::from_data(TensorData::new(canonical, shape), device),
            weight: if found.len() < FEWEST { 0.0 } else { 1.0 },
        }
    }

    /// A set in the pose and the order that the device has found, network units.
    fn canonical(&self, set: &Set, reading: &Reading) -> Vec<f32> {
        let channels = self.sets.channels();
        let mut numbers = self.sets.numbers(&set.counts, self.recipe.data.scale);
        if let Some(pose) = orthogonal(reading) {
            for row in numbers.chunks_exact_mut(channels) {
                let place = pose.inverse().act([row[0], row[1], row[2]]);
                row[..3].copy_from_slice(&place);
            }
        }
        let row = |&row: &i16| &numbers[row as usize * channels..][..channels];
        reading.order.iter().flat_map(row).copied().collect()
    }
}

impl Task for DeltaTask<'_> {
    type Model = SetDecoder;
    type Batch = Codes;

    fn recipe(&self) -> String {
        self.recipe.to_toml()
    }

    fn trains_as(&self, _: &str) -> bool {
        // Its checkpoint depends on the package too.
        false
    }

    fn schedule(&self) -> &TrainingSection {
        &self.schedule
    }

    fn fresh(&self, device: &Device) -> SetDecoder {
        self.delta.clone().fork(device).train()
    }

    fn batches(&self, epoch: usize) -> Vec<Draw<'_, Codes>> {
        let batches = self.recipe.data.train / self.schedule.batch;
        let draw = move |batch: usize| -> Draw<'_, Codes> {
            let mut rng = ChaCha8Rng::seed_from_u64(SEED ^ self.schedule.seed);
            rng.set_stream((epoch * batches + batch) as u64);
            Box::new(move |device| self.batch(&mut rng, device))
        };
        (0..batches).map(draw).collect()
    }

    fn loss(&self, delta: &SetDecoder, Codes { codes, canonical, weight }: Codes) -> Loss {
        let loss = delta.loss(codes, canonical, self.sets.points);
        Loss { total: loss.total * weight, ..loss }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::SetModel;
    use crate::nn::testing::device;
    use crate::pipeline::set::package_set;
    use crate::train::train;
    use std::sync::atomic::AtomicBool;

    struct Case {
        recipe: SetRecipe,
        sets: Sets,
        model: SetModel,
        package: Vec<u8>,
    }

    /// Fresh networks for two to six digits, or for four points.
    fn case(name: &str, elements: [usize; 2]) -> Case {
        let mut recipe = SetRecipe::load(name).unwrap();
        (recipe.data.elements, recipe.data.train, recipe.data.test) = (elements, 640, 20);
        (recipe.training.batch, recipe.quantize.delta_epochs) = (32, 3);
        let sets = Sets::new(&recipe.data);
        let model = SetModel::new(&recipe, &sets, &device());
        let package = package_set(name, &recipe, &sets, &model).unwrap();
        Case { recipe, sets, model, package }
    }

    fn task(case: &Case) -> DeltaTask<'_> {
        DeltaTask::new(&case.recipe, &case.sets, &case.package, case.model.delta.clone().unwrap())
    }

    /// What δ is asked for is what the device calls canonical, up to its rounding to counts.
    #[test]
    fn sets_are_as_the_device_sees_them() {
        let case = case("tetris", [4, 4]);
        let (task, mut core) = (task(&case), Core::new(&case.package).unwrap());
        let count = case.sets.per_count / case.recipe.data.scale;
        let mut posed = 0;
        for set in &case.sets.test_moved {
            let reading = core.read(&set.counts).unwrap();
            let row = |&row: &i16| reading.canonical[3 * row as usize..][..3].to_vec();
            let device: Vec<i16> = reading.order.iter().flat_map(row).collect();
            let asked = task.canonical(set, &reading);
            assert_eq!(asked.len(), device.len());
            posed += usize::from(!asked.is_empty());
            for (asked, device) in asked.iter().zip(device) {
                assert!((asked / count - f32::from(device)).abs() < 0.6, "{asked} and {device}");
            }
        }
        assert!(posed > 10, "{posed}");
    }

    #[test]
    fn the_codes_of_the_device_are_learned() {
        for (name, elements) in [("digit-sets", [2, 6]), ("tetris", [4, 4])] {
            let (case, folder) = (case(name, elements), tempfile::tempdir().unwrap());
            let learn = || train(&task(&case), &device(), folder.path(), false, &AtomicBool::new(false)).unwrap();
            let history = learn().history;
            assert_eq!(history.len(), 3);
            assert!(history[2].loss < 0.97 * history[0].loss, "{name}: {history:?}");
            assert_eq!(history, learn().history, "a seed decides it");
        }
    }

    #[test]
    fn sets_without_a_pose_teach_nothing() {
        let case = case("tetris", [4, 4]);
        let (task, learning) = (task(&case), device().autodiff());
        let delta = task.fresh(&device());
        let gradient = |found: &[(Set, Reading)]| -> f32 {
            let loss = task.loss(&delta, task.codes(found, 4, &learning)).total;
            assert!(loss.clone().into_scalar::<f32>().is_finite());
            let gradient = delta.last.bias.as_ref().unwrap().val().grad(&loss.backward()).unwrap();
            gradient.abs().max().into_scalar()
        };
        let mut core = Core::new(&case.package).unwrap();
        let read = |set: &Set| (set.clone(), core.read(&set.counts).unwrap());
        let posed = case.sets.test.iter().map(read).filter(|(_, reading)| reading.pose.is_some());
        let posed: Vec<_> = posed.take(2).collect();
        assert_eq!([gradient(&[]), gradient(&posed[..1])], [0.0, 0.0]);
        assert!(gradient(&posed) > 0.0);
    }
}
