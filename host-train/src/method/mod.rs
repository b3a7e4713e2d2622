//! The networks that a recipe describes, and what they minimize.

pub mod batch;
mod class_pose;
mod class_pose_infer;
mod dependence;
pub mod equivae;
mod equivae_infer;
mod giae;
mod grid;
mod grid_infer;
mod infer;
mod psi;
pub mod routing;
mod set;
mod set_infer;
mod set_psi;
#[cfg(test)]
mod set_tests;

pub use batch::Batch;
pub use class_pose::{ClassPoseModel, Said, TripleBatch};
pub use equivae::{EquivaeBatch, EquivaeModel};
pub use equivae_infer::EquivaeInference;
pub use giae::{Forward, Loss, Model};
pub use grid::{GridBatch, GridForward, GridModel, GridPose};
pub use grid_infer::GridInference;
pub use infer::Inference;
pub use psi::{Frames, Psi};
pub use set::{SetBatch, SetDecoder, SetForward, SetModel};
pub use set_infer::SetInference;
pub use set_psi::{SetPsi, ranks};
