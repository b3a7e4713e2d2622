//! The caller's window as int16 vectors, the input of ψ.

use super::{Cost, Kernel, Operands};
use crate::arena::Arena;
use crate::error::Error;
use crate::format::{Dtype, MAX_FIELDS, TensorId};
use crate::model::Model;
use crate::quant::Requantize;
use serde::{Deserialize, Serialize};

// ---- Record ---------------------------------------------------------------------------------------

/// `window[t, 3·f + p] → v[p, t, f] = requantize(window[t, 3·f + p])` with the multiplier of field `f`.
///
/// Sensors deliver x, y, z side by side; the vector operators want each component in a plane of its
/// own, where the taps of a convolution are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantizeVectors {
    /// Vectors `[3, samples, fields]`.
    pub output: TensorId,
    /// One for each field of the input contract; the rest are unused.
    pub multipliers: [i32; MAX_FIELDS],
    /// To the output's scale.
    pub requantize: Requantize,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Kernel for QuantizeVectors {
    const NAME: &'static str = "quantize_vectors";

    fn operands(&self) -> Operands {
        Operands { input: None, output: self.output, scratch: None }
    }

    fn cost(&self, _model: &Model<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error> {
        let v = model.tensor(self.output).ok_or(Error::Operand { operator })?;
        if v.dtype != Dtype::I16 {
            return Err(Error::Operand { operator });
        }
        let [_, samples, channels] = model.window_shape();
        let fields = &model.input().fields;
        if v.shape != [3, samples, fields.len() as u16] || channels != 3 * v.shape[2] {
            return Err(Error::Shape { operator });
        }
        if self.requantize.fits(&v) && v.zero_point == 0 { Ok(()) } else { Err(Error::Quantization { operator }) }
    }

    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, window: &[i16]) -> Option<()> {
        let v = model.tensor(self.output)?;
        self.split(v.shape[2].into(), window, arena.write(&v)?);
        Some(())
    }
}

impl QuantizeVectors {
    // ---- Reference --------------------------------------------------------------------------------

    fn split(&self, fields: usize, window: &[i16], vectors: &mut [i16]) {
        let plane = (vectors.len() / 3).max(1);
        for (p, plane) in vectors.chunks_exact_mut(plane).enumerate() {
            let components = window.iter().skip(p).step_by(3);
            let multipliers = self.multipliers.iter().take(fields).cycle();
            for ((v, &x), &multiplier) in plane.iter_mut().zip(components).zip(multipliers) {
                *v = self.requantize.apply(x.into(), multiplier);
            }
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::requantize;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_oracle(window in prop::collection::vec(any::<i16>(), 24), a in 1i32..i32::MAX, b in 1i32..i32::MAX, shift in 28u8..36) {
            let quantize = QuantizeVectors {
                output: 0,
                multipliers: [a, b, 0, 0],
                requantize: Requantize { shift, zero_point: 0, min: -32768, max: 32767 },
            };
            let mut vectors = [0i16; 24];
            quantize.split(2, &window, &mut vectors);
            for t in 0..4 {
                for (f, multiplier) in [a, b].into_iter().enumerate() {
                    for p in 0..3 {
                        let expected = requantize(window[6 * t + 3 * f + p].into(), multiplier, &quantize.requantize);
                        prop_assert_eq!(vectors[8 * p + 2 * t + f], expected);
                    }
                }
            }
        }
    }
}
