//! Molecules of at most twelve atoms, from a file: each atom has a place and a type (QM9, see
//! [`molecules`](crate::data::molecules)).
//!
//! Some are drawn once for all to test on, and these come as the file has them. What is trained on has noise on each
//! coordinate, and each second time it is the mirror image: a molecule as good as the other.

use super::{Drawn, Generator, noised};
use crate::data::catalog::Set;
use crate::data::grid::{DataError, table};
use crate::data::molecules::{COLUMNS, COUNTS, TYPES};
use crate::recipe::set::SetData;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::Path;

/// The data set.
pub const NAME: &str = "molecules";
/// Standard deviation of the noise on what is trained on, ångström.
const NOISE: f32 = 0.02;
/// Standard deviation of where molecules stand, along each axis, ångström.
const SPREAD: f32 = 3.0;

/// See the module.
#[derive(Debug)]
pub struct Molecules {
    /// In an order that was drawn, as the next.
    train: Vec<Drawn>,
    test: Vec<Drawn>,
    /// Which of those to train on have so many atoms.
    sizes: BTreeMap<usize, Vec<usize>>,
}

impl Molecules {
    /// The molecules of a recipe's sizes, from the file of the data set in this folder.
    ///
    /// # Errors
    /// If that cannot be had, or has too few of them.
    pub fn load(section: &SetData, folder: &Path) -> Result<Self, DataError> {
        let set = Set::find(NAME).ok_or_else(|| DataError::Unknown(NAME.into()))?;
        let table = table(set, folder)?;
        let all = |of: &[usize]| of.iter().filter_map(|&i| table.counts.get(i)).map(|rows| molecule(rows)).collect();
        Self::new(all(&table.train), all(&table.test), section)
    }

    /// Those of a recipe's sizes among these.
    pub(crate) fn new(mut train: Vec<Drawn>, mut test: Vec<Drawn>, section: &SetData) -> Result<Self, DataError> {
        let [least, most] = section.elements;
        for (some, purpose, asked) in [(&mut train, "train on", 1), (&mut test, "test on", section.test)] {
            some.retain(|drawn| (least..=most).contains(&drawn.points.len()));
            if some.len() < asked {
                return Err(DataError::Few { name: NAME.into(), least, most, purpose, asked, there: some.len() });
            }
        }
        let mut sizes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        train.iter().enumerate().for_each(|(i, drawn)| sizes.entry(drawn.points.len()).or_default().push(i));
        Ok(Self { train, test, sizes })
    }
}

/// What stands in the rows of a molecule.
fn molecule(rows: &[i16]) -> Drawn {
    let atoms = rows.chunks_exact(COLUMNS).take_while(|row| row[0] > 0);
    let place = |row: &[i16]| std::array::from_fn(|axis| f32::from(row[1 + axis]) / COUNTS);
    let (points, types) = atoms.map(|row| (place(row), row[0] as usize - 1)).unzip();
    Drawn { points, types, label: 0 }
}

impl Generator for Molecules {
    fn has_points(&self) -> bool {
        true
    }

    fn types(&self) -> usize {
        TYPES.len()
    }

    fn per_count(&self) -> f32 {
        1.0 / COUNTS
    }

    fn spread(&self) -> f32 {
        SPREAD
    }

    /// Of a size that no molecule has there is one of the next larger, or of the largest.
    fn draw(&self, elements: usize, rng: &mut ChaCha8Rng) -> Drawn {
        let sizes = self.sizes.range(elements..).next().or_else(|| self.sizes.last_key_value());
        let some = sizes.map_or(&[][..], |(_, some)| some);
        let Some(drawn) = some.get(rng.random_range(0..some.len().max(1))).and_then(|&i| self.train.get(i)) else {
            return Drawn::default();
        };
        let side = if rng.random() { 1.0 } else { -1.0 };
        let points = drawn.points.iter().map(|&[x, y, z]| noised([side * x, y, z], NOISE, rng));
        Drawn { points: points.collect(), ..drawn.clone() }
    }

    /// That of a molecule: the more there are of a size, the more often it comes.
    fn draw_size(&self, elements: [usize; 2], rng: &mut ChaCha8Rng) -> usize {
        self.size_at(rng.random_range(0..self.train.len()), elements)
    }

    fn size_at(&self, index: usize, _: [usize; 2]) -> usize {
        self.train.get(index % self.train.len()).map_or(0, |drawn| drawn.points.len())
    }

    fn draw_test(&self, index: usize, _: [usize; 2], _: &mut ChaCha8Rng) -> Drawn {
        self.test.get(index).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::data::sets::Sets;
    use rand::SeedableRng;

    /// A molecule of atoms by their symbols and places, ångström.
    pub fn atoms(atoms: &[(&str, [f32; 3])]) -> Drawn {
        let kind = |name: &str| TYPES.iter().position(|kind| *kind == name).expect("a type");
        let (points, types) = atoms.iter().map(|&(name, place)| (place, kind(name))).unzip();
        Drawn { points, types, label: 0 }
    }

    /// Four hydrogen atoms around carbon: an exact tetrahedron.
    pub fn methane() -> Drawn {
        let h = |x, y, z| ("H", [x, y, z].map(|side: f32| 0.63 * side));
        atoms(&[("C", [0.0; 3]), h(1., 1., 1.), h(1., -1., -1.), h(-1., 1., -1.), h(-1., -1., 1.)])
    }

    /// A ring of four carbon atoms, each with hydrogen outside: an exact square.
    pub fn ring() -> Drawn {
        let corner = |name, side: f32, [x, y]: [f32; 2]| (name, [side * x, side * y, 0.0]);
        let corners = [[1., 0.], [0., 1.], [-1., 0.], [0., -1.]];
        let both = corners.map(|at| [corner("C", 1.02, at), corner("H", 2.1, at)]);
        atoms(both.as_flattened())
    }

    /// Three atoms on a line.
    pub fn line() -> Drawn {
        atoms(&[("H", [-1.6, 0.0, 0.0]), ("C", [-0.5, 0.0, 0.0]), ("N", [0.7, 0.0, 0.0])])
    }

    /// So many made-up molecules of sizes from `least` to `most` in turn: a heavy atom behind the other with a bond's length
    /// between them, and hydrogen atoms around.
    pub fn made_up(count: usize, [least, most]: [usize; 2], seed: u64) -> Vec<Drawn> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let one = |index: usize| {
            let (mut points, mut types) = (Vec::new(), Vec::new());
            let mut last = [0.0; 3];
            for atom in 0..least + index % (most - least + 1) {
                let heavy = atom % 2 == 0;
                let there = noised(last, if heavy { 1.0 } else { 0.7 }, &mut rng);
                last = if heavy { there } else { last };
                points.push(there);
                types.push(if heavy { rng.random_range(1..TYPES.len()) } else { 0 });
            }
            Drawn { points, types, label: 0 }
        };
        (0..count).map(one).collect()
    }

    /// The sets of a recipe of molecules, with made-up ones in place of its file's.
    pub fn sets(section: &SetData) -> Sets {
        let some = |count, seed| made_up(count, section.elements, seed);
        let molecules = Molecules::new(some(60, 1), some(section.test, 2), section).unwrap();
        Sets::drawn_by(Box::new(molecules), section)
    }

    /// Three atoms of three types, bent, whose first bond has this length.
    pub fn bent(length: f32) -> Drawn {
        atoms(&[("N", [0.0; 3]), ("H", [length, 0.0, 0.0]), ("O", [0.4, 1.2, 0.1])])
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;
    use crate::recipe::set::SetSource;
    use rand::SeedableRng;

    fn section(elements: [usize; 2], test: usize) -> SetData {
        SetData { source: SetSource::Molecules, elements, scale: 1.0, train: 10, test }
    }

    fn some() -> [Vec<Drawn>; 2] {
        [vec![bent(1.0), methane(), bent(1.5), bent(2.0)], vec![bent(1.25), methane()]]
    }

    fn distances(drawn: &Drawn) -> Vec<f32> {
        let pairs = (0..drawn.points.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        let squared = |(i, j): (usize, usize)| -> f32 {
            (0..3).map(|axis| (drawn.points[i][axis] - drawn.points[j][axis]).powi(2)).sum()
        };
        pairs.map(|pair| squared(pair).sqrt()).collect()
    }

    #[test]
    fn rows_end_where_the_atoms_do() {
        let mut rows = vec![3, 0, 0, 0, 1, 1000, 0, 0, 4, 400, 1200, 100];
        rows.resize(48, 0);
        assert_eq!(molecule(&rows), bent(1.0));
    }

    #[test]
    fn what_is_tested_on_comes_as_it_is_and_is_never_trained_on() {
        let [train, test] = some();
        let molecules = Molecules::new(train, test.clone(), &section([3, 12], 2)).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!([0, 1].map(|index| molecules.draw_test(index, [3, 12], &mut rng)).to_vec(), test);
        for _ in 0..200 {
            let drawn = molecules.draw(3, &mut rng);
            let first = distances(&drawn)[0];
            assert!([1.0, 1.5, 2.0].iter().any(|length| (first - length).abs() < 6.0 * NOISE), "{first}");
        }
    }

    /// What is drawn is one of the molecules or its mirror image, each as often, nearly.
    #[test]
    fn mirror_images_are_drawn_too_and_noise_is_small() {
        let [train, test] = some();
        let molecules = Molecules::new(train[..1].to_vec(), test, &section([3, 3], 1)).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut mirrored = 0;
        for _ in 0..400 {
            let drawn = molecules.draw(3, &mut rng);
            let apart = distances(&drawn).into_iter().zip(distances(&bent(1.0))).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) < 8.0 * NOISE);
            mirrored += usize::from(drawn.points[1][0] < 0.0);
        }
        assert!((150..250).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn sizes_come_as_often_as_molecules_have_them() {
        let [train, test] = some();
        let molecules = Molecules::new(train, test, &section([3, 12], 2)).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let sizes: Vec<usize> = (0..4000).map(|_| molecules.draw_size([3, 12], &mut rng)).collect();
        let three = sizes.iter().filter(|&&size| size == 3).count();
        assert!((2850..3150).contains(&three) && sizes.iter().all(|size| [3, 5].contains(size)), "{three}");
        assert_eq!([4, 5, 9].map(|elements| molecules.draw(elements, &mut rng).points.len()), [5, 5, 5]);
    }

    #[test]
    fn a_file_that_is_not_there_is_asked_for() {
        let error = Molecules::load(&section([3, 12], 1), Path::new("no/such")).unwrap_err().to_string();
        assert!(error.contains("`gimbal data fetch molecules --data no/such`"), "{error}");
    }

    #[test]
    fn too_few_are_refused() {
        let [train, test] = some();
        let error = |elements, asked| {
            Molecules::new(train.clone(), test.clone(), &section(elements, asked)).unwrap_err().to_string()
        };
        assert!(error([3, 12], 3).contains("has 2 sets of 3 to 12 elements to test on, fewer than the 3"));
        assert!(error([6, 12], 1).contains("has 0 sets of 6 to 12 elements to train on"));
        assert!(error([3, 4], 2).contains("has 1 sets of 3 to 4"));
    }
}
