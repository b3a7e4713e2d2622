//! Temporal convolution as one matrix product.
//!
//! Formula: `y[t, n, o] = Σ_c Σ_k w[o, c, k] · x[t·stride + k − ⌊K/2⌋, n, c]`, zero outside.
//!
//! With time first and channels last, neighbouring instants are whole blocks of memory. Grouping
//! time by the stride turns the convolution into one of stride 1 with few taps, whose inputs lie
//! side by side after a few block copies. An epoch of the shipped recipe was about 1.4 times as fast
//! as with burn's own convolution and normalization, measured coarsely on two noisy cores.

use burn::prelude::*;

/// # Shapes
/// `x` `[T, N, C_in]`, `weight` `[C_out, C_in, K]` with K odd → `[⌈T / stride⌉, N, C_out]`.
pub fn convolve(x: Tensor<3>, weight: Tensor<3>, stride: usize) -> Tensor<3> {
    let [time, n, inputs] = x.dims();
    let [outputs, _, kernel] = weight.dims();
    let length = (time - 1) / stride + 1;
    let reach = kernel / 2;
    // Whole strides of zeros in front; what that is more than `reach`, the kernel gets as zeros.
    let front = reach.next_multiple_of(stride);
    let shift = front - reach;
    let taps = (shift + kernel).div_ceil(stride);
    let padded = (length - 1 + taps) * stride;

    let x = pad(x, 0, front, padded.saturating_sub(front + time));
    let x = x.narrow(0, 0, padded).reshape([padded / stride, stride, n, inputs]);
    let x = x.swap_dims(1, 2).reshape([padded / stride, n, stride * inputs]);
    let columns = Tensor::cat((0..taps).map(|tap| x.clone().narrow(0, tap, length)).collect(), 2);

    let weight = pad(weight, 2, shift, taps * stride - shift - kernel);
    let weight = weight.permute([2, 1, 0]).reshape([taps * stride * inputs, outputs]);
    columns.reshape([length * n, taps * stride * inputs]).matmul(weight).reshape([length, n, outputs])
}

/// Zeros before and after, along one axis.
fn pad(x: Tensor<3>, axis: usize, before: usize, after: usize) -> Tensor<3> {
    let device = x.device();
    let zeros = |count| {
        let mut shape = x.dims();
        shape[axis] = count;
        (count > 0).then(|| Tensor::zeros(shape, &device))
    };
    let parts: Vec<_> = [zeros(before), Some(x.clone()), zeros(after)].into_iter().flatten().collect();
    match parts.len() {
        1 => x,
        _ => Tensor::cat(parts, axis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;
    use burn::tensor::module::conv1d;
    use burn::tensor::ops::ConvOptions;

    #[test]
    fn it_is_the_convolution_of_burn() {
        let device = device();
        for (time, kernel, stride) in
            [(16, 1, 1), (16, 3, 1), (16, 5, 2), (17, 5, 2), (16, 7, 2), (33, 3, 2), (20, 7, 3), (19, 1, 4), (5, 3, 4)]
        {
            let x = random(1, [time, 4, 3], &device);
            let weight = random(2, [6, 3, kernel], &device);
            let options = ConvOptions::new([stride], [kernel / 2], [1], 1);
            let expected = conv1d(x.clone().permute([1, 2, 0]), weight.clone(), None, options).permute([2, 0, 1]);
            let got = convolve(x, weight, stride);
            assert_eq!(got.dims(), expected.dims(), "{time} {kernel} {stride}");
            assert!(difference(got, expected) < TOLERANCE, "{time} {kernel} {stride}");
        }
    }
}
