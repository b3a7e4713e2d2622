//! Windows that look a little like a moving wrist's.

use crate::{CHANNELS, SAMPLES};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// `count` windows: gravity in a random direction, one swing on every axis, noise. 4096 counts are
/// 1 g; one count of angular rate is 0.001 rad/s.
#[must_use]
pub fn synthetic_windows(seed: u64, count: usize) -> Vec<Vec<i16>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| window(&mut rng)).collect()
}

fn window(rng: &mut ChaCha8Rng) -> Vec<i16> {
    let gravity: [f32; 3] = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
    let length = gravity.iter().map(|x| x * x).sum::<f32>().sqrt().max(0.1);
    let frequency = rng.random_range(0.02..0.15);
    let swings: Vec<(f32, f32)> =
        (0..CHANNELS).map(|_| (rng.random_range(0.0..2500.0), rng.random_range(0.0..6.3))).collect();
    let mut window = Vec::with_capacity(usize::from(SAMPLES * CHANNELS));
    for t in 0..SAMPLES {
        for (channel, (amplitude, phase)) in swings.iter().enumerate() {
            let rest = gravity.get(channel).map_or(0.0, |g| 4096.0 * g / length);
            let swing = amplitude * (frequency * f32::from(t) * std::f32::consts::TAU + phase).sin();
            window.push((rest + swing + rng.random_range(-40.0..40.0)).round() as i16);
        }
    }
    window
}
