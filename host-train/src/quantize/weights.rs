//! Rounding linear maps to int8, row by row, and packing them into tiles.

use super::network::Linear;
use gimbal_core::format::{ALIGNMENT, Dtype};
use gimbal_core::kernel::Tiles;
use std::ops::RangeInclusive;

/// Scales of what goes into and comes out of a linear map: `value = scale · (element − zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scales {
    pub input: f32,
    pub input_zero: i16,
    /// The largest magnitude of an input element.
    pub input_reach: u32,
    pub output: f32,
}

/// A linear map in integers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantized {
    weights: Vec<i8>,
    biases: Vec<i32>,
    multipliers: Vec<i32>,
    tiles: Tiles,
    /// Equal parts of the rows, each a matrix of its own.
    pub groups: usize,
    /// The shift that all rows share.
    pub shift: u16,
}

/// Largest magnitude of a folded bias, and of the sum of the products: half of the accumulator each.
const LIMIT: f32 = (1u32 << 30) as f32;

impl Quantized {
    /// Each row's weights are rounded to multiples of the row's largest over 127; the input's zero
    /// point moves into the bias. `None` where a factor is too large for core's multiplication.
    pub(super) fn new(linear: &Linear, scales: Scales) -> Option<Self> {
        let rows = || linear.weights.chunks(linear.columns().max(1)).zip(&linear.bias);
        let steps: Vec<f32> = rows().map(|(row, bias)| step(row, *bias, scales)).collect();
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for ((row, bias), step) in rows().zip(&steps) {
            let codes: Vec<i8> = row.iter().map(|w| (w / step).round() as i8).collect();
            let sum: i32 = codes.iter().map(|&code| i32::from(code)).sum();
            biases.push((bias / (step * scales.input)).round() as i32 - i32::from(scales.input_zero) * sum);
            weights.extend(codes);
        }
        let factors: Vec<f64> =
            steps.iter().map(|&step| f64::from(step) * f64::from(scales.input) / f64::from(scales.output)).collect();
        let (multipliers, shift) = shared_shift(&factors, MATRIX_SHIFTS);
        let tiles = Tiles { rows: linear.rows(), columns: linear.columns() };
        let fits = multipliers.iter().all(|&multiplier| multiplier < i32::MAX);
        fits.then_some(Self { weights, biases, multipliers, tiles, groups: 1, shift })
    }

    /// The same with odd multipliers, one part in 2²⁹ away: an odd multiple is never half way between two results, so
    /// that of a sum and its negative the results are negatives too, whichever way halves are rounded.
    pub(super) fn odd(mut self) -> Self {
        self.multipliers.iter_mut().for_each(|multiplier| *multiplier |= 1);
        self
    }

    /// The same as a matrix for each of so many equal parts of the rows.
    pub(super) fn in_groups(mut self, groups: usize) -> Self {
        (self.groups, self.tiles.rows) = (groups, self.tiles.rows / groups);
        self
    }

    /// Inputs of a row.
    pub(super) fn columns(&self) -> usize {
        self.tiles.columns
    }

    /// Appends the constants to the blob, in core's tiles, and returns where.
    pub(super) fn write(&self, blob: &mut Vec<u8>) -> u32 {
        let start = aligned(blob);
        for group in 0..self.groups {
            let first = group * self.tiles.rows;
            let mut bytes = vec![0; self.tiles.len()];
            for row in 0..self.tiles.rows {
                let from = first + row;
                bytes[self.tiles.bias(row)..][..4].copy_from_slice(&self.biases[from].to_le_bytes());
                bytes[self.tiles.multiplier(row)..][..4].copy_from_slice(&self.multipliers[from].to_le_bytes());
                for column in 0..self.tiles.columns {
                    bytes[self.tiles.weight(row, column)] = self.weights[from * self.tiles.columns + column] as u8;
                }
            }
            blob.extend(bytes);
        }
        start
    }
}

/// Shifts that core's matrices take: it looks at the high word of a product alone, and leaves room for a
/// zero point of eight bits.
const MATRIX_SHIFTS: RangeInclusive<i32> = 33..=54;

/// Real factors as `multiplier / 2^shift` with the largest shift that keeps every multiplier in 31 bits.
pub(super) fn multipliers(factors: &[f64]) -> (Vec<i32>, u16) {
    shared_shift(factors, 1..=62)
}

/// One factor for core's cross product; `None` where it is too large.
pub(super) fn product_multiplier(factor: f64) -> Option<(i32, u16)> {
    let (multipliers, shift) = shared_shift(&[factor], 33..=61);
    multipliers.first().filter(|&&multiplier| multiplier < i32::MAX).map(|&multiplier| (multiplier, shift))
}

/// Two factors for core's sums of two elements, which leave room for both products and a zero point in 64 bits if the
/// elements have 16, and in 32 if they have 8.
pub(super) fn sum_multipliers(factors: [f64; 2], dtype: Dtype) -> ([i32; 2], u16) {
    let digits = if dtype == Dtype::I8 { 21 } else { 30 };
    let largest = factors.iter().fold(f64::MIN_POSITIVE, |largest, factor| largest.max(factor.abs()));
    let shift = (digits - largest.log2().floor() as i32 - 1).clamp(1, digits);
    (factors.map(|factor| (factor * f64::from(shift).exp2()).round() as i32), shift as u16)
}

/// One factor for core's means over a set, whose shift leaves room for half a step of each element.
pub(super) fn mean_multiplier(factor: f64) -> (i32, u16) {
    let (multipliers, shift) = shared_shift(&[factor], 1..=46);
    (multipliers.first().copied().unwrap_or(0), shift)
}

/// Multipliers saturate where the smallest shift is still too large.
fn shared_shift(factors: &[f64], shifts: RangeInclusive<i32>) -> (Vec<i32>, u16) {
    let largest = factors.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    // Rounding may carry the largest to 2³¹, hence 30 bits and not 31.
    let shift = (30 - largest.log2().floor() as i32 - 1).clamp(*shifts.start(), *shifts.end());
    let scale = f64::from(shift).exp2();
    (factors.iter().map(|factor| (factor * scale).round() as i32).collect(), shift as u16)
}

/// What one unit of a row's weights is worth. A row of nearly nothing but bias gets a larger step
/// than its weights ask for, or the bias would leave its 32 bits; so does a long row of 16-bit inputs, or the sum of
/// the products might.
fn step(row: &[f32], bias: f32, Scales { input, input_reach, .. }: Scales) -> f32 {
    let largest = row.iter().fold(0.0f32, |max, w| max.max(w.abs()));
    // In f64, where the order of the weights does not show in the sum's f32: a filter's turns and mirror images have
    // theirs in other orders, and one step.
    let sum = row.iter().map(|w| f64::from(w.abs())).sum::<f64>() as f32;
    // Rounding adds half a unit a weight at most.
    let reach = input_reach as f32;
    let long = sum * reach / (LIMIT - reach * row.len() as f32 / 2.0).max(1.0);
    let step = (largest / 127.0).max(bias.abs() / (input * LIMIT)).max(long);
    if step > 0.0 { step } else { 1.0 }
}

fn aligned(blob: &mut Vec<u8>) -> u32 {
    blob.resize(blob.len().next_multiple_of(ALIGNMENT), 0);
    blob.len() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::quant::scale;

    #[test]
    fn multipliers_come_back_to_thirty_bits() {
        let factors = [3e-4, 1.7e-3, 0.9e-5, 0.0];
        let (multipliers, shift) = multipliers(&factors);
        for (factor, multiplier) in factors.iter().zip(&multipliers) {
            let back = f64::from(*multiplier) / f64::from(shift).exp2();
            // Half a unit of the shared scale, which the largest factor fills to 2²⁹ at least.
            assert!((back - factor).abs() <= 1.7e-3 / f64::from(1u32 << 30));
        }
        assert!(multipliers.iter().all(|&m| m < 1 << 30));
    }

    #[test]
    fn a_row_of_bias_only_keeps_its_bias() {
        let linear = Linear { weights: vec![1e-12, 0.0], bias: vec![2.0] };
        let scales = Scales { input: 1e-3, input_zero: 0, input_reach: 128, output: 0.1 };
        let quantized = Quantized::new(&linear, scales).unwrap();
        assert_eq!(scale(quantized.biases[0], quantized.multipliers[0], quantized.shift), 20);
    }

    #[test]
    fn what_amplifies_too_much_is_refused() {
        let linear = Linear { weights: vec![127.0], bias: vec![0.0] };
        assert!(Quantized::new(&linear, Scales { input: 1.0, input_zero: 0, input_reach: 128, output: 4.1 }).is_some());
        assert!(Quantized::new(&linear, Scales { input: 1.0, input_zero: 0, input_reach: 128, output: 3.9 }).is_none());
    }

    #[test]
    fn long_rows_of_large_inputs_fit_the_accumulator() {
        let linear = Linear { weights: vec![0.5; 1200], bias: vec![0.0] };
        let scales = Scales { input: 1e-4, input_zero: 0, input_reach: 1 << 15, output: 0.1 };
        let quantized = Quantized::new(&linear, scales).unwrap();
        let sum: i64 = quantized.weights.iter().map(|&w| i64::from(w) << 15).sum();
        assert!(sum <= 1 << 30 && sum > 1 << 29, "{sum}");
    }

    #[test]
    fn a_group_is_a_matrix_of_its_own() {
        let rows = |range: std::ops::Range<i16>| Linear {
            weights: range.clone().flat_map(|row| [row, 20, -row]).map(f32::from).collect(),
            bias: range.map(f32::from).collect(),
        };
        let scales = Scales { input: 1.0, input_zero: 0, input_reach: 128, output: 1024.0 };
        let written = |linear: &Linear, groups| {
            let mut blob = Vec::new();
            // Each row's largest weight is the same, and so is the shift.
            let linear = Quantized::new(linear, scales).unwrap();
            (linear.in_groups(groups).write(&mut blob), blob)
        };
        let (all, [first, second]) =
            (written(&rows(1..11), 2).1, [rows(1..6), rows(6..11)].map(|part| written(&part, 1).1));
        assert_eq!(all.len(), first.len() + second.len());
        assert_eq!(all[first.len()..], second);
    }

    #[test]
    fn odd_multiples_of_negatives_are_negatives() {
        let linear = Linear { weights: vec![127.0, -127.0], bias: vec![0.0] };
        let scales = Scales { input: 1.0, input_zero: 0, input_reach: 128, output: 1024.0 };
        let even = Quantized::new(&linear, scales).unwrap();
        let odd = even.clone().odd();
        // 512 steps are exactly half a step of the output.
        let rounded = |of: &Quantized, sum: i32| scale(sum, of.multipliers[0], of.shift);
        assert_ne!(rounded(&even, 512), -rounded(&even, -512));
        assert_eq!(rounded(&odd, 512), -rounded(&odd, -512));
    }
}
