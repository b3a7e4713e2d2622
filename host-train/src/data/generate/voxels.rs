//! Volumes: a cube of cells in which a solid stands, turned as it will, and core's points of those that are inside it.
//!
//! A turned volume is not its points turned, since cells stay where they are: each pose is made of cells anew. Nothing
//! else is noise. The middle of a solid is where its surface's is, up to half a cell off the middle of
//! the cube along each axis.

use super::solids::{Form, SOLIDS, Surface, surfaces};
use super::{Drawn, Generator, Solids, Stabilizer};
use crate::data::rotation::{Matrix, matrix, turn};
use gimbal_core::domain::volume::{self, COUNTS_PER_CELL, Volume};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::OnceLock;

/// Cells along each side of a volume.
pub const SIDE: usize = 24;
/// Cells along what is one unit of solids: the tip of the cone, which reaches the farthest, stays inside.
const CELLS: f32 = 6.0;
/// Farther from its middle, in units, no solid reaches.
const REACH: f32 = 1.85;

/// See the module. A unit is the side of a cell.
#[derive(Debug)]
pub struct Voxels;

impl Generator for Voxels {
    fn has_points(&self) -> bool {
        true
    }

    fn classes(&self) -> Vec<String> {
        Solids.classes()
    }

    fn per_count(&self) -> f32 {
        1.0 / f32::from(COUNTS_PER_CELL)
    }

    fn stabilizer(&self, label: usize) -> Stabilizer {
        Solids.stabilizer(label)
    }

    fn mirror_image(&self, label: usize) -> usize {
        Solids.mirror_image(label)
    }

    /// Until it is turned, all elements stand where the solid's middle does.
    fn draw(&self, elements: usize, rng: &mut ChaCha8Rng) -> Drawn {
        let label = rng.random_range(0..SOLIDS.len());
        let middle = std::array::from_fn(|_| rng.random_range(-0.5..0.5f32));
        Drawn { points: vec![middle; elements], types: Vec::new(), label }
    }

    fn turned(&self, drawn: &Drawn, quaternion: [f32; 4]) -> Option<Vec<[f32; 3]>> {
        let middle = drawn.points.first().copied().unwrap_or_default();
        let counts = points(&filled(drawn.label, quaternion, middle), drawn.points.len());
        Some(counts.as_chunks::<3>().0.iter().map(|p| p.map(|x| f32::from(x) * self.per_count())).collect())
    }
}

/// The volume of a solid, see [`volume`], that was turned about its middle.
pub fn filled(label: usize, quaternion: [f32; 4], middle: [f32; 3]) -> Vec<u8> {
    let mut cells = vec![0; volume::bytes(SIDE).expect("a side that volumes have")];
    let (solid, back) = (&insides()[label], transposed(&matrix(quaternion)));
    let all = (0..SIDE).flat_map(|z| (0..SIDE).flat_map(move |y| (0..SIDE).map(move |x| [x, y, z])));
    for cell in all {
        let place: [f32; 3] = std::array::from_fn(|axis| cell[axis] as f32 - (SIDE - 1) as f32 / 2.0 - middle[axis]);
        let near = place.iter().map(|x| x * x).sum::<f32>() < (REACH * CELLS).powi(2);
        if near && solid.holds(turn(&back, place).map(|x| x / CELLS)) {
            volume::occupy(SIDE, cell, &mut cells).expect("a cell of the volume");
        }
    }
    cells
}

/// A volume as the device sees it: `[elements, 3]` in counts. Volumes of fewer cells repeat them.
pub fn points(cells: &[u8], elements: usize) -> Vec<i16> {
    let mut memory = vec![0; 3 * elements];
    let found = Volume::new(SIDE, cells).and_then(|volume| Ok(volume.points(&mut memory)?.len()));
    let found = found.expect("a solid is inside of some cells");
    (found..memory.len()).for_each(|i| memory[i] = memory[i - found]);
    memory
}

fn transposed(r: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| r[j][i]))
}

/// What is inside a solid.
#[derive(Debug)]
struct Inside {
    form: Inner,
    centre: [f32; 3],
    size: f32,
}

#[derive(Debug)]
enum Inner {
    /// Unit cubes with these least corners.
    Cubes(&'static [[i32; 3]]),
    /// Below all planes: a direction out of the solid, and how far along it the plane is.
    Planes(Vec<([f32; 3], f32)>),
    /// Between the third axis and a profile of radius and height around it.
    Turned(&'static [[f32; 2]]),
    /// A ring of radius 1 whose tube has this radius.
    Torus(f32),
}

fn insides() -> &'static [Inside] {
    static INSIDES: OnceLock<Vec<Inside>> = OnceLock::new();
    let inside = |((_, form), surface): (&(&str, Form), &Surface)| Inside {
        form: inner(*form),
        centre: surface.centre,
        size: surface.size,
    };
    INSIDES.get_or_init(|| SOLIDS.iter().zip(surfaces()).map(inside).collect())
}

/// Solids of triangles are convex.
fn inner(form: Form) -> Inner {
    match form {
        Form::Cubes(cubes) => Inner::Cubes(cubes),
        Form::Turned(profile) => Inner::Turned(profile),
        Form::Torus(tube) => Inner::Torus(tube),
        Form::Triangles(corners, triangles) => {
            let middle: [f32; 3] =
                std::array::from_fn(|axis| corners.iter().map(|c| c[axis]).sum::<f32>() / corners.len() as f32);
            let plane = |triangle: &[usize; 3]| {
                let [a, b, c] = triangle.map(|corner| corners[corner]);
                let [u, v]: [[f32; 3]; 2] = [b, c].map(|to| std::array::from_fn(|axis| to[axis] - a[axis]));
                let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
                let (at, from) = (dot(normal, a), dot(normal, middle));
                if from < at { (normal, at) } else { (normal.map(|x| -x), -at) }
            };
            Inner::Planes(triangles.iter().map(plane).collect())
        }
    }
}

impl Inside {
    /// Whether a place around the solid's middle, in units, is inside.
    fn holds(&self, place: [f32; 3]) -> bool {
        let [x, y, z]: [f32; 3] = std::array::from_fn(|axis| place[axis] * self.size + self.centre[axis]);
        match &self.form {
            Inner::Cubes(cubes) => cubes.contains(&[x, y, z].map(|c| c.floor() as i32)),
            Inner::Planes(planes) => planes.iter().all(|&(normal, at)| dot(normal, [x, y, z]) < at),
            Inner::Turned(profile) => {
                // A ray away from the axis leaves the solid once more than it enters it.
                let radius = x.hypot(y);
                let crossings = profile.windows(2).filter(|ends| {
                    let [[r, h], [s, k]] = [ends[0], ends[1]];
                    (h > z) != (k > z) && radius < r + (z - h) / (k - h) * (s - r)
                });
                crossings.count() % 2 == 1
            }
            Inner::Torus(tube) => (x.hypot(y) - 1.0).hypot(z) < *tube,
        }
    }
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rotation::random_quaternion;
    use rand::SeedableRng;

    /// Of the number of cells, against the solid's volume: cells on the surface are inside or not as their middles are.
    const TOLERANCE: f32 = 0.05;

    fn random(seed: u64) -> (ChaCha8Rng, [f32; 4], [f32; 3]) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let quaternion = random_quaternion(&mut rng);
        let middle = std::array::from_fn(|_| rng.random_range(-0.5..0.5f32));
        (rng, quaternion, middle)
    }

    #[test]
    fn as_many_cells_are_occupied_as_a_solid_is_large() {
        let pi = std::f32::consts::PI;
        for (label, (name, _)) in SOLIDS.iter().enumerate() {
            let volume = match *name {
                "cube" => 1.0,
                "cylinder" => pi * 0.6 * 0.6 * 2.0,
                "cone" => pi * 2.0 / 3.0,
                "torus" => 2.0 * pi * pi * 0.35 * 0.35,
                "pyramid" | "tetrahedron" => 8.0 / 3.0,
                _ => 4.0,
            };
            let expected = volume * (CELLS / surfaces()[label].size).powi(3);
            let count = |seed: u64| {
                let (_, quaternion, middle) = random(seed);
                Volume::new(SIDE, &filled(label, quaternion, middle)).unwrap().count() as f32
            };
            let mean = (0..20).map(count).sum::<f32>() / 20.0;
            assert!((mean / expected - 1.0).abs() < TOLERANCE, "{name}: {mean} and {expected}");
        }
    }

    /// However they are turned: cells of the outermost layer are free.
    #[test]
    fn solids_stay_inside_of_the_cube() {
        for (label, (name, _)) in SOLIDS.iter().enumerate() {
            for seed in 0..50 {
                let (_, quaternion, middle) = random(seed);
                let cells = filled(label, quaternion, middle);
                let volume = Volume::new(SIDE, &cells).unwrap();
                let edge = |at: usize| at == 0 || at == SIDE - 1;
                for i in 0..SIDE * SIDE * SIDE {
                    let cell = [i % SIDE, i / SIDE % SIDE, i / SIDE / SIDE];
                    assert!(!(cell.into_iter().any(edge) && volume.is_occupied(cell)), "{name}");
                }
            }
        }
        // No point of a surface is farther out than what is looked at.
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for surface in surfaces() {
            assert!((0..5000).map(|_| surface.point(&mut rng)).all(|p| dot(p, p) < REACH * REACH));
        }
    }

    /// What lies a little below the surface is inside, and what lies a little above is not: both forms of a solid agree.
    #[test]
    fn surfaces_are_where_the_inside_ends() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for (label, (name, _)) in SOLIDS.iter().enumerate() {
            let (surface, inside) = (&surfaces()[label], &insides()[label]);
            for _ in 0..500 {
                let point = surface.point(&mut rng);
                let near = |_: &usize| inside.holds(point.map(|x| x + rng.random_range(-0.1..0.1f32)));
                let held = (0..200).filter(near).count();
                assert!((1..200).contains(&held), "{name}: {point:?}, {held}");
            }
        }
    }

    /// What leaves a surface as it is leaves what is inside, but for so few places as the middle that was surveyed is off.
    #[test]
    fn symmetries_are_those_of_the_solids() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for (label, inside) in insides().iter().enumerate() {
            let Stabilizer::Finite(all) = Voxels.stabilizer(label) else { continue };
            for turn in all {
                let places = (0..2000).map(|_| std::array::from_fn(|_| rng.random_range(-REACH..REACH)));
                let kept: Vec<[bool; 2]> =
                    places.map(|place| [inside.holds(place), inside.holds(turn.act(place))]).collect();
                let held = kept.iter().filter(|[here, _]| *here).count();
                let changed = kept.iter().filter(|[here, there]| here != there).count();
                assert!(10 * changed < held, "{}, {turn:?}: {changed} of {held}", SOLIDS[label].0);
            }
        }
    }

    /// What is trained on and what is measured are these very points.
    #[test]
    fn every_pose_is_made_of_cells_anew() {
        let (mut rng, first, _) = random(5);
        let drawn = Voxels.draw(40, &mut rng);
        let grid = |x: f32| x * f32::from(COUNTS_PER_CELL);
        for quaternion in [first, random_quaternion(&mut rng)] {
            let places = Voxels.turned(&drawn, quaternion).unwrap();
            let counts = points(&filled(drawn.label, quaternion, drawn.points[0]), 40);
            assert_eq!(places.as_flattened().iter().map(|&x| grid(x) as i16).collect::<Vec<_>>(), counts);
        }
        assert_ne!(Voxels.turned(&drawn, first), Voxels.turned(&drawn, random_quaternion(&mut rng)));
    }
}
