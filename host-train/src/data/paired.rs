//! Triples and walks as a recipe wants them: samples as the device's counts, elements as rows.

use super::read_triples::{hold_out, read};
use super::triples::{ActionGroup, Triples, TriplesError, Walks, generate, window};
use super::{windows, wrist, wrist_triples};
use crate::group::action::Poses;
use crate::recipe::class_pose::{ClassPoseRecipe, TriplesSection};
use anyhow::Result;

/// What the recordings that ship are called.
const WRIST: &str = "wrist";
/// Whose windows are tested with: those that the recipe `wrist` keeps, too.
const TEST_SUBJECTS: [u8; 3] = [8, 9, 10];

/// A data set of triples to train on and walks to test with.
#[derive(Clone, Debug)]
pub struct Paired {
    /// What acts.
    pub group: ActionGroup,
    /// Rows, columns and channels of a sample.
    pub shape: [usize; 3],
    /// The samples x, counts, the channels of a pixel together.
    pub before: Vec<Vec<i16>>,
    /// The samples g·x.
    pub after: Vec<Vec<i16>>,
    /// The elements g.
    pub actions: Vec<Vec<f32>>,
    /// What each pair shows; nothing learns from it.
    pub classes: Vec<usize>,
    /// What is tested with.
    pub walks: Paths,
}

/// Walks: samples that are moved time and again.
#[derive(Clone, Debug)]
pub struct Paths {
    /// After how many steps frames were kept, from 0 on.
    pub marks: Vec<usize>,
    /// For each walk the frames that were kept.
    pub frames: Vec<Vec<Vec<i16>>>,
    /// For each walk the element of each step.
    pub actions: Vec<Vec<Vec<f32>>>,
    /// What each walk shows.
    pub classes: Vec<usize>,
    /// For each walk the pose of each frame that was kept, in the generator's terms; empty where nobody knows.
    pub poses: Vec<Vec<Vec<f32>>>,
}

impl Paired {
    /// The data set of a recipe: a generated one, that of the recordings that ship, or a person's own.
    ///
    /// # Errors
    /// If there is no such data set, or something is wrong with it.
    pub fn new(recipe: &ClassPoseRecipe) -> Result<Self> {
        let section = &recipe.triples;
        if let Some(files) = &section.files {
            let triples = read(&files.pictures, &files.actions, files.group())?;
            let one_in = (triples.len() / section.test).max(1);
            let (triples, walks) = hold_out(triples, one_in, section.seed);
            return Ok(Self::of(&triples, &walks)?);
        }
        if section.source == WRIST {
            return Self::of_wrist(section);
        }
        let (triples, walks) = generate(&section.source, section.size, section.train, section.test, section.seed)?;
        Ok(Self::of(&triples, &walks)?)
    }

    /// Windows of the wrist recordings, each time under other rotations; those of some people are kept for tests.
    fn of_wrist(section: &TriplesSection) -> Result<Self> {
        let dataset = wrist::load()?;
        let cut = |tests: bool| {
            windows(&dataset, section.size, section.size / 2, |subject| TEST_SUBJECTS.contains(&subject) == tests)
        };
        let (known, mut tested) = (cut(false), cut(true));
        tested.truncate(section.test);
        let mut all = wrist_triples::triples(&known, section.seed);
        let rounds = section.train.div_ceil(known.len().max(1)) as u64;
        for more in (1..rounds).map(|round| wrist_triples::triples(&known, section.seed.wrapping_add(round))) {
            all.before.extend(more.before);
            all.after.extend(more.after);
            all.actions.extend(more.actions);
            all.classes.extend(more.classes);
        }
        Ok(Self::of(&all, &wrist_triples::walks(&tested, section.seed ^ u64::MAX))?)
    }

    /// Of triples and walks of the same kind.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of<T: Copy + Into<i16>>(triples: &Triples<T>, walks: &Walks<T>) -> Result<Self, TriplesError> {
        triples.check()?;
        walks.check()?;
        let [channels, rows, columns] = triples.shape;
        let counts = |sample: &[T]| window(sample, triples.shape);
        let all = 0..triples.len();
        let known = |walk: usize| (0..walks.marks.len()).filter_map(|mark| walks.pose(walk, mark)).collect::<Vec<_>>();
        let paths = Paths {
            marks: walks.marks.clone(),
            frames: (0..walks.len())
                .map(|walk| (0..walks.marks.len()).map(|mark| counts(walks.frame(walk, mark))).collect())
                .collect(),
            actions: (0..walks.len())
                .map(|walk| (0..walks.steps).map(|step| walks.action(walk, step).to_vec()).collect())
                .collect(),
            classes: walks.classes.iter().map(|&class| class.into()).collect(),
            poses: (0..walks.len()).map(known).filter(|poses| !poses.is_empty()).collect(),
        };
        Ok(Self {
            group: triples.group.clone(),
            shape: [rows, columns, channels],
            before: all.clone().map(|item| counts(triples.before(item))).collect(),
            after: all.clone().map(|item| counts(triples.after(item))).collect(),
            actions: all.map(|item| triples.action(item).to_vec()).collect(),
            classes: triples.classes.iter().map(|&class| class.into()).collect(),
            walks: paths,
        })
    }

    /// Numbers of a sample.
    pub fn pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// The actions of the triples as rows.
    pub fn rows(&self, poses: &Poses) -> Vec<Vec<f32>> {
        self.actions.iter().map(|action| poses.row(action)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_of_a_walk_is_there_with_its_pose() {
        let mut recipe = ClassPoseRecipe::load("class-pose-sprites").unwrap();
        (recipe.triples.train, recipe.triples.test) = (64, 32);
        let paired = Paired::new(&recipe).unwrap();
        let [walks, marks] = [paired.walks.frames.len(), paired.walks.marks.len()];
        assert_eq!((paired.before.len(), walks, paired.walks.poses.len()), (64, 32, 32));
        assert!(paired.walks.poses.iter().all(|poses| poses.len() == marks));
        assert!(paired.walks.frames.iter().flatten().all(|frame| frame.len() == paired.pixels()));
    }
}
