//! Counting, in QEMU.
//!
//! With `-icount shift=0` QEMU lets one nanosecond of the guest's time pass with every instruction, so that
//! the guest's own timer counts instructions: see `firmware-example/src/clock`. The counts are the same in
//! every run. On RISC-V they are exact. On Cortex-M they were off by at most nine instructions, measured on all
//! layers with `tests/m4cycles.c`, which counts each one; on the Cortex-M4 a test repeats that.

use super::layers::LAYERS;
use super::package::{Benchmark, benchmark};
use super::plugin::{Marks, Plugin};
use super::{firmware, peers};
use anyhow::{Context, Result, bail};
use gimbal_core::Model;
use gimbal_train::inspect;
use gimbal_train::simulate::{Bin, Firmware, Target, Vectors};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;

/// One layer on one processor, as `--json` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its name in the peers' table.
    pub layer: String,
    /// Multiplications of an activation by a weight; none in a layer without weights.
    pub macs: Option<u64>,
    /// Instructions that the layer takes.
    pub instructions: u64,
    /// Instructions that CMSIS-NN takes.
    pub peer: Option<u64>,
    /// Estimated cycles that the layer takes; on the Cortex-M4 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycles: Option<u64>,
    /// Estimated cycles that CMSIS-NN takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_cycles: Option<u64>,
}

/// What every layer of the table takes.
///
/// # Errors
/// [`Missing`](gimbal_train::simulate::Missing) where something is to be installed first, and whatever
/// building and running the firmware gives.
pub fn layers(target: Target) -> Result<Vec<Row>> {
    let Benchmark { package, window, operators } = benchmark();
    let costs = inspect::layers(&Model::from_bytes(&package)?);
    let peers = peers::peers()?;
    let run = run(target, &package, &Vectors::compute(&package, &[window])?)?;
    let layers = LAYERS.iter().zip(operators);
    let rows = layers.map(|(layer, at)| {
        let counted = run.operators.get(usize::from(at)).context("the firmware did not log every operator")?;
        let peer = peers.iter().find(|peer| peer.name == layer.name);
        Ok(Row {
            layer: layer.name.into(),
            macs: costs.get(usize::from(at)).map(|cost| cost.macs).filter(|&macs| macs > 0),
            instructions: counted.instructions,
            peer: peer.and_then(|peer| peer.instructions(target)),
            cycles: counted.cycles,
            peer_cycles: counted.cycles.and_then(|_| peer?.m4_cycles),
        })
    });
    rows.collect()
}

/// What the firmware's `bench` says of a package.
#[derive(Clone, Debug)]
pub struct Run {
    /// What each operator takes.
    pub operators: Vec<Counted>,
    /// What the step between the networks takes; of two poses, both steps together.
    pub canonicalize: Counted,
    /// Bytes of stack under `Model::from_bytes` and under `Session::run`; on the Cortex-M4 only.
    pub stack: Option<(u64, u64)>,
}

impl Run {
    /// Instructions of all steps together.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.operators.iter().chain([&self.canonicalize]).map(|counted| counted.instructions).sum()
    }
}

/// What one operator takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Instructions, by the guest's timer.
    pub instructions: u64,
    /// Estimated cycles.
    pub cycles: Option<u64>,
    /// Instructions, by the plugin.
    pub exact: Option<u64>,
}

impl Counted {
    /// Both together.
    fn and(self, other: Self) -> Self {
        let both = |a: Option<u64>, b: Option<u64>| Some(a? + b?);
        Self {
            instructions: self.instructions + other.instructions,
            cycles: both(self.cycles, other.cycles),
            exact: both(self.exact, other.exact),
        }
    }
}

/// Runs a package once and measures.
///
/// # Errors
/// As [`layers`].
pub fn run(target: Target, package: &[u8], vectors: &Vectors) -> Result<Run> {
    let firmware = Firmware::build(package, vectors, target, Bin::Bench, &firmware())?;
    let plugin = if target == Target::M4 { Some(Plugin::compile()?) } else { None };
    let mut options = ["-icount", "shift=0"].map(OsString::from).to_vec();
    options.extend(plugin.iter().flat_map(Plugin::options));
    let mut log = vec![];
    let success = firmware.run(&options, &mut |line| log.push(line.to_owned()))?;
    if !success {
        bail!("the firmware `bench` failed on {target}: {}", log.join("; "));
    }
    let steps: Vec<(&str, u64)> = log.iter().filter_map(|line| step(line)).collect();
    let marks = plugin.map(|plugin| plugin.marks()).transpose()?;
    let regions = marks.as_ref().map(|marks| marks.last_regions(steps.len())).transpose()?;
    let stack = marks.as_ref().map(|marks| stack(marks, &log)).transpose()?;
    let regions = regions.into_iter().flatten().map(Some).chain(std::iter::repeat(None));
    let counted = steps.into_iter().zip(regions).map(|((step, instructions), region)| {
        let (cycles, exact) = (region.map(|region| region.cycles), region.map(|region| region.instructions));
        (step.starts_with("Operator"), Counted { instructions, cycles, exact })
    });
    let (operators, others): (Vec<_>, Vec<_>) = counted.partition(|(operator, _)| *operator);
    // Where there is no pose, a run ends before it.
    let canonicalize = others.into_iter().map(|(_, counted)| counted).reduce(Counted::and);
    let canonicalize = canonicalize.context("the window has no pose")?;
    let operators = operators.into_iter().map(|(_, counted)| counted).collect();
    Ok(Run { operators, canonicalize, stack })
}

/// Reads `INFO  Operator(3): 1234 instructions`.
fn step(line: &str) -> Option<(&str, u64)> {
    let (step, count) = line.strip_prefix("INFO")?.trim_start().split_once(": ")?;
    Some((step, count.strip_suffix(" instructions")?.parse().ok()?))
}

/// Bytes of stack that loading and running took, below the firmware's `main`.
fn stack(marks: &Marks, log: &[String]) -> Result<(u64, u64)> {
    let pointer = log.iter().find_map(|line| line.strip_prefix("INFO")?.trim_start().strip_prefix("stack pointer "));
    let pointer: u64 = pointer.context("the firmware did not log its stack pointer")?.parse()?;
    let [load, run] = marks.lowest_stores()?.map(|lowest| pointer.saturating_sub(lowest));
    Ok((load, run))
}
