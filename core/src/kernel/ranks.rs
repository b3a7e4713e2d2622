//! How many elements of a set have longer vectors: elements told apart by their distance from where vectors begin.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Activation, view, view_mut};
use crate::format::Dtype;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[0, t, k] = 127` where the vectors of `k` elements are longer than `v[·, t, 0]`, and 0 elsewhere: vectors
/// `i16[3, elements, 1]`, and `i8[1, elements, ranks]` with zero point 0, of scale 1/127 where 1 is meant. Of
/// `i16[1, elements, ranks]` it is 32,767.
///
/// Lengths are compared exactly, by their squares in 32 bits. Elements of one length have one rank, and nobody the next: which
/// of them stood first must not matter. An element behind the last rank is 0 throughout. It takes as many comparisons as there
/// are pairs of elements: this is for few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Ranks {
    /// Vectors and ranks.
    pub operands: Operands,
}

/// The most elements: each is compared with each, and a small package must not ask for endless work.
pub const MAX_ELEMENTS: u16 = 256;

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Ranks {
    const KIND: u32 = 22;
    const NAME: &'static str = "ranks";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: v, output: y, .. } = site;
        if v.dtype != Dtype::I16 || y.dtype == Dtype::I32 {
            return Err(Fault::Operand);
        }
        let [_, elements, ranks] = y.shape;
        let shapes = [v.shape, y.shape] == [[3, elements, 1], [1, elements, ranks]];
        if !shapes || y.is_empty() || elements > MAX_ELEMENTS {
            return Err(Fault::Shape);
        }
        if (v.zero_point, y.zero_point) == (0, 0) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.output.dtype {
            Dtype::I8 => self.ranks(site, memory, i8::MAX),
            _ => self.ranks(site, memory, i16::MAX),
        }
    }
}

impl Ranks {
    fn ranks<T: Activation>(&self, site: &Site<'_>, memory: Memory<'_>, one: T) -> Option<()> {
        let [_, elements, ranks] = site.output.shape.map(usize::from);
        let (x, rest) = view::<i16>(memory.input, site.input)?.split_at_checked(elements)?;
        let (y, z) = rest.split_at_checked(elements)?;
        let squares = || x.iter().zip(y).zip(z).map(|((&x, &y), &z)| squared([x, y, z]));
        let mut rows = view_mut::<T>(memory.output, site.output)?;
        for own in squares() {
            let rank = squares().filter(|&other| other > own).count();
            let row = rows.split_off_mut(..ranks)?;
            row.iter_mut().zip(0..).for_each(|(y, at)| *y = if at == rank { one } else { T::from_i16(0) });
        }
        Some(())
    }
}

// ---- Reference ------------------------------------------------------------------------------------

/// At most 3 · 2³⁰.
fn squared(v: [i16; 3]) -> u32 {
    v.iter().fold(0, |sum: u32, &x| sum.wrapping_add(u32::from(x.unsigned_abs()).wrapping_mul(x.unsigned_abs().into())))
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor};
    use super::*;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    fn run(vectors: &[[i16; 3]], dtype: Dtype, ranks: u16) -> Vec<i16> {
        let elements = vectors.len() as u16;
        let planes: Vec<i16> = (0..3).flat_map(|p| vectors.iter().map(move |v| v[p])).collect();
        let tensors = vec![tensor(Dtype::I16, [3, elements, 1]), tensor(dtype, [1, elements, ranks])];
        Bench { tensors, blob: vec![] }.run(&Operator::Ranks(Ranks { operands: Operands::new(0, 1) }), &planes)
    }

    proptest! {
        /// Small numbers, so that some are equally long.
        #[test]
        fn the_rank_counts_who_is_longer(
            v in prop::collection::vec(prop_oneof![prop::array::uniform3(-2i16..3), prop::array::uniform3(any::<i16>())], 1..9),
            ranks in 1u16..9,
        ) {
            let length = |v: &[i16; 3]| v.iter().map(|&x| i64::from(x) * i64::from(x)).sum::<i64>();
            for (dtype, one) in [(Dtype::I8, 127), (Dtype::I16, 32_767)] {
                let expected = v.iter().flat_map(|own| {
                    let longer = v.iter().filter(|other| length(other) > length(own)).count();
                    (0..usize::from(ranks)).map(move |k| if k == longer { one } else { 0 })
                });
                prop_assert_eq!(run(&v, dtype, ranks), expected.collect::<Vec<i16>>());
            }
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let refused_with = |change: &dyn Fn(&mut Bench)| {
            let tensors = vec![tensor(Dtype::I16, [3, 5, 1]), tensor(Dtype::I8, [1, 5, 4])];
            let mut bench = Bench { tensors, blob: vec![] };
            change(&mut bench);
            bench.check(&Operator::Ranks(Ranks { operands: Operands::new(0, 1) })).err()
        };
        let refused = |change: fn(&mut Bench)| refused_with(&change);
        assert_eq!(refused(|_| {}), None);
        assert_eq!(refused(|bench| bench.tensors[0].dtype = Dtype::I8), Some(Fault::Operand));
        assert_eq!(refused(|bench| bench.tensors[1].dtype = Dtype::I16), None);
        assert_eq!(refused(|bench| bench.tensors[1].dtype = Dtype::I32), Some(Fault::Operand));
        assert_eq!(refused(|bench| bench.tensors[0].shape[2] = 2), Some(Fault::Shape));
        assert_eq!(refused(|bench| bench.tensors[0].shape[1] = 4), Some(Fault::Shape));
        assert_eq!(refused(|bench| bench.tensors[1].shape[0] = 2), Some(Fault::Shape));
        assert_eq!(refused(|bench| bench.tensors[1].shape[2] = 0), Some(Fault::Shape));
        let of = |bench: &mut Bench, elements| bench.tensors.iter_mut().for_each(|of| of.shape[1] = elements);
        assert_eq!(refused_with(&|bench| of(bench, 256)), None);
        assert_eq!(refused_with(&|bench| of(bench, 257)), Some(Fault::Shape));
        assert_eq!(refused(|bench| bench.tensors[0].zero_point = 1), Some(Fault::Quantization));
        assert_eq!(refused(|bench| bench.tensors[1].zero_point = 1), Some(Fault::Quantization));
    }
}
