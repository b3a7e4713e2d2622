//! Periodic signals: `i16[samples, channels]`, one period of every channel, such as a beat or a turn of a shaft.

use crate::group::shift::Shift;
use crate::quant::scale;

/// The longest period, in samples: up to here, delays by whole samples are exact.
pub const MAX_SAMPLES: usize = 1 << 14;

/// A delay is a multiple of 2⁻⁸ samples.
const BITS: u16 = 8;
const STEPS: i32 = 1 << BITS;

/// Delays a signal around its period, `to = g · from`: `(g·x)(t) = x(t − turns·T)`.
///
/// The delay is rounded to 1/256 of a sample, once. Between two samples the signal is a line, and each number
/// that comes out is rounded once, to nearest, halves up. Delays by whole samples, `k / T` turns, are exact: they
/// move numbers and change none.
///
/// Answers `None`, and writes nothing, where the slices differ in length, where the last sample is not whole, or
/// where there are more than [`MAX_SAMPLES`] samples.
#[must_use]
pub fn shift(g: Shift, channels: usize, from: &[i16], to: &mut [i16]) -> Option<()> {
    let samples = from.len().checked_div(channels)?;
    if !(from.len() == to.len() && from.len().checked_rem(channels)? == 0 && samples <= MAX_SAMPLES) {
        return None;
    }
    let delay = g.to_steps((samples as u32) << BITS);
    let part = delay as i32 & (STEPS - 1);
    // Whole samples later, and the sample before that.
    let whole = (delay >> BITS) as usize;
    let (near, far) = (delayed(from, channels, whole)?, delayed(from, channels, whole.wrapping_add(1))?);
    for ((to, &near), &far) in to.iter_mut().zip(near).zip(far) {
        let (near, far) = (i32::from(near), i32::from(far));
        let sum = near.wrapping_mul(STEPS.wrapping_sub(part)).wrapping_add(far.wrapping_mul(part));
        // Between two numbers of 16 bits, and so one itself.
        *to = scale(sum, 1, BITS) as i16;
    }
    Some(())
}

/// The signal so many whole samples later, from 0 to the whole period.
fn delayed(from: &[i16], channels: usize, samples: usize) -> Option<impl Iterator<Item = &i16>> {
    // An empty signal has no sample before another.
    let behind = samples.wrapping_mul(channels).min(from.len());
    let (start, end) = from.split_at_checked(from.len().wrapping_sub(behind))?;
    Some(end.iter().chain(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Group;
    use proptest::prelude::*;

    /// For a sine of 8 to 32 samples and amplitude 1,000: lines instead of its arcs, (2π/8)²/8 of the amplitude
    /// for each of three delays, and the roundings of counts and of delays.
    const TOLERANCE_COUNTS: i32 = 3 * 77 + 3 + 3;

    fn shifted(g: Shift, channels: usize, from: &[i16]) -> Vec<i16> {
        let mut to = vec![-1; from.len()];
        shift(g, channels, from, &mut to).unwrap();
        to
    }

    fn any_shift() -> impl Strategy<Value = Shift> {
        (0.0f32..1.0).prop_map(Shift::from_turns)
    }

    /// Two channels of sines.
    fn sines(samples: usize) -> Vec<i16> {
        (0..2 * samples)
            .map(|i| std::f32::consts::TAU * (i / 2) as f32 / samples as f32 + (i % 2) as f32)
            .map(|phase| (1000.0 * phase.sin()) as i16)
            .collect()
    }

    /// Samples of two channels each.
    fn signal() -> impl Strategy<Value = Vec<i16>> {
        prop::collection::vec(any::<[i16; 2]>(), 1..20).prop_map(|samples| samples.concat())
    }

    proptest! {
        #[test]
        fn the_action_is_a_homomorphism_up_to_interpolation(a in any_shift(), b in any_shift(), samples in 8usize..32) {
            let x = sines(samples);
            let (once, twice) = (shifted(a.compose(b), 2, &x), shifted(a, 2, &shifted(b, 2, &x)));
            for (p, q) in once.into_iter().zip(twice) {
                prop_assert!((i32::from(p) - i32::from(q)).abs() <= TOLERANCE_COUNTS);
            }
        }

        #[test]
        fn whole_samples_are_exact(x in signal(), delay: usize) {
            let (samples, mut expected) = (x.len() / 2, x.clone());
            expected.rotate_right(2 * (delay % samples));
            let g = Shift::from_turns((delay % samples) as f32 / samples as f32);
            prop_assert_eq!(shifted(g, 2, &x), expected);
            prop_assert_eq!(shifted(g.inverse(), 2, &shifted(g, 2, &x)), x.clone());
            prop_assert_eq!(shifted(Shift::IDENTITY, 2, &x), x);
        }

        /// In the same units as the delay: the exact sum, rounded once.
        #[test]
        fn between_samples_it_is_the_nearest_count_to_a_line(x in signal(), g in any_shift()) {
            let samples = x.len() / 2;
            let delay = g.to_steps(256 * samples as u32) as usize;
            for (i, &count) in shifted(g, 2, &x).iter().enumerate() {
                let at = |later: usize| i64::from(x[(i / 2 + 2 * samples - delay / 256 - later) % samples * 2 + i % 2]);
                let part = (delay % 256) as i64;
                let sum = at(0) * (256 - part) + at(1) * part;
                prop_assert_eq!(i64::from(count), (sum + 128).div_euclid(256));
            }
        }
    }

    #[test]
    fn the_longest_period_is_exact_and_a_longer_one_refused() {
        // Miri takes a thousand times as long.
        let samples = if cfg!(miri) { 64 } else { MAX_SAMPLES };
        let x: Vec<i16> = (0..samples).map(|t| t as i16).collect();
        for delay in [1, samples / 3, samples - 1] {
            let mut expected = x.clone();
            expected.rotate_right(delay);
            assert_eq!(shifted(Shift::from_turns(delay as f32 / samples as f32), 1, &x), expected);
        }
        let long = vec![0; MAX_SAMPLES + 1];
        assert_eq!(shift(Shift::IDENTITY, 1, &long, &mut long.clone()), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut to = [0; 6];
        assert_eq!(shift(Shift::IDENTITY, 3, &[1; 3], &mut to), None, "another length");
        assert_eq!(shift(Shift::IDENTITY, 4, &[1; 6], &mut to), None, "an incomplete sample");
        assert_eq!(shift(Shift::IDENTITY, 0, &[1; 6], &mut to), None, "no channels");
        assert_eq!(to, [0; 6]);
        assert_eq!(shift(Shift::IDENTITY, 3, &[], &mut []), Some(()));
    }
}
