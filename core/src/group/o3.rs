//! O(3): rotations and reflections of three-dimensional space.

use super::so3::{GramSchmidt, Rotation};
use super::{Degenerate, Element, Frame, Group, Pose, is_spatial};
use crate::arena::Arena;
use crate::domain::vector_window;
use crate::format::{Chart, Dtype, Input, PoseHead, Tensor};
use crate::math;
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

/// A rotation, or one behind the inversion through the origin: `R · Iʳ` with `I·v = −v` and r 0 or 1.
///
/// The inversion changes places with every rotation, so the group is a product: of the rotations, as in
/// [`so3`](super::so3), and of the two hands. A mirror is the inversion and a half turn about the mirror's normal.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Orthogonal {
    // The matrix, as a rotation has it: what is asked of elements of both groups is then the same code.
    rows: [[f32; 3]; 3],
    reflected: bool,
}

impl Orthogonal {
    /// The inversion through the origin, `v ↦ −v`: it exchanges left and right hands.
    pub const INVERSION: Self = Self { rows: [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]], reflected: true };

    /// First the inversion if `reflected`, then the rotation.
    #[must_use]
    pub fn new(rotation: Rotation, reflected: bool) -> Self {
        Self { rows: rotation.rows().map(|row| inverted(row, reflected)), reflected }
    }

    /// The `R` of `R · Iʳ`.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        Rotation::from_rows(self.rows.map(|row| inverted(row, self.reflected)))
    }

    /// Whether left and right hands are exchanged: the determinant is −1.
    #[must_use]
    pub const fn is_reflected(&self) -> bool {
        self.reflected
    }

    /// The matrix that maps column vectors, row by row.
    #[must_use]
    pub const fn rows(&self) -> [[f32; 3]; 3] {
        self.rows
    }
}

/// The inversion, if there is one.
fn inverted(v: [f32; 3], reflected: bool) -> [f32; 3] {
    v.map(|x| if reflected { -x } else { x })
}

impl Group for Orthogonal {
    const IDENTITY: Self = Self { rows: Rotation::IDENTITY.rows(), reflected: false };

    fn compose(self, other: Self) -> Self {
        Self::new(self.rotation().compose(other.rotation()), self.reflected != other.reflected)
    }

    fn inverse(self) -> Self {
        Self::new(self.rotation().inverse(), self.reflected)
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from three vectors to a rotation or reflection, by Gram–Schmidt:
///
/// `e₁` and `e₂` as in [`GramSchmidt`], `e₃ = ±(e₁ × e₂)` on v₃'s side, the columns of the matrix.
///
/// So v₃ only says which hand the three form: the sign of their determinant is the matrix's. Moving all three moves the
/// element with them: `ξ(g·v₁, g·v₂, g·v₃) = g · ξ(v₁, v₂, v₃)`, exactly so for the inversion. (With v₁ along gravity
/// this is O(2) about it: Jayanth et al., *EqNIO: Subequivariant Neural Inertial Odometry*, 2024.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Handed {
    /// The length, in counts of the vectors, that gives confidence 1.
    pub reference: f32,
    /// The length, in counts of the vectors, below which rounding drowns the direction or the hand.
    pub minimum: f32,
}

impl Handed {
    /// The element that three vectors span. Its confidence is the least of `‖v₁‖`, the part of `v₂` that is
    /// perpendicular to `v₁`, and the part of `v₃` that is perpendicular to both, over [`reference`](Self::reference).
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`], [`Degenerate::Parallel`] or [`Degenerate::Coplanar`] where one of those three
    /// lengths is zero, below [`minimum`](Self::minimum) or no number.
    pub fn pose(&self, v1: [f32; 3], v2: [f32; 3], v3: [f32; 3]) -> Result<Pose, Degenerate> {
        let (orthogonal, confidence) = self.find(v1, v2, v3)?;
        Ok(Pose { element: Element::Spatial(orthogonal), confidence })
    }

    /// The same for the charts that are built on this one.
    pub(super) fn find(&self, v1: [f32; 3], v2: [f32; 3], v3: [f32; 3]) -> Result<(Orthogonal, f32), Degenerate> {
        let first = GramSchmidt { reference: self.reference, minimum: self.minimum };
        let (frame, confidence) = first.find(v1, v2)?;
        // v₂ and v₃ as the frame sees them. The less v₂ is perpendicular to v₁, the less sure is the frame's third axis.
        let ([x, y, _], [a, b, across]) = (frame.inverse().act(v2), frame.inverse().act(v3));
        let (length2, length3) = (math::sqrt(x * x + y * y), math::sqrt(a * a + b * b + across * across));
        let depth = across.abs();
        if !(math::positive(depth) && depth >= self.minimum && depth * y > COPLANAR * length3 * length2) {
            return Err(Degenerate::Coplanar);
        }
        let reflected = across < 0.0;
        // To turn e₃ around is to turn e₁ and e₂ around, by a half turn about e₃, and then to invert all.
        let half_turn = Rotation::from_quaternion([0.0, 0.0, 0.0, 1.0]);
        let rotation = if reflected { frame.compose(half_turn) } else { frame };
        Ok((Orthogonal::new(rotation, reflected), confidence.min(depth / self.reference)))
    }
}

/// A third vector whose perpendicular part is below this fraction of its length, times how much v₂ is perpendicular, is
/// rounding and nothing else: a few units in the last place of an f32.
const COPLANAR: f32 = 2e-6;

// ---- Action ---------------------------------------------------------------------------------------

impl Orthogonal {
    /// The moved vector.
    #[must_use]
    pub fn act(&self, v: [f32; 3]) -> [f32; 3] {
        self.rotation().act(inverted(v, self.reflected))
    }

    /// The moved pseudo-vector, which the inversion leaves as it is: an angular rate, or the cross product of two
    /// vectors.
    #[must_use]
    pub fn act_on_pseudo_vector(&self, v: [f32; 3]) -> [f32; 3] {
        self.rotation().act(v)
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Rotations and reflections from three vectors, `i32[3, 1, 3]`, of windows of vectors and pseudo-vectors.
pub const FRAME: Frame = Frame { chart: Chart::ThreeVectors, after: None, check, pose, undo };

pub(super) fn check(model: &Model<'_>, vectors: &Tensor) -> bool {
    vectors.dtype == Dtype::I32 && vectors.shape == [3, 1, 3] && is_spatial(model.input())
}

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let (orthogonal, confidence) = find(model, head, arena)?;
    *pose = Some(Pose { element: Element::Spatial(orthogonal), confidence });
    Ok(())
}

/// The same for the frames that are built on this one.
pub(super) fn find(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>) -> Result<(Orthogonal, f32), Degenerate> {
    let Some(&[x1, x2, x3, y1, y2, y3, z1, z2, z3]) = arena.read::<i32>(model.vectors(head)) else {
        return Err(Degenerate::Vanishing);
    };
    let chart = Handed { reference: head.reference, minimum: head.minimum };
    let [v1, v2, v3] = [[x1, y1, z1], [x2, y2, z2], [x3, y3, z3]].map(|v| v.map(|x| x as f32));
    chart.find(v1, v2, v3)
}

fn undo(element: &Element, input: &Input<'_>, _window: &[i16], canonical: &mut [i16]) {
    let Element::Spatial(orthogonal) = element else { return };
    // First, while numbers are whole: what is inverted twice then comes back to the count.
    if orthogonal.reflected {
        vector_window::invert(input.fields, canonical);
    }
    vector_window::rotate(&orthogonal.rotation().inverse(), input.fields, canonical);
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing::{farthest, group_laws};
    use proptest::prelude::*;

    /// For f32 entries of order 1.
    const TOLERANCE: f32 = 2e-6;

    const CHART: Handed = Handed { reference: 2.0, minimum: 0.05 };

    fn vector() -> impl Strategy<Value = [f32; 3]> {
        prop::array::uniform3(-1.0f32..1.0)
    }

    fn orthogonal() -> impl Strategy<Value = Orthogonal> {
        let quaternion = prop::array::uniform4(-1.0f32..1.0)
            .prop_filter("too short to normalize", |q| q.iter().map(|x| x * x).sum::<f32>() > 0.01);
        (quaternion, any::<bool>()).prop_map(|(q, reflected)| Orthogonal::new(Rotation::from_quaternion(q), reflected))
    }

    /// Elements of different hands are at least 2 apart: their matrices have determinants 1 and −1.
    fn distance(a: Orthogonal, b: Orthogonal) -> f32 {
        let rows = a.rotation().rows().into_iter().zip(b.rotation().rows());
        let rotations = rows.map(|(a, b)| farthest(a, b)).fold(0.0, f32::max);
        if a.reflected == b.reflected { rotations } else { 2.0 + rotations }
    }

    fn orthogonal_of(pose: Pose) -> Orthogonal {
        let Element::Spatial(orthogonal) = pose.element else { panic!("an element of another group") };
        orthogonal
    }

    fn cross([a, b, c]: [f32; 3], [x, y, z]: [f32; 3]) -> [f32; 3] {
        [b * z - c * y, c * x - a * z, a * y - b * x]
    }

    fn dot([a, b, c]: [f32; 3], [x, y, z]: [f32; 3]) -> f32 {
        a * x + b * y + c * z
    }

    proptest! {
        #[test]
        fn rotations_and_reflections_are_a_group(a in orthogonal(), b in orthogonal(), c in orthogonal()) {
            group_laws([a, b, c], distance, TOLERANCE)?;
        }

        #[test]
        fn the_action_is_a_homomorphism_that_turns_hands(a in orthogonal(), b in orthogonal(), v in vector()) {
            prop_assert!(farthest(a.compose(b).act(v), a.act(b.act(v))) <= TOLERANCE);
            let twice = a.act_on_pseudo_vector(b.act_on_pseudo_vector(v));
            prop_assert!(farthest(a.compose(b).act_on_pseudo_vector(v), twice) <= TOLERANCE);
            prop_assert!(farthest(a.act(v), a.rows().map(|row| dot(row, v))) <= TOLERANCE);
            let [x, y, z] = a.rows();
            let determinant = if a.is_reflected() { -1.0 } else { 1.0 };
            prop_assert!((dot(cross(x, y), z) - determinant).abs() <= TOLERANCE);
        }

        /// The cross product of two vectors is a pseudo-vector, and that of a vector and a pseudo-vector a vector.
        #[test]
        fn cross_products_have_the_parity_of_their_factors(g in orthogonal(), v in vector(), w in vector()) {
            let (a, b) = (g.act(v), g.act(w));
            prop_assert!(farthest(g.act_on_pseudo_vector(cross(v, w)), cross(a, b)) <= TOLERANCE);
            prop_assert!(farthest(g.act(cross(v, w)), cross(a, g.act_on_pseudo_vector(w))) <= TOLERANCE);
        }

        #[test]
        fn the_chart_is_equivariant(g in orthogonal(), v in prop::array::uniform3(vector())) {
            let ([v1, v2, v3], [m1, m2, m3]) = (v, v.map(|v| g.act(v)));
            let (Ok(at_rest), Ok(moved)) = (CHART.pose(v1, v2, v3), CHART.pose(m1, m2, m3)) else {
                return Ok(()); // one of them may fall just below the minimum
            };
            // Lengths of 0.05 and more magnify rounding 20 times, twice over for e₃.
            prop_assert!(distance(orthogonal_of(moved), g.compose(orthogonal_of(at_rest))) <= 1e-4);
            prop_assert!((moved.confidence - at_rest.confidence).abs() <= 1e-4);
        }

        #[test]
        fn the_chart_puts_the_vectors_into_place(v in prop::array::uniform3(vector())) {
            let [v1, v2, v3] = v;
            if let Ok(pose) = CHART.pose(v1, v2, v3) {
                let back = orthogonal_of(pose).inverse();
                let ([x1, y1, z1], [_, y2, z2], [_, _, z3]) = (back.act(v1), back.act(v2), back.act(v3));
                prop_assert!(x1 > 0.0 && y1.abs().max(z1.abs()) <= TOLERANCE);
                prop_assert!(y2 > 0.0 && z2.abs() <= 20.0 * TOLERANCE && z3 > 0.0);
            }
        }

        /// ψ's vectors are 32-bit integers.
        #[test]
        fn the_inversion_is_exact(v: [[i32; 3]; 3]) {
            let [v1, v2, v3] = v.map(|v| v.map(|x| x as f32));
            let [m1, m2, m3] = [v1, v2, v3].map(|v| Orthogonal::INVERSION.act(v));
            let chart = Handed { reference: 1.0, minimum: 32.0 };
            let expected = chart.pose(v1, v2, v3).map(|pose| {
                let element = Element::Spatial(Orthogonal::INVERSION.compose(orthogonal_of(pose)));
                Pose { element, ..pose }
            });
            prop_assert_eq!(chart.pose(m1, m2, m3), expected);
        }

        /// However parallel or coplanar they are, a hand that is told is the right one.
        #[test]
        fn the_hand_is_the_sign_of_the_determinant(
            v1: [i32; 3],
            other: [i32; 3],
            near: [[i8; 3]; 2],
            factors in prop::array::uniform3(-1.0f32..1.0),
            parallel: bool,
        ) {
            let ([v1, other], [near2, near3]) = ([v1, other].map(|v| v.map(|x| x as f32)), near);
            let [f, g, h] = factors;
            let v2: [f32; 3] = core::array::from_fn(|i| match parallel {
                true => (f * v1[i] + f32::from(near2[i])).round(),
                false => other[i],
            });
            let v3: [f32; 3] = core::array::from_fn(|i| (0.5 * (g * v1[i] + h * v2[i]) + f32::from(near3[i])).round());
            if let Ok(pose) = (Handed { reference: 1.0, minimum: 0.0 }).pose(v1, v2, v3) {
                // Numbers of f32 that are whole, and below 2³², as integers.
                let [[a, b, c], [d, e, f], [g, h, i]] = [v1, v2, v3].map(|v| v.map(|x| x as i128));
                let determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
                prop_assert_eq!(orthogonal_of(pose).is_reflected(), determinant < 0);
            }
        }

        #[test]
        fn all_vectors_have_an_element_or_none(v: [[f32; 3]; 3]) {
            let [v1, v2, v3] = v;
            if let Ok(pose) = (Handed { reference: 1.0, minimum: 32.0 }).pose(v1, v2, v3) {
                let g = orthogonal_of(pose);
                prop_assert!(distance(g.compose(g.inverse()), Orthogonal::IDENTITY) <= TOLERANCE);
                prop_assert!(pose.confidence.is_finite());
            }
        }
    }

    #[test]
    fn the_inversion_turns_vectors_around_and_leaves_pseudo_vectors() {
        let v = [3.0, 4.0, 5.0];
        assert_eq!(Orthogonal::INVERSION.act(v), [-3.0, -4.0, -5.0]);
        assert_eq!(Orthogonal::INVERSION.act_on_pseudo_vector(v), v);
        assert_eq!(Orthogonal::INVERSION.inverse(), Orthogonal::INVERSION);
    }

    #[test]
    fn degenerate_vectors_are_named() {
        let [x, y, z] = Rotation::IDENTITY.rows();
        assert_eq!(CHART.pose([0.0; 3], y, z), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose([f32::NAN; 3], y, z), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose(x, [0.0; 3], z), Err(Degenerate::Parallel));
        assert_eq!(CHART.pose(x, [-3.0, 0.0, 0.0], z), Err(Degenerate::Parallel));
        for v3 in [[0.0; 3], [2.0, -3.0, 0.0], [1.0, 1.0, 0.04], [0.0, 0.0, f32::INFINITY], [f32::NAN, 0.0, 1.0]] {
            assert_eq!(CHART.pose(x, y, v3), Err(Degenerate::Coplanar));
        }
        let same = [1.5e9; 3];
        assert_eq!(
            Handed { reference: 1.0, minimum: 32.0 }.pose([1e9, 0.0, 0.0], same, same),
            Err(Degenerate::Coplanar)
        );
        assert_eq!(Handed { reference: 1.0, minimum: 0.0 }.pose(x, y, x), Err(Degenerate::Coplanar));
    }
}
