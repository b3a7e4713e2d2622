//! Rotations acting on windows and vector features.
//!
//! Formula: `y[b, :, c, t] = R[b] · x[b, :, c, t]`; the inverse uses Rᵀ.
//!
//! And a mirror across the plane of x and y, where a hand h is −1: `(x, y, h z)` of a vector, an acceleration, and
//! `(h x, h y, z)` of a pseudo-vector, an angular rate. With the columns of R and the hand as `gram_schmidt` gives them,
//! R behind this mirror is the orthogonal matrix `[e₁ e₂ h e₃]`.

use burn::prelude::*;

/// `R · x`.
///
/// # Shapes
/// `rotation` `[B, 3, 3]`, `vectors` `[B, 3, C, T]` → `[B, 3, C, T]`.
pub fn act(rotation: Tensor<3>, vectors: Tensor<4>) -> Tensor<4> {
    let [b, xyz, c, t] = vectors.dims();
    rotation.matmul(vectors.reshape([b, xyz, c * t])).reshape([b, xyz, c, t])
}

/// `Rᵀ · x`, which undoes [`act`].
///
/// # Shapes
/// As [`act`].
pub fn act_inverse(rotation: Tensor<3>, vectors: Tensor<4>) -> Tensor<4> {
    act(rotation.swap_dims(1, 2), vectors)
}

/// The mirror where the hand is −1, which undoes itself.
///
/// # Shapes
/// `hand` `[B]`, `vectors` `[B, 3, 2, T]`, vectors and then pseudo-vectors → `[B, 3, 2, T]`.
pub fn mirror(hand: Tensor<1>, vectors: Tensor<4>) -> Tensor<4> {
    let [b, ..] = vectors.dims();
    let hand = hand.reshape([b, 1, 1, 1]);
    let kept = hand.ones_like();
    let across = Tensor::cat(vec![kept.clone(), hand.clone()], 2);
    let along = Tensor::cat(vec![hand, kept], 2);
    vectors * Tensor::cat(vec![across.clone(), across, along], 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    /// The cross product of two vectors is a pseudo-vector, also of mirrored ones.
    #[test]
    fn a_mirror_keeps_cross_products() {
        let device = device();
        let [a, b] = [1, 2].map(|seed| random::<4>(seed, [2, 3, 1, 9], &device));
        let hand = Tensor::<1>::from_data([1.0, -1.0], &device);
        let mirrored = |v: Tensor<4>| {
            let both = mirror(hand.clone(), v.repeat_dim(2, 2));
            [0, 1].map(|sensor| both.clone().narrow(2, sensor, 1))
        };
        let crossed = a.clone().cross(b.clone(), 1);
        let [[first, _], [second, _], [_, expected]] = [a, b, crossed].map(mirrored);
        assert!(difference(first.cross(second, 1), expected) < TOLERANCE);
    }

    #[test]
    fn a_mirror_undoes_itself() {
        let device = device();
        let x = random(1, [2, 3, 2, 9], &device);
        let hand = Tensor::<1>::from_data([1.0, -1.0], &device);
        let once = mirror(hand.clone(), x.clone());
        assert!(difference(once.clone(), x.clone()) > 0.1);
        assert_eq!(difference(mirror(hand, once), x), 0.0);
    }

    #[test]
    fn the_inverse_undoes_the_action() {
        let device = device();
        let x = random(1, [5, 3, 2, 9], &device);
        let r = rotations(2, 5, &device);
        assert!(difference(act_inverse(r.clone(), act(r, x.clone())), x) < TOLERANCE);
    }

    #[test]
    fn a_quarter_turn_moves_x_to_y() {
        let device = device();
        let quarter = Tensor::<3>::from_data([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]], &device);
        let x = Tensor::<4>::from_data([[[[1.0]], [[0.0]], [[0.5]]]], &device);
        let y = Tensor::<4>::from_data([[[[0.0]], [[1.0]], [[0.5]]]], &device);
        assert_eq!(difference(act(quarter, x), y), 0.0);
    }
}
