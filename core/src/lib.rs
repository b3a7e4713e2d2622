//! Runs quantized invariant encoders and group-element predictors on microcontrollers.
//!
//! A package that `gimbal` has trained and exported goes in, windows of sensor readings go in, and for
//! each window come out the **pose** of the sensor, the window in its **canonical** pose, an
//! **invariant code** and, if the package has a classifier, **logits**: the same integers on the
//! workstation and on every target. No allocator, no panic, no floating point but for the pose itself, and
//! no `unsafe` but for the assembly in `asm.rs`.
//!
//! ```no_run
//! # fn read_sensor(_: &mut [i16]) {}
//! use gimbal_core::{Aligned, Model, Outcome, Session};
//!
//! # macro_rules! include_bytes { ($_:literal) => { &[0; 64] } }
//! static PACKAGE: &[u8] = &Aligned(*include_bytes!("model.gmbl")).0;
//!
//! # fn main() -> Result<(), gimbal_core::Error> {
//! let model = Model::from_bytes(PACKAGE)?;     // checks everything, once
//! let mut arena = [0u32; 3072];               // too small? the error says how much it takes
//! let mut session = Session::new(model, &mut arena)?;
//! let mut window = [0i16; 128 * 6];
//! loop {
//!     read_sensor(&mut window);
//!     match session.run(&window)? {
//!         Outcome::Encoded(found) => { /* found.pose, found.canonical, found.code, found.logits */ }
//!         Outcome::Degenerate(why) => { /* at rest in free fall, say: no pose */ }
//!     }
//! }
//! # }
//! ```
//!
//! # The modules, in the order in which data flows
//!
//! [`format`] says what the bytes of a package mean; [`Model`] checks them and [`plan`] proves its use
//! of memory; [`Session`] runs the operators of [`kernel`], whose sums meet the one rounding in
//! [`quant`]; ψ's numbers become an element of a [`group`], which acts on the window as its [`domain`]
//! prescribes; what differs where windows are [`set`]s stands in a module of its own. [`Error`] is what any of it can answer. Most users need `Model`, `Session` and the two
//! enums.

#![cfg_attr(not(test), no_std)]

mod arena;
#[cfg(gimbal_asm)]
mod asm;
pub mod domain;
mod error;
pub mod format;
pub mod group;
pub mod kernel;
pub mod math;
mod model;
pub mod plan;
pub mod quant;
mod session;
pub mod set;

pub use error::Error;
pub use model::{Aligned, Model};
pub use session::{Features, Inference, Outcome, Session, Step};
