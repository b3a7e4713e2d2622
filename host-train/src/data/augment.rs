//! Training windows varied at random: another start, tempo, strength, arm and pose each time.
//!
//! None of these changes what exercise it is, and none needs the label.

use super::{CHANNELS, Recording, rotation};
use crate::recipe::AugmentSection;
use rand::RngExt;

/// One window of `length` samples out of `recording`, varied; `start` is its place on the grid.
/// Gives `T × 6` numbers in counts, no longer whole.
pub fn draw(
    recording: &Recording,
    start: usize,
    length: usize,
    section: &AugmentSection,
    rng: &mut impl RngExt,
) -> Vec<f32> {
    let samples = recording.counts.len();
    // The tempo that the recording's length allows; a window is never padded.
    let longest = (samples - 1) as f32 / (length.max(2) - 1) as f32;
    let tempo = (1.0 + symmetric(rng) * section.tempo).min(longest);
    let span = (length - 1) as f32 * tempo;
    let last = samples - 1 - (span.ceil() as usize).min(samples - 1);
    let start = match section.crop {
        true => rng.random_range(0..=last),
        false => start.min(last),
    };
    let mirror = rng.random_bool(section.mirror);
    let amplitude = 1.0 + section.amplitude * deviate(rng);
    let turn = section.rotate.then(|| rotation::random(rng));

    let mut window = Vec::with_capacity(length * CHANNELS);
    for t in 0..length {
        let mut sample = between(&recording.counts, start as f32 + t as f32 * tempo);
        for (channel, number) in sample.iter_mut().enumerate() {
            *number *= amplitude;
            if channel >= 3 {
                // The same path in less time is a faster turn.
                *number *= tempo;
            }
        }
        if mirror {
            sample = mirrored(sample);
        }
        let (halves, _) = sample.as_chunks::<3>();
        for &half in halves {
            window.extend(match &turn {
                Some(turn) => rotation::turn(turn, half),
                None => half,
            });
        }
    }
    window
}

/// The sample at a time between two of the recording's.
fn between(counts: &[[i16; CHANNELS]], at: f32) -> [f32; CHANNELS] {
    let before = (at as usize).min(counts.len() - 1);
    let after = (before + 1).min(counts.len() - 1);
    let part = at - before as f32;
    std::array::from_fn(|channel| {
        let [a, b] = [before, after].map(|t| f32::from(counts[t][channel]));
        a + part * (b - a)
    })
}

/// The sample as a sensor on the other side of the body's mirror plane measures it: an
/// acceleration is a vector, an angular rate a pseudo-vector, whose in-plane parts change sign.
fn mirrored([ax, ay, az, wx, wy, wz]: [f32; CHANNELS]) -> [f32; CHANNELS] {
    [-ax, ay, az, wx, -wy, -wz]
}

/// Uniform in −1 to 1.
fn symmetric(rng: &mut impl RngExt) -> f32 {
    rng.random_range(-1.0..=1.0)
}

/// Standard deviation 1, mean 0, at most 3: the sum of twelve uniform numbers, scaled. Exact
/// arithmetic only, so that every machine draws the same.
pub(crate) fn deviate(rng: &mut impl RngExt) -> f32 {
    let sum: f32 = (0..12).map(|_| symmetric(rng)).sum();
    (sum / 2.0).clamp(-3.0, 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const NOTHING: AugmentSection =
        AugmentSection { rotate: false, crop: false, mirror: 0.0, amplitude: 0.0, tempo: 0.0 };

    fn ramp(samples: i16) -> Recording {
        Recording { subject: 1, label: 0, side: 0, counts: (0..samples).map(|t| [t; CHANNELS]).collect() }
    }

    #[test]
    fn without_augmentation_a_window_is_the_recording() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let window = draw(&ramp(100), 30, 40, &NOTHING, &mut rng);
        let expected: Vec<f32> = (30..70i16).flat_map(|t| [f32::from(t); CHANNELS]).collect();
        assert_eq!(window, expected);
    }

    #[test]
    fn every_augmentation_stays_inside_the_shortest_recording() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let section = AugmentSection { crop: true, tempo: 0.4, ..NOTHING };
        for samples in 40..80 {
            let window = draw(&ramp(samples), 0, 40, &section, &mut rng);
            assert_eq!(window.len(), 40 * CHANNELS);
            assert!(window.iter().all(|&c| (0.0..=1.4 * f32::from(samples)).contains(&c)));
            // Acceleration is only resampled, so the ramp must still rise.
            assert!(window.chunks(CHANNELS).is_sorted_by(|a, b| a[0] < b[0]));
        }
    }

    #[test]
    fn mirroring_twice_is_nothing_and_commutes_with_the_cross_product_law() {
        let sample = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(mirrored(mirrored(sample)), sample);
        // ω × a of a mirrored sample is the mirrored ω × a, a vector.
        let cross = |s: [f32; 6]| {
            let [ax, ay, az, wx, wy, wz] = s;
            [wy * az - wz * ay, wz * ax - wx * az, wx * ay - wy * ax]
        };
        let [x, y, z] = cross(sample);
        assert_eq!(cross(mirrored(sample)), [-x, y, z]);
    }

    #[test]
    fn deviates_have_mean_zero_and_deviation_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let n = 20_000;
        let numbers: Vec<f32> = (0..n).map(|_| deviate(&mut rng)).collect();
        let mean = numbers.iter().sum::<f32>() / n as f32;
        let variance = numbers.iter().map(|x| x * x).sum::<f32>() / n as f32;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
    }
}
