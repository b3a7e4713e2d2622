//! Which samples a class code is the mean of: complements, from which a sample itself is withheld.
//!
//! Formula (Feige, *Invariant-Equivariant Representation Learning for Multi-Class Data*, ICML 2019): for a labelled sample
//! (x, y), `r_y = (1/m) Σ_i f_inv(x_i)` over m other labelled samples of class y. m is drawn anew for each batch. Nothing
//! here knows what a sample is: places are numbers.

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Labelled samples that a batch's class codes are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Their places among the training samples, each once.
    pub places: Vec<usize>,
    /// Their classes.
    pub classes: Vec<usize>,
}

impl Pool {
    /// Some samples of each class, at most `each` of them: `by_class` holds the places of the labelled samples.
    pub fn draw(by_class: &[Vec<usize>], each: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut pool = Self { places: Vec::new(), classes: Vec::new() };
        for (class, places) in by_class.iter().enumerate() {
            let drawn: Vec<usize> = places.sample(rng, each).copied().collect();
            pool.classes.extend(vec![class; drawn.len()]);
            pool.places.extend(drawn);
        }
        pool
    }

    /// Positions in the pool of up to `most` samples of a class, without that at the place `own`.
    pub fn complement(&self, class: usize, own: Option<usize>, most: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let all = self.places.iter().zip(&self.classes).enumerate();
        let others = all.filter(|(_, (place, of))| **of == class && Some(**place) != own);
        let mut others: Vec<usize> = others.map(|(position, _)| position).collect();
        others.shuffle(rng);
        others.truncate(most);
        others
    }

    /// The row of weights that makes a mean over the pool of those positions.
    pub fn mean(&self, positions: &[usize]) -> Vec<f32> {
        let mut row = vec![0.0; self.places.len()];
        positions.iter().for_each(|&position| row[position] = 1.0 / positions.len() as f32);
        row
    }
}

/// Of how many samples this batch's class codes are means, 1 to `most`.
pub fn count(most: usize, rng: &mut ChaCha8Rng) -> usize {
    rng.random_range(1..=most.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    /// Classes of 2 to 9 samples whose places are scattered.
    fn classes() -> impl Strategy<Value = Vec<Vec<usize>>> {
        prop::collection::vec(2usize..10, 1..6).prop_map(|sizes| {
            let count: usize = sizes.iter().sum();
            let mut places = (0..count).map(|i| i * 7 % (count * 7 + 1));
            sizes.iter().map(|&size| places.by_ref().take(size).collect()).collect()
        })
    }

    proptest! {
        #[test]
        fn a_sample_is_never_in_its_own_complement(by_class in classes(), each in 2usize..8, seed: u64) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let pool = Pool::draw(&by_class, each, &mut rng);
            let most = count(each - 1, &mut rng);
            for (class, places) in by_class.iter().enumerate() {
                for &own in places {
                    let complement = pool.complement(class, Some(own), most, &mut rng);
                    prop_assert!(complement.iter().all(|&at| pool.places[at] != own && pool.classes[at] == class));
                    // As many as were asked for, or all there are but the sample itself.
                    let others = each.min(places.len()) - usize::from(pool.places.contains(&own));
                    prop_assert_eq!(complement.len(), most.min(others));
                    let mut once = complement.clone();
                    once.sort_unstable();
                    once.dedup();
                    prop_assert_eq!(once.len(), complement.len(), "no sample counts twice");
                }
            }
        }

        #[test]
        fn a_pool_holds_samples_of_every_class_once(by_class in classes(), each in 2usize..8, seed: u64) {
            let pool = Pool::draw(&by_class, each, &mut ChaCha8Rng::seed_from_u64(seed));
            for (class, places) in by_class.iter().enumerate() {
                let of: Vec<usize> = pool.places.iter().zip(&pool.classes).filter(|one| *one.1 == class).map(|one| *one.0).collect();
                prop_assert!(of.iter().all(|place| places.contains(place)));
                prop_assert_eq!(of.len(), each.min(places.len()));
            }
            let mut once = pool.places.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), pool.places.len());
        }

        #[test]
        fn means_weigh_alike(positions in prop::sample::subsequence((0..12).collect::<Vec<usize>>(), 1..12)) {
            let pool = Pool { places: (0..12).collect(), classes: vec![0; 12] };
            let row = pool.mean(&positions);
            for (at, weight) in row.iter().enumerate() {
                let expected = if positions.contains(&at) { 1.0 / positions.len() as f32 } else { 0.0 };
                prop_assert_eq!(*weight, expected);
            }
        }
    }

    /// Every other sample of the class is drawn at some time, and every number of samples.
    #[test]
    fn complements_are_drawn_anew() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let by_class = vec![(0..10).collect::<Vec<usize>>()];
        let (mut seen, mut counts) = ([0; 10], [0; 8]);
        for _ in 0..500 {
            let pool = Pool::draw(&by_class, 8, &mut rng);
            let m = count(7, &mut rng);
            counts[m] += 1;
            for at in pool.complement(0, Some(4), m, &mut rng) {
                seen[pool.places[at]] += 1;
            }
        }
        assert_eq!(seen[4], 0);
        assert!((0..10).filter(|&place| place != 4).all(|place| seen[place] > 100), "{seen:?}");
        assert!(counts[0] == 0 && counts[1..].iter().all(|&count| count > 40), "{counts:?}");
    }
}
