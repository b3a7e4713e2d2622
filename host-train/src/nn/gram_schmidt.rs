//! Two vectors become a rotation.
//!
//! Formula: `e₁ = a/|a|`, `e₂ = (b − (e₁·b) e₁)/|…|`, `e₃ = e₁ × e₂`, `R = [e₁ e₂ e₃]` by columns.
//! Turning a and b by g turns every column: `R(g·a, g·b) = g · R(a, b)`.

use burn::prelude::*;

/// Squared length below which a vector counts as none; it then gives a short column, never a NaN.
const TINY: f32 = 1e-12;

/// See the module's formula.
///
/// # Shapes
/// `a` and `b` `[B, 3]` → `[B, 3, 3]`.
pub fn gram_schmidt(a: Tensor<2>, b: Tensor<2>) -> Tensor<3> {
    let e1 = unit(a);
    let along = (e1.clone() * b.clone()).sum_dim(1);
    let e2 = unit(b - e1.clone() * along);
    let e3 = e1.clone().cross(e2.clone(), 1);
    Tensor::stack(vec![e1, e2, e3], 2)
}

fn unit(v: Tensor<2>) -> Tensor<2> {
    let length = v.clone().square().sum_dim(1).add_scalar(TINY).sqrt();
    v / length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    #[test]
    fn columns_are_orthonormal_and_right_handed() {
        let device = device();
        let r = gram_schmidt(random(1, [50, 3], &device), random(2, [50, 3], &device));
        let eye = Tensor::<2>::eye(3, &device).unsqueeze_dim::<3>(0).repeat_dim(0, 50);
        let product = r.clone().swap_dims(1, 2).matmul(r.clone());
        assert!(difference(product, eye) < TOLERANCE);
        let column = |i| r.clone().slice(s![.., .., i]).squeeze_dim::<2>(2);
        let e3 = column(0).cross(column(1), 1);
        assert!(difference(e3, column(2)) < TOLERANCE);
    }

    #[test]
    fn the_first_vector_gives_the_first_column_and_a_turn_carries_over() {
        let device = device();
        let (a, b) = (random(1, [20, 3], &device), random(2, [20, 3], &device));
        let g = rotations(3, 20, &device);
        let turn = |v: Tensor<2>| g.clone().matmul(v.unsqueeze_dim::<3>(2)).squeeze_dim::<2>(2);
        let before = gram_schmidt(turn(a.clone()), turn(b.clone()));
        let after = g.clone().matmul(gram_schmidt(a.clone(), b.clone()));
        assert!(difference(before, after.clone()) < 10.0 * TOLERANCE);
        let first: Tensor<2> = gram_schmidt(a.clone(), b).slice(s![.., .., 0]).squeeze_dim(2);
        assert!(difference(first, unit(a)) < TOLERANCE);
    }

    #[test]
    fn degenerate_vectors_stay_finite() {
        let device = device();
        let zero = Tensor::<2>::zeros([1, 3], &device);
        let one = random(1, [1, 3], &device);
        for (a, b) in [(zero.clone(), one.clone()), (one.clone(), one), (zero.clone(), zero)] {
            let sum = gram_schmidt(a, b).sum().into_scalar::<f32>();
            assert!(sum.is_finite());
        }
    }
}
