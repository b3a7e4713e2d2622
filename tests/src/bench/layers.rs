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
}

/// All of them, in the order of the peers' table.
pub const LAYERS: &[Layer] = &[
    dense("dense 128→128", Dtype::I8, 128, 128),
    dense("dense 512→32", Dtype::I8, 512, 32),
    dense("dense 64→10", Dtype::I8, 64, 10),
    conv("pointwise 64 points × 64→128", [1, 64, 64], 128, Window::POINT),
    conv("pointwise 64 points × 3→64", [1, 64, 3], 64, Window::POINT),
    conv("conv 1-D, 128×6→32, k = 5, same", [1, 128, 6], 32, Window::across(5, 1, 1, 2)),
    conv("conv 1-D, 128×8→32, k = 5, same", [1, 128, 8], 32, Window::across(5, 1, 1, 2)),
];

const fn dense(name: &'static str, dtype: Dtype, inputs: u16, outputs: u16) -> Layer {
    Layer { name, dtype, input: [1, 1, inputs], output: [1, 1, outputs], kind: Kind::Conv(Window::POINT) }
}

/// A convolution that keeps its input's size.
const fn conv(name: &'static str, input: [u16; 3], channels: u16, window: Window) -> Layer {
    Layer { name, dtype: Dtype::I8, input, output: [input[0], input[1], channels], kind: Kind::Conv(window) }
}
