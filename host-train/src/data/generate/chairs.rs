//! Solids that are turned in space, SO(3): three that look different in every pose, and two that do not.
//!
//! Poses turn a solid about its middle before who looks at it: a turn about x lifts what is near, one about y turns it to
//! the right, one about z turns the picture counterclockwise.

use super::faces::{Face, block, render};
use super::symmetry::Stabilizer;
use super::triples::{Painter, Scene};
use crate::data::rotation::random;
use crate::data::triples::ActionGroup;
use rand_chacha::ChaCha8Rng;

/// Half a picture shows so much, in units of the solids, none of which reaches further.
const REACH: f32 = 1.1;
/// How bright parts are, of 255, when they face the light: solids are painted, or many of their poses would be hard to tell
/// apart.
const PAINT: [f32; 3] = [255.0, 160.0, 90.0];

/// Middle, half the sides, and which of the [`PAINT`]s.
type Block = ([f32; 3], [f32; 3], usize);

/// A chair, an aeroplane and a tap.
#[derive(Debug)]
pub struct Chairs;

const CHAIRS: [&[Block]; 3] = [
    &[
        ([0.0, 0.0, 0.0], [0.42, 0.42, 0.07], 0),
        ([0.0, 0.37, 0.45], [0.42, 0.06, 0.38], 1),
        ([0.35, 0.35, -0.33], [0.07, 0.07, 0.27], 2),
        ([-0.35, 0.35, -0.33], [0.07, 0.07, 0.27], 2),
        ([0.35, -0.35, -0.33], [0.07, 0.07, 0.27], 2),
        ([-0.35, -0.35, -0.33], [0.07, 0.07, 0.27], 2),
        ([0.37, 0.0, 0.28], [0.06, 0.36, 0.06], 2),
    ],
    &[
        ([0.0, 0.0, 0.0], [0.85, 0.13, 0.13], 0),
        ([0.15, 0.0, -0.05], [0.2, 0.8, 0.05], 1),
        ([-0.7, 0.0, 0.1], [0.12, 0.35, 0.04], 1),
        ([-0.72, 0.0, 0.32], [0.12, 0.04, 0.22], 2),
        ([0.75, 0.0, 0.0], [0.15, 0.15, 0.15], 2),
    ],
    &[
        ([0.0, 0.0, -0.2], [0.2, 0.2, 0.6], 1),
        ([0.45, 0.0, 0.25], [0.35, 0.14, 0.14], 0),
        ([0.7, 0.0, -0.05], [0.11, 0.13, 0.3], 0),
        ([0.0, 0.3, 0.55], [0.1, 0.45, 0.1], 2),
        ([0.0, 0.0, -0.75], [0.4, 0.3, 0.08], 2),
    ],
];

/// A stool, which four turns about its height leave as it is, and a bench, which two do.
#[derive(Debug)]
pub struct ChairsSymmetric;

const SYMMETRIC: [(&[Block], f32); 2] = [
    (
        &[
            ([0.0, 0.0, 0.3], [0.6, 0.6, 0.12], 0),
            ([0.4, 0.4, -0.3], [0.12, 0.12, 0.5], 2),
            ([-0.4, 0.4, -0.3], [0.12, 0.12, 0.5], 2),
            ([0.4, -0.4, -0.3], [0.12, 0.12, 0.5], 2),
            ([-0.4, -0.4, -0.3], [0.12, 0.12, 0.5], 2),
        ],
        4.0,
    ),
    (
        &[
            ([0.0, 0.0, 0.2], [0.85, 0.25, 0.1], 0),
            ([0.6, 0.0, -0.3], [0.1, 0.22, 0.4], 1),
            ([-0.6, 0.0, -0.3], [0.1, 0.22, 0.4], 1),
            ([0.0, 0.0, 0.4], [0.15, 0.15, 0.1], 2),
        ],
        2.0,
    ),
];

impl Scene for Chairs {
    fn group(&self) -> ActionGroup {
        ActionGroup::Rotations
    }

    fn classes(&self) -> usize {
        CHAIRS.len()
    }

    fn channels(&self) -> usize {
        1
    }

    fn draw_pose(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        random(rng).concat()
    }

    fn painter(&self, size: usize) -> Painter {
        painter(CHAIRS.to_vec(), size)
    }
}

impl Scene for ChairsSymmetric {
    fn group(&self) -> ActionGroup {
        ActionGroup::Rotations
    }

    fn classes(&self) -> usize {
        SYMMETRIC.len()
    }

    fn channels(&self) -> usize {
        1
    }

    fn draw_pose(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        random(rng).concat()
    }

    fn painter(&self, size: usize) -> Painter {
        painter(SYMMETRIC.iter().map(|(blocks, _)| *blocks).collect(), size)
    }

    fn stabilizer(&self, class: usize) -> Vec<Vec<f32>> {
        match Stabilizer::generated(&[([0.0, 0.0, 1.0], SYMMETRIC[class].1)]) {
            Stabilizer::Finite(all) => all.iter().map(|rotation| rotation.rows().concat()).collect(),
            Stabilizer::Axial { .. } => unreachable!("few turns come round"),
        }
    }
}

fn painter(solids: Vec<&'static [Block]>, size: usize) -> Painter {
    let faces = |blocks: &[Block]| -> Vec<Face> {
        blocks.iter().flat_map(|&(middle, half, paint)| block(middle, half, paint)).collect()
    };
    let solids: Vec<Vec<Face>> = solids.into_iter().map(faces).collect();
    Box::new(move |class, pose| {
        let view = std::array::from_fn(|i| std::array::from_fn(|j| pose[3 * i + j]));
        let parts = render(&solids[class], &view, REACH, size, PAINT.len());
        let bright = |pixel: &Vec<f32>| pixel.iter().zip(PAINT).map(|(share, paint)| share * paint).sum::<f32>();
        parts.iter().map(|pixel| bright(pixel).round() as u8).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    const SIZE: usize = 32;
    /// By how much, of 255, pictures of two poses 30° and more apart differ at least in the mean of their pixels.
    const APART: f32 = 2.0;

    #[test]
    fn nothing_reaches_beyond_the_picture() {
        for blocks in CHAIRS.into_iter().chain(SYMMETRIC.map(|(blocks, _)| blocks)) {
            for (middle, half, _) in blocks {
                let far = (0..3).map(|i| (middle[i].abs() + half[i]).powi(2)).sum::<f32>().sqrt();
                assert!(far < REACH, "{middle:?}: {far}");
            }
        }
    }

    /// Turned by 30° and more, no chair looks as it did.
    #[test]
    fn every_pose_of_a_chair_is_its_own() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let paint = Chairs.painter(SIZE);
        for class in 0..CHAIRS.len() {
            for _ in 0..100 {
                let [p, q] = [Chairs.draw_pose(&mut rng), Chairs.draw_pose(&mut rng)];
                let apart = ActionGroup::Rotations.distance(&p, &q);
                // 2√2·sin(15°).
                if apart > 0.732 {
                    let (a, b) = (paint(class, &p), paint(class, &q));
                    let mean = a.iter().zip(&b).map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>() / a.len() as f32;
                    assert!(mean > APART, "{class}: {mean} at {apart}");
                }
            }
        }
    }

    #[test]
    fn stabilizers_have_as_many_elements_as_turns() {
        for class in 0..SYMMETRIC.len() {
            assert_eq!(ChairsSymmetric.stabilizer(class).len(), [4, 2][class]);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let paint = ChairsSymmetric.painter(SIZE);
        let (pose, angle) = (ChairsSymmetric.draw_pose(&mut rng), rng.random_range(0.4f32..1.1));
        let between = [angle.cos(), -angle.sin(), 0.0, angle.sin(), angle.cos(), 0.0, 0.0, 0.0, 1.0];
        let moved = ActionGroup::Rotations.compose(&pose, &between);
        assert_ne!(paint(0, &pose), paint(0, &moved));
    }
}
