//! ψ of sets: places around their mean become a rotation.
//!
//! Formula: each place times one and times each of its element's types, `v₀[n, c] = (x_n − t) · (1, types_n)_c`;
//! layers of vectors ([`VectorSetLayer`]); the mean over the elements, one mixing of the C vectors into two, Gram–Schmidt. Each step
//! commutes with rotations and forgets the order, so `ψ(g·x) = g · ψ(x)` for g in SO(3) × S_N; what is relative to
//! the mean knows no translation. Each step commutes with the inversion too, since places are vectors and there is no bias:
//! mixed into three vectors instead of two, whose determinant's sign is the hand, ψ goes with all of O(3) × S_N.
//!
//! A set that rotations carry onto itself has no single pose: both vectors would lie where the symmetry leaves them,
//! and that may be nowhere. Noise then decides, and where there is none the device says that the set is degenerate.
//! Between two poses that noise could choose lie poses that fit neither. [`ranks`] jump instead: with them as types, few
//! elements are told apart by whatever noise there is, and each choice is one of the poses that fit.

use crate::nn::set::VectorSetLayer;
use crate::nn::{VectorConv, gram_schmidt, hand};
use crate::recipe::set::SetPose;
use burn::prelude::*;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct SetPsi {
    /// The layers.
    pub(crate) layers: Vec<VectorSetLayer>,
    /// The last mixing, onto two vectors, or three if mirrored.
    pub(crate) head: VectorConv,
}

impl SetPsi {
    /// A pose network for sets with a place and so many types an element.
    pub fn new(section: &SetPose, types: usize, device: &Device) -> Self {
        let inputs = [&[1 + types], &section.channels[..]].concat();
        let layer = |i: usize| VectorSetLayer::new(inputs[i], section.channels[i], true, device);
        Self {
            layers: (0..section.channels.len()).map(layer).collect(),
            head: VectorConv::new(inputs[section.channels.len()], if section.mirrored { 3 } else { 2 }, 1, 1, device),
        }
    }

    /// What the last layer says of each element.
    ///
    /// # Shapes
    /// `points` `[B, N, 3]`, `types` `[B, N, types]` → `[N, 3, B, C]`.
    pub(super) fn features(&self, points: Tensor<3>, types: Option<Tensor<3>>) -> Tensor<4> {
        let points = points.permute([1, 2, 0]).unsqueeze_dim::<4>(3);
        let vectors = match types {
            Some(types) => {
                let steered = points.clone() * types.swap_dims(0, 1).unsqueeze_dim::<4>(1);
                Tensor::cat(vec![points, steered], 3)
            }
            None => points,
        };
        self.layers.iter().fold(vectors, |v, layer| layer.forward(v))
    }

    /// The mean over the elements, as the vectors before Gram–Schmidt; their lengths say how sure the pose is.
    ///
    /// # Shapes
    /// `[N, 3, B, C]` → `[B, 3, 2]`, or `[B, 3, 3]` if mirrored, the vectors as columns.
    pub(super) fn head(&self, features: Tensor<4>) -> Tensor<3> {
        // The mean may come before the mixing: both are linear.
        self.head.forward(features.mean_dim(0)).squeeze_dim::<3>(0).swap_dims(0, 1)
    }
}

/// The rotations that vectors span, and where there is a third, behind the mirror that turns the third axis around if the
/// hand asks for it.
///
/// # Shapes
/// `[B, 3, 2]` or `[B, 3, 3]`, the vectors as columns, → `[B, 3, 3]`.
pub(super) fn frames(vectors: Tensor<3>) -> Tensor<3> {
    let [b, _, count] = vectors.dims();
    let column = |i| vectors.clone().narrow(2, i, 1).squeeze_dim::<2>(2);
    let rotation = gram_schmidt(column(0), column(1));
    if count == 2 {
        return rotation;
    }
    let hand = hand(rotation.clone(), column(2)).reshape([b, 1, 1]);
    let kept = hand.ones_like();
    rotation * Tensor::cat(vec![kept.clone(), kept, hand], 2)
}

/// Which place each element would have if they were sorted by their distance from the origin, the farthest first, as
/// types. Moving the set changes none of it, and it has no gradient.
///
/// # Shapes
/// `[B, N, 3]` → `[B, N, most]`, N at most `most`.
pub fn ranks(points: Tensor<3>, most: usize) -> Tensor<3> {
    let [b, n, _] = points.dims();
    let squared = points.detach().square().sum_dim(2).reshape([b, n]);
    // Where each element stands in the order is the order of the order.
    squared.argsort_descending(1).argsort(1).one_hot::<3>(most).float()
}

/// For each element the inner products of its place with its vectors, and of these with themselves.
///
/// # Shapes
/// `points` `[B, N, 3]`, `features` `[N, 3, B, C]` → `[B, N, 2 · C]`.
pub(super) fn invariants(points: Tensor<3>, features: Tensor<4>) -> Tensor<3> {
    let points = points.permute([1, 2, 0]).unsqueeze_dim::<4>(3);
    let with = |v: Tensor<4>| (v * features.clone()).sum_dim(1).squeeze_dim::<3>(1).swap_dims(0, 1);
    Tensor::cat(vec![with(points), with(features.clone())], 2)
}
