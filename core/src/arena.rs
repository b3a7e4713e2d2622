//! The caller's memory, seen as tensors.

use crate::format::{Dtype, Tensor};
use core::ops::Range;

/// The arena during a run: words, so that alignment is a matter of types and never of luck.
pub(crate) struct Arena<'a> {
    words: &'a mut [u32],
}

/// A type that tensors are made of.
pub(crate) trait Element: bytemuck::Pod {
    const DTYPE: Dtype;
}

impl Element for i8 {
    const DTYPE: Dtype = Dtype::I8;
}

impl Element for i16 {
    const DTYPE: Dtype = Dtype::I16;
}

impl Element for i32 {
    const DTYPE: Dtype = Dtype::I32;
}

/// An element that activations are made of: what a requantization can give.
pub(crate) trait Activation: Element + Into<i32> {
    /// The element nearest to `value`, which the caller has clamped already.
    fn from_i16(value: i16) -> Self;
}

impl Activation for i8 {
    #[inline]
    fn from_i16(value: i16) -> Self {
        value as i8
    }
}

impl Activation for i16 {
    #[inline]
    fn from_i16(value: i16) -> Self {
        value
    }
}

/// Every call answers `None` where tensors have another type than asked for, or lie outside the arena
/// or across each other: which the loader has ruled out.
impl<'a> Arena<'a> {
    pub(crate) fn new(words: &'a mut [u32]) -> Self {
        Self { words }
    }

    pub(crate) fn read<T: Element>(&self, tensor: &Tensor) -> Option<&[T]> {
        cast(self.words.get(words(tensor))?, tensor)
    }

    pub(crate) fn write<T: Element>(&mut self, tensor: &Tensor) -> Option<&mut [T]> {
        cast_mut(self.words.get_mut(words(tensor))?, tensor)
    }

    pub(crate) fn read_write<A: Element, B: Element>(
        &mut self,
        input: &Tensor,
        output: &Tensor,
    ) -> Option<(&[A], &mut [B])> {
        let [a, b] = self.words.get_disjoint_mut([words(input), words(output)]).ok()?;
        Some((cast(a, input)?, cast_mut(b, output)?))
    }

    pub(crate) fn write_both<A: Element, B: Element>(
        &mut self,
        first: &Tensor,
        second: &Tensor,
    ) -> Option<(&mut [A], &mut [B])> {
        let [a, b] = self.words.get_disjoint_mut([words(first), words(second)]).ok()?;
        Some((cast_mut(a, first)?, cast_mut(b, second)?))
    }
}

/// A tensor in an arena that is not being written.
pub(crate) fn read<'a, T: Element>(arena: &'a [u32], tensor: &Tensor) -> Option<&'a [T]> {
    cast(arena.get(words(tensor))?, tensor)
}

fn words(tensor: &Tensor) -> Range<usize> {
    let start = tensor.offset as usize / size_of::<u32>();
    let len = tensor.len().unwrap_or(0) as usize / size_of::<u32>();
    start..start.saturating_add(len)
}

fn cast<'a, T: Element>(words: &'a [u32], tensor: &Tensor) -> Option<&'a [T]> {
    let elements: &[T] = bytemuck::try_cast_slice(words).ok()?;
    elements.get(..elements_of::<T>(tensor)?)
}

fn cast_mut<'a, T: Element>(words: &'a mut [u32], tensor: &Tensor) -> Option<&'a mut [T]> {
    let elements: &mut [T] = bytemuck::try_cast_slice_mut(words).ok()?;
    elements.get_mut(..elements_of::<T>(tensor)?)
}

fn elements_of<T: Element>(tensor: &Tensor) -> Option<usize> {
    if tensor.dtype != T::DTYPE {
        return None;
    }
    tensor.elements().map(|n| n as usize)
}
