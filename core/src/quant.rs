//! The one rounding of the integer path.
//!
//! A real number `v` is stored as the integer `q` with `v = scale · (q − zero_point)`. Products of
//! integers are summed exactly in 32 bits, and each sum is brought to its output's scale by one
//! multiplication and one rounding, halves up: `(sum · m + 2^(s−1)) >> s`, computed in 64 bits, the
//! same on every target. Beside sums, only two things are ever rounded: the integer square root inside
//! the norm gate, and the entries of the pose that turns a window back.
//!
//! (Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//! Inference*, 2018, round twice here; one rounding is both smaller in error and cheaper.)

use crate::format::Tensor;
use serde::{Deserialize, Serialize};

/// From an accumulator to an output element, but for the multiplier, which each channel has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requantize {
    /// The `s` of the formula, 1 to 62.
    pub shift: u8,
    /// The element that stands for zero, added after the rounding.
    pub zero_point: i16,
    /// The smallest result; a fused ReLU is `min = zero_point`.
    pub min: i16,
    /// The largest result.
    pub max: i16,
}

impl Requantize {
    /// `clamp(((sum · multiplier + 2^(shift−1)) >> shift) + zero_point, min, max)`.
    #[inline]
    #[must_use]
    pub fn apply(&self, sum: i32, multiplier: i32) -> i16 {
        let value = scale(sum, multiplier, self.shift) + i64::from(self.zero_point);
        value.max(i64::from(self.min)).min(i64::from(self.max)) as i16
    }

    /// Whether every result is defined, and is what an element of `tensor` stands for.
    pub(crate) fn fits(&self, tensor: &Tensor) -> bool {
        self.fits_range(tensor.dtype.range()) && self.zero_point == tensor.zero_point
    }

    /// Whether every result is defined and lies in `range`.
    pub(crate) fn fits_range(&self, range: (i32, i32)) -> bool {
        (1..=62).contains(&self.shift)
            && self.min <= self.max
            && range.0 <= i32::from(self.min)
            && i32::from(self.max) <= range.1
    }
}

/// `(sum · multiplier + 2^(shift−1)) >> shift`, exact in 64 bits; `shift` is taken modulo 64.
#[inline]
#[must_use]
pub fn scale(sum: i32, multiplier: i32, shift: u8) -> i64 {
    let shift = u32::from(shift);
    let half = 1i64.wrapping_shl(shift.wrapping_sub(1));
    (i64::from(sum) * i64::from(multiplier)).wrapping_add(half).wrapping_shr(shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounds_to_nearest_once(sum: i32, multiplier: i32, shift in 1u8..=62) {
            let exact = i128::from(sum) * i128::from(multiplier);
            let rounded = i128::from(scale(sum, multiplier, shift)) << shift;
            // Halves go up: the exact value lies in [rounded − 1/2, rounded + 1/2).
            let half = 1i128 << (shift - 1);
            prop_assert!(rounded - half <= exact && exact < rounded + half);
        }

        #[test]
        fn stays_within_its_clamp(sum: i32, multiplier: i32, shift in 1u8..=62, zero_point: i16, a: i16, b: i16) {
            let requantize = Requantize { shift, zero_point, min: a.min(b), max: a.max(b) };
            let result = requantize.apply(sum, multiplier);
            prop_assert!((a.min(b)..=a.max(b)).contains(&result));
        }
    }
}
