//! The float networks of EquiVAE on samples: what the integers are measured against.

use super::EquivaeModel;
use crate::data::labelled::LabelledSet;
use crate::data::posed::rows;
use crate::evaluate::metrics::largest;
use crate::recipe::equivae::Likelihood;
use burn::prelude::*;
use burn::tensor::activation::sigmoid;

/// Samples a batch; only memory depends on it.
const BATCH: usize = 100;

/// What the float networks say about each sample; all but the logits are empty of a classifier alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EquivaeInference {
    /// The logits of `q(y | x)`.
    pub logits: Vec<Vec<f32>>,
    /// The mean of `q(v | r_y, x)` for the most likely class.
    pub within: Vec<Vec<f32>>,
    /// The bound `L(x, y)` for each class at the mean of v, nats.
    pub bounds: Vec<Vec<f32>>,
    /// What the decoder makes of that class and v, network units, channel by channel.
    pub reconstructions: Vec<Vec<f32>>,
    /// Mean squared error of those: the anomaly score, network units squared.
    pub scores: Vec<f32>,
}

impl EquivaeModel {
    /// The class codes that the device stores, `[classes][code]`: means of f_inv over all labelled samples of a class, or
    /// weights. None of a classifier alone.
    pub fn table(&self, set: &LabelledSet, device: &Device) -> Vec<Vec<f32>> {
        let Some(within) = &self.within else { return Vec::new() };
        let Some(invariant) = &within.invariant else {
            return within.codes.as_ref().map(|codes| rows(codes.weight.val())).unwrap_or_default();
        };
        let mean = |places: Vec<usize>| {
            let samples: Vec<&[i16]> = places.iter().map(|&place| set.train[place].as_ref()).collect();
            let mut sum: Vec<f64> = Vec::new();
            for some in samples.chunks(BATCH) {
                for row in rows(invariant.forward(set.tensor(some, device))) {
                    sum.resize(row.len(), 0.0);
                    sum.iter_mut().zip(&row).for_each(|(sum, x)| *sum += f64::from(*x));
                }
            }
            sum.iter().map(|sum| (sum / places.len().max(1) as f64) as f32).collect()
        };
        set.by_class().into_iter().map(mean).collect()
    }

    /// f_inv of samples, `[B][code]`; none where class codes are weights.
    pub fn invariant<S: AsRef<[i16]>>(&self, samples: &[S], set: &LabelledSet, device: &Device) -> Vec<Vec<f32>> {
        let invariant = self.within.as_ref().and_then(|within| within.invariant.as_ref());
        let of = |some: &[S]| invariant.map(|invariant| rows(invariant.forward(set.tensor(some, device))));
        samples.chunks(BATCH).flat_map(|some| of(some).unwrap_or_default()).collect()
    }

    /// What the decoder makes of class codes and latents, network units, channel by channel.
    pub fn decoded(&self, codes: &[Vec<f32>], v: &[Vec<f32>], device: &Device) -> Vec<Vec<f32>> {
        let Some(within) = &self.within else { return Vec::new() };
        let tensor = |rows: &[Vec<f32>]| {
            let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
            Tensor::<2>::from_data(TensorData::new(rows.concat(), shape), device)
        };
        let decoded = within.decode(tensor(codes), tensor(v));
        rows(if within.likelihood == Likelihood::Bernoulli { sigmoid(decoded) } else { decoded })
    }

    /// Runs the networks on samples, with the class codes of [`table`](Self::table).
    pub fn infer<S: AsRef<[i16]>>(
        &self,
        samples: &[S],
        set: &LabelledSet,
        table: &[Vec<f32>],
        device: &Device,
    ) -> EquivaeInference {
        let mut found = EquivaeInference::default();
        for some in samples.chunks(BATCH) {
            let x = set.tensor(some, device);
            let logits = rows(self.classify(x.clone()));
            if let Some(within) = &self.within {
                let shape = [table.len(), table.first().map_or(0, Vec::len)];
                let codes = Tensor::<2>::from_data(TensorData::new(table.concat(), shape), device);
                let all = codes.unsqueeze_dim::<3>(0).expand([some.len() as i32, -1, -1]);
                let hidden = within.hidden(x.clone());
                let bound = within.bound(x.flatten(1, 3), hidden.clone(), all.clone(), 1.0, None);
                found.bounds.extend(rows(bound.likelihood - bound.divergence));
                let [means, _] = within.posterior(hidden, all);
                let classes: Vec<usize> = logits.iter().map(|logits| largest(logits).unwrap_or(0)).collect();
                let [_, k, size] = means.dims();
                let means = rows(means.reshape([some.len(), k * size]));
                let own = means.iter().zip(&classes).map(|(all, class)| all[class * size..][..size].to_vec());
                let own: Vec<Vec<f32>> = own.collect();
                let codes: Vec<Vec<f32>> = classes.iter().map(|&class| table[class].clone()).collect();
                found.reconstructions.extend(self.decoded(&codes, &own, device));
                found.within.extend(own);
            }
            found.logits.extend(logits);
        }
        let pairs = samples.iter().zip(&found.reconstructions);
        let score = |(sample, estimate): (&S, &Vec<f32>)| {
            let x = set.numbers(sample.as_ref());
            let squares: f32 = x.iter().zip(estimate).map(|(x, y)| (x - y) * (x - y)).sum();
            squares / x.len() as f32
        };
        found.scores = pairs.map(score).collect();
        found
    }
}
