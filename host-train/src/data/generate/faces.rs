//! A small renderer of solids made of flat faces: seen from far away, with a depth for each cell of the picture.

use crate::data::rotation::{Matrix, turn};
use std::f32::consts::{FRAC_1_SQRT_2, TAU};

/// Cells in a pixel, each way.
const CELLS: usize = 2;
/// Where light comes from, of length 1: from above, from the right, and from behind who looks.
const LIGHT: [f32; 3] = [0.424_264, 0.565_685, FRAC_1_SQRT_2];
/// How bright a face is that gets no light.
const AMBIENT: f32 = 0.3;

/// A flat convex face.
#[derive(Clone, Copy, Debug)]
pub(super) struct Face {
    /// Its corners, counterclockwise for who looks at it from outside; two may be one.
    corners: [[f32; 3]; 4],
    /// Of length 1, to the outside.
    normal: [f32; 3],
    /// What it is a part of: an index for whoever colours the picture.
    part: usize,
}

/// The six faces of a box, from its middle and half its sides.
pub(super) fn block(middle: [f32; 3], half: [f32; 3], part: usize) -> impl Iterator<Item = Face> {
    (0..6).map(move |side| {
        let (axis, sign) = (side / 2, if side % 2 == 0 { 1.0 } else { -1.0 });
        let [u, v] = if sign > 0.0 { [axis + 1, axis + 2] } else { [axis + 2, axis + 1] }.map(|axis| axis % 3);
        let corners = [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]].map(|[a, b]: [f32; 2]| {
            let mut corner = middle;
            corner[axis] += sign * half[axis];
            corner[u] += a * half[u];
            corner[v] += b * half[v];
            corner
        });
        let mut normal = [0.0; 3];
        normal[axis] = sign;
        Face { corners, normal, part }
    })
}

/// Radius and height along a profile from below to above, turned about the third axis in so many parts.
pub(super) fn turned(profile: &[[f32; 2]], parts: usize, part: usize) -> impl Iterator<Item = Face> {
    let ring = move |at: usize| {
        let angle = TAU * at as f32 / parts as f32;
        [angle.cos(), angle.sin()]
    };
    profile.windows(2).flat_map(move |ends| {
        let &[[low, below], [high, above]] = ends else { unreachable!("windows of two") };
        (0..parts).map(move |at| {
            let ([c, s], [d, t]) = (ring(at), ring(at + 1));
            let corners = [[low * c, low * s, below], [low * d, low * t, below], [high * d, high * t, above]];
            let normal = unit([(c + d) / 2.0 * (above - below), (s + t) / 2.0 * (above - below), low - high]);
            Face { corners: [corners[0], corners[1], corners[2], [high * c, high * s, above]], normal, part }
        })
    })
}

/// What a cell shows.
#[derive(Clone, Copy, Debug)]
struct Hit {
    depth: f32,
    shade: f32,
    part: usize,
}

/// How much of each part a pixel shows, `[pixels][parts]`: how much of it, times how bright it is, 0 to 1.
///
/// The picture is `size × size`, of what lies within `reach` of the middle: x to the right, y up, z to who looks.
pub(super) fn render(faces: &[Face], view: &Matrix, reach: f32, size: usize, parts: usize) -> Vec<Vec<f32>> {
    let side = size * CELLS;
    let mut cells: Vec<Option<Hit>> = vec![None; side * side];
    for face in faces {
        let normal = turn(view, face.normal);
        // From behind, a closed solid hides it.
        if normal[2] > 1e-6 {
            draw(face, normal, view, reach, &mut cells);
        }
    }
    let mut pixels = vec![vec![0.0; parts]; size * size];
    for (at, hit) in cells.iter().enumerate() {
        if let Some(hit) = hit {
            let pixel = at / side / CELLS * size + at % side / CELLS;
            pixels[pixel][hit.part] += hit.shade / (CELLS * CELLS) as f32;
        }
    }
    pixels
}

fn draw(face: &Face, normal: [f32; 3], view: &Matrix, reach: f32, cells: &mut [Option<Hit>]) {
    let side = cells.len().isqrt();
    let scale = side as f32 / (2.0 * reach);
    // In cells from the upper left; depth stays what it is.
    let corners = face.corners.map(|corner| {
        let [x, y, z] = turn(view, corner);
        [(x + reach) * scale, (reach - y) * scale, z]
    });
    let range = |axis: usize| {
        let [low, high] = [f32::min as fn(f32, f32) -> f32, f32::max]
            .map(|pick| corners.iter().map(|corner| corner[axis]).reduce(pick).unwrap_or_default());
        (low - 0.5).ceil().max(0.0) as usize..((high + 0.5).floor().max(0.0) as usize).min(side)
    };
    let shade = AMBIENT + (1.0 - AMBIENT) * (0..3).map(|i| normal[i] * LIGHT[i]).sum::<f32>().max(0.0);
    for row in range(1) {
        for column in range(0) {
            let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
            // Rows grow downwards, so counterclockwise corners have the inside where this is not positive.
            let inside = (0..4).all(|i| {
                let ([ax, ay, _], [bx, by, _]) = (corners[i], corners[(i + 1) % 4]);
                (bx - ax) * (y - ay) - (by - ay) * (x - ax) <= 0.0
            });
            let [x0, y0, z0] = corners[0];
            let depth = z0 - ((x - x0) * normal[0] - (y - y0) * normal[1]) / normal[2] / scale;
            let cell = &mut cells[row * side + column];
            if inside && cell.is_none_or(|known| known.depth < depth) {
                *cell = Some(Hit { depth, shade, part: face.part });
            }
        }
    }
}

fn unit(v: [f32; 3]) -> [f32; 3] {
    let length = v.iter().map(|c| c * c).sum::<f32>().sqrt();
    v.map(|c| c / length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rotation::random;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Relative error of areas that are counted in cells.
    const TOLERANCE: f32 = 0.03;
    const SIZE: usize = 64;
    const UPRIGHT: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    /// Area of what is seen, by counting cells: each face without light and all others are as bright as they are.
    fn shadow(faces: &[Face], view: &Matrix) -> f32 {
        let seen = render(faces, view, 2.0, SIZE, 1).iter().filter(|pixel| pixel[0] > 0.0).count();
        seen as f32 * (4.0 / SIZE as f32).powi(2)
    }

    /// A box's shadow is half the sum of what its faces show: `Σ area·|n·z|`, over three of them.
    #[test]
    fn a_box_throws_the_shadow_of_a_box() {
        let half = [0.9, 0.6, 0.3];
        let faces: Vec<Face> = block([0.0; 3], half, 0).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..50 {
            let view = random(&mut rng);
            let expected: f32 = (0..3).map(|i| 4.0 * half[(i + 1) % 3] * half[(i + 2) % 3] * view[2][i].abs()).sum();
            // Half of the pixels that an edge passes through count too much.
            let found = shadow(&faces, &view);
            assert!((0.97..1.15).contains(&(found / expected)), "{found} and {expected}");
        }
    }

    #[test]
    fn what_is_near_hides_what_is_far() {
        let far = block([0.0, 0.0, -1.0], [1.0, 1.0, 0.1], 0);
        let near = block([0.0, 0.0, 1.0], [0.5, 0.5, 0.1], 1);
        let faces: Vec<Face> = far.chain(near).collect();
        let turned_around = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]];
        for (view, expected) in [(UPRIGHT, 1), (turned_around, 0)] {
            let pixels = render(&faces, &view, 2.0, SIZE, 2);
            let middle = &pixels[SIZE / 2 * SIZE + SIZE / 2];
            assert!(middle[expected] > 0.0 && middle[1 - expected] == 0.0, "{middle:?}");
        }
    }

    #[test]
    fn light_comes_from_above_and_a_ball_is_round() {
        let profile: Vec<[f32; 2]> = (0..=16).map(|i| TAU / 32.0 * i as f32).map(|a| [a.sin(), -a.cos()]).collect();
        let ball: Vec<Face> = turned(&profile, 32, 0).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..5 {
            let view = random(&mut rng);
            let pixels = render(&ball, &view, 2.0, SIZE, 1);
            let area = shadow(&ball, &view) / (TAU / 2.0);
            assert!((1.0 - TOLERANCE..1.0 + 3.0 * TOLERANCE).contains(&area), "{area}");
            let (above, below) = (
                pixels[SIZE * SIZE / 4 + SIZE * 3 + SIZE / 2][0],
                pixels[SIZE * SIZE * 3 / 4 - SIZE * 3 + SIZE / 2][0],
            );
            assert!(above > below + 0.2, "{above} and {below}");
        }
    }
}
