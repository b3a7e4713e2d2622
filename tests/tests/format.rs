//! The bytes of a package are a promise: FORMAT.md says what they mean, and here is what they are.

use gimbal_core::Model;
use gimbal_core::format::{Chart, Descriptor, Dtype, Field, FieldKind, Input, Network, PoseHead, Role, Tensor};
use gimbal_core::group::so3::GramSchmidt;
use gimbal_core::kernel::{
    Conv1d, Dense, Matrix, Mean, NormGate, Operator, QuantizeFeatures, QuantizeVectors, VectorSum,
};
use gimbal_core::quant::Requantize;
use gimbal_train::package::assemble;
use gimbal_train::simulate::Vectors;

const REQUANTIZE: Requantize = Requantize { shift: 40, zero_point: -3, min: -128, max: 127 };
/// shift; −3, −128 and 127 as zigzag varints
const REQUANTIZE_BYTES: [u8; 6] = [40, 5, 0xff, 0x01, 0xfe, 0x01];
const MATRIX: Matrix = Matrix { weights: 4, channels: 300 };
/// 4, and 300 as a varint
const MATRIX_BYTES: [u8; 3] = [4, 0xac, 0x02];

fn bytes<T: serde::Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap()
}

#[test]
fn operators() {
    let multipliers = [1, -1, 64, 0];
    let multiplier_bytes = [2, 1, 0x80, 0x01, 0];
    let cases: [(Operator, Vec<u8>); 7] = [
        (
            Operator::QuantizeVectors(QuantizeVectors { output: 9, multipliers, requantize: REQUANTIZE }),
            [&[0, 9][..], &multiplier_bytes, &REQUANTIZE_BYTES].concat(),
        ),
        (
            Operator::QuantizeFeatures(QuantizeFeatures { input: 8, output: 9, multipliers, requantize: REQUANTIZE }),
            [&[1, 8, 9][..], &multiplier_bytes, &REQUANTIZE_BYTES].concat(),
        ),
        (
            Operator::Conv1d(Conv1d {
                input: 1,
                output: 2,
                kernel: 7,
                stride: 3,
                dilation: 4,
                padding: 5,
                matrix: MATRIX,
                requantize: REQUANTIZE,
            }),
            [&[2, 1, 2, 7, 3, 4, 5][..], &MATRIX_BYTES, &REQUANTIZE_BYTES].concat(),
        ),
        (
            Operator::NormGate(NormGate {
                vectors: 1,
                lengths: 2,
                matrix: MATRIX,
                requantize: REQUANTIZE,
                gate_shift: 15,
            }),
            [&[3, 1, 2][..], &MATRIX_BYTES, &REQUANTIZE_BYTES, &[15]].concat(),
        ),
        (Operator::VectorSum(VectorSum { input: 1, output: 2 }), vec![4, 1, 2]),
        (
            Operator::Mean(Mean { input: 1, output: 2, multiplier: 64, requantize: REQUANTIZE }),
            [&[5, 1, 2, 0x80, 0x01][..], &REQUANTIZE_BYTES].concat(),
        ),
        (
            Operator::Dense(Dense { input: 1, output: 2, matrix: MATRIX, requantize: REQUANTIZE }),
            [&[6, 1, 2][..], &MATRIX_BYTES, &REQUANTIZE_BYTES].concat(),
        ),
    ];
    for (operator, expected) in cases {
        assert_eq!(bytes(&operator), expected, "{operator:?}");
    }
}

#[test]
fn a_tensor_record() {
    let tensor =
        Tensor { dtype: Dtype::I32, shape: [3, 1, 514], scale: 1.0, zero_point: -2, offset: 16, first: 1, last: 258 };
    let expected = [2, 3, 0, 1, 0, 2, 2, 0, 0, 0x80, 0x3f, 0xfe, 0xff, 16, 0, 0, 0, 1, 0, 2, 1];
    assert_eq!(bytes(&tensor), expected);
    assert_eq!(expected.len(), Tensor::LEN);
}

#[test]
fn a_whole_file() {
    let field = Field { name: "a", unit: "g", per_count: 0.5, kind: FieldKind::PseudoVector };
    let descriptor = Descriptor {
        name: "hi",
        input: Input { rate_hz: 50.0, samples: 128, hop: 64, fields: [field].into_iter().collect() },
        pose: Some(PoseHead { chart: Chart::GramSchmidt(GramSchmidt { reference: 2.0, minimum: 1.0 }), vectors: 7 }),
        canonical: 6,
        networks: [Network { role: Role::Classifier, operators: 5, output: 4 }].into_iter().collect(),
        classes: "x\ny",
        arena_len: 300,
        tensors: &[0xaa, 0xbb],
        operators: &[0xcc],
    };
    #[rustfmt::skip]
    let expected = [
        b'G', b'M', b'B', b'L', 1, 0, 0, 0, 48, 0, 0, 0, 2, 0, 0, 0,
        2, b'h', b'i',
        0, 0, 0x48, 0x42, 0x80, 0x01, 64, 1, 1, b'a', 1, b'g', 0, 0, 0, 0x3f, 1,
        1, 0, 0, 0, 0, 0x40, 0, 0, 0x80, 0x3f, 7,
        6,
        1, 2, 5, 4,
        3, b'x', b'\n', b'y',
        0xac, 0x02,
        2, 0xaa, 0xbb,
        1, 0xcc,
        0,
        0x11, 0x22,
    ];
    let file = assemble(&descriptor, &[0x11, 0x22]);
    let (file, checksum) = file.split_at(file.len() - 4);
    assert_eq!(file, expected);
    // CRC-32/ISO-HDLC, bit by bit.
    let crc = expected.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    });
    assert_eq!(checksum, (!crc).to_le_bytes());
}

/// A trained package and what it said of sixteen windows when it was made; see `tests/data/README.md`.
#[test]
fn a_package_of_this_version_says_what_it_always_said() {
    let package = include_bytes!("../data/wrist.gmbl");
    assert_eq!(Model::from_bytes(package).unwrap().classes().count(), 7);
    let found = Vectors::recorded(package, 16).unwrap().to_bytes();
    assert!(found == include_bytes!("../data/wrist.vectors"));
}
