//! What to simulate.

use anyhow::{Error, bail};
use std::fmt;
use std::str::FromStr;

/// A processor, or a family of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Code for the Cortex-M0 (v6-M), run on a Cortex-M3: QEMU has no M0 board with enough memory.
    M0,
    /// Cortex-M3.
    M3,
    /// Cortex-M4 with floating point.
    M4,
    /// Cortex-M7: the code for the M4, on another processor.
    M7,
    /// Cortex-M33 with floating point and DSP.
    M33,
    /// Cortex-M55 with its vector extension.
    M55,
    /// RISC-V with 32 bits, multiplication and compressed instructions.
    Rv32,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::M0, Self::M3, Self::M4, Self::M7, Self::M33, Self::M55, Self::Rv32];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::M0 => "m0",
            Self::M3 => "m3",
            Self::M4 => "m4",
            Self::M7 => "m7",
            Self::M33 => "m33",
            Self::M55 => "m55",
            Self::Rv32 => "rv32",
        }
    }

    /// The name that the compiler has for it.
    #[must_use]
    pub const fn triple(self) -> &'static str {
        match self {
            Self::M0 => "thumbv6m-none-eabi",
            Self::M3 => "thumbv7m-none-eabi",
            Self::M4 | Self::M7 => "thumbv7em-none-eabihf",
            Self::M33 | Self::M55 => "thumbv8m.main-none-eabihf",
            Self::Rv32 => "riscv32imc-unknown-none-elf",
        }
    }

    /// What the compiler must be told beside that; the firmware's build chooses the board by it.
    #[must_use]
    pub const fn rustflags(self) -> Option<&'static str> {
        match self {
            Self::M33 => Some("-C target-cpu=cortex-m33"),
            Self::M55 => Some("-C target-cpu=cortex-m55"),
            _ => None,
        }
    }

    /// The program that emulates it, and how it is told what to emulate.
    #[must_use]
    pub const fn emulator(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::M0 | Self::M3 => ("qemu-system-arm", &["-cpu", "cortex-m3", "-machine", "mps2-an385"]),
            Self::M4 => ("qemu-system-arm", &["-cpu", "cortex-m4", "-machine", "mps2-an386"]),
            Self::M7 => ("qemu-system-arm", &["-cpu", "cortex-m7", "-machine", "mps2-an500"]),
            Self::M33 => ("qemu-system-arm", &["-cpu", "cortex-m33", "-machine", "mps2-an505"]),
            Self::M55 => ("qemu-system-arm", &["-cpu", "cortex-m55", "-machine", "mps3-an547"]),
            // Without a BIOS the firmware is what starts.
            Self::Rv32 => ("qemu-system-riscv32", &["-machine", "virt", "-bios", "none"]),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match Self::ALL.into_iter().find(|target| target.name() == name) {
            Some(target) => Ok(target),
            None => bail!("unknown target `{name}`: the targets are m0, m3, m4, m7, m33, m55 and rv32"),
        }
    }
}

/// A program of the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bin {
    /// Compares every result with the host's.
    Golden,
    /// Logs pose, confidence and class of every window of vectors.
    Pose,
    /// Logs class, angle, confidence and the canonical image of every image, and of one at changing angles.
    Digits,
    /// Logs class, pose, confidence and order of every set, and of the same set moved and shuffled.
    Points,
    /// Logs class, v and anomaly score of every window, and compares them with the host's.
    Classes,
    /// Logs the pose that is told of every frame of a walk, and how far it has come since the first.
    Track,
    /// Logs what each operator takes; it counts in an emulator that runs with `-icount shift=0`.
    Bench,
}

impl Bin {
    /// The program's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Golden => "golden",
            Self::Pose => "pose",
            Self::Digits => "digits",
            Self::Points => "points",
            Self::Classes => "classes",
            Self::Track => "track",
            Self::Bench => "bench",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for target in Target::ALL {
            assert_eq!(target.to_string().parse::<Target>().unwrap(), target);
        }
        let refused = "m5".parse::<Target>().unwrap_err().to_string();
        assert!(Target::ALL.iter().all(|target| refused.contains(target.name())), "{refused}");
    }
}
