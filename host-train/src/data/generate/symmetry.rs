//! The rotations that carry a form onto itself, its stabilizer in SO(3): as far as poses of the form say nothing.

use gimbal_core::group::Group;
use gimbal_core::group::so3::Rotation;
use std::f32::consts::PI;

/// Rotations are the same if less than so many radians lie between them.
const SAME: f32 = 1e-3;

/// A stabilizer, about the form's centre.
#[derive(Clone, Debug, PartialEq)]
pub enum Stabilizer {
    /// All of its elements, the identity among them.
    Finite(Vec<Rotation>),
    /// Any turn about the third axis.
    Axial {
        /// Whether a half turn about the first axis is one, too.
        flips: bool,
    },
}

impl Stabilizer {
    /// The group of products of some rotations, each an axis and so many turns to come round once.
    ///
    /// # Panics
    /// Never ends if there are infinitely many.
    pub fn generated(generators: &[([f32; 3], f32)]) -> Self {
        let turns = generators.iter().map(|&(axis, turns)| turn(axis, 2.0 * PI / turns)).collect::<Vec<_>>();
        let mut all = vec![Rotation::IDENTITY];
        let mut next = 0;
        while let Some(&element) = all.get(next) {
            for &turn in &turns {
                let product = turn.compose(element);
                if all.iter().all(|known| known.angle_to(&product) > SAME) {
                    all.push(product);
                }
            }
            next += 1;
        }
        Self::Finite(all)
    }

    /// How far a rotation is from the nearest of these, radians.
    pub fn angle_to(&self, rotation: &Rotation) -> f32 {
        match self {
            Self::Finite(all) => all.iter().map(|known| known.angle_to(rotation)).fold(PI, f32::min),
            Self::Axial { flips } => {
                let flip = turn([1.0, 0.0, 0.0], PI);
                let about = |rotation: Rotation| rotation.angle_to(&about_third(&rotation));
                let straight = about(*rotation);
                if *flips { straight.min(about(flip.compose(*rotation))) } else { straight }
            }
        }
    }
}

/// The turn by an angle about an axis.
fn turn(axis: [f32; 3], angle: f32) -> Rotation {
    let length = axis.iter().map(|c| c * c).sum::<f32>().sqrt();
    let [x, y, z] = axis.map(|c| c / length * (angle / 2.0).sin());
    Rotation::from_quaternion([(angle / 2.0).cos(), x, y, z])
}

/// The turn about the third axis that is nearest: `a + d` and `c − b` of the matrix `[[a, b, ·], [c, d, ·], ·]` are largest
/// along its angle.
fn about_third(rotation: &Rotation) -> Rotation {
    let [[a, b, _], [c, d, _], _] = rotation.rows();
    turn([0.0, 0.0, 1.0], (c - b).atan2(a + d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rotation::random_quaternion;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Radians, of rotations in f32.
    const TOLERANCE: f32 = 2e-3;
    const Z: [f32; 3] = [0.0, 0.0, 1.0];

    #[test]
    fn groups_have_their_orders() {
        let x = [1.0, 0.0, 0.0];
        /// An axis each, and how many turns come round once.
        type Generators<'a> = &'a [([f32; 3], f32)];
        let orders: [(Generators<'_>, usize); 5] = [
            (&[], 1),
            (&[(Z, 4.0)], 4),
            (&[(x, 4.0), (Z, 2.0)], 8),
            (&[(Z, 2.0), ([1.0; 3], 3.0)], 12),
            (&[(Z, 4.0), (x, 4.0)], 24),
        ];
        for (generators, order) in orders {
            let Stabilizer::Finite(all) = Stabilizer::generated(generators) else { panic!() };
            assert_eq!(all.len(), order, "{generators:?}");
        }
    }

    /// A turn that belongs to it is at no distance, and one that lies across is as far as it says, but for what is nearer.
    #[test]
    fn the_nearest_element_is_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let many = Stabilizer::generated(&[(Z, 360.0)]);
        for _ in 0..200 {
            let angle = rng.random_range(-3.0f32..3.0);
            let across = turn([angle.cos(), angle.sin(), 0.0], 0.3);
            let element = turn(Z, rng.random_range(-3.0f32..3.0));
            for flips in [false, true] {
                let axial = Stabilizer::Axial { flips };
                assert!(axial.angle_to(&element) < TOLERANCE);
                assert!((axial.angle_to(&across.compose(element)) - 0.3).abs() < TOLERANCE);
            }
            let flipped = turn([1.0, 0.0, 0.0], PI).compose(element);
            assert!(Stabilizer::Axial { flips: true }.angle_to(&flipped) < TOLERANCE);
            assert!(Stabilizer::Axial { flips: false }.angle_to(&flipped) > 3.0);
            // Of many turns about an axis the nearest is as near as the nearest of all.
            let other = Rotation::from_quaternion(random_quaternion(&mut rng));
            let many = many.angle_to(&other);
            let all = Stabilizer::Axial { flips: false }.angle_to(&other);
            assert!(all < many + TOLERANCE && many < all + 0.02, "{all} and {many}");
        }
    }
}
