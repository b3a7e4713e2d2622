//! What cross-crate tests share: a small package made by hand, and windows to run it on; and, in
//! [`mod@bench`], what every layer takes on every processor.
//!
//! The package is no trained model. It has every operator of core, a pose head, a code and a
//! classifier, random weights, and scales that keep its numbers away from both zero and saturation.

pub mod bench;
mod windows;

pub use windows::synthetic_windows;

use gimbal_core::format::{ALIGNMENT, Chart, Dtype, FieldKind, PoseHead, Role, TensorId};
use gimbal_core::group::so3::GramSchmidt;
use gimbal_core::kernel::{
    Conv1d, Dense, Matrix, Mean, NormGate, Operator, QuantizeFeatures, QuantizeVectors, VectorSum,
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
/// ψ: quantize_vectors, conv1d, norm_gate, conv1d to two vectors, vector_sum. η: quantize_features, conv1d,
/// mean, dense to a code of 16. Classifier: dense to 3 logits.
#[must_use]
pub fn synthetic_package(seed: u64) -> Vec<u8> {
    let mut b = Builder { rng: ChaCha8Rng::seed_from_u64(seed), parts: Parts::new(contract()) };
    let (i8, i16) = (Dtype::I8, Dtype::I16);

    let input = b.tensor(i16, [3, SAMPLES, 2]);
    let convolved = b.tensor(i16, [3, 32, 4]);
    let lengths = b.tensor(i16, [1, 1, 4]);
    let reduced = b.tensor(i16, [3, 32, 2]);
    let vectors = b.tensor(Dtype::I32, [3, 1, 2]);
    let signed = (-32767, 32767);
    b.parts.push(Operator::QuantizeVectors(QuantizeVectors {
        output: input,
        multipliers: [1 << 30, 1 << 30, 0, 0],
        requantize: clamped(30, 0, signed),
    }));
    let matrix = b.matrix(4, 5 * 2, 0..=0, 1 << 30);
    b.parts.push(Operator::Conv1d(Conv1d {
        input,
        output: convolved,
        kernel: 5,
        stride: 4,
        dilation: 1,
        padding: 2,
        matrix,
        requantize: clamped(37, 0, signed),
    }));
    // Gates of a half on average.
    let matrix = b.matrix(4, 4, (1 << 18)..=(1 << 20), 1 << 30);
    b.parts.push(Operator::NormGate(NormGate {
        vectors: convolved,
        lengths,
        matrix,
        requantize: clamped(36, 0, (0, 32767)),
        gate_shift: 14,
    }));
    let matrix = b.matrix(2, 4, 0..=0, 1 << 30);
    b.parts.push(Operator::Conv1d(Conv1d {
        input: convolved,
        output: reduced,
        kernel: 1,
        stride: 1,
        dilation: 1,
        padding: 0,
        matrix,
        requantize: clamped(36, 0, signed),
    }));
    b.parts.push(Operator::VectorSum(VectorSum { input: reduced, output: vectors }));
    b.parts.network(Role::Psi, vectors);

    b.parts.pose =
        Some(PoseHead { chart: Chart::GramSchmidt(GramSchmidt { reference: 8000.0, minimum: 8.0 }), vectors });

    let canonical = b.tensor(i16, [1, SAMPLES, CHANNELS]);
    b.parts.canonical(canonical);
    let features = b.tensor_at(i8, [1, SAMPLES, CHANNELS], 3);
    let convolved = b.tensor_at(i8, [1, 32, 8], -128);
    let pooled = b.tensor_at(i8, [1, 1, 8], -128);
    let code = b.tensor(i8, [1, 1, 16]);
    let byte = (-128, 127);
    b.parts.push(Operator::QuantizeFeatures(QuantizeFeatures {
        input: canonical,
        output: features,
        multipliers: [1 << 30, 1 << 29, 0, 0],
        requantize: clamped(37, 3, byte),
    }));
    let matrix = b.matrix(8, 5 * 6, -3000..=3000, 1 << 30);
    b.parts.push(Operator::Conv1d(Conv1d {
        input: features,
        output: convolved,
        kernel: 5,
        stride: 4,
        dilation: 1,
        padding: 2,
        matrix,
        requantize: clamped(36, -128, byte),
    }));
    b.parts.push(Operator::Mean(Mean {
        input: convolved,
        output: pooled,
        multiplier: (1 << 30) / 32,
        requantize: clamped(30, -128, byte),
    }));
    let matrix = b.matrix(16, 8, -3000..=3000, 1 << 30);
    b.parts.push(Operator::Dense(Dense { input: pooled, output: code, matrix, requantize: clamped(39, 0, byte) }));
    b.parts.network(Role::Eta, code);

    let logits = b.tensor_at(i8, [1, 1, 3], 5);
    let matrix = b.matrix(3, 16, -300..=300, 1 << 30);
    b.parts.push(Operator::Dense(Dense { input: code, output: logits, matrix, requantize: clamped(38, 5, byte) }));
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

    /// Random weights, biases of the range, and the same multiplier for every row.
    fn matrix(&mut self, rows: usize, columns: usize, biases: RangeInclusive<i32>, multiplier: i32) -> Matrix {
        let blob = &mut self.parts.blob;
        let weights = blob.len() as u32;
        blob.extend((0..rows * columns).map(|_| self.rng.random_range(-127i8..=127) as u8));
        blob.resize(blob.len().next_multiple_of(ALIGNMENT), 0);
        let channels = blob.len() as u32;
        for _ in 0..rows {
            blob.extend(self.rng.random_range(biases.clone()).to_le_bytes());
            blob.extend(multiplier.to_le_bytes());
        }
        Matrix { weights, channels }
    }
}

/// A requantization with a clamp.
fn clamped(shift: u8, zero_point: i16, (min, max): (i16, i16)) -> Requantize {
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
