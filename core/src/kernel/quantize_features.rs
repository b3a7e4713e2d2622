//! A window as features: the canonical one in int8 for η, the caller's in int16 for a ψ that works on features.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{ActivationsMut, view};
use crate::format::{Dtype, Field, MAX_FIELDS};
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `window[t, c] → y[0, t, c] = requantize(window[t, c])` with the multiplier of the channel's field.
///
/// The same numbers may also be an image with one row a sample, `y[t, c, 0]`: of pixels, or of time and electrodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct QuantizeFeatures {
    /// The canonical window, counts `i16[1, samples, channels]`, or none for the caller's, and features of the same
    /// shape, or `[samples, channels, 1]`.
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
        let [is_window, is_i16] = [x.is_empty(), x.dtype == Dtype::I16];
        if !(is_window || is_i16) || y.dtype == Dtype::I32 {
            return Err(Fault::Operand);
        }
        let (samples, channels) = (contract.samples, contract.channels() as u16);
        let [features, image] = [[1, samples, channels], [samples, channels, 1]];
        if !(is_window || x.shape == features) || !(y.shape == features || y.shape == image) {
            return Err(Fault::Shape);
        }
        if self.requantize.fits(y) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, contract, .. } = site;
        let x = if x.is_empty() { site.window } else { view(memory.input, x)? };
        self.samples(contract.fields, x, ActivationsMut::of(memory.output, y)?);
        Some(())
    }
}

impl QuantizeFeatures {
    // ---- Reference --------------------------------------------------------------------------------

    fn samples(&self, fields: &[Field], x: &[i16], mut y: ActivationsMut<'_>) {
        let mut values = x.iter().zip(0..);
        // Sample after sample, until the numbers end: no field has a width of 0.
        for (field, &multiplier) in fields.iter().zip(&self.multipliers).cycle() {
            for _ in 0..field.width {
                let Some((&x, at)) = values.next() else { return };
                y.set(at, self.requantize.apply(x.into(), multiplier));
            }
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor};
    use super::*;
    use crate::format::{NONE, Tensor};
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
            // The same of the caller's window, as an image.
            let image = Bench { tensors: vec![Tensor { shape: [4, 6, 1], ..bench.tensors[1] }], blob: Vec::new() };
            let of_window = QuantizeFeatures { operands: Operands::new(NONE, 0), ..quantize };
            prop_assert_eq!(&image.run(&Operator::QuantizeFeatures(of_window), &x), &y);
            // And in 16 bits, of which these numbers need only eight.
            let wide = Bench { tensors: vec![Tensor { zero_point: -3, ..tensor(Dtype::I16, [4, 6, 1]) }], blob: Vec::new() };
            prop_assert_eq!(&wide.run(&Operator::QuantizeFeatures(of_window), &x), &y);
            for (c, (&x, &y)) in x.iter().zip(&y).enumerate() {
                let multiplier = if c % 6 < 3 { a } else { b };
                prop_assert_eq!(y, requantize(x.into(), multiplier, &quantize.requantize));
            }
        }
    }
}
