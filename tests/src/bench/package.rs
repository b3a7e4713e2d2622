//! One package with every layer of the table.
//!
//! The window becomes features, which are spread out before each layer into as many numbers as it takes, so
//! that every layer sees numbers that are neither constant nor saturated. Weights are random. What the
//! operators between the layers take is not reported.

use super::layers::{Kind, LAYERS, Layer};
use crate::builder::{Builder, clamped};
use gimbal_core::format::{Dtype, FieldKind, NONE, Role, TensorId};
use gimbal_core::kernel::{Add, Operands, Operator, Pool, Pooling, QuantizeFeatures, Rearrange, Window};
use gimbal_train::package::{Contract, ContractField};
use rand::RngExt;

/// Samples in a window: as many as the largest layer has points, an image of 28 × 28.
const SAMPLES: u16 = 784;
/// Channels of a sample.
const CHANNELS: u16 = 3;
const SEED: u64 = 11;
/// Of every tensor of features, so that padding is not just zero.
pub(super) const ZERO_POINT: i16 = 3;

/// A package that runs every layer once.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// The package.
    pub package: Vec<u8>,
    /// A window for it.
    pub window: Vec<i16>,
    /// The position of each layer's operator, in the order of [`LAYERS`].
    pub operators: Vec<u16>,
}

/// The package; always the same.
#[must_use]
pub fn benchmark() -> Benchmark {
    let mut layers = Layers { builder: Builder::new(SEED, contract()), pushed: 0 };
    let canonical = layers.builder.tensor(Dtype::I16, [1, SAMPLES, CHANNELS]);
    layers.builder.parts.canonical(canonical);
    let features = layers.features([1, SAMPLES, CHANNELS]);
    layers.push(Operator::QuantizeFeatures(QuantizeFeatures {
        operands: Operands::new(canonical, features),
        requantize: clamped(37, ZERO_POINT, (-128, 127)),
        multipliers: [1 << 30, 0, 0, 0],
    }));
    let mut operators = vec![];
    let mut code = features;
    for layer in LAYERS {
        let source = if layer.dtype == Dtype::I16 { canonical } else { features };
        let input = layers.spread(source, layer, 0);
        let other = matches!(layer.kind, Kind::Add).then(|| layers.spread(source, layer, 100));
        operators.push(layers.pushed);
        code = layers.layer(layer, input, other.unwrap_or(NONE));
    }
    let Layers { mut builder, .. } = layers;
    builder.parts.network(Role::Eta, code);
    let window = (0..SAMPLES * CHANNELS).map(|_| builder.rng.random_range(-8000..8000)).collect();
    Benchmark { package: builder.parts.encode().expect("the layers fit together"), window, operators }
}

fn contract() -> Contract {
    let acceleration = ContractField {
        name: "acceleration".into(),
        unit: "g".into(),
        per_count: 1.0,
        kind: FieldKind::Vector,
        width: 3,
    };
    Contract {
        name: "bench".into(),
        rate_hz: 50.0,
        samples: SAMPLES.into(),
        hop: SAMPLES.into(),
        fields: vec![acceleration],
        classes: vec![],
    }
}

/// A package in the making.
struct Layers {
    builder: Builder,
    /// Operators so far.
    pushed: u16,
}

impl Layers {
    fn layer(&mut self, layer: &Layer, input: TensorId, other: TensorId) -> TensorId {
        let (operands, range) =
            (|output| Operands { inputs: [input, other], ..Operands::new(input, output) }, (-128, 127));
        let output = self.tensor(layer.dtype, layer.output);
        match layer.kind {
            Kind::Conv(window) => {
                let requantize = match layer.dtype {
                    Dtype::I8 => clamped(shift(&window, layer.input[2]), ZERO_POINT, range),
                    // Sums are larger, and so is what they are brought to.
                    _ => clamped(shift(&window, layer.input[2]), 0, (-32767, 32767)),
                };
                self.builder.conv(input, output, window, -3000..=3000, requantize);
                self.pushed += 1;
            }
            Kind::Depthwise(window) => {
                let requantize = clamped(shift(&window, 1), ZERO_POINT, range);
                self.builder.depthwise(input, output, window, -3000..=3000, requantize);
                self.pushed += 1;
            }
            Kind::MaxPool(window) => self.push(Operator::Pool(Pool {
                operands: operands(output),
                window,
                requantize: clamped(1, ZERO_POINT, range),
                multiplier: 0,
                pooling: Pooling::Max.code(),
                reserved: 0,
            })),
            Kind::Add => self.push(Operator::Add(Add {
                operands: operands(output),
                requantize: clamped(21, ZERO_POINT, range),
                multipliers: [1 << 20, 3 << 19],
            })),
        }
        output
    }

    /// Numbers for a layer, out of a tensor of fewer: those of neighbouring points overlap.
    fn spread(&mut self, from: TensorId, layer: &Layer, offset: i32) -> TensorId {
        let [height, width, channels] = layer.input;
        let output = self.tensor(layer.dtype, layer.input);
        let across = if height == 1 { 17 } else { 29 };
        self.push(Operator::Rearrange(Rearrange {
            operands: Operands::new(from, output),
            shape: [1, height, width, channels],
            strides: [0, 53, across, 1],
            offset,
        }));
        output
    }

    fn tensor(&mut self, dtype: Dtype, shape: [u16; 3]) -> TensorId {
        if dtype == Dtype::I16 { self.builder.tensor(dtype, shape) } else { self.features(shape) }
    }

    fn features(&mut self, shape: [u16; 3]) -> TensorId {
        self.builder.tensor_at(Dtype::I8, shape, ZERO_POINT)
    }

    fn push(&mut self, operator: Operator) {
        self.builder.parts.push(operator);
        self.pushed += 1;
    }
}

/// Brings a sum of products of a random weight and a random feature back to a feature's size: it grows
/// with the square root of their number.
pub(crate) fn shift(window: &Window, channels: u16) -> u16 {
    let columns = window.size[0] * window.size[1] * channels;
    36 + columns.ilog2().div_ceil(2) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers;
    use gimbal_core::{Model, Outcome, Session};
    use gimbal_train::inspect;

    #[test]
    fn layers_are_the_peers() {
        let Benchmark { package, operators, .. } = benchmark();
        let costs = inspect::layers(&Model::from_bytes(&package).unwrap());
        let peers = peers::peers().unwrap();
        for (layer, at) in LAYERS.iter().zip(operators) {
            let peer = peers.iter().find(|peer| peer.name == layer.name);
            let peer = peer.unwrap_or_else(|| panic!("the peers have no {}", layer.name));
            assert_eq!(costs[usize::from(at)].macs, peer.macs.unwrap_or(0), "{}", layer.name);
        }
    }

    #[test]
    fn the_numbers_are_alive() {
        let Benchmark { package, window, .. } = benchmark();
        let model = Model::from_bytes(&package).unwrap();
        let mut arena = vec![0; model.arena_len() / 4];
        let mut session = Session::new(model, &mut arena).unwrap();
        let Outcome::Encoded(found) = session.run(&window).unwrap() else { panic!("no pose was asked for") };
        let code = found.code.unwrap().values;
        let saturated = code.iter().filter(|value| matches!(value, -128 | 127)).count();
        assert!(saturated * 10 < code.len(), "{saturated} of {} numbers are saturated", code.len());
        assert!(code.iter().any(|value| value.unsigned_abs() > 40), "{code:?}");
    }
}
