//! Sets that a generator draws, each in its own file: what its elements are, its classes, and one set. Where sets come from
//! a file, drawing is choosing.
//!
//! A generator says what a set is; where the set stands, how it is turned and in which order its elements come is drawn
//! in [`sets`](super::sets).

mod chairs;
mod color_shift;
mod digit_sets;
mod faces;
pub(crate) mod molecules;
mod rooms;
mod solids;
mod solids_views;
mod sprites;
mod symmetry;
mod tetris;
pub mod triples;
pub mod voxels;

pub use digit_sets::DigitSets;
pub use molecules::Molecules;
pub use solids::Solids;
pub use solids_views::SolidsViews;
pub use symmetry::Stabilizer;
pub use tetris::Tetris;
pub use voxels::Voxels;

use super::augment::deviate;
use super::grid::DataError;
use crate::recipe::set::{SetData, SetSource};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// A set before it is put anywhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// A place an element, units of the generator; none where elements have no place.
    pub points: Vec<[f32; 3]>,
    /// A type an element, below [`Generator::types`]; none where there are no types.
    pub types: Vec<usize>,
    /// An index into [`Generator::classes`].
    pub label: usize,
}

impl Drawn {
    /// How many elements there are.
    pub fn elements(&self) -> usize {
        self.points.len().max(self.types.len())
    }
}

/// What draws sets.
pub trait Generator: std::fmt::Debug + Send + Sync {
    /// Whether elements have a place.
    fn has_points(&self) -> bool {
        false
    }

    /// Types of elements; 0 where they have none.
    fn types(&self) -> usize {
        0
    }

    /// Names of the classes, in the order of their labels; empty where sets have no class.
    fn classes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Length of one count.
    fn per_count(&self) -> f32 {
        0.001
    }

    /// The standard deviation of where sets stand, along each axis, in the generator's unit.
    fn spread(&self) -> f32 {
        0.0
    }

    /// One set of so many elements, to train on.
    fn draw(&self, elements: usize, rng: &mut ChaCha8Rng) -> Drawn;

    /// The places of a set that was turned, for sets of which something is made where they stand; none for sets whose
    /// places are turned themselves.
    fn turned(&self, _: &Drawn, _quaternion: [f32; 4]) -> Option<Vec<[f32; 3]>> {
        None
    }

    /// Which rotations carry the form of a class onto itself; none but the identity unless said.
    fn stabilizer(&self, _label: usize) -> Stabilizer {
        Stabilizer::generated(&[])
    }

    /// The class whose form is the mirror image of a class's; of most forms that is itself.
    fn mirror_image(&self, label: usize) -> usize {
        label
    }

    /// How many elements the sets of a batch have.
    fn draw_size(&self, [least, most]: [usize; 2], rng: &mut ChaCha8Rng) -> usize {
        rng.random_range(least..=most)
    }

    /// How many elements the set at this place has, of all that are the same for ever.
    fn size_at(&self, index: usize, [least, most]: [usize; 2]) -> usize {
        least + index % (most - least + 1)
    }

    /// The set at this place of those to test on.
    fn draw_test(&self, index: usize, elements: [usize; 2], rng: &mut ChaCha8Rng) -> Drawn {
        self.draw(self.size_at(index, elements), rng)
    }

    /// What all sets that are equal up to their order have in common, where few enough are drawn twice for that to
    /// matter.
    fn orbit(&self, _: &Drawn) -> Option<Vec<usize>> {
        None
    }
}

/// The generator of a recipe's sets; `folder` is where the file is, if they come from one.
///
/// # Errors
/// If that file is not there, or has too few of them.
pub fn generator(section: &SetData, folder: &Path) -> Result<Box<dyn Generator>, DataError> {
    Ok(match section.source {
        SetSource::DigitSets => Box::new(DigitSets),
        SetSource::Tetris => Box::new(Tetris),
        SetSource::Solids => Box::new(Solids),
        SetSource::SolidsViews => Box::new(SolidsViews),
        SetSource::Voxels => Box::new(Voxels),
        SetSource::Molecules => Box::new(Molecules::load(section, folder)?),
    })
}

/// A point with noise on each coordinate.
fn noised(point: [f32; 3], deviation: f32, rng: &mut ChaCha8Rng) -> [f32; 3] {
    point.map(|coordinate| coordinate + deviation * deviate(rng))
}
