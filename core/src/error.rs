//! Everything that can go wrong, in one flat `Copy` enum.

use core::fmt;

/// What is wrong with a package, or with the memory or data handed to a session.
///
/// `operator` and `tensor` are positions in the package's lists, as `gimbal inspect` prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not start with the magic of a Gimbal package.
    NotAPackage,
    /// The package was written for another version of the format.
    UnsupportedVersion {
        /// The version that the package states.
        found: u16,
    },
    /// There are fewer or more bytes than the package's header states.
    Length {
        /// Bytes that the header states, checksum included.
        expected: u32,
        /// Bytes that were handed over.
        found: u32,
    },
    /// The bytes do not start at a multiple of four, see [`Aligned`](crate::Aligned).
    Alignment,
    /// The bytes were changed after the package was written.
    Checksum,
    /// The descriptor cannot be read, or its parts contradict each other.
    Descriptor,
    /// A tensor is empty, has other bytes than its shape, or lies outside the arena; or its length may vary, and this
    /// build has no [`sets`](crate::kernel::Kernels::sets), or windows do not vary in this way.
    Tensor {
        /// Position of the tensor.
        tensor: u16,
    },
    /// Two tensors that are needed at the same time share memory.
    Overlap {
        /// Position of the later of the two tensors.
        tensor: u16,
    },
    /// The operator is not known to this version of core.
    UnsupportedOperator {
        /// Position of the operator.
        operator: u16,
    },
    /// The pose head has a chart that this build does not have, or not behind the one before.
    UnsupportedChart {
        /// Position of the pose head.
        pose: u16,
    },
    /// The operator names a tensor that does not exist, has another type, or is not live.
    Operand {
        /// Position of the operator.
        operator: u16,
    },
    /// The shapes of the operator's tensors do not fit together.
    Shape {
        /// Position of the operator.
        operator: u16,
    },
    /// The operator's constants lie outside the package, are not aligned, or are not zero where they must be.
    Weights {
        /// Position of the operator.
        operator: u16,
    },
    /// The operator's shift or clamp is out of range.
    Quantization {
        /// Position of the operator.
        operator: u16,
    },
    /// Some input could overflow the operator's 32-bit accumulator.
    Accumulator {
        /// Position of the operator.
        operator: u16,
    },
    /// The arena is too small.
    Arena {
        /// Bytes that the model needs.
        needed: u32,
        /// Bytes that were handed over.
        given: u32,
    },
    /// The window has another length than the input contract states: it holds `least` to `most` samples, all of them
    /// whole.
    Input {
        /// The fewest samples.
        least: u16,
        /// The most samples, the same number where all windows are of one length.
        most: u16,
        /// Numbers in a sample.
        channels: u16,
        /// Numbers that were handed over.
        given: u32,
    },
}

impl Error {
    /// Position of the operator that is to blame, if one is.
    #[must_use]
    pub const fn operator(&self) -> Option<u16> {
        match *self {
            Self::UnsupportedOperator { operator }
            | Self::Operand { operator }
            | Self::Shape { operator }
            | Self::Weights { operator }
            | Self::Quantization { operator }
            | Self::Accumulator { operator } => Some(operator),
            Self::NotAPackage
            | Self::UnsupportedVersion { .. }
            | Self::Length { .. }
            | Self::Alignment
            | Self::Checksum
            | Self::Descriptor
            | Self::Tensor { .. }
            | Self::Overlap { .. }
            | Self::UnsupportedChart { .. }
            | Self::Arena { .. }
            | Self::Input { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotAPackage => write!(f, "not a Gimbal package"),
            Self::UnsupportedVersion { found } => {
                write!(
                    f,
                    "package format version {found} is not supported (this build reads {})",
                    crate::format::VERSION
                )
            }
            Self::Length { expected, found } => write!(f, "the package should be {expected} bytes long and is {found}"),
            Self::Alignment => write!(f, "the package must start at an address that is a multiple of four"),
            Self::Checksum => write!(f, "the package is damaged: its checksum does not match"),
            Self::Descriptor => write!(f, "the package's descriptor cannot be read"),
            Self::Tensor { tensor } => write!(f, "tensor {tensor} is invalid"),
            Self::Overlap { tensor } => write!(f, "tensor {tensor} shares memory with another live tensor"),
            Self::UnsupportedOperator { operator } => write!(f, "operator {operator} is not supported by this build"),
            Self::UnsupportedChart { pose } => write!(f, "the chart of pose {pose} is not supported by this build"),
            Self::Operand { operator } => write!(f, "operator {operator} names a tensor that it cannot use"),
            Self::Shape { operator } => write!(f, "the shapes of operator {operator} do not fit together"),
            Self::Weights { operator } => write!(f, "the weights of operator {operator} lie outside the package"),
            Self::Quantization { operator } => write!(f, "the quantization of operator {operator} is out of range"),
            Self::Accumulator { operator } => write!(f, "operator {operator} could overflow its accumulator"),
            Self::Arena { needed, given } => {
                write!(f, "the model needs an arena of {needed} bytes and was given {given}")
            }
            Self::Input { least, most, channels, given } if least == most => {
                let needed = u32::from(most) * u32::from(channels);
                write!(f, "the model takes windows of {needed} numbers and was given {given}")
            }
            Self::Input { least, most, channels, given } => {
                write!(
                    f,
                    "the model takes {least} to {most} elements of {channels} numbers and was given {given} numbers"
                )
            }
        }
    }
}

impl core::error::Error for Error {}
