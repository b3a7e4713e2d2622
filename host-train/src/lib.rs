//! Gimbal's workstation half: from recordings to a checked model package.
//!
//! Data moves left to right, one module an arrow:
//!
//! ```text
//! recipe ─► data ─► method (built of nn, on a backend) ─► train ─► quantize ─► package ─► evaluate ─► report
//!                                                                                └─► simulate
//! ```
//!
//! * [`recipe`] — what to train, as one TOML file;
//! * [`data`] — recordings, windows, random rotations; samples on a grid, where to get them, and how they are moved;
//! * [`group`] — groups on tensors: chart, action, and the law that holds ψ to them;
//! * [`nn`] — the layers, each in a form that integers can follow exactly;
//! * [`method`] — the networks and their loss;
//! * [`backend`] — where the tensors live;
//! * [`train`](mod@train) — the loop, its checkpoints, and resuming;
//! * [`quantize`] — calibration and core's operators;
//! * [`package`](mod@package) — the bytes that core reads;
//! * [`evaluate`](mod@evaluate) — figures, through core: the host's integers are the device's;
//! * [`inspect`] — what each layer costs, and how many instructions it will take;
//! * [`simulate`](mod@simulate) — the same package in firmware, in QEMU;
//! * [`report`] — all of it as one page;
//! * [`reproduce`] — published experiments, run again, with their baselines;
//! * [`pipeline`] and [`run`] — the road from weights to a run's folder;
//! * [`cli`] — the commands.
#![recursion_limit = "256"]
#![warn(missing_docs)]

pub mod backend;
pub mod cli;
pub mod data;
pub mod evaluate;
pub mod group;
pub mod inspect;
pub mod method;
pub mod nn;
pub mod package;
pub mod pipeline;
pub mod quantize;
pub mod recipe;
pub mod report;
pub mod reproduce;
pub mod run;
pub mod simulate;
pub mod train;
