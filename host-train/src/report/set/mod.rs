//! Figures of experiments on sets: what a model of points has learned.
//!
//! One file a figure, as those on [`grid`](super::grid)s, whose panels and whose maps of codes they share.

mod curves;
mod forms;
mod molecules;
#[cfg(test)]
mod tests;

pub use curves::{Curves, Line, curves};
pub use forms::{Form, Forms, View, forms};
pub use molecules::{Atom, Molecule, Molecules, molecules};
