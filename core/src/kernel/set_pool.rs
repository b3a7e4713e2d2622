//! Pooling over the elements of a set, as many as there are.
//!
//! Sums and the largest of several integers do not depend on the order in which they are taken. So what comes out is
//! the same, bit for bit, for every order of the elements.

use super::pool::{keep, keep_largest, keep_largest_byte};
use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Activation, Activations, ActivationsMut, view_mut};
use crate::format::Dtype;
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `x[planes, elements, channels] → y[planes, 1, channels]`, each channel by itself; `n` is the number of elements, at
/// most 2¹⁵ − 1 where they are summed.
///
/// A mean of integers with a multiplier of `2^shift` is the nearest integer to the exact mean. So where all elements
/// move by one and the same integer the mean moves by it, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SetPool {
    /// Input and output.
    pub operands: Operands,
    /// To the output's scale, for means and totals; the shift is at most 46 for means.
    pub requantize: Requantize,
    /// From the input's scale to the output's, for means and totals.
    pub multiplier: i32,
    /// A [`SetPooling`] as a number.
    pub pooling: u16,
    /// Zero.
    pub reserved: u16,
}

/// What is kept of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetPooling {
    /// `max x`, of the same type and scale.
    Max,
    /// `clamp(round(Σ (x − zero_point_x) · multiplier / (n · 2^shift)) + zero_point, min, max)`, of the same type,
    /// exactly, with one rounding, halves up.
    Mean,
    /// `Σ (x − zero_point_x)` in int32, exactly: what makes a pose.
    Sum,
    /// `requantize(Σ (x − zero_point_x))`, of the same type.
    Total,
}

impl SetPooling {
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
            3 => Some(Self::Total),
            _ => None,
        }
    }
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for SetPool {
    const KIND: u32 = 18;
    const NAME: &'static str = "set_pool";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        let pooling = SetPooling::of(self.pooling).ok_or(Fault::Quantization)?;
        let wanted = if pooling == SetPooling::Sum { Dtype::I32 } else { x.dtype };
        if x.dtype == Dtype::I32 || y.dtype != wanted {
            return Err(Fault::Operand);
        }
        let [planes, elements, channels] = x.shape;
        if y.shape != [planes, 1, channels] || elements == 0 || self.reserved != 0 {
            return Err(Fault::Shape);
        }
        // An element is at most 2¹⁶ − 1 from its zero point, so that 2¹⁵ − 1 of them fit 32 bits.
        if pooling != SetPooling::Max && elements >= 1 << 15 {
            return Err(Fault::Accumulator);
        }
        let fits = match pooling {
            SetPooling::Max => x.zero_point == y.zero_point,
            // Half a step for each element stays below 2⁶⁰.
            SetPooling::Mean => self.requantize.fits(y) && self.requantize.shift <= 46,
            SetPooling::Sum => y.zero_point == 0,
            SetPooling::Total => self.requantize.fits(y),
        };
        if fits { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        let (shape, zero) = (x.shape.map(usize::from), x.zero_point.into());
        let x = Activations::of(memory.input, x)?;
        let pooling = SetPooling::of(self.pooling)?;
        if pooling == SetPooling::Sum {
            let mut y = view_mut::<i32>(memory.output, y)?.iter_mut();
            return sums(x, shape, zero, &mut |sum| {
                *y.next()? = sum;
                Some(())
            });
        }
        let mut y = ActivationsMut::of(memory.output, y)?;
        if pooling == SetPooling::Max {
            return largest(x, shape, y);
        }
        let (elements, mut at) = (shape[1] as i32, 0usize);
        sums(x, shape, zero, &mut |sum| {
            let mean = pooling == SetPooling::Mean;
            y.set(at, if mean { self.mean(sum, elements)? } else { self.requantize.apply(sum, self.multiplier) });
            at = at.wrapping_add(1);
            Some(())
        })
    }
}

// ---- Reference ------------------------------------------------------------------------------------

/// The largest of every channel of every plane.
fn largest(x: Activations<'_>, [planes, elements, channels]: [usize; 3], mut y: ActivationsMut<'_>) -> Option<()> {
    y.fill(i16::MIN);
    let len = elements.wrapping_mul(channels);
    for plane in 0..planes {
        let seen = plane.wrapping_mul(len)..plane.wrapping_add(1).wrapping_mul(len);
        match (x, y.part(plane.wrapping_mul(channels), channels)?) {
            (Activations::I8(x), ActivationsMut::I8(y)) => keep(x, seen, y, keep_largest_byte),
            (Activations::I16(x), ActivationsMut::I16(y)) => keep(x, seen, y, keep_largest),
            _ => return None,
        }
    }
    Some(())
}

/// Hands the sum of every channel of every plane, with its zero points taken off, to `keep`, in the output's order.
fn sums(x: Activations<'_>, shape: [usize; 3], zero: i32, keep: &mut dyn FnMut(i32) -> Option<()>) -> Option<()> {
    let zeros = zero.wrapping_mul(shape[1] as i32);
    let keep = &mut |sum: i32| keep(sum.wrapping_sub(zeros));
    match x {
        Activations::I8(x) => sums_of(x, shape, keep),
        Activations::I16(x) => sums_of(x, shape, keep),
    }
}

/// Channels that are summed at once, while the elements are gone through in their order.
const BLOCK: usize = 8;

fn sums_of<X: Activation>(
    x: &[X],
    [planes, elements, channels]: [usize; 3],
    keep: &mut dyn FnMut(i32) -> Option<()>,
) -> Option<()> {
    let mut rest = x;
    for _ in 0..planes {
        let (plane, behind) = rest.split_at_checked(elements.wrapping_mul(channels))?;
        rest = behind;
        for first in (0..channels).step_by(BLOCK) {
            let len = BLOCK.min(channels.wrapping_sub(first));
            let mut sums = [0i32; BLOCK];
            let mut samples = plane.get(first..)?;
            while let Some(sample) = samples.get(..len) {
                for (sum, &x) in sums.iter_mut().zip(sample) {
                    let x: i32 = x.into();
                    *sum = sum.wrapping_add(x);
                }
                samples = samples.get(channels..).unwrap_or_default();
            }
            sums.iter().take(len).try_for_each(|&sum| keep(sum))?;
        }
    }
    Some(())
}

impl SetPool {
    /// `⌊((sum · multiplier + n · 2^(shift−1)) >> shift) / n⌋` is the nearest integer to the quotient, for flooring
    /// once behind flooring is flooring once.
    fn mean(&self, sum: i32, elements: i32) -> Option<i16> {
        let shift = u32::from(self.requantize.shift);
        let halves = i64::from(elements).wrapping_shl(shift.wrapping_sub(1));
        let scaled = (i64::from(sum) * i64::from(self.multiplier)).wrapping_add(halves).wrapping_shr(shift);
        // What does not fit 32 bits is 2¹⁶ and more where it is divided, which no output is.
        let scaled = scaled.max(i32::MIN.into()).min(i32::MAX.into()) as i32;
        let mean = scaled.checked_div_euclid(elements)?;
        Some(self.requantize.clamp(i64::from(mean) + i64::from(self.requantize.zero_point)))
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

    type Case = (SetPool, Tensor, Tensor, Vec<i16>);

    fn case(dtype: Dtype, pooling: SetPooling) -> impl Strategy<Value = Case> {
        let numbers = (any::<i8>(), any::<i8>(), prop_oneof![1i32..i32::MAX, -9i32..9], 1u16..=46);
        ([1u16..4, 1u16..9, 1u16..21], numbers).prop_flat_map(move |([planes, elements, channels], numbers)| {
            let (zero, output, multiplier, shift) = numbers;
            let output = if pooling == SetPooling::Max { zero } else { output };
            let (min, max) = dtype.range();
            let x = Tensor { zero_point: zero.into(), ..tensor(dtype, [planes, elements, channels]) };
            let y = match pooling {
                SetPooling::Sum => tensor(Dtype::I32, [planes, 1, channels]),
                _ => Tensor { zero_point: output.into(), ..tensor(dtype, [planes, 1, channels]) },
            };
            let requantize = Requantize { shift, zero_point: y.zero_point, min: min as i16, max: max as i16 };
            let operands = Operands::new(0, 1);
            let pool = SetPool { operands, requantize, multiplier, pooling: pooling.code(), reserved: 0 };
            values(dtype, &x).prop_map(move |input| (pool, x, y, input))
        })
    }

    fn run((pool, x, y, input): &Case) -> Vec<i32> {
        Bench { tensors: vec![*x, *y], blob: Vec::new() }.run_wide(&Operator::SetPool(*pool), [input, &[]])
    }

    /// What `choose` makes of the elements that each output sees.
    fn oracle((_, x, _, input): &Case, choose: impl Fn(&[i64]) -> i64) -> Vec<i32> {
        let [planes, elements, channels] = x.shape.map(usize::from);
        let outputs = (0..planes).flat_map(|p| (0..channels).map(move |c| (p, c)));
        outputs
            .map(|(p, c)| {
                let seen: Vec<i64> = (0..elements).map(|t| input[(p * elements + t) * channels + c].into()).collect();
                choose(&seen) as i32
            })
            .collect()
    }

    fn less_zero(case: &Case) -> impl Fn(&[i64]) -> i64 {
        let zero = i64::from(case.1.zero_point);
        move |seen| seen.iter().map(|x| x - zero).sum()
    }

    proptest! {
        #[test]
        fn the_largest(narrow in case(Dtype::I8, SetPooling::Max), wide in case(Dtype::I16, SetPooling::Max)) {
            for case in [&narrow, &wide] {
                prop_assert_eq!(run(case), oracle(case, |seen| *seen.iter().max().unwrap()));
            }
        }

        #[test]
        fn the_sum(narrow in case(Dtype::I8, SetPooling::Sum), wide in case(Dtype::I16, SetPooling::Sum)) {
            for case in [&narrow, &wide] {
                prop_assert_eq!(run(case), oracle(case, less_zero(case)));
            }
        }

        #[test]
        fn the_total(narrow in case(Dtype::I8, SetPooling::Total), wide in case(Dtype::I16, SetPooling::Total)) {
            for case in [&narrow, &wide] {
                let sum = less_zero(case);
                let total = |seen: &[i64]| requantize(sum(seen), case.0.multiplier, &case.0.requantize).into();
                prop_assert_eq!(run(case), oracle(case, total));
            }
        }

        /// The exact quotient, rounded once.
        #[test]
        fn the_mean(narrow in case(Dtype::I8, SetPooling::Mean), wide in case(Dtype::I16, SetPooling::Mean)) {
            for case in [&narrow, &wide] {
                let (Requantize { shift, zero_point, min, max }, sum) = (case.0.requantize, less_zero(case));
                let mean = |seen: &[i64]| {
                    let step = (seen.len() as i128) << shift;
                    let exact = i128::from(sum(seen)) * i128::from(case.0.multiplier);
                    let nearest = (2 * exact + step).div_euclid(2 * step) + i128::from(zero_point);
                    nearest.clamp(min.into(), max.into()) as i64
                };
                prop_assert_eq!(run(case), oracle(case, mean));
            }
        }

        /// At a multiplier of one, and whatever the number of elements.
        #[test]
        fn the_mean_moves_with_the_elements(x in prop::collection::vec(-9000i16..9000, 1..40), by in -9000i16..9000) {
            let shape = [1, x.len() as u16, 1];
            let requantize = Requantize { shift: 30, zero_point: 0, min: i16::MIN, max: i16::MAX };
            let operands = Operands::new(0, 1);
            let pooling = SetPooling::Mean.code();
            let pool = SetPool { operands, requantize, multiplier: 1 << 30, pooling, reserved: 0 };
            let mean = |x: Vec<i16>| run(&(pool, tensor(Dtype::I16, shape), tensor(Dtype::I16, [1; 3]), x))[0];
            let moved = x.iter().map(|x| x + by).collect();
            prop_assert_eq!(mean(moved), mean(x) + i32::from(by));
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let refused = |pooling: SetPooling, change: fn(&mut SetPool, &mut Bench)| {
            let requantize = Requantize { shift: 46, zero_point: 3, min: -128, max: 127 };
            let operands = Operands::new(0, 1);
            let mut pool = SetPool { operands, requantize, multiplier: 1, pooling: pooling.code(), reserved: 0 };
            let output = if pooling == SetPooling::Sum { Dtype::I32 } else { Dtype::I8 };
            let mut bench =
                Bench { tensors: vec![tensor(Dtype::I8, [3, 5, 2]), tensor(output, [3, 1, 2])], blob: vec![] };
            let zero_point = if pooling == SetPooling::Sum { 0 } else { 3 };
            bench.tensors[1].zero_point = zero_point;
            bench.tensors[0].zero_point = 3;
            change(&mut pool, &mut bench);
            bench.check(&Operator::SetPool(pool)).err()
        };
        for pooling in [SetPooling::Max, SetPooling::Mean, SetPooling::Sum, SetPooling::Total] {
            assert_eq!(refused(pooling, |_, _| {}), None);
            assert_eq!(refused(pooling, |pool, _| pool.pooling = 4), Some(Fault::Quantization));
            assert_eq!(refused(pooling, |pool, _| pool.reserved = 1), Some(Fault::Shape));
            assert_eq!(refused(pooling, |_, bench| bench.tensors[0].dtype = Dtype::I32), Some(Fault::Operand));
            assert_eq!(refused(pooling, |_, bench| bench.tensors[1].dtype = Dtype::I16), Some(Fault::Operand));
            assert_eq!(refused(pooling, |_, bench| bench.tensors[1].shape[1] = 2), Some(Fault::Shape));
            assert_eq!(refused(pooling, |_, bench| bench.tensors[1].shape[2] = 3), Some(Fault::Shape));
            assert_eq!(refused(pooling, |_, bench| bench.tensors[1].zero_point = 1), Some(Fault::Quantization));
            let many = refused(pooling, |_, bench| bench.tensors[0].shape[1] = 1 << 15);
            assert_eq!(many, (pooling != SetPooling::Max).then_some(Fault::Accumulator));
        }
        assert_eq!(refused(SetPooling::Mean, |pool, _| pool.requantize.shift = 47), Some(Fault::Quantization));
        assert_eq!(refused(SetPooling::Total, |pool, _| pool.requantize.shift = 63), Some(Fault::Quantization));
    }
}
