//! Square roots and angles of the group maths.
//!
//! Square roots are correctly rounded on every target, by libm or by the FPU: they decide the pose, and
//! poses agree bit for bit. Angles are only ever read by people, so the feature `micromath` may swap in its
//! approximation, which is smaller and needs no division; its error is measured below.

/// The square root of a number that is not negative, correctly rounded.
#[inline]
#[must_use]
pub fn sqrt(x: f32) -> f32 {
    #[cfg(gimbal_fpu)]
    return crate::asm::sqrt(x);
    #[cfg(not(gimbal_fpu))]
    libm::sqrtf(x)
}

/// The arcsine of −1 to 1, in radians.
///
/// libm's is within one unit in the last place; with the feature `micromath` the error is at most
/// [`ASIN_ERROR`] radians.
#[inline]
#[must_use]
pub fn asin(x: f32) -> f32 {
    #[cfg(feature = "micromath")]
    return micromath::F32(x).asin().0;
    #[cfg(not(feature = "micromath"))]
    libm::asinf(x)
}

/// The largest absolute error of [`asin`], in radians, measured over its whole range.
#[cfg(feature = "micromath")]
pub const ASIN_ERROR: f32 = 0.018;
/// The largest absolute error of [`asin`], in radians, measured over its whole range.
#[cfg(not(feature = "micromath"))]
pub const ASIN_ERROR: f32 = 2e-7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arcsine_is_as_exact_as_stated() {
        // Miri takes a thousand times as long.
        let worst = (-100_000..=100_000)
            .step_by(if cfg!(miri) { 1000 } else { 1 })
            .map(|i| i as f32 / 100_000.0)
            .map(|x| (f64::from(asin(x)) - libm::asin(f64::from(x))).abs())
            .fold(0.0, f64::max);
        assert!(worst <= f64::from(ASIN_ERROR), "worst error {worst} rad");
        assert!(worst >= f64::from(ASIN_ERROR) / 10.0, "the stated error is far above the worst, {worst} rad");
    }
}
