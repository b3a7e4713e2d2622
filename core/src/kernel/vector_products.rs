//! Products of vectors: one that turning the sensor does not change, and one that turns with it.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Activation, view, view_mut};
use crate::format::{Dtype, NONE, Tensor};
use crate::quant::{Requantize, Rescale};
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[0, t, c] = clamp(((Σ_p a[p, t, c] · b[p, t, c] · multiplier + 2^(shift−1)) >> shift) + zero_point)`,
/// from two tensors of vectors `i16[3, length, channels]` to int8 or int16 `[1, length, channels]`.
///
/// The sum is exact, and it and its multiple are rounded but once: the sum of three products of 16 bits is
/// no larger than 3 · 2³⁰, and the multiplier no larger than 2³⁰, so that 64 bits hold all of it. The shift is
/// at least 33.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct InnerProduct {
    /// The two inputs and the output. Without a second input, [`NONE`], the vectors are multiplied by
    /// themselves: their squared lengths.
    pub operands: Operands,
    /// To the output's scale.
    pub requantize: Requantize,
    /// From the product of the inputs' scales to the output's.
    pub multiplier: i32,
}

/// `y[·, t, c] = round(a[·, t, c] × b[·, t, c] · multiplier / 2^shift)`, saturated at ±32,767: vectors
/// `i16[3, length, channels]`, all three.
///
/// This is the one rounding that takes halves **away from zero**. A quarter turn negates components, and
/// halves up would take 1/2 to 1 but −1/2 to 0: with halves away from zero a turn of the inputs by
/// quarters turns the output exactly, element for element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CrossProduct {
    /// The two inputs and the output.
    pub operands: Operands,
    /// From the product of the inputs' scales to the output's, not negative.
    pub multiplier: i32,
    /// 33 to 61.
    pub shift: u16,
    /// Zero.
    pub reserved: u16,
}

// ---- Check ----------------------------------------------------------------------------------------

/// The largest multiplier of inner products: the high word of the multiple is then no larger than 3 · 2²⁸.
const MAX_MULTIPLIER: u32 = 1 << 30;

impl Record for InnerProduct {
    const KIND: u32 = 11;
    const NAME: &'static str = "inner_product";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: a, other: b, output: y, .. } = site;
        let b = if self.operands.inputs[1] == NONE { a } else { b };
        if !are_vectors(a) || !are_vectors(b) || y.dtype == Dtype::I32 {
            return Err(Fault::Operand);
        }
        let [_, length, channels] = a.shape;
        if a.shape != b.shape || y.shape != [1, length, channels] {
            return Err(Fault::Shape);
        }
        let scaled = self.requantize.rescale().is_some() && self.multiplier.unsigned_abs() <= MAX_MULTIPLIER;
        if scaled && self.requantize.fits(y) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.output.dtype {
            Dtype::I8 => self.products::<i8>(site, memory),
            _ => self.products::<i16>(site, memory),
        }
    }
}

impl Record for CrossProduct {
    const KIND: u32 = 12;
    const NAME: &'static str = "cross_product";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: a, other: b, output: y, .. } = site;
        if ![*a, *b, *y].into_iter().all(are_vectors) {
            return Err(Fault::Operand);
        }
        if a.shape != y.shape || b.shape != y.shape {
            return Err(Fault::Shape);
        }
        let scaled = (33..=61).contains(&self.shift) && self.multiplier >= 0;
        if scaled && self.reserved == 0 { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let (a, b, of_a, of_b) = (memory.input, memory.other, site.input, site.other);
        let ([ax, ay, az], [bx, by, bz]) = (planes(a, of_a)?, planes(b, of_b)?);
        let (x, rest) = view_mut::<i16>(memory.output, site.output)?.split_at_mut_checked(ax.len())?;
        let (y, z) = rest.split_at_mut_checked(ax.len())?;
        self.component([ay, az], [by, bz], x);
        self.component([az, ax], [bz, bx], y);
        self.component([ax, ay], [bx, by], z);
        Some(())
    }
}

/// Vectors have no other zero than 0.
fn are_vectors(x: &Tensor) -> bool {
    (x.dtype, x.shape[0], x.zero_point) == (Dtype::I16, 3, 0)
}

/// All x, all y, and all z.
fn planes<'a>(words: &'a [u32], x: &Tensor) -> Option<[&'a [i16]; 3]> {
    let all = view::<i16>(words, x)?;
    let (x, rest) = all.split_at_checked(all.len() / 3)?;
    let (y, z) = rest.split_at_checked(x.len())?;
    Some([x, y, z])
}

// ---- Reference ------------------------------------------------------------------------------------

impl InnerProduct {
    fn products<Y: Activation>(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let (a, b) = (memory.input, memory.other);
        let a = planes(a, site.input)?;
        let b = if self.operands.inputs[1] == NONE { a } else { planes(b, site.other)? };
        let (rescale, y) = (self.requantize.rescale_checked(), view_mut::<Y>(memory.output, site.output)?);
        let ([ax, ay, az], [bx, by, bz]) = (a, b);
        let pairs = ax.iter().zip(bx).zip(ay.iter().zip(by)).zip(az.iter().zip(bz));
        for (y, (((ax, bx), (ay, by)), (az, bz))) in y.iter_mut().zip(pairs) {
            *y = Y::from_i16(self.product([*ax, *ay, *az], [*bx, *by, *bz], &rescale));
        }
        Some(())
    }

    fn product(&self, [ax, ay, az]: [i16; 3], [bx, by, bz]: [i16; 3], rescale: &Rescale) -> i16 {
        let product = |a: i16, b: i16| i64::from(i32::from(a) * i32::from(b));
        let sum = product(ax, bx) + product(ay, by) + product(az, bz);
        rescale.finish((sum.wrapping_mul(self.multiplier.into()) >> 32) as i32)
    }
}

impl CrossProduct {
    /// `y = a[0] · b[1] − a[1] · b[0]`, rounded.
    fn component(&self, [aq, ar]: [&[i16]; 2], [bq, br]: [&[i16]; 2], y: &mut [i16]) {
        let pairs = aq.iter().zip(br).zip(ar.iter().zip(bq));
        for (y, ((&aq, &br), (&ar, &bq))) in y.iter_mut().zip(pairs) {
            // No further from 0 than 2³¹ − 2¹⁵: the two products lie between −2³⁰ + 2¹⁵ and 2³⁰.
            let exact = i32::from(aq) * i32::from(br) - i32::from(ar) * i32::from(bq);
            *y = self.rounded(exact);
        }
    }

    fn rounded(&self, exact: i32) -> i16 {
        // A shift of at least 33 takes nothing of the low word, as in `Rescale`.
        let shift = u32::from(self.shift).wrapping_sub(32) & 31;
        let high = ((u64::from(exact.unsigned_abs()) * u64::from(self.multiplier as u32)) >> 32) as u32;
        let size = (high.wrapping_add((1 << shift) >> 1) >> shift).min(i16::MAX as u32) as i16;
        if exact < 0 { -size } else { size }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor};
    use super::*;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const OPERANDS: Operands = Operands { inputs: [0, 1], output: 2, scratch: NONE };

    /// Length and channels, and vectors for two tensors: planes x, y and z, elements from `min`.
    fn vectors(min: i16) -> impl Strategy<Value = ([u16; 2], [Vec<i16>; 2])> {
        let element = move || prop_oneof![8 => min..=i16::MAX, 1 => Just(min), 1 => Just(i16::MAX), 1 => -9i16..9];
        [1u16..6, 1u16..6].prop_flat_map(move |[length, channels]| {
            let plane = usize::from(length * channels);
            let all = move || prop::collection::vec(element(), 3 * plane);
            (Just([length, channels]), [all(), all()])
        })
    }

    fn bench(y: Dtype, planes: u16, [length, channels]: [u16; 2]) -> Bench {
        let vectors = tensor(Dtype::I16, [3, length, channels]);
        Bench { tensors: vec![vectors, vectors, tensor(y, [planes, length, channels])], blob: Vec::new() }
    }

    proptest! {
        #[test]
        fn inner_products(
            (size, [a, b]) in vectors(i16::MIN),
            multiplier in -1i32 << 30..=1 << 30,
            shift in 33u16..=61,
            zero_point in -128i16..=127,
            wide: bool,
            squares: bool,
        ) {
            let dtype = if wide { Dtype::I16 } else { Dtype::I8 };
            let (min, max) = dtype.range();
            let zero_point = if shift < 50 { zero_point } else { 0 };
            let scaled = Requantize { shift, zero_point, min: min as i16, max: max as i16 };
            let mut bench = bench(dtype, 1, size);
            bench.tensors[2].zero_point = zero_point;
            let operands = if squares { Operands::new(0, 2) } else { OPERANDS };
            let inner = Operator::InnerProduct(InnerProduct { operands, requantize: scaled, multiplier });
            let (b, given): (_, &[i16]) = if squares { (&a, &[]) } else { (&b, &b) };
            let plane = a.len() / 3;
            let expected: Vec<i16> = (0..plane)
                .map(|i| {
                    let sum = (i..a.len()).step_by(plane).map(|k| i64::from(a[k]) * i64::from(b[k])).sum();
                    requantize(sum, multiplier, &scaled)
                })
                .collect();
            prop_assert_eq!(bench.run_on(&inner, [&a, given]), expected);
        }

        #[test]
        fn cross_products((size, [a, b]) in vectors(i16::MIN), multiplier in 0i32..=i32::MAX, shift in 33u16..=61) {
            let plane = a.len() / 3;
            let y = crossed(size, [&a, &b], multiplier, shift);
            for (k, &y) in y.iter().enumerate() {
                let at = |x: &[i16], turn: usize| i128::from(x[(k + turn * plane) % a.len()]);
                let exact = (at(&a, 1) * at(&b, 2) - at(&a, 2) * at(&b, 1)) * i128::from(multiplier);
                // Nearest, and halves away from zero: |y| − ½ ≤ |exact| < |y| + ½.
                let rounded = (2 * exact.abs() + (1 << shift)) / (2 << shift);
                prop_assert_eq!(i128::from(y), exact.signum() * rounded.min(32767));
            }
        }

        /// The 24 turns by quarters permute and negate components; what is crossed before and after is the
        /// same, to the last bit. Halves are common here, as the multiplier is a power of two.
        #[test]
        fn quarter_turns_turn_cross_products_exactly(
            (size, [a, b]) in vectors(-i16::MAX),
            multiplier in prop_oneof![Just(1i32 << 30), 1i32..=i32::MAX],
            shift in 33u16..48,
        ) {
            let y = crossed(size, [&a, &b], multiplier, shift);
            for turn in turns() {
                let [a, b] = [&a, &b].map(|x| turned(&turn, x));
                prop_assert_eq!(crossed(size, [&a, &b], multiplier, shift), turned(&turn, &y));
            }
        }
    }

    fn crossed(size: [u16; 2], [a, b]: [&[i16]; 2], multiplier: i32, shift: u16) -> Vec<i16> {
        let cross = CrossProduct { operands: OPERANDS, multiplier, shift, reserved: 0 };
        bench(Dtype::I16, 3, size).run_on(&Operator::CrossProduct(cross), [a, b])
    }

    /// For each component of the result, which one it is and with which sign.
    fn turns() -> Vec<[(usize, i16); 3]> {
        let mut all = Vec::new();
        for [p, q, r] in [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]] {
            for signs in 0..8 {
                let sign = |bit: i32| if signs >> bit & 1 == 1 { -1 } else { 1 };
                let even = (p + 1) % 3 == q;
                let determinant = sign(0) * sign(1) * sign(2) * if even { 1 } else { -1 };
                if determinant == 1 {
                    all.push([(p, sign(0)), (q, sign(1)), (r, sign(2))]);
                }
            }
        }
        assert_eq!(all.len(), 24);
        all
    }

    fn turned(turn: &[(usize, i16); 3], x: &[i16]) -> Vec<i16> {
        let plane = x.len() / 3;
        turn.iter().flat_map(|&(k, sign)| x[k * plane..][..plane].iter().map(move |x| sign * x)).collect()
    }

    #[test]
    fn inner_products_that_cannot_run_are_refused() {
        let refused = |change: fn(&mut InnerProduct, &mut Bench)| {
            let requantize = Requantize { shift: 40, zero_point: 3, min: -128, max: 127 };
            let mut inner = InnerProduct { operands: OPERANDS, requantize, multiplier: 1 << 30 };
            let mut bench = bench(Dtype::I8, 1, [4, 5]);
            bench.tensors[2].zero_point = 3;
            change(&mut inner, &mut bench);
            bench.check(&Operator::InnerProduct(inner)).err()
        };
        assert_eq!(refused(|_, _| {}), None);
        assert_eq!(refused(|inner, _| inner.operands = Operands::new(0, 2)), None);
        assert_eq!(refused(|inner, _| inner.operands = Operands::new(NONE, 2)), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[0].dtype = Dtype::I8), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].dtype = Dtype::I8), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[2].dtype = Dtype::I32), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].zero_point = 1), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[0].shape[0] = 1), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[1] = 3), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[2].shape[0] = 3), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[2].shape[2] = 4), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[2].zero_point = 0), Some(Fault::Quantization));
        assert_eq!(refused(|inner, _| inner.requantize.shift = 32), Some(Fault::Quantization));
        assert_eq!(refused(|inner, _| inner.multiplier += 1), Some(Fault::Quantization));
        assert_eq!(refused(|inner, _| inner.multiplier = i32::MIN), Some(Fault::Quantization));
    }

    #[test]
    fn cross_products_that_cannot_run_are_refused() {
        let refused = |change: fn(&mut CrossProduct, &mut Bench)| {
            let mut cross = CrossProduct { operands: OPERANDS, multiplier: i32::MAX, shift: 40, reserved: 0 };
            let mut bench = bench(Dtype::I16, 3, [4, 5]);
            change(&mut cross, &mut bench);
            bench.check(&Operator::CrossProduct(cross)).err()
        };
        assert_eq!(refused(|_, _| {}), None);
        assert_eq!(refused(|cross, _| cross.operands.inputs[0] = NONE), Some(Fault::Operand));
        assert_eq!(refused(|cross, _| cross.operands.inputs[1] = NONE), Some(Fault::Operand));
        for tensor in 0..3 {
            let mut bench = bench(Dtype::I16, 3, [4, 5]);
            bench.tensors[tensor].dtype = Dtype::I32;
            let cross = CrossProduct { operands: OPERANDS, multiplier: 1, shift: 40, reserved: 0 };
            assert_eq!(bench.check(&Operator::CrossProduct(cross)), Err(Fault::Operand));
        }
        assert_eq!(refused(|_, bench| bench.tensors[2].zero_point = 1), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[2].shape[0] = 1), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[0].shape[1] = 3), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[2] = 3), Some(Fault::Shape));
        assert_eq!(refused(|cross, _| cross.shift = 32), Some(Fault::Quantization));
        assert_eq!(refused(|cross, _| cross.shift = 63), Some(Fault::Quantization));
        assert_eq!(refused(|cross, _| cross.multiplier = -1), Some(Fault::Quantization));
        assert_eq!(refused(|cross, _| cross.reserved = 1), Some(Fault::Quantization));
    }
}
