//! Convolution of int8 on vectors, which multiply sixteen bytes at once: patches stay bytes there.

use super::patch::Source;
use super::tile::{Product, SIDE};
use crate::arena::{Activations, ActivationsMut, copy};
use crate::asm;
use crate::format::Tensor;

/// What `convolve` of `conv` does, from the same patches' memory; `None` where the kernels cannot.
pub(super) fn convolve(
    source: &Source<'_>,
    product: &Product<'_>,
    patches: &mut [i16],
    y: &Tensor,
    first: usize,
    output: &mut ActivationsMut<'_>,
) -> Option<()> {
    let (Activations::I8(x), ActivationsMut::I8(output)) = (source.x, output) else { return None };
    let (job, zero) = (product.job()?, i8::try_from(source.zero).ok()?);
    let len = SIDE * product.quads();
    let (patch, rest) = bytemuck::cast_slice_mut(patches).split_at_mut_checked(len)?;
    let other = rest.get_mut(..len)?;
    let [_, across, channels] = y.shape.map(usize::from);
    let (mut row, mut column) = (0, 0);
    let mut gather = |patch: &mut [i8]| {
        let gathered = gather(source, x, zero, row, column, patch);
        column += 1;
        if column == across {
            (row, column) = (row + 1, 0);
        }
        gathered
    };
    for y in output.chunks_mut((2 * channels).max(1)) {
        let pair = y.len() > channels;
        let y = y.get_mut(first..)?;
        gather(patch)?;
        let done = if pair {
            gather(other)?;
            job.two_of_bytes([patch, other], y, channels)
        } else {
            job.one_of_bytes(patch, y)
        };
        if !done {
            return None;
        }
    }
    Some(())
}

/// The patch of the window at an output, in the order of a tile's columns.
fn gather(source: &Source<'_>, x: &[i8], zero: i8, row: usize, column: usize, patch: &mut [i8]) -> Option<()> {
    let Source { window, shape: [height, width, channels], first, count, .. } = *source;
    let [down, across] = window.size.map(usize::from);
    if let (Some(line), Some(place)) = (window.inside(0, row, height), source.run(column)) {
        let step = usize::from(window.dilation[0]) * width * channels;
        return asm::gather(x.get((line * width + place) * channels..)?, [down, step], across * count, patch);
    }
    for (tap, patch) in patch.chunks_exact_mut((across * count).max(1)).enumerate() {
        let Some(line) = window.input(0, row, tap, height) else {
            patch.fill(zero);
            continue;
        };
        for (tap, patch) in patch.chunks_exact_mut(count.max(1)).enumerate() {
            match window.input(1, column, tap, width) {
                Some(place) => copy(x.get((line * width + place) * channels + first..)?, patch),
                None => patch.fill(zero),
            }
        }
    }
    asm::order(patch);
    Some(())
}
