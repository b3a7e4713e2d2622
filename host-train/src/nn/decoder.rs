//! δ: a code becomes a canonical window.
//!
//! Formula: a dense layer gives T / 2ᴺ instants of C₀ channels; each of N blocks doubles the time by computing
//! two neighbouring instants side by side at the lower rate,
//! `y[2t + j, b, c] = (w * x)[t, b, j·C + c]`, which costs half of convolving after upsampling.
//! All blocks but the last are normalized and rectified. Only training runs this network.

use super::{ConvBlock, convolve};
use crate::data::CHANNELS;
use crate::recipe::DecoderSection;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::prelude::*;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct Decoder {
    dense: Linear,
    blocks: Vec<ConvBlock>,
    last: Conv1d,
    channels: usize,
    length: usize,
}

impl Decoder {
    /// A decoder of `code` numbers into windows of `window` samples.
    pub fn new(code: usize, window: usize, section: &DecoderSection, device: &Device) -> Self {
        let (channels, kernel) = (&section.channels, section.kernel);
        let length = window >> channels.len();
        let pairs = channels.windows(2);
        Self {
            dense: LinearConfig::new(code, channels[0] * length).init(device),
            blocks: pairs.map(|pair| ConvBlock::new(pair[0], 2 * pair[1], kernel, 1, device)).collect(),
            last: Conv1dConfig::new(channels[channels.len() - 1], 2 * CHANNELS, kernel)
                .with_padding(PaddingConfig1d::Explicit(kernel / 2, kernel / 2))
                .init(device),
            channels: channels[0],
            length,
        }
    }

    /// # Shapes
    /// `[B, code]` → `[B, 6, T]`.
    pub fn forward(&self, code: Tensor<2>) -> Tensor<3> {
        let [b, _] = code.dims();
        let dense = self.dense.forward(code);
        let start = dense.reshape([b, self.length, self.channels]).swap_dims(0, 1);
        let features = self.blocks.iter().fold(start, |x, block| interleave(block.forward(x)));
        let last = convolve(features, self.last.weight.val(), 1);
        let last = match &self.last.bias {
            Some(bias) => last + bias.val().unsqueeze(),
            None => last,
        };
        interleave(last).permute([1, 2, 0])
    }
}

/// `[T, B, 2C]` → `[2T, B, C]`.
fn interleave(x: Tensor<3>) -> Tensor<3> {
    let [t, b, c] = x.dims();
    x.reshape([t, b, 2, c / 2]).swap_dims(1, 2).reshape([2 * t, b, c / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    #[test]
    fn a_code_becomes_a_window() {
        let device = device();
        let section = DecoderSection { channels: vec![8, 6, 4], kernel: 3 };
        let decoder = Decoder::new(5, 64, &section, &device);
        let window = decoder.forward(random(1, [3, 5], &device));
        assert_eq!(window.dims(), [3, CHANNELS, 64]);
    }

    #[test]
    fn the_halves_of_the_channels_become_neighbouring_instants() {
        // One instant of two windows; the tens belong to the later half.
        let x = Tensor::<3>::from_data([[[1.0, 10.0], [2.0, 20.0]]], &device());
        let y = Tensor::<3>::from_data([[[1.0], [2.0]], [[10.0], [20.0]]], &device());
        assert_eq!(difference(interleave(x), y), 0.0);
    }
}
