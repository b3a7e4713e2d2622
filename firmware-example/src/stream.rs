//! A set over and over again, each time in another pose and another order, made on the device.
//!
//! What is drawn are integers, and the rotation out of four of them is that of core on every target. So the host can make
//! the same sets: `tests/tests/points.rs` compiles this file, too.

use gimbal_core::Model;
use gimbal_core::domain::point_set::turn_about;
use gimbal_core::group::Group;
use gimbal_core::group::so3::Rotation;

/// The largest translation along an axis, in counts.
const REACH: i16 = 3000;
/// The largest number of a quaternion before it is brought to length one.
const TURN: i16 = 1000;
/// Of so many elements one is dropped.
const DROPPED: usize = 8;

/// What happens to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Kept,
    /// Its elements come in another order.
    Shuffled,
    /// It is turned about the origin and moved, too.
    Moved,
    /// So it is, and an eighth of its elements is gone, as far as the model takes fewer.
    Fewer,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Kept, Self::Shuffled, Self::Moved, Self::Fewer];

    /// What people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "as it is",
            Self::Shuffled => "shuffled",
            Self::Moved => "moved",
            Self::Fewer => "moved, and fewer",
        }
    }
}

/// Changes sets, always in the same way.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u32,
}

impl Stream {
    /// At its beginning.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: 0x9e37_79b9 }
    }

    /// Changes a set in place; returns how many of its numbers are left, and how it was turned.
    pub fn change(&mut self, change: Change, model: &Model<'_>, set: &mut [i16]) -> (usize, Rotation) {
        let (channels, mut turn) = (model.input().channels().max(1), Rotation::IDENTITY);
        if change != Change::Kept {
            self.shuffle(channels, set);
        }
        if matches!(change, Change::Moved | Change::Fewer) {
            turn = Rotation::from_quaternion([0; 4].map(|_| self.within(TURN).into()));
            let by = [0; 3].map(|_| self.within(REACH));
            turn_about([0; 3], &turn, by, model.input().fields, set);
        }
        let elements = set.len() / channels;
        let fewer = (elements - elements.div_ceil(DROPPED)).max(model.least().into()).min(elements);
        (if change == Change::Fewer { fewer * channels } else { set.len() }, turn)
    }

    /// Every order is as likely (Fisher and Yates).
    fn shuffle(&mut self, channels: usize, set: &mut [i16]) {
        for last in (1..set.len() / channels).rev() {
            let other = self.below(last + 1);
            (0..channels).for_each(|channel| set.swap(last * channels + channel, other * channels + channel));
        }
    }

    /// An integer from `-most` to `most`.
    fn within(&mut self, most: i16) -> i16 {
        self.below(2 * usize::from(most.unsigned_abs()) + 1) as i16 - most
    }

    /// An integer below `count`.
    fn below(&mut self, count: usize) -> usize {
        // Marsaglia, "Xorshift RNGs", 2003.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        ((u64::from(self.state) * count as u64) >> 32) as usize
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}
