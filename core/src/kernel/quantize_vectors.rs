//! The caller's window as int16 vectors, the input of ψ.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::view_mut;
use crate::format::{Dtype, MAX_FIELDS, NONE};
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `window[t, 3·f + p] → v[p, t, f] = requantize(window[t, 3·f + p])` with the multiplier of field `f`.
///
/// The first fields of a sample, as many as the output has channels; what is behind them in a sample is not read.
/// Sensors deliver x, y, z side by side; the vector operators want each component in a plane of its
/// own, where the taps of a convolution are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct QuantizeVectors {
    /// The caller's window, and vectors `i16[3, samples, fields]`.
    pub operands: Operands,
    /// To the output's scale.
    pub requantize: Requantize,
    /// One for each field of the input contract; the rest are unused.
    pub multipliers: [i32; MAX_FIELDS],
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for QuantizeVectors {
    const KIND: u32 = 0;
    const NAME: &'static str = "quantize_vectors";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let v = &site.output;
        if v.dtype != Dtype::I16 || self.operands.inputs[0] != NONE {
            return Err(Fault::Operand);
        }
        let [planes, samples, channels] = v.shape;
        let fields = site.contract.fields.get(..channels.into()).ok_or(Fault::Shape)?;
        let vectors = fields.iter().all(|field| field.width == 3);
        if (planes, samples) != (3, site.contract.samples) || !vectors {
            return Err(Fault::Shape);
        }
        if self.requantize.fits(v) && v.zero_point == 0 { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let (fields, channels) = (site.output.shape[2].into(), site.contract.channels());
        self.split([fields, channels], site.window, view_mut(memory.output, site.output)?)
    }
}

impl QuantizeVectors {
    // ---- Reference --------------------------------------------------------------------------------

    fn split(&self, [fields, channels]: [usize; 2], window: &[i16], vectors: &mut [i16]) -> Option<()> {
        let (xs, rest) = vectors.split_at_mut_checked(vectors.len() / 3)?;
        let (ys, zs) = rest.split_at_mut_checked(xs.len())?;
        let behind = channels.wrapping_sub(3 * fields);
        let (mut rest, mut field) = (window, 0);
        for ((x, y), z) in xs.iter_mut().zip(ys).zip(zs) {
            let (&[a, b, c], next) = rest.split_first_chunk()?;
            let &multiplier = self.multipliers.get(field)?;
            let quantized = |count: i16| self.requantize.apply(count.into(), multiplier);
            (*x, *y, *z) = (quantized(a), quantized(b), quantized(c));
            (rest, field) = (next, field + 1);
            if field == fields {
                (rest, field) = (rest.get(behind..)?, 0);
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
    use crate::kernel::Operator;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_oracle(window in prop::collection::vec(any::<i16>(), 24), a in 1i32..i32::MAX, b in 1i32..i32::MAX, shift in 28u16..36) {
            let quantize = QuantizeVectors {
                operands: Operands::new(NONE, 0),
                requantize: Requantize { shift, zero_point: 0, min: -32768, max: 32767 },
                multipliers: [a, b, 0, 0],
            };
            let bench = Bench { tensors: vec![tensor(Dtype::I16, [3, 4, 2])], blob: Vec::new() };
            let vectors = bench.run(&Operator::QuantizeVectors(quantize), &window);
            for t in 0..4 {
                for (f, multiplier) in [a, b].into_iter().enumerate() {
                    for p in 0..3 {
                        let expected = requantize(window[6 * t + 3 * f + p].into(), multiplier, &quantize.requantize);
                        prop_assert_eq!(vectors[8 * p + 2 * t + f], expected);
                    }
                }
            }
            // The first field alone.
            let bench = Bench { tensors: vec![tensor(Dtype::I16, [3, 4, 1])], blob: Vec::new() };
            let first: Vec<i16> = vectors.iter().copied().step_by(2).collect();
            prop_assert_eq!(bench.run(&Operator::QuantizeVectors(quantize), &window), first);
        }
    }
}
