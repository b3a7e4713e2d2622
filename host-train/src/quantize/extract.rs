//! Folds a trained model's normalizations into the layers beside them.

use super::network::{Convolution, GatedConvolution, Linear, Network, Psi};
use crate::method::Model;
use crate::nn::NormGate;
use crate::recipe::Pooling;
use burn::nn::conv::Conv1d;
use burn::nn::{BatchNorm, Linear as Dense};
use burn::prelude::*;

/// The plain network of a trained model in its inference form.
pub fn extract(model: &Model) -> Network {
    let eta: Vec<Convolution> = model.eta.iter().map(|block| normalized(&block.conv, &block.norm)).collect();
    let channels = eta.last().map_or(0, |layer| layer.linear.rows());
    let code = dense(&model.code);
    Network {
        psi: model.psi.as_ref().map(|psi| Psi {
            layers: psi
                .convolutions
                .iter()
                .zip(&psi.gates)
                .map(|(convolution, gate)| GatedConvolution {
                    convolution: plain(&convolution.conv),
                    gate: gate_of(gate),
                })
                .collect(),
            head: plain(&psi.head.conv).linear,
            known: psi.known,
            mirrored: psi.mirrored,
            upright: psi.upright,
        }),
        code: match model.pooling {
            Pooling::Mean => code,
            Pooling::Flatten => time_major(code, channels),
        },
        eta,
        pooling: model.pooling,
        classifier: model.class_head.as_ref().map(|head| (model.class_from, dense(head))),
    }
}

/// A convolution without bias or normalization; weights come as `[outputs, inputs / groups, kernel]`.
fn plain(conv: &Conv1d) -> Convolution {
    let weight = conv.weight.val();
    let [outputs, _, kernel] = weight.dims();
    let linear = Linear { weights: numbers(weight.swap_dims(1, 2)), bias: vec![0.0; outputs] };
    Convolution { linear, kernel, stride: conv.stride, groups: conv.groups }
}

/// A convolution and the normalization behind it: `γ (w·x − μ) / σ + β`.
fn normalized(conv: &Conv1d, norm: &BatchNorm) -> Convolution {
    let mut convolution = plain(conv);
    let (factors, offsets) = affine(norm);
    let columns = convolution.linear.columns();
    for (row, factor) in convolution.linear.weights.chunks_mut(columns).zip(&factors) {
        row.iter_mut().for_each(|w| *w *= factor);
    }
    convolution.linear.bias = offsets;
    convolution
}

/// The normalization in front of a 1 × 1 convolution: `W (γ (n − μ) / σ + β) + bias`.
fn gated(norm: &BatchNorm, weight: &Tensor<3>, bias: Option<Vec<f32>>) -> Linear {
    let (factors, offsets) = affine(norm);
    let mut weights = numbers(weight.clone());
    let mut bias = bias.unwrap_or_else(|| vec![0.0; weights.len() / factors.len()]);
    for (row, bias) in weights.chunks_mut(factors.len()).zip(&mut bias) {
        for ((w, factor), offset) in row.iter_mut().zip(&factors).zip(&offsets) {
            *bias += *w * offset;
            *w *= factor;
        }
    }
    Linear { weights, bias }
}

/// A gate's linear map from the vectors' lengths, up to the clamp.
pub(super) fn gate_of(gate: &NormGate) -> Linear {
    let bias = gate.mix.bias.as_ref().map(|bias| numbers(bias.val()));
    hard_sigmoid(gated(&gate.norm, &gate.mix.weight.val(), bias))
}

/// `l ↦ l / 6 + 1/2`, which a clamp to 0 … 1 makes the hard sigmoid.
fn hard_sigmoid(mut gate: Linear) -> Linear {
    gate.weights.iter_mut().for_each(|w| *w /= 6.0);
    gate.bias.iter_mut().for_each(|b| *b = *b / 6.0 + 0.5);
    gate
}

/// A normalization at inference: `x ↦ factor · x + offset`.
pub(super) fn affine(norm: &BatchNorm) -> (Vec<f32>, Vec<f32>) {
    let gamma = numbers(norm.gamma.val());
    let beta = numbers(norm.beta.val());
    let mean = numbers(norm.running_mean.value());
    let variance = numbers(norm.running_var.value());
    let factors: Vec<f32> = gamma.iter().zip(variance).map(|(g, v)| g / (v + norm.epsilon as f32).sqrt()).collect();
    let offsets = beta.iter().zip(mean).zip(&factors).map(|((b, m), f)| b - m * f).collect();
    (factors, offsets)
}

/// burn keeps dense weights as `[inputs, outputs]`.
pub(super) fn dense(layer: &Dense) -> Linear {
    let weight = layer.weight.val();
    let [_, outputs] = weight.dims();
    let bias = layer.bias.as_ref().map_or_else(|| vec![0.0; outputs], |bias| numbers(bias.val()));
    Linear { weights: numbers(weight.swap_dims(0, 1)), bias }
}

/// burn flattens features channel by channel, the device sample by sample.
fn time_major(linear: Linear, channels: usize) -> Linear {
    let columns = linear.columns();
    let time = columns / channels;
    let rows = linear.weights.chunks(columns);
    let weights = rows.flat_map(|row| (0..columns).map(|i| row[i % channels * time + i / channels])).collect();
    Linear { weights, bias: linear.bias }
}

pub(super) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("the networks compute in f32")
}
