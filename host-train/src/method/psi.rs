//! ψ: a window becomes its pose.
//!
//! Formula: vector convolutions with norm gates, the mean over time, one mixing of the C vectors
//! into two, Gram–Schmidt. Each step commutes with rotations, so `ψ(g·x) = g · ψ(x)`.
//!
//! Where gravity is known, it is the first of the two vectors: the mean over time of the acceleration as it comes in.
//! The mixing then gives the second alone, of which Gram–Schmidt keeps the horizontal part, the heading. (Jayanth et
//! al., *EqNIO: Subequivariant Neural Inertial Odometry*, 2024.)
//!
//! Where a mirror image is to be the same, half of the channels are vectors p and half pseudo-vectors q, as the
//! accelerations and the angular rates are that come in. Convolutions mix each half in itself, gates see the lengths of
//! all, which no reflection changes, and the mixing at the end sees p and the vectors `p × q`. It gives one vector more,
//! whose side of the plane of the other two is the hand. Each step commutes with O(3), and with gravity known, what is
//! left to find is O(2) about it, as in EqNIO.
//!
//! Where it is said what is upright, poses are turned from the right by the inverse of that, which the law does not notice.

use crate::data::rotation::matrix;
use crate::nn::{NormGate, VectorConv, act, act_inverse, gram_schmidt, hand, mirror};
use crate::recipe::Stack;
use burn::prelude::*;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct Psi {
    /// Convolutions, each followed by the gate of the same index.
    pub(crate) convolutions: Vec<VectorConv>,
    /// Gates.
    pub(crate) gates: Vec<NormGate>,
    /// The last mixing, kernel 1, onto the vectors that are not known.
    pub(crate) head: VectorConv,
    /// The sensor whose mean is the first vector.
    #[module(skip)]
    pub(crate) known: Option<usize>,
    /// Whether the second half of all channels is pseudo-vectors, and a third vector tells the hand.
    #[module(skip)]
    pub(crate) mirrored: bool,
    /// What is upright, as a unit quaternion `[w, x, y, z]`: poses are what the chart says, times the inverse of this from
    /// the right. Set once ψ is trained, which then learns no more.
    #[module(skip)]
    pub(crate) upright: Option<[f32; 4]>,
}

/// The poses of a batch: `x ≈ R · canonical`, behind the [`mirror`] where the hand is −1.
#[derive(Clone, Debug)]
pub struct Frames {
    /// R, `[B, 3, 3]`.
    pub rotation: Tensor<3>,
    /// 1 or −1, `[B]`; none where reflections are no poses.
    pub hand: Option<Tensor<1>>,
}

impl Frames {
    /// The windows of canonical ones.
    ///
    /// # Shapes
    /// `[B, 3, S, T]`, with a hand S = 2, as [`mirror`] says.
    pub fn act(self, canonical: Tensor<4>) -> Tensor<4> {
        let mirrored = match self.hand {
            Some(hand) => mirror(hand, canonical),
            None => canonical,
        };
        act(self.rotation, mirrored)
    }

    /// The canonical windows, which undoes [`act`](Self::act).
    pub fn undo(self, windows: Tensor<4>) -> Tensor<4> {
        let turned = act_inverse(self.rotation, windows);
        match self.hand {
            Some(hand) => mirror(hand, turned),
            None => turned,
        }
    }

    /// The orthogonal matrices that act on vectors, `[B, 3, 3]`.
    pub fn matrices(self) -> Tensor<3> {
        let Some(hand) = self.hand else { return self.rotation };
        let [b, ..] = self.rotation.dims();
        let hand = hand.reshape([b, 1, 1]);
        let kept = hand.ones_like();
        self.rotation * Tensor::cat(vec![kept.clone(), kept, hand], 2)
    }
}

impl Psi {
    /// A pose network for windows of `sensors` vectors a sample; the mean of the sensor `known`, if there is one, is
    /// the first vector. If `mirrored`, the second half of the sensors measures pseudo-vectors, and mirror images have
    /// poses too.
    pub fn new(sensors: usize, stack: &Stack, known: Option<usize>, mirrored: bool, device: &Device) -> Self {
        let learned = if mirrored { 3 } else { 2 } - usize::from(known.is_some());
        let groups = if mirrored { 2 } else { 1 };
        let inputs = [&[sensors], &stack.channels[..]].concat();
        let layer = |i| {
            let (outputs, kernel, stride) = (stack.channels[i], stack.kernels[i], stack.strides[i]);
            VectorConv::in_groups(groups, [inputs[i], outputs], kernel, stride, device)
        };
        Self {
            convolutions: (0..stack.channels.len()).map(layer).collect(),
            gates: stack.channels.iter().map(|&channels| NormGate::new(channels, device)).collect(),
            head: VectorConv::new(inputs[stack.channels.len()], learned, 1, 1, device),
            known,
            mirrored,
            upright: None,
        }
    }

    /// The vectors before Gram–Schmidt, two, or three if mirrored; their lengths say how sure the pose is.
    ///
    /// # Shapes
    /// `[B, 3, S, T]` → `[B, 3, 2]` or `[B, 3, 3]`, the vectors as columns.
    pub fn vectors(&self, windows: Tensor<4>) -> Tensor<3> {
        let layers = self.convolutions.iter().zip(&self.gates);
        let vectors = windows.clone().permute([3, 1, 0, 2]);
        let features = layers.fold(vectors, |x, (convolution, gate)| gate.forward(convolution.forward(x)));
        let features = if self.mirrored { polar(features) } else { features };
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

    /// The pose that these vectors say.
    ///
    /// # Shapes
    /// `vectors` `[B, 3, 2]`, or `[B, 3, 3]` where there is a hand.
    pub fn pose(&self, vectors: Tensor<3>) -> Frames {
        let [b, _, count] = vectors.dims();
        let column = |i| vectors.clone().slice(s![.., .., i]).squeeze_dim::<2>(2);
        let said = gram_schmidt(column(0), column(1));
        let hand = (count > 2).then(|| hand(said.clone(), column(2)));
        let Some(upright) = self.upright else { return Frames { rotation: said, hand } };
        let upright = Tensor::<3>::from_data([matrix(upright)], &said.device());
        Frames { rotation: said.matmul(upright.swap_dims(1, 2).expand([b, 3, 3])), hand }
    }

    /// The spanning vectors and the pose of each window.
    ///
    /// # Shapes
    /// `[B, 3, S, T]` → `[B, 3, 2]`, or `[B, 3, 3]` where there is a hand.
    pub fn find(&self, windows: Tensor<4>) -> (Tensor<3>, Frames) {
        if self.upright.is_some() && windows.device().is_autodiff() {
            // Frozen, statistics included.
            let (vectors, Frames { rotation, hand }) = self.clone().valid().find(windows.inner());
            let frames = Frames { rotation: Tensor::from_inner(rotation), hand: hand.map(Tensor::from_inner) };
            return (Tensor::from_inner(vectors), frames);
        }
        let vectors = self.vectors(windows);
        (vectors.clone(), self.pose(vectors))
    }
}

/// Of vectors p and pseudo-vectors q as many, the vectors p and `p × q`.
///
/// # Shapes
/// `[T, 3, B, C]` → `[T, 3, B, C]`.
fn polar(features: Tensor<4>) -> Tensor<4> {
    let [.., channels] = features.dims();
    let [p, q] = [0, 1].map(|half| features.clone().narrow(3, half * (channels / 2), channels / 2));
    Tensor::cat(vec![p.clone(), p.cross(q, 1)], 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{initialize, testing::*};

    #[test]
    fn turning_the_window_turns_the_pose() {
        let device = device();
        let stack = Stack { channels: vec![8, 6], kernels: vec![7, 5], strides: vec![2, 2] };
        for known in [None, Some(0)] {
            let psi = initialize(Psi::new(2, &stack, known, false, &device), 1);
            let x = random(2, [16, 3, 2, 64], &device);
            let g = rotations(3, 16, &device);
            let (a, b) = (psi.vectors(act(g.clone(), x.clone())), psi.vectors(x));
            assert!(difference(a.clone(), g.clone().matmul(b.clone())) < TOLERANCE);
            // Noise has next to no direction, so the unit vectors are less exact than the vectors.
            let (before, after) = (psi.pose(a).rotation, g.matmul(psi.pose(b).rotation));
            assert!(difference(before, after) < 100.0 * TOLERANCE);
        }
    }

    /// For all elements g of O(3): rotations, with the inversion in front of every second one.
    #[test]
    fn reflecting_the_window_reflects_the_pose() {
        let device = device();
        let stack = Stack { channels: vec![8, 6], kernels: vec![7, 5], strides: vec![2, 2] };
        let signs: Vec<f32> = (0..16).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let signs = Tensor::<1>::from_data(&signs[..], &device);
        for known in [None, Some(0)] {
            let psi = initialize(Psi::new(2, &stack, known, true, &device), 1);
            let x = random::<4>(2, [16, 3, 2, 64], &device);
            let g = rotations(3, 16, &device);
            // The inversion turns accelerations around and leaves angular rates.
            let sign = signs.clone().reshape([16, 1, 1, 1]);
            let inverted = x.clone() * Tensor::cat(vec![sign.clone(), sign.ones_like()], 2);
            let (a, b) = (psi.vectors(act(g.clone(), inverted)), psi.vectors(x));
            let moved = g.clone().matmul(b.clone()) * signs.clone().reshape([16, 1, 1]);
            assert!(difference(a.clone(), moved) < TOLERANCE);
            let expected = g.matmul(psi.pose(b).matrices()) * signs.clone().reshape([16, 1, 1]);
            assert!(difference(psi.pose(a).matrices(), expected) < 100.0 * TOLERANCE);
        }
    }

    #[test]
    fn what_is_upright_turns_poses_from_the_right() {
        let device = device();
        let stack = Stack { channels: vec![8, 6], kernels: vec![7, 5], strides: vec![2, 2] };
        let psi = initialize(Psi::new(2, &stack, None, false, &device), 1);
        let x = random(2, [16, 3, 2, 64], &device);
        let (vectors, said) = psi.find(x.clone());
        let quaternion = [0.5, -0.5, 0.1, 0.7];
        let (same, turned) = Psi { upright: Some(quaternion), ..psi }.find(x);
        assert_eq!(difference(vectors, same), 0.0);
        let upright = Tensor::<2>::from_data(matrix(quaternion), &device).unsqueeze_dim::<3>(0).repeat_dim(0, 16);
        assert!(difference(turned.rotation.matmul(upright), said.rotation) < TOLERANCE);
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
            let psi = initialize(Psi::new(2, &stack, Some(known), false, &device), 1);
            let biases = (0..2).map(|sensor| direction.clone().mul_scalar(if sensor == known { 1.0 } else { -0.3 }));
            let x = noise.clone() + Tensor::cat(biases.collect(), 2).unsqueeze_dim::<4>(3);
            let column = psi.find(x).1.rotation.slice(s![.., .., 0..1]);
            let length = direction.clone().square().sum_dim(1).sqrt();
            assert!(difference(column, direction.clone() / length) < 10.0 * TOLERANCE);
        }
    }
}
