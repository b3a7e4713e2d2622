//! Circular shifts of a signal in time: the circle group.

use super::Group;
use super::so2::{So2, length, parts};
use burn::prelude::*;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// Elements are `(cos, sin)` of the delay, where a whole turn is the whole signal.
#[derive(Clone, Copy, Debug)]
pub struct Shift;

impl Group for Shift {
    // ---- Chart ------------------------------------------------------------------------------------

    /// The first Fourier coefficient over time: `Σ_t f(t) (cos, sin)(2πt/T) / T`.
    fn numbers(&self, map: Tensor<4>) -> Tensor<2> {
        let [b, _, time, _] = map.dims();
        let waves: Vec<f32> = (0..time)
            .flat_map(|t| {
                let angle = TAU * t as f32 / time as f32;
                [angle.cos(), angle.sin()].map(|wave| wave / time as f32)
            })
            .collect();
        let waves = Tensor::from_data(TensorData::new(waves, [time, 2]), &map.device());
        map.reshape([b, time]).matmul(waves)
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
        So2.compose(g, h)
    }

    fn inverse(&self, g: Tensor<2>) -> Tensor<2> {
        So2.inverse(g)
    }

    fn distance(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<1> {
        So2.distance(g, h)
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        So2.draw(rng)
    }

    // ---- Action -----------------------------------------------------------------------------------

    /// `(g·x)(t) = x(t − delay)`, linear between two neighbours, round and round.
    fn act(&self, g: Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let [b, c, time, w] = x.dims();
        let device = x.device();
        let [cos, sin] = parts(g);
        let delay = sin.atan2(cos).mul_scalar(time as f32 / TAU);
        let at = Tensor::<1, Int>::arange(0..time as i64, &device).float().reshape([1, time]) - delay;
        // Twice around, so that no remainder is taken of a negative number.
        let at = at.add_scalar(2.0 * time as f32);
        let floor = at.clone().detach().floor();
        let part = (at - floor.clone()).reshape([b, 1, time, 1]).expand([b, c, time, w]);
        let floor = floor.int();
        let pick = |index: Tensor<2, Int>| {
            let index = index.remainder_scalar(time as i64).reshape([b, 1, time, 1]).expand([b, c, time, w]);
            x.clone().gather(2, index)
        };
        let (before, behind) = (pick(floor.clone()), pick(floor.add_scalar(1)));
        before.clone() + (behind - before) * part
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::draw;
    use crate::nn::testing::*;
    use rand::SeedableRng;

    /// Elements that delay by whole samples of eight.
    fn whole(samples: [usize; 3], device: &Device) -> Tensor<2> {
        let rows = samples.map(|samples| {
            let angle = TAU * samples as f32 / 8.0;
            [angle.cos(), angle.sin()]
        });
        Tensor::from_data(rows, device)
    }

    #[test]
    fn whole_shifts_move_samples() {
        let device = device();
        let x = random(1, [3, 1, 8, 1], &device);
        let y = Shift.act(whole([0, 1, 5], &device), x.clone());
        for (sample, by) in [0, 1, 5].into_iter().enumerate() {
            let x = x.clone().narrow(0, sample, 1);
            let expected =
                Tensor::cat(vec![x.clone().narrow(2, 8 - by.max(1), by.max(1)), x.narrow(2, 0, 8 - by.max(1))], 2);
            if by > 0 {
                // A phase in f32 is off by 10⁻⁷ of the circle.
                assert!(difference(y.clone().narrow(0, sample, 1), expected) < TOLERANCE);
            }
        }
    }

    #[test]
    fn the_inverse_undoes_whole_shifts() {
        let device = device();
        let (g, x) = (whole([2, 3, 7], &device), random(1, [3, 1, 8, 1], &device));
        assert!(difference(Shift.act(Shift.inverse(g.clone()), Shift.act(g, x.clone())), x) < TOLERANCE);
    }

    #[test]
    fn the_numbers_of_a_shifted_map_are_turned() {
        let device = device();
        let (g, f) = (whole([1, 4, 6], &device), random(2, [3, 1, 8, 1], &device));
        let expected = Shift.compose(g.clone(), Shift.numbers(f.clone()));
        assert!(difference(Shift.numbers(Shift.act(g, f)), expected) < TOLERANCE);
    }

    #[test]
    fn drawn_elements_have_length_one() {
        let g = draw(&Shift, 5, &mut ChaCha8Rng::seed_from_u64(1), &device());
        assert!(difference(Shift.confidence(g.clone()), g.narrow(1, 0, 1).squeeze_dim::<1>(1).ones_like()) < TOLERANCE);
    }
}
