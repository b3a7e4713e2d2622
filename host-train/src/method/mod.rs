//! The networks that a recipe describes, and what they minimize.

pub mod batch;
mod giae;
mod infer;
mod psi;

pub use batch::Batch;
pub use giae::{Forward, Loss, Model};
pub use infer::Inference;
pub use psi::Psi;
