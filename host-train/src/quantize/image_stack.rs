//! The plain network of class and pose, and what it computes in f32: what the integers approximate, and where calibration
//! looks.

use super::network::Linear;
use super::stack::{Stack, Step};
use std::ops::Range;

/// Everything that runs on the device.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageNetwork {
    /// Rows, columns and channels of a sample.
    pub input: [usize; 3],
    /// From the sample to the features.
    pub parts: Vec<Part>,
    /// From the features to what the chart reads: an element after the other.
    pub pose: Linear,
    /// From the features to the code, whose length does not matter.
    pub code: Linear,
}

/// A part of the way to the features.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// One layer.
    Plain(Step),
    /// Two layers with a way around them: the positive part of the sum of both ways.
    Around([Step; 2]),
}

/// How far each tensor of the network reaches on training samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageRanges {
    /// The sample's.
    pub input: (f32, f32),
    /// Of each part: that of its layer, or of its two layers and of the sum.
    pub parts: Vec<Vec<(f32, f32)>>,
    /// What the chart reads.
    pub pose: (f32, f32),
    /// The code.
    pub code: (f32, f32),
    /// For each sample, how long the vector is that says how sure a direction is; 1 where none is said.
    spans: Vec<f32>,
}

impl ImageRanges {
    /// The median over the samples of how long the vector is that says how sure a direction is.
    pub fn span(&self) -> f32 {
        let mut spans = self.spans.clone();
        spans.sort_by(f32::total_cmp);
        spans.get(spans.len() / 2).copied().unwrap_or(1.0)
    }
}

/// What the network says of a sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageNumbers {
    /// What the chart reads.
    pub pose: Vec<f32>,
    /// The code, of any length.
    pub code: Vec<f32>,
}

impl ImageNetwork {
    /// Runs the network; `look` is shown the numbers of each part, layer after layer.
    pub fn run(&self, x: &[f32], look: &mut impl FnMut(usize, usize, &[f32])) -> ImageNumbers {
        let (mut map, mut shape) = (x.to_vec(), self.input);
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Plain(step) => {
                    map = Stack { input: shape, steps: vec![step.clone()] }.run(&map, &mut |_, _| ());
                    look(index, 0, &map);
                    shape = step.output;
                }
                Part::Around(steps) => {
                    let stack = Stack { input: shape, steps: steps.to_vec() };
                    let inside = stack.run(&map, &mut |layer, numbers| look(index, layer, numbers));
                    map = map.iter().zip(inside).map(|(around, through)| (around + through).max(0.0)).collect();
                    look(index, steps.len(), &map);
                }
            }
        }
        ImageNumbers { pose: self.pose.apply(&map), code: self.code.apply(&map) }
    }
}

/// Looks at samples in network units; `direction` says which of an element's numbers are a direction.
pub fn calibrate_image(network: &ImageNetwork, samples: &[Vec<f32>], direction: Range<usize>) -> ImageRanges {
    let layers = |part: &Part| if matches!(part, Part::Plain(_)) { 1 } else { 3 };
    let mut ranges = ImageRanges {
        parts: network.parts.iter().map(|part| vec![(0.0, 0.0); layers(part)]).collect(),
        ..ImageRanges::default()
    };
    let widen = |range: &mut (f32, f32), numbers: &[f32]| {
        *range = numbers.iter().fold(*range, |(min, max), &x| (min.min(x), max.max(x)));
    };
    for sample in samples {
        widen(&mut ranges.input, sample);
        let parts = &mut ranges.parts;
        let said = network.run(sample, &mut |part, layer, numbers| widen(&mut parts[part][layer], numbers));
        widen(&mut ranges.pose, &said.pose);
        widen(&mut ranges.code, &said.code);
        let vector = said.pose.get(direction.clone()).filter(|vector| !vector.is_empty());
        ranges.spans.push(vector.map_or(1.0, |vector| vector.iter().map(|x| x * x).sum::<f32>().sqrt()));
    }
    ranges
}
