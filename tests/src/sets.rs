//! Packages of sets, small and made by hand: one of digits, and one of points with types, which finds where they are, how
//! they are turned and in which order they stand.

use crate::builder::{Builder, clamped};
use gimbal_core::format::{Chart, Dtype, FieldKind, NONE, PoseHead, Role, Tensor, TensorId};
use gimbal_core::kernel::{
    Argsort, BroadcastAdd, Concat, Gather, NormGate, Operands, Operator, OuterProduct, QuantizeFeatures,
    QuantizeVectors, Ranks, SetPool, SetPooling, Window,
};
use gimbal_train::package::{Contract, ContractField, Parts};

/// Numbers of a digit, one of which is one.
pub const DIGITS: u16 = 10;
/// Numbers of a point's type.
pub const TYPES: u16 = 4;

/// Of places and types as features: places are some hundred counts.
const COARSE: [i32; 4] = [1 << 28, 1 << 30, 0, 0];
pub(crate) const BYTE: (i16, i16) = (-128, 127);
pub(crate) const SIGNED: (i16, i16) = (-32767, 32767);

/// What a set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// Digits, in an order.
    Digits,
    /// Points with types, in a pose and in an order.
    Points,
    /// The same, and the code is the canonical points themselves in their order.
    Ordered,
}

impl SetKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Digits, Self::Points, Self::Ordered];

    /// Numbers of an element.
    #[must_use]
    pub const fn channels(self) -> u16 {
        match self {
            Self::Digits => DIGITS,
            Self::Points | Self::Ordered => 3 + TYPES,
        }
    }

    /// A package for sets of `least` to `most` elements; the same seed gives the same weights, whatever these are.
    ///
    /// # Panics
    /// Where core refuses it.
    #[must_use]
    pub fn package(self, seed: u64, least: u16, most: u16) -> Vec<u8> {
        self.parts(seed, least, most).encode().expect("the parts fit together")
    }

    /// What it is made of.
    #[must_use]
    pub fn parts(self, seed: u64, least: u16, most: u16) -> Parts {
        let field = |name: &str, kind, width| ContractField {
            name: name.into(),
            unit: "1".into(),
            per_count: 1.0,
            kind,
            width: usize::from(width),
        };
        let fields = match self {
            Self::Digits => vec![field("digit", FieldKind::Scalar, DIGITS)],
            _ => vec![field("place", FieldKind::Point, 3), field("type", FieldKind::Scalar, TYPES)],
        };
        let samples = usize::from(most);
        let contract = Contract { name: "set".into(), rate_hz: 1.0, samples, hop: samples, fields, classes: vec![] };
        let mut b = SetBuilder { builder: Builder::new(seed, contract), most };
        b.builder.parts.least = Some(least.into());
        let canonical = match self {
            Self::Digits => b.canonical(self.channels()),
            _ => b.pose(self.channels()),
        };
        let order = match self {
            Self::Points => {
                let features = b.features(canonical, Dtype::I8, self.channels(), COARSE);
                let trunk = b.trunk(features);
                b.code(trunk, 39);
                // Coarse, so that there are ties among different elements.
                let scores = b.scores(trunk);
                b.order(scores, canonical)
            }
            Self::Ordered => {
                let features = b.features(canonical, Dtype::I8, self.channels(), COARSE);
                let trunk = b.trunk(features);
                let scores = b.scores(trunk);
                let order = b.order(scores, canonical);
                b.gather(features, order);
                order
            }
            // A code and scores of 16 bits.
            Self::Digits => {
                let wide = b.features(canonical, Dtype::I16, self.channels(), [1 << 30; 4]);
                b.code(wide, 33);
                let scores = b.scores(wide);
                b.order(scores, canonical)
            }
        };
        b.builder.parts.network(Role::Order, order);
        b.builder.parts
    }
}

/// A package in the making, for sets of up to so many elements.
pub(crate) struct SetBuilder {
    pub(crate) builder: Builder,
    pub(crate) most: u16,
}

impl SetBuilder {
    /// A tensor of as many rows as there are elements.
    pub(crate) fn rows(&mut self, dtype: Dtype, planes: u16, channels: u16) -> TensorId {
        self.builder.parts.set_tensor(dtype, [planes, self.most, channels], 1.0 / 64.0, 0)
    }

    pub(crate) fn canonical(&mut self, channels: u16) -> TensorId {
        let canonical = self.rows(Dtype::I16, 1, channels);
        self.builder.parts.canonical(canonical);
        canonical
    }

    /// Elements as features, each field with a multiplier, of the caller's window or of the canonical one.
    pub(crate) fn features(&mut self, from: TensorId, dtype: Dtype, channels: u16, multipliers: [i32; 4]) -> TensorId {
        let features = self.rows(dtype, 1, channels);
        self.builder.parts.push(Operator::QuantizeFeatures(QuantizeFeatures {
            operands: Operands::new(from, features),
            multipliers,
            requantize: clamped(34, 0, BYTE),
        }));
        features
    }

    pub(crate) fn pointwise(&mut self, x: TensorId, y: TensorId, shift: u16) {
        let (biases, clamp) = match self.builder.parts.tensors[usize::from(y)].dtype {
            Dtype::I8 => (-3000..=3000, BYTE),
            _ => (0..=0, SIGNED),
        };
        self.builder.conv(x, y, Window::POINT, biases, clamped(shift, 0, clamp));
    }

    pub(crate) fn pool(&mut self, x: TensorId, pooling: SetPooling, (multiplier, shift): (i32, u16)) -> TensorId {
        let [planes, _, channels] = self.builder.shape(x);
        let of = self.builder.parts.tensors[usize::from(x)].dtype;
        let dtype = if pooling == SetPooling::Sum { Dtype::I32 } else { of };
        let y = self.builder.tensor(dtype, [planes, 1, channels]);
        let clamp = if dtype == Dtype::I8 { BYTE } else { SIGNED };
        self.builder.parts.push(Operator::SetPool(SetPool {
            operands: Operands::new(x, y),
            requantize: clamped(shift, 0, clamp),
            multiplier,
            pooling: pooling.code(),
            reserved: 0,
        }));
        y
    }

    pub(crate) fn add(&mut self, x: TensorId, u: TensorId, multipliers: [i32; 2], clamp: (i16, i16)) -> TensorId {
        let [planes, _, channels] = self.builder.shape(x);
        let dtype = self.builder.parts.tensors[usize::from(x)].dtype;
        let y = self.rows(dtype, planes, channels);
        let operands = Operands { inputs: [x, u], ..Operands::new(x, y) };
        let requantize = clamped(14, 0, clamp);
        self.builder.parts.push(Operator::BroadcastAdd(BroadcastAdd { operands, requantize, multipliers }));
        y
    }

    /// `y = W·x + U·pool(x)`.
    pub(crate) fn layer(
        &mut self,
        x: TensorId,
        pooled: TensorId,
        channels: u16,
        shift: u16,
        clamp: (i16, i16),
    ) -> TensorId {
        let [planes, ..] = self.builder.shape(x);
        let dtype = self.builder.parts.tensors[usize::from(x)].dtype;
        let y = self.rows(dtype, planes, channels);
        self.pointwise(x, y, shift);
        let u = self.builder.tensor(dtype, [planes, 1, channels]);
        self.pointwise(pooled, u, shift);
        self.add(y, u, [1 << 14; 2], clamp)
    }

    /// Where the points are: their places as vectors, the mean of these, and the canonical window.
    pub(crate) fn place(&mut self, channels: u16) -> [TensorId; 3] {
        let places = self.rows(Dtype::I16, 3, 1);
        self.builder.parts.push(Operator::QuantizeVectors(QuantizeVectors {
            operands: Operands::new(NONE, places),
            multipliers: [1 << 30, 0, 0, 0],
            requantize: clamped(30, 0, (i16::MIN, i16::MAX)),
        }));
        let mean = self.pool(places, SetPooling::Mean, (1 << 30, 30));
        self.head(Chart::Mean, mean, 1.0);
        [places, mean, self.canonical(channels)]
    }

    /// Vectors scaled by functions of their lengths, in place.
    pub(crate) fn gate(&mut self, vectors: TensorId) {
        let [_, _, channels] = self.builder.shape(vectors);
        let weights = self.builder.matrix(channels.into(), channels.into(), (1 << 18)..=(1 << 20), 1 << 30);
        let scratch = self.builder.tensor(Dtype::I16, [1, 2, channels.next_multiple_of(4)]);
        self.builder.parts.push(Operator::NormGate(NormGate {
            operands: Operands::new(vectors, vectors).with_scratch(scratch),
            weights,
            requantize: clamped(36, 0, (0, 32767)),
            gate_shift: 14,
            reserved: 0,
        }));
    }

    /// How the points are turned, from the sums of two vectors of each.
    pub(crate) fn turn(&mut self, vectors: TensorId) {
        let spanning = self.rows(Dtype::I16, 3, 2);
        self.pointwise(vectors, spanning, 37);
        let sums = self.pool(spanning, SetPooling::Sum, (0, 1));
        self.head(Chart::GramSchmidt, sums, 8.0);
    }

    /// Where the points are and how they are turned; returns the canonical window.
    fn pose(&mut self, channels: u16) -> TensorId {
        let [places, mean, canonical] = self.place(channels);
        let centred = self.add(places, mean, [1 << 14, -1 << 14], SIGNED);
        // Types alone: places would not be the same in another place.
        let features = self.features(NONE, Dtype::I8, channels, [0, 1 << 30, 0, 0]);
        let types = self.rows(Dtype::I8, 1, TYPES);
        self.pointwise(features, types, 36);
        let ranks = self.rows(Dtype::I8, 1, TYPES);
        self.builder.parts.push(Operator::Ranks(Ranks { operands: Operands::new(centred, ranks) }));
        let kinds = self.rows(Dtype::I8, 1, 2 * TYPES);
        let operands = Operands { inputs: [types, ranks], ..Operands::new(types, kinds) };
        self.builder.parts.push(Operator::Concat(Concat { operands, axis: 2, reserved: 0 }));
        let vectors = self.rows(Dtype::I16, 3, 2 * TYPES);
        let operands = Operands { inputs: [centred, kinds], ..Operands::new(centred, vectors) };
        let requantize = clamped(34, 0, SIGNED);
        self.builder.parts.push(Operator::OuterProduct(OuterProduct { operands, requantize, multiplier: 1 << 28 }));
        let pooled = self.pool(vectors, SetPooling::Mean, (1 << 30, 30));
        let mixed = self.layer(vectors, pooled, 6, 38, SIGNED);
        self.gate(mixed);
        self.turn(mixed);
        canonical
    }

    pub(crate) fn head(&mut self, chart: Chart, vectors: TensorId, minimum: f32) {
        self.builder.parts.network(Role::Psi, vectors);
        self.builder.parts.pose(PoseHead { reference: 8000.0, minimum, chart, vectors });
    }

    fn trunk(&mut self, features: TensorId) -> TensorId {
        let pooled = self.pool(features, SetPooling::Max, (0, 1));
        self.layer(features, pooled, 8, 37, (0, 127))
    }

    /// From the largest, the sum and the mean of every channel.
    fn code(&mut self, trunk: TensorId, shift: u16) {
        let Tensor { dtype, shape: [_, _, channels], .. } = self.builder.parts.tensors[usize::from(trunk)];
        let largest = self.pool(trunk, SetPooling::Max, (0, 1));
        let total = self.pool(trunk, SetPooling::Total, (1 << 27, 30));
        let mean = self.pool(trunk, SetPooling::Mean, (1 << 30, 29));
        let [both, all] = [2, 3].map(|times| self.builder.tensor(dtype, [1, 1, times * channels]));
        for (a, b, y) in [(largest, total, both), (both, mean, all)] {
            let operands = Operands { inputs: [a, b], ..Operands::new(a, y) };
            self.builder.parts.push(Operator::Concat(Concat { operands, axis: 2, reserved: 0 }));
        }
        let code = self.builder.tensor(dtype, [1, 1, 16]);
        self.pointwise(all, code, shift);
        self.builder.parts.network(Role::Eta, code);
    }

    pub(crate) fn scores(&mut self, x: TensorId) -> TensorId {
        let dtype = self.builder.parts.tensors[usize::from(x)].dtype;
        let scores = self.rows(dtype, 1, 1);
        self.pointwise(x, scores, 38);
        scores
    }

    /// Elements in their order as the code.
    fn gather(&mut self, x: TensorId, order: TensorId) {
        let Tensor { dtype, shape: [_, _, channels], .. } = self.builder.parts.tensors[usize::from(x)];
        let y = self.builder.tensor(dtype, [1, 1, self.most * channels]);
        let operands = Operands { inputs: [x, order], ..Operands::new(x, y) };
        self.builder.parts.push(Operator::Gather(Gather { operands }));
        self.builder.parts.network(Role::Eta, y);
    }

    pub(crate) fn order(&mut self, scores: TensorId, canonical: TensorId) -> TensorId {
        let order = self.builder.parts.set_tensor(Dtype::I16, [2, self.most, 1], 1.0, 0);
        let operands = Operands { inputs: [scores, canonical], ..Operands::new(scores, order) };
        self.builder.parts.push(Operator::Argsort(Argsort { operands }));
        order
    }
}
