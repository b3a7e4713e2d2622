//! Layers of grids: convolutions in one or two directions, flat or circular, and pools.
//!
//! Formula: `y = relu(BatchNorm(w * x))`, the kernel `w` a plain one or one in all its turns
//! ([`TurningKernel`]), whose ways share one normalization. At inference it folds into weights and a bias: one int8
//! convolution. Pools take means or largest numbers of windows side by side.
//!
//! Beyond an end stands zero, or the other end where a direction is circular. Padding is half a kernel, so that a
//! quarter turn of a square image turns every map, if strides leave nothing over.

use super::{Symmetry, TurningKernel};
use crate::recipe::grid::{ConvSection, LayerSection};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};

/// A stack of layers.
#[derive(Module, Debug)]
pub struct GridStack {
    pub(crate) layers: Vec<GridLayer>,
}

/// See the module's formula.
// A stack has few layers.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum GridLayer {
    /// A convolution.
    Conv(GridConv),
    /// Means.
    Mean(GridPool),
    /// Largest numbers.
    Max(GridPool),
}

/// A convolution, normalized and rectified.
#[derive(Module, Debug)]
pub struct GridConv {
    pub(crate) kernel: Kernel,
    /// Over the output channels, all ways of one together.
    pub(crate) norm: BatchNorm,
    #[module(skip)]
    pub(crate) section: ConvSection,
}

/// A kernel.
#[derive(Module, Debug)]
pub enum Kernel {
    /// Weight `[C_out, C_in, down, across]`.
    Plain(Conv2d),
    /// In all its turns, and mirrored if the group says so.
    Turning(TurningKernel),
}

/// A pool: windows side by side.
#[derive(Module, Debug)]
pub struct GridPool {
    #[module(skip)]
    pub(crate) size: [usize; 2],
}

/// Channels, rows and columns of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Channels, of each way in which a filter stands there.
    pub channels: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

impl GridStack {
    /// The layers of a recipe's section and what comes out of them.
    ///
    /// # Errors
    /// As the rest of a sentence, what does not fit.
    pub fn new(
        sections: &[LayerSection],
        input: Extent,
        symmetry: Symmetry,
        device: &Device,
    ) -> Result<(Self, Extent), String> {
        let mut extent = input;
        let mut symmetry_in = Symmetry::NONE;
        let mut layers = Vec::new();
        for (index, section) in sections.iter().enumerate() {
            let after = section.extent(extent, symmetry).map_err(|reason| format!("layer {index} {reason}"))?;
            layers.push(match *section {
                LayerSection::Conv(section) => {
                    let kernel = match symmetry {
                        Symmetry::NONE => Kernel::Plain(
                            Conv2dConfig::new([extent.channels, section.channels], section.size)
                                .with_bias(false)
                                .init(device),
                        ),
                        _ => Kernel::Turning(TurningKernel::new(
                            extent.channels,
                            section.channels,
                            section.size[0],
                            [symmetry_in, symmetry],
                            device,
                        )),
                    };
                    symmetry_in = symmetry;
                    GridLayer::Conv(GridConv {
                        kernel,
                        norm: BatchNormConfig::new(section.channels).init(device),
                        section,
                    })
                }
                LayerSection::Mean(size) => GridLayer::Mean(GridPool { size: whole(size, extent) }),
                LayerSection::Max(size) => GridLayer::Max(GridPool { size: whole(size, extent) }),
            });
            extent = after;
        }
        Ok((Self { layers }, extent))
    }

    /// # Shapes
    /// `[B, C, rows, columns]` → the same with other sizes.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(x, |x, layer| match layer {
            GridLayer::Conv(conv) => conv.forward(x),
            GridLayer::Mean(pool) => avg_pool2d(x, AvgPoolOptions::new(pool.size)),
            GridLayer::Max(pool) => max_pool2d(x, MaxPoolOptions::new(pool.size)),
        })
    }
}

impl GridConv {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let ConvSection { size, stride, circular, .. } = self.section;
        let (weight, ways) = match &self.kernel {
            Kernel::Plain(conv) => (conv.weight.val(), 1),
            Kernel::Turning(kernel) => (kernel.kernel(), kernel.symmetry.order()),
        };
        let padding = self.section.padding();
        let x = (0..2).fold(x, |x, axis| if circular[axis] { wrap(x, axis + 2, padding[axis], size[axis]) } else { x });
        let flat = [0, 1].map(|axis| if circular[axis] { 0 } else { padding[axis] });
        let y = conv2d(x, weight, None, ConvOptions::new(stride, flat, [1, 1], 1));
        let [b, c, h, w] = y.dims();
        let y = self.norm.forward(y.reshape([b * ways, c / ways, h, w]));
        relu(y).reshape([b, c, h, w])
    }
}

/// The other end in front of the first and behind the last.
fn wrap(x: Tensor<4>, axis: usize, padding: usize, size: usize) -> Tensor<4> {
    let length = x.dims()[axis];
    let behind = size - 1 - padding;
    let mut parts = Vec::new();
    if padding > 0 {
        parts.push(x.clone().narrow(axis, length - padding, padding));
    }
    parts.push(x.clone());
    if behind > 0 {
        parts.push(x.narrow(axis, 0, behind));
    }
    Tensor::cat(parts, axis)
}

/// A pool's size with 0 for all of a direction.
fn whole([down, across]: [usize; 2], extent: Extent) -> [usize; 2] {
    let or = |size, all| if size == 0 { all } else { size };
    [or(down, extent.rows), or(across, extent.columns)]
}

impl ConvSection {
    /// Inputs before the first that the first window begins at.
    pub fn padding(&self) -> [usize; 2] {
        self.size.map(|size| (size - 1) / 2)
    }
}

impl LayerSection {
    /// What comes out of a map.
    ///
    /// # Errors
    /// As the rest of a sentence, what does not fit.
    pub fn extent(&self, input: Extent, symmetry: Symmetry) -> Result<Extent, String> {
        let Extent { rows, columns, .. } = input;
        match *self {
            Self::Conv(section) => {
                let padding = section.padding();
                let along = |axis: usize, length: usize| {
                    let (size, stride) = (section.size[axis], section.stride[axis]);
                    if section.circular[axis] {
                        return match length.is_multiple_of(stride) && size <= length {
                            true => Ok(length / stride),
                            false => Err(format!(
                                "goes round {length} inputs with stride {stride} and {size} taps, which does not close"
                            )),
                        };
                    }
                    let reach = (length + 2 * padding[axis])
                        .checked_sub(size)
                        .ok_or_else(|| format!("has {size} taps for {length} inputs"))?;
                    Ok(reach / stride + 1)
                };
                if symmetry != Symmetry::NONE {
                    let [down, across] = section.size;
                    let left = (rows + 2 * padding[0]).wrapping_sub(down) % section.stride[0];
                    if rows != columns || down != across || section.stride[0] != section.stride[1] {
                        return Err("turns only if image, kernel and stride are square".into());
                    }
                    if left != 0 {
                        return Err(format!(
                            "would not turn with the image: {down} taps with stride {} do not meet {rows} pixels evenly; with stride 2 an even side wants an even number of taps",
                            section.stride[0]
                        ));
                    }
                    if section.circular != [false; 2] {
                        return Err("cannot be circular and turn".into());
                    }
                }
                Ok(Extent { channels: section.channels, rows: along(0, rows)?, columns: along(1, columns)? })
            }
            Self::Mean(size) | Self::Max(size) => {
                let [down, across] = whole(size, input);
                match rows % down == 0 && columns % across == 0 {
                    true => Ok(Extent { rows: rows / down, columns: columns / across, ..input }),
                    false => Err(format!("pools {down} × {across}, which does not divide {rows} × {columns}")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{initialize, testing::*};

    fn conv(channels: usize, size: [usize; 2], stride: [usize; 2], circular: [bool; 2]) -> LayerSection {
        LayerSection::Conv(ConvSection { channels, size, stride, circular })
    }

    fn stack(sections: &[LayerSection], input: Extent, turns: usize, device: &Device) -> (GridStack, Extent) {
        let (stack, extent) = GridStack::new(sections, input, Symmetry::turns(turns), device).unwrap();
        (initialize(stack, 1), extent)
    }

    #[test]
    fn extents_are_those_of_the_maps() {
        let device = device();
        let input = Extent { channels: 1, rows: 12, columns: 10 };
        let sections = [
            conv(4, [3, 5], [1, 2], [false, false]),
            LayerSection::Mean([2, 1]),
            conv(3, [3, 3], [1, 1], [false, true]),
            LayerSection::Max([0, 1]),
        ];
        let (stack, extent) = stack(&sections, input, 1, &device);
        let y = stack.forward(random(1, [2, 1, 12, 10], &device));
        assert_eq!(y.dims(), [2, extent.channels, extent.rows, extent.columns]);
    }

    #[test]
    fn a_circular_layer_moves_with_the_ring() {
        let device = device();
        let input = Extent { channels: 1, rows: 6, columns: 8 };
        let (stack, _) = stack(&[conv(4, [3, 3], [1, 1], [false, true])], input, 1, &device);
        let x = random(1, [2, 1, 6, 8], &device);
        let moved = |x: Tensor<4>| Tensor::cat(vec![x.clone().narrow(3, 5, 3), x.narrow(3, 0, 5)], 3);
        assert!(difference(moved(stack.forward(x.clone())), stack.forward(moved(x))) < TOLERANCE);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let device = device();
        let refused = |section, rows, columns, turns| {
            let input = Extent { channels: 1, rows, columns };
            GridStack::new(&[section], input, Symmetry::turns(turns), &device).unwrap_err()
        };
        let plain = [false; 2];
        assert!(refused(conv(1, [3, 3], [2, 2], plain), 28, 28, 8).contains("evenly"));
        assert!(refused(conv(1, [3, 3], [1, 1], plain), 28, 27, 8).contains("square"));
        assert!(refused(conv(1, [1, 3], [1, 3], [false, true]), 4, 8, 1).contains("close"));
        assert!(refused(LayerSection::Mean([3, 1]), 28, 27, 1).contains("divide"));
    }
}
