//! What each layer takes on every emulated processor, beside what CMSIS-NN takes for the same layer.
//!
//! ```text
//! layers ─► package ─► measure (firmware bin `bench` in QEMU) ─► golden, table
//!                         ▲ plugin (Cortex-M4)              peers ─┘
//! ```
//!
//! * [`layers`] — the table of layers: a new one is one entry;
//! * [`package`] — one package with all of them;
//! * [`measure`] — instructions of each, in QEMU, and [`sizes`] of code and stack;
//! * [`points`](mod@points) — what a set of points takes, by its size;
//! * [`plugin`] — cycles and stack on the Cortex-M4;
//! * [`peers`] — CMSIS-NN's counts;
//! * [`fit`](mod@fit) — the same for random layers, to predict others by;
//! * [`golden`] — what was counted before, which must not rise;
//! * [`table`](mod@table) — for people.

pub mod fit;
pub mod golden;
pub mod layers;
pub mod measure;
pub mod package;
pub mod peers;
pub mod plugin;
pub mod points;
pub mod sizes;
pub mod table;

use std::path::{Path, PathBuf};

/// The firmware's sources.
fn firmware() -> PathBuf {
    here().with_file_name("firmware-example")
}

/// This crate's folder.
fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
