//! SO(2): rotations of the plane.
//!
//! The plane is that of an image: x to the right, along the columns, and y **down**, along the rows. A turn by a
//! positive angle takes x towards y, which on a screen is clockwise.

use super::{Degenerate, Element, Frame, Group, Pose, is_row, sides};
use crate::arena::Arena;
use crate::domain::image::{Affine, transform};
use crate::format::{Chart, Input, PoseHead, Tensor};
use crate::math;
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

/// A rotation by the angle whose cosine and sine it holds: `R·(x, y) = (cos·x − sin·y, sin·x + cos·y)`.
///
/// Quarter turns are exact: their entries are 0 and ±1, so composing with one only exchanges and negates
/// the entries of the other.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rotation {
    cos: f32,
    sin: f32,
}

impl Rotation {
    /// The cosine of the angle.
    #[must_use]
    pub const fn cos(&self) -> f32 {
        self.cos
    }

    /// The sine of the angle.
    #[must_use]
    pub const fn sin(&self) -> f32 {
        self.sin
    }

    /// The matrix that turns column vectors, row by row.
    #[must_use]
    pub fn rows(&self) -> [[f32; 2]; 2] {
        [[self.cos, -self.sin], [self.sin, self.cos]]
    }

    /// The angle in radians, −π to π.
    #[must_use]
    pub fn angle(&self) -> f32 {
        math::atan2(self.sin, self.cos)
    }

    /// The rotation by an angle in radians. An angle that is not finite gives the identity.
    ///
    /// No f32 is exactly π/2; for exact quarter turns see [`from_quarter_turns`](Self::from_quarter_turns).
    #[must_use]
    pub fn from_angle(angle: f32) -> Self {
        if !angle.is_finite() {
            return Self::IDENTITY;
        }
        Self { cos: math::cos(angle), sin: math::sin(angle) }
    }

    /// The rotation that takes the direction of x to that of a vector `(x, y)` of any length, or `None`
    /// where the vector is zero or not finite.
    ///
    /// Exact under quarter turns: `(−y, x)` gives the negated sine as cosine and the cosine as sine.
    #[must_use]
    pub fn from_vector(v: [f32; 2]) -> Option<Self> {
        normalize(v).map(|(rotation, _)| rotation)
    }

    /// So many exact quarter turns, from x towards y.
    #[must_use]
    pub const fn from_quarter_turns(turns: u16) -> Self {
        let (cos, sin) = match turns & 3 {
            0 => (1.0, 0.0),
            1 => (0.0, 1.0),
            2 => (-1.0, 0.0),
            _ => (0.0, -1.0),
        };
        Self { cos, sin }
    }

    /// The angle of the rotation that leads from `self` to `other`, in radians, 0 to π.
    ///
    /// From its sine and its cosine, one of which is steep at every angle; the arccosine alone would lose
    /// half its digits where angles are small.
    #[must_use]
    pub fn angle_to(&self, other: &Self) -> f32 {
        self.inverse().compose(*other).angle().abs()
    }
}

impl Group for Rotation {
    const IDENTITY: Self = Self { cos: 1.0, sin: 0.0 };

    fn compose(self, other: Self) -> Self {
        let [cos, sin] = self.act([other.cos, other.sin]);
        Self { cos, sin }
    }

    fn inverse(self) -> Self {
        Self { cos: self.cos, sin: -self.sin }
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from one vector to the rotation that takes the direction of x to it: `ξ(v) = v / ‖v‖`.
///
/// Turning the vector turns the rotation with it: `ξ(g·v) = g · ξ(v)`, exactly so for quarter turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Direction {
    /// The length, in counts of the vector, that gives confidence 1.
    pub reference: f32,
    /// The length, in counts of the vector, below which rounding drowns the direction.
    pub minimum: f32,
}

impl Direction {
    /// The rotation to a vector. Its confidence is the vector's length over [`reference`](Self::reference).
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`] where the vector is shorter than [`minimum`](Self::minimum), zero, or no
    /// number.
    pub fn pose(&self, v: [f32; 2]) -> Result<Pose, Degenerate> {
        let (rotation, confidence) = self.find(v)?;
        Ok(Pose { element: Element::Planar(rotation), confidence })
    }

    /// The same for the charts that are built on this one.
    pub(super) fn find(&self, v: [f32; 2]) -> Result<(Rotation, f32), Degenerate> {
        let (rotation, length) = normalize(v).ok_or(Degenerate::Vanishing)?;
        if !(length.is_finite() && length >= self.minimum) {
            return Err(Degenerate::Vanishing);
        }
        Ok((rotation, length / self.reference))
    }
}

/// The direction and the length of a vector, or `None` where it is zero or not finite.
fn normalize(v: [f32; 2]) -> Option<(Rotation, f32)> {
    let [x, y] = v;
    let largest = x.abs().max(y.abs());
    if !(largest > 0.0 && x.is_finite() && y.is_finite()) {
        return None;
    }
    // Squares of very large or very small parts would leave f32's range.
    let (x, y) = (x / largest, y / largest);
    // The same whichever part comes first, so quarter turns stay exact.
    let length = math::sqrt(x * x + y * y);
    Some((Rotation { cos: x / length, sin: y / length }, length * largest))
}

// ---- Action ---------------------------------------------------------------------------------------

impl Rotation {
    /// The turned vector.
    #[must_use]
    pub fn act(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [self.cos * x - self.sin * y, self.sin * x + self.cos * y]
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Rotations from one vector, `i32[1, 1, 2]`, of images.
pub const FRAME: Frame = Frame { chart: Chart::Direction, after: None, check, pose, undo };

pub(super) fn check(model: &Model<'_>, vector: &Tensor) -> bool {
    is_row(vector, 2) && sides(model.input()).is_some()
}

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let (rotation, confidence) = find(model, head, arena)?;
    *pose = Some(Pose { element: Element::Planar(rotation), confidence });
    Ok(())
}

/// The same for the frames that are built on this one.
pub(super) fn find(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>) -> Result<(Rotation, f32), Degenerate> {
    let Some(&[x, y]) = arena.read::<i32>(model.vectors(head)) else { return Err(Degenerate::Vanishing) };
    Direction { reference: head.reference, minimum: head.minimum }.find([x as f32, y as f32])
}

fn undo(element: &Element, input: &Input<'_>, window: &[i16], canonical: &mut [i16]) {
    if let Element::Planar(rotation) = element {
        _ = transform(&Affine::from(rotation.inverse()), input.channels(), window, canonical);
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing::{farthest, group_laws, rotation};
    use core::f32::consts::{FRAC_PI_2, PI};
    use proptest::prelude::*;

    /// For f32 entries of order 1.
    const TOLERANCE: f32 = 1e-6;
    /// For angles, in radians: the entries' rounding and that of an f32 near π.
    const TOLERANCE_RADIANS: f32 = 2e-6;

    const CHART: Direction = Direction { reference: 2.0, minimum: 0.05 };

    fn vector() -> impl Strategy<Value = [f32; 2]> {
        prop::array::uniform2(-1.0f32..1.0)
    }

    fn distance(a: Rotation, b: Rotation) -> f32 {
        farthest([a.cos, a.sin], [b.cos, b.sin])
    }

    fn rotation_of(pose: Pose) -> Rotation {
        let Element::Planar(rotation) = pose.element else { panic!("an element of another group") };
        rotation
    }

    proptest! {
        #[test]
        fn rotations_are_a_group(a in rotation(), b in rotation(), c in rotation()) {
            group_laws([a, b, c], distance, TOLERANCE)?;
            prop_assert!(distance(a.compose(b), b.compose(a)) <= TOLERANCE);
        }

        #[test]
        fn the_action_is_a_homomorphism_that_keeps_lengths(a in rotation(), b in rotation(), v in vector()) {
            prop_assert!(farthest(a.compose(b).act(v), a.act(b.act(v))) <= TOLERANCE);
            let ([x, y], [p, q]) = (v, a.act(v));
            prop_assert!((x * x + y * y - p * p - q * q).abs() <= 2.0 * TOLERANCE);
            let [[e, f], [g, h]] = a.rows();
            prop_assert_eq!(a.act(v), [e * x + f * y, g * x + h * y]);
        }

        #[test]
        fn angles_add_up(a in -1.5f32..1.5, b in -1.5f32..1.5) {
            let (of_a, of_b) = (Rotation::from_angle(a), Rotation::from_angle(b));
            prop_assert!((of_a.compose(of_b).angle() - (a + b)).abs() <= TOLERANCE_RADIANS);
            prop_assert!((of_a.angle_to(&of_b) - (a - b).abs()).abs() <= TOLERANCE_RADIANS);
            prop_assert!((of_a.angle_to(&of_a)).abs() <= TOLERANCE_RADIANS);
        }

        #[test]
        fn the_chart_is_equivariant(g in rotation(), v in vector()) {
            let (Ok(at_rest), Ok(turned)) = (CHART.pose(v), CHART.pose(g.act(v))) else {
                return Ok(()); // one of them may fall just below the minimum
            };
            // Lengths of 0.05 and more magnify rounding 20 times.
            prop_assert!(distance(rotation_of(turned), g.compose(rotation_of(at_rest))) <= 2e-5);
            prop_assert!((turned.confidence - at_rest.confidence).abs() <= TOLERANCE);
        }

        /// ψ's vectors are 32-bit integers.
        #[test]
        fn quarter_turns_are_exact(v: [i32; 2], g in rotation(), turns: u16) {
            let v = v.map(|x| x as f32);
            let q = Rotation::from_quarter_turns(turns);
            match (CHART.pose(v), CHART.pose(q.act(v))) {
                (Ok(at_rest), Ok(turned)) => {
                    prop_assert_eq!(rotation_of(turned), q.compose(rotation_of(at_rest)));
                    prop_assert_eq!(turned.confidence, at_rest.confidence);
                }
                (at_rest, turned) => prop_assert_eq!(at_rest, turned),
            }
            prop_assert_eq!(q.inverse().compose(q.compose(g)), g);
            prop_assert_eq!(q.compose(g), g.compose(q));
        }

        #[test]
        fn every_vector_has_a_direction_or_none(x: f32, y: f32) {
            if let Ok(pose) = (Direction { reference: 1.0, minimum: 0.0 }).pose([x, y]) {
                let [cos, sin] = rotation_of(pose).act([1.0, 0.0]);
                prop_assert!((cos * cos + sin * sin - 1.0).abs() <= TOLERANCE);
                prop_assert!(pose.confidence.is_finite());
            } else if let Some(rotation) = Rotation::from_vector([x, y]) {
                prop_assert!(x.abs().max(y.abs()) > 2e38, "only a length beyond f32 has a direction and no pose");
                prop_assert!((rotation.cos * rotation.cos + rotation.sin * rotation.sin - 1.0).abs() <= TOLERANCE);
            }
        }
    }

    #[test]
    fn a_positive_angle_takes_x_towards_y() {
        assert_eq!(Rotation::from_quarter_turns(1).act([1.0, 0.0]), [0.0, 1.0]);
        assert!(distance(Rotation::from_angle(FRAC_PI_2), Rotation::from_quarter_turns(1)) <= TOLERANCE);
        assert_eq!(Rotation::from_vector([0.0, 5.0]), Some(Rotation::from_quarter_turns(1)));
        assert_eq!(Rotation::from_quarter_turns(6).angle().abs(), PI);
    }

    #[test]
    fn small_angles_keep_their_digits() {
        for angle in [1e-3, 1e-5, 1e-7] {
            let turned = Rotation::from_angle(angle);
            assert!((turned.angle_to(&Rotation::IDENTITY) - angle).abs() <= 1e-6 * angle);
        }
    }

    #[test]
    fn degenerate_vectors_are_named() {
        let never = Direction { reference: 1.0, minimum: 0.0 };
        for v in [[0.0; 2], [f32::NAN, 1.0], [1.0, f32::NAN], [f32::INFINITY, 1.0], [f32::MAX; 2]] {
            assert_eq!(never.pose(v), Err(Degenerate::Vanishing));
        }
        assert_eq!(CHART.pose([0.03, 0.03]), Err(Degenerate::Vanishing));
        assert_eq!(Rotation::from_vector([0.0, -0.0]), None);
        assert_eq!(Rotation::from_angle(f32::NAN), Rotation::IDENTITY);
    }
}
