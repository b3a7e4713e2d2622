//! Groups on tensors: what ψ's numbers mean, how an element acts on a batch, and the law that holds ψ to it.
//!
//! One file a group, each with the same sections: chart, element, action, law tests.
//!
//! Elements are rows of a tensor `[B, …]`; each file says what stands in them. Samples are `[B, C, rows, columns]`.
//! Signs and centres are core's.
//!
//! # Adding a group
//!
//! Core's half comes first; `gimbal_core::group` lists its steps. The host's half is one new file, a name in
//! [`GroupName`], and what the compiler and the tests then ask for. `o2.rs`, the rotations and reflections of an image,
//! is the example; read it beside this list.
//!
//! 1. **Chart.** [`O2::numbers`](Group::numbers) takes ψ's last map to the numbers that core's chart reads: two vectors,
//!    sums over all ways in which the filters stand there. [`O2::chart`](Group::chart) makes elements of them, as core
//!    does. Gradients pass through it: where core's chart takes a sign, which has none, the file says what stands in
//!    its place and what that teaches.
//! 2. **Element.** What stands in a row, `(cos, sin, hand)`, and the product, the inverse, a distance and a draw.
//! 3. **Action.** `g · x` on a batch, bilinear, differentiable where training needs it.
//! 4. **Law tests.** The group's laws; the chart `ξ(g·y) = g·ξ(y)`; the numbers under a move of the maps; one picture
//!    that says which way is positive; and that a gradient arrives wherever one is needed.
//! 5. **Names.** A variant of [`GroupName`], an arm in [`group`](group()), and arms in [`element`](mod@element), whose test holds
//!    the action against core's: add the name to its list.
//! 6. **What ψ is made of.** If the filters of known groups do not suffice, [`nn::turning`](crate::nn::TurningKernel) and
//!    [`nn::symmetry`](crate::nn::symmetry) get more: for O(2), mirror images, with a test that moving the image moves
//!    the maps. [`quantize::turns`](crate::quantize::turns) writes the same filters out so that integers move exactly,
//!    tested with `==`.
//! 7. **Integers.** `quantize::grid_extract` says [`Group::numbers`] again as one linear map and a sum;
//!    `grid_calibrate` and `grid_lower` name core's chart. The test in `pipeline::grid` then demands poses, canonical
//!    samples and codes of moved samples with `==`, from a recipe's network to core's session.
//! 8. **A recipe** under `host-train/recipes/`, its line in [`BUILT_IN`](crate::recipe::BUILT_IN), and if there is
//!    something to compare, an [`experiment`](crate::reproduce::experiment).

pub mod action;
mod cyclic;
pub mod element;
mod o2;
mod shift;
mod so2;
mod t2;

pub use cyclic::{QuarterTurns, Ring};
pub use o2::O2;
pub use shift::Shift;
pub use so2::So2;
pub use t2::T2;

use crate::nn::grid::Extent;
use crate::recipe::grid::GroupName;
use burn::prelude::*;
use rand_chacha::ChaCha8Rng;

/// What a group can do with a batch.
pub trait Group: std::fmt::Debug {
    /// How many numbers ψ reads off its last map at each place, in each way.
    fn readouts(&self) -> usize {
        1
    }

    /// The last step of ψ, without weights: from its last map to the numbers of the chart.
    ///
    /// # Shapes
    /// `map` `[B, readouts · ways, rows, columns]`, readouts outside → `[B, numbers]`.
    fn numbers(&self, map: Tensor<4>) -> Tensor<2>;

    /// The chart ξ: numbers → elements.
    fn chart(&self, numbers: Tensor<2>) -> Tensor<2>;

    /// How sure each element is: a length that no element of the group changes.
    ///
    /// # Shapes
    /// `[B, numbers]` → `[B]`.
    fn confidence(&self, numbers: Tensor<2>) -> Tensor<1>;

    /// `g · h`: first `h`, then `g`.
    fn compose(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<2>;

    /// `g⁻¹`.
    fn inverse(&self, g: Tensor<2>) -> Tensor<2>;

    /// How far apart elements are, 0 for equal ones, with a gradient that is alive everywhere but there; of order 1.
    ///
    /// # Shapes
    /// `[B, …]`, `[B, …]` → `[B]`.
    fn distance(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<1>;

    /// `g · x`, differentiable in both.
    fn act(&self, g: Tensor<2>, x: Tensor<4>) -> Tensor<4>;

    /// The row of an element from the middle of the group, uniform where the group is compact.
    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f32>;
}

/// The group of a name on samples of a shape.
///
/// # Errors
/// As a sentence, why it cannot act on them.
pub fn group(name: GroupName, extent: Extent) -> Result<Box<dyn Group>, String> {
    let Extent { rows, columns, .. } = extent;
    let square = |what: &str| match rows == columns && rows > 1 {
        true => Ok(()),
        false => Err(format!("{what} act on square images; these samples are {rows} × {columns}.")),
    };
    Ok(match name {
        GroupName::So2 => square("Rotations").map(|()| Box::new(So2) as Box<dyn Group>)?,
        GroupName::O2 => square("Rotations and reflections").map(|()| Box::new(O2))?,
        GroupName::C4 => square("Quarter turns").map(|()| Box::new(QuarterTurns))?,
        GroupName::T2 if rows < 2 || columns < 2 => {
            return Err(format!("Translations act on images; these samples are {rows} × {columns}."));
        }
        GroupName::T2 => Box::new(T2),
        GroupName::Shift if columns != 1 => {
            return Err(format!("Shifts in time act on signals; these samples are {rows} × {columns}."));
        }
        GroupName::Shift => Box::new(Shift),
        GroupName::Ring if columns < 2 => {
            return Err(format!("A ring has two electrodes or more; these samples have {columns}."));
        }
        GroupName::Ring => Box::new(Ring { order: columns }),
    })
}

/// Elements drawn at random, one a sample.
pub fn draw(group: &dyn Group, count: usize, rng: &mut ChaCha8Rng, device: &Device) -> Tensor<2> {
    let rows: Vec<Vec<f32>> = (0..count).map(|_| group.draw(rng)).collect();
    let width = rows.first().map_or(0, Vec::len);
    Tensor::from_data(TensorData::new(rows.concat(), [count, width]), device)
}
