//! E(3): rigid motions of space and their mirror images.

use super::o3::{self, Orthogonal};
use super::product::Semidirect;
use super::so3::Rotation;
use super::{Automorphisms, Degenerate, Element, Frame, Group, Pose, translation3};
use crate::arena::Arena;
use crate::domain::{point_set, vector_window};
use crate::format::{Chart, Input, PoseHead};
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

/// An element of E(3), `p ↦ Q·p + t`: first a rotation or reflection about the origin, then a translation.
pub type Isometry3 = Semidirect<translation3::Translation, Orthogonal>;

impl Automorphisms<translation3::Translation> for Orthogonal {
    fn apply(self, translation: translation3::Translation) -> translation3::Translation {
        translation3::Translation::turned(self.act(translation.vector()))
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

// That of T(3), [`Mean`](translation3::Mean), and behind it that of O(3), [`Handed`](o3::Handed).

// ---- Action ---------------------------------------------------------------------------------------

// Of the semidirect products with translations of space.

// ---- Frame ----------------------------------------------------------------------------------------

/// Rigid motions and their mirror images in two steps: behind a pose head that has found the mean of the points, the
/// rotation or reflection from three vectors, `i32[3, 1, 3]`, which ψ finds in the points that the mean has been taken from.
pub const FRAME: Frame = Frame { chart: Chart::ThreeVectors, after: Some(Chart::Mean), check: o3::check, pose, undo };

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let (acting, confidence) = o3::find(model, head, arena)?;
    let Some(Element::Translation3(normal)) = pose.map(|pose| pose.element) else { return Err(Degenerate::Vanishing) };
    // window = translation · (orthogonal · canonical). Of a mean there is no doubt, so the other's confidence stays.
    *pose = Some(Pose { element: Element::Isometry3(Isometry3 { normal, acting }), confidence });
    Ok(())
}

fn undo(element: &Element, input: &Input<'_>, _window: &[i16], canonical: &mut [i16]) {
    let Element::Isometry3(Isometry3 { normal, acting }) = element else { return };
    point_set::turn_about(normal.to_counts(), &Rotation::IDENTITY, [0; 3], input.fields, canonical);
    // While numbers are whole: what is inverted twice then comes back to the count.
    if acting.is_reflected() {
        vector_window::invert(input.fields, canonical);
    }
    vector_window::rotate(&acting.rotation().inverse(), input.fields, canonical);
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Field, FieldKind};
    use crate::group::testing::{farthest, group_laws, rotation3, translation3};
    use proptest::prelude::*;

    /// For places up to some hundred counts from the origin, in counts, and entries of order 1.
    const TOLERANCE: f32 = 2e-4;
    /// Two roundings of half a count, the first turned by √3 at most, and fixed-point entries.
    const TOLERANCE_COUNTS: f32 = 4.0;

    fn orthogonal() -> impl Strategy<Value = Orthogonal> {
        (rotation3(), any::<bool>()).prop_map(|(rotation, reflected)| Orthogonal::new(rotation, reflected))
    }

    fn isometry() -> impl Strategy<Value = Isometry3> {
        (translation3(100.0), orthogonal()).prop_map(|(normal, acting)| Isometry3 { normal, acting })
    }

    fn apart(a: Isometry3, b: Isometry3) -> f32 {
        // Two rows do not tell the third, whose sign is the hand.
        let [third_a, third_b] = [a, b].map(|g| g.acting.rows()[2]);
        farthest(Element::Isometry3(a).numbers(), Element::Isometry3(b).numbers()).max(farthest(third_a, third_b))
    }

    fn place() -> impl Strategy<Value = [f32; 3]> {
        prop::array::uniform3(-100.0f32..100.0)
    }

    proptest! {
        #[test]
        fn isometries_of_space_are_a_group(a in isometry(), b in isometry(), c in isometry()) {
            group_laws([a, b, c], apart, TOLERANCE)?;
        }

        #[test]
        fn rotations_and_reflections_are_automorphisms(
            g in orthogonal(), h in orthogonal(), m in translation3(100.0), n in translation3(100.0),
        ) {
            let near = |a: translation3::Translation, b: translation3::Translation| {
                farthest(a.vector(), b.vector()) <= TOLERANCE
            };
            prop_assert!(near(g.apply(m.compose(n)), g.apply(m).compose(g.apply(n))));
            prop_assert!(near(g.compose(h).apply(n), g.apply(h.apply(n))));
            prop_assert!(near(Orthogonal::IDENTITY.apply(n), n));
        }

        #[test]
        fn the_action_is_a_homomorphism(a in isometry(), b in isometry(), p in place()) {
            prop_assert!(farthest(a.compose(b).act(p), a.act(b.act(p))) <= TOLERANCE);
            // First the rotation or reflection, then the translation.
            let (turned, by) = (a.acting.act(p), a.normal.vector());
            prop_assert_eq!(a.act(p), core::array::from_fn(|i| turned[i] + by[i]));
        }

        #[test]
        fn undoing_is_the_inverse_action(
            rotation in rotation3(), reflected: bool, to in prop::array::uniform3(-3000i16..3000),
            set in prop::collection::vec(-5000i16..5000, 12),
        ) {
            let normal = translation3::Translation::from_vector(to.map(f32::from)).unwrap();
            let g = Isometry3 { normal, acting: Orthogonal::new(rotation, reflected) };
            let fields = [Field { per_count: 1.0, kind: FieldKind::Point, width: 3 }];
            let input = Input { rate_hz: 1.0, hop: 4, samples: 4, fields: &fields };
            let mut canonical = set.clone();
            undo(&Element::Isometry3(g), &input, &set, &mut canonical);
            for (before, after) in set.chunks(3).zip(canonical.chunks(3)) {
                let [p, q]: [[f32; 3]; 2] = [before, after].map(|p| core::array::from_fn(|i| p[i].into()));
                prop_assert!(farthest(g.inverse().act(p), q) <= TOLERANCE_COUNTS);
            }
            // What is inverted about where it is taken from gives the same, bit for bit, with the other hand.
            let inverted: [i16; 3] = core::array::from_fn(|i| to[i]);
            let mirrored: Vec<i16> = set.iter().enumerate().map(|(at, &x)| 2 * inverted[at % 3] - x).collect();
            let other = Isometry3 { acting: Orthogonal::INVERSION.compose(g.acting), ..g };
            let mut same = mirrored.clone();
            undo(&Element::Isometry3(other), &input, &mirrored, &mut same);
            prop_assert_eq!(same, canonical);
        }
    }
}
