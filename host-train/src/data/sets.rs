//! Sets of elements in any order: what is learned from, and what is tested on.
//!
//! A set is `[elements, channels]` in counts, an element a row: its place x, y, z, if it has one, then a one for its type
//! among zeros, if it has one. Sets move: by a rotation and a translation of all places, and by a permutation of the rows.

use super::augment::deviate;
use super::generate::{Drawn, Generator, Stabilizer, generator};
use super::grid::DataError;
use super::rotation::{matrix, product, random_quaternion, turn};
use crate::recipe::set::SetData;
use burn::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;
use std::path::Path;

/// Decides the sets to test on and how they are moved.
const SEED: u64 = 1;
/// Sets whose codes are neighbours to those of the test sets, and that calibrate, at most.
const REFERENCE: usize = 2000;

/// A set.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// `[elements, channels]`.
    pub counts: Vec<i16>,
    /// Its class; 0 where there are none.
    pub label: usize,
}

impl AsRef<[i16]> for Set {
    fn as_ref(&self) -> &[i16] {
        &self.counts
    }
}

/// An element of SE(3) × S_N.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// `w + x·i + y·j + z·k` of the rotation.
    pub quaternion: [f32; 4],
    /// Where the origin goes, in counts.
    pub translation: [i16; 3],
    /// Which row comes first, second and so on.
    pub order: Vec<usize>,
}

/// A kind of set: its elements, and those to test on.
#[derive(Debug)]
pub struct Sets {
    generator: Box<dyn Generator>,
    /// Fewest and most elements.
    pub elements: [usize; 2],
    /// Whether the first three channels are a place.
    pub points: bool,
    /// Types, a channel each.
    pub types: usize,
    /// Length of a count.
    pub per_count: f32,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Sets as they are trained on, the same for ever.
    pub reference: Vec<Set>,
    /// Sets that are never trained on; where sets are few enough to meet twice, neither is any permutation of them.
    pub test: Vec<Set>,
    /// The same, moved.
    pub test_moved: Vec<Set>,
    /// What moved each.
    pub moves: Vec<Move>,
    /// What has put each where it is, before it was moved.
    pub placed: Vec<Move>,
    orbits: HashSet<Vec<usize>>,
}

impl Sets {
    /// The sets of a recipe that a generator draws.
    ///
    /// # Panics
    /// If they come from a file: [`load`](Self::load) reads that.
    pub fn new(section: &SetData) -> Self {
        Self::load(section, Path::new("")).expect("these sets come from no file")
    }

    /// The sets of a recipe; `folder` is that of data sets, for those that come from a file.
    ///
    /// # Errors
    /// If that file is not there, or has too few of them.
    pub fn load(section: &SetData, folder: &Path) -> Result<Self, DataError> {
        Ok(Self::drawn_by(generator(section, folder)?, section))
    }

    /// The sets that a generator draws for a recipe.
    pub(crate) fn drawn_by(generator: Box<dyn Generator>, section: &SetData) -> Self {
        let mut sets = Self {
            elements: section.elements,
            points: generator.has_points(),
            types: generator.types(),
            per_count: generator.per_count(),
            classes: generator.classes(),
            reference: Vec::new(),
            test: Vec::new(),
            test_moved: Vec::new(),
            moves: Vec::new(),
            placed: Vec::new(),
            orbits: HashSet::new(),
            generator,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        for index in 0..section.test {
            let drawn = sets.generator.draw_test(index, section.elements, &mut rng);
            sets.orbits.extend(sets.generator.orbit(&drawn));
            let there = sets.random_move(drawn.elements(), &mut rng);
            let set = sets.put(&drawn, &there);
            let by = sets.random_move(sets.size(&set), &mut rng);
            sets.test_moved.push(sets.moved_again(&drawn, &there, &set, &by));
            sets.test.push(set);
            sets.moves.push(by);
            sets.placed.push(there);
        }
        for index in 0..section.train.min(REFERENCE) {
            let set = sets.draw(sets.generator.size_at(index, section.elements), &mut rng);
            sets.reference.push(set);
        }
        sets
    }

    /// Numbers of an element.
    pub fn channels(&self) -> usize {
        3 * usize::from(self.points) + self.types
    }

    /// Which rotations carry the form of a class onto itself, about its centre and as it is before it is put anywhere.
    pub fn stabilizer(&self, label: usize) -> Stabilizer {
        self.generator.stabilizer(label)
    }

    /// Whether rotations carry the form of some class onto itself.
    pub fn are_symmetric(&self) -> bool {
        (0..self.classes.len()).any(|label| self.stabilizer(label) != Stabilizer::generated(&[]))
    }

    /// The classes of sets, where a class and that of the mirror images of its forms are one.
    pub fn unhanded(&self, some: &[Set]) -> Vec<usize> {
        some.iter().map(|set| set.label.min(self.generator.mirror_image(set.label))).collect()
    }

    /// The set inverted through the origin.
    pub fn inverted(&self, set: &Set) -> Set {
        let channels = self.channels();
        let place = |channel: usize| self.points && channel < 3;
        let number = |(at, &count): (usize, &i16)| if place(at % channels) { count.saturating_neg() } else { count };
        Set {
            counts: set.counts.iter().enumerate().map(number).collect(),
            label: self.generator.mirror_image(set.label),
        }
    }

    /// Elements of a set.
    pub fn size(&self, set: &Set) -> usize {
        set.counts.len() / self.channels()
    }

    /// A set to train on, somewhere in space.
    pub fn draw(&self, elements: usize, rng: &mut ChaCha8Rng) -> Set {
        loop {
            let drawn = self.generator.draw(elements, rng);
            if self.generator.orbit(&drawn).is_none_or(|orbit| !self.orbits.contains(&orbit)) {
                let there = self.random_move(drawn.elements(), rng);
                return self.put(&drawn, &there);
            }
        }
    }

    /// Moved, each place rounded to the nearest count.
    pub fn moved(&self, set: &Set, by: &Move) -> Set {
        let rows = set.counts.chunks_exact(self.channels()).map(|row| self.row(self.place(row), row, by));
        let rows: Vec<Vec<i16>> = rows.collect();
        Set { counts: by.order.iter().flat_map(|&row| rows[row].clone()).collect(), label: set.label }
    }

    /// The places of a set, counts; none where elements have none.
    pub fn places(&self, counts: &[i16]) -> Vec<[f32; 3]> {
        counts.chunks_exact(self.channels()).filter_map(|row| self.place(row)).collect()
    }

    /// The place in a row.
    fn place(&self, row: &[i16]) -> Option<[f32; 3]> {
        self.points.then(|| std::array::from_fn(|axis| f32::from(row[axis])))
    }

    fn row(&self, place: Option<[f32; 3]>, row: &[i16], by: &Move) -> Vec<i16> {
        let Some(place) = place else { return row.to_vec() };
        let turned = turn(&matrix(by.quaternion), place);
        let there = turned.iter().zip(by.translation).map(|(c, t)| (c + f32::from(t)).round() as i16);
        there.chain(row[3..].iter().copied()).collect()
    }

    /// A move as test sets are moved by.
    pub fn random_move(&self, elements: usize, rng: &mut ChaCha8Rng) -> Move {
        let spread = self.generator.spread() / self.per_count;
        let mut order: Vec<usize> = (0..elements).collect();
        order.shuffle(rng);
        Move {
            quaternion: random_quaternion(rng),
            translation: std::array::from_fn(|_| (spread * deviate(rng)).round() as i16),
            order,
        }
    }

    /// A set that was drawn and put somewhere, moved from there; where a turned set is made anew, so is this one.
    fn moved_again(&self, drawn: &Drawn, there: &Move, set: &Set, by: &Move) -> Set {
        match self.generator.turned(drawn, product(by.quaternion, there.quaternion)) {
            Some(points) => self.translated(&points, drawn.label, by),
            None => self.moved(set, by),
        }
    }

    /// Places that are turned already, in counts and in order.
    fn translated(&self, points: &[[f32; 3]], label: usize, by: &Move) -> Set {
        let place = |&row: &usize| {
            let there = points[row].iter().zip(by.translation);
            there.map(|(c, t)| (c / self.per_count + f32::from(t)).round() as i16)
        };
        Set { counts: by.order.iter().flat_map(place).collect(), label }
    }

    /// In counts, moved.
    fn put(&self, drawn: &Drawn, by: &Move) -> Set {
        if let Some(points) = self.generator.turned(drawn, by.quaternion) {
            return self.translated(&points, drawn.label, by);
        }
        let rows: Vec<Vec<i16>> = (0..drawn.elements())
            .map(|element| {
                let mut row = vec![0; self.channels()];
                if let Some(&kind) = drawn.types.get(element) {
                    row[3 * usize::from(self.points) + kind] = 1;
                }
                // Not rounded before it is turned.
                let place = drawn.points.get(element).map(|point| point.map(|c| c / self.per_count));
                self.row(place, &row, by)
            })
            .collect();
        Set { counts: by.order.iter().flat_map(|&row| rows[row].clone()).collect(), label: drawn.label }
    }

    /// Sets of one size as `[B, N, channels]`: places around their mean, which is rounded to counts, in network units.
    pub fn tensor<S: AsRef<[i16]>>(&self, sets: &[S], scale: f32, device: &Device) -> Tensor<3> {
        let channels = self.channels();
        let elements = sets.first().map_or(0, |set| set.as_ref().len() / channels);
        let numbers: Vec<f32> = sets.iter().flat_map(|set| self.numbers(set.as_ref(), scale)).collect();
        Tensor::from_data(TensorData::new(numbers, [sets.len(), elements, channels]), device)
    }

    /// One set as `[N, channels]`, in the same way.
    pub fn numbers(&self, counts: &[i16], scale: f32) -> Vec<f32> {
        let (mean, unit) = (self.mean(counts), self.per_count / scale);
        let number = |(channel, &count): (usize, &i16)| match mean {
            Some(mean) if channel < 3 => (i32::from(count) - mean[channel]) as f32 * unit,
            _ => f32::from(count),
        };
        counts.chunks_exact(self.channels()).flat_map(|row| row.iter().enumerate().map(number)).collect()
    }

    /// The mean place, rounded to the nearest count. What lies half way goes up, below zero too, so that moving the set by
    /// counts moves its mean by as many.
    pub fn mean(&self, counts: &[i16]) -> Option<[i32; 3]> {
        let rows = || counts.chunks_exact(self.channels());
        let elements = rows().len() as i32;
        let sum = |axis: usize| rows().map(|row| i32::from(row[axis])).sum::<i32>();
        (self.points && elements > 0)
            .then(|| std::array::from_fn(|axis| (2 * sum(axis) + elements).div_euclid(2 * elements)))
    }

    /// How many elements the sets of a batch have.
    pub fn draw_size(&self, rng: &mut ChaCha8Rng) -> usize {
        self.generator.draw_size(self.elements, rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::{device, difference};
    use crate::recipe::set::SetSource;
    use proptest::prelude::*;

    fn sets(source: SetSource, elements: [usize; 2]) -> Sets {
        Sets::new(&SetData { source, elements, scale: 1.0, train: 20, test: 20 })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// What the networks get is the same wherever the set is, number by number.
        #[test]
        fn a_translation_by_counts_changes_nothing(seed in 0u64..1 << 32, by in prop::array::uniform3(-5000i16..5000)) {
            let sets = sets(SetSource::Tetris, [4, 4]);
            let set = sets.draw(4, &mut ChaCha8Rng::seed_from_u64(seed));
            let rows = set.counts.iter().enumerate().map(|(i, count)| count.saturating_add(by[i % 3]));
            let moved = Set { counts: rows.collect(), label: set.label };
            let tensor = |set: &Set| sets.tensor(&[set], 1.0, &device());
            prop_assert_eq!(difference(tensor(&set), tensor(&moved)), 0.0);
        }
    }

    #[test]
    fn moved_sets_are_the_same_elsewhere() {
        for source in [SetSource::Tetris, SetSource::Solids, SetSource::DigitSets] {
            let sets = sets(source, [4, 6]);
            for ((set, moved), by) in sets.test.iter().zip(&sets.test_moved).zip(&sets.moves) {
                assert_eq!((sets.size(set), set.label), (sets.size(moved), moved.label));
                let rows =
                    |set: &Set| set.counts.chunks_exact(sets.channels()).map(<[i16]>::to_vec).collect::<Vec<_>>();
                let (here, there) = (rows(set), rows(moved));
                for (row, &from) in there.iter().zip(&by.order) {
                    let types = 3 * usize::from(sets.points);
                    assert_eq!(row[types..], here[from][types..]);
                    if let Some(place) = sets.place(&here[from]) {
                        let turned = turn(&matrix(by.quaternion), place);
                        for axis in 0..3 {
                            let expected = turned[axis] + f32::from(by.translation[axis]);
                            assert!((f32::from(row[axis]) - expected).abs() <= 0.51);
                        }
                    }
                }
            }
        }
    }

    /// Not point by point, since they are made anew: near each place that was turned there is one, about a cell away.
    #[test]
    fn volumes_are_made_where_they_were_moved() {
        let sets = sets(SetSource::Voxels, [64, 64]);
        let cell = 1.0 / sets.per_count;
        let mut apart = Vec::new();
        for ((set, moved), by) in sets.test.iter().zip(&sets.test_moved).zip(&sets.moves) {
            let there = sets.places(&moved.counts);
            for place in sets.places(&set.counts) {
                let turned = turn(&matrix(by.quaternion), place);
                let squared = |p: &[f32; 3]| p.iter().zip(turned).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
                apart.push(there.iter().map(squared).fold(f32::INFINITY, f32::min).sqrt() / cell);
            }
            assert_ne!(sets.moved(set, by), *moved);
        }
        let mean = apart.iter().sum::<f32>() / apart.len() as f32;
        assert!(mean < 1.15, "{mean} cells");
    }

    #[test]
    fn no_permutation_of_a_test_set_is_trained_on() {
        let sets = sets(SetSource::DigitSets, [2, 2]);
        let orbit = |set: &Set| -> Vec<i16> {
            (0..sets.types).map(|kind| set.counts.iter().skip(kind).step_by(sets.types).sum()).collect()
        };
        let tested: HashSet<Vec<i16>> = sets.test.iter().map(orbit).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let drawn: HashSet<Vec<i16>> = (0..2000).map(|_| orbit(&sets.draw(2, &mut rng))).collect();
        assert!(tested.is_disjoint(&drawn));
        // There are 55 pairs of digits.
        assert_eq!(tested.len() + drawn.len(), 55);
    }

    #[test]
    fn the_sets_to_test_on_are_the_same_for_ever() {
        let again = || sets(SetSource::Solids, [64, 64]);
        assert_eq!(again().test_moved, again().test_moved);
        assert_ne!(again().test[0], again().reference[0]);
    }
}
