//! Folds a trained EquiVAE into plain stacks: normalizations into the layers beside them, maps in the device's order.

use super::extract::dense;
use super::grid_extract::{reorder, stack, whole};
use super::network::Linear;
use super::stack::{Stack, Step, StepKind};
use crate::method::EquivaeModel;
use crate::nn::grid::{Extent, GridStack};
use crate::recipe::equivae::Likelihood;
use burn::nn::Linear as Dense;
use gimbal_core::kernel::Window;

/// Everything that runs on the device.
#[derive(Clone, Debug, PartialEq)]
pub struct EquivaeNetwork {
    /// From the canonical sample to the logits.
    pub classifier: Stack,
    /// What knows of class codes; none of a classifier alone.
    pub within: Option<WithinNetwork>,
}

/// From the canonical sample and a class code to v, and back.
#[derive(Clone, Debug, PartialEq)]
pub struct WithinNetwork {
    /// From the canonical sample to the layer that the class code stands beside.
    pub encoder: Stack,
    /// The class codes, `[classes][code]`.
    pub table: Vec<Vec<f32>>,
    /// From that layer's numbers and, behind them, the class code to v.
    pub posterior: Stack,
    /// From v and, behind it, the class code to the sample; logits where the likelihood is Bernoulli's.
    pub decoder: Option<Stack>,
    /// What the decoder gives.
    pub likelihood: Likelihood,
}

/// The plain networks of a trained model in its inference form; the decoder only if it is to be exported.
pub fn extract_equivae(model: &EquivaeModel, table: &[Vec<f32>], exported: bool) -> EquivaeNetwork {
    let Extent { channels, rows, columns } = model.extent;
    let input = [rows, columns, channels];
    let within = model.within.as_ref().map(|within| {
        let code = table.first().map_or(0, Vec::len);
        let [v, hidden] = [&within.posterior, &within.hidden].map(dense);
        let joint = dense(&within.joint);
        let mut posterior = Stack { input: [1, 1, joint.columns()], steps: vec![rectified(joint)] };
        // Means come first, logarithms of variances behind them.
        posterior.steps.push(whole(first_rows(v), [1, 1]));
        let layers: Vec<Linear> = within.decoder.iter().map(dense).collect();
        WithinNetwork {
            encoder: with_dense(&within.encoder, input, hidden, true),
            table: table.to_vec(),
            posterior,
            decoder: exported.then(|| decoder(layers, code, [rows * columns, channels])),
            likelihood: within.likelihood,
        }
    });
    EquivaeNetwork { classifier: flattened(&model.classifier, input, &model.logits), within }
}

fn flattened(layers: &GridStack, input: [usize; 3], last: &Dense) -> Stack {
    with_dense(layers, input, dense(last), false)
}

/// Layers and a linear map of the whole last map.
fn with_dense(layers: &GridStack, input: [usize; 3], linear: Linear, relu: bool) -> Stack {
    let mut stack = stack(layers, input);
    let [h, w, channels] = stack.output();
    // burn flattens map by map, the device place by place.
    let places = h * w;
    let reordered = reorder(linear, |column| column % channels * places + column / channels);
    let Step { kind, output } = whole(reordered, [h, w]);
    let kind = match kind {
        StepKind::Convolve { linear, window, .. } => StepKind::Convolve { linear, window, relu },
        other => other,
    };
    stack.steps.push(Step { kind, output });
    stack
}

/// Dense layers, of which the first reads v before the class code, and the last gives channels inside.
fn decoder(mut layers: Vec<Linear>, code: usize, [places, channels]: [usize; 2]) -> Stack {
    if let Some(first) = layers.first_mut() {
        let v = first.columns() - code;
        *first = reorder(first.clone(), |column| if column < v { code + column } else { column - v });
    }
    if let Some(last) = layers.last_mut() {
        let columns = last.columns();
        let from = |row: usize| row % channels * places + row / channels;
        let weights = (0..last.rows()).flat_map(|row| last.weights[from(row) * columns..][..columns].to_vec());
        let bias = (0..last.rows()).map(|row| last.bias[from(row)]);
        *last = Linear { weights: weights.collect(), bias: bias.collect() };
    }
    let input = [1, 1, layers.first().map_or(0, Linear::columns)];
    let last = layers.pop();
    let mut steps: Vec<Step> = layers.into_iter().map(rectified).collect();
    steps.extend(last.map(|last| whole(last, [1, 1])));
    Stack { input, steps }
}

/// A dense layer, rectified.
fn rectified(linear: Linear) -> Step {
    let output = [1, 1, linear.rows()];
    Step { kind: StepKind::Convolve { linear, window: Window::POINT, relu: true }, output }
}

/// The first half of the rows.
fn first_rows(linear: Linear) -> Linear {
    let (rows, columns) = (linear.rows() / 2, linear.columns());
    Linear { weights: linear.weights[..rows * columns].to_vec(), bias: linear.bias[..rows].to_vec() }
}

impl EquivaeNetwork {
    /// The class, v and the anomaly score that the networks give one sample in network units, channels inside.
    pub fn run(&self, x: &[f32]) -> (usize, Vec<f32>, Option<f32>) {
        let logits = self.classifier.run(x, &mut |_, _| ());
        let class = crate::evaluate::metrics::largest(&logits).unwrap_or(0);
        let Some(within) = &self.within else { return (class, Vec::new(), None) };
        let hidden = within.encoder.run(x, &mut |_, _| ());
        let v = within.posterior.run(&[hidden, within.table[class].clone()].concat(), &mut |_, _| ());
        let score = within.decoder.as_ref().map(|decoder| {
            let estimate = decoder.run(&[v.clone(), within.table[class].clone()].concat(), &mut |_, _| ());
            let squares = x.iter().zip(estimate).map(|(x, y)| (x - within.estimate(y)).powi(2));
            squares.sum::<f32>() / x.len() as f32
        });
        (class, v, score)
    }
}

impl WithinNetwork {
    /// What a number of the decoder's says of the sample.
    pub fn estimate(&self, number: f32) -> f32 {
        match self.likelihood {
            Likelihood::Bernoulli => 1.0 / (1.0 + (-number).exp()),
            Likelihood::Gaussian => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::grid::load;
    use crate::data::labelled::LabelledSet;
    use crate::data::wrist;
    use crate::evaluate::metrics::largest;
    use crate::nn::testing::device;
    use crate::recipe::equivae::EquivaeRecipe;
    use std::path::Path;

    /// Sums of up to a thousand numbers of order 1 in f32, in two orders.
    const TOLERANCE: f32 = 2e-4;

    /// burn's networks and the plain ones agree, of images and of windows.
    #[test]
    fn plain_networks_say_what_the_model_says() {
        let device = device();
        for name in ["equivae-small", "equivae-wrist"] {
            let recipe = EquivaeRecipe::load(name).unwrap();
            let set = match recipe.data.is_recorded() {
                true => LabelledSet::of_recordings(&recipe.data, &wrist::load().unwrap()).unwrap(),
                false => LabelledSet::of_grids(&recipe.data, &load("digits", Path::new("")).unwrap(), &device).unwrap(),
            };
            let model = EquivaeModel::new(&recipe, set.extent, set.classes.len(), &device).unwrap();
            let table = model.table(&set, &device);
            let network = extract_equivae(&model, &table, true);
            let some = &set.test[..20];
            let inference = model.infer(some, &set, &table, &device);
            for (index, sample) in some.iter().enumerate() {
                let (class, v, score) = network.run(&set.in_units(&sample.counts));
                assert_eq!(Some(class), largest(&inference.logits[index]));
                for (a, b) in v.iter().zip(&inference.within[index]) {
                    assert!((a - b).abs() < TOLERANCE, "{name}: {a} {b}");
                }
                let apart = score.unwrap() - inference.scores[index];
                assert!(apart.abs() < TOLERANCE * inference.scores[index].max(1.0), "{name}: {apart}");
            }
        }
    }
}
