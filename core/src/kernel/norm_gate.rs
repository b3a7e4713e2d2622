//! The nonlinearity of the vector path: vectors scaled by a function of all vectors' lengths.
//!
//! Lengths do not change when the sensor turns, so neither do the gates, and the scaled vectors turn
//! with the sensor.

use super::root::isqrt;
use super::tile::{Product, SIDE, Tiles};
use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{ActivationsMut, view_mut};
use crate::format::Dtype;
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// For each sample `t`: `n[c] = ‖v[·, t, c]‖`, `gate[c] = requantize(bias[c] + Σ_j w[c, j] · n[j])`,
/// `v[·, t, c] ← (v[·, t, c] · gate[c] + 2^(gate_shift−1)) >> gate_shift`, saturated at ±32,767.
///
/// The gate is a hard sigmoid: its requantization is clamped to 0 … 2¹⁵ − 1 for 0 … 1. A `gate_shift`
/// of 15 keeps the vectors' scale; a smaller one doubles them so many times, where gates are small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct NormGate {
    /// Vectors `i16[3, length, channels]`, changed in place; the scratch holds the lengths and the gates of
    /// one sample, `i16[1, 2, channels]` with channels rounded up to a multiple of four.
    pub operands: Operands,
    /// From the sum to the gate; the shift is at least 33.
    pub requantize: Requantize,
    /// Offset in the blob: [`Tiles`] of `[channels, channels]`.
    pub weights: u32,
    /// From the product of vector and gate to the vector, 1 to 15.
    pub gate_shift: u16,
    /// Zero.
    pub reserved: u16,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for NormGate {
    const KIND: u32 = 3;
    const NAME: &'static str = "norm_gate";
    const IN_PLACE: bool = true;
    const SCRATCH: bool = true;

    fn cost(&self, site: &Site<'_>) -> Cost {
        let [_, length, channels] = site.output.shape.map(u64::from);
        // The gates, and three products a vector.
        Cost { macs: length * channels * (channels + 3), bytes: tiles(site).len() as u32 }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { output: v, other: scratch, .. } = site;
        if (v.dtype, v.shape[0], scratch.dtype) != (Dtype::I16, 3, Dtype::I16) || !site.in_place {
            return Err(Fault::Operand);
        }
        let ([planes, rows, columns], [_, _, channels]) = (scratch.shape, v.shape);
        if (planes, rows, u32::from(columns)) != (1, 2, u32::from(channels).next_multiple_of(SIDE as u32)) {
            return Err(Fault::Shape);
        }
        let shift = (1..=15).contains(&self.gate_shift) && self.reserved == 0;
        let gate = self.requantize.fits_range(Dtype::I16) && self.requantize.min >= 0;
        if !shift || !gate || v.zero_point != 0 || self.requantize.rescale().is_none() {
            return Err(Fault::Quantization);
        }
        let matrix = tiles(site).of(site.blob, self.weights).ok_or(Fault::Weights)?;
        matrix.check(v.shape[2].into(), i16::MAX.unsigned_abs().into())?;
        Ok(size_of_val(matrix.words()) as u32)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let matrix = tiles(site).of(site.blob, self.weights)?;
        let vectors = view_mut(memory.output, site.output)?;
        let product = Product::new(matrix, self.requantize.rescale_checked(), Dtype::I16);
        self.gate(&product, site.output.shape[2].into(), vectors, memory.other)
    }
}

/// The matrix of the gates.
fn tiles(site: &Site<'_>) -> Tiles {
    let channels = site.output.shape[2].into();
    Tiles { rows: channels, columns: channels }
}

// ---- Reference ------------------------------------------------------------------------------------

impl NormGate {
    /// `vectors[3, length, channels]`; `scratch[2, channels]` in words of two elements.
    fn gate(&self, product: &Product<'_>, channels: usize, vectors: &mut [i16], scratch: &mut [u32]) -> Option<()> {
        // Lengths are multiplied up to a multiple of four.
        scratch.fill(0);
        let (lengths, gates) = scratch.split_at_mut_checked(scratch.len() / 2)?;
        let gates = bytemuck::must_cast_slice_mut(gates).get_mut(..channels)?;
        let lengths: &mut [u32] = lengths;
        let (mut xs, rest) = vectors.split_at_mut_checked(vectors.len() / 3)?;
        let (mut ys, mut zs) = rest.split_at_mut_checked(rest.len() / 2)?;
        while let (Some(xs), Some(ys), Some(zs)) =
            (xs.split_off_mut(..channels), ys.split_off_mut(..channels), zs.split_off_mut(..channels))
        {
            let all: &mut [i16] = bytemuck::must_cast_slice_mut(lengths);
            for (((n, &x), &y), &z) in all.iter_mut().zip(&*xs).zip(&*ys).zip(&*zs) {
                *n = length([x, y, z]);
            }
            product.multiply(lengths, ActivationsMut::I16(gates));
            for plane in [xs, ys, zs] {
                plane.iter_mut().zip(&*gates).for_each(|(component, &gate)| *component = self.scaled(*component, gate));
            }
        }
        Some(())
    }

    fn scaled(&self, component: i16, gate: i16) -> i16 {
        // At most 2³⁰ and a half: 32 bits hold it.
        let half = (1i32 << (self.gate_shift & 15)) >> 1;
        let product = (i32::from(component) * i32::from(gate) + half) >> (self.gate_shift & 15);
        product.max(-i32::from(i16::MAX)).min(i16::MAX.into()) as i16
    }
}

/// The length of a vector, rounded to nearest and saturated at 32,767.
fn length(v: [i16; 3]) -> i16 {
    let squares: u32 = v.map(|x| i32::from(x).unsigned_abs().pow(2)).iter().sum();
    let floor = isqrt(squares);
    // √s is nearer to floor + 1 exactly where s exceeds (floor + ½)² = floor² + floor + ¼.
    let nearest = floor + u32::from(squares - floor * floor > floor);
    nearest.min(i16::MAX as u32) as i16
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor};
    use super::*;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    #[test]
    fn as_many_channels_as_there_are_numbers_are_refused() {
        let gate = NormGate {
            operands: Operands::new(0, 0).with_scratch(1),
            requantize: Requantize { shift: 33, zero_point: 0, min: 0, max: i16::MAX },
            weights: 0,
            gate_shift: 1,
            reserved: 0,
        };
        let tensors = [[3, 1, u16::MAX], [1, 2, 4]].map(|shape| tensor(Dtype::I16, shape)).to_vec();
        assert_eq!(Bench { tensors, blob: vec![] }.check(&Operator::NormGate(gate)), Err(Fault::Shape));
    }

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
            shift in 33u16..45,
            gate_shift in 1u16..=15,
        ) {
            let gate = NormGate {
                operands: Operands::new(0, 0).with_scratch(1),
                requantize: Requantize { shift, zero_point: 0, min: 0, max: i16::MAX },
                weights: 0,
                gate_shift,
                reserved: 0,
            };
            let shape = [3, (v.len() / 3 / channels) as u16, channels as u16];
            let scratch = [1, 2, channels.next_multiple_of(4) as u16];
            let bench = Bench {
                tensors: vec![tensor(Dtype::I16, shape), tensor(Dtype::I16, scratch)],
                blob: Tiles { rows: channels, columns: channels }.pack(&weights, &biases, &multipliers),
            };
            let gated = bench.run(&Operator::NormGate(gate), &v);
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
                    prop_assert_eq!(i64::from(gated[p * plane + at]), expected.clamp(-32767, 32767));
                }
            }
        }
    }
}
