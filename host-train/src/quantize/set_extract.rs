//! Folds a trained model of sets into plain layers: normalizations into the layers beside them.

use super::extract::{affine, dense, gate_of, numbers};
use super::network::Linear;
use super::set_stack::{SetNetwork, SetPsiStack, SetStep, VectorStep};
use crate::method::{SetModel, SetPsi};
use crate::nn::set::{DenseLayer, SetLayer};
use crate::nn::{NormGate, VectorConv};

/// The plain networks of a trained model in its inference form.
pub fn extract_set(model: &SetModel) -> SetNetwork {
    SetNetwork {
        channels: model.channels,
        points: model.points,
        psi: model.psi.as_ref().map(|psi| self::psi(psi, model)),
        trunk: model.trunk.iter().map(trunk).collect(),
        pooling: model.pooling,
        eta: model.eta.iter().map(behind).collect(),
        code: dense(&model.code),
        score: model.score.as_ref().map(dense),
        classifier: model.class_head.as_ref().map(dense),
    }
}

fn psi(psi: &SetPsi, model: &SetModel) -> SetPsiStack {
    let layers = psi.layers.iter().map(|layer| VectorStep {
        own: vectors(&layer.own),
        context: layer.context.as_ref().map(vectors),
        gate: gate_of(&layer.gate),
    });
    let mut stack = SetPsiStack {
        ranks: model.ranked,
        invariants: model.invariants,
        layers: layers.collect(),
        head: vectors(&psi.head),
    };
    // What the trunk reads of the last layer stays as it is.
    let balanced = if stack.invariants { psi.layers.len() - 1 } else { psi.layers.len() };
    for (i, layer) in psi.layers.iter().take(balanced).enumerate() {
        balance(&mut stack, i, &usual_lengths(&layer.gate));
    }
    stack
}

/// The mean of each channel's lengths and one standard deviation more.
fn usual_lengths(gate: &NormGate) -> Vec<f32> {
    let [means, variances] = [&gate.norm.running_mean, &gate.norm.running_var].map(|all| numbers(all.value()));
    means.iter().zip(variances).map(|(mean, variance)| (mean + variance.sqrt()).max(f32::MIN_POSITIVE)).collect()
}

/// Divides a layer's vectors by their usual lengths and multiplies what reads them by these. All channels share one scale on
/// the device: short ones would have few digits, and gates that tell them apart would be too steep.
fn balance(stack: &mut SetPsiStack, layer: usize, lengths: &[f32]) {
    let columns = |map: &mut Linear| {
        for row in map.weights.chunks_mut(lengths.len()) {
            row.iter_mut().zip(lengths).for_each(|(weight, length)| *weight *= length);
        }
    };
    let (here, behind) = stack.layers.split_at_mut(layer + 1);
    if let Some(VectorStep { own, context, gate }) = here.last_mut() {
        for map in std::iter::once(own).chain(context) {
            let inputs = map.columns();
            for (row, length) in map.weights.chunks_mut(inputs).zip(lengths) {
                row.iter_mut().for_each(|weight| *weight /= length);
            }
        }
        columns(gate);
    }
    match behind.first_mut() {
        Some(VectorStep { own, context, .. }) => std::iter::once(own).chain(context).for_each(columns),
        None => columns(&mut stack.head),
    }
}

/// Of one tap, weights `[outputs, inputs]`.
fn vectors(mixing: &VectorConv) -> Linear {
    let weight = mixing.conv.weight.val();
    let [outputs, _, _] = weight.dims();
    Linear { weights: numbers(weight), bias: vec![0.0; outputs] }
}

/// `γ (W·x + U·pool x − μ) / σ + β`, or without the normalization.
fn trunk(layer: &SetLayer) -> SetStep {
    let context = layer.context.as_ref().zip(layer.pooling);
    let Some(norm) = &layer.norm else {
        return SetStep { own: dense(&layer.own), context: context.map(|(map, pooling)| (pooling, dense(map))) };
    };
    let (factors, offsets) = affine(norm);
    let own = scaled(dense(&layer.own), &factors, &offsets);
    let none = vec![0.0; factors.len()];
    SetStep { own, context: context.map(|(context, pooling)| (pooling, scaled(dense(context), &factors, &none))) }
}

fn behind(layer: &DenseLayer) -> Linear {
    let linear = dense(&layer.linear);
    let Some(norm) = &layer.norm else { return linear };
    let (factors, offsets) = affine(norm);
    scaled(linear, &factors, &offsets)
}

/// A layer without bias and the normalization behind it.
fn scaled(mut linear: Linear, factors: &[f32], offsets: &[f32]) -> Linear {
    let columns = linear.columns();
    for (row, factor) in linear.weights.chunks_mut(columns).zip(factors) {
        row.iter_mut().for_each(|w| *w *= factor);
    }
    linear.bias = offsets.to_vec();
    linear
}
