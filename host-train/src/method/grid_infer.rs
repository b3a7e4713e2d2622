//! The float networks on samples of a grid: what the integers are measured against.

use super::GridModel;
use super::grid::best;
use crate::data::posed::{rows, tensor};
use crate::recipe::grid::GridRecipe;
use burn::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Samples a batch; only memory depends on it.
const BATCH: usize = 250;

/// Copies of each sample that a quotient autoencoder's reconstruction may choose from.
const COPIES: usize = 72;

/// What the float networks say about each sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridInference {
    /// For each step of ψ, each sample's element.
    pub elements: Vec<Vec<Vec<f32>>>,
    /// For each step of ψ, how sure each element is.
    pub confidences: Vec<Vec<f32>>,
    /// The canonical samples, network units.
    pub canonical: Vec<Vec<f32>>,
    /// The codes.
    pub codes: Vec<Vec<f32>>,
    /// The logits; empty without a class head.
    pub logits: Vec<Vec<f32>>,
    /// The reconstructions in the samples' poses, network units; empty without a decoder.
    pub reconstructions: Vec<Vec<f32>>,
    /// Mean squared error of those; NaN without a decoder.
    pub reconstruction_mse: f32,
}

impl GridModel {
    /// Runs the networks on samples; `unit` is what a count is in network units.
    pub fn infer<S: AsRef<[i16]>>(&self, samples: &[S], unit: f32, device: &Device) -> GridInference {
        let groups = self.groups();
        let mut found = GridInference {
            elements: vec![Vec::new(); groups.len()],
            confidences: vec![Vec::new(); groups.len()],
            ..GridInference::default()
        };
        let mut squares = 0.0;
        for some in samples.chunks(BATCH) {
            let x = tensor(some, self.extent, unit, device);
            let forward = self.forward(x.clone());
            for (step, group) in groups.iter().enumerate() {
                let confidence = group.confidence(forward.numbers[step].clone()).unsqueeze_dim::<2>(1);
                found.confidences[step].extend(rows(confidence).concat());
                found.elements[step].extend(rows(forward.elements[step].clone()));
            }
            let reconstruction = self.reconstruction(&forward);
            found.codes.extend(rows(forward.code));
            found.canonical.extend(rows(forward.canonical.flatten(1, 3)));
            found.logits.extend(forward.logits.map(rows).unwrap_or_default());
            if let Some(reconstruction) = reconstruction {
                squares +=
                    (reconstruction.clone() - self.target(x)).square().mean().into_scalar::<f32>() * some.len() as f32;
                found.reconstructions.extend(rows(reconstruction.flatten(1, 3)));
            }
        }
        found.reconstruction_mse = match found.reconstructions.len() {
            0 => f32::NAN,
            count => squares / count as f32,
        };
        found
    }

    /// The mean squared error of reconstructions against the best of many moved copies of each sample: what a quotient
    /// autoencoder minimizes. NaN without a decoder.
    pub fn quotient_mse<S: AsRef<[i16]>>(&self, samples: &[S], recipe: &GridRecipe, device: &Device) -> f32 {
        let groups = recipe.data.groups(self.extent);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut sum = 0.0;
        for some in samples.chunks(BATCH) {
            let x = tensor(some, self.extent, 1.0 / recipe.data.scale, device);
            let Some(decoded) = self.forward(x.clone()).decoded else { return f32::NAN };
            sum += best(decoded, self.target(x), &groups, COPIES, &mut rng).into_scalar::<f32>() * some.len() as f32;
        }
        sum / samples.len() as f32
    }
}
