//! The table of RESULTS.md, section "voxels", of what is lost where a volume has more cells than a set has points.
//!
//! `cargo run --release -p gimbal-train --example voxels` prints it (seconds). Each row shows solids in random poses to
//! core and compares the set in the solid's own axes with that of all its cells: how far their means are apart, in cells,
//! and how much the matrix of second moments differs from its mean over the poses, as a share of its trace.

use anyhow::{Context, Result};
use gimbal_core::domain::volume::{COUNTS_PER_CELL, Volume};
use gimbal_core::group::Group;
use gimbal_core::group::so3::Rotation;
use gimbal_train::data::generate::voxels::{SIDE, filled};
use gimbal_train::data::generate::{Generator, Voxels};
use gimbal_train::data::rotation::random_quaternion;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Poses of each solid.
const POSES: usize = 100;
/// Points of a set; the last has room for every cell.
const ROOMS: [usize; 6] = [32, 64, 128, 256, 512, SIDE * SIDE * SIDE];

type Matrix = [[f64; 3]; 3];

fn main() -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut cells, mut surface) = (Vec::new(), Vec::new());
    let (mut shifts, mut spreads) = (ROOMS.map(|_| Vec::new()), ROOMS.map(|_| Vec::new()));
    for label in 0..Voxels.classes().len() {
        let mut moments = ROOMS.map(|_| Vec::<Matrix>::new());
        for _ in 0..POSES {
            let quaternion = random_quaternion(&mut rng);
            let volume = filled(label, quaternion, std::array::from_fn(|_| rng.random_range(-0.5..0.5f32)));
            let volume = Volume::new(SIDE, &volume)?;
            cells.push(volume.count());
            surface.push(on_surface(&volume));
            let back = Rotation::from_quaternion(quaternion).inverse();
            let mut memory = vec![0; 3 * SIDE * SIDE * SIDE];
            let (whole, _) = moments_of(volume.points(&mut memory)?, &back);
            for (i, room) in ROOMS.into_iter().enumerate() {
                let (mean, second) = moments_of(volume.points(&mut memory[..3 * room])?, &back);
                shifts[i].push(mean.iter().zip(whole).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt());
                moments[i].push(second);
            }
        }
        for (spreads, moments) in spreads.iter_mut().zip(&moments) {
            let mean: Matrix = std::array::from_fn(|i| {
                std::array::from_fn(|j| moments.iter().map(|m| m[i][j]).sum::<f64>() / moments.len() as f64)
            });
            let trace: f64 = (0..3).map(|i| mean[i][i]).sum();
            let apart = |m: &Matrix| {
                m.as_flattened().iter().zip(mean.as_flattened()).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
            };
            spreads.extend(moments.iter().map(|m| apart(m) / trace));
        }
    }
    for (what, mut counts) in [("occupied cells", cells), ("of them with a free neighbour", surface)] {
        counts.sort_unstable();
        let [least, most] = [counts.first(), counts.last()].map(|count| count.copied().unwrap_or_default());
        println!("{what}: {least} to {most}, median {}", counts.get(counts.len() / 2).context("no solids")?);
    }
    println!("points  mean off, cells, median / p95  second moments off, median / p95");
    for (i, room) in ROOMS.into_iter().enumerate() {
        let [a, b] = [&mut shifts[i], &mut spreads[i]].map(|numbers| {
            numbers.sort_by(f64::total_cmp);
            [numbers[numbers.len() / 2], numbers[numbers.len() * 95 / 100]]
        });
        println!("{room:6}  {:.4} / {:.4}  {:.4} / {:.4}", a[0], a[1], b[0], b[1]);
    }
    Ok(())
}

/// Occupied cells beside a free one, or beside none.
fn on_surface(volume: &Volume<'_>) -> u32 {
    let free = |cell: [usize; 3]| {
        (0..3).any(|axis| {
            let beside =
                |by: usize| std::array::from_fn(|i| if i == axis { cell[i].wrapping_add(by) } else { cell[i] });
            !(volume.is_occupied(beside(1)) && volume.is_occupied(beside(usize::MAX)))
        })
    };
    let all = (0..SIDE * SIDE * SIDE).map(|i| [i % SIDE, i / SIDE % SIDE, i / SIDE / SIDE]);
    all.filter(|&cell| volume.is_occupied(cell) && free(cell)).count() as u32
}

/// The mean of points that were turned back, and their second moments about it, in cells.
fn moments_of(points: &[i16], back: &Rotation) -> ([f64; 3], Matrix) {
    let scale = 1.0 / f32::from(COUNTS_PER_CELL);
    let places = points.as_chunks::<3>().0.iter();
    let places: Vec<[f64; 3]> = places.map(|p| back.act(p.map(|x| f32::from(x) * scale)).map(f64::from)).collect();
    let mean = |f: &dyn Fn(&[f64; 3]) -> f64| places.iter().map(f).sum::<f64>() / places.len() as f64;
    let middle: [f64; 3] = std::array::from_fn(|i| mean(&|p| p[i]));
    let second = |i: usize, j: usize| mean(&|p| (p[i] - middle[i]) * (p[j] - middle[j]));
    (middle, std::array::from_fn(|i| std::array::from_fn(|j| second(i, j))))
}
