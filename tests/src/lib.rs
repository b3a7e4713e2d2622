//! What cross-crate tests share: a small package made by hand, and windows to run it on; and, in
//! [`mod@bench`], what every layer takes on every processor.
//!
//! The package is no trained model. It has every operator of core, a pose head, a code and a
//! classifier, random weights, and scales that keep its numbers away from both zero and saturation.

pub mod bench;
mod windows;

pub use windows::synthetic_windows;

use gimbal_core::format::{ALIGNMENT, Chart, Dtype, FieldKind, NONE, PoseHead, Role, TensorId};
use gimbal_core::kernel::{
    Conv, Depthwise, Filters, NormGate, Operands, Operator, Pool, Pooling, QuantizeFeatures, QuantizeVectors, Tiles,
    Window,
};
use gimbal_core::quant::Requantize;
use gimbal_train::package::{Contract, ContractField, Parts};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// Samples in a window of the synthetic package.
pub const SAMPLES: u16 = 128;
/// Channels of a sample: acceleration, then angular rate.
pub const CHANNELS: u16 = 6;

/// A small valid package; the same seed gives the same bytes.
///
/// ψ: quantize_vectors, conv, norm_gate, conv to two vectors, sum. η: quantize_features, conv, mean, dense to a
/// code of 16. Classifier: dense to 3 logits.
#[must_use]
pub fn synthetic_package(seed: u64) -> Vec<u8> {
    let mut b = Builder { rng: ChaCha8Rng::seed_from_u64(seed), parts: Parts::new(contract()) };
    let (i8, i16) = (Dtype::I8, Dtype::I16);

    let input = b.tensor(i16, [3, SAMPLES, 2]);
    let convolved = b.tensor(i16, [3, 32, 4]);
    let reduced = b.tensor(i16, [3, 32, 2]);
    let vectors = b.tensor(Dtype::I32, [3, 1, 2]);
    let signed = (-32767, 32767);
    b.parts.push(Operator::QuantizeVectors(QuantizeVectors {
        operands: Operands::new(NONE, input),
        multipliers: [1 << 30, 1 << 30, 0, 0],
        requantize: clamped(30, 0, signed),
    }));
    let seeing_five = Window::across(5, 4, 1, 2);
    b.conv(input, convolved, seeing_five, 0..=0, clamped(37, 0, signed));
    // Gates of a half on average.
    let weights = b.matrix(4, 4, (1 << 18)..=(1 << 20), 1 << 30);
    let scratch = b.tensor(i16, [1, 2, 4]);
    b.parts.push(Operator::NormGate(NormGate {
        operands: Operands::new(convolved, convolved).with_scratch(scratch),
        weights,
        requantize: clamped(36, 0, (0, 32767)),
        gate_shift: 14,
        reserved: 0,
    }));
    b.conv(convolved, reduced, Window::POINT, 0..=0, clamped(36, 0, signed));
    b.pool(reduced, vectors, Pooling::Sum, clamped(1, 0, signed));
    b.parts.network(Role::Psi, vectors);

    b.parts.pose = Some(PoseHead { reference: 8000.0, minimum: 8.0, chart: Chart::GramSchmidt, vectors });

    let canonical = b.tensor(i16, [1, SAMPLES, CHANNELS]);
    b.parts.canonical(canonical);
    let features = b.tensor_at(i8, [1, SAMPLES, CHANNELS], 3);
    let convolved = b.tensor_at(i8, [1, 32, 8], -128);
    let pooled = b.tensor_at(i8, [1, 1, 8], -128);
    let code = b.tensor(i8, [1, 1, 16]);
    let byte = (-128, 127);
    b.parts.push(Operator::QuantizeFeatures(QuantizeFeatures {
        operands: Operands::new(canonical, features),
        multipliers: [1 << 30, 1 << 29, 0, 0],
        requantize: clamped(37, 3, byte),
    }));
    b.conv(features, convolved, seeing_five, -3000..=3000, clamped(36, -128, byte));
    b.pool(convolved, pooled, Pooling::Mean, clamped(30, -128, byte));
    b.conv(pooled, code, Window::POINT, -3000..=3000, clamped(39, 0, byte));
    b.parts.network(Role::Eta, code);

    let logits = b.tensor_at(i8, [1, 1, 3], 5);
    b.conv(code, logits, Window::POINT, -300..=300, clamped(38, 5, byte));
    b.parts.network(Role::Classifier, logits);

    b.parts.encode().expect("the parts fit together")
}

fn contract() -> Contract {
    let field = |name: &str, unit: &str, per_count, kind| ContractField {
        name: name.into(),
        unit: unit.into(),
        per_count,
        kind,
    };
    Contract {
        name: "synthetic".into(),
        rate_hz: 50.0,
        samples: SAMPLES.into(),
        hop: 64,
        fields: vec![
            field("acceleration", "g", 1.0 / 4096.0, FieldKind::Vector),
            field("angular rate", "rad/s", 0.001, FieldKind::PseudoVector),
        ],
        classes: ["still", "swing", "shake"].map(String::from).to_vec(),
    }
}

/// A package in the making, and where its weights come from.
struct Builder {
    rng: ChaCha8Rng,
    parts: Parts,
}

impl Builder {
    fn tensor(&mut self, dtype: Dtype, shape: [u16; 3]) -> TensorId {
        self.tensor_at(dtype, shape, 0)
    }

    /// A tensor with a zero point.
    fn tensor_at(&mut self, dtype: Dtype, shape: [u16; 3], zero_point: i16) -> TensorId {
        self.parts.tensor(dtype, shape, 1.0 / 64.0, zero_point)
    }

    /// A convolution with random weights; every row has a multiplier of 2³⁰.
    fn conv(&mut self, x: TensorId, y: TensorId, window: Window, biases: RangeInclusive<i32>, requantize: Requantize) {
        let [x_shape, y_shape] = [x, y].map(|id| self.parts.tensors[usize::from(id)].shape);
        let columns = usize::from(window.size[0] * window.size[1] * x_shape[2]);
        let weights = self.matrix(y_shape[2].into(), columns, biases, 1 << 30);
        let points = (y_shape[0] * y_shape[1]).min(2);
        let scratch = self.tensor(Dtype::I16, [1, points, columns.next_multiple_of(4) as u16]);
        let operands = Operands::new(x, y).with_scratch(scratch);
        self.parts.push(Operator::Conv(Conv { operands, window, requantize, weights, groups: 1, reserved: 0 }));
    }

    /// A depthwise convolution with random weights; every channel has a multiplier of 2³⁰.
    fn depthwise(
        &mut self,
        x: TensorId,
        y: TensorId,
        window: Window,
        biases: RangeInclusive<i32>,
        requantize: Requantize,
    ) {
        let filters = Filters {
            taps: usize::from(window.size[0] * window.size[1]),
            channels: self.parts.tensors[usize::from(y)].shape[2].into(),
        };
        let blob = &mut self.parts.blob;
        blob.resize(blob.len().next_multiple_of(ALIGNMENT), 0);
        let start = blob.len();
        blob.resize(start + filters.len(), 0);
        let bytes = &mut blob[start..];
        for channel in 0..filters.channels {
            bytes[filters.bias(channel)..][..4].copy_from_slice(&self.rng.random_range(biases.clone()).to_le_bytes());
            bytes[filters.multiplier(channel)..][..4].copy_from_slice(&(1i32 << 30).to_le_bytes());
            for tap in 0..filters.taps {
                bytes[filters.weight(tap, channel)] = self.rng.random_range(-127i8..=127) as u8;
            }
        }
        let scratch = self.tensor(Dtype::I32, [1, 1, filters.taps as u16]);
        let operands = Operands::new(x, y).with_scratch(scratch);
        self.parts.push(Operator::Depthwise(Depthwise { operands, window, requantize, weights: start as u32 }));
    }

    /// Pools each channel over all samples.
    fn pool(&mut self, x: TensorId, y: TensorId, pooling: Pooling, requantize: Requantize) {
        let samples = self.parts.tensors[usize::from(x)].shape[1];
        self.parts.push(Operator::Pool(Pool {
            operands: Operands::new(x, y),
            window: Window::across(samples, 1, 1, 0),
            requantize,
            multiplier: (1 << 30) / i32::from(samples),
            pooling: pooling.code(),
            reserved: 0,
        }));
    }

    /// Random weights, biases of the range, and the same multiplier for every row.
    fn matrix(&mut self, rows: usize, columns: usize, biases: RangeInclusive<i32>, multiplier: i32) -> u32 {
        let tiles = Tiles { rows, columns };
        let blob = &mut self.parts.blob;
        blob.resize(blob.len().next_multiple_of(ALIGNMENT), 0);
        let start = blob.len();
        blob.resize(start + tiles.len(), 0);
        let bytes = &mut blob[start..];
        for row in 0..rows {
            bytes[tiles.bias(row)..][..4].copy_from_slice(&self.rng.random_range(biases.clone()).to_le_bytes());
            bytes[tiles.multiplier(row)..][..4].copy_from_slice(&multiplier.to_le_bytes());
            for column in 0..columns {
                bytes[tiles.weight(row, column)] = self.rng.random_range(-127i8..=127) as u8;
            }
        }
        start as u32
    }
}

/// A requantization with a clamp.
fn clamped(shift: u16, zero_point: i16, (min, max): (i16, i16)) -> Requantize {
    Requantize { shift, zero_point, min, max }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::group::Degenerate;
    use gimbal_core::{Model, Outcome, Session};

    #[test]
    fn the_package_is_valid_and_its_numbers_are_alive() {
        for seed in 0..8 {
            let package = synthetic_package(seed);
            assert_eq!(package, synthetic_package(seed));
            let model = Model::from_bytes(&package).unwrap();
            let mut arena = vec![0; model.arena_len() / 4];
            let mut session = Session::new(model, &mut arena).unwrap();
            let mut codes = std::collections::BTreeSet::new();
            for window in synthetic_windows(seed, 16) {
                let Outcome::Encoded(found) = session.run(&window).unwrap() else { panic!("no pose, seed {seed}") };
                let code = found.code.unwrap().values;
                assert!(code.iter().filter(|value| (-127..127).contains(*value)).count() >= 8, "saturated: {code:?}");
                codes.insert(code.to_vec());
            }
            assert!(codes.len() >= 8, "seed {seed}: only {} different codes", codes.len());
            let zeros = vec![0; usize::from(SAMPLES * CHANNELS)];
            assert!(matches!(session.run(&zeros), Ok(Outcome::Degenerate(Degenerate::Vanishing))));
        }
    }
}
