//! Temporal convolution of vectors.
//!
//! Formula: `y[t, i, b, o] = Σ_c Σ_k w[o, c, k] · x[t·stride + k − ⌊K/2⌋, i, b, c]`, zero outside.
//! The weights do not depend on the axis i and there is no bias, so turning the input turns the
//! output: the layer is SO(3)-equivariant, for integers as well as for floats.

use super::convolve;
use burn::nn::PaddingConfig1d;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::prelude::*;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct VectorConv {
    /// Weight `[C_out, C_in, K]`, no bias.
    pub(crate) conv: Conv1d,
}

impl VectorConv {
    /// `kernel` (odd) and `stride` in samples.
    pub fn new(inputs: usize, outputs: usize, kernel: usize, stride: usize, device: &Device) -> Self {
        let conv = Conv1dConfig::new(inputs, outputs, kernel)
            .with_stride(stride)
            .with_padding(PaddingConfig1d::Explicit(kernel / 2, kernel / 2))
            .with_bias(false)
            .init(device);
        Self { conv }
    }

    /// # Shapes
    /// `[T, 3, B, C_in]` → `[⌈T / stride⌉, 3, B, C_out]`.
    pub fn forward(&self, vectors: Tensor<4>) -> Tensor<4> {
        let [t, xyz, b, c] = vectors.dims();
        let out = convolve(vectors.reshape([t, xyz * b, c]), self.conv.weight.val(), self.conv.stride);
        let [t, _, c] = out.dims();
        out.reshape([t, xyz, b, c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    #[test]
    fn turning_the_input_turns_the_output() {
        let device = device();
        let layer = VectorConv::new(2, 4, 7, 2, &device);
        let x = random(1, [32, 3, 6, 2], &device);
        let r = rotations(2, 6, &device);
        let turned_after = turn(r.clone(), layer.forward(x.clone()));
        let turned_before = layer.forward(turn(r, x));
        assert_eq!(turned_after.dims(), [16, 3, 6, 4]);
        assert!(difference(turned_after, turned_before) < TOLERANCE);
    }
}
