//! SO(2): rotations of an image about its middle.

use super::Group;
use burn::prelude::*;
use burn::tensor::grid::affine_grid_2d;
use burn::tensor::ops::{GridSampleOptions, InterpolateMode};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// Elements are `(cos, sin)`; a positive angle takes x (columns) towards y (rows).
#[derive(Clone, Copy, Debug)]
pub struct So2;

impl Group for So2 {
    // ---- Chart ------------------------------------------------------------------------------------

    /// The first Fourier coefficient over the turns of the means over the image: `Σ_k f_k (cos, sin)(2πk/N)`.
    fn numbers(&self, map: Tensor<4>) -> Tensor<2> {
        let [b, turns, h, w] = map.dims();
        let means = map.reshape([b, turns, h * w]).mean_dim(2).reshape([b, turns]);
        let waves: Vec<f32> = (0..turns)
            .flat_map(|turn| {
                let angle = TAU * turn as f32 / turns as f32;
                [angle.cos(), angle.sin()]
            })
            .collect();
        let device = means.device();
        means.matmul(Tensor::from_data(TensorData::new(waves, [turns, 2]), &device))
    }

    fn chart(&self, numbers: Tensor<2>) -> Tensor<2> {
        let length = length(numbers.clone());
        numbers / length
    }

    fn confidence(&self, numbers: Tensor<2>) -> Tensor<1> {
        length(numbers).squeeze_dim(1)
    }

    // ---- Element ----------------------------------------------------------------------------------

    fn compose(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<2> {
        let ([a, b], [c, d]) = (parts(g), parts(h));
        Tensor::cat(vec![a.clone() * c.clone() - b.clone() * d.clone(), a * d + b * c], 1)
    }

    fn inverse(&self, g: Tensor<2>) -> Tensor<2> {
        let [cos, sin] = parts(g);
        Tensor::cat(vec![cos, -sin], 1)
    }

    /// One minus the cosine of the angle between.
    fn distance(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<1> {
        (g * h).sum_dim(1).squeeze_dim::<1>(1).neg().add_scalar(1.0)
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let angle = rng.random_range(0.0..TAU);
        vec![angle.cos(), angle.sin()]
    }

    // ---- Action -----------------------------------------------------------------------------------

    /// `(g·x)(p) = x(g⁻¹ p)`, bilinear, zero outside.
    fn act(&self, g: Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let [cos, sin] = parts(g);
        let zero = cos.zeros_like();
        // From output positions to input positions: the inverse.
        let rows = [[cos.clone(), sin.clone(), zero.clone()], [-sin, cos, zero]];
        sample(rows, x)
    }
}

/// The image `y(p) = x(A p)` for affine maps by rows, each entry `[B, 1]`; positions from −1 to 1.
pub(super) fn sample(rows: [[Tensor<2>; 3]; 2], x: Tensor<4>) -> Tensor<4> {
    let rows = rows.map(|row| Tensor::cat(row.to_vec(), 1));
    let grid = affine_grid_2d(Tensor::stack(rows.to_vec(), 1), x.dims());
    let options = GridSampleOptions::new(InterpolateMode::Bilinear).with_align_corners(true);
    x.grid_sample_2d(grid, options)
}

/// The two columns, `[B, 1]` each.
pub(super) fn parts(g: Tensor<2>) -> [Tensor<2>; 2] {
    [g.clone().narrow(1, 0, 1), g.narrow(1, 1, 1)]
}

/// The lengths of rows, `[B, 1]`, never zero: a square root there has no gradient.
pub(super) fn length(v: Tensor<2>) -> Tensor<2> {
    v.square().sum_dim(1).add_scalar(1e-12).sqrt()
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::draw;
    use crate::nn::testing::*;
    use rand::SeedableRng;

    fn elements(seed: u64, device: &Device) -> Tensor<2> {
        draw(&So2, 6, &mut ChaCha8Rng::seed_from_u64(seed), device)
    }

    #[test]
    fn group_laws() {
        let device = device();
        let [a, b, c] = [1, 2, 3].map(|seed| elements(seed, &device));
        let left = So2.compose(So2.compose(a.clone(), b.clone()), c.clone());
        let right = So2.compose(a.clone(), So2.compose(b, c));
        assert!(difference(left, right) < TOLERANCE);
        let one = So2.compose(a.clone(), So2.inverse(a.clone()));
        assert!(So2.distance(one.clone(), one.clone() * 1.0).abs().max().into_scalar::<f32>() < TOLERANCE);
        assert!(difference(So2.compose(one, a.clone()), a) < TOLERANCE);
    }

    #[test]
    fn a_quarter_turn_moves_pixels_from_x_to_y() {
        let device = device();
        let x = random(1, [1, 1, 7, 7], &device);
        let quarter = Tensor::<2>::from_data([[0.0, 1.0]], &device);
        // Row i, column j comes from row 6 − j, column i.
        let expected = x.clone().swap_dims(2, 3).flip([3]);
        assert!(difference(So2.act(quarter, x), expected) < TOLERANCE);
    }

    #[test]
    fn the_chart_turns_with_its_numbers() {
        let device = device();
        let (g, v) = (elements(1, &device), random(2, [6, 2], &device));
        let turned = So2.compose(g.clone(), v.clone());
        assert!(difference(So2.chart(turned), So2.compose(g, So2.chart(v))) < TOLERANCE);
    }
}
