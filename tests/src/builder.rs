//! A package from tensors, operators and random weights.

use crate::SAMPLES;
use gimbal_core::format::{
    ALIGNMENT, Chart, Descriptor, Dtype, Field, FieldKind, Input, MAGIC, Network, PoseHead, Role, Tensor, TensorId,
    VERSION, checksum,
};
use gimbal_core::group::so3::GramSchmidt;
use gimbal_core::kernel::{Matrix, Operator};
use gimbal_core::plan::{Slot, assign};
use gimbal_core::quant::Requantize;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// Collects the parts of a package; lifetimes of tensors follow from their use.
pub struct Builder {
    rng: ChaCha8Rng,
    tensors: Vec<Tensor>,
    operators: Vec<Operator>,
    networks: Vec<Network>,
    blob: Vec<u8>,
}

/// A requantization with a clamp.
pub fn clamped(shift: u8, zero_point: i16, (min, max): (i16, i16)) -> Requantize {
    Requantize { shift, zero_point, min, max }
}

impl Builder {
    pub fn new(seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { rng, tensors: vec![], operators: vec![], networks: vec![], blob: vec![] }
    }

    pub fn tensor(&mut self, dtype: Dtype, shape: [u16; 3]) -> TensorId {
        self.tensor_at(dtype, shape, 0)
    }

    /// A tensor with a zero point.
    pub fn tensor_at(&mut self, dtype: Dtype, shape: [u16; 3], zero_point: i16) -> TensorId {
        let scale = 1.0 / 64.0;
        self.tensors.push(Tensor { dtype, shape, scale, zero_point, offset: 0, first: u16::MAX, last: 0 });
        (self.tensors.len() - 1) as TensorId
    }

    /// Random weights, biases of the range, and the same multiplier for every row.
    pub fn matrix(&mut self, rows: usize, columns: usize, biases: RangeInclusive<i32>, multiplier: i32) -> Matrix {
        let weights = self.blob.len() as u32;
        self.blob.extend((0..rows * columns).map(|_| self.rng.random_range(-127i8..=127) as u8));
        self.blob.resize(self.blob.len().next_multiple_of(ALIGNMENT), 0);
        let channels = self.blob.len() as u32;
        for _ in 0..rows {
            self.blob.extend(self.rng.random_range(biases.clone()).to_le_bytes());
            self.blob.extend(multiplier.to_le_bytes());
        }
        Matrix { weights, channels }
    }

    pub fn push(&mut self, operator: Operator) {
        let at = self.operators.len() as u16;
        for id in operator.operands().all() {
            self.live(id, at);
        }
        self.operators.push(operator);
    }

    /// Ends a network: its operators are those since the network before it.
    pub fn close(&mut self, role: Role, output: TensorId) {
        let before: u16 = self.networks.iter().map(|network| network.operators).sum();
        let operators = self.operators.len() as u16 - before;
        self.networks.push(Network { role, operators, output });
    }

    /// The tensor is written where the network of this position starts: ψ's vectors still live then.
    pub fn write_before_network(&mut self, id: TensorId, network: usize) {
        let at = self.networks[..network].iter().map(|network| network.operators).sum();
        self.live(id, at);
        self.live(self.networks[network - 1].output, at);
    }

    /// The tensor is a result and lives to the end.
    pub fn keep(&mut self, id: TensorId) {
        self.live(id, self.operators.len() as u16);
    }

    fn live(&mut self, id: TensorId, at: u16) {
        let tensor = &mut self.tensors[usize::from(id)];
        tensor.first = tensor.first.min(at);
        tensor.last = tensor.last.max(at);
    }

    /// Gives every tensor its place and returns the bytes of the arena.
    fn place(&mut self) -> u32 {
        let len = |tensor: &Tensor| tensor.len().expect("small shapes");
        let slot = |t: &Tensor| Slot { len: len(t), first: t.first, last: t.last, offset: None };
        let mut slots: Vec<Slot> = self.tensors.iter().map(slot).collect();
        let arena = assign(&mut slots);
        for (tensor, slot) in self.tensors.iter_mut().zip(slots) {
            tensor.offset = slot.offset.expect("all slots are placed");
        }
        arena
    }

    /// The finished package: SO(3) on an acceleration and an angular rate at 50 Hz, three classes.
    pub fn finish(mut self, vectors: TensorId, canonical: TensorId) -> Vec<u8> {
        let arena_len = self.place();
        let fields = [
            Field { name: "acceleration", unit: "g", per_count: 1.0 / 4096.0, kind: FieldKind::Vector },
            Field { name: "angular rate", unit: "rad/s", per_count: 0.001, kind: FieldKind::PseudoVector },
        ];
        let pose = PoseHead { chart: Chart::GramSchmidt(GramSchmidt { reference: 8000.0, minimum: 8.0 }), vectors };
        let descriptor = Descriptor {
            name: "synthetic",
            input: Input { rate_hz: 50.0, samples: SAMPLES, hop: 64, fields: fields.into_iter().collect() },
            pose: Some(pose),
            canonical,
            networks: self.networks.iter().copied().collect(),
            classes: "still\nswing\nshake",
            arena_len,
            tensors: &records(&self.tensors),
            operators: &records(&self.operators),
        };
        seal(&postcard::to_stdvec(&descriptor).expect("a vector grows"), &self.blob)
    }
}

fn records<T: serde::Serialize>(items: &[T]) -> Vec<u8> {
    items.iter().flat_map(|item| postcard::to_stdvec(item).expect("a vector grows")).collect()
}

/// Header, descriptor, padding, blob and checksum: for packages that are wrong in other ways than
/// being damaged.
#[must_use]
pub fn seal(descriptor: &[u8], blob: &[u8]) -> Vec<u8> {
    let padded = descriptor.len().next_multiple_of(ALIGNMENT);
    let mut package = MAGIC.to_vec();
    package.extend(VERSION.to_le_bytes());
    package.extend([0, 0]);
    package.extend((padded as u32).to_le_bytes());
    package.extend((blob.len() as u32).to_le_bytes());
    package.extend(descriptor);
    package.resize(package.len() + padded - descriptor.len(), 0);
    package.extend(blob);
    package.extend(checksum(&package).to_le_bytes());
    package
}
