//! Temporal convolution of vectors.
//!
//! Formula: `y[t, i, b, o] = Σ_c Σ_k w[o, c, k] · x[t·stride + k − ⌊K/2⌋, i, b, c]`, zero outside.
//! The weights do not depend on the axis i and there is no bias, so turning the input turns the
//! output: the layer is SO(3)-equivariant, for integers as well as for floats.
//!
//! In groups, as many equal parts of the outputs see the same part of the inputs each. Where one part is vectors and
//! another pseudo-vectors, both stay what they are, and the layer is O(3)-equivariant.

use super::convolve;
use burn::nn::PaddingConfig1d;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::prelude::*;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct VectorConv {
    /// Weight `[C_out, C_in / groups, K]`, no bias.
    pub(crate) conv: Conv1d,
}

impl VectorConv {
    /// `kernel` (odd) and `stride` in samples.
    pub fn new(inputs: usize, outputs: usize, kernel: usize, stride: usize, device: &Device) -> Self {
        Self::in_groups(1, [inputs, outputs], kernel, stride, device)
    }

    /// The same in `groups` that do not see each other, from `channels`: inputs and outputs of all of them.
    pub fn in_groups(groups: usize, channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        let [inputs, outputs] = channels;
        let conv = Conv1dConfig::new(inputs, outputs, kernel)
            .with_stride(stride)
            .with_padding(PaddingConfig1d::Explicit(kernel / 2, kernel / 2))
            .with_groups(groups)
            .with_bias(false)
            .init(device);
        Self { conv }
    }

    /// # Shapes
    /// `[T, 3, B, C_in]` → `[⌈T / stride⌉, 3, B, C_out]`.
    pub fn forward(&self, vectors: Tensor<4>) -> Tensor<4> {
        let [t, xyz, b, c] = vectors.dims();
        let (vectors, weight, groups) = (vectors.reshape([t, xyz * b, c]), self.conv.weight.val(), self.conv.groups);
        let [outputs, _, _] = weight.dims();
        let [inputs, outputs] = [c / groups, outputs / groups];
        let part = |group: usize| {
            let weight = weight.clone().narrow(0, group * outputs, outputs);
            convolve(vectors.clone().narrow(2, group * inputs, inputs), weight, self.conv.stride)
        };
        let out = match groups {
            1 => convolve(vectors, weight, self.conv.stride),
            _ => Tensor::cat((0..groups).map(part).collect(), 2),
        };
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

    #[test]
    fn groups_do_not_see_each_other() {
        let device = device();
        let layer = VectorConv::in_groups(2, [4, 6], 5, 2, &device);
        let x = random(1, [32, 3, 6, 4], &device);
        let y = layer.forward(x.clone());
        assert_eq!(y.dims(), [16, 3, 6, 6]);
        for part in 0..2 {
            // Without the other group's inputs.
            let mut one = VectorConv::new(2, 3, 5, 2, &device);
            one.conv.weight = one.conv.weight.map(|_| layer.conv.weight.val().narrow(0, 3 * part, 3));
            let alone = one.forward(x.clone().narrow(3, 2 * part, 2));
            assert!(difference(y.clone().narrow(3, 3 * part, 3), alone) < TOLERANCE);
        }
    }
}
