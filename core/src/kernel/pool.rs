//! Pooling: the largest, the mean or the sum over a window, over a set or along an axis.
//!
//! A window as large as the input pools globally; one as wide as the input pools a set, and one as high
//! as the input pools the axis of a group.

use super::patch::Window;
use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Activations, ActivationsMut, view_mut};
use crate::format::Dtype;
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};
use core::ops::Range;

// ---- Record ---------------------------------------------------------------------------------------

/// `x[height, width, channels] → y[height', width', channels]`, each channel by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Pool {
    /// Input and output.
    pub operands: Operands,
    /// How the window moves.
    pub window: Window,
    /// To the output's scale, for means.
    pub requantize: Requantize,
    /// To the output's scale divided by the number of taps, for means.
    pub multiplier: i32,
    /// A [`Pooling`] as a number.
    pub pooling: u16,
    /// Zero.
    pub reserved: u16,
}

/// What a pool keeps of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// `max x`, of the same type and scale; padding is not looked at.
    Max,
    /// `requantize(Σ x − taps · zero_point)`, without padding.
    Mean,
    /// `Σ x − taps · zero_point` in int32, exactly, without padding: the directions that make a pose come
    /// from here, and a mean in 16 bits would cost them more than all layers before.
    Sum,
}

impl Pooling {
    /// As a record stores it.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    const fn of(code: u16) -> Option<Self> {
        match code {
            0 => Some(Self::Max),
            1 => Some(Self::Mean),
            2 => Some(Self::Sum),
            _ => None,
        }
    }
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Pool {
    const KIND: u32 = 4;
    const NAME: &'static str = "pool";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        let pooling = Pooling::of(self.pooling).ok_or(Fault::Quantization)?;
        let wanted = if pooling == Pooling::Sum { Dtype::I32 } else { x.dtype };
        if x.dtype == Dtype::I32 || y.dtype != wanted {
            return Err(Fault::Operand);
        }
        self.window.check(x, y)?;
        // An element is at most 2¹⁶ − 1 from its zero point, so that 2¹⁵ − 1 of them fit 32 bits. Without padding there
        // are no more taps than inputs; around a circle there could be as many as there are numbers.
        let padded = !self.window.stays_inside(x, y);
        let many = self.window.taps() >= 1 << 15;
        // No two of these go together.
        let limits = u8::from(padded) + u8::from(many) + u8::from(pooling != Pooling::Max);
        if x.shape[2] != y.shape[2] || self.reserved != 0 || limits > 1 {
            return Err(Fault::Shape);
        }
        let fits = match pooling {
            Pooling::Max => x.zero_point == y.zero_point,
            Pooling::Mean => self.requantize.fits(y),
            Pooling::Sum => y.zero_point == 0,
        };
        if fits { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        let samples =
            Samples { window: &self.window, shape: x.shape.map(usize::from), x: Activations::of(memory.input, x)? };
        let zero = i32::from(x.zero_point).wrapping_mul(self.window.taps() as i32);
        match Pooling::of(self.pooling)? {
            Pooling::Max => largest(&samples, y.shape, ActivationsMut::of(memory.output, y)?),
            Pooling::Mean => {
                let mut output = ActivationsMut::of(memory.output, y)?;
                let keep = &mut |at, sum| output.set(at, self.requantize.apply(sum, self.multiplier));
                sums(&samples, y.shape, zero, keep);
            }
            Pooling::Sum => {
                let output = view_mut::<i32>(memory.output, y)?;
                let keep = &mut |at, sum| output.get_mut(at).into_iter().for_each(|y| *y = sum);
                sums(&samples, y.shape, zero, keep);
            }
        }
        Some(())
    }
}

// ---- Reference ------------------------------------------------------------------------------------

/// The largest of every channel in every window.
fn largest(samples: &Samples<'_>, shape: [u16; 3], mut y: ActivationsMut<'_>) {
    let channels = usize::from(shape[2]).max(1);
    #[cfg(gimbal_mve)]
    if samples.all_largest(shape.map(usize::from), &mut y).is_some() {
        return;
    }
    y.fill(i16::MIN);
    for (place, at) in places(shape).zip((0..).step_by(channels)) {
        let Some(mut y) = y.part(at, channels) else { return };
        #[cfg(gimbal_mve)]
        if samples.largest(place, 1, &mut y).is_some() {
            continue;
        }
        samples.each(place, &mut |seen| match (samples.x, &mut y) {
            (Activations::I8(x), ActivationsMut::I8(y)) => keep(x, seen, y, keep_largest_byte),
            (Activations::I16(x), ActivationsMut::I16(y)) => keep(x, seen, y, keep_largest),
            _ => {}
        });
    }
}

/// Keeps the largest of every channel.
pub(super) fn keep<X>(x: &[X], seen: Range<usize>, y: &mut [X], keep_largest: fn(&mut [X], &[X])) {
    let samples = x.get(seen).unwrap_or_default().chunks_exact(y.len().max(1));
    samples.for_each(|x| keep_largest(y, x));
}

#[cfg(all(gimbal_asm, not(gimbal_v6m)))]
pub(super) use crate::asm::keep_largest as keep_largest_byte;
#[cfg(not(all(gimbal_asm, not(gimbal_v6m))))]
pub(super) use keep_largest as keep_largest_byte;

pub(super) fn keep_largest<X: Copy + Ord>(largest: &mut [X], x: &[X]) {
    largest.iter_mut().zip(x).for_each(|(largest, &x)| *largest = x.max(*largest));
}

/// Hands the sum of every channel in every window, less `zero`, to `keep`, with its place in the output.
fn sums(samples: &Samples<'_>, shape: [u16; 3], zero: i32, keep: &mut dyn FnMut(usize, i32)) {
    let channels = usize::from(shape[2]).max(1);
    let mut at = 0;
    for place in places(shape) {
        for channel in 0..channels {
            let mut sum = zero.wrapping_neg();
            samples.each(place, &mut |seen| {
                sum = sum.wrapping_add(match samples.x {
                    Activations::I8(x) => every(x, seen, channel, channels),
                    Activations::I16(x) => every(x, seen, channel, channels),
                });
            });
            keep(at, sum);
            at += 1;
        }
    }
}

/// The sum of one channel.
fn every<X: Copy + Into<i32>>(x: &[X], seen: Range<usize>, channel: usize, channels: usize) -> i32 {
    let mut rest = x.get(seen).and_then(|x| x.get(channel..)).unwrap_or_default();
    let mut sum = 0i32;
    while let Some(&x) = rest.first() {
        sum = sum.wrapping_add(x.into());
        rest = rest.get(channels..).unwrap_or_default();
    }
    sum
}

/// Rows and columns of an output, in its order.
fn places([rows, columns, _]: [u16; 3]) -> impl Iterator<Item = [usize; 2]> {
    (0..rows.into()).flat_map(move |row| (0..columns.into()).map(move |column| [row, column]))
}

/// What windows see, sample by sample.
struct Samples<'a> {
    window: &'a Window,
    /// Of the input.
    shape: [usize; 3],
    x: Activations<'a>,
}

impl Samples<'_> {
    /// The largest of every channel in all windows, in one run of a kernel for a row; `None` where one sees padding.
    #[cfg(gimbal_mve)]
    fn all_largest(&self, [rows, columns, channels]: [usize; 3], y: &mut ActivationsMut<'_>) -> Option<()> {
        let len = columns * channels;
        (0..rows).try_for_each(|row| self.largest([row, 0], columns, &mut y.part(row * len, len)?))
    }

    /// The same in neighbouring windows.
    #[cfg(gimbal_mve)]
    fn largest(&self, [row, column]: [usize; 2], windows: usize, y: &mut ActivationsMut<'_>) -> Option<()> {
        let (Activations::I8(x), ActivationsMut::I8(y)) = (self.x, y) else { return None };
        let [height, width, channels] = self.shape;
        let (line, place) = (self.window.inside(0, row, height)?, self.window.inside(1, column, width)?);
        self.window.inside(1, column + windows - 1, width).filter(|_| self.window.dilation[1] == 1)?;
        let step = usize::from(self.window.dilation[0]).wrapping_mul(width * channels);
        let stride = usize::from(self.window.stride[1]) * channels;
        let x = x.get((line * width + place) * channels..)?;
        crate::asm::largest(x, self.window.size.map(usize::from), [step, stride], channels, y)
    }

    /// Calls `see` with where samples stand, one behind the other, until it has seen those at all taps of the
    /// window at an output but those in the padding.
    fn each(&self, [row, column]: [usize; 2], see: &mut dyn FnMut(Range<usize>)) {
        let [height, width, channels] = self.shape;
        let [down, across] = self.window.size.map(usize::from);
        // Neighbours, in most windows.
        let run = self.window.inside(1, column, width).filter(|_| self.window.dilation[1] == 1);
        let mut see = |start: usize, samples: usize| see(start * channels..(start + samples) * channels);
        for line in (0..down).filter_map(|tap| self.window.input(0, row, tap, height)) {
            match run {
                Some(place) => see(line * width + place, across),
                None => {
                    for place in (0..across).filter_map(|tap| self.window.input(1, column, tap, width)) {
                        see(line * width + place, 1);
                    }
                }
            }
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor, values};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    type Case = (Pool, Tensor, Tensor, Vec<i16>);

    fn case(dtype: Dtype, pooling: Pooling) -> impl Strategy<Value = Case> {
        let axis = || (1u16..4, 1u16..3, 1u16..3, 1u16..8);
        let numbers = (any::<i8>(), any::<i8>(), 1i32..i32::MAX, 20u16..40);
        (axis(), axis(), 1u16..11, 0u16..9, numbers)
            .prop_filter_map(
                "the window must fit",
                move |(down, across, channels, padding, (zero, output, multiplier, shift))| {
                    let padding = if pooling == Pooling::Max { [padding % 3, padding / 3] } else { [0; 2] };
                    let window = Window {
                        size: [down.0, across.0],
                        stride: [down.1, across.1],
                        dilation: [down.2, across.2],
                        padding,
                        circular: 0,
                        reserved: 0,
                    };
                    let length = |(size, stride, dilation, inputs): (u16, u16, u16, u16), padding: u16| {
                        Some((inputs + 2 * padding).checked_sub((size - 1) * dilation + 1)? / stride + 1)
                    };
                    let (zero, output) =
                        (i16::from(zero), if pooling == Pooling::Max { zero.into() } else { output.into() });
                    let x = Tensor { zero_point: zero, ..tensor(dtype, [down.3, across.3, channels]) };
                    let shape = [length(down, padding[0])?, length(across, padding[1])?, channels];
                    let y = match pooling {
                        Pooling::Sum => tensor(Dtype::I32, shape),
                        _ => Tensor { zero_point: output, ..tensor(dtype, shape) },
                    };
                    window.check(&x, &y).ok()?;
                    let (min, max) = dtype.range();
                    let requantize = Requantize { shift, zero_point: output, min: min as i16, max: max as i16 };
                    let operands = Operands::new(0, 1);
                    Some((
                        Pool { operands, window, requantize, multiplier, pooling: pooling.code(), reserved: 0 },
                        x,
                        y,
                    ))
                },
            )
            .prop_flat_map(move |(pool, x, y)| values(dtype, &x).prop_map(move |input| (pool, x, y, input)))
    }

    fn run((pool, x, y, input): &Case) -> Vec<i32> {
        Bench { tensors: vec![*x, *y], blob: Vec::new() }.run_wide(&Operator::Pool(*pool), [input, &[]])
    }

    /// What `choose` makes of the numbers that each output sees, padding left out.
    fn oracle((pool, x, y, input): &Case, choose: impl Fn(&[i64]) -> i64) -> Vec<i32> {
        let [height, width, channels] = x.shape.map(i64::from);
        let [rows, columns, _] = y.shape.map(i64::from);
        let w = |axis: usize| {
            [
                w(pool.window.size, axis),
                w(pool.window.stride, axis),
                w(pool.window.dilation, axis),
                w(pool.window.padding, axis),
            ]
        };
        fn w(sizes: [u16; 2], axis: usize) -> i64 {
            sizes[axis].into()
        }
        let ([sd, td, dd, pd], [sa, ta, da, pa]) = (w(0), w(1));
        let mut all = Vec::new();
        for (i, j, c) in (0..rows).flat_map(|i| (0..columns).flat_map(move |j| (0..channels).map(move |c| (i, j, c)))) {
            let mut seen = Vec::new();
            for (k, l) in (0..sd).flat_map(|k| (0..sa).map(move |l| (k, l))) {
                let (line, place) = (i * td + k * dd - pd, j * ta + l * da - pa);
                if (0..height).contains(&line) && (0..width).contains(&place) {
                    seen.push(i64::from(input[((line * width + place) * channels + c) as usize]));
                }
            }
            all.push(choose(&seen) as i32);
        }
        all
    }

    proptest! {
        #[test]
        fn the_largest(case in case(Dtype::I8, Pooling::Max), wide in case(Dtype::I16, Pooling::Max)) {
            let largest = |min: i64| move |seen: &[i64]| seen.iter().copied().max().unwrap_or(min);
            prop_assert_eq!(run(&case), oracle(&case, largest(-128)));
            prop_assert_eq!(run(&wide), oracle(&wide, largest(-32768)));
        }

        #[test]
        fn the_mean(case in case(Dtype::I8, Pooling::Mean), wide in case(Dtype::I16, Pooling::Mean)) {
            for case in [&case, &wide] {
                let zero = i64::from(case.1.zero_point);
                let mean = |seen: &[i64]| {
                    let sum = seen.iter().map(|x| x - zero).sum();
                    requantize(sum, case.0.multiplier, &case.0.requantize).into()
                };
                prop_assert_eq!(run(case), oracle(case, mean));
            }
        }

        #[test]
        fn the_sum(case in case(Dtype::I8, Pooling::Sum), wide in case(Dtype::I16, Pooling::Sum)) {
            for case in [&case, &wide] {
                let zero = i64::from(case.1.zero_point);
                prop_assert_eq!(run(case), oracle(case, |seen| seen.iter().map(|x| x - zero).sum()));
            }
        }
    }
}
