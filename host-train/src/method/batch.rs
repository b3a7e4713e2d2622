//! Windows as the tensors that the networks take.

use crate::data::{CHANNELS, Dataset};
use crate::recipe::Recipe;
use burn::prelude::*;

/// Windows and their labels.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[B, 3, 2, T]`: x y z, then acceleration and angular rate, in network units.
    pub windows: Tensor<4>,
    /// `[B]`.
    pub labels: Tensor<1, Int>,
}

/// Network units a count of acceleration and of angular rate: what the input contract says.
pub fn units(recipe: &Recipe, dataset: &Dataset) -> [f32; 2] {
    std::array::from_fn(|i| dataset.units_per_count[i] / recipe.data.scale[i])
}

/// The windows as `[B, 3, 2, T]` in network units; each comes as `T × 6` counts.
pub fn tensor<W: AsRef<[i16]>>(windows: &[W], units: [f32; 2], device: &Device) -> Tensor<4> {
    let windows: Vec<&[i16]> = windows.iter().map(AsRef::as_ref).collect();
    planes(&windows, units, device)
}

/// As [`tensor`], of counts that are no longer whole.
pub fn tensor_of_floats(windows: &[Vec<f32>], units: [f32; 2], device: &Device) -> Tensor<4> {
    let windows: Vec<&[f32]> = windows.iter().map(Vec::as_slice).collect();
    planes(&windows, units, device)
}

fn planes<C: Copy + Into<f32>>(windows: &[&[C]], units: [f32; 2], device: &Device) -> Tensor<4> {
    let time = windows.first().map_or(0, |window| window.len() / CHANNELS);
    let size = CHANNELS * time;
    let mut numbers = vec![0.0; windows.len() * size];
    for (window, planes) in windows.iter().zip(numbers.chunks_mut(size.max(1))) {
        for (t, sample) in window.chunks_exact(CHANNELS).enumerate() {
            for (channel, &count) in sample.iter().enumerate() {
                planes[plane(channel) * time + t] = count.into() * units[channel / 3];
            }
        }
    }
    let shape = [windows.len(), 3, CHANNELS / 3, time];
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

/// Where a channel of a sample (acceleration x y z, rate x y z) lies among the planes of a vector
/// tensor (x of both sensors, y of both, z of both).
pub fn plane(channel: usize) -> usize {
    channel % 3 * (CHANNELS / 3) + channel / 3
}

/// Vectors back into the order of a sample: `[B, 3, 2, T]` → `[B, 6, T]`.
pub fn to_channels(vectors: Tensor<4>) -> Tensor<3> {
    let [b, xyz, sensors, t] = vectors.dims();
    vectors.swap_dims(1, 2).reshape([b, xyz * sensors, t])
}

/// The inverse of [`to_channels`]: `[B, 6, T]` → `[B, 3, 2, T]`.
pub fn to_vectors(channels: Tensor<3>) -> Tensor<4> {
    let [b, c, t] = channels.dims();
    channels.reshape([b, c / 3, 3, t]).swap_dims(1, 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;

    #[test]
    fn channels_keep_the_order_of_a_sample() {
        let device = device();
        let counts: Vec<i16> = (0..12).collect();
        let vectors = tensor(&[counts], [1.0, 10.0], &device);
        let channels = to_channels(vectors.clone());
        let expected =
            Tensor::<3>::from_data([[[0., 6.], [1., 7.], [2., 8.], [30., 90.], [40., 100.], [50., 110.]]], &device);
        assert_eq!(difference(channels.clone(), expected), 0.0);
        assert_eq!(difference(to_vectors(channels), vectors), 0.0);
    }
}
