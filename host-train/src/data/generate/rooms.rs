//! Furnished rooms, seen by whoever walks in them: places and headings in the plane.
//!
//! A room is a square of 3.2 m, of which its middle, `[−1, 1]²` metres, is free to walk in. Heading 0 looks along x, and
//! positive headings look further to the left. Rays find the nearest of walls, floor, ceiling and furniture.

use super::triples::{Painter, Scene};
use crate::data::triples::ActionGroup;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::PI;

/// Metres from the middle of a room to its walls.
const WALL: f32 = 1.6;
/// Metres from the eye down to the floor, and up to the ceiling.
const HEIGHTS: [f32; 2] = [0.7, 0.9];
/// The tangent of half the field of view: 45°.
const VIEW: f32 = 1.0;
/// Rays through a pixel, each way.
const RAYS: usize = 2;
/// Metres in which half of the light gets lost.
const HAZE: f32 = 6.0;

/// Poses are places and headings in the room: a step leads somewhere on the map, whichever way one looks, and the group is a
/// direct product. The class is which room it is.
#[derive(Debug)]
pub struct Rooms;

/// The same pictures; poses say where the room's middle is, and which way its x points, for whoever looks (x ahead, y to the
/// left, metres). An action from the left is then what odometry measures, backwards, and the group is SE(2).
#[derive(Debug)]
pub struct RoomsOdometry;

/// Red, green and blue, 0 to 255.
type Colour = [f32; 3];

/// Something that stands, or hangs: from `low` to `high`, metres, z up from the eye.
#[derive(Clone, Copy, Debug)]
struct Piece {
    low: [f32; 3],
    high: [f32; 3],
    colour: Colour,
}

/// Walls towards x, y, −x and −y, the floor, and what stands about.
#[derive(Debug)]
struct Room {
    walls: [Colour; 4],
    floor: [Colour; 2],
    pieces: [Piece; 5],
}

const fn piece(low: [f32; 3], high: [f32; 3], colour: Colour) -> Piece {
    Piece { low, high, colour }
}

/// A living room, a kitchen and a bedroom.
const ROOMS: [Room; 3] = [
    Room {
        walls: [[200., 180., 150.], [170., 190., 160.], [190., 150., 140.], [150., 160., 190.]],
        floor: [[120., 80., 50.], [140., 95., 60.]],
        pieces: [
            // A sofa, its back, a bookcase, a lamp, a picture.
            piece([1.05, -0.8, -0.7], [1.55, 0.8, -0.35], [150., 30., 40.]),
            piece([1.4, -0.8, -0.35], [1.6, 0.8, 0.0], [120., 20., 30.]),
            piece([-1.3, 1.2, -0.7], [-0.3, 1.6, 0.6], [90., 60., 30.]),
            piece([1.2, 1.2, -0.7], [1.4, 1.4, 0.4], [250., 240., 120.]),
            piece([-0.6, -1.6, -0.1], [0.5, -1.55, 0.5], [30., 60., 140.]),
        ],
    },
    Room {
        walls: [[230., 230., 220.], [220., 235., 235.], [240., 225., 200.], [215., 225., 215.]],
        floor: [[210., 210., 210.], [60., 60., 70.]],
        pieces: [
            // A stove, a cupboard, a refrigerator, a table, a window.
            piece([-1.6, -1.5, -0.7], [-1.1, -0.5, 0.0], [70., 70., 75.]),
            piece([-1.6, -0.4, 0.2], [-1.3, 1.0, 0.7], [60., 130., 90.]),
            piece([0.6, 1.1, -0.7], [1.3, 1.6, 0.7], [170., 175., 190.]),
            piece([0.2, -1.6, -0.2], [1.5, -1.1, -0.1], [190., 130., 60.]),
            piece([1.55, -0.5, -0.1], [1.6, 0.7, 0.6], [120., 190., 250.]),
        ],
    },
    Room {
        walls: [[150., 140., 190.], [120., 150., 180.], [170., 140., 170.], [130., 130., 150.]],
        floor: [[80., 90., 60.], [95., 105., 70.]],
        pieces: [
            // A bed, a pillow, a wardrobe, a desk, a mirror.
            piece([-1.6, -1.5, -0.7], [1.1, -1.05, -0.4], [230., 230., 240.]),
            piece([-1.6, -1.5, -0.4], [-1.1, -1.1, -0.25], [240., 170., 60.]),
            piece([-1.6, 0.2, -0.7], [-1.15, 1.4, 0.8], [70., 40., 30.]),
            piece([0.1, 1.1, -0.15], [1.3, 1.6, -0.05], [160., 110., 70.]),
            piece([1.55, -0.6, -0.3], [1.6, 0.1, 0.6], [220., 240., 250.]),
        ],
    },
];

impl Scene for Rooms {
    fn group(&self) -> ActionGroup {
        ActionGroup::Planar { semidirect: false }
    }

    fn classes(&self) -> usize {
        ROOMS.len()
    }

    fn channels(&self) -> usize {
        3
    }

    fn draw_pose(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        vec![rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0), rng.random_range(-PI..PI)]
    }

    fn painter(&self, size: usize) -> Painter {
        Box::new(move |class, pose| view(&ROOMS[class], pose, size))
    }
}

impl Scene for RoomsOdometry {
    fn group(&self) -> ActionGroup {
        ActionGroup::Planar { semidirect: true }
    }

    fn classes(&self) -> usize {
        ROOMS.len()
    }

    fn channels(&self) -> usize {
        3
    }

    fn draw_pose(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        self.group().inverse(&Rooms.draw_pose(rng))
    }

    fn painter(&self, size: usize) -> Painter {
        let group = self.group();
        Box::new(move |class, pose| view(&ROOMS[class], &group.inverse(pose), size))
    }
}

/// What is seen from a place in a direction.
fn view(room: &Room, pose: &[f32], size: usize) -> Vec<u8> {
    let mut pixels = vec![0; 3 * size * size];
    let (sin, cos) = pose[2].sin_cos();
    let side = (size * RAYS) as f32;
    for at in 0..size * size {
        let mut sum = [0.0; 3];
        for ray in 0..RAYS * RAYS {
            let cell = |pixel: usize, part: usize| 1.0 - 2.0 * ((pixel * RAYS + part) as f32 + 0.5) / side;
            let (left, up) = (VIEW * cell(at % size, ray % RAYS), VIEW * cell(at / size, ray / RAYS));
            let colour = cast(room, [pose[0], pose[1], 0.0], [cos - left * sin, sin + left * cos, up]);
            sum = std::array::from_fn(|channel| sum[channel] + colour[channel] / (RAYS * RAYS) as f32);
        }
        (0..3).for_each(|channel| pixels[channel * size * size + at] = sum[channel].round() as u8);
    }
    pixels
}

/// The colour where a ray ends. Rays are one metre long ahead, so that distances are what a camera's depth is.
fn cast(room: &Room, from: [f32; 3], ray: [f32; 3]) -> Colour {
    // Every ray meets the room's own box from inside.
    let low = [-WALL, -WALL, -HEIGHTS[0]];
    let high = [WALL, WALL, HEIGHTS[1]];
    let (mut near, axis) = leaves(from, ray, low, high);
    let at: [f32; 3] = std::array::from_fn(|i| from[i] + near * ray[i]);
    let mut colour = match (axis, ray[axis] > 0.0) {
        (0, true) => room.walls[0],
        (1, true) => room.walls[1],
        (0, false) => room.walls[2],
        (1, false) => room.walls[3],
        (_, true) => [245.0; 3],
        // Boards, or tiles, of 0.4 m.
        _ => room.floor[((at[0] / 0.4).floor() as i32 + (at[1] / 0.4).floor() as i32).rem_euclid(2) as usize],
    };
    for piece in &room.pieces {
        if let Some((distance, axis)) = enters(from, ray, piece)
            && distance < near
        {
            near = distance;
            // Sides that look another way are another bit darker.
            colour = piece.colour.map(|c| c * [0.85, 0.7, 1.0][axis]);
        }
    }
    // A corner is brighter than the others, or a bare wall would look the same all along.
    let light = 0.85 + 0.15 * ((from[0] + near * ray[0]) + 0.5 * (from[1] + near * ray[1])) / (1.5 * WALL);
    colour.map(|c| c * light * HAZE / (HAZE + near))
}

/// Where a ray leaves a box that it starts in, and the axis of that side.
fn leaves(from: [f32; 3], ray: [f32; 3], low: [f32; 3], high: [f32; 3]) -> (f32, usize) {
    let exit = |axis: usize| match ray[axis] {
        0.0 => f32::INFINITY,
        speed => (if speed > 0.0 { high[axis] } else { low[axis] } - from[axis]) / speed,
    };
    (0..3).map(|axis| (exit(axis), axis)).fold((f32::INFINITY, 0), |a, b| if b.0 < a.0 { b } else { a })
}

/// Where a ray enters a box from outside, and the axis of that side.
fn enters(from: [f32; 3], ray: [f32; 3], piece: &Piece) -> Option<(f32, usize)> {
    let (mut entry, mut side, mut exit) = (0.0, None, f32::INFINITY);
    for axis in 0..3 {
        let inverse = 1.0 / ray[axis];
        let (a, b) = ((piece.low[axis] - from[axis]) * inverse, (piece.high[axis] - from[axis]) * inverse);
        let (near, far) = (a.min(b), a.max(b));
        if near > entry {
            (entry, side) = (near, Some(axis));
        }
        exit = f32::min(exit, far);
    }
    side.filter(|_| entry < exit).map(|axis| (entry, axis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const SIZE: usize = 32;
    /// Levels of 255 that two ways of counting rays may differ by.
    const TOLERANCE: f32 = 1.0;

    /// The pixel in a row of the picture, all channels.
    fn pixel(picture: &[u8], row: usize, column: usize) -> [u8; 3] {
        std::array::from_fn(|channel| picture[(channel * SIZE + row) * SIZE + column])
    }

    #[test]
    fn who_looks_along_x_sees_the_wall_there() {
        for (heading, wall) in [(0.0, 0), (PI / 2.0, 1), (PI, 2), (-PI / 2.0, 3)] {
            let bare = Room { pieces: [piece([9.0; 3], [9.1; 3], [0.0; 3]); 5], ..ROOMS[0] };
            let seen = pixel(&view(&bare, &[0.0, 0.0, heading], SIZE), SIZE / 2, SIZE / 2);
            let light = [0.95, 0.9, 0.75, 0.8][wall];
            let expected = bare.walls[wall].map(|c| c * light * HAZE / (HAZE + WALL));
            assert!((0..3).all(|i| (f32::from(seen[i]) - expected[i]).abs() < TOLERANCE), "{heading}: {seen:?}");
        }
    }

    /// The lamp stands ahead and to the left: turning left brings it to the middle, walking on makes it larger.
    #[test]
    fn furniture_moves_as_it_should() {
        let lamp = |pose: [f32; 3]| {
            let picture = view(&ROOMS[0], &pose, SIZE);
            let bright = |&column: &usize| {
                let [red, green, blue] = pixel(&picture, SIZE / 2, column).map(i16::from);
                red > 110 && green > 110 && 5 * blue < 3 * red
            };
            (0..SIZE).filter(bright).collect::<Vec<_>>()
        };
        let (ahead, turned) = (lamp([0.0, 0.0, 0.5]), lamp([0.0, 0.0, PI / 4.0]));
        assert!(!ahead.is_empty() && ahead.iter().all(|&column| column < SIZE / 2), "{ahead:?}");
        assert!(turned.contains(&(SIZE / 2)), "{turned:?}");
        assert!(lamp([0.6, 0.6, PI / 4.0]).len() > turned.len());
    }

    #[test]
    fn nobody_walks_through_furniture() {
        for room in &ROOMS {
            for piece in &room.pieces {
                let apart = (0..2).any(|axis| piece.low[axis] >= 1.0 || piece.high[axis] <= -1.0);
                assert!(apart && piece.high.iter().all(|&c| c <= WALL), "{piece:?}");
            }
        }
    }

    /// Odometry tells how far one has gone and turned, in one's own terms: that, backwards, acts from the left.
    #[test]
    fn odometry_acts_from_the_left() {
        let (group, mut rng) = (RoomsOdometry.group(), ChaCha8Rng::seed_from_u64(2));
        for _ in 0..20 {
            let (before, step) = (Rooms.draw_pose(&mut rng), [0.2, -0.1, 0.3]);
            // A motion in one's own terms acts on map poses from the right.
            let after = group.compose(&before, &step);
            let action = group.inverse(&step);
            let pose = group.compose(&action, &group.inverse(&before));
            assert!(group.distance(&pose, &group.inverse(&after)) < 1e-5);
            let (on_map, own) = (Rooms.painter(SIZE)(1, &after), RoomsOdometry.painter(SIZE)(1, &pose));
            let apart =
                on_map.iter().zip(&own).map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>() / on_map.len() as f32;
            assert!(apart < TOLERANCE, "{apart}");
        }
    }
}
