//! Poses that a network tells, of windows that stay as they are: SO(3) and SE(2) here, numbers and angles in
//! [`coordinates`].
//!
//! Nothing about such a network makes it go with a group. It has learned from triples (x, g, g·x) to tell poses that differ by
//! g, whatever encoder it is. (Marchetti, Tegnér, Varava, Kragic, *Equivariant Representation Learning via Class-Pose
//! Decomposition*, 2023.) So the pose is told and the window stays: its canonical window is the window itself, and the code
//! comes from a network that may go on from ψ's own features.
//!
//! The output is `[1, members, numbers]` of 8 or 16 bits. Where things look the same in several poses, as a solid with a
//! symmetry does, ψ tells a set of them, a member a row, and the pose is the first; see
//! [`Inference::member`](crate::Inference::member). (Perez Rey, Marchetti, Kragic, Jarnikov, Holenderski, *Equivariant
//! Representation Learning in the Presence of Stabilizers*, 2023.)

use super::product::RigidMotion;
use super::so2::Direction;
use super::so3::{GramSchmidt, Rotation};
use super::translation::Translation;
use super::{Degenerate, Element, Frame, Pose, coordinates};
use crate::arena::Arena;
use crate::format::{Chart, Dtype, Input, PoseHead, Tensor};
use crate::math;
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

// Elements are those of SO(3) and SE(2).

// ---- Chart ----------------------------------------------------------------------------------------

/// From quaternions `[w, x, y, z]` of any length to rotations. A quaternion and its negative are one rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quaternion {
    /// The length, in counts, that gives confidence 1.
    pub reference: f32,
    /// The length, in counts, below which rounding drowns the direction.
    pub minimum: f32,
}

impl Quaternion {
    /// The rotation; its confidence is the quaternion's length over [`reference`](Self::reference).
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`] where the length is zero or below [`minimum`](Self::minimum), or no number.
    pub fn pose(&self, quaternion: [f32; 4]) -> Result<Pose, Degenerate> {
        let [w, x, y, z] = quaternion;
        let length = math::sqrt(w * w + x * x + y * y + z * z);
        if !(math::positive(length) && length >= self.minimum) {
            return Err(Degenerate::Vanishing);
        }
        let element = Element::Rotation(Rotation::from_quaternion(quaternion));
        Ok(Pose { element, confidence: length / self.reference })
    }
}

// ---- Action ---------------------------------------------------------------------------------------

/// Nothing happens to the window.
pub(super) fn undo(_: &Element, _: &Input<'_>, _: &[i16], _: &mut [i16]) {}

// ---- Frame ----------------------------------------------------------------------------------------

/// The most numbers of a member: a vector an angle.
pub(super) const MOST: usize = 2 * coordinates::Coordinates::MAX;

/// SO(3) from rotation vectors, `[1, members, 3]`: `R = exp [v]×`, see [`Rotation::from_vector`].
pub const EXPONENTIAL: Frame =
    Frame { chart: Chart::Exponential, after: None, check: check_exponential, pose: exponential, undo };

/// SO(3) from quaternions `[w, x, y, z]`, `[1, members, 4]`.
pub const QUATERNION: Frame =
    Frame { chart: Chart::Quaternion, check: check_quaternion, pose: quaternion, ..EXPONENTIAL };

/// SO(3) from the matrix's first two columns, one behind the other, `[1, members, 6]`, by [`GramSchmidt`].
pub const COLUMNS: Frame = Frame { chart: Chart::Columns, check: check_columns, pose: columns, ..EXPONENTIAL };

/// SE(2) from x, y and the vector x₁, y₁ of the heading, `[1, members, 4]`; x and y in the units that the package was
/// trained in.
pub const MOTION: Frame = Frame { chart: Chart::Motion, check: check_motion, pose: motion, ..EXPONENTIAL };

fn check_exponential(_: &Model<'_>, vector: &Tensor) -> bool {
    fits(vector, |count| count == 3)
}

fn check_quaternion(_: &Model<'_>, quaternion: &Tensor) -> bool {
    fits(quaternion, |count| count == 4)
}

fn check_columns(_: &Model<'_>, columns: &Tensor) -> bool {
    fits(columns, |count| count == 6)
}

fn check_motion(_: &Model<'_>, numbers: &Tensor) -> bool {
    fits(numbers, |count| count == 4)
}

fn exponential(
    model: &Model<'_>,
    head: &PoseHead,
    arena: &Arena<'_>,
    pose: &mut Option<Pose>,
) -> Result<(), Degenerate> {
    *pose = Some(find_exponential(model.vectors(head), arena, 0));
    Ok(())
}

fn quaternion(
    model: &Model<'_>,
    head: &PoseHead,
    arena: &Arena<'_>,
    pose: &mut Option<Pose>,
) -> Result<(), Degenerate> {
    *pose = Some(find_quaternion(head, model.vectors(head), arena, 0)?);
    Ok(())
}

fn columns(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    *pose = Some(find_columns(head, model.vectors(head), arena, 0)?);
    Ok(())
}

fn motion(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    *pose = Some(find_motion(head, model.vectors(head), arena, 0)?);
    Ok(())
}

fn find_exponential(vector: &Tensor, arena: &Arena<'_>, at: u16) -> Pose {
    let ([x, y, z, ..], _) = counts(vector, arena, at);
    let rotation = Rotation::from_vector([x, y, z].map(|count| vector.scale * count));
    Pose { element: Element::Rotation(rotation), confidence: 1.0 }
}

fn find_quaternion(head: &PoseHead, tensor: &Tensor, arena: &Arena<'_>, at: u16) -> Result<Pose, Degenerate> {
    let ([w, x, y, z, ..], _) = counts(tensor, arena, at);
    Quaternion { reference: head.reference, minimum: head.minimum }.pose([w, x, y, z])
}

fn find_columns(head: &PoseHead, tensor: &Tensor, arena: &Arena<'_>, at: u16) -> Result<Pose, Degenerate> {
    let ([a, b, c, d, e, f, ..], _) = counts(tensor, arena, at);
    GramSchmidt { reference: head.reference, minimum: head.minimum }.pose([a, b, c], [d, e, f])
}

fn find_motion(head: &PoseHead, tensor: &Tensor, arena: &Arena<'_>, at: u16) -> Result<Pose, Degenerate> {
    let ([x, y, cos, sin, ..], _) = counts(tensor, arena, at);
    let chart = Direction { reference: head.reference, minimum: head.minimum };
    let (acting, confidence) = chart.find([cos, sin])?;
    let place = Translation::from_vector([x, y].map(|count| tensor.scale * count));
    let normal = place.ok_or(Degenerate::Vanishing)?;
    Ok(Pose { element: Element::RigidMotion(RigidMotion { normal, acting }), confidence })
}

/// Whether a tensor can be what a told pose is made of, with so many numbers a member: 8 or 16 bits, whose values are finite.
pub(super) fn fits(tensor: &Tensor, takes: fn(usize) -> bool) -> bool {
    let [planes, _, numbers] = tensor.shape;
    // A difference of two integers of 16 bits has 17.
    let finite = math::positive(tensor.scale) && math::positive(tensor.scale * (1 << 17) as f32);
    tensor.dtype != Dtype::I32 && planes == 1 && takes(numbers.into()) && finite
}

/// The numbers of a member in counts from their zero point, and how many there are; zeros behind them.
pub(super) fn counts(tensor: &Tensor, arena: &Arena<'_>, at: u16) -> ([f32; MOST], usize) {
    let (zero, count) = (i32::from(tensor.zero_point), usize::from(tensor.shape[2]));
    let (mut of_8, mut of_16) = (
        arena.read::<i8>(tensor).into_iter().flatten().map(|&number| i32::from(number).wrapping_sub(zero)),
        arena.read::<i16>(tensor).into_iter().flatten().map(|&number| i32::from(number).wrapping_sub(zero)),
    );
    // One of them has nothing, as the tensor has another type.
    let all: &mut dyn Iterator<Item = i32> = if tensor.dtype == Dtype::I8 { &mut of_8 } else { &mut of_16 };
    let mut counts = [0.0; MOST];
    let member = all.skip(usize::from(at).wrapping_mul(count)).take(count);
    counts.iter_mut().zip(member).for_each(|(to, number)| *to = number as f32);
    (counts, count)
}

/// How many poses ψ tells for a window: 1, but for a set; 0 where the pose is not told.
pub(crate) fn members(model: &Model<'_>) -> u16 {
    match model.pose_heads() {
        [head] if head.chart.is_told() => model.vectors(head).shape[1],
        _ => 0,
    }
}

/// The member at this place, if there are so many and it has a pose.
pub(crate) fn member(model: &Model<'_>, arena: &Arena<'_>, at: u16) -> Option<Pose> {
    let [head] = model.pose_heads() else { return None };
    if at >= members(model) {
        return None;
    }
    let tensor = model.vectors(head);
    match head.chart {
        Chart::Numbers => coordinates::find_numbers(tensor, arena, at).ok(),
        Chart::Angles => coordinates::find_angles(head, tensor, arena, at).ok(),
        Chart::Place => coordinates::find_place(head, tensor, arena, at).ok(),
        Chart::Motion => find_motion(head, tensor, arena, at).ok(),
        Chart::Exponential => Some(find_exponential(tensor, arena, at)),
        Chart::Quaternion => find_quaternion(head, tensor, arena, at).ok(),
        Chart::Columns => find_columns(head, tensor, arena, at).ok(),
        _ => None,
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Group;
    use proptest::prelude::*;

    /// For f32 entries of order 1.
    const TOLERANCE: f32 = 4e-6;

    fn rotation_of(pose: Pose) -> Rotation {
        let Element::Rotation(rotation) = pose.element else { panic!("an element of another group") };
        rotation
    }

    proptest! {
        /// `exp` of numbers along one axis adds angles up, and turns about that axis by the right hand.
        #[test]
        fn rotations_about_one_axis_add_up(axis in prop::array::uniform3(-1.0f32..1.0), a in -3.0f32..3.0, b in -3.0f32..3.0) {
            let exp = |angle: f32| Rotation::from_vector(axis.map(|x| angle * x));
            prop_assert!(exp(a).compose(exp(b)).angle_to(&exp(a + b)) <= 10.0 * TOLERANCE);
            prop_assert!(exp(a).compose(exp(-a)).angle_to(&Rotation::IDENTITY) <= 10.0 * TOLERANCE);
            let kept = exp(a).act(axis);
            prop_assert!((0..3).all(|i| (kept[i] - axis[i]).abs() <= TOLERANCE));
        }

        /// The derivative at zero: `exp(v)·u ≈ u + v × u`.
        #[test]
        fn small_rotation_vectors_turn_by_the_cross_product(v in prop::array::uniform3(-1e-3f32..1e-3), u in prop::array::uniform3(-1.0f32..1.0)) {
            let turned = Rotation::from_vector(v).act(u);
            let cross = [v[1] * u[2] - v[2] * u[1], v[2] * u[0] - v[0] * u[2], v[0] * u[1] - v[1] * u[0]];
            prop_assert!((0..3).all(|i| (turned[i] - u[i] - cross[i]).abs() <= 5e-6));
        }

        #[test]
        fn every_rotation_vector_is_a_rotation(v: [f32; 3]) {
            let rows = Rotation::from_vector(v).rows();
            let dot = |i: usize, j: usize| (0..3).map(|k| rows[i][k] * rows[j][k]).sum::<f32>();
            let unit = |i: usize, j: usize| (dot(i, j) - f32::from(u8::from(i == j))).abs() <= 1e-5;
            prop_assert!((0..3).all(|i| (0..3).all(|j| unit(i, j))), "{rows:?}");
        }

        /// A rotation's quaternion, whatever its length and sign, is that rotation.
        #[test]
        fn quaternions_of_any_length_are_their_rotation(q in prop::array::uniform4(-1.0f32..1.0), by in 100.0f32..30_000.0) {
            let chart = Quaternion { reference: 1000.0, minimum: 1.0 };
            let Ok(pose) = chart.pose(q.map(|x| by * x)) else { return Ok(()) };
            let rotation = Rotation::from_quaternion(q);
            prop_assert!(rotation_of(pose).angle_to(&rotation) <= 10.0 * TOLERANCE);
            prop_assert_eq!(chart.pose(q.map(|x| -by * x)), Ok(pose));
            let length = by * q.iter().map(|x| x * x).sum::<f32>().sqrt();
            prop_assert!((pose.confidence - length / 1000.0).abs() <= 1e-5 * pose.confidence);
        }
    }

    #[test]
    fn a_quarter_turn_about_z_takes_x_to_y() {
        let quarter = Rotation::from_vector([0.0, 0.0, core::f32::consts::FRAC_PI_2]);
        let turned = quarter.act([1.0, 0.0, 0.0]);
        assert!((turned[1] - 1.0).abs() <= TOLERANCE && turned[0].abs() <= TOLERANCE);
        assert_eq!(Rotation::from_vector([0.0; 3]), Rotation::IDENTITY);
        assert_eq!(Rotation::from_vector([f32::NAN, 0.0, 0.0]), Rotation::IDENTITY);
    }

    #[test]
    fn degenerate_quaternions_are_named() {
        let chart = Quaternion { reference: 1.0, minimum: 0.1 };
        for q in [[0.0; 4], [0.04; 4], [f32::NAN, 1.0, 0.0, 0.0]] {
            assert_eq!(chart.pose(q), Err(Degenerate::Vanishing));
        }
    }
}
