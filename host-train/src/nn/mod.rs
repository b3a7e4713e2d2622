//! Layers, as burn modules. One file each, and the same sections: formula, shapes, tests.
//!
//! Letters in shapes: B windows, S sensors, C channels, T samples of time.
//! Features are `[T, B, C]` and vector features `[T, 3, B, C]`: everything that a rotation mixes
//! lies in one axis, and a layer that treats that axis alike is equivariant. Time comes first
//! because [`convolve()`] is then one matrix product; [`action`](act) alone takes windows as they
//! come, `[B, 3, S, T]`.

mod action;
mod batch_norm;
mod conv_block;
mod convolve;
mod decoder;
mod gram_schmidt;
pub mod grid;
mod grid_decoder;
pub mod image;
mod image_decoder;
mod init;
mod norm_gate;
mod plain_stack;
pub mod set;
mod soft_sort;
pub mod symmetry;
mod turning;
mod vector_conv;
mod waves;

pub use action::{act, act_inverse, mirror};
pub use batch_norm::batch_norm;
pub use conv_block::ConvBlock;
pub use convolve::convolve;
pub use decoder::Decoder;
pub use gram_schmidt::{gram_schmidt, hand};
pub use grid_decoder::GridDecoder;
pub use image_decoder::ImageDecoder;
pub use init::initialize;
pub use norm_gate::NormGate;
pub use plain_stack::PlainStack;
pub use soft_sort::{Sorted, soft_sort};
pub use symmetry::Symmetry;
pub use turning::TurningKernel;
pub use vector_conv::VectorConv;
pub use waves::Waves;

#[cfg(test)]
pub(crate) mod testing {
    use crate::data::rotation;
    use burn::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Largest absolute difference that f32 rounding may cause between two ways of computing
    /// features of order 1.
    pub const TOLERANCE: f32 = 2e-5;

    pub fn device() -> Device {
        crate::backend::device(crate::backend::NAMES[0]).unwrap()
    }

    /// Numbers in −1 to 1.
    pub fn random<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let data: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
        Tensor::from_data(TensorData::new(data, shape), device)
    }

    /// Uniform rotations `[B, 3, 3]`.
    pub fn rotations(seed: u64, count: usize, device: &Device) -> Tensor<3> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let data: Vec<f32> = (0..count).flat_map(|_| rotation::random(&mut rng).concat()).collect();
        Tensor::from_data(TensorData::new(data, [count, 3, 3]), device)
    }

    /// Turns vector features `[T, 3, B, C]`.
    pub fn turn(rotation: Tensor<3>, vectors: Tensor<4>) -> Tensor<4> {
        super::act(rotation, vectors.permute([2, 1, 3, 0])).permute([3, 1, 0, 2])
    }

    pub fn difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
        (a - b).abs().max().into_scalar::<f32>()
    }
}
