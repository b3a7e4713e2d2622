//! Filters in all their turns: kernels of group convolutions over the rotations of an image.
//!
//! Formula: a filter is `w(ρ, φ) = Σ_j a_j b_j(ρ, φ)` with basis functions that are circular harmonics on Gaussian
//! rings, `exp(−(ρ − r)² / 2σ²) · {cos mφ, sin mφ}`, and zero in the middle where m is not. Its turn by `θ` is the same
//! sum with `φ − θ`, so no turned filter is interpolated from another. With N turns, the kernel of output turn g on
//! input turn h is the filter for the difference h − g, turned by `2πg/N`.
//!
//! (Weiler, Hamprecht and Storath, *Learning Steerable Filters for Rotation Equivariant CNNs*, 2018; Cohen and
//! Welling, *Group Equivariant Convolutional Networks*, 2016.)

use burn::module::{Initializer, Param};
use burn::prelude::*;
use std::f32::consts::TAU;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct TurningKernel {
    /// Coefficients `[C_out, turns_in · C_in, basis]`, turns outside.
    pub(crate) weight: Param<Tensor<3>>,
    #[module(skip)]
    pub(crate) size: usize,
    #[module(skip)]
    pub(crate) turns: usize,
    /// 1 where an image comes in.
    #[module(skip)]
    pub(crate) turns_in: usize,
}

impl TurningKernel {
    /// Kernels of `size × size` pixels in `turns` turns, from `inputs` to `outputs` channels a turn; `turns_in` is 1
    /// where an image comes in, and `turns` behind another of these.
    pub fn new(inputs: usize, outputs: usize, size: usize, turns: usize, turns_in: usize, device: &Device) -> Self {
        let shape = [outputs, turns_in * inputs, harmonics(size).len()];
        Self { weight: Initializer::Zeros.init(shape, device), size, turns, turns_in }
    }

    /// The kernel of a plain convolution.
    ///
    /// # Shapes
    /// `[turns · C_out, turns_in · C_in, size, size]`, turns outside.
    pub fn kernel(&self) -> Tensor<4> {
        let weight = self.weight.val();
        let [outputs, columns, basis] = weight.dims();
        let (size, turns) = (self.size, self.turns);
        let table =
            Tensor::from_data(TensorData::new(table(size, turns), [basis, turns * size * size]), &weight.device());
        let filters = weight.reshape([outputs * columns, basis]).matmul(table);
        let filters = filters.reshape([outputs, columns, turns, size * size]);
        let inputs = columns / self.turns_in;
        let of_turn = |turn: usize| {
            let filter = filters.clone().narrow(2, turn, 1).reshape([outputs, columns, size, size]);
            // Input turn h reads the filter for h − g.
            let moved = turn % self.turns_in * inputs;
            match moved {
                0 => filter,
                _ => Tensor::cat(
                    vec![filter.clone().narrow(1, columns - moved, moved), filter.narrow(1, 0, columns - moved)],
                    1,
                ),
            }
        };
        Tensor::cat((0..turns).map(of_turn).collect(), 0)
    }
}

/// One basis function.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Harmonic {
    radius: f32,
    frequency: f32,
    sine: bool,
}

/// Width of a ring, pixels.
const SIGMA: f32 = 0.6;
/// What is finer than this many waves a turn, pixels do not hold.
const HIGHEST: f32 = 4.0;

/// The basis of filters of a size: rings about a pixel apart, on each as many waves as fit.
fn harmonics(size: usize) -> Vec<Harmonic> {
    let reach = (size as f32 - 1.0) / 2.0;
    let rings = reach.ceil() as usize;
    let mut all = Vec::new();
    for ring in 0..=rings {
        let radius = if rings == 0 { 0.0 } else { reach * ring as f32 / rings as f32 };
        let waves = (1.5 * radius).ceil().min(HIGHEST) as usize;
        all.push(Harmonic { radius, frequency: 0.0, sine: false });
        for frequency in 1..=waves {
            let frequency = frequency as f32;
            all.extend([false, true].map(|sine| Harmonic { radius, frequency, sine }));
        }
    }
    all
}

/// `[basis, turns, size, size]`: each function in each turn, of length 1 unturned.
fn table(size: usize, turns: usize) -> Vec<f32> {
    let middle = (size as f32 - 1.0) / 2.0;
    let mut table = Vec::new();
    for harmonic in harmonics(size) {
        let at = |turn: usize, row: usize, column: usize| {
            // x to the right and y down: a positive turn takes x towards y.
            let (x, y) = (column as f32 - middle, row as f32 - middle);
            // The middle lies in no direction: only what is the same in all of them can stand there.
            if harmonic.frequency > 0.0 && x == 0.0 && y == 0.0 {
                return 0.0;
            }
            let angle = y.atan2(x) - TAU * turn as f32 / turns as f32;
            let ring = (-((x.hypot(y) - harmonic.radius) / SIGMA).powi(2) / 2.0).exp();
            let wave = harmonic.frequency * angle;
            ring * if harmonic.sine { wave.sin() } else { wave.cos() }
        };
        let places = || (0..size * size).map(|place| (place / size, place % size));
        let length = places().map(|(row, column)| at(0, row, column).powi(2)).sum::<f32>().sqrt();
        for turn in 0..turns {
            table.extend(places().map(|(row, column)| at(turn, row, column) / length));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{initialize, testing::*};
    use burn::tensor::module::conv2d;
    use burn::tensor::ops::ConvOptions;

    /// `[B, C, side, side]` turned by a quarter, x towards y: row i, column j comes from row side − 1 − j, column i.
    fn quarter(x: Tensor<4>) -> Tensor<4> {
        x.swap_dims(2, 3).flip([3])
    }

    #[test]
    fn a_quarter_turn_of_the_image_turns_the_maps_and_moves_them_on() {
        let device = device();
        let (turns, c) = (8, 3);
        let lift = initialize(TurningKernel::new(1, c, 4, turns, 1, &device), 1);
        let group = initialize(TurningKernel::new(c, 2, 3, turns, turns, &device), 2);
        let maps = |x: Tensor<4>| {
            let lifted = conv2d(x, lift.kernel(), None, ConvOptions::new([2, 2], [1, 1], [1, 1], 1));
            conv2d(lifted, group.kernel(), None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1))
        };
        let x = random(3, [2, 1, 12, 12], &device);
        let (before, after) = (quarter(maps(x.clone())), maps(quarter(x)));
        // A quarter is two of eight turns.
        let moved = Tensor::cat(vec![before.clone().narrow(1, 12, 4), before.narrow(1, 0, 12)], 1);
        assert!(difference(after, moved) < TOLERANCE);
    }

    /// What extraction counts on: the turns below a quarter, turned pixel by pixel, are all others.
    #[test]
    fn a_quarter_of_the_turns_later_stands_the_filter_turned_by_a_quarter() {
        for (size, turns) in [(1, 4), (2, 8), (3, 4), (3, 8), (4, 12), (5, 16), (7, 8)] {
            let (table, pixels) = (table(size, turns), size * size);
            for function in table.chunks(turns * pixels) {
                for turn in 0..turns {
                    let later = (turn + turns / 4) % turns;
                    let [filter, turned] = [turn, later].map(|turn| &function[turn * pixels..][..pixels]);
                    for (place, number) in turned.iter().enumerate() {
                        let (row, column) = (place / size, place % size);
                        let expected = filter[(size - 1 - column) * size + row];
                        assert!(
                            (number - expected).abs() < TOLERANCE,
                            "{size} pixels, turn {turn}: {number} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_filter_of_one_pixel_is_the_same_in_all_turns() {
        let device = device();
        let point = initialize(TurningKernel::new(2, 1, 1, 4, 1, &device), 1);
        let kernel = point.kernel();
        for turn in 1..4 {
            assert_eq!(difference(kernel.clone().narrow(0, 0, 1), kernel.clone().narrow(0, turn, 1)), 0.0);
        }
    }
}
