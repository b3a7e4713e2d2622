//! The float networks on recorded windows: what the integers are measured against.

use super::Model;
use super::batch::{self, to_vectors};
use burn::prelude::*;

/// Windows a batch; only memory depends on it.
const BATCH: usize = 256;

/// What the float networks say about each window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inference {
    /// ψ's two or three vectors before Gram–Schmidt; empty without a pose.
    pub vectors: Vec<Vec<[f32; 3]>>,
    /// R by rows, with `x ≈ R · canonical` for vectors: a reflection where ψ finds the other hand; empty without a pose.
    pub rotations: Vec<[[f32; 3]; 3]>,
    /// The code of each window.
    pub codes: Vec<Vec<f32>>,
    /// The logits of each window; empty without a class head.
    pub logits: Vec<Vec<f32>>,
    /// `mean((x̂ − x)²)` over all numbers of all windows, in network units squared; NaN without a
    /// decoder.
    pub reconstruction_mse: f32,
}

impl Model {
    /// Runs windows of `T × 6` counts with the running statistics of the normalizations.
    /// `units`: network units a count, see [`batch::units`].
    pub fn infer<W: AsRef<[i16]>>(&self, windows: &[W], units: [f32; 2], device: &Device) -> Inference {
        let model = self.valid();
        let mut all = Inference::default();
        let mut squares = 0.0;
        for chunk in windows.chunks(BATCH) {
            let input = batch::tensor(chunk, units, device);
            let forward = model.forward(input.clone());
            all.codes.extend(rows(forward.code));
            all.logits.extend(forward.logits.into_iter().flat_map(rows));
            if let Some(vectors) = forward.vectors {
                // By columns on the device, by vectors here.
                let vectors = vectors.swap_dims(1, 2).flatten::<2>(1, 2);
                all.vectors.extend(rows(vectors).iter().map(|row| row.as_chunks().0.to_vec()));
            }
            if let Some(frames) = forward.frames.clone() {
                let matrices = frames.matrices().flatten::<2>(1, 2);
                all.rotations.extend(rows(matrices).iter().map(|row| triples(row)));
            }
            squares += match forward.reconstruction.map(to_vectors) {
                None => f64::NAN,
                Some(estimate) => {
                    let estimate = match forward.frames {
                        Some(frames) => frames.act(estimate),
                        None => estimate,
                    };
                    let mean = (estimate - input).square().mean().into_scalar::<f32>();
                    f64::from(mean) * chunk.len() as f64
                }
            };
        }
        all.reconstruction_mse = (squares / windows.len() as f64) as f32;
        all
    }
}

fn rows(tensor: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, width] = tensor.dims();
    let numbers = tensor.into_data().try_to_vec::<f32>().expect("the networks compute in f32");
    numbers.chunks(width).map(<[f32]>::to_vec).collect()
}

fn triples<const N: usize>(row: &[f32]) -> [[f32; 3]; N] {
    std::array::from_fn(|i| std::array::from_fn(|j| row[3 * i + j]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{rotation, windows, wrist};
    use crate::nn::testing;
    use crate::recipe::Recipe;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn rotations_follow_the_windows_and_codes_do_not() {
        let device = testing::device();
        let recipe = Recipe::load("wrist").unwrap();
        let set = wrist::load().unwrap();
        let model = Model::new(&recipe, set.classes.len(), &device);
        let units = batch::units(&recipe, &set);
        let mut windows = windows(&set, 128, 64, |subject| subject == 8);
        windows.truncate(300);
        let upright = model.infer(&windows, units, &device);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let turns: Vec<_> = windows.iter().map(|_| rotation::random(&mut rng)).collect();
        let turned: Vec<_> = windows.iter().zip(&turns).map(|(w, r)| rotation::rotate_counts(&w.counts, r)).collect();
        let rotated = model.infer(&turned, units, &device);
        assert_eq!(rotated.codes.len(), 300);
        // Windows are rounded to whole counts after turning, so the laws are not exact here.
        let column = |m: &[[f32; 3]; 3], c: usize| m.map(|row| row[c]);
        let poses = upright.rotations.iter().zip(&rotated.rotations).zip(&turns);
        let errors = poses.flat_map(|((before, after), turn)| {
            (0..3).flat_map(move |c| {
                let expected = rotation::turn(turn, column(before, c));
                let got = column(after, c);
                (0..3).map(move |axis| (expected[axis] - got[axis]).abs())
            })
        });
        assert!(median(errors) < 1e-3);
        let codes = upright.codes.iter().flatten().zip(rotated.codes.iter().flatten());
        assert!(median(codes.map(|(a, b)| (a - b).abs())) < 1e-3);
        let relative = rotated.reconstruction_mse / upright.reconstruction_mse;
        assert!((relative - 1.0).abs() < 1e-2, "{relative}");
    }

    fn median(numbers: impl Iterator<Item = f32>) -> f32 {
        let mut numbers: Vec<f32> = numbers.collect();
        numbers.sort_by(f32::total_cmp);
        numbers[numbers.len() / 2]
    }
}
