//! What to simulate.

use anyhow::{Error, bail};
use std::fmt;
use std::str::FromStr;

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Cortex-M4 with floating point.
    M4,
    /// Cortex-M3.
    M3,
    /// Code for the Cortex-M0 (v6-M), run on a Cortex-M3: QEMU has no M0 board with enough memory.
    M0,
}

impl Target {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::M4, Self::M3, Self::M0];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::M4 => "m4",
            Self::M3 => "m3",
            Self::M0 => "m0",
        }
    }

    /// The name that the compiler has for it.
    #[must_use]
    pub const fn triple(self) -> &'static str {
        match self {
            Self::M4 => "thumbv7em-none-eabihf",
            Self::M3 => "thumbv7m-none-eabi",
            Self::M0 => "thumbv6m-none-eabi",
        }
    }

    /// The processor and the board that QEMU emulates.
    #[must_use]
    pub const fn machine(self) -> (&'static str, &'static str) {
        match self {
            Self::M4 => ("cortex-m4", "mps2-an386"),
            Self::M3 | Self::M0 => ("cortex-m3", "mps2-an385"),
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
            None => bail!("unknown target `{name}`: the targets are m4, m3 and m0"),
        }
    }
}

/// A program of the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bin {
    /// Compares every result with the host's.
    Golden,
    /// Logs pose, confidence and class of every window.
    Pose,
}

impl Bin {
    /// The program's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Golden => "golden",
            Self::Pose => "pose",
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
        assert!("m7".parse::<Target>().unwrap_err().to_string().contains("m4, m3 and m0"));
    }
}
