//! ψ: a window becomes its pose.
//!
//! Formula: vector convolutions with norm gates, the mean over time, one mixing of the C vectors
//! into two, Gram–Schmidt. Each step commutes with rotations, so `ψ(g·x) = g · ψ(x)`.

use crate::nn::{NormGate, VectorConv, gram_schmidt};
use crate::recipe::Stack;
use burn::prelude::*;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct Psi {
    /// Convolutions, each followed by the gate of the same index.
    pub(crate) convolutions: Vec<VectorConv>,
    /// Gates.
    pub(crate) gates: Vec<NormGate>,
    /// The last mixing, kernel 1, onto two vectors.
    pub(crate) head: VectorConv,
}

impl Psi {
    /// A pose network for windows of `sensors` vectors a sample.
    pub fn new(sensors: usize, stack: &Stack, device: &Device) -> Self {
        let inputs = [&[sensors], &stack.channels[..]].concat();
        let layer = |i| {
            let (outputs, kernel, stride) = (stack.channels[i], stack.kernels[i], stack.strides[i]);
            VectorConv::new(inputs[i], outputs, kernel, stride, device)
        };
        Self {
            convolutions: (0..stack.channels.len()).map(layer).collect(),
            gates: stack.channels.iter().map(|&channels| NormGate::new(channels, device)).collect(),
            head: VectorConv::new(inputs[stack.channels.len()], 2, 1, 1, device),
        }
    }

    /// The two vectors before Gram–Schmidt; their lengths say how sure the pose is.
    ///
    /// # Shapes
    /// `[B, 3, S, T]` → `[B, 3, 2]`, the vectors as columns.
    pub fn vectors(&self, windows: Tensor<4>) -> Tensor<3> {
        let layers = self.convolutions.iter().zip(&self.gates);
        let vectors = windows.permute([3, 1, 0, 2]);
        let features = layers.fold(vectors, |x, (convolution, gate)| gate.forward(convolution.forward(x)));
        // The mean may come before the mixing: both are linear.
        let [_, xyz, b, _] = features.dims();
        self.head.forward(features.mean_dim(0)).reshape([xyz, b, 2]).swap_dims(0, 1)
    }

    /// The pose of each window: `x ≈ R · canonical`.
    ///
    /// # Shapes
    /// `vectors` `[B, 3, 2]` → `[B, 3, 3]`.
    pub fn pose(vectors: Tensor<3>) -> Tensor<3> {
        let column = |i| vectors.clone().slice(s![.., .., i]).squeeze_dim(2);
        gram_schmidt(column(0), column(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{act, initialize, testing::*};

    #[test]
    fn turning_the_window_turns_the_pose() {
        let device = device();
        let stack = Stack { channels: vec![8, 6], kernels: vec![7, 5], strides: vec![2, 2] };
        let psi = initialize(Psi::new(2, &stack, &device), 1);
        let x = random(2, [16, 3, 2, 64], &device);
        let g = rotations(3, 16, &device);
        let (a, b) = (psi.vectors(act(g.clone(), x.clone())), psi.vectors(x));
        assert!(difference(a.clone(), g.clone().matmul(b.clone())) < TOLERANCE);
        // Noise has next to no direction, so the unit vectors are less exact than the vectors.
        let (before, after) = (Psi::pose(a), g.matmul(Psi::pose(b)));
        assert!(difference(before, after) < 100.0 * TOLERANCE);
    }
}
