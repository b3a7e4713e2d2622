//! Triples of the wrist recordings that ship: a window under one rotation, and the same window under another one.
//!
//! What is turned are both vectors of each sample, as if the sensor had been worn another way. Samples are counts,
//! `[6, 1, samples]`: acceleration x y z, then angular rate.

use super::rotation::{Matrix, random, rotate_counts};
use super::triples::{ActionGroup, Triples, Walks};
use super::{CHANNELS, Window};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// After how many rotations of a walk a window is kept.
const MARKS: [usize; 4] = [0, 1, 10, 20];

/// A triple a window, always the same of a seed.
pub fn triples(windows: &[Window], seed: u64) -> Triples<i16> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut all = Triples {
        group: ActionGroup::Rotations,
        shape: shape(windows),
        before: Vec::new(),
        after: Vec::new(),
        actions: Vec::new(),
        classes: classes(windows),
    };
    for window in windows {
        let [p, q] = [random(&mut rng), random(&mut rng)];
        all.before.extend(turned(window, &p));
        all.after.extend(turned(window, &q));
        all.actions.extend(between(&p, &q));
    }
    all
}

/// A walk a window, of twenty rotations, always the same of a seed.
pub fn walks(windows: &[Window], seed: u64) -> Walks<i16> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let steps = MARKS[MARKS.len() - 1];
    let mut all = Walks {
        group: ActionGroup::Rotations,
        shape: shape(windows),
        steps,
        marks: MARKS.to_vec(),
        frames: Vec::new(),
        actions: Vec::new(),
        classes: classes(windows),
        poses: Vec::new(),
    };
    for window in windows {
        let mut pose = random(&mut rng);
        all.poses.extend(pose.as_flattened());
        all.frames.extend(turned(window, &pose));
        for step in 1..=steps {
            let next = random(&mut rng);
            all.actions.extend(between(&pose, &next));
            if MARKS.contains(&step) {
                all.frames.extend(turned(window, &next));
            }
            pose = next;
        }
    }
    all
}

fn shape(windows: &[Window]) -> [usize; 3] {
    [CHANNELS, 1, windows.first().map_or(0, |window| window.counts.len() / CHANNELS)]
}

fn classes(windows: &[Window]) -> Vec<u8> {
    windows.iter().map(|window| window.label as u8).collect()
}

/// The rotation that leads from one pose to another.
fn between(p: &Matrix, q: &Matrix) -> Vec<f32> {
    let group = ActionGroup::Rotations;
    group.compose(q.as_flattened(), &group.inverse(p.as_flattened()))
}

/// A turned window, the numbers of a channel together.
fn turned(window: &Window, pose: &Matrix) -> impl Iterator<Item = i16> {
    let counts = rotate_counts(&window.counts, pose);
    (0..CHANNELS).flat_map(move |channel| counts.iter().copied().skip(channel).step_by(CHANNELS).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::rotation::turn;
    use super::super::triples::window;
    use super::super::{windows, wrist};
    use super::*;

    /// Counts: each sample was rounded twice.
    const TOLERANCE: f32 = 2.0;

    #[test]
    fn an_action_turns_every_sample() {
        let set = wrist::load().unwrap();
        let some: Vec<Window> = windows(&set, 32, 32, |subject| subject == 9).into_iter().take(6).collect();
        let (triples, walks) = (triples(&some, 1), walks(&some, 1));
        assert_eq!((triples.check(), walks.check()), (Ok(()), Ok(())));
        for (item, recorded) in some.iter().enumerate() {
            let moves = [
                (triples.before(item), triples.action(item).to_vec(), triples.after(item)),
                (walks.frame(item, 0), walks.composed(item, 20), walks.frame(item, 3)),
            ];
            for (before, action, after) in moves {
                let matrix = std::array::from_fn(|row| std::array::from_fn(|column| action[3 * row + column]));
                let [before, after] = [before, after].map(|sample| window(sample, triples.shape));
                for (v, w) in before.as_chunks::<3>().0.iter().zip(after.as_chunks::<3>().0) {
                    let expected = turn(&matrix, v.map(f32::from));
                    assert!((0..3).all(|i| (expected[i] - f32::from(w[i])).abs() < TOLERANCE), "{expected:?}, {w:?}");
                }
            }
            assert_eq!(usize::from(triples.classes[item]), recorded.label);
        }
    }
}
