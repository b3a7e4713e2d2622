//! Scenes whose pose a generator knows: triples and walks of any of them.
//!
//! A scene has some classes, a group whose elements are poses, and a picture for each class and pose. Two poses p and q make
//! a triple with the action `g = q·p⁻¹`, so no action leads out of what a scene can show, however many follow one another.

use super::chairs::{Chairs, ChairsSymmetric};
use super::color_shift::ColorShift;
use super::rooms::{Rooms, RoomsOdometry};
use super::sprites::{MultiSprites, Sprites};
use crate::data::triples::{ActionGroup, Triples, TriplesError, Walks};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// After how many actions of a walk a frame is kept.
const MARKS: [usize; 4] = [0, 1, 10, 20];

/// Makes of a class and a pose the picture, `[channels, size, size]`.
pub(super) type Painter = Box<dyn Fn(usize, &[f32]) -> Vec<u8>>;

/// Pixels a side of a picture.
const SIZES: std::ops::RangeInclusive<usize> = 8..=256;

/// What draws pictures of poses.
pub(super) trait Scene: Sync {
    /// What acts on poses.
    fn group(&self) -> ActionGroup;

    /// How many classes there are.
    fn classes(&self) -> usize;

    /// Channels of a picture.
    fn channels(&self) -> usize;

    /// A pose, as likely here as there.
    fn draw_pose(&self, rng: &mut ChaCha8Rng) -> Vec<f32>;

    /// What paints pictures of so many pixels a side.
    fn painter(&self, size: usize) -> Painter;

    /// All elements h with the same picture of `p·h` and p, for a class; the identity among them.
    fn stabilizer(&self, _class: usize) -> Vec<Vec<f32>> {
        vec![self.group().identity()]
    }
}

/// What there is.
const SCENES: &[(&str, &dyn Scene)] = &[
    ("sprites", &Sprites),
    ("color-shift", &ColorShift),
    ("multi-sprites", &MultiSprites),
    ("chairs", &Chairs),
    ("chairs-symmetric", &ChairsSymmetric),
    ("rooms", &Rooms),
    ("rooms-odometry", &RoomsOdometry),
];

/// The names of all scenes.
pub fn names() -> Vec<&'static str> {
    SCENES.iter().map(|(name, _)| *name).collect()
}

/// The elements that leave a class of a scene as it looks, from the right: of a pose p, `p·h` has the same picture.
///
/// # Errors
/// If there is no such scene.
pub fn stabilizer(name: &str, class: usize) -> Result<Vec<Vec<f32>>, TriplesError> {
    Ok(scene(name)?.stabilizer(class))
}

/// So many triples to train on, and walks of twenty steps to test with, of pictures of `size × size` pixels. Classes are
/// equally many. A walk's first step is a triple to test with.
///
/// # Errors
/// If there is no such scene, or not in this size.
pub fn generate(
    name: &str,
    size: usize,
    train: usize,
    test: usize,
    seed: u64,
) -> Result<(Triples, Walks), TriplesError> {
    let scene = scene(name)?;
    if !SIZES.contains(&size) {
        return Err(TriplesError::Size { size });
    }
    // Walks have random numbers of their own: they stay what they are, however many triples there are.
    Ok((triples(scene, size, train, seed), walks(scene, size, test, &MARKS, seed ^ u64::MAX)))
}

/// One walk of so many frames, all of which are kept, of pictures of `size × size` pixels: what a camera would see. The seed
/// decides where it leads; of the same seed with more frames the first are the same.
///
/// # Errors
/// As [`generate`], and where there are no frames.
pub fn stream(name: &str, size: usize, frames: usize, seed: u64) -> Result<Walks, TriplesError> {
    let scene = scene(name)?;
    if !SIZES.contains(&size) {
        return Err(TriplesError::Size { size });
    }
    if frames == 0 {
        return Err(TriplesError::Empty);
    }
    Ok(walks(scene, size, 1, &(0..frames).collect::<Vec<_>>(), seed))
}

fn scene(name: &str) -> Result<&'static dyn Scene, TriplesError> {
    let found = SCENES.iter().find(|(known, _)| *known == name).map(|(_, scene)| *scene);
    found.ok_or_else(|| TriplesError::Unknown { name: name.into() })
}

fn triples(scene: &dyn Scene, size: usize, count: usize, seed: u64) -> Triples {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (group, shape) = (scene.group(), [scene.channels(), size, size]);
    let classes = (0..count).map(|item| (item % scene.classes()) as u8).collect();
    let mut all = Triples { group, shape, before: Vec::new(), after: Vec::new(), actions: Vec::new(), classes };
    let paint = scene.painter(size);
    for &class in &all.classes {
        let [p, q] = [scene.draw_pose(&mut rng), scene.draw_pose(&mut rng)];
        all.before.extend(paint(class.into(), &p));
        all.after.extend(paint(class.into(), &q));
        all.actions.extend(all.group.compose(&q, &all.group.inverse(&p)));
    }
    all
}

/// Walks of which the frames after so many actions are kept, up to the last.
fn walks(scene: &dyn Scene, size: usize, count: usize, marks: &[usize], seed: u64) -> Walks {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let classes = (0..count).map(|item| (item % scene.classes()) as u8).collect();
    let mut all = Walks {
        group: scene.group(),
        shape: [scene.channels(), size, size],
        steps: marks.last().copied().unwrap_or_default(),
        marks: marks.to_vec(),
        frames: Vec::new(),
        actions: Vec::new(),
        classes,
        poses: Vec::new(),
    };
    let paint = scene.painter(size);
    for &class in &all.classes {
        let mut pose = scene.draw_pose(&mut rng);
        all.poses.extend(&pose);
        all.frames.extend(paint(class.into(), &pose));
        for step in 1..=all.steps {
            let next = scene.draw_pose(&mut rng);
            all.actions.extend(all.group.compose(&next, &all.group.inverse(&pose)));
            if marks.contains(&step) {
                all.frames.extend(paint(class.into(), &next));
            }
            pose = next;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between the pose that twenty actions in f32 lead to and the one that was drawn.
    const TOLERANCE: f32 = 1e-4;
    const SIZE: usize = 16;

    #[test]
    fn every_scene_makes_valid_triples_and_walks_of_equally_many_classes() {
        for name in names() {
            let (triples, walks) = generate(name, SIZE, 24, 12, 7).unwrap();
            assert_eq!((triples.check(), walks.check()), (Ok(()), Ok(())), "{name}");
            assert_eq!((triples.len(), walks.len()), (24, 12), "{name}");
            let classes = scene(name).unwrap().classes();
            let count = |class: usize| triples.classes.iter().filter(|&&other| usize::from(other) == class).count();
            let counts: Vec<usize> = (0..classes).map(count).collect();
            assert!(counts.iter().all(|&count| count.abs_diff(24 / classes) <= 1), "{name}: {counts:?}");
        }
    }

    /// The law: what the actions lead to looks like the frame that was kept.
    #[test]
    fn composed_actions_lead_to_the_frames() {
        for name in names() {
            let scene = scene(name).unwrap();
            let (_, walks) = generate(name, SIZE, 1, 6, 3).unwrap();
            for walk in 0..walks.len() {
                for mark in 0..walks.marks.len() {
                    let pose = walks.pose(walk, mark).unwrap();
                    let picture = scene.painter(SIZE)(walks.classes[walk].into(), &pose);
                    let pairs = picture.iter().zip(walks.frame(walk, mark));
                    let apart = pairs.map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>() / picture.len() as f32;
                    // A pixel at an edge may fall to the other side.
                    assert!(apart < 1.0, "{name}, walk {walk}, mark {mark}: {apart}");
                }
            }
        }
    }

    #[test]
    fn stabilizers_leave_pictures_as_they_are() {
        for name in names() {
            let scene = scene(name).unwrap();
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            let paint = scene.painter(SIZE);
            for class in 0..scene.classes() {
                let (group, pose) = (scene.group(), scene.draw_pose(&mut rng));
                let picture = paint(class, &pose);
                let apart = |h: &[f32]| {
                    let other = paint(class, &group.compose(&pose, h));
                    let pairs = picture.iter().zip(&other);
                    pairs.map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>() / picture.len() as f32
                };
                let all = scene.stabilizer(class);
                assert!(all.iter().any(|h| group.distance(h, &group.identity()) < TOLERANCE));
                assert!(all.iter().all(|h| apart(h) < 1.0), "{name} {class}");
            }
        }
    }

    #[test]
    fn a_seed_is_a_data_set() {
        for name in names() {
            let (first, walks) = generate(name, SIZE, 4, 3, 1).unwrap();
            let (again, more) = generate(name, SIZE, 5, 3, 1).unwrap();
            assert_eq!((&again.before[..first.before.len()], &more), (&first.before[..], &walks), "{name}");
            let (other, _) = generate(name, SIZE, 4, 3, 2).unwrap();
            assert_ne!(other.before, first.before, "{name}");
        }
    }

    #[test]
    fn every_frame_of_a_stream_is_there() {
        let (short, long) = (stream("rooms", SIZE, 4, 3).unwrap(), stream("rooms", SIZE, 6, 3).unwrap());
        assert_eq!((short.check(), short.len(), &short.marks[..]), (Ok(()), 1, &[0, 1, 2, 3][..]));
        assert_eq!(short.frames[..], long.frames[..short.frames.len()]);
        assert!(stream("rooms", SIZE, 0, 3).is_err() && stream("rooms", 7, 1, 3).is_err());
    }

    #[test]
    fn what_cannot_be_had_is_told() {
        assert!(generate("nosuch", 32, 1, 1, 0).unwrap_err().to_string().contains("there are sprites, "));
        assert!(generate("sprites", 4, 1, 1, 0).unwrap_err().to_string().contains("8 to 256 pixels"));
    }
}
