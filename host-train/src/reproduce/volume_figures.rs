//! What volumes look like before and after they are brought to their canonical pose.

use crate::data::generate::voxels::SIDE;
use crate::data::generate::{Generator, Voxels};
use crate::data::rotation::random_quaternion;
use crate::evaluate::device::Device as Core;
use crate::evaluate::volume::see;
use crate::report::grid::{self, Form, Gallery, Object, Panel, View};
use anyhow::Result;
use gimbal_core::domain::volume::Volume;
use gimbal_core::group::Group;
use gimbal_core::group::so3::Rotation;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Solids that are shown, by their names, and in how many poses.
const SOLIDS: [&str; 4] = ["cone", "L-block", "left screw", "cube"];
const VIEWS: usize = 9;

/// Solids in poses drawn at random, each picture a volume from two sides: how many cells are occupied behind each other,
/// along z above and along y below.
///
/// # Errors
/// If the package takes other sets.
pub fn gallery(package: &[u8]) -> Result<Panel> {
    let (mut core, mut rng) = (Core::new(package)?, ChaCha8Rng::seed_from_u64(0));
    let mut objects = Vec::new();
    for (label, name) in Voxels.classes().into_iter().enumerate().filter(|(_, name)| SOLIDS.contains(&name.as_str())) {
        let mut views = Vec::new();
        for _ in 0..VIEWS {
            let quaternion = random_quaternion(&mut rng);
            let angle = Rotation::from_quaternion(quaternion).angle_to(&Rotation::IDENTITY).to_degrees();
            if let Some(seen) = see(&mut core, label, quaternion, [0.0; 3])? {
                views.push(View {
                    moved: format!("{angle:.0}°"),
                    input: sides(&seen.given)?,
                    canonical: sides(&seen.canonical)?,
                    confidence: seen.confidence,
                });
            }
        }
        objects.push(Object { name, views });
    }
    let title = "Canonical volumes, from two sides".into();
    Ok(grid::gallery(&Gallery { title, form: Form::Image, columns: SIDE, objects }))
}

/// `[2 · SIDE, SIDE]`: occupied cells along z, then along y.
fn sides(cells: &[u8]) -> Result<Vec<i16>> {
    let volume = Volume::new(SIDE, cells)?;
    let behind =
        |cell: &dyn Fn(usize) -> [usize; 3]| (0..SIDE).filter(|&at| volume.is_occupied(cell(at))).count() as i16;
    let all = || (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column)));
    let along_z = all().map(|(row, column)| behind(&|at| [column, row, at]));
    Ok(along_z.chain(all().map(|(row, column)| behind(&|at| [column, at, row]))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::domain::volume::{bytes, occupy};

    #[test]
    fn both_sides_show_every_cell() {
        let mut cells = vec![0; bytes(SIDE).unwrap()];
        for cell in [[1, 2, 3], [1, 2, 4], [1, 5, 3]] {
            occupy(SIDE, cell, &mut cells).unwrap();
        }
        let pictures = sides(&cells).unwrap();
        assert_eq!(pictures.len(), 2 * SIDE * SIDE);
        let at = |row: usize, column: usize| pictures[row * SIDE + column];
        assert_eq!([at(2, 1), at(5, 1), at(SIDE + 3, 1), at(SIDE + 4, 1)], [2, 1, 2, 1]);
        assert_eq!(pictures.iter().sum::<i16>(), 6);
    }
}
