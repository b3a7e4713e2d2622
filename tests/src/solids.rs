//! A package as the recipe `solids` gives it, with an order beside it and with random weights: ψ of three layers of
//! sixteen vectors behind the mean, its invariants, a trunk with the mean of all as context, and η.

use crate::builder::{Builder, clamped};
use crate::sets::{BYTE, SIGNED, SetBuilder};
use gimbal_core::format::{Dtype, FieldKind, NONE, Role, TensorId};
use gimbal_core::kernel::{Concat, InnerProduct, Operands, Operator, SetPooling, Window};
use gimbal_train::package::{Contract, ContractField};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers of a point.
pub const CHANNELS: u16 = 3;
/// Vectors of a point behind each layer of ψ.
const VECTORS: u16 = 16;

/// A package for sets of `least` to `most` points; the same seed gives the same weights, whatever these are.
///
/// # Panics
/// Where core refuses it.
#[must_use]
pub fn solid_package(seed: u64, least: u16, most: u16) -> Vec<u8> {
    let mut b = SetBuilder { builder: Builder::new(seed, contract(most)), most };
    b.builder.parts.least = Some(least.into());
    let [places, mean, canonical] = b.place(CHANNELS);
    let centred = b.add(places, mean, [1 << 14, -1 << 14], SIGNED);
    let mut vectors = b.rows(Dtype::I16, 3, VECTORS);
    // The mean of what is centred says nothing.
    b.pointwise(centred, vectors, 36);
    b.gate(vectors);
    for _ in 0..2 {
        let pooled = b.pool(vectors, SetPooling::Mean, (1 << 30, 30));
        vectors = b.layer(vectors, pooled, VECTORS, 38, SIGNED);
        b.gate(vectors);
    }
    let invariants = b.invariants(centred, vectors);
    b.turn(vectors);

    let mut x = b.features(canonical, Dtype::I8, CHANNELS, [1 << 28, 0, 0, 0]);
    for more in invariants {
        x = b.beside(x, more);
    }
    let y = b.rows(Dtype::I8, 1, 32);
    b.relu(x, y);
    let pooled = b.pool(y, SetPooling::Mean, (1 << 30, 30));
    let trunk = b.layer(y, pooled, 64, 38, (0, 127));
    let largest = b.pool(trunk, SetPooling::Max, (0, 1));
    let [dense, code] = [64, 16].map(|channels| b.builder.tensor(Dtype::I8, [1, 1, channels]));
    b.relu(largest, dense);
    b.pointwise(dense, code, 39);
    b.builder.parts.network(Role::Eta, code);
    let scores = b.scores(trunk);
    let order = b.order(scores, canonical);
    b.builder.parts.network(Role::Order, order);
    b.builder.parts.encode().expect("the parts fit together")
}

/// A set of so many points for it, longer along one axis than along the next and denser on one side, so that there is a
/// pose.
#[must_use]
pub fn solid_set(seed: u64, points: u16) -> Vec<i16> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut along = |reach: f32| (reach * rng.random_range(0.0f32..1.0).powi(3)) as i16;
    (0..points).flat_map(|_| [3000.0, 1800.0, 1000.0].map(&mut along)).collect()
}

fn contract(most: u16) -> Contract {
    let (kind, samples) = (FieldKind::Point, usize::from(most));
    let place = ContractField { name: "place".into(), unit: "1".into(), per_count: 0.001, kind, width: 3 };
    Contract { name: "solid".into(), rate_hz: 1.0, samples, hop: samples, fields: vec![place], classes: vec![] }
}

impl SetBuilder {
    /// The inner products of the places with the vectors, and the squares of these.
    fn invariants(&mut self, places: TensorId, vectors: TensorId) -> [TensorId; 2] {
        let copies = self.rows(Dtype::I16, 3, VECTORS);
        self.pointwise(places, copies, 36);
        [(copies, vectors), (vectors, NONE)].map(|(a, b)| {
            let y = self.rows(Dtype::I8, 1, VECTORS);
            let operands = Operands { inputs: [a, b], ..Operands::new(a, y) };
            let requantize = clamped(43, 0, BYTE);
            self.builder.parts.push(Operator::InnerProduct(InnerProduct { operands, requantize, multiplier: 1 << 30 }));
            y
        })
    }

    /// The numbers of each point of two tensors, one behind the other.
    fn beside(&mut self, a: TensorId, b: TensorId) -> TensorId {
        let [first, second] = [a, b].map(|id| self.builder.shape(id)[2]);
        let y = self.rows(Dtype::I8, 1, first + second);
        let operands = Operands { inputs: [a, b], ..Operands::new(a, y) };
        self.builder.parts.push(Operator::Concat(Concat { operands, axis: 2, reserved: 0 }));
        y
    }

    /// A linear map of which only what is positive stays.
    fn relu(&mut self, x: TensorId, y: TensorId) {
        self.builder.conv(x, y, Window::POINT, -3000..=3000, clamped(38, 0, (0, 127)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::{Model, Outcome, Session};
    use std::collections::BTreeSet;

    #[test]
    fn every_size_has_a_pose_and_numbers_that_are_alive() {
        let package = solid_package(1, 16, 256);
        let model = Model::from_bytes(&package).unwrap();
        let mut arena = vec![0; model.arena_len() / 4];
        let mut session = Session::new(model, &mut arena).unwrap();
        let mut codes = BTreeSet::new();
        for points in [16, 64, 256] {
            let set = solid_set(points.into(), points);
            let Outcome::Encoded(found) = session.run(&set).unwrap() else { panic!("{points} points have no pose") };
            let code = found.code.unwrap().values;
            let alive = code.iter().filter(|value| (-127..127).contains(*value) && **value != 0).count();
            assert!(alive >= 8, "{points} points: {code:?}");
            codes.insert(code.to_vec());
            let order = found.order().unwrap();
            assert!(!order.places.is_sorted() && order.gaps.iter().any(|&gap| gap > 0), "{points} points: {order:?}");
        }
        assert_eq!(codes.len(), 3);
    }
}
