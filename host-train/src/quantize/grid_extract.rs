//! Folds a trained model of grids into plain stacks: normalizations into the layers beside them, turning filters into
//! all their turns and mirror images, charts' sums into linear maps.

use super::extract::{affine, dense, numbers};
use super::network::Linear;
use super::stack::{GridNetwork, PoseStack, Stack, Step, StepKind};
use super::turns::{TURNS, TurningFilters};
use crate::method::{GridModel, GridPose};
use crate::nn::Symmetry;
use crate::nn::grid::{Extent, GridConv, GridLayer, GridStack, Kernel};
use crate::nn::symmetry::Way;
use crate::recipe::grid::GroupName;
use gimbal_core::kernel::Window;
use std::f64::consts::TAU;

/// The plain networks of a trained model in its inference form.
pub fn extract_grid(model: &GridModel) -> GridNetwork {
    let Extent { rows, columns, .. } = model.extent;
    let input = [rows, columns, 1];
    let code = dense(&model.code);
    let mut eta = stack(&model.eta, input);
    let [h, w, channels] = eta.output();
    if model.turns == 1 {
        // burn flattens map by map, the device place by place.
        let places = h * w;
        let reordered = reorder(code, |column| column % channels * places + column / channels);
        eta.steps.push(whole(reordered, [h, w]));
    } else {
        eta.steps.push(Step { kind: StepKind::Mean([h, w]), output: [1, 1, channels] });
        // The mean over turns, by equal weights.
        let (turns, c) = (model.turns, channels / model.turns);
        let rows = code.weights.chunks(c).flat_map(|row| row.repeat(turns)).map(|w| w / turns as f32).collect();
        eta.steps.push(whole(Linear { weights: rows, bias: code.bias }, [1, 1]));
    }
    let classifier = model.class_head.as_ref().map(|head| {
        let linear = dense(head);
        Stack { input: [1, 1, linear.columns()], steps: vec![whole(linear, [1, 1])] }
    });
    GridNetwork { poses: model.poses.iter().map(|step| pose(step, input)).collect(), eta, classifier }
}

fn pose(pose: &GridPose, input: [usize; 3]) -> PoseStack {
    let mut stack = stack(&pose.stack, input);
    let [rows, columns, channels] = stack.output();
    // For each number that is read, one weight a channel of a way.
    let heads = numbers(pose.head.weight.val().swap_dims(0, 1));
    let Symmetry { turns, .. } = pose.symmetry;
    let read = |i: usize, share: &dyn Fn(Way) -> f32| -> Vec<f32> {
        let head = heads.chunks(channels / pose.symmetry.order()).nth(i).unwrap_or_default();
        pose.symmetry.ways().flat_map(|way| head.iter().map(move |w| w * share(way))).collect()
    };
    let (cos, sin) = (|way: Way| wave(way.turn, turns), |way: Way| wave(way.turn + turns - turns / 4, turns));
    let (weights, size, relu, sum): (Vec<f32>, _, _, _) = match pose.group {
        GroupName::So2 => {
            let weights = [read(0, &cos), read(0, &sin)];
            (weights.concat(), [1, 1], false, Some([rows, columns]))
        }
        GroupName::O2 => {
            // The first and the second column of each way's matrix.
            let hand = |way: Way| if way.mirrored { -1.0 } else { 1.0 };
            let weights = [
                read(0, &|way| hand(way) * cos(way)),
                read(0, &|way| hand(way) * sin(way)),
                read(1, &|way| -sin(way)),
                read(1, &cos),
            ];
            (weights.concat(), [1, 1], false, Some([rows, columns]))
        }
        GroupName::C4 => {
            let one = |number: usize| read(0, &move |way| f32::from(u8::from(way.turn * TURNS / turns == number)));
            ((0..TURNS).flat_map(one).collect(), [1, 1], false, Some([rows, columns]))
        }
        GroupName::Shift => {
            let part = |late: usize| {
                let heads = &heads;
                (0..rows)
                    .flat_map(move |t| heads.iter().map(move |w| w * wave(4 * t + 4 * rows - late * rows, 4 * rows)))
            };
            // Before the first, a quarter late: the cosine and the sine.
            (part(0).chain(part(1)).collect(), [rows, columns], false, Some([1, 1]))
        }
        GroupName::Ring => (heads.clone(), [1, 1], false, Some([rows, 1])),
        GroupName::T2 => (read(0, &|_| 1.0 / turns as f32), [1, 1], true, None),
    };
    let columns_of = size[0] * size[1] * channels;
    let outputs = weights.len() / columns_of;
    let linear = Linear { weights, bias: vec![0.0; outputs] };
    let window = Window { size: size.map(|size| size as u16), ..Window::POINT };
    let output = [rows / size[0], columns / size[1], outputs];
    stack.steps.push(Step { kind: StepKind::Convolve { linear, window, relu }, output });
    if let Some([cos, sin]) = pose.upright {
        align(&mut stack, cos, sin);
    }
    PoseStack { group: pose.group, stack, sum }
}

/// `cos(2πk/n)`, with the symmetries of quarters exact: what a quarter turn makes of a row of these is made of the
/// same numbers.
fn wave(k: usize, n: usize) -> f32 {
    let quarter = n / 4;
    let (turn, rest) = (k % n / quarter, k % quarter);
    let cos = |k: usize| (TAU * k as f64 / n as f64).cos() as f32;
    match (turn, rest) {
        (0, 0) => 1.0,
        (2, 0) => -1.0,
        (_, 0) => 0.0,
        (0, _) => cos(rest),
        (1, _) => -cos(quarter - rest),
        (2, _) => -cos(rest),
        _ => cos(quarter - rest),
    }
}

/// Turns poses that are angles from the right, by other weights of the last layer: that costs the device nothing.
///
/// The rows for x and y stay quarter turns of each other, exactly, which quarter turns of the image rely on.
fn align(stack: &mut Stack, cos: f32, sin: f32) {
    let Some(Step { kind: StepKind::Convolve { linear, .. }, .. }) = stack.steps.last_mut() else { return };
    let (x, y) = linear.weights.split_at(linear.columns());
    // Each a sum of two products, in one order for both rows: (x, y) ↦ (y, −x) swaps them up to the sign.
    let turned =
        |a: &[f32], b: &[f32], sin: f32| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| cos * a + sin * b).collect() };
    linear.weights = [turned(x, y, sin), turned(y, x, -sin)].concat();
}

pub(super) fn stack(layers: &GridStack, input: [usize; 3]) -> Stack {
    let mut stack = Stack { input, steps: Vec::new() };
    for layer in &layers.layers {
        let input = stack.output();
        stack.steps.push(match layer {
            GridLayer::Conv(conv) => convolution(conv, input),
            GridLayer::Mean(pool) => pooled(StepKind::Mean(pool.size), pool.size, input),
            GridLayer::Max(pool) => pooled(StepKind::Max(pool.size), pool.size, input),
        });
    }
    stack
}

fn pooled(kind: StepKind, [down, across]: [usize; 2], [rows, columns, channels]: [usize; 3]) -> Step {
    Step { kind, output: [rows / down, columns / across, channels] }
}

/// A convolution and the normalization behind it: `γ (w·x − μ) / σ + β`.
fn convolution(conv: &GridConv, [rows, columns, _]: [usize; 3]) -> Step {
    let (factors, offsets) = affine(&conv.norm);
    let section = conv.section;
    let linear = match &conv.kernel {
        Kernel::Plain(plain) => {
            let weights = numbers(plain.weight.val().permute([0, 2, 3, 1]));
            scaled(weights, &factors, offsets)
        }
        Kernel::Turning(kernel) => {
            let all = kernel.kernel();
            let [outputs, inputs, size, _] = all.dims();
            // The turns below a quarter; the others are these, turned and mirrored pixel by pixel.
            let bases = kernel.symmetry.turns / TURNS;
            let below = bases * outputs / kernel.symmetry.order();
            let base = numbers(all.narrow(0, 0, below).permute([0, 2, 3, 1]));
            let linear = scaled(base, &factors.repeat(bases), offsets.repeat(bases));
            let filters = TurningFilters {
                size,
                symmetry: kernel.symmetry,
                symmetry_in: kernel.symmetry_in,
                inputs: inputs / kernel.symmetry_in.order(),
                weights: linear.weights,
                bias: linear.bias,
            };
            filters.expand()
        }
    };
    let window = Window {
        size: section.size.map(|size| size as u16),
        stride: section.stride.map(|stride| stride as u16),
        padding: section.padding().map(|padding| padding as u16),
        circular: u16::from(section.circular[0]) | u16::from(section.circular[1]) << 1,
        ..Window::POINT
    };
    let symmetry = if let Kernel::Turning(kernel) = &conv.kernel { kernel.symmetry } else { Symmetry::NONE };
    let extent = crate::recipe::grid::LayerSection::Conv(section)
        .extent(Extent { channels: 1, rows, columns }, symmetry)
        .expect("the model was built of these layers");
    let output = [extent.rows, extent.columns, linear.rows()];
    Step { kind: StepKind::Convolve { linear, window, relu: true }, output }
}

/// Rows times factors, with the offsets as biases.
fn scaled(mut weights: Vec<f32>, factors: &[f32], offsets: Vec<f32>) -> Linear {
    let columns = weights.len() / factors.len();
    for (row, factor) in weights.chunks_mut(columns).zip(factors) {
        row.iter_mut().for_each(|w| *w *= factor);
    }
    Linear { weights, bias: offsets }
}

/// A linear map of a whole map.
pub(super) fn whole(linear: Linear, size: [usize; 2]) -> Step {
    let output = [1, 1, linear.rows()];
    let window = Window { size: size.map(|size| size as u16), ..Window::POINT };
    Step { kind: StepKind::Convolve { linear, window, relu: false }, output }
}

/// Columns in another order: the new column `i` is the old `from(i)`.
pub(super) fn reorder(linear: Linear, from: impl Fn(usize) -> usize) -> Linear {
    let columns = linear.columns();
    let weights = linear.weights.chunks(columns).flat_map(|row| (0..columns).map(|i| row[from(i)])).collect();
    Linear { weights, bias: linear.bias }
}
