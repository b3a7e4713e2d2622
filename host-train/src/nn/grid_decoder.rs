//! δ of grids: a code becomes a canonical sample.
//!
//! Formula: a dense layer gives a coarse map; each block makes it finer by computing neighbouring outputs side by
//! side at the lower resolution, `y[f·i + j, f'·k + l, c] = (w * x)[i, k, (c, j, l)]`, which costs a part of
//! convolving the finer map, and is normalized and rectified. A last convolution at full resolution gives the sample,
//! through a sigmoid where that lies in 0 to 1. Only training runs this network.

use super::grid::Extent;
use crate::recipe::grid::DeltaSection;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::prelude::*;
use burn::tensor::activation::{relu, sigmoid};

/// See the module's formula.
#[derive(Module, Debug)]
pub struct GridDecoder {
    dense: Linear,
    blocks: Vec<Conv2d>,
    norms: Vec<BatchNorm>,
    last: Conv2d,
    #[module(skip)]
    start: [usize; 3],
    #[module(skip)]
    factor: [usize; 2],
    #[module(skip)]
    unit: bool,
}

impl GridDecoder {
    /// A decoder of `code` numbers into samples of one channel.
    ///
    /// # Errors
    /// As the rest of a sentence, what does not fit.
    pub fn new(code: usize, output: Extent, section: &DeltaSection, device: &Device) -> Result<Self, String> {
        let (factor, blocks) = (section.factor, section.channels.len() as u32 - 1);
        let [down, across] = factor.map(|factor| factor.pow(blocks));
        if down == 0 || across == 0 || !output.rows.is_multiple_of(down) || !output.columns.is_multiple_of(across) {
            return Err(format!(
                "makes {blocks} times finer by {} × {}, which does not lead to {} × {}",
                factor[0], factor[1], output.rows, output.columns
            ));
        }
        let start = [section.channels[0], output.rows / down, output.columns / across];
        let [k, l] = section.size;
        let conv = |inputs, outputs| {
            Conv2dConfig::new([inputs, outputs], section.size)
                .with_padding(PaddingConfig2d::Explicit(k / 2, l / 2, k / 2, l / 2))
                .init(device)
        };
        let block = |pair: &[usize]| conv(pair[0], factor[0] * factor[1] * pair[1]);
        Ok(Self {
            dense: LinearConfig::new(code, start.iter().product()).init(device),
            blocks: section.channels.windows(2).map(block).collect(),
            last: conv(section.channels[blocks as usize], output.channels),
            norms: section.channels[1..].iter().map(|&channels| BatchNormConfig::new(channels).init(device)).collect(),
            start,
            factor,
            unit: section.unit,
        })
    }

    /// # Shapes
    /// `[B, code]` → `[B, C, rows, columns]`.
    pub fn forward(&self, code: Tensor<2>) -> Tensor<4> {
        let [b, _] = code.dims();
        let [c, h, w] = self.start;
        let mut x = relu(self.dense.forward(code)).reshape([b, c, h, w]);
        for (block, norm) in self.blocks.iter().zip(&self.norms) {
            x = relu(norm.forward(finer(block.forward(x), self.factor)));
        }
        let x = self.last.forward(x);
        if self.unit { sigmoid(x) } else { x }
    }
}

/// `[B, C·f·f', H, W]` → `[B, C, f·H, f'·W]`.
fn finer(x: Tensor<4>, [down, across]: [usize; 2]) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let c = c / (down * across);
    x.reshape([b, c, down, across, h, w]).permute([0, 1, 4, 2, 5, 3]).reshape([b, c, h * down, w * across])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    #[test]
    fn a_code_becomes_a_sample() {
        let device = device();
        let section = DeltaSection { channels: vec![6, 4, 3], factor: [2, 2], size: [3, 3], unit: true, loudness: 0 };
        let output = Extent { channels: 1, rows: 28, columns: 20 };
        let decoder = GridDecoder::new(5, output, &section, &device).unwrap();
        assert_eq!(decoder.forward(random(1, [3, 5], &device)).dims(), [3, 1, 28, 20]);
        let odd = Extent { rows: 27, ..output };
        assert!(GridDecoder::new(5, odd, &section, &device).unwrap_err().contains("27"));
    }

    #[test]
    fn neighbours_come_from_neighbouring_channels() {
        let x = Tensor::<4>::from_data([[[[1.0, 5.0]], [[2.0, 6.0]], [[3.0, 7.0]], [[4.0, 8.0]]]], &device());
        let y = Tensor::<4>::from_data([[[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 7.0, 8.0]]]], &device());
        assert_eq!(difference(finer(x, [2, 2]), y), 0.0);
    }
}
