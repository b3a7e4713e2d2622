//! What the device would refuse, export refuses, and says which layer it is.

use gimbal_core::format::{Dtype, FieldKind, Operator, Role};
use gimbal_core::kernel::{L2Norm, Operands};
use gimbal_core::{Error, Model};
use gimbal_tests::{operators_parts, synthetic_parts};
use gimbal_train::package::{Contract, ContractField, PackageError, Parts};
use gimbal_train::quantize::{Convolution, GatedConvolution, Linear, Network, Psi, calibrate, lower};
use gimbal_train::recipe::{ClassInput, Pooling};

const SAMPLES: usize = 8;

fn linear(rows: usize, columns: usize, bias: f32) -> Linear {
    // Neither all of one sign nor all alike.
    let weight = |at: usize| ((at * 37 + 11) % 23) as f32 / 23.0 - 0.4;
    Linear { weights: (0..rows * columns).map(weight).collect(), bias: vec![bias; rows] }
}

/// One layer of each kind, lowered.
fn lowered() -> Parts {
    lowered_with(None)
}

/// The same with a field's mean as the first vector.
fn lowered_with(known: Option<usize>) -> Parts {
    let convolution = |inputs: usize, outputs, bias| Convolution {
        linear: linear(outputs, 3 * inputs, bias),
        kernel: 3,
        stride: 2,
        groups: 1,
    };
    let network = Network {
        psi: Some(Psi {
            layers: vec![GatedConvolution { convolution: convolution(1, 2, 0.0), gate: linear(2, 2, 0.5) }],
            head: linear(if known.is_some() { 1 } else { 2 }, 2, 0.0),
            known,
            mirrored: false,
            upright: None,
        }),
        eta: vec![convolution(3, 4, 0.1)],
        pooling: Pooling::Mean,
        code: linear(3, 4, 0.1),
        classifier: Some((ClassInput::Code, linear(2, 3, 0.1))),
    };
    let window: Vec<f32> = (0..3 * SAMPLES).map(|at| ((at * at) as f32).sin()).collect();
    let ranges = calibrate(&network, 1, [&window[..]]);
    let field = ContractField { name: "a".into(), unit: "g".into(), per_count: 1.0, kind: FieldKind::Vector, width: 3 };
    let contract = Contract {
        name: "names".into(),
        rate_hz: 1.0,
        samples: SAMPLES,
        hop: SAMPLES,
        fields: vec![field],
        classes: ["a", "b"].map(String::from).to_vec(),
    };
    lower(&network, &ranges, contract, &[1.0 / 1024.0]).unwrap()
}

fn refused(parts: Parts) -> (String, Error) {
    match parts.encode() {
        Err(PackageError::RefusedLayer { layer, error }) => (layer, error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn layers_keep_their_names() {
    let parts = lowered();
    assert!(parts.clone().encode().is_ok());
    let without = |from: usize| {
        let mut parts = parts.clone();
        parts.blob.truncate(from);
        refused(parts).0
    };
    let mut names: Vec<_> = (0..parts.blob.len()).step_by(4).map(without).collect();
    names.dedup();
    assert_eq!(names, ["ψ layer 0", "ψ output", "η layer 0", "code", "classifier"]);
}

#[test]
fn tensors_are_named_after_the_layer_that_writes_them() {
    let mut names = Vec::new();
    for id in 0..lowered().tensors.len() {
        let mut parts = lowered();
        parts.tensors[id].scale = f32::NAN;
        let (layer, error) = refused(parts);
        assert_eq!(error, Error::Tensor { tensor: id as u16 });
        names.push(layer);
    }
    names.dedup();
    assert_eq!(names[..3], ["ψ input", "ψ layer 0", "ψ output"]);
    assert!(names.contains(&"η mean".into()), "{names:?}");
}

#[test]
fn a_known_vector_comes_first_and_has_a_name() {
    let parts = lowered_with(Some(0));
    let package = parts.clone().encode().unwrap();
    let operators: Vec<_> = Model::from_bytes(&package).unwrap().operators().collect();
    let kinds: Vec<_> = operators.iter().map(Operator::name).collect();
    assert_eq!(kinds[..8], ["quantize_vectors", "pool", "rearrange", "conv", "norm_gate", "conv", "pool", "concat"]);
    let Operator::Concat(concat) = operators[7] else { panic!("{:?}", operators[7]) };
    let [known, learned] = concat.operands.inputs;
    assert!(known < learned);
    let mut broken = parts;
    broken.tensors[usize::from(known)].scale = f32::NAN;
    assert_eq!(refused(broken).0, "ψ gravity");
}

#[test]
fn an_operator_has_its_own_name_where_nobody_gave_it_one() {
    let mut parts = synthetic_parts(1);
    parts.blob.clear();
    let error = parts.encode().unwrap_err();
    let said = "Layer `conv` would be refused by the device: the weights of operator 1 lie outside the package.";
    assert_eq!(error.to_string(), said);
}

#[test]
fn what_the_device_has_no_operator_for_is_refused_by_name() {
    let mut parts = operators_parts();
    let shape = [1, 13, 6];
    let wide = parts.tensors.iter().position(|x| (x.dtype, x.shape) == (Dtype::I16, shape)).unwrap() as u16;
    let unit = parts.tensor(Dtype::I16, shape, 1.0 / 128.0, 0);
    parts.push_layer("embedding", Operator::L2Norm(L2Norm { operands: Operands::new(wide, unit) }));
    parts.network(Role::Classifier, unit);
    let (layer, error) = refused(parts);
    assert_eq!(layer, "embedding");
    assert!(matches!(error, Error::Operand { .. }), "{error}");
}

#[test]
fn what_is_no_layers_fault_names_none() {
    let mut parts = lowered();
    parts.poses[0].reference = 0.0;
    assert_eq!(parts.encode(), Err(PackageError::Refused(Error::Descriptor)));
}
