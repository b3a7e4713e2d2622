//! Vectors times numbers: how types steer the vectors of a set.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Activation, view, view_mut};
use crate::format::{Dtype, Tensor};
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[p, t, c] = requantize(v[p, t, 0] · (s[0, t, c] − zero_s))`: vectors `i16[3, elements, 1]` times numbers
/// `[1, elements, channels]` of 8 or 16 bits, vectors `i16[3, elements, channels]`.
///
/// Numbers do not change when the sensor turns, so these vectors turn with it. The shift is at least 33.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OuterProduct {
    /// Vectors, numbers, and the output.
    pub operands: Operands,
    /// To the output's scale.
    pub requantize: Requantize,
    /// From the product of the inputs' scales to the output's.
    pub multiplier: i32,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for OuterProduct {
    const KIND: u32 = 21;
    const NAME: &'static str = "outer_product";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: v, other: s, output: y, .. } = site;
        let is_vector = |x: &Tensor| (x.dtype, x.zero_point) == (Dtype::I16, 0);
        if !is_vector(v) || !is_vector(y) || s.dtype == Dtype::I32 {
            return Err(Fault::Operand);
        }
        let [_, elements, channels] = y.shape;
        if [v.shape, s.shape, y.shape] != [[3, elements, 1], [1, elements, channels], [3, elements, channels]] {
            return Err(Fault::Shape);
        }
        // A product of 2¹⁵ and 2¹⁶ − 1 fits 32 bits.
        if self.requantize.fits(y) && self.requantize.rescale().is_some() { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.other.dtype {
            Dtype::I8 => self.products::<i8>(site, memory),
            _ => self.products::<i16>(site, memory),
        }
    }
}

// ---- Reference ------------------------------------------------------------------------------------

impl OuterProduct {
    fn products<S: Activation>(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let [_, elements, channels] = site.output.shape.map(usize::from);
        let (v, s) = (view::<i16>(memory.input, site.input)?, view::<S>(memory.other, site.other)?);
        let mut y = view_mut::<i16>(memory.output, site.output)?;
        let (rescale, zero) = (self.requantize.rescale_checked(), i32::from(site.other.zero_point));
        let mut numbers = s;
        for (&v, element) in v.iter().zip((0..elements).cycle()) {
            if element == 0 {
                // The next plane.
                numbers = s;
            }
            let (numbers, y) = (numbers.split_off(..channels)?, y.split_off_mut(..channels)?);
            for (&number, y) in numbers.iter().zip(y) {
                let number: i32 = number.into();
                *y = rescale.apply(i32::from(v).wrapping_mul(number.wrapping_sub(zero)), self.multiplier);
            }
        }
        Some(())
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor};
    use super::*;
    use crate::format::NONE;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const OPERANDS: Operands = Operands { inputs: [0, 1], output: 2, scratch: NONE };

    fn bench(numbers: Dtype, [elements, channels]: [u16; 2]) -> Bench {
        let (v, s) = (tensor(Dtype::I16, [3, elements, 1]), tensor(numbers, [1, elements, channels]));
        Bench { tensors: vec![v, s, tensor(Dtype::I16, [3, elements, channels])], blob: Vec::new() }
    }

    proptest! {
        #[test]
        fn equals_the_oracle(
            (size, v, s) in [1u16..6, 1u16..6].prop_flat_map(|[elements, channels]| {
                let numbers = usize::from(elements * channels);
                (Just([elements, channels]), prop::collection::vec(any::<i16>(), 3 * usize::from(elements)),
                 prop::collection::vec(any::<i8>(), numbers))
            }),
            multiplier: i32,
            shift in 33u16..=61,
            zero: i8,
            wide: bool,
        ) {
            let scaled = Requantize { shift, zero_point: 0, min: -32767, max: 32767 };
            let outer = Operator::OuterProduct(OuterProduct { operands: OPERANDS, requantize: scaled, multiplier });
            let mut bench = bench(if wide { Dtype::I16 } else { Dtype::I8 }, size);
            let factor = if wide { 256 } else { 1 };
            let zero = factor * i16::from(zero);
            bench.tensors[1].zero_point = zero;
            let s: Vec<i16> = s.into_iter().map(|x| factor * i16::from(x)).collect();
            let y = bench.run_on(&outer, [&v, &s]);
            let [elements, channels] = size.map(usize::from);
            for (at, &y) in y.iter().enumerate() {
                let (vector, number) = (v[at / channels], s[at % (elements * channels)]);
                let exact = i64::from(vector) * (i64::from(number) - i64::from(zero));
                prop_assert_eq!(y, requantize(exact, multiplier, &scaled));
            }
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let refused = |change: fn(&mut OuterProduct, &mut Bench)| {
            let requantize = Requantize { shift: 40, zero_point: 0, min: -32767, max: 32767 };
            let mut outer = OuterProduct { operands: OPERANDS, requantize, multiplier: 1 };
            let mut bench = bench(Dtype::I16, [4, 5]);
            change(&mut outer, &mut bench);
            bench.check(&Operator::OuterProduct(outer)).err()
        };
        assert_eq!(refused(|_, _| {}), None);
        assert_eq!(refused(|_, bench| bench.tensors[1].dtype = Dtype::I8), None);
        assert_eq!(refused(|_, bench| bench.tensors[0].dtype = Dtype::I8), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].dtype = Dtype::I32), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[2].zero_point = 1), Some(Fault::Operand));
        assert_eq!(refused(|outer, _| outer.operands.inputs[1] = NONE), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[0].shape[2] = 5), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[1] = 3), Some(Fault::Shape));
        assert_eq!(refused(|outer, _| outer.requantize.shift = 32), Some(Fault::Quantization));
        assert_eq!(refused(|outer, _| outer.requantize.zero_point = 1), Some(Fault::Quantization));
    }
}
