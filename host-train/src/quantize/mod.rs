//! From trained float networks to core's integer operators.
//!
//! [`extract`](mod@extract) folds every normalization away and leaves a plain [`Network`];
//! [`calibrate`](mod@calibrate) runs it on training windows and notes how far each tensor reaches;
//! [`lower`](mod@lower) chooses scales, rounds the weights and writes operators. Networks that share
//! no layer with burn's, such as a test's, enter at the second step. [`turns`] writes convolutions over
//! quarter turns and mirror images out as plain ones.

pub mod calibrate;
mod equivae_extract;
mod equivae_lower;
pub mod extract;
pub mod float;
mod grid_calibrate;
mod grid_extract;
mod grid_lower;
mod image_extract;
mod image_lower;
pub mod image_stack;
pub mod lower;
mod network;
mod set_calibrate;
mod set_extract;
mod set_lower;
pub mod set_stack;
mod splice;
pub mod stack;
pub mod turns;
mod weights;
mod writer;

pub use calibrate::{Ranges, calibrate};
pub use equivae_extract::{EquivaeNetwork, extract_equivae};
pub use equivae_lower::{EquivaeRanges, calibrate_equivae, lower_equivae};
pub use extract::extract;
pub use grid_calibrate::{GridRanges, calibrate_grid};
pub use grid_extract::extract_grid;
pub use grid_lower::lower_grid;
pub use image_extract::extract_image;
pub use image_lower::{Told, lower_image};
pub use image_stack::calibrate_image;
pub use lower::{LowerError, lower};
pub use network::{Convolution, GatedConvolution, Linear, Network, Psi};
pub use set_calibrate::{SetRanges, calibrate_set};
pub use set_extract::extract_set;
pub use set_lower::lower_set;
pub use splice::{SpliceError, splice};
