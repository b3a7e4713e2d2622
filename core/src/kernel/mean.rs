//! Mean over time, of int8 features or of int16 vectors.

use super::{Cost, Kernel, Operands};
use crate::arena::{Arena, Element};
use crate::error::Error;
use crate::format::{Dtype, TensorId};
use crate::model::Model;
use crate::quant::Requantize;
use serde::{Deserialize, Serialize};

// ---- Record ---------------------------------------------------------------------------------------

/// `x[p, t, c] → y[p, 0, c] = requantize(Σ_t x[p, t, c] − length · zero_point)`; the multiplier holds
/// the division by the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mean {
    /// `[planes, length, channels]`.
    pub input: TensorId,
    /// `[planes, 1, channels]`.
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
        if x.dtype != y.dtype {
            return Err(Error::Operand { operator });
        }
        // 65,535 samples of −32,768 still fit 32 bits.
        if (x.shape[0], 1, x.shape[2]) != (y.shape[0], y.shape[1], y.shape[2]) {
            return Err(Error::Shape { operator });
        }
        let zeros = x.dtype == Dtype::I8 || (x.zero_point == 0 && self.requantize.zero_point == 0);
        if self.requantize.is_valid(y.dtype.range()) && zeros { Ok(()) } else { Err(Error::Quantization { operator }) }
    }

    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, _window: &[i16]) -> Option<()> {
        let (x, y) = model.operands(self.input, self.output)?;
        let [_, length, channels] = x.shape.map(usize::from);
        match x.dtype {
            Dtype::I8 => {
                let (input, output) = arena.read_write::<i8, i8>(&x, &y)?;
                self.planes(length, channels, x.zero_point, input, output);
            }
            Dtype::I16 => {
                let (input, output) = arena.read_write::<i16, i16>(&x, &y)?;
                self.planes(length, channels, 0, input, output);
            }
        }
        Some(())
    }
}

impl Mean {
    // ---- Reference --------------------------------------------------------------------------------

    fn planes<X: Element>(&self, length: usize, channels: usize, zero_point: i16, x: &[X], y: &mut [X]) {
        let channels = channels.max(1);
        let zero = i32::from(zero_point).wrapping_mul(length as i32);
        let planes = x.chunks_exact(length.saturating_mul(channels).max(1));
        for (plane, y) in planes.zip(y.chunks_exact_mut(channels)) {
            for (c, y) in y.iter_mut().enumerate() {
                let sum = plane.iter().skip(c).step_by(channels).fold(0i32, |sum, &x| sum.wrapping_add(x.into()));
                *y = X::from_i16(self.requantize.apply(sum.wrapping_sub(zero), self.multiplier));
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

    fn mean(requantize: Requantize, multiplier: i32) -> Mean {
        Mean { input: 0, output: 1, multiplier, requantize }
    }

    proptest! {
        #[test]
        fn equals_the_oracle(
            (channels, x) in (1usize..6, 1usize..20).prop_flat_map(|(channels, length)| {
                (Just(channels), prop::collection::vec(any::<i16>(), 3 * length * channels))
            }),
            multiplier in 1i32..i32::MAX,
            shift in 30u8..40,
        ) {
            let mean = mean(Requantize { shift, zero_point: 0, min: -32767, max: 32767 }, multiplier);
            let length = x.len() / 3 / channels;
            let mut y = vec![0i16; 3 * channels];
            mean.planes(length, channels, 0, &x, &mut y);
            for p in 0..3 {
                for c in 0..channels {
                    let sum = (0..length).map(|t| i64::from(x[(p * length + t) * channels + c])).sum();
                    prop_assert_eq!(y[p * channels + c], requantize(sum, multiplier, &mean.requantize));
                }
            }
        }

        #[test]
        fn a_constant_is_its_own_mean(value: i8, zero_point in -128i16..=127, length in 1usize..200) {
            let requantize = Requantize { shift: 30, zero_point, min: -128, max: 127 };
            let multiplier = (1 << 30) / length as i32;
            let mut y = [0i8];
            mean(requantize, multiplier).planes(length, 1, zero_point, &vec![value; length], &mut y);
            prop_assert_eq!(y[0], value);
        }
    }
}
