//! Rows brought to length one.

use super::root::isqrt;
use super::{Cost, Fault, Memory, Operands, Record, Site, pairs};
use crate::arena::{view, view_mut};
use crate::format::Dtype;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[h, w, c] = min(round(128 · a[c] / √Σ a²), 127)` with `a[c] = x[h, w, c] − zero_point`: every row of
/// channels divided by its length, int8 → int8 of the same shape.
///
/// The output has scale 1/128 and zero point 0 (as in LiteRT's 8-bit quantization specification); the input
/// may have any scale, which cancels. `round` is the nearest integer to the real number, halves away
/// from zero, and nothing is rounded before: `round(t) = ⌊(⌊√⌊4t²⌋⌋ + 1) / 2⌋` for `t ≥ 0`, where `4t²` is a
/// quotient of integers. A row of zeros stays one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct L2Norm {
    /// Input and output.
    pub operands: Operands,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for L2Norm {
    const KIND: u32 = 16;
    const NAME: &'static str = "l2_norm";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        if (x.dtype, y.dtype) != (Dtype::I8, Dtype::I8) {
            return Err(Fault::Operand);
        }
        if x.shape != y.shape {
            return Err(Fault::Shape);
        }
        if (y.scale, y.zero_point) == (1.0 / 128.0, 0) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        self.normalize(x.zero_point, x.shape[2].into(), view(memory.input, x)?, view_mut(memory.output, y)?);
        Some(())
    }
}

// ---- Reference ------------------------------------------------------------------------------------

impl L2Norm {
    /// `x[rows, channels]`, `y[rows, channels]`.
    fn normalize(&self, zero_point: i16, channels: usize, x: &[i8], y: &mut [i8]) {
        let channels = channels.max(1);
        // The zero point is an int8 as well, so that 2¹⁶ − 1 squares of at most 255² fit 32 bits.
        let above_zero = |x: i8| i32::from(x) - i32::from(zero_point);
        for (x, y) in pairs(x.chunks_exact(channels), y.chunks_exact_mut(channels)) {
            let squares: u32 = x.iter().map(|&x| above_zero(x).unsigned_abs().pow(2)).sum();
            for (&x, y) in x.iter().zip(y) {
                let a = above_zero(x);
                // (2 · 128 · 255)² is less than 2³²; the quotient is at most 2¹⁶.
                let quotient = (256 * a.unsigned_abs()).pow(2).checked_div(squares).unwrap_or(0);
                let magnitude = isqrt(quotient).div_ceil(2) as i32;
                *y = if a < 0 { -magnitude } else { magnitude.min(127) } as i8;
            }
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor, values};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const L2_NORM: L2Norm = L2Norm { operands: Operands::new(0, 1) };

    fn bench(shape: [u16; 3], zero_point: i16) -> Bench {
        let x = Tensor { scale: 0.1, zero_point, ..tensor(Dtype::I8, shape) };
        let y = Tensor { scale: 1.0 / 128.0, ..tensor(Dtype::I8, shape) };
        Bench { tensors: vec![x, y], blob: Vec::new() }
    }

    /// Shapes, zero points and elements, short vectors and rows of zeros among them.
    fn rows() -> impl Strategy<Value = ([u16; 3], i16, Vec<i16>)> {
        let spread = prop_oneof![Just(1i16), Just(60), Just(i16::MAX)];
        let zero_point = prop_oneof![2 => -128i16..=127, 1 => Just(0), 1 => Just(-128), 1 => Just(127)];
        (1u16..4, 1u16..4, 1u16..24, spread, zero_point).prop_flat_map(|(height, width, channels, spread, zero)| {
            let shape = [height, width, channels];
            let near = move |x: i16| (zero + x / spread).clamp(-128, 127);
            let x = values(Dtype::I8, &tensor(Dtype::I8, shape));
            let x = x.prop_map(move |x| x.into_iter().map(|x| if spread == 1 { x } else { near(x) }).collect());
            (Just(shape), Just(zero), x)
        })
    }

    proptest! {
        /// `y` is the integer nearest to `t = 128 · a / √q` if `2|y| − 1 ≤ 2|t| < 2|y| + 1`; squared, and times
        /// `q`, these are integers.
        #[test]
        fn the_nearest_integer((shape, zero, x) in rows()) {
            let found = bench(shape, zero).run(&Operator::L2Norm(L2_NORM), &x);
            let channels = usize::from(shape[2]);
            for (x, y) in x.chunks(channels).zip(found.chunks(channels)) {
                let a: Vec<i64> = x.iter().map(|&x| i64::from(x - zero)).collect();
                let q: i64 = a.iter().map(|a| a * a).sum();
                for (&a, &y) in a.iter().zip(y) {
                    let y = i64::from(y);
                    prop_assert!(y.signum() * a.signum() >= 0, "{y} for {a}");
                    let twice = (256 * a).pow(2);
                    let low = y == 0 || (2 * y.abs() - 1).pow(2) * q <= twice;
                    let high = q == 0 || y == 127 || twice < (2 * y.abs() + 1).pow(2) * q;
                    prop_assert!(low && high && (q != 0 || y == 0), "{y} for {a} of √{q}");
                }
            }
        }

        #[test]
        fn real_numbers_agree((shape, zero, x) in rows()) {
            let found = bench(shape, zero).run(&Operator::L2Norm(L2_NORM), &x);
            let channels = usize::from(shape[2]);
            for (x, y) in x.chunks(channels).zip(found.chunks(channels)) {
                let length = x.iter().map(|&x| f64::from(x - zero).powi(2)).sum::<f64>().sqrt();
                for (&x, &y) in x.iter().zip(y) {
                    let exact = if length == 0.0 { 0.0 } else { 128.0 * f64::from(x - zero) / length };
                    prop_assert!((f64::from(y) - exact.min(127.0)).abs() <= 0.5 + TOLERANCE, "{y} for {exact}");
                }
            }
        }
    }

    /// What the real numbers' own rounding may add to half a step.
    const TOLERANCE: f64 = 1e-9;

    #[test]
    fn ends_halves_and_zeros() {
        let run = |zero_point, x: &[i16]| bench([1, 1, x.len() as u16], zero_point).run(&Operator::L2Norm(L2_NORM), x);
        assert_eq!(run(0, &[1]), [127]);
        assert_eq!(run(0, &[-1]), [-128]);
        assert_eq!(run(-128, &[127]), [127], "the largest there is");
        assert_eq!(run(127, &[-128]), [-128], "the smallest there is");
        assert_eq!(run(5, &[5, 5, 5]), [0, 0, 0]);
        // A length of 256, which halves every element.
        assert_eq!(run(-127, &[-126, -128, 126, -88, -125]), [1, -1, 127, 20, 1], "1, −1, 253, 39 and 2");
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and the same code as in other tests")]
    fn the_longest_row() {
        let row = bench([1, 1, 65535], -128).run(&Operator::L2Norm(L2_NORM), &[127; 65535]);
        assert_eq!(row, [1; 65535], "a little over 0.5");
    }

    #[test]
    fn refuses_what_it_cannot_run() {
        let check = |bench: &Bench| bench.check(&Operator::L2Norm(L2_NORM));
        let good = || bench([2, 3, 4], 7);
        assert_eq!(check(&good()), Ok(0));
        assert_eq!(L2_NORM.cost(&good().site(&L2_NORM.operands, &[], &[])), Cost::default());

        let changed = |tensor: usize, change: fn(&mut Tensor)| {
            let mut bench = good();
            change(&mut bench.tensors[tensor]);
            check(&bench)
        };
        assert_eq!(changed(0, |x| x.dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.shape[0] = 3), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.shape[2] = 5), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.scale = 1.0 / 127.0), Err(Fault::Quantization));
        assert_eq!(changed(1, |y| y.zero_point = 1), Err(Fault::Quantization));
    }
}
