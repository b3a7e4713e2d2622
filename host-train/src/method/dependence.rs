//! How far some numbers depend on others.
//!
//! Formula: HSIC of a Gaussian kernel of the ones and the inner products of the others, divided by its largest value
//! (Gretton, Bousquet, Smola and Schölkopf, *Measuring Statistical Dependence with Hilbert-Schmidt Norms*, 2005):
//! `⟨K, L⟩ / (|K| |L|)` of both matrices without the means of their rows and columns. It is 0 for independent numbers,
//! in a batch of n by chance about `1 / √n`, and 1 at most.

use burn::prelude::*;

/// How far rows depend on others; see the module's formula.
///
/// # Shapes
/// `[B, v]`, numbers of about unit variance, and `[B, classes]` → `[1]`.
pub(super) fn dependence(v: Tensor<2>, classes: Tensor<2>) -> Tensor<1> {
    let [b, size] = v.dims();
    let inner = v.clone().matmul(v.transpose());
    let same = Tensor::<2>::eye(b, &inner.device());
    let squares = (inner.clone() * same).sum_dim(1);
    let apart = squares.clone().expand([b, b]) + squares.transpose().expand([b, b]) - inner * 2.0;
    // Rows of unit variance are 2 · size apart, squared.
    let of_v = centred((apart / (-2.0 * size as f32)).exp());
    let of_class = centred(classes.clone().matmul(classes.transpose()));
    let largest = of_v.clone().square().sum().sqrt() * of_class.clone().square().sum().sqrt();
    (of_v * of_class).sum() / (largest + f32::EPSILON)
}

/// A kernel without the means of its rows and columns.
fn centred(kernel: Tensor<2>) -> Tensor<2> {
    let rows = kernel.clone() - kernel.mean_dim(0);
    rows.clone() - rows.mean_dim(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    #[test]
    fn what_tells_the_class_depends_on_it() {
        let device = device();
        let labels = Tensor::<1, Int>::arange(0..120, &device).remainder_scalar(3);
        let classes = labels.clone().one_hot::<2>(3).float();
        let noise = random::<2>(1, [120, 4], &device);
        let of = |v: Tensor<2>| dependence(v, classes.clone()).into_scalar::<f32>();
        let (independent, told) = (
            of(noise.clone()),
            of(noise.clone() * 0.1 + Tensor::cat(vec![classes.clone(), Tensor::zeros([120, 1], &device)], 1)),
        );
        assert!(independent.abs() < 0.15 && told > 0.9, "{independent} {told}");
        // Not only where means differ: a class may be wider than others.
        let wide = noise * labels.float().unsqueeze_dim::<2>(1);
        assert!(of(wide.clone()) > 2.0 * independent, "{}", of(wide));
    }
}
