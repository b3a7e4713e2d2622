//! Sums and products of two tensors, element by element.

use super::{Cost, Fault, Memory, Operands, Record, Site, pairs};
use crate::arena::{Activation, view, view_mut};
use crate::format::{Dtype, Tensor};
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y = clamp(((a − zero_a) · m_a + (b − zero_b) · m_b + 2^(shift−1)) >> shift + zero_point)`, rounded once.
///
/// All three are int8, or all three int16. `a` and `y` have the same shape; `b` has it too, or has ones
/// for the first of its sizes and is repeated there: a bias for each channel is `[1, 1, channels]`.
///
/// The shift is 1 to 30. For int8 the sum, with rounding and zero point, must fit 32 bits whatever the
/// elements are; multipliers of 2²¹ and a shift of 21 always do. For int16 it takes 64 bits, for 32 would leave
/// multipliers of 14 bits: a negative multiplier subtracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Add {
    /// The two inputs and the output.
    pub operands: Operands,
    /// To the output's scale; the shift is that of the multipliers.
    pub requantize: Requantize,
    /// From each input's scale to the output's.
    pub multipliers: [i32; 2],
}

/// `y = requantize((a − zero_a) · (b − zero_b))`, with the types and shapes of [`Add`].
///
/// The shift is at least 33. For int16 the product must fit 32 bits, as it does where the zero points
/// are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Mul {
    /// The two inputs and the output.
    pub operands: Operands,
    /// To the output's scale.
    pub requantize: Requantize,
    /// From the product of the inputs' scales to the output's.
    pub multiplier: i32,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Add {
    const KIND: u32 = 7;
    const NAME: &'static str = "add";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        check_operands(site)?;
        self.check_sums(site)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.output.dtype {
            Dtype::I8 => each::<i8>(site, memory, self.of_bytes(site)),
            _ => each::<i16>(site, memory, self.of_words(site)),
        }
    }
}

impl Add {
    /// Proves that no sum of two elements overflows.
    pub(super) fn check_sums(&self, site: &Site<'_>) -> Result<u32, Fault> {
        if !self.requantize.fits(site.output) || self.requantize.shift > 30 {
            return Err(Fault::Quantization);
        }
        // No more than 2·2⁴⁸ + 2⁴⁶: whatever the sum, 64 bits hold it.
        let (a, b, [m, n]) = (site.input, site.other, self.multipliers.map(i64::from));
        let bound = m.abs() * largest(a) + n.abs() * largest(b) + self.addend().abs();
        let needed = if site.output.dtype == Dtype::I8 { bound } else { bound >> self.requantize.shift };
        if needed <= i32::MAX.into() { Ok(0) } else { Err(Fault::Accumulator) }
    }

    /// The sum of two elements of 8 bits, as the output has it.
    #[inline]
    pub(super) fn of_bytes(&self, site: &Site<'_>) -> impl Fn(i32, i32) -> i32 + use<> {
        let (offset, shift) = (self.offset(site) as i32, u32::from(self.requantize.shift) & 31);
        let (min, max, [m, n]) = (self.requantize.min.into(), self.requantize.max.into(), self.multipliers);
        // The sum fits; what it passes through on its way need not, and wraps.
        move |a, b| {
            let sum = offset.wrapping_add(a.wrapping_mul(m)).wrapping_add(b.wrapping_mul(n));
            (sum >> shift).max(min).min(max)
        }
    }

    /// The same of 16 bits.
    #[inline]
    pub(super) fn of_words(&self, site: &Site<'_>) -> impl Fn(i32, i32) -> i32 + use<> {
        let (offset, shift) = (self.offset(site), u32::from(self.requantize.shift) & 31);
        let (min, max, [m, n]) = (self.requantize.min.into(), self.requantize.max.into(), self.multipliers);
        move |a, b| {
            let sum = offset + i64::from(a) * i64::from(m) + i64::from(b) * i64::from(n);
            shifted(sum, shift).max(min).min(max)
        }
    }

    /// The zero points of both inputs are multiplied and taken off once for all.
    fn offset(&self, site: &Site<'_>) -> i64 {
        let ([m, n], p, q) = (self.multipliers, site.input.zero_point, site.other.zero_point);
        self.addend() - (i64::from(p) * i64::from(m) + i64::from(q) * i64::from(n))
    }

    /// What is added before the shift: half a step, and the zero point.
    fn addend(&self) -> i64 {
        let shift = u32::from(self.requantize.shift) & 31;
        ((1 << shift) >> 1) + (i64::from(self.requantize.zero_point) << shift)
    }
}

impl Record for Mul {
    const KIND: u32 = 8;
    const NAME: &'static str = "mul";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        check_operands(site)?;
        if !self.requantize.fits(site.output) || self.requantize.rescale().is_none() {
            return Err(Fault::Quantization);
        }
        let (a, b) = (site.input, site.other);
        if largest(a) * largest(b) <= i32::MAX.into() { Ok(0) } else { Err(Fault::Accumulator) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let (a, b) = (site.input, site.other);
        let (p, q) = (i32::from(a.zero_point), i32::from(b.zero_point));
        let (rescale, multiplier) = (self.requantize.rescale_checked(), self.multiplier);
        let product = |a: i32, b: i32| rescale.apply((a - p).wrapping_mul(b - q), multiplier).into();
        match site.output.dtype {
            Dtype::I8 => each::<i8>(site, memory, product),
            _ => each::<i16>(site, memory, product),
        }
    }
}

/// `sum >> shift` where it fits 32 bits, for shifts from 1 to 31.
#[inline]
fn shifted(sum: i64, shift: u32) -> i32 {
    ((sum >> 32) as i32).wrapping_shl(32 - shift) | (sum as u32).wrapping_shr(shift) as i32
}

/// Proves that there are as many elements as [`each`] needs.
fn check_operands(site: &Site<'_>) -> Result<(), Fault> {
    let Site { input: a, other: b, output: y, .. } = site;
    if a.dtype != y.dtype || b.dtype != y.dtype || y.dtype == Dtype::I32 {
        return Err(Fault::Operand);
    }
    let repeated = |from: usize| {
        let mut sizes = b.shape.iter().zip(&y.shape).enumerate();
        sizes.all(|(axis, (b, y))| if axis < from { *b == 1 } else { b == y })
    };
    if a.shape == y.shape && (0..=b.shape.len()).any(repeated) { Ok(()) } else { Err(Fault::Shape) }
}

/// The furthest that an element can be from the zero point.
pub(super) fn largest(x: &Tensor) -> i64 {
    let ((min, max), zero) = (x.dtype.range(), i64::from(x.zero_point));
    (zero - i64::from(min)).max(i64::from(max) - zero)
}

// ---- Reference ------------------------------------------------------------------------------------

/// `y = f(a, b)` for every element; `b` starts again where it ends.
#[inline]
fn each<X: Activation>(site: &Site<'_>, memory: Memory<'_>, f: impl Fn(i32, i32) -> i32) -> Option<()> {
    let (a, b) = (memory.input, memory.other);
    let (of_a, of_b) = (site.input, site.other);
    let (a, b) = (view::<X>(a, of_a)?, view::<X>(b, of_b)?);
    let y = view_mut::<X>(memory.output, site.output)?;
    for (a, y) in pairs(a.chunks(b.len().max(1)), y.chunks_mut(b.len().max(1))) {
        for ((&a, &b), y) in a.iter().zip(b).zip(y) {
            *y = X::from_i16(f(a.into(), b.into()) as i16);
        }
    }
    Some(())
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Bench, tensor};
    use super::*;
    use crate::format::NONE;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    /// Inputs, output, and elements for both inputs; with `zeros`, any zero points.
    fn case(dtype: Dtype, zeros: bool) -> impl Strategy<Value = (Bench, Vec<i16>, Vec<i16>)> {
        let (min, max) = (dtype.range().0 as i16, dtype.range().1 as i16);
        let zero = move || prop_oneof![2 => Just(0), u32::from(zeros) => min..=max, u32::from(zeros) => Just(min)];
        ([1u16..5, 1u16..5, 1u16..9], 0usize..=3, [zero().boxed(), zero().boxed(), zero().boxed()]).prop_flat_map(
            move |(shape, from, zeros)| {
                let part = [0, 1, 2].map(|axis| if axis < from { 1 } else { shape[axis] });
                let element = move || prop_oneof![8 => min..=max, 1 => Just(min), 1 => Just(max)];
                let elements = |shape: [u16; 3]| {
                    prop::collection::vec(element(), shape.map(usize::from).iter().product::<usize>())
                };
                (elements(shape), elements(part)).prop_map(move |(a, b)| {
                    let shapes = [shape, part, shape];
                    let tensors = [0, 1, 2].map(|i| Tensor { zero_point: zeros[i], ..tensor(dtype, shapes[i]) });
                    (Bench { tensors: tensors.to_vec(), blob: Vec::new() }, a, b)
                })
            },
        )
    }

    const OPERANDS: Operands = Operands { inputs: [0, 1], output: 2, scratch: NONE };

    fn to(y: &Tensor, shift: u16) -> Requantize {
        let (min, max) = y.dtype.range();
        Requantize { shift, zero_point: y.zero_point, min: min as i16, max: max as i16 }
    }

    /// The elements less their zero points, one pair for each output.
    fn apart(bench: &Bench, a: &[i16], b: &[i16]) -> Vec<[i64; 2]> {
        let [p, q] = [0, 1].map(|i| i64::from(bench.tensors[i].zero_point));
        a.iter().enumerate().map(|(i, &a)| [i64::from(a) - p, i64::from(b[i % b.len()]) - q]).collect()
    }

    fn sums_equal_the_oracle((bench, a, b): (Bench, Vec<i16>, Vec<i16>), multipliers: [i32; 2], shift: u16, cut: i16) {
        let requantize = to(&bench.tensors[2], shift);
        let requantize = Requantize { min: requantize.min + cut, max: requantize.max - cut, ..requantize };
        let add = Operator::Add(Add { operands: OPERANDS, requantize, multipliers });
        if bench.check(&add).is_err() {
            return;
        }
        let expected: Vec<i16> = apart(&bench, &a, &b)
            .into_iter()
            .map(|[a, b]| {
                let exact = i128::from(a) * i128::from(multipliers[0]) + i128::from(b) * i128::from(multipliers[1]);
                testing::requantize(exact as i64, 1, &requantize)
            })
            .collect();
        assert_eq!(bench.run_on(&add, [&a, &b]), expected);
    }

    proptest! {
        #[test]
        fn sums_of_features(case in case(Dtype::I8, true), m in -1i32 << 22..1 << 22, n in -1i32 << 22..1 << 22, shift in 1u16..=22, cut in 0i16..50) {
            sums_equal_the_oracle(case, [m, n], shift, cut);
        }

        #[test]
        fn sums_of_sixteen_bits(case in case(Dtype::I16, true), m: i32, n: i32, shift in 16u16..=30, cut in 0i16..50) {
            sums_equal_the_oracle(case, [m, n], shift, cut);
        }

        #[test]
        fn every_typical_sum_of_features_is_taken((bench, ..) in case(Dtype::I8, true), m in 0i32..=1 << 21, n in 0i32..=1 << 21) {
            let add = Add { operands: OPERANDS, requantize: to(&bench.tensors[2], 21), multipliers: [m, n] };
            prop_assert_eq!(bench.check(&Operator::Add(add)), Ok(0));
        }

        #[test]
        fn products(
            narrow in case(Dtype::I8, true),
            wide in case(Dtype::I16, false),
            multiplier: i32,
            shift in 33u16..46,
        ) {
            for (mut bench, a, b) in [narrow, wide] {
                // Room for the zero point behind the shift.
                bench.tensors[2].zero_point = bench.tensors[2].zero_point.clamp(-128, 127);
                let requantize = to(&bench.tensors[2], shift);
                let mul = Operator::Mul(Mul { operands: OPERANDS, requantize, multiplier });
                let products = apart(&bench, &a, &b).into_iter();
                let expected: Vec<i16> =
                    products.map(|[a, b]| testing::requantize(a * b, multiplier, &requantize)).collect();
                prop_assert_eq!(bench.run_on(&mul, [&a, &b]), expected);
            }
        }
    }

    /// What is wrong with both operators' operands once they are changed.
    fn faults(change: fn(&mut Operands, &mut Bench)) -> [Option<Fault>; 2] {
        let mut bench = Bench { tensors: vec![tensor(Dtype::I8, [2, 3, 4]); 3], blob: Vec::new() };
        let mut operands = OPERANDS;
        change(&mut operands, &mut bench);
        let add = Add { operands, requantize: to(&bench.tensors[2], 20), multipliers: [1 << 20; 2] };
        let mul = Mul { operands, requantize: to(&bench.tensors[2], 40), multiplier: 1 << 30 };
        [Operator::Add(add), Operator::Mul(mul)].map(|operator| bench.check(&operator).err())
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(faults(|_, _| {}), [None; 2]);
        for shape in [[1, 3, 4], [1, 1, 4], [1, 1, 1]] {
            let mut bench = Bench { tensors: vec![tensor(Dtype::I8, [2, 3, 4]); 3], blob: Vec::new() };
            bench.tensors[1].shape = shape;
            let mul = Mul { operands: OPERANDS, requantize: to(&bench.tensors[2], 40), multiplier: 1 };
            assert_eq!(bench.check(&Operator::Mul(mul)), Ok(0));
        }
        let (operand, shape) = ([Some(Fault::Operand); 2], [Some(Fault::Shape); 2]);
        assert_eq!(faults(|_, bench| bench.tensors[0].dtype = Dtype::I16), operand);
        assert_eq!(faults(|_, bench| bench.tensors[1].dtype = Dtype::I16), operand);
        assert_eq!(faults(|_, bench| bench.tensors.iter_mut().for_each(|x| x.dtype = Dtype::I32)), operand);
        assert_eq!(faults(|_, bench| bench.tensors[0].shape = [1, 3, 4]), shape);
        assert_eq!(faults(|_, bench| bench.tensors[1].shape = [2, 1, 4]), shape);
        assert_eq!(faults(|_, bench| bench.tensors[1].shape = [2, 3, 1]), shape);
        assert_eq!(faults(|_, bench| bench.tensors[1].shape = [1, 1, 2]), shape);
        assert_eq!(faults(|operands, _| operands.inputs = [0, NONE]), shape);
        assert_eq!(faults(|operands, _| operands.inputs = [NONE, 1]), shape);
    }

    #[test]
    fn sums_that_overflow_are_refused() {
        let check = |dtype: Dtype, zero: i16, shift: u16, multipliers: [i32; 2]| {
            let bench = Bench { tensors: vec![tensor(dtype, [1, 1, 1]); 3], blob: Vec::new() };
            let mut add = Add { operands: OPERANDS, requantize: to(&bench.tensors[2], shift), multipliers };
            add.requantize.zero_point = zero;
            bench.check(&Operator::Add(add))
        };
        assert_eq!(check(Dtype::I8, 1, 20, [1; 2]), Err(Fault::Quantization));
        assert_eq!(check(Dtype::I8, 0, 31, [1; 2]), Err(Fault::Quantization));
        assert_eq!(check(Dtype::I8, 0, 0, [1; 2]), Err(Fault::Quantization));
        // 128 · 2²³ = 2³⁰ for each, and a half.
        assert_eq!(check(Dtype::I8, 0, 1, [1 << 23, (1 << 23) - 1]), Ok(0));
        assert_eq!(check(Dtype::I8, 0, 1, [1 << 23, 1 << 23]), Err(Fault::Accumulator));
        assert_eq!(check(Dtype::I8, 0, 1, [-1 << 23, 1 << 23]), Err(Fault::Accumulator));
        assert_eq!(check(Dtype::I8, 0, 9, [1 << 23, (1 << 23) - 1]), Err(Fault::Accumulator));
        assert_eq!(check(Dtype::I16, 0, 30, [i32::MIN; 2]), Ok(0));
        assert_eq!(check(Dtype::I16, 0, 15, [i32::MIN, 0]), Err(Fault::Accumulator));
    }

    #[test]
    fn products_that_overflow_are_refused() {
        let check = |zeros: [i16; 2], shift: u16| {
            let mut bench = Bench { tensors: vec![tensor(Dtype::I16, [1, 1, 1]); 3], blob: Vec::new() };
            (bench.tensors[0].zero_point, bench.tensors[1].zero_point) = (zeros[0], zeros[1]);
            let mul = Mul { operands: OPERANDS, requantize: to(&bench.tensors[2], shift), multiplier: 1 };
            bench.check(&Operator::Mul(mul))
        };
        assert_eq!(check([0, 0], 33), Ok(0));
        assert_eq!(check([0, 0], 32), Err(Fault::Quantization));
        assert_eq!(check([0, 32767], 33), Ok(0));
        assert_eq!(check([1, 32767], 33), Err(Fault::Accumulator));
    }
}
