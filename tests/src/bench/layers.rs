//! The layers that are measured.

/// One layer, alone.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Its name in `data/bench/peers.toml`.
    pub name: &'static str,
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
    /// Fully connected.
    Dense,
    /// Convolution over time with padding on both sides; pointwise with one tap.
    Conv1d {
        /// Taps.
        kernel: u16,
    },
}

/// All of them, in the order of the peers' table.
pub const LAYERS: &[Layer] = &[
    Layer { name: "dense 128→128", input: [1, 1, 128], output: [1, 1, 128], kind: Kind::Dense },
    Layer { name: "dense 512→32", input: [1, 1, 512], output: [1, 1, 32], kind: Kind::Dense },
    Layer { name: "dense 64→10", input: [1, 1, 64], output: [1, 1, 10], kind: Kind::Dense },
    Layer {
        name: "pointwise 64 points × 64→128",
        input: [1, 64, 64],
        output: [1, 64, 128],
        kind: Kind::Conv1d { kernel: 1 },
    },
    Layer {
        name: "pointwise 64 points × 3→64",
        input: [1, 64, 3],
        output: [1, 64, 64],
        kind: Kind::Conv1d { kernel: 1 },
    },
    Layer {
        name: "conv 1-D, 128×6→32, k = 5, same",
        input: [1, 128, 6],
        output: [1, 128, 32],
        kind: Kind::Conv1d { kernel: 5 },
    },
    Layer {
        name: "conv 1-D, 128×8→32, k = 5, same",
        input: [1, 128, 8],
        output: [1, 128, 32],
        kind: Kind::Conv1d { kernel: 5 },
    },
];
