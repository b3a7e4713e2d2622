//! SO(3): rotations of three-dimensional space.

use super::{Degenerate, Element, Frame, Group, Pose, is_spatial};
use crate::arena::Arena;
use crate::domain::vector_window;
use crate::format::{Chart, Dtype, Input, PoseHead, Tensor};
use crate::math;
use crate::model::Model;
use crate::quant::scale;

// ---- Element --------------------------------------------------------------------------------------

/// A rotation, as the matrix that turns column vectors: `(R·v)ᵢ = Σⱼ Rᵢⱼ vⱼ`. Right-handed: a turn by
/// a positive angle about z takes x towards y.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rotation {
    rows: [[f32; 3]; 3],
}

impl Rotation {
    /// The matrix, row by row.
    #[must_use]
    pub const fn rows(&self) -> [[f32; 3]; 3] {
        self.rows
    }

    /// Of a matrix that is known to be a rotation's.
    pub(super) const fn from_rows(rows: [[f32; 3]; 3]) -> Self {
        Self { rows }
    }

    /// The rotation of the quaternion `w + x·i + y·j + z·k`, which need not have length 1. Quaternions
    /// of length 0, or with a non-finite part, give the identity.
    #[must_use]
    pub fn from_quaternion(quaternion: [f32; 4]) -> Self {
        let largest = quaternion.iter().fold(0.0f32, |max, part| max.max(part.abs()));
        if !(largest > 0.0 && quaternion.iter().all(|part| part.is_finite())) {
            return Self::IDENTITY;
        }
        // Squares of very large or very small parts would leave f32's range.
        let [w, x, y, z] = quaternion.map(|part| part / largest);
        let s = 2.0 / (w * w + x * x + y * y + z * z);
        Self {
            rows: [
                [1.0 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)],
                [s * (x * y + w * z), 1.0 - s * (x * x + z * z), s * (y * z - w * x)],
                [s * (x * z - w * y), s * (y * z + w * x), 1.0 - s * (x * x + y * y)],
            ],
        }
    }

    /// The rotation about the axis of a vector by its length in radians, right-handed: `exp [v]×` with `[v]×·u = v × u`
    /// (Rodrigues). A vector with a part that is not finite gives the identity.
    #[must_use]
    pub fn from_vector(vector: [f32; 3]) -> Self {
        let angle = math::sqrt(dot(vector, vector));
        // sin(θ/2)/θ; below that angle, ½ to the last digit.
        let part = if angle > 1e-4 { math::sin(angle / 2.0) / angle } else { 0.5 };
        let [x, y, z] = vector.map(|x| part * x);
        Self::from_quaternion([math::cos(angle / 2.0), x, y, z])
    }

    /// The angle of the rotation that leads from `self` to `other`, in radians, 0 to π.
    ///
    /// Computed from the chordal distance, `‖A − B‖_F = 2√2 · sin(θ/2)`, which keeps its precision at
    /// small angles, where the familiar `acos((tr(AᵀB) − 1) / 2)` loses half its digits.
    #[must_use]
    pub fn angle_to(&self, other: &Self) -> f32 {
        let mut squares = 0.0;
        for (a, b) in self.rows.iter().flatten().zip(other.rows.iter().flatten()) {
            squares += (a - b) * (a - b);
        }
        2.0 * math::asin(math::sqrt(squares / 8.0).min(1.0))
    }
}

impl Group for Rotation {
    const IDENTITY: Self = Self { rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };

    fn compose(self, other: Self) -> Self {
        let columns = other.inverse().rows;
        Self { rows: self.rows.map(|row| columns.map(|column| dot(row, column))) }
    }

    fn inverse(self) -> Self {
        let [[a, b, c], [d, e, f], [g, h, i]] = self.rows;
        Self { rows: [[a, d, g], [b, e, h], [c, f, i]] }
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from two vectors to a rotation, by Gram–Schmidt:
///
/// `e₁ = v₁ / ‖v₁‖`, `e₂ = (v₂ − ⟨e₁, v₂⟩ e₁) / ‖…‖`, `e₃ = e₁ × e₂`, the columns of the rotation.
///
/// Turning both vectors turns the rotation with them: `ξ(g·v₁, g·v₂) = g · ξ(v₁, v₂)`. (Zhou et al.,
/// *On the Continuity of Rotation Representations in Neural Networks*, 2019.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GramSchmidt {
    /// The length, in counts of the vectors, that gives confidence 1.
    pub reference: f32,
    /// The length, in counts of the vectors, below which rounding drowns the direction.
    pub minimum: f32,
}

impl GramSchmidt {
    /// The rotation that two vectors span. Its confidence is the shorter of `‖v₁‖` and the part of
    /// `v₂` that is perpendicular to `v₁`, over [`reference`](Self::reference).
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`] or [`Degenerate::Parallel`] where one of those two lengths is below
    /// [`minimum`](Self::minimum) or is no number.
    pub fn pose(&self, v1: [f32; 3], v2: [f32; 3]) -> Result<Pose, Degenerate> {
        let (rotation, confidence) = self.find(v1, v2)?;
        Ok(Pose { element: Element::Rotation(rotation), confidence })
    }

    /// The same for the charts that are built on this one.
    pub(super) fn find(&self, v1: [f32; 3], v2: [f32; 3]) -> Result<(Rotation, f32), Degenerate> {
        let (e1, length1) = normalize(v1);
        if !(math::positive(length1) && length1 >= self.minimum) {
            return Err(Degenerate::Vanishing);
        }
        let (across, length2) = normalize(reject(v2, e1));
        if !(math::positive(length2) && length2 >= self.minimum && length2 > PARALLEL * math::sqrt(dot(v2, v2))) {
            return Err(Degenerate::Parallel);
        }
        // Once more: of a long vector, rounding leaves some that is not perpendicular.
        let (e2, _) = normalize(reject(across, e1));
        let columns = Rotation { rows: [e1, e2, cross(e1, e2)] };
        Ok((columns.inverse(), length1.min(length2) / self.reference))
    }
}

/// A second vector whose perpendicular part is below this fraction of its length is rounding and
/// nothing else: a few units in the last place of an f32.
const PARALLEL: f32 = 2e-6;

/// The part of `v` that is perpendicular to the unit vector `e`.
fn reject(v: [f32; 3], e: [f32; 3]) -> [f32; 3] {
    let along = dot(e, v);
    let ([x, y, z], [ex, ey, ez]) = (v, e);
    [x - along * ex, y - along * ey, z - along * ez]
}

fn dot([a, b, c]: [f32; 3], [x, y, z]: [f32; 3]) -> f32 {
    a * x + b * y + c * z
}

fn cross([a, b, c]: [f32; 3], [x, y, z]: [f32; 3]) -> [f32; 3] {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

/// The direction and the length of a vector; the direction of a vector of length 0 is not a number.
fn normalize(v: [f32; 3]) -> ([f32; 3], f32) {
    let length = math::sqrt(dot(v, v));
    (v.map(|x| x / length), length)
}

// ---- Action ---------------------------------------------------------------------------------------

impl Rotation {
    /// The turned vector.
    #[must_use]
    pub fn act(&self, v: [f32; 3]) -> [f32; 3] {
        self.rows.map(|row| dot(row, v))
    }

    /// The same rotation in fixed point, to turn integers.
    #[must_use]
    pub fn to_fixed(&self) -> FixedRotation {
        FixedRotation { rows: self.rows.map(|row| row.map(|x| libm::rintf(x * FixedRotation::ONE) as i32)) }
    }
}

/// A rotation whose entries are rounded to multiples of 2⁻¹⁵, so that each component of a turned vector
/// of integers is one sum and one rounding, with the same result on every target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedRotation {
    rows: [[i32; 3]; 3],
}

impl FixedRotation {
    const BITS: u16 = 15;
    const ONE: f32 = (1 << Self::BITS) as f32;

    /// The turned vector, rounded to nearest (halves up) and saturated.
    ///
    /// The sum fits 32 bits: a row has length 1 (2¹⁵ in fixed point) and the vector at most √3·2¹⁵,
    /// so their product is at most √3·2³⁰.
    #[inline]
    #[must_use]
    pub fn act(&self, [x, y, z]: [i16; 3]) -> [i16; 3] {
        self.rows.map(|[a, b, c]| {
            let (x, y, z) = (i32::from(x), i32::from(y), i32::from(z));
            let sum = a.wrapping_mul(x).wrapping_add(b.wrapping_mul(y)).wrapping_add(c.wrapping_mul(z));
            scale(sum, 1, Self::BITS).max(i16::MIN.into()).min(i16::MAX.into()) as i16
        })
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Rotations from two vectors, `i32[3, 1, 2]`, of windows of vectors, or of points that turn about the sensor.
pub const FRAME: Frame = Frame { chart: Chart::GramSchmidt, after: None, check, pose, undo };

/// The same of a model that says which pose is upright: a unit quaternion `[w, x, y, z]` at the start of its constants, of
/// the rotation m. Poses are `ξ(v₁, v₂) · m⁻¹`. What acts from the right meets nothing that turns the window, so the law
/// stays: `g · ξ · m⁻¹`. (RECON, arXiv 2505.13289.)
///
/// A frame of its own, so that a model without such a rotation has no code for it. The two vectors cannot take it in: the
/// third column is no linear map of them.
pub const UPRIGHT: Frame =
    Frame { chart: Chart::UprightGramSchmidt, check: check_upright, pose: pose_upright, ..FRAME };

/// How far the squared length of a quaternion may be from 1: what rounding to f32 leaves is a tenth of that.
const UNIT: f32 = 1e-6;

pub(super) fn check(model: &Model<'_>, vectors: &Tensor) -> bool {
    vectors.dtype == Dtype::I32 && vectors.shape == [3, 1, 2] && is_spatial(model.input())
}

fn check_upright(model: &Model<'_>, vectors: &Tensor) -> bool {
    check(model, vectors) && upright(model).is_some()
}

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let (rotation, confidence) = find(model, head, arena)?;
    *pose = Some(Pose { element: Element::Rotation(rotation), confidence });
    Ok(())
}

fn pose_upright(
    model: &Model<'_>,
    head: &PoseHead,
    arena: &Arena<'_>,
    pose: &mut Option<Pose>,
) -> Result<(), Degenerate> {
    let (rotation, confidence) = find(model, head, arena)?;
    let upright = upright(model).ok_or(Degenerate::Vanishing)?;
    *pose = Some(Pose { element: Element::Rotation(rotation.compose(upright.inverse())), confidence });
    Ok(())
}

/// The same for the frames that are built on this one.
pub(super) fn find(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>) -> Result<(Rotation, f32), Degenerate> {
    let Some(&[x1, x2, y1, y2, z1, z2]) = arena.read::<i32>(model.vectors(head)) else {
        return Err(Degenerate::Vanishing);
    };
    let chart = GramSchmidt { reference: head.reference, minimum: head.minimum };
    chart.find([x1, y1, z1].map(|x| x as f32), [x2, y2, z2].map(|x| x as f32))
}

/// The rotation that the model calls upright; `None` where its constants begin with no unit quaternion.
fn upright(model: &Model<'_>) -> Option<Rotation> {
    unit(model.blob().first_chunk()?.map(f32::from_bits))
}

/// The rotation of a quaternion of length 1, and of no other.
fn unit(quaternion: [f32; 4]) -> Option<Rotation> {
    let [w, x, y, z] = quaternion;
    let squared = w * w + x * x + y * y + z * z;
    ((squared - 1.0).abs() <= UNIT).then(|| Rotation::from_quaternion(quaternion))
}

fn undo(element: &Element, input: &Input<'_>, _window: &[i16], canonical: &mut [i16]) {
    if let Element::Rotation(rotation) = element {
        vector_window::rotate(&rotation.inverse(), input.fields, canonical);
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// For f32 entries of order 1.
    const TOLERANCE: f32 = 2e-6;
    /// For integers: one rounding, half a count, plus 2⁻¹⁶ of √3·2¹⁵ a row entry.
    const TOLERANCE_COUNTS: f32 = 0.5 + 1.5;

    const CHART: GramSchmidt = GramSchmidt { reference: 1.0, minimum: 0.05 };

    fn rotation() -> impl Strategy<Value = Rotation> {
        prop::array::uniform4(-1.0f32..1.0)
            .prop_filter("too short to normalize", |q| q.iter().map(|x| x * x).sum::<f32>() > 0.01)
            .prop_map(Rotation::from_quaternion)
    }

    fn vector() -> impl Strategy<Value = [f32; 3]> {
        prop::array::uniform3(-1.0f32..1.0)
    }

    fn distance(a: Rotation, b: Rotation) -> f32 {
        a.rows.iter().flatten().zip(b.rows.iter().flatten()).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
    }

    fn rotation_of(pose: Pose) -> Rotation {
        let Element::Rotation(rotation) = pose.element else { panic!("an element of another group") };
        rotation
    }

    proptest! {
        #[test]
        fn group_laws(a in rotation(), b in rotation(), c in rotation()) {
            prop_assert!(distance(a.compose(b).compose(c), a.compose(b.compose(c))) <= TOLERANCE);
            prop_assert!(distance(a.compose(a.inverse()), Rotation::IDENTITY) <= TOLERANCE);
            prop_assert!(distance(a.compose(Rotation::IDENTITY), a) <= TOLERANCE);
            prop_assert!(distance(a.compose(b).inverse(), b.inverse().compose(a.inverse())) <= TOLERANCE);
        }

        #[test]
        fn the_action_is_a_homomorphism_that_keeps_lengths_and_hands(a in rotation(), b in rotation(), v in vector(), w in vector()) {
            let (once, twice) = (a.compose(b).act(v), a.act(b.act(v)));
            for i in 0..3 {
                prop_assert!((once[i] - twice[i]).abs() <= TOLERANCE);
            }
            prop_assert!((dot(a.act(v), a.act(w)) - dot(v, w)).abs() <= TOLERANCE);
            let (turned, crossed) = (a.act(cross(v, w)), cross(a.act(v), a.act(w)));
            for i in 0..3 {
                prop_assert!((turned[i] - crossed[i]).abs() <= TOLERANCE);
            }
        }

        #[test]
        fn the_angle_is_that_of_the_axis_and_angle_form(angle in 0.0f32..core::f32::consts::PI, axis in vector()) {
            let (axis, length) = normalize(axis);
            prop_assume!(length > 0.1);
            let (sin, cos) = (libm::sinf(angle / 2.0), libm::cosf(angle / 2.0));
            let turned = Rotation::from_quaternion([cos, sin * axis[0], sin * axis[1], sin * axis[2]]);
            // Towards a half turn the sine is flat, and its inverse magnifies rounding by 1/cos.
            let tolerance = (3e-6 / libm::cosf(angle / 2.0).max(1e-6)).min(3e-3);
            prop_assert!((turned.angle_to(&Rotation::IDENTITY) - angle).abs() <= tolerance + 2.0 * math::ASIN_ERROR);
        }

        #[test]
        fn the_chart_gives_rotations(v1 in vector(), v2 in vector()) {
            if let Ok(pose) = CHART.pose(v1, v2) {
                let r = rotation_of(pose);
                prop_assert!(distance(r.compose(r.inverse()), Rotation::IDENTITY) <= 1e-5);
                let [a, b, c] = r.inverse().rows;
                prop_assert!((dot(cross(a, b), c) - 1.0).abs() <= 1e-5, "a reflection");
            }
        }

        #[test]
        fn the_chart_is_equivariant(g in rotation(), v1 in vector(), v2 in vector()) {
            let (Ok(at_rest), Ok(turned)) = (CHART.pose(v1, v2), CHART.pose(g.act(v1), g.act(v2))) else {
                return Ok(()); // one of them may fall just below the minimum
            };
            // Lengths of 0.05 and more magnify rounding 20 times, twice over for e₃.
            prop_assert!(distance(rotation_of(turned), g.compose(rotation_of(at_rest))) <= 1e-4);
            prop_assert!((turned.confidence - at_rest.confidence).abs() <= 1e-5);
        }

        /// Whatever is called upright: it acts from the right.
        #[test]
        fn poses_from_upright_are_equivariant(g in rotation(), upright in rotation(), v1 in vector(), v2 in vector()) {
            let from = |v1, v2| Some(rotation_of(CHART.pose(v1, v2).ok()?).compose(upright.inverse()));
            if let (Some(at_rest), Some(turned)) = (from(v1, v2), from(g.act(v1), g.act(v2))) {
                // As of the chart itself.
                prop_assert!(distance(turned, g.compose(at_rest)) <= 1e-4);
                // What has the pose `upright` for the chart stands upright.
                let [a, b, _] = upright.inverse().rows;
                prop_assert!(distance(from(a, b).unwrap(), Rotation::IDENTITY) <= 1e-5);
            }
        }

        #[test]
        fn unit_quaternions_are_units_after_rounding(q in prop::array::uniform4(-1.0f32..1.0)) {
            let length = q.iter().map(|&part| f64::from(part) * f64::from(part)).sum::<f64>().sqrt();
            prop_assume!(length > 0.1);
            prop_assert!(unit(q.map(|part| (f64::from(part) / length) as f32)).is_some());
        }

        /// ψ's vectors are 32-bit integers, of any length and as parallel as they like.
        #[test]
        fn integer_vectors_give_rotations_or_none(v1: [i32; 3], near: [i16; 3], factor in -1.0f32..1.0, v2: [i32; 3], parallel: bool) {
            let v1 = v1.map(|x| x as f32);
            let mut v2 = v2.map(|x| x as f32);
            if parallel {
                v2 = core::array::from_fn(|i| factor * v1[i] + f32::from(near[i]));
            }
            let chart = GramSchmidt { reference: 1.0, minimum: 32.0 };
            if let Ok(pose) = chart.pose(v1, v2) {
                let r = rotation_of(pose);
                prop_assert!(distance(r.compose(r.inverse()), Rotation::IDENTITY) <= TOLERANCE);
            }
        }

        #[test]
        fn quaternions_of_every_length_give_rotations(q in prop::array::uniform4(-1.0f32..1.0), exponent in -37i32..=37) {
            prop_assume!(q.iter().any(|x| x.abs() > 0.1));
            let long = q.map(|x| x * 10f32.powi(exponent));
            prop_assert!(distance(Rotation::from_quaternion(long), Rotation::from_quaternion(q)) <= TOLERANCE);
        }

        #[test]
        fn fixed_point_turns_as_floating_point_does(g in rotation(), v: [i16; 3]) {
            let (fixed, float) = (g.to_fixed(), g.act(v.map(f32::from)));
            for (i, count) in fixed.act(v).into_iter().enumerate() {
                let clamped = float[i].clamp(-32768.0, 32767.0);
                prop_assert!((f32::from(count) - clamped).abs() <= TOLERANCE_COUNTS);
                // And exactly the nearest count to the sum, halves up.
                let sum: i64 = fixed.rows[i].iter().zip(v).map(|(&a, x)| i64::from(a) * i64::from(x)).sum();
                let nearest = (2 * sum + 32_768).div_euclid(65_536);
                prop_assert_eq!(i64::from(count), nearest.clamp(-32_768, 32_767));
            }
        }
    }

    #[test]
    fn only_quaternions_of_length_1_are_read() {
        let half = [0.5, -0.5, 0.5, 0.5];
        assert_eq!(unit(half), Some(Rotation::from_quaternion(half)));
        for wrong in
            [[0.0; 4], [0.5, 0.5, 0.5, 0.501], [1.0, 0.002, 0.0, 0.0], [f32::NAN, 1.0, 0.0, 0.0], [f32::INFINITY; 4]]
        {
            assert_eq!(unit(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn fixed_point_keeps_the_identity_exact() {
        let v = [i16::MIN, i16::MAX, 1];
        assert_eq!(Rotation::IDENTITY.to_fixed().act(v), v);
    }

    #[test]
    fn degenerate_vectors_are_named() {
        let x = [1.0, 0.0, 0.0];
        assert_eq!(CHART.pose([0.0; 3], x), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose([f32::NAN; 3], x), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose(x, [0.0; 3]), Err(Degenerate::Parallel));
        assert_eq!(CHART.pose(x, [-3.0, 0.0, 0.0]), Err(Degenerate::Parallel));
        assert_eq!(CHART.pose(x, [f32::INFINITY, 0.0, 0.0]), Err(Degenerate::Parallel));
        let same = [1.5e9; 3];
        assert_eq!(GramSchmidt { reference: 1.0, minimum: 32.0 }.pose(same, same), Err(Degenerate::Parallel));
        assert_eq!(GramSchmidt { reference: 1.0, minimum: 0.0 }.pose([0.0; 3], x), Err(Degenerate::Vanishing));
    }
}
