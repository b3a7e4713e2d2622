//! A row of a table for each index.

use super::{Cost, Fault, Memory, Operands, Record, Site, constants, pairs};
use crate::arena::{copy, view, view_mut};
use crate::format::Dtype;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[h, w, ·] = table[clamp(x[h, w, 0], 0, rows − 1)]`, from `i16[height, width, 1]` to `i8[height, width, channels]`:
/// what [`Argmax`](super::Argmax) has found becomes a code.
///
/// The input has scale 1 and zero point 0, so that its elements are what they stand for. The table has the output's scale
/// and zero point. An index below 0 is taken for 0, and one beyond the last row for that row.
///
/// With a row a class it is the table of class codes of Feige, *Invariant-Equivariant Representation Learning for
/// Multi-Class Data* (EquiVAE), ICML 2019.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Lookup {
    /// Input and output.
    pub operands: Operands,
    /// Offset in the blob: `i8[rows, channels]`, row by row.
    pub table: u32,
    /// Rows of the table, 1 to 2¹⁵.
    pub rows: u16,
    /// Zero.
    pub reserved: u16,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Lookup {
    const KIND: u32 = 24;
    const NAME: &'static str = "lookup";

    fn cost(&self, site: &Site<'_>) -> Cost {
        Cost { macs: 0, bytes: self.bytes(site) }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        if (x.dtype, y.dtype) != (Dtype::I16, Dtype::I8) {
            return Err(Fault::Operand);
        }
        let [height, width, _] = y.shape;
        if x.shape != [height, width, 1] || self.rows == 0 || self.rows > 1 << 15 || self.reserved != 0 {
            return Err(Fault::Shape);
        }
        if (x.scale, x.zero_point) != (1.0, 0) {
            return Err(Fault::Quantization);
        }
        self.table(site).ok_or(Fault::Weights)?;
        Ok(self.bytes(site))
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        let channels = usize::from(y.shape[2]);
        self.rows_of(self.table(site)?, channels, view(memory.input, x)?, view_mut(memory.output, y)?);
        Some(())
    }
}

impl Lookup {
    /// Bytes of the table: at most 2¹⁵ · 2¹⁶.
    fn bytes(&self, site: &Site<'_>) -> u32 {
        u32::from(self.rows).wrapping_mul(site.output.shape[2].into())
    }

    /// The table, or `None` if it is not aligned or outside the blob.
    fn table<'m>(&self, site: &Site<'m>) -> Option<&'m [i8]> {
        constants(site.blob, self.table, self.bytes(site) as usize)
    }

    // ---- Reference --------------------------------------------------------------------------------

    /// `table[rows, channels]`.
    fn rows_of(&self, table: &[i8], channels: usize, x: &[i16], y: &mut [i8]) {
        let last = usize::from(self.rows).saturating_sub(1);
        for (&index, y) in pairs(x.iter(), y.chunks_exact_mut(channels.max(1))) {
            let start = usize::from(index.max(0) as u16).min(last).wrapping_mul(channels);
            let row = table.get(start..).and_then(|rows| rows.get(..channels));
            copy(row.unwrap_or_default(), y);
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const LOOKUP: Lookup = Lookup { operands: Operands::new(0, 1), table: 4, rows: 3, reserved: 0 };

    fn bench(places: [u16; 2], table: &[i8], channels: u16) -> Bench {
        let [height, width] = places;
        let x = tensor(Dtype::I16, [height, width, 1]);
        let y = Tensor { scale: 0.25, zero_point: 9, ..tensor(Dtype::I8, [height, width, channels]) };
        Bench { tensors: vec![x, y], blob: [0; 4].into_iter().chain(table.iter().map(|&y| y as u8)).collect() }
    }

    /// Places, a table of some rows and channels, and an index for each place, many of them beyond it.
    #[allow(clippy::type_complexity)]
    fn case() -> impl Strategy<Value = ([u16; 2], u16, u16, Vec<i8>, Vec<i16>)> {
        (1u16..4, 1u16..4, 1u16..6, 1u16..9).prop_flat_map(|(height, width, rows, channels)| {
            let table = prop::collection::vec(any::<i8>(), usize::from(rows * channels));
            let index = prop_oneof![0..rows as i16, Just(rows as i16), any::<i16>()];
            let indices = prop::collection::vec(index, usize::from(height * width));
            (Just([height, width]), Just(rows), Just(channels), table, indices)
        })
    }

    proptest! {
        #[test]
        fn every_index_gets_its_row((places, rows, channels, table, indices) in case()) {
            let lookup = Operator::Lookup(Lookup { rows, ..LOOKUP });
            let found = bench(places, &table, channels).run(&lookup, &indices);
            let expected: Vec<i16> = indices
                .iter()
                .flat_map(|&index| {
                    let row = i64::from(index).clamp(0, i64::from(rows) - 1) as usize;
                    table[row * usize::from(channels)..][..usize::from(channels)].iter().map(|&y| i16::from(y))
                })
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn refuses_what_it_cannot_run() {
        let refused = |change: fn(&mut Lookup, &mut Bench)| {
            let (mut lookup, mut bench) = (LOOKUP, bench([2, 1], &[0; 12], 4));
            change(&mut lookup, &mut bench);
            bench.check(&Operator::Lookup(lookup))
        };
        assert_eq!(refused(|_, _| {}), Ok(12));
        assert_eq!(refused(|_, bench| bench.tensors[0].dtype = Dtype::I8), Err(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[0].shape = [2, 1, 2]), Err(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape = [1, 1, 4]), Err(Fault::Shape));
        assert_eq!(refused(|lookup, _| lookup.operands.inputs[0] = crate::format::NONE), Err(Fault::Operand));
        assert_eq!(refused(|lookup, _| lookup.rows = 0), Err(Fault::Shape));
        assert_eq!(refused(|lookup, _| lookup.rows = (1 << 15) + 1), Err(Fault::Shape));
        assert_eq!(refused(|lookup, _| lookup.reserved = 1), Err(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[0].scale = 0.5), Err(Fault::Quantization));
        assert_eq!(refused(|_, bench| bench.tensors[0].zero_point = 1), Err(Fault::Quantization));
        assert_eq!(refused(|lookup, _| lookup.table = 6), Err(Fault::Weights));
        assert_eq!(refused(|lookup, _| lookup.table = 8), Err(Fault::Weights));
        assert_eq!(refused(|lookup, _| lookup.rows = 4), Err(Fault::Weights));
        assert_eq!(refused(|lookup, _| lookup.table = u32::MAX - 3), Err(Fault::Weights));
    }
}
