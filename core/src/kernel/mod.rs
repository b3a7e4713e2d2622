//! The operators: one file each, all with the same four sections.
//!
//! 1. *Record*: what the package stores, with shapes and formula.
//! 2. *Check*: what the loader proves, so that running cannot fail.
//! 3. *Reference*: the arithmetic on slices, plainly; a faster twin must give the same integers.
//! 4. *Tests*: against an independent oracle in 64 bits.
//!
//! Linear operators share two more files: `patch` gathers what one output sees, and `tile` multiplies
//! it by the weights, on each core in its fastest way.
//!
//! # Only what a model uses
//!
//! [`Model::from_bytes`] knows every operator and every [`Frame`], so all of them end up in the flash. [`Kernels`]
//! with those that a model uses, as `gimbal inspect` lists them, leave the others out:
//!
//! ```
//! use gimbal_core::{Error, Model, group, kernel};
//!
//! static KERNELS: kernel::Kernels<'_> = kernel::Kernels {
//!     operators: &[kernel::QuantizeVectors::KERNEL, kernel::Conv::KERNEL, kernel::Pool::KERNEL],
//!     frames: &[group::so3::FRAME],
//!     sets: None,
//! };
//!
//! fn load(package: &[u8]) -> Result<Model<'_>, Error> {
//!     Model::with_kernels(package, &KERNELS)      // refuses a package that needs another
//! }
//! ```

mod argmax;
mod argsort;
mod broadcast_add;
#[cfg(gimbal_mve)]
mod bytes;
mod concat;
mod conv;
mod depthwise;
mod elementwise;
mod gather;
mod l2_norm;
mod lookup;
mod lut;
mod nearest_code;
mod norm_gate;
mod outer_product;
mod patch;
mod pool;
mod quantize_features;
mod quantize_vectors;
mod ranks;
mod rearrange;
mod root;
mod set_pool;
mod softmax;
#[cfg(test)]
mod testing;
mod tile;
mod vector_products;

pub use argmax::Argmax;
pub use argsort::Argsort;
pub use broadcast_add::BroadcastAdd;
pub use concat::Concat;
pub use conv::Conv;
pub use depthwise::{Depthwise, Filters};
pub use elementwise::{Add, Mul};
pub use gather::Gather;
pub use l2_norm::L2Norm;
pub use lookup::Lookup;
pub use lut::Lut;
pub use nearest_code::NearestCode;
pub use norm_gate::NormGate;
pub use outer_product::OuterProduct;
#[cfg(all(gimbal_asm, not(gimbal_v6m)))]
pub(crate) use patch::Taps;
pub use patch::Window;
pub use pool::{Pool, Pooling};
pub use quantize_features::QuantizeFeatures;
pub use quantize_vectors::QuantizeVectors;
pub use ranks::{MAX_ELEMENTS as MAX_RANKED, Ranks};
pub use rearrange::Rearrange;
pub use set_pool::{SetPool, SetPooling};
pub use softmax::{LogSoftmax, Softmax};
#[cfg(gimbal_asm)]
pub(crate) use tile::Matrix;
pub use tile::{Tiles, group_len};
pub use vector_products::{CrossProduct, InnerProduct};

pub(crate) use crate::arena::Memory;
use crate::arena::copy;
use crate::error::Error;
use crate::format::{Input, NONE, OperatorRecord, Tensor, TensorId};
use crate::group::Frame;
use crate::model::Model;
use crate::set::{SETS, Sets};
use bytemuck::{NoUninit, Pod, Zeroable};

/// The tensors that an operator touches, at the start of every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Operands {
    /// What it reads; [`NONE`] for the caller's window, and where it reads but one.
    pub inputs: [TensorId; 2],
    /// What it writes; equal to the first input where it works in place.
    pub output: TensorId,
    /// Memory that it needs while it runs, or [`NONE`]; none for an operator with two inputs.
    pub scratch: TensorId,
}

impl Operands {
    /// One input, one output, no scratch.
    #[must_use]
    pub const fn new(input: TensorId, output: TensorId) -> Self {
        Self { inputs: [input, NONE], output, scratch: NONE }
    }

    /// The same with scratch memory.
    #[must_use]
    pub const fn with_scratch(self, scratch: TensorId) -> Self {
        Self { scratch, ..self }
    }

    /// All of them that are there.
    pub fn all(&self) -> impl Iterator<Item = TensorId> + use<> {
        let [a, b] = self.inputs;
        [a, b, self.output, self.scratch].into_iter().filter(|&id| id != NONE)
    }
}

/// What an operator costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiplications of an activation by a weight, padded taps included.
    pub macs: u64,
    /// Bytes of constants in the package.
    pub bytes: u32,
}

/// What a build can run.
#[derive(Clone, Copy, Debug)]
pub struct Kernels<'t> {
    /// The operators.
    pub operators: &'t [Kernel],
    /// The charts, and how they move windows.
    pub frames: &'t [Frame],
    /// What windows of more than one length take, and their order: [`SETS`], or `None` where all windows
    /// are of one length.
    pub sets: Option<Sets>,
}

impl Kernels<'static> {
    /// Everything there is.
    pub const ALL: Self = Self { operators: Kernel::ALL, frames: Frame::ALL, sets: Some(SETS) };
}

/// An operator that a model may use: what the loader and the session need of it.
///
/// Each record type has its own as `KERNEL`; [`Kernel::ALL`] has all of them.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    pub(crate) kind: u32,
    pub(crate) in_place: bool,
    pub(crate) scratch: bool,
    pub(crate) check: fn(&Body, &Site<'_>) -> Result<u32, Fault>,
    pub(crate) run: fn(&Body, &Site<'_>, Memory<'_>) -> Option<()>,
}

impl Kernel {
    const fn of<R: Record>() -> Self {
        Self { kind: R::KIND, in_place: R::IN_PLACE, scratch: R::SCRATCH, check: check::<R>, run: run::<R> }
    }
}

fn check<R: Record>(body: &Body, site: &Site<'_>) -> Result<u32, Fault> {
    R::read(body).ok_or(Fault::Operand)?.check(site)
}

fn run<R: Record>(body: &Body, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
    R::read(body)?.run(site, memory)
}

/// What each operator's file defines.
pub(crate) trait Record: Pod {
    /// Position in the table of FORMAT.md.
    const KIND: u32;
    const NAME: &'static str;
    /// Whether the output may be the first input.
    const IN_PLACE: bool = false;
    /// Whether it needs scratch, in the place of a second input.
    const SCRATCH: bool = false;

    /// What it costs.
    fn cost(&self, site: &Site<'_>) -> Cost;

    /// Proves that the operator can run, and returns how many bytes of constants it has.
    fn check(&self, site: &Site<'_>) -> Result<u32, Fault>;

    /// Runs the operator; `None` where [`check`](Self::check) would have failed.
    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()>;

    /// The record in its place; `Some` for every record, of which none is longer or wants more alignment.
    fn read(body: &Body) -> Option<&Self> {
        const { assert!(size_of::<Self>() <= size_of::<Body>() && align_of::<Self>() <= align_of::<Body>()) };
        bytemuck::try_from_bytes(bytemuck::bytes_of(body).get(..size_of::<Self>())?).ok()
    }
}

/// A record without its kind, as it stands in the package.
pub(crate) type Body = [u32; Operator::LEN / size_of::<u32>() - 1];

/// Where an operator stands: its tensors, its constants, and what goes into the network.
///
/// A tensor that the record does not name is [`Tensor::ABSENT`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'m> {
    pub(crate) input: &'m Tensor,
    /// The second input, or the scratch: no operator has both.
    pub(crate) other: &'m Tensor,
    pub(crate) output: &'m Tensor,
    /// Whether the output is the first input.
    pub(crate) in_place: bool,
    pub(crate) blob: &'m [u32],
    pub(crate) contract: &'m Input<'m>,
    /// The caller's window; empty while the package is being checked.
    pub(crate) window: &'m [i16],
}

/// What is wrong with an operator; the loader adds which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A tensor has a type that the operator cannot use.
    Operand,
    Shape,
    Weights,
    Quantization,
    Accumulator,
}

impl Fault {
    pub(crate) fn at(self, operator: u16) -> Error {
        match self {
            Self::Operand => Error::Operand { operator },
            Self::Shape => Error::Shape { operator },
            Self::Weights => Error::Weights { operator },
            Self::Quantization => Error::Quantization { operator },
            Self::Accumulator => Error::Accumulator { operator },
        }
    }
}

/// The list of all operators. Append-only: the position is what a package stores.
macro_rules! operators {
    ($($kind:literal $record:ident: $doc:literal,)*) => {
        /// One step of a network.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Operator {
            $(#[doc = $doc] $record($record),)*
        }

        impl Kernel {
            /// Every operator there is.
            pub const ALL: &'static [Self] = &[$($record::KERNEL),*];
        }

        $(impl $record {
            /// What the loader and the session need of it.
            pub const KERNEL: Kernel = Kernel::of::<Self>();
        })*

        impl Operator {
            /// The operator's name, as `gimbal inspect` prints it.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$record(_) => <$record as Record>::NAME,)*
                }
            }

            /// The operator's type in Rust, whose `KERNEL` runs it.
            #[must_use]
            pub fn record(&self) -> &'static str {
                match self {
                    $(Self::$record(_) => stringify!($record),)*
                }
            }

            /// What the operator costs in this model; nothing if its tensors are not there.
            #[must_use]
            pub fn cost(&self, model: &Model<'_>) -> Cost {
                let Some(site) = model.site(&self.operands(), &[]) else { return Cost::default() };
                match self {
                    $(Self::$record(record) => record.cost(&site),)*
                }
            }

            /// The record's words.
            #[must_use]
            pub fn encode(&self) -> [u32; Self::LEN / size_of::<u32>()] {
                match self {
                    $(Self::$record(record) => encode(<$record as Record>::KIND, record),)*
                }
            }

            /// The operator that words hold, or `None` if its kind is unknown.
            #[must_use]
            pub fn decode([kind, body @ ..]: &[u32; Self::LEN / size_of::<u32>()]) -> Option<Self> {
                match *kind {
                    $(<$record as Record>::KIND => $record::read(body).copied().map(Self::$record),)*
                    _ => None,
                }
            }
        }

        $(const _: () = assert!(<$record as Record>::KIND == $kind);)*
    };
}

operators! {
    0 QuantizeVectors: "The caller's window → int16 vectors.",
    1 QuantizeFeatures: "The canonical window, or the caller's → int8 features.",
    2 Conv: "Convolution of features or vectors: dense, pointwise, over time, over an image.",
    3 NormGate: "Vectors scaled by a function of their lengths.",
    4 Pool: "Largest, mean or sum over a window, a set or an axis.",
    5 Depthwise: "Convolution of each channel by itself.",
    6 Lut: "Any function of one int8 element.",
    7 Add: "Sum of two tensors, each with its own factor.",
    8 Mul: "Product of two tensors, element by element.",
    9 Concat: "Two tensors side by side.",
    10 Rearrange: "Slice, reshape, transpose, flip, repeat: elements in other places.",
    11 InnerProduct: "Inner products of vectors, or their squared lengths.",
    12 CrossProduct: "Cross products of vectors.",
    13 Softmax: "Logits → probabilities, over the channels.",
    14 LogSoftmax: "Logits → logarithms of probabilities, over the channels.",
    15 Argmax: "Which channel is the largest.",
    16 L2Norm: "Rows of channels divided by their lengths.",
    17 NearestCode: "How near the input is to each of several codes.",
    18 SetPool: "Largest, mean or sum over the elements of a set.",
    19 BroadcastAdd: "What was pooled over a set, added to each of its elements.",
    20 Argsort: "Which element has the largest score, the second largest, and so on.",
    21 OuterProduct: "Vectors times numbers: a vector for each of the numbers.",
    22 Ranks: "Elements of a set told apart by how long their vectors are.",
    23 Gather: "Elements of a set side by side, in their order.",
    24 Lookup: "A row of a table for each index.",
}

impl Operator {
    /// Bytes of one record in a package.
    pub const LEN: usize = 48;

    /// The tensors that the operator touches.
    #[must_use]
    pub fn operands(&self) -> Operands {
        let [_, body @ ..] = &self.encode();
        operands(body)
    }
}

/// The tensors, which every record starts with.
pub(crate) fn operands(&[inputs, rest, ..]: &Body) -> Operands {
    bytemuck::must_cast([inputs, rest])
}

fn encode(kind: u32, record: &impl NoUninit) -> OperatorRecord {
    let mut words = OperatorRecord::default();
    let [head, body @ ..] = &mut words;
    *head = kind;
    copy(bytemuck::bytes_of(record), bytemuck::bytes_of_mut(body));
    words
}

/// Constants in the blob, from an offset in bytes; `None` if that is not aligned, or if they are not all there.
pub(crate) fn constants<T: Pod>(blob: &[u32], offset: u32, count: usize) -> Option<&[T]> {
    let (offset, alignment) = (offset as usize, size_of::<u32>());
    let words = blob.get(offset / alignment..)?;
    let all: &[T] = bytemuck::try_cast_slice(words).ok()?;
    all.get(..count).filter(|_| offset.is_multiple_of(alignment))
}

/// `a.zip(b)`, one step at a time. `zip` asks chunks for their number up front, which divides by their
/// length, and keeps a panic for a length of 0 where the compiler prefers not to inline that.
#[inline]
fn pairs<A: Iterator, B: Iterator>(mut a: A, mut b: B) -> impl Iterator<Item = (A::Item, B::Item)> {
    core::iter::from_fn(move || Some((a.next()?, b.next()?)))
}
