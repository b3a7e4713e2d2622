//! Any function of one int8 element.

use super::{Cost, Fault, Memory, Operands, Record, Site, constants};
use crate::arena::{view, view_mut};
use crate::format::Dtype;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[i] = table[x[i] + 128]`, int8 to int8 of the same shape: sigmoid, tanh, SiLU, GELU, or the way to
/// another scale.
///
/// The exporter rounds the function once for each of the 256 elements; nothing is approximated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Lut {
    /// Input and output, which may be one tensor.
    pub operands: Operands,
    /// Offset in the blob: 256 elements of the output.
    pub table: u32,
}

// ---- Check ----------------------------------------------------------------------------------------

/// Bytes of a table.
const LEN: usize = 256;

impl Record for Lut {
    const KIND: u32 = 6;
    const NAME: &'static str = "lut";
    const IN_PLACE: bool = true;

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost { macs: 0, bytes: LEN as u32 }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        if (x.dtype, y.dtype) != (Dtype::I8, Dtype::I8) {
            return Err(Fault::Operand);
        }
        if x.shape != y.shape {
            return Err(Fault::Shape);
        }
        self.table(site.blob).ok_or(Fault::Weights)?;
        Ok(LEN as u32)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let table = self.table(site.blob)?;
        let y = view_mut::<i8>(memory.output, site.output)?;
        if site.in_place {
            y.iter_mut().for_each(|y| *y = look_up(table, *y));
        } else {
            let x = site.input;
            y.iter_mut().zip(view::<i8>(memory.input, x)?).for_each(|(y, &x)| *y = look_up(table, x));
        }
        Some(())
    }
}

impl Lut {
    fn table<'m>(&self, blob: &'m [u32]) -> Option<&'m [u8; LEN]> {
        constants(blob, self.table, LEN)?.first_chunk()
    }
}

// ---- Reference ------------------------------------------------------------------------------------

#[inline]
fn look_up(table: &[u8; LEN], x: i8) -> i8 {
    // x + 128, without leaving 8 bits.
    let at = x as u8 ^ 0x80;
    table.get(usize::from(at)).copied().unwrap_or_default() as i8
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor};
    use super::*;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    fn bench(table: &[i8], shape: [u16; 3]) -> Bench {
        let blob = [0; 4].into_iter().chain(table.iter().map(|&y| y as u8)).collect();
        Bench { tensors: vec![tensor(Dtype::I8, shape), tensor(Dtype::I8, shape)], blob }
    }

    proptest! {
        #[test]
        fn every_element_has_its_entry(table in prop::collection::vec(any::<i8>(), LEN), shift in 0usize..LEN) {
            // All elements, in two orders, in another tensor and in place.
            let x: Vec<i16> = (0..LEN).map(|i| ((i + shift) % LEN) as i16 - 128).collect();
            let expected: Vec<i16> = x.iter().map(|&x| table[(x + 128) as usize].into()).collect();
            for output in [0, 1] {
                let lut = Operator::Lut(Lut { operands: Operands::new(0, output), table: 4 });
                prop_assert_eq!(&bench(&table, [2, 16, 8]).run(&lut, &x), &expected);
            }
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let refused = |change: fn(&mut Lut, &mut Bench)| {
            let (mut lut, mut bench) = (Lut { operands: Operands::new(0, 1), table: 4 }, bench(&[0; LEN], [1, 2, 3]));
            change(&mut lut, &mut bench);
            bench.check(&Operator::Lut(lut))
        };
        assert_eq!(refused(|_, _| {}), Ok(256));
        assert_eq!(refused(|_, bench| bench.tensors[0].dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].dtype = Dtype::I16), Err(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape = [1, 3, 2]), Err(Fault::Shape));
        assert_eq!(refused(|lut, _| lut.operands.inputs[0] = crate::format::NONE), Err(Fault::Shape));
        assert_eq!(refused(|lut, _| lut.table = 2), Err(Fault::Weights));
        assert_eq!(refused(|lut, _| lut.table = 8), Err(Fault::Weights));
        assert_eq!(refused(|_, bench| bench.blob.truncate(LEN)), Err(Fault::Weights));
    }
}
