//! The one rounding of the integer path.
//!
//! A real number `v` is stored as the integer `q` with `v = scale · (q − zero_point)`. Products of
//! integers are summed exactly in 32 bits, and each sum is brought to its output's scale by one
//! multiplication and one rounding, halves up: `(sum · m + 2^(s−1)) >> s`, the same on every target.
//! Beside sums, only a few things are ever rounded: integer square roots and quotients, where an
//! operator says so, and the entries of the pose that turns a window back. Cross products alone take
//! halves away from zero, so that turning and rounding can change places.
//!
//! (Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//! Inference*, 2018, round twice here; one rounding is both smaller in error and cheaper.)

use crate::format::{Dtype, Tensor};
use bytemuck::{Pod, Zeroable};

/// From an accumulator to an output element, but for the multiplier, which each channel has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Requantize {
    /// The `s` of the formula, 1 to 62.
    pub shift: u16,
    /// The element that stands for zero, added after the rounding.
    pub zero_point: i16,
    /// The smallest result; a fused ReLU is `min = zero_point`, ReLU6 has a `max` as well.
    pub min: i16,
    /// The largest result.
    pub max: i16,
}

impl Requantize {
    /// `clamp(((sum · multiplier + 2^(shift−1)) >> shift) + zero_point, min, max)`.
    #[inline(never)]
    #[must_use]
    pub fn apply(&self, sum: i32, multiplier: i32) -> i16 {
        self.clamp(scale(sum, multiplier, self.shift) + i64::from(self.zero_point))
    }

    /// The element nearest to `value` in `min ..= max`.
    #[inline]
    #[must_use]
    pub fn clamp(&self, value: i64) -> i16 {
        value.max(i64::from(self.min)).min(i64::from(self.max)) as i16
    }

    /// Whether every result is defined, and is what an element of `tensor` stands for.
    pub(crate) fn fits(&self, tensor: &Tensor) -> bool {
        self.fits_range(tensor.dtype) && self.zero_point == tensor.zero_point
    }

    /// Whether every result is defined and is an element of the type.
    pub(crate) fn fits_range(&self, dtype: Dtype) -> bool {
        let range = dtype.range();
        (1..=62).contains(&self.shift)
            && self.min <= self.max
            && range.0 <= i32::from(self.min)
            && i32::from(self.max) <= range.1
    }

    /// The same rounding on the high word of the product alone, which one instruction gives on most
    /// cores, or `None` if the shift is not in 33 ..= 61 or the zero point leaves no room.
    pub(crate) fn rescale(&self) -> Option<Rescale> {
        let shift = u32::from(self.shift).checked_sub(32).filter(|shift| (1..=29).contains(shift))?;
        // |sum · m| < 2⁶², so the high word is below 2³⁰; an offset of at most 2²⁸ + 2²⁹ leaves it in 32 bits.
        let room = u32::from(self.zero_point.unsigned_abs()) <= (1 << 29) >> shift;
        room.then(|| self.rescale_checked())
    }

    /// The same where the loader has found that there is one.
    #[inline]
    pub(crate) fn rescale_checked(&self) -> Rescale {
        let shift = u32::from(self.shift).wrapping_sub(32) & 31;
        let offset = ((1 << shift) >> 1) + (i32::from(self.zero_point) << shift);
        Rescale { offset, shift, min: self.min, max: self.max }
    }
}

/// [`Requantize`] with its rounding and its zero point in one addend:
/// `clamp((((sum · m) >> 32) + offset) >> shift, min, max)`.
///
/// `(sum · m + 2^(s−1)) >> s` for `s ≥ 33` does not depend on the low word of the product: it is
/// `(high + 2^(s−33)) >> (s−32)`, and adding a zero point `z` behind a shift is adding `z << shift`
/// before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rescale {
    pub(crate) offset: i32,
    pub(crate) shift: u32,
    pub(crate) min: i16,
    pub(crate) max: i16,
}

impl Rescale {
    /// The same as [`Requantize::apply`].
    #[inline]
    pub(crate) fn apply(&self, sum: i32, multiplier: i32) -> i16 {
        self.finish(high_product(sum, multiplier))
    }

    /// From the high word of the product, of magnitude up to 2³⁰.
    #[inline]
    pub(crate) fn finish(&self, high: i32) -> i16 {
        let value = high.wrapping_add(self.offset) >> (self.shift & 31);
        value.max(self.min.into()).min(self.max.into()) as i16
    }
}

/// `(a · b) >> 32`.
#[inline]
fn high_product(a: i32, b: i32) -> i32 {
    if !cfg!(gimbal_v6m) {
        return ((i64::from(a) * i64::from(b)) >> 32) as i32;
    }
    // Without a long multiplication, from products of halves, which all fit.
    let [(a_high, a_low), (b_high, b_low)] = [a, b].map(|x| (x >> 16, x & 0xffff));
    let low = (a_low as u32).wrapping_mul(b_low as u32) >> 16;
    let middle = a_high.wrapping_mul(b_low).wrapping_add(low as i32);
    let other = a_low.wrapping_mul(b_high).wrapping_add(middle & 0xffff);
    a_high.wrapping_mul(b_high).wrapping_add(middle >> 16).wrapping_add(other >> 16)
}

/// `(sum · multiplier + 2^(shift−1)) >> shift`, exact in 64 bits; `shift` is taken modulo 64.
#[inline]
#[must_use]
pub fn scale(sum: i32, multiplier: i32, shift: u16) -> i64 {
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
        fn rounds_to_nearest_once(sum: i32, multiplier: i32, shift in 1u16..=62) {
            let exact = i128::from(sum) * i128::from(multiplier);
            let rounded = i128::from(scale(sum, multiplier, shift)) << shift;
            // Halves go up: the exact value lies in [rounded − 1/2, rounded + 1/2).
            let half = 1i128 << (shift - 1);
            prop_assert!(rounded - half <= exact && exact < rounded + half);
        }

        #[test]
        fn stays_within_its_clamp(sum: i32, multiplier: i32, shift in 1u16..=62, zero_point: i16, a: i16, b: i16) {
            let requantize = Requantize { shift, zero_point, min: a.min(b), max: a.max(b) };
            let result = requantize.apply(sum, multiplier);
            prop_assert!((a.min(b)..=a.max(b)).contains(&result));
        }

        #[test]
        fn the_high_word_is_enough(sum: i32, multiplier: i32, shift in 33u16..=62, zero_point: i16, a: i16, b: i16) {
            let requantize = Requantize { shift, zero_point, min: a.min(b), max: a.max(b) };
            // No matrix gives the one sum that has no negative.
            prop_assume!(sum != i32::MIN);
            if let Some(rescale) = requantize.rescale() {
                prop_assert_eq!(rescale.apply(sum, multiplier), requantize.apply(sum, multiplier));
            }
        }
    }

    #[test]
    fn eight_bits_leave_room_for_every_useful_shift() {
        for shift in 33..=54 {
            for zero_point in [-128, 127] {
                assert!(Requantize { shift, zero_point, min: -128, max: 127 }.rescale().is_some());
            }
        }
    }
}
