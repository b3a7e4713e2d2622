//! Writes a plain network as core's operators, with the scales that calibration found.

use super::calibrate::Ranges;
use super::float::Site;
use super::network::{Convolution, Linear, Network, Psi};
use super::weights::{Quantized, Scales, multipliers};
use crate::package::{Contract, Parts};
use crate::recipe::{ClassInput, Pooling};
use gimbal_core::format::{Chart, Dtype, MAX_FIELDS, NONE, PoseHead, Role, Tensor, TensorId};
use gimbal_core::kernel::{
    Conv, NormGate, Operands, Operator, Pool, Pooling as Keep, QuantizeFeatures, QuantizeVectors, Window,
};
use gimbal_core::quant::Requantize;

/// Vectors reach this many times as far as on the calibration windows before they saturate. Sixteen
/// bits leave room, and a saturated vector no longer turns with its window.
const VECTOR_HEADROOM: f32 = 2.0;

/// Spanning vectors shorter than this many counts have no trustworthy direction: the roundings of a
/// sum's steps, about a count together, turn them by two degrees.
const MINIMUM_SPAN: f32 = 32.0;

/// Why a network cannot run on the device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LowerError {
    /// A tensor's dimension does not fit the package's 16 bits.
    #[error("Layer `{layer}` has a dimension above 65,535.")]
    TooLarge {
        /// The layer.
        layer: String,
    },
    /// One step of a product is worth a quarter of a step of the output or more: nothing trained is.
    #[error(
        "Layer `{layer}` amplifies beyond what eight bits hold; look at its weights, or calibrate on more windows."
    )]
    Steep {
        /// The layer.
        layer: String,
    },
    /// A tensor was zero, infinite or no number on every calibration window.
    #[error("Layer `{layer}` gave no finite number but zero on the calibration windows; the network is not trained.")]
    Dead {
        /// The layer.
        layer: String,
    },
}

/// Lowers a network for windows of `samples` samples.
///
/// `units[f]` is what one count of field `f` is in the network's units.
pub fn lower(network: &Network, ranges: &Ranges, contract: Contract, units: &[f32]) -> Result<Parts, LowerError> {
    let samples = contract.samples;
    let mut lowering = Lowering { ranges, units, parts: Parts::new(contract) };
    let fields = units.len();
    if let Some(psi) = &network.psi {
        lowering.psi(psi, samples, fields)?;
    }
    lowering.eta(network, samples, 3 * fields)?;
    Ok(lowering.parts)
}

struct Lowering<'a> {
    ranges: &'a Ranges,
    units: &'a [f32],
    parts: Parts,
}

/// A tensor and its length in samples.
#[derive(Clone, Copy)]
struct Signal {
    id: TensorId,
    length: usize,
    channels: usize,
}

impl Lowering<'_> {
    fn psi(&mut self, psi: &Psi, samples: usize, fields: usize) -> Result<(), LowerError> {
        let mut signal = self.vectors("ψ input", Site::Vectors, samples, fields)?;
        let (multipliers, shift) = self.input_multipliers(self.scale(signal.id));
        self.parts.push_layer(
            "ψ input",
            Operator::QuantizeVectors(QuantizeVectors {
                operands: Operands::new(NONE, signal.id),
                requantize: vector_requantize(shift),
                multipliers,
            }),
        );
        for (i, layer) in psi.layers.iter().enumerate() {
            let name = format!("ψ layer {i}");
            let next = self.vectors(
                &name,
                Site::Convolved(i),
                layer.convolution.outputs(signal.length),
                layer.convolution.linear.rows(),
            )?;
            self.convolution(&name, &layer.convolution, signal, next, vector_requantize)?;
            self.gate(&name, &layer.gate, next, i)?;
            signal = next;
        }
        // The head before the sum: each step's rounding is then averaged, and the sum has none.
        let steps = self.vectors("ψ output", Site::Spanning, signal.length, 2)?;
        let head = Convolution { linear: psi.head.clone(), kernel: 1, stride: 1 };
        self.convolution("ψ output", &head, signal, steps, vector_requantize)?;
        let scale = self.scale(steps.id);
        let spanning = self.parts.tensor(Dtype::I32, [3, 1, 2], scale / signal.length as f32, 0);
        self.parts.push_layer(
            "ψ output",
            Operator::Pool(Pool {
                operands: Operands::new(steps.id, spanning),
                window: Window::across(signal.length as u16, 1, 1, 0),
                requantize: vector_requantize(1),
                multiplier: 0,
                pooling: Keep::Sum.code(),
                reserved: 0,
            }),
        );
        self.parts.network(Role::Psi, spanning);
        let reference = self.ranges.median_span() / self.scale(spanning);
        self.parts.pose =
            Some(PoseHead { reference, minimum: MINIMUM_SPAN, chart: Chart::GramSchmidt, vectors: spanning });
        Ok(())
    }

    fn eta(&mut self, network: &Network, samples: usize, channels: usize) -> Result<(), LowerError> {
        let canonical = self.parts.tensor(Dtype::I16, shape("the window", [1, samples, channels])?, 1.0, 0);
        self.parts.canonical(canonical);
        let mut signal = self.features("η input", Site::Canonical, samples, channels)?;
        let (multipliers, shift) = self.input_multipliers(self.scale(signal.id));
        let requantize = self.feature_requantize(signal.id, false)(shift);
        self.parts.push_layer(
            "η input",
            Operator::QuantizeFeatures(QuantizeFeatures {
                operands: Operands::new(canonical, signal.id),
                requantize,
                multipliers,
            }),
        );
        for (i, layer) in network.eta.iter().enumerate() {
            let name = format!("η layer {i}");
            let next = self.features(&name, Site::Features(i), layer.outputs(signal.length), layer.linear.rows())?;
            let requantize = self.feature_requantize(next.id, true);
            self.convolution(&name, layer, signal, next, requantize)?;
            signal = next;
        }
        let mut means = None;
        let input = match network.pooling {
            Pooling::Flatten => signal,
            Pooling::Mean => self.means(signal, &mut means)?,
        };
        let code = self.dense("code", Site::Code, &network.code, input)?;
        self.parts.network(Role::Eta, code.id);
        if let Some((from, head)) = &network.classifier {
            let input = match from {
                ClassInput::Code => code,
                ClassInput::Mean => self.means(signal, &mut means)?,
            };
            let logits = self.dense("classifier", Site::Logits, head, input)?;
            self.parts.network(Role::Classifier, logits.id);
        }
        Ok(())
    }

    /// The means over time, computed once.
    fn means(&mut self, features: Signal, known: &mut Option<Signal>) -> Result<Signal, LowerError> {
        if let Some(means) = *known {
            return Ok(means);
        }
        let means = self.features("η mean", Site::FeatureMean, 1, features.channels)?;
        let requantize = self.feature_requantize(means.id, false);
        self.mean(features, means, requantize);
        *known = Some(means);
        Ok(means)
    }

    fn convolution(
        &mut self,
        name: &str,
        layer: &Convolution,
        x: Signal,
        y: Signal,
        requantize: impl Fn(u16) -> Requantize,
    ) -> Result<(), LowerError> {
        let window = Window::across(layer.kernel as u16, layer.stride as u16, 1, (layer.kernel / 2) as u16);
        self.linear(name, &layer.linear, window, x, y, requantize)
    }

    fn dense(&mut self, name: &str, site: Site, layer: &Linear, x: Signal) -> Result<Signal, LowerError> {
        let y = self.features(name, site, 1, layer.rows())?;
        let requantize = self.feature_requantize(y.id, false);
        self.linear(name, layer, Window::across(x.length as u16, 1, 1, 0), x, y, requantize)?;
        Ok(y)
    }

    /// A linear map under a window.
    fn linear(
        &mut self,
        name: &str,
        linear: &Linear,
        window: Window,
        x: Signal,
        y: Signal,
        requantize: impl Fn(u16) -> Requantize,
    ) -> Result<(), LowerError> {
        let quantized = Quantized::new(linear, self.scales(x.id, y.id)).ok_or_else(|| steep(name))?;
        let weights = quantized.write(&mut self.parts.blob);
        let points = if self.record(y.id).shape[..2] == [1, 1] { 1 } else { 2 };
        let scratch = self.scratch([1, points, linear.columns()]);
        self.parts.push_layer(
            name,
            Operator::Conv(Conv {
                operands: Operands::new(x.id, y.id).with_scratch(scratch),
                window,
                requantize: requantize(quantized.shift),
                weights,
                groups: 1,
                reserved: 0,
            }),
        );
        Ok(())
    }

    /// Memory for rows of 16-bit activations, which are multiplied four at a time.
    fn scratch(&mut self, shape: [usize; 3]) -> TensorId {
        let [planes, rows, columns] = shape;
        self.parts.tensor(Dtype::I16, [planes, rows, columns.next_multiple_of(4)].map(|size| size as u16), 0.0, 0)
    }

    fn mean(&mut self, x: Signal, y: Signal, requantize: impl Fn(u16) -> Requantize) {
        let Scales { input, output, .. } = self.scales(x.id, y.id);
        let factor = f64::from(input) / f64::from(output) / x.length as f64;
        let (multipliers, shift) = multipliers(&[factor]);
        self.parts.push_layer(
            "η mean",
            Operator::Pool(Pool {
                operands: Operands::new(x.id, y.id),
                window: Window::across(x.length as u16, 1, 1, 0),
                requantize: requantize(shift),
                multiplier: multipliers[0],
                pooling: Keep::Mean.code(),
                reserved: 0,
            }),
        );
    }

    fn gate(&mut self, name: &str, gate: &Linear, vectors: Signal, layer: usize) -> Result<(), LowerError> {
        let scratch = self.scratch([1, 2, vectors.channels]);
        // A gate of 1 is 2¹⁵, one more than fits: saturating there costs 3·10⁻⁵.
        let scales = Scales { input: self.scale(vectors.id), input_zero: 0, output: 1.0 / 32768.0 };
        let quantized = Quantized::new(gate, scales).ok_or_else(|| steep(name))?;
        let weights = quantized.write(&mut self.parts.blob);
        // Where gates are small throughout, the gated vectors keep more digits if each is doubled a few times.
        let doublings = (self.ranges.longest(Site::Convolved(layer))
            / self.ranges.longest(Site::Gated(layer)).max(f32::MIN_POSITIVE))
        .log2()
        .floor()
        .clamp(0.0, 14.0);
        self.parts.push_layer(
            name,
            Operator::NormGate(NormGate {
                operands: Operands::new(vectors.id, vectors.id).with_scratch(scratch),
                requantize: Requantize { shift: quantized.shift, zero_point: 0, min: 0, max: i16::MAX },
                weights,
                gate_shift: 15 - doublings as u16,
                reserved: 0,
            }),
        );
        // What follows reads the gated vectors at their new scale.
        self.parts.rescale(vectors.id, doublings.exp2().recip());
        Ok(())
    }

    /// A tensor of int16 vectors whose longest fits with room to spare.
    fn vectors(&mut self, name: &str, site: Site, length: usize, channels: usize) -> Result<Signal, LowerError> {
        let longest = alive(name, self.ranges.longest(site))?;
        let scale = longest * VECTOR_HEADROOM / f32::from(i16::MAX);
        let id = self.parts.tensor(Dtype::I16, shape(name, [3, length, channels])?, scale, 0);
        Ok(Signal { id, length, channels })
    }

    /// A tensor of int8 features whose range, zero included, fills the 256 steps.
    fn features(&mut self, name: &str, site: Site, length: usize, channels: usize) -> Result<Signal, LowerError> {
        let (min, max) = self.ranges.of(site);
        let scale = alive(name, max - min)? / 255.0;
        let zero_point = (-128.0 - min / scale).round().clamp(-128.0, 127.0) as i16;
        let id = self.parts.tensor(Dtype::I8, shape(name, [1, length, channels])?, scale, zero_point);
        Ok(Signal { id, length, channels })
    }

    /// From counts to a tensor of network units, for each field.
    fn input_multipliers(&self, scale: f32) -> ([i32; MAX_FIELDS], u16) {
        let factors: Vec<f64> = self.units.iter().map(|unit| f64::from(*unit) / f64::from(scale)).collect();
        let (found, shift) = multipliers(&factors);
        let mut all = [0; MAX_FIELDS];
        all.iter_mut().zip(found).for_each(|(slot, multiplier)| *slot = multiplier);
        (all, shift)
    }

    fn scale(&self, id: TensorId) -> f32 {
        self.record(id).scale
    }

    fn scales(&self, x: TensorId, y: TensorId) -> Scales {
        Scales { input: self.scale(x), input_zero: self.record(x).zero_point, output: self.scale(y) }
    }

    fn feature_requantize(&self, id: TensorId, relu: bool) -> impl Fn(u16) -> Requantize + use<> {
        let zero_point = self.record(id).zero_point;
        let min = if relu { zero_point } else { i8::MIN.into() };
        move |shift| Requantize { shift, zero_point, min, max: i8::MAX.into() }
    }

    fn record(&self, id: TensorId) -> &Tensor {
        &self.parts.tensors[usize::from(id)]
    }
}

/// Symmetric: turning a vector around must not change its length.
fn vector_requantize(shift: u16) -> Requantize {
    Requantize { shift, zero_point: 0, min: -i16::MAX, max: i16::MAX }
}

fn shape(layer: &str, shape: [usize; 3]) -> Result<[u16; 3], LowerError> {
    let mut small = [0; 3];
    for (small, size) in small.iter_mut().zip(shape) {
        *small = size.try_into().map_err(|_| LowerError::TooLarge { layer: layer.into() })?;
    }
    Ok(small)
}

fn alive(layer: &str, reach: f32) -> Result<f32, LowerError> {
    if reach.is_finite() && reach > 0.0 { Ok(reach) } else { Err(LowerError::Dead { layer: layer.into() }) }
}

fn steep(layer: &str) -> LowerError {
    LowerError::Steep { layer: layer.into() }
}
