//! From code and pose back to an image.
//!
//! Formula: dense layers, each with a ReLU, read the numbers, or these and waves over them (see [`Waves`]), and give a
//! coarse map; each block makes it finer by two both ways, computing
//! neighbouring outputs side by side at the lower resolution, `y[2i + j, 2k + l, c] = (w * x)[i, k, (j, l, c)]` with three
//! taps, normalized and rectified. The last block is neither and ends in a sigmoid: pixels lie in 0 to 1. Only training
//! runs this network.

use super::Waves;
use super::image::ImageConv;
use crate::recipe::class_pose::DecodeSection;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::{relu, sigmoid};

/// See the module's formula.
#[derive(Module, Debug)]
pub struct ImageDecoder {
    waves: Option<Waves>,
    hidden: Vec<Linear>,
    dense: Linear,
    blocks: Vec<ImageConv>,
    /// From a place's nine neighbours to four pixels.
    last: Linear,
    #[module(skip)]
    start: [usize; 3],
}

impl ImageDecoder {
    /// A decoder of so many numbers into images of `[rows, columns, C]`.
    ///
    /// # Errors
    /// As the rest of a sentence, what does not fit.
    pub fn new(
        code: usize,
        [rows, columns, channels]: [usize; 3],
        section: &DecodeSection,
        device: &Device,
    ) -> Result<Self, String> {
        let finer = 1 << section.channels.len();
        if !rows.is_multiple_of(finer) || !columns.is_multiple_of(finer) {
            return Err(format!("a map is made {finer} times as fine, which does not lead to {rows} × {columns}"));
        }
        let first = section.channels.first().copied().unwrap_or(1);
        let last = section.channels.last().copied().unwrap_or(1);
        let start = [rows / finer, columns / finer, first];
        let taps = section.size * section.size;
        let waves = section.waves.as_ref().map(|section| Waves::new(code, section, device));
        let code = waves.as_ref().map_or(code, Waves::width);
        let widths = std::iter::once(code).chain(section.hidden.iter().copied());
        let layer = |(from, &to)| LinearConfig::new(from, to).init(device);
        Ok(Self {
            waves,
            hidden: widths.zip(&section.hidden).map(layer).collect(),
            dense: LinearConfig::new(section.hidden.last().copied().unwrap_or(code), start.iter().product())
                .init(device),
            blocks: section
                .channels
                .windows(2)
                .map(|pair| ImageConv::centred(pair[0], 4 * pair[1], section.size, device))
                .collect(),
            last: LinearConfig::new(taps * last, 4 * channels).init(device),
            start,
        })
    }

    /// # Shapes
    /// `[B, code]` → `[B, rows, columns, C]`.
    pub fn forward(&self, code: Tensor<2>) -> Tensor<4> {
        let [b, _] = code.dims();
        let [h, w, c] = self.start;
        let code = self.waves.as_ref().map_or(code.clone(), |waves| waves.forward(code));
        let code = self.hidden.iter().fold(code, |x, layer| relu(layer.forward(x)));
        let coarse = relu(self.dense.forward(code)).reshape([b, h, w, c]);
        let x = self.blocks.iter().fold(coarse, |x, block| finer(relu(block.forward(x))));
        sigmoid(finer(ImageConv::around(x, &self.last)))
    }
}

/// `[B, H, W, 4·C]` → `[B, 2·H, 2·W, C]`.
fn finer(x: Tensor<4>) -> Tensor<4> {
    let [b, h, w, c] = x.dims();
    x.reshape([b, h, w, 2, 2, c / 4]).permute([0, 1, 3, 2, 4, 5]).reshape([b, 2 * h, 2 * w, c / 4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;
    use crate::recipe::class_pose::WavesSection;

    #[test]
    fn a_code_becomes_an_image() {
        let device = device();
        let mut section = DecodeSection { hidden: vec![9, 8], channels: vec![6, 4], size: 3, epochs: 1, waves: None };
        for waves in [None, Some(WavesSection { count: 7, frequency: 1.0 })] {
            section.waves = waves;
            let decoder = ImageDecoder::new(5, [12, 8, 3], &section, &device).unwrap();
            let image = decoder.forward(random(1, [2, 5], &device));
            assert_eq!(image.dims(), [2, 12, 8, 3]);
        }
        assert!(ImageDecoder::new(5, [12, 10, 3], &section, &device).unwrap_err().contains("12 × 10"));
    }

    #[test]
    fn neighbours_come_from_neighbouring_channels() {
        let device = device();
        let x = Tensor::<4>::from_data([[[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]], &device);
        let y = Tensor::<4>::from_data([[[[1.0], [2.0], [5.0], [6.0]], [[3.0], [4.0], [7.0], [8.0]]]], &device);
        assert_eq!(difference(finer(x), y), 0.0);
    }
}
