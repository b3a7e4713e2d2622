//! Groups whose actions supervise a pose, on tensors: chart, action, and the linear action of a baseline.
//!
//! An element is a row of numbers in which the squared Euclidean distance is that of
//! [`ActionGroup`]: translations times a unit, cosine and sine of an angle, the nine numbers of a rotation matrix row by
//! row. `y = g·x` has the pose `g·pose(x)`.

use crate::data::action::ActionGroup;
use crate::nn::gram_schmidt;
use crate::recipe::class_pose::RotationForm;
use burn::prelude::*;
use gimbal_core::format::Chart;
use gimbal_core::group::Element;
use std::ops::Range;

/// Squared length below which numbers have no direction; they then give a short row, never a NaN.
const TINY: f32 = 1e-12;

/// A group, and how a network says its elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Poses {
    /// None of them a product.
    factors: Vec<ActionGroup>,
    form: RotationForm,
    unit: f32,
}

impl Poses {
    /// Of a group; a unit of its translations counts `unit` in the distance.
    pub fn new(group: &ActionGroup, form: RotationForm, unit: f32) -> Self {
        Self { factors: factors(group), form, unit }
    }

    /// Numbers that a network says for an element.
    pub fn readouts(&self) -> usize {
        self.factors.iter().map(|factor| self.readouts_of(factor)).sum()
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.factors.iter().map(width).sum()
    }

    /// From what a network says to elements: numbers as they are; directions; rotations in the recipe's form.
    ///
    /// # Shapes
    /// `[B, readouts]` → `[B, width]`.
    pub fn chart(&self, numbers: Tensor<2>) -> Tensor<2> {
        let mut start = 0;
        let parts = self.factors.iter().map(|factor| {
            let count = self.readouts_of(factor);
            let some = numbers.clone().narrow(1, start, count);
            start += count;
            match factor {
                ActionGroup::Heading => unit(some),
                ActionGroup::Planar { .. } => {
                    Tensor::cat(vec![some.clone().narrow(1, 0, 2), unit(some.narrow(1, 2, 2))], 1)
                }
                ActionGroup::Rotations => rotation(some, self.form),
                _ => some,
            }
        });
        Tensor::cat(parts.collect(), 1)
    }

    /// What each number that a network says is worth, in the terms of files: a part of a translation, or 1.
    pub fn units(&self) -> Vec<f32> {
        let of = |factor: &ActionGroup| {
            let moved = match factor {
                ActionGroup::Translations(n) => *n,
                ActionGroup::Planar { .. } => 2,
                _ => 0,
            };
            (0..self.readouts_of(factor)).map(|i| if i < moved { self.unit.recip() } else { 1.0 }).collect::<Vec<_>>()
        };
        self.factors.iter().flat_map(of).collect()
    }

    /// The device's chart of what a network says, and which of these numbers are a direction whose length says how sure it
    /// is; `None` of a group whose poses no device tells.
    pub fn told(&self) -> Option<(Chart, Range<usize>)> {
        let all = |is: fn(&ActionGroup) -> bool| self.factors.iter().all(is);
        Some(match (&self.factors[..], self.form) {
            ([ActionGroup::Rotations], RotationForm::Exponential) => (Chart::Exponential, 0..0),
            ([ActionGroup::Rotations], RotationForm::Quaternion) => (Chart::Quaternion, 0..4),
            ([ActionGroup::Rotations], RotationForm::Six) => (Chart::Columns, 0..3),
            ([ActionGroup::Planar { semidirect: true }], _) => (Chart::Motion, 2..4),
            ([ActionGroup::Planar { semidirect: false }], _) => (Chart::Place, 2..4),
            _ if all(|factor| *factor == ActionGroup::Heading) => (Chart::Angles, 0..2),
            _ if all(|factor| matches!(factor, ActionGroup::Translations(_))) => (Chart::Numbers, 0..0),
            _ => return None,
        })
    }

    /// A device's element as a row.
    pub fn row_of(&self, element: &Element) -> Vec<f32> {
        let numbers = element.numbers();
        match (element, &numbers) {
            (Element::RigidMotion(_), &[x, y, cos, sin, ..]) => self.row(&[x, y, sin.atan2(cos)]),
            _ => self.row(&numbers[..self.factors.iter().map(ActionGroup::numbers).sum::<usize>().min(numbers.len())]),
        }
    }

    /// `g·p`.
    ///
    /// # Shapes
    /// `[B, width]` and `[B, width]` → `[B, width]`.
    pub fn act(&self, g: Tensor<2>, p: Tensor<2>) -> Tensor<2> {
        self.each(g, p, width, |factor, g, p| match factor {
            ActionGroup::Heading => turned(g, p),
            ActionGroup::Rotations => matrices(g).matmul(matrices(p)).flatten(1, 2),
            ActionGroup::Planar { semidirect } => {
                let [place, angle] = [0, 2].map(|at| g.clone().narrow(1, at, 2));
                let there = p.clone().narrow(1, 0, 2);
                let there = if *semidirect { turned(angle.clone(), there) } else { there };
                Tensor::cat(vec![place + there, turned(angle, p.narrow(1, 2, 2))], 1)
            }
            _ => g + p,
        })
    }

    /// Numbers of the smallest space on which the group acts as matrices, for the baseline that has no more: places have a
    /// weight behind them, which says how much of a translation they take.
    pub fn linear_width(&self) -> usize {
        self.factors.iter().map(linear_width).sum()
    }

    /// The action on that space.
    ///
    /// # Shapes
    /// `[B, width]` and `[B, linear_width]` → `[B, linear_width]`.
    pub fn act_linearly(&self, g: Tensor<2>, z: Tensor<2>) -> Tensor<2> {
        self.each(g, z, linear_width, |factor, g, z| match factor {
            ActionGroup::Heading => turned(g, z),
            ActionGroup::Rotations => matrices(g).matmul(z.unsqueeze_dim::<3>(2)).flatten(1, 2),
            ActionGroup::Planar { semidirect } => {
                let [place, angle] = [0, 2].map(|at| g.clone().narrow(1, at, 2));
                let (there, weight) = (z.clone().narrow(1, 0, 2), z.clone().narrow(1, 2, 1));
                let there = if *semidirect { turned(angle.clone(), there) } else { there };
                let moved = vec![there + place * weight.clone(), weight];
                let rest = (!semidirect).then(|| turned(angle, z.narrow(1, 3, 2)));
                Tensor::cat(moved.into_iter().chain(rest).collect(), 1)
            }
            _ => {
                let [_, n] = g.dims();
                let weight = z.clone().narrow(1, n, 1);
                Tensor::cat(vec![z.narrow(1, 0, n) + g * weight.clone(), weight], 1)
            }
        })
    }

    /// The row of an element as a file has it.
    pub fn row(&self, numbers: &[f32]) -> Vec<f32> {
        let mut rest = numbers;
        let mut row = Vec::with_capacity(self.width());
        for factor in &self.factors {
            let (some, behind) = rest.split_at(factor.numbers());
            rest = behind;
            match (factor, some) {
                (ActionGroup::Heading, &[angle]) => row.extend([angle.cos(), angle.sin()]),
                (ActionGroup::Planar { .. }, &[x, y, angle]) => {
                    row.extend([self.unit * x, self.unit * y, angle.cos(), angle.sin()]);
                }
                (ActionGroup::Rotations, _) => row.extend(some),
                _ => row.extend(some.iter().map(|x| self.unit * x)),
            }
        }
        row
    }

    /// The element of a row, as files have it.
    pub fn numbers(&self, row: &[f32]) -> Vec<f32> {
        let mut rest = row;
        let mut numbers = Vec::new();
        for factor in &self.factors {
            let (some, behind) = rest.split_at(width(factor));
            rest = behind;
            match (factor, some) {
                (ActionGroup::Heading, &[x, y]) => numbers.push(y.atan2(x)),
                (ActionGroup::Planar { .. }, &[x, y, cos, sin]) => {
                    numbers.extend([x / self.unit, y / self.unit, sin.atan2(cos)]);
                }
                (ActionGroup::Rotations, _) => numbers.extend(some),
                _ => numbers.extend(some.iter().map(|x| x / self.unit)),
            }
        }
        numbers
    }

    fn readouts_of(&self, factor: &ActionGroup) -> usize {
        match (factor, self.form) {
            (ActionGroup::Rotations, RotationForm::Exponential) => 3,
            (ActionGroup::Rotations, RotationForm::Quaternion) => 4,
            (ActionGroup::Rotations, RotationForm::Six) => 6,
            _ => width(factor),
        }
    }

    /// Factor by factor, side by side: elements and what they act on, of which a factor takes as many numbers as `size` says.
    fn each(
        &self,
        g: Tensor<2>,
        z: Tensor<2>,
        size: impl Fn(&ActionGroup) -> usize,
        act: impl Fn(&ActionGroup, Tensor<2>, Tensor<2>) -> Tensor<2>,
    ) -> Tensor<2> {
        let (mut at, mut there) = (0, 0);
        let parts = self.factors.iter().map(|factor| {
            let some = (g.clone().narrow(1, at, width(factor)), z.clone().narrow(1, there, size(factor)));
            (at, there) = (at + width(factor), there + size(factor));
            act(factor, some.0, some.1)
        });
        Tensor::cat(parts.collect(), 1)
    }
}

/// A group's factors, and theirs.
fn factors(group: &ActionGroup) -> Vec<ActionGroup> {
    match group {
        ActionGroup::Product(parts) => parts.iter().flat_map(factors).collect(),
        one => vec![one.clone()],
    }
}

fn width(factor: &ActionGroup) -> usize {
    match factor {
        ActionGroup::Heading => 2,
        ActionGroup::Planar { .. } => 4,
        other => other.numbers(),
    }
}

fn linear_width(factor: &ActionGroup) -> usize {
    match factor {
        ActionGroup::Heading => 2,
        ActionGroup::Rotations | ActionGroup::Planar { semidirect: true } => 3,
        ActionGroup::Planar { semidirect: false } => 5,
        other => other.numbers() + 1,
    }
}

/// Rows divided by their lengths.
pub(crate) fn unit(v: Tensor<2>) -> Tensor<2> {
    let length = v.clone().square().sum_dim(1).add_scalar(TINY).sqrt();
    v / length
}

/// Rows of cosine and sine times rows of two numbers, as complex numbers.
fn turned(g: Tensor<2>, v: Tensor<2>) -> Tensor<2> {
    let [cos, sin] = [0, 1].map(|at| g.clone().narrow(1, at, 1));
    let [x, y] = [0, 1].map(|at| v.clone().narrow(1, at, 1));
    let turned = vec![cos.clone() * x.clone() - sin.clone() * y.clone(), sin * x + cos * y];
    Tensor::cat(turned, 1)
}

fn matrices(rows: Tensor<2>) -> Tensor<3> {
    let [b, _] = rows.dims();
    rows.reshape([b, 3, 3])
}

/// The nine numbers of rotations.
fn rotation(numbers: Tensor<2>, form: RotationForm) -> Tensor<2> {
    let part = |v: &Tensor<2>, i: usize| v.clone().narrow(1, i, 1);
    match form {
        RotationForm::Six => {
            let [a, b] = [0, 3].map(|at| numbers.clone().narrow(1, at, 3));
            gram_schmidt(a, b).flatten(1, 2)
        }
        RotationForm::Quaternion => quaternion(unit(numbers)),
        // The exponential of half an angle is a quaternion: `[cos(θ/2), sin(θ/2)/θ · v]`.
        RotationForm::Exponential => {
            let angle = numbers.clone().square().sum_dim(1).add_scalar(TINY).sqrt();
            let half = angle.clone().mul_scalar(0.5);
            let [x, y, z] = [0, 1, 2].map(|i| part(&numbers, i) * half.clone().sin() / angle.clone());
            quaternion(Tensor::cat(vec![half.cos(), x, y, z], 1))
        }
    }
}

/// The rotation matrices of unit quaternions `[w, x, y, z]`.
fn quaternion(q: Tensor<2>) -> Tensor<2> {
    let [w, x, y, z] = [0, 1, 2, 3].map(|i| q.clone().narrow(1, i, 1));
    let twice = |a: &Tensor<2>, b: &Tensor<2>| (a.clone() * b.clone()).mul_scalar(2.0);
    let diagonal = |a: &Tensor<2>, b: &Tensor<2>| (twice(a, a) + twice(b, b)).neg().add_scalar(1.0);
    let rows = vec![
        diagonal(&y, &z),
        twice(&x, &y) - twice(&w, &z),
        twice(&x, &z) + twice(&w, &y),
        twice(&x, &y) + twice(&w, &z),
        diagonal(&x, &z),
        twice(&y, &z) - twice(&w, &x),
        twice(&x, &z) - twice(&w, &y),
        twice(&y, &z) + twice(&w, &x),
        diagonal(&x, &y),
    ];
    Tensor::cat(rows, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::posed::rows;
    use crate::nn::testing::{device, difference, random};

    /// Of rows of numbers up to 3, in f32.
    const TOLERANCE: f32 = 2e-5;

    fn groups() -> Vec<ActionGroup> {
        let planar = |semidirect| ActionGroup::Planar { semidirect };
        vec![
            ActionGroup::Translations(2),
            ActionGroup::Heading,
            ActionGroup::Rotations,
            planar(true),
            planar(false),
            ActionGroup::Product(vec![ActionGroup::Rotations, ActionGroup::Heading, planar(true)]),
        ]
    }

    /// What a network might say, as elements.
    fn elements(poses: &Poses, seed: u64) -> Tensor<2> {
        poses.chart(random(seed, [12, poses.readouts()], &device()).mul_scalar(2.0))
    }

    /// The action on rows is that of the group, and rows are as far apart as elements are.
    #[test]
    fn rows_are_elements() {
        for group in groups() {
            for form in [RotationForm::Exponential, RotationForm::Quaternion, RotationForm::Six] {
                let poses = Poses::new(&group, form, 1.0);
                let (g, p) = (elements(&poses, 1), elements(&poses, 2));
                let moved = rows(poses.act(g.clone(), p.clone()));
                for ((g, p), moved) in rows(g).into_iter().zip(rows(p)).zip(moved) {
                    let [a, b] = [&g, &p].map(|row| poses.numbers(row));
                    assert_eq!((group.fault(&a), group.fault(&b)), (None, None));
                    let expected = poses.row(&group.compose(&a, &b));
                    assert!(moved.iter().zip(&expected).all(|(x, y)| (x - y).abs() < TOLERANCE), "{group:?}");
                    let apart: f32 = g.iter().zip(&p).map(|(x, y)| (x - y).powi(2)).sum();
                    assert!((apart - group.squared_distance(&a, &b)).abs() < TOLERANCE);
                }
            }
        }
    }

    /// Translations are in the unit of the distance, and come back out of it.
    #[test]
    fn a_unit_is_one_of_translations_alone() {
        let group = ActionGroup::Planar { semidirect: true };
        let poses = Poses::new(&group, RotationForm::Six, 4.0);
        let row = poses.row(&[1.0, -0.5, 0.0]);
        assert_eq!(row, [4.0, -2.0, 1.0, 0.0]);
        assert_eq!(poses.numbers(&row), [1.0, -0.5, 0.0]);
    }

    #[test]
    fn the_linear_action_is_one() {
        for group in groups() {
            let poses = Poses::new(&group, RotationForm::Six, 1.0);
            let (g, h) = (elements(&poses, 1), elements(&poses, 2));
            let z = random(3, [12, poses.linear_width()], &device());
            let both = poses.act_linearly(poses.act(g.clone(), h.clone()), z.clone());
            assert!(difference(both, poses.act_linearly(g, poses.act_linearly(h, z))) < TOLERANCE, "{group:?}");
        }
    }

    /// The exponential of numbers along an axis turns about it by their length, the right-handed way.
    #[test]
    fn an_exponential_turns_about_its_axis() {
        let poses = Poses::new(&ActionGroup::Rotations, RotationForm::Exponential, 1.0);
        let numbers = Tensor::<2>::from_data([[0.0, 0.0, 0.5], [0.0, 0.0, 0.0]], &device());
        let (sin, cos) = 0.5f32.sin_cos();
        let expected = Tensor::<2>::from_data(
            [[cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]],
            &device(),
        );
        assert!(difference(poses.chart(numbers), expected) < TOLERANCE);
    }
}
