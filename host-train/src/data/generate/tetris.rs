//! Four cubes that touch, by their centres, in all eight ways there are in space but for rotations: two of them are mirror
//! images of each other. Each coordinate has noise (Winter et al. 2022, Tetris).

use super::{Drawn, Generator, noised};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Standard deviation of the noise, sides of a cube.
pub const NOISE: f32 = 0.01;
/// Standard deviation of where shapes stand, along each axis, sides of a cube.
const SPREAD: f32 = 5.0;

/// Name and centres of each shape.
const SHAPES: [(&str, [[f32; 3]; 4]); 8] = [
    ("left screw", [[0., 0., 0.], [0., 0., 1.], [1., 0., 0.], [1., 1., 0.]]),
    ("right screw", [[0., 0., 0.], [0., 0., 1.], [1., 0., 0.], [1., -1., 0.]]),
    ("square", [[0., 0., 0.], [1., 0., 0.], [0., 1., 0.], [1., 1., 0.]]),
    ("bar", [[0., 0., 0.], [0., 0., 1.], [0., 0., 2.], [0., 0., 3.]]),
    ("corner", [[0., 0., 0.], [0., 0., 1.], [0., 1., 0.], [1., 0., 0.]]),
    ("L", [[0., 0., 0.], [0., 0., 1.], [0., 0., 2.], [0., 1., 0.]]),
    ("T", [[0., 0., 0.], [0., 0., 1.], [0., 0., 2.], [0., 1., 1.]]),
    ("S", [[0., 0., 0.], [1., 0., 0.], [1., 1., 0.], [2., 1., 0.]]),
];

/// See the module. Sets of any other size than four are cut or repeat their cubes.
#[derive(Debug)]
pub struct Tetris;

impl Generator for Tetris {
    fn has_points(&self) -> bool {
        true
    }

    fn classes(&self) -> Vec<String> {
        SHAPES.map(|(name, _)| name.into()).to_vec()
    }

    fn spread(&self) -> f32 {
        SPREAD
    }

    fn draw(&self, elements: usize, rng: &mut ChaCha8Rng) -> Drawn {
        let label = rng.random_range(0..SHAPES.len());
        let (_, centres) = SHAPES[label];
        let points = (0..elements).map(|i| noised(centres[i % centres.len()], NOISE, rng)).collect();
        Drawn { points, types: Vec::new(), label }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Sorted squared distances between all pairs, and the sign of the volume that the first three steps span if it is
    /// the same for every way to walk through the shape.
    fn distances(centres: [[f32; 3]; 4]) -> Vec<f32> {
        let mut all: Vec<f32> = (0..4)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| (0..3).map(|axis| (centres[i][axis] - centres[j][axis]).powi(2)).sum())
            .collect();
        all.sort_by(f32::total_cmp);
        all
    }

    #[test]
    fn shapes_differ_and_two_of_them_are_mirror_images() {
        let all: Vec<Vec<f32>> = SHAPES.iter().map(|&(_, centres)| distances(centres)).collect();
        assert_eq!(all[0], all[1]);
        let mirrored = SHAPES[0].1.map(|[x, y, z]| [x, -y, z]);
        assert_eq!(mirrored, SHAPES[1].1);
        for i in 1..8 {
            assert!((1..i).all(|j| all[i] != all[j]), "{}", SHAPES[i].0);
        }
    }

    #[test]
    fn noise_has_its_deviation() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let squares: f32 = (0..2000)
            .map(|_| {
                let drawn = Tetris.draw(4, &mut rng);
                let (_, centres) = SHAPES[drawn.label];
                let pairs = drawn.points.iter().zip(centres);
                pairs.flat_map(|(p, c)| (0..3).map(move |axis| (p[axis] - c[axis]).powi(2))).sum::<f32>() / 12.0
            })
            .sum();
        assert!((squares / 2000.0 / NOISE.powi(2) - 1.0).abs() < 0.05);
    }
}
