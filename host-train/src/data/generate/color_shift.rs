//! A room with something in it whose three colours change: floor, wall and thing, a product of three circles of hues.
//!
//! A hue is an angle: 0 is red, ⅓ of a turn green, ⅔ blue, and all hues are equally bright.

use super::faces::{Face, block, render, turned};
use super::triples::{Painter, Scene};
use crate::data::rotation::{Matrix, matrix};
use crate::data::triples::ActionGroup;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::{PI, TAU};

/// Floor, wall, thing.
const HUES: usize = 3;
/// A cube, a ball, a cone and a cylinder.
const THINGS: usize = 4;
/// Half a picture shows so much.
const REACH: f32 = 1.0;

/// See the module: three hues; the class is what the thing is.
#[derive(Debug)]
pub struct ColorShift;

impl Scene for ColorShift {
    fn group(&self) -> ActionGroup {
        ActionGroup::Product(vec![ActionGroup::Heading; HUES])
    }

    fn classes(&self) -> usize {
        THINGS
    }

    fn channels(&self) -> usize {
        3
    }

    fn draw_pose(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        (0..HUES).map(|_| rng.random_range(-PI..PI)).collect()
    }

    fn painter(&self, size: usize) -> Painter {
        let scenes: Vec<_> = (0..THINGS).map(|class| render(&scene(class), &view(), REACH, size, HUES)).collect();
        Box::new(move |class, hues| {
            let channel = |channel: usize| {
                let colour: Vec<f32> = hues.iter().map(|&hue| bright(hue, channel)).collect();
                let mixed = move |pixel: &Vec<f32>| pixel.iter().zip(&colour).map(|(share, c)| share * c).sum::<f32>();
                scenes[class].iter().map(move |pixel| (255.0 * mixed(pixel)).round() as u8)
            };
            (0..3).flat_map(channel).collect()
        })
    }
}

/// How much of red, green or blue a hue has, 0 to 1.
fn bright(hue: f32, channel: usize) -> f32 {
    0.5 + 0.5 * (hue - TAU / 3.0 * channel as f32).cos()
}

/// From a little above and from the side: z of the room is up, and the wall is behind.
fn view() -> Matrix {
    // A half turn less 65° about x lays the floor down, after a turn of 25° about z.
    let [tilt, side] = [-65f32, 25.0].map(|degrees| degrees.to_radians() / 2.0);
    let turn = crate::data::rotation::product([tilt.cos(), tilt.sin(), 0.0, 0.0], [side.cos(), 0.0, 0.0, side.sin()]);
    matrix(turn)
}

fn scene(class: usize) -> Vec<Face> {
    let floor = block([0.0, 0.0, -0.6], [1.0, 1.0, 0.1], 0);
    let wall = block([0.0, 1.0, 0.2], [1.6, 0.1, 1.2], 1);
    let thing: Vec<Face> = match class {
        0 => block([0.0, 0.0, -0.1], [0.38; 3], 2).collect(),
        1 => {
            let profile: Vec<[f32; 2]> = (0..=8)
                .map(|i| TAU / 16.0 * i as f32)
                .collect::<Vec<_>>()
                .iter()
                .map(|angle| [0.45 * angle.sin(), -0.05 - 0.45 * angle.cos()])
                .collect();
            turned(&profile, 16, 2).collect()
        }
        2 => turned(&[[0.5, -0.5], [0.001, 0.5]], 16, 2).collect(),
        _ => turned(&[[0.3, -0.5], [0.3, 0.4], [0.001, 0.4001]], 16, 2).collect(),
    };
    floor.chain(wall).chain(thing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 32;

    /// Each of the three is seen, and a hue changes what it colours and nothing else.
    #[test]
    fn a_hue_colours_its_part() {
        for class in 0..THINGS {
            let parts = render(&scene(class), &view(), REACH, SIZE, HUES);
            let paint = ColorShift.painter(SIZE);
            let before = paint(class, &[0.0; HUES]);
            for part in 0..HUES {
                let mut hues = [0.0; HUES];
                hues[part] = PI;
                let after = paint(class, &hues);
                let shows = parts.iter().filter(|pixel| pixel[part] > 0.0).count();
                assert!(shows > SIZE * SIZE / 20, "{class}: {shows} pixels of part {part}");
                let changed = (0..SIZE * SIZE).filter(|&i| before[i] != after[i]).count();
                assert_eq!(changed, shows, "{class}, {part}");
            }
        }
    }

    #[test]
    fn hues_are_a_circle() {
        assert_eq!([0, 1, 2].map(|channel| (100.0 * bright(0.0, channel)).round()), [100.0, 25.0, 25.0]);
        assert_eq!([0, 1, 2].map(|channel| (100.0 * bright(TAU / 3.0, channel)).round()), [25.0, 100.0, 25.0]);
        assert!((0..3).all(|channel| (bright(-PI, channel) - bright(PI, channel)).abs() < 1e-6));
        let sums = [0.1f32, 1.0, 2.5].map(|hue| (0..3).map(|channel| bright(hue, channel)).sum::<f32>());
        assert!(sums.iter().all(|sum| (sum - 1.5).abs() < 1e-6));
    }
}
