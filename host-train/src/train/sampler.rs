//! Which windows an epoch sees, in which order and how varied: a function of (seed, epoch).

use crate::data::{Dataset, augment, starts};
use crate::method::{Batch, batch};
use crate::recipe::Recipe;
use burn::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The training windows' places in the data set.
pub struct Sampler<'a> {
    recipe: &'a Recipe,
    dataset: &'a Dataset,
    units: [f32; 2],
    /// Recording and first sample.
    places: Vec<(usize, usize)>,
}

impl<'a> Sampler<'a> {
    /// `None` if there is no window to train on.
    pub fn new(recipe: &'a Recipe, dataset: &'a Dataset) -> Option<Self> {
        let section = &recipe.data;
        let mut places = Vec::new();
        for (index, recording) in dataset.recordings.iter().enumerate() {
            if !section.test_subjects.contains(&recording.subject) {
                let starts = starts(recording.counts.len(), section.window, section.hop);
                places.extend(starts.map(|start| (index, start)));
            }
        }
        // Batch statistics need two windows.
        (places.len() >= 2).then(|| Self { recipe, dataset, units: batch::units(recipe, dataset), places })
    }

    /// The batches of an epoch, each made when it is called with its device. All are equally
    /// large; the windows left over differ from epoch to epoch.
    pub fn epoch(&self, index: usize) -> impl ExactSizeIterator<Item = impl FnOnce(&Device) -> Batch> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.recipe.training.seed);
        rng.set_stream(index as u64 + 1);
        let mut order = self.places.clone();
        order.shuffle(&mut rng);
        let size = self.recipe.training.batch.min(order.len());
        let batches: Vec<_> = order.chunks_exact(size).map(<[_]>::to_vec).collect();
        batches.into_iter().enumerate().map(move |(number, places)| {
            // A stream of its own, so that no batch depends on how much the one before drew.
            let mut rng = rng.clone();
            rng.set_stream((index as u64 + 1) << 32 | (number as u64 + 1));
            rng.set_word_pos(0);
            move |device: &Device| self.batch(&places, &mut rng, device)
        })
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
