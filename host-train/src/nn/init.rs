//! First weights, from a seed.
//!
//! Formula: every weight is uniform in ±√(3 / fan-in), every bias zero, so that features keep
//! about the variance of their input; normalizations keep burn's ones and zeros.
//! burn's own initializers draw from one generator a process, in the order in which layers happen
//! to be used; this one depends on nothing but the seed and the order of the layers.

use burn::module::{ModuleMapper, Param};
use burn::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The module with fresh weights.
pub fn initialize<M: Module>(module: M, seed: u64) -> M {
    module.map(&mut Initialize { rng: ChaCha8Rng::seed_from_u64(seed), path: Vec::new() })
}

struct Initialize {
    rng: ChaCha8Rng,
    path: Vec<String>,
}

impl ModuleMapper for Initialize {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape: [usize; D] = param.lazy_shape().dims();
        let count = shape.iter().product();
        let numbers: Vec<f32> = match self.path.last().map(String::as_str) {
            Some("bias") => vec![0.0; count],
            Some("weight") => {
                // burn keeps dense weights as [in, out], convolutions as [out, in, K].
                let fan_in = match D {
                    2 => shape[0],
                    _ => shape[1..].iter().product(),
                };
                let limit = (3.0 / fan_in as f32).sqrt();
                let draw = |_| self.rng.random_range(-limit..limit);
                (0..count).map(draw).collect()
            }
            _ => return param,
        };
        let data = TensorData::new(numbers, shape);
        param.map(|old| {
            let trainable = old.is_require_grad();
            Tensor::from_data(data, &old.device()).set_require_grad(trainable)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{ConvBlock, testing::*};

    #[test]
    fn a_seed_decides_every_weight() {
        let device = device();
        let weights = |seed| {
            let block = initialize(ConvBlock::new(3, 5, 3, 1, &device), seed);
            block.conv.weight.val()
        };
        assert_eq!(difference(weights(7), weights(7)), 0.0);
        assert!(difference(weights(7), weights(8)) > 0.1);
    }

    #[test]
    fn weights_stay_trainable() {
        let device = device().autodiff();
        let block = initialize(ConvBlock::new(3, 5, 3, 1, &device), 1);
        assert!(block.conv.weight.val().is_require_grad());
    }
}
