//! What class and pose of test samples are worth: hit-rates, what each tells of the class, symmetric objects.

use super::metrics::{nearest_accuracy, percentile};
use super::walk::{Point, hit_rate};
use crate::data::paired::Paired;
use crate::data::triples::ActionGroup;
use crate::group::action::Poses;

/// Each figure's name, unit and meaning.
pub const TRIPLE_FIGURES: [(&str, &str, &str); 30] = [
    ("hit_rate_1", "", "moved by one action, a sample is found among 32, through core"),
    ("hit_rate_10", "", "the same after ten actions"),
    ("hit_rate_20", "", "the same after twenty"),
    ("class_from_code", "", "1-NN accuracy of the class, on codes through core"),
    ("class_from_pose", "", "the same on poses alone; chance is one part of the classes"),
    ("pose_error_deg_median", "°", "from where one action leads a rotation to what is said of the sample there"),
    ("pose_error_deg_p95", "°", "the same, 95th percentile"),
    (
        "stabilizer_within_5_deg",
        "",
        "of the poses in which a sample looks the same, those that an element is within 5° of",
    ),
    ("stabilizer_error_deg_median", "°", "from each pose in which a sample looks the same to the nearest element"),
    ("stabilizer_error_deg_p95", "°", "the same, 95th percentile"),
    (
        "stabilizer_member_deg_max",
        "°",
        "from each member of a class's stabilizer to the mean of what samples say, the most",
    ),
    ("pose_change_int8_median", "", "how far integers move a pose, in parts of how far poses reach"),
    ("pose_change_int8_p95", "", "the same, 95th percentile"),
    ("macs", "", "multiplications by a weight for a sample"),
    ("package_bytes", "B", "the package in flash"),
    ("arena_bytes", "B", "working memory"),
    ("arena_lower_bound_bytes", "B", "no plan could do with less"),
    ("hit_rate_1_float", "", "as hit_rate_1, of the float network"),
    ("hit_rate_10_float", "", "after ten actions"),
    ("hit_rate_20_float", "", "after twenty"),
    ("class_from_code_float", "", "as class_from_code, of the float network"),
    ("class_from_pose_float", "", "as class_from_pose"),
    ("pose_error_deg_median_float", "°", "as pose_error_deg_median"),
    ("pose_error_deg_p95_float", "°", "as pose_error_deg_p95"),
    ("stabilizer_within_5_deg_float", "", "as stabilizer_within_5_deg"),
    ("stabilizer_error_deg_median_float", "°", "as stabilizer_error_deg_median"),
    ("stabilizer_error_deg_p95_float", "°", "as stabilizer_error_deg_p95"),
    ("stabilizer_member_deg_max_float", "°", "as stabilizer_member_deg_max"),
    (
        "reconstruction_mse",
        "",
        "mean squared error of test samples decoded from code and pose, or from the method's own code",
    ),
    ("parameters", "", "trained numbers"),
];

/// What a network says of the samples of a data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spoken {
    /// For each frame that was kept of a walk, where each walk's is.
    pub frames: Vec<Vec<Point>>,
    /// For each of these but the first, where the actions lead from the first.
    pub moved: Vec<Vec<Point>>,
    /// Some training samples, and their classes.
    pub known: Vec<Point>,
    /// The classes of those.
    pub known_classes: Vec<usize>,
}

impl Spoken {
    /// `says` is asked where samples are, and the group moves them: for networks that say code and pose.
    ///
    /// # Errors
    /// Those of `says`.
    pub fn new<E>(
        paired: &Paired,
        poses: &Poses,
        mut says: impl FnMut(&[&Vec<i16>]) -> Result<Vec<Point>, E>,
    ) -> Result<Self, E> {
        let (mut spoken, known) = (Self::default(), known(paired));
        for mark in 0..paired.walks.marks.len() {
            spoken.frames.push(says(&paired.walks.frames.iter().map(|frames| &frames[mark]).collect::<Vec<_>>())?);
        }
        for &steps in &paired.walks.marks[1..] {
            let moved = spoken.frames[0].iter().zip(&paired.walks.actions).map(|(point, actions)| {
                let next = |element: Vec<f32>, action: &Vec<f32>| paired.group.compose(action, &element);
                let elements = point.elements.iter().map(|row| {
                    let element = actions[..steps].iter().fold(poses.numbers(row), next);
                    poses.row(&element)
                });
                Point { code: point.code.clone(), elements: elements.collect() }
            });
            spoken.moved.push(moved.collect());
        }
        spoken.known = says(&known.iter().map(|&item| &paired.before[item]).collect::<Vec<_>>())?;
        spoken.known_classes = known.iter().map(|&item| paired.classes[item]).collect();
        Ok(spoken)
    }

    /// For each frame but the first, after how many steps it was kept and how many walks' actions lead to it.
    pub fn hit_rates(&self, paired: &Paired) -> Vec<(usize, f64)> {
        let rates = self.moved.iter().zip(&self.frames[1..]).map(|(moved, found)| hit_rate(moved, found));
        paired.walks.marks[1..].iter().copied().zip(rates).collect()
    }

    /// The share of first frames whose class is that of the nearest training sample, by `part` of what is said of them.
    pub fn class_from(&self, paired: &Paired, part: impl Fn(&Point) -> Vec<f32>) -> f64 {
        let of = |points: &[Point]| points.iter().map(&part).collect::<Vec<_>>();
        nearest_accuracy(&of(&self.known), &self.known_classes, &of(&self.frames[0]), &paired.walks.classes)
    }

    /// How far apart two networks say that poses are, in parts of how far they reach: a percentile over first frames.
    pub fn pose_change(&self, other: &Self, part: f64) -> f64 {
        let pairs: Vec<(&Point, &Point)> = self.frames[0].iter().zip(&other.frames[0]).collect();
        let apart = |a: &Point, b: &Point| a.pose_distance(b).max(0.0).sqrt();
        // No less than half of the largest distance between any two.
        let reach = pairs.iter().map(|(point, _)| apart(point, pairs[0].0)).fold(f32::MIN_POSITIVE, f32::max);
        let changes: Vec<f32> = pairs.iter().map(|(a, b)| apart(a, b) / reach).collect();
        percentile(&changes, part)
    }

    /// How far a first frame's rotation, moved by one action, is from that of the second, degrees; empty of other groups and
    /// of sets.
    pub fn errors_degrees(&self, paired: &Paired) -> Vec<f32> {
        let (Some(moved), Some(found)) = (self.moved.first(), self.frames.get(1)) else { return Vec::new() };
        let one = |points: &[Point]| points.iter().all(|point| point.elements.len() == 1);
        if paired.group != ActionGroup::Rotations || !one(moved) || !one(found) {
            return Vec::new();
        }
        moved.iter().zip(found).map(|(a, b)| degrees(&a.elements[0], &b.elements[0])).collect()
    }
}

/// Training samples that are neighbours.
const KNOWN: usize = 2000;

/// Which training samples are neighbours.
fn known(paired: &Paired) -> Vec<usize> {
    (0..paired.before.len().min(KNOWN)).collect()
}

/// The angle between two rotations, nine numbers each, degrees.
pub(super) fn degrees(a: &[f32], b: &[f32]) -> f32 {
    let chord = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt();
    // ‖A − B‖_F = 2√2 sin(θ/2).
    2.0 * (chord / 8.0f32.sqrt()).clamp(0.0, 1.0).asin().to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::class_pose::{ClassPoseRecipe, RotationForm};
    use gimbal_core::group::so3::Rotation;
    use std::convert::Infallible;

    fn paired(source: &str) -> Paired {
        let mut recipe = ClassPoseRecipe::load("class-pose-sprites").unwrap();
        (recipe.triples.source, recipe.triples.size) = (source.into(), 16);
        (recipe.triples.train, recipe.triples.test) = (64, 64);
        Paired::new(&recipe).unwrap()
    }

    /// Poses as the generator knows them, times a constant from the right, and classes as codes.
    fn known_of(paired: &Paired, poses: &Poses, constant: &[f32], members: impl Fn(usize) -> Vec<Vec<f32>>) -> Spoken {
        let walks = &paired.walks;
        let point = |class: usize, pose: &Vec<f32>| {
            let element = |h: &Vec<f32>| poses.row(&paired.group.compose(&paired.group.compose(pose, h), constant));
            let code = vec![(class as f32).cos(), (class as f32).sin()];
            Point { code, elements: members(class).iter().map(element).collect() }
        };
        // Samples are asked for mark after mark, and then those to train on, of which nothing is known.
        let mut mark = 0;
        let spoken = Spoken::new(paired, poses, |samples| {
            let at = mark;
            mark += 1;
            let all = walks.poses.iter().zip(&walks.classes);
            let known = all.filter_map(move |(poses, &class)| Some((class, poses.get(at)?)));
            let known = known.map(|(class, pose)| point(class, pose));
            Ok::<_, Infallible>(known.take(samples.len()).collect())
        });
        spoken.unwrap()
    }

    /// Whoever knows the poses up to a constant hits always.
    #[test]
    fn actions_lead_from_true_poses_to_true_poses() {
        for (source, constant) in [
            ("sprites", vec![0.3, -0.7, 2.0]),
            ("chairs", Rotation::from_quaternion([0.5, 0.1, -0.7, 0.4]).rows().concat()),
            ("rooms-odometry", vec![0.2, 0.4, 1.1]),
        ] {
            let paired = paired(source);
            let poses = Poses::new(&paired.group, RotationForm::Six, 1.0);
            let spoken = known_of(&paired, &poses, &constant, |_| vec![paired.group.identity()]);
            assert_eq!(spoken.hit_rates(&paired), [(1, 1.0), (10, 1.0), (20, 1.0)], "{source}");
            assert_eq!(spoken.pose_change(&spoken, 1.0), 0.0);
        }
    }
}
