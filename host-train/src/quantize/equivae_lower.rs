//! Writes the plain networks of an EquiVAE as core's operators, with the scales that calibration finds.

use super::equivae_extract::{EquivaeNetwork, WithinNetwork};
use super::lower::LowerError;
use super::network::Linear;
use super::stack::{Stack, Step, StepKind};
use super::weights::sum_multipliers;
use super::writer::{Writer, small};
use crate::evaluate::metrics::largest;
use crate::package::Parts;
use crate::recipe::equivae::Likelihood;
use gimbal_core::format::{ALIGNMENT, Dtype, Role, Tensor, TensorId};
use gimbal_core::kernel::{Add, Argmax, Lookup, Lut, Operands, Operator, QuantizeFeatures, Rearrange, Window};
use gimbal_core::quant::Requantize;

/// Differences of a sensor's numbers reach this many times as far as on the calibration samples before they saturate:
/// what is strange is farther off.
const DIFFERENCE_HEADROOM: f32 = 2.0;

/// Steps of the square of a difference.
const SQUARES: f32 = 255.0;

/// The smallest and the largest number of each tensor, zero included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EquivaeRanges {
    /// What comes in, then each layer.
    classifier: Vec<(f32, f32)>,
    encoder: Vec<(f32, f32)>,
    posterior: Vec<(f32, f32)>,
    decoder: Vec<(f32, f32)>,
    /// Of the sample less what the decoder makes of it.
    difference: (f32, f32),
}

/// Looks at canonical samples in network units, channels inside.
pub fn calibrate_equivae(network: &EquivaeNetwork, samples: &[Vec<f32>]) -> EquivaeRanges {
    let unseen = |stack: &Stack| vec![(0.0, 0.0); stack.steps.len() + 1];
    let mut ranges = EquivaeRanges { classifier: unseen(&network.classifier), ..EquivaeRanges::default() };
    if let Some(within) = &network.within {
        (ranges.encoder, ranges.posterior) = (unseen(&within.encoder), unseen(&within.posterior));
        ranges.decoder = within.decoder.as_ref().map(unseen).unwrap_or_default();
    }
    for x in samples {
        let logits = observe(&network.classifier, x, &mut ranges.classifier);
        let Some(within) = &network.within else { continue };
        let code = &within.table[largest(&logits).unwrap_or(0)];
        let hidden = observe(&within.encoder, x, &mut ranges.encoder);
        let v = observe(&within.posterior, &[&hidden[..], code].concat(), &mut ranges.posterior);
        if let Some(decoder) = &within.decoder {
            let estimate = observe(decoder, &[&v[..], code].concat(), &mut ranges.decoder);
            let difference = x.iter().zip(estimate).map(|(x, y)| x - within.estimate(y));
            widen(&mut ranges.difference, difference);
        }
    }
    ranges
}

fn observe(stack: &Stack, x: &[f32], ranges: &mut [(f32, f32)]) -> Vec<f32> {
    let (input, layers) = ranges.split_first_mut().expect("there is a range for what comes in");
    widen(input, x.iter().copied());
    stack.run(x, &mut |index, numbers| widen(&mut layers[index], numbers.iter().copied()))
}

fn widen(range: &mut (f32, f32), numbers: impl Iterator<Item = f32>) {
    *range = numbers.fold(*range, |(min, max), x| (min.min(x), max.max(x)));
}

/// Lowers the networks behind the canonical sample, which stands in `canonical`. A count of field `f` is `units[f]` in
/// network units.
///
/// # Errors
/// See [`LowerError`].
pub fn lower_equivae(
    network: &EquivaeNetwork,
    ranges: &EquivaeRanges,
    parts: Parts,
    canonical: TensorId,
    units: &[f32],
) -> Result<Parts, LowerError> {
    let mut lowering = Lowering { writer: Writer::new(parts, Dtype::I8) };
    let x = lowering.input(network.classifier.input, ranges.classifier[0], canonical, units)?;
    let logits = lowering.features("classifier", &network.classifier, &ranges.classifier, x)?;
    lowering.writer.parts.network(Role::Classifier, logits);
    if let Some(within) = &network.within {
        let [_, _, classes] = lowering.writer.record(logits).shape;
        let index = lowering.writer.parts.tensor(Dtype::I16, [1, 1, 1], 1.0, 0);
        debug_assert_eq!(usize::from(classes), within.table.len());
        lowering.writer.parts.push_layer("class", Operator::Argmax(Argmax { operands: Operands::new(logits, index) }));
        let v = lowering.within(within, ranges, x, index)?;
        lowering.writer.parts.network(Role::Within, v);
        if let Some(decoder) = &within.decoder {
            let score = lowering.anomaly(within, decoder, ranges, [x, index, v])?;
            lowering.writer.parts.network(Role::Anomaly, score);
        }
    }
    Ok(lowering.writer.parts)
}

struct Lowering {
    writer: Writer,
}

impl Lowering {
    fn input(
        &mut self,
        shape: [usize; 3],
        range: (f32, f32),
        canonical: TensorId,
        units: &[f32],
    ) -> Result<TensorId, LowerError> {
        let x = self.writer.features("input", shape, range)?;
        let (multipliers, shift) = Writer::input_multipliers(units, self.writer.scale(x));
        let requantize = self.writer.feature_requantize(x, false)(shift);
        let operands = Operands::new(canonical, x);
        let operator = Operator::QuantizeFeatures(QuantizeFeatures { operands, requantize, multipliers });
        self.writer.parts.push_layer("input", operator);
        Ok(x)
    }

    /// v, from the sample and the code of the class at an index.
    fn within(
        &mut self,
        within: &WithinNetwork,
        ranges: &EquivaeRanges,
        x: TensorId,
        index: TensorId,
    ) -> Result<TensorId, LowerError> {
        let hidden = self.features("v", &within.encoder, &ranges.encoder, x)?;
        let (both, posterior) = self.beside("class code", &within.posterior, &within.table, hidden, index)?;
        self.features("v", &posterior, &ranges.posterior, both)
    }

    /// The mean squared error of what the decoder makes of v and of the class at an index.
    fn anomaly(
        &mut self,
        within: &WithinNetwork,
        decoder: &Stack,
        ranges: &EquivaeRanges,
        [x, index, v]: [TensorId; 3],
    ) -> Result<TensorId, LowerError> {
        let (both, decoder) = self.beside("class code again", decoder, &within.table, v, index)?;
        let mut estimate = self.features("decoder", &decoder, &ranges.decoder, both)?;
        let mut reach = ranges.difference.1.max(-ranges.difference.0) * DIFFERENCE_HEADROOM;
        if within.likelihood == Likelihood::Bernoulli {
            estimate = self.sigmoid(estimate);
            reach = 1.0;
        }
        let shape = self.writer.record(x).shape;
        let estimate = self.reshaped("decoder output", estimate, shape);
        let apart = self.writer.numbers("difference", shape.map(usize::from), reach)?;
        self.difference([x, estimate, apart]);
        let squares = self.square(apart);
        let [rows, columns, channels] = shape;
        // A pool leaves channels apart.
        let (flat, window) = match channels {
            1 => (squares, [rows, columns]),
            _ => {
                let [_, long, _] = small("squares", [1, usize::from(columns) * usize::from(channels), 1])?;
                (self.reshaped("squares", squares, [rows, long, 1]), [rows, long])
            }
        };
        let taps = window.map(usize::from).iter().product();
        let window = Window { size: window, stride: window, ..Window::POINT };
        self.writer.sum("anomaly", window, taps, flat, [1, 1, 1])
    }

    /// The logistic function of each element.
    fn sigmoid(&mut self, x: TensorId) -> TensorId {
        let Tensor { shape, scale, zero_point, .. } = *self.writer.record(x);
        let y = self.writer.parts.tensor(Dtype::I8, shape, 1.0 / 255.0, -128);
        let of = |element: i8| {
            let logit = f64::from(scale) * f64::from(i16::from(element) - zero_point);
            (255.0 / (1.0 + (-logit).exp())).round() - 128.0
        };
        self.table("decoder output", [x, y], of);
        y
    }

    /// The square of each element around zero.
    fn square(&mut self, x: TensorId) -> TensorId {
        let Tensor { shape, scale, .. } = *self.writer.record(x);
        let reach = scale * f32::from(i8::MAX);
        let y = self.writer.parts.tensor(Dtype::I8, shape, reach * reach / SQUARES, -128);
        let of = |element: i8| {
            let part = f64::from(element) / f64::from(i8::MAX);
            (f64::from(SQUARES) * part * part).round() - 128.0
        };
        self.table("squares", [x, y], of);
        y
    }

    fn table(&mut self, name: &str, [x, y]: [TensorId; 2], of: impl Fn(i8) -> f64) {
        let bytes: Vec<u8> = (i8::MIN..=i8::MAX).map(|element| of(element).clamp(-128.0, 127.0) as i8 as u8).collect();
        let table = self.constants(&bytes);
        self.writer.parts.push_layer(name, Operator::Lut(Lut { operands: Operands::new(x, y), table }));
    }

    /// `y = a − b`.
    fn difference(&mut self, [a, b, y]: [TensorId; 3]) {
        let factor = |id| f64::from(self.writer.scale(id)) / f64::from(self.writer.scale(y));
        let (multipliers, shift) = sum_multipliers([factor(a), -factor(b)], Dtype::I8);
        let requantize = Requantize { shift, zero_point: 0, min: -127, max: 127 };
        let operands = Operands { inputs: [a, b], ..Operands::new(a, y) };
        self.writer.parts.push_layer("difference", Operator::Add(Add { operands, requantize, multipliers }));
    }

    fn reshaped(&mut self, name: &str, x: TensorId, shape: [u16; 3]) -> TensorId {
        let Tensor { dtype, scale, zero_point, shape: from, .. } = *self.writer.record(x);
        if from == shape {
            return x;
        }
        let y = self.writer.parts.tensor(dtype, shape, scale, zero_point);
        let operator = Operator::Rearrange(Rearrange::reshape(Operands::new(x, y), from));
        self.writer.parts.push_layer(name, operator);
        y
    }

    /// The numbers of a tensor and, behind them, the class code at an index; and the stack that reads both, whose first
    /// layer makes up for the code being in units of its own.
    fn beside(
        &mut self,
        name: &str,
        reader: &Stack,
        table: &[Vec<f32>],
        x: TensorId,
        index: TensorId,
    ) -> Result<(TensorId, Stack), LowerError> {
        let Tensor { scale, zero_point, .. } = *self.writer.record(x);
        let numbers = || table.iter().flatten();
        let (min, max) = numbers().fold((0.0f32, 0.0f32), |(min, max), &code| (min.min(code), max.max(code)));
        let step = if max > min { (max - min) / 255.0 } else { 1.0 };
        let zero = (-128.0 - min / step).round();
        let bytes: Vec<u8> =
            numbers().map(|code| ((code / step).round() + zero).clamp(-128.0, 127.0) as i8 as u8).collect();
        let [_, rows, channels] = small(name, [1, table.len(), table.first().map_or(0, Vec::len)])?;
        let code = self.writer.parts.tensor(Dtype::I8, [1, 1, channels], scale, zero_point);
        let lookup = Lookup { operands: Operands::new(index, code), table: self.constants(&bytes), rows, reserved: 0 };
        self.writer.parts.push_layer(name, Operator::Lookup(lookup));
        let both = self.writer.side_by_side(name, [x, code])?;
        // A code is step · (element − zero), and reads as scale · (element − zero_point).
        let mut reader = reader.clone();
        if let Some(Step { kind: StepKind::Convolve { linear, .. }, .. }) = reader.steps.first_mut() {
            let shift = step * (f32::from(zero_point) - zero);
            rescale(linear, usize::from(channels), step / scale, shift);
        }
        Ok((both, reader))
    }

    fn constants(&mut self, bytes: &[u8]) -> u32 {
        let blob = &mut self.writer.parts.blob;
        blob.resize(blob.len().next_multiple_of(ALIGNMENT), 0);
        let at = blob.len() as u32;
        blob.extend(bytes);
        at
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
            let pool = |size: &[usize; 2]| {
                let size = size.map(|size| size as u16);
                Window { size, stride: size, ..Window::POINT }
            };
            map = match &step.kind {
                StepKind::Convolve { linear, window, relu } => {
                    let next = self.writer.features(&name, step.output, ranges[index + 1])?;
                    let requantize = self.writer.feature_requantize(next, *relu);
                    self.writer.linear(&name, linear, *window, [map, next], requantize)?;
                    next
                }
                StepKind::Mean(size) => {
                    let next = self.writer.features(&name, step.output, ranges[index + 1])?;
                    let requantize = self.writer.feature_requantize(next, false);
                    self.writer.mean(&name, pool(size), size[0] * size[1], [map, next], requantize);
                    next
                }
                StepKind::Max(size) => self.writer.largest(&name, pool(size), map, step.output)?,
            };
        }
        Ok(map)
    }
}

/// The same map of inputs of which the last `count` stand for `factor · x + shift`.
fn rescale(linear: &mut Linear, count: usize, factor: f32, shift: f32) {
    let columns = linear.columns();
    for (row, bias) in linear.weights.chunks_mut(columns).zip(&mut linear.bias) {
        for weight in row.iter_mut().skip(columns - count) {
            *bias += *weight * shift;
            *weight *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_makes_up_for_units() {
        let map = Linear { weights: vec![1.0, 2.0, 3.0, -1.0, 0.5, 4.0], bias: vec![0.25, -1.0] };
        let mut rescaled = map.clone();
        rescale(&mut rescaled, 2, 0.5, 3.0);
        let (x, inside) = ([2.0, 7.0, -1.0], [2.0, 0.5 * 7.0 + 3.0, 3.0 - 0.5]);
        assert_eq!(rescaled.apply(&x), map.apply(&inside));
    }
}
