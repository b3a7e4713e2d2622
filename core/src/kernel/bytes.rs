//! Convolution of int8 on vectors, which multiply sixteen bytes at once: patches stay bytes there.

use super::patch::{Source, Window};
use super::tile::{Product, SIDE};
use crate::arena::{Activations, ActivationsMut, copy};
use crate::asm;
use crate::format::Tensor;
use core::ops::Range;

/// A dense layer, whose patch is its input, from the memory of one patch of 16 bits; `None` where that is done, and the
/// outputs where the kernels cannot.
pub(super) fn dense<'y>(
    x: Activations<'_>,
    product: &Product<'_>,
    patch: &mut [u32],
    mut y: ActivationsMut<'y>,
) -> Option<ActivationsMut<'y>> {
    let mut done = || {
        let (Activations::I8(x), ActivationsMut::I8(y)) = (x, &mut y) else { return None };
        let patch = bytemuck::must_cast_slice_mut(patch).get_mut(..SIDE * product.quads())?;
        let ordered = x.len().is_multiple_of(SIDE);
        asm::gather(x, patch, [1, 0, 0], x.len(), ordered)?;
        if !ordered {
            asm::order(patch);
        }
        product.one_of_bytes(patch, y).then_some(())
    };
    if done().is_some() { None } else { Some(y) }
}

/// What `convolve` of `conv` does, from the memory of one patch of 16 bits, which is that of two of bytes; `None` where
/// the kernels cannot.
#[inline(never)]
pub(super) fn convolve(
    source: &Source<'_>,
    product: &Product<'_>,
    patches: &mut [u32],
    y: &Tensor,
    first: usize,
    output: &mut ActivationsMut<'_>,
) -> Option<()> {
    let (Activations::I8(x), ActivationsMut::I8(output)) = (source.x, output) else { return None };
    let zero = i8::try_from(source.zero).ok()?;
    let len = SIDE * product.quads();
    let (patch, rest) = bytemuck::must_cast_slice_mut(patches).split_at_mut_checked(len)?;
    let other = rest.get_mut(..len)?;
    let [rows, columns, channels] = y.shape.map(usize::from);
    let mut outputs = output.chunks_mut((2 * channels).max(1));
    let mut second = false;
    let lines = Lines::of(source);
    for row in 0..rows {
        let down = Seen::of(source.window, 0, row, source.shape[0]);
        // Most windows see no padding.
        let start = lines.as_ref().and_then(|lines| lines.start(&down));
        for column in 0..columns {
            let to = if second { &mut *other } else { &mut *patch };
            match (&lines, start) {
                (Some(lines), Some(start)) if lines.inside.contains(&column) => {
                    lines.gather(x.get(start.wrapping_add(column * lines.stride)..)?, to)?;
                }
                _ => gather(source, x, zero, [row, column], &down, to)?,
            }
            if second {
                let y = outputs.next()?.get_mut(first..)?;
                product.two_of_bytes([patch, other], y, channels).then_some(())?;
            }
            second = !second;
        }
    }
    if second {
        product.one_of_bytes(patch, outputs.next()?.get_mut(first..)?).then_some(())?;
    }
    Some(())
}

/// Patches whose lines are runs of the input.
struct Lines {
    /// Which windows see no padding at either side.
    inside: Range<usize>,
    /// Inputs from a line to the next, from a window to the next, and of a run.
    step: usize,
    stride: usize,
    run: usize,
    /// How many lines.
    down: usize,
    /// Where the first line of the first window begins, in the first line of the input: before it, if there is padding.
    start: usize,
    width: usize,
}

impl Lines {
    /// `None` where taps across, or the channels that are gathered, are not neighbours.
    fn of(source: &Source<'_>) -> Option<Self> {
        let Source { window, shape: [_, width, channels], count, .. } = *source;
        let [size, stride, dilation, padding] = window.along(1);
        (dilation == 1 && count == channels).then_some(Self {
            inside: window.whole(1, width),
            step: usize::from(window.dilation[0]).wrapping_mul(width * channels),
            stride: stride * channels,
            run: size * channels,
            down: window.size[0].into(),
            start: (padding * channels).wrapping_neg(),
            width: width * channels,
        })
    }

    /// Where the first window of a row begins, `None` if it sees padding above or below.
    fn start(&self, down: &Seen) -> Option<usize> {
        (down.taps == self.down).then_some((down.input * self.width).wrapping_add(self.start))
    }

    fn gather(&self, from: &[i8], patch: &mut [i8]) -> Option<()> {
        let ordered = self.run.is_multiple_of(SIDE);
        asm::gather(from, patch, [self.down, self.step, self.run], self.run, ordered)?;
        if !ordered {
            asm::order(patch);
        }
        Some(())
    }
}

/// What a window sees along an axis, without padding.
struct Seen {
    /// Which tap, and how many from there.
    tap: usize,
    taps: usize,
    /// The input that the first of them sees.
    input: usize,
    /// All taps, of which the others see the other end.
    circular: bool,
}

impl Seen {
    fn of(window: &Window, axis: usize, at: usize, inputs: usize) -> Self {
        let [size, stride, dilation, padding] = window.along(axis);
        let first = at.wrapping_mul(stride) as isize - padding as isize;
        let tap = if first < 0 { first.unsigned_abs().div_ceil(dilation.max(1)) } else { 0 };
        // Windows begin before the input's end.
        let end = (inputs as isize - first).unsigned_abs().div_ceil(dilation.max(1)).min(size);
        let taps = end.saturating_sub(tap);
        let input = first.wrapping_add_unsigned(tap.wrapping_mul(dilation)) as usize;
        Self { tap, taps, input, circular: taps < size && window.circular & (1 << axis) != 0 }
    }
}

/// The patch of the window at an output, in the order of a tile's columns.
fn gather(source: &Source<'_>, x: &[i8], zero: i8, at: [usize; 2], lines: &Seen, patch: &mut [i8]) -> Option<()> {
    let Source { window, shape: [_, width, channels], first, count, .. } = *source;
    let across = Seen::of(window, 1, at[1], width);
    if lines.circular || across.circular {
        return gather_circular(source, x, zero, at, patch);
    }
    let size = usize::from(window.size[1]);
    patch.fill(zero);
    let (run, step) = (size * count, usize::from(window.dilation[0]).wrapping_mul(width * channels));
    if lines.taps > 0 && across.taps > 0 {
        let mut from = x.get((lines.input * width + across.input) * channels + first..)?;
        let mut to = patch.get_mut(lines.tap * run + across.tap * count..)?;
        if window.dilation[1] == 1 && count == channels {
            asm::gather(from, to, [lines.taps, step, run], across.taps * count, false)?;
        } else {
            let apart = usize::from(window.dilation[1]) * channels;
            for _ in 0..lines.taps {
                asm::gather(from, to, [across.taps, apart, count], count, false)?;
                from = from.get(step..).unwrap_or_default();
                to = to.get_mut(run..).unwrap_or_default();
            }
        }
    }
    asm::order(patch);
    Some(())
}

/// The same tap by tap.
#[inline(never)]
fn gather_circular(source: &Source<'_>, x: &[i8], zero: i8, [row, column]: [usize; 2], patch: &mut [i8]) -> Option<()> {
    let Source { window, shape: [height, width, channels], first, count, .. } = *source;
    let run = usize::from(window.size[1]) * count;
    for (down, patch) in patch.chunks_exact_mut(run.max(1)).enumerate() {
        for (tap, patch) in patch.chunks_exact_mut(count.max(1)).enumerate() {
            let place = || Some((window.input(0, row, down, height)?, window.input(1, column, tap, width)?));
            match place() {
                Some((line, place)) => copy(x.get((line * width + place) * channels + first..)?, patch),
                None => patch.fill(zero),
            }
        }
    }
    asm::order(patch);
    Some(())
}
