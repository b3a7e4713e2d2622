//! Digits, each drawn on its own and as likely as any other (Winter et al. 2022, sets of digits).

use super::{Drawn, Generator};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Digits there are.
const DIGITS: usize = 10;

/// See the module.
#[derive(Debug)]
pub struct DigitSets;

impl Generator for DigitSets {
    fn types(&self) -> usize {
        DIGITS
    }

    fn per_count(&self) -> f32 {
        1.0
    }

    fn draw(&self, elements: usize, rng: &mut ChaCha8Rng) -> Drawn {
        Drawn { types: (0..elements).map(|_| rng.random_range(0..DIGITS)).collect(), ..Drawn::default() }
    }

    /// How often each digit is there.
    fn orbit(&self, drawn: &Drawn) -> Option<Vec<usize>> {
        let mut counts = vec![0; DIGITS];
        drawn.types.iter().for_each(|&digit| counts[digit] += 1);
        Some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn every_digit_is_as_likely_as_any_other() {
        let drawn = DigitSets.draw(100_000, &mut ChaCha8Rng::seed_from_u64(1));
        let counts = DigitSets.orbit(&drawn).unwrap();
        assert!(counts.iter().all(|count| (9_700..10_300).contains(count)), "{counts:?}");
    }
}
