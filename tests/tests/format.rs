//! The bytes of a package are a promise: FORMAT.md says what they mean, and here is what they are.

use gimbal_core::format::{Chart, Descriptor, Dtype, Field, FieldKind, NONE, Network, PoseHead, Role, Tensor};
use gimbal_core::kernel::{
    Add, Argmax, Argsort, BroadcastAdd, Concat, Conv, CrossProduct, Depthwise, Filters, Gather, InnerProduct, Kernel,
    L2Norm, LogSoftmax, Lookup, Lut, Mul, NearestCode, NormGate, Operands, Operator, OuterProduct, Pool, Pooling,
    QuantizeFeatures, QuantizeVectors, Ranks, Rearrange, SetPool, SetPooling, Softmax, Tiles, Window,
};
use gimbal_core::quant::Requantize;
use gimbal_core::{Aligned, Model};
use gimbal_train::data::grid::load;
use gimbal_train::package::assemble;
use gimbal_train::simulate::Vectors;
use std::path::Path;

const REQUANTIZE: Requantize = Requantize { shift: 40, zero_point: -3, min: -128, max: 127 };
const REQUANTIZE_BYTES: [u8; 8] = [40, 0, 0xfd, 0xff, 0x80, 0xff, 0x7f, 0];
const WINDOW: Window =
    Window { size: [1, 2], stride: [3, 4], dilation: [5, 6], padding: [7, 8], circular: 2, reserved: 0 };
const WINDOW_BYTES: [u8; 20] = [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 2, 0, 0, 0];

#[test]
fn operators() {
    let multipliers = [1, -1, 64, 0];
    let multiplier_bytes = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 64, 0, 0, 0, 0, 0, 0, 0];
    let operands = Operands::new(258, 2);
    let operand_bytes = [2, 1, 0xff, 0xff, 2, 0, 0xff, 0xff];
    let with_scratch = [2, 1, 0xff, 0xff, 2, 0, 9, 0];
    let weights = 0x0102_0304;
    let weight_bytes = [4, 3, 2, 1];
    let pair = Operands { inputs: [258, 259], ..operands };
    let pair_bytes = [2, 1, 3, 1, 2, 0, 0xff, 0xff];
    let (multiplier, multiplier_word) = (-2, [0xfe, 0xff, 0xff, 0xff]);
    let cases: [(Operator, Vec<u8>); 25] = [
        (
            Operator::QuantizeVectors(QuantizeVectors {
                operands: Operands::new(NONE, 2),
                requantize: REQUANTIZE,
                multipliers,
            }),
            [&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 2, 0, 0xff, 0xff][..], &REQUANTIZE_BYTES, &multiplier_bytes]
                .concat(),
        ),
        (
            Operator::QuantizeFeatures(QuantizeFeatures { operands, requantize: REQUANTIZE, multipliers }),
            [&[1, 0, 0, 0][..], &operand_bytes, &REQUANTIZE_BYTES, &multiplier_bytes].concat(),
        ),
        (
            Operator::Conv(Conv {
                operands: operands.with_scratch(9),
                window: WINDOW,
                requantize: REQUANTIZE,
                weights,
                groups: 5,
                reserved: 0,
            }),
            [&[2, 0, 0, 0][..], &with_scratch, &WINDOW_BYTES, &REQUANTIZE_BYTES, &weight_bytes, &[5, 0, 0, 0]].concat(),
        ),
        (
            Operator::NormGate(NormGate {
                operands: operands.with_scratch(9),
                requantize: REQUANTIZE,
                weights,
                gate_shift: 15,
                reserved: 0,
            }),
            [&[3, 0, 0, 0][..], &with_scratch, &REQUANTIZE_BYTES, &weight_bytes, &[15, 0, 0, 0]].concat(),
        ),
        (
            Operator::Pool(Pool {
                operands,
                window: WINDOW,
                requantize: REQUANTIZE,
                multiplier,
                pooling: Pooling::Sum.code(),
                reserved: 0,
            }),
            [&[4, 0, 0, 0][..], &operand_bytes, &WINDOW_BYTES, &REQUANTIZE_BYTES, &multiplier_word, &[2, 0, 0, 0]]
                .concat(),
        ),
        (
            Operator::Depthwise(Depthwise {
                operands: operands.with_scratch(9),
                window: WINDOW,
                requantize: REQUANTIZE,
                weights,
            }),
            [&[5, 0, 0, 0][..], &with_scratch, &WINDOW_BYTES, &REQUANTIZE_BYTES, &weight_bytes].concat(),
        ),
        (Operator::Lut(Lut { operands, table: weights }), [&[6, 0, 0, 0][..], &operand_bytes, &weight_bytes].concat()),
        (
            Operator::Add(Add { operands: pair, requantize: REQUANTIZE, multipliers: [1, -1] }),
            [&[7, 0, 0, 0][..], &pair_bytes, &REQUANTIZE_BYTES, &multiplier_bytes[..8]].concat(),
        ),
        (
            Operator::Mul(Mul { operands: pair, requantize: REQUANTIZE, multiplier }),
            [&[8, 0, 0, 0][..], &pair_bytes, &REQUANTIZE_BYTES, &multiplier_word].concat(),
        ),
        (
            Operator::Concat(Concat { operands: pair, axis: 2, reserved: 0 }),
            [&[9, 0, 0, 0][..], &pair_bytes, &[2, 0, 0, 0]].concat(),
        ),
        (
            Operator::Rearrange(Rearrange { operands, shape: [1, 2, 3, 4], strides: multipliers, offset: -2 }),
            [&[10, 0, 0, 0][..], &operand_bytes, &[1, 0, 2, 0, 3, 0, 4, 0], &multiplier_bytes, &multiplier_word]
                .concat(),
        ),
        (
            Operator::InnerProduct(InnerProduct { operands: pair, requantize: REQUANTIZE, multiplier }),
            [&[11, 0, 0, 0][..], &pair_bytes, &REQUANTIZE_BYTES, &multiplier_word].concat(),
        ),
        (
            Operator::CrossProduct(CrossProduct { operands: pair, multiplier, shift: 40, reserved: 0 }),
            [&[12, 0, 0, 0][..], &pair_bytes, &multiplier_word, &[40, 0, 0, 0]].concat(),
        ),
        (
            Operator::Softmax(Softmax { operands, table: weights }),
            [&[13, 0, 0, 0][..], &operand_bytes, &weight_bytes].concat(),
        ),
        (
            Operator::LogSoftmax(LogSoftmax {
                operands,
                requantize: REQUANTIZE,
                multiplier,
                step: 258,
                table: weights,
            }),
            [&[14, 0, 0, 0][..], &operand_bytes, &REQUANTIZE_BYTES, &multiplier_word, &[2, 1, 0, 0], &weight_bytes]
                .concat(),
        ),
        (Operator::Argmax(Argmax { operands }), [&[15, 0, 0, 0][..], &operand_bytes].concat()),
        (Operator::L2Norm(L2Norm { operands }), [&[16, 0, 0, 0][..], &operand_bytes].concat()),
        (
            Operator::NearestCode(NearestCode { operands, requantize: REQUANTIZE, multiplier, codes: weights }),
            [&[17, 0, 0, 0][..], &operand_bytes, &REQUANTIZE_BYTES, &multiplier_word, &weight_bytes].concat(),
        ),
        (
            Operator::SetPool(SetPool {
                operands,
                requantize: REQUANTIZE,
                multiplier,
                pooling: SetPooling::Total.code(),
                reserved: 0,
            }),
            [&[18, 0, 0, 0][..], &operand_bytes, &REQUANTIZE_BYTES, &multiplier_word, &[3, 0, 0, 0]].concat(),
        ),
        (
            Operator::BroadcastAdd(BroadcastAdd { operands: pair, requantize: REQUANTIZE, multipliers: [1, -1] }),
            [&[19, 0, 0, 0][..], &pair_bytes, &REQUANTIZE_BYTES, &multiplier_bytes[..8]].concat(),
        ),
        (Operator::Argsort(Argsort { operands: pair }), [&[20, 0, 0, 0][..], &pair_bytes].concat()),
        (
            Operator::OuterProduct(OuterProduct { operands: pair, requantize: REQUANTIZE, multiplier }),
            [&[21, 0, 0, 0][..], &pair_bytes, &REQUANTIZE_BYTES, &multiplier_word].concat(),
        ),
        (Operator::Ranks(Ranks { operands }), [&[22, 0, 0, 0][..], &operand_bytes].concat()),
        (Operator::Gather(Gather { operands: pair }), [&[23, 0, 0, 0][..], &pair_bytes].concat()),
        (
            Operator::Lookup(Lookup { operands, table: weights, rows: 259, reserved: 0 }),
            [&[24, 0, 0, 0][..], &operand_bytes, &weight_bytes, &[3, 1, 0, 0]].concat(),
        ),
    ];
    assert_eq!(cases.len(), Kernel::ALL.len());
    for (operator, mut expected) in cases {
        let row = format!("\n| {} | {} |", expected[0], operator.name());
        assert!(include_str!("../../FORMAT.md").contains(&row), "FORMAT.md has no {row}");
        expected.resize(Operator::LEN, 0);
        assert_eq!(bytemuck::bytes_of(&operator.encode()), &expected[..], "{operator:?}");
        assert_eq!(Operator::decode(&operator.encode()), Some(operator));
    }
}

/// Five rows of five columns: two groups of two tiles.
#[test]
fn tiles() {
    let tiles = Tiles { rows: 5, columns: 5 };
    assert_eq!(tiles.len(), 2 * (16 + 2 * 16 + 16));
    assert_eq!([tiles.bias(0), tiles.bias(3), tiles.bias(4)], [0, 12, 64]);
    assert_eq!([tiles.multiplier(0), tiles.multiplier(3), tiles.multiplier(4)], [48, 60, 112]);
    assert_eq!([0, 1, 2, 3, 4].map(|column| tiles.weight(0, column)), [16, 18, 17, 19, 32]);
    assert_eq!([tiles.weight(1, 0), tiles.weight(3, 4), tiles.weight(4, 1)], [20, 44, 82]);
}

/// Five channels of three taps: two groups.
#[test]
fn filters() {
    let filters = Filters { taps: 3, channels: 5 };
    assert_eq!(filters.len(), 2 * (16 + 3 * 4 + 16));
    assert_eq!([filters.bias(0), filters.bias(3), filters.bias(4)], [0, 12, 44]);
    assert_eq!([filters.multiplier(0), filters.multiplier(3), filters.multiplier(4)], [28, 40, 72]);
    assert_eq!([0, 1, 2, 3, 4].map(|channel| filters.weight(0, channel)), [16, 18, 17, 19, 60]);
    assert_eq!([filters.weight(1, 0), filters.weight(2, 4)], [20, 68]);
}

#[test]
fn a_tensor_record() {
    let tensor = Tensor {
        offset: 16,
        bytes: 6168,
        scale: 1.0,
        shape: [3, 1, 514],
        zero_point: -2,
        first: 1,
        last: 258,
        dtype: Dtype::I32,
        least: 772,
    };
    let expected =
        [16, 0, 0, 0, 0x18, 0x18, 0, 0, 0, 0, 0x80, 0x3f, 3, 0, 1, 0, 2, 2, 0xfe, 0xff, 1, 0, 2, 1, 2, 0, 4, 3];
    assert_eq!(bytemuck::bytes_of(&tensor), expected);
}

#[test]
fn a_whole_file() {
    let field = Field { per_count: 0.5, kind: FieldKind::PseudoVector, width: 3 };
    let pose = PoseHead { reference: 2.0, minimum: 1.0, chart: Chart::GramSchmidt, vectors: 7 };
    let network = Network { role: Role::Classifier, operators: 5, output: 4, reserved: 0 };
    let descriptor = Descriptor {
        texts: b"hi\na\ng\nx\n",
        rate_hz: 50.0,
        samples: 128,
        hop: 64,
        canonical: 6,
        arena_len: 300,
        fast_len: 200,
        fields: 1,
        poses: 1,
        networks: 1,
        tensors: 129,
        operators: 2,
    };
    let records = [bytemuck::bytes_of(&field), bytemuck::bytes_of(&pose), bytemuck::bytes_of(&network)].concat();
    #[rustfmt::skip]
    let expected = [
        b'G', b'M', b'B', b'L', 5, 0, 0, 0, 28, 0, 0, 0, 32, 0, 0, 0,
        9, b'h', b'i', b'\n', b'a', b'\n', b'g', b'\n', b'x', b'\n',
        0, 0, 0x48, 0x42, 0x80, 0x01, 64,
        6,
        0xac, 0x02,
        0xc8, 0x01,
        1, 1, 1, 0x81, 0x01, 2,
        0, 0, 0, 0x3f, 1, 0, 3, 0,
        0, 0, 0, 0x40, 0, 0, 0x80, 0x3f, 0, 0, 7, 0,
        2, 0, 5, 0, 4, 0, 0, 0,
        0x11, 0x22, 0, 0,
    ];
    let file = assemble(&descriptor, &records, &[0x11, 0x22]);
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
    let package = &Aligned(*include_bytes!("../data/wrist.gmbl")).0;
    assert_eq!(Model::from_bytes(package).unwrap().classes().count(), 7);
    let found = Vectors::recorded(package, 16).unwrap().to_bytes();
    assert!(found == include_bytes!("../data/wrist.vectors"));
}

/// The same of digits, as they are and turned.
#[test]
fn a_package_of_images_says_what_it_always_said() {
    let package = &Aligned(*include_bytes!("../data/digits.gmbl")).0;
    assert_eq!(Model::from_bytes(package).unwrap().classes().count(), 10);
    let found = Vectors::of_grids(package, &load("digits", Path::new("nowhere")).unwrap(), 16).unwrap().to_bytes();
    assert!(found == include_bytes!("../data/digits.vectors"));
}
