//! The canonical window as int8 features, the input of η.

use super::{Cost, Fault, Memory, Operands, Record, Site, pairs};
use crate::arena::{view, view_mut};
use crate::format::{Dtype, MAX_FIELDS};
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `window[t, c] → y[0, t, c] = requantize(window[t, c])` with the multiplier of the channel's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct QuantizeFeatures {
    /// The canonical window, counts `i16[1, samples, channels]`, and features of the same shape.
    pub operands: Operands,
    /// To the output's scale.
    pub requantize: Requantize,
    /// One for each field of the input contract; the rest are unused.
    pub multipliers: [i32; MAX_FIELDS],
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for QuantizeFeatures {
    const KIND: u32 = 1;
    const NAME: &'static str = "quantize_features";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, contract, .. } = site;
        if (x.dtype, y.dtype) != (Dtype::I16, Dtype::I8) {
            return Err(Fault::Operand);
        }
        if x.shape != y.shape || x.shape != [1, contract.samples, contract.channels() as u16] {
            return Err(Fault::Shape);
        }
        if self.requantize.fits(y) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, contract, .. } = site;
        let fields = contract.fields.iter().map(|field| field.kind.channels());
        self.samples(fields, x.shape[2].into(), view(memory.input, x)?, view_mut(memory.output, y)?);
        Some(())
    }
}

impl QuantizeFeatures {
    // ---- Reference --------------------------------------------------------------------------------

    fn samples(&self, fields: impl Iterator<Item = usize> + Clone, channels: usize, x: &[i16], y: &mut [i8]) {
        let channels = channels.max(1);
        for (x, y) in pairs(x.chunks_exact(channels), y.chunks_exact_mut(channels)) {
            let mut values = x.iter().zip(y);
            for (width, &multiplier) in fields.clone().zip(&self.multipliers) {
                for (&x, y) in values.by_ref().take(width) {
                    *y = self.requantize.apply(x.into(), multiplier) as i8;
                }
            }
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_oracle(x in prop::collection::vec(any::<i16>(), 24), a in 1i32..i32::MAX, b in 1i32..i32::MAX, shift in 31u16..44) {
            let quantize = QuantizeFeatures {
                operands: Operands::new(0, 1),
                requantize: Requantize { shift, zero_point: -3, min: -128, max: 127 },
                multipliers: [a, b, 0, 0],
            };
            let shape = [1, 4, 6];
            let y = Tensor { zero_point: -3, ..tensor(Dtype::I8, shape) };
            let bench = Bench { tensors: vec![tensor(Dtype::I16, shape), y], blob: Vec::new() };
            let y = bench.run(&Operator::QuantizeFeatures(quantize), &x);
            for (c, (&x, &y)) in x.iter().zip(&y).enumerate() {
                let multiplier = if c % 6 < 3 { a } else { b };
                prop_assert_eq!(y, requantize(x.into(), multiplier, &quantize.requantize));
            }
        }
    }
}
