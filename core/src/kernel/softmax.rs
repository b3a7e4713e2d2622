//! Probabilities from logits and their logarithms, on a table of exponentials.

use super::{Cost, Fault, Memory, Operands, Record, Site, constants, pairs};
use crate::arena::{view, view_mut};
use crate::format::Dtype;
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[h, w, c] = min(⌊(256 · e[c] + ⌊S/2⌋) / S⌋, 255) − 128` with `e[c] = table[max x[h, w, ·] − x[h, w, c]]`
/// and `S = Σ e[c]`: softmax over the channels, int8 → int8 of the same shape.
///
/// The output has scale 1/256 and zero point −128 (as in LiteRT's 8-bit quantization specification). The
/// input may have any scale: the exporter writes it into the table, 256 numbers of 16 bits,
/// `table[d] = round(2¹⁵ · exp(−scale · d))`, which start with 2¹⁵ therefore. The input's zero point
/// cancels.
///
/// For `n` channels an output is within `1/2 + (n − 1)/256` steps of the softmax of its row, of which the
/// table's rounding makes the second part; a probability above 255.5/256 saturates at 255/256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Softmax {
    /// Input and output.
    pub operands: Operands,
    /// Offset in the blob: the table, `u16[256]`.
    pub table: u32,
}

/// `y[h, w, c] = requantize(−(step · (max x[h, w, ·] − x[h, w, c]) + ℓ))`, where `ℓ` is `2¹⁸ · log₂ (S / 2¹⁵)`
/// as below: the logarithm of the softmax over the channels, int8 → int8 of the same shape.
///
/// `S` and its table are those of [`Softmax`]. The sum counts 2⁻¹⁸ of a factor of two: the exporter writes
/// `step = round(2¹⁸ · scale · log₂ e)`, and `multiplier / 2^shift` is `ln 2 / 2¹⁸` divided by the output's
/// scale. The output's zero point is 127, as it is never above zero; LiteRT's 8-bit quantization
/// specification has a scale of 16/256 for it.
///
/// `ℓ` is found bit by bit (Turner, *A Fast Binary Logarithm Algorithm*, 2010). With `m = ⌊S / 2ᵏ⌋` for the
/// `k` that brings `m` to 2¹⁵ ≤ m < 2¹⁶, the whole part is `k`; each of the 18 bits behind it is whether
/// `m² ≥ 2³¹`, after which `m` becomes `⌊m² / 2¹⁶⌋` or else `⌊m² / 2¹⁵⌋`. So `ℓ` is never too large, and at
/// most 23 too small.
///
/// For `n` channels an output is within half a step and `0.0004 + (n − 1)/2¹⁶` of the logarithm, where it is
/// not clamped. Of these, the table's rounding makes the latter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LogSoftmax {
    /// Input and output.
    pub operands: Operands,
    /// To the output's scale.
    pub requantize: Requantize,
    /// To the output's scale, positive.
    pub multiplier: i32,
    /// What one step of the input is worth, at most 8,404,028 (a scale of 22.2).
    pub step: u32,
    /// Offset in the blob: the table, `u16[256]`.
    pub table: u32,
}

/// Bits of a logarithm behind its whole part.
const FRACTION: u32 = 18;

/// The largest step whose sum with a logarithm, less than 17, fits 32 bits for every distance.
const MAX_STEP: u32 = (i32::MAX as u32 - (17 << FRACTION)) / u8::MAX as u32;

/// The table in the blob.
#[derive(Clone, Copy)]
struct Table<'m>(&'m [u16]);

impl<'m> Table<'m> {
    const BYTES: u32 = 512;
    /// The exponential of 0.
    const ONE: u32 = 1 << 15;

    /// The table at `offset`, or `None` if it is not aligned or outside the blob.
    fn of(blob: &'m [u32], offset: u32) -> Option<Self> {
        constants(blob, offset, Self::BYTES as usize / size_of::<u16>()).map(Self)
    }

    /// Proves that the table is there and that no sum is less than [`ONE`](Self::ONE).
    fn check(blob: &'m [u32], offset: u32) -> Result<u32, Fault> {
        let table = Self::of(blob, offset).ok_or(Fault::Weights)?;
        if table.at(0) == Self::ONE { Ok(Self::BYTES) } else { Err(Fault::Quantization) }
    }

    fn at(&self, distance: u8) -> u32 {
        self.0.get(usize::from(distance)).map_or(0, |&entry| entry.into())
    }

    /// The exponentials of a row, relative to the largest element.
    ///
    /// A row has at most 2¹⁶ − 1 of them, each at most 2¹⁶ − 1: 32 bits hold their sum.
    fn row(&self, x: &[i8]) -> impl Iterator<Item = u32> {
        distances(x).map(|distance| self.at(distance))
    }
}

/// How far each element of a row is below the largest.
fn distances(x: &[i8]) -> impl Iterator<Item = u8> {
    let largest = x.iter().fold(i8::MIN, |largest, &x| largest.max(x));
    // The difference of two int8, as eight bits without a sign.
    x.iter().map(move |&x| largest.wrapping_sub(x) as u8)
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Softmax {
    const KIND: u32 = 13;
    const NAME: &'static str = "softmax";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost { macs: 0, bytes: Table::BYTES }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        if (x.dtype, y.dtype) != (Dtype::I8, Dtype::I8) {
            return Err(Fault::Operand);
        }
        if x.shape != y.shape {
            return Err(Fault::Shape);
        }
        if (y.scale, y.zero_point) != (1.0 / 256.0, -128) {
            return Err(Fault::Quantization);
        }
        Table::check(site.blob, self.table)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        let channels = usize::from(x.shape[2]);
        self.normalize(
            Table::of(site.blob, self.table)?,
            channels,
            view(memory.input, x)?,
            view_mut(memory.output, y)?,
        );
        Some(())
    }
}

impl Record for LogSoftmax {
    const KIND: u32 = 14;
    const NAME: &'static str = "log_softmax";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost { macs: 0, bytes: Table::BYTES }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        if (x.dtype, y.dtype) != (Dtype::I8, Dtype::I8) {
            return Err(Fault::Operand);
        }
        if x.shape != y.shape {
            return Err(Fault::Shape);
        }
        if !self.requantize.fits(y) || y.zero_point != 127 || self.multiplier <= 0 {
            return Err(Fault::Quantization);
        }
        if self.step > MAX_STEP {
            return Err(Fault::Accumulator);
        }
        Table::check(site.blob, self.table)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        let channels = usize::from(x.shape[2]);
        self.normalize(
            Table::of(site.blob, self.table)?,
            channels,
            view(memory.input, x)?,
            view_mut(memory.output, y)?,
        );
        Some(())
    }
}

// ---- Reference ------------------------------------------------------------------------------------

impl Softmax {
    /// `x[rows, channels]`, `y[rows, channels]`.
    fn normalize(&self, table: Table<'_>, channels: usize, x: &[i8], y: &mut [i8]) {
        let channels = channels.max(1);
        for (x, y) in pairs(x.chunks_exact(channels), y.chunks_exact_mut(channels)) {
            let sum: u32 = table.row(x).sum();
            for (e, y) in table.row(x).zip(y) {
                // Less than 2²⁴ + 2³¹; the quotient is at most 256.
                let share = (256 * e + sum / 2).checked_div(sum).unwrap_or(0);
                *y = (share.min(255) as i16 - 128) as i8;
            }
        }
    }
}

impl LogSoftmax {
    /// `x[rows, channels]`, `y[rows, channels]`.
    fn normalize(&self, table: Table<'_>, channels: usize, x: &[i8], y: &mut [i8]) {
        let channels = channels.max(1);
        for (x, y) in pairs(x.chunks_exact(channels), y.chunks_exact_mut(channels)) {
            let log = log2(table.row(x).sum());
            for (distance, y) in distances(x).zip(y) {
                let sum = (self.step * u32::from(distance) + log) as i32;
                *y = self.requantize.apply(-sum, self.multiplier) as i8;
            }
        }
    }
}

/// `2¹⁸ · log₂ (sum / 2¹⁵)`, for a sum of at least 2¹⁵.
fn log2(sum: u32) -> u32 {
    let (mut mantissa, mut log) = (sum, 0);
    while mantissa >= 1 << 16 {
        mantissa >>= 1;
        log += 1;
    }
    for _ in 0..FRACTION {
        // At least 2³⁰ and less than 2³².
        let square = mantissa * mantissa;
        let bit = square >> 31;
        mantissa = square >> (15 + bit);
        log = (log << 1) | bit;
    }
    log
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor, values};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
    use core::f64::consts::LN_2;
    use proptest::prelude::*;

    /// The exporter's table for an input of a scale.
    fn table(scale: f64) -> Vec<u8> {
        (0..256).flat_map(|d| ((32768.0 * (-scale * f64::from(d)).exp()).round() as u16).to_le_bytes()).collect()
    }

    /// Any table that the loader takes.
    fn any_table() -> impl Strategy<Value = Vec<u8>> {
        let entry = prop_oneof![4 => any::<u16>(), 1 => Just(0), 1 => Just(u16::MAX)];
        prop::collection::vec(entry, 255)
            .prop_map(|rest| [32768].into_iter().chain(rest).flat_map(u16::to_le_bytes).collect())
    }

    /// Rows of logits, and how long a row is; some lie close together.
    fn rows() -> impl Strategy<Value = ([u16; 3], Vec<i16>)> {
        let shape = (1u16..4, 1u16..4, prop_oneof![4 => 1u16..12, 1 => 12u16..200]);
        let spread = prop_oneof![Just(1i16), Just(8), Just(100)];
        (shape, spread).prop_flat_map(|((height, width, channels), spread)| {
            let shape = [height, width, channels];
            let x = values(Dtype::I8, &tensor(Dtype::I8, shape));
            (Just(shape), x.prop_map(move |x| x.into_iter().map(|x| x / spread).collect()))
        })
    }

    /// The exporter's operator from an input's scale to an output's.
    fn log_softmax(scale: f64, output: f64) -> LogSoftmax {
        // The largest shift whose multiplier fits 32 bits.
        let exact = LN_2 / 2f64.powi(18) / output;
        let shift = (1..=62).rev().find(|&shift| (exact * 2f64.powi(shift)).round() <= f64::from(i32::MAX)).unwrap();
        LogSoftmax {
            operands: Operands::new(0, 1),
            requantize: Requantize { shift: shift as u16, zero_point: 127, min: -128, max: 127 },
            multiplier: (exact * 2f64.powi(shift)).round() as i32,
            step: (2f64.powi(18) * scale / LN_2).round() as u32,
            table: 0,
        }
    }

    const SOFTMAX: Softmax = Softmax { operands: Operands::new(0, 1), table: 0 };

    fn bench(shape: [u16; 3], blob: Vec<u8>) -> Bench {
        let x = Tensor { scale: 0.1, zero_point: 5, ..tensor(Dtype::I8, shape) };
        let y = Tensor { scale: 1.0 / 256.0, zero_point: -128, ..tensor(Dtype::I8, shape) };
        Bench { tensors: vec![x, y], blob }
    }

    /// How far the largest element of its row is away, for each.
    fn below(row: &[i16]) -> impl Iterator<Item = usize> {
        let largest = *row.iter().max().unwrap();
        row.iter().map(move |&x| usize::try_from(largest - x).unwrap())
    }

    proptest! {
        #[test]
        fn softmax_equals_the_oracle((shape, x) in rows(), table in any_table()) {
            let found = bench(shape, table.clone()).run(&Operator::Softmax(SOFTMAX), &x);
            let channels = usize::from(shape[2]);
            for (x, y) in x.chunks(channels).zip(found.chunks(channels)) {
                let entry = |d: usize| i128::from(u16::from_le_bytes([table[2 * d], table[2 * d + 1]]));
                let sum: i128 = below(x).map(entry).sum();
                for (d, &y) in below(x).zip(y) {
                    let nearest = (512 * entry(d) + sum).div_euclid(2 * sum);
                    prop_assert_eq!(i128::from(y), nearest.min(255) - 128);
                }
            }
        }

        #[test]
        fn softmax_is_as_exact_as_stated((shape, x) in rows(), scale in 0.001f64..2.0) {
            let found = bench(shape, table(scale)).run(&Operator::Softmax(SOFTMAX), &x);
            let channels = usize::from(shape[2]);
            let stated = 0.5 + f64::from(shape[2] - 1) / 256.0;
            for (x, y) in x.chunks(channels).zip(found.chunks(channels)) {
                let e: Vec<f64> = below(x).map(|d| (-scale * d as f64).exp()).collect();
                let sum: f64 = e.iter().sum();
                for (e, &y) in e.iter().zip(y) {
                    let exact = 256.0 * e / sum;
                    let error = (f64::from(y) + 128.0 - exact).abs();
                    prop_assert!(error <= stated + 1e-9 || (y == 127 && exact > 255.0), "{y} for {exact}");
                }
            }
        }
    }

    /// A bench whose output is of the other kind.
    fn log_bench(shape: [u16; 3], blob: Vec<u8>) -> Bench {
        let mut bench = bench(shape, blob);
        bench.tensors[1].zero_point = 127;
        bench
    }

    /// `2¹⁸ · log₂ (sum / 2¹⁵)` as documented, with divisions in 64 bits.
    fn documented_log(sum: u64) -> i64 {
        let k = (0..).find(|k| sum / (1 << k) < 1 << 16).unwrap();
        let mut m = sum / (1 << k);
        (0..18).fold(k, |log, _| {
            let bit = m * m >= 1 << 31;
            m = m * m / if bit { 1 << 16 } else { 1 << 15 };
            2 * log + i64::from(bit)
        })
    }

    /// How far an unclamped output may be from the logarithm, beside half a step and the table's rounding.
    const TOLERANCE: f64 = 0.0004;

    proptest! {
        #[test]
        fn log_softmax_equals_the_oracle(
            (shape, x) in rows(),
            table in any_table(),
            multiplier in 1i32..=i32::MAX,
            step in prop_oneof![0u32..100_000, 0..=MAX_STEP, Just(MAX_STEP)],
            shift in 30u16..=62,
        ) {
            let log = LogSoftmax { multiplier, step, ..log_softmax(0.1, 0.1) };
            let log = LogSoftmax { requantize: Requantize { shift, ..log.requantize }, ..log };
            let found = log_bench(shape, table.clone()).run(&Operator::LogSoftmax(log), &x);
            let channels = usize::from(shape[2]);
            for (x, y) in x.chunks(channels).zip(found.chunks(channels)) {
                let entry = |d: usize| u64::from(u16::from_le_bytes([table[2 * d], table[2 * d + 1]]));
                let logarithm = documented_log(below(x).map(entry).sum());
                for (d, &y) in below(x).zip(y) {
                    let sum = i64::from(step) * d as i64 + logarithm;
                    prop_assert_eq!(y, requantize(-sum, multiplier, &log.requantize));
                }
            }
        }

        #[test]
        fn log_softmax_is_as_exact_as_stated((shape, x) in rows(), scale in 0.001f64..2.0, output in 0.01f64..0.25) {
            let log = log_softmax(scale, output);
            let found = log_bench(shape, table(scale)).run(&Operator::LogSoftmax(log), &x);
            let channels = usize::from(shape[2]);
            let stated = output / 2.0 + TOLERANCE + f64::from(shape[2] - 1) / 65536.0;
            for (x, y) in x.chunks(channels).zip(found.chunks(channels)) {
                let logarithm = below(x).map(|d| (-scale * d as f64).exp()).sum::<f64>().ln();
                for (d, &y) in below(x).zip(y) {
                    let exact = -scale * d as f64 - logarithm;
                    let found = output * f64::from(y - 127);
                    prop_assert!((found - exact).abs() <= stated || (y == -128 && exact < found), "{found} for {exact}");
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and without memory to misuse")]
    fn the_logarithm_is_as_exact_as_stated() {
        // It looks at the upper 16 bits only, and the exact one grows: the ends of each range are enough.
        let (mut least, mut most) = (f64::MAX, f64::MIN);
        for upper in 1u32 << 15..1 << 16 {
            for sum in [upper << 16, upper << 16 | 0xffff] {
                assert_eq!(i64::from(log2(sum)), documented_log(sum.into()));
                let missing = 2f64.powi(18) * (f64::from(sum).log2() - 15.0) - f64::from(log2(sum));
                (least, most) = (least.min(missing), most.max(missing));
            }
        }
        assert!(least >= 0.0 && most <= 23.0 && most > 22.0, "{least} to {most} too small");
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and the same code as in other tests")]
    fn log_softmax_sums_the_longest_row() {
        let mut table = vec![0xff; 512];
        table[..2].copy_from_slice(&32768u16.to_le_bytes());
        let mut x = vec![-128; 65535];
        x[7] = 127;
        let log = LogSoftmax { step: MAX_STEP, ..log_softmax(0.1, 0.1) };
        // In steps of 2¹⁸: the largest element has the logarithm alone, the others all of the 32 bits.
        let requantize = Requantize { shift: 18, ..log.requantize };
        let bench = log_bench([1, 1, 65535], table);
        let y = bench.run(&Operator::LogSoftmax(LogSoftmax { requantize, multiplier: 1, ..log }), &x);
        assert!(y.iter().enumerate().all(|(c, &y)| y == if c == 7 { 127 - 17 } else { -128 }));
    }

    #[test]
    fn log_softmax_refuses_what_it_cannot_run() {
        let blob = || [vec![0; 4], table(0.1), vec![0; 4]].concat();
        let good = || log_bench([2, 3, 4], blob());
        let log = LogSoftmax { table: 4, ..log_softmax(0.1, 0.1) };
        let check = |bench: &Bench, log: LogSoftmax| bench.check(&Operator::LogSoftmax(log));
        assert_eq!(check(&good(), log), Ok(512));
        assert_eq!(log.cost(&good().site(&log.operands, &[], &[])), Cost { macs: 0, bytes: 512 });

        let changed = |tensor: usize, change: fn(&mut Tensor)| {
            let mut bench = good();
            change(&mut bench.tensors[tensor]);
            check(&bench, log)
        };
        assert_eq!(changed(0, |x| x.dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.shape[0] = 3), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.shape[2] = 5), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.zero_point = 126), Err(Fault::Quantization));

        let requantized = |change: fn(&mut Requantize)| {
            let mut log = log;
            change(&mut log.requantize);
            check(&good(), log)
        };
        assert_eq!(requantized(|r| r.zero_point = 0), Err(Fault::Quantization));
        assert_eq!(requantized(|r| r.shift = 0), Err(Fault::Quantization));
        assert_eq!(requantized(|r| r.shift = 63), Err(Fault::Quantization));
        assert_eq!(requantized(|r| r.max = 128), Err(Fault::Quantization));
        let mut other = good();
        other.tensors[1].zero_point = 0;
        let requantize = Requantize { zero_point: 0, ..log.requantize };
        assert_eq!(check(&other, LogSoftmax { requantize, ..log }), Err(Fault::Quantization), "not 127");
        assert_eq!(check(&good(), LogSoftmax { multiplier: 0, ..log }), Err(Fault::Quantization));
        assert_eq!(check(&good(), LogSoftmax { multiplier: -1, ..log }), Err(Fault::Quantization));

        assert_eq!(check(&good(), LogSoftmax { step: MAX_STEP, ..log }), Ok(512));
        assert_eq!(check(&good(), LogSoftmax { step: MAX_STEP + 1, ..log }), Err(Fault::Accumulator));
        assert_eq!(check(&good(), LogSoftmax { table: 6, ..log }), Err(Fault::Weights), "not aligned");
        assert_eq!(check(&good(), LogSoftmax { table: 12, ..log }), Err(Fault::Weights), "beyond the end");
        assert_eq!(check(&good(), LogSoftmax { table: 0, ..log }), Err(Fault::Quantization), "no 2¹⁵");
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and the same code as in other tests")]
    fn softmax_sums_the_longest_row() {
        let mut table = vec![0xff; 512];
        table[..2].copy_from_slice(&32768u16.to_le_bytes());
        let mut x = vec![-128; 65535];
        x[7] = 127;
        let y = bench([1, 1, 65535], table).run(&Operator::Softmax(SOFTMAX), &x);
        assert!(y.iter().all(|&y| y == -128));
    }

    #[test]
    fn softmax_refuses_what_it_cannot_run() {
        let blob = || [vec![0; 4], table(0.1), vec![0; 4]].concat();
        let good = || bench([2, 3, 4], blob());
        let check = |bench: &Bench, table: u32| bench.check(&Operator::Softmax(Softmax { table, ..SOFTMAX }));
        assert_eq!(check(&good(), 4), Ok(512));
        assert_eq!(SOFTMAX.cost(&good().site(&SOFTMAX.operands, &[], &[])), Cost { macs: 0, bytes: 512 });

        let changed = |tensor: usize, change: fn(&mut Tensor)| {
            let mut bench = good();
            change(&mut bench.tensors[tensor]);
            check(&bench, 4)
        };
        assert_eq!(changed(0, |x| x.dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.shape[0] = 3), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.shape[2] = 5), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.scale = 1.0 / 128.0), Err(Fault::Quantization));
        assert_eq!(changed(1, |y| y.zero_point = -127), Err(Fault::Quantization));

        assert_eq!(check(&good(), 6), Err(Fault::Weights), "not aligned");
        assert_eq!(check(&good(), 12), Err(Fault::Weights), "beyond the end");
        assert_eq!(check(&good(), u32::MAX - 3), Err(Fault::Weights), "far beyond the end");
        assert_eq!(check(&good(), 0), Err(Fault::Quantization), "does not start with 2¹⁵");
    }
}
