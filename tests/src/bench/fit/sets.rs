//! Packages of sets out of layers of many shapes: the operators that only sets have, and the step between their networks.
//!
//! All sets of a package have one size, so that elements may be made out of fewer numbers, as in the other packages. An
//! order makes sets of them, which every operator's step pays for.

use super::super::package::ZERO_POINT;
use super::package::{BYTE, FULL, Layers, SIGNED};
use crate::builder::{Builder, clamped};
use gimbal_core::format::{Chart, Dtype, FieldKind, NONE, PoseHead, Role, TensorId};
use gimbal_core::kernel::{
    Argsort, BroadcastAdd, Gather, InnerProduct, Operands, Operator, OuterProduct, Pooling, QuantizeFeatures,
    QuantizeVectors, Ranks, SetPool, SetPooling, Window,
};
use gimbal_train::package::{Contract, ContractField};
use rand::RngExt;

/// Elements of a package's sets, numbers beside a point, and whether the points turn.
const SETS: [(u16, u16, bool); 5] = [(12, 5, true), (20, 4, false), (60, 0, true), (100, 4, true), (220, 1, true)];
/// Elements of a tensor: enough that the loops outweigh what is around them.
const MOST: u16 = 2048;
/// The most elements that are ranked: each is compared with each.
const RANKED: u16 = 128;

/// Packages, and a set for each.
pub(super) fn packages() -> impl Iterator<Item = (Vec<u8>, Vec<i16>)> {
    SETS.into_iter().zip(100..).map(|(set, seed)| package(set, seed))
}

fn package((elements, numbers, turns): (u16, u16, bool), seed: u64) -> (Vec<u8>, Vec<i16>) {
    let builder = Builder::new(seed, contract(elements, numbers));
    let mut layers = Layers { builder, window: [1, elements, 3 + numbers], pushed: 0 };
    let canonical = layers.points(turns);
    let features = layers.bytes(layers.window);
    layers.push(Operator::QuantizeFeatures(QuantizeFeatures {
        operands: Operands::new(canonical, features),
        requantize: clamped(37, ZERO_POINT, BYTE),
        multipliers: [1 << 30; 4],
    }));
    while layers.builder.parts.tensors.len().max(layers.pushed) < FULL {
        layers.elements(features);
        layers.elements(canonical);
        layers.places(canonical, features);
        layers.orders([features, canonical], canonical);
    }
    layers.builder.parts.network(Role::Eta, features);
    let scores = layers.scores(features);
    let order = layers.order(scores, canonical);
    let Layers { mut builder, .. } = layers;
    builder.parts.network(Role::Order, order);
    let set = (0..elements * (3 + numbers)).map(|_| builder.rng.random_range(-8000..8000)).collect();
    (builder.parts.encode().expect("the layers fit together"), set)
}

fn contract(elements: u16, numbers: u16) -> Contract {
    let field = |name: &str, kind, width: u16| ContractField {
        name: name.into(),
        unit: "1".into(),
        per_count: 1.0,
        kind,
        width: width.into(),
    };
    let mut fields = vec![field("place", FieldKind::Point, 3)];
    fields.extend((numbers > 0).then(|| field("type", FieldKind::Scalar, numbers)));
    let samples = elements.into();
    Contract { name: "fit".into(), rate_hz: 50.0, samples, hop: samples, fields, classes: vec![] }
}

impl Layers {
    /// Where the points are, and how they are turned if they are: two vectors of whatever direction.
    fn points(&mut self, turns: bool) -> TensorId {
        let [_, elements, _] = self.window;
        let places = self.builder.tensor(Dtype::I16, [3, elements, 1]);
        self.push(Operator::QuantizeVectors(QuantizeVectors {
            operands: Operands::new(NONE, places),
            multipliers: [1 << 30; 4],
            requantize: clamped(30, 0, SIGNED),
        }));
        let mean = self.set_pool(places, SetPooling::Mean);
        self.head(Chart::Mean, mean);
        let canonical = self.builder.tensor(Dtype::I16, self.window);
        self.builder.parts.canonical(canonical);
        if turns {
            let two = self.builder.tensor(Dtype::I16, [3, elements, 2]);
            self.conv(places, two, Window::POINT, 1);
            let sums = self.set_pool(two, SetPooling::Sum);
            self.head(Chart::GramSchmidt, sums);
        }
        canonical
    }

    fn head(&mut self, chart: Chart, vectors: TensorId) {
        self.builder.parts.network(Role::Psi, vectors);
        self.builder.parts.pose(PoseHead { reference: 8000.0, minimum: 1.0, chart, vectors });
    }

    /// What works on the numbers of each element, and of all.
    fn elements(&mut self, source: TensorId) {
        let [_, elements, _] = self.window;
        let words = self.dtype(source) == Dtype::I16;
        let planes = if words && self.one_in(2) { 3 } else { 1 };
        let channels = self.number(1..=(MOST / elements / planes).clamp(1, 48));
        let x = self.spread(source, [planes, elements, channels], 0);
        for pooling in [SetPooling::Max, SetPooling::Mean, SetPooling::Total, SetPooling::Sum] {
            self.set_pool(x, pooling);
        }
        let u = self.spread(source, [planes, 1, channels], 1);
        let y = self.like(self.dtype(x), [planes, elements, channels]);
        let (shift, zero) = if words { (20, 0) } else { (19, ZERO_POINT) };
        self.push(Operator::BroadcastAdd(BroadcastAdd {
            operands: Operands { inputs: [x, u], ..Operands::new(x, y) },
            requantize: clamped(shift, zero, self.range(self.dtype(x))),
            multipliers: [3 << 17, -(3 << 16)],
        }));
        // Others, as steps of sets.
        for inputs in [x, u] {
            let [planes, length, _] = self.builder.shape(inputs);
            let outputs = self.number(1..=64);
            let y = self.like(self.dtype(x), [planes, length, outputs]);
            self.conv(inputs, y, Window::POINT, 1);
        }
    }

    /// What works on the places of the elements.
    fn places(&mut self, canonical: TensorId, features: TensorId) {
        let [_, elements, _] = self.window;
        let v = self.spread(canonical, [3, elements, 1], 0);
        for source in [features, canonical] {
            let channels = self.number(1..=(MOST / elements / 3).clamp(1, 32));
            let numbers = self.spread(source, [1, elements, channels], 0);
            let products = self.builder.tensor(Dtype::I16, [3, elements, channels]);
            let operands = Operands { inputs: [v, numbers], ..Operands::new(v, products) };
            let requantize = clamped(34, 0, SIGNED);
            self.push(Operator::OuterProduct(OuterProduct { operands, requantize, multiplier: 1 << 28 }));
            let squares = self.bytes([1, elements, channels]);
            self.push(Operator::InnerProduct(InnerProduct {
                operands: Operands::new(products, squares),
                requantize: clamped(44, ZERO_POINT, BYTE),
                multiplier: 3 << 28,
            }));
        }
        if elements <= RANKED {
            let count = self.number(1..=16);
            let ranks = self.builder.tensor(Dtype::I8, [1, elements, count]);
            self.push(Operator::Ranks(Ranks { operands: Operands::new(v, ranks) }));
        }
    }

    /// Orders by scores of every type, and elements in them.
    fn orders(&mut self, sources: [TensorId; 2], canonical: TensorId) {
        for source in sources {
            let scores = self.scores(source);
            let order = self.order(scores, canonical);
            let [_, elements, channels] = self.builder.shape(source);
            let y = self.like(self.dtype(source), [1, 1, elements * channels]);
            let operands = Operands { inputs: [source, order], ..Operands::new(source, y) };
            self.push(Operator::Gather(Gather { operands }));
            // As wide as sums are.
            let wide = self.builder.tensor(Dtype::I32, self.builder.shape(scores));
            self.pool(scores, wide, Window::POINT, Pooling::Sum);
            self.order(wide, canonical);
        }
    }

    fn scores(&mut self, source: TensorId) -> TensorId {
        let [_, elements, _] = self.window;
        let offset = self.number(1..=elements.min(8)).into();
        self.spread(source, [1, elements, 1], offset)
    }

    fn order(&mut self, scores: TensorId, canonical: TensorId) -> TensorId {
        let [_, elements, _] = self.window;
        let order = self.builder.parts.tensor(Dtype::I16, [2, elements, 1], 1.0, 0);
        let operands = Operands { inputs: [scores, canonical], ..Operands::new(scores, order) };
        self.push(Operator::Argsort(Argsort { operands }));
        order
    }

    fn set_pool(&mut self, x: TensorId, pooling: SetPooling) -> TensorId {
        let (dtype, [planes, elements, channels]) = (self.dtype(x), self.builder.shape(x));
        let shape = [planes, 1, channels];
        let y =
            if pooling == SetPooling::Sum { self.builder.tensor(Dtype::I32, shape) } else { self.like(dtype, shape) };
        let zero = self.builder.parts.tensors[usize::from(y)].zero_point;
        let multiplier = if pooling == SetPooling::Total { (1 << 30) / i32::from(elements) } else { 1 << 30 };
        self.push(Operator::SetPool(SetPool {
            operands: Operands::new(x, y),
            requantize: clamped(30, zero, self.range(dtype)),
            multiplier,
            pooling: pooling.code(),
            reserved: 0,
        }));
        y
    }
}
