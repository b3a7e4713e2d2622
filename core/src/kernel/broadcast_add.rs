//! What was pooled over a set, added to each of its elements.

use super::elementwise::Add;
use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Activation, view, view_mut};
use crate::format::Dtype;
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[p, t, c] = clamp(((x[p, t, c] − zero_x) · m_x + (u[p, 0, c] − zero_u) · m_u + 2^(shift−1)) >> shift + zero_point)`
/// for every element `t`, rounded once.
///
/// Types, multipliers and shift as those of [`Add`]. With multipliers of one and minus one and `u` the mean of `x`, the
/// elements are centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct BroadcastAdd {
    /// Elements `[planes, elements, channels]`, what is added to each, `[planes, 1, channels]`, and the output, of the
    /// shape of the first.
    pub operands: Operands,
    /// To the output's scale; the shift is that of the multipliers.
    pub requantize: Requantize,
    /// From each input's scale to the output's.
    pub multipliers: [i32; 2],
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for BroadcastAdd {
    const KIND: u32 = 19;
    const NAME: &'static str = "broadcast_add";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, other: u, output: y, .. } = site;
        if x.dtype != y.dtype || u.dtype != y.dtype || y.dtype == Dtype::I32 {
            return Err(Fault::Operand);
        }
        let [planes, _, channels] = x.shape;
        if y.shape != x.shape || u.shape != [planes, 1, channels] {
            return Err(Fault::Shape);
        }
        self.add().check_sums(site)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.output.dtype {
            Dtype::I8 => each::<i8>(site, memory, self.add().of_bytes(site)),
            _ => each::<i16>(site, memory, self.add().of_words(site)),
        }
    }
}

impl BroadcastAdd {
    /// The same numbers for pairs of elements.
    fn add(&self) -> Add {
        Add { operands: self.operands, requantize: self.requantize, multipliers: self.multipliers }
    }
}

// ---- Reference ------------------------------------------------------------------------------------

/// `y = f(x, u)` for every element of every plane.
#[inline]
fn each<X: Activation>(site: &Site<'_>, memory: Memory<'_>, f: impl Fn(i32, i32) -> i32) -> Option<()> {
    let [planes, elements, channels] = site.output.shape.map(usize::from);
    let (mut x, mut u) = (view::<X>(memory.input, site.input)?, view::<X>(memory.other, site.other)?);
    let mut y = view_mut::<X>(memory.output, site.output)?;
    for _ in 0..planes {
        let u = u.split_off(..channels)?;
        for _ in 0..elements {
            let (x, y) = (x.split_off(..channels)?, y.split_off_mut(..channels)?);
            for ((&x, &u), y) in x.iter().zip(u).zip(y) {
                *y = X::from_i16(f(x.into(), u.into()) as i16);
            }
        }
    }
    Some(())
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor, values};
    use super::*;
    use crate::format::{NONE, Tensor};
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const OPERANDS: Operands = Operands { inputs: [0, 1], output: 2, scratch: NONE };

    fn tensors(dtype: Dtype, [planes, elements, channels]: [u16; 3], zeros: [i16; 3]) -> [Tensor; 3] {
        let shapes = [[planes, elements, channels], [planes, 1, channels], [planes, elements, channels]];
        [0, 1, 2].map(|i| Tensor { zero_point: zeros[i], ..tensor(dtype, shapes[i]) })
    }

    fn case(dtype: Dtype) -> impl Strategy<Value = (BroadcastAdd, Bench, [Vec<i16>; 2])> {
        let zero = || any::<i8>().prop_map(i16::from);
        let multiplier = || -(1i32 << 20)..=1 << 20;
        ([1u16..4, 1u16..6, 1u16..9], [zero(), zero(), zero()], [multiplier(), multiplier()], 18u16..=21).prop_flat_map(
            move |(shape, zeros, multipliers, shift)| {
                let (min, max) = dtype.range();
                let requantize = Requantize { shift, zero_point: zeros[2], min: min as i16, max: max as i16 };
                let tensors = tensors(dtype, shape, zeros);
                [values(dtype, &tensors[0]), values(dtype, &tensors[1])].prop_map(move |inputs| {
                    let bench = Bench { tensors: tensors.to_vec(), blob: Vec::new() };
                    (BroadcastAdd { operands: OPERANDS, requantize, multipliers }, bench, inputs)
                })
            },
        )
    }

    proptest! {
        #[test]
        fn equals_the_oracle(narrow in case(Dtype::I8), wide in case(Dtype::I16)) {
            for (add, bench, [x, u]) in [narrow, wide] {
                let found = bench.run_on(&Operator::BroadcastAdd(add), [&x, &u]);
                let [_, elements, channels] = bench.tensors[0].shape.map(usize::from);
                let zeros: Vec<i64> = bench.tensors.iter().map(|tensor| tensor.zero_point.into()).collect();
                let Requantize { shift, min, max, .. } = add.requantize;
                for (at, &y) in found.iter().enumerate() {
                    let pooled = at / channels / elements * channels + at % channels;
                    let sum = (i64::from(x[at]) - zeros[0]) * i64::from(add.multipliers[0])
                        + (i64::from(u[pooled]) - zeros[1]) * i64::from(add.multipliers[1]);
                    let nearest = (2 * sum + (1 << shift)).div_euclid(2 << shift) + zeros[2];
                    prop_assert_eq!(i64::from(y), nearest.clamp(min.into(), max.into()));
                }
            }
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let refused = |change: fn(&mut BroadcastAdd, &mut Bench)| {
            let requantize = Requantize { shift: 21, zero_point: 2, min: -128, max: 127 };
            let mut add = BroadcastAdd { operands: OPERANDS, requantize, multipliers: [1 << 21, -1 << 21] };
            let mut bench = Bench { tensors: tensors(Dtype::I8, [3, 4, 5], [0, 1, 2]).to_vec(), blob: Vec::new() };
            change(&mut add, &mut bench);
            bench.check(&Operator::BroadcastAdd(add)).err()
        };
        assert_eq!(refused(|_, _| {}), None);
        for tensor in [0, 1, 2] {
            let mut bench = Bench { tensors: tensors(Dtype::I8, [3, 4, 5], [0; 3]).to_vec(), blob: Vec::new() };
            bench.tensors[tensor].dtype = Dtype::I16;
            let requantize = Requantize { shift: 21, zero_point: 0, min: -128, max: 127 };
            let add = BroadcastAdd { operands: OPERANDS, requantize, multipliers: [1; 2] };
            assert_eq!(bench.check(&Operator::BroadcastAdd(add)), Err(Fault::Operand));
        }
        assert_eq!(refused(|add, _| add.operands.inputs[1] = NONE), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[1] = 4), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[0] = 1), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[2].shape[1] = 5), Some(Fault::Shape));
        assert_eq!(refused(|add, _| add.requantize.shift = 31), Some(Fault::Quantization));
        assert_eq!(refused(|_, bench| bench.tensors[2].zero_point = 0), Some(Fault::Quantization));
        assert_eq!(refused(|add, _| add.multipliers = [1 << 24, 1]), Some(Fault::Accumulator));
    }
}
