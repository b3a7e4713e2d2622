//! Bytes of code and of stack, of the trained package that the tests ship.

use super::{firmware, here, measure};
use anyhow::{Context, Result};
use gimbal_train::simulate::{Bin, Firmware, Target, Vectors};
use std::collections::BTreeMap;
use std::fs;

/// Bytes by name:
///
/// * `text_m4`, `text_m0`: code and constants of the firmware `golden`, without package and vectors;
/// * `stack_load_m4`, `stack_run_m4`: the most stack that `Model::from_bytes` and `Session::run` use at
///   once, below the frame of their caller.
///
/// # Errors
/// As [`measure::layers`].
pub fn sizes() -> Result<BTreeMap<String, u64>> {
    let path = here().join("data/wrist.gmbl");
    let package = fs::read(&path).with_context(|| path.display().to_string())?;
    let vectors = Vectors::recorded(&package, 1)?;
    let mut sizes = BTreeMap::new();
    for target in [Target::M4, Target::M0] {
        let golden = Firmware::build(&package, &vectors, target, Bin::Golden, &firmware())?;
        sizes.insert(format!("text_{target}"), golden.text_bytes());
    }
    let run = measure::run(Target::M4, &package, &vectors)?;
    let (load, run) = run.stack.context("the stack was not measured")?;
    sizes.extend([("stack_load_m4".into(), load), ("stack_run_m4".into(), run)]);
    Ok(sizes)
}
