//! ψ of sets: places around their mean become a rotation.
//!
//! Formula: layers of vectors ([`VectorSetLayer`]), the first of which sees its own place alone, since places around
//! their mean have none; the mean over the elements, one mixing of the C vectors into two, Gram–Schmidt. Each step
//! commutes with rotations and forgets the order, so `ψ(g·x) = g · ψ(x)` for g in SO(3) × S_N; what is relative to
//! the mean knows no translation.
//!
//! A set that rotations carry onto itself has no single pose: both vectors would lie where the symmetry leaves them,
//! and that may be nowhere. Noise then decides, and where there is none the device says that the set is degenerate.

use crate::nn::VectorConv;
use crate::nn::set::VectorSetLayer;
use crate::recipe::set::SetPose;
use burn::prelude::*;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct SetPsi {
    /// The layers.
    pub(crate) layers: Vec<VectorSetLayer>,
    /// The last mixing, onto two vectors.
    pub(crate) head: VectorConv,
}

impl SetPsi {
    /// A pose network for sets with one place an element.
    pub fn new(section: &SetPose, device: &Device) -> Self {
        let inputs = [&[1], &section.channels[..]].concat();
        let layer = |i: usize| VectorSetLayer::new(inputs[i], section.channels[i], i > 0, device);
        Self {
            layers: (0..section.channels.len()).map(layer).collect(),
            head: VectorConv::new(inputs[section.channels.len()], 2, 1, 1, device),
        }
    }

    /// The two vectors before Gram–Schmidt, which is [`Psi::pose`](super::Psi::pose); their lengths say how sure the pose is.
    ///
    /// # Shapes
    /// `[B, N, 3]` → `[B, 3, 2]`, the vectors as columns.
    pub fn vectors(&self, points: Tensor<3>) -> Tensor<3> {
        let vectors = points.permute([1, 2, 0]).unsqueeze_dim::<4>(3);
        let features = self.layers.iter().fold(vectors, |v, layer| layer.forward(v));
        // The mean may come before the mixing: both are linear.
        self.head.forward(features.mean_dim(0)).squeeze_dim::<3>(0).swap_dims(0, 1)
    }
}
