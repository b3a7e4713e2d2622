//! Takes ψ out of a package, integers and all, for another package whose networks stand behind it.
//!
//! What ψ finds is then what it found there, bit for bit, and so are canonical windows: those that the other networks
//! learned from.

use crate::package::{Contract, Parts};
use gimbal_core::Model;
use gimbal_core::format::{Field, HEADER_LEN, NONE, Operator, PoseHead, Role, Tensor, TensorId};
use std::collections::BTreeMap;

/// Why a package's ψ cannot stand in front of other networks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpliceError {
    /// The package is invalid.
    #[error("The canonicalizer's package is invalid: {0}.")]
    Invalid(gimbal_core::Error),
    /// It takes windows as they are.
    #[error("The canonicalizer's package has no ψ, so there is no canonical pose.")]
    Still,
    /// It takes sets.
    #[error("The canonicalizer's package takes sets, and EquiVAE takes images and windows of one length.")]
    Sets,
    /// It takes other windows.
    #[error(
        "The canonicalizer's package takes {theirs} numbers a sample and {their_samples} samples, and the recipe's data have {ours} and {our_samples}."
    )]
    Shape {
        /// Numbers of a sample of the package.
        theirs: usize,
        /// Samples of a window of the package.
        their_samples: usize,
        /// Numbers of a sample of the data.
        ours: usize,
        /// Samples of a window of the data.
        our_samples: usize,
    },
    /// Its counts are worth something else.
    #[error("The canonicalizer's package takes counts of other units than the recipe's data have.")]
    Units,
}

/// The start of a package with this contract: ψ of another, and its canonical window, which is returned.
///
/// # Errors
/// See [`SpliceError`].
pub fn splice(package: &[u8], contract: Contract) -> Result<(Parts, TensorId), SpliceError> {
    let model = Model::from_bytes(package).map_err(SpliceError::Invalid)?;
    fits(&model, &contract)?;
    let heads = model.pose_heads();
    let before: usize = model.networks().iter().take(heads.len()).map(|network| usize::from(network.operators)).sum();
    let mut parts = Parts::new(contract);
    // ψ's constants come first, and keep their places.
    let behind = model.operators().skip(before).filter_map(|operator| constants(&operator)).min();
    let blob = blob(package, &model);
    parts.blob = blob.get(..behind.map_or(blob.len(), |end| end as usize)).unwrap_or(blob).to_vec();
    let mut copied = Copied { model: &model, ids: BTreeMap::new() };
    let mut operators = model.operators();
    let canonical = model.tensors().iter().position(|tensor| model.canonical() == Some(tensor)).unwrap_or(0);
    let canonical = copied.tensor(canonical as TensorId, &mut parts);
    for (step, (network, head)) in model.networks().iter().zip(heads).enumerate() {
        for operator in operators.by_ref().take(network.operators.into()) {
            let operator = copied.operator(&operator, &mut parts);
            parts.push_layer(&format!("ψ, {}", operator.name()), operator);
        }
        let vectors = copied.tensor(head.vectors, &mut parts);
        parts.network(Role::Psi, vectors);
        parts.pose(PoseHead { vectors, ..*head });
        if step == 0 {
            parts.canonical(canonical);
        }
    }
    Ok((parts, canonical))
}

fn fits(model: &Model<'_>, contract: &Contract) -> Result<(), SpliceError> {
    if model.pose_heads().is_empty() {
        return Err(SpliceError::Still);
    }
    if model.takes_sets() {
        return Err(SpliceError::Sets);
    }
    let (theirs, their_samples) = (model.input().channels(), usize::from(model.input().samples));
    let (ours, our_samples) = (contract.fields.iter().map(|field| field.width).sum(), contract.samples);
    if (theirs, their_samples) != (ours, our_samples) {
        return Err(SpliceError::Shape { theirs, their_samples, ours, our_samples });
    }
    let same = |(a, b): (&Field, &crate::package::ContractField)| (a.per_count, a.kind) == (b.per_count, b.kind);
    match model.input().fields.iter().zip(&contract.fields).all(same) {
        true => Ok(()),
        false => Err(SpliceError::Units),
    }
}

/// Tensors that were taken over, by what they were called.
struct Copied<'m> {
    model: &'m Model<'m>,
    ids: BTreeMap<TensorId, TensorId>,
}

impl Copied<'_> {
    fn tensor(&mut self, id: TensorId, parts: &mut Parts) -> TensorId {
        if id == NONE {
            return NONE;
        }
        *self.ids.entry(id).or_insert_with(|| {
            let Tensor { dtype, shape, scale, zero_point, .. } = *self.model.tensor(id).expect("the package is valid");
            parts.tensor(dtype, shape, scale, zero_point)
        })
    }

    /// Operands stand in two words behind the kind.
    fn operator(&mut self, operator: &Operator, parts: &mut Parts) -> Operator {
        let operands = operator.operands();
        let [a, b] = operands.inputs.map(|id| u32::from(self.tensor(id, parts)));
        let [output, scratch] = [operands.output, operands.scratch].map(|id| u32::from(self.tensor(id, parts)));
        let mut words = operator.encode();
        (words[1], words[2]) = (a | b << 16, output | scratch << 16);
        Operator::decode(&words).expect("only the operands are others")
    }
}

/// Where an operator's constants begin; those that come before the operators' belong to a chart of ψ's.
fn constants(operator: &Operator) -> Option<u32> {
    match operator {
        Operator::Conv(it) => Some(it.weights),
        Operator::NormGate(it) => Some(it.weights),
        Operator::Depthwise(it) => Some(it.weights),
        Operator::Lut(it) => Some(it.table),
        Operator::Lookup(it) => Some(it.table),
        Operator::Softmax(it) => Some(it.table),
        Operator::LogSoftmax(it) => Some(it.table),
        Operator::NearestCode(it) => Some(it.codes),
        _ => None,
    }
}

/// The constants of a package that is valid.
fn blob<'p>(package: &'p [u8], model: &Model<'_>) -> &'p [u8] {
    let word = |at: usize| package.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes);
    let (descriptor, body) = (word(8) as usize, word(12) as usize);
    let records = size_of_val(model.input().fields)
        + size_of_val(model.pose_heads())
        + size_of_val(model.networks())
        + size_of_val(model.tensors())
        + model.operators().count() * Operator::LEN;
    let start = HEADER_LEN + descriptor;
    package.get(start + records..start + body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{windows, wrist};
    use crate::evaluate::device::Device;
    use crate::evaluate::turn;
    use crate::package::ContractField;
    use gimbal_core::format::Dtype;
    use gimbal_core::kernel::{Operands, QuantizeFeatures};
    use gimbal_core::quant::Requantize;

    // Copies of these start at a multiple of four, as a package must.
    const WRIST: &[u8] = include_bytes!("../../../tests/data/wrist.gmbl");
    const DIGITS: &[u8] = include_bytes!("../../../tests/data/digits.gmbl");

    fn contract(package: &[u8]) -> Contract {
        let package = package.to_vec();
        let device = Device::new(&package).unwrap();
        let input = device.model().input();
        Contract {
            name: "spliced".into(),
            rate_hz: input.rate_hz,
            samples: input.samples.into(),
            hop: input.hop.into(),
            fields: ContractField::of(device.model()),
            classes: Vec::new(),
        }
    }

    /// ψ of the package and nothing but a code of zeros behind it.
    fn spliced(package: &[u8]) -> Vec<u8> {
        let aligned = package.to_vec();
        let (mut parts, canonical) = splice(&aligned, contract(package)).unwrap();
        let shape = parts.tensors[usize::from(canonical)].shape;
        let code = parts.tensor(Dtype::I8, shape, 1.0, 0);
        parts.push(Operator::QuantizeFeatures(QuantizeFeatures {
            operands: Operands::new(canonical, code),
            requantize: Requantize { shift: 31, zero_point: 0, min: 0, max: 0 },
            multipliers: [1; 4],
        }));
        parts.network(Role::Eta, code);
        parts.encode().unwrap()
    }

    #[test]
    fn poses_and_canonical_windows_are_those_of_the_package() {
        let set = wrist::load().unwrap();
        let turned = turn(&windows(&set, 128, 512, |subject| subject == 9), 3);
        let images = crate::data::grid::load("digits", std::path::Path::new("")).unwrap().counts;
        let wrist: Vec<Vec<i16>> = turned.into_iter().take(20).map(|turned| turned.window.counts).collect();
        for (package, windows) in [(WRIST, wrist), (DIGITS, images[..20].to_vec())] {
            let (package, spliced) = (package.to_vec(), spliced(package));
            assert!(spliced.len() < package.len());
            let [mut from, mut to] = [&package, &spliced].map(|bytes| Device::new(bytes).unwrap());
            for window in windows {
                let (a, b) = (from.read(&window).unwrap(), to.read(&window).unwrap());
                assert_eq!((a.pose, a.degenerate, a.canonical), (b.pose, b.degenerate, b.canonical));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let (aligned, short) = (WRIST.to_vec(), WRIST[..100].to_vec());
        let says = |change: fn(&mut Contract)| {
            let mut contract = contract(WRIST);
            change(&mut contract);
            splice(&aligned, contract).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(says(|_| ()), "");
        assert!(says(|contract| contract.samples = 64).contains("128 samples"));
        assert!(says(|contract| contract.fields[1].per_count *= 2.0).contains("other units"));
        assert!(splice(&short, contract(WRIST)).unwrap_err().to_string().contains("invalid"));
        let mut still = Parts::new(contract(WRIST));
        let canonical = still.tensor(Dtype::I16, [1, 128, 6], 1.0, 0);
        still.canonical(canonical);
        let code = still.tensor(Dtype::I8, [1, 128, 6], 1.0, 0);
        still.push(Operator::QuantizeFeatures(QuantizeFeatures {
            operands: Operands::new(canonical, code),
            requantize: Requantize { shift: 31, zero_point: 0, min: 0, max: 0 },
            multipliers: [1; 4],
        }));
        still.network(Role::Eta, code);
        assert_eq!(splice(&still.encode().unwrap(), contract(WRIST)).unwrap_err(), SpliceError::Still);
    }
}
