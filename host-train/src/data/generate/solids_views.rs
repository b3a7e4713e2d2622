//! What a range sensor sees of [`solids`](super::solids): points on the side that faces it, from a random direction.
//!
//! A sensor far away has one ray for each cell of a grid, and a ray ends where it first meets the surface. So a point is
//! seen unless the surface is clearly nearer somewhere in its cell. How near it is there, a survey of the surface tells. Of faces
//! that a ray all but passes along few points are seen, as it is with sensors, and just behind an edge some are that should not be.

use super::solids::{NOISE, SOLIDS, Solids, Surface, surfaces};
use super::{Drawn, Generator, noised};
use crate::data::rotation::{Matrix, random, turn};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::OnceLock;

/// Points that tell how near a surface is.
const SURVEY: usize = 2000;
/// Cells along each side of the grid, and the side of one; solids are one unit in the root mean square.
const CELLS: usize = 24;
const CELL: f32 = 0.2;
/// A point this much farther than the nearest in its cell is hidden.
const HIDDEN: f32 = 0.3;

/// See the module.
#[derive(Debug)]
pub struct SolidsViews;

impl Generator for SolidsViews {
    fn has_points(&self) -> bool {
        true
    }

    fn classes(&self) -> Vec<String> {
        SOLIDS.map(|(name, _)| name.into()).to_vec()
    }

    fn spread(&self) -> f32 {
        1.0
    }

    fn mirror_image(&self, label: usize) -> usize {
        Solids.mirror_image(label)
    }

    fn draw(&self, elements: usize, rng: &mut ChaCha8Rng) -> Drawn {
        let label = rng.random_range(0..SOLIDS.len());
        let (surface, view) = (&surfaces()[label], random(rng));
        let nearest = Nearest::new(&surveys()[label], &view);
        let points = (0..elements).map(|_| {
            loop {
                let point = surface.point(rng);
                if nearest.sees(&view, point) {
                    break noised(point, NOISE, rng);
                }
            }
        });
        Drawn { points: points.collect(), types: Vec::new(), label }
    }
}

fn surveys() -> &'static [Vec<[f32; 3]>] {
    static SURVEYS: OnceLock<Vec<Vec<[f32; 3]>>> = OnceLock::new();
    let survey = |surface: &Surface| {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        (0..SURVEY).map(|_| surface.point(&mut rng)).collect()
    };
    SURVEYS.get_or_init(|| surfaces().iter().map(survey).collect())
}

/// How near a surface is in each cell, along the third axis of a view, which points at the sensor.
struct Nearest(Vec<f32>);

impl Nearest {
    fn new(survey: &[[f32; 3]], view: &Matrix) -> Self {
        let mut nearest = vec![f32::NEG_INFINITY; CELLS * CELLS];
        for &point in survey {
            let (cell, height) = cell(view, point);
            nearest[cell] = nearest[cell].max(height);
        }
        Self(nearest)
    }

    fn sees(&self, view: &Matrix, point: [f32; 3]) -> bool {
        let (cell, height) = cell(view, point);
        height > self.0[cell] - HIDDEN
    }
}

/// In which cell a point lies, and how near it is to the sensor.
fn cell(view: &Matrix, point: [f32; 3]) -> (usize, f32) {
    let [x, y, height] = turn(view, point);
    let place = |along: f32| ((along / CELL + CELLS as f32 / 2.0).max(0.0) as usize).min(CELLS - 1);
    (CELLS * place(y) + place(x), height)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of a solid that a view shows, without noise.
    fn seen(name: &str, view: &Matrix) -> Vec<[f32; 3]> {
        let label = SOLIDS.iter().position(|(other, _)| *other == name).unwrap();
        let nearest = Nearest::new(&surveys()[label], view);
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let points = (0..2000).map(|_| surfaces()[label].point(&mut rng));
        points.filter(|&point| nearest.sees(view, point)).collect()
    }

    /// Of a cube the faces that face the sensor, all of them, and of others what lies just behind an edge.
    #[test]
    fn a_cube_shows_the_faces_towards_the_sensor() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..20 {
            let view = random(&mut rng);
            let points = seen("cube", &view);
            let mut on = [0; 6];
            let mut away = 0;
            for point in &points {
                let axis = (0..3).max_by(|&a, &b| point[a].abs().total_cmp(&point[b].abs())).unwrap();
                on[2 * axis + usize::from(point[axis] > 0.0)] += 1;
                away += usize::from(view[2][axis] * point[axis] < 0.0);
            }
            assert!(away * 4 < points.len(), "{away} of {} face away", points.len());
            for (face, seen) in on.into_iter().enumerate() {
                let sign = if face % 2 == 1 { 1.0 } else { -1.0 };
                // Of six faces each has a sixth of the points.
                assert!(sign * view[2][face / 2] < 0.6 || seen > 200, "face {face} of {view:?}: {seen}");
            }
        }
    }

    /// The far side of a ring lies behind the near one.
    #[test]
    fn what_lies_behind_is_hidden() {
        let edge_on = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
        let points = seen("torus", &edge_on);
        let behind = points.iter().filter(|[x, y, _]| *y < -0.5 && x.abs() < 0.6).count();
        assert!(points.len() > 300 && behind == 0, "{behind} of {}", points.len());
    }

    #[test]
    fn a_view_has_as_many_points_as_were_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for elements in [1, 32, 64, 256] {
            assert_eq!(SolidsViews.draw(elements, &mut rng).points.len(), elements);
        }
    }
}
