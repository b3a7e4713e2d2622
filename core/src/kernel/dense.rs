//! Fully connected, of int8 features.

use super::matrix::{Constants, Matrix};
use super::{Cost, Kernel, Operands, dot};
use crate::arena::Arena;
use crate::error::Error;
use crate::format::{Dtype, Tensor, TensorId};
use crate::model::Model;
use crate::quant::Requantize;
use serde::{Deserialize, Serialize};

// ---- Record ---------------------------------------------------------------------------------------

/// `x[n] → y[o] = requantize(bias[o] + Σ_i w[o, i] · x[i])`, whatever the shape of the `n` inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dense {
    /// Features of any shape, read as one row.
    pub input: TensorId,
    /// `[1, 1, outputs]`.
    pub output: TensorId,
    /// Weights `[outputs, inputs]`.
    pub matrix: Matrix,
    /// To the output's scale.
    pub requantize: Requantize,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Kernel for Dense {
    const NAME: &'static str = "dense";

    fn operands(&self) -> Operands {
        Operands { input: Some(self.input), output: self.output, scratch: None }
    }

    fn cost(&self, model: &Model<'_>) -> Cost {
        let (Some(x), Some(y)) = (model.tensor(self.input), model.tensor(self.output)) else {
            return Cost::default();
        };
        let inputs = x.elements().unwrap_or(u32::MAX);
        Cost {
            macs: inputs.saturating_mul(y.shape[2].into()),
            bytes: Matrix::bytes(y.shape[2].into(), inputs as usize),
        }
    }

    fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error> {
        let (x, y) = model.operands(self.input, self.output).ok_or(Error::Operand { operator })?;
        if (x.dtype, y.dtype) != (Dtype::I8, Dtype::I8) {
            return Err(Error::Operand { operator });
        }
        if y.shape[0] != 1 || y.shape[1] != 1 {
            return Err(Error::Shape { operator });
        }
        if !self.requantize.fits(&y) {
            return Err(Error::Quantization { operator });
        }
        let constants = self.constants(model, &x, &y).ok_or(Error::Weights { operator })?;
        if constants.fit_accumulator(x.dtype.range().0.unsigned_abs()) {
            Ok(())
        } else {
            Err(Error::Accumulator { operator })
        }
    }

    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, _window: &[i16]) -> Option<()> {
        let (x, y) = model.operands(self.input, self.output)?;
        let constants = self.constants(model, &x, &y)?;
        let (input, output) = arena.read_write(&x, &y)?;
        self.row(&constants, input, output);
        Some(())
    }
}

impl Dense {
    fn constants<'m>(&self, model: &Model<'m>, x: &Tensor, y: &Tensor) -> Option<Constants<'m>> {
        self.matrix.constants(model.blob(), y.shape[2].into(), x.elements()? as usize)
    }

    // ---- Reference --------------------------------------------------------------------------------

    fn row(&self, constants: &Constants<'_>, x: &[i8], y: &mut [i8]) {
        for (y, row) in y.iter_mut().zip(constants.rows()) {
            let sum = row.bias.wrapping_add(dot(x, row.weights));
            *y = self.requantize.apply(sum, row.multiplier) as i8;
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{blob, requantize};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_oracle(
            (x, weights, biases, multipliers) in (1usize..70, 1usize..9).prop_flat_map(|(inputs, outputs)| (
                prop::collection::vec(any::<i8>(), inputs),
                prop::collection::vec(any::<i8>(), inputs * outputs),
                prop::collection::vec(-100_000i32..100_000, outputs),
                prop::collection::vec(1i32..i32::MAX, outputs),
            )),
            shift in 20u8..44,
            zero_point in -128i16..=127,
        ) {
            let dense = Dense {
                input: 0,
                output: 1,
                matrix: Matrix { weights: 0, channels: 0 },
                requantize: Requantize { shift, zero_point, min: zero_point, max: 127 },
            };
            let (bytes, matrix) = blob(&weights, &biases, &multipliers);
            let constants = matrix.constants(&bytes, biases.len(), x.len()).unwrap();
            let mut y = vec![0i8; biases.len()];
            dense.row(&constants, &x, &mut y);
            for (o, &y) in y.iter().enumerate() {
                let products = (0..x.len()).map(|i| i64::from(x[i]) * i64::from(weights[o * x.len() + i]));
                let sum = i64::from(biases[o]) + products.sum::<i64>();
                prop_assert_eq!(i16::from(y), requantize(sum, multipliers[o], &dense.requantize));
            }
        }
    }
}
