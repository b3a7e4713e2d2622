//! The groups whose actions supervise a pose: rows of numbers, their products, and how far apart they are.
//!
//! An action is a row of `f32`, which files hold and people write. Groups act from the left: `y = g·x` has the pose
//! `g·pose(x)`, and of two actions one after the other the later one stands on the left.

use gimbal_core::group::Group;
use gimbal_core::group::so2;
use gimbal_core::group::so3::Rotation;
use std::f32::consts::{PI, TAU};

/// How far a matrix's rows may be from orthonormal and right-handed, for each number: six digits, as files hold them.
const ORTHONORMAL: f32 = 1e-3;

/// A group of actions.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionGroup {
    /// Rⁿ: n numbers, which add up.
    Translations(usize),
    /// SO(2): an angle in radians, any number; results are −π to π.
    Heading,
    /// SO(3): the matrix, row by row, which turns column vectors.
    Rotations,
    /// Places and headings in the plane: x, y, an angle in radians that turns x towards y.
    Planar {
        /// Whether headings turn places, as in SE(2): `g·p = (t + R·x, α + β)`. Otherwise the product is that of each number:
        /// `g·p = (t + x, α + β)`.
        semidirect: bool,
    },
    /// Several groups side by side, the numbers of one behind those of the other.
    Product(Vec<Self>),
}

impl ActionGroup {
    /// How many numbers an element takes.
    pub fn numbers(&self) -> usize {
        match self {
            Self::Translations(n) => *n,
            Self::Heading => 1,
            Self::Rotations => 9,
            Self::Planar { .. } => 3,
            Self::Product(factors) => factors.iter().map(Self::numbers).sum(),
        }
    }

    /// The element that changes nothing.
    pub fn identity(&self) -> Vec<f32> {
        match self {
            Self::Rotations => Rotation::IDENTITY.rows().concat(),
            Self::Product(factors) => factors.iter().flat_map(Self::identity).collect(),
            _ => vec![0.0; self.numbers()],
        }
    }

    /// `g·h`: first `h`, then `g`.
    ///
    /// # Panics
    /// If either has too few numbers.
    pub fn compose(&self, g: &[f32], h: &[f32]) -> Vec<f32> {
        match self {
            Self::Translations(n) => (0..*n).map(|i| g[i] + h[i]).collect(),
            Self::Heading => vec![wrapped(g[0] + h[0])],
            Self::Rotations => (0..9).map(|i| (0..3).map(|k| g[i / 3 * 3 + k] * h[k * 3 + i % 3]).sum()).collect(),
            Self::Planar { semidirect } => {
                let [x, y] = if *semidirect { turned(g[2], [h[0], h[1]]) } else { [h[0], h[1]] };
                vec![g[0] + x, g[1] + y, wrapped(g[2] + h[2])]
            }
            Self::Product(factors) => {
                parts(factors).flat_map(|(factor, at)| factor.compose(&g[at.clone()], &h[at])).collect()
            }
        }
    }

    /// The element that undoes one.
    ///
    /// # Panics
    /// If it has too few numbers.
    pub fn inverse(&self, g: &[f32]) -> Vec<f32> {
        match self {
            Self::Translations(n) => g[..*n].iter().map(|x| -x).collect(),
            Self::Heading => vec![wrapped(-g[0])],
            Self::Rotations => (0..9).map(|i| g[i % 3 * 3 + i / 3]).collect(),
            Self::Planar { semidirect } => {
                let [x, y] = if *semidirect { turned(-g[2], [g[0], g[1]]) } else { [g[0], g[1]] };
                vec![-x, -y, wrapped(-g[2])]
            }
            Self::Product(factors) => parts(factors).flat_map(|(factor, at)| factor.inverse(&g[at])).collect(),
        }
    }

    /// The square of [`distance`](Self::distance), which adds up over the factors of a product.
    ///
    /// # Panics
    /// If either has too few numbers.
    pub fn squared_distance(&self, g: &[f32], h: &[f32]) -> f32 {
        let squares = |n: usize| (0..n).map(|i| (g[i] - h[i]).powi(2)).sum::<f32>();
        match self {
            Self::Translations(n) => squares(*n),
            Self::Heading => chord(g[0], h[0]),
            Self::Rotations => squares(9),
            Self::Planar { .. } => squares(2) + chord(g[2], h[2]),
            Self::Product(factors) => {
                parts(factors).map(|(factor, at)| factor.squared_distance(&g[at.clone()], &h[at])).sum()
            }
        }
    }

    /// How far apart two elements are: of Rⁿ the length of the difference; of angles the chord `|e^{iα} − e^{iβ}|`, 0 to 2;
    /// of rotations that of matrices, `‖A − B‖_F`, 0 to 2√2; of several the root of the squares' sum.
    ///
    /// # Panics
    /// If either has too few numbers.
    pub fn distance(&self, g: &[f32], h: &[f32]) -> f32 {
        self.squared_distance(g, h).sqrt()
    }

    /// Why numbers are no element; `None` if they are one.
    pub fn fault(&self, g: &[f32]) -> Option<String> {
        if g.len() != self.numbers() {
            return Some(format!("it has {} numbers, and an element takes {}", g.len(), self.numbers()));
        }
        if let Some(at) = g.iter().position(|x| !x.is_finite()) {
            return Some(format!("number {} of {} is not finite", at + 1, g.len()));
        }
        match self {
            Self::Rotations => (!is_rotation(g)).then(|| "its nine numbers are no rotation matrix".into()),
            Self::Product(factors) => parts(factors).find_map(|(factor, at)| factor.fault(&g[at])),
            _ => None,
        }
    }
}

/// Each factor and where its numbers are.
fn parts(factors: &[ActionGroup]) -> impl Iterator<Item = (&ActionGroup, std::ops::Range<usize>)> {
    factors.iter().scan(0, |end, factor| {
        let start = *end;
        *end += factor.numbers();
        Some((factor, start..*end))
    })
}

/// An angle between −π and π.
fn wrapped(angle: f32) -> f32 {
    let turns = (angle / TAU).round();
    (angle - turns * TAU).clamp(-PI, PI)
}

fn turned(angle: f32, v: [f32; 2]) -> [f32; 2] {
    so2::Rotation::from_angle(angle).act(v)
}

/// `|e^{iα} − e^{iβ}|²`, as a square of a sine, which keeps its digits where the angles are close.
fn chord(a: f32, b: f32) -> f32 {
    (2.0 * ((a - b) / 2.0).sin()).powi(2)
}

fn is_rotation(m: &[f32]) -> bool {
    let row = |i: usize| &m[3 * i..3 * i + 3];
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let unit = |i: usize, j: usize| (dot(row(i), row(j)) - f32::from(u8::from(i == j))).abs() < ORTHONORMAL;
    let orthonormal = (0..3).all(|i| (i..3).all(|j| unit(i, j)));
    let (a, b) = (row(0), row(1));
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    orthonormal && dot(&cross, row(2)) > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of distances between products in f32, of numbers up to 3 each.
    const TOLERANCE: f32 = 2e-5;

    /// Every kind of group, and three of them side by side.
    fn groups() -> Vec<ActionGroup> {
        let planar = |semidirect| ActionGroup::Planar { semidirect };
        let several = vec![ActionGroup::Heading, ActionGroup::Rotations, planar(true)];
        vec![
            ActionGroup::Translations(6),
            ActionGroup::Heading,
            ActionGroup::Rotations,
            planar(false),
            planar(true),
            ActionGroup::Product(several),
        ]
    }

    /// An element from numbers of −1 to 1.
    fn element(group: &ActionGroup, numbers: &mut impl Iterator<Item = f32>) -> Vec<f32> {
        let mut next = || numbers.next().unwrap();
        match group {
            ActionGroup::Rotations => Rotation::from_quaternion([next(), next(), next(), next()]).rows().concat(),
            ActionGroup::Product(factors) => factors.iter().flat_map(|factor| element(factor, numbers)).collect(),
            _ => (0..group.numbers()).map(|_| 3.0 * next()).collect(),
        }
    }

    proptest! {
        #[test]
        fn actions_are_groups(numbers in prop::collection::vec(-1.0f32..1.0, 36)) {
            for group in groups() {
                let mut numbers = numbers.iter().copied();
                let [a, b, c] = std::array::from_fn(|_| element(&group, &mut numbers));
                let near = |g: &[f32], h: &[f32]| group.distance(g, h) < TOLERANCE;
                prop_assert_eq!(group.fault(&a), None);
                let (ab, bc, id) = (group.compose(&a, &b), group.compose(&b, &c), group.identity());
                prop_assert!(near(&group.compose(&ab, &c), &group.compose(&a, &bc)), "{group:?} is not associative");
                prop_assert!(near(&group.compose(&a, &id), &a) && near(&group.compose(&id, &a), &a), "{group:?}");
                prop_assert!(near(&group.compose(&a, &group.inverse(&a)), &id), "{group:?}");
                prop_assert!(near(&group.compose(&group.inverse(&a), &a), &id), "{group:?}");
                // What acts from the left keeps distances, but for SE(2), where no distance of ours does both.
                let left = group.distance(&ab, &group.compose(&a, &c));
                prop_assert!((left - group.distance(&b, &c)).abs() < TOLERANCE, "{group:?}");
                prop_assert_eq!(ab.len(), group.numbers());
            }
        }

        /// Composed as motions of the plane are: `(g·h)·v = g·(h·v)`.
        #[test]
        fn semidirect_products_move_the_plane(n in prop::array::uniform8(-3.0f32..3.0)) {
            let group = ActionGroup::Planar { semidirect: true };
            let act = |g: &[f32], v: [f32; 2]| { let [x, y] = turned(g[2], v); [x + g[0], y + g[1]] };
            let (g, h, v) = (&n[..3], &n[3..6], [n[6], n[7]]);
            let (once, twice) = (act(&group.compose(g, h), v), act(g, act(h, v)));
            prop_assert!((0..2).all(|i| (once[i] - twice[i]).abs() < TOLERANCE));
            // Numbers of the direct product do not meet.
            let direct = ActionGroup::Planar { semidirect: false }.compose(g, h);
            prop_assert_eq!([direct[0], direct[1]], [g[0] + h[0], g[1] + h[1]]);
        }

        #[test]
        fn whole_turns_are_none(angle in -3.0f32..3.0, turns in -3i8..3) {
            let far = [angle + f32::from(turns) * TAU];
            prop_assert!(ActionGroup::Heading.distance(&[angle], &far) < TOLERANCE);
            prop_assert!(ActionGroup::Heading.compose(&far, &[0.0])[0].abs() <= PI);
        }
    }

    #[test]
    fn what_is_no_element_is_told() {
        let identity = ActionGroup::Rotations.identity();
        assert_eq!(ActionGroup::Rotations.fault(&identity), None);
        let stretched: Vec<f32> = identity.iter().map(|x| 1.01 * x).collect();
        let mirrored: Vec<f32> = identity.iter().map(|x| -x).collect();
        for wrong in [stretched, mirrored, vec![0.0; 9]] {
            assert!(ActionGroup::Rotations.fault(&wrong).unwrap().contains("no rotation"), "{wrong:?}");
        }
        assert!(ActionGroup::Heading.fault(&[f32::NAN]).unwrap().contains("not finite"));
        assert!(ActionGroup::Translations(3).fault(&[0.0; 2]).unwrap().contains("2 numbers"));
        let both = ActionGroup::Product(vec![ActionGroup::Heading, ActionGroup::Rotations]);
        assert!(both.fault(&[0.0; 10]).unwrap().contains("no rotation"));
    }
}
