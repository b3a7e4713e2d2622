//! A package taken apart, to be put together again with something changed.

use bytemuck::must_cast_slice;
use gimbal_core::Model;
use gimbal_core::format::{Descriptor, Field, HEADER_LEN, Network, Operator, PoseHead, Tensor};
use gimbal_train::package::assemble;

/// The parts of a package.
#[derive(Clone, Debug)]
pub struct Loose {
    /// Its texts stand in [`texts`](Self::texts), and its numbers of records follow from the records.
    pub descriptor: Descriptor<'static>,
    /// Lines for people.
    pub texts: Vec<u8>,
    /// The input contract's fields.
    pub fields: Vec<Field>,
    /// The pose heads.
    pub poses: Vec<PoseHead>,
    /// In the order in which they run.
    pub networks: Vec<Network>,
    /// All tensors. [`assemble`](Self::assemble) sets their bytes where their shape has changed.
    pub tensors: Vec<Tensor>,
    /// In the order in which they run.
    pub operators: Vec<Operator>,
    /// Operators behind the others that are none.
    pub unknown: Vec<[u32; Operator::LEN / 4]>,
    /// Weights, biases and multipliers.
    pub blob: Vec<u8>,
}

impl Loose {
    /// Takes a valid package apart.
    ///
    /// # Panics
    /// Where the package is not valid.
    #[must_use]
    pub fn of(package: &[u8]) -> Self {
        let model = Model::from_bytes(package).expect("a valid package");
        let length = |at: usize| u32::from_le_bytes(package[at..at + 4].try_into().unwrap()) as usize;
        let body = &package[HEADER_LEN + length(8)..][..length(12)];
        let (descriptor, _) = postcard::take_from_bytes::<Descriptor<'_>>(&package[HEADER_LEN..]).unwrap();
        let mut loose = Self {
            texts: descriptor.texts.to_vec(),
            descriptor: Descriptor { texts: &[], ..descriptor },
            fields: model.input().fields.to_vec(),
            poses: model.pose_heads().to_vec(),
            networks: model.networks().to_vec(),
            tensors: model.tensors().to_vec(),
            operators: model.operators().collect(),
            unknown: Vec::new(),
            blob: Vec::new(),
        };
        loose.blob = body[loose.records().len()..].to_vec();
        loose
    }

    /// Puts the package together, whether it is valid or not; the checksum is right.
    #[must_use]
    pub fn assemble(&self) -> Vec<u8> {
        assemble(&self.described(), &self.records(), &self.blob)
    }

    /// The descriptor of these parts.
    #[must_use]
    pub fn described(&self) -> Descriptor<'_> {
        Descriptor {
            texts: &self.texts,
            fields: self.fields.len() as u16,
            poses: self.poses.len() as u16,
            networks: self.networks.len() as u16,
            tensors: self.tensors.len() as u16,
            operators: (self.operators.len() + self.unknown.len()) as u16,
            ..self.descriptor
        }
    }

    /// The records' bytes.
    #[must_use]
    pub fn records(&self) -> Vec<u8> {
        let fit = |tensor: &Tensor| Tensor { bytes: tensor.len().unwrap_or(tensor.bytes), ..*tensor };
        let tensors: Vec<_> = self.tensors.iter().map(fit).collect();
        let operators: Vec<_> = self.operators.iter().map(Operator::encode).collect();
        [
            must_cast_slice(&self.fields),
            must_cast_slice(&self.poses),
            must_cast_slice(&self.networks),
            must_cast_slice(&tensors),
            must_cast_slice(&operators),
            must_cast_slice(&self.unknown),
        ]
        .concat()
    }
}
