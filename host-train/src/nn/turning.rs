//! Filters in all their turns: kernels of group convolutions over the rotations of an image, or over its rotations and
//! reflections.
//!
//! Formula: a filter is `w(ρ, φ) = Σ_j a_j b_j(ρ, φ)` with basis functions that are circular harmonics on Gaussian
//! rings, `exp(−(ρ − r)² / 2σ²) · {cos mφ, sin mφ}`. Its turn by `θ` is the same sum with `φ − θ`, so no turned
//! filter is interpolated from another; its mirror image is that with `π − φ`. The kernel of output way g on input way h
//! is the filter for `g⁻¹h`, moved by g; see [`Symmetry`] for the ways and their order.
//!
//! (Weiler, Hamprecht and Storath, *Learning Steerable Filters for Rotation Equivariant CNNs*, 2018; Cohen and
//! Welling, *Group Equivariant Convolutional Networks*, 2016.)

use super::Symmetry;
use super::symmetry::Way;
use burn::module::{Initializer, Param};
use burn::prelude::*;
use std::f32::consts::{PI, TAU};

/// See the module's formula.
#[derive(Module, Debug)]
pub struct TurningKernel {
    /// Coefficients `[C_out, ways_in · C_in, basis]`, ways outside.
    pub(crate) weight: Param<Tensor<3>>,
    #[module(skip)]
    pub(crate) size: usize,
    #[module(skip)]
    pub(crate) symmetry: Symmetry,
    /// Of what comes in: none of an image.
    #[module(skip)]
    pub(crate) symmetry_in: Symmetry,
}

impl TurningKernel {
    /// Kernels of `size × size` pixels in all ways of a symmetry, from `inputs` to `outputs` channels a way;
    /// `symmetry_in` is [`Symmetry::NONE`] where an image comes in, and the same behind another of these.
    pub fn new(
        inputs: usize,
        outputs: usize,
        size: usize,
        [symmetry_in, symmetry]: [Symmetry; 2],
        device: &Device,
    ) -> Self {
        let shape = [outputs, symmetry_in.order() * inputs, harmonics(size).len()];
        Self { weight: Initializer::Zeros.init(shape, device), size, symmetry, symmetry_in }
    }

    /// The kernel of a plain convolution.
    ///
    /// # Shapes
    /// `[ways · C_out, ways_in · C_in, size, size]`, ways outside.
    pub fn kernel(&self) -> Tensor<4> {
        let weight = self.weight.val();
        let [outputs, columns, basis] = weight.dims();
        let (size, ways) = (self.size, self.symmetry.order());
        let table = TensorData::new(table(size, self.symmetry), [basis, ways * size * size]);
        let table = Tensor::from_data(table, &weight.device());
        let filters = weight.reshape([outputs * columns, basis]).matmul(table);
        let filters = filters.reshape([outputs, columns, ways, size * size]);
        let of_way = |(place, way): (usize, Way)| {
            let filter = filters.clone().narrow(2, place, 1).reshape([outputs, columns, size, size]);
            if self.symmetry_in == Symmetry::NONE { filter } else { self.seen_from(way, filter) }
        };
        Tensor::cat(self.symmetry.ways().enumerate().map(of_way).collect(), 0)
    }

    /// The input ways as output way g sees them: in the place of h what stood in that of `g⁻¹h`.
    fn seen_from(&self, g: Way, filter: Tensor<4>) -> Tensor<4> {
        let [outputs, columns, size, _] = filter.dims();
        let (turns, ways) = (self.symmetry_in.turns, self.symmetry_in.order());
        let x = filter.reshape([outputs, ways / turns, turns, columns / ways * size * size]);
        // A mirror image goes round the other way, and the two kinds change places.
        let (x, start) = match g.mirrored {
            true => (x.flip([1, 2]), turns - 1 - g.turn),
            false => (x, (turns - g.turn) % turns),
        };
        let x = match start {
            0 => x,
            _ => Tensor::cat(vec![x.clone().narrow(2, start, turns - start), x.narrow(2, 0, start)], 2),
        };
        x.reshape([outputs, columns, size, size])
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

/// `[basis, ways, size, size]`: each function in each way, of length 1 as it is.
fn table(size: usize, symmetry: Symmetry) -> Vec<f32> {
    let middle = (size as f32 - 1.0) / 2.0;
    let mut table = Vec::new();
    for harmonic in harmonics(size) {
        let at = |way: Way, row: usize, column: usize| {
            // x to the right and y down: a positive turn takes x towards y.
            let (x, y) = (column as f32 - middle, row as f32 - middle);
            let turned = y.atan2(x) - TAU * way.turn as f32 / symmetry.turns as f32;
            let angle = if way.mirrored { PI - turned } else { turned };
            let ring = (-((x.hypot(y) - harmonic.radius) / SIGMA).powi(2) / 2.0).exp();
            let wave = harmonic.frequency * angle;
            // The middle has no angle, and waves around it come to nothing there.
            if harmonic.frequency > 0.0 && x == 0.0 && y == 0.0 {
                return 0.0;
            }
            ring * if harmonic.sine { wave.sin() } else { wave.cos() }
        };
        let places = || (0..size * size).map(|place| (place / size, place % size));
        let as_it_is = Way { mirrored: false, turn: 0 };
        let length = places().map(|(row, column)| at(as_it_is, row, column).powi(2)).sum::<f32>().sqrt();
        for way in symmetry.ways() {
            table.extend(places().map(|(row, column)| at(way, row, column) / length));
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

    /// The maps of two layers over the image.
    fn maps(x: Tensor<4>, symmetry: Symmetry) -> Tensor<4> {
        let device = x.device();
        let lift = initialize(TurningKernel::new(1, 3, 4, [Symmetry::NONE, symmetry], &device), 1);
        let group = initialize(TurningKernel::new(3, 2, 3, [symmetry; 2], &device), 2);
        let lifted = conv2d(x, lift.kernel(), None, ConvOptions::new([2, 2], [1, 1], [1, 1], 1));
        conv2d(lifted, group.kernel(), None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1))
    }

    #[test]
    fn a_quarter_turn_of_the_image_turns_the_maps_and_moves_them_on() {
        let x = random(3, [2, 1, 12, 12], &device());
        let symmetry = Symmetry::turns(8);
        let (before, after) = (quarter(maps(x.clone(), symmetry)), maps(quarter(x), symmetry));
        // A quarter is two of eight turns.
        let moved = Tensor::cat(vec![before.clone().narrow(1, 12, 4), before.narrow(1, 0, 12)], 1);
        assert!(difference(after, moved) < TOLERANCE);
    }

    #[test]
    fn moving_the_image_moves_the_maps_and_their_places() {
        let x = random(3, [2, 1, 12, 12], &device());
        let symmetry = Symmetry { turns: 8, mirrored: true };
        for mirrored in [false, true] {
            for quarters in 0..4 {
                let moved = |x: Tensor<4>| {
                    let x = if mirrored { x.flip([3]) } else { x };
                    (0..quarters).fold(x, |x, _| quarter(x))
                };
                // The map of g on the moved image is the moved map of h⁻¹g.
                let h = Way { mirrored, turn: 2 * quarters };
                let before = moved(maps(x.clone(), symmetry));
                let from = |g| before.clone().narrow(1, 2 * symmetry.place(symmetry.between(h, g)), 2);
                let expected = Tensor::cat(symmetry.ways().map(from).collect(), 1);
                let found = difference(maps(moved(x.clone()), symmetry), expected);
                assert!(found < TOLERANCE, "{h:?}: {found}");
            }
        }
    }

    #[test]
    fn a_filter_of_one_pixel_is_the_same_in_all_turns() {
        let device = device();
        let point = initialize(TurningKernel::new(2, 1, 1, [Symmetry::NONE, Symmetry::turns(4)], &device), 1);
        let kernel = point.kernel();
        for turn in 1..4 {
            assert_eq!(difference(kernel.clone().narrow(0, 0, 1), kernel.clone().narrow(0, turn, 1)), 0.0);
        }
    }
}
