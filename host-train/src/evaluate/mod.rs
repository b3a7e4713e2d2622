//! How good a package is, measured through core: the host's integers *are* the device's.

pub mod device;
pub mod figures;
pub mod grid;
pub mod metrics;

use crate::data::{Window, rotation};
use device::{Device, Reading};
use gimbal_core::Error;
use gimbal_core::group::Group;
use gimbal_core::group::so3::Rotation;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A window and the rotation that it was turned by.
#[derive(Clone, Debug, PartialEq)]
pub struct Turned {
    /// The turned window.
    pub window: Window,
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
    windows
        .iter()
        .map(|window| {
            let quaternion = rotation::random_quaternion(&mut rng);
            let counts = rotation::rotate_counts(&window.counts, &rotation::matrix(quaternion));
            Turned { window: Window { counts, ..window.clone() }, quaternion }
        })
        .collect()
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
    let labels = windows.iter().map(|window| window.label).collect();
    Ok(Evaluation { upright, rotated, labels, classes: device.classes(), pose_errors_deg })
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
