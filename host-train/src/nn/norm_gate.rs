//! The nonlinearity of vectors: each is scaled by a factor that only lengths decide.
//!
//! Formula:
//! ```text
//! n[t, b, c] = √(Σ_i v[t, i, b, c]² + 1e-8)
//! l = W · BatchNorm(n) + bias                 (1 × 1 over the channels)
//! y[t, i, b, c] = v[t, i, b, c] · clamp(l[t, b, c] / 6 + 1/2, 0, 1)
//! ```
//! Lengths are invariant, so the gate is, and the vectors stay equivariant. Nothing but the clamp
//! is nonlinear: at inference the normalization folds into `W`, and the device computes one
//! integer dense layer and one clamp.

use super::batch_norm;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::prelude::*;

/// Keeps the root's slope finite at a zero vector; far below one sensor count.
pub(crate) const EPSILON: f32 = 1e-8;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct NormGate {
    /// Over the C lengths.
    pub(crate) norm: BatchNorm,
    /// Weight `[C, C, 1]`, bias `[C]`.
    pub(crate) mix: Conv1d,
}

impl NormGate {
    /// A gate for `channels` vectors.
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            norm: BatchNormConfig::new(channels).init(device),
            mix: Conv1dConfig::new(channels, channels, 1).init(device),
        }
    }

    /// # Shapes
    /// `[T, 3, B, C]` → `[T, 3, B, C]`.
    pub fn forward(&self, vectors: Tensor<4>) -> Tensor<4> {
        let [t, _, b, c] = vectors.dims();
        let squared: Tensor<2> = vectors.clone().square().sum_dim(1).reshape([t * b, c]);
        let lengths = squared.add_scalar(EPSILON).sqrt();
        let mix = self.mix.weight.val().squeeze_dim::<2>(2).transpose();
        let logits = batch_norm(&self.norm, lengths).matmul(mix);
        let logits = match &self.mix.bias {
            Some(bias) => logits + bias.val().unsqueeze(),
            None => logits,
        };
        let gate = logits.div_scalar(6.0).add_scalar(0.5).clamp(0.0, 1.0);
        vectors * gate.reshape([t, 1, b, c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{initialize, testing::*};

    #[test]
    fn turning_the_input_turns_the_output() {
        let device = device();
        let layer = initialize(NormGate::new(4, &device), 1);
        let x = random(1, [16, 3, 6, 4], &device);
        let r = rotations(2, 6, &device);
        let turned_after = turn(r.clone(), layer.forward(x.clone()));
        let turned_before = layer.forward(turn(r, x));
        assert!(difference(turned_after, turned_before) < TOLERANCE);
    }

    #[test]
    fn a_gate_never_lengthens_or_flips_a_vector() {
        let device = device();
        let layer = initialize(NormGate::new(4, &device), 2);
        let x = random(3, [16, 3, 6, 4], &device).mul_scalar(30.0);
        let ratio = layer.forward(x.clone()) / x;
        assert!(ratio.clone().min().into_scalar::<f32>() >= 0.0);
        assert!(ratio.max().into_scalar::<f32>() <= 1.0 + 1e-6);
    }
}
