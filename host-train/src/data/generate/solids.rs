//! Points on the surface of solids, as likely on any patch as on any other of its area, with noise on each coordinate.
//!
//! Solids are made of triangles, of cubes that touch, or turned about an axis. Each is scaled so that points are one unit
//! from its centre in the root mean square: nothing but the form tells solids apart.

use super::{Drawn, Generator, Stabilizer, noised};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;
use std::sync::OnceLock;

/// Standard deviation of the noise.
pub(super) const NOISE: f32 = 0.02;
/// Points that tell a solid's centre and size.
const SURVEY: usize = 20_000;

/// See the module.
#[derive(Debug)]
pub struct Solids;

/// A surface.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Unit cubes with these least corners; what two of them share is inside.
    Cubes(&'static [[i32; 3]]),
    /// Corners, and triangles of them.
    Triangles(&'static [[f32; 3]], &'static [[usize; 3]]),
    /// Radius and height along a closed profile, turned about the third axis.
    Turned(&'static [[f32; 2]]),
    /// A ring of radius 1 whose tube has this radius.
    Torus(f32),
}

/// Name and form of each solid.
pub(super) const SOLIDS: [(&str, Form); 10] = [
    ("cube", Form::Cubes(&[[0, 0, 0]])),
    ("cylinder", Form::Turned(&[[0., 0.], [0.6, 0.], [0.6, 2.], [0., 2.]])),
    ("cone", Form::Turned(&[[0., 0.], [1., 0.], [0., 2.]])),
    ("torus", Form::Torus(0.35)),
    (
        "pyramid",
        Form::Triangles(
            &[[1., 1., 0.], [-1., 1., 0.], [-1., -1., 0.], [1., -1., 0.], [0., 0., 2.]],
            &[[0, 1, 2], [0, 2, 3], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]],
        ),
    ),
    (
        "tetrahedron",
        Form::Triangles(
            &[[1., 1., 1.], [1., -1., -1.], [-1., 1., -1.], [-1., -1., 1.]],
            &[[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]],
        ),
    ),
    ("bar", Form::Cubes(&[[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]])),
    ("L-block", Form::Cubes(&[[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]])),
    ("left screw", Form::Cubes(&[[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 1, 0]])),
    ("right screw", Form::Cubes(&[[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, -1, 0]])),
];

/// A flat or round piece of a surface.
#[derive(Clone, Copy, Debug)]
enum Patch {
    /// A corner and the two edges that leave it; half of what they span, if it is a triangle.
    Flat { corner: [f32; 3], edges: [[f32; 3]; 2], triangle: bool },
    /// Between two circles about the third axis: radius and height of each.
    Round([[f32; 2]; 2]),
    /// The torus with this radius of the tube.
    Torus(f32),
}

impl Generator for Solids {
    fn has_points(&self) -> bool {
        true
    }

    fn classes(&self) -> Vec<String> {
        SOLIDS.map(|(name, _)| name.into()).to_vec()
    }

    // Of many points on a symmetric form the vectors that make its pose cancel but for noise, and rounding is noise too.
    fn per_count(&self) -> f32 {
        0.0002
    }

    fn spread(&self) -> f32 {
        1.0
    }

    fn stabilizer(&self, label: usize) -> Stabilizer {
        let [x, y, z] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        match SOLIDS[label].0 {
            "cube" => Stabilizer::generated(&[(x, 4.0), (z, 4.0)]),
            "cylinder" | "torus" => Stabilizer::Axial { flips: true },
            "cone" => Stabilizer::Axial { flips: false },
            "pyramid" => Stabilizer::generated(&[(z, 4.0)]),
            "tetrahedron" => Stabilizer::generated(&[(y, 2.0), (z, 2.0), ([1.0; 3], 3.0)]),
            "bar" => Stabilizer::generated(&[(x, 4.0), (z, 2.0)]),
            // A half turn exchanges the two ends.
            "left screw" => Stabilizer::generated(&[([0.0, 1.0, 1.0], 2.0)]),
            "right screw" => Stabilizer::generated(&[([0.0, 1.0, -1.0], 2.0)]),
            _ => Stabilizer::generated(&[]),
        }
    }

    fn mirror_image(&self, label: usize) -> usize {
        let image = match SOLIDS[label].0 {
            "left screw" => "right screw",
            "right screw" => "left screw",
            name => name,
        };
        SOLIDS.iter().position(|(name, _)| *name == image).unwrap_or(label)
    }

    fn draw(&self, elements: usize, rng: &mut ChaCha8Rng) -> Drawn {
        let label = rng.random_range(0..SOLIDS.len());
        let surface = &surfaces()[label];
        let points = (0..elements).map(|_| noised(surface.point(rng), NOISE, rng)).collect();
        Drawn { points, types: Vec::new(), label }
    }
}

/// A solid ready to be drawn from.
#[derive(Debug)]
pub(super) struct Surface {
    patches: Vec<Patch>,
    /// Area of all patches up to and with each.
    areas: Vec<f32>,
    pub(super) centre: [f32; 3],
    pub(super) size: f32,
}

pub(super) fn surfaces() -> &'static [Surface] {
    static SURFACES: OnceLock<Vec<Surface>> = OnceLock::new();
    SURFACES.get_or_init(|| SOLIDS.iter().map(|&(_, form)| Surface::new(form)).collect())
}

impl Surface {
    fn new(form: Form) -> Self {
        let patches = patches(form);
        let mut sum = 0.0;
        let areas = patches.iter().map(|patch| {
            sum += patch.area();
            sum
        });
        let areas = areas.collect();
        let mut surface = Self { patches, areas, centre: [0.0; 3], size: 1.0 };
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let survey: Vec<[f32; 3]> = (0..SURVEY).map(|_| surface.point(&mut rng)).collect();
        let centre = std::array::from_fn(|axis| survey.iter().map(|p| p[axis]).sum::<f32>() / SURVEY as f32);
        let squared = |p: &[f32; 3]| (0..3).map(|axis| (p[axis] - centre[axis]).powi(2)).sum::<f32>();
        surface.size = (survey.iter().map(squared).sum::<f32>() / SURVEY as f32).sqrt();
        surface.centre = centre;
        surface
    }

    pub(super) fn point(&self, rng: &mut ChaCha8Rng) -> [f32; 3] {
        let all = self.areas.last().copied().unwrap_or_default();
        let at = all * rng.random_range(0.0..1.0f32);
        let patch = self.areas.iter().position(|&area| at < area).unwrap_or(self.patches.len() - 1);
        let point = self.patches[patch].point(rng);
        std::array::from_fn(|axis| (point[axis] - self.centre[axis]) / self.size)
    }
}

impl Patch {
    fn area(&self) -> f32 {
        match *self {
            Self::Flat { edges: [a, b], triangle, .. } => {
                let squared = |v: [f32; 3]| v.iter().map(|c| c * c).sum::<f32>();
                let along: f32 = (0..3).map(|axis| a[axis] * b[axis]).sum();
                let whole = (squared(a) * squared(b) - along * along).sqrt();
                if triangle { whole / 2.0 } else { whole }
            }
            Self::Round([[r, h], [s, k]]) => TAU / 2.0 * (r + s) * (s - r).hypot(k - h),
            Self::Torus(tube) => TAU * TAU * tube,
        }
    }

    fn point(&self, rng: &mut ChaCha8Rng) -> [f32; 3] {
        let mut uniform = || rng.random_range(0.0..1.0f32);
        match *self {
            Self::Flat { corner, edges: [a, b], triangle } => {
                let (mut u, mut v) = (uniform(), uniform());
                if triangle && u + v > 1.0 {
                    (u, v) = (1.0 - u, 1.0 - v);
                }
                std::array::from_fn(|axis| corner[axis] + u * a[axis] + v * b[axis])
            }
            Self::Round([[r, h], [s, k]]) => {
                // Circles are as likely as they are long.
                let t = loop {
                    let t = uniform();
                    if uniform() * r.max(s) <= r + t * (s - r) {
                        break t;
                    }
                };
                let (radius, angle) = (r + t * (s - r), TAU * uniform());
                [radius * angle.cos(), radius * angle.sin(), h + t * (k - h)]
            }
            Self::Torus(tube) => {
                let inner = loop {
                    let angle = TAU * uniform();
                    if uniform() * (1.0 + tube) <= 1.0 + tube * angle.cos() {
                        break angle;
                    }
                };
                let (radius, angle) = (1.0 + tube * inner.cos(), TAU * uniform());
                [radius * angle.cos(), radius * angle.sin(), tube * inner.sin()]
            }
        }
    }
}

fn patches(form: Form) -> Vec<Patch> {
    match form {
        Form::Cubes(cubes) => cubes.iter().flat_map(|&cube| faces(cube, cubes)).collect(),
        Form::Triangles(corners, triangles) => {
            let flat = |&[a, b, c]: &[usize; 3]| {
                let edge = |to: usize| std::array::from_fn(|axis| corners[to][axis] - corners[a][axis]);
                Patch::Flat { corner: corners[a], edges: [edge(b), edge(c)], triangle: true }
            };
            triangles.iter().map(flat).collect()
        }
        Form::Turned(profile) => profile.windows(2).map(|ends| Patch::Round([ends[0], ends[1]])).collect(),
        Form::Torus(tube) => vec![Patch::Torus(tube)],
    }
}

/// The faces of a cube behind which there is no other.
fn faces(cube: [i32; 3], cubes: &[[i32; 3]]) -> Vec<Patch> {
    let unit = |axis: usize| std::array::from_fn(|i| if i == axis { 1.0 } else { 0.0 });
    let mut faces = Vec::new();
    for axis in 0..3 {
        for side in [0, 1] {
            let mut neighbour = cube;
            neighbour[axis] += 2 * side - 1;
            if !cubes.contains(&neighbour) {
                let mut corner = cube.map(|c| c as f32);
                corner[axis] += side as f32;
                let edges = [unit((axis + 1) % 3), unit((axis + 2) % 3)];
                faces.push(Patch::Flat { corner, edges, triangle: false });
            }
        }
    }
    faces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worst relative error allowed of areas.
    const TOLERANCE: f32 = 1e-5;
    /// How far a point of a surface may be from the nearest of many others, with the error of its centre.
    const NEAR: f32 = 0.12;

    fn area(name: &str) -> f32 {
        let (_, form) = SOLIDS.iter().find(|(other, _)| *other == name).unwrap();
        patches(*form).iter().map(Patch::area).sum()
    }

    #[test]
    fn areas_are_those_of_the_solids() {
        let pi = std::f32::consts::PI;
        for (name, expected) in [
            ("cube", 6.0),
            ("bar", 18.0),
            ("left screw", 18.0),
            ("right screw", 18.0),
            ("L-block", 18.0),
            ("cylinder", 2.0 * pi * 0.6 * 0.6 + 2.0 * pi * 0.6 * 2.0),
            ("cone", pi + pi * 5f32.sqrt()),
            ("torus", 4.0 * pi * pi * 0.35),
            ("tetrahedron", 8.0 * 3f32.sqrt()),
            ("pyramid", 4.0 + 4.0 * 5f32.sqrt()),
        ] {
            assert!((area(name) / expected - 1.0).abs() < TOLERANCE, "{name}: {} and {expected}", area(name));
        }
    }

    #[test]
    fn solids_are_centred_and_of_one_size() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for (surface, (name, _)) in surfaces().iter().zip(SOLIDS) {
            let points: Vec<[f32; 3]> = (0..5000).map(|_| surface.point(&mut rng)).collect();
            let mean = |f: &dyn Fn(&[f32; 3]) -> f32| points.iter().map(f).sum::<f32>() / points.len() as f32;
            assert!((0..3).all(|axis| mean(&|p| p[axis]).abs() < 0.06), "{name}");
            assert!((mean(&|p| p.iter().map(|c| c * c).sum()) - 1.0).abs() < 0.06, "{name}");
        }
    }

    /// The largest distance from points that were moved to the surface that they were taken from.
    fn apart(surface: &Surface, moved: &dyn Fn([f32; 3]) -> [f32; 3]) -> f32 {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let dense: Vec<[f32; 3]> = (0..5000).map(|_| surface.point(&mut rng)).collect();
        let points = (0..40).map(|_| moved(surface.point(&mut rng)));
        let squared = |a: [f32; 3], b: &[f32; 3]| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f32>();
        points.map(|p| dense.iter().map(|q| squared(p, q)).fold(f32::MAX, f32::min).sqrt()).fold(0.0, f32::max)
    }

    /// Every element of a stabilizer, and as many turns about an axis as matter.
    #[test]
    fn stabilizers_carry_solids_onto_themselves_and_mirrors_onto_their_images() {
        for (label, surface) in surfaces().iter().enumerate() {
            let name = SOLIDS[label].0;
            let elements = match Solids.stabilizer(label) {
                Stabilizer::Finite(all) => all,
                Stabilizer::Axial { flips } => {
                    let turns: &[_] = &[([0.0, 0.0, 1.0], 7.0), ([1.0, 0.0, 0.0], if flips { 2.0 } else { 1.0 })];
                    let Stabilizer::Finite(all) = Stabilizer::generated(turns) else { panic!() };
                    all
                }
            };
            for element in elements {
                let far = apart(surface, &|p| element.act(p));
                assert!(far < NEAR, "{name}, {element:?}: {far}");
            }
        }
        let [left, right] = [8, 9];
        assert_eq!([left, right, 0].map(|label| Solids.mirror_image(label)), [right, left, 0]);
        let (screw, mirror) = (&surfaces()[left], |[x, y, z]: [f32; 3]| [x, -y, z]);
        // About their centres they differ in the sign of the second axis.
        let mut rng = ChaCha8Rng::seed_from_u64(10);
        let dense: Vec<[f32; 3]> = (0..5000).map(|_| surfaces()[right].point(&mut rng)).collect();
        for _ in 0..100 {
            let p = mirror(screw.point(&mut rng));
            let near =
                dense.iter().map(|q| (0..3).map(|i| (p[i] - q[i]).powi(2)).sum::<f32>()).fold(f32::MAX, f32::min);
            assert!(near.sqrt() < NEAR, "{near}");
        }
    }

    /// Points of a cone's side lie on it, and as many below half its height as that part has of its area.
    #[test]
    fn circles_are_as_likely_as_they_are_long() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let side = Patch::Round([[1.0, 0.0], [0.0, 2.0]]);
        let points: Vec<[f32; 3]> = (0..10_000).map(|_| side.point(&mut rng)).collect();
        assert!(points.iter().all(|[x, y, z]| (x.hypot(*y) - (1.0 - z / 2.0)).abs() < 1e-5));
        let low = points.iter().filter(|p| p[2] < 1.0).count();
        assert!((low as f32 / 10_000.0 - 0.75).abs() < 0.02, "{low}");
    }
}
