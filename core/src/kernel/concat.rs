//! Two tensors side by side.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::copy;
use crate::format::Tensor;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y = [a, b]` along an axis, whose sizes add up; the other sizes, the type, the scale and the zero
/// point are the same for all three. More than two tensors take more than one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Concat {
    /// The two inputs and the output.
    pub operands: Operands,
    /// 0, 1 or 2.
    pub axis: u16,
    /// Zero.
    pub reserved: u16,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Concat {
    const KIND: u32 = 9;
    const NAME: &'static str = "concat";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: a, other: b, output: y, .. } = site;
        if a.dtype != y.dtype || b.dtype != y.dtype {
            return Err(Fault::Operand);
        }
        let mut sizes = a.shape.iter().zip(&b.shape).zip(&y.shape).enumerate();
        let fits = sizes.all(|(axis, ((&a, &b), &y))| match axis == self.axis.into() {
            true => a != 0 && b != 0 && u32::from(a) + u32::from(b) == y.into(),
            false => a == y && b == y,
        });
        if !fits || self.axis > 2 || self.reserved != 0 {
            return Err(Fault::Shape);
        }
        if a.same_meaning(y) && b.same_meaning(y) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let (a, b) = (memory.input, memory.other);
        let (of_a, of_b) = (site.input, site.other);
        let (m, n) = (run_len(of_a, self.axis), run_len(of_b, self.axis));
        let (mut a, mut b): (&[u8], &[u8]) = (bytemuck::try_cast_slice(a).ok()?, bytemuck::try_cast_slice(b).ok()?);
        let mut y: &mut [u8] = bytemuck::try_cast_slice_mut(memory.output).ok()?;
        let turns: usize = site.output.shape.iter().take(self.axis.into()).map(|&size| usize::from(size)).product();
        for _ in 0..turns {
            y = append(y, &mut a, m)?;
            y = append(y, &mut b, n)?;
        }
        Some(())
    }
}

// ---- Reference ------------------------------------------------------------------------------------

/// Bytes of a tensor that stay together: from the axis inwards.
fn run_len(x: &Tensor, axis: u16) -> usize {
    let sizes = x.shape.iter().skip(axis.into());
    sizes.fold(x.dtype.bytes() as usize, |len, &size| len.wrapping_mul(size.into()))
}

/// Moves the next bytes of `x` to the front of `y`, and returns what is behind them.
fn append<'y>(y: &'y mut [u8], x: &mut &[u8], len: usize) -> Option<&'y mut [u8]> {
    let (to, y) = y.split_at_mut_checked(len)?;
    copy(x.split_off(..len)?, to);
    Some(y)
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor};
    use super::*;
    use crate::format::{Dtype, NONE};
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const OPERANDS: Operands = Operands { inputs: [0, 1], output: 2, scratch: NONE };

    fn bench(dtype: Dtype, axis: usize, shape: [u16; 3], more: u16) -> Bench {
        let size = |size: u16| {
            let mut shape = shape;
            shape[axis] = size;
            tensor(dtype, shape)
        };
        let tensors = vec![size(shape[axis]), size(more), size(shape[axis] + more)];
        Bench { tensors, blob: Vec::new() }
    }

    proptest! {
        #[test]
        fn every_element_comes_from_its_place(
            shape in [1u16..6, 1u16..6, 1u16..6],
            more in 1u16..6,
            axis in 0usize..3,
            dtype in prop_oneof![Just(Dtype::I8), Just(Dtype::I16), Just(Dtype::I32)],
        ) {
            let bench = bench(dtype, axis, shape, more);
            let len = |i: usize| bench.tensors[i].elements().unwrap() as usize;
            // All different while there are less than 256.
            let a: Vec<i16> = (0..len(0)).map(|i| (i % 256) as i16 - 128).collect();
            let b: Vec<i16> = (0..len(1)).map(|i| 127 - (i % 256) as i16).collect();
            let concat = Operator::Concat(Concat { operands: OPERANDS, axis: axis as u16, reserved: 0 });
            let y = bench.run_wide(&concat, [&a, &b]);
            let [_, height, width] = bench.tensors[2].shape.map(usize::from);
            for (i, y) in y.into_iter().enumerate() {
                let mut at = [i / width / height, i / width % height, i % width];
                let first = at[axis] < usize::from(shape[axis]);
                let (x, of) = if first { (&a, 0) } else { (&b, 1) };
                if !first {
                    at[axis] -= usize::from(shape[axis]);
                }
                let [_, height, width] = bench.tensors[of].shape.map(usize::from);
                prop_assert_eq!(y, i32::from(x[(at[0] * height + at[1]) * width + at[2]]));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |change: fn(&mut Concat, &mut Bench)| {
            let (mut concat, mut bench) =
                (Concat { operands: OPERANDS, axis: 1, reserved: 0 }, bench(Dtype::I16, 1, [2, 3, 4], 5));
            change(&mut concat, &mut bench);
            bench.check(&Operator::Concat(concat)).err()
        };
        assert_eq!(refused(|_, _| {}), None);
        assert_eq!(refused(|_, bench| bench.tensors[0].dtype = Dtype::I8), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].dtype = Dtype::I8), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[2].shape[1] += 1), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[0].shape[0] += 1), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[2] -= 1), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors.iter_mut().for_each(|x| x.shape[1] = 0)), Some(Fault::Shape));
        assert_eq!(refused(|concat, _| concat.axis = 0), Some(Fault::Shape));
        assert_eq!(
            refused(|concat, bench| {
                concat.axis = 3;
                bench.tensors = vec![bench.tensors[0]; 3]
            }),
            Some(Fault::Shape)
        );
        assert_eq!(refused(|concat, _| concat.reserved = 1), Some(Fault::Shape));
        assert_eq!(
            refused(|concat, bench| {
                concat.operands.inputs = [0, NONE];
                bench.tensors[0].dtype = Dtype::I8;
                bench.tensors[2] = bench.tensors[0]
            }),
            Some(Fault::Shape)
        );
        for i in 0..3 {
            let mut bench = bench(Dtype::I16, 1, [2, 3, 4], 5);
            bench.tensors[i].zero_point = 1;
            let concat = Operator::Concat(Concat { operands: OPERANDS, axis: 1, reserved: 0 });
            assert_eq!(bench.check(&concat), Err(Fault::Quantization));
            bench.tensors[i].zero_point = 0;
            bench.tensors[i].scale = 1.0 + f32::EPSILON;
            assert_eq!(bench.check(&concat), Err(Fault::Quantization));
        }
    }
}
