//! Packages out of layers of many shapes: what is fitted.
//!
//! Shapes are drawn at random, always the same ones, and every operator runs on each shape that it can
//! take. Neither a package that ships nor a layer of one is among them.

use super::super::package::{ZERO_POINT, shift};
use super::sets;
use crate::builder::{Builder, clamped};
use crate::grids::{Grid, grid_package, grid_windows};
use gimbal_core::format::{Chart, Dtype, FieldKind, NONE, PoseHead, Role, TensorId};
use gimbal_core::kernel::{
    Add, Argmax, Concat, CrossProduct, InnerProduct, L2Norm, LogSoftmax, Lookup, Lut, Mul, NearestCode, NormGate,
    Operands, Operator, Pool, Pooling, QuantizeFeatures, QuantizeVectors, Rearrange, Softmax, Window,
};
use gimbal_core::quant::Requantize;
use gimbal_train::package::{Contract, ContractField};
use rand::RngExt;
use std::ops::RangeInclusive;

/// Samples and fields of the windows, and whether there is a pose: one package each.
const WINDOWS: [(u16, u16, bool); 9] = [
    (24, 2, true),
    (40, 4, true),
    (64, 3, true),
    (100, 2, true),
    (150, 3, true),
    (256, 2, true),
    (33, 1, false),
    (128, 2, false),
    (200, 4, false),
];
/// A package has at most 256 operators and as many tensors; a round takes fewer than 96 of each.
pub(super) const FULL: usize = 256 - 96;
/// Multiplications of a layer: enough that the loops outweigh what is around them.
const MAX_MACS: u32 = 200_000;
pub(super) const BYTE: (i16, i16) = (-128, 127);
/// Symmetric.
pub(super) const SIGNED: (i16, i16) = (-32767, 32767);

/// Images, rings and signals, for the steps of theirs.
const GRIDS: [Grid; 12] = [
    image(&[Chart::Direction], 6),
    image(&[Chart::Direction], 14),
    image(&[Chart::Direction], 28),
    image(&[Chart::Centroid], 10),
    image(&[Chart::Centroid], 24),
    image(&[Chart::Centroid, Chart::Direction], 16),
    image(&[Chart::Argmax], 12),
    image(&[Chart::Argmax], 26),
    Grid { charts: &[Chart::Argmax], kind: FieldKind::Ring, rows: 20, columns: 6 },
    Grid { charts: &[Chart::Argmax], kind: FieldKind::Ring, rows: 90, columns: 10 },
    Grid { charts: &[Chart::Phase], kind: FieldKind::Scalar, rows: 60, columns: 1 },
    Grid { charts: &[Chart::Phase], kind: FieldKind::Scalar, rows: 256, columns: 1 },
];

const fn image(charts: &'static [Chart], side: u16) -> Grid {
    Grid { charts, kind: FieldKind::Row, rows: side, columns: side }
}

/// Packages, and a window for each.
#[must_use]
pub fn packages() -> Vec<(Vec<u8>, Vec<i16>)> {
    let grid = |(grid, seed)| (grid_package(seed, grid), grid_windows(seed, grid, 1).remove(0));
    let grids = GRIDS.into_iter().zip(0..).map(grid);
    let windows = WINDOWS.into_iter().zip(0..).map(|(window, seed)| package(window, seed));
    windows.chain(grids).chain(sets::packages()).collect()
}

fn package((samples, fields, pose): (u16, u16, bool), seed: u64) -> (Vec<u8>, Vec<i16>) {
    let builder = Builder::new(seed, contract(samples, fields));
    let mut layers = Layers { builder, window: [1, samples, 3 * fields], pushed: 0 };
    if pose {
        layers.psi(fields);
    }
    let canonical = layers.builder.tensor(Dtype::I16, layers.window);
    layers.builder.parts.canonical(canonical);
    let features = layers.bytes(layers.window);
    layers.push(Operator::QuantizeFeatures(QuantizeFeatures {
        operands: Operands::new(canonical, features),
        requantize: clamped(37, ZERO_POINT, BYTE),
        multipliers: [1 << 30; 4],
    }));
    while layers.builder.parts.tensors.len().max(layers.pushed) < FULL {
        layers.features(features);
        layers.words(canonical);
        layers.vectors(canonical);
    }
    let Layers { mut builder, .. } = layers;
    builder.parts.network(Role::Eta, features);
    let window = (0..samples * 3 * fields).map(|_| builder.rng.random_range(-8000..8000)).collect();
    (builder.parts.encode().expect("the layers fit together"), window)
}

fn contract(samples: u16, fields: u16) -> Contract {
    let field =
        ContractField { name: "field".into(), unit: "1".into(), per_count: 1.0, kind: FieldKind::Vector, width: 3 };
    Contract {
        name: "fit".into(),
        rate_hz: 50.0,
        samples: samples.into(),
        hop: samples.into(),
        fields: vec![field; fields.into()],
        classes: vec![],
    }
}

/// A package in the making.
pub(super) struct Layers {
    pub(super) builder: Builder,
    /// Shape of the window.
    pub(super) window: [u16; 3],
    /// Operators so far.
    pub(super) pushed: usize,
}

// ---- Families of layers ------------------------------------------------------------------------------

impl Layers {
    /// Two vectors, of whatever direction.
    fn psi(&mut self, fields: u16) {
        let [_, samples, _] = self.window;
        let input = self.builder.tensor(Dtype::I16, [3, samples, fields]);
        self.push(Operator::QuantizeVectors(QuantizeVectors {
            operands: Operands::new(NONE, input),
            multipliers: [1 << 30; 4],
            requantize: clamped(30, 0, SIGNED),
        }));
        let two = self.builder.tensor(Dtype::I16, [3, samples, 2]);
        self.conv(input, two, Window::POINT, 1);
        let vectors = self.builder.tensor(Dtype::I32, [3, 1, 2]);
        self.pool(two, vectors, Window::across(samples, 1, 1, 0), Pooling::Sum);
        self.builder.parts.network(Role::Psi, vectors);
        self.builder.parts.pose(PoseHead { reference: 8000.0, minimum: 1.0, chart: Chart::GramSchmidt, vectors });
    }

    /// What works on int8.
    fn features(&mut self, source: TensorId) {
        let shape = self.shape(2048);
        let x = self.spread(source, shape, 0);
        let beside = self.beside(source, shape);
        for _ in 0..4 {
            self.random_conv(x);
        }
        for _ in 0..2 {
            self.random_depthwise(x);
        }
        self.pools(x);
        self.elementwise(x, beside);
        self.moves(x);
        self.rows(x);
        let codes = self.number(1..=8);
        let constants: Vec<u8> =
            (0..usize::from(codes) * elements(shape)).map(|_| self.builder.rng.random_range(-60i8..60) as u8).collect();
        let codes_at = self.builder.constants(&constants);
        let near = self.bytes([1, 1, codes]);
        self.push(Operator::NearestCode(NearestCode {
            operands: Operands::new(x, near),
            requantize: clamped(40, ZERO_POINT, BYTE),
            multiplier: 1 << 30,
            codes: codes_at,
        }));
        let y = self.bytes(shape);
        for input in [x, y] {
            // The loader wants constants for each operator.
            let table = self.builder.shuffled();
            self.push(Operator::Lut(Lut { operands: Operands::new(input, y), table }));
        }
    }

    /// What works on features of 16 bits.
    fn words(&mut self, source: TensorId) {
        let shape = self.shape(1024);
        let x = self.spread(source, shape, 0);
        let beside = self.beside(source, shape);
        self.random_conv(x);
        self.random_conv(x);
        self.random_depthwise(x);
        self.pools(x);
        self.elementwise(x, beside);
        self.moves(x);
        self.argmax(x);
    }

    /// What works on vectors.
    fn vectors(&mut self, source: TensorId) {
        let [length, channels] = [self.number(2..=64), self.number(1..=20)];
        let shape = [3, length, channels];
        let (x, other) = (self.spread(source, shape, 0), self.spread(source, shape, 7));
        self.random_conv(x);
        self.random_conv(x);
        let pair = |output| Operands { inputs: [x, other], ..Operands::new(x, output) };
        let crossed = self.builder.tensor(Dtype::I16, shape);
        self.push(Operator::CrossProduct(CrossProduct {
            operands: pair(crossed),
            multiplier: 3 << 28,
            shift: 40,
            reserved: 0,
        }));
        for dtype in [Dtype::I8, Dtype::I16] {
            let products = self.builder.tensor(dtype, [1, length, channels]);
            let squares = self.builder.tensor(dtype, [1, length, channels]);
            for operands in [pair(products), Operands::new(x, squares)] {
                let requantize = clamped(44, 0, self.range(dtype));
                self.push(Operator::InnerProduct(InnerProduct { operands, requantize, multiplier: 3 << 28 }));
            }
        }
        let sum = self.builder.tensor(Dtype::I32, [3, 1, channels]);
        self.pool(x, sum, Window::across(length, 1, 1, 0), Pooling::Sum);
        self.moves(sum);
        // Changes its input, and so comes last.
        let size = usize::from(channels);
        let weights = self.builder.matrix(size, size, (1 << 18)..=(1 << 20), 1 << 30);
        let scratch = self.builder.tensor(Dtype::I16, [1, 2, channels.next_multiple_of(4)]);
        self.push(Operator::NormGate(NormGate {
            operands: Operands::new(x, x).with_scratch(scratch),
            weights,
            requantize: clamped(36, 0, (0, 32767)),
            gate_shift: 14,
            reserved: 0,
        }));
    }

    fn pools(&mut self, x: TensorId) {
        let dtype = self.dtype(x);
        for pooling in [Pooling::Max, Pooling::Max, Pooling::Mean, Pooling::Sum] {
            let mut window = self.window(x);
            if pooling != Pooling::Max {
                (window.padding, window.circular) = ([0; 2], 0);
            }
            let shape = self.output(x, &window);
            let y =
                if pooling == Pooling::Sum { self.builder.tensor(Dtype::I32, shape) } else { self.like(dtype, shape) };
            self.pool(x, y, window, pooling);
            if pooling == Pooling::Sum && dtype == Dtype::I16 {
                self.moves(y);
            }
        }
        // Of all points.
        let [height, width, channels] = self.builder.shape(x);
        let y = self.like(dtype, [1, 1, channels]);
        let pooling = if self.one_in(2) { Pooling::Max } else { Pooling::Mean };
        self.pool(x, y, Window { size: [height, width], ..Window::POINT }, pooling);
    }

    fn elementwise(&mut self, x: TensorId, beside: TensorId) {
        let (dtype, shape) = (self.dtype(x), self.builder.shape(x));
        let (sum, product) = (self.like(dtype, shape), self.like(dtype, shape));
        let operands = |output| Operands { inputs: [x, beside], ..Operands::new(x, output) };
        let range = self.range(dtype);
        let ([add, mul], zero) = if dtype == Dtype::I8 { ([19, 36], ZERO_POINT) } else { ([20, 42], 0) };
        self.push(Operator::Add(Add {
            operands: operands(sum),
            requantize: clamped(add, zero, range),
            multipliers: [3 << 17, -(3 << 16)],
        }));
        self.push(Operator::Mul(Mul {
            operands: operands(product),
            requantize: clamped(mul, zero, range),
            multiplier: 3 << 28,
        }));
    }

    /// To other places.
    fn moves(&mut self, x: TensorId) {
        let (dtype, shape) = (self.dtype(x), self.builder.shape(x));
        let axes = [[0, 2, 1], [2, 0, 1], [1, 0, 2], [2, 1, 0]][usize::from(self.number(1..=4)) - 1];
        let y = self.like(dtype, axes.map(|axis| shape[axis]));
        self.push(Operator::Rearrange(Rearrange::transpose(Operands::new(x, y), shape, axes)));
        let y = self.like(dtype, [1, 1, shape.iter().product()]);
        self.push(Operator::Rearrange(Rearrange::reshape(Operands::new(x, y), shape)));
        let half = shape.map(|size| size.div_ceil(2));
        let y = self.like(dtype, half);
        let steps = [[1, 2, 1], [-1, 1, 1], [1, 1, 2], [1, -1, 1]][usize::from(self.number(1..=4)) - 1];
        let start = [0, 1, 2].map(|axis| if steps[axis] < 0 { shape[axis] - 1 } else { 0 });
        self.push(Operator::Rearrange(Rearrange::slice(Operands::new(x, y), shape, start, steps, half)));
        let axis = self.number(1..=3) - 1;
        let mut longer = shape;
        longer[usize::from(axis)] += half[usize::from(axis)];
        let mut shorter = shape;
        shorter[usize::from(axis)] = half[usize::from(axis)];
        let part = self.like(dtype, shorter);
        self.push(Operator::Rearrange(Rearrange::slice(Operands::new(x, part), shape, [0; 3], [1; 3], shorter)));
        let y = self.like(dtype, longer);
        let operands = Operands { inputs: [x, part], ..Operands::new(x, y) };
        self.push(Operator::Concat(Concat { operands, axis, reserved: 0 }));
    }

    /// What works on rows of channels.
    fn rows(&mut self, x: TensorId) {
        let shape = self.builder.shape(x);
        let [table, other] = [0; 2].map(|_| self.builder.exponentials());
        let y = self.builder.parts.tensor(Dtype::I8, shape, 1.0 / 256.0, -128);
        self.push(Operator::Softmax(Softmax { operands: Operands::new(x, y), table }));
        let y = self.builder.tensor_at(Dtype::I8, shape, 127);
        self.push(Operator::LogSoftmax(LogSoftmax {
            operands: Operands::new(x, y),
            requantize: clamped(44, 127, BYTE),
            multiplier: 744_261_118,
            step: 20_983,
            table: other,
        }));
        let y = self.builder.parts.tensor(Dtype::I8, shape, 1.0 / 128.0, 0);
        self.push(Operator::L2Norm(L2Norm { operands: Operands::new(x, y) }));
        let index = self.argmax(x);
        let [height, width, channels] = shape;
        // Two sizes tell what a row takes from what an element does.
        for size in [3, 40] {
            let y = self.bytes([height, width, size]);
            let table = self.builder.constants(&vec![7; usize::from(channels) * usize::from(size)]);
            let operands = Operands::new(index, y);
            self.push(Operator::Lookup(Lookup { operands, table, rows: channels, reserved: 0 }));
        }
    }

    fn argmax(&mut self, x: TensorId) -> TensorId {
        let [height, width, _] = self.builder.shape(x);
        let y = self.builder.parts.tensor(Dtype::I16, [height, width, 1], 1.0, 0);
        self.push(Operator::Argmax(Argmax { operands: Operands::new(x, y) }));
        y
    }
}

// ---- Windows -----------------------------------------------------------------------------------------

impl Layers {
    /// Dense, pointwise, or under any window.
    pub(super) fn random_conv(&mut self, x: TensorId) {
        let [height, width, channels] = self.builder.shape(x);
        let vectors = height == 3 && self.dtype(x) == Dtype::I16;
        let window = match self.number(1..=6) {
            1 if !vectors && elements([height, width, channels]) <= 1024 => {
                Window { size: [height, width], ..Window::POINT }
            }
            2 => Window::POINT,
            _ => self.window(x),
        };
        let [rows, across, _] = self.output(x, &window);
        let columns = window.size[0] * window.size[1] * channels;
        let most = MAX_MACS / (u32::from(rows) * u32::from(across) * u32::from(columns));
        let outputs = self.number(1..=most.clamp(1, 64) as u16);
        let grouped = channels.is_multiple_of(2) && self.one_in(4);
        let (groups, outputs) = if grouped { (2, outputs.next_multiple_of(2)) } else { (1, outputs) };
        let y = self.like(self.dtype(x), [rows, across, outputs]);
        self.conv(x, y, window, groups);
    }

    pub(super) fn conv(&mut self, x: TensorId, y: TensorId, window: Window, groups: u16) {
        let shift = shift(&window, self.builder.shape(x)[2] / groups);
        let (biases, requantize) = self.sums(x, y, shift);
        self.builder.group_conv(x, y, window, groups, biases, requantize);
        self.pushed += 1;
    }

    fn random_depthwise(&mut self, x: TensorId) {
        let window = self.window(x);
        let y = self.like(self.dtype(x), self.output(x, &window));
        let (biases, requantize) = self.sums(x, y, shift(&window, 1));
        self.builder.depthwise(x, y, window, biases, requantize);
        self.pushed += 1;
    }

    /// Biases and how sums are brought back; vectors have none.
    fn sums(&self, x: TensorId, y: TensorId, shift: u16) -> (RangeInclusive<i32>, Requantize) {
        let dtype = self.dtype(x);
        let zero = self.builder.parts.tensors[usize::from(y)].zero_point;
        let biases = if dtype == Dtype::I8 { -3000..=3000 } else { 0..=0 };
        (biases, clamped(shift, zero, self.range(dtype)))
    }

    pub(super) fn pool(&mut self, x: TensorId, y: TensorId, window: Window, pooling: Pooling) {
        let zero = self.builder.parts.tensors[usize::from(y)].zero_point;
        let taps = i32::from(window.size[0]) * i32::from(window.size[1]);
        self.push(Operator::Pool(Pool {
            operands: Operands::new(x, y),
            window,
            requantize: clamped(30, zero, self.range(self.dtype(x))),
            multiplier: (1 << 30) / taps,
            pooling: pooling.code(),
            reserved: 0,
        }));
    }

    /// Any window that fits.
    fn window(&mut self, x: TensorId) -> Window {
        let [height, width, _] = self.builder.shape(x);
        let mut window = Window::POINT;
        for (axis, inputs) in [height, width].into_iter().enumerate() {
            // Vectors have three planes, which no window mixes; others are as good an image.
            if axis == 0 && (height == 1 || height == 3) {
                continue;
            }
            let size = self.number(1..=inputs.min(5));
            let dilation = if size > 1 && (size - 1) * 2 < inputs && self.one_in(4) { 2 } else { 1 };
            let reach = (size - 1) * dilation;
            window.size[axis] = size;
            window.dilation[axis] = dilation;
            window.stride[axis] = self.number(1..=3);
            window.padding[axis] = if self.one_in(2) { reach / 2 } else { 0 };
            if window.padding[axis] > 0 && self.one_in(5) {
                window.circular |= 1 << axis;
            }
        }
        window
    }

    /// What a window makes of a tensor.
    fn output(&self, x: TensorId, window: &Window) -> [u16; 3] {
        let [height, width, channels] = self.builder.shape(x);
        let along = |axis: usize, inputs: u16| {
            let reach = (window.size[axis] - 1) * window.dilation[axis];
            (inputs + 2 * window.padding[axis] - reach - 1) / window.stride[axis] + 1
        };
        [along(0, height), along(1, width), channels]
    }
}

// ---- Tensors and numbers -----------------------------------------------------------------------------

impl Layers {
    /// Over time or an image, of so many elements at most.
    fn shape(&mut self, most: u16) -> [u16; 3] {
        let channels = self.number(1..=64);
        let points = most / channels;
        if self.one_in(2) {
            return [1, self.number(1..=points.min(128)), channels];
        }
        let height = self.number(2..=points.clamp(2, 14));
        [height, self.number(1..=(points / height).clamp(1, 14)), channels]
    }

    /// Numbers for a layer, out of a tensor of fewer: those of neighbouring points overlap.
    pub(super) fn spread(&mut self, from: TensorId, shape: [u16; 3], offset: i32) -> TensorId {
        let have = elements(self.window) as i32;
        let [height, width, channels] = shape.map(i32::from);
        let room = have - channels - offset;
        let across = (room / 2 / width).min(17);
        let down = (room / 2 / height).min(53);
        let output = self.like(self.dtype(from), shape);
        self.push(Operator::Rearrange(Rearrange {
            operands: Operands::new(from, output),
            shape: [1, shape[0], shape[1], shape[2]],
            strides: [0, down, across, 1],
            offset,
        }));
        output
    }

    /// A second input, as large or one to be repeated.
    fn beside(&mut self, from: TensorId, [height, width, channels]: [u16; 3]) -> TensorId {
        let shape = match self.number(1..=3) {
            1 => [1, 1, channels],
            2 => [1, width, channels],
            _ => [height, width, channels],
        };
        self.spread(from, shape, 1)
    }

    pub(super) fn like(&mut self, dtype: Dtype, shape: [u16; 3]) -> TensorId {
        if dtype == Dtype::I8 { self.bytes(shape) } else { self.builder.tensor(dtype, shape) }
    }

    pub(super) fn bytes(&mut self, shape: [u16; 3]) -> TensorId {
        self.builder.tensor_at(Dtype::I8, shape, ZERO_POINT)
    }

    pub(super) fn dtype(&self, x: TensorId) -> Dtype {
        self.builder.parts.tensors[usize::from(x)].dtype
    }

    pub(super) fn range(&self, dtype: Dtype) -> (i16, i16) {
        if dtype == Dtype::I8 { BYTE } else { SIGNED }
    }

    pub(super) fn push(&mut self, operator: Operator) {
        self.builder.parts.push(operator);
        self.pushed += 1;
    }

    /// As likely between 4 and 8 as between 32 and 64.
    pub(super) fn number(&mut self, range: RangeInclusive<u16>) -> u16 {
        let (least, most) = (f64::from(*range.start()), f64::from(*range.end()) + 1.0);
        let number = (self.builder.rng.random_range(least.ln()..most.ln())).exp();
        (number as u16).clamp(*range.start(), *range.end())
    }

    pub(super) fn one_in(&mut self, many: u16) -> bool {
        self.builder.rng.random_range(0..many) == 0
    }
}

fn elements(shape: [u16; 3]) -> usize {
    shape.iter().map(|&size| usize::from(size)).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::kernel::Kernel;
    use gimbal_core::{Model, Outcome, Session};
    use std::collections::BTreeSet;

    #[test]
    fn every_operator_is_there_and_every_window_has_a_pose() {
        let mut kinds = BTreeSet::new();
        for (package, window) in packages() {
            let model = Model::from_bytes(&package).unwrap();
            kinds.extend(model.operators().map(|operator| operator.name()));
            let mut arena = vec![0; model.arena_len() / 4];
            let mut session = Session::new(model, &mut arena).unwrap();
            assert!(matches!(session.run(&window), Ok(Outcome::Encoded(_))));
        }
        assert_eq!(kinds.len(), Kernel::ALL.len(), "{kinds:?}");
    }
}
