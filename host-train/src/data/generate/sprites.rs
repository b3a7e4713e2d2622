//! Sprites: a heart, a square or an ellipse that moves in its frame, R³; and three of them in red, green and blue, R⁶.
//!
//! A sprite at `[x, y]` has its middle at `½ + 0.2·[x, y]` of the frame, right and down, and with the scale s a radius of
//! `0.16·1.5ˢ` of it: scales add up as places do. Numbers are −1 to 1, so a sprite never leaves its frame.

use super::triples::{Painter, Scene};
use crate::data::triples::ActionGroup;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How far a sprite's middle is from the frame's at most, in sides of the frame.
const REACH: f32 = 0.2;
/// A sprite's radius at scale 0, in sides of the frame.
const RADIUS: f32 = 0.16;
/// By how much a scale of 1 is larger than one of 0.
const GROWTH: f32 = 1.5;
/// A pixel is as bright as many of its places lie inside: so many times so many.
const PLACES: usize = 4;
/// As many shapes.
const SHAPES: usize = 3;

/// One sprite: x, y, scale; its class is its shape.
#[derive(Debug)]
pub struct Sprites;

/// Three sprites, x and y of the red, the green and the blue one; the class is which of them has which shape.
#[derive(Debug)]
pub struct MultiSprites;

/// Which shape is red, green and blue.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]];

impl Scene for Sprites {
    fn group(&self) -> ActionGroup {
        ActionGroup::Translations(3)
    }

    fn classes(&self) -> usize {
        SHAPES
    }

    fn channels(&self) -> usize {
        1
    }

    fn draw_pose(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        (0..3).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn painter(&self, size: usize) -> Painter {
        Box::new(move |class, pose| sprite(class, [pose[0], pose[1]], pose[2], size))
    }
}

impl Scene for MultiSprites {
    fn group(&self) -> ActionGroup {
        ActionGroup::Translations(6)
    }

    fn classes(&self) -> usize {
        ORDERS.len()
    }

    fn channels(&self) -> usize {
        3
    }

    fn draw_pose(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        (0..6).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn painter(&self, size: usize) -> Painter {
        Box::new(move |class, pose| {
            let shapes = ORDERS[class].iter().zip(pose.as_chunks::<2>().0);
            shapes.flat_map(|(&shape, &place)| sprite(shape, place, 0.5, size)).collect()
        })
    }
}

/// A shape in white on black.
fn sprite(shape: usize, [x, y]: [f32; 2], scale: f32, size: usize) -> Vec<u8> {
    let mut pixels = vec![0; size * size];
    let side = size as f32;
    let (middle, radius) = ([x, y].map(|at| (0.5 + REACH * at) * side), RADIUS * GROWTH.powf(scale) * side);
    let around = |at: f32| (at - radius).floor().max(0.0) as usize..((at + radius).ceil().max(0.0) as usize).min(size);
    for row in around(middle[1]) {
        for column in around(middle[0]) {
            // No two of them above or beside each other, so that an edge is seen to move by sixteenths.
            let offset =
                |part: usize, other: usize| (part as f32 + (other as f32 + 0.5) / PLACES as f32) / PLACES as f32;
            let places = (0..PLACES * PLACES).map(|i| (i % PLACES, i / PLACES)).map(|(i, j)| {
                let [x, y] = [column as f32 + offset(i, j), row as f32 + offset(j, i)];
                [(x - middle[0]) / radius, (y - middle[1]) / radius]
            });
            let inside = places.filter(|&at| covers(shape, at)).count();
            pixels[row * size + column] = (inside * 255 / (PLACES * PLACES)) as u8;
        }
    }
    pixels
}

/// Whether a shape of radius 1 covers a place, y down.
fn covers(shape: usize, [x, y]: [f32; 2]) -> bool {
    match shape {
        // A curve of sixth degree: (u² + v² − 1)³ < u²·v³.
        0 => {
            let [u, v] = [1.25 * x, -1.25 * y + 0.1];
            (u * u + v * v - 1.0).powi(3) < u * u * v * v * v
        }
        1 => x.abs().max(y.abs()) < 0.75,
        _ => x * x + (y / 0.55).powi(2) < 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Pixels that a sprite's middle of mass may be off after a shift: edges are counted in sixteenths.
    const TOLERANCE: f32 = 0.1;
    const SIZE: usize = 32;

    /// Middle of mass, and mass.
    fn moments(pixels: &[u8]) -> ([f32; 2], f32) {
        let mass = pixels.iter().map(|&p| f32::from(p)).sum::<f32>();
        let mean = |at: fn(usize) -> usize| {
            pixels.iter().enumerate().map(|(i, &p)| at(i) as f32 * f32::from(p)).sum::<f32>() / mass
        };
        ([mean(|i| i % SIZE), mean(|i| i / SIZE)], mass)
    }

    #[test]
    fn a_sprite_goes_where_its_pose_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for shape in 0..SHAPES {
            let (rest, mass) = moments(&Sprites.painter(SIZE)(shape, &[0.0; 3]));
            for _ in 0..50 {
                let pose = Sprites.draw_pose(&mut rng);
                let (moved, grown) = moments(&Sprites.painter(SIZE)(shape, &[pose[0], pose[1], 0.0]));
                let expected = [0, 1].map(|axis| rest[axis] + pose[axis] * REACH * SIZE as f32);
                assert!((0..2).all(|i| (moved[i] - expected[i]).abs() < TOLERANCE), "{moved:?} and {expected:?}");
                assert!((grown / mass - 1.0).abs() < 0.03, "{shape}: {grown} and {mass}");
                let (_, grown) = moments(&Sprites.painter(SIZE)(shape, &pose));
                let area = GROWTH.powf(2.0 * pose[2]);
                assert!((grown / mass / area - 1.0).abs() < 0.05, "{} and {area}", grown / mass);
            }
        }
    }

    #[test]
    fn no_sprite_leaves_its_frame() {
        for shape in 0..SHAPES {
            for corner in 0..4 {
                let sign = |bit: usize| if corner & bit == 0 { -1.0 } else { 1.0 };
                let pixels = Sprites.painter(SIZE)(shape, &[sign(1), sign(2), 1.0]);
                let edge = |i: usize| [0, SIZE - 1].contains(&(i % SIZE)) || [0, SIZE - 1].contains(&(i / SIZE));
                assert!(pixels.iter().enumerate().all(|(i, &p)| !edge(i) || p == 0), "{shape}, {corner}");
            }
        }
    }

    #[test]
    fn colours_do_not_meet() {
        let mut pose = [0.0; 6];
        let before = MultiSprites.painter(SIZE)(3, &pose);
        pose[2] = 0.7;
        let after = MultiSprites.painter(SIZE)(3, &pose);
        let changed: Vec<bool> =
            before.chunks(SIZE * SIZE).zip(after.chunks(SIZE * SIZE)).map(|(a, b)| a != b).collect();
        assert_eq!(changed, [false, true, false]);
        assert!(ORDERS.iter().all(|order| (0..3).all(|shape| order.contains(&shape))));
    }
}
