//! Numbers, and waves over them: what a network reads that is to draw fine detail from few coordinates.
//!
//! Formula: `x ↦ (x, √2 cos(F x), √2 sin(F x))`, F fixed, its entries uniform with mean 0 and the standard deviation
//! `frequency`, radians per unit. These are random Fourier features (Rahimi and Recht, *Random Features for Large-Scale
//! Kernel Machines*, NeurIPS 2007; of coordinates Tancik et al. 2020, arXiv 2006.10739): products of two of them are waves
//! again, and so are the turns and shifts of a picture, where dense layers that read the coordinates alone are slow to
//! learn anything but what changes slowly.

use crate::recipe::class_pose::WavesSection;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;

/// See the module's formula.
#[derive(Module, Debug)]
pub struct Waves {
    /// Drawn so that one angle has unit variance where the inputs have; not trained.
    directions: Linear,
    #[module(skip)]
    frequency: f32,
}

impl Waves {
    /// Waves over `inputs` numbers.
    pub fn new(inputs: usize, section: &WavesSection, device: &Device) -> Self {
        let directions = LinearConfig::new(inputs, section.count).with_bias(false).init(device).no_grad();
        Self { directions, frequency: section.frequency * (inputs as f32).sqrt() }
    }

    /// How many numbers come out.
    pub fn width(&self) -> usize {
        let [inputs, count] = self.directions.weight.dims();
        inputs + 2 * count
    }

    /// # Shapes
    /// `[B, inputs]` → `[B, width]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let angles = self.directions.forward(x.clone()) * self.frequency;
        let amplitude = std::f32::consts::SQRT_2;
        Tensor::cat(vec![x, angles.clone().cos() * amplitude, angles.sin() * amplitude], 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{initialize, testing::*};

    /// The inner product of two points' waves, over their number, is a kernel: it depends on their difference alone. For
    /// frequencies that are uniform in ±a it is the product of `sin(a d) / (a d)` over the coordinates.
    #[test]
    fn the_inner_product_of_waves_depends_on_the_difference_alone() {
        const COUNT: usize = 4000;
        let device = device();
        let waves = initialize(Waves::new(2, &WavesSection { count: COUNT, frequency: 1.5 }, &device), 1);
        let kernel = |x: [f32; 2], y: [f32; 2]| {
            let both = waves.forward(Tensor::from_data([x, y], &device)).narrow(1, 2, 2 * COUNT);
            (both.clone().narrow(0, 0, 1) * both.narrow(0, 1, 1)).sum().into_scalar::<f32>() / (2 * COUNT) as f32
        };
        for difference in [[0.0, 0.0], [0.3, 0.0], [0.5, -0.8]] {
            let expected: f32 = difference
                .iter()
                .map(|d| 1.5 * 3.0f32.sqrt() * d)
                .map(|a| if a == 0.0 { 1.0 } else { a.sin() / a })
                .product();
            for at in [[0.0, 0.0], [2.0, -1.0]] {
                let found = kernel(at, [at[0] + difference[0], at[1] + difference[1]]);
                assert!((found - expected).abs() < LUCK, "{difference:?} at {at:?}: {found}, not {expected}");
            }
        }
    }

    /// How far a mean over 4,000 drawn waves may be off: more than four of its standard deviations.
    const LUCK: f32 = 0.05;

    /// Neither fresh ones nor those of a checkpoint.
    #[test]
    fn frequencies_are_not_trained() {
        let device = device().autodiff();
        let fresh = || Waves::new(3, &WavesSection { count: 8, frequency: 2.0 }, &device);
        let drawn = initialize(fresh(), 1);
        let loaded = fresh().try_load_record(drawn.clone().valid().into_record()).unwrap();
        for waves in [drawn, loaded] {
            let x = random(1, [2, 3], &device).require_grad();
            let gradients = waves.forward(x.clone()).square().sum().backward();
            assert!(x.grad(&gradients).is_some());
            assert!(waves.directions.weight.val().grad(&gradients).is_none());
        }
    }
}
