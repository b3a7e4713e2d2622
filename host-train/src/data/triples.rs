//! Triples `(x, g, y = g·x)`: what a pose is learned from where nobody knows poses, only how they change. And walks, in which
//! actions follow one another, to measure how far such a pose can be carried along.
//!
//! Images are `u8`, and a window of the sensor `i16`, in planes `[channels, height, width]`; the device takes the numbers as
//! counts, row by row, the channels of a pixel together, see [`window`]. What generates them stands in
//! [`generate`](super::generate), and what reads a user's own in [`read_triples`](super::read_triples).

pub use super::action::ActionGroup;
pub use super::generate::triples::{generate, names, stabilizer, stream};

/// Pairs of samples and what leads from one to the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Triples<T = u8> {
    /// What acts.
    pub group: ActionGroup,
    /// Of a sample: `[channels, height, width]`.
    pub shape: [usize; 3],
    /// The samples x, `[n, channels, height, width]`.
    pub before: Vec<T>,
    /// The samples y = g·x, as many.
    pub after: Vec<T>,
    /// The elements g, `[n, numbers]`.
    pub actions: Vec<f32>,
    /// What each pair shows, for figures only: nothing learns from it. Zeros where nobody knows.
    pub classes: Vec<u8>,
}

/// Samples that are moved time and again: frame `t` is `action[t] · frame[t − 1]`. Only some of the frames are there.
#[derive(Clone, Debug, PartialEq)]
pub struct Walks<T = u8> {
    /// What acts.
    pub group: ActionGroup,
    /// Of a frame: `[channels, height, width]`.
    pub shape: [usize; 3],
    /// Actions in a walk.
    pub steps: usize,
    /// After how many actions a frame was kept, ascending from 0 to `steps`.
    pub marks: Vec<usize>,
    /// `[n, marks, channels, height, width]`.
    pub frames: Vec<T>,
    /// `[n, steps, numbers]`.
    pub actions: Vec<f32>,
    /// `[n]`.
    pub classes: Vec<u8>,
    /// The pose of frame 0, `[n, numbers]`, in the generator's terms; empty where nobody knows. A learned pose is that one up
    /// to a constant on the right.
    pub poses: Vec<f32>,
}

/// What is wrong with triples or walks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TriplesError {
    /// No generator of this name.
    #[error("Nothing generates triples called `{name}`; there are {}.", names().join(", "))]
    Unknown {
        /// The name.
        name: String,
    },
    /// Images that a generator cannot draw.
    #[error("Images have 8 to 256 pixels a side, not {size}.")]
    Size {
        /// Pixels that were asked for.
        size: usize,
    },
    /// There is nothing.
    #[error("There are no triples.")]
    Empty,
    /// Samples have no pixels.
    #[error("Samples of {channels} × {height} × {width} numbers are empty.")]
    Shape {
        /// Channels.
        channels: usize,
        /// Rows.
        height: usize,
        /// Pixels in a row.
        width: usize,
    },
    /// A sample is incomplete, of another size, or missing.
    #[error("{what} {item} has {found} numbers; samples are of {channels} × {height} × {width}, {expected}.", expected = channels * height * width)]
    Sample {
        /// Before or after, or a frame of which walk.
        what: &'static str,
        /// Position, from 0.
        item: usize,
        /// Numbers that there are.
        found: usize,
        /// Channels.
        channels: usize,
        /// Rows.
        height: usize,
        /// Pixels in a row.
        width: usize,
    },
    /// A sample of a pair without the other.
    #[error("Triple {item} has a sample before its action and none after it.")]
    Alone {
        /// Position, from 0.
        item: usize,
    },
    /// A pair without its action.
    #[error("Triple {item} has no action: {found} of {numbers} numbers are there.")]
    NoAction {
        /// Position, from 0.
        item: usize,
        /// Numbers that there are.
        found: usize,
        /// Numbers of an element.
        numbers: usize,
    },
    /// An action that belongs to no pair.
    #[error("Action {item} belongs to no triple.")]
    NoTriple {
        /// Position, from 0.
        item: usize,
    },
    /// An action is no element of the group.
    #[error("Action {item} is no element of the group: {reason}.")]
    Action {
        /// Position, from 0.
        item: usize,
        /// Why.
        reason: String,
    },
    /// A class is missing, or one too many.
    #[error("There are {found} classes for {expected} items.")]
    Classes {
        /// Classes that there are.
        found: usize,
        /// Items.
        expected: usize,
    },
    /// Which frames of walks were kept does not make sense.
    #[error("Frames of walks are kept after 0 steps, then after more and more, up to all {steps}.")]
    Marks {
        /// Steps of a walk.
        steps: usize,
    },
}

impl<T: Copy + Into<i16>> Triples<T> {
    /// How many triples there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Numbers of a sample.
    pub fn pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// The sample before the action.
    ///
    /// # Panics
    /// If there is no such triple.
    pub fn before(&self, item: usize) -> &[T] {
        &self.before[item * self.pixels()..][..self.pixels()]
    }

    /// The sample after the action.
    ///
    /// # Panics
    /// If there is no such triple.
    pub fn after(&self, item: usize) -> &[T] {
        &self.after[item * self.pixels()..][..self.pixels()]
    }

    /// The action.
    ///
    /// # Panics
    /// If there is no such triple.
    pub fn action(&self, item: usize) -> &[f32] {
        &self.actions[item * self.group.numbers()..][..self.group.numbers()]
    }

    /// Looks at everything.
    ///
    /// # Errors
    /// What is wrong, with the item.
    pub fn check(&self) -> Result<(), TriplesError> {
        check_shape(self.shape)?;
        let (pixels, [channels, height, width]) = (self.pixels(), self.shape);
        for (what, samples) in [("The sample before action", &self.before), ("The sample after action", &self.after)] {
            let (item, found) = (samples.len() / pixels, samples.len() % pixels);
            if found > 0 {
                return Err(TriplesError::Sample { what, item, found, channels, height, width });
            }
        }
        let [before, after] = [&self.before, &self.after].map(|samples| samples.len() / pixels);
        if before != after {
            return Err(TriplesError::Alone { item: before.min(after) });
        }
        if self.classes.len() != before {
            return Err(TriplesError::Classes { found: self.classes.len(), expected: before });
        }
        check_actions(&self.group, &self.actions, before)
    }
}

impl<T: Copy + Into<i16>> Walks<T> {
    /// How many walks there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Numbers of a frame.
    pub fn pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// The frame that was kept as number `mark` of [`marks`](Self::marks).
    ///
    /// # Panics
    /// If there is none.
    pub fn frame(&self, walk: usize, mark: usize) -> &[T] {
        &self.frames[(walk * self.marks.len() + mark) * self.pixels()..][..self.pixels()]
    }

    /// The action that leads to frame `step + 1`.
    ///
    /// # Panics
    /// If there is none.
    pub fn action(&self, walk: usize, step: usize) -> &[f32] {
        let numbers = self.group.numbers();
        &self.actions[(walk * self.steps + step) * numbers..][..numbers]
    }

    /// The product of the first so many actions, the later ones on the left.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn composed(&self, walk: usize, steps: usize) -> Vec<f32> {
        let next = |so_far: Vec<f32>, step| self.group.compose(self.action(walk, step), &so_far);
        (0..steps).fold(self.group.identity(), next)
    }

    /// The pose of the frame that was kept as number `mark`, if poses are known.
    ///
    /// # Panics
    /// If there is no such frame.
    pub fn pose(&self, walk: usize, mark: usize) -> Option<Vec<f32>> {
        let start = self.poses.chunks(self.group.numbers().max(1)).nth(walk)?;
        Some(self.group.compose(&self.composed(walk, self.marks[mark]), start))
    }

    /// Looks at everything.
    ///
    /// # Errors
    /// What is wrong, with the item.
    pub fn check(&self) -> Result<(), TriplesError> {
        check_shape(self.shape)?;
        let ends = (self.marks.first(), self.marks.last()) == (Some(&0), Some(&self.steps));
        if !ends || self.marks.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(TriplesError::Marks { steps: self.steps });
        }
        let (numbers, [channels, height, width]) = (self.pixels(), self.shape);
        let expected = numbers * self.marks.len() * self.len();
        if self.frames.len() != expected {
            let (item, found) = (self.frames.len() / numbers, self.frames.len() % numbers);
            return Err(TriplesError::Sample { what: "Frame", item, found, channels, height, width });
        }
        check_actions(&self.group, &self.actions, self.len() * self.steps)?;
        if self.poses.is_empty() { Ok(()) } else { check_actions(&self.group, &self.poses, self.len()) }
    }
}

/// A sample as the device takes it: counts, `[height, width × channels]`, the channels of a pixel together.
pub fn window<T: Copy + Into<i16>>(sample: &[T], [channels, height, width]: [usize; 3]) -> Vec<i16> {
    let area = height * width;
    (0..area).flat_map(|at| (0..channels).map(move |channel| sample[channel * area + at].into())).collect()
}

fn check_shape([channels, height, width]: [usize; 3]) -> Result<(), TriplesError> {
    let empty = channels * height * width == 0;
    if empty { Err(TriplesError::Shape { channels, height, width }) } else { Ok(()) }
}

/// Looks at so many elements, one behind the other.
fn check_actions(group: &ActionGroup, actions: &[f32], items: usize) -> Result<(), TriplesError> {
    if items == 0 {
        return Err(TriplesError::Empty);
    }
    let numbers = group.numbers();
    let given = actions.len() / numbers.max(1);
    if actions.len() < items * numbers {
        return Err(TriplesError::NoAction { item: given, found: actions.len() - given * numbers, numbers });
    }
    if actions.len() > items * numbers {
        return Err(TriplesError::NoTriple { item: items });
    }
    let mut faults = actions.chunks(numbers.max(1)).map(|action| group.fault(action)).enumerate();
    match faults.find_map(|(item, fault)| fault.map(|reason| (item, reason))) {
        Some((item, reason)) => Err(TriplesError::Action { item, reason }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triples() -> Triples {
        Triples {
            group: ActionGroup::Rotations,
            shape: [1, 2, 2],
            before: (0..8).collect(),
            after: (8..16).collect(),
            actions: [ActionGroup::Rotations.identity(), ActionGroup::Rotations.identity()].concat(),
            classes: vec![0, 1],
        }
    }

    fn walks() -> Walks {
        Walks {
            group: ActionGroup::Planar { semidirect: true },
            shape: [1, 1, 1],
            steps: 2,
            marks: vec![0, 2],
            frames: vec![1, 2],
            // A step ahead, then a quarter turn to the left: the place turns with it.
            actions: vec![1.0, 0.0, 0.0, 0.0, 0.0, std::f32::consts::FRAC_PI_2],
            classes: vec![0],
            poses: vec![0.0, 1.0, 0.0],
        }
    }

    #[test]
    fn samples_and_actions_are_where_they_belong() {
        let all = triples();
        assert_eq!(all.check(), Ok(()));
        assert_eq!((all.before(1), all.after(0)), (&[4, 5, 6, 7][..], &[8, 9, 10, 11][..]));
        assert_eq!(all.action(1), ActionGroup::Rotations.identity());
        let walks = walks();
        assert_eq!(walks.check(), Ok(()));
        assert_eq!((walks.frame(0, 1), walks.action(0, 0)), (&[2][..], &[1.0, 0.0, 0.0][..]));
        let near = |g: &[f32], h: [f32; 3]| walks.group.distance(g, &h) < 1e-6;
        assert!(near(&walks.composed(0, 2), [0.0, 1.0, std::f32::consts::FRAC_PI_2]));
        assert!(near(&walks.pose(0, 1).unwrap(), [-1.0, 1.0, std::f32::consts::FRAC_PI_2]));
    }

    #[test]
    fn channels_of_a_pixel_stand_together() {
        assert_eq!(
            window(&[1u8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [3, 2, 2]),
            [1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]
        );
    }

    #[test]
    fn what_is_wrong_names_the_item() {
        type Change = fn(&mut Triples);
        let cases: [(Change, &str); 8] = [
            (|t| t.before.truncate(7), "before action 1 has 3 numbers; samples are of 1 × 2 × 2, 4."),
            (|t| t.after.truncate(4), "Triple 1 has a sample before its action and none after it."),
            (|t| t.actions.truncate(9), "Triple 1 has no action: 0 of 9"),
            (|t| t.actions.truncate(13), "Triple 1 has no action: 4 of 9"),
            (|t| t.actions.extend([0.0; 9]), "Action 2 belongs to no triple."),
            (|t| t.actions[17] = -1.0, "Action 1 is no element of the group: its nine numbers are no rotation"),
            (|t| t.classes.truncate(1), "1 classes for 2 items"),
            (|t| t.shape = [1, 0, 2], "1 × 0 × 2 numbers are empty"),
        ];
        for (change, says) in cases {
            let mut wrong = triples();
            change(&mut wrong);
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        type WalkChange = fn(&mut Walks);
        let cases: [(WalkChange, &str); 4] = [
            (|w| w.marks = vec![0, 1], "up to all 2"),
            (|w| w.frames.truncate(1), "Frame 1 has 0 numbers"),
            (|w| w.actions.truncate(4), "Triple 1 has no action"),
            (|w| w.poses.truncate(2), "Triple 0 has no action: 2 of 3"),
        ];
        for (change, says) in cases {
            let mut wrong = walks();
            change(&mut wrong);
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
