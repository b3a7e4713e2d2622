//! Mean over time, of int8 features.

use super::{Cost, Kernel, Operands};
use crate::arena::Arena;
use crate::error::Error;
use crate::format::{Dtype, TensorId};
use crate::model::Model;
use crate::quant::Requantize;
use serde::{Deserialize, Serialize};

// ---- Record ---------------------------------------------------------------------------------------

/// `x[0, t, c] → y[0, 0, c] = requantize(Σ_t x[0, t, c] − length · zero_point)`; the multiplier holds
/// the division by the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mean {
    /// `[1, length, channels]`.
    pub input: TensorId,
    /// `[1, 1, channels]`.
    pub output: TensorId,
    /// To the output's scale, the same for all channels.
    pub multiplier: i32,
    /// To the output's scale.
    pub requantize: Requantize,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Kernel for Mean {
    const NAME: &'static str = "mean";

    fn operands(&self) -> Operands {
        Operands { input: Some(self.input), output: self.output, scratch: None }
    }

    fn cost(&self, _model: &Model<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error> {
        let (x, y) = model.operands(self.input, self.output).ok_or(Error::Operand { operator })?;
        if (x.dtype, y.dtype) != (Dtype::I8, Dtype::I8) {
            return Err(Error::Operand { operator });
        }
        if x.shape[0] != 1 || y.shape != [1, 1, x.shape[2]] {
            return Err(Error::Shape { operator });
        }
        if self.requantize.fits(&y) { Ok(()) } else { Err(Error::Quantization { operator }) }
    }

    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, _window: &[i16]) -> Option<()> {
        let (x, y) = model.operands(self.input, self.output)?;
        let (input, output) = arena.read_write(&x, &y)?;
        self.channels(x.zero_point, input, output);
        Some(())
    }
}

impl Mean {
    // ---- Reference --------------------------------------------------------------------------------

    /// `x[length, channels] → y[channels]`; 65,535 samples of −128 fit 32 bits.
    fn channels(&self, zero_point: i16, x: &[i8], y: &mut [i8]) {
        let channels = y.len().max(1);
        let zero = i32::from(zero_point).wrapping_mul((x.len() / channels) as i32);
        for (c, y) in y.iter_mut().enumerate() {
            let sum: i32 = x.iter().skip(c).step_by(channels).map(|&x| i32::from(x)).sum();
            *y = self.requantize.apply(sum.wrapping_sub(zero), self.multiplier) as i8;
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::requantize;
    use super::*;
    use proptest::prelude::*;

    fn mean(requantize: Requantize, multiplier: i32) -> Mean {
        Mean { input: 0, output: 1, multiplier, requantize }
    }

    proptest! {
        #[test]
        fn equals_the_oracle(
            (channels, x) in (1usize..6, 1usize..20).prop_flat_map(|(channels, length)| {
                (Just(channels), prop::collection::vec(any::<i8>(), length * channels))
            }),
            zero_point in -128i16..=127,
            multiplier in 1i32..i32::MAX,
            shift in 30u8..40,
        ) {
            let mean = mean(Requantize { shift, zero_point: 3, min: -128, max: 127 }, multiplier);
            let length = x.len() / channels;
            let mut y = vec![0i8; channels];
            mean.channels(zero_point, &x, &mut y);
            for (c, &y) in y.iter().enumerate() {
                let sum = (0..length).map(|t| i64::from(x[t * channels + c]) - i64::from(zero_point)).sum();
                prop_assert_eq!(i16::from(y), requantize(sum, multiplier, &mean.requantize));
            }
        }

        #[test]
        fn a_constant_is_its_own_mean(value: i8, zero_point in -128i16..=127, length in 1usize..200) {
            let requantize = Requantize { shift: 30, zero_point, min: -128, max: 127 };
            let multiplier = (1 << 30) / length as i32;
            let mut y = [0i8];
            mean(requantize, multiplier).channels(zero_point, &vec![value; length], &mut y);
            prop_assert_eq!(y[0], value);
        }
    }
}
