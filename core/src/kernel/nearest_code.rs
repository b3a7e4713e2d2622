//! How near the input is to each of several codes.

use super::{Cost, Fault, Memory, Operands, Record, Site, constants, pairs};
use crate::arena::{view, view_mut};
use crate::format::Dtype;
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[0, 0, k] = requantize(−Σ_i (x[i] − code[k, i])²)`, int8 → `i8[1, 1, codes]`: the larger, the nearer.
///
/// The input's elements are read in their order whatever its shape; there are at most 33,025 of them, so
/// that the sum fits 32 bits. The codes have the input's scale and its zero point, which therefore
/// cancels, and `multiplier / 2^shift` is the square of that scale divided by the output's. No distance
/// is below zero, so that a zero point of 127 wastes nothing.
///
/// With a code for each class these are logits: those of Snell et al., *Prototypical Networks for Few-shot
/// Learning*, 2017. It is also how a point is given one of the classes of an encoder that separates class
/// from pose: Feige, *Invariant-equivariant representation learning for multi-class data* (EquiVAE), 2019;
/// Marchetti et al., *Equivariant Representation Learning via Class-Pose Decomposition*, 2023.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct NearestCode {
    /// Input and output.
    pub operands: Operands,
    /// To the output's scale.
    pub requantize: Requantize,
    /// To the output's scale, positive.
    pub multiplier: i32,
    /// Offset in the blob: the codes, `i8[codes, elements]`.
    pub codes: u32,
}

/// The longest code: a square is at most 255².
const MAX_LEN: u32 = i32::MAX as u32 / (255 * 255);

// ---- Check ----------------------------------------------------------------------------------------

impl Record for NearestCode {
    const KIND: u32 = 17;
    const NAME: &'static str = "nearest_code";

    fn cost(&self, site: &Site<'_>) -> Cost {
        let bytes = bytes(site).unwrap_or(u32::MAX);
        // One square for each element of each code.
        Cost { macs: bytes.into(), bytes }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        if (x.dtype, y.dtype) != (Dtype::I8, Dtype::I8) {
            return Err(Fault::Operand);
        }
        let [height, width, _] = y.shape;
        if [height, width] != [1, 1] || x.is_empty() {
            return Err(Fault::Shape);
        }
        if !self.requantize.fits(y) || self.multiplier <= 0 {
            return Err(Fault::Quantization);
        }
        if x.elements().is_none_or(|elements| elements > MAX_LEN) {
            return Err(Fault::Accumulator);
        }
        self.codes(site).ok_or(Fault::Weights)?.len().try_into().map_err(|_| Fault::Weights)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        self.distances(self.codes(site)?, view(memory.input, x)?, view_mut(memory.output, y)?);
        Some(())
    }
}

impl NearestCode {
    /// The codes, or `None` if they are not aligned or outside the blob.
    fn codes<'m>(&self, site: &Site<'m>) -> Option<&'m [i8]> {
        constants(site.blob, self.codes, bytes(site)? as usize)
    }

    // ---- Reference --------------------------------------------------------------------------------

    /// `codes[y.len(), x.len()]`.
    fn distances(&self, codes: &[i8], x: &[i8], y: &mut [i8]) {
        for (code, y) in pairs(codes.chunks_exact(x.len().max(1)), y.iter_mut()) {
            let differences = code.iter().zip(x).map(|(&code, &x)| i32::from(x) - i32::from(code));
            let distance: i32 = differences.map(|difference| difference * difference).sum();
            *y = self.requantize.apply(-distance, self.multiplier) as i8;
        }
    }
}

/// Bytes of the codes.
fn bytes(site: &Site<'_>) -> Option<u32> {
    site.input.elements()?.checked_mul(site.output.shape[2].into())
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor, values};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const NEAREST: NearestCode = NearestCode {
        operands: Operands::new(0, 1),
        requantize: Requantize { shift: 40, zero_point: 127, min: -128, max: 127 },
        multiplier: 1 << 30,
        codes: 0,
    };

    fn bench(shape: [u16; 3], zero_point: i16, codes: u16, output_zero: i16, blob: Vec<u8>) -> Bench {
        let x = Tensor { zero_point, ..tensor(Dtype::I8, shape) };
        let y = Tensor { zero_point: output_zero, ..tensor(Dtype::I8, [1, 1, codes]) };
        Bench { tensors: vec![x, y], blob }
    }

    /// The exporter's operator from an input's scale to an output's with zero point 127.
    fn nearest(scale: f64, output: f64) -> NearestCode {
        // The largest shift whose multiplier fits 32 bits.
        let exact = scale * scale / output;
        let shift = (1..=62).rev().find(|&shift| (exact * 2f64.powi(shift)).round() <= f64::from(i32::MAX)).unwrap();
        let requantize = Requantize { shift: shift as u16, ..NEAREST.requantize };
        NearestCode { requantize, multiplier: (exact * 2f64.powi(shift)).round() as i32, ..NEAREST }
    }

    /// A shape, the input and the codes, extremes among all elements.
    fn case() -> impl Strategy<Value = ([u16; 3], Vec<i16>, Vec<Vec<i16>>)> {
        (1u16..4, 1u16..4, 1u16..12, 1usize..6).prop_flat_map(|(height, width, channels, codes)| {
            let shape = [height, width, channels];
            let x = tensor(Dtype::I8, shape);
            let codes = prop::collection::vec(values(Dtype::I8, &x), codes);
            (Just(shape), values(Dtype::I8, &x), codes)
        })
    }

    fn blob(codes: &[Vec<i16>]) -> Vec<u8> {
        codes.iter().flatten().map(|&code| code as u8).collect()
    }

    proptest! {
        #[test]
        fn equals_the_oracle(
            (shape, x, codes) in case(),
            (zero_point, output_zero) in (-128i16..=127, -128i16..=127),
            multiplier in 1i32..=i32::MAX,
            shift in 20u16..=62,
            (a, b) in (-128i16..=127, -128i16..=127),
        ) {
            let requantized = Requantize { shift, zero_point: output_zero, min: a.min(b), max: a.max(b) };
            let nearest = NearestCode { requantize: requantized, multiplier, ..NEAREST };
            let bench = bench(shape, zero_point, codes.len() as u16, output_zero, blob(&codes));
            let found = bench.run(&Operator::NearestCode(nearest), &x);
            for (code, &y) in codes.iter().zip(&found) {
                let distance: i64 = (0..x.len()).map(|i| i64::from(x[i] - code[i]).pow(2)).sum();
                prop_assert_eq!(y, requantize(-distance, multiplier, &requantized));
            }
        }

        #[test]
        fn real_numbers_agree((shape, x, codes) in case(), zero: i8, scale in 0.01f64..1.0, output in 0.1f64..100.0) {
            let bench = bench(shape, zero.into(), codes.len() as u16, 127, blob(&codes));
            let found = bench.run(&Operator::NearestCode(nearest(scale, output)), &x);
            let real = |x: i16| scale * (f64::from(x) - f64::from(zero));
            for (code, &y) in codes.iter().zip(&found) {
                let distance: f64 = x.iter().zip(code).map(|(&x, &c)| (real(x) - real(c)).powi(2)).sum();
                let exact = (127.0 - distance / output).max(-128.0);
                prop_assert!((f64::from(y) - exact).abs() <= 0.5 + TOLERANCE, "{y} for {exact}");
            }
        }
    }

    /// What the multiplier's rounding, 2⁻³¹ of at most 256 steps, may add to half a step.
    const TOLERANCE: f64 = 1e-6;

    #[test]
    #[cfg_attr(miri, ignore = "long, and the same code as in other tests")]
    fn the_longest_code() {
        let longest = vec![vec![127; 33025], vec![-128; 33025]];
        let bench = bench([25, 1321, 1], 0, 2, 127, blob(&longest));
        // 33,025 · 255² / 2³¹ is a little less than 1.
        let requantize = Requantize { shift: 31, ..NEAREST.requantize };
        let nearest = Operator::NearestCode(NearestCode { requantize, multiplier: 100, ..NEAREST });
        assert_eq!(bench.run(&nearest, &longest[0]), [127, 27]);
        assert_eq!(bench.run(&nearest, &longest[1]), [27, 127]);
    }

    #[test]
    fn refuses_what_it_cannot_run() {
        let good = || bench([2, 3, 4], 5, 3, 127, vec![0; 4 + 72 + 4]);
        let check = |bench: &Bench, nearest: NearestCode| bench.check(&Operator::NearestCode(nearest));
        let nearest = NearestCode { codes: 4, ..NEAREST };
        assert_eq!(check(&good(), nearest), Ok(72));
        assert_eq!(nearest.cost(&good().site(&nearest.operands, &[], &[])), Cost { macs: 72, bytes: 72 });

        let changed = |tensor: usize, change: fn(&mut Tensor)| {
            let mut bench = good();
            change(&mut bench.tensors[tensor]);
            check(&bench, nearest)
        };
        assert_eq!(changed(0, |x| x.dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.dtype = Dtype::I32), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.shape = [3, 1, 1]), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.shape = [1, 3, 1]), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.zero_point = 126), Err(Fault::Quantization));
        assert_eq!(changed(0, |x| x.shape = [1, 2, 33026 / 2]), Err(Fault::Accumulator));
        assert_eq!(changed(0, |x| x.shape = [u16::MAX; 3]), Err(Fault::Accumulator));
        assert_eq!(changed(0, |x| x.shape = [1, 1, 33025]), Err(Fault::Weights), "codes beyond the end");
        assert_eq!(changed(1, |y| y.shape[2] = 4), Err(Fault::Weights), "codes beyond the end");

        let requantized = |shift, max| {
            check(&good(), NearestCode { requantize: Requantize { shift, max, ..nearest.requantize }, ..nearest })
        };
        assert_eq!(requantized(0, 127), Err(Fault::Quantization));
        assert_eq!(requantized(63, 127), Err(Fault::Quantization));
        assert_eq!(requantized(40, 128), Err(Fault::Quantization));
        assert_eq!(check(&good(), NearestCode { multiplier: 0, ..nearest }), Err(Fault::Quantization));
        assert_eq!(check(&good(), NearestCode { multiplier: -1, ..nearest }), Err(Fault::Quantization));
        assert_eq!(check(&good(), NearestCode { codes: 6, ..nearest }), Err(Fault::Weights), "not aligned");
        assert_eq!(check(&good(), NearestCode { codes: 8, ..nearest }), Ok(72));
        assert_eq!(check(&good(), NearestCode { codes: 12, ..nearest }), Err(Fault::Weights), "beyond the end");
        assert_eq!(check(&good(), NearestCode { codes: u32::MAX - 3, ..nearest }), Err(Fault::Weights));
    }
}
