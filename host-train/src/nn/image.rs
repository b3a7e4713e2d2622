//! Encoders of images: convolutions that halve an image, each followed by blocks with a way around them, if any.
//!
//! Formula: `y = relu(BatchNorm(w * x))`, and in a block `y = relu(BatchNorm(w₂ * relu(BatchNorm(w₁ * x))) + x)`
//! (He et al. 2016, arXiv 1512.03385). The last map is read by a dense layer and a ReLU. At inference normalizations fold
//! into weights and biases.
//!
//! Maps are `[B, rows, columns, C]`, channels inside: a convolution is then one matrix product, as in
//! [`convolve`](super::convolve()). Pixels are grouped by the stride, in rows and columns, which makes it a convolution of
//! stride 1 with few taps, whose inputs one gather puts side by side. A direction in which an input has one pixel,
//! as that across a signal, has one tap.

use super::batch_norm;
use crate::recipe::class_pose::EncoderSection;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::ops::PadMode;

/// From images to features.
#[derive(Module, Debug)]
pub struct ImageEncoder {
    pub(crate) stages: Vec<ImageStage>,
    /// From the last map, `[rows, columns, C]`, to the features.
    pub(crate) dense: Linear,
}

/// A convolution that halves its input, and blocks.
#[derive(Module, Debug)]
pub struct ImageStage {
    pub(crate) halve: ImageConv,
    pub(crate) blocks: Vec<ImageBlock>,
}

/// Two convolutions and the way around them.
#[derive(Module, Debug)]
pub struct ImageBlock {
    pub(crate) first: ImageConv,
    pub(crate) second: ImageConv,
}

/// A convolution and its normalization.
#[derive(Module, Debug)]
pub struct ImageConv {
    /// From `taps · C_in` numbers, taps as [`taps`](Self::tap) says, to C_out.
    pub(crate) kernel: Linear,
    pub(crate) norm: BatchNorm,
    /// Taps down and across, a multiple of the stride.
    #[module(skip)]
    pub(crate) size: [usize; 2],
    #[module(skip)]
    pub(crate) stride: [usize; 2],
    /// Zeros in front of the first row and column; behind the last stand as many as the last window asks for.
    #[module(skip)]
    pub(crate) padding: [usize; 2],
}

impl ImageEncoder {
    /// An encoder of images of `[rows, columns, C]`.
    ///
    /// # Errors
    /// As the rest of a sentence, what does not fit.
    pub fn new(section: &EncoderSection, input: [usize; 3], device: &Device) -> Result<Self, String> {
        let mut stages = Vec::new();
        let mut map = input;
        for &channels in &section.channels {
            let [rows, columns, inputs] = map;
            if [rows, columns].iter().any(|&side| side > 1 && !side.is_multiple_of(2)) || rows * columns < 2 {
                return Err(format!("cannot halve a map of {rows} × {columns}"));
            }
            let halved = |side: usize| if side > 1 { side / 2 } else { 1 };
            map = [halved(rows), halved(columns), channels];
            let block = |_| ImageBlock {
                first: ImageConv::new(channels, channels, map, 1, device),
                second: ImageConv::new(channels, channels, map, 1, device),
            };
            stages.push(ImageStage {
                halve: ImageConv::new(inputs, channels, [rows, columns, inputs], 2, device),
                blocks: (0..section.blocks).map(block).collect(),
            });
        }
        let dense = LinearConfig::new(map.iter().product(), section.features).init(device);
        Ok(Self { stages, dense })
    }

    /// # Shapes
    /// `[B, rows, columns, C]` → `[B, features]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let map = self.stages.iter().fold(x, |x, stage| {
            let x = relu(stage.halve.forward(x));
            stage.blocks.iter().fold(x, |x, block| block.forward(x))
        });
        relu(self.dense.forward(map.flatten(1, 3)))
    }
}

impl ImageBlock {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let around = x.clone();
        relu(self.second.forward(relu(self.first.forward(x))) + around)
    }
}

impl ImageConv {
    /// Of a map `[rows, columns, C]`: four taps with stride 2, or three with stride 1.
    fn new(inputs: usize, outputs: usize, [rows, columns, _]: [usize; 3], stride: usize, device: &Device) -> Self {
        let along = |side: usize| if side > 1 { [stride + 2, stride, 1] } else { [1, 1, 0] };
        let (down, across) = (along(rows), along(columns));
        let at = |i: usize| [down[i], across[i]];
        let [size, stride, padding] = [at(0), at(1), at(2)];
        Self {
            kernel: LinearConfig::new(size[0] * size[1] * inputs, outputs).with_bias(false).init(device),
            norm: BatchNormConfig::new(outputs).init(device),
            size,
            stride,
            padding,
        }
    }

    /// The row and the column of a tap.
    pub(crate) fn tap(&self, index: usize) -> [usize; 2] {
        // Blocks of strides down and across, and in each block its rows and columns.
        let [sh, sw] = self.stride;
        let (column, row) = (index % sw, index / sw % sh);
        let block = index / (sw * sh);
        let across = self.size[1] / sw;
        [block / across * sh + row, block % across * sw + column]
    }

    /// With `size` taps down and across around each place of a map that is longer than one in both directions.
    pub(crate) fn centred(inputs: usize, outputs: usize, size: usize, device: &Device) -> Self {
        Self {
            kernel: LinearConfig::new(size * size * inputs, outputs).with_bias(false).init(device),
            norm: BatchNormConfig::new(outputs).init(device),
            size: [size; 2],
            stride: [1; 2],
            padding: [size / 2; 2],
        }
    }

    /// # Shapes
    /// `[B, rows, columns, C_in]` → `[B, rows / stride, columns / stride, C_out]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [b, rows, columns, _] = x.dims();
        let [high, wide] = [rows / self.stride[0], columns / self.stride[1]];
        let taps = taps(x, self.size, self.stride, self.padding);
        let y = batch_norm(&self.norm, taps.matmul(self.kernel.weight.val()));
        let [_, outputs] = y.dims();
        y.reshape([b, high, wide, outputs])
    }

    /// A linear map of the taps around each place, neither normalized nor rectified: as many each way as it has room for.
    ///
    /// # Shapes
    /// `[B, rows, columns, C_in]` → `[B, rows, columns, C_out]`.
    pub(crate) fn around(x: Tensor<4>, linear: &Linear) -> Tensor<4> {
        let [b, rows, columns, c] = x.dims();
        let [inputs, outputs] = linear.weight.dims();
        let size = (inputs / c).isqrt();
        let y = linear.forward(taps(x, [size; 2], [1; 2], [size / 2; 2]));
        y.reshape([b, rows, columns, outputs])
    }
}

/// What each window sees, in the order of [`ImageConv::tap`].
///
/// # Shapes
/// `[B, rows, columns, C]` → `[B · rows / stride · columns / stride, taps · C]`.
fn taps(x: Tensor<4>, size: [usize; 2], [sh, sw]: [usize; 2], padding: [usize; 2]) -> Tensor<2> {
    let [b, rows, columns, c] = x.dims();
    let [high, wide] = [rows / sh, columns / sw];
    let [down, across] = [size[0] / sh, size[1] / sw];
    let [h, w] = [high - 1 + down, wide - 1 + across];
    let x = match padding {
        [0, 0] => x,
        [top, left] => {
            let around = [(0, 0), (top, h * sh - top - rows), (left, w * sw - left - columns), (0, 0)];
            x.pad(around, PadMode::Constant(0.0))
        }
    };
    let grouped = x.reshape([b, h, sh, w, sw, c]).permute([0, 1, 3, 2, 4, 5]).reshape([b * h * w, sh * sw * c]);
    // One gather of whole places, and one sum on the way back: of slices side by side, each goes back through a map of
    // zeros, and training took 1.4 times as long.
    let along = |count: usize, step: usize| {
        Tensor::<1, Int>::arange(0..count as i64, &grouped.device()).mul_scalar(step as i64)
    };
    let outer = |a: Tensor<1, Int>, b: Tensor<1, Int>| {
        let [rows, columns] = [a.dims()[0], b.dims()[0]];
        let sums = a.unsqueeze_dim::<2>(1).expand([rows, columns]) + b.unsqueeze_dim::<2>(0).expand([rows, columns]);
        sums.reshape([rows * columns])
    };
    let places = outer(outer(along(b, h * w), along(high, w)), along(wide, 1));
    let seen = outer(places, outer(along(down, w), along(across, 1)));
    grouped.select(0, seen).reshape([b * high * wide, size[0] * size[1] * c])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{initialize, testing::*};
    use burn::tensor::module::conv2d;
    use burn::tensor::ops::ConvOptions;

    /// Taps as burn has them, `[C_out, C_in, down, across]`.
    fn weights(conv: &ImageConv, inputs: usize, device: &Device) -> Tensor<4> {
        let numbers = conv.kernel.weight.val().into_data().try_to_vec::<f32>().unwrap();
        let [down, across] = conv.size;
        let outputs = numbers.len() / (down * across * inputs);
        let mut sorted = vec![0.0; numbers.len()];
        for (index, number) in numbers.iter().enumerate() {
            let (column, output) = (index / outputs, index % outputs);
            let ([row, place], input) = (conv.tap(column / inputs), column % inputs);
            sorted[((output * inputs + input) * down + row) * across + place] = *number;
        }
        Tensor::from_data(TensorData::new(sorted, [outputs, inputs, down, across]), device)
    }

    #[test]
    fn it_is_the_convolution_of_burn() {
        let device = device();
        for (rows, columns, stride) in [(8, 8, 2), (8, 12, 1), (1, 16, 2), (6, 1, 2), (1, 9, 1)] {
            let conv = initialize(ImageConv::new(3, 5, [rows, columns, 3], stride, &device), 1);
            let x = random(2, [2, rows, columns, 3], &device);
            let options = ConvOptions::new(conv.stride, conv.padding, [1, 1], 1);
            let expected = conv2d(x.clone().permute([0, 3, 1, 2]), weights(&conv, 3, &device), None, options);
            // The running statistics of a fresh normalization change next to nothing.
            let found = conv.forward(x).permute([0, 3, 1, 2]) * (1.0f32 + 1e-5).sqrt();
            assert!(difference(expected, found) < TOLERANCE, "{rows} × {columns}, stride {stride}");
        }
    }

    #[test]
    fn images_and_signals_are_halved_and_what_is_odd_is_refused() {
        let device = device();
        let section = EncoderSection { channels: vec![4, 6], blocks: 1, features: 10, ..EncoderSection::default() };
        for input in [[16, 8, 3], [1, 32, 6]] {
            let encoder = ImageEncoder::new(&section, input, &device).unwrap();
            let [rows, columns, channels] = input;
            assert_eq!(encoder.forward(random(1, [2, rows, columns, channels], &device)).dims(), [2, 10]);
        }
        assert!(ImageEncoder::new(&section, [10, 8, 3], &device).unwrap_err().contains("5 × 4"));
    }
}
