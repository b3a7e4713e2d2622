//! Products of two groups: direct ones, and semidirect ones such as SE(2) and SE(3), the rigid motions of the plane and
//! of space.

use super::so2::{self, Direction, Rotation};
use super::translation::{Centroid, Translation};
use super::{Automorphisms, Degenerate, Element, Group, Pose, o2, so3, translation3};
use crate::arena::Arena;
use crate::domain::image::{Affine, transform};
use crate::domain::point_set;
use crate::format::{Chart, Input, PoseHead};
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

/// The direct product A × B: a pair, each part for itself. Say, a turn of the sensor and a delay of the signal,
/// which do not meet.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Product<A, B> {
    /// The part in A.
    pub first: A,
    /// The part in B.
    pub second: B,
}

impl<A: Group, B: Group> Group for Product<A, B> {
    const IDENTITY: Self = Self { first: A::IDENTITY, second: B::IDENTITY };

    fn compose(self, other: Self) -> Self {
        Self { first: self.first.compose(other.first), second: self.second.compose(other.second) }
    }

    fn inverse(self) -> Self {
        Self { first: self.first.inverse(), second: self.second.inverse() }
    }
}

/// The semidirect product N ⋊ H: first h acts, then n. As `h·n = h(n)·h`, pairs multiply as
/// `(n₁, h₁)·(n₂, h₂) = (n₁·h₁(n₂), h₁·h₂)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Semidirect<N, H> {
    /// The part in N, on which H acts.
    pub normal: N,
    /// The part in H.
    pub acting: H,
}

impl<N: Group, H: Automorphisms<N>> Group for Semidirect<N, H> {
    const IDENTITY: Self = Self { normal: N::IDENTITY, acting: H::IDENTITY };

    fn compose(self, other: Self) -> Self {
        Self { normal: self.normal.compose(self.acting.apply(other.normal)), acting: self.acting.compose(other.acting) }
    }

    fn inverse(self) -> Self {
        let acting = self.acting.inverse();
        Self { normal: acting.apply(self.normal.inverse()), acting }
    }
}

/// An element of SE(2), `p ↦ R·p + t`: first a turn about the image's centre, then a translation.
pub type RigidMotion = Semidirect<Translation, Rotation>;

impl Automorphisms<Translation> for Rotation {
    fn apply(self, translation: Translation) -> Translation {
        Translation::turned(self.act(translation.vector()))
    }
}

impl Automorphisms<Translation> for o2::Orthogonal {
    fn apply(self, translation: Translation) -> Translation {
        Translation::turned(self.act(translation.vector()))
    }
}

/// An element of SE(3), `p ↦ R·p + t`: first a turn about the origin, then a translation.
pub type RigidMotion3 = Semidirect<translation3::Translation, so3::Rotation>;

impl Automorphisms<translation3::Translation> for so3::Rotation {
    fn apply(self, translation: translation3::Translation) -> translation3::Translation {
        translation3::Translation::turned(self.act(translation.vector()))
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from a map of weights and a vector to a rigid motion: the centroid is where the origin went,
/// the vector's direction is where x points.
///
/// Moving the image moves both: `ξ(g·w, R·v) = g · ξ(w, v)` for `g = (t, R)`, as long as no weight leaves
/// the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// For the translation.
    pub origin: Centroid,
    /// For the rotation.
    pub direction: Direction,
}

impl Frame {
    /// The rigid motion that a map of weights `[rows, columns]`, see [`Centroid::pose`], and a vector tell. Its
    /// confidence is the lower of the two.
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`] where one of the two charts says so.
    pub fn pose(
        &self,
        weights: impl Iterator<Item = i32>,
        columns: u16,
        rows: u16,
        v: [f32; 2],
    ) -> Result<Pose, Degenerate> {
        let (normal, of_origin) = self.origin.find(weights, columns, rows)?;
        let (acting, of_direction) = self.direction.find(v)?;
        let element = Element::RigidMotion(RigidMotion { normal, acting });
        Ok(Pose { element, confidence: of_origin.min(of_direction) })
    }
}

// ---- Action ---------------------------------------------------------------------------------------

impl<H: Automorphisms<Translation>> Semidirect<Translation, H> {
    /// The moved place, in pixels from the image's centre.
    #[must_use]
    pub fn act(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let turned = self.acting.apply(Translation::turned([x, y]));
        self.normal.act(turned.vector())
    }
}

impl<H: Automorphisms<translation3::Translation>> Semidirect<translation3::Translation, H> {
    /// The moved place, in counts.
    #[must_use]
    pub fn act(&self, p: [f32; 3]) -> [f32; 3] {
        let turned = self.acting.apply(translation3::Translation::turned(p));
        self.normal.act(turned.vector())
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Rigid motions of images in two steps: behind a pose head that has found the translation, the rotation from one vector,
/// `i32[1, 1, 2]`, which ψ finds in the image that the translation has been taken from.
pub const FRAME: super::Frame =
    super::Frame { chart: Chart::Direction, after: Some(Chart::Centroid), check: so2::check, pose, undo };

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let (acting, of_direction) = so2::find(model, head, arena)?;
    let Some(Pose { element: Element::Translation(normal), confidence }) = *pose else {
        return Err(Degenerate::Vanishing);
    };
    // window = translation · (rotation · canonical)
    let element = Element::RigidMotion(RigidMotion { normal, acting });
    *pose = Some(Pose { element, confidence: confidence.min(of_direction) });
    Ok(())
}

fn undo(element: &Element, input: &Input<'_>, window: &[i16], canonical: &mut [i16]) {
    if let Element::RigidMotion(motion) = element {
        _ = transform(&Affine::from(motion.inverse()), input.channels(), window, canonical);
    }
}

/// Rigid motions of space in two steps: behind a pose head that has found the mean of the points, the rotation from two
/// vectors, `i32[3, 1, 2]`, which ψ finds in the points that the mean has been taken from.
pub const FRAME3: super::Frame = super::Frame {
    chart: Chart::GramSchmidt,
    after: Some(Chart::Mean),
    check: so3::check,
    pose: pose_in_space,
    undo: undo_in_space,
};

fn pose_in_space(
    model: &Model<'_>,
    head: &PoseHead,
    arena: &Arena<'_>,
    pose: &mut Option<Pose>,
) -> Result<(), Degenerate> {
    let (acting, confidence) = so3::find(model, head, arena)?;
    let Some(Element::Translation3(normal)) = pose.map(|pose| pose.element) else { return Err(Degenerate::Vanishing) };
    // window = translation · (rotation · canonical). Of a mean there is no doubt, so the rotation's confidence stays.
    *pose = Some(Pose { element: Element::RigidMotion3(RigidMotion3 { normal, acting }), confidence });
    Ok(())
}

fn undo_in_space(element: &Element, input: &Input<'_>, _window: &[i16], canonical: &mut [i16]) {
    if let Element::RigidMotion3(RigidMotion3 { normal, acting }) = element {
        point_set::turn_about(normal.to_counts(), &acting.inverse(), [0; 3], input.fields, canonical);
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::cyclic::Cyclic;
    use crate::group::testing::{
        farthest, group_laws, orthogonal, rigid_motion, rigid_motion3, rotation, rotation3, translation, translation3,
    };
    use proptest::prelude::*;

    /// For places up to some hundred pixels from the centre, in pixels, and entries of order 1.
    const TOLERANCE: f32 = 2e-4;

    type Isometry = Semidirect<Translation, o2::Orthogonal>;

    fn rigid_motions_apart(a: RigidMotion, b: RigidMotion) -> f32 {
        let [[x, y], [p, q]] = [a, b].map(|g| g.normal.vector());
        farthest([x, y, a.acting.cos(), a.acting.sin()], [p, q, b.acting.cos(), b.acting.sin()])
    }

    fn isometry() -> impl Strategy<Value = Isometry> {
        (translation(100.0), orthogonal()).prop_map(|(normal, acting)| Isometry { normal, acting })
    }

    fn isometries_apart(a: Isometry, b: Isometry) -> f32 {
        let [[x, y], [p, q]] = [a, b].map(|g| g.normal.vector());
        let [[[c, d], [e, f]], [[s, t], [u, v]]] = [a, b].map(|g| g.acting.rows());
        farthest([x, y, c, d, e, f], [p, q, s, t, u, v])
    }

    fn rigid_motions3_apart(a: RigidMotion3, b: RigidMotion3) -> f32 {
        farthest(Element::RigidMotion3(a).numbers(), Element::RigidMotion3(b).numbers())
    }

    /// Translations are mapped to translations, products to products.
    fn automorphism_laws<H: Automorphisms<Translation>>(
        g: H,
        h: H,
        m: Translation,
        n: Translation,
    ) -> Result<(), TestCaseError> {
        let near = |a: Translation, b: Translation| farthest(a.vector(), b.vector()) <= TOLERANCE;
        prop_assert!(near(g.apply(m.compose(n)), g.apply(m).compose(g.apply(n))));
        prop_assert!(near(g.compose(h).apply(n), g.apply(h.apply(n))));
        prop_assert!(near(H::IDENTITY.apply(n), n));
        Ok(())
    }

    proptest! {
        #[test]
        fn pairs_are_a_group(a in rotation(), b in rotation(), c in rotation(), places: [u16; 3]) {
            let [p, q, r] = places.map(|place| Cyclic::new(place, 5));
            let [x, y, z] = [(a, p), (b, q), (c, r)].map(|(first, second)| Product { first, second });
            group_laws([x, y, z], |a, b| {
                let places = f32::from(a.second.index()) - f32::from(b.second.index());
                farthest([a.first.cos(), a.first.sin(), places], [b.first.cos(), b.first.sin(), 0.0])
            }, TOLERANCE)?;
            // Each part for itself.
            prop_assert_eq!(x.compose(y), Product { first: a.compose(b), second: p.compose(q) });
        }

        #[test]
        fn rigid_motions_are_a_group(a in rigid_motion(100.0), b in rigid_motion(100.0), c in rigid_motion(100.0)) {
            group_laws([a, b, c], rigid_motions_apart, TOLERANCE)?;
        }

        #[test]
        fn rigid_motions_of_space_are_a_group(
            a in rigid_motion3(100.0), b in rigid_motion3(100.0), c in rigid_motion3(100.0),
        ) {
            group_laws([a, b, c], rigid_motions3_apart, TOLERANCE)?;
        }

        #[test]
        fn rotations_of_space_are_automorphisms(
            g in rotation3(), h in rotation3(), m in translation3(100.0), n in translation3(100.0),
        ) {
            let near = |a: translation3::Translation, b: translation3::Translation| {
                farthest(a.vector(), b.vector()) <= TOLERANCE
            };
            prop_assert!(near(g.apply(m.compose(n)), g.apply(m).compose(g.apply(n))));
            prop_assert!(near(g.compose(h).apply(n), g.apply(h.apply(n))));
            prop_assert!(near(so3::Rotation::IDENTITY.apply(n), n));
        }

        #[test]
        fn the_action_on_space_is_a_homomorphism(
            a in rigid_motion3(100.0), b in rigid_motion3(100.0), p in prop::array::uniform3(-100.0f32..100.0),
        ) {
            prop_assert!(farthest(a.compose(b).act(p), a.act(b.act(p))) <= TOLERANCE);
            // First the turn, then the translation.
            let (turned, by) = (a.acting.act(p), a.normal.vector());
            prop_assert_eq!(a.act(p), core::array::from_fn(|i| turned[i] + by[i]));
        }

        #[test]
        fn isometries_are_a_group(a in isometry(), b in isometry(), c in isometry()) {
            group_laws([a, b, c], isometries_apart, TOLERANCE)?;
        }

        #[test]
        fn rotations_and_reflections_are_automorphisms(
            g in rotation(), h in rotation(), k in orthogonal(), l in orthogonal(),
            m in translation(100.0), n in translation(100.0),
        ) {
            automorphism_laws(g, h, m, n)?;
            automorphism_laws(k, l, m, n)?;
        }

        #[test]
        fn the_action_is_a_homomorphism(
            a in rigid_motion(100.0), b in rigid_motion(100.0), k in isometry(), l in isometry(),
            p in [-100.0f32..100.0, -100.0..100.0],
        ) {
            prop_assert!(farthest(a.compose(b).act(p), a.act(b.act(p))) <= TOLERANCE);
            prop_assert!(farthest(k.compose(l).act(p), k.act(l.act(p))) <= TOLERANCE);
            // First the turn, then the translation.
            let ([x, y], [t, u]) = (a.acting.act(p), a.normal.vector());
            prop_assert_eq!(a.act(p), [x + t, y + u]);
        }

        /// Of a square map, every quarter turn about the centre is exact in the weights and in the chart.
        #[test]
        fn the_chart_is_equivariant(map in prop::array::uniform16(0i32..1000), v: [i32; 2], turns: u16) {
            let chart = Frame {
                origin: Centroid { reference: 1000.0, minimum: 1.0 },
                direction: Direction { reference: 1000.0, minimum: 1.0 },
            };
            let q = RigidMotion { normal: Translation::IDENTITY, acting: Rotation::from_quarter_turns(turns) };
            let (v, mut turned) = (v.map(|x| x as f32), map);
            for _ in 0..turns & 3 {
                // Clockwise: the first row becomes the last column.
                let old = turned;
                turned = core::array::from_fn(|i| old[(3 - i % 4) * 4 + i / 4]);
            }
            let expected = chart.pose(map.into_iter(), 4, 4, v).map(|pose| {
                let Element::RigidMotion(at_rest) = pose.element else { panic!("an element of another group") };
                Pose { element: Element::RigidMotion(q.compose(at_rest)), ..pose }
            });
            prop_assert_eq!(chart.pose(turned.into_iter(), 4, 4, q.acting.act(v)), expected);
        }
    }

    #[test]
    fn a_turn_moves_what_was_translated_before() {
        let turn = RigidMotion { normal: Translation::IDENTITY, acting: Rotation::from_quarter_turns(1) };
        let normal = Translation::from_vector([2.0, 0.0]).unwrap();
        let slide = RigidMotion { normal, acting: Rotation::IDENTITY };
        assert_eq!(turn.compose(slide).act([0.0; 2]), [0.0, 2.0]);
        assert_eq!(slide.compose(turn).act([0.0; 2]), [2.0, 0.0]);
    }

    #[test]
    fn the_chart_takes_the_origin_to_the_centroid_and_x_to_the_vector() {
        let chart = Frame {
            origin: Centroid { reference: 4.0, minimum: 0.0 },
            direction: Direction { reference: 4.0, minimum: 0.0 },
        };
        let found = chart.pose([0, 0, 0, 0, 0, 2].into_iter(), 3, 2, [0.0, 3.0]);
        let (normal, acting) = (Translation::from_vector([1.0, 0.5]).unwrap(), Rotation::from_quarter_turns(1));
        // The lower of 2/4 and 3/4.
        let element = Element::RigidMotion(Semidirect { normal, acting });
        assert_eq!(found, Ok(Pose { element, confidence: 0.5 }));
    }

    #[test]
    fn degenerate_parts_are_named() {
        let chart = Frame {
            origin: Centroid { reference: 1.0, minimum: 0.0 },
            direction: Direction { reference: 1.0, minimum: 0.0 },
        };
        assert_eq!(chart.pose([0; 4].into_iter(), 2, 2, [1.0, 0.0]), Err(Degenerate::Vanishing));
        assert_eq!(chart.pose([1; 4].into_iter(), 2, 2, [0.0; 2]), Err(Degenerate::Vanishing));
    }
}
