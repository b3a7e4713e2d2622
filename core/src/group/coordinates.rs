//! Rⁿ × Tᵏ: numbers that add up, and angles that come round; places and headings, scales, hues.
//!
//! Nothing here moves a window. Such a pose is told by a network that has learned it from how poses change, see
//! [`told`].

use super::so2::Direction;
use super::{Degenerate, Element, Frame, Group, Pose, told};
use crate::arena::Arena;
use crate::format::{Chart, PoseHead, Tensor};
use crate::math;
use crate::model::Model;
use core::f32::consts::{PI, TAU};

// ---- Element --------------------------------------------------------------------------------------

/// Up to [`MAX`](Self::MAX) numbers, in the units that the package was trained in, each of which is a real number or an
/// angle in radians, −π to π, positive from the first axis to the second.
///
/// The identity has no numbers, because one constant stands for the identity of every such group; composed with
/// another element, it takes that one's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Coordinates {
    /// As the numbers of a matrix are, so that one code reads both; zeros behind the last.
    rows: [[f32; 3]; 3],
    count: u8,
    /// A bit each, from the lowest: which of them is an angle.
    angles: u16,
}

impl Coordinates {
    /// The most numbers.
    pub const MAX: usize = 9;

    /// Real numbers, or `None` if there are more than [`MAX`](Self::MAX), or not all are finite.
    #[must_use]
    pub fn from_numbers(numbers: &[f32]) -> Option<Self> {
        Self::new(numbers, 0)
    }

    /// Angles in radians, of which whole turns are dropped, or `None` if there are more than [`MAX`](Self::MAX), or not all
    /// are finite.
    #[must_use]
    pub fn from_angles(angles: &[f32]) -> Option<Self> {
        Self::new(angles, u16::MAX)
    }

    /// A place in the plane and a heading in radians, each for itself: headings do not turn places, as they do in SE(2).
    /// `None` if a number is not finite.
    #[must_use]
    pub fn from_place([x, y]: [f32; 2], heading: f32) -> Option<Self> {
        Self::new(&[x, y, heading], 1 << 2)
    }

    /// Numbers of which some are angles: a bit each, from the lowest.
    fn new(numbers: &[f32], angles: u16) -> Option<Self> {
        if numbers.len() > Self::MAX || numbers.iter().any(|number| !number.is_finite()) {
            return None;
        }
        let mut all = Self { count: numbers.len() as u8, angles, ..Self::IDENTITY };
        all.rows.iter_mut().flatten().zip(numbers).for_each(|(to, &number)| *to = number);
        Some(all.wrapped())
    }

    /// The numbers.
    #[must_use]
    pub fn numbers(&self) -> &[f32] {
        self.rows.as_flattened().get(..self.count.into()).unwrap_or_default()
    }

    /// Whether the number at this position is an angle.
    #[must_use]
    pub const fn is_angle(&self, at: usize) -> bool {
        at < self.count as usize && self.angles & 1 << at != 0
    }

    pub(super) const fn rows(&self) -> [[f32; 3]; 3] {
        self.rows
    }

    /// Without whole turns, and within f32.
    fn wrapped(mut self) -> Self {
        for (at, number) in self.rows.iter_mut().flatten().enumerate() {
            *number = if self.angles & 1 << at == 0 { number.clamp(f32::MIN, f32::MAX) } else { wrap(*number) };
        }
        self
    }
}

/// An angle between −π and π.
fn wrap(angle: f32) -> f32 {
    let turns = math::floor(angle / TAU + 0.5);
    (angle - turns * TAU).clamp(-PI, PI)
}

impl Group for Coordinates {
    const IDENTITY: Self = Self { rows: [[0.0; 3]; 3], count: 0, angles: 0 };

    /// Elements of two different such groups have no product. A package names one group, so nobody composes them; whoever
    /// does gets a sum in which a number is an angle where it is one in either.
    fn compose(mut self, other: Self) -> Self {
        self.rows.iter_mut().flatten().zip(other.rows.iter().flatten()).for_each(|(a, b)| *a += b);
        (self.count, self.angles) = (self.count.max(other.count), self.angles | other.angles);
        self.wrapped()
    }

    fn inverse(mut self) -> Self {
        self.rows.iter_mut().flatten().for_each(|number| *number = 0.0 - *number);
        self
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from pairs of numbers to angles: of each pair that of the vector, `atan2(second, first)`.
///
/// Turning the vectors turns the angles with them: `ξ(g·y) = g · ξ(y)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Angles {
    /// The length, in counts of the vectors, that gives confidence 1.
    pub reference: f32,
    /// The length, in counts of the vectors, below which rounding drowns the direction.
    pub minimum: f32,
}

impl Angles {
    /// The angles of up to [`MAX`](Coordinates::MAX) vectors. The confidence is the length of the shortest over
    /// [`reference`](Self::reference); that of none is 1.
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`] where a vector is shorter than [`minimum`](Self::minimum), zero, or no number, or there
    /// are too many.
    pub fn pose(&self, vectors: &[[f32; 2]]) -> Result<Pose, Degenerate> {
        let (mut angles, mut confidence) = ([0.0; Coordinates::MAX], None);
        let all = angles.get_mut(..vectors.len()).ok_or(Degenerate::Vanishing)?;
        for (angle, &vector) in all.iter_mut().zip(vectors) {
            let (rotation, length) = self.direction().find(vector)?;
            (*angle, confidence) = (rotation.angle(), Some(length.min(confidence.unwrap_or(length))));
        }
        let element = Coordinates::from_angles(all).map(Element::Coordinates).ok_or(Degenerate::Vanishing)?;
        Ok(Pose { element, confidence: confidence.unwrap_or(1.0) })
    }

    /// Of a place, and the heading that a vector has.
    ///
    /// # Errors
    /// As [`pose`](Self::pose), and where the place is no number.
    pub fn place(&self, place: [f32; 2], vector: [f32; 2]) -> Result<Pose, Degenerate> {
        let (rotation, confidence) = self.direction().find(vector)?;
        let element = Coordinates::from_place(place, rotation.angle()).ok_or(Degenerate::Vanishing)?;
        Ok(Pose { element: Element::Coordinates(element), confidence })
    }

    const fn direction(&self) -> Direction {
        Direction { reference: self.reference, minimum: self.minimum }
    }
}

// ---- Action ---------------------------------------------------------------------------------------

// What these act on is nothing that a window shows by itself: only the network knows.

// ---- Frame ----------------------------------------------------------------------------------------

/// Rⁿ from its numbers, `[1, members, n]`.
pub const NUMBERS: Frame =
    Frame { chart: Chart::Numbers, after: None, check: check_numbers, pose: numbers, undo: told::undo };

/// Tᵏ from a vector an angle, `[1, members, 2k]`.
pub const ANGLES: Frame = Frame { chart: Chart::Angles, check: check_angles, pose: angles, ..NUMBERS };

/// R² × T from x, y and a vector, `[1, members, 4]`.
pub const PLACE: Frame = Frame { chart: Chart::Place, check: check_place, pose: place, ..NUMBERS };

fn check_numbers(_: &Model<'_>, numbers: &Tensor) -> bool {
    told::fits(numbers, |count| (1..=Coordinates::MAX).contains(&count))
}

fn check_angles(_: &Model<'_>, vectors: &Tensor) -> bool {
    told::fits(vectors, |count| count.is_multiple_of(2) && (2..=told::MOST).contains(&count))
}

fn check_place(_: &Model<'_>, numbers: &Tensor) -> bool {
    told::fits(numbers, |count| count == 4)
}

fn numbers(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    *pose = Some(find_numbers(model.vectors(head), arena, 0)?);
    Ok(())
}

fn angles(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    *pose = Some(find_angles(head, model.vectors(head), arena, 0)?);
    Ok(())
}

fn place(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    *pose = Some(find_place(head, model.vectors(head), arena, 0)?);
    Ok(())
}

/// The member of a set at this place.
pub(super) fn find_numbers(numbers: &Tensor, arena: &Arena<'_>, at: u16) -> Result<Pose, Degenerate> {
    let (counts, count) = told::counts(numbers, arena, at);
    let values = counts.map(|count| numbers.scale * count);
    let element = values.get(..count).and_then(Coordinates::from_numbers).ok_or(Degenerate::Vanishing)?;
    Ok(Pose { element: Element::Coordinates(element), confidence: 1.0 })
}

pub(super) fn find_angles(head: &PoseHead, vectors: &Tensor, arena: &Arena<'_>, at: u16) -> Result<Pose, Degenerate> {
    let (counts, count) = told::counts(vectors, arena, at);
    let chart = Angles { reference: head.reference, minimum: head.minimum };
    chart.pose(counts.get(..count).unwrap_or_default().as_chunks().0)
}

pub(super) fn find_place(head: &PoseHead, numbers: &Tensor, arena: &Arena<'_>, at: u16) -> Result<Pose, Degenerate> {
    let ([x, y, cos, sin, ..], _) = told::counts(numbers, arena, at);
    let chart = Angles { reference: head.reference, minimum: head.minimum };
    chart.place([x, y].map(|count| numbers.scale * count), [cos, sin])
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::so2::Rotation;
    use crate::group::testing::group_laws;
    use proptest::prelude::*;

    /// For sums of numbers up to 10.
    const TOLERANCE: f32 = 5e-6;

    const CHART: Angles = Angles { reference: 2.0, minimum: 0.05 };

    /// Kinds of numbers: all real, all angles, and a place with a heading.
    fn coordinates(numbers: [f32; 3], kind: usize) -> Coordinates {
        let [x, y, heading] = numbers;
        match kind {
            0 => Coordinates::from_numbers(&numbers),
            1 => Coordinates::from_angles(&numbers),
            _ => Coordinates::from_place([x, y], heading),
        }
        .unwrap()
    }

    fn distance(a: &Coordinates, b: &Coordinates) -> f32 {
        let apart = |(at, (x, y)): (usize, (&f32, &f32))| {
            if a.is_angle(at) { wrap(x - y).abs() } else { (x - y).abs() }
        };
        assert_eq!(a.count, b.count);
        a.numbers().iter().zip(b.numbers()).enumerate().map(apart).fold(0.0, f32::max)
    }

    fn coordinates_of(pose: Pose) -> Coordinates {
        let Element::Coordinates(found) = pose.element else { panic!("an element of another group") };
        found
    }

    proptest! {
        #[test]
        fn coordinates_are_a_group(n in prop::array::uniform9(-10.0f32..10.0), kind in 0usize..3) {
            let [a, b, c] = [0, 3, 6].map(|at| coordinates([n[at], n[at + 1], n[at + 2]], kind));
            let none = |g: Coordinates| Coordinates { count: 3, angles: a.angles, ..g };
            let identity = none(Coordinates::IDENTITY);
            prop_assert_eq!(a.compose(Coordinates::IDENTITY), a);
            prop_assert_eq!(Coordinates::IDENTITY.compose(a), a);
            prop_assert!(distance(&a.compose(a.inverse()), &identity) <= TOLERANCE);
            prop_assert!(distance(&a.compose(b).compose(c), &a.compose(b.compose(c))) <= TOLERANCE);
            prop_assert_eq!(a.compose(b), b.compose(a));
        }

        #[test]
        fn angles_are_laws_of_the_shared_kind(n in prop::array::uniform3(-10.0f32..10.0)) {
            // One number each, whose identity the shared laws can compare.
            let [a, b, c] = n.map(|angle| Coordinates::from_angles(&[angle]).unwrap());
            let apart = |a: Coordinates, b: Coordinates| wrap(a.rows[0][0] - b.rows[0][0]).abs();
            group_laws([a, b, c], apart, TOLERANCE)?;
        }

        #[test]
        fn every_angle_is_within_half_a_turn(angle: f32) {
            if let Some(g) = Coordinates::from_angles(&[angle]) {
                prop_assert!(g.numbers().iter().chain(g.inverse().numbers()).all(|a| a.abs() <= PI));
            }
        }

        /// Sums of the largest numbers stay numbers.
        #[test]
        fn no_product_leaves_the_numbers(n: [f32; 2], times in 1usize..9) {
            if let Some(g) = Coordinates::from_numbers(&n) {
                let sum = (0..times).fold(g, |sum, _| sum.compose(g));
                prop_assert!(sum.numbers().iter().all(|x| x.is_finite()));
            }
        }

        #[test]
        fn the_chart_is_equivariant(turns in prop::array::uniform2(-3.0f32..3.0), v in prop::array::uniform4(-1.0f32..1.0)) {
            let vectors = [[v[0], v[1]], [v[2], v[3]]];
            let turned = [0, 1].map(|i| Rotation::from_angle(turns[i]).act(vectors[i]));
            let (Ok(at_rest), Ok(moved)) = (CHART.pose(&vectors), CHART.pose(&turned)) else {
                return Ok(()); // one of them may fall just below the minimum
            };
            let expected = Coordinates::from_angles(&turns).unwrap().compose(coordinates_of(at_rest));
            // Lengths of 0.05 and more magnify rounding 20 times.
            prop_assert!(distance(&coordinates_of(moved), &expected) <= 4.0 * TOLERANCE);
            prop_assert!((moved.confidence - at_rest.confidence).abs() <= TOLERANCE);
        }
    }

    #[test]
    fn what_are_no_coordinates_is_refused() {
        assert_eq!(Coordinates::from_numbers(&[0.0; 10]), None);
        assert_eq!(Coordinates::from_numbers(&[0.0, f32::NAN]), None);
        assert_eq!(Coordinates::from_angles(&[f32::INFINITY]), None);
        let place = Coordinates::from_place([1.0, 2.0], 3.0 * PI).unwrap();
        assert_eq!([0, 1, 2, 3].map(|at| place.is_angle(at)), [false, false, true, false]);
        assert!((place.numbers()[2].abs() - PI).abs() < TOLERANCE);
    }

    #[test]
    fn degenerate_vectors_are_named() {
        for vector in [[0.0; 2], [f32::NAN, 1.0], [0.03, 0.03]] {
            assert_eq!(CHART.pose(&[[1.0, 0.0], vector]), Err(Degenerate::Vanishing));
            assert_eq!(CHART.place([0.0; 2], vector), Err(Degenerate::Vanishing));
        }
        assert_eq!(CHART.place([f32::INFINITY, 0.0], [1.0, 0.0]), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose(&[[1.0, 0.0]; 10]), Err(Degenerate::Vanishing));
        // The shortest vector tells how sure the pose is.
        for vectors in [[[2.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [2.0, 0.0]]] {
            assert_eq!(CHART.pose(&vectors).map(|pose| pose.confidence), Ok(0.5));
        }
    }
}
