//! ψ: a window becomes its pose.
//!
//! Formula: vector convolutions with norm gates, the mean over time, one mixing of the C vectors
//! into two, Gram–Schmidt. Each step commutes with rotations, so `ψ(g·x) = g · ψ(x)`.
//!
//! Where gravity is known, it is the first of the two vectors: the mean over time of the acceleration as it comes in.
//! The mixing then gives the second alone, of which Gram–Schmidt keeps the horizontal part, the heading. (Jayanth et
//! al., *EqNIO: Subequivariant Neural Inertial Odometry*, 2024.)

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
    /// The last mixing, kernel 1, onto two vectors, or onto the second alone.
    pub(crate) head: VectorConv,
    /// The sensor whose mean is the first vector.
    #[module(skip)]
    pub(crate) known: Option<usize>,
}

impl Psi {
    /// A pose network for windows of `sensors` vectors a sample; the mean of the sensor `known`, if there is one, is
    /// the first vector.
    pub fn new(sensors: usize, stack: &Stack, known: Option<usize>, device: &Device) -> Self {
        let learned = if known.is_some() { 1 } else { 2 };
        let inputs = [&[sensors], &stack.channels[..]].concat();
        let layer = |i| {
            let (outputs, kernel, stride) = (stack.channels[i], stack.kernels[i], stack.strides[i]);
            VectorConv::new(inputs[i], outputs, kernel, stride, device)
        };
        Self {
            convolutions: (0..stack.channels.len()).map(layer).collect(),
            gates: stack.channels.iter().map(|&channels| NormGate::new(channels, device)).collect(),
            head: VectorConv::new(inputs[stack.channels.len()], learned, 1, 1, device),
            known,
        }
    }

    /// The two vectors before Gram–Schmidt; their lengths say how sure the pose is.
    ///
    /// # Shapes
    /// `[B, 3, S, T]` → `[B, 3, 2]`, the vectors as columns.
    pub fn vectors(&self, windows: Tensor<4>) -> Tensor<3> {
        let layers = self.convolutions.iter().zip(&self.gates);
        let vectors = windows.clone().permute([3, 1, 0, 2]);
        let features = layers.fold(vectors, |x, (convolution, gate)| gate.forward(convolution.forward(x)));
        // The mean may come before the mixing: both are linear.
        let learned = self.head.forward(features.mean_dim(0)).squeeze_dim::<3>(0).swap_dims(0, 1);
        match self.known {
            Some(sensor) => {
                let known = windows.slice(s![.., .., sensor..sensor + 1, ..]).mean_dim(3).squeeze_dim(3);
                Tensor::cat(vec![known, learned], 2)
            }
            None => learned,
        }
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
        for known in [None, Some(0)] {
            let psi = initialize(Psi::new(2, &stack, known, &device), 1);
            let x = random(2, [16, 3, 2, 64], &device);
            let g = rotations(3, 16, &device);
            let (a, b) = (psi.vectors(act(g.clone(), x.clone())), psi.vectors(x));
            assert!(difference(a.clone(), g.clone().matmul(b.clone())) < TOLERANCE);
            // Noise has next to no direction, so the unit vectors are less exact than the vectors.
            let (before, after) = (Psi::pose(a), g.matmul(Psi::pose(b)));
            assert!(difference(before, after) < 100.0 * TOLERANCE);
        }
    }

    #[test]
    fn what_is_known_is_the_first_column() {
        let device = device();
        let stack = Stack { channels: vec![4], kernels: vec![5], strides: vec![2] };
        // Each window has its own direction, and noise that has none.
        let direction = random(4, [16, 3, 1], &device);
        let noise = random::<4>(2, [16, 3, 2, 64], &device);
        let noise = noise.clone() - noise.mean_dim(3);
        for known in [0, 1] {
            let psi = initialize(Psi::new(2, &stack, Some(known), &device), 1);
            let biases = (0..2).map(|sensor| direction.clone().mul_scalar(if sensor == known { 1.0 } else { -0.3 }));
            let x = noise.clone() + Tensor::cat(biases.collect(), 2).unsqueeze_dim::<4>(3);
            let column = Psi::pose(psi.vectors(x)).slice(s![.., .., 0..1]);
            let length = direction.clone().square().sum_dim(1).sqrt();
            assert!(difference(column, direction.clone() / length) < 10.0 * TOLERANCE);
        }
    }
}
