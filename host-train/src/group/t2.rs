//! T(2): translations of an image.

use super::Group;
use super::so2::{parts, sample};
use burn::prelude::*;
use burn::tensor::activation::relu;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Elements are `(x, y)` in halves of the image's side: 1 moves the middle to the edge; x to the right, y down.
#[derive(Clone, Copy, Debug)]
pub struct T2;

/// Largest drawn translation, halves of the side: what is in the middle stays inside.
const REACH: f32 = 0.3;

impl Group for T2 {
    // ---- Chart ------------------------------------------------------------------------------------

    /// The mean over the turns of filters, rectified: `[B, rows · columns + 2]`, weights that are not negative, then the
    /// sizes of the map.
    fn numbers(&self, map: Tensor<4>) -> Tensor<2> {
        let [b, _, h, w] = map.dims();
        let sizes = Tensor::<2>::from_data([[h as f32, w as f32]], &map.device()).expand([b, 2]);
        Tensor::cat(vec![relu(map.mean_dim(1)).reshape([b, h * w]), sizes], 1)
    }

    /// The mean of positions, each with its weight.
    fn chart(&self, numbers: Tensor<2>) -> Tensor<2> {
        let [b, n] = numbers.dims();
        let n = n - 2;
        // A map of a batch has one size.
        let sizes = numbers.clone().narrow(0, 0, 1).narrow(1, n, 2).into_data().try_to_vec::<f32>();
        let sizes = sizes.expect("sizes are f32");
        let (h, w) = (sizes[0] as usize, sizes[1] as usize);
        let along = |at: usize, length: usize| (2.0 * at as f32 - (length as f32 - 1.0)) / (length as f32 - 1.0);
        let places: Vec<f32> = (0..n).flat_map(|place| [along(place % w, w), along(place / w, h)]).collect();
        let places = Tensor::from_data(TensorData::new(places, [n, 2]), &numbers.device());
        let weights = numbers.narrow(1, 0, n);
        let total = weights.clone().sum_dim(1).add_scalar(1e-6);
        weights.matmul(places).reshape([b, 2]) / total
    }

    fn confidence(&self, numbers: Tensor<2>) -> Tensor<1> {
        let n = numbers.dims()[1] - 2;
        numbers.narrow(1, 0, n).sum_dim(1).squeeze_dim(1)
    }

    // ---- Element ----------------------------------------------------------------------------------

    fn compose(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<2> {
        g + h
    }

    fn inverse(&self, g: Tensor<2>) -> Tensor<2> {
        -g
    }

    /// The squared distance.
    fn distance(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<1> {
        (g - h).square().sum_dim(1).squeeze_dim(1)
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        (0..2).map(|_| rng.random_range(-REACH..REACH)).collect()
    }

    // ---- Action -----------------------------------------------------------------------------------

    /// `(g·x)(p) = x(p − g)`, bilinear, zero outside.
    fn act(&self, g: Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let [dx, dy] = parts(g);
        let (one, zero) = (dx.ones_like(), dx.zeros_like());
        sample([[one.clone(), zero.clone(), -dx], [zero, one, -dy]], x)
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    /// Something small in the middle of an image of 9 × 9.
    fn image(device: &Device) -> Tensor<4> {
        let small = random(1, [1, 1, 3, 3], device).add_scalar(1.5);
        Tensor::zeros([1, 1, 9, 9], device).slice_assign(s![.., .., 3..6, 3..6], small)
    }

    #[test]
    fn whole_pixels_move() {
        let device = device();
        let x = image(&device);
        // Four pixels are from the middle to the edge.
        let moved = T2.act(Tensor::from_data([[0.5, -0.25]], &device), x.clone());
        let expected =
            Tensor::zeros([1, 1, 9, 9], &device).slice_assign(s![.., .., 2..5, 5..8], x.slice(s![.., .., 3..6, 3..6]));
        assert!(difference(moved, expected) < TOLERANCE);
    }

    #[test]
    fn the_mean_position_moves_with_the_map() {
        let device = device();
        let (x, g) = (image(&device), Tensor::<2>::from_data([[0.33, -0.21]], &device));
        let at = |x| T2.chart(T2.numbers(x));
        assert!(difference(at(T2.act(g.clone(), x.clone())), T2.compose(g, at(x))) < TOLERANCE);
    }
}
