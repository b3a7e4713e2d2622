//! Writes the plain network of class and pose as core's operators, with the scales that calibration found.

use super::image_stack::{ImageNetwork, ImageRanges, Part};
use super::lower::LowerError;
use super::stack::{Step, StepKind};
use super::weights::sum_multipliers;
use super::writer::{Writer, small};
use crate::package::{Contract, Parts};
use gimbal_core::format::{Chart, Dtype, NONE, PoseHead, Role, Tensor, TensorId};
use gimbal_core::kernel::{Add, Operands, Operator, QuantizeFeatures, Rearrange, Window};

/// What the chart reads reaches this many times as far as on the calibration samples before it saturates.
const HEADROOM: f32 = 1.25;
/// Directions shorter than this part of the usual length are ones of noise.
const MINIMUM: f32 = 0.01;

/// Steps of a pose's numbers are no finer than so many products of a weight's step and a feature's.
const FINEST: f32 = 4.1;

/// How a pose is told: the chart, and how many elements it is a set of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// From numbers to an element.
    pub chart: Chart,
    /// Elements.
    pub members: usize,
}

/// Lowers the network, with features of int8. A count is `unit` in network units.
///
/// # Errors
/// See [`LowerError`].
pub fn lower_image(
    network: &ImageNetwork,
    ranges: &ImageRanges,
    contract: Contract,
    unit: f32,
    told: Told,
) -> Result<Parts, LowerError> {
    let (samples, channels) = (contract.samples, contract.fields.iter().map(|field| field.width).sum::<usize>());
    let mut lowering = Lowering { writer: Writer::new(Parts::new(contract), Dtype::I8) };
    let mut map = lowering.input(network, ranges.input, unit, [samples, channels])?;
    for (index, (part, ranges)) in network.parts.iter().zip(&ranges.parts).enumerate() {
        let name = format!("φ layer {index}");
        // The first layer sees the channels of a pixel side by side in a row.
        let step = |step: &Step| if index == 0 { across_channels(step, network.input) } else { step.clone() };
        map = match part {
            Part::Plain(layer) => lowering.layer(&name, &step(layer), ranges[0], map)?,
            Part::Around([first, second]) => {
                let inside = lowering.layer(&name, first, ranges[0], map)?;
                let inside = lowering.layer(&name, second, ranges[1], inside)?;
                lowering.sum(&name, [map, inside], second.output, ranges[2])?
            }
        };
    }
    lowering.pose(network, ranges, told, map)?;
    let canonical = lowering.writer.parts.tensor(Dtype::I16, small("the sample", [1, samples, channels])?, 1.0, 0);
    lowering.writer.parts.canonical(canonical);
    const CODE: &str = "φ code";
    let code = lowering.writer.features(CODE, [1, 1, network.code.rows()], ranges.code)?;
    let requantize = lowering.writer.feature_requantize(code, false);
    lowering.writer.linear(CODE, &network.code, Window::POINT, [map, code], requantize)?;
    lowering.writer.parts.network(Role::Eta, code);
    Ok(lowering.writer.parts)
}

struct Lowering {
    writer: Writer,
}

impl Lowering {
    /// Counts as numbers of the network: images row by row, signals instant by instant.
    fn input(
        &mut self,
        network: &ImageNetwork,
        range: (f32, f32),
        unit: f32,
        [samples, channels]: [usize; 2],
    ) -> Result<TensorId, LowerError> {
        const NAME: &str = "φ input";
        let [rows, ..] = network.input;
        let shape = if rows == 1 { [1, samples, channels] } else { [samples, channels, 1] };
        let input = self.writer.features(NAME, shape, range)?;
        let (multipliers, shift) = Writer::input_multipliers(&[unit], self.writer.scale(input));
        let requantize = self.writer.feature_requantize(input, false)(shift);
        let operands = Operands::new(NONE, input);
        let operator = Operator::QuantizeFeatures(QuantizeFeatures { operands, requantize, multipliers });
        self.writer.parts.push_layer(NAME, operator);
        Ok(input)
    }

    fn layer(&mut self, name: &str, step: &Step, range: (f32, f32), map: TensorId) -> Result<TensorId, LowerError> {
        let StepKind::Convolve { linear, window, relu } = &step.kind else {
            unreachable!("encoders of images have no pools")
        };
        let next = self.writer.features(name, step.output, range)?;
        let requantize = self.writer.feature_requantize(next, *relu);
        self.writer.linear(name, linear, *window, [map, next], requantize)?;
        Ok(next)
    }

    /// The positive part of a sum.
    fn sum(
        &mut self,
        name: &str,
        [a, b]: [TensorId; 2],
        shape: [usize; 3],
        range: (f32, f32),
    ) -> Result<TensorId, LowerError> {
        let y = self.writer.features(name, shape, range)?;
        let factors = [a, b].map(|id| f64::from(self.writer.scale(id)) / f64::from(self.writer.scale(y)));
        let (multipliers, shift) = sum_multipliers(factors, self.writer.record(y).dtype);
        let operands = Operands { inputs: [a, b], output: y, scratch: NONE };
        let requantize = self.writer.feature_requantize(y, true)(shift);
        self.writer.parts.push_layer(name, Operator::Add(Add { operands, requantize, multipliers }));
        Ok(y)
    }

    /// What the chart reads: the numbers of each element, one element behind the other. They have 16 bits where
    /// features have 8, of which a step alone would be a two-hundredth of a pose's range.
    fn pose(
        &mut self,
        network: &ImageNetwork,
        ranges: &ImageRanges,
        told: Told,
        map: TensorId,
    ) -> Result<(), LowerError> {
        const NAME: &str = "φ pose";
        let (count, (min, max)) = (network.pose.rows(), ranges.pose);
        let largest = network.pose.weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
        let finest = FINEST * largest / 127.0 * self.writer.scale(map) * f32::from(i16::MAX);
        let reach = (HEADROOM * max.max(-min)).max(finest);
        let mut numbers = self.writer.halves(NAME, [1, 1, count], reach)?;
        let requantize = self.writer.feature_requantize(numbers, false);
        self.writer.linear(NAME, &network.pose, Window::POINT, [map, numbers], requantize)?;
        if told.members > 1 {
            let Tensor { dtype, shape, scale, zero_point, .. } = *self.writer.record(numbers);
            let each = small(NAME, [1, told.members, count / told.members])?;
            let members = self.writer.parts.tensor(dtype, each, scale, zero_point);
            let reshape = Rearrange::reshape(Operands::new(numbers, members), shape);
            self.writer.parts.push_layer(NAME, Operator::Rearrange(reshape));
            numbers = members;
        }
        // One step at least: charts of numbers alone do not ask.
        let reference = (ranges.span() / self.writer.scale(numbers)).max(1.0);
        let minimum = MINIMUM * reference;
        self.writer.parts.network(Role::Psi, numbers);
        self.writer.parts.pose(PoseHead { reference, minimum, chart: told.chart, vectors: numbers });
        Ok(())
    }
}

/// A layer on `[rows, columns, C]` as one on `[rows, columns · C, 1]`: the same taps in the same order.
fn across_channels(step: &Step, [rows, _, channels]: [usize; 3]) -> Step {
    let StepKind::Convolve { linear, window, relu } = &step.kind else { return step.clone() };
    if rows == 1 {
        return step.clone();
    }
    let wide = |[down, across]: [u16; 2]| [down, across * channels as u16];
    let window =
        Window { size: wide(window.size), stride: wide(window.stride), padding: wide(window.padding), ..*window };
    Step { kind: StepKind::Convolve { linear: linear.clone(), window, relu: *relu }, output: step.output }
}
