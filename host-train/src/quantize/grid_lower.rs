//! Writes the plain networks of a grid as core's operators, with the scales that calibration found.

use super::grid_calibrate::GridRanges;
use super::lower::LowerError;
use super::stack::{GridNetwork, PoseStack, Stack, StepKind};
use super::writer::{Writer, small, symmetric};
use crate::package::{Contract, Parts};
use crate::recipe::grid::GroupName;
use gimbal_core::format::{Chart, Dtype, NONE, PoseHead, Role, TensorId};
use gimbal_core::kernel::{Operands, Operator, QuantizeFeatures, Window};
use gimbal_core::quant::Requantize;

/// ψ's maps reach this many times as far as on the calibration samples before they saturate: sixteen bits leave room.
const POSE_HEADROOM: f32 = 2.0;

/// Sums shorter than this many counts have no trustworthy direction.
const MINIMUM_SPAN: f32 = 32.0;

/// Of the usual length of a signal's coefficient: where a period is no multiple of four samples, the rounded waves do not
/// cancel out over signals of a shorter period, and what is left of them is shorter than this.
const MINIMUM_COEFFICIENT: f32 = 0.01;

/// A centroid of less than this part of the usual weight is one of noise.
const MINIMUM_WEIGHT: f32 = 0.01;

/// Lowers the networks of a grid. A count is `unit` in network units.
///
/// # Errors
/// See [`LowerError`].
pub fn lower_grid(
    network: &GridNetwork,
    ranges: &GridRanges,
    contract: Contract,
    unit: f32,
) -> Result<Parts, LowerError> {
    let [rows, columns, _] = network.eta.input;
    let writer = Writer::new(Parts::new(contract), Dtype::I8);
    let mut lowering = Lowering { unit, signal: columns == 1, writer };
    let canonical = lowering.writer.parts.tensor(Dtype::I16, small("the sample", [1, rows, columns])?, 1.0, 0);
    let mut input = NONE;
    for (step, pose) in network.poses.iter().enumerate() {
        lowering.pose(pose, &ranges.poses[step], ranges.median_span(step), input)?;
        if step == 0 {
            lowering.writer.parts.canonical(canonical);
        }
        input = canonical;
    }
    if network.poses.is_empty() {
        lowering.writer.parts.canonical(canonical);
    }
    let code = lowering.eta(&network.eta, &ranges.eta, canonical)?;
    if let Some(classifier) = &network.classifier {
        let logits = lowering.features("classifier", classifier, &ranges.classifier, code)?;
        lowering.writer.parts.network(Role::Classifier, logits);
    }
    Ok(lowering.writer.parts)
}

struct Lowering {
    unit: f32,
    /// Whether samples have one column. They lie across on the device: what are neighbours in time are neighbours
    /// in memory.
    signal: bool,
    writer: Writer,
}

impl Lowering {
    /// ψ in int16: that costs a processor with DSP instructions no more than int8 and brings the pose's error from
    /// one in 127 to one in 32,767.
    fn pose(&mut self, pose: &PoseStack, ranges: &[(f32, f32)], span: f32, input: TensorId) -> Result<(), LowerError> {
        let reach = |index: usize| ranges[index].1.max(-ranges[index].0) * POSE_HEADROOM;
        let mut map = self.writer.halves("ψ input", self.shape(pose.stack.input), reach(0))?;
        self.input("ψ input", [input, map], symmetric);
        for (index, step) in pose.stack.steps.iter().enumerate() {
            let name = format!("ψ layer {index}");
            let shape = self.shape(step.output);
            let next = match &step.kind {
                StepKind::Convolve { linear, window, relu } => {
                    let next = self.writer.halves(&name, shape, reach(index + 1))?;
                    let quantized = self.writer.quantized(&name, linear, self.writer.scales(map, next))?.odd();
                    let min = if *relu { 0 } else { -i16::MAX };
                    let requantize = Requantize { min, ..symmetric(quantized.shift) };
                    self.writer.matrix(&name, &quantized, self.window(*window), [map, next], requantize);
                    next
                }
                StepKind::Mean(size) => {
                    let next = self.writer.halves(&name, shape, reach(index + 1))?;
                    let window = self.pool(*size);
                    self.writer.mean(&name, window, size[0] * size[1], [map, next], symmetric);
                    next
                }
                StepKind::Max(size) => self.writer.largest(&name, self.pool(*size), map, shape)?,
            };
            map = next;
        }
        let (numbers, chart, minimum) = match (pose.group, pose.sum) {
            (GroupName::T2, _) | (_, None) => (map, Chart::Centroid, MINIMUM_WEIGHT * span / self.writer.scale(map)),
            (group, Some(size)) => {
                let [rows, columns, channels] = pose.stack.output();
                let shape = self.shape([rows / size[0], columns / size[1], channels]);
                let sum = self.writer.sum("ψ output", self.pool(size), 1, map, shape)?;
                match group {
                    GroupName::So2 => (sum, Chart::Direction, MINIMUM_SPAN),
                    GroupName::O2 => (sum, Chart::TwoVectors, MINIMUM_SPAN),
                    GroupName::Shift => {
                        let part = MINIMUM_COEFFICIENT * span / self.writer.scale(sum);
                        (sum, Chart::Phase, part.max(MINIMUM_SPAN))
                    }
                    _ => (sum, Chart::Argmax, 1.0),
                }
            }
        };
        let reference = span / self.writer.scale(numbers);
        self.writer.parts.network(Role::Psi, numbers);
        self.writer.parts.pose(PoseHead { reference, minimum, chart, vectors: numbers });
        Ok(())
    }

    fn eta(&mut self, eta: &Stack, ranges: &[(f32, f32)], canonical: TensorId) -> Result<TensorId, LowerError> {
        let input = self.writer.features("η input", self.shape(eta.input), ranges[0])?;
        let requantize = self.writer.feature_requantize(input, false);
        self.input("η input", [canonical, input], requantize);
        let code = self.features("η", eta, ranges, input)?;
        self.writer.parts.network(Role::Eta, code);
        Ok(code)
    }

    /// Layers in int8.
    fn features(
        &mut self,
        name: &str,
        stack: &Stack,
        ranges: &[(f32, f32)],
        mut map: TensorId,
    ) -> Result<TensorId, LowerError> {
        for (index, step) in stack.steps.iter().enumerate() {
            let name = format!("{name} layer {index}");
            let shape = self.shape(step.output);
            map = match &step.kind {
                StepKind::Convolve { linear, window, relu } => {
                    let next = self.writer.features(&name, shape, ranges[index + 1])?;
                    let requantize = self.writer.feature_requantize(next, *relu);
                    self.writer.linear(&name, linear, self.window(*window), [map, next], requantize)?;
                    next
                }
                StepKind::Mean(size) => {
                    let next = self.writer.features(&name, shape, ranges[index + 1])?;
                    let requantize = self.writer.feature_requantize(next, false);
                    let window = self.pool(*size);
                    self.writer.mean(&name, window, size[0] * size[1], [map, next], requantize);
                    next
                }
                StepKind::Max(size) => self.writer.largest(&name, self.pool(*size), map, shape)?,
            };
        }
        Ok(map)
    }

    /// Counts as numbers of a network.
    fn input(&mut self, name: &str, [x, y]: [TensorId; 2], requantize: impl Fn(u16) -> Requantize) {
        let (multipliers, shift) = Writer::input_multipliers(&[self.unit], self.writer.scale(y));
        let requantize = requantize(shift);
        let operands = Operands::new(x, y);
        let operator = Operator::QuantizeFeatures(QuantizeFeatures { operands, requantize, multipliers });
        self.writer.parts.push_layer(name, operator);
    }

    /// The shape of a map on the device.
    fn shape(&self, [rows, columns, channels]: [usize; 3]) -> [usize; 3] {
        if self.signal { [columns, rows, channels] } else { [rows, columns, channels] }
    }

    /// How a window moves on the device.
    fn window(&self, window: Window) -> Window {
        if !self.signal {
            return window;
        }
        let swap = |[a, b]: [u16; 2]| [b, a];
        Window {
            size: swap(window.size),
            stride: swap(window.stride),
            dilation: swap(window.dilation),
            padding: swap(window.padding),
            circular: (window.circular & 1) << 1 | window.circular >> 1,
            reserved: 0,
        }
    }

    /// Windows side by side.
    fn pool(&self, size: [usize; 2]) -> Window {
        let size = size.map(|size| size as u16);
        self.window(Window { size, stride: size, ..Window::POINT })
    }
}
