//! What the tests of several operators share.

use super::matrix::Matrix;
use crate::format::ALIGNMENT;
use crate::quant::Requantize;

/// A blob that holds one matrix, and where it stands in it.
pub(crate) fn blob(weights: &[i8], biases: &[i32], multipliers: &[i32]) -> (Vec<u8>, Matrix) {
    let mut bytes: Vec<u8> = weights.iter().map(|&w| w as u8).collect();
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    let channels = bytes.len() as u32;
    for (bias, multiplier) in biases.iter().zip(multipliers) {
        bytes.extend(bias.to_le_bytes());
        bytes.extend(multiplier.to_le_bytes());
    }
    (bytes, Matrix { weights: 0, channels })
}

/// The oracle's rounding: floor(sum · multiplier / 2^shift + 1/2), by division.
pub(crate) fn requantize(sum: i64, multiplier: i32, requantize: &Requantize) -> i16 {
    let exact = i128::from(sum) * i128::from(multiplier);
    let step = 1i128 << requantize.shift;
    let rounded = (2 * exact + step).div_euclid(2 * step) + i128::from(requantize.zero_point);
    rounded.clamp(requantize.min.into(), requantize.max.into()) as i16
}
