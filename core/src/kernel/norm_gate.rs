//! The nonlinearity of the vector path: vectors scaled by a function of all vectors' lengths.
//!
//! Lengths do not change when the sensor turns, so neither do the gates, and the scaled vectors turn
//! with the sensor.

use super::matrix::{Constants, Matrix};
use super::{Cost, Kernel, Operands, dot, pairs};
use crate::arena::Arena;
use crate::error::Error;
use crate::format::{Dtype, Tensor, TensorId};
use crate::model::Model;
use crate::quant::{Requantize, scale};
use serde::{Deserialize, Serialize};

// ---- Record ---------------------------------------------------------------------------------------

/// For each sample `t`: `n[c] = ‖v[·, t, c]‖`, `gate[c] = requantize(bias[c] + Σ_j w[c, j] · n[j])`,
/// `v[·, t, c] ← (v[·, t, c] · gate[c] + 2^(shift−1)) >> shift`, saturated.
///
/// The gate is a hard sigmoid: its requantization is clamped to 0 … 2¹⁵ − 1 for 0 … 1. A `gate_shift`
/// of 15 keeps the vectors' scale; a smaller one doubles them so many times, where gates are small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NormGate {
    /// `[3, length, channels]`, changed in place.
    pub vectors: TensorId,
    /// Memory for the lengths of one sample, `i16[1, 1, channels]`.
    pub lengths: TensorId,
    /// Weights `[channels, channels]`.
    pub matrix: Matrix,
    /// From the sum to the gate.
    pub requantize: Requantize,
    /// From the product of vector and gate to the vector.
    pub gate_shift: u8,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Kernel for NormGate {
    const NAME: &'static str = "norm_gate";

    fn operands(&self) -> Operands {
        Operands { input: Some(self.vectors), output: self.vectors, scratch: Some(self.lengths) }
    }

    fn cost(&self, model: &Model<'_>) -> Cost {
        let Some(v) = model.tensor(self.vectors) else { return Cost::default() };
        let [_, length, channels] = v.shape.map(u32::from);
        Cost {
            // The gates, and three products a vector.
            macs: length.saturating_mul(channels).saturating_mul(channels + 3),
            bytes: Matrix::bytes(channels as usize, channels as usize),
        }
    }

    fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error> {
        let (v, lengths) = model.operands(self.vectors, self.lengths).ok_or(Error::Operand { operator })?;
        if (v.dtype, v.shape[0], lengths.dtype) != (Dtype::I16, 3, Dtype::I16) {
            return Err(Error::Operand { operator });
        }
        if lengths.shape != [1, 1, v.shape[2]] {
            return Err(Error::Shape { operator });
        }
        let shift = (1..=15).contains(&self.gate_shift);
        if !shift || v.zero_point != 0 || !self.requantize.fits_range((0, i16::MAX.into())) {
            return Err(Error::Quantization { operator });
        }
        let constants = self.constants(model, &v).ok_or(Error::Weights { operator })?;
        if constants.fit_accumulator(i16::MAX.unsigned_abs().into()) {
            Ok(())
        } else {
            Err(Error::Accumulator { operator })
        }
    }

    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, _window: &[i16]) -> Option<()> {
        let (v, lengths) = model.operands(self.vectors, self.lengths)?;
        let constants = self.constants(model, &v)?;
        let (vectors, lengths) = arena.write_both(&v, &lengths)?;
        self.gate(&constants, vectors, lengths);
        Some(())
    }
}

impl NormGate {
    fn constants<'m>(&self, model: &Model<'m>, v: &Tensor) -> Option<Constants<'m>> {
        self.matrix.constants(model.blob(), v.shape[2].into(), v.shape[2].into())
    }

    // ---- Reference --------------------------------------------------------------------------------

    /// `vectors[3, length, channels]`, `lengths[channels]`.
    fn gate(&self, constants: &Constants<'_>, vectors: &mut [i16], lengths: &mut [i16]) {
        let channels = lengths.len().max(1);
        let plane = vectors.len() / 3;
        let Some((xs, rest)) = vectors.split_at_mut_checked(plane) else { return };
        let Some((ys, zs)) = rest.split_at_mut_checked(plane) else { return };
        let samples = pairs(xs.chunks_exact_mut(channels), ys.chunks_exact_mut(channels));
        let samples = pairs(samples, zs.chunks_exact_mut(channels));
        for ((xs, ys), zs) in samples {
            for (n, ((&mut x, &mut y), &mut z)) in
                lengths.iter_mut().zip(xs.iter_mut().zip(ys.iter_mut()).zip(zs.iter_mut()))
            {
                *n = length([x, y, z]);
            }
            let vectors = xs.iter_mut().zip(ys.iter_mut()).zip(zs.iter_mut());
            for (((x, y), z), row) in vectors.zip(constants.rows()) {
                let gate = self.requantize.apply(row.bias.wrapping_add(dot(lengths, row.weights)), row.multiplier);
                for component in [x, y, z] {
                    *component = self.scaled(*component, gate);
                }
            }
        }
    }

    fn scaled(&self, component: i16, gate: i16) -> i16 {
        scale(component.into(), gate.into(), self.gate_shift).max(i16::MIN.into()).min(i16::MAX.into()) as i16
    }
}

/// The length of a vector, rounded to nearest and saturated at 32,767.
fn length(v: [i16; 3]) -> i16 {
    let squares: u32 = v.map(|x| i32::from(x).unsigned_abs().pow(2)).iter().sum();
    let floor = squares.isqrt();
    // √s is nearer to floor + 1 exactly where s exceeds (floor + ½)² = floor² + floor + ¼.
    let nearest = floor + u32::from(squares - floor * floor > floor);
    nearest.min(i16::MAX as u32) as i16
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{blob, requantize};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_length_is_the_nearest_integer(v: [i16; 3]) {
            let exact = v.map(|x| f64::from(x).powi(2)).iter().sum::<f64>().sqrt();
            prop_assert_eq!(f64::from(length(v)), exact.round().min(32767.0));
        }

        #[test]
        fn equals_the_oracle(
            (channels, v, weights, biases, multipliers) in (1usize..6, 1usize..8).prop_flat_map(|(channels, samples)| (
                Just(channels),
                prop::collection::vec(any::<i16>(), 3 * samples * channels),
                prop::collection::vec(any::<i8>(), channels * channels),
                prop::collection::vec(-1_000_000i32..1_000_000, channels),
                prop::collection::vec(1i32..i32::MAX, channels),
            )),
            shift in 24u8..40,
            gate_shift in 1u8..=15,
        ) {
            let gate = NormGate {
                vectors: 0,
                lengths: 1,
                matrix: Matrix { weights: 0, channels: 0 },
                requantize: Requantize { shift, zero_point: 0, min: 0, max: i16::MAX },
                gate_shift,
            };
            let (bytes, matrix) = blob(&weights, &biases, &multipliers);
            let constants = matrix.constants(&bytes, channels, channels).unwrap();
            let mut gated = v.clone();
            gate.gate(&constants, &mut gated, &mut vec![0; channels]);
            let plane = v.len() / 3;
            for at in 0..plane {
                let (sample, c) = (at / channels, at % channels);
                let norm = |j: usize| {
                    let k = sample * channels + j;
                    length([v[k], v[plane + k], v[2 * plane + k]])
                };
                let sum = i64::from(biases[c])
                    + (0..channels).map(|j| i64::from(weights[c * channels + j]) * i64::from(norm(j))).sum::<i64>();
                let g = i64::from(requantize(sum, multipliers[c], &gate.requantize));
                for p in 0..3 {
                    let product = i64::from(v[p * plane + at]) * g;
                    let expected = (product + (1 << (gate_shift - 1))).div_euclid(1 << gate_shift);
                    prop_assert_eq!(i64::from(gated[p * plane + at]), expected.clamp(-32768, 32767));
                }
            }
        }
    }
}
