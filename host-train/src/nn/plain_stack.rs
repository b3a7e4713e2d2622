//! Convolutions for what must not see the other samples of a batch.
//!
//! Formula: `y = relu(Norm(w * x))`, flat, and pools, as in [`grid`](super::grid); then `relu(Norm(W · x))` and a linear
//! map. Norm takes the mean of one sample's numbers away and divides by their standard deviation, whatever their channel
//! (Ba, Kiros and Hinton, *Layer Normalization*, 2016), and has a factor and an offset for each channel.

use super::grid::{Extent, GridStack};
use super::symmetry::Symmetry;
use crate::recipe::grid::{ConvSection, LayerSection};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};

/// See the module's formula.
#[derive(Module, Debug)]
pub struct PlainStack {
    convolutions: Vec<Conv2d>,
    norms: Vec<GroupNorm>,
    hidden: Linear,
    norm: LayerNorm,
    last: Linear,
    #[module(skip)]
    layers: Vec<LayerSection>,
}

impl PlainStack {
    /// Layers for samples of an extent, that give `outputs` numbers each.
    ///
    /// # Errors
    /// As the rest of a sentence, what does not fit.
    pub fn new(
        sections: &[LayerSection],
        input: Extent,
        [hidden, outputs]: [usize; 2],
        device: &Device,
    ) -> Result<Self, String> {
        // Built for what it refuses, and for the extents.
        let (_, last) = GridStack::new(sections, input, Symmetry::NONE, device)?;
        let mut channels = input.channels;
        let (mut convolutions, mut norms) = (Vec::new(), Vec::new());
        for section in sections {
            if let LayerSection::Conv(section) = section {
                if section.circular != [false; 2] {
                    return Err("cannot be circular here".into());
                }
                convolutions.push(convolution(channels, section, device));
                channels = section.channels;
                // One group: all numbers of a sample.
                norms.push(GroupNormConfig::new(1, channels).init(device));
            }
        }
        Ok(Self {
            convolutions,
            norms,
            hidden: LinearConfig::new(last.channels * last.rows * last.columns, hidden).init(device),
            norm: LayerNormConfig::new(hidden).init(device),
            last: LinearConfig::new(hidden, outputs).init(device),
            layers: sections.to_vec(),
        })
    }

    /// # Shapes
    /// `[B, C, rows, columns]` → `[B, outputs]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut convolutions = self.convolutions.iter().zip(&self.norms);
        let map = self.layers.iter().fold(x, |x, layer| {
            let [_, _, rows, columns] = x.dims();
            let whole = |[down, across]: [usize; 2]| {
                let or = |size, all| if size == 0 { all } else { size };
                [or(down, rows), or(across, columns)]
            };
            match layer {
                LayerSection::Conv(_) => match convolutions.next() {
                    Some((conv, norm)) => relu(norm.forward(conv.forward(x))),
                    None => x,
                },
                LayerSection::Mean(size) => avg_pool2d(x, AvgPoolOptions::new(whole(*size))),
                LayerSection::Max(size) => max_pool2d(x, MaxPoolOptions::new(whole(*size))),
            }
        });
        self.last.forward(relu(self.norm.forward(self.hidden.forward(map.flatten::<2>(1, 3)))))
    }
}

fn convolution(inputs: usize, section: &ConvSection, device: &Device) -> Conv2d {
    let [down, across] = section.padding();
    Conv2dConfig::new([inputs, section.channels], section.size)
        .with_stride(section.stride)
        .with_padding(PaddingConfig2d::Explicit(down, across, down, across))
        .with_bias(false)
        .init(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{initialize, testing::*};

    fn layers() -> [LayerSection; 2] {
        let section = ConvSection { channels: 4, size: [3, 3], stride: [2, 2], circular: [false; 2] };
        [LayerSection::Conv(section), LayerSection::Mean([2, 2])]
    }

    #[test]
    fn no_sample_sees_another() {
        let device = device();
        let input = Extent { channels: 1, rows: 8, columns: 8 };
        let stack = initialize(PlainStack::new(&layers(), input, [6, 3], &device).unwrap(), 1);
        let (a, b) = (random(1, [1, 1, 8, 8], &device), random(2, [4, 1, 8, 8], &device));
        let together = stack.forward(Tensor::cat(vec![a.clone(), b], 0)).narrow(0, 0, 1);
        assert!(difference(stack.forward(a), together) < TOLERANCE);
    }

    #[test]
    fn what_goes_round_is_refused() {
        let device = device();
        let input = Extent { channels: 1, rows: 8, columns: 8 };
        let section = ConvSection { channels: 4, size: [3, 3], stride: [1, 1], circular: [true; 2] };
        assert!(PlainStack::new(&[LayerSection::Conv(section)], input, [6, 3], &device).is_err());
    }
}
