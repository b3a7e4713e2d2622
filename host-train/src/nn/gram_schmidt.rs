//! Two vectors become a rotation, and a third one says which hand they form.
//!
//! Formula: `e₁ = a/|a|`, `e₂ = (b − (e₁·b) e₁)/|…|`, `e₃ = e₁ × e₂`, `R = [e₁ e₂ e₃]` by columns.
//! Turning a and b by g turns every column: `R(g·a, g·b) = g · R(a, b)`. The hand is the sign of `e₃·c`: 1 where a, b
//! and c are right-handed and −1 where they are left-handed, which turning leaves as it is and a reflection turns around.

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

/// The hand of three vectors, of which the first two have given `rotation`.
///
/// A sign has no gradient, so that of the sine of the angle from c to the plane of a and b stands in its place: what
/// follows it makes the hand surer.
///
/// # Shapes
/// `rotation` `[B, 3, 3]`, `c` `[B, 3]` → `[B]`.
pub fn hand(rotation: Tensor<3>, c: Tensor<2>) -> Tensor<1> {
    let e3: Tensor<2> = rotation.slice(s![.., .., 2]).squeeze_dim(2);
    let sine = (e3 * unit(c)).sum_dim(1).squeeze_dim::<1>(1);
    // 1 or −1, never 0.
    let sign = sine.clone().lower_elem(0.0).float().mul_scalar(-2.0).add_scalar(1.0);
    sign + sine.clone() - sine.detach()
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
    fn a_turn_leaves_the_hand_and_a_reflection_turns_it_around() {
        let device = device();
        let [a, b, c] = [1, 2, 3].map(|seed| random::<2>(seed, [20, 3], &device));
        let of = |[a, b, c]: [Tensor<2>; 3]| hand(gram_schmidt(a, b), c);
        let found = of([a.clone(), b.clone(), c.clone()]);
        let determinant = (a.clone().cross(b.clone(), 1) * c.clone()).sum_dim(1).squeeze_dim::<1>(1);
        assert!(difference(found.clone(), determinant.sign()) < TOLERANCE);
        let g = rotations(4, 20, &device);
        let turn = |v: Tensor<2>| g.clone().matmul(v.unsqueeze_dim::<3>(2)).squeeze_dim::<2>(2);
        assert!(difference(of([a.clone(), b.clone(), c.clone()].map(turn)), found.clone()) < TOLERANCE);
        assert!(difference(of([a, b, c].map(|v| -v)), -found) < TOLERANCE);
    }

    #[test]
    fn the_hand_has_a_gradient() {
        let device = device().autodiff();
        let [a, b] = [1, 2].map(|seed| random::<2>(seed, [20, 3], &device));
        let c = random::<2>(3, [20, 3], &device).require_grad();
        let gradients = hand(gram_schmidt(a, b), c.clone()).sum().backward();
        let of_c = Tensor::from_inner(c.grad(&gradients).unwrap());
        assert!(of_c.abs().sum_dim(1).min().into_scalar::<f32>() > 1e-4);
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
