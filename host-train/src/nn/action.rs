//! Rotations acting on windows and vector features.
//!
//! Formula: `y[b, :, c, t] = R[b] · x[b, :, c, t]`; the inverse uses Rᵀ.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

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
