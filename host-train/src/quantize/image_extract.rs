//! Folds a trained network of class and pose into plain layers: normalizations into the weights before them.

use super::extract::{affine, dense, numbers};
use super::image_stack::{ImageNetwork, Part};
use super::network::Linear;
use super::stack::{Step, StepKind};
use crate::method::ClassPoseModel;
use crate::nn::image::ImageConv;
use gimbal_core::kernel::Window;

/// The plain network of a trained model in its inference form; `None` for a baseline, which has one latent vector.
pub fn extract_image(model: &ClassPoseModel, input: [usize; 3]) -> Option<ImageNetwork> {
    let code = model.code.as_ref().map(dense)?;
    let mut parts = Vec::new();
    let mut map = input;
    for stage in &model.encoder.stages {
        let halve = convolution(&stage.halve, map, true);
        map = halve.output;
        parts.push(Part::Plain(halve));
        for block in &stage.blocks {
            parts.push(Part::Around([convolution(&block.first, map, true), convolution(&block.second, map, false)]));
        }
    }
    // Maps are flattened place by place on the device too.
    let linear = dense(&model.encoder.dense);
    let [rows, columns, _] = map;
    let window = Window { size: [rows, columns].map(|size| size as u16), ..Window::POINT };
    let output = [1, 1, linear.rows()];
    parts.push(Part::Plain(Step { kind: StepKind::Convolve { linear, window, relu: true }, output }));
    Some(ImageNetwork { input, parts, pose: dense(&model.pose), code })
}

/// A convolution and the normalization behind it: `γ (w·x − μ) / σ + β`.
fn convolution(conv: &ImageConv, [rows, columns, inputs]: [usize; 3], relu: bool) -> Step {
    let (factors, bias) = affine(&conv.norm);
    let [down, across] = conv.size;
    // From `[taps · inputs, outputs]`, taps in blocks of strides, to `[outputs, down, across, inputs]`.
    let given = numbers(conv.kernel.weight.val());
    let (outputs, taps) = (factors.len(), down * across);
    let mut weights = vec![0.0; given.len()];
    for tap in 0..taps {
        let [row, column] = conv.tap(tap);
        for input in 0..inputs {
            for (output, factor) in factors.iter().enumerate() {
                let to = ((output * down + row) * across + column) * inputs + input;
                weights[to] = factor * given[(tap * inputs + input) * outputs + output];
            }
        }
    }
    let small = |sizes: [usize; 2]| sizes.map(|size| size as u16);
    let window =
        Window { size: small(conv.size), stride: small(conv.stride), padding: small(conv.padding), ..Window::POINT };
    let output = [rows / conv.stride[0], columns / conv.stride[1], outputs];
    Step { kind: StepKind::Convolve { linear: Linear { weights, bias }, window, relu }, output }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::paired::Paired;
    use crate::nn::testing::device;
    use crate::recipe::class_pose::ClassPoseRecipe;

    /// Of numbers of order one behind a few layers, in f32.
    const TOLERANCE: f32 = 1e-4;

    /// The plain network says what burn's says, of plain encoders and of those with ways around, of images with channels
    /// and of signals.
    #[test]
    fn the_plain_network_is_the_trained_one() {
        let device = device();
        let mut recipe = ClassPoseRecipe::load("class-pose-sprites").unwrap();
        (recipe.triples.train, recipe.triples.test, recipe.triples.size) = (64, 32, 16);
        (recipe.triples.source, recipe.encoder.channels) = ("multi-sprites".into(), vec![5, 6]);
        for blocks in [0, 2] {
            recipe.encoder.blocks = blocks;
            let mut paired = Paired::new(&recipe).unwrap();
            for shape in [paired.shape, [1, paired.pixels() / 6, 6]] {
                paired.shape = shape;
                let model = ClassPoseModel::new(&recipe, &paired, &device).unwrap();
                let network = extract_image(&model, shape).unwrap();
                let unit = 1.0 / recipe.triples.scale;
                let said = model.infer(&paired.before[..3], &paired, unit, &device);
                for (sample, point) in paired.before.iter().zip(said) {
                    let sample: Vec<f32> = sample.iter().map(|&count| f32::from(count) * unit).collect();
                    let found = network.run(&sample, &mut |_, _, _| ());
                    let length = found.code.iter().map(|x| x * x).sum::<f32>().sqrt();
                    let code: Vec<f32> = found.code.iter().map(|x| x / length).collect();
                    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < TOLERANCE);
                    assert!(near(&code, &point.code) && near(&found.pose, &point.elements[0]), "{blocks} {shape:?}");
                }
            }
        }
    }
}
