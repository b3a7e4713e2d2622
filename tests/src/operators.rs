//! A package with every operator of core, in shapes that leave rests everywhere.
//!
//! A session shows the pose, the canonical window, the code and the logits, and nothing else. So every
//! result becomes part of the code: int8 as it is, int16 in its upper bits. Whatever an operator does
//! differently on a device is seen there.

use crate::builder::{Builder, clamped};
use crate::{CHANNELS, contract, synthetic_windows};
use gimbal_core::format::{Chart, Dtype, NONE, PoseHead, Role, TensorId};
use gimbal_core::kernel::{
    Add, Argmax, Concat, CrossProduct, InnerProduct, L2Norm, LogSoftmax, Lookup, Lut, Mul, NearestCode, NormGate,
    Operands, Operator, Pool, Pooling, QuantizeFeatures, QuantizeVectors, Rearrange, Softmax, Window,
};
use gimbal_core::quant::Requantize;
use gimbal_train::package::Parts;
use rand::RngExt;
use std::ops::RangeInclusive;

/// Samples in a window.
const SAMPLES: u16 = 13;
const SEED: u64 = 1;
/// Of the code.
const CODE_ZERO: i16 = -11;
const BYTE: (i16, i16) = (-128, 127);
/// Symmetric.
const SIGNED: (i16, i16) = (-32767, 32767);

/// The package; always the same.
#[must_use]
pub fn operators_package() -> Vec<u8> {
    operators_parts().encode().expect("the parts fit together")
}

/// What it is made of.
#[must_use]
pub fn operators_parts() -> Parts {
    let mut builder = Builder::new(SEED, contract("operators", SAMPLES));
    builder.varied = true;
    let mut net = Net { builder, code: None, wide: None, indices: None };
    let squares = net.psi();
    let canonical = net.builder.parts.tensor(Dtype::I16, [1, SAMPLES, CHANNELS], 1.0, 0);
    net.builder.parts.canonical(canonical);
    net.keep(squares);
    let features = net.features(canonical, 3, [1 << 30, 1 << 29], 36);
    net.sixteen_bits(canonical);
    let (points, rows) = net.over_time(features);
    let image = net.image(features);
    net.rows(points, image);
    net.elementwise(features, points);
    net.in_place(image);
    net.keep_wide();
    let code = net.code.expect("much was kept");
    net.builder.parts.network(Role::Eta, code);
    net.classifier(rows);
    net.builder.parts
}

/// Windows for the package.
#[must_use]
pub fn operators_windows(seed: u64, count: usize) -> Vec<Vec<i16>> {
    let mut windows = synthetic_windows(seed, count);
    windows.iter_mut().for_each(|window| window.truncate(usize::from(SAMPLES * CHANNELS)));
    windows
}

/// A package in the making, and what has been kept for its code.
struct Net {
    builder: Builder,
    /// `i8[1, 1, n]`.
    code: Option<TensorId>,
    /// `i16[1, 1, n]`, large numbers.
    wide: Option<TensorId>,
    /// `i16[1, 1, n]`, small ones.
    indices: Option<TensorId>,
}

impl Net {
    /// Every operator of vectors. The pose's second vector is made of squared lengths, so that they matter
    /// too; these are returned.
    fn psi(&mut self) -> TensorId {
        let input = self.words([3, SAMPLES, 2]);
        self.push(Operator::QuantizeVectors(QuantizeVectors {
            operands: Operands::new(NONE, input),
            requantize: clamped(31, 0, SIGNED),
            multipliers: [1 << 30, 3 << 28, 0, 0],
        }));
        let circular = Window { circular: 2, ..Window::across(5, 1, 1, 2) };
        let gated = self.conv(input, [3, SAMPLES, 5], 0, circular, 1);
        self.gate(gated, 5);
        let mixed = self.conv(gated, [3, SAMPLES, 5], 0, Window::POINT, 1);
        let crossed = self.words([3, SAMPLES, 5]);
        self.push(Operator::CrossProduct(CrossProduct {
            operands: pair(gated, mixed, crossed),
            multiplier: 3 << 28,
            shift: 40,
            reserved: 0,
        }));
        let sum = self.words([3, SAMPLES, 5]);
        self.push(Operator::Add(Add {
            operands: pair(gated, crossed, sum),
            requantize: clamped(20, 0, SIGNED),
            multipliers: [3 << 18, -(5 << 17)],
        }));
        let inner = self.words([1, SAMPLES, 5]);
        self.push(Operator::InnerProduct(InnerProduct {
            operands: pair(sum, mixed, inner),
            requantize: clamped(41, 0, SIGNED),
            multiplier: 3 << 28,
        }));
        let squares = self.bytes([1, SAMPLES, 5], -7);
        self.push(Operator::InnerProduct(InnerProduct {
            operands: Operands::new(gated, squares),
            requantize: clamped(48, -7, BYTE),
            multiplier: 1 << 30,
        }));
        let strided = self.conv(sum, [3, 7, 1], 0, Window::across(3, 2, 2, 2), 1);
        for vectors in [gated, mixed, crossed, sum, inner, strided] {
            self.keep(vectors);
        }

        let first = self.builder.parts.tensor(Dtype::I32, [3, 1, 1], 1.0, 0);
        self.builder.pool(strided, first, Pooling::Sum, clamped(1, 0, SIGNED));
        let three = self.bytes([1, SAMPLES, 3], -7);
        let from = self.builder.shape(squares);
        self.push(Operator::Rearrange(Rearrange::slice(
            Operands::new(squares, three),
            from,
            [0, 0, 1],
            [1; 3],
            [1, SAMPLES, 3],
        )));
        let sums = self.builder.parts.tensor(Dtype::I32, [1, 1, 3], 1.0, 0);
        self.builder.pool(three, sums, Pooling::Sum, clamped(1, 0, SIGNED));
        let second = self.builder.parts.tensor(Dtype::I32, [3, 1, 1], 1.0, 0);
        self.push(Operator::Rearrange(Rearrange::transpose(Operands::new(sums, second), [1, 1, 3], [2, 0, 1])));
        let vectors = self.builder.parts.tensor(Dtype::I32, [3, 1, 2], 1.0, 0);
        self.concat(first, second, vectors, 2);
        self.builder.parts.network(Role::Psi, vectors);
        self.builder.parts.pose(PoseHead { reference: 8000.0, minimum: 8.0, chart: Chart::GramSchmidt, vectors });
        squares
    }

    /// Gates of a half on average.
    fn gate(&mut self, vectors: TensorId, channels: u16) {
        let size = usize::from(channels);
        let weights = self.builder.matrix(size, size, (1 << 19)..=(1 << 21), 1 << 30);
        let scratch = self.words([1, 2, channels.next_multiple_of(4)]);
        self.push(Operator::NormGate(NormGate {
            operands: Operands::new(vectors, vectors).with_scratch(scratch),
            weights,
            requantize: clamped(36, 0, (0, 32767)),
            gate_shift: 14,
            reserved: 0,
        }));
    }

    /// Features of 16 bits, some with a zero point.
    fn sixteen_bits(&mut self, canonical: TensorId) {
        let dense = self.conv(canonical, [1, 1, 10], 0, Window::across(SAMPLES, 1, 1, 0), 1);
        let six = self.words([1, 1, CHANNELS]);
        self.push(Operator::Rearrange(Rearrange::slice(
            Operands::new(dense, six),
            [1, 1, 10],
            [0, 0, 3],
            [1; 3],
            [1, 1, CHANNELS],
        )));
        let off_zero = self.builder.parts.tensor(Dtype::I16, [1, SAMPLES, CHANNELS], 1.0, 770);
        self.push(Operator::Add(Add {
            operands: pair(canonical, six, off_zero),
            requantize: clamped(20, 770, SIGNED),
            multipliers: [3 << 18, -(1 << 19)],
        }));
        let same = Window::across(3, 1, 1, 1);
        let convolved = self.conv(off_zero, [1, SAMPLES, 3], 0, same, 1);
        let grouped = self.conv(off_zero, [1, 6, 4], 0, Window::across(4, 2, 1, 1), 2);
        let each = self.depthwise(off_zero, [1, SAMPLES, CHANNELS], 0, Window { circular: 2, ..same });
        let some = self.depthwise(convolved, [1, 7, 3], 0, Window::across(5, 2, 1, 2));
        let scaled = self.words([1, SAMPLES, CHANNELS]);
        self.push(Operator::Mul(Mul {
            operands: pair(off_zero, each, scaled),
            requantize: clamped(42, 0, SIGNED),
            multiplier: 3 << 28,
        }));
        let largest = self.words([1, 7, CHANNELS]);
        self.pool(each, largest, Window::across(3, 2, 1, 1), Pooling::Max, 0);
        let mean = self.words([1, 3, CHANNELS]);
        self.pool(off_zero, mean, Window::across(5, 4, 1, 0), Pooling::Mean, (1 << 30) / 5);
        let together = self.words([1, 10, CHANNELS]);
        self.concat(largest, mean, together, 1);
        self.argmax(each);
        for words in [dense, convolved, grouped, each, some, scaled, together] {
            self.keep(words);
        }
    }

    /// Layers of int8 in one dimension; returns seven channels of each sample, and ten of every second.
    fn over_time(&mut self, features: TensorId) -> (TensorId, TensorId) {
        let seven = self.conv(features, [1, SAMPLES, 7], -5, Window::across(3, 1, 1, 1), 1);
        let around = Window { circular: 2, ..Window::across(3, 2, 3, 3) };
        let ten = self.conv(seven, [1, 7, 10], 0, around, 1);
        let grouped = self.conv(ten, [1, 7, 6], 9, Window::across(2, 1, 1, 1), 2);
        let apart = self.conv(ten, [1, 4, 5], -128, Window::across(3, 1, 2, 0), 5);
        let one = self.conv(seven, [1, 5, 1], 1, Window::across(5, 2, 1, 0), 1);
        let wide = self.depthwise(ten, [1, 4, 10], 20, Window::across(3, 2, 1, 1));
        let dilated = self.depthwise(seven, [1, SAMPLES, 7], 4, Window::across(5, 1, 2, 4));
        let alone = self.depthwise(one, [1, 5, 1], -3, Window { circular: 2, ..Window::across(3, 1, 1, 1) });
        let largest = self.bytes([1, 4, 10], 0);
        self.pool(ten, largest, Window::across(2, 2, 1, 1), Pooling::Max, 0);
        let mean = self.bytes([1, 3, 7], 30);
        self.pool(seven, mean, Window::across(5, 4, 1, 0), Pooling::Mean, (1 << 30) / 3);
        for bytes in [seven, ten, grouped, apart, one, wide, dilated, alone, largest, mean] {
            self.keep(bytes);
        }
        (seven, ten)
    }

    /// Layers of int8 in two dimensions; returns an image of five channels.
    fn image(&mut self, features: TensorId) -> TensorId {
        let pixels = self.bytes([6, 7, 3], 3);
        self.push(Operator::Rearrange(Rearrange {
            operands: Operands::new(features, pixels),
            shape: [1, 6, 7, 3],
            strides: [0, 11, 3, 1],
            offset: 2,
        }));
        let window =
            Window { size: [3, 3], stride: [2, 1], dilation: [1, 2], padding: [1, 2], circular: 1, ..Window::POINT };
        let image = self.conv(pixels, [3, 7, 5], 6, window, 1);
        let filtered = self.depthwise(
            image,
            [3, 4, 5],
            -20,
            Window { size: [3, 2], stride: [1, 2], padding: [1, 1], circular: 2, ..Window::POINT },
        );
        let largest = self.bytes([2, 4, 5], 6);
        self.pool(
            image,
            largest,
            Window { size: [2, 3], stride: [2, 2], padding: [1, 1], ..Window::POINT },
            Pooling::Max,
            0,
        );
        let mean = self.bytes([1, 7, 5], 6);
        self.pool(image, mean, Window { size: [3, 1], ..Window::POINT }, Pooling::Mean, (1 << 30) / 2);
        let below = self.bytes([4, 7, 5], 6);
        self.concat(image, mean, below, 0);
        let turned = self.bytes([5, 3, 7], 6);
        self.push(Operator::Rearrange(Rearrange::transpose(Operands::new(image, turned), [3, 7, 5], [2, 0, 1])));
        let flipped = self.bytes([3, 4, 5], 6);
        self.push(Operator::Rearrange(Rearrange::slice(
            Operands::new(image, flipped),
            [3, 7, 5],
            [2, 6, 0],
            [-1, -2, 1],
            [3, 4, 5],
        )));
        let upsampled = self.bytes([2, 8, 5], 6);
        self.push(Operator::Rearrange(Rearrange::upsample(Operands::new(largest, upsampled), [2, 4, 5], 1, 2)));
        for bytes in [image, filtered, largest, below, turned, flipped, upsampled] {
            self.keep(bytes);
        }
        image
    }

    /// What works on rows of channels.
    fn rows(&mut self, points: TensorId, image: TensorId) {
        let shape = self.builder.shape(points);
        let probabilities = self.builder.parts.tensor(Dtype::I8, shape, 1.0 / 256.0, -128);
        let table = self.builder.exponentials();
        self.push(Operator::Softmax(Softmax { operands: Operands::new(points, probabilities), table }));
        let unit = self.builder.parts.tensor(Dtype::I8, shape, 1.0 / 128.0, 0);
        self.push(Operator::L2Norm(L2Norm { operands: Operands::new(points, unit) }));
        let logarithms = self.log_softmax(image);
        let index = self.argmax(points);
        // One row fewer than there are channels: the last index has none of its own.
        let table: Vec<u8> = (0..6 * 3).map(|_| self.builder.rng.random_range(-128i16..128) as u8).collect();
        let looked_up = self.bytes([1, SAMPLES, 3], -2);
        let table = self.builder.constants(&table);
        let operands = Operands::new(index, looked_up);
        self.push(Operator::Lookup(Lookup { operands, table, rows: 6, reserved: 0 }));
        for bytes in [probabilities, unit, logarithms, looked_up] {
            self.keep(bytes);
        }
    }

    fn elementwise(&mut self, features: TensorId, points: TensorId) {
        let bias = self.conv(features, [1, 1, 7], 17, Window::across(SAMPLES, 1, 1, 0), 1);
        let sum = self.bytes([1, SAMPLES, 7], -30);
        self.push(Operator::Add(Add {
            operands: pair(points, bias, sum),
            requantize: clamped(19, -30, BYTE),
            multipliers: [1 << 19, -(3 << 17)],
        }));
        let product = self.bytes([1, SAMPLES, 7], 2);
        self.push(Operator::Mul(Mul {
            operands: pair(sum, points, product),
            requantize: clamped(36, 2, (2, 127)),
            multiplier: 1 << 30,
        }));
        let scaled = self.bytes([1, SAMPLES, 7], 2);
        self.push(Operator::Mul(Mul {
            operands: pair(points, bias, scaled),
            requantize: clamped(36, 2, BYTE),
            multiplier: -(1 << 30),
        }));
        let beside = self.bytes([1, SAMPLES, 14], 2);
        self.concat(product, scaled, beside, 2);
        let codes: Vec<u8> = (0..3 * 7).map(|_| self.builder.rng.random_range(-60i8..60) as u8).collect();
        let codes = self.builder.constants(&codes);
        let near = self.bytes([1, 1, 3], 127);
        self.push(Operator::NearestCode(NearestCode {
            operands: Operands::new(bias, near),
            requantize: clamped(38, 127, BYTE),
            multiplier: 1 << 30,
            codes,
        }));
        for bytes in [bias, sum, beside, near] {
            self.keep(bytes);
        }
    }

    /// A function that replaces its own input, behind everything else that reads it.
    fn in_place(&mut self, image: TensorId) {
        let table = self.builder.shuffled();
        self.push(Operator::Lut(Lut { operands: Operands::new(image, image), table }));
        self.keep(image);
    }

    /// Three logits.
    fn classifier(&mut self, rows: TensorId) {
        let [_, samples, _] = self.builder.shape(rows);
        let hidden = self.conv(rows, [1, 1, 3], 40, Window::across(samples, 1, 1, 0), 1);
        let logits = self.log_softmax(hidden);
        self.builder.parts.network(Role::Classifier, logits);
    }

    // ---- Operators -----------------------------------------------------------------------------------

    /// A convolution that keeps numbers about as large as they are.
    fn conv(&mut self, x: TensorId, shape: [u16; 3], zero_point: i16, window: Window, groups: u16) -> TensorId {
        let columns = window.size[0] * window.size[1] * self.builder.shape(x)[2] / groups;
        let (y, biases, requantize) = self.like(x, shape, zero_point, columns);
        self.builder.group_conv(x, y, window, groups, biases, requantize);
        y
    }

    fn depthwise(&mut self, x: TensorId, shape: [u16; 3], zero_point: i16, window: Window) -> TensorId {
        let (y, biases, requantize) = self.like(x, shape, zero_point, window.size[0] * window.size[1]);
        self.builder.depthwise(x, y, window, biases, requantize);
        y
    }

    /// A tensor of the same type, and how sums over so many products get there: they grow with the square
    /// root of their number.
    fn like(
        &mut self,
        x: TensorId,
        shape: [u16; 3],
        zero_point: i16,
        columns: u16,
    ) -> (TensorId, RangeInclusive<i32>, Requantize) {
        let shift = 36 + columns.ilog2().div_ceil(2) as u16;
        match (self.builder.parts.tensors[usize::from(x)].dtype, shape[0]) {
            (Dtype::I8, _) => (self.bytes(shape, zero_point), -2000..=2000, clamped(shift, zero_point, BYTE)),
            // Vectors have no bias.
            (_, 3) => (self.words(shape), 0..=0, clamped(shift, 0, SIGNED)),
            (_, _) => (self.words(shape), -90_000..=90_000, clamped(shift, 0, SIGNED)),
        }
    }

    fn pool(&mut self, x: TensorId, y: TensorId, window: Window, pooling: Pooling, multiplier: i32) {
        let record = &self.builder.parts.tensors[usize::from(y)];
        let range = if record.dtype == Dtype::I8 { BYTE } else { SIGNED };
        let requantize = clamped(30, record.zero_point, range);
        let pooling = pooling.code();
        let operands = Operands::new(x, y);
        self.push(Operator::Pool(Pool { operands, window, requantize, multiplier, pooling, reserved: 0 }));
    }

    fn log_softmax(&mut self, x: TensorId) -> TensorId {
        let shape = self.builder.shape(x);
        let y = self.builder.parts.tensor(Dtype::I8, shape, 1.0 / 16.0, 127);
        let table = self.builder.exponentials();
        // A step is ln (65536 / 62000), and ln 2 / 2¹⁸ is so many of 1/16.
        self.push(Operator::LogSoftmax(LogSoftmax {
            operands: Operands::new(x, y),
            requantize: clamped(44, 127, BYTE),
            multiplier: 744_261_118,
            step: 20_983,
            table,
        }));
        y
    }

    /// The largest channel of each sample.
    fn argmax(&mut self, x: TensorId) -> TensorId {
        let index = self.words([1, SAMPLES, 1]);
        self.push(Operator::Argmax(Argmax { operands: Operands::new(x, index) }));
        self.indices = self.append(self.indices, index);
        index
    }

    fn concat(&mut self, a: TensorId, b: TensorId, y: TensorId, axis: u16) {
        self.push(Operator::Concat(Concat { operands: pair(a, b, y), axis, reserved: 0 }));
    }

    /// The window as int8.
    fn features(&mut self, x: TensorId, zero_point: i16, multipliers: [i32; 2], shift: u16) -> TensorId {
        let features = self.bytes([1, SAMPLES, CHANNELS], zero_point);
        let [a, b] = multipliers;
        self.push(Operator::QuantizeFeatures(QuantizeFeatures {
            operands: Operands::new(x, features),
            requantize: clamped(shift, zero_point, BYTE),
            multipliers: [a, b, 0, 0],
        }));
        features
    }

    // ---- The code ------------------------------------------------------------------------------------

    /// Makes a tensor part of the code.
    fn keep(&mut self, x: TensorId) {
        let record = self.builder.parts.tensors[usize::from(x)];
        if record.dtype == Dtype::I16 {
            self.wide = self.append(self.wide, x);
            return;
        }
        let meaning = (record.scale, record.zero_point);
        let bytes = if meaning == (1.0 / 64.0, CODE_ZERO) {
            x
        } else {
            let bytes = self.bytes(record.shape, CODE_ZERO);
            let table = self.builder.shuffled();
            self.push(Operator::Lut(Lut { operands: Operands::new(x, bytes), table }));
            bytes
        };
        self.code = self.append(self.code, bytes);
    }

    /// The numbers of 16 bits, as many at a time as a window has.
    fn keep_wide(&mut self) {
        let count = SAMPLES * CHANNELS;
        let wide = self.wide.expect("much was kept");
        let [_, _, len] = self.builder.shape(wide);
        for start in (0..len).step_by(count.into()) {
            // The last ones overlap those before.
            self.keep_window(wide, start.min(len - count), [1, count], 35);
        }
        let indices = self.indices.expect("two were kept");
        let [_, _, len] = self.builder.shape(indices);
        self.keep_window(indices, 0, [count / len, len], 26);
    }

    /// A window of the numbers from `start`, so many times over.
    fn keep_window(&mut self, all: TensorId, start: u16, [times, count]: [u16; 2], shift: u16) {
        let some = self.words([1, SAMPLES, CHANNELS]);
        self.push(Operator::Rearrange(Rearrange {
            operands: Operands::new(all, some),
            shape: [1, 1, times, count],
            strides: [0, 0, 0, 1],
            offset: start.into(),
        }));
        let bytes = self.features(some, CODE_ZERO, [1 << 30; 2], shift);
        self.keep(bytes);
    }

    /// All numbers of `x` behind those of `before`.
    fn append(&mut self, before: Option<TensorId>, x: TensorId) -> Option<TensorId> {
        let record = self.builder.parts.tensors[usize::from(x)];
        let len = record.shape.iter().product();
        let tensor =
            |net: &mut Self, len| net.builder.parts.tensor(record.dtype, [1, 1, len], record.scale, record.zero_point);
        let flat = if record.shape == [1, 1, len] {
            x
        } else {
            let flat = tensor(self, len);
            self.push(Operator::Rearrange(Rearrange::reshape(Operands::new(x, flat), record.shape)));
            flat
        };
        let Some(before) = before else { return Some(flat) };
        let longer = tensor(self, self.builder.shape(before)[2] + len);
        self.concat(before, flat, longer, 2);
        Some(longer)
    }

    fn bytes(&mut self, shape: [u16; 3], zero_point: i16) -> TensorId {
        self.builder.tensor_at(Dtype::I8, shape, zero_point)
    }

    fn words(&mut self, shape: [u16; 3]) -> TensorId {
        self.builder.parts.tensor(Dtype::I16, shape, 1.0, 0)
    }

    fn push(&mut self, operator: Operator) {
        self.builder.parts.push(operator);
    }
}

/// Two inputs and an output.
fn pair(a: TensorId, b: TensorId, output: TensorId) -> Operands {
    Operands { inputs: [a, b], ..Operands::new(a, output) }
}
