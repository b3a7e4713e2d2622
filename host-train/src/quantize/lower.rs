//! Writes a plain network as core's operators, with the scales that calibration found.

use super::calibrate::Ranges;
use super::float::Site;
use super::network::{Convolution, Linear, Network, Psi};
use super::writer::{Writer, small, symmetric};
use crate::package::{Contract, Parts};
use crate::recipe::{ClassInput, Pooling};
use gimbal_core::format::{Chart, Dtype, NONE, PoseHead, Role, TensorId};
use gimbal_core::kernel::{Operands, Operator, QuantizeFeatures, QuantizeVectors, Window};
use gimbal_core::quant::Requantize;

/// Vectors reach this many times as far as on the calibration windows before they saturate. Sixteen
/// bits leave room, and a saturated vector no longer turns with its window.
pub(super) const VECTOR_HEADROOM: f32 = 2.0;

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
    /// What depends on the order of a set's elements is no model of sets.
    #[error(
        "Layer `{layer}` puts elements side by side, so that their order matters; such a baseline is not exported."
    )]
    Ordered {
        /// The layer.
        layer: String,
    },
    /// What is read beside the elements has units of its own, for which a layer of the trunk must make up.
    #[error(
        "Layer `{layer}` reads ranks or invariants as they come; give the trunk a layer first, without a total as context."
    )]
    Bare {
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
    let mut lowering = Lowering { ranges, units, writer: Writer::new(Parts::new(contract), Dtype::I8) };
    let fields = units.len();
    if let Some(psi) = &network.psi {
        lowering.psi(psi, samples, fields)?;
    }
    lowering.eta(network, samples, 3 * fields)?;
    Ok(lowering.writer.parts)
}

struct Lowering<'a> {
    ranges: &'a Ranges,
    units: &'a [f32],
    writer: Writer,
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
        // The chart looks for it before all other constants.
        self.writer.parts.blob.extend(psi.upright.iter().flatten().flat_map(|part| part.to_le_bytes()));
        let mut signal = self.vectors("ψ input", Site::Vectors, samples, fields)?;
        let (multipliers, shift) = Writer::input_multipliers(self.units, self.writer.scale(signal.id));
        self.writer.parts.push_layer(
            "ψ input",
            Operator::QuantizeVectors(QuantizeVectors {
                operands: Operands::new(NONE, signal.id),
                requantize: symmetric(shift),
                multipliers,
            }),
        );
        // While the window is still there: its memory is the first that the layers take over.
        let known = psi.known.map(|field| self.known(signal, field)).transpose()?;
        for (i, layer) in psi.layers.iter().enumerate() {
            let name = format!("ψ layer {i}");
            let next = self.vectors(
                &name,
                Site::Convolved(i),
                layer.convolution.outputs(signal.length),
                layer.convolution.linear.rows(),
            )?;
            self.convolution(&name, &layer.convolution, signal, next, symmetric)?;
            let shrink =
                self.ranges.longest(Site::Convolved(i)) / self.ranges.longest(Site::Gated(i)).max(f32::MIN_POSITIVE);
            self.writer.gate(&name, &layer.gate, next.id, shrink)?;
            signal = next;
        }
        // The head before the sum: each step's rounding is then averaged, and the sum has none.
        let mut head = Convolution::pointwise(psi.head.clone());
        if psi.mirrored {
            signal = self.polar(signal, &mut head.linear)?;
        }
        let learned = psi.head.rows();
        let steps = self.vectors("ψ output", Site::Spanning, signal.length, learned)?;
        self.convolution("ψ output", &head, signal, steps, symmetric)?;
        let sum = self.writer.sum("ψ output", all_time(signal), signal.length, steps.id, [3, 1, learned])?;
        let units = [known.unwrap_or(sum), sum].map(|id| self.writer.scale(id));
        let reference = self.ranges.median_span(units);
        let spanning = match known {
            Some(known) => self.writer.side_by_side("ψ output", [known, sum])?,
            None => sum,
        };
        self.writer.parts.network(Role::Psi, spanning);
        let chart = match psi.upright {
            Some(_) => Chart::UprightGramSchmidt,
            None if psi.mirrored => Chart::ThreeVectors,
            None => Chart::GramSchmidt,
        };
        self.writer.parts.pose(PoseHead { reference, minimum: MINIMUM_SPAN, chart, vectors: spanning });
        Ok(())
    }

    /// The mean over time of one field, as an exact sum.
    fn known(&mut self, window: Signal, field: usize) -> Result<TensorId, LowerError> {
        const NAME: &str = "ψ gravity";
        let fields = window.channels;
        let sums = self.writer.sum(NAME, all_time(window), window.length, window.id, [3, 1, fields])?;
        self.writer.channels(NAME, sums, field..field + 1)
    }

    /// Of vectors p and as many pseudo-vectors q, p and `p × q`. These have a unit of their own, which goes into the
    /// weights of what follows.
    fn polar(&mut self, features: Signal, head: &mut Linear) -> Result<Signal, LowerError> {
        const NAME: &str = "ψ products";
        let (half, columns) = (features.channels / 2, head.columns());
        let p = self.writer.channels(NAME, features.id, 0..half)?;
        let q = self.writer.channels(NAME, features.id, half..2 * half)?;
        let longest = self.ranges.longest(Site::Products) * VECTOR_HEADROOM;
        let products = self.writer.cross(NAME, [p, q], longest)?;
        let unit = self.writer.scale(products) / self.writer.scale(p);
        for row in head.weights.chunks_mut(columns) {
            row.iter_mut().skip(half).for_each(|weight| *weight *= unit);
        }
        Ok(Signal { id: self.writer.side_by_side(NAME, [p, products])?, ..features })
    }

    fn eta(&mut self, network: &Network, samples: usize, channels: usize) -> Result<(), LowerError> {
        let shape = small("the window", [1, samples, channels])?;
        let canonical = self.writer.parts.tensor(Dtype::I16, shape, 1.0, 0);
        self.writer.parts.canonical(canonical);
        let mut signal = self.features("η input", Site::Canonical, samples, channels)?;
        let (multipliers, shift) = Writer::input_multipliers(self.units, self.writer.scale(signal.id));
        let requantize = self.writer.feature_requantize(signal.id, false)(shift);
        self.writer.parts.push_layer(
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
            let requantize = self.writer.feature_requantize(next.id, true);
            self.convolution(&name, layer, signal, next, requantize)?;
            signal = next;
        }
        let mut means = None;
        let input = match network.pooling {
            Pooling::Flatten => signal,
            Pooling::Mean => self.means(signal, &mut means)?,
        };
        let code = self.dense("code", Site::Code, &network.code, input)?;
        self.writer.parts.network(Role::Eta, code.id);
        if let Some((from, head)) = &network.classifier {
            let input = match from {
                ClassInput::Code => code,
                ClassInput::Mean => self.means(signal, &mut means)?,
            };
            let logits = self.dense("classifier", Site::Logits, head, input)?;
            self.writer.parts.network(Role::Classifier, logits.id);
        }
        Ok(())
    }

    /// The means over time, computed once.
    fn means(&mut self, features: Signal, known: &mut Option<Signal>) -> Result<Signal, LowerError> {
        if let Some(means) = *known {
            return Ok(means);
        }
        let means = self.features("η mean", Site::FeatureMean, 1, features.channels)?;
        let requantize = self.writer.feature_requantize(means.id, false);
        self.writer.mean("η mean", all_time(features), features.length, [features.id, means.id], requantize);
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
        let scales = self.writer.scales(x.id, y.id);
        let quantized = self.writer.quantized(name, &layer.linear, scales)?.in_groups(layer.groups);
        self.writer.matrix(name, &quantized, window, [x.id, y.id], requantize(quantized.shift));
        Ok(())
    }

    fn dense(&mut self, name: &str, site: Site, layer: &Linear, x: Signal) -> Result<Signal, LowerError> {
        let y = self.features(name, site, 1, layer.rows())?;
        let requantize = self.writer.feature_requantize(y.id, false);
        self.writer.linear(name, layer, all_time(x), [x.id, y.id], requantize)?;
        Ok(y)
    }

    /// A tensor of int16 vectors whose longest fits with room to spare.
    fn vectors(&mut self, name: &str, site: Site, length: usize, channels: usize) -> Result<Signal, LowerError> {
        let longest = self.ranges.longest(site) * VECTOR_HEADROOM;
        Ok(Signal { id: self.writer.halves(name, [3, length, channels], longest)?, length, channels })
    }

    fn features(&mut self, name: &str, site: Site, length: usize, channels: usize) -> Result<Signal, LowerError> {
        Ok(Signal { id: self.writer.features(name, [1, length, channels], self.ranges.of(site))?, length, channels })
    }
}

/// A window that sees all of a signal.
fn all_time(signal: Signal) -> Window {
    Window::across(signal.length as u16, 1, 1, 0)
}
