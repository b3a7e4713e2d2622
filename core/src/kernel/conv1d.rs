//! Convolution over time, of int8 features or of int16 vectors.
//!
//! On vectors the same weights serve x, y and z, and there is no bias: turning the input turns the
//! output, whatever the weights are.

use super::matrix::{Constants, Matrix};
use super::{Cost, Kernel, Operands, dot, pairs};
use crate::arena::{Activation, Arena};
use crate::error::Error;
use crate::format::{Dtype, Tensor, TensorId};
use crate::model::Model;
use crate::quant::Requantize;
use serde::{Deserialize, Serialize};

// ---- Record ---------------------------------------------------------------------------------------

/// `x[p, t, i] → y[p, t', o] = requantize(bias[o] + Σ_{k,i} w[o, k, i] · x[p, t'·stride + k·dilation − padding, i])`
///
/// with one plane `p` for features (int8) and three for vectors (int16). Taps beyond either end read
/// the input's zero point. Padding on the right follows from the output's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv1d {
    /// `[planes, length, channels]`.
    pub input: TensorId,
    /// `[planes, length', channels']`.
    pub output: TensorId,
    /// Taps.
    pub kernel: u16,
    /// Input samples from one output to the next.
    pub stride: u16,
    /// Input samples from one tap to the next.
    pub dilation: u16,
    /// Samples of padding on the left.
    pub padding: u16,
    /// Weights `[channels', kernel, channels]`.
    pub matrix: Matrix,
    /// To the output's scale.
    pub requantize: Requantize,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Kernel for Conv1d {
    const NAME: &'static str = "conv1d";

    fn operands(&self) -> Operands {
        Operands { input: Some(self.input), output: self.output, scratch: None }
    }

    fn cost(&self, model: &Model<'_>) -> Cost {
        let (Some(x), Some(y)) = (model.tensor(self.input), model.tensor(self.output)) else {
            return Cost::default();
        };
        let columns = u32::from(self.kernel).saturating_mul(x.shape[2].into());
        Cost {
            macs: y.elements().unwrap_or(u32::MAX).saturating_mul(columns),
            bytes: Matrix::bytes(y.shape[2].into(), columns as usize),
        }
    }

    fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error> {
        let (x, y) = model.operands(self.input, self.output).ok_or(Error::Operand { operator })?;
        let kind = (x.dtype, x.shape[0]);
        if kind != (y.dtype, y.shape[0]) || !matches!(kind, (Dtype::I8, 1) | (Dtype::I16, 3)) {
            return Err(Error::Operand { operator });
        }
        let [_, length, _] = x.shape.map(u32::from);
        let [_, outputs, _] = y.shape.map(u32::from);
        let [kernel, stride, dilation, padding] =
            [self.kernel, self.stride, self.dilation, self.padding].map(u32::from);
        let taps = u64::from(kernel.saturating_sub(1)) * u64::from(dilation);
        let last = u64::from(outputs - 1) * u64::from(stride);
        // Positions stay far below 2³², so that 32-bit targets can count them.
        if kernel == 0 || stride == 0 || dilation == 0 || u64::from(padding) > taps {
            return Err(Error::Shape { operator });
        }
        if last >= u64::from(length + padding) || taps > u64::from(length + 2 * padding) {
            return Err(Error::Shape { operator });
        }
        if !self.requantize.fits(&y) {
            return Err(Error::Quantization { operator });
        }
        let constants = self.constants(model, &x, &y).ok_or(Error::Weights { operator })?;
        if x.dtype == Dtype::I16
            && (x.zero_point != 0 || y.zero_point != 0 || constants.rows().any(|row| row.bias != 0))
        {
            return Err(Error::Quantization { operator });
        }
        if constants.fit_accumulator(x.dtype.range().0.unsigned_abs()) {
            Ok(())
        } else {
            Err(Error::Accumulator { operator })
        }
    }

    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, _window: &[i16]) -> Option<()> {
        let (x, y) = model.operands(self.input, self.output)?;
        let constants = self.constants(model, &x, &y)?;
        match x.dtype {
            Dtype::I8 => {
                let (input, output) = arena.read_write::<i8, i8>(&x, &y)?;
                self.plane(&constants, x.shape[2].into(), x.zero_point, input, output);
            }
            _ => {
                let (input, output) = arena.read_write::<i16, i16>(&x, &y)?;
                let planes = input.chunks_exact((input.len() / 3).max(1));
                for (input, output) in pairs(planes, output.chunks_exact_mut((output.len() / 3).max(1))) {
                    self.plane(&constants, x.shape[2].into(), 0, input, output);
                }
            }
        }
        Some(())
    }
}

impl Conv1d {
    fn constants<'m>(&self, model: &Model<'m>, x: &Tensor, y: &Tensor) -> Option<Constants<'m>> {
        let columns = usize::from(self.kernel) * usize::from(x.shape[2]);
        self.matrix.constants(model.blob(), y.shape[2].into(), columns)
    }

    // ---- Reference --------------------------------------------------------------------------------

    /// One plane: `x[length, channels] → y[length', channels']`.
    fn plane<X: Activation>(&self, constants: &Constants<'_>, channels: usize, zero_point: i16, x: &[X], y: &mut [X]) {
        let channels = channels.max(1);
        let [stride, dilation, padding] = [self.stride, self.dilation, self.padding].map(usize::from);
        let (length, outputs) = (x.len() / channels, constants.rows().count().max(1));
        for (t, y) in y.chunks_exact_mut(outputs).enumerate() {
            for (y, row) in y.iter_mut().zip(constants.rows()) {
                let mut sum = row.bias;
                for (k, weights) in row.weights.chunks_exact(channels).enumerate() {
                    let sample = (t * stride + k * dilation).checked_sub(padding);
                    let sample = sample.filter(|&t| t < length);
                    let sample = sample.and_then(|t| x.get(t * channels..)?.get(..channels));
                    sum = sum.wrapping_add(match sample {
                        Some(sample) => dot(sample, weights),
                        None => i32::from(zero_point) * weights.iter().map(|&w| i32::from(w)).sum::<i32>(),
                    });
                }
                *y = X::from_i16(self.requantize.apply(sum, row.multiplier));
            }
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{blob, requantize};
    use super::*;
    use proptest::prelude::*;

    /// Shape and constants of a random convolution.
    #[derive(Clone, Debug)]
    struct Case {
        conv: Conv1d,
        length: usize,
        outputs: usize,
        channels: (usize, usize),
        zero_point: i16,
        weights: Vec<i8>,
        biases: Vec<i32>,
        multipliers: Vec<i32>,
        x: Vec<i16>,
    }

    fn case(min: i16, max: i16) -> impl Strategy<Value = Case> {
        let shape = (1u16..6, 1u16..4, 1u16..3, 1usize..20, 1usize..6, 1usize..6);
        shape.prop_flat_map(move |(kernel, stride, dilation, length, inputs, outputs)| {
            let count = inputs * outputs * usize::from(kernel);
            (
                (0..=(kernel - 1) * dilation, min..=max, 20u8..40),
                prop::collection::vec(any::<i8>(), count),
                prop::collection::vec(-100_000i32..100_000, outputs),
                prop::collection::vec(1i32..i32::MAX, outputs),
                prop::collection::vec(min..=max, length * inputs),
            )
                .prop_map(move |((padding, zero_point, shift), weights, biases, multipliers, x)| Case {
                    conv: Conv1d {
                        input: 0,
                        output: 1,
                        kernel,
                        stride,
                        dilation,
                        padding,
                        matrix: Matrix { weights: 0, channels: 0 },
                        requantize: Requantize { shift, zero_point: zero_point / 2, min, max },
                    },
                    length,
                    outputs: (length + usize::from(padding)).div_ceil(usize::from(stride)),
                    channels: (inputs, outputs),
                    zero_point,
                    weights,
                    biases,
                    multipliers,
                    x,
                })
        })
    }

    /// The formula as it stands above, index by index, in 64 bits and with the padding written out.
    fn oracle(case: &Case) -> Vec<i16> {
        let (inputs, outputs) = case.channels;
        let c = &case.conv;
        let mut y = Vec::new();
        for t in 0..case.outputs {
            for o in 0..outputs {
                let mut sum = i64::from(case.biases[o]);
                for k in 0..usize::from(c.kernel) {
                    for i in 0..inputs {
                        let at =
                            (t * usize::from(c.stride) + k * usize::from(c.dilation)) as i64 - i64::from(c.padding);
                        let x = match usize::try_from(at) {
                            Ok(at) if at < case.length => case.x[at * inputs + i],
                            _ => case.zero_point,
                        };
                        sum += i64::from(x) * i64::from(case.weights[(o * usize::from(c.kernel) + k) * inputs + i]);
                    }
                }
                y.push(requantize(sum, case.multipliers[o], &c.requantize));
            }
        }
        y
    }

    fn run<X: Activation>(case: &Case) -> Vec<X> {
        let (bytes, matrix) = blob(&case.weights, &case.biases, &case.multipliers);
        let constants = matrix.constants(&bytes, case.channels.1, case.weights.len() / case.channels.1).unwrap();
        let x: Vec<X> = case.x.iter().map(|&x| X::from_i16(x)).collect();
        let mut y = vec![X::from_i16(0); case.outputs * case.channels.1];
        case.conv.plane(&constants, case.channels.0, case.zero_point, &x, &mut y);
        y
    }

    proptest! {
        #[test]
        fn features_equal_the_oracle(case in case(-128, 127)) {
            let y: Vec<i16> = run::<i8>(&case).into_iter().map(i16::from).collect();
            prop_assert_eq!(y, oracle(&case));
        }

        #[test]
        fn vectors_equal_the_oracle(case in case(-32767, 32767)) {
            prop_assert_eq!(run::<i16>(&case), oracle(&case));
        }
    }
}
