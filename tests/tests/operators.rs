//! The package with every operator: what it says is pinned, and each operator has a say in it.

use gimbal_core::Model;
use gimbal_core::format::Operator;
use gimbal_core::kernel::{Kernel, Lut, Operands, Pool, Pooling, Rearrange};
use gimbal_tests::sets::SetKind;
use gimbal_tests::{Loose, operators_package, operators_windows};
use gimbal_train::simulate::{Expected, Vectors};
use std::collections::BTreeSet;
use std::path::Path;

const WINDOWS: usize = 16;

fn vectors(package: &[u8]) -> Vectors {
    Vectors::compute(package, &operators_windows(1, WINDOWS)).unwrap()
}

/// See `tests/data/README.md`.
#[test]
fn the_package_is_the_committed_one_and_says_what_it_always_said() {
    let package = operators_package();
    let found = vectors(&package).to_bytes();
    if std::env::var_os("GIMBAL_SAVE").is_some() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        std::fs::write(data.join("operators.gmbl"), &package).unwrap();
        std::fs::write(data.join("operators.vectors"), &found).unwrap();
    }
    // Read now, not compiled in: it may just have been saved.
    let committed = |name| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)).unwrap();
    assert!(package == committed("operators.gmbl"), "the package differs");
    assert!(found == committed("operators.vectors"), "what it says differs");
}

#[test]
fn no_operator_is_missing() {
    // Those of sets have packages of their own.
    let packages = [
        operators_package(),
        SetKind::Digits.package(1, 2, 9),
        SetKind::Points.package(1, 2, 9),
        SetKind::Ordered.package(1, 2, 9),
    ];
    let of = |package: &Vec<u8>| -> Vec<_> {
        Model::from_bytes(package).unwrap().operators().map(|operator| operator.name()).collect()
    };
    let names: BTreeSet<_> = packages.iter().flat_map(of).collect();
    assert_eq!(names.len(), Kernel::ALL.len(), "{names:?}");
}

#[test]
fn the_numbers_are_alive() {
    let vectors = vectors(&operators_package()).vectors;
    // The last window is one of zeros.
    let codes = vectors[..WINDOWS].iter().map(|vector| match &vector.expected {
        Expected::Encoded { code, .. } => code,
        Expected::Degenerate(why) => panic!("{why:?}"),
    });
    let codes: Vec<_> = codes.collect();
    let len = codes[0].len();
    let values = |at: usize| codes.iter().map(|code| code[at]).collect::<BTreeSet<_>>().len();
    let dead: Vec<usize> = (0..len).filter(|&at| values(at) < 4).collect();
    assert!(dead.len() * 10 <= len, "{} of {len} numbers do not move: {dead:?}", dead.len());
}

#[test]
fn every_operator_changes_what_the_package_says() {
    let package = operators_package();
    let right = vectors(&package);
    let model = Model::from_bytes(&package).unwrap();
    let operators: Vec<Operator> = model.operators().collect();
    for (at, operator) in operators.iter().enumerate() {
        let mut loose = Loose::of(&package);
        change(&model, &mut loose.operators[at], &mut loose.blob);
        let changed = loose.assemble();
        let what = format!("operator {at}, {}", operator.name());
        Model::from_bytes(&changed).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(vectors(&changed).vectors != right.vectors, "{what} changes nothing");
    }
}

/// Makes the operator do something else, and nothing to any other.
fn change(model: &Model<'_>, operator: &mut Operator, blob: &mut Vec<u8>) {
    let tensor = |id| model.tensor(id).unwrap();
    let mut flip = |at: u32, len: usize, bit: u8| blob[at as usize..][..len].iter_mut().for_each(|byte| *byte ^= bit);
    match operator {
        Operator::QuantizeVectors(it) => it.multipliers[1] /= 2,
        Operator::QuantizeFeatures(it) => it.multipliers[1] /= 2,
        Operator::Conv(it) => it.requantize.shift += 1,
        Operator::NormGate(it) => it.gate_shift += 1,
        Operator::Depthwise(it) => it.requantize.shift += 1,
        Operator::Lut(it) => flip(it.table, 256, 1),
        Operator::Add(it) => it.multipliers[1] = -it.multipliers[1],
        Operator::Mul(it) => it.multiplier = -it.multiplier,
        Operator::Concat(it) => it.operands.inputs.swap(0, 1),
        Operator::InnerProduct(it) => it.multiplier = -it.multiplier,
        Operator::CrossProduct(it) => it.multiplier /= 2,
        // All but the exponential of 0.
        Operator::Softmax(it) => flip(it.table + 2, 510, 32),
        Operator::LogSoftmax(it) => it.step *= 2,
        Operator::NearestCode(it) => it.multiplier /= 2,
        Operator::Lookup(it) => flip(it.table, 18, 1),
        // The last loop that turns more than once goes the other way.
        Operator::Rearrange(it) => {
            let last = (0..4).rev().find(|&k| it.shape[k] > 1).unwrap();
            it.offset += it.strides[last] * (i32::from(it.shape[last]) - 1);
            it.strides[last] = -it.strides[last];
        }
        Operator::Pool(it) if it.pooling == Pooling::Mean.code() => it.multiplier /= 2,
        Operator::Pool(it) => smaller(it),
        // These have no numbers of their own: another operator stands in their place.
        Operator::Argmax(it) => {
            let Operands { output, .. } = it.operands;
            let count = tensor(output).elements().unwrap() as u16;
            *operator = Operator::Rearrange(Rearrange {
                operands: Operands::new(canonical(model), output),
                shape: [1, 1, 1, count],
                strides: [0; 4],
                offset: 0,
            });
        }
        Operator::SetPool(_)
        | Operator::BroadcastAdd(_)
        | Operator::Argsort(_)
        | Operator::Gather(_)
        | Operator::OuterProduct(_)
        | Operator::Ranks(_) => {
            unreachable!("no set is here")
        }
        Operator::L2Norm(it) => {
            *operator = Operator::Lut(Lut { operands: it.operands, table: blob.len() as u32 });
            blob.extend([7; 256]);
        }
    }
}

fn smaller(pool: &mut Pool) {
    let axis = usize::from(pool.window.size[1] > 1);
    pool.window.size[axis] -= 1;
    pool.window.padding[axis] = pool.window.padding[axis].min(pool.window.size[axis] - 1);
}

fn canonical(model: &Model<'_>) -> u16 {
    let wanted = model.canonical().unwrap();
    model.tensors().iter().position(|tensor| tensor == wanted).unwrap() as u16
}
