//! What the tests of several operators share.

use super::tile::Tiles;
use super::{Fault, Memory, Operands, Operator, Site, operands};
use crate::format::{Dtype, Field, FieldKind, Input, NONE, Tensor, TensorId};
use crate::kernel::Kernel;
use crate::quant::Requantize;
use proptest::prelude::*;

/// A tensor that is not part of any package.
pub(crate) fn tensor(dtype: Dtype, shape: [u16; 3]) -> Tensor {
    Tensor { dtype, shape, scale: 1.0, ..Tensor::ABSENT }
}

/// Elements for a tensor, the extremes of its type among them.
pub(crate) fn values(dtype: Dtype, tensor: &Tensor) -> impl Strategy<Value = Vec<i16>> + use<> {
    let (min, max) = (dtype.range().0 as i16, dtype.range().1 as i16);
    // The loader keeps sums in 32 bits by asking for small weights; here the input is kept small.
    let (low, high) = if dtype == Dtype::I16 { (min / 8, max / 8) } else { (min, max) };
    let element = prop_oneof![8 => low..=high, 1 => Just(low), 1 => Just(high)];
    prop::collection::vec(element, tensor.elements().unwrap() as usize)
}

/// Tensors and constants around one operator.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) blob: Vec<u8>,
}

impl Bench {
    /// Checks and runs the operator on its first input, or on the window if it has none.
    pub(crate) fn run(&self, operator: &Operator, input: &[i16]) -> Vec<i16> {
        self.run_on(operator, [input, &[]])
    }

    /// What the loader says of the operator.
    pub(crate) fn check(&self, operator: &Operator) -> Result<u32, Fault> {
        let [kind, body @ ..] = &operator.encode();
        (kernel(*kind).check)(body, &self.site(&operands(body), &self.blob(), &[]))
    }

    /// Checks and runs the operator; the output's memory is full of rubbish before.
    pub(crate) fn run_on(&self, operator: &Operator, inputs: [&[i16]; 2]) -> Vec<i16> {
        let output = self.run_wide(operator, inputs);
        output.into_iter().map(|y| y.try_into().unwrap()).collect()
    }

    /// The same with outputs that may have 32 bits.
    pub(crate) fn run_wide(&self, operator: &Operator, inputs: [&[i16]; 2]) -> Vec<i32> {
        let [kind, body @ ..] = &operator.encode();
        let (kernel, ids, blob) = (kernel(*kind), operands(body), self.blob());
        let site = self.site(&ids, &blob, if ids.inputs[0] == NONE { inputs[0] } else { &[] });
        (kernel.check)(body, &site).expect("the loader takes it");
        let of_input = |i: usize, tensor| if ids.inputs[i] == NONE { rubbish(tensor) } else { pack(tensor, inputs[i]) };
        let (mut input, mut other) = (of_input(0, site.input), of_input(1, site.other));
        let mut output = if site.in_place { std::mem::take(&mut input) } else { rubbish(site.output) };
        let memory = Memory { input: &mut input, other: &mut other, output: &mut output };
        (kernel.run)(body, &site, memory).unwrap();
        unpack(site.output, &output)
    }

    /// Where an operator with these operands stands.
    pub(crate) fn site<'s>(&'s self, ids: &Operands, blob: &'s [u32], window: &'s [i16]) -> Site<'s> {
        Site {
            input: self.tensor(ids.inputs[0]),
            other: self.tensor(if ids.inputs[1] == NONE { ids.scratch } else { ids.inputs[1] }),
            output: self.tensor(ids.output),
            in_place: ids.inputs[0] == ids.output,
            blob,
            contract: &CONTRACT,
            window,
        }
    }

    fn tensor(&self, id: TensorId) -> &Tensor {
        if id == NONE { &Tensor::ABSENT } else { &self.tensors[usize::from(id)] }
    }

    /// The blob as it stands in a package.
    fn blob(&self) -> Vec<u32> {
        let mut words = vec![0; self.blob.len().div_ceil(4)];
        bytemuck::cast_slice_mut(&mut words)[..self.blob.len()].copy_from_slice(&self.blob);
        words
    }
}

fn kernel(kind: u32) -> &'static Kernel {
    Kernel::ALL.iter().find(|kernel| kernel.kind == kind).unwrap()
}

/// Two vector fields.
pub(crate) const CONTRACT: Input<'static> = Input {
    rate_hz: 1.0,
    samples: 4,
    hop: 1,
    fields: &[Field { per_count: 1.0, kind: FieldKind::Vector, width: 3 }; 2],
};

fn rubbish(tensor: &Tensor) -> Vec<u32> {
    vec![0x5aa5_c33c; tensor.len().unwrap() as usize / 4]
}

fn pack(tensor: &Tensor, values: &[i16]) -> Vec<u32> {
    assert_eq!(tensor.elements().unwrap() as usize, values.len());
    let mut words = rubbish(tensor);
    match tensor.dtype {
        Dtype::I8 => fill(&mut words, values.iter().map(|&x| x as i8)),
        Dtype::I16 => fill(&mut words, values.iter().copied()),
        Dtype::I32 => fill(&mut words, values.iter().map(|&x| i32::from(x))),
    }
    words
}

fn fill<T: bytemuck::Pod>(words: &mut [u32], values: impl Iterator<Item = T>) {
    bytemuck::cast_slice_mut::<u32, T>(words).iter_mut().zip(values).for_each(|(to, from)| *to = from);
}

fn unpack(tensor: &Tensor, words: &[u32]) -> Vec<i32> {
    fn all<T: bytemuck::Pod + Into<i32>>(words: &[u32], count: usize) -> Vec<i32> {
        bytemuck::cast_slice::<u32, T>(words)[..count].iter().map(|&x| x.into()).collect()
    }
    let count = tensor.elements().unwrap() as usize;
    match tensor.dtype {
        Dtype::I8 => all::<i8>(words, count),
        Dtype::I16 => all::<i16>(words, count),
        Dtype::I32 => all::<i32>(words, count),
    }
}

impl Tiles {
    /// The matrix as an exporter writes it.
    pub(crate) fn pack(&self, weights: &[i8], biases: &[i32], multipliers: &[i32]) -> Vec<u8> {
        let mut bytes = vec![0; self.len()];
        for row in 0..self.rows {
            bytes[self.bias(row)..][..4].copy_from_slice(&biases[row].to_le_bytes());
            bytes[self.multiplier(row)..][..4].copy_from_slice(&multipliers[row].to_le_bytes());
            for column in 0..self.columns {
                bytes[self.weight(row, column)] = weights[row * self.columns + column] as u8;
            }
        }
        bytes
    }
}

/// The oracle's rounding: floor(sum · multiplier / 2^shift + 1/2), by division.
pub(crate) fn requantize(sum: i64, multiplier: i32, requantize: &Requantize) -> i16 {
    let exact = i128::from(sum) * i128::from(multiplier);
    let step = 1i128 << requantize.shift;
    let rounded = (2 * exact + step).div_euclid(2 * step) + i128::from(requantize.zero_point);
    rounded.clamp(requantize.min.into(), requantize.max.into()) as i16
}
