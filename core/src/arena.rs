//! The caller's memory, seen as tensors.

use crate::format::{Dtype, Tensor};

/// The arena: words, so that alignment is a matter of types and never of luck, in one piece or two.
#[derive(Debug)]
pub(crate) struct Arena<'a> {
    /// Addresses from 0.
    fast: &'a mut [u32],
    /// Addresses from where `fast` ends.
    large: &'a mut [u32],
}

/// The memory of an operator's tensors. An output that is an input stands under the output only.
#[derive(Debug)]
pub(crate) struct Memory<'a> {
    pub(crate) input: &'a mut [u32],
    /// The second input, or the scratch: no operator has both.
    pub(crate) other: &'a mut [u32],
    pub(crate) output: &'a mut [u32],
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
pub(crate) trait Activation: Element + Into<i32> + Into<i16> + Ord {
    /// The smallest element.
    const MIN: Self;

    /// The element nearest to `value`, which the caller has clamped already.
    fn from_i16(value: i16) -> Self;
}

impl Activation for i8 {
    const MIN: Self = Self::MIN;

    #[inline]
    fn from_i16(value: i16) -> Self {
        value as i8
    }
}

impl Activation for i16 {
    const MIN: Self = Self::MIN;

    #[inline]
    fn from_i16(value: i16) -> Self {
        value
    }
}

/// Elements of 8 or 16 bits. One piece of code handles both where a copy for each would cost more flash
/// than the choice costs time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Activations<'a> {
    I8(&'a [i8]),
    I16(&'a [i16]),
}

/// The same, to be written.
#[derive(Debug)]
pub(crate) enum ActivationsMut<'a> {
    I8(&'a mut [i8]),
    I16(&'a mut [i16]),
}

impl<'a> Activations<'a> {
    /// A tensor's memory; `None` for 32 bits.
    pub(crate) fn of(words: &'a [u32], tensor: &Tensor) -> Option<Self> {
        match tensor.dtype {
            Dtype::I8 => view(words, tensor).map(Self::I8),
            Dtype::I16 => view(words, tensor).map(Self::I16),
            Dtype::I32 => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::I8(all) => all.len(),
            Self::I16(all) => all.len(),
        }
    }

    /// Copies the elements from `start` into 16 bits each, or `None` if there are not as many.
    pub(crate) fn widen_run(self, start: usize, to: &mut [i16]) -> Option<()> {
        match self {
            #[cfg(all(gimbal_asm, not(gimbal_v6m)))]
            Self::I8(from) => crate::asm::widen_run(from.get(start..)?.get(..to.len())?, to),
            #[cfg(not(all(gimbal_asm, not(gimbal_v6m))))]
            Self::I8(from) => copy_run(from.get(start..)?.get(..to.len())?, to),
            Self::I16(from) => copy_run(from.get(start..)?.get(..to.len())?, to),
        }
        Some(())
    }

    /// Copies the lines that start at `start` into 16 bits each, one behind the other, or `None` if there are not as
    /// many elements.
    pub(crate) fn widen(self, start: usize, lines: &Lines, to: &mut [i16]) -> Option<()> {
        match self {
            #[cfg(all(gimbal_asm, not(gimbal_v6m)))]
            Self::I8(from) => crate::asm::widen(from.get(start..)?, lines, to),
            #[cfg(not(all(gimbal_asm, not(gimbal_v6m))))]
            Self::I8(from) => copy_lines(from.get(start..)?, lines, to),
            Self::I16(from) => copy_lines(from.get(start..)?, lines, to),
        }
    }
}

/// Runs of elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    /// How many.
    pub(crate) count: usize,
    /// Elements in each.
    pub(crate) len: usize,
    /// Elements from the start of one to the start of the next.
    pub(crate) step: usize,
}

fn copy_run<X: Copy + Into<i16>>(from: &[X], to: &mut [i16]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from.into());
}

fn copy_lines<X: Copy + Into<i16>>(mut from: &[X], lines: &Lines, mut to: &mut [i16]) -> Option<()> {
    for _ in 0..lines.count {
        copy_run(from.get(..lines.len)?, to.split_off_mut(..lines.len)?);
        from = from.get(lines.step..).unwrap_or_default();
    }
    Some(())
}

impl<'a> ActivationsMut<'a> {
    /// A tensor's memory; `None` for 32 bits.
    pub(crate) fn of(words: &'a mut [u32], tensor: &Tensor) -> Option<Self> {
        match tensor.dtype {
            Dtype::I8 => view_mut(words, tensor).map(Self::I8),
            Dtype::I16 => view_mut(words, tensor).map(Self::I16),
            Dtype::I32 => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::I8(all) => all.len(),
            Self::I16(all) => all.len(),
        }
    }

    /// Some of the elements.
    pub(crate) fn part(&mut self, start: usize, len: usize) -> Option<ActivationsMut<'_>> {
        Some(match self {
            Self::I8(all) => ActivationsMut::I8(all.get_mut(start..)?.get_mut(..len)?),
            Self::I16(all) => ActivationsMut::I16(all.get_mut(start..)?.get_mut(..len)?),
        })
    }

    /// Elements in two parts, the second from `at` on.
    pub(crate) fn split_at(self, at: usize) -> Option<(Self, Self)> {
        Some(match self {
            Self::I8(all) => all.split_at_mut_checked(at).map(|(a, b)| (Self::I8(a), Self::I8(b)))?,
            Self::I16(all) => all.split_at_mut_checked(at).map(|(a, b)| (Self::I16(a), Self::I16(b)))?,
        })
    }

    /// Makes every element the one nearest to `value`.
    pub(crate) fn fill(&mut self, value: i16) {
        match self {
            Self::I8(all) => all.fill(value.max(i8::MIN.into()).min(i8::MAX.into()) as i8),
            Self::I16(all) => all.fill(value),
        }
    }

    /// Writes one element, which is in range.
    pub(crate) fn set(&mut self, at: usize, value: i16) {
        match self {
            Self::I8(all) => {
                if let Some(element) = all.get_mut(at) {
                    *element = value as i8;
                }
            }
            Self::I16(all) => {
                if let Some(element) = all.get_mut(at) {
                    *element = value;
                }
            }
        }
    }
}

/// Every call answers `None` where tensors have another type than asked for, or lie outside the arena
/// or across each other: which the loader has ruled out.
impl<'a> Arena<'a> {
    pub(crate) fn new(fast: &'a mut [u32], large: &'a mut [u32]) -> Self {
        Self { fast, large }
    }

    /// A tensor that is not being written.
    pub(crate) fn read<T: Element>(&self, tensor: &Tensor) -> Option<&[T]> {
        let range = tensor.words();
        let border = self.fast.len();
        let words = match range.start.checked_sub(border) {
            None => self.fast.get(range)?,
            Some(start) => self.large.get(start..range.end.checked_sub(border)?)?,
        };
        view(words, tensor)
    }

    pub(crate) fn write<T: Element>(&mut self, tensor: &Tensor) -> Option<&mut [T]> {
        let memory = self.memory(&Tensor::ABSENT, &Tensor::ABSENT, tensor)?;
        view_mut(memory.output, tensor)
    }

    /// The memory of three tensors that lie apart; nothing for one that is absent. Cut off one by one from the front,
    /// in the order of a sorting network, which takes fewer instructions than `get_disjoint_mut`.
    pub(crate) fn memory(&mut self, input: &Tensor, other: &Tensor, output: &Tensor) -> Option<Memory<'_>> {
        let ranges = [input.words(), other.words(), output.words()];
        // Where a part starts, and which one it is.
        let [a, b, c] = &ranges;
        let [a, b, c] = [a.start * 4, b.start * 4 + 1, c.start * 4 + 2];
        let [a, b] = in_order(a, b);
        let [b, c] = in_order(b, c);
        let [a, b] = in_order(a, b);
        let border = self.fast.len();
        let (mut rest, mut base, mut large) = (&mut *self.fast, 0, Some(&mut *self.large));
        let mut parts: [&mut [u32]; 3] = Default::default();
        for next in [a, b, c] {
            let (range, part) = (ranges.get(next % 4)?, parts.get_mut(next % 4)?);
            if range.start >= range.end {
                continue;
            }
            // Behind the border the other piece goes on.
            if range.start >= border
                && let Some(large) = large.take()
            {
                (rest, base) = (large, border);
            }
            let (_, behind) = rest.split_at_mut_checked(range.start.checked_sub(base)?)?;
            (*part, rest) = behind.split_at_mut_checked(range.end - range.start)?;
            base = range.end;
        }
        let [input, other, output] = parts;
        Some(Memory { input, other, output })
    }
}

#[inline]
fn in_order(a: usize, b: usize) -> [usize; 2] {
    [a.min(b), a.max(b)]
}

/// A tensor's memory as its elements; `None` if the tensor has another type.
pub(crate) fn view<'a, T: Element>(words: &'a [u32], tensor: &Tensor) -> Option<&'a [T]> {
    let elements: &[T] = bytemuck::try_cast_slice(words).ok()?;
    elements.get(..elements_of::<T>(tensor)?)
}

/// A tensor's memory as its elements, to be written; `None` if the tensor has another type.
pub(crate) fn view_mut<'a, T: Element>(words: &'a mut [u32], tensor: &Tensor) -> Option<&'a mut [T]> {
    let elements: &mut [T] = bytemuck::try_cast_slice_mut(words).ok()?;
    elements.get_mut(..elements_of::<T>(tensor)?)
}

fn elements_of<T: Element>(tensor: &Tensor) -> Option<usize> {
    if tensor.dtype != T::DTYPE {
        return None;
    }
    let [a, b, c] = tensor.shape;
    Some(usize::from(a).wrapping_mul(b.into()).wrapping_mul(c.into()))
}

/// Copies as many elements as both have. `copy_from_slice` keeps a panic for lengths that differ.
pub(crate) fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ops::Range;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_lie_where_they_are_asked_for(
            places in prop::array::uniform3((0u32..24, 0u16..12)),
            border in 0usize..=24,
        ) {
            let tensors = places.map(|(start, len)| tensor(4 * start, len));
            let ranges = tensors.map(|tensor| tensor.words());
            let mut words: [u32; 24] = core::array::from_fn(|i| i as u32);
            let meet = |a: &Range<usize>, b: &Range<usize>| a.start.max(b.start) < a.end.min(b.end);
            let apart = (0..3).all(|i| (0..i).all(|j| !meet(&ranges[i], &ranges[j])));
            let whole = |range: &Range<usize>| range.end <= border || range.start >= border;
            let inside = ranges.iter().all(|range| range.is_empty() || range.end <= 24 && whole(range));
            let (fast, large) = words.split_at_mut(border);
            let mut arena = Arena::new(fast, large);
            let [a, b, c] = &tensors;
            let parts = arena.memory(a, b, c);
            prop_assert_eq!(parts.is_some(), apart && inside);
            let parts = parts.map(|Memory { input, other, output }| [input, other, output]);
            for (part, range) in parts.into_iter().flatten().zip(ranges) {
                prop_assert!(part.iter().map(|&word| word as usize).eq(range));
            }
        }
    }

    fn tensor(offset: u32, len: u16) -> Tensor {
        Tensor { offset, bytes: 4 * u32::from(len), shape: [1, 1, len], dtype: Dtype::I32, ..Tensor::ABSENT }
    }

    #[test]
    fn two_pieces_are_one_range_of_addresses() {
        let (mut fast, mut large) = ([0; 4], [0; 8]);
        let mut arena = Arena::new(&mut fast, &mut large);
        let [near, far, across, none] = [tensor(0, 4), tensor(16, 8), tensor(8, 4), Tensor::ABSENT];
        let Memory { input: a, other: b, .. } = arena.memory(&near, &far, &none).unwrap();
        (a[3], b[0]) = (3, 4);
        assert_eq!(arena.read::<i32>(&tensor(12, 1)), Some(&[3][..]));
        assert_eq!(arena.read::<i32>(&tensor(16, 1)), Some(&[4][..]));
        assert_eq!(arena.read::<i32>(&across), None);
        assert!(arena.write::<i32>(&across).is_none());
        assert!(arena.memory(&near, &tensor(4, 1), &none).is_none(), "across each other");
        assert!(arena.write::<i32>(&tensor(16, 9)).is_none(), "outside");
    }
}
