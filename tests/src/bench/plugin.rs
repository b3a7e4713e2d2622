//! QEMU's plugin `tests/m4cycles.c`: estimated cycles on the Cortex-M4, and where the stack ended.

use super::here;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// The upper half of the RAM of QEMU's `mps2-an386`: the stack grows down from its end, and statics are
/// far below.
const STACK: u64 = 0x2020_0000;

/// The compiled plugin, and where it writes.
#[derive(Debug)]
pub struct Plugin {
    scratch: TempDir,
}

/// What the plugin wrote: a line for each mark.
#[derive(Clone, Debug)]
pub struct Marks {
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    instructions: u64,
    cycles: u64,
    lowest_store: u64,
}

/// What ran between two marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Instructions.
    pub instructions: u64,
    /// Estimated cycles.
    pub cycles: u64,
}

impl Plugin {
    /// Compiles it.
    ///
    /// # Errors
    /// Where there is no C compiler.
    pub fn compile() -> Result<Self> {
        let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
        let source = here().join("m4cycles.c");
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-shared", "-fPIC", "-o"]).arg(scratch.path().join("m4cycles.so")).arg(source);
        let output = cc.output().context("cannot run the C compiler `cc`, which QEMU's plugin for m4 needs")?;
        if !output.status.success() {
            bail!("`cc` does not compile QEMU's plugin: {}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(Self { scratch })
    }

    /// What QEMU must be told.
    #[must_use]
    pub fn options(&self) -> [OsString; 2] {
        let folder = self.scratch.path().display();
        ["-plugin".into(), format!("{folder}/m4cycles.so,out={folder}/marks,stack={STACK}").into()]
    }

    /// What it wrote.
    ///
    /// # Errors
    /// Where it wrote nothing, or something else.
    pub fn marks(&self) -> Result<Marks> {
        let text = fs::read_to_string(self.scratch.path().join("marks")).context("QEMU's plugin wrote nothing")?;
        let mark = |line: &str| {
            let mut numbers = line.split(' ').map(str::parse);
            let mut next = || numbers.next()?.ok();
            Some(Mark { instructions: next()?, cycles: next()?, lowest_store: next()? })
        };
        let marks = text.lines().map(mark).collect::<Option<_>>();
        Ok(Marks { marks: marks.context("QEMU's plugin wrote what it should not")? })
    }
}

impl Marks {
    /// The last `count` regions, less what observing takes. Before the first of them the firmware measures
    /// an empty one, and one that it does not log.
    pub(super) fn last_regions(&self, count: usize) -> Result<Vec<Region>> {
        let incomplete = "QEMU's plugin wrote too few marks";
        // The last mark starts a region that nothing ends.
        let (_, marks) = self.marks.split_last().context(incomplete)?;
        let regions: Vec<Region> = marks.rchunks_exact(2).take(count + 2).map(region).collect();
        let [logged @ .., _, empty] = &regions[..] else { bail!(incomplete) };
        if logged.len() != count {
            bail!("{incomplete}: {} for {count} steps", self.marks.len());
        }
        let less = |region: &Region| Region {
            instructions: region.instructions.saturating_sub(empty.instructions),
            cycles: region.cycles.saturating_sub(empty.cycles),
        };
        Ok(logged.iter().rev().map(less).collect())
    }

    /// The lowest addresses of the stack to which loading and running stored: the first two regions.
    pub(super) fn lowest_stores(&self) -> Result<[u64; 2]> {
        match self.marks[..] {
            [_, load, _, run, ..] => Ok([load.lowest_store, run.lowest_store]),
            _ => bail!("QEMU's plugin wrote too few marks"),
        }
    }
}

fn region(marks: &[Mark]) -> Region {
    match marks {
        [start, end] => {
            Region { instructions: end.instructions - start.instructions, cycles: end.cycles - start.cycles }
        }
        _ => unreachable!("chunks of two"),
    }
}
