//! The layers that are measured.

use gimbal_core::format::Dtype;
use gimbal_core::kernel::Window;

/// One layer, alone.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Its name in `data/bench/peers.toml`.
    pub name: &'static str,
    /// Type of its activations.
    pub dtype: Dtype,
    /// Shape of what it reads.
    pub input: [u16; 3],
    /// Shape of what it writes.
    pub output: [u16; 3],
    /// What it does.
    pub kind: Kind,
}

/// The operator of a layer.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Convolution; dense under a window as large as the input, pointwise under a window of one.
    Conv(Window),
    /// Convolution of each channel by itself.
    Depthwise(Window),
    /// The largest of a window.
    MaxPool(Window),
    /// The sum of two tensors.
    Add,
}

/// Three by three, the output as large as the input.
const AROUND: Window = Window { size: [3, 3], padding: [1, 1], ..Window::POINT };
/// Two by two, without overlap.
const HALVES: Window = Window { size: [2, 2], stride: [2, 2], ..Window::POINT };

/// All of them, in the order of the peers' table.
pub const LAYERS: &[Layer] = &[
    dense("dense 128→128", Dtype::I8, 128, 128),
    dense("dense 512→32", Dtype::I8, 512, 32),
    dense("dense 64→10", Dtype::I8, 64, 10),
    conv("conv 3×3, 28×28×1→16, same", [28, 28, 1], 16, AROUND),
    conv("conv 3×3, 14×14×16→32, same", [14, 14, 16], 32, AROUND),
    conv("pointwise 64 points × 64→128", [1, 64, 64], 128, Window::POINT),
    conv("pointwise 64 points × 3→64", [1, 64, 3], 64, Window::POINT),
    conv("conv 1-D, 128×6→32, k = 5, same", [1, 128, 6], 32, Window::across(5, 1, 1, 2)),
    conv("conv 1-D, 128×8→32, k = 5, same", [1, 128, 8], 32, Window::across(5, 1, 1, 2)),
    layer("depthwise 3×3, 14×14×32 (its best variant)", [14, 14, 32], [14, 14, 32], Kind::Depthwise(AROUND)),
    dense("dense 128→128, int16 activations", Dtype::I16, 128, 128),
    layer("max-pool 2×2, 14×14×32 (6,272 elements)", [14, 14, 32], [7, 7, 32], Kind::MaxPool(HALVES)),
    layer("global max, 64 points × 128", [1, 64, 128], [1, 1, 128], Kind::MaxPool(Window::across(64, 1, 1, 0))),
    layer("elementwise add, 1,024", [1, 1, 1024], [1, 1, 1024], Kind::Add),
];

const fn layer(name: &'static str, input: [u16; 3], output: [u16; 3], kind: Kind) -> Layer {
    Layer { name, dtype: Dtype::I8, input, output, kind }
}

const fn dense(name: &'static str, dtype: Dtype, inputs: u16, outputs: u16) -> Layer {
    Layer { name, dtype, input: [1, 1, inputs], output: [1, 1, outputs], kind: Kind::Conv(Window::POINT) }
}

/// A convolution that keeps its input's size.
const fn conv(name: &'static str, input: [u16; 3], channels: u16, window: Window) -> Layer {
    Layer { name, dtype: Dtype::I8, input, output: [input[0], input[1], channels], kind: Kind::Conv(window) }
}
