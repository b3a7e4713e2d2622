//! `gimbal simulate`.

use super::{DONE, NO, table};
use crate::run::{read, write};
use crate::simulate::{Bin, Simulation, Target, Vectors, simulate};
use anyhow::{Context, Result};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Options {
    /// The package, such as runs/demo/model.gmbl.
    package: PathBuf,
    /// The core to emulate: m0 (v6-M code), m3, m4 (Cortex-M4F), m7, m33, m55, or rv32 (RISC-V, imc).
    #[arg(long, value_name = "CORE")]
    target: Target,
    /// Windows of the recording to stream.
    #[arg(long, default_value_t = 16, value_name = "N")]
    windows: usize,
    /// Also write the windows and what the host finds in them, as the firmware's build reads them from
    /// the file that GIMBAL_VECTORS names.
    #[arg(long, value_name = "FILE")]
    save_vectors: Option<PathBuf>,
    /// The folder of the firmware [default: the one in the project's sources].
    #[arg(long, value_name = "DIR")]
    firmware: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<u8> {
    let package = read(&options.package)?;
    let firmware = options.firmware.clone().unwrap_or_else(firmware);
    let vectors =
        Vectors::recorded(&package, options.windows).with_context(|| options.package.display().to_string())?;
    if let Some(path) = &options.save_vectors {
        write(path, &vectors.to_bytes())?;
    }
    // A reader that has seen enough must not end the comparison.
    let mut print = |line: &str| _ = table::emit(&format!("{line}\n"));
    let pose = simulate(&package, &vectors, options.target, Bin::Pose, &firmware, &mut print)?;
    let golden = simulate(&package, &vectors, options.target, Bin::Golden, &firmware, &mut print)?;
    let equal = pose.success && golden.success;
    table::emit(&format!(
        "{}: {} windows, outputs {} the host's; code and constants {} B\n",
        options.target,
        vectors.vectors.len(),
        if equal { "equal" } else { "DIFFER FROM" },
        golden.text_bytes
    ))?;
    Ok(if equal { DONE } else { NO })
}

/// Runs `golden` without printing its log.
pub fn golden(package: &[u8], target: Target, windows: usize) -> Result<Simulation> {
    let vectors = Vectors::recorded(package, windows)?;
    simulate(package, &vectors, target, Bin::Golden, &firmware(), &mut |_| ())
}

/// The firmware's sources, beside this crate's.
fn firmware() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("firmware-example")
}
