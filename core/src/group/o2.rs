//! O(2): rotations and reflections of the plane.
//!
//! The plane is that of an image, as for [`so2`](super::so2): x to the right, y down, positive angles clockwise.

use super::so2::{Direction, Rotation};
use super::{Degenerate, Element, Frame, Group, Pose, is_row, sides};
use crate::arena::Arena;
use crate::domain::image::{Affine, transform};
use crate::format::{Chart, Input, PoseHead, Tensor};
use crate::math;
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

/// A rotation, or one behind a reflection: `R · Fʳ` with `F·(x, y) = (−x, y)` and r 0 or 1. First the plane
/// is reflected, then it is turned.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Orthogonal {
    rotation: Rotation,
    reflected: bool,
}

impl Orthogonal {
    /// The flip of x, `(x, y) ↦ (−x, y)`: it exchanges left and right.
    pub const FLIP: Self = Self { rotation: Rotation::IDENTITY, reflected: true };

    /// First the flip of x if `reflected`, then the rotation.
    #[must_use]
    pub const fn new(rotation: Rotation, reflected: bool) -> Self {
        Self { rotation, reflected }
    }

    /// The `R` of `R · Fʳ`.
    #[must_use]
    pub const fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// The cosine of the rotation's angle.
    #[must_use]
    pub const fn cos(&self) -> f32 {
        self.rotation.cos()
    }

    /// The sine of the rotation's angle.
    #[must_use]
    pub const fn sin(&self) -> f32 {
        self.rotation.sin()
    }

    /// Whether left and right hands are exchanged: the determinant is −1.
    #[must_use]
    pub const fn is_reflected(&self) -> bool {
        self.reflected
    }

    /// The matrix that maps column vectors, row by row.
    #[must_use]
    pub fn rows(&self) -> [[f32; 2]; 2] {
        self.rotation.rows().map(|[a, b]| if self.reflected { [-a, b] } else { [a, b] })
    }
}

impl Group for Orthogonal {
    const IDENTITY: Self = Self { rotation: Rotation::IDENTITY, reflected: false };

    fn compose(self, other: Self) -> Self {
        // A reflection that changes places with a rotation turns it around: F·R = R⁻¹·F.
        let behind = if self.reflected { other.rotation.inverse() } else { other.rotation };
        Self { rotation: self.rotation.compose(behind), reflected: self.reflected != other.reflected }
    }

    fn inverse(self) -> Self {
        // Every reflection undoes itself.
        if self.reflected { self } else { Self { rotation: self.rotation.inverse(), reflected: false } }
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from two vectors to a rotation or reflection, by Gram–Schmidt:
///
/// `e₁ = v₁ / ‖v₁‖`, `e₂ = ±(e₁ turned by a quarter)` on v₂'s side, the columns of the matrix.
///
/// In the plane, v₂ only says which hand they form: the sign of the determinant `e₁ × v₂` is the reflection.
/// Moving both vectors moves the element with them: `ξ(g·v₁, g·v₂) = g · ξ(v₁, v₂)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Handed {
    /// The length, in counts of the vectors, that gives confidence 1.
    pub reference: f32,
    /// The length, in counts of the vectors, below which rounding drowns the direction or the hand.
    pub minimum: f32,
}

impl Handed {
    /// The element that two vectors span. Its confidence is the shorter of `‖v₁‖` and the part of `v₂` that is
    /// perpendicular to `v₁`, over [`reference`](Self::reference).
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`] or [`Degenerate::Parallel`] where one of those two lengths is zero, below
    /// [`minimum`](Self::minimum) or no number.
    pub fn pose(&self, v1: [f32; 2], v2: [f32; 2]) -> Result<Pose, Degenerate> {
        let first = Direction { reference: self.reference, minimum: self.minimum };
        let (along, confidence) = first.find(v1)?;
        // v₂ as v₁ sees it: y is the determinant.
        let [_, across] = along.inverse().act(v2);
        let [x, y] = v2;
        if !(across.is_finite() && across.abs() >= self.minimum && across.abs() > PARALLEL * math::sqrt(x * x + y * y))
        {
            return Err(Degenerate::Parallel);
        }
        let reflected = across < 0.0;
        // F takes x to −x, so behind a reflection the first column is −R·(1, 0).
        let rotation = if reflected { Rotation::from_quarter_turns(2).compose(along) } else { along };
        let element = Element::Orthogonal(Orthogonal { rotation, reflected });
        Ok(Pose { element, confidence: confidence.min(across.abs() / self.reference) })
    }
}

/// A second vector whose perpendicular part is below this fraction of its length is rounding and nothing
/// else: a few units in the last place of an f32.
const PARALLEL: f32 = 2e-6;

// ---- Action ---------------------------------------------------------------------------------------

impl Orthogonal {
    /// The moved vector.
    #[must_use]
    pub fn act(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        self.rotation.act([if self.reflected { -x } else { x }, y])
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Rotations and reflections from two vectors, `i32[1, 1, 4]`, of images.
pub const FRAME: Frame = Frame { chart: Chart::TwoVectors, after: None, check, pose, undo };

fn check(model: &Model<'_>, vectors: &Tensor) -> bool {
    is_row(vectors, 4) && sides(model.input()).is_some()
}

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let Some(&[x1, y1, x2, y2]) = arena.read::<i32>(model.vectors(head)) else { return Err(Degenerate::Vanishing) };
    let chart = Handed { reference: head.reference, minimum: head.minimum };
    *pose = Some(chart.pose([x1 as f32, y1 as f32], [x2 as f32, y2 as f32])?);
    Ok(())
}

fn undo(element: &Element, input: &Input<'_>, window: &[i16], canonical: &mut [i16]) {
    if let Element::Orthogonal(orthogonal) = element {
        _ = transform(&Affine::from(orthogonal.inverse()), input.channels(), window, canonical);
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing::{farthest, group_laws, orthogonal};
    use proptest::prelude::*;

    /// For f32 entries of order 1.
    const TOLERANCE: f32 = 1e-6;

    const CHART: Handed = Handed { reference: 2.0, minimum: 0.05 };

    fn vector() -> impl Strategy<Value = [f32; 2]> {
        prop::array::uniform2(-1.0f32..1.0)
    }

    /// Elements of different hands are at least 2 apart: their matrices have determinants 1 and −1.
    fn distance(a: Orthogonal, b: Orthogonal) -> f32 {
        let rotations = farthest([a.cos(), a.sin()], [b.cos(), b.sin()]);
        if a.reflected == b.reflected { rotations } else { 2.0 + rotations }
    }

    fn orthogonal_of(pose: Pose) -> Orthogonal {
        let Element::Orthogonal(orthogonal) = pose.element else { panic!("an element of another group") };
        orthogonal
    }

    proptest! {
        #[test]
        fn rotations_and_reflections_are_a_group(a in orthogonal(), b in orthogonal(), c in orthogonal()) {
            group_laws([a, b, c], distance, TOLERANCE)?;
        }

        #[test]
        fn the_action_is_a_homomorphism_that_turns_hands(a in orthogonal(), b in orthogonal(), v in vector()) {
            prop_assert!(farthest(a.compose(b).act(v), a.act(b.act(v))) <= TOLERANCE);
            let ([x, y], [[e, f], [g, h]]) = (v, a.rows());
            prop_assert_eq!(a.act(v), [e * x + f * y, g * x + h * y]);
            let determinant = if a.is_reflected() { -1.0 } else { 1.0 };
            prop_assert!((e * h - f * g - determinant).abs() <= TOLERANCE);
        }

        #[test]
        fn the_chart_is_equivariant(g in orthogonal(), v1 in vector(), v2 in vector()) {
            let (Ok(at_rest), Ok(moved)) = (CHART.pose(v1, v2), CHART.pose(g.act(v1), g.act(v2))) else {
                return Ok(()); // one of them may fall just below the minimum
            };
            // Lengths of 0.05 and more magnify rounding 20 times.
            prop_assert!(distance(orthogonal_of(moved), g.compose(orthogonal_of(at_rest))) <= 2e-5);
            prop_assert!((moved.confidence - at_rest.confidence).abs() <= 2e-5);
        }

        #[test]
        fn the_chart_puts_the_vectors_into_place(v1 in vector(), v2 in vector()) {
            if let Ok(pose) = CHART.pose(v1, v2) {
                let back = orthogonal_of(pose).inverse();
                let ([x, y], [_, across]) = (back.act(v1), back.act(v2));
                prop_assert!(x > 0.0 && y.abs() <= TOLERANCE && across > 0.0);
            }
        }

        /// ψ's vectors are 32-bit integers.
        #[test]
        fn quarter_turns_and_flips_are_exact(v1: [i32; 2], v2: [i32; 2], turns: u16, reflected: bool) {
            let [v1, v2] = [v1, v2].map(|v| v.map(|x| x as f32));
            let q = Orthogonal::new(Rotation::from_quarter_turns(turns), reflected);
            let moved = CHART.pose(q.act(v1), q.act(v2));
            let expected = CHART.pose(v1, v2).map(|pose| {
                let element = Element::Orthogonal(q.compose(orthogonal_of(pose)));
                Pose { element, ..pose }
            });
            prop_assert_eq!(moved, expected);
        }

        /// However parallel they are, a hand that is told is the right one.
        #[test]
        fn the_hand_is_the_sign_of_the_determinant(v1: [i32; 2], near: [i8; 2], factor in -1.0f32..1.0) {
            let v1 = v1.map(|x| x as f32);
            let v2 = core::array::from_fn(|i| (factor * v1[i] + f32::from(near[i])).round());
            if let Ok(pose) = (Handed { reference: 1.0, minimum: 0.0 }).pose(v1, v2) {
                // Numbers of f32 that are whole, and below 2³², as integers.
                let ([a, b], [c, d]) = (v1.map(|x| x as i128), v2.map(|x| x as i128));
                prop_assert_eq!(orthogonal_of(pose).is_reflected(), a * d - b * c < 0);
            }
        }

        #[test]
        fn every_pair_of_vectors_has_an_element_or_none(v1: [f32; 2], v2: [f32; 2]) {
            if let Ok(pose) = (Handed { reference: 1.0, minimum: 0.0 }).pose(v1, v2) {
                let g = orthogonal_of(pose);
                prop_assert!((g.cos() * g.cos() + g.sin() * g.sin() - 1.0).abs() <= TOLERANCE);
                prop_assert!(pose.confidence.is_finite());
            }
        }
    }

    #[test]
    fn a_flip_exchanges_left_and_right() {
        assert_eq!(Orthogonal::FLIP.act([3.0, 4.0]), [-3.0, 4.0]);
        assert_eq!(Orthogonal::FLIP.inverse(), Orthogonal::FLIP);
    }

    #[test]
    fn degenerate_vectors_are_named() {
        let x = [1.0, 0.0];
        assert_eq!(CHART.pose([0.0; 2], x), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose([f32::NAN; 2], x), Err(Degenerate::Vanishing));
        for v2 in [[0.0; 2], [-3.0, 0.0], [1.0, 0.04], [f32::INFINITY, 0.0], [f32::NAN, 1.0]] {
            assert_eq!(CHART.pose(x, v2), Err(Degenerate::Parallel));
        }
        let same = [1.5e9; 2];
        assert_eq!(Handed { reference: 1.0, minimum: 32.0 }.pose(same, same), Err(Degenerate::Parallel));
        assert_eq!(Handed { reference: 1.0, minimum: 0.0 }.pose(x, [0.0; 2]), Err(Degenerate::Parallel));
    }
}
