//! Groups: elements, charts from network outputs to elements, actions, and their laws.
//!
//! One file a group, each with the same sections: element, chart, action, frame, law tests. How groups act
//! on whole windows, images and signals stands in [`domain`](crate::domain), one file a kind of data.
//!
//! # Adding a group
//!
//! A group is one new file, a variant of [`Element`], one of [`Chart`], and its [`Frame`] in [`Frame::ALL`]. [`o2`], the
//! rotations and reflections of the plane, is the shortest that has everything; read it beside this list.
//!
//! 1. **Element.** A small `Copy` type, [`o2::Orthogonal`], with private fields, so that every value is an
//!    element: nobody can write a matrix that is no reflection. Implement [`Group`], and say in words which
//!    way a positive angle turns, and in [`Element::numbers`] which numbers stand for it. A group that acts on
//!    another one implements [`Automorphisms`] and so joins it in a [`product::Semidirect`], as SE(2) is made of
//!    translations and rotations.
//! 2. **Chart.** From what ψ puts out, which the group must turn along with the window, to an element:
//!    [`o2::Handed`]. It is a struct of the two lengths that calibration finds, with a method `pose` that
//!    answers a [`Pose`] or says which [`Degenerate`] case has none. Inputs that a part of the group leaves
//!    as they are, a vector of zeros for one, must end there: no element would be better than another.
//! 3. **Action.** What an element does to one vector, number or place: [`o2::Orthogonal::act`]. Where it acts
//!    on integers, in fixed point with one rounding, so that every target agrees.
//! 4. **Frame.** What the loader and the session need of all that: [`o2::FRAME`]. Only the frames that a build
//!    names are linked, as it is with operators, see [`Kernels`](crate::kernel::Kernels).
//! 5. **Law tests.** The group's laws, the action `(a·b)·x = a·(b·x)`, the chart `ξ(g·y) = g·ξ(y)`, and each
//!    degenerate case by name; with `==` where integers make that possible.

pub mod coordinates;
pub mod cyclic;
pub mod e3;
pub mod o2;
pub mod o3;
pub mod product;
pub mod shift;
pub mod so2;
pub mod so3;
#[cfg(test)]
pub(crate) mod testing;
pub mod told;
pub mod translation;
pub mod translation3;

use crate::arena::Arena;
use crate::domain::image;
use crate::format::{Chart, Dtype, Field, FieldKind, Input, PoseHead, Tensor};
use crate::model::Model;

/// What every group can do.
pub trait Group: Copy {
    /// The element that changes nothing.
    const IDENTITY: Self;

    /// `self · other`: first `other`, then `self`.
    #[must_use]
    fn compose(self, other: Self) -> Self;

    /// The element that undoes this one.
    #[must_use]
    fn inverse(self) -> Self;
}

/// A group that acts on another one by automorphisms: each of its elements maps the other group to itself and
/// keeps products, `h(m·n) = h(m)·h(n)`, and one after the other is their product, `g(h(n)) = (g·h)(n)`.
pub trait Automorphisms<N: Group>: Group {
    /// Where `self` takes `n`.
    #[must_use]
    fn apply(self, n: N) -> N;
}

/// An element of the group that a package names.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Element {
    /// An element of SO(3).
    Rotation(so3::Rotation),
    /// An element of SO(2).
    Planar(so2::Rotation),
    /// An element of O(2).
    Orthogonal(o2::Orthogonal),
    /// An element of C_n.
    Cyclic(cyclic::Cyclic),
    /// An element of the circle group R/Z.
    Shift(shift::Shift),
    /// An element of T(2).
    Translation(translation::Translation),
    /// An element of SE(2).
    RigidMotion(product::RigidMotion),
    /// An element of O(3).
    Spatial(o3::Orthogonal),
    /// An element of T(3).
    Translation3(translation3::Translation),
    /// An element of SE(3).
    RigidMotion3(product::RigidMotion3),
    /// An element of E(3).
    Isometry3(e3::Isometry3),
    /// An element of Rⁿ × Tᵏ.
    Coordinates(coordinates::Coordinates),
}

impl Element {
    /// The element in numbers, as files and logs hold it, and zeros behind them:
    ///
    /// | element | numbers |
    /// |---|---|
    /// | [`Rotation`](Self::Rotation) | the matrix, row by row |
    /// | [`Planar`](Self::Planar) | cosine and sine |
    /// | [`Orthogonal`](Self::Orthogonal) | cosine and sine of the rotation, and 1 if it is reflected |
    /// | [`Cyclic`](Self::Cyclic) | index and order |
    /// | [`Shift`](Self::Shift) | the delay as a fraction of the period |
    /// | [`Translation`](Self::Translation) | x and y in pixels |
    /// | [`RigidMotion`](Self::RigidMotion) | x and y in pixels, or as the package was trained if it is [`told`]; cosine and sine |
    /// | [`Spatial`](Self::Spatial) | the matrix, row by row; its determinant is −1 if it is reflected |
    /// | [`Translation3`](Self::Translation3) | x, y and z in counts |
    /// | [`RigidMotion3`](Self::RigidMotion3) | x, y and z in counts, and the matrix's first two rows: the third is their cross product |
    /// | [`Isometry3`](Self::Isometry3) | the same; the third is turned around if it is reflected, which these numbers do not say |
    /// | [`Coordinates`](Self::Coordinates) | its numbers, as the package was trained; angles in radians |
    #[must_use]
    pub fn numbers(&self) -> [f32; 9] {
        let [a, b, c, d] = match self {
            Self::Rotation(g) => return matrix(g.rows()),
            Self::Spatial(g) => return matrix(g.rows()),
            Self::Coordinates(g) => return matrix(g.rows()),
            Self::RigidMotion3(g) => return motion(g.normal.vector(), g.acting.rows()),
            Self::Isometry3(g) => return motion(g.normal.vector(), g.acting.rows()),
            Self::Planar(g) => [g.cos(), g.sin(), 0.0, 0.0],
            Self::Orthogonal(g) => [g.cos(), g.sin(), u8::from(g.is_reflected()).into(), 0.0],
            Self::Cyclic(g) => [g.index().into(), g.order().into(), 0.0, 0.0],
            Self::Shift(g) => [g.turns(), 0.0, 0.0, 0.0],
            Self::Translation(g) => [g.x(), g.y(), 0.0, 0.0],
            Self::Translation3(g) => [g.x(), g.y(), g.z(), 0.0],
            Self::RigidMotion(g) => [g.normal.x(), g.normal.y(), g.acting.cos(), g.acting.sin()],
        };
        [a, b, c, d, 0.0, 0.0, 0.0, 0.0, 0.0]
    }
}

/// A pose as the network found it: `window = element · canonical window`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pose {
    /// The group element.
    pub element: Element,
    /// How well determined it is: 1 for the median of the calibration windows, towards 0 as the
    /// network's vectors vanish or become parallel.
    pub confidence: f32,
}

/// Why a network's output has no pose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Degenerate {
    /// The first vector is too short to have a direction: a sensor at rest in free fall, or a window
    /// of zeros. In the same way, weights that sum to too little have no centroid.
    Vanishing,
    /// The second vector is too close to the line of the first to span a plane with it.
    Parallel,
    /// The third vector is too close to the plane of the first two to say which hand they form.
    Coplanar,
    /// No element fits better than another: the largest score is not clearly the largest.
    Tied,
}

/// A chart and the action that comes with it, which a model may use: what the loader and the session need of it.
///
/// Each group's file has its own as `FRAME`; [`Frame::ALL`] has all of them.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub(crate) chart: Chart,
    /// The chart of the pose head before, whose canonical window ψ looks at; none for the first.
    pub(crate) after: Option<Chart>,
    /// Whether the action moves the model's windows, and the chart reads a tensor like this.
    pub(crate) check: fn(&Model<'_>, &Tensor) -> bool,
    /// Writes down the pose that ψ's output stands for, in the place of what the pose head before has found and composed
    /// with that.
    pub(crate) pose: fn(&Model<'_>, &PoseHead, &Arena<'_>, &mut Option<Pose>) -> Result<(), Degenerate>,
    /// Moves a window by the inverse of an element; what it writes to is a copy of the window.
    pub(crate) undo: fn(&Element, &Input<'_>, &[i16], &mut [i16]),
}

impl Frame {
    /// Every frame there is.
    pub const ALL: &'static [Self] = &[
        so3::FRAME,
        so3::UPRIGHT,
        so2::FRAME,
        o2::FRAME,
        shift::FRAME,
        cyclic::FRAME,
        translation::FRAME,
        product::FRAME,
        o3::FRAME,
        translation3::FRAME,
        product::FRAME3,
        e3::FRAME,
        coordinates::NUMBERS,
        coordinates::ANGLES,
        coordinates::PLACE,
        told::MOTION,
        told::EXPONENTIAL,
        told::QUATERNION,
        told::COLUMNS,
    ];

    /// Where the frame stands in [`group`](self), for scripts that write tables.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        match (self.chart, self.after) {
            (Chart::GramSchmidt, None) => "so3::FRAME",
            (Chart::GramSchmidt, Some(_)) => "product::FRAME3",
            (Chart::UprightGramSchmidt, _) => "so3::UPRIGHT",
            (Chart::Direction, None) => "so2::FRAME",
            (Chart::Direction, Some(_)) => "product::FRAME",
            (Chart::TwoVectors, _) => "o2::FRAME",
            (Chart::Phase, _) => "shift::FRAME",
            (Chart::Argmax, _) => "cyclic::FRAME",
            (Chart::Centroid, _) => "translation::FRAME",
            (Chart::ThreeVectors, None) => "o3::FRAME",
            (Chart::ThreeVectors, Some(_)) => "e3::FRAME",
            (Chart::Mean, _) => "translation3::FRAME",
            (Chart::Numbers, _) => "coordinates::NUMBERS",
            (Chart::Angles, _) => "coordinates::ANGLES",
            (Chart::Place, _) => "coordinates::PLACE",
            (Chart::Motion, _) => "told::MOTION",
            (Chart::Exponential, _) => "told::EXPONENTIAL",
            (Chart::Quaternion, _) => "told::QUATERNION",
            (Chart::Columns, _) => "told::COLUMNS",
        }
    }
}

/// A matrix, row by row.
fn matrix([[a, b, c], [d, e, f], [g, h, i]]: [[f32; 3]; 3]) -> [f32; 9] {
    [a, b, c, d, e, f, g, h, i]
}

/// A translation and the first two rows of a matrix.
fn motion([x, y, z]: [f32; 3], [[a, b, c], [d, e, f], _]: [[f32; 3]; 3]) -> [f32; 9] {
    [x, y, z, a, b, c, d, e, f]
}

/// Whether windows are of vectors or points: rotations and reflections of space know what to do with each of their fields.
fn is_spatial(input: &Input<'_>) -> bool {
    let moves =
        |kind| matches!(kind, FieldKind::Vector | FieldKind::PseudoVector | FieldKind::Point | FieldKind::Scalar);
    input.fields.iter().all(|field| moves(field.kind))
}

/// The sides of the images that windows are, rows and columns, or `None` if they are none or too large to be moved.
fn sides(input: &Input<'_>) -> Option<[u16; 2]> {
    let &[Field { kind: FieldKind::Row, width, .. }] = input.fields else { return None };
    let sides = [input.samples, width];
    sides.iter().all(|&side| usize::from(side) <= image::MAX_SIDE).then_some(sides)
}

/// Whether a tensor is so many numbers in a row, of 32 bits.
fn is_row(tensor: &Tensor, count: u16) -> bool {
    tensor.dtype == Dtype::I32 && tensor.shape == [1, 1, count]
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::array::from_fn;

    /// Each place tells its position, so that an exchange is seen; parts that a group fixes keep their value.
    #[test]
    fn the_numbers_of_elements_stand_where_the_table_says() {
        let turn = so2::Rotation::from_vector([3.0, 4.0]).unwrap();
        let normal = translation::Translation::from_vector([5.0, 6.0]).unwrap();
        let in_space = translation3::Translation::from_vector([5.0, 6.0, 7.0]).unwrap();
        // About z.
        let quarter = so3::Rotation::from_quaternion([1.0, 0.0, 0.0, 1.0]);
        let cases = [
            (Element::Planar(turn), &[0.6, 0.8][..]),
            (Element::Orthogonal(o2::Orthogonal::new(turn, true)), &[0.6, 0.8, 1.0]),
            (Element::Orthogonal(o2::Orthogonal::new(turn, false)), &[0.6, 0.8, 0.0]),
            (Element::Cyclic(cyclic::Cyclic::new(2, 7)), &[2.0, 7.0]),
            (Element::Shift(shift::Shift::from_turns(0.25)), &[0.25]),
            (Element::Translation(normal), &[5.0, 6.0]),
            (Element::RigidMotion(product::RigidMotion { normal, acting: turn }), &[5.0, 6.0, 0.6, 0.8]),
            (Element::Translation3(in_space), &[5.0, 6.0, 7.0]),
            (
                Element::Coordinates(coordinates::Coordinates::from_numbers(&[5.0, -6.0, 7.0, 8.0]).unwrap()),
                &[5.0, -6.0, 7.0, 8.0],
            ),
            (Element::Coordinates(coordinates::Coordinates::from_place([5.0, 6.0], 0.5).unwrap()), &[5.0, 6.0, 0.5]),
            (
                Element::RigidMotion3(product::RigidMotion3 { normal: in_space, acting: quarter }),
                &[5.0, 6.0, 7.0, 0.0, -1.0, 0.0, 1.0],
            ),
            (
                Element::Isometry3(e3::Isometry3 { normal: in_space, acting: o3::Orthogonal::new(quarter, true) }),
                &[5.0, 6.0, 7.0, 0.0, 1.0, 0.0, -1.0],
            ),
        ];
        for (element, numbers) in cases {
            assert_eq!(element.numbers(), from_fn(|at| numbers.get(at).copied().unwrap_or(0.0)), "{element:?}");
        }
    }

    #[test]
    fn a_matrix_is_written_row_by_row() {
        let g = so3::Rotation::from_quaternion([0.5, 0.1, -0.7, 0.4]);
        let [first, second, third] = g.rows();
        let numbers = Element::Rotation(g).numbers();
        assert_eq!((&numbers[..3], &numbers[3..6], &numbers[6..]), (&first[..], &second[..], &third[..]));
        let reflected = Element::Spatial(o3::Orthogonal::new(g, true)).numbers();
        assert_eq!(reflected, numbers.map(|x| -x));
        assert_eq!(Element::Spatial(o3::Orthogonal::new(g, false)).numbers(), numbers);
    }
}
