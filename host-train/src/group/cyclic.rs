//! C_n: circular shifts of a ring of electrodes, and quarter turns of an image. Both are exact on the device.

use super::Group;
use burn::prelude::*;
use burn::tensor::activation::softmax;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Shifts of a ring, `(g·x)[t, e] = x[t, e − g]`. Elements are rows of `order` numbers, 1 at the element's index and 0
/// elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    /// Electrodes, the order of the group.
    pub order: usize,
}

/// Quarter turns, x towards y. Elements are rows of four numbers, 1 at the number of turns.
#[derive(Clone, Copy, Debug)]
pub struct QuarterTurns;

impl Group for Ring {
    // ---- Chart ------------------------------------------------------------------------------------

    /// One score an electrode: the means over time.
    fn numbers(&self, map: Tensor<4>) -> Tensor<2> {
        let [b, _, _, electrodes] = map.dims();
        map.mean_dim(2).reshape([b, electrodes])
    }

    fn chart(&self, numbers: Tensor<2>) -> Tensor<2> {
        largest(numbers)
    }

    fn confidence(&self, numbers: Tensor<2>) -> Tensor<1> {
        gap(numbers)
    }

    // ---- Element ----------------------------------------------------------------------------------

    fn compose(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<2> {
        let [b, n] = h.dims();
        moved(h.reshape([b, 1, n]), g).reshape([b, n])
    }

    fn inverse(&self, g: Tensor<2>) -> Tensor<2> {
        inverse(g)
    }

    fn distance(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<1> {
        unequal(g, h)
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        one_of(self.order, rng)
    }

    // ---- Action -----------------------------------------------------------------------------------

    fn act(&self, g: Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let [b, c, time, electrodes] = x.dims();
        moved(x.reshape([b, c * time, electrodes]), g).reshape([b, c, time, electrodes])
    }
}

impl Group for QuarterTurns {
    // ---- Chart ------------------------------------------------------------------------------------

    /// One score a quarter: the means over the image and over the turns from this quarter to the next.
    fn numbers(&self, map: Tensor<4>) -> Tensor<2> {
        let [b, turns, h, w] = map.dims();
        map.reshape([b, TURNS, turns / TURNS * h * w]).mean_dim(2).reshape([b, TURNS])
    }

    fn chart(&self, numbers: Tensor<2>) -> Tensor<2> {
        largest(numbers)
    }

    fn confidence(&self, numbers: Tensor<2>) -> Tensor<1> {
        gap(numbers)
    }

    // ---- Element ----------------------------------------------------------------------------------

    fn compose(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<2> {
        Ring { order: TURNS }.compose(g, h)
    }

    fn inverse(&self, g: Tensor<2>) -> Tensor<2> {
        inverse(g)
    }

    fn distance(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<1> {
        unequal(g, h)
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        one_of(TURNS, rng)
    }

    // ---- Action -----------------------------------------------------------------------------------

    fn act(&self, g: Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let b = x.dims()[0];
        let mut turned = x;
        let mut sum = None;
        for turn in 0..TURNS {
            let share = turned.clone() * g.clone().narrow(1, turn, 1).reshape([b, 1, 1, 1]);
            sum = Some(match sum {
                None => share,
                Some(sum) => sum + share,
            });
            // Row i, column j comes from row side − 1 − j, column i.
            turned = turned.swap_dims(2, 3).flip([3]);
        }
        sum.expect("there are four turns")
    }
}

/// Quarter turns in a whole one.
const TURNS: usize = 4;

/// A row with 1 at the largest score, whose gradient is the softmax's.
fn largest(scores: Tensor<2>) -> Tensor<2> {
    let n = scores.dims()[1];
    let soft = softmax(scores.clone(), 1);
    let hard = scores.detach().argmax(1).squeeze_dim::<1>(1).one_hot::<2>(n).float();
    soft.clone() + (hard - soft).detach()
}

/// From the largest score to the next.
fn gap(scores: Tensor<2>) -> Tensor<1> {
    let two = scores.sort_descending(1);
    (two.clone().narrow(1, 0, 1) - two.narrow(1, 1, 1)).squeeze_dim(1)
}

/// The row of the inverse: index 0 stays, the others change direction.
fn inverse(g: Tensor<2>) -> Tensor<2> {
    let n = g.dims()[1];
    Tensor::cat(vec![g.clone().narrow(1, 0, 1), g.narrow(1, 1, n - 1).flip([1])], 1)
}

/// 0 for equal elements, 1 for others.
fn unequal(g: Tensor<2>, h: Tensor<2>) -> Tensor<1> {
    (g * h).sum_dim(1).squeeze_dim::<1>(1).neg().add_scalar(1.0)
}

fn one_of(order: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let index = rng.random_range(0..order);
    (0..order).map(|other| f32::from(u8::from(other == index))).collect()
}

/// Rows `[B, M, n]` shifted by elements `[B, n]`.
fn moved(x: Tensor<3>, g: Tensor<2>) -> Tensor<3> {
    let [b, n] = g.dims();
    // Output e reads input e' as far as the element is e − e'.
    let mut table = vec![0.0; n * n * n];
    for from in 0..n {
        for to in 0..n {
            table[((to + n - from) % n * n + from) * n + to] = 1.0;
        }
    }
    let table = Tensor::from_data(TensorData::new(table, [n, n * n]), &g.device());
    x.matmul(g.matmul(table).reshape([b, n, n]))
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::draw;
    use crate::nn::testing::*;
    use rand::SeedableRng;

    fn elements(group: &dyn Group, seed: u64, device: &Device) -> Tensor<2> {
        draw(group, 9, &mut ChaCha8Rng::seed_from_u64(seed), device)
    }

    fn laws(group: &dyn Group, shape: [usize; 4]) {
        let device = device();
        let [a, b, c] = [1, 2, 3].map(|seed| elements(group, seed, &device));
        let left = group.compose(group.compose(a.clone(), b.clone()), c.clone());
        assert_eq!(difference(left, group.compose(a.clone(), group.compose(b.clone(), c))), 0.0);
        let one = group.compose(a.clone(), group.inverse(a.clone()));
        assert_eq!(one.narrow(1, 0, 1).min().into_scalar::<f32>(), 1.0);
        let x = random(4, shape, &device);
        let (once, twice) = (group.act(group.compose(a.clone(), b.clone()), x.clone()), group.act(a, group.act(b, x)));
        assert_eq!(difference(once, twice), 0.0);
    }

    #[test]
    fn group_and_action_laws() {
        laws(&Ring { order: 8 }, [9, 1, 3, 8]);
        laws(&QuarterTurns, [9, 1, 5, 5]);
    }

    #[test]
    fn finer_turns_belong_to_the_quarter_that_they_follow() {
        let map = Tensor::<4>::from_data(
            [[[[1.0]], [[3.0]], [[0.0]], [[1.0]], [[5.0]], [[9.0]], [[2.0]], [[2.0]]]],
            &device(),
        );
        let scores = QuarterTurns.numbers(map);
        assert_eq!(difference(scores.clone(), Tensor::from_data([[2.0, 0.5, 7.0, 2.0]], &device())), 0.0);
        assert!(
            difference(QuarterTurns.chart(scores), Tensor::from_data([[0.0, 0.0, 1.0, 0.0]], &device())) < TOLERANCE
        );
    }

    #[test]
    fn a_shift_moves_electrodes_on() {
        let device = device();
        let g = Tensor::<2>::from_data([[0.0, 1.0, 0.0]], &device);
        let x = Tensor::<4>::from_data([[[[1.0, 2.0, 3.0]]]], &device);
        assert_eq!(difference(Ring { order: 3 }.act(g, x), Tensor::from_data([[[[3.0, 1.0, 2.0]]]], &device)), 0.0);
    }

    #[test]
    fn the_chart_moves_with_the_scores() {
        let device = device();
        let (group, scores) = (Ring { order: 5 }, random(6, [9, 5], &device));
        let g = elements(&group, 7, &device);
        let moved = group.compose(g.clone(), scores.clone());
        // f32 sums of a number and zeros are that number; soft + (hard − soft) is within a rounding of hard.
        assert!(difference(group.chart(moved), group.compose(g, group.chart(scores))) < TOLERANCE);
    }
}
