//! T(3): translations of space.
//!
//! Places are those of points in the sensor's own axes, in counts: times the field's units per count, that is where
//! they are.

use super::so3::Rotation;
use super::{Degenerate, Element, Frame, Group, Pose};
use crate::arena::Arena;
use crate::domain::point_set;
use crate::format::{Chart, Dtype, FieldKind, Input, PoseHead, Tensor};
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

/// A translation in counts: what was at `(u, v, w)` is at `(u + x, v + y, w + z)` behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Translation {
    x: f32,
    y: f32,
    z: f32,
}

impl Translation {
    /// The translation by a vector `(x, y, z)` in counts, or `None` where it is not finite.
    #[must_use]
    pub const fn from_vector([x, y, z]: [f32; 3]) -> Option<Self> {
        if x.is_finite() && y.is_finite() && z.is_finite() { Some(Self { x, y, z }) } else { None }
    }

    /// By how many counts along x.
    #[must_use]
    pub const fn x(&self) -> f32 {
        self.x
    }

    /// By how many counts along y.
    #[must_use]
    pub const fn y(&self) -> f32 {
        self.y
    }

    /// By how many counts along z.
    #[must_use]
    pub const fn z(&self) -> f32 {
        self.z
    }

    /// All components, `(x, y, z)`.
    #[must_use]
    pub const fn vector(&self) -> [f32; 3] {
        [self.x, self.y, self.z]
    }

    /// The translation by a vector that is finite wherever `self` is: one that was turned.
    pub(super) const fn turned([x, y, z]: [f32; 3]) -> Self {
        Self { x, y, z }
    }
}

impl Group for Translation {
    const IDENTITY: Self = Self { x: 0.0, y: 0.0, z: 0.0 };

    fn compose(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y, z: self.z + other.z }
    }

    fn inverse(self) -> Self {
        Self { x: -self.x, y: -self.y, z: -self.z }
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from the mean of points to the translation that takes the origin there: `ξ(t) = t`.
///
/// Moving all points by an integer moves the mean by it, `ξ(g·t) = g · ξ(t)`, exactly: it is the nearest integer to the
/// exact mean, see [`SetPooling::Mean`](crate::kernel::SetPooling::Mean). Nothing is learned here, and every set of points
/// has a mean, so that the confidence is 1 and the lengths of the pose head are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mean;

impl Mean {
    /// The translation that a mean in counts tells.
    #[must_use]
    pub fn pose(&self, mean: [i16; 3]) -> Pose {
        let element = Element::Translation3(Translation::turned(mean.map(f32::from)));
        Pose { element, confidence: 1.0 }
    }
}

// ---- Action ---------------------------------------------------------------------------------------

impl Translation {
    /// The moved place.
    #[must_use]
    pub fn act(&self, [x, y, z]: [f32; 3]) -> [f32; 3] {
        [x + self.x, y + self.y, z + self.z]
    }

    /// The same translation in whole counts, to move integers: the nearest, halves to even, and saturated.
    #[must_use]
    pub fn to_counts(&self) -> [i16; 3] {
        self.vector().map(|x| libm::rintf(x) as i16)
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Translations from a mean, `i16[3, 1, 1]`, of windows whose first field is points.
pub const FRAME: Frame = Frame { chart: Chart::Mean, after: None, check, pose, undo };

fn check(model: &Model<'_>, mean: &Tensor) -> bool {
    let input = model.input();
    let moves = |kind| !matches!(kind, FieldKind::Row | FieldKind::Ring);
    let points = input.fields.first().is_some_and(|field| field.kind == FieldKind::Point);
    let of_points = mean.dtype == Dtype::I16 && mean.shape == [3, 1, 1];
    of_points && points && input.fields.iter().all(|field| moves(field.kind))
}

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let Some(&mean) = arena.read::<i16>(model.vectors(head)).and_then(|mean| mean.first_chunk()) else {
        return Err(Degenerate::Vanishing);
    };
    *pose = Some(Mean.pose(mean));
    Ok(())
}

fn undo(element: &Element, input: &Input<'_>, _window: &[i16], canonical: &mut [i16]) {
    if let Element::Translation3(translation) = element {
        // Not by adding the negative, which the smallest count has not.
        point_set::turn_about(translation.to_counts(), &Rotation::IDENTITY, [0; 3], input.fields, canonical);
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing::{farthest, group_laws, translation3};
    use proptest::prelude::*;

    /// In counts, for places up to some hundred counts from the origin: sums in f32.
    const TOLERANCE_COUNTS: f32 = 1e-4;

    fn distance(a: Translation, b: Translation) -> f32 {
        farthest(a.vector(), b.vector())
    }

    proptest! {
        #[test]
        fn translations_are_a_group(a in translation3(100.0), b in translation3(100.0), c in translation3(100.0)) {
            group_laws([a, b, c], distance, TOLERANCE_COUNTS)?;
            prop_assert_eq!(a.compose(b), b.compose(a));
        }

        #[test]
        fn the_action_is_a_homomorphism(a in translation3(100.0), b in translation3(100.0), p in prop::array::uniform3(-100.0f32..100.0)) {
            prop_assert!(farthest(a.compose(b).act(p), a.act(b.act(p))) <= TOLERANCE_COUNTS);
        }

        /// Integers of f32 are exact here.
        #[test]
        fn the_chart_is_equivariant(mean in prop::array::uniform3(-9000i16..9000), by in prop::array::uniform3(-9000i16..9000)) {
            let moved: [i16; 3] = core::array::from_fn(|i| mean[i] + by[i]);
            let (Element::Translation3(at_rest), Element::Translation3(found)) =
                (Mean.pose(mean).element, Mean.pose(moved).element)
            else {
                panic!("an element of another group")
            };
            let g = Translation::from_vector(by.map(f32::from)).unwrap();
            prop_assert_eq!(found, g.compose(at_rest));
            prop_assert_eq!(found.to_counts(), moved);
        }
    }

    #[test]
    fn what_is_no_translation_is_none() {
        assert_eq!(Translation::from_vector([0.0, f32::NAN, 0.0]), None);
        assert_eq!(Translation::from_vector([0.0, 0.0, f32::INFINITY]), None);
        assert_eq!(Translation::from_vector([0.0, -4e4, 4e4]).unwrap().to_counts(), [0, i16::MIN, i16::MAX]);
    }
}
