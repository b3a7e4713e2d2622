//! What one output of a convolution sees: the window's taps, side by side and widened to 16 bits.

use crate::arena::{Activations, Lines};
use crate::format::Tensor;
use crate::kernel::Fault;
use bytemuck::{Pod, Zeroable};
use core::ops::Range;

/// How a window moves over `[height, width, channels]`; in one dimension the height is 1, and for
/// vectors, whose planes must not mix, the window's height is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Window {
    /// Taps down and across.
    pub size: [u16; 2],
    /// Inputs from one output to the next.
    pub stride: [u16; 2],
    /// Inputs from one tap to the next.
    pub dilation: [u16; 2],
    /// Inputs that the first window begins before the first input: 0 for valid, half the window's reach
    /// for same, all of it for causal. The padding behind follows from the output's size.
    pub padding: [u16; 2],
    /// Which directions are circular, bit 0 down, bit 1 across: beyond an end stands the other end. In the
    /// others, padding reads as zero.
    pub circular: u16,
    /// Zero.
    pub reserved: u16,
}

impl Window {
    /// Every output sees the input at its own place: dense and pointwise layers.
    pub const POINT: Self =
        Self { size: [1; 2], stride: [1; 2], dilation: [1; 2], padding: [0; 2], circular: 0, reserved: 0 };

    /// A window over `[1, length, channels]` or over each of several planes.
    #[must_use]
    pub const fn across(size: u16, stride: u16, dilation: u16, padding: u16) -> Self {
        Self {
            size: [1, size],
            stride: [1, stride],
            dilation: [1, dilation],
            padding: [0, padding],
            circular: 0,
            reserved: 0,
        }
    }

    /// Taps in a window.
    pub(crate) fn taps(&self) -> u64 {
        u64::from(self.size[0]) * u64::from(self.size[1])
    }

    /// Proves that the window meets the input wherever it stands.
    #[inline(never)]
    pub(crate) fn check(&self, x: &Tensor, y: &Tensor) -> Result<(), Fault> {
        let [height, width, _] = x.shape;
        let [rows, columns, _] = y.shape;
        let fits = self.axis_fits(0, height, rows) && self.axis_fits(1, width, columns) && self.circular < 4;
        if fits && self.reserved == 0 { Ok(()) } else { Err(Fault::Shape) }
    }

    /// Whether no window sees padding, of a window that has passed [`check`](Self::check).
    pub(crate) fn stays_inside(&self, x: &Tensor, y: &Tensor) -> bool {
        let inside = |axis: usize, inputs: u16, outputs: u16| {
            self.inside(axis, usize::from(outputs).saturating_sub(1), inputs.into()).is_some()
        };
        self.padding == [0; 2] && inside(0, x.shape[0], y.shape[0]) && inside(1, x.shape[1], y.shape[1])
    }

    fn axis_fits(&self, axis: usize, inputs: u16, outputs: u16) -> bool {
        let [size, stride, dilation, padding] = self.along(axis).map(|size| size as u32);
        let (inputs, outputs) = (u32::from(inputs), u32::from(outputs));
        if size == 0 || stride == 0 || dilation == 0 || outputs == 0 {
            return false;
        }
        let reach = u64::from(size - 1) * u64::from(dilation);
        let last = u64::from(outputs - 1) * u64::from(stride);
        // The last window begins inside, no window is wider than the input and its padding on both
        // sides, and positions stay far below 2³², so that 32-bit targets can count them.
        u64::from(padding) <= reach && last < u64::from(inputs + padding) && reach <= u64::from(inputs + 2 * padding)
    }

    /// The input at a tap of the window at output `at` along an axis; `None` in the padding.
    pub(crate) fn input(&self, axis: usize, at: usize, tap: usize, inputs: usize) -> Option<usize> {
        let [_, stride, dilation, padding] = self.along(axis);
        let place = at.wrapping_mul(stride).wrapping_add(tap.wrapping_mul(dilation)).wrapping_sub(padding);
        if place < inputs {
            return Some(place);
        }
        if self.circular & (1 << axis) == 0 {
            return None;
        }
        // The padding is no longer than the window's reach, which may be several times round.
        let place = (place as isize).checked_rem_euclid(inputs as isize)?;
        Some(place as usize)
    }

    /// The first input that the window at output `at` sees along an axis, where it sees no padding.
    pub(crate) fn inside(&self, axis: usize, at: usize, inputs: usize) -> Option<usize> {
        let [size, stride, dilation, padding] = self.along(axis);
        let first = at.wrapping_mul(stride).checked_sub(padding)?;
        let last = first.wrapping_add(size.wrapping_sub(1).wrapping_mul(dilation));
        (last < inputs).then_some(first)
    }

    /// The outputs along an axis that see no padding; outputs end before that may.
    pub(crate) fn whole(&self, axis: usize, inputs: usize) -> Range<usize> {
        let [size, stride, dilation, padding] = self.along(axis);
        let reach = size.wrapping_sub(1).wrapping_mul(dilation);
        let stride = stride.max(1);
        padding.div_ceil(stride)..inputs.wrapping_add(padding).saturating_sub(reach).div_ceil(stride)
    }

    /// Size, stride, dilation and padding down (0) or across (1).
    pub(crate) fn along(&self, axis: usize) -> [usize; 4] {
        // Not `map`: it becomes a loop where the compiler saves flash, and this is asked for every tap.
        let pick = |[down, across]: [u16; 2]| usize::from(if axis == 0 { down } else { across });
        [pick(self.size), pick(self.stride), pick(self.dilation), pick(self.padding)]
    }
}

/// Where the taps of a window stand, and how far they reach: kernels in assembly rely on that.
#[derive(Debug)]
#[cfg_attr(any(not(gimbal_asm), gimbal_v6m), allow(dead_code, reason = "the reference asks for every place"))]
pub(crate) struct Taps<'a> {
    places: &'a mut [i32],
    /// The largest of the places.
    reach: usize,
    padded: bool,
}

/// Where a tap stands that lies in the padding.
pub(crate) const PADDING: i32 = i32::MAX;

#[cfg_attr(any(not(gimbal_asm), gimbal_v6m), allow(dead_code, reason = "the reference asks for every place"))]
impl<'a> Taps<'a> {
    /// All in the padding.
    pub(crate) fn new(places: &'a mut [i32]) -> Self {
        places.fill(PADDING);
        Self { places, reach: 0, padded: true }
    }

    /// Places, in elements, or [`PADDING`].
    pub(crate) fn places(&self) -> &[i32] {
        self.places
    }

    /// The largest of the places; no other is larger, or negative.
    pub(crate) fn reach(&self) -> usize {
        self.reach
    }

    /// Whether any tap is in the padding.
    pub(crate) fn padded(&self) -> bool {
        self.padded
    }

    /// Has other places written.
    pub(crate) fn set(&mut self, write: impl FnOnce(&mut [i32])) {
        write(self.places);
        (self.reach, self.padded) = (0, false);
        for &place in self.places.iter() {
            if place == PADDING {
                self.padded = true;
            } else {
                self.reach = self.reach.max(place as usize);
            }
        }
    }
}

/// The input of a convolution, to be gathered from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) window: &'a Window,
    pub(crate) x: Activations<'a>,
    /// `[height, width, channels]`.
    pub(crate) shape: [usize; 3],
    /// Which channels of a sample are gathered, and how many.
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// What stands in the padding.
    pub(crate) zero: i16,
}

/// Goes from window to window, row by row, and gathers what each sees.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    source: Source<'a>,
    /// Windows in a row.
    across: usize,
    row: usize,
    column: usize,
    /// The first input down that this row sees, if it sees no padding.
    line: Option<usize>,
    /// The windows across that see no padding and whose taps are neighbours.
    inside: Range<usize>,
}

impl<'a> Walk<'a> {
    /// Before the first window of `across` in each row.
    pub(crate) fn new(source: Source<'a>, across: usize) -> Self {
        let ([height, width, channels], window) = (source.shape, source.window);
        let together = window.dilation[1] == 1 && source.count == channels;
        let inside = if together { window.whole(1, width) } else { 0..0 };
        Self { source, across, row: 0, column: 0, line: window.inside(0, 0, height), inside }
    }

    /// `patch[tap, channel]` of the next window, taps row by row.
    pub(crate) fn gather(&mut self, patch: &mut [i16]) -> Option<()> {
        let Source { window, x, shape: [height, width, channels], count, .. } = self.source;
        match self.line {
            // Most windows see no padding, and each line of their taps is one run of elements.
            Some(line) if self.inside.contains(&self.column) => {
                let [across, stride, _, padding] = window.along(1);
                let place = line * width + (self.column * stride - padding);
                // Far too large where a single line is seen, and not used then.
                let step = usize::from(window.dilation[0]).wrapping_mul(width * channels);
                let lines = Lines { count: window.size[0].into(), len: across * count, step };
                x.widen(place * channels, &lines, patch)?;
            }
            _ => self.source.gather(self.row, self.column, patch),
        }
        self.column += 1;
        if self.column == self.across {
            (self.row, self.column) = (self.row + 1, 0);
            self.line = window.inside(0, self.row, height);
        }
        Some(())
    }
}

impl Source<'_> {
    /// The same for any window, tap by tap.
    #[inline(never)]
    fn gather(&self, row: usize, column: usize, patch: &mut [i16]) {
        let [height, width, channels] = self.shape;
        let lines = patch.chunks_exact_mut((usize::from(self.window.size[1]) * self.count).max(1));
        for (down, patch) in lines.enumerate() {
            let Some(line) = self.window.input(0, row, down, height) else {
                patch.fill(self.zero);
                continue;
            };
            for (tap, patch) in patch.chunks_exact_mut(self.count.max(1)).enumerate() {
                match self.window.input(1, column, tap, width) {
                    Some(place) => _ = self.x.widen_run((line * width + place) * channels + self.first, patch),
                    None => patch.fill(self.zero),
                }
            }
        }
    }
}
