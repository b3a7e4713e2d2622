//! burn's batch normalization on rows of channels.
//!
//! Formula, training: `y = γ · (x − mean) / √(var + ε) + β` with the batch's own mean and (biased)
//! variance over the rows; inference: with the running ones.
//!
//! Parameters, running statistics and results are burn's; only the order of the arithmetic is
//! ours: burn's training path transposes the rows, this one does not. What it gains, together with
//! the convolution, stands in [`convolve`](super::convolve()).

use burn::nn::BatchNorm;
use burn::prelude::*;

/// # Shapes
/// `[N, C]` → `[N, C]`.
pub fn batch_norm(norm: &BatchNorm, x: Tensor<2>) -> Tensor<2> {
    if !(x.device().is_autodiff() && norm.training.is_enabled()) {
        return norm.forward(x);
    }
    let mean = x.clone().mean_dim(0);
    let centred = x - mean.clone();
    let variance = centred.clone().square().mean_dim(0);
    for (running, batch) in [(&norm.running_mean, &mean), (&norm.running_var, &variance)] {
        let old = running.value_sync().mul_scalar(1.0 - norm.momentum);
        let new = batch.clone().detach().squeeze_dim::<1>(0).mul_scalar(norm.momentum);
        running.update((old + new).detach());
    }
    let scale = norm.gamma.val().unsqueeze::<2>() / variance.add_scalar(norm.epsilon).sqrt();
    centred * scale + norm.beta.val().unsqueeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;
    use burn::nn::BatchNormConfig;

    #[test]
    fn it_is_the_normalization_of_burn_gradients_and_statistics_included() {
        let device = device().autodiff();
        let outcome = |own: bool| {
            let norm = BatchNormConfig::new(5).init(&device);
            let mut gradients = Vec::new();
            for step in 0..3 {
                let x = random(step, [40, 5], &device).mul_scalar(3.0).require_grad();
                let y = if own { batch_norm(&norm, x.clone()) } else { norm.forward(x.clone()) };
                let loss = (y * random(9, [40, 5], &device)).square().sum();
                gradients.push(x.grad(&loss.backward()).unwrap());
            }
            let norm = norm.valid();
            (Tensor::cat(gradients, 0), norm.running_mean.value(), norm.running_var.value())
        };
        let (own, burn) = (outcome(true), outcome(false));
        assert!(difference(own.0, burn.0) < TOLERANCE);
        assert!(difference(own.1, burn.1) < TOLERANCE);
        assert!(difference(own.2, burn.2) < TOLERANCE);
    }
}
