//! What cross-crate tests share: a small package made by hand, and windows to run it on.
//!
//! The package is no trained model. It has every operator of core, a pose head, a code and a
//! classifier, random weights, and scales that keep its numbers away from both zero and saturation.

mod builder;
mod windows;

pub use builder::seal;
pub use windows::synthetic_windows;

use builder::{Builder, clamped};
use gimbal_core::format::{Dtype, Role};
use gimbal_core::kernel::{Conv1d, Dense, Mean, NormGate, Operator, QuantizeFeatures, QuantizeVectors, VectorSum};

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
    let mut b = Builder::new(seed);
    let (i8, i16) = (Dtype::I8, Dtype::I16);

    let input = b.tensor(i16, [3, SAMPLES, 2]);
    let convolved = b.tensor(i16, [3, 32, 4]);
    let lengths = b.tensor(i16, [1, 1, 4]);
    let reduced = b.tensor(i16, [3, 32, 2]);
    let vectors = b.tensor(Dtype::I32, [3, 1, 2]);
    let signed = (-32767, 32767);
    b.push(Operator::QuantizeVectors(QuantizeVectors {
        output: input,
        multipliers: [1 << 30, 1 << 30, 0, 0],
        requantize: clamped(30, 0, signed),
    }));
    let matrix = b.matrix(4, 5 * 2, 0..=0, 1 << 30);
    b.push(Operator::Conv1d(Conv1d {
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
    b.push(Operator::NormGate(NormGate {
        vectors: convolved,
        lengths,
        matrix,
        requantize: clamped(36, 0, (0, 32767)),
        gate_shift: 14,
    }));
    let matrix = b.matrix(2, 4, 0..=0, 1 << 30);
    b.push(Operator::Conv1d(Conv1d {
        input: convolved,
        output: reduced,
        kernel: 1,
        stride: 1,
        dilation: 1,
        padding: 0,
        matrix,
        requantize: clamped(36, 0, signed),
    }));
    b.push(Operator::VectorSum(VectorSum { input: reduced, output: vectors }));
    b.close(Role::Psi, vectors);

    let canonical = b.tensor(i16, [1, SAMPLES, CHANNELS]);
    let features = b.tensor_at(i8, [1, SAMPLES, CHANNELS], 3);
    let convolved = b.tensor_at(i8, [1, 32, 8], -128);
    let pooled = b.tensor_at(i8, [1, 1, 8], -128);
    let code = b.tensor(i8, [1, 1, 16]);
    let byte = (-128, 127);
    b.push(Operator::QuantizeFeatures(QuantizeFeatures {
        input: canonical,
        output: features,
        multipliers: [1 << 30, 1 << 29, 0, 0],
        requantize: clamped(37, 3, byte),
    }));
    let matrix = b.matrix(8, 5 * 6, -3000..=3000, 1 << 30);
    b.push(Operator::Conv1d(Conv1d {
        input: features,
        output: convolved,
        kernel: 5,
        stride: 4,
        dilation: 1,
        padding: 2,
        matrix,
        requantize: clamped(36, -128, byte),
    }));
    b.push(Operator::Mean(Mean {
        input: convolved,
        output: pooled,
        multiplier: (1 << 30) / 32,
        requantize: clamped(30, -128, byte),
    }));
    let matrix = b.matrix(16, 8, -3000..=3000, 1 << 30);
    b.push(Operator::Dense(Dense { input: pooled, output: code, matrix, requantize: clamped(39, 0, byte) }));
    b.close(Role::Eta, code);

    let logits = b.tensor_at(i8, [1, 1, 3], 5);
    let matrix = b.matrix(3, 16, -300..=300, 1 << 30);
    b.push(Operator::Dense(Dense { input: code, output: logits, matrix, requantize: clamped(38, 5, byte) }));
    b.close(Role::Classifier, logits);

    b.write_before_network(canonical, 1);
    for result in [canonical, code, logits] {
        b.keep(result);
    }
    b.finish(vectors, canonical)
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
