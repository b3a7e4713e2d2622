//! Sorting with a gradient.
//!
//! Formula (Prillo, Eisenschlos, *SoftSort: A Continuous Relaxation for the argsort Operator*, 2020):
//! `P[n, k] = softmax_k(−|s_n − sort(s)_k| / τ)`, sorted descending: how much element n stands at place k. What is
//! used is the permutation that sorts, exactly; gradients are those of P (straight through).

use burn::prelude::*;
use burn::tensor::activation::softmax;

/// Keeps the logarithm of nothing finite.
const TINY: f32 = 1e-12;

/// The two permutations.
#[derive(Clone, Debug)]
pub struct Sorted {
    /// `[B, N, N]`: 1 where element n stands at place k, with the gradient of `soft`.
    pub hard: Tensor<3>,
    /// P, `[B, N, N]`.
    pub soft: Tensor<3>,
}

/// # Shapes
/// `scores` `[B, N]`, `temperature` above zero.
pub fn soft_sort(scores: Tensor<2>, temperature: f32) -> Sorted {
    let [b, n] = scores.dims();
    let order = scores.clone().argsort_descending(1);
    let sorted = scores.clone().gather(1, order.clone()).reshape([b, 1, n]);
    let apart = (scores.reshape([b, n, 1]) - sorted).abs().div_scalar(-temperature);
    let soft = softmax(apart, 2);
    let hard = order.one_hot::<3>(n).float().swap_dims(1, 2);
    Sorted { hard: soft.clone() + (hard - soft.clone()).detach(), soft }
}

impl Sorted {
    /// Elements in the order of their places.
    ///
    /// # Shapes
    /// `[B, N, C]` → `[B, N, C]`.
    pub fn arrange(&self, elements: Tensor<3>) -> Tensor<3> {
        self.hard.clone().swap_dims(1, 2).matmul(elements)
    }

    /// The mean entropies of P's rows and of its columns, nats: both are zero for a permutation.
    pub fn entropy(&self) -> Tensor<1> {
        let entropy = |p: Tensor<3>, dim| (p.clone() * p.add_scalar(TINY).log()).sum_dim(dim).neg().mean();
        let columns = self.soft.clone() / self.soft.clone().sum_dim(1);
        entropy(self.soft.clone(), 2) + entropy(columns, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    #[test]
    fn rows_sum_to_one_and_the_hard_permutation_sorts() {
        let device = device();
        let scores = random(1, [8, 12], &device);
        let Sorted { hard, soft } = soft_sort(scores.clone(), 0.3);
        assert!(difference(soft.clone().sum_dim(2), Tensor::ones([8, 12, 1], &device)) < TOLERANCE);
        assert!(difference(hard.clone().sum_dim(2), Tensor::ones([8, 12, 1], &device)) < TOLERANCE);
        let places = Sorted { hard, soft }.arrange(scores.clone().reshape([8, 12, 1])).reshape([8, 12]);
        assert!(difference(places, scores.sort_descending(1)) < TOLERANCE);
    }

    /// Equal scores still make a permutation: every place is taken once.
    #[test]
    fn ties_stand_side_by_side() {
        let device = device();
        let scores = Tensor::<2>::from_data([[0.5, 2.0, 0.5, 0.5, 2.0]], &device);
        let Sorted { hard, soft } = soft_sort(scores, 1.0);
        assert!(difference(hard.clone().sum_dim(1), Tensor::ones([1, 1, 5], &device)) < TOLERANCE);
        let first: f32 = hard.slice(s![0, 1..5, 0..2]).sum().into_scalar();
        assert!((first - 2.0).abs() < TOLERANCE, "both of the larger score come first");
        assert!(difference(soft.sum_dim(2), Tensor::ones([1, 5, 1], &device)) < TOLERANCE);
    }

    /// The gradient of a loss on the hard permutation is that of the soft one, by finite differences.
    #[test]
    fn gradients_pass_straight_through() {
        let device = device();
        let numbers = [0.9, -0.4, 0.1, 0.6];
        let weights = random(3, [1, 4, 4], &device);
        let soft = |scores: [f32; 4]| -> f32 {
            let scores = Tensor::<2>::from_data([scores], &device);
            (soft_sort(scores, 1.0).soft * weights.clone()).sum().into_scalar()
        };
        let learning = device.clone().autodiff();
        let scores = Tensor::<2>::from_data([numbers], &learning).require_grad();
        let loss = (soft_sort(scores.clone(), 1.0).hard * Tensor::from_inner(weights.clone())).sum();
        let gradient = scores.grad(&loss.backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();
        const STEP: f32 = 1e-2;
        for (i, gradient) in gradient.into_iter().enumerate() {
            let moved = |by: f32| std::array::from_fn(|j| numbers[j] + if i == j { by } else { 0.0 });
            let slope = (soft(moved(STEP)) - soft(moved(-STEP))) / (2.0 * STEP);
            assert!((slope - gradient).abs() < 1e-3, "{i}: {slope} and {gradient}");
        }
    }

    #[test]
    fn entropy_falls_as_scores_move_apart() {
        let device = device();
        let scores = random(1, [8, 12], &device);
        let entropy = |factor: f32| soft_sort(scores.clone() * factor, 1.0).entropy().into_scalar::<f32>();
        assert!(entropy(1.0) > 2.0 && entropy(1.0) > entropy(30.0) && entropy(30.0) > 0.0);
    }
}
