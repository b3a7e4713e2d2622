//! Temporal convolution of numbers, normalized and rectified.
//!
//! Formula: `y = relu(BatchNorm(Σ_c Σ_k w[o, c, k] · x[t·stride + k − ⌊K/2⌋, b, c]))`, zero
//! outside. At inference the normalization folds into weights and a bias: one int8 convolution.

use super::{batch_norm, convolve};
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig1d};
use burn::prelude::*;
use burn::tensor::activation::relu;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct ConvBlock {
    /// Weight `[C_out, C_in, K]`, no bias: the normalization has one.
    pub(crate) conv: Conv1d,
    /// Over the C_out channels.
    pub(crate) norm: BatchNorm,
}

impl ConvBlock {
    /// `kernel` (odd) and `stride` in samples.
    pub fn new(inputs: usize, outputs: usize, kernel: usize, stride: usize, device: &Device) -> Self {
        let conv = Conv1dConfig::new(inputs, outputs, kernel)
            .with_stride(stride)
            .with_padding(PaddingConfig1d::Explicit(kernel / 2, kernel / 2))
            .with_bias(false)
            .init(device);
        Self { conv, norm: BatchNormConfig::new(outputs).init(device) }
    }

    /// # Shapes
    /// `[T, B, C_in]` → `[⌈T / stride⌉, B, C_out]`.
    pub fn forward(&self, features: Tensor<3>) -> Tensor<3> {
        let out = convolve(features, self.conv.weight.val(), self.conv.stride);
        let [t, b, c] = out.dims();
        relu(batch_norm(&self.norm, out.reshape([t * b, c]))).reshape([t, b, c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    #[test]
    fn shapes_and_sign() {
        let device = device();
        let layer = ConvBlock::new(6, 8, 5, 2, &device);
        let y = layer.forward(random(1, [33, 3, 6], &device));
        assert_eq!(y.dims(), [17, 3, 8]);
        assert!(y.min().into_scalar::<f32>() >= 0.0);
    }
}
