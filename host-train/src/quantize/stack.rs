//! The plain networks of a grid, and what they compute in f32: what the integers approximate, and where calibration
//! looks.
//!
//! Maps are `[rows, columns, channels]`, channels inside, as on the device; turns are the outer part of the channels.

use super::network::Linear;
use crate::recipe::grid::GroupName;
use gimbal_core::kernel::Window;

/// Layers one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// Rows, columns and channels of what comes in.
    pub input: [usize; 3],
    /// The layers.
    pub steps: Vec<Step>,
}

/// One layer and the shape of what comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// Rows, columns and channels.
    pub output: [usize; 3],
}

/// What a layer does.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A convolution: weights `[outputs, down, across, inputs]`.
    Convolve {
        /// The map of a window's taps.
        linear: Linear,
        /// How the window moves.
        window: Window,
        /// Whether negative numbers become zero.
        relu: bool,
    },
    /// Means of windows side by side.
    Mean([usize; 2]),
    /// Largest numbers of windows side by side.
    Max([usize; 2]),
}

/// One step of ψ.
#[derive(Clone, Debug, PartialEq)]
pub struct PoseStack {
    /// The group.
    pub group: GroupName,
    /// The layers, the last of which gives the chart's numbers for each place.
    pub stack: Stack,
    /// Over how many rows and columns of the last map sums are taken: the chart's numbers. None where the chart takes
    /// the map as it is.
    pub sum: Option<[usize; 2]>,
}

/// Everything that runs on the device.
#[derive(Clone, Debug, PartialEq)]
pub struct GridNetwork {
    /// ψ, step after step.
    pub poses: Vec<PoseStack>,
    /// From the canonical sample to the code.
    pub eta: Stack,
    /// From the code to the logits.
    pub classifier: Option<Stack>,
}

impl Stack {
    /// The last map; `look` is shown what each step gives.
    pub fn run(&self, x: &[f32], look: &mut impl FnMut(usize, &[f32])) -> Vec<f32> {
        let mut map = x.to_vec();
        let mut shape = self.input;
        for (index, step) in self.steps.iter().enumerate() {
            map = step.run(&map, shape);
            shape = step.output;
            look(index, &map);
        }
        map
    }

    /// Shape of the last map.
    pub fn output(&self) -> [usize; 3] {
        self.steps.last().map_or(self.input, |step| step.output)
    }
}

impl PoseStack {
    /// The chart's numbers, of the last map: sums over places, or the map itself.
    pub fn numbers(&self, map: &[f32]) -> Vec<f32> {
        let [rows, columns, channels] = self.stack.output();
        let Some([down, across]) = self.sum else { return map.to_vec() };
        let (high, wide) = (rows / down, columns / across);
        let mut sums = vec![0.0; high * wide * channels];
        for (place, numbers) in map.chunks_exact(channels).enumerate() {
            let (row, column) = (place / columns, place % columns);
            let sums = &mut sums[(row / down * wide + column / across) * channels..][..channels];
            sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
        }
        sums
    }
}

impl Step {
    fn run(&self, x: &[f32], input: [usize; 3]) -> Vec<f32> {
        let [rows, columns, channels] = input;
        let [high, wide, _] = self.output;
        let mut y = Vec::new();
        for i in 0..high {
            for j in 0..wide {
                match &self.kind {
                    StepKind::Convolve { linear, window, relu } => {
                        let taps = taps(x, input, window, [i, j]);
                        y.extend(linear.apply(&taps).into_iter().map(|y| if *relu { y.max(0.0) } else { y }));
                    }
                    StepKind::Mean(size) | StepKind::Max(size) => {
                        let window = Window { size: size.map(|size| size as u16), ..Window::POINT };
                        let taps = taps(x, [rows, columns, channels], &window, [i * size[0], j * size[1]]);
                        let largest = matches!(self.kind, StepKind::Max(_));
                        let over = |c: usize| taps.iter().skip(c).step_by(channels).copied();
                        let pooled = |c| match largest {
                            true => over(c).fold(f32::NEG_INFINITY, f32::max),
                            false => over(c).sum::<f32>() / (size[0] * size[1]) as f32,
                        };
                        y.extend((0..channels).map(pooled));
                    }
                }
            }
        }
        y
    }
}

/// What the output at a place sees.
fn taps(x: &[f32], [rows, columns, channels]: [usize; 3], window: &Window, place: [usize; 2]) -> Vec<f32> {
    let at = |axis: usize, tap: usize, length: usize| {
        let start = place[axis] * usize::from(window.stride[axis]) + tap * usize::from(window.dilation[axis]);
        let (padding, around) = (usize::from(window.padding[axis]), window.circular >> axis & 1 == 1);
        match around {
            true => Some((start + length - padding % length) % length),
            false => start.checked_sub(padding).filter(|&at| at < length),
        }
    };
    let mut taps = Vec::new();
    for down in 0..usize::from(window.size[0]) {
        for across in 0..usize::from(window.size[1]) {
            match (at(0, down, rows), at(1, across, columns)) {
                (Some(row), Some(column)) => taps.extend(&x[(row * columns + column) * channels..][..channels]),
                _ => taps.extend(std::iter::repeat_n(0.0, channels)),
            }
        }
    }
    taps
}
