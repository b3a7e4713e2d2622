//! The package as bytes: the types that the exporter writes and [`Model`](crate::Model) reads.
//!
//! FORMAT.md at the project's root holds the byte tables; a test pins the bytes of one package.
//! A package is a 16-byte header, a postcard descriptor, records, a blob of weights, and a CRC-32 of all that.
//! postcard is not self-describing, so the version stands outside it, and every enum here is
//! append-only: a new variant goes last, and nothing is ever reordered. What a device reads often stands
//! in records of fixed length, which are read as they stand in memory.

use bytemuck::{CheckedBitPattern, NoUninit};
use serde::{Deserialize, Serialize};

pub use crate::kernel::Operator;

/// The first four bytes of every package.
pub const MAGIC: [u8; 4] = *b"GMBL";
/// The version of the format that this crate reads and the exporter writes.
pub const VERSION: u16 = 5;
/// Bytes before the descriptor: magic, version, two zero bytes, length of the descriptor, and of records and blob.
pub const HEADER_LEN: usize = 16;
/// Bytes after the blob: CRC-32/ISO-HDLC of everything before, little-endian.
pub const CHECKSUM_LEN: usize = 4;
/// A package, its parts, and every array in the blob start at a multiple of this many bytes.
pub const ALIGNMENT: usize = 4;
/// The largest number of fields in an input contract.
pub const MAX_FIELDS: usize = 4;
/// The largest number of channels that a field takes: a dimension holds those of all fields together.
pub const MAX_WIDTH: u16 = u16::MAX / MAX_FIELDS as u16;
/// The largest number of pose heads in a package: one for each factor of the group.
pub const MAX_POSES: usize = 2;
/// The largest number of networks in a package.
pub const MAX_NETWORKS: usize = 4;
/// The largest number of tensors and of operators in a package. The loader compares tensors pairwise; the
/// limit keeps that short for a hostile package too.
pub const MAX_RECORDS: usize = 256;

/// The checksum at the end of a package, over all bytes before it.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    crc::Crc::<u32, crc::NoTable>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes)
}

/// What a package says of itself, behind the header: a few numbers, and how many records follow of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descriptor<'a> {
    /// Lines for people, UTF-8, each ended by a newline: the package's name; name and unit of each field;
    /// the names of the classes, as many as there are logits.
    pub texts: &'a [u8],
    /// Samples per second.
    pub rate_hz: f32,
    /// Samples in a window; of a set, the most elements.
    pub samples: u16,
    /// Samples from the start of one window to the start of the next, as trained.
    pub hop: u16,
    /// The window in its canonical pose, `i16[samples, channels]`.
    pub canonical: TensorId,
    /// Bytes of arena that a session needs, a multiple of [`ALIGNMENT`].
    pub arena_len: u32,
    /// Bytes of the arena's first part, a multiple of [`ALIGNMENT`]: no tensor lies across its end, so
    /// that it may be memory of its own. 0 where the arena is in one piece.
    pub fast_len: u32,
    /// [`Field`]s, 1 to [`MAX_FIELDS`]: what each sample holds, in channel order.
    pub fields: u16,
    /// [`PoseHead`]s, at most [`MAX_POSES`]: how the output of each ψ becomes a pose; none if windows are taken as
    /// they are.
    pub poses: u16,
    /// [`Network`]s, 1 to [`MAX_NETWORKS`], in the order in which they run; together they cover the operators.
    pub networks: u16,
    /// [`Tensor`]s, at most [`MAX_RECORDS`].
    pub tensors: u16,
    /// [`Operator`]s, at most [`MAX_RECORDS`], in the order in which they run.
    pub operators: u16,
}

/// The records between descriptor and blob, in this order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'m> {
    pub(crate) fields: &'m [Field],
    pub(crate) poses: &'m [PoseHead],
    pub(crate) networks: &'m [Network],
    pub(crate) tensors: &'m [Tensor],
    pub(crate) operators: &'m [OperatorRecord],
}

/// An operator in a package: its kind and what its record type says.
pub(crate) type OperatorRecord = [u32; Operator::LEN / size_of::<u32>()];

impl<'m> Records<'m> {
    /// Cuts the records off the words behind a descriptor, and returns what is behind them; `None` if there are too
    /// many, or too few words, or a number stands for nothing.
    pub(crate) fn of(descriptor: &Descriptor<'_>, words: &'m [u32]) -> Option<(Self, &'m [u32])> {
        let (fields, words) = take(words, descriptor.fields, MAX_FIELDS)?;
        let (poses, words) = take(words, descriptor.poses, MAX_POSES)?;
        let (networks, words) = take(words, descriptor.networks, MAX_NETWORKS)?;
        let (tensors, words) = take(words, descriptor.tensors, MAX_RECORDS)?;
        let (operators, words) = take(words, descriptor.operators, MAX_RECORDS)?;
        Some((Self { fields, poses, networks, tensors, operators }, words))
    }
}

fn take<T: CheckedBitPattern>(words: &[u32], count: u16, limit: usize) -> Option<(&[T], &[u32])> {
    const { assert!(align_of::<T>() <= ALIGNMENT && size_of::<T>().is_multiple_of(ALIGNMENT)) };
    let count = usize::from(count);
    let (records, words) = words.split_at_checked(count * (size_of::<T>() / ALIGNMENT))?;
    let records = bytemuck::checked::try_cast_slice(records).ok()?;
    (count <= limit).then_some((records, words))
}

/// The input contract: what a window is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input<'m> {
    /// Samples per second.
    pub rate_hz: f32,
    /// Samples in a window; of a set, the most elements.
    pub samples: u16,
    /// Samples from the start of one window to the start of the next, as trained.
    pub hop: u16,
    /// What each sample holds, in channel order.
    pub fields: &'m [Field],
}

impl Input<'_> {
    /// Numbers in a sample.
    // Asked in many places, where a sum in each would take more flash.
    #[inline(never)]
    #[must_use]
    pub fn channels(&self) -> usize {
        self.fields.iter().map(|field| field.channels()).sum()
    }
}

/// Neighbouring channels of a sample that the group moves together.
#[derive(Clone, Copy, Debug, PartialEq, CheckedBitPattern, NoUninit)]
#[repr(C)]
pub struct Field {
    /// Units per count: a count times this is the quantity in the field's unit.
    pub per_count: f32,
    /// How the group acts on the field.
    pub kind: FieldKind,
    /// Numbers that the field takes in a sample: 3 for vectors and points, and 1 to [`MAX_WIDTH`] for others.
    pub width: u16,
}

impl Field {
    /// Numbers that the field takes in a sample.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.width as usize
    }

    /// Whether it takes as many as its kind may.
    pub(crate) fn has_width(&self) -> bool {
        match self.kind {
            FieldKind::Vector | FieldKind::PseudoVector | FieldKind::Point => self.width == 3,
            FieldKind::Row | FieldKind::Ring | FieldKind::Scalar => (1..=MAX_WIDTH).contains(&self.width),
        }
    }
}

/// How the group acts on a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CheckedBitPattern, NoUninit)]
#[repr(u16)]
pub enum FieldKind {
    /// Three channels x, y, z that turn with the sensor and change sign under a reflection through
    /// the origin: an acceleration.
    Vector,
    /// Three channels that turn with the sensor and keep their sign under that reflection: an
    /// angular rate.
    PseudoVector,
    /// A row of an image, one channel a pixel, from left to right; all samples of a window, from the top down, are
    /// the image.
    Row,
    /// Electrodes, one channel each, in the order in which they stand around a ring.
    Ring,
    /// Numbers that the group moves in time only, or from place to place in a set: types, digits.
    Scalar,
    /// Three channels x, y, z of a place: they turn with the sensor, as a vector does, and move with it.
    Point,
}

/// How ψ's output becomes a pose.
#[derive(Clone, Copy, Debug, PartialEq, CheckedBitPattern, NoUninit)]
#[repr(C)]
pub struct PoseHead {
    /// The length, in counts of ψ's output, that gives confidence 1.
    pub reference: f32,
    /// The length, in counts of ψ's output, below which rounding drowns the direction.
    pub minimum: f32,
    /// From numbers to a group element.
    pub chart: Chart,
    /// The numbers, ψ's output, of the type and shape that the chart asks for.
    pub vectors: TensorId,
}

/// The formula ξ from ψ's output to a group element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CheckedBitPattern, NoUninit)]
#[repr(u16)]
pub enum Chart {
    /// SO(3) from two vectors, `i32[3, 1, 2]`, see [`so3`](crate::group::so3).
    GramSchmidt,
    /// SO(2) of images from one vector x, y, `i32[1, 1, 2]`, see [`so2`](crate::group::so2); behind a centroid SE(2),
    /// see [`product`](crate::group::product).
    Direction,
    /// O(2) of images from two vectors, one behind the other, `i32[1, 1, 4]`, see [`o2`](crate::group::o2).
    TwoVectors,
    /// Delays of a period from its first Fourier coefficient, cosine and sine part, `i32[1, 1, 2]`, see
    /// [`shift`](crate::group::shift).
    Phase,
    /// C_n from n scores, i32 in any shape, see [`cyclic`](crate::group::cyclic): turns of rings of n electrodes, or
    /// quarter turns of square images.
    Argmax,
    /// T(2) of images from a map of weights of 8 or 16 bits, `[samples, width, 1]`, see
    /// [`translation`](crate::group::translation).
    Centroid,
    /// O(3) from three vectors, `i32[3, 1, 3]`, see [`o3`](crate::group::o3); behind a mean E(3), see
    /// [`e3`](crate::group::e3).
    ThreeVectors,
    /// As [`GramSchmidt`](Self::GramSchmidt), from the pose that the package calls upright: the blob begins with its unit
    /// quaternion, see [`so3::UPRIGHT`](crate::group::so3::UPRIGHT).
    UprightGramSchmidt,
    /// T(3) of points from their mean, `i16[3, 1, 1]`, see [`translation3`](crate::group::translation3); a Gram–Schmidt
    /// chart behind it gives SE(3), see [`product`](crate::group::product).
    Mean,
    /// Rⁿ from n numbers, `[1, members, n]` of 8 or 16 bits as all below, which are [`told`](crate::group::told): windows stay as they
    /// are. See [`coordinates`](crate::group::coordinates).
    Numbers,
    /// Tᵏ from a vector an angle, `[1, members, 2k]`, see [`coordinates`](crate::group::coordinates).
    Angles,
    /// A place of the plane and a heading, R² × T, from x, y and a vector, `[1, members, 4]`, see
    /// [`coordinates`](crate::group::coordinates).
    Place,
    /// SE(2) from x, y and a vector, `[1, members, 4]`.
    Motion,
    /// SO(3) from a rotation vector, `[1, members, 3]`.
    Exponential,
    /// SO(3) from a quaternion w, x, y, z, `[1, members, 4]`.
    Quaternion,
    /// SO(3) from a matrix's first two columns, one behind the other, `[1, members, 6]`.
    Columns,
}

impl Chart {
    /// Whether the pose is [told](crate::group::told) and windows stay as they are.
    #[must_use]
    pub const fn is_told(self) -> bool {
        self as u16 >= Self::Numbers as u16
    }
}

/// A run of operators with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CheckedBitPattern, NoUninit)]
#[repr(C)]
pub struct Network {
    /// What the network is for.
    pub role: Role,
    /// How many operators it has, from where the network before it ends.
    pub operators: u16,
    /// Where its result stands.
    pub output: TensorId,
    /// Zero.
    pub reserved: u16,
}

/// What a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CheckedBitPattern, NoUninit)]
#[repr(u16)]
pub enum Role {
    /// ψ: the window → numbers from which the chart makes the pose.
    Psi,
    /// η: the canonical window → the invariant code.
    Eta,
    /// The canonical window or η's features → logits.
    Classifier,
    /// The canonical set → which element stands where, by [`Argsort`](crate::kernel::Argsort).
    Order,
    /// The canonical window and the code of its class → v, what the window has beside its class.
    Within,
    /// The canonical window, the code of its class and v → how strange the window is for that class.
    Anomaly,
}

/// Position of a tensor in the package.
pub type TensorId = u16;

/// Stands where an operator has no tensor.
pub const NONE: TensorId = TensorId::MAX;

/// What the exporter says of one tensor.
#[derive(Clone, Copy, Debug, PartialEq, CheckedBitPattern, NoUninit)]
#[repr(C)]
pub struct Tensor {
    /// Where it starts in the arena, in bytes, a multiple of [`ALIGNMENT`].
    pub offset: u32,
    /// Bytes in the arena, what [`len`](Self::len) answers: a session need not multiply.
    pub bytes: u32,
    /// A value is `scale × (element − zero_point)`; scratch memory has scale 0.
    pub scale: f32,
    /// Sizes, outermost first: `[1, length, channels]`, `[height, width, channels]`, or
    /// `[3, length, channels]` for vectors, whose x, y and z components form three planes.
    pub shape: [u16; 3],
    /// The element that stands for zero.
    pub zero_point: i16,
    /// The operator that writes it first.
    pub first: u16,
    /// The operator that reads it last; outputs live to the end.
    pub last: u16,
    /// The type of its elements.
    pub dtype: Dtype,
    /// The fewest samples that a window may have, where the length, `shape[1]`, counts these, which may be fewer from
    /// run to run; the same number in all such tensors. 0 where the shape is what it is.
    pub least: u16,
}

impl Tensor {
    /// A tensor that does not exist: no elements, no memory.
    pub(crate) const ABSENT: Self = Self {
        offset: 0,
        bytes: 0,
        scale: 0.0,
        shape: [0; 3],
        zero_point: 0,
        first: 0,
        last: 0,
        dtype: Dtype::I8,
        least: 0,
    };

    /// Number of elements, or `None` beyond 2³² − 1.
    #[must_use]
    pub fn elements(&self) -> Option<u32> {
        let [a, b, c] = self.shape.map(u32::from);
        a.checked_mul(b)?.checked_mul(c)
    }

    /// Bytes in the arena, rounded up to [`ALIGNMENT`], or `None` beyond 2³² − 1.
    #[must_use]
    pub fn len(&self) -> Option<u32> {
        self.elements()?.checked_mul(self.dtype.bytes())?.checked_next_multiple_of(ALIGNMENT as u32)
    }

    /// Whether the length, `shape[1]`, counts the samples of a window, which may be fewer from run to run.
    #[must_use]
    pub const fn varies(&self) -> bool {
        self.least != 0
    }

    /// Whether equal elements stand for equal values.
    pub(crate) fn same_meaning(&self, other: &Self) -> bool {
        (self.scale.to_bits(), self.zero_point) == (other.scale.to_bits(), other.zero_point)
    }

    /// Words of the arena.
    pub(crate) fn words(&self) -> core::ops::Range<usize> {
        let start = self.offset as usize / size_of::<u32>();
        start..start + self.bytes as usize / size_of::<u32>()
    }

    /// Whether the tensor has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }
}

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CheckedBitPattern, NoUninit)]
#[repr(u16)]
pub enum Dtype {
    /// Features.
    I8,
    /// Windows and vectors.
    I16,
    /// Sums of vectors.
    I32,
}

impl Dtype {
    /// Bytes of one element.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        1 << self as u32
    }

    /// The smallest and the largest element.
    #[must_use]
    pub const fn range(self) -> (i32, i32) {
        match self {
            Self::I8 => (i8::MIN as i32, i8::MAX as i32),
            Self::I16 => (i16::MIN as i32, i16::MAX as i32),
            Self::I32 => (i32::MIN, i32::MAX),
        }
    }
}

// Records are read as they stand in memory.
#[cfg(target_endian = "big")]
compile_error!("packages are little-endian, and so must the target be");
