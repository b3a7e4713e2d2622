//! The only `unsafe` of the crate: matrix kernels in assembly, one for each kind of Cortex-M.
//!
//! Each matrix kernel is one naked function that runs a whole matrix, so that no compiler setting changes its
//! speed: groups of four rows on the outside, tiles inside, sums in registers from biases to outputs
//! ([`tile`](crate::kernel) draws the layout). All get the same [`Layer`], and [`Product`] is the only way to them.
//! Depthwise convolutions have a kernel of the same kind, behind [`Channels`], and two loops that most time
//! outside of products goes into have theirs: [`widen`] and [`keep_largest`]. On vectors, int8 has kernels of its
//! own, which gather and multiply bytes.
#![allow(unsafe_code)]
#![allow(clippy::too_many_arguments, reason = "the stack that they stand in is the kernel's own")]

use crate::arena::ActivationsMut;
#[cfg(not(gimbal_v6m))]
use crate::arena::{Activation, Lines};
use crate::format::Dtype;
use crate::kernel::Matrix;
#[cfg(not(gimbal_v6m))]
use crate::kernel::Taps;
use crate::quant::Rescale;
use core::arch::naked_asm;
use core::marker::PhantomData;

/// A matrix and how its sums become outputs: made once, then multiplied with many points.
#[derive(Debug)]
pub(crate) struct Product<'m> {
    layer: Layer,
    _matrix: PhantomData<&'m [u32]>,
}

/// Whether the kernel for two points runs groups of so many tiles, and faster than two runs of that for one.
#[cfg(not(gimbal_v6m))]
const fn worth_two(quads: usize) -> bool {
    if cfg!(gimbal_mve) {
        quads.is_multiple_of(4)
    } else {
        // Measured.
        cfg!(gimbal_v7m) || quads >= 4
    }
}

/// In [`Layer::shift`]: outputs have two bytes.
const WIDE: u32 = 1 << 31;

/// What a kernel reads; it knows the order of the fields.
#[derive(Debug)]
#[repr(C)]
struct Layer {
    matrix: *const u32,
    quads: usize,
    offset: i32,
    /// Negative where outputs have two bytes. Shifts by a register look at its lowest byte only.
    shift: u32,
    /// On DSP cores the number once for each lane of a word.
    min: u32,
    max: u32,
    rows: usize,
}

/// A limit of the outputs, as kernels want it: on DSP cores once for each lane of a word.
fn lanes(limit: i16, wide: bool) -> u32 {
    match (cfg!(all(gimbal_dsp, not(gimbal_mve))), wide) {
        (true, true) => u32::from(limit as u16) * 0x0001_0001,
        (true, false) => u32::from(limit as u8) * 0x0101_0101,
        (false, _) => limit as u32,
    }
}

impl<'m> Product<'m> {
    /// Outputs are of the type `output`, 8 or 16 bits.
    pub(crate) fn new(matrix: Matrix<'m>, rescale: Rescale, output: Dtype) -> Self {
        let wide = output == Dtype::I16;
        let layer = Layer {
            matrix: matrix.words().as_ptr(),
            quads: matrix.quads(),
            offset: rescale.offset,
            shift: rescale.shift & 31 | if wide { WIDE } else { 0 },
            min: lanes(rescale.min, wide),
            max: lanes(rescale.max, wide),
            rows: matrix.rows(),
        };
        Self { layer, _matrix: PhantomData }
    }

    /// Outputs of a point.
    pub(crate) fn rows(&self) -> usize {
        self.layer.rows
    }

    /// Activations of a point, divided by four.
    #[cfg(gimbal_mve)]
    pub(crate) fn quads(&self) -> usize {
        self.layer.quads
    }

    /// `y[row] = rescale(bias[row] + Σ_c matrix[row, c] · x[c])`; sums wrap.
    ///
    /// `x` holds `4 · quads` activations in their natural order, two a word, padded with anything, since weights
    /// there are zero. Slices that are too short, which no checked model gives, are left as they were.
    pub(crate) fn multiply(&self, x: &[u32], mut y: ActivationsMut<'_>) {
        if let Some(y) = self.fit(x, &mut y) {
            // SAFETY: a `Matrix` has all of its groups, and some; `'m` keeps them borrowed. `fit` has found the
            // 4 · `quads` numbers of `x` that the kernel reads, and room for `rows` outputs, of the size that `shift`
            // tells it. Matrix and `x` are aligned to words by their types; outputs may have any address. The kernel
            // touches nothing else but its own stack.
            unsafe { one_point(&self.layer, x.as_ptr().cast(), y) };
        }
    }

    /// [`multiply`](Self::multiply) for two points, each weight being read once for both.
    pub(crate) fn multiply_two(&self, x: [&[u32]; 2], y: [ActivationsMut<'_>; 2]) {
        let ([x0, x1], [y0, y1]) = (x, y);
        #[cfg(not(gimbal_v6m))]
        if worth_two(self.layer.quads) {
            let (mut y0, mut y1) = (y0, y1);
            if let (Some(y0), Some(y1)) = (self.fit(x0, &mut y0), self.fit(x1, &mut y1)) {
                // SAFETY: as in `multiply`, for both points.
                unsafe { two_points(&self.layer, x0.as_ptr().cast(), x1.as_ptr().cast(), y0, y1) };
            }
            return;
        }
        self.multiply(x0, y0);
        self.multiply(x1, y1);
    }

    /// Where the kernel may write, if it may run on these slices.
    fn fit(&self, x: &[u32], y: &mut ActivationsMut<'_>) -> Option<*mut u8> {
        let wide = self.layer.shift & WIDE != 0;
        let (start, len) = match y {
            ActivationsMut::I8(y) if !wide => (y.as_mut_ptr().cast(), y.len()),
            ActivationsMut::I16(y) if wide => (y.as_mut_ptr().cast(), y.len()),
            _ => return None,
        };
        (x.len() >= 2 * self.layer.quads && len >= self.layer.rows).then_some(start)
    }
}

// ---- Depthwise ---------------------------------------------------------------------------------------

/// Channels that the kernel loads at once: as many must stand in `padding`.
#[cfg(not(gimbal_v6m))]
const ABREAST: usize = if cfg!(gimbal_mve) { 16 } else { 4 };

/// The filters of a depthwise convolution that its kernel can run.
#[cfg(not(gimbal_v6m))]
#[derive(Debug)]
pub(crate) struct Channels<'m, X> {
    filters: &'m [u32],
    rescale: Rescale,
    padding: [X; ABREAST],
    /// How many channels the kernel runs: but for vectors, no rest of fewer than four.
    count: usize,
}

#[cfg(not(gimbal_v6m))]
impl<'m, X: Activation> Channels<'m, X> {
    /// `None` where the kernel cannot run any: they are too few.
    pub(crate) fn new(filters: &'m [u32], channels: usize, rescale: &Rescale, zero: X) -> Option<Self> {
        let count = if cfg!(gimbal_mve) { channels } else { channels & !3 };
        (count > 0).then_some(Self { filters, rescale: *rescale, padding: [zero; ABREAST], count })
    }

    /// Runs all channels but a rest for one output; returns how many, which is none where it cannot.
    #[cfg(not(gimbal_mve))]
    pub(crate) fn run(&self, taps: &Taps<'_>, x: &[X], y: &mut [X]) -> usize {
        // As `i8` or `i16`, the only ones that there are.
        let wide = size_of::<X>() == 2;
        let (places, reach) = (taps.places(), taps.reach());
        let group = places.len() + 8;
        let enough = reach < x.len() && self.count <= x.len() - reach && self.count <= y.len();
        if !enough || places.is_empty() || self.filters.len() < self.count.div_ceil(4) * group {
            return 0;
        }
        // The kernel asks only so many whether they are padding, and takes the others two by two.
        let asked = if taps.padded() { places.len() } else { places.len() % 2 };
        let Rescale { offset, shift, min, max } = self.rescale;
        let places = places.as_ptr_range();
        // SAFETY: for each group of four channels (on vectors for each rest, too), the kernel reads its filters,
        // which are all there, aligned by their type; places, of which no more than `asked` are padding; at each of
        // them the group's channels in `x`, the last of which `reach` has told, or `padding`; and writes the group's
        // outputs, of the size that `shift` tells it. `x` and `y` may have any bits and any address. The kernel
        // touches nothing else but its own stack.
        unsafe {
            depthwise(
                self.filters.as_ptr().cast(),
                x.as_ptr().cast(),
                self.padding.as_ptr().cast(),
                places.end,
                offset,
                shift & 31 | if wide { WIDE } else { 0 },
                lanes(min, wide),
                lanes(max, wide),
                self.count,
                y.as_mut_ptr().cast(),
                places.start,
                places.start.wrapping_add(asked),
            );
        }
        self.count
    }
}

#[cfg(gimbal_mve)]
impl<X: Activation> Channels<'_, X> {
    /// Runs all channels for one output; returns how many, which is none where it cannot.
    pub(crate) fn run(&self, taps: &Taps<'_>, x: &[X], y: &mut [X]) -> usize {
        let y = y.get_mut(..self.count).unwrap_or_default();
        self.run_some(taps, x, 0, y).map_or(0, |()| self.count)
    }

    /// Runs all channels for as many outputs as fit `y`, for each the taps `apart` behind those for the one before;
    /// `None` where it cannot.
    pub(crate) fn run_some(&self, taps: &Taps<'_>, x: &[X], apart: usize, y: &mut [X]) -> Option<()> {
        // As `i8` or `i16`, the only ones that there are.
        let wide = size_of::<X>() == 2;
        let places = taps.places();
        let outputs = y.len().checked_div(self.count)?;
        let last = outputs.checked_sub(1)?.checked_mul(apart)?.checked_add(taps.reach())?;
        let enough = last < x.len() && self.count <= x.len() - last;
        let group = places.len() + 8;
        // What the kernel counts from a group's start, in bytes, has 16 bits.
        let groups = group < 1 << 13 && self.filters.len() >= self.count.div_ceil(4) * group;
        if !enough || places.is_empty() || !groups {
            return None;
        }
        let asked = if taps.padded() { places.len() } else { places.len() % 2 };
        let Rescale { offset, shift, min, max } = self.rescale;
        let places = places.as_ptr_range();
        // SAFETY: as on other cores, for each of the outputs: `last` has told where its channels end in `x`.
        unsafe {
            depthwise(
                self.filters.as_ptr().cast(),
                x.as_ptr().cast(),
                self.padding.as_ptr().cast(),
                places.end,
                offset,
                shift & 31 | if wide { WIDE } else { 0 },
                lanes(min, wide),
                lanes(max, wide),
                self.count,
                y.as_mut_ptr().cast(),
                places.start,
                places.start.wrapping_add(asked),
                outputs,
                apart.wrapping_mul(size_of::<X>()),
            );
        }
        Some(())
    }
}

/// Four channels at a time; with their sums in registers, tap by tap.
#[cfg(all(gimbal_dsp, not(gimbal_mve)))]
#[unsafe(naked)]
unsafe extern "C" fn depthwise(
    filters: *const u8,
    x: *const u8,
    padding: *const u8,
    end: *const i32,
    offset: i32,
    shift: u32,
    min: u32,
    max: u32,
    count: usize,
    y: *mut u8,
    places: *const i32,
    asked: *const i32,
) {
    naked_asm!(
        #[cfg(gimbal_v8m)]
        ".cpu cortex-m33",
        // r0 filters · r1 x · r2 places · r3 where they end · r4-r7 sums · r8, r10 weights · r9, r11 x · r12 padding
        // sp+0 padding · +4 end · +44 offset, shift, min, max · +60 count, y · +68 places, asked
        ".macro tap",
        "ldr r8, [r0], #4",
        "sxtb16 r10, r8",        // channels 0 and 1
        "sxtb16 r8, r8, ror #8", // 2 and 3
        "sxtb16 r11, r9",        // 0 and 2
        "sxtb16 r9, r9, ror #8", // 1 and 3
        "smlabb r4, r10, r11, r4",
        "smlatb r5, r10, r9, r5",
        "smlabt r6, r8, r11, r6",
        "smlatt r7, r8, r9, r7",
        ".endm",
        "ldr r2, [r2]",
        "push {{r2-r11, lr}}",
        "2:", // group
        "ldm r0!, {{r4-r7}}",
        "ldrd r2, r3, [sp, #68]",
        "ldrd r8, r9, [sp, #44]",
        "ldr r12, [sp]",
        "cmp r9, #0",
        "bmi 7f",
        "cmp r2, r3",
        "beq 4f",
        "3:",
        "ldr lr, [r2], #4",
        "adds r9, lr, lr", // overflows where it is padding
        "ite vc",
        "ldrvc r9, [r1, lr]",
        "movvs r9, r12",
        "tap",
        "cmp r2, r3",
        "bne 3b",
        "4:",
        "ldr r3, [sp, #4]",
        "cmp r2, r3",
        "beq 6f",
        "5:",
        "ldrd lr, r12, [r2], #8",
        "ldr r9, [r1, lr]",
        "tap",
        "ldr r9, [r1, r12]",
        "tap",
        "cmp r2, r3",
        "bne 5b",
        "6:",
        "ldm r0!, {{r8-r11}}",
        "ldrd r3, r2, [sp, #44]",
        "smmla r4, r4, r8, r3",
        "smmla r5, r5, r9, r3",
        "smmla r6, r6, r10, r3",
        "smmla r7, r7, r11, r3",
        "asrs r4, r2",
        "asrs r5, r2",
        "asrs r6, r2",
        "asrs r7, r2",
        "ldrd r8, r9, [sp, #52]",
        "ldrd r10, r12, [sp, #60]",
        "cmp r2, #0",
        "bmi 8f",
        // four i8 in one word
        "ssat r4, #8, r4",
        "ssat r5, #8, r5",
        "ssat r6, #8, r6",
        "ssat r7, #8, r7",
        "bfi r4, r5, #8, #8",
        "bfi r4, r6, #16, #8",
        "bfi r4, r7, #24, #8",
        "ssub8 r5, r4, r8",
        "sel r4, r4, r8",
        "ssub8 r5, r9, r4",
        "sel r4, r4, r9",
        "str r4, [r12], #4",
        "adds r1, #4",
        "subs r10, #4",
        "strd r10, r12, [sp, #60]",
        "bne 2b",
        "pop {{r2-r11, pc}}",
        "7:", // i16
        "ldr r3, [sp, #4]",
        "3:",
        "ldr lr, [r2], #4",
        "adds r9, lr, lr",
        "add lr, r1, lr, lsl #1",
        "ittee vc",
        "ldrvc r9, [lr]",
        "ldrvc r11, [lr, #4]",
        "movvs r9, r12",
        "movvs r11, r12",
        "ldr r8, [r0], #4",
        "sxtb16 r10, r8",
        "sxtb16 r8, r8, ror #8",
        "smlabb r4, r10, r9, r4",
        "smlatt r5, r10, r9, r5",
        "smlabb r6, r8, r11, r6",
        "smlatt r7, r8, r11, r7",
        "cmp r2, r3",
        "bne 3b",
        "b 6b",
        "8:", // four i16 in two words
        "ssat r4, #16, r4",
        "ssat r5, #16, r5",
        "ssat r6, #16, r6",
        "ssat r7, #16, r7",
        "pkhbt r4, r4, r5, lsl #16",
        "pkhbt r6, r6, r7, lsl #16",
        "ssub16 r5, r4, r8",
        "sel r4, r4, r8",
        "ssub16 r5, r9, r4",
        "sel r4, r4, r9",
        "ssub16 r5, r6, r8",
        "sel r6, r6, r8",
        "ssub16 r5, r9, r6",
        "sel r6, r6, r9",
        "str r4, [r12], #4",
        "str r6, [r12], #4",
        "adds r1, #8",
        "subs r10, #4",
        "strd r10, r12, [sp, #60]",
        "bne 2b",
        "pop {{r2-r11, pc}}",
        ".purgem tap",
    )
}

/// Four channels at a time.
#[cfg(gimbal_v7m)]
#[unsafe(naked)]
unsafe extern "C" fn depthwise(
    filters: *const u8,
    x: *const u8,
    padding: *const u8,
    end: *const i32,
    offset: i32,
    shift: u32,
    min: u32,
    max: u32,
    count: usize,
    y: *mut u8,
    places: *const i32,
    asked: *const i32,
) {
    naked_asm!(
        // r0 filters · r1 x · r2 places · r3 where they end · r4-r7 sums · r8, r9 factors · r12 padding · lr tap
        // sp+0 x, padding, end · +28 what `finish` wants: offset, shift, min, max, count · +48 y, places, asked
        ".macro place, shift",
        "ldr lr, [r2], #4",
        "adds r8, lr, lr", // overflows where it is padding
        "ite vc",
        r"addvc lr, r1, lr, lsl \shift",
        "movvs lr, r12",
        ".endm",
        ".macro tap load, at1, at2, at3",
        r"\load r8, [lr]",
        "ldrsb r9, [r0], #4",
        "mla r4, r8, r9, r4",
        r"\load r8, [lr, \at1]",
        "ldrsb r9, [r0, #-2]",
        "mla r5, r8, r9, r5",
        r"\load r8, [lr, \at2]",
        "ldrsb r9, [r0, #-3]",
        "mla r6, r8, r9, r6",
        r"\load r8, [lr, \at3]",
        "ldrsb r9, [r0, #-1]",
        "mla r7, r8, r9, r7",
        ".endm",
        "push {{r4-r11, lr}}",
        "add r4, sp, #36",
        "ldm r4, {{r4-r11}}",
        "push {{r4-r11}}",
        "sub sp, #28",
        "stm sp, {{r1-r3}}",
        "2:", // group
        "ldr r4, [r0]",
        "ldr r5, [r0, #4]",
        "ldr r6, [r0, #8]",
        "ldr r7, [r0, #12]",
        "adds r0, #16",
        "ldr r8, [sp, #32]",
        "ldm sp, {{r1, r12}}",
        "ldrd r2, r3, [sp, #52]",
        "cmp r8, #0",
        "bmi 7f",
        "cmp r2, r3",
        "beq 4f",
        "3:",
        "place #0",
        "tap ldrsb, #1, #2, #3",
        "cmp r2, r3",
        "bne 3b",
        "4:",
        "adds r1, #4",
        "str r1, [sp]",
        "subs r1, #4",
        "ldr r3, [sp, #8]",
        "cmp r2, r3",
        "beq 6f",
        "5:",
        "ldr lr, [r2], #4",
        "add lr, r1",
        "tap ldrsb, #1, #2, #3",
        "cmp r2, r3",
        "bne 5b",
        "6:",
        "subs r0, #16",
        "ldr r1, [sp, #48]",
        "bl {finish}",
        "ldr r2, [sp, #44]",
        "str r1, [sp, #48]",
        "subs r2, #4",
        "str r2, [sp, #44]",
        "add r0, r0, #32",
        "bne 2b",
        "add sp, #60",
        "pop {{r4-r11, pc}}",
        "7:", // i16
        "ldr r3, [sp, #8]",
        "add r8, r1, #8",
        "str r8, [sp]",
        "8:",
        "place #1",
        "tap ldrsh, #2, #4, #6",
        "cmp r2, r3",
        "bne 8b",
        "b 6b",
        ".purgem place",
        ".purgem tap",
        finish = sym finish,
    )
}

/// Sixteen channels of bytes at a time, then eight, or those that are left: even ones and odd ones have sums of
/// their own.
#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn depthwise(
    filters: *const u8,
    x: *const u8,
    padding: *const u8,
    end: *const i32,
    offset: i32,
    shift: u32,
    min: u32,
    max: u32,
    count: usize,
    y: *mut u8,
    places: *const i32,
    asked: *const i32,
    outputs: usize,
    apart: usize,
) {
    naked_asm!(
        ".cpu cortex-m55",
        // r0 filters · r1 x · r2 padding · r3 taps · r4 bytes of a group · r5 weights · r6 a tap · r7 channels left · r8 places
        // r9 y · r10 place · q0, q1 sums of even and odd channels · q6 where their biases stand · q7 weights
        // sp+0 q6 · +16 pairs of taps · +20 filters, x · +132 offset, shift, min, max · +148 count, y · +156 places, asked,
        // outputs, apart
        // of sixteen: r3 4 · r12 weights of the second eight · q0-q3 sums · q4-q6 factors · q7 goes from tap to tap
        ".macro eight at, weights, even, odd",
        r"vldrb.s16 q4, [r6, \at]",
        r"vldrb.s16 q5, [\weights, q7]",
        "vmullb.s16 q6, q4, q5",
        "vmullt.s16 q4, q4, q5",
        r"vadd.i32 \even, \even, q6",
        r"vadd.i32 \odd, \odd, q4",
        ".endm",
        ".macro sixteen",
        "eight #0, r5, q0, q1",
        "eight #8, r12, q2, q3",
        "vadd.i16 q7, q7, r3",
        ".endm",
        ".macro tap load, shift",
        "ldr r6, [r10], #4",
        "adds r11, r6, r6", // overflows where it is padding
        r"add r6, r1, r6, lsl \shift",
        "csel r6, r2, r6, vs",
        "vpstt",
        r"\load q2, [r6]",
        "vldrbt.s16 q3, [r5, q7]",
        "vmullb.s16 q4, q2, q3",
        "vmullt.s16 q2, q2, q3",
        "vadd.i32 q0, q0, q4",
        "vadd.i32 q1, q1, q2",
        "adds r5, #4",
        ".endm",
        "push {{r4-r11, lr}}",
        "vpush {{d8-d15}}",
        "sub sp, #32",
        "strd r0, r1, [sp, #20]",
        "ldrd r7, r9, [sp, #148]",
        "ldrd r8, r10, [sp, #156]",
        "sub r10, r3, r10",
        "lsr r10, #3",
        "str r10, [sp, #16]",
        "subs r3, r8",
        "add r4, r3, #32",
        "lsrs r3, #2",
        // 0, 8, g, g + 8
        "movs r5, #0",
        "movs r6, #8",
        "add r10, r4, #8",
        "vmov q6[2], q6[0], r5, r4",
        "vmov q6[3], q6[1], r6, r10",
        // 0, 2, 1, 3, g, g + 2, g + 1, g + 3, in 16 bits each
        "mov r5, #0x20000",
        "mov r6, r5",
        "add r6, #0x10000",
        "adds r6, #1",
        "orr r10, r4, r4, lsl #16",
        "vmov q7[2], q7[0], r5, r5",
        "vmov q7[3], q7[1], r6, r6",
        "movs r5, #0",
        "vmov q4[2], q4[0], r5, r10",
        "vmov q4[3], q4[1], r5, r10",
        "vadd.i16 q7, q7, q4",
        "vstrw.32 q6, [sp]",
        "9:", // output
        "ldr r11, [sp, #136]",
        "cmp r11, #0",
        "bmi 2f",
        "subs r7, #16",
        "blt 14f",
        "10:", // sixteen channels
        "add r12, r0, r4, lsl #1",
        "adds r5, r0, #4",
        "add r6, r12, #4",
        "vldrw.u32 q0, [r0, q6]",
        "vldrw.u32 q1, [r5, q6]",
        "vldrw.u32 q2, [r12, q6]",
        "vldrw.u32 q3, [r6, q6]",
        "adds r5, #12",
        "add r12, #16",
        "movs r3, #4",
        "mov r10, r8",
        "ldr r11, [sp, #160]",
        "cmp r10, r11",
        "beq 12f",
        "11:",
        "ldr r6, [r10], #4",
        "adds lr, r6, r6",
        "add r6, r1",
        "csel r6, r2, r6, vs",
        "sixteen",
        "cmp r10, r11",
        "bne 11b",
        "12:",
        "ldr r6, [sp, #16]",
        "wls lr, r6, 13f",
        "3:",
        "ldrd r6, r11, [r10], #8",
        "add r6, r1",
        "sixteen",
        "add r6, r1, r11",
        "sixteen",
        "le lr, 3b",
        "13:",
        "sub r3, r10, r8",
        "vsub.i16 q7, q7, r3",
        "add r5, r3",
        "add r12, r3",
        "lsrs r3, #2",
        "vldrw.u32 q6, [sp]",
        "vldrw.u32 q4, [r5, q6]",
        "vldrw.u32 q5, [r12, q6]",
        "adds r5, #4",
        "add r12, #4",
        "vmulh.s32 q0, q0, q4",
        "vmulh.s32 q2, q2, q5",
        "vldrw.u32 q4, [r5, q6]",
        "vldrw.u32 q5, [r12, q6]",
        "vmulh.s32 q1, q1, q4",
        "vmulh.s32 q3, q3, q5",
        "ldrd r5, r6, [sp, #132]",
        "vadd.i32 q0, q0, r5",
        "vadd.i32 q1, q1, r5",
        "vadd.i32 q2, q2, r5",
        "vadd.i32 q3, q3, r5",
        "negs r6, r6",
        "vshl.s32 q0, r6",
        "vshl.s32 q1, r6",
        "vshl.s32 q2, r6",
        "vshl.s32 q3, r6",
        "ldrd r5, r6, [sp, #140]",
        "vdup.32 q4, r5",
        "vdup.32 q5, r6",
        "vmax.s32 q0, q0, q4",
        "vmax.s32 q1, q1, q4",
        "vmax.s32 q2, q2, q4",
        "vmax.s32 q3, q3, q4",
        "vmin.s32 q0, q0, q5",
        "vmin.s32 q1, q1, q5",
        "vmin.s32 q2, q2, q5",
        "vmin.s32 q3, q3, q5",
        "vmovnt.i32 q0, q1",
        "vmovnt.i32 q2, q3",
        "mov r6, r9", // which these stores cannot
        "vstrb.16 q0, [r6], #8",
        "vstrb.16 q2, [r6], #8",
        "mov r9, r6",
        "adds r1, #16",
        "add r0, r0, r4, lsl #2",
        "subs r7, #16",
        "bge 10b",
        "14:",
        "adds r7, #16",
        "beq 8f",
        "2:", // eight channels
        "adds r6, r7, #3",
        "bic r6, #3", // groups are whole
        "vctp.16 r6",
        "adds r5, r0, #4",
        "vpstt",
        "vldrwt.u32 q0, [r0, q6]",
        "vldrwt.u32 q1, [r5, q6]",
        "adds r5, #12",
        "vctp.16 r7",
        "mov r10, r8",
        "ldr r11, [sp, #136]",
        "dls lr, r3",
        "cmp r11, #0",
        "bmi 6f",
        "3:",
        "tap vldrbt.s16, #0",
        "le lr, 3b",
        "adds r1, #8",
        "4:",
        "adds r6, r7, #3",
        "bic r6, #3",
        "vctp.16 r6",
        "adds r6, r5, #4",
        "vpstt",
        "vldrwt.u32 q2, [r5, q6]",
        "vldrwt.u32 q3, [r6, q6]",
        "vmulh.s32 q0, q0, q2",
        "vmulh.s32 q1, q1, q3",
        "ldrd r5, r6, [sp, #132]",
        "ldrd r10, r11, [sp, #140]",
        "vadd.i32 q0, q0, r5",
        "vadd.i32 q1, q1, r5",
        "uxtb r5, r6",
        "negs r5, r5",
        "vshl.s32 q0, r5",
        "vshl.s32 q1, r5",
        "vdup.32 q2, r10",
        "vmax.s32 q0, q0, q2",
        "vmax.s32 q1, q1, q2",
        "vdup.32 q2, r11",
        "vmin.s32 q0, q0, q2",
        "vmin.s32 q1, q1, q2",
        "vmovnt.i32 q0, q1",
        "vctp.16 r7",
        "cmp r6, #0",
        "bmi 7f",
        "mov r6, r9", // which this store cannot
        "vpst",
        "vstrbt.16 q0, [r6], #8",
        "mov r9, r6",
        "5:",
        "add r0, r0, r4, lsl #1",
        "subs r7, #8",
        "bgt 2b",
        "8:",
        "ldrd r6, r10, [sp, #164]",
        "subs r6, #1",
        "beq 15f",
        "str r6, [sp, #164]",
        "ldrd r0, r1, [sp, #20]",
        "add r1, r10",
        "str r1, [sp, #24]",
        "ldr r11, [sp, #136]",
        "ldrd r7, r9, [sp, #148]",
        "add r9, r7",
        "cmp r11, #0",
        "it mi",
        "addmi r9, r7",
        "str r9, [sp, #152]",
        "b 9b",
        "15:",
        "add sp, #32",
        "vpop {{d8-d15}}",
        "pop {{r4-r11, pc}}",
        "6:", // i16
        "tap vldrht.u16, #1",
        "le lr, 6b",
        "adds r1, #16",
        "b 4b",
        "7:",
        "vpst",
        "vstrht.16 q0, [r9], #16",
        "b 5b",
        ".purgem tap",
        ".purgem eight",
        ".purgem sixteen",
    )
}

// ---- Rows of activations -----------------------------------------------------------------------------

/// Copies as many elements as both have into 16 bits each.
#[cfg(not(gimbal_v6m))]
pub(crate) fn widen_run(from: &[i8], to: &mut [i16]) {
    let len = from.len().min(to.len());
    if len > 0 {
        // SAFETY: the loop reads so many elements and writes as many. They may have any address.
        unsafe { widen_lines(from.as_ptr(), to.as_mut_ptr(), len, 1, 0) };
    }
}

/// Copies lines into 16 bits each, one behind the other; `None` if there are not as many elements.
#[cfg(not(gimbal_v6m))]
pub(crate) fn widen(from: &[i8], lines: &Lines, to: &mut [i16]) -> Option<()> {
    let Lines { count, len, step } = *lines;
    let reach = count.checked_sub(1)?.checked_mul(step)?.checked_add(len)?;
    if len == 0 || reach > from.len() || count.checked_mul(len)? > to.len() {
        return None;
    }
    // SAFETY: the loop reads `len` elements at each line's start, the last of which end inside `from`, and writes as
    // many to `to`, which has room for all. They may have any address.
    unsafe { widen_lines(from.as_ptr(), to.as_mut_ptr(), len, count, step) };
    Some(())
}

/// Keeps the larger of two elements, for as many as both have.
#[cfg(not(gimbal_v6m))]
pub(crate) fn keep_largest(largest: &mut [i8], x: &[i8]) {
    // SAFETY: the loop reads so many elements of both and writes as many. They may have any address.
    unsafe { keep_largest_of(largest.as_mut_ptr(), x.as_ptr(), largest.len().min(x.len())) }
}

#[cfg(all(gimbal_dsp, not(gimbal_mve)))]
#[unsafe(naked)]
unsafe extern "C" fn widen_lines(from: *const i8, to: *mut i16, len: usize, lines: usize, step: usize) {
    naked_asm!(
        #[cfg(gimbal_v8m)]
        ".cpu cortex-m33",
        "push {{r4-r7, lr}}",
        "ldr r6, [sp, #20]",
        "2:", // line
        "subs r4, r2, #4",
        "mov r5, r0",
        "blt 4f",
        "3:",
        "ldr r7, [r5], #4",
        "sxtb16 r12, r7",
        "sxtb16 r7, r7, ror #8",
        "pkhbt lr, r12, r7, lsl #16",
        "pkhtb r7, r7, r12, asr #16",
        "str lr, [r1], #4",
        "str r7, [r1], #4",
        "subs r4, #4",
        "bge 3b",
        "4:",
        "adds r4, #4",
        "beq 6f",
        "5:",
        "ldrsb r7, [r5], #1",
        "strh r7, [r1], #2",
        "subs r4, #1",
        "bne 5b",
        "6:",
        "add r0, r6",
        "subs r3, #1",
        "bne 2b",
        "pop {{r4-r7, pc}}",
    )
}

#[cfg(all(gimbal_dsp, not(gimbal_mve)))]
#[unsafe(naked)]
unsafe extern "C" fn keep_largest_of(largest: *mut i8, x: *const i8, len: usize) {
    naked_asm!(
        #[cfg(gimbal_v8m)]
        ".cpu cortex-m33",
        "subs r2, #4",
        "blt 3f",
        "push {{r4}}",
        "2:",
        "ldr r3, [r1], #4",
        "ldr r12, [r0]",
        "ssub8 r4, r3, r12",
        "sel r3, r3, r12",
        "str r3, [r0], #4",
        "subs r2, #4",
        "bge 2b",
        "pop {{r4}}",
        "3:",
        "adds r2, #4",
        "beq 5f",
        "4:",
        "ldrsb r3, [r1], #1",
        "ldrsb r12, [r0], #1",
        "cmp r3, r12",
        "it gt",
        "strbgt r3, [r0, #-1]",
        "subs r2, #1",
        "bne 4b",
        "5:",
        "bx lr",
    )
}

#[cfg(gimbal_v7m)]
#[unsafe(naked)]
unsafe extern "C" fn widen_lines(from: *const i8, to: *mut i16, len: usize, lines: usize, step: usize) {
    naked_asm!(
        ".macro one",
        "ldrsb r7, [r5], #1",
        "strh r7, [r1], #2",
        ".endm",
        "push {{r4-r7, lr}}",
        "ldr r6, [sp, #20]",
        "2:", // line
        "subs r4, r2, #4",
        "mov r5, r0",
        "blt 4f",
        "3:",
        "one",
        "one",
        "one",
        "one",
        "subs r4, #4",
        "bge 3b",
        "4:",
        "adds r4, #4",
        "beq 6f",
        "5:",
        "one",
        "subs r4, #1",
        "bne 5b",
        "6:",
        "add r0, r6",
        "subs r3, #1",
        "bne 2b",
        "pop {{r4-r7, pc}}",
        ".purgem one",
    )
}

/// Four bytes in a word: which are larger, their lower seven bits say, or the sign where only one has it.
#[cfg(gimbal_v7m)]
#[unsafe(naked)]
unsafe extern "C" fn keep_largest_of(largest: *mut i8, x: *const i8, len: usize) {
    naked_asm!(
        // r3 x · r4 largest · r5 where they differ · r6 x is not smaller, in each byte's sign · r12 signs
        "subs r2, #4",
        "blt 3f",
        "push {{r4-r7}}",
        "mov r12, #0x80808080",
        "2:",
        "ldr r3, [r1], #4",
        "ldr r4, [r0]",
        "orr r6, r3, r12",
        "bic r7, r4, r12",
        "subs r6, r7",
        "eor r5, r3, r4",
        "eor r7, r6, r3",
        "bic r7, r5, r7",
        "eors r6, r7",
        "and r6, r6, r12",
        "sub r7, r6, r6, lsr #7",
        "orrs r6, r7", // in all bits
        "ands r5, r6",
        "eors r4, r5",
        "str r4, [r0], #4",
        "subs r2, #4",
        "bge 2b",
        "pop {{r4-r7}}",
        "3:",
        "adds r2, #4",
        "beq 5f",
        "4:",
        "ldrsb r3, [r1], #1",
        "ldrsb r12, [r0], #1",
        "cmp r3, r12",
        "it gt",
        "strbgt r3, [r0, #-1]",
        "subs r2, #1",
        "bne 4b",
        "5:",
        "bx lr",
    )
}

#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn widen_lines(from: *const i8, to: *mut i16, len: usize, lines: usize, step: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r6, lr}}",
        "ldr r4, [sp, #16]",
        "2:", // line
        "mov r5, r0",
        "dlstp.16 lr, r2",
        "3:",
        "vldrb.s16 q0, [r5], #8",
        "vstrh.16 q0, [r1], #16",
        "letp lr, 3b",
        // What the last store did not write was counted as well.
        "rsb r6, r2, #0",
        "and r6, #7",
        "sub r1, r1, r6, lsl #1",
        "add r0, r4",
        "subs r3, #1",
        "bne 2b",
        "pop {{r4-r6, pc}}",
    )
}

#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn keep_largest_of(largest: *mut i8, x: *const i8, len: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r7, lr}}",
        "wlstp.8 lr, r2, 3f",
        "2:",
        "vldrb.u8 q0, [r1], #16",
        "vldrb.u8 q1, [r0]",
        "vmax.s8 q0, q0, q1",
        "vstrb.8 q0, [r0], #16",
        "letp lr, 2b",
        "3:",
        "pop {{r7, pc}}",
    )
}

// ---- Floating point ----------------------------------------------------------------------------------

/// The square root, correctly rounded as IEEE 754 asks, in one instruction: libm computes the same bits in
/// software, 500 bytes of it.
#[cfg(gimbal_fpu)]
pub(crate) fn sqrt(x: f32) -> f32 {
    // SAFETY: the hard-float ABI hands the number over and back in s0, which is all that the function touches.
    unsafe { sqrt_of(x) }
}

#[cfg(gimbal_fpu)]
#[unsafe(naked)]
unsafe extern "C" fn sqrt_of(x: f32) -> f32 {
    naked_asm!(".fpu fpv4-sp-d16", "vsqrt.f32 s0, s0", "bx lr")
}

// ---- DSP: Cortex-M4, M7, M33 -------------------------------------------------------------------------

/// One point, four rows: each tile is one load of four words, and 16 multiplications in 16 instructions.
#[cfg(all(gimbal_dsp, not(gimbal_mve)))]
#[unsafe(naked)]
unsafe extern "C" fn one_point(layer: &Layer, x: *const i16, y: *mut u8) {
    naked_asm!(
        #[cfg(gimbal_v8m)]
        ".cpu cortex-m33",
        // r0 matrix · r1 x · r2, r12 its words · r3 its end · r4-r7 sums · r8-r11 weights
        // sp+0 x · +4 quads · +8 offset, shift · +16 min, max · +24 rows, y
        // columns 0 and 1, then 2 and 3
        ".macro row sum, weights",
        r"sxtb16 lr, \weights",
        r"smlad \sum, lr, r2, \sum",
        r"sxtb16 \weights, \weights, ror #8",
        r"smlad \sum, \weights, r12, \sum",
        ".endm",
        ".macro tile",
        "ldm r1!, {{r2, r12}}",
        "ldm r0!, {{r8-r11}}",
        "row r4, r8",
        "row r5, r9",
        "row r6, r10",
        "row r7, r11",
        ".endm",
        "push {{r4-r11, lr}}",
        "ldm r0, {{r0, r3-r8}}",
        "mov r9, r2",
        "push {{r1, r3-r9}}",
        "add r3, r1, r3, lsl #3",
        "2:", // group
        "ldm r0!, {{r4-r7}}",
        "ldrd r1, r2, [sp]",
        "ldr r8, [sp, #24]",
        "cmp r8, #2",
        "bls 6f",
        "lsls r2, r2, #31",
        "bne 4f", // quads are odd
        "3:",
        "tile",
        "4:",
        "tile",
        "cmp r1, r3",
        "bne 3b",
        "1:",
        "ldm r0!, {{r8-r11}}",
        "ldrd r1, r2, [sp, #8]",
        "smmla r4, r4, r8, r1",
        "smmla r5, r5, r9, r1",
        "smmla r6, r6, r10, r1",
        "smmla r7, r7, r11, r1",
        "asrs r4, r2",
        "asrs r5, r2",
        "asrs r6, r2",
        "asrs r7, r2",
        "ldrd r8, r9, [sp, #16]",
        "ldrd r10, r1, [sp, #24]",
        "cmp r2, #0",
        "bmi 5f",
        // four i8 in one word
        "ssat r4, #8, r4",
        "ssat r5, #8, r5",
        "ssat r6, #8, r6",
        "ssat r7, #8, r7",
        "bfi r4, r5, #8, #8",
        "bfi r4, r6, #16, #8",
        "bfi r4, r7, #24, #8",
        "ssub8 r5, r4, r8",
        "sel r4, r4, r8",
        "ssub8 r5, r9, r4",
        "sel r4, r4, r9",
        "subs r10, #4",
        "blt 7f",
        "str r4, [r1], #4",
        "strd r10, r1, [sp, #24]",
        "bne 2b",
        "b 9f",
        "7:",
        "adds r10, #4",
        "8:",
        "strb r4, [r1], #1",
        "lsrs r4, #8",
        "subs r10, #1",
        "bne 8b",
        "b 9f",
        "5:", // four i16 in two words
        "ssat r4, #16, r4",
        "ssat r5, #16, r5",
        "ssat r6, #16, r6",
        "ssat r7, #16, r7",
        "pkhbt r4, r4, r5, lsl #16",
        "pkhbt r6, r6, r7, lsl #16",
        "ssub16 r5, r4, r8",
        "sel r4, r4, r8",
        "ssub16 r5, r9, r4",
        "sel r4, r4, r9",
        "ssub16 r5, r6, r8",
        "sel r6, r6, r8",
        "ssub16 r5, r9, r6",
        "sel r6, r6, r9",
        "subs r10, #4",
        "blt 7f",
        "str r4, [r1], #4",
        "str r6, [r1], #4",
        "strd r10, r1, [sp, #24]",
        "bne 2b",
        "b 9f",
        "7:",
        "strh r4, [r1], #2",
        "lsrs r4, #16",
        "adds r10, #3",
        "beq 9f",
        "strh r4, [r1], #2",
        "subs r10, #1",
        "beq 9f",
        "strh r6, [r1]",
        "b 9f",
        "6:", // two rows, where no more are left
        "ldm r1!, {{r2, r12}}",
        "ldrd r8, r9, [r0], #16",
        "row r4, r8",
        "row r5, r9",
        "cmp r1, r3",
        "bne 6b",
        "b 1b",
        "9:",
        "add sp, #32",
        "pop {{r4-r11, pc}}",
        ".purgem row",
        ".purgem tile",
    )
}

/// Two points, two rows, each group in two passes: widened weights serve both points.
#[cfg(all(gimbal_dsp, not(gimbal_mve)))]
#[unsafe(naked)]
unsafe extern "C" fn two_points(layer: &Layer, x0: *const i16, x1: *const i16, y0: *mut u8, y1: *mut u8) {
    naked_asm!(
        #[cfg(gimbal_v8m)]
        ".cpu cortex-m33",
        // r0 matrix · r1, r2 x · r8-r11 their words · r4, r5 sums of the first point, r6, r7 of the second
        // r3, r12 weights · sp+0 steps of r0 · +8 x · +16 end of the first x · +20 quads · +24 offset, shift
        // · +32 min, max · +40 rows · +44 y
        ".macro row sum0, sum1, weights",
        r"sxtb16 lr, \weights",
        r"smlad \sum0, lr, r8, \sum0",
        r"smlad \sum1, lr, r10, \sum1",
        r"sxtb16 \weights, \weights, ror #8",
        r"smlad \sum0, \weights, r9, \sum0",
        r"smlad \sum1, \weights, r11, \sum1",
        ".endm",
        ".macro tile",
        "ldrd r8, r9, [r1], #8",
        "ldrd r10, r11, [r2], #8",
        "ldrd r3, r12, [r0], #16",
        "row r4, r6, r3",
        "row r5, r7, r12",
        ".endm",
        "push {{r4-r11, lr}}",
        "ldr r11, [sp, #36]",
        "mov r10, r3",
        "ldm r0, {{r0, r4-r9}}",
        "push {{r4-r11}}",
        "add r12, r1, r4, lsl #3",
        "mvn r3, #7",
        "sub r3, r3, r4, lsl #4", // from the first pass' end to the second's start
        "movs r4, #8",            // from there to the next group's
        "push {{r1, r2, r12}}",
        "push {{r3, r4}}",
        "2:", // two rows
        "ldrd r4, r5, [r0], #16",
        "movs r6, r4",
        "movs r7, r5",
        "ldrd r1, r2, [sp, #8]",
        "ldr r3, [sp, #20]",
        "lsls r3, #31",
        "bne 4f", // quads are odd
        "3:",
        "tile",
        "4:",
        "tile",
        "ldr r3, [sp, #16]",
        "cmp r1, r3",
        "bne 3b",
        "ldrd r8, r9, [r0]",
        "ldrd r1, r2, [sp, #24]",
        "smmla r4, r4, r8, r1",
        "smmla r5, r5, r9, r1",
        "smmla r6, r6, r8, r1",
        "smmla r7, r7, r9, r1",
        "asrs r4, r2",
        "asrs r5, r2",
        "asrs r6, r2",
        "asrs r7, r2",
        "cmp r2, #0",
        "ldrd r8, r9, [sp, #32]",
        "ldrd r1, r2, [sp, #44]",
        "ldr r3, [sp, #40]",
        "bmi 5f",
        // two i8 of each point in one word
        "ssat r4, #8, r4",
        "ssat r5, #8, r5",
        "ssat r6, #8, r6",
        "ssat r7, #8, r7",
        "bfi r4, r5, #8, #8",
        "bfi r4, r6, #16, #8",
        "bfi r4, r7, #24, #8",
        "ssub8 r5, r4, r8",
        "sel r4, r4, r8",
        "ssub8 r5, r9, r4",
        "sel r4, r4, r9",
        "lsrs r6, r4, #16",
        "subs r3, #2",
        "itt lt",
        "strblt r4, [r1]",
        "strblt r6, [r2]",
        "ble 8f",
        "strh r4, [r1], #2",
        "strh r6, [r2], #2",
        "6:",
        "ldrd r8, r9, [sp]",
        "strd r1, r2, [sp, #44]",
        "str r3, [sp, #40]",
        "add r0, r8",
        "strd r9, r8, [sp]",
        "b 2b",
        "5:", // two i16 of each point in a word
        "ssat r4, #16, r4",
        "ssat r5, #16, r5",
        "ssat r6, #16, r6",
        "ssat r7, #16, r7",
        "pkhbt r4, r4, r5, lsl #16",
        "pkhbt r6, r6, r7, lsl #16",
        "ssub16 r5, r4, r8",
        "sel r4, r4, r8",
        "ssub16 r5, r9, r4",
        "sel r4, r4, r9",
        "ssub16 r5, r6, r8",
        "sel r6, r6, r8",
        "ssub16 r5, r9, r6",
        "sel r6, r6, r9",
        "subs r3, #2",
        "itt lt",
        "strhlt r4, [r1]",
        "strhlt r6, [r2]",
        "blt 9f",
        "str r4, [r1], #4",
        "str r6, [r2], #4",
        "bgt 6b",
        "b 9f",
        "8:",
        "blt 9f",
        "strh r4, [r1]",
        "strh r6, [r2]",
        "9:",
        "add sp, #52",
        "pop {{r4-r11, pc}}",
        ".purgem row",
        ".purgem tile",
    )
}

// ---- v7-M: Cortex-M3 ---------------------------------------------------------------------------------

/// One point, four rows. Column 0 comes last, since its load moves the pointers on.
#[cfg(gimbal_v7m)]
#[unsafe(naked)]
unsafe extern "C" fn one_point(layer: &Layer, x: *const i16, y: *mut u8) {
    naked_asm!(
        // r0 matrix, 16 bytes behind · r1 last of the x behind · r3 where it ends · r4-r7 sums · r8-r12 factors
        // the stack as of two points
        ".macro column x, row0, row1, row2, row3",
        r"ldrsh r8, [r1, \x",
        r"ldrsb r10, [r0, \row1]",
        r"ldrsb r11, [r0, \row2]",
        r"ldrsb r12, [r0, \row3]",
        r"ldrsb r9, [r0, \row0",
        "mla r4, r8, r9, r4",
        "mla r5, r8, r10, r5",
        "mla r6, r8, r11, r6",
        "mla r7, r8, r12, r7",
        ".endm",
        "push {{r4-r11, lr}}",
        "ldm r0, {{r0, r3-r8}}",
        "mov r9, r2",
        "subs r1, #2",
        "add r3, r1, r3, lsl #3",
        "push {{r1-r10}}",
        "sub sp, #16",
        "2:", // group
        "ldr r4, [r0]",
        "ldr r5, [r0, #4]",
        "ldr r6, [r0, #8]",
        "ldr r7, [r0, #12]",
        "ldr r1, [sp, #16]",
        "3:", // tile
        "column #8]!, #19], #23, #27, #31",
        "column #-4], #18], #22, #26, #30",
        "column #-2], #17], #21, #25, #29",
        "column #-6], #16]!, #20, #24, #28",
        "cmp r1, r3",
        "bne 3b",
        "ldr r1, [sp, #48]",
        "bl {finish}",
        "ldr r2, [sp, #44]",
        "str r1, [sp, #48]",
        "subs r2, #4",
        "str r2, [sp, #44]",
        "add r0, r0, #32",
        "bgt 2b",
        "add sp, #56",
        "pop {{r4-r11, pc}}",
        ".purgem column",
        finish = sym finish,
    )
}

/// Two points, four rows: each weight is loaded once for both.
#[cfg(gimbal_v7m)]
#[unsafe(naked)]
unsafe extern "C" fn two_points(layer: &Layer, x0: *const i16, x1: *const i16, y0: *mut u8, y1: *mut u8) {
    naked_asm!(
        // r0 matrix, 16 bytes behind · r1, r2 last of the x behind · r4-r7 sums of the first point, r8-r11 of the second
        // sp+0 sums of the second · +16 x · +24 where the first ends · +28 offset, shift, min, max · +44 rows · +48 y
        ".macro weight at, sum0, sum1",
        r"ldrsb lr, [r0, \at",
        r"mla \sum0, r3, lr, \sum0",
        r"mla \sum1, r12, lr, \sum1",
        ".endm",
        ".macro column x, row0, row1, row2, row3",
        r"ldrsh r3, [r1, \x",
        r"ldrsh r12, [r2, \x",
        r"weight \row1], r5, r9",
        r"weight \row2], r6, r10",
        r"weight \row3], r7, r11",
        r"weight \row0, r4, r8",
        ".endm",
        "push {{r4-r11, lr}}",
        "ldr r10, [sp, #36]",
        "mov r9, r3",
        "subs r1, #2",
        "subs r2, #2",
        "ldm r0, {{r0, r3-r8}}",
        "add r3, r1, r3, lsl #3",
        "push {{r1-r10}}",
        "sub sp, #16",
        "2:", // group
        "ldr r4, [r0]",
        "ldr r5, [r0, #4]",
        "ldr r6, [r0, #8]",
        "ldr r7, [r0, #12]",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "ldrd r1, r2, [sp, #16]",
        "3:", // tile
        "column #8]!, #19], #23, #27, #31",
        "column #-4], #18], #22, #26, #30",
        "column #-2], #17], #21, #25, #29",
        "column #-6], #16]!, #20, #24, #28",
        "ldr r3, [sp, #24]",
        "cmp r1, r3",
        "bne 3b",
        "stm sp, {{r8-r11}}",
        "ldr r1, [sp, #48]",
        "bl {finish}",
        "str r1, [sp, #48]",
        "ldm sp, {{r4-r7}}",
        "ldr r1, [sp, #52]",
        "bl {finish}",
        "ldr r2, [sp, #44]",
        "str r1, [sp, #52]",
        "subs r2, #4",
        "str r2, [sp, #44]",
        "add r0, r0, #32",
        "bgt 2b",
        "add sp, #56",
        "pop {{r4-r11, pc}}",
        ".purgem weight",
        ".purgem column",
        finish = sym finish,
    )
}

/// Four outputs of one point, from sums in `r4` to `r7`, multipliers at `r0 + 16`, to `r1`, which moves
/// on; on the stack of its caller, whose `r0` and `r3` it keeps.
#[cfg(gimbal_v7m)]
#[unsafe(naked)]
unsafe extern "C" fn finish() {
    naked_asm!(
        // r8 offset · r9 shift · r10 min · r11 max · r12 max - min
        ".macro output sum, multiplier",
        r"ldr r2, [r0, \multiplier]",
        r"smull r2, \sum, \sum, r2",
        r"add \sum, r8",
        r"asr \sum, r9",
        // max(·, min), then min(·, max), without a branch
        r"sub \sum, r10",
        r"bic \sum, \sum, \sum, asr #31",
        r"sub \sum, r12",
        r"and \sum, \sum, \sum, asr #31",
        r"add \sum, r11",
        ".endm",
        "add r2, sp, #28",
        "ldm r2, {{r8-r11}}",
        "sub r12, r11, r10",
        "output r4, #16",
        "output r5, #20",
        "output r6, #24",
        "output r7, #28",
        "ldr r2, [sp, #44]",
        "cmp r9, #0",
        "bmi 5f",
        "bfi r4, r5, #8, #8",
        "bfi r4, r6, #16, #8",
        "bfi r4, r7, #24, #8",
        "cmp r2, #4",
        "blt 8f",
        "str r4, [r1], #4",
        "bx lr",
        "8:",
        "strb r4, [r1], #1",
        "lsrs r4, #8",
        "subs r2, #1",
        "bne 8b",
        "bx lr",
        "5:",
        "bfi r4, r5, #16, #16",
        "bfi r6, r7, #16, #16",
        "cmp r2, #4",
        "blt 8f",
        "str r4, [r1], #4",
        "str r6, [r1], #4",
        "bx lr",
        "8:",
        "strh r4, [r1], #2",
        "lsrs r4, #16",
        "subs r2, #1",
        "beq 9f",
        "strh r4, [r1], #2",
        "subs r2, #1",
        "beq 9f",
        "strh r6, [r1], #2",
        "9:",
        "bx lr",
        ".purgem output",
    )
}

// ---- v6-M: Cortex-M0, M0+, M23 -----------------------------------------------------------------------

/// One point, four rows. Weights are loaded through registers that hold the rows' offsets, the one form
/// that extends the sign, and sums stand in high registers, which can at least be added to.
#[cfg(gimbal_v6m)]
#[unsafe(naked)]
unsafe extern "C" fn one_point(layer: &Layer, x: *const i16, y: *mut u8) {
    naked_asm!(
        // r0 matrix · r1 x · lr its end · r4-r7 offsets of rows · r8-r11 sums · r12 offset, shift, min, max
        // sp+0 x · +4 y · +8 end of x · +12 rows
        ".macro weight row, sum",
        r"ldrsb r3, [r0, \row]",
        "muls r3, r2, r3",
        r"add \sum, r3",
        ".endm",
        ".macro column x",
        r"ldrsh r2, [r1, \x]",
        "weight r4, r8",
        "weight r5, r9",
        "weight r6, r10",
        "weight r7, r11",
        ".endm",
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4-r7}}",
        "ldm r0!, {{r3, r4}}",
        "mov r12, r0",
        "ldr r5, [r0, #16]",
        "movs r0, r3",
        "lsls r4, #3",
        "adds r4, r1",
        "movs r3, r2",
        "movs r2, r1",
        "push {{r2-r5}}",
        "2:", // group
        "ldm r0!, {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "movs r4, #0",
        "movs r5, #4",
        "movs r6, #8",
        "movs r7, #12",
        "ldr r1, [sp, #8]",
        "mov lr, r1",
        "ldr r1, [sp]",
        "3:", // tile: columns 0, 2, 1, 3, which are 0, 4, 2 and 6 bytes into x
        "column r4",
        "adds r0, #1",
        "column r5",
        "adds r0, #1",
        "adds r1, #2",
        "column r4",
        "adds r0, #1",
        "column r5",
        "adds r0, #13",
        "adds r1, #6",
        "cmp r1, lr",
        "bne 3b",
        "ldr r1, [sp, #4]",
        "ldr r7, [sp, #12]",
        "mov r2, r8",
        "bl 4f",
        "mov r2, r9",
        "bl 4f",
        "mov r2, r10",
        "bl 4f",
        "mov r2, r11",
        "bl 4f",
        "str r1, [sp, #4]",
        "str r7, [sp, #12]",
        "b 2b",
        "4:", // output of the sum r2 to r1, of which r7 are left
        "ldm r0!, {{r3}}",
        // r2 = (r2 · r3) >> 32, from products of halves
        "uxth r4, r2",
        "asrs r2, #16",
        "uxth r5, r3",
        "asrs r3, #16",
        "movs r6, r4",
        "muls r6, r5, r6",
        "lsrs r6, #16",
        "muls r5, r2, r5",
        "adds r5, r6",
        "muls r4, r3, r4",
        "uxth r6, r5",
        "adds r4, r6",
        "asrs r4, #16",
        "asrs r5, #16",
        "muls r2, r3, r2",
        "adds r2, r4",
        "adds r2, r5",
        "mov r3, r12",
        "ldm r3, {{r3-r6}}",
        "adds r2, r3",
        "asrs r2, r4",
        "cmp r2, r5",
        "bge 5f",
        "movs r2, r5",
        "5:",
        "cmp r2, r6",
        "ble 6f",
        "movs r2, r6",
        "6:",
        "cmp r4, #0",
        "bmi 7f",
        "strb r2, [r1]",
        "adds r1, #1",
        "subs r7, #1",
        "beq 9f",
        "bx lr",
        "7:",
        "strh r2, [r1]",
        "adds r1, #2",
        "subs r7, #1",
        "beq 9f",
        "bx lr",
        "9:",
        "add sp, #16",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
        ".purgem weight",
        ".purgem column",
    )
}

// ---- Vectors: Cortex-M55, M85 ------------------------------------------------------------------------

/// One point, four rows, four tiles at once: a lane holds one tile's four weights of a row, and lanes
/// behind the last tile are off. Bytes 0 and 2, then 1 and 3, of all lanes widen in one instruction.
#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn one_point(layer: &Layer, x: *const i16, y: *mut u8) {
    naked_asm!(
        ".cpu cortex-m55",
        // r0 matrix · r2 y · r3 quads · r4, r6, r8, r10 sums · r5 offset · r7 -shift · r9 min · r11 max · r12 rows
        // q0 addresses of weights · q7 of x · q5, q6 what they start with · q1, q2 x
        ".macro row sum, weights",
        r"vldrw.u32 q3, [q0, \weights",
        "vmovlb.s8 q4, q3",
        r"vmlava.s16 \sum, q1, q4",
        "vmovlt.s8 q3, q3",
        r"vmlava.s16 \sum, q2, q3",
        ".endm",
        "push {{r4-r11, lr}}",
        "vpush {{d8-d15}}",
        "sub r4, r1, #32",
        "vidup.u32 q6, r4, #8",
        "mvn r6, #23",
        "vidup.u32 q5, r6, #8",
        "ldm r0, {{r0, r3, r5, r7, r9, r11, r12}}",
        "vshl.i32 q5, q5, #1",
        "lsrs r1, r7, #31", // outputs are i16
        "uxtb r7, r7",
        "negs r7, r7",
        "2:",
        "ldm r0, {{r4, r6, r8, r10}}",
        "vadd.i32 q0, q5, r0", // 64 bytes before the tiles
        "vmov q7, q6",
        "dlstp.32 lr, r3",
        "3:",
        "vldrw.u32 q1, [q7, #32]!",
        "vldrw.u32 q2, [q7, #4]",
        "row r4, #64]!",
        "row r6, #4]",
        "row r8, #8]",
        "row r10, #12]",
        "letp lr, 3b",
        "add r0, r0, r3, lsl #4",
        "vldrw.u32 q1, [r0, #16]",
        "vmov q0[2], q0[0], r4, r8",
        "vmov q0[3], q0[1], r6, r10",
        "vmulh.s32 q0, q0, q1",
        "vdup.32 q1, r9",
        "vadd.i32 q0, q0, r5",
        "vdup.32 q2, r11",
        "vshl.s32 q0, r7",
        "vmax.s32 q0, q0, q1",
        "vmin.s32 q0, q0, q2",
        "vctp.32 r12",
        "cbnz r1, 5f",
        "vpst",
        "vstrbt.32 q0, [r2], #4",
        "4:",
        "adds r0, #32",
        "subs r12, #4",
        "bgt 2b",
        "vpop {{d8-d15}}",
        "pop {{r4-r11, pc}}",
        "5:",
        "vpst",
        "vstrht.32 q0, [r2], #8",
        "b 4b",
        ".purgem row",
    )
}

/// Two points, four rows, four tiles at once, of which there must be a multiple.
#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn two_points(layer: &Layer, x0: *const i16, x1: *const i16, y0: *mut u8, y1: *mut u8) {
    naked_asm!(
        ".cpu cortex-m55",
        // r3 matrix · r9, r11 x · r1 end of the first x · r5, r7 y · r4, r6, r8, r10 sums of the first point,
        // r0, r2, r12, lr of the second · q0 addresses of weights · q7 what they start with · q1-q4 x
        // sp+0 x · +8 bytes of tiles · +12 offset, -shift, min, max · +28 rows
        ".macro row sum0, sum1, weights",
        r"vldrw.u32 q5, [q0, \weights",
        "vmovlb.s8 q6, q5",
        r"vmlava.s16 \sum0, q1, q6",
        r"vmlava.s16 \sum1, q3, q6",
        "vmovlt.s8 q5, q5",
        r"vmlava.s16 \sum0, q2, q5",
        r"vmlava.s16 \sum1, q4, q5",
        ".endm",
        "push {{r4-r11, lr}}",
        "vpush {{d8-d15}}",
        "mov r9, r3",
        "mvn r4, #23",
        "vidup.u32 q7, r4, #8",
        "ldm r0, {{r0, r3-r8}}",
        "vshl.i32 q7, q7, #1",
        "negs r5, r5", // negative where outputs are i8
        "lsls r3, #4",
        "push {{r1-r8}}",
        "mov r3, r0",
        "mov r5, r9",
        "ldr r7, [sp, #132]",
        "2:",
        "ldm r3, {{r4, r6, r8, r10}}",
        "vadd.i32 q0, q7, r3", // 64 bytes before the tiles
        "ldm sp, {{r9, r11, r12}}",
        "add r3, r12",
        "add r1, r9, r12, lsr #1",
        "movs r0, r4",
        "movs r2, r6",
        "mov r12, r8",
        "mov lr, r10",
        "3:",
        "vld20.32 {{q1, q2}}, [r9]",
        "vld21.32 {{q1, q2}}, [r9]!",
        "vld20.32 {{q3, q4}}, [r11]",
        "vld21.32 {{q3, q4}}, [r11]!",
        "row r4, r0, #64]!",
        "row r6, r2, #4]",
        "row r8, r12, #8]",
        "row r10, lr, #12]",
        "cmp r9, r1",
        "bne 3b",
        "vldrw.u32 q2, [r3, #16]",
        "vmov q0[2], q0[0], r4, r8",
        "vmov q0[3], q0[1], r6, r10",
        "vmov q1[2], q1[0], r0, r12",
        "vmov q1[3], q1[1], r2, lr",
        "add r0, sp, #12",
        "ldm r0, {{r0, r1, r2, r4, r6}}",
        "vmulh.s32 q0, q0, q2",
        "vmulh.s32 q1, q1, q2",
        "vadd.i32 q0, q0, r0",
        "vadd.i32 q1, q1, r0",
        "vdup.32 q2, r2",
        "vshl.s32 q0, r1",
        "vshl.s32 q1, r1",
        "vdup.32 q3, r4",
        "vmax.s32 q0, q0, q2",
        "vmax.s32 q1, q1, q2",
        "vmin.s32 q0, q0, q3",
        "vmin.s32 q1, q1, q3",
        "vctp.32 r6",
        "cmp r1, #0",
        "bge 5f",
        "vpstt",
        "vstrbt.32 q0, [r5], #4",
        "vstrbt.32 q1, [r7], #4",
        "4:",
        "adds r3, #32",
        "subs r6, #4",
        "str r6, [sp, #28]",
        "bgt 2b",
        "add sp, #32",
        "vpop {{d8-d15}}",
        "pop {{r4-r11, pc}}",
        "5:",
        "vpstt",
        "vstrht.32 q0, [r5], #8",
        "vstrht.32 q1, [r7], #8",
        "b 4b",
        ".purgem row",
    )
}

// ---- Vectors of bytes --------------------------------------------------------------------------------

/// Matrix times bytes that stand in the order of a tile's columns: sixteen products in an instruction.
#[cfg(gimbal_mve)]
impl Product<'_> {
    /// Runs the matrix for one point; `false` where it cannot.
    pub(crate) fn one_of_bytes(&self, x: &[i8], y: &mut [i8]) -> bool {
        let Layer { quads, rows, shift, .. } = self.layer;
        let fits = x.len() / 4 >= quads && y.len() >= rows && shift & WIDE == 0;
        if fits {
            // SAFETY: as in `multiply`; the kernel reads 4 · `quads` bytes of `x` and writes `rows` to `y`.
            unsafe { one_point_of_bytes(&self.layer, x.as_ptr(), y.as_mut_ptr()) };
        }
        fits
    }

    /// Runs the matrix for two points, the outputs of the second `apart` behind those of the first; `false`
    /// where it cannot.
    pub(crate) fn two_of_bytes(&self, x: [&[i8]; 2], y: &mut [i8], apart: usize) -> bool {
        let Layer { quads, rows, shift, .. } = self.layer;
        let enough = x[0].len() / 4 >= quads && x[1].len() / 4 >= quads;
        let fits = enough && apart <= y.len() && y.len() - apart >= rows && shift & WIDE == 0;
        if fits {
            // SAFETY: as in `one_of_bytes`, for both points.
            unsafe { two_points_of_bytes(&self.layer, x[0].as_ptr(), x[1].as_ptr(), y.as_mut_ptr(), apart) };
        }
        fits
    }
}

/// Copies `lines` runs of `len` bytes, one each `step`, to one each `run`; if `ordered`, each four of the bytes into
/// the order of a tile's columns. `None` where they do not fit.
#[cfg(gimbal_mve)]
pub(crate) fn gather(
    from: &[i8],
    to: &mut [i8],
    [lines, step, run]: [usize; 3],
    len: usize,
    ordered: bool,
) -> Option<()> {
    let reach = |step: usize| lines.checked_sub(1)?.checked_mul(step)?.checked_add(len);
    if len == 0 || reach(step)? > from.len() || reach(run)? > to.len() {
        return None;
    }
    // SAFETY: the kernel reads `len` bytes at each line's start and writes as many at each run's, the last of which
    // end inside the slices. They may have any address.
    unsafe { gather_lines(from.as_ptr(), to.as_mut_ptr(), len, lines, step, run, if ordered { SWAP } else { 0 }) };
    Some(())
}

/// Brings each whole four of the bytes into the order of a tile's columns.
#[cfg(gimbal_mve)]
pub(crate) fn order(x: &mut [i8]) {
    // SAFETY: the kernel reads and writes a whole number of fours, no more than there are.
    unsafe { order_quads(x.as_mut_ptr(), x.len() & !3, SWAP) }
}

/// The bytes that change places between columns and a tile's columns, as a predicate.
#[cfg(gimbal_mve)]
const SWAP: u32 = 0x6666;

#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn gather_lines(
    from: *const i8,
    to: *mut i8,
    len: usize,
    lines: usize,
    step: usize,
    run: usize,
    swap: u32,
) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r7, lr}}",
        "add r4, sp, #20",
        "ldm r4, {{r4-r6}}",
        "vmsr p0, r6",
        "2:",
        "mov r6, r0",
        "mov r7, r1",
        "dlstp.8 lr, r2",
        "3:",
        "vldrb.u8 q0, [r6], #16",
        "vpst",
        "vrev32t.8 q0, q0",
        "vstrb.8 q0, [r7], #16",
        "letp lr, 3b",
        "add r0, r4",
        "add r1, r5",
        "subs r3, #1",
        "bne 2b",
        "pop {{r4-r7, pc}}",
    )
}

#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn order_quads(x: *mut i8, len: usize, swap: u32) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r7, lr}}",
        "vmsr p0, r2",
        "wlstp.8 lr, r1, 3f",
        "2:",
        "vldrb.u8 q0, [r0]",
        "vpst",
        "vrev32t.8 q0, q0",
        "vstrb.8 q0, [r0], #16",
        "letp lr, 2b",
        "3:",
        "pop {{r7, pc}}",
    )
}

/// One point, four rows, four tiles at once: a lane holds one tile's four weights of a row, and lanes
/// behind the last tile are off.
#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn one_point_of_bytes(layer: &Layer, x: *const i8, y: *mut i8) {
    naked_asm!(
        ".cpu cortex-m55",
        // r0 matrix · r1 x · r2 y · r3 quads · r4, r6, r8, r10 sums · r5 offset · r7 -shift · r9 x in the group · r12 rows
        // q0 addresses of weights · q1 x · q2 weights · q5 what addresses start with · q6 min · q7 max
        "push {{r4-r11, lr}}",
        "vpush {{d10-d15}}",
        "mvn r6, #23",
        "vidup.u32 q5, r6, #8",
        "ldm r0, {{r0, r3, r5, r7, r9, r11, r12}}",
        "vshl.i32 q5, q5, #1",
        "negs r7, r7",
        "vdup.32 q6, r9",
        "vdup.32 q7, r11",
        "2:",
        "ldm r0, {{r4, r6, r8, r10}}",
        "vadd.i32 q0, q5, r0", // 64 bytes before the tiles
        "mov r9, r1",
        "dlstp.32 lr, r3",
        "3:",
        "vldrb.u8 q1, [r9], #16",
        "vldrw.u32 q2, [q0, #64]!",
        "vmlava.s8 r4, q1, q2",
        "vldrw.u32 q2, [q0, #4]",
        "vmlava.s8 r6, q1, q2",
        "vldrw.u32 q2, [q0, #8]",
        "vmlava.s8 r8, q1, q2",
        "vldrw.u32 q2, [q0, #12]",
        "vmlava.s8 r10, q1, q2",
        "letp lr, 3b",
        "add r0, r0, r3, lsl #4",
        "vldrw.u32 q1, [r0, #16]",
        "vmov q0[2], q0[0], r4, r8",
        "vmov q0[3], q0[1], r6, r10",
        "vmulh.s32 q0, q0, q1",
        "vadd.i32 q0, q0, r5",
        "vshl.s32 q0, r7",
        "vmax.s32 q0, q0, q6",
        "vmin.s32 q0, q0, q7",
        "vctp.32 r12",
        "vpst",
        "vstrbt.32 q0, [r2], #4",
        "adds r0, #32",
        "subs r12, #4",
        "bgt 2b",
        "vpop {{d10-d15}}",
        "pop {{r4-r11, pc}}",
    )
}

/// Two points, four rows, four tiles at once, and those that are left.
#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn two_points_of_bytes(layer: &Layer, x0: *const i8, x1: *const i8, y: *mut i8, apart: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        // r1 matrix · r3, r5 x · r7 y · r9 end of whole fours of tiles in the first x · r11 bytes of tiles
        // r0, r2, r4, r6 sums of the first point, r8, r10, r12, lr of the second
        // q0 addresses of weights · q1, q2 x · q3, q4 weights · q5 what addresses start with · q6 min · q7 max
        // sp+0 x, end of the first · +12 offset, -shift · +20 tiles that are left · +24 apart, rows
        ".macro row sum0, sum1, weights",
        r"vldrw.u32 q3, [q0, \weights",
        r"vmlava.s8 \sum0, q1, q3",
        r"vmlava.s8 \sum1, q2, q3",
        ".endm",
        "push {{r4-r11, lr}}",
        "vpush {{d8-d15}}",
        "mov r7, r3",
        "mvn r6, #23",
        "vidup.u32 q5, r6, #8",
        "ldm r0, {{r0, r3-r6, r8, r9}}",
        "vshl.i32 q5, q5, #1",
        "vdup.32 q6, r6",
        "vdup.32 q7, r8",
        "negs r5, r5",
        "lsl r11, r3, #4",
        "and r6, r3, #3",
        "bic r3, #3",
        "add r3, r1, r3, lsl #2",
        "ldr r8, [sp, #100]",
        "push {{r1-r6, r8, r9}}",
        "mov r1, r0",
        "2:",
        "ldm r1, {{r0, r2, r4, r6}}",
        "ldm r1, {{r8, r10, r12, lr}}",
        "vadd.i32 q0, q5, r1", // 64 bytes before the tiles
        "ldm sp, {{r3, r5, r9}}",
        "cmp r3, r9",
        "beq 4f",
        "3:",
        "vldrb.u8 q1, [r3], #16",
        "vldrb.u8 q2, [r5], #16",
        "row r0, r8, #64]!",
        "row r2, r10, #4]",
        "row r4, r12, #8]",
        "row r6, lr, #12]",
        "cmp r3, r9",
        "bne 3b",
        "4:",
        "ldr r9, [sp, #20]",
        "cmp r9, #0",
        "beq 5f",
        "vctp.32 r9", // what is not loaded is zero
        "vpstttt",
        "vldrbt.u8 q1, [r3]",
        "vldrbt.u8 q2, [r5]",
        "vldrwt.u32 q3, [q0, #64]",
        "vldrwt.u32 q4, [q0, #68]",
        "vmlava.s8 r0, q1, q3",
        "vmlava.s8 r8, q2, q3",
        "vmlava.s8 r2, q1, q4",
        "vmlava.s8 r10, q2, q4",
        "vpstt",
        "vldrwt.u32 q3, [q0, #72]",
        "vldrwt.u32 q4, [q0, #76]",
        "vmlava.s8 r4, q1, q3",
        "vmlava.s8 r12, q2, q3",
        "vmlava.s8 r6, q1, q4",
        "vmlava.s8 lr, q2, q4",
        "5:",
        "add r1, r11",
        "vldrw.u32 q2, [r1, #16]",
        "vmov q0[2], q0[0], r0, r4",
        "vmov q0[3], q0[1], r2, r6",
        "vmov q1[2], q1[0], r8, r12",
        "vmov q1[3], q1[1], r10, lr",
        "ldrd r0, r2, [sp, #12]",
        "ldrd r3, r5, [sp, #24]",
        "vmulh.s32 q0, q0, q2",
        "vmulh.s32 q1, q1, q2",
        "vadd.i32 q0, q0, r0",
        "vadd.i32 q1, q1, r0",
        "vshl.s32 q0, r2",
        "vshl.s32 q1, r2",
        "vmax.s32 q0, q0, q6",
        "vmax.s32 q1, q1, q6",
        "vmin.s32 q0, q0, q7",
        "vmin.s32 q1, q1, q7",
        "vctp.32 r5",
        "add r3, r7",
        "vpstt",
        "vstrbt.32 q0, [r7], #4",
        "vstrbt.32 q1, [r3]",
        "adds r1, #32",
        "subs r5, #4",
        "str r5, [sp, #28]",
        "bgt 2b",
        "add sp, #32",
        "vpop {{d8-d15}}",
        "pop {{r4-r11, pc}}",
        ".purgem row",
    )
}

// ---- Vectors of bytes: windows ------------------------------------------------------------------------

/// The largest byte of each channel in windows side by side, one each `stride`: `down` lines, one each `step`, of
/// `across` samples without a gap; `None` where they cannot be seen whole.
#[cfg(gimbal_mve)]
pub(crate) fn largest(
    x: &[i8],
    [down, across]: [usize; 2],
    [step, stride]: [usize; 2],
    channels: usize,
    y: &mut [i8],
) -> Option<()> {
    let (windows, line) = (y.len().checked_div(channels)?, across.checked_mul(channels)?);
    let last = windows.checked_sub(1)?.checked_mul(stride)?;
    let reach = down.checked_sub(1)?.checked_mul(step)?.checked_add(line)?.checked_add(last)?;
    if line == 0 || reach > x.len() {
        return None;
    }
    // SAFETY: the kernel reads `line` bytes at the start of each line of each window, the last of which end at
    // `reach`, and writes `channels` of `y` for each window. They may have any address.
    unsafe { largest_of(x.as_ptr(), y.as_mut_ptr(), channels, across, down, step, windows, stride) };
    Some(())
}

#[cfg(gimbal_mve)]
#[unsafe(naked)]
unsafe extern "C" fn largest_of(
    x: *const i8,
    y: *mut i8,
    channels: usize,
    across: usize,
    down: usize,
    step: usize,
    windows: usize,
    stride: usize,
) {
    naked_asm!(
        ".cpu cortex-m55",
        // r0 x · r1 y · r2 channels · r3 across · r4 down · r5 step · r6 windows left · r7 stride · r8 channels left
        // r9 channels done · r10 line · r11 lines left · r12 sample
        "push {{r4-r11, lr}}",
        "add r4, sp, #36",
        "ldm r4, {{r4-r7}}",
        "2:", // window
        "mov r8, r2",
        "mov r9, #0",
        "3:", // sixteen channels
        "vctp.8 r8",
        "add r10, r0, r9",
        "mov r11, r4",
        "vpst",
        "vldrbt.u8 q0, [r10]",
        "4:",
        "mov r12, r10",
        "dls lr, r3",
        "5:",
        "vpst",
        "vldrbt.u8 q1, [r12]",
        "vmax.s8 q0, q0, q1",
        "add r12, r2",
        "le lr, 5b",
        "add r10, r5",
        "subs r11, #1",
        "bne 4b",
        "add r12, r1, r9",
        "vpst",
        "vstrbt.8 q0, [r12]",
        "add r9, #16",
        "subs r8, #16",
        "bgt 3b",
        "add r0, r7",
        "add r1, r2",
        "subs r6, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}
