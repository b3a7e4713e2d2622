//! The device on the workstation: a package and its test vectors, in firmware, in QEMU.
//!
//! [`Vectors`] says what the host finds in some windows; [`simulate`] compiles them into the firmware
//! together with the package, runs it, and hands on what it logs; [`Firmware`] does these one by one. The bin `golden`
//! succeeds only if the device finds the same, bit for bit; `pose`, `digits`, `points` and `classes` show people what it finds.

mod firmware;
mod qemu;
mod samples;
mod target;
mod vectors;

pub use firmware::Firmware;
pub use samples::{extent, takes_sets, takes_vectors};
pub use target::{Bin, Target};
pub use vectors::{Described, Expected, Vector, Vectors};

use anyhow::Result;
use std::path::Path;

/// Something that simulating needs is not on this machine; the message says how to get it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Missing(String);

/// How a simulation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Whether the firmware says that all is well.
    pub success: bool,
    /// Bytes of code and constants in the firmware, `.text` and `.rodata`, without package and vectors.
    pub text_bytes: u64,
}

/// Builds the firmware with this package and these vectors, runs it in QEMU, and hands each line that
/// it logs to `on_line` as it comes.
///
/// # Errors
/// [`Missing`] where something is to be installed first; else where the firmware does not build, or does
/// not end. A firmware that runs and finds a difference is no error, see
/// [`Simulation::success`].
pub fn simulate(
    package: &[u8],
    vectors: &Vectors,
    target: Target,
    bin: Bin,
    firmware_dir: &Path,
    on_line: &mut dyn FnMut(&str),
) -> Result<Simulation> {
    let firmware = Firmware::build(package, vectors, target, bin, firmware_dir)?;
    let success = firmware.run(&[], on_line)?;
    Ok(Simulation { success, text_bytes: firmware.text_bytes() })
}
