//! The operators: one file each, all with the same four sections.
//!
//! 1. *Record*: what the package stores, with shapes and formula.
//! 2. *Check*: what the loader proves, so that running cannot fail.
//! 3. *Reference*: the arithmetic on slices, plainly; a faster twin must give the same integers.
//! 4. *Tests*: against an independent oracle in 64 bits.

mod conv1d;
mod dense;
mod matrix;
mod mean;
mod norm_gate;
mod quantize_features;
mod quantize_vectors;
#[cfg(test)]
mod testing;
mod vector_sum;

pub use conv1d::Conv1d;
pub use dense::Dense;
pub use matrix::{CHANNEL_LEN, Matrix};
pub use mean::Mean;
pub use norm_gate::NormGate;
pub use quantize_features::QuantizeFeatures;
pub use quantize_vectors::QuantizeVectors;
pub use vector_sum::VectorSum;

use crate::arena::Arena;
use crate::error::Error;
use crate::format::TensorId;
use crate::model::Model;
use serde::{Deserialize, Serialize};

/// One step of a network, as a package stores it. Append-only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Operator {
    /// The caller's window → int16 vectors.
    QuantizeVectors(QuantizeVectors),
    /// The canonical window → int8 features.
    QuantizeFeatures(QuantizeFeatures),
    /// Convolution over time, of features or of vectors.
    Conv1d(Conv1d),
    /// Vectors scaled by a function of their lengths.
    NormGate(NormGate),
    /// Sum of vectors over time.
    VectorSum(VectorSum),
    /// Mean of features over time.
    Mean(Mean),
    /// Fully connected.
    Dense(Dense),
}

/// The tensors that an operator touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operands {
    /// What it reads; `None` for the caller's window.
    pub input: Option<TensorId>,
    /// What it writes; equal to the input where it works in place.
    pub output: TensorId,
    /// Memory that it needs while it runs.
    pub scratch: Option<TensorId>,
}

impl Operands {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = TensorId> {
        self.input.into_iter().chain([self.output]).chain(self.scratch)
    }
}

/// What an operator costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiplications of an activation by a weight, padded taps included.
    pub macs: u32,
    /// Bytes of weights, biases and multipliers in the package.
    pub bytes: u32,
}

/// What each operator's file defines.
pub(crate) trait Kernel {
    const NAME: &'static str;

    fn operands(&self) -> Operands;

    /// What it costs; saturating where shapes make no sense.
    fn cost(&self, model: &Model<'_>) -> Cost;

    /// Proves that the operator, at position `operator` of the package, can run.
    fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error>;

    /// Runs the operator; `None` where [`check`](Self::check) would have failed.
    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, window: &[i16]) -> Option<()>;
}

/// Calls `$body` with the operator's own record as `$kernel`.
macro_rules! dispatch {
    ($operator:expr, $kernel:ident => $body:expr) => {
        match $operator {
            Operator::QuantizeVectors($kernel) => $body,
            Operator::QuantizeFeatures($kernel) => $body,
            Operator::Conv1d($kernel) => $body,
            Operator::NormGate($kernel) => $body,
            Operator::VectorSum($kernel) => $body,
            Operator::Mean($kernel) => $body,
            Operator::Dense($kernel) => $body,
        }
    };
}

impl Operator {
    /// The operator's name, as `gimbal inspect` prints it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        fn name<K: Kernel>(_: &K) -> &'static str {
            K::NAME
        }
        dispatch!(self, kernel => name(kernel))
    }

    /// The tensors that the operator touches.
    #[must_use]
    pub fn operands(&self) -> Operands {
        dispatch!(self, kernel => kernel.operands())
    }

    /// What the operator costs in this model.
    #[must_use]
    pub fn cost(&self, model: &Model<'_>) -> Cost {
        dispatch!(self, kernel => kernel.cost(model))
    }

    pub(crate) fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error> {
        dispatch!(self, kernel => kernel.check(model, operator))
    }

    pub(crate) fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, window: &[i16]) -> Option<()> {
        dispatch!(self, kernel => kernel.run(model, arena, window))
    }
}

/// The inner product of activations and weights, exact in 32 bits as far as the loader has proven.
#[inline]
fn dot<X: Copy + Into<i32>>(x: &[X], weights: &[i8]) -> i32 {
    x.iter().zip(weights).fold(0, |sum: i32, (&x, &w)| sum.wrapping_add(x.into() * i32::from(w)))
}

/// `a.zip(b)`, one step at a time. `zip` asks chunks for their number up front, which divides by their
/// length, and keeps a panic for a length of 0 where the compiler prefers not to inline that.
#[inline]
fn pairs<A: Iterator, B: Iterator>(mut a: A, mut b: B) -> impl Iterator<Item = (A::Item, B::Item)> {
    core::iter::from_fn(move || Some((a.next()?, b.next()?)))
}
