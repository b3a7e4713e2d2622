//! How far some numbers depend on others.
//!
//! Formula: HSIC of a Gaussian kernel of the ones and the inner products of the others, divided by its largest value, the
//! mean over two bandwidths (Gretton, Bousquet, Smola and Schölkopf, *Measuring Statistical Dependence with Hilbert-Schmidt
//! Norms*, 2005). It is estimated from pairs of two samples, kernels being centred as by Székely and Rizzo, *Partial Distance
//! Correlation with Methods for Dissimilarities*, Annals of Statistics 2014, so that it is 0 in the mean for independent
//! numbers, also in a small batch; and 1 at most.

use burn::prelude::*;

/// Squares of the distances at which dependence is looked for, in units of the mean one: what is left at a small distance, a
/// nearest neighbour finds.
const BANDWIDTHS: [f32; 2] = [1.0, 0.25];

/// How far rows depend on others: around 0 if they do not, 1 at most; see the module's formula. 0 of fewer than four
/// rows, which have nothing left without their means.
///
/// # Shapes
/// `[B, v]`, `[B, others]` → `[1]`.
pub(super) fn dependence(v: Tensor<2>, others: Tensor<2>) -> Tensor<1> {
    let [b, _] = v.dims();
    if b < 4 {
        return Tensor::zeros([1], &v.device());
    }
    let inner = v.clone().matmul(v.transpose());
    let same = Tensor::<2>::eye(b, &inner.device());
    let squares = (inner.clone() * same.clone()).sum_dim(1);
    let apart = squares.clone().expand([b, b]) + squares.transpose().expand([b, b]) - inner * 2.0;
    let pairs = same.neg() + 1.0;
    // Only a unit, which is not to be learned.
    let usual = (apart.clone().detach() * pairs.clone()).mean_dim(0).mean_dim(1) + f32::EPSILON;
    let apart = apart / usual.expand([b, b]);
    let of_others = centred(others.clone().matmul(others.transpose()), pairs.clone());
    let mut total = Tensor::<1>::zeros([1], &apart.device());
    for bandwidth in BANDWIDTHS {
        let of_v = centred((apart.clone() / -bandwidth).exp(), pairs.clone());
        let largest = of_v.clone().square().sum().sqrt() * of_others.clone().square().sum().sqrt();
        total = total + (of_v * of_others.clone()).sum() / (largest + f32::EPSILON);
    }
    total / BANDWIDTHS.len() as f32
}

/// A kernel of pairs of two rows, without the means of its rows and columns, such that sums of products of two of them are not
/// above zero by chance.
fn centred(kernel: Tensor<2>, pairs: Tensor<2>) -> Tensor<2> {
    let [b, _] = kernel.dims();
    let kernel = kernel * pairs.clone();
    let (rows, columns) = (kernel.clone().sum_dim(1), kernel.clone().sum_dim(0));
    let all = columns.clone().sum_dim(1) / ((b - 1) * (b - 2)) as f32;
    let means = (rows.expand([b, b]) + columns.expand([b, b])) / (b - 2) as f32;
    (kernel - means + all.expand([b, b])) * pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    /// How far the dependence of independent numbers is from zero by chance.
    const CHANCE: f32 = 0.05;

    #[test]
    fn what_tells_the_class_depends_on_it() {
        let device = device();
        let labels = Tensor::<1, Int>::arange(0..120, &device).remainder_scalar(3);
        let classes = labels.clone().one_hot::<2>(3).float();
        let noise = random::<2>(1, [120, 4], &device);
        let of = |v: Tensor<2>| dependence(v, classes.clone()).into_scalar::<f32>();
        let with_class =
            |noise: Tensor<2>| noise * 0.1 + Tensor::cat(vec![classes.clone(), Tensor::zeros([120, 1], &device)], 1);
        let (independent, told) = (of(noise.clone()), of(with_class(noise.clone())));
        assert!(independent.abs() < CHANCE && told > 0.9, "{independent} {told}");
        // Not only where means differ: a class may be wider than others.
        let wide = of(noise.clone() * labels.float().unsqueeze_dim::<2>(1));
        assert!(wide > 2.0 * CHANCE, "{wide}");
        // No unit of v counts.
        let apart = of(with_class(noise.clone()) * 100.0) - told;
        assert!(apart.abs() < TOLERANCE, "{apart}");
    }

    /// Else a small batch would ask for latents that are all alike.
    #[test]
    fn what_is_independent_is_so_in_small_batches_too() {
        let device = device();
        let of = |seed: u64, count: usize| {
            let labels = Tensor::<1, Int>::arange(0..count as i64, &device).remainder_scalar(3);
            dependence(random(seed, [count, 4], &device), labels.one_hot::<2>(3).float()).into_scalar::<f32>()
        };
        let mean = (0..100).map(|seed| of(seed, 12)).sum::<f32>() / 100.0;
        assert!(mean.abs() < CHANCE, "{mean}");
        assert_eq!(of(1, 3), 0.0);
    }
}
