//! The canonical window as int8 features, the input of η.

use super::{Cost, Kernel, Operands, pairs};
use crate::arena::Arena;
use crate::error::Error;
use crate::format::{Dtype, MAX_FIELDS, TensorId};
use crate::model::Model;
use crate::quant::Requantize;
use serde::{Deserialize, Serialize};

// ---- Record ---------------------------------------------------------------------------------------

/// `window[t, c] → y[0, t, c] = requantize(window[t, c])` with the multiplier of the channel's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantizeFeatures {
    /// The canonical window, counts `i16[1, samples, channels]`.
    pub input: TensorId,
    /// Features `[1, samples, channels]`.
    pub output: TensorId,
    /// One for each field of the input contract; the rest are unused.
    pub multipliers: [i32; MAX_FIELDS],
    /// To the output's scale.
    pub requantize: Requantize,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Kernel for QuantizeFeatures {
    const NAME: &'static str = "quantize_features";

    fn operands(&self) -> Operands {
        Operands { input: Some(self.input), output: self.output, scratch: None }
    }

    fn cost(&self, _model: &Model<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error> {
        let (x, y) = model.operands(self.input, self.output).ok_or(Error::Operand { operator })?;
        if (x.dtype, y.dtype) != (Dtype::I16, Dtype::I8) {
            return Err(Error::Operand { operator });
        }
        if x.shape != y.shape || x.shape != model.window_shape() {
            return Err(Error::Shape { operator });
        }
        if self.requantize.fits(&y) { Ok(()) } else { Err(Error::Quantization { operator }) }
    }

    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, _window: &[i16]) -> Option<()> {
        let (x, y) = model.operands(self.input, self.output)?;
        let (input, output) = arena.read_write(&x, &y)?;
        let fields = &model.input().fields;
        self.samples(fields.iter().map(|field| field.kind.channels()), x.shape[2].into(), input, output);
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
    use super::super::testing::requantize;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_oracle(x in prop::collection::vec(any::<i16>(), 12), a in 1i32..i32::MAX, b in 1i32..i32::MAX, shift in 31u8..44) {
            let quantize = QuantizeFeatures {
                input: 0,
                output: 1,
                multipliers: [a, b, 0, 0],
                requantize: Requantize { shift, zero_point: -3, min: -128, max: 127 },
            };
            let mut y = [0i8; 12];
            quantize.samples([3, 3].into_iter(), 6, &x, &mut y);
            for (c, (&x, &y)) in x.iter().zip(&y).enumerate() {
                let multiplier = if c % 6 < 3 { a } else { b };
                prop_assert_eq!(i16::from(y), requantize(x.into(), multiplier, &quantize.requantize));
            }
        }
    }
}
