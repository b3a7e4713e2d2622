//! What cross-crate tests share: packages made by hand, and windows to run them on; and, in
//! [`mod@bench`], what every layer takes on every processor.
//!
//! [`synthetic_package`] is small and looks like what is trained; [`operators_package`] has every operator
//! of core; those of [`mod@frames`] have its charts, each in a session, [`grids`] has every frame that moves no
//! vectors, for devices; [`sets`] has windows of as many elements as there are, and [`solids`] one of the size of a recipe's; [`told`] has poses that move nothing; and those of [`networks`] went the whole road of a recipe. None is a trained model: weights are random, and scales keep the numbers away from both zero
//! and saturation.

pub mod bench;
mod builder;
pub mod frames;
pub mod grids;
mod loose;
pub mod networks;
mod operators;
pub mod sets;
pub mod solids;
pub mod told;
mod windows;

pub use loose::Loose;
pub use operators::{operators_package, operators_parts, operators_windows};
pub use windows::synthetic_windows;

use builder::{Builder, clamped};
use gimbal_core::format::{Chart, Dtype, FieldKind, NONE, PoseHead, Role};
use gimbal_core::kernel::{NormGate, Operands, Operator, Pooling, QuantizeFeatures, QuantizeVectors, Window};
use gimbal_train::package::{Contract, ContractField, Parts};

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
    synthetic_parts(seed).encode().expect("the parts fit together")
}

/// What it is made of.
#[must_use]
pub fn synthetic_parts(seed: u64) -> Parts {
    parts(seed, None)
}

/// The same with another pose called upright, a unit quaternion `[w, x, y, z]`.
#[must_use]
pub fn upright_parts(seed: u64, upright: [f32; 4]) -> Parts {
    parts(seed, Some(upright))
}

fn parts(seed: u64, upright: Option<[f32; 4]>) -> Parts {
    let mut b = Builder::new(seed, contract("synthetic", SAMPLES));
    if let Some(upright) = upright {
        // Before all other constants.
        b.constants(&upright.map(f32::to_le_bytes).concat());
    }
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

    let chart = if upright.is_some() { Chart::UprightGramSchmidt } else { Chart::GramSchmidt };
    b.parts.pose(PoseHead { reference: 8000.0, minimum: 8.0, chart, vectors });

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

    b.parts
}

/// Windows of two fields, and three classes.
fn contract(name: &str, samples: u16) -> Contract {
    let field = |name: &str, unit: &str, per_count, kind| ContractField {
        name: name.into(),
        unit: unit.into(),
        per_count,
        kind,
        width: 3,
    };
    Contract {
        name: name.into(),
        rate_hz: 50.0,
        samples: samples.into(),
        hop: 64,
        fields: vec![
            field("acceleration", "g", 1.0 / 4096.0, FieldKind::Vector),
            field("angular rate", "rad/s", 0.001, FieldKind::PseudoVector),
        ],
        classes: ["still", "swing", "shake"].map(String::from).to_vec(),
    }
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
