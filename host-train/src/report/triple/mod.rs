//! Figures of experiments on triples: where actions lead in a latent space, and what that looks like.
//!
//! One file a figure, as those on [`grid`](super::grid)s, whose panels they share.

mod paths;
mod strips;
#[cfg(test)]
mod tests;

pub use paths::{Path, Paths, paths};
pub use strips::{Frame, Strip, Strips, strips};
