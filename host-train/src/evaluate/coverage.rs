//! How well sets of elements cover the poses in which an object looks the same.
//!
//! Formula: an object with the stabilizer H looks in pose p as it does in p·h, for each h of H. A set that covers these
//! holds every p·h·c, c being one constant of its class (Marchetti et al. 2023, arXiv 2301.05231). An element e suggests the
//! constant `(p·h)⁻¹·e`, and is as far off as that is from c.

use super::class_pose::degrees;
use super::walk::Point;
use crate::data::action::ActionGroup;
use crate::data::paired::Paired;
use crate::data::triples::stabilizer;
use gimbal_core::group::Element;
use gimbal_core::group::so3::GramSchmidt;

/// Degrees around a constant in which others count towards its mean.
const NEAR: f32 = 90.0;
/// Frames that suggest a constant to begin with.
const FIRST: usize = 24;
/// How often the mean is taken anew: which element is nearest hardly changes after the first time.
const ROUNDS: usize = 3;

/// Of rotations of objects that may look the same in several poses, degrees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// For each first frame and each pose that looks like its own, how far the nearest element is that was said.
    pub degrees: Vec<f32>,
    /// For each class and each member of its stabilizer, how far the mean is of what its frames say.
    pub members: Vec<f32>,
}

impl Coverage {
    /// Of what was said of each walk's first frame. Empty where poses are not known or the group is another.
    pub fn new(said: &[Point], paired: &Paired, source: &str) -> Self {
        let mut all = Self::default();
        if paired.group != ActionGroup::Rotations {
            return all;
        }
        let classes = paired.walks.classes.iter().copied().max().map_or(0, |last| last + 1);
        for class in 0..classes {
            let Ok(members) = stabilizer(source, class) else { return all };
            let suggested = suggested(said, paired, class, &members);
            let Some(constant) = settled(&suggested, members.len()) else { continue };
            let nearest = nearest(&suggested, &constant);
            all.degrees.extend(nearest.iter().map(|near| degrees(near, &constant)));
            // Frame after frame has a pose for each member.
            let of_member = |k: usize| nearest.iter().skip(k).step_by(members.len()).copied().collect::<Vec<_>>();
            let means = (0..members.len()).filter_map(|k| mean_near(&of_member(k), &constant));
            all.members.extend(means.map(|mean| degrees(&mean, &constant)));
        }
        all
    }
}

/// For each frame of a class, and each pose in which it looks the same, the constants that the elements suggest.
fn suggested(said: &[Point], paired: &Paired, class: usize, members: &[Vec<f32>]) -> Vec<Vec<Vec<f32>>> {
    let group = &paired.group;
    let frames = said.iter().zip(&paired.walks.poses).zip(&paired.walks.classes);
    let of_class =
        frames.filter(|(_, of)| **of == class).filter_map(|((point, poses), _)| Some((point, poses.first()?)));
    let constants = |(point, pose): (&Point, &Vec<f32>)| {
        let of_member = |h: &Vec<f32>| {
            let back = group.inverse(&group.compose(pose, h));
            point.elements.iter().map(|element| group.compose(&back, element)).collect()
        };
        members.iter().map(of_member).collect::<Vec<Vec<_>>>()
    };
    of_class.flat_map(constants).collect()
}

/// Of what is suggested for each pose, what is nearest to a constant.
fn nearest<'a>(suggested: &'a [Vec<Vec<f32>>], constant: &[f32]) -> Vec<&'a [f32]> {
    let apart = |a: &[f32]| degrees(a, constant);
    let of_pose = |all: &'a Vec<Vec<f32>>| all.iter().map(Vec::as_slice).min_by(|a, b| apart(a).total_cmp(&apart(b)));
    suggested.iter().filter_map(of_pose).collect()
}

/// The best constant of those that some frames suggest, and then the mean of what all suggest.
fn settled(suggested: &[Vec<Vec<f32>>], members: usize) -> Option<Vec<f32>> {
    let apart = |constant: &[f32]| nearest(suggested, constant).iter().map(|near| degrees(near, constant)).sum::<f32>();
    let first = suggested.iter().step_by(members).take(FIRST).filter_map(|all| all.first());
    let best = first.min_by(|a, b| apart(a).total_cmp(&apart(b)))?.clone();
    Some((0..ROUNDS).fold(best, |at, _| mean_near(&nearest(suggested, &at), &at).unwrap_or(at)))
}

/// The rotation next to the mean of those that are near one; none of none. A sample without a pose is near nothing.
fn mean_near(rows: &[&[f32]], at: &[f32]) -> Option<Vec<f32>> {
    let near: Vec<_> = rows.iter().filter(|row| degrees(row, at) < NEAR).collect();
    let sum = |i: usize| near.iter().map(|row| row[i]).sum::<f32>();
    let column = |j: usize| [sum(j), sum(3 + j), sum(6 + j)];
    // The length of a sum of directions is no measure here: near each other, they cannot cancel.
    let chart = GramSchmidt { reference: 1.0, minimum: f32::MIN_POSITIVE };
    match chart.pose(column(0), column(1)).ok()?.element {
        Element::Rotation(rotation) => Some(rotation.rows().concat()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::class_pose::ClassPoseRecipe;
    use gimbal_core::group::so3::Rotation;

    const SOURCE: &str = "chairs-symmetric";

    fn paired() -> Paired {
        let mut recipe = ClassPoseRecipe::load("class-pose-chairs-symmetric").unwrap();
        (recipe.triples.size, recipe.triples.train, recipe.triples.test) = (16, 64, 64);
        Paired::new(&recipe).unwrap()
    }

    /// The members of each walk's first frame, times a constant; of every other frame of a class off by so many degrees, and
    /// of the rest by as many the other way.
    fn said(paired: &Paired, off: f32, members: impl Fn(usize) -> Vec<Vec<f32>>) -> Vec<Point> {
        let compose = |a: &[f32], b: &[f32]| paired.group.compose(a, b);
        let constant = Rotation::from_quaternion([0.5, 0.1, -0.7, 0.4]).rows().concat();
        let mut sign = [1.0; 8];
        let point = |(poses, &class): (&Vec<Vec<f32>>, &usize)| {
            sign[class] = -sign[class];
            let off = Rotation::from_vector([0.0, sign[class] * off.to_radians(), 0.0]).rows().concat();
            let element = |h: &Vec<f32>| compose(&compose(&compose(&poses[0], h), &constant), &off);
            Point { code: Vec::new(), elements: members(class).iter().map(element).collect() }
        };
        paired.walks.poses.iter().zip(&paired.walks.classes).map(point).collect()
    }

    fn all(class: usize) -> Vec<Vec<f32>> {
        stabilizer(SOURCE, class).unwrap()
    }

    /// A constant from the right is none of the pose's, and a set that lacks a member does not cover.
    #[test]
    fn a_set_covers_what_looks_the_same() {
        let paired = paired();
        let covered = Coverage::new(&said(&paired, 0.0, all), &paired, SOURCE);
        assert!(!covered.degrees.is_empty() && covered.members.len() == 6, "{covered:?}");
        assert!(covered.degrees.iter().chain(&covered.members).all(|degrees| *degrees < 0.1), "{covered:?}");
        let one = Coverage::new(&said(&paired, 0.0, |_| vec![paired.group.identity()]), &paired, SOURCE);
        assert!(one.degrees.iter().any(|degrees| *degrees > 80.0));
    }

    /// What single frames suggest is off as far as they are.
    #[test]
    fn the_constant_is_that_of_all_frames() {
        const OFF: f32 = 4.0;
        let paired = paired();
        let Coverage { degrees, members } = Coverage::new(&said(&paired, OFF, all), &paired, SOURCE);
        // One frame may be left over.
        assert!(degrees.iter().all(|degrees| (degrees - OFF).abs() < OFF / 8.0), "{degrees:?}");
        assert!(members.iter().all(|degrees| *degrees < OFF / 8.0), "{members:?}");
    }

    #[test]
    fn a_sample_without_a_pose_moves_no_constant() {
        let paired = paired();
        let mut said = said(&paired, 0.0, all);
        said[3].elements = vec![vec![1e6; 9]];
        let Coverage { degrees, members } = Coverage::new(&said, &paired, SOURCE);
        assert!(members.iter().all(|degrees| *degrees < 0.1), "{members:?}");
        assert!(degrees.iter().filter(|degrees| **degrees > 0.1).count() <= 4, "{degrees:?}");
    }
}
