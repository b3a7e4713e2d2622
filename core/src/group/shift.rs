//! R/Z, the circle group: shifts of a periodic signal.

use super::so2::Direction;
use super::{Degenerate, Element, Frame, Group, Pose, is_row};
use crate::arena::Arena;
use crate::domain::signal;
use crate::format::{Chart, Input, PoseHead, Tensor};
use crate::math;
use crate::model::Model;
use core::f32::consts::TAU;

// ---- Element --------------------------------------------------------------------------------------

/// A delay of a periodic signal by a fraction of its period: `(g·x)(t) = x(t − turns·T)`. Positive is later.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shift {
    turns: f32,
}

impl Shift {
    /// The delay by a fraction of the period; whole periods are dropped. A number that is not finite gives
    /// the identity.
    #[must_use]
    pub fn from_turns(turns: f32) -> Self {
        let turns = turns - math::floor(turns);
        // A little less than a whole number rounds to a whole period. Infinities give what is no number.
        Self { turns: if turns < 1.0 { turns } else { 0.0 } }
    }

    /// The delay as a fraction of the period, 0 and above, below 1.
    #[must_use]
    pub const fn turns(&self) -> f32 {
        self.turns
    }

    /// The shorter way around from `self` to `other`, as a fraction of the period, 0 to ½.
    #[must_use]
    pub fn turns_to(&self, other: &Self) -> f32 {
        let apart = (self.turns - other.turns).abs();
        apart.min(1.0 - apart)
    }
}

impl Group for Shift {
    const IDENTITY: Self = Self { turns: 0.0 };

    fn compose(self, other: Self) -> Self {
        Self::from_turns(self.turns + other.turns)
    }

    fn inverse(self) -> Self {
        Self::from_turns(-self.turns)
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from the first Fourier coefficient of a feature f of the signal to its delay:
///
/// `turns = atan2(Σ f(t)·sin(2πt/T), Σ f(t)·cos(2πt/T)) / 2π mod 1`.
///
/// A feature that is delayed by k of T samples has its coefficient turned by +2πk/T, so the element goes
/// with the signal: `ξ(g·y) = g · ξ(y)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// The length of the coefficient, in its counts, that gives confidence 1.
    pub reference: f32,
    /// The length of the coefficient, in its counts, below which rounding drowns the phase.
    pub minimum: f32,
}

impl Phase {
    /// The delay that a coefficient `[cosine part, sine part]` tells. Its confidence is the coefficient's
    /// length over [`reference`](Self::reference).
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`] where the coefficient is shorter than [`minimum`](Self::minimum), zero, or
    /// no number.
    pub fn pose(&self, coefficient: [f32; 2]) -> Result<Pose, Degenerate> {
        let direction = Direction { reference: self.reference, minimum: self.minimum };
        let (rotation, confidence) = direction.find(coefficient)?;
        Ok(Pose { element: Element::Shift(Shift::from_turns(rotation.angle() / TAU)), confidence })
    }
}

// ---- Action ---------------------------------------------------------------------------------------

impl Shift {
    /// How many of the steps of a period the delay is, rounded to nearest: 0 and above, below `period`. For
    /// periods up to 2²², delays by whole steps come out exactly. No step is 0 of 0.
    ///
    /// Fixed point for [`signal`], whose steps are fractions of a sample.
    #[must_use]
    pub fn to_steps(&self, period: u32) -> u32 {
        let steps = libm::rintf(self.turns * period as f32) as u32;
        // Almost a whole period is one after rounding.
        if steps < period { steps } else { 0 }
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Delays from a Fourier coefficient, `i32[1, 1, 2]`, of windows that are one period of whatever they hold.
pub const FRAME: Frame = Frame { chart: Chart::Phase, after: None, check, pose, undo };

fn check(model: &Model<'_>, coefficient: &Tensor) -> bool {
    is_row(coefficient, 2) && usize::from(model.input().samples) <= signal::MAX_SAMPLES
}

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let Some(&[cos, sin]) = arena.read::<i32>(model.vectors(head)) else { return Err(Degenerate::Vanishing) };
    let chart = Phase { reference: head.reference, minimum: head.minimum };
    *pose = Some(chart.pose([cos as f32, sin as f32])?);
    Ok(())
}

fn undo(element: &Element, input: &Input<'_>, window: &[i16], canonical: &mut [i16]) {
    if let Element::Shift(shift) = element {
        _ = signal::shift(shift.inverse(), input.channels(), window, canonical);
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::so2::Rotation;
    use crate::group::testing::group_laws;
    use proptest::prelude::*;

    /// For fractions of a period: the rounding of numbers below 2.
    const TOLERANCE_TURNS: f32 = 3e-7;

    const CHART: Phase = Phase { reference: 2.0, minimum: 0.05 };

    fn shift() -> impl Strategy<Value = Shift> {
        (-3.0f32..3.0).prop_map(Shift::from_turns)
    }

    fn shift_of(pose: Pose) -> Shift {
        let Element::Shift(shift) = pose.element else { panic!("an element of another group") };
        shift
    }

    proptest! {
        #[test]
        fn shifts_are_a_group(a in shift(), b in shift(), c in shift()) {
            group_laws([a, b, c], |a, b| a.turns_to(&b), TOLERANCE_TURNS)?;
            prop_assert_eq!(a.compose(b), b.compose(a));
        }

        #[test]
        fn every_number_of_turns_is_less_than_one(turns: f32) {
            let g = Shift::from_turns(turns);
            prop_assert!((0.0..1.0).contains(&g.turns) && (0.0..1.0).contains(&g.inverse().turns));
        }

        #[test]
        fn whole_steps_are_exact(period in 1u32..1 << 22, step: u32) {
            let step = step % period;
            prop_assert_eq!(Shift::from_turns(step as f32 / period as f32).to_steps(period), step);
        }

        #[test]
        fn steps_are_the_nearest(g in shift(), period in 1u32..1 << 16) {
            let (steps, exact) = (g.to_steps(period), f64::from(g.turns) * f64::from(period));
            prop_assert!(steps < period);
            let apart = (f64::from(steps) - exact).abs();
            prop_assert!(apart.min(f64::from(period) - apart) <= 0.51);
        }

        #[test]
        fn the_chart_is_equivariant(g in shift(), coefficient in prop::array::uniform2(-1.0f32..1.0)) {
            let turned = Rotation::from_angle(TAU * g.turns).act(coefficient);
            let (Ok(at_rest), Ok(delayed)) = (CHART.pose(coefficient), CHART.pose(turned)) else {
                return Ok(()); // one of them may fall just below the minimum
            };
            // Lengths of 0.05 and more magnify rounding 20 times; a radian is a sixth of a turn.
            prop_assert!(shift_of(delayed).turns_to(&g.compose(shift_of(at_rest))) <= 4e-6);
            prop_assert!((delayed.confidence - at_rest.confidence).abs() <= 1e-6);
        }

        /// The convention, from the sums themselves.
        #[test]
        fn a_delayed_feature_is_found_that_much_later(feature in prop::array::uniform16(-1.0f32..1.0), delay in 0usize..16) {
            let coefficient = |f: [f32; 16]| {
                let part = |wave: fn(f32) -> f32| (0..16).map(|t| f[t] * wave(TAU * t as f32 / 16.0)).sum::<f32>();
                [part(math::cos), part(math::sin)]
            };
            let mut delayed = feature;
            delayed.rotate_right(delay);
            let chart = Phase { reference: 1.0, minimum: 0.5 };
            if let (Ok(at_rest), Ok(found)) = (chart.pose(coefficient(feature)), chart.pose(coefficient(delayed))) {
                let g = Shift::from_turns(delay as f32 / 16.0);
                prop_assert!(shift_of(found).turns_to(&g.compose(shift_of(at_rest))) <= 4e-6);
            }
        }

        #[test]
        fn every_coefficient_has_a_phase_or_none(coefficient: [f32; 2]) {
            if let Ok(pose) = (Phase { reference: 1.0, minimum: 0.0 }).pose(coefficient) {
                prop_assert!((0.0..1.0).contains(&shift_of(pose).turns) && pose.confidence.is_finite());
            }
        }
    }

    #[test]
    fn the_shorter_way_may_lead_past_zero() {
        let [early, late] = [0.125, 0.875].map(Shift::from_turns);
        assert_eq!((early.turns_to(&late), late.turns_to(&early)), (0.25, 0.25));
        assert_eq!(early.turns_to(&Shift::from_turns(0.375)), 0.25);
    }

    #[test]
    fn almost_a_period_is_none() {
        assert_eq!(Shift::from_turns(-1e-12), Shift::IDENTITY);
        assert_eq!(Shift::from_turns(f32::INFINITY), Shift::IDENTITY);
        assert_eq!(Shift::from_turns(f32::NAN), Shift::IDENTITY);
        assert_eq!(Shift::from_turns(0.999_999).to_steps(100), 0);
        assert_eq!(Shift::from_turns(0.5).to_steps(0), 0);
    }

    #[test]
    fn degenerate_coefficients_are_named() {
        for coefficient in [[0.0; 2], [f32::NAN, 1.0], [1.0, f32::NEG_INFINITY], [0.03, 0.03]] {
            assert_eq!(CHART.pose(coefficient), Err(Degenerate::Vanishing));
        }
    }
}
