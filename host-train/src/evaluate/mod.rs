//! How good a package is, measured through core: the host's integers *are* the device's.

pub mod class_pose;
pub mod coverage;
pub mod device;
pub mod equivae;
pub mod figures;
pub mod grid;
pub mod metrics;
pub mod set;
pub mod set_device;
pub mod volume;
pub mod walk;

use crate::data::{ACCELERATION, CHANNELS, Window, rotation};
use device::{Device, Reading};
use gimbal_core::Error;
use gimbal_core::group::Group;
use gimbal_core::group::so3::Rotation;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A window and the rotation that it was turned by, behind the inversion if it was mirrored.
#[derive(Clone, Debug, PartialEq)]
pub struct Turned {
    /// The turned window.
    pub window: Window,
    /// Whether it is a mirror image.
    pub mirrored: bool,
    /// `w + x·i + y·j + z·k` of the rotation.
    pub quaternion: [f32; 4],
}

impl AsRef<[i16]> for Turned {
    fn as_ref(&self) -> &[i16] {
        &self.window.counts
    }
}

/// Each window under its own uniformly random rotation; the seed decides all of them.
pub fn turn(windows: &[Window], seed: u64) -> Vec<Turned> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    windows.iter().map(|window| turned(window, rotation::random_quaternion(&mut rng))).collect()
}

/// Each window turned about its own gravity, which is the mean of its acceleration, by a uniformly random angle; the
/// seed decides all of them.
pub fn turn_about_gravity(windows: &[Window], seed: u64) -> Vec<Turned> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let about = |window: &Window| {
        // Of a uniform rotation, what turns about one axis is uniform too.
        let [w, x, y, z] = rotation::random_quaternion(&mut rng);
        let [a, b, c] = gravity(&window.counts);
        let squared = a * a + b * b + c * c;
        let along = if squared > 0.0 { (x * a + y * b + z * c) / squared } else { 0.0 };
        turned(window, [w, along * a, along * b, along * c])
    };
    windows.iter().map(about).collect()
}

/// The mirror images of turned windows, as if worn on the other arm.
///
/// The inversion turns accelerations around and leaves angular rates. It is a mirror and a half turn, and random
/// rotations behind it are as random as behind the mirror alone.
pub fn mirror(turned: &[Turned]) -> Vec<Turned> {
    let mut mirrored = turned.to_vec();
    for one in &mut mirrored {
        one.mirrored = !one.mirrored;
        for sample in one.window.counts.as_chunks_mut::<CHANNELS>().0 {
            sample[3 * ACCELERATION..][..3].iter_mut().for_each(|count| *count = count.saturating_neg());
        }
    }
    mirrored
}

/// The mean of the acceleration of `T × 6` counts, in counts.
pub fn gravity(counts: &[i16]) -> [f32; 3] {
    let samples = counts.as_chunks::<CHANNELS>().0;
    let sum = |axis: usize| samples.iter().map(|sample| i64::from(sample[3 * ACCELERATION + axis])).sum::<i64>();
    std::array::from_fn(|axis| sum(axis) as f32 / samples.len().max(1) as f32)
}

fn turned(window: &Window, quaternion: [f32; 4]) -> Turned {
    let counts = rotation::rotate_counts(&window.counts, &rotation::matrix(quaternion));
    Turned { window: Window { counts, ..window.clone() }, mirrored: false, quaternion }
}

/// What a package says of windows as they were recorded and of the same windows turned.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// As recorded.
    pub upright: Vec<Reading>,
    /// Turned.
    pub rotated: Vec<Reading>,
    /// The true classes.
    pub labels: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// For each window that has a pose both ways: the angle between ψ(g·x) and g·ψ(x), degrees.
    pub pose_errors_deg: Vec<f32>,
    /// Of as many windows, how many have another hand than the law asks for; none where no pose has a hand.
    pub hand_errors: usize,
}

/// Runs a package over windows, as they are and turned.
pub fn evaluate(device: &mut Device<'_>, windows: &[Window], turned: &[Turned]) -> Result<Evaluation, Error> {
    let upright = device.read_all(windows)?;
    let rotated = device.read_all(turned)?;
    let pairs = upright.iter().zip(&rotated).zip(turned);
    let pose_errors_deg = pairs
        .filter_map(|((upright, rotated), turned)| {
            let expected = Rotation::from_quaternion(turned.quaternion).compose(upright.rotation()?);
            Some(expected.angle_to(&rotated.rotation()?).to_degrees())
        })
        .collect();
    let hands = upright.iter().zip(&rotated).zip(turned).filter(|((upright, rotated), turned)| {
        let hands = upright.is_reflected().zip(rotated.is_reflected());
        hands.is_some_and(|(upright, rotated)| (upright != rotated) != turned.mirrored)
    });
    let hand_errors = hands.count();
    let labels = windows.iter().map(|window| window.label).collect();
    Ok(Evaluation { upright, rotated, labels, classes: device.classes(), pose_errors_deg, hand_errors })
}

impl Evaluation {
    /// Accuracy on the windows as recorded; a window without a pose counts as wrong.
    pub fn accuracy_upright(&self) -> Option<f64> {
        self.accuracy(&self.upright)
    }

    /// Accuracy on the turned windows; a window without a pose counts as wrong.
    pub fn accuracy_rotated(&self) -> Option<f64> {
        self.accuracy(&self.rotated)
    }

    /// Windows by true class (rows) and predicted class (columns).
    pub fn confusion(&self, readings: &[Reading]) -> Vec<Vec<u32>> {
        let mut matrix = vec![vec![0; self.classes]; self.classes];
        for (reading, &label) in readings.iter().zip(&self.labels) {
            if let Some(class) = reading.class {
                matrix[label][class] += 1;
            }
        }
        matrix
    }

    /// Turned windows without a pose.
    pub fn degenerate(&self) -> usize {
        self.rotated.iter().filter(|reading| reading.degenerate.is_some()).count()
    }

    fn accuracy(&self, readings: &[Reading]) -> Option<f64> {
        (self.classes > 0).then(|| metrics::accuracy(readings.iter().map(|reading| reading.class), &self.labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{windows, wrist};

    /// Of means of counts that are rounded after they were turned.
    const TOLERANCE: f32 = 0.5;

    #[test]
    fn mirroring_twice_is_nothing_and_once_is_seen_in_accelerations() {
        let windows = windows(&wrist::load().unwrap(), 128, 512, |subject| subject == 8);
        let turned = turn(&windows, 1);
        let mirrored = mirror(&turned);
        assert_eq!(mirror(&mirrored), turned);
        for (a, b) in turned.iter().zip(&mirrored) {
            assert!(b.mirrored && a.quaternion == b.quaternion);
            let samples = a.as_ref().as_chunks::<6>().0.iter().zip(b.as_ref().as_chunks::<6>().0);
            for (&[x, y, z, p, q, r], &mirrored) in samples {
                assert_eq!([-x, -y, -z, p, q, r], mirrored);
            }
        }
    }

    #[test]
    fn turning_about_gravity_leaves_gravity_and_moves_the_rest() {
        let windows = windows(&wrist::load().unwrap(), 128, 512, |subject| subject == 8);
        let turned = turn_about_gravity(&windows, 1);
        assert!(!turned.is_empty() && turned == turn_about_gravity(&windows, 1));
        for (window, turned) in windows.iter().zip(&turned) {
            let (before, after) = (gravity(&window.counts), gravity(&turned.window.counts));
            assert!(before.iter().zip(after).all(|(a, b)| (a - b).abs() <= TOLERANCE), "{before:?} {after:?}");
            assert_ne!(window.counts, turned.window.counts);
        }
    }
}
