//! Probabilities from logits, on a table of exponentials.

use super::{Cost, Fault, Memory, Operands, Record, Site, pairs};
use crate::arena::{view, view_mut};
use crate::format::{ALIGNMENT, Dtype};
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

/// The table in the blob.
#[derive(Clone, Copy)]
struct Table<'m>(&'m [[u8; 2]]);

impl<'m> Table<'m> {
    const BYTES: u32 = 512;
    /// The exponential of 0.
    const ONE: u32 = 1 << 15;

    /// The table at `offset`, or `None` if it is not aligned or outside the blob.
    fn of(blob: &'m [u8], offset: u32) -> Option<Self> {
        let aligned = offset.is_multiple_of(ALIGNMENT as u32);
        let bytes = blob.get(offset as usize..)?.get(..Self::BYTES as usize)?;
        aligned.then_some(Self(bytes.as_chunks().0))
    }

    /// Proves that the table is there and that no sum is less than [`ONE`](Self::ONE).
    fn check(blob: &'m [u8], offset: u32) -> Result<u32, Fault> {
        let table = Self::of(blob, offset).ok_or(Fault::Weights)?;
        if table.at(0) == Self::ONE { Ok(Self::BYTES) } else { Err(Fault::Quantization) }
    }

    fn at(&self, distance: u8) -> u32 {
        self.0.get(usize::from(distance)).map_or(0, |&entry| u16::from_le_bytes(entry).into())
    }

    /// The exponentials of a row, relative to the largest element.
    ///
    /// A row has at most 2¹⁶ − 1 of them, each at most 2¹⁶ − 1: 32 bits hold their sum.
    fn row(&self, x: &[i8]) -> impl Iterator<Item = u32> {
        let largest = x.iter().fold(i8::MIN, |largest, &x| largest.max(x));
        // The difference of two int8, as eight bits without a sign.
        x.iter().map(move |&x| self.at(largest.wrapping_sub(x) as u8))
    }
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Softmax {
    const KIND: u16 = 13;
    const NAME: &'static str = "softmax";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost { macs: 0, bytes: Table::BYTES }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { inputs: [x, _], output: y, .. } = site;
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
        let Site { inputs: [x, _], output: y, .. } = site;
        let [input, _] = memory.inputs;
        let channels = usize::from(x.shape[2]);
        self.normalize(Table::of(site.blob, self.table)?, channels, view(input, x)?, view_mut(memory.output, y)?);
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

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, contract, tensor, values};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
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

    const SOFTMAX: Softmax = Softmax { operands: Operands::new(0, 1), table: 0 };

    fn bench(shape: [u16; 3], blob: Vec<u8>) -> Bench {
        let x = Tensor { scale: 0.1, zero_point: 5, ..tensor(Dtype::I8, shape) };
        let y = Tensor { scale: 1.0 / 256.0, zero_point: -128, ..tensor(Dtype::I8, shape) };
        Bench { tensors: vec![x, y], blob }
    }

    /// How far the largest element of its row is away, for each.
    fn distances(row: &[i16]) -> impl Iterator<Item = usize> {
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
                let sum: i128 = distances(x).map(entry).sum();
                for (d, &y) in distances(x).zip(y) {
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
                let e: Vec<f64> = distances(x).map(|d| (-scale * d as f64).exp()).collect();
                let sum: f64 = e.iter().sum();
                for (e, &y) in e.iter().zip(y) {
                    let exact = 256.0 * e / sum;
                    let error = (f64::from(y) + 128.0 - exact).abs();
                    prop_assert!(error <= stated + 1e-9 || (y == 127 && exact > 255.0), "{y} for {exact}");
                }
            }
        }
    }

    #[test]
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
        assert_eq!(SOFTMAX.cost(&good().site(&SOFTMAX.operands, &contract(), &[])), Cost { macs: 0, bytes: 512 });

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
