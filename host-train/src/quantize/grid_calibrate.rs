//! How far each tensor of a grid's networks reaches on training samples.

use super::stack::{GridNetwork, PoseStack, Stack};
use crate::data::posed::Sample;
use crate::group::element::{act, inverse, product};
use crate::nn::grid::Extent;
use crate::recipe::grid::GroupName;
use gimbal_core::group::cyclic::Argmax;
use gimbal_core::group::o2::Handed;
use gimbal_core::group::shift::Phase;
use gimbal_core::group::so2::Direction;
use gimbal_core::group::translation::Centroid;
use gimbal_core::group::{Degenerate, Element, Pose};

/// The smallest and the largest number of each tensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridRanges {
    /// Of each step of ψ: what comes in, then each layer.
    pub poses: Vec<Vec<(f32, f32)>>,
    /// Of η.
    pub eta: Vec<(f32, f32)>,
    /// Of the classifier.
    pub classifier: Vec<(f32, f32)>,
    /// For each step of ψ and each sample, how sure the pose is, network units.
    spans: Vec<Vec<f32>>,
}

impl GridRanges {
    /// The median over the samples of how sure a step of ψ is.
    pub fn median_span(&self, step: usize) -> f32 {
        let mut spans = self.spans.get(step).cloned().unwrap_or_default();
        spans.sort_by(f32::total_cmp);
        spans.get(spans.len() / 2).copied().unwrap_or(0.0)
    }
}

/// Looks at samples, of which a count is `unit` in network units. Those without a pose are left out.
pub fn calibrate_grid(network: &GridNetwork, unit: f32, samples: &[Sample]) -> GridRanges {
    let mut ranges = GridRanges {
        poses: network.poses.iter().map(|pose| unseen(&pose.stack)).collect(),
        eta: unseen(&network.eta),
        classifier: network.classifier.as_ref().map(unseen).unwrap_or_default(),
        spans: vec![Vec::new(); network.poses.len()],
    };
    for sample in samples {
        let Some(canonical) = canonicalize(network, unit, &sample.counts, &mut ranges) else { continue };
        let code = observe(&network.eta, &in_units(&canonical, unit), &mut ranges.eta);
        if let Some(classifier) = &network.classifier {
            observe(classifier, &code, &mut ranges.classifier);
        }
    }
    ranges
}

fn canonicalize(network: &GridNetwork, unit: f32, counts: &[i16], ranges: &mut GridRanges) -> Option<Vec<i16>> {
    let mut found: Option<Element> = None;
    let mut canonical = counts.to_vec();
    for (step, pose) in network.poses.iter().enumerate() {
        let map = observe(&pose.stack, &in_units(&canonical, unit), &mut ranges.poses[step]);
        let Pose { element, confidence } = chart(pose, &pose.numbers(&map)).ok()?;
        ranges.spans[step].push(confidence);
        let whole = match found {
            None => element,
            Some(first) => product(first, element)?,
        };
        let [rows, columns, channels] = network.eta.input;
        canonical = act(inverse(whole)?, Extent { channels, rows, columns }, counts)?;
        found = Some(whole);
    }
    Some(canonical)
}

/// The pose of the chart's numbers, its confidence in their unit.
fn chart(pose: &PoseStack, numbers: &[f32]) -> Result<Pose, Degenerate> {
    let (reference, minimum) = (1.0, f32::MIN_POSITIVE);
    // Charts of scores and weights take integers.
    let largest = numbers.iter().fold(0.0f32, |max, number| max.max(number.abs()));
    let steps = largest / 1e6;
    let integers = || numbers.iter().map(|number| (number / steps) as i32);
    let in_units = |pose: Pose| Pose { confidence: pose.confidence * steps, ..pose };
    let pair = || <[f32; 2]>::try_from(numbers).map_err(|_| Degenerate::Vanishing);
    match pose.group {
        GroupName::So2 => Direction { reference, minimum }.pose(pair()?),
        GroupName::O2 => match numbers {
            &[x1, y1, x2, y2] => Handed { reference, minimum }.pose([x1, y1], [x2, y2]),
            _ => Err(Degenerate::Vanishing),
        },
        GroupName::Shift => Phase { reference, minimum }.pose(pair()?),
        _ if largest == 0.0 => Err(Degenerate::Vanishing),
        GroupName::Ring | GroupName::C4 => {
            Argmax { reference, minimum }.pose(&integers().collect::<Vec<_>>()).map(in_units)
        }
        GroupName::T2 => {
            let [rows, columns, _] = pose.stack.output().map(|size| size as u16);
            Centroid { reference, minimum }.pose(integers(), columns, rows).map(in_units)
        }
    }
}

fn unseen(stack: &Stack) -> Vec<(f32, f32)> {
    vec![(0.0, 0.0); stack.steps.len() + 1]
}

/// Runs a stack and widens the ranges of its input and its layers, zero included.
fn observe(stack: &Stack, x: &[f32], ranges: &mut [(f32, f32)]) -> Vec<f32> {
    let widen = |range: &mut (f32, f32), numbers: &[f32]| {
        *range = numbers.iter().fold(*range, |(min, max), &x| (min.min(x), max.max(x)));
    };
    let (input, layers) = ranges.split_first_mut().expect("there is a range for what comes in");
    widen(input, x);
    stack.run(x, &mut |index, numbers| widen(&mut layers[index], numbers))
}

fn in_units(counts: &[i16], unit: f32) -> Vec<f32> {
    counts.iter().map(|&count| f32::from(count) * unit).collect()
}
