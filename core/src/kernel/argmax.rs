//! Which channel is the largest.

use super::{Cost, Fault, Memory, Operands, Record, Site, pairs};
use crate::arena::{Activation, view, view_mut};
use crate::format::Dtype;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[h, w, 0] =` the smallest `c` with `x[h, w, c] = max x[h, w, ·]`: argmax over the channels, the first
/// of equals, from int8 or int16 to int16.
///
/// The output has scale 1 and zero point 0, so that its elements are what they stand for; there are at
/// most 2¹⁵ channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Argmax {
    /// `[height, width, channels]` and `i16[height, width, 1]`.
    pub operands: Operands,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Argmax {
    const KIND: u32 = 15;
    const NAME: &'static str = "argmax";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        if x.dtype == Dtype::I32 || y.dtype != Dtype::I16 {
            return Err(Fault::Operand);
        }
        let [height, width, channels] = x.shape;
        if y.shape != [height, width, 1] || channels > 1 << 15 {
            return Err(Fault::Shape);
        }
        if (y.scale, y.zero_point) == (1.0, 0) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.input.dtype {
            Dtype::I8 => self.largest::<i8>(site, memory),
            _ => self.largest::<i16>(site, memory),
        }
    }
}

// ---- Reference ------------------------------------------------------------------------------------

impl Argmax {
    fn largest<X: Activation>(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        let rows = view::<X>(memory.input, x)?.chunks_exact(usize::from(x.shape[2]).max(1));
        for (x, y) in pairs(rows, view_mut::<i16>(memory.output, y)?.iter_mut()) {
            // A row that is all MIN has its largest at 0.
            let (mut largest, mut at) = (X::MIN, 0);
            for (c, &x) in x.iter().enumerate() {
                if x > largest {
                    (largest, at) = (x, c);
                }
            }
            *y = at as i16;
        }
        Some(())
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

    const ARGMAX: Argmax = Argmax { operands: Operands::new(0, 1) };

    fn bench(dtype: Dtype, shape: [u16; 3]) -> Bench {
        let x = Tensor { zero_point: 7, ..tensor(dtype, shape) };
        Bench { tensors: vec![x, tensor(Dtype::I16, [shape[0], shape[1], 1])], blob: Vec::new() }
    }

    /// Shapes and elements, with many equals among the latter.
    fn rows(dtype: Dtype) -> impl Strategy<Value = ([u16; 3], Vec<i16>)> {
        let coarse = prop_oneof![Just(1i16), Just(64), Just(i16::MAX)];
        (1u16..4, 1u16..4, 1u16..12, coarse).prop_flat_map(move |(height, width, channels, coarse)| {
            let shape = [height, width, channels];
            let x = values(dtype, &tensor(dtype, shape));
            let lowest = dtype.range().0 as i16;
            // What is small becomes the smallest element there is.
            let x = x.prop_map(move |x| x.into_iter().map(move |x| if x / coarse == 0 { lowest } else { x / coarse }));
            (Just(shape), x.prop_map(Iterator::collect))
        })
    }

    proptest! {
        #[test]
        fn the_first_of_the_largest(narrow in rows(Dtype::I8), wide in rows(Dtype::I16)) {
            for (dtype, (shape, x)) in [(Dtype::I8, narrow), (Dtype::I16, wide)] {
                let found = bench(dtype, shape).run(&Operator::Argmax(ARGMAX), &x);
                for (row, &y) in x.chunks(usize::from(shape[2])).zip(&found) {
                    let y = usize::try_from(y).unwrap();
                    prop_assert!(row.iter().all(|&x| x <= row[y]) && row[..y].iter().all(|&x| x < row[y]));
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and the same code as in other tests")]
    fn the_last_of_as_many_as_there_may_be() {
        let mut x = vec![0; 1 << 15];
        *x.last_mut().unwrap() = 1;
        assert_eq!(bench(Dtype::I16, [1, 1, 1 << 15]).run(&Operator::Argmax(ARGMAX), &x), [i16::MAX]);
    }

    #[test]
    fn refuses_what_it_cannot_run() {
        let check = |bench: &Bench| bench.check(&Operator::Argmax(ARGMAX));
        let good = || bench(Dtype::I8, [2, 3, 4]);
        assert_eq!(check(&good()), Ok(0));
        assert_eq!(check(&bench(Dtype::I16, [2, 3, 4])), Ok(0));
        assert_eq!(ARGMAX.cost(&good().site(&ARGMAX.operands, &[], &[])), Cost::default());

        let changed = |tensor: usize, change: fn(&mut Tensor)| {
            let mut bench = good();
            change(&mut bench.tensors[tensor]);
            check(&bench)
        };
        assert_eq!(changed(0, |x| x.dtype = Dtype::I32), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.dtype = Dtype::I8), Err(Fault::Operand));
        assert_eq!(changed(1, |y| y.dtype = Dtype::I32), Err(Fault::Operand));
        assert_eq!(changed(0, |x| x.shape[2] = (1 << 15) + 1), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.shape = [3, 2, 1]), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.shape[2] = 4), Err(Fault::Shape));
        assert_eq!(changed(1, |y| y.scale = 0.5), Err(Fault::Quantization));
        assert_eq!(changed(1, |y| y.zero_point = 1), Err(Fault::Quantization));
    }
}
