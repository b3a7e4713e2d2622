//! Each thing that the loader proves, broken by itself in a package whose checksum is right.

use gimbal_core::format::{Chart, Descriptor, Dtype, FieldKind, NONE, Operator, Role, Tensor};
use gimbal_core::kernel::{Conv, Kernel, Kernels, Operands, Pool, QuantizeFeatures, QuantizeVectors, Rearrange};
use gimbal_core::{Error, Model};
use gimbal_tests::frames::Framed;
use gimbal_tests::{Loose, operators_package, synthetic_package, upright_parts};
use gimbal_train::package::{PackageError, assemble};
use std::collections::BTreeSet;

fn output(loose: &mut Loose, at: usize) -> &mut Tensor {
    let output = loose.operators[at].operands().output;
    &mut loose.tensors[usize::from(output)]
}

fn scratch(loose: &mut Loose, at: usize) -> &mut Tensor {
    let scratch = loose.operators[at].operands().scratch;
    &mut loose.tensors[usize::from(scratch)]
}

/// What the loader says of the package after a change.
fn after(change: impl FnOnce(&mut Loose)) -> Result<(), Error> {
    after_in(&synthetic_package(1), change)
}

/// The same in another package.
fn after_in(package: &[u8], change: impl FnOnce(&mut Loose)) -> Result<(), Error> {
    let mut loose = Loose::of(package);
    change(&mut loose);
    Model::from_bytes(&loose.assemble()).map(|_| ())
}

// Positions in the synthetic package.
const VECTOR_CONV: usize = 1;
const GATE: usize = 2;
const FEATURE_CONV: usize = 6;
const CODE_DENSE: usize = 8;
const LAST: usize = 9;

macro_rules! record {
    ($loose:ident, $at:expr, $kind:ident) => {{
        let Operator::$kind(record) = &mut $loose.operators[$at] else { panic!("operator {} is another", $at) };
        record
    }};
}

#[test]
fn unchanged_it_loads() {
    assert_eq!(after(|_| ()), Ok(()));
}

#[test]
fn tensors() {
    let tensor = Err(Error::Tensor { tensor: 0 });
    assert_eq!(after(|p| p.tensors[0].offset = p.descriptor.arena_len), tensor);
    assert_eq!(after(|p| p.tensors[0].offset += 2), tensor);
    assert_eq!(after(|p| p.tensors[0].shape[1] = 0), tensor);
    assert_eq!(after(|p| p.tensors[0].shape = [u16::MAX; 3]), tensor);
    assert_eq!(after(|p| p.tensors[0].scale = f32::NAN), tensor);
    assert_eq!(after(|p| p.tensors[0].first = p.tensors[0].last + 1), tensor);
    assert_eq!(after(|p| p.tensors[1].offset = p.tensors[0].offset), Err(Error::Overlap { tensor: 1 }));
    assert_eq!(after(|p| p.tensors[0].least = 1), tensor, "a length that varies where the window's does not");
    assert_eq!(after(|p| p.descriptor.arena_len += 1), Err(Error::Descriptor));
    assert_eq!(after(|p| p.descriptor.fast_len = p.descriptor.arena_len + 4), Err(Error::Descriptor));
    let across = |p: &mut Loose| p.descriptor.fast_len = p.tensors[0].offset + 4;
    assert_eq!(after(across), tensor, "across the border of two arenas");
}

#[test]
fn operands() {
    let operand = |at: usize| Err(Error::Operand { operator: at as u16 });
    assert_eq!(after(|p| record!(p, CODE_DENSE, Conv).operands.inputs[0] = 200), operand(CODE_DENSE), "no such tensor");
    assert_eq!(
        after(|p| record!(p, CODE_DENSE, Conv).operands.inputs[0] = 0),
        operand(CODE_DENSE),
        "not live any more"
    );
    let alias = |p: &mut Loose| {
        let operands = &mut record!(p, CODE_DENSE, Conv).operands;
        operands.inputs[0] = operands.output;
    };
    assert_eq!(after(alias), operand(CODE_DENSE), "reads what it writes");
    assert_eq!(after(|p| p.operators.swap(0, VECTOR_CONV)), operand(0), "reads before anything was written");
    let scratch =
        |p: &mut Loose| record!(p, GATE, NormGate).operands.scratch = record!(p, GATE, NormGate).operands.output;
    assert_eq!(after(scratch), operand(GATE));
    let apart = |p: &mut Loose| record!(p, GATE, NormGate).operands.inputs[0] = 0;
    assert!(after(apart).is_err(), "works in place only");
    let twice = |p: &mut Loose| {
        record!(p, CODE_DENSE, Conv).operands.inputs[1] = record!(p, CODE_DENSE, Conv).operands.inputs[0]
    };
    assert_eq!(after(twice), operand(CODE_DENSE), "the same input twice");
    assert_eq!(after(|p| record!(p, CODE_DENSE, Conv).operands.output = NONE), operand(CODE_DENSE), "writes nothing");
}

#[test]
fn shapes() {
    let shape = |at: usize| Err(Error::Shape { operator: at as u16 });
    assert_eq!(after(|p| record!(p, FEATURE_CONV, Conv).window.stride[1] = 0), shape(FEATURE_CONV));
    assert_eq!(after(|p| record!(p, FEATURE_CONV, Conv).window.stride[1] = 9), shape(FEATURE_CONV), "runs off the end");
    assert_eq!(after(|p| record!(p, FEATURE_CONV, Conv).window.padding[1] = 5), shape(FEATURE_CONV));
    assert_eq!(after(|p| record!(p, FEATURE_CONV, Conv).window.size = [2, 5]), shape(FEATURE_CONV), "beyond the plane");
    assert_eq!(after(|p| record!(p, FEATURE_CONV, Conv).groups = 0), shape(FEATURE_CONV));
    assert_eq!(after(|p| record!(p, FEATURE_CONV, Conv).groups = 5), shape(FEATURE_CONV), "no such parts");
}

#[test]
fn constants() {
    let weights = |at: usize| Err(Error::Weights { operator: at as u16 });
    assert_eq!(after(|p| record!(p, LAST, Conv).weights = p.blob.len() as u32), weights(LAST));
    assert_eq!(after(|p| record!(p, LAST, Conv).weights -= 2), weights(LAST), "not aligned");
    let shared = |p: &mut Loose| {
        lengthen(p);
        p.operators.push(p.operators[LAST]);
    };
    assert_eq!(after(shared), Err(Error::Operand { operator: LAST as u16 + 1 }), "beyond the life of its scratch");
    let longer = |p: &mut Loose| {
        p.tensors.iter_mut().filter(|tensor| usize::from(tensor.last) == LAST).for_each(|tensor| tensor.last += 1);
        lengthen(p);
        p.operators.push(p.operators[LAST]);
    };
    assert_eq!(after(longer), weights(LAST + 1), "more weights than bytes");
}

#[test]
fn numbers() {
    let quantization = |at: usize| Err(Error::Quantization { operator: at as u16 });
    assert_eq!(after(|p| record!(p, CODE_DENSE, Conv).requantize.shift = 32), quantization(CODE_DENSE));
    assert_eq!(after(|p| record!(p, CODE_DENSE, Conv).requantize.shift = 63), quantization(CODE_DENSE));
    assert_eq!(after(|p| record!(p, CODE_DENSE, Conv).requantize.max = 128), quantization(CODE_DENSE));
    assert_eq!(after(|p| record!(p, CODE_DENSE, Conv).requantize.zero_point += 1), quantization(CODE_DENSE));
    assert_eq!(after(|p| record!(p, GATE, NormGate).gate_shift = 16), quantization(GATE));
    let overflowing = |p: &mut Loose| {
        let weights = record!(p, CODE_DENSE, Conv).weights as usize;
        p.blob[weights..][..4].copy_from_slice(&(i32::MAX - 1).to_le_bytes());
    };
    assert_eq!(after(overflowing), Err(Error::Accumulator { operator: CODE_DENSE as u16 }));
}

/// What is changed in the package with every operator, at the first one of a kind.
type Change = fn(&mut Loose, usize);
type Refusal = fn(u16) -> Error;

const OPERAND: Refusal = |operator| Error::Operand { operator };
const SHAPE: Refusal = |operator| Error::Shape { operator };
const WEIGHTS: Refusal = |operator| Error::Weights { operator };
const QUANTIZATION: Refusal = |operator| Error::Quantization { operator };
const ACCUMULATOR: Refusal = |operator| Error::Accumulator { operator };

#[rustfmt::skip]
const CHANGES: [(&str, &str, Change, Refusal); 60] = [
    ("quantize_vectors", "fewer samples", |p, at| output(p, at).shape[1] -= 1, SHAPE),
    ("quantize_vectors", "a zero that is not 0", |p, at| output(p, at).zero_point = 1, QUANTIZATION),
    ("quantize_features", "fewer channels", |p, at| output(p, at).shape[2] -= 1, SHAPE),
    ("quantize_features", "neither a window nor an image", |p, at| output(p, at).shape.swap(0, 1), SHAPE),
    ("quantize_features", "features of thirty-two bits", |p, at| {
        let end = p.descriptor.arena_len;
        p.descriptor.arena_len += 8192;
        let features = output(p, at);
        (features.dtype, features.offset) = (Dtype::I32, end);
    }, OPERAND),
    ("quantize_features", "no shift", |p, at| record!(p, at, QuantizeFeatures).requantize.shift = 0, QUANTIZATION),
    ("conv", "less scratch", |p, at| scratch(p, at).shape[2] -= 4, SHAPE),
    ("conv", "scratch of another type", |p, at| scratch(p, at).dtype = Dtype::I8, OPERAND),
    ("conv", "a third direction", |p, at| record!(p, at, Conv).window.circular = 4, SHAPE),
    ("conv", "more to it", |p, at| record!(p, at, Conv).reserved = 1, SHAPE),
    ("conv", "a second input for scratch", |p, at| {
        let operands = &mut record!(p, at, Conv).operands;
        (operands.inputs[1], operands.scratch) = (operands.inputs[0], NONE);
    }, OPERAND),
    ("norm_gate", "gates below zero", |p, at| record!(p, at, NormGate).requantize.min = -1, QUANTIZATION),
    ("norm_gate", "no shift", |p, at| record!(p, at, NormGate).gate_shift = 0, QUANTIZATION),
    ("norm_gate", "less scratch", |p, at| scratch(p, at).shape[2] -= 4, SHAPE),
    ("norm_gate", "weights outside", |p, at| record!(p, at, NormGate).weights = u32::MAX - 3, WEIGHTS),
    ("pool", "another pooling", |p, at| record!(p, at, Pool).pooling = 3, QUANTIZATION),
    ("pool", "a sum with padding", |p, at| record!(p, at, Pool).window.padding[1] = 1, SHAPE),
    ("pool", "a sum of 16 bits", |p, at| output(p, at).dtype = Dtype::I16, OPERAND),
    ("pool", "a circle that takes for ever", |p, at| {
        let pool = record!(p, at, Pool);
        (pool.window.size, pool.window.padding, pool.window.circular) = ([u16::MAX; 2], [u16::MAX - 1; 2], 3);
    }, SHAPE),
    ("depthwise", "not aligned", |p, at| record!(p, at, Depthwise).weights += 2, WEIGHTS),
    ("depthwise", "less scratch", |p, at| scratch(p, at).shape[2] -= 1, SHAPE),
    ("depthwise", "a bias that is too large", |p, at| {
        let weights = record!(p, at, Depthwise).weights as usize;
        p.blob[weights..][..4].copy_from_slice(&i32::MIN.to_le_bytes());
    }, ACCUMULATOR),
    ("depthwise", "a short shift", |p, at| record!(p, at, Depthwise).requantize.shift = 32, QUANTIZATION),
    ("lut", "half outside", |p, at| record!(p, at, Lut).table = p.blob.len() as u32 / 4 * 4 - 128, WEIGHTS),
    ("lut", "not aligned", |p, at| record!(p, at, Lut).table += 1, WEIGHTS),
    ("lut", "fewer channels", |p, at| output(p, at).shape[2] -= 1, SHAPE),
    ("add", "sums that are too large", |p, at| {
        let add = record!(p, at, Add);
        (add.multipliers, add.requantize.shift) = ([i32::MAX; 2], 1);
    }, ACCUMULATOR),
    ("add", "a long shift", |p, at| record!(p, at, Add).requantize.shift = 31, QUANTIZATION),
    ("add", "fewer channels", |p, at| output(p, at).shape[2] -= 1, SHAPE),
    ("add", "scratch for a second input", |p, at| {
        let operands = &mut record!(p, at, Add).operands;
        (operands.inputs[1], operands.scratch) = (NONE, operands.inputs[1]);
    }, OPERAND),
    ("mul", "no second input", |p, at| record!(p, at, Mul).operands.inputs[1] = NONE, OPERAND),
    ("mul", "a short shift", |p, at| record!(p, at, Mul).requantize.shift = 32, QUANTIZATION),
    ("mul", "another type", |p, at| output(p, at).dtype = Dtype::I8, OPERAND),
    ("concat", "a fourth axis", |p, at| record!(p, at, Concat).axis = 3, SHAPE),
    ("concat", "another axis", |p, at| record!(p, at, Concat).axis = 0, SHAPE),
    ("concat", "another meaning", |p, at| output(p, at).scale *= 2.0, QUANTIZATION),
    ("rearrange", "from before the input", |p, at| record!(p, at, Rearrange).offset = -1, SHAPE),
    ("rearrange", "from behind the input", |p, at| record!(p, at, Rearrange).offset += 1, SHAPE),
    ("rearrange", "more than the output", |p, at| record!(p, at, Rearrange).shape[0] += 1, SHAPE),
    ("rearrange", "another meaning", |p, at| output(p, at).scale *= 2.0, QUANTIZATION),
    ("inner_product", "a large multiplier", |p, at| record!(p, at, InnerProduct).multiplier = (1 << 30) + 1, QUANTIZATION),
    ("inner_product", "of three planes", |p, at| output(p, at).shape = [3, 13, 1], SHAPE),
    ("cross_product", "a short shift", |p, at| record!(p, at, CrossProduct).shift = 32, QUANTIZATION),
    ("cross_product", "a negative multiplier", |p, at| record!(p, at, CrossProduct).multiplier = -1, QUANTIZATION),
    ("cross_product", "a zero that is not 0", |p, at| output(p, at).zero_point = 1, OPERAND),
    ("softmax", "another zero", |p, at| output(p, at).zero_point = 0, QUANTIZATION),
    ("softmax", "e⁰ that is not 1", |p, at| {
        let table = record!(p, at, Softmax).table as usize;
        p.blob[table] ^= 1;
    }, QUANTIZATION),
    ("log_softmax", "a step that is too large", |p, at| record!(p, at, LogSoftmax).step = 8_404_029, ACCUMULATOR),
    ("log_softmax", "no multiplier", |p, at| record!(p, at, LogSoftmax).multiplier = 0, QUANTIZATION),
    ("argmax", "another scale", |p, at| output(p, at).scale = 2.0, QUANTIZATION),
    ("argmax", "of eight bits", |p, at| output(p, at).dtype = Dtype::I8, OPERAND),
    ("lookup", "something behind its rows", |p, at| record!(p, at, Lookup).reserved = 1, SHAPE),
    ("lookup", "of sixteen bits", |p, at| output(p, at).dtype = Dtype::I16, OPERAND),
    ("lookup", "no rows", |p, at| record!(p, at, Lookup).rows = 0, SHAPE),
    ("lookup", "rows outside", |p, at| record!(p, at, Lookup).rows = u16::MAX >> 1, WEIGHTS),
    ("l2_norm", "another scale", |p, at| output(p, at).scale *= 2.0, QUANTIZATION),
    ("l2_norm", "fewer channels", |p, at| output(p, at).shape[2] -= 1, SHAPE),
    ("nearest_code", "nothing to be near to", |p, at| {
        let nearest = record!(p, at, NearestCode);
        (nearest.operands.inputs[0], nearest.codes) = (NONE, 0);
    }, SHAPE),
    ("nearest_code", "codes outside", |p, at| record!(p, at, NearestCode).codes = p.blob.len() as u32, WEIGHTS),
    ("nearest_code", "a negative multiplier", |p, at| record!(p, at, NearestCode).multiplier = -1, QUANTIZATION),
];

/// Operators that only packages of sets have.
const OF_SETS: usize = 6;

#[test]
fn every_operator_has_something_to_prove() {
    let package = operators_package();
    let model = Model::from_bytes(&package).unwrap();
    for (name, what, change, refusal) in CHANGES {
        let at = model.operators().position(|operator| operator.name() == name).unwrap();
        let found = after_in(&package, |p| change(p, at));
        assert_eq!(found, Err(refusal(at as u16)), "{name}: {what}");
    }
    let names: BTreeSet<_> = CHANGES.iter().map(|(name, ..)| name).collect();
    // What those of sets have to prove, they do where they are: `core/src/kernel/`, and `sets.rs` beside this.
    assert_eq!(names.len() + OF_SETS, Kernel::ALL.len());
}

/// Columns that are not there are multiplied by whatever stands behind a patch.
#[test]
fn weights_that_fill_up_a_tile() {
    let filled = |p: &mut Loose| {
        // Ten columns: the third tile has two, in the order 0, 2, 1, 3.
        let third = record!(p, VECTOR_CONV, Conv).weights as usize + 16 + 2 * 16;
        p.blob[third + 1] = 1;
    };
    assert_eq!(after(filled), Err(Error::Weights { operator: VECTOR_CONV as u16 }));
}

/// Makes room for one more operator behind all others: results live on.
fn lengthen(p: &mut Loose) {
    p.networks[2].operators += 1;
    for id in [p.descriptor.canonical, p.networks[1].output, p.networks[2].output] {
        p.tensors[usize::from(id)].last = LAST as u16 + 1;
    }
}

/// Puts an operator before another one of the second network.
fn insert(p: &mut Loose, at: usize, operator: Operator) {
    p.operators.insert(at, operator);
    for tensor in &mut p.tensors {
        tensor.first += u16::from(usize::from(tensor.first) >= at);
        tensor.last += u16::from(usize::from(tensor.last) >= at);
    }
    p.networks[1].operators += 1;
}

/// What an operator works with is nobody's result, even if it was one before.
#[test]
fn scratch_is_not_read_afterwards() {
    let with_reader = |reads: u16| {
        after(|p| {
            let scratch = record!(p, FEATURE_CONV, Conv).operands.scratch;
            let canonical = p.tensors[usize::from(p.descriptor.canonical)];
            let of = &mut p.tensors[usize::from(scratch)];
            (of.scale, of.zero_point) = (canonical.scale, canonical.zero_point);
            let count = of.elements().unwrap() as u16;
            let copy = Tensor { offset: p.descriptor.arena_len, ..*of };
            p.descriptor.arena_len += copy.len().unwrap();
            p.tensors.push(copy);
            let copy = p.tensors.len() as u16 - 1;
            let same = |from, to| {
                let operands = Operands::new(from, to);
                Operator::Rearrange(Rearrange { operands, shape: [1, 1, 1, count], strides: [0; 4], offset: 0 })
            };
            let from = [p.descriptor.canonical, scratch][usize::from(reads)];
            insert(p, FEATURE_CONV + 1, same(from, copy));
            insert(p, FEATURE_CONV, same(p.descriptor.canonical, scratch));
            for id in [scratch, copy, p.descriptor.canonical] {
                let tensor = &mut p.tensors[usize::from(id)];
                (tensor.first, tensor.last) = (tensor.first.min(FEATURE_CONV as u16), LAST as u16 + 2);
                tensor.offset = p.descriptor.arena_len;
                p.descriptor.arena_len += tensor.len().unwrap();
            }
        })
    };
    assert_eq!(with_reader(0), Ok(()));
    assert_eq!(with_reader(1), Err(Error::Operand { operator: FEATURE_CONV as u16 + 2 }));
}

#[test]
fn unknown_operators() {
    let unknown = |p: &mut Loose| {
        lengthen(p);
        p.unknown = vec![[0x7fff; _]];
    };
    assert_eq!(after(unknown), Err(Error::UnsupportedOperator { operator: LAST as u16 + 1 }));
}

#[test]
fn a_build_without_an_operator_or_a_chart_says_which() {
    let package = synthetic_package(1);
    let operators = &[QuantizeVectors::KERNEL, QuantizeFeatures::KERNEL, Conv::KERNEL, Pool::KERNEL];
    let refused = |kernels| Model::with_kernels(&package, kernels).map(|_| ());
    let without_gate = Kernels { operators, ..Kernels::ALL };
    assert_eq!(refused(&without_gate), Err(Error::UnsupportedOperator { operator: GATE as u16 }));
    let without_chart = Kernels { frames: &[], ..Kernels::ALL };
    assert_eq!(refused(&without_chart), Err(Error::UnsupportedChart { pose: 0 }));
}

#[test]
fn the_whole() {
    type Change = fn(&mut Loose);
    let cases: [(&str, Change); 22] = [
        ("no rate", |p| p.descriptor.rate_hz = 0.0),
        ("a rate that is none", |p| p.descriptor.rate_hz = f32::NAN),
        ("no hop", |p| p.descriptor.hop = 0),
        ("no fields", |p| p.fields.clear()),
        ("too many fields", |p| p.fields = vec![p.fields[0]; 5]),
        ("counts worth nothing", |p| p.fields[0].per_count = 0.0),
        ("a vector of two", |p| p.fields[0].width = 2),
        ("confidence over nothing", |p| p.poses[0].reference = 0.0),
        ("a minimum that is none", |p| p.poses[0].minimum = f32::NAN),
        ("a pose without a network", |p| p.poses.push(p.poses[0])),
        ("three poses", |p| p.poses = vec![p.poses[0]; 3]),
        ("a canonical window that is there too early", |p| {
            let canonical = &mut p.tensors[usize::from(p.descriptor.canonical)];
            canonical.first -= 1;
            canonical.offset = p.descriptor.arena_len;
            p.descriptor.arena_len += canonical.bytes;
        }),
        ("a pose from elsewhere", |p| p.poses[0].vectors = 0),
        ("a pose without ψ", |p| _ = p.networks.remove(0)),
        ("ψ without a pose", |p| p.poses.clear()),
        ("networks in another order", |p| p.networks.swap(1, 2)),
        ("a network with more to it", |p| p.networks[1].reserved = 1),
        ("an operator too many", |p| p.networks[2].operators += 1),
        ("a class too many", |p| p.texts.extend(b"another\n")),
        ("half a class", |p| _ = p.texts.pop()),
        ("a class without an end", |p| *p.texts.last_mut().unwrap() = b'x'),
        ("a code that nobody wrote", |p| {
            // Eight bits, alive to the end, and no operator's output.
            let last = p.tensors[usize::from(p.networks[1].output)];
            p.tensors.push(Tensor { offset: p.descriptor.arena_len, ..last });
            p.descriptor.arena_len += last.len().unwrap();
            p.networks[1].output = p.tensors.len() as u16 - 1;
        }),
    ];
    for (what, change) in cases {
        assert_eq!(after(change), Err(Error::Descriptor), "{what}");
    }
    let elsewhere = after(|p| p.descriptor.canonical = 0);
    assert_eq!(elsewhere, Err(Error::Operand { operator: FEATURE_CONV as u16 - 1 }), "nobody wrote what η reads");
    assert_eq!(Loose::of(&synthetic_package(1)).networks[1].role, Role::Eta);
}

/// What is changed in a package with another chart than that of vectors.
type FrameChange = fn(&mut Loose);

#[rustfmt::skip]
const FRAME_CHANGES: [(Framed, &str, FrameChange); 24] = [
    (Framed::Direction, "of what is no image", |p| p.fields[0].kind = FieldKind::Ring),
    (Framed::Direction, "from two vectors", |p| p.poses[0].chart = Chart::TwoVectors),
    (Framed::Direction, "of space", |p| p.poses[0].chart = Chart::GramSchmidt),
    (Framed::Direction, "from two scores", |p| p.poses[0].chart = Chart::Argmax),
    (Framed::Direction, "from no map", |p| p.poses[0].chart = Chart::Centroid),
    (Framed::Direction, "a row without a pixel", |p| p.fields[0].width = 0),
    (Framed::Direction, "a row that is too long", |p| p.fields[0].width = 16_384),
    (Framed::TwoVectors, "of what is no image", |p| p.fields[0].kind = FieldKind::Scalar),
    (Framed::TwoVectors, "from one vector", |p| p.poses[0].chart = Chart::Direction),
    (Framed::Quarters, "of what is no image", |p| p.fields[0].kind = FieldKind::Scalar),
    (Framed::Quarters, "of a ring of another size", |p| p.fields[0].kind = FieldKind::Ring),
    (Framed::Centroid, "of what is no image", |p| p.fields[0].kind = FieldKind::Scalar),
    (Framed::Centroid, "from what is no vector", |p| p.poses[0].chart = Chart::Direction),
    (Framed::Rigid, "of what is no image", |p| p.fields[0].kind = FieldKind::Scalar),
    (Framed::Rigid, "one ψ for both poses", |p| p.poses[1].vectors = p.poses[0].vectors),
    (Framed::Rigid, "a ψ without a pose", |p| _ = p.poses.pop()),
    (Framed::Rigid, "no minimum for the second pose", |p| p.poses[1].minimum = 0.0),
    (Framed::Ring, "beside what is no ring", |p| p.fields[1].kind = FieldKind::Scalar),
    (Framed::Ring, "beside a ring of another size", |p| (p.fields[0].width, p.fields[1].width) = (7, 9)),
    (Framed::Ring, "a period from scores", |p| p.poses[0].chart = Chart::Phase),
    (Framed::Phase, "from scores", |p| p.poses[0].chart = Chart::Argmax),
    (Framed::Phase, "scalars as a vector", |p| p.fields[0].kind = FieldKind::Vector),
    (Framed::ThreeVectors, "two vectors of the three", |p| p.poses[0].chart = Chart::GramSchmidt),
    (Framed::ThreeVectors, "no minimum", |p| p.poses[0].minimum = 0.0),
];

#[test]
fn every_chart_has_something_to_prove() {
    for (framed, what, change) in FRAME_CHANGES {
        assert_eq!(after_in(&framed.package(1), |_| ()), Ok(()), "{framed:?}");
        assert_eq!(after_in(&framed.package(1), change), Err(Error::Descriptor), "{framed:?}: {what}");
    }
    let framed: BTreeSet<_> = FRAME_CHANGES.iter().map(|(framed, ..)| format!("{framed:?}")).collect();
    assert_eq!(framed.len(), Framed::ALL.len());
}

#[test]
fn images_have_sides_that_fit() {
    let encoded = |framed: Framed, sides| framed.parts(1, sides).encode().map(|_| ());
    let refused = Err(PackageError::Refused(Error::Descriptor));
    assert_eq!(encoded(Framed::Direction, [3, 5]), Ok(()));
    assert_eq!(encoded(Framed::Quarters, [3, 5]), refused, "quarter turns of what is no square");
    assert_eq!(encoded(Framed::Centroid, [1, 1024]), Ok(()));
    assert_eq!(encoded(Framed::Centroid, [1, 1025]), refused);
}

/// What is upright is a rotation.
#[test]
fn upright_is_a_unit_quaternion() {
    let encoded = |upright| upright_parts(1, upright).encode().map(|_| ());
    assert_eq!(encoded([0.5, -0.5, 0.5, 0.5]), Ok(()));
    for wrong in [[0.0; 4], [0.5, 0.5, 0.5, 0.501], [2.0, 0.0, 0.0, 0.0], [f32::NAN, 1.0, 0.0, 0.0]] {
        assert_eq!(encoded(wrong), Err(PackageError::Refused(Error::Descriptor)), "{wrong:?}");
    }
}

/// Charts that this build has, but not in this place.
#[test]
fn poses_are_composed_as_a_build_can() {
    let first = |p: &mut Loose| p.poses[0].chart = Chart::Phase;
    assert_eq!(after_in(&Framed::Rigid.package(1), first), Err(Error::Descriptor), "a map is no coefficient");
    let second = |p: &mut Loose| p.poses[1].chart = Chart::TwoVectors;
    assert_eq!(after_in(&Framed::Rigid.package(1), second), Err(Error::UnsupportedChart { pose: 1 }));
    let unknown = |p: &mut Loose| p.networks.swap(0, 1);
    assert!(after_in(&Framed::Rigid.package(1), unknown).is_err(), "each ψ has its own pose head");
}

#[test]
fn too_many_records() {
    assert_eq!(after(|p| p.tensors = vec![p.tensors[0]; 257]), Err(Error::Descriptor));
    assert_eq!(after(|p| p.operators = vec![p.operators[0]; 257]), Err(Error::Descriptor));
}

/// Records are read as they stand: numbers that stand for nothing, and counts that reach beyond the file.
#[test]
fn records_that_are_none() {
    let loose = Loose::of(&synthetic_package(1));
    let tensors = 8 * loose.fields.len() + 12 * loose.poses.len() + 8 * loose.networks.len();
    let after = |at: usize, value: u8| {
        let mut records = loose.records();
        records[tensors + at] = value;
        records
    };
    let counted = loose.described();
    let load = |descriptor: &Descriptor<'_>, records: &[u8], blob: &[u8]| {
        Model::from_bytes(&assemble(descriptor, records, blob)).map(|_| ())
    };
    assert_eq!(load(&counted, &loose.records(), &loose.blob), Ok(()));
    assert_eq!(load(&counted, &after(24, 3), &loose.blob), Err(Error::Descriptor), "no such type");
    let longer = load(&counted, &after(4, loose.tensors[0].bytes as u8 + 4), &loose.blob);
    assert_eq!(longer, Err(Error::Tensor { tensor: 0 }));
    assert_eq!(load(&counted, &loose.records(), &[]), Err(Error::Weights { operator: VECTOR_CONV as u16 }));
    let more = Descriptor { operators: counted.operators + 1, ..counted };
    assert_eq!(load(&more, &loose.records(), &[0; 44]), Err(Error::Descriptor), "an operator of 44 bytes");
}

#[test]
fn packages_must_be_aligned() {
    let package = synthetic_package(1);
    let mut words = vec![0u32; package.len() / 4 + 1];
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    for shift in 0..4 {
        let place = &mut bytes[shift..][..package.len()];
        place.copy_from_slice(&package);
        let wanted = if shift == 0 { Ok(()) } else { Err(Error::Alignment) };
        assert_eq!(Model::from_bytes(place).map(|_| ()), wanted);
    }
}

#[test]
fn every_error_reads_differently() {
    let errors = [
        Error::NotAPackage,
        Error::UnsupportedVersion { found: 2 },
        Error::Length { expected: 1, found: 2 },
        Error::Alignment,
        Error::Checksum,
        Error::Descriptor,
        Error::Tensor { tensor: 1 },
        Error::Overlap { tensor: 1 },
        Error::UnsupportedOperator { operator: 1 },
        Error::UnsupportedChart { pose: 1 },
        Error::Operand { operator: 1 },
        Error::Shape { operator: 1 },
        Error::Weights { operator: 1 },
        Error::Quantization { operator: 1 },
        Error::Accumulator { operator: 1 },
        Error::Arena { needed: 1, given: 2 },
        Error::Input { least: 1, most: 1, channels: 1, given: 2 },
        Error::Input { least: 1, most: 2, channels: 1, given: 3 },
    ];
    let texts: BTreeSet<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), errors.len());
}
