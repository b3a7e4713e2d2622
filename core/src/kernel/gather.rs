//! The elements of a set side by side, in their order.
//!
//! What stands in an order that does not depend on the caller's can be read by any network: the set is canonicalized and
//! then encoded.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Activation, copy, view, view_mut};
use crate::format::Dtype;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[0, 0, k · channels + c] = x[0, place[0, k, 0], c]`: what stands at each place of an order, one element behind the
/// other, and zeros, as the zero point says, from the last element of the set to the end.
///
/// Elements are of 8 or 16 bits, and those of the result mean the same. A place that names no element, as only an order that
/// no [`Argsort`](super::Argsort) has made can have it, is left as zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Gather {
    /// Elements `[1, elements, channels]`, an order of them, `i16[2, elements, 1]`, and
    /// `[1, 1, elements · channels]` of the elements' type.
    pub operands: Operands,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Gather {
    const KIND: u32 = 23;
    const NAME: &'static str = "gather";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, other: order, output: y, .. } = site;
        if x.dtype == Dtype::I32 || y.dtype != x.dtype || order.dtype != Dtype::I16 {
            return Err(Fault::Operand);
        }
        let [_, elements, channels] = x.shape;
        // One product of two numbers of 16 bits, and it is one of 16 bits, too.
        let all = u32::from(elements) * u32::from(channels);
        let shapes = [x.shape, order.shape] == [[1, elements, channels], [2, elements, 1]];
        if !shapes || x.is_empty() || y.shape.map(u32::from) != [1, 1, all] {
            return Err(Fault::Shape);
        }
        if x.same_meaning(y) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.input.dtype {
            Dtype::I8 => gather::<i8>(site, memory),
            _ => gather::<i16>(site, memory),
        }
    }
}

// ---- Reference ------------------------------------------------------------------------------------

fn gather<T: Activation>(site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
    let [_, elements, channels] = site.input.shape.map(usize::from);
    let x = view::<T>(memory.input, site.input)?;
    let places = view::<i16>(memory.other, site.other)?.get(..elements)?;
    let mut y = view_mut::<T>(memory.output, site.output)?;
    y.fill(T::from_i16(site.output.zero_point));
    for &place in places {
        let row = y.split_off_mut(..channels)?;
        // Negative ones are beyond every element.
        let start = (place as usize).wrapping_mul(channels);
        copy(x.get(start..).and_then(|rest| rest.get(..channels)).unwrap_or_default(), row);
    }
    Some(())
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor, values};
    use super::*;
    use crate::format::NONE;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const GATHER: Operator =
        Operator::Gather(Gather { operands: Operands { inputs: [0, 1], output: 2, scratch: NONE } });

    fn bench(dtype: Dtype, elements: u16, channels: u16) -> Bench {
        let x = tensor(dtype, [1, elements, channels]);
        let mut all = [x, tensor(Dtype::I16, [2, elements, 1]), tensor(dtype, [1, 1, elements * channels])];
        (all[0].zero_point, all[2].zero_point) = (-7, -7);
        Bench { tensors: all.to_vec(), blob: Vec::new() }
    }

    /// A type, sizes, elements, and an order in which some places may name none.
    fn case() -> impl Strategy<Value = ((Dtype, u16, u16), Vec<i16>, Vec<i16>)> {
        let dtype = prop_oneof![Just(Dtype::I8), Just(Dtype::I16)];
        (dtype, 1u16..20, 1u16..9).prop_flat_map(|(dtype, elements, channels)| {
            let x = values(dtype, &bench(dtype, elements, channels).tensors[0]);
            let place = prop_oneof![8 => 0..elements as i16, 1 => any::<i16>()];
            (Just((dtype, elements, channels)), x, prop::collection::vec(place, 2 * usize::from(elements)))
        })
    }

    proptest! {
        #[test]
        fn each_place_has_its_element(((dtype, elements, channels), x, order) in case()) {
            let bench = bench(dtype, elements, channels);
            let [elements, channels] = [elements, channels].map(usize::from);
            let row = |place: &i16| {
                let element = usize::try_from(*place).ok().filter(|&element| element < elements);
                element.map_or(vec![-7; channels], |element| x[element * channels..][..channels].to_vec())
            };
            let expected: Vec<i16> = order[..elements].iter().flat_map(row).collect();
            prop_assert_eq!(bench.run_on(&GATHER, [&x, &order]), expected);
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let refused = |change: fn(&mut [crate::format::Tensor])| {
            let mut bench = bench(Dtype::I8, 5, 3);
            change(&mut bench.tensors);
            bench.check(&GATHER).err()
        };
        assert_eq!(refused(|_| {}), None);
        assert_eq!(refused(|all| all[0].dtype = Dtype::I16), Some(Fault::Operand));
        assert_eq!(refused(|all| (all[0].dtype, all[2].dtype) = (Dtype::I32, Dtype::I32)), Some(Fault::Operand));
        assert_eq!(refused(|all| all[1].dtype = Dtype::I8), Some(Fault::Operand));
        assert_eq!(refused(|all| all[0].shape = [3, 5, 1]), Some(Fault::Shape));
        assert_eq!(refused(|all| all[1].shape = [1, 5, 1]), Some(Fault::Shape));
        assert_eq!(refused(|all| all[1].shape[1] = 4), Some(Fault::Shape));
        assert_eq!(refused(|all| all[2].shape[2] = 14), Some(Fault::Shape));
        fn large(all: &mut [crate::format::Tensor]) {
            // 2¹⁶ numbers, of which 16 bits say 0.
            (all[0].shape, all[1].shape, all[2].shape) = ([1, 256, 256], [2, 256, 1], [1, 1, 0]);
        }
        assert_eq!(refused(large), Some(Fault::Shape));
        assert_eq!(refused(|all| all[2].zero_point = 0), Some(Fault::Quantization));
        assert_eq!(refused(|all| all[2].scale = 2.0), Some(Fault::Quantization));
    }
}
