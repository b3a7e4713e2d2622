//! Layers of sets: each element goes through the same weights and may see a pool of all of them.
//!
//! Formulas:
//! ```text
//! features   y[b, n] = relu(BatchNorm(W · x[b, n] + U · pool_n x[b, n]))       or without BatchNorm, with a bias
//! vectors    y[b, n] = NormGate(W · v[b, n] + U · mean_n v[b, n])
//! dense      y[b]    = relu(BatchNorm(W · x[b]))       or relu(W · x[b] + bias)
//! ```
//! Pools do not depend on the order of the elements, so permuting the input permutes the output. Vectors are mixed by
//! weights that do not depend on the axis, without bias, so that turning the input turns the output. U is optional. At
//! inference the normalization folds into W, U and one bias.
//!
//! All sets of a batch have N elements. Features are `[B, N, C]`, vector features `[N, 3, B, C]`.

use super::{NormGate, VectorConv, batch_norm};
use crate::recipe::set::{SetPooling, TrunkLayer};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::relu;

/// A layer of features; see the module's formula.
#[derive(Module, Debug)]
pub struct SetLayer {
    /// W, `[C_in, C_out]`; with a bias if nothing normalizes what it gives.
    pub(crate) own: Linear,
    /// U, `[C_in, C_out]`, no bias.
    pub(crate) context: Option<Linear>,
    /// Over all elements of all sets.
    pub(crate) norm: Option<BatchNorm>,
    /// What U reads.
    #[module(skip)]
    pub(crate) pooling: Option<SetPooling>,
}

/// A layer of vectors; see the module's formula.
#[derive(Module, Debug)]
pub struct VectorSetLayer {
    /// W.
    pub(crate) own: VectorConv,
    /// U.
    pub(crate) context: Option<VectorConv>,
    /// What follows.
    pub(crate) gate: NormGate,
}

/// A dense layer; see the module's formula.
#[derive(Module, Debug)]
pub struct DenseLayer {
    /// W, `[C_in, C_out]`; with a bias if nothing normalizes what it gives.
    pub(crate) linear: Linear,
    /// Over the batch.
    pub(crate) norm: Option<BatchNorm>,
}

impl SetLayer {
    /// A layer for `inputs` numbers an element.
    pub fn new(inputs: usize, section: TrunkLayer, normalized: bool, device: &Device) -> Self {
        let linear = |bias| LinearConfig::new(inputs, section.channels).with_bias(bias).init(device);
        Self {
            own: linear(!normalized),
            context: section.context.map(|_| linear(false)),
            norm: normalized.then(|| BatchNormConfig::new(section.channels).init(device)),
            pooling: section.context,
        }
    }

    /// # Shapes
    /// `[B, N, C_in]` → `[B, N, C_out]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [b, n, c] = x.dims();
        let own = self.own.forward(x.clone().reshape([b * n, c]));
        let [_, outputs] = own.dims();
        let mixed = match (&self.context, self.pooling) {
            (Some(context), Some(pooling)) => {
                let all = context.forward(pool(x, pooling)).reshape([b, 1, outputs]);
                (own.reshape([b, n, outputs]) + all).reshape([b * n, outputs])
            }
            _ => own,
        };
        let normalized = match &self.norm {
            Some(norm) => batch_norm(norm, mixed),
            None => mixed,
        };
        relu(normalized).reshape([b, n, outputs])
    }
}

impl VectorSetLayer {
    /// A layer for `inputs` vectors an element.
    pub fn new(inputs: usize, outputs: usize, context: bool, device: &Device) -> Self {
        let mixing = || VectorConv::new(inputs, outputs, 1, 1, device);
        Self { own: mixing(), context: context.then(mixing), gate: NormGate::new(outputs, device) }
    }

    /// # Shapes
    /// `[N, 3, B, C_in]` → `[N, 3, B, C_out]`.
    pub fn forward(&self, v: Tensor<4>) -> Tensor<4> {
        let own = self.own.forward(v.clone());
        let mixed = match &self.context {
            Some(context) => own + context.forward(v.mean_dim(0)),
            None => own,
        };
        self.gate.forward(mixed)
    }
}

impl DenseLayer {
    /// Dense layers one after the other, and how many numbers come out of the last.
    pub fn stack(inputs: usize, widths: &[usize], normalized: bool, device: &Device) -> (Vec<Self>, usize) {
        let mut last = inputs;
        let layers = widths.iter().map(|&width| {
            let linear = LinearConfig::new(last, width).with_bias(!normalized).init(device);
            last = width;
            Self { linear, norm: normalized.then(|| BatchNormConfig::new(width).init(device)) }
        });
        (layers.collect(), last)
    }

    /// # Shapes
    /// `[B, C_in]` → `[B, C_out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mixed = self.linear.forward(x);
        relu(match &self.norm {
            Some(norm) => batch_norm(norm, mixed),
            None => mixed,
        })
    }
}

/// One of each number from all elements of a set.
///
/// # Shapes
/// `[B, N, C]` → `[B, C]`, or `[B, N · C]` side by side.
pub fn pool(x: Tensor<3>, pooling: SetPooling) -> Tensor<2> {
    let [b, n, c] = x.dims();
    match pooling {
        SetPooling::Max => x.max_dim(1).reshape([b, c]),
        SetPooling::Mean => x.mean_dim(1).reshape([b, c]),
        SetPooling::Total => x.sum_dim(1).reshape([b, c]),
        SetPooling::Concatenate => x.reshape([b, n * c]),
    }
}

/// Zeros behind the last element, as if there were `most`.
///
/// # Shapes
/// `[B, N, C]` → `[B, most, C]`, N at most `most`.
pub fn padded(x: Tensor<3>, most: usize) -> Tensor<3> {
    let [b, n, c] = x.dims();
    if n == most {
        return x;
    }
    let zeros = Tensor::zeros([b, most - n, c], &x.device());
    Tensor::cat(vec![x, zeros], 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{initialize, testing::*};

    const POOLS: [SetPooling; 3] = [SetPooling::Max, SetPooling::Mean, SetPooling::Total];

    /// The elements in another order: the last three first.
    fn rolled<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
        let n = x.dims()[axis];
        Tensor::cat(vec![x.clone().narrow(axis, n - 3, 3), x.narrow(axis, 0, n - 3)], axis)
    }

    #[test]
    fn permuting_the_input_permutes_the_output() {
        let device = device();
        let x = random(1, [5, 9, 4], &device);
        for context in [None].into_iter().chain(POOLS.map(Some)) {
            let layer = initialize(SetLayer::new(4, TrunkLayer { channels: 6, context }, true, &device), 2);
            let after = rolled(layer.forward(x.clone()), 1);
            let before = layer.forward(rolled(x.clone(), 1));
            assert_eq!(after.dims(), [5, 9, 6]);
            assert!(difference(after, before) < TOLERANCE, "{context:?}");
        }
    }

    #[test]
    fn pools_forget_the_order_and_nothing_else() {
        let device = device();
        let x = random(1, [5, 9, 4], &device);
        for pooling in POOLS {
            assert!(difference(pool(x.clone(), pooling), pool(rolled(x.clone(), 1), pooling)) < TOLERANCE);
        }
        let total = pool(x.clone(), SetPooling::Total);
        assert!(difference(total, pool(x.clone(), SetPooling::Mean) * 9.0) < TOLERANCE);
        let side_by_side = pool(x.clone(), SetPooling::Concatenate);
        assert!(difference(side_by_side, pool(rolled(x, 1), SetPooling::Concatenate)) > 0.1);
    }

    #[test]
    fn padding_stands_behind_the_last_element() {
        let device = device();
        let x = random(1, [2, 3, 4], &device);
        let wide = padded(x.clone(), 5);
        assert_eq!(difference(wide.clone().narrow(1, 0, 3), x.clone()), 0.0);
        assert_eq!(difference(wide.narrow(1, 3, 2), Tensor::zeros([2, 2, 4], &device)), 0.0);
        assert_eq!(difference(padded(x.clone(), 3), x), 0.0);
    }

    #[test]
    fn the_context_reaches_every_element() {
        let device = device();
        let x = random(1, [2, 9, 4], &device);
        let other = Tensor::cat(vec![x.clone().narrow(1, 0, 8), random(7, [2, 1, 4], &device)], 1);
        let change = |context| {
            let layer = initialize(SetLayer::new(4, TrunkLayer { channels: 16, context }, true, &device), 2);
            difference(layer.forward(x.clone()).narrow(1, 0, 8), layer.forward(other.clone()).narrow(1, 0, 8))
        };
        assert_eq!(change(None), 0.0);
        assert!(POOLS.iter().all(|&pooling| change(Some(pooling)) > 1e-3));
    }

    #[test]
    fn vectors_turn_with_their_input_and_follow_its_order() {
        let device = device();
        let x = random(1, [9, 3, 6, 2], &device);
        let r = rotations(2, 6, &device);
        for context in [false, true] {
            let layer = initialize(VectorSetLayer::new(2, 5, context, &device), 3);
            let y = layer.forward(x.clone());
            assert!(difference(turn(r.clone(), y.clone()), layer.forward(turn(r.clone(), x.clone()))) < TOLERANCE);
            assert!(difference(rolled(y, 0), layer.forward(rolled(x.clone(), 0))) < TOLERANCE);
        }
    }
}
