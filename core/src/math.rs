//! Square roots and angles of the group maths.
//!
//! Square roots are correctly rounded on every target, by libm or by the FPU: they decide the pose, and
//! poses agree bit for bit. For the same reason, sines, cosines and the angle of a vector of the plane are
//! always libm's. The arcsine is only ever read by people, so the feature `micromath` may swap in its
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

/// Whether a number is finite and above zero, by its bits: that takes less flash than comparing does.
pub(crate) fn positive(x: f32) -> bool {
    (1..f32::INFINITY.to_bits()).contains(&x.to_bits())
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

/// The angle of the vector `(x, y)`, in radians, −π to π, positive where y is.
///
/// libm's on every target: a phase is a pose.
#[inline]
#[must_use]
pub fn atan2(y: f32, x: f32) -> f32 {
    libm::atan2f(y, x)
}

/// The sine of an angle in radians, libm's on every target.
#[inline]
#[must_use]
pub fn sin(x: f32) -> f32 {
    libm::sinf(x)
}

/// The cosine of an angle in radians, libm's on every target.
#[inline]
#[must_use]
pub fn cos(x: f32) -> f32 {
    libm::cosf(x)
}

/// The largest integer that is not above `x`.
#[inline]
#[must_use]
pub fn floor(x: f32) -> f32 {
    libm::floorf(x)
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
