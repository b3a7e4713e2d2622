//! A trained network with nothing left but linear maps and clamps.

use crate::recipe::{ClassInput, Pooling};

/// A linear map: `y[o] = bias[o] + Σ_i weights[o, i] · x[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// `[outputs, inputs]`, row by row.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

impl Linear {
    /// Outputs.
    pub fn rows(&self) -> usize {
        self.bias.len()
    }

    /// Inputs.
    pub fn columns(&self) -> usize {
        self.weights.len() / self.rows().max(1)
    }

    /// Multiplies what each row gives.
    pub fn scale_rows(&mut self, factor: impl Fn(usize) -> f32) {
        let columns = self.columns().max(1);
        for (row, (weights, bias)) in self.weights.chunks_mut(columns).zip(&mut self.bias).enumerate() {
            weights.iter_mut().chain([bias]).for_each(|number| *number *= factor(row));
        }
    }

    /// The map on one row of inputs.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let rows = self.weights.chunks(self.columns().max(1)).zip(&self.bias);
        rows.map(|(row, bias)| bias + row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>()).collect()
    }
}

/// A convolution over time, padded with zeros by half its kernel on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Weights `[outputs, kernel, inputs / groups]`: the taps of an output are neighbours, as on the device.
    pub linear: Linear,
    /// Taps, an odd number.
    pub kernel: usize,
    /// Samples from one output to the next.
    pub stride: usize,
    /// Equal parts of the outputs, each of which sees its own part of the inputs.
    pub groups: usize,
}

impl Convolution {
    /// A linear map of each sample.
    pub fn pointwise(linear: Linear) -> Self {
        Self { linear, kernel: 1, stride: 1, groups: 1 }
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.linear.columns() / self.kernel * self.groups
    }

    /// Samples that come out of `length` samples.
    pub fn outputs(&self, length: usize) -> usize {
        (length - 1) / self.stride + 1
    }
}

/// A vector convolution and the gate behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct GatedConvolution {
    /// Without bias.
    pub convolution: Convolution,
    /// From the vectors' lengths to their gates, which are clamped to 0 … 1.
    pub gate: Linear,
}

/// ψ: gated vector convolutions, two vectors a sample, their means over time. Where the direction of the first is
/// known, the network does not give it. Where mirror images have poses, too, there is a third, for the hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Psi {
    /// The layers, in order.
    pub layers: Vec<GatedConvolution>,
    /// From the last layer's vectors to those whose means span the pose and are not known; no bias. If mirrored, from
    /// the vectors p of its first half and their cross products with the pseudo-vectors q of the second: p, then p × q.
    pub head: Linear,
    /// The field of the window whose mean over time is the first vector.
    pub known: Option<usize>,
    /// Whether the second half of the fields, and of each layer's channels, is pseudo-vectors, which a reflection through
    /// the origin leaves as they are.
    pub mirrored: bool,
    /// What is upright, as a unit quaternion `[w, x, y, z]`: poses are turned from the right by the inverse of its rotation.
    pub upright: Option<[f32; 4]>,
}

/// Everything that runs on the device.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// ψ; without it windows are taken as they are.
    pub psi: Option<Psi>,
    /// η's convolutions, each followed by a ReLU.
    pub eta: Vec<Convolution>,
    /// How η's features become the code's input.
    pub pooling: Pooling,
    /// To the code, from features `[time, channels]` in that order, or from their means.
    pub code: Linear,
    /// To the logits.
    pub classifier: Option<(ClassInput, Linear)>,
}
