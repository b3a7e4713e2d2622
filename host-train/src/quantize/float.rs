//! The plain network in f32: what the integers approximate, and where calibration looks.
//!
//! Slow and simple on purpose: it shares no code with burn and none with core, so that each can be
//! tested against it.

use super::network::{Convolution, Linear, Network, Psi};
use crate::data::rotation::{Matrix, matrix};
use crate::recipe::{ClassInput, Pooling};

/// A tensor of the network, as calibration names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Site {
    /// The window as vectors.
    Vectors,
    /// The vectors of ψ's layer, before the gate.
    Convolved(usize),
    /// The vectors of ψ's layer, behind the gate.
    Gated(usize),
    /// The cross products of ψ's last vectors and pseudo-vectors.
    Products,
    /// The vectors of each sample whose means span the pose, as far as the network gives them.
    Spanning,
    /// The canonical window, in network units.
    Canonical,
    /// The features of η's layer.
    Features(usize),
    /// The means of η's last features.
    FeatureMean,
    /// The code.
    Code,
    /// The logits.
    Logits,
}

/// Vectors over time: three planes, each `[time, channels]`.
pub type Vectors = [Vec<f32>; 3];

/// What a network says of one window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// The two vectors that span the pose, and the one that tells the hand where there are two; empty without a pose.
    pub spanning: Vec<[f32; 3]>,
    /// The pose by rows, `window = pose · canonical` for vectors: a reflection where ψ finds the other hand.
    pub rotation: Option<[[f32; 3]; 3]>,
    /// The code.
    pub code: Vec<f32>,
    /// The logits; empty without a classifier.
    pub logits: Vec<f32>,
}

/// Runs a window `[time, 3 · fields]` in network units, showing each tensor to `look`: numbers for
/// features, lengths for vectors.
pub fn run(network: &Network, window: &[f32], fields: usize, look: &mut impl FnMut(Site, &[f32])) -> Outputs {
    let channels = 3 * fields;
    let spanning = network.psi.as_ref().map_or_else(Vec::new, |psi| {
        let vectors = std::array::from_fn(|p| window.iter().skip(p).step_by(3).copied().collect());
        span(psi, vectors, fields, look)
    });
    let upright = network.psi.as_ref().and_then(|psi| psi.upright);
    let pose = gram_schmidt(&spanning).map(|(said, hand)| match upright {
        Some(upright) => (times_inverse(said, matrix(upright)), hand),
        None => (said, hand),
    });
    let mut features = window.to_vec();
    if let Some((rows, hand)) = pose {
        for (at, v) in features.chunks_exact_mut(3).enumerate() {
            // Where there is another hand, the second half of the fields is pseudo-vectors.
            let sign = if at % fields < fields / 2 { 1.0 } else { hand };
            let [x, y, z] = [v[0], v[1], v[2]];
            (0..3).for_each(|i| v[i] = sign * (rows[0][i] * x + rows[1][i] * y + rows[2][i] * z));
        }
    }
    let rotation = pose.map(|(rows, _)| rows);
    look(Site::Canonical, &features);
    let mut width = channels;
    for (i, layer) in network.eta.iter().enumerate() {
        features = convolve(layer, &features, width);
        features.iter_mut().for_each(|x| *x = x.max(0.0));
        width = layer.linear.rows();
        look(Site::Features(i), &features);
    }
    let means = mean(&features, width);
    look(Site::FeatureMean, &means);
    let code = network.code.apply(match network.pooling {
        Pooling::Mean => &means,
        Pooling::Flatten => &features,
    });
    look(Site::Code, &code);
    let logits = match &network.classifier {
        Some((ClassInput::Code, head)) => head.apply(&code),
        Some((ClassInput::Mean, head)) => head.apply(&means),
        None => Vec::new(),
    };
    look(Site::Logits, &logits);
    Outputs { spanning, rotation, code, logits }
}

fn span(psi: &Psi, mut vectors: Vectors, fields: usize, look: &mut impl FnMut(Site, &[f32])) -> Vec<[f32; 3]> {
    look(Site::Vectors, &lengths(&vectors));
    let known = psi.known.map(|field| mean_vectors(&vectors, fields)[field]);
    for (i, layer) in psi.layers.iter().enumerate() {
        let inputs = layer.convolution.inputs();
        vectors = vectors.map(|plane| convolve(&layer.convolution, &plane, inputs));
        look(Site::Convolved(i), &lengths(&vectors));
        gate(&layer.gate, &mut vectors);
        look(Site::Gated(i), &lengths(&vectors));
    }
    if psi.mirrored {
        vectors = polar(&vectors, psi.layers.last().map_or(fields, |layer| layer.gate.rows()), look);
    }
    let head = Convolution::pointwise(psi.head.clone());
    let steps = vectors.map(|plane| convolve(&head, &plane, head.inputs()));
    look(Site::Spanning, &lengths(&steps));
    let learned = mean_vectors(&steps, psi.head.rows());
    known.into_iter().chain(learned).collect()
}

/// Of vectors p and as many pseudo-vectors q, p and `p × q`.
fn polar(vectors: &Vectors, channels: usize, look: &mut impl FnMut(Site, &[f32])) -> Vectors {
    let half = channels / 2;
    let part = |start: usize| -> Vectors {
        vectors.each_ref().map(|plane| plane.chunks(channels).flat_map(|all| &all[start..][..half]).copied().collect())
    };
    let (p, q) = (part(0), part(half));
    let products: Vectors = std::array::from_fn(|i| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        (0..p[i].len()).map(|at| p[j][at] * q[k][at] - p[k][at] * q[j][at]).collect()
    });
    look(Site::Products, &lengths(&products));
    std::array::from_fn(|i| {
        p[i].chunks(half).zip(products[i].chunks(half)).flat_map(|(p, product)| [p, product].concat()).collect()
    })
}

/// The mean over time of each channel's vector.
fn mean_vectors(vectors: &Vectors, channels: usize) -> Vec<[f32; 3]> {
    let [x, y, z] = vectors.each_ref().map(|plane| mean(plane, channels));
    (0..channels).map(|i| [x[i], y[i], z[i]]).collect()
}

/// Scales each sample's vectors by their gates.
pub(super) fn gate(linear: &Linear, vectors: &mut Vectors) {
    let channels = linear.rows();
    let lengths = lengths(vectors);
    for (t, lengths) in lengths.chunks_exact(channels).enumerate() {
        for (c, gate) in linear.apply(lengths).into_iter().enumerate() {
            for plane in vectors.iter_mut() {
                plane[t * channels + c] *= gate.clamp(0.0, 1.0);
            }
        }
    }
}

pub(super) fn lengths([x, y, z]: &Vectors) -> Vec<f32> {
    x.iter().zip(y).zip(z).map(|((x, y), z)| (x * x + y * y + z * z).sqrt()).collect()
}

/// `x[time, inputs] → y[time', outputs]`, zeros beyond both ends.
fn convolve(layer: &Convolution, x: &[f32], inputs: usize) -> Vec<f32> {
    let length = x.len() / inputs;
    let padding = layer.kernel / 2;
    let (rows, columns) = (layer.linear.rows() / layer.groups, layer.linear.columns());
    let part = |group: usize| Linear {
        weights: layer.linear.weights[group * rows * columns..][..rows * columns].to_vec(),
        bias: layer.linear.bias[group * rows..][..rows].to_vec(),
    };
    let parts: Vec<Linear> = (0..layer.groups).map(part).collect();
    let count = inputs / layer.groups;
    let mut taps = vec![0.0; layer.kernel * count];
    let mut y = Vec::new();
    for t in 0..layer.outputs(length) {
        for (group, linear) in parts.iter().enumerate() {
            for (k, tap) in taps.chunks_exact_mut(count).enumerate() {
                match (t * layer.stride + k).checked_sub(padding).filter(|&at| at < length) {
                    Some(at) => tap.copy_from_slice(&x[at * inputs + group * count..][..count]),
                    None => tap.fill(0.0),
                }
            }
            y.extend(linear.apply(&taps));
        }
    }
    y
}

pub(super) fn mean(x: &[f32], channels: usize) -> Vec<f32> {
    let length = (x.len() / channels) as f32;
    (0..channels).map(|c| x.iter().skip(c).step_by(channels).sum::<f32>() / length).collect()
}

/// The matrix of two vectors, and its determinant, −1 where there is a third one on the other side of their plane.
pub(super) fn gram_schmidt(spanning: &[[f32; 3]]) -> Option<([[f32; 3]; 3], f32)> {
    let &[a, b, ref third @ ..] = spanning else { return None };
    let dot = |a: [f32; 3], b: [f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let unit = |v: [f32; 3]| v.map(|x| x / dot(v, v).sqrt());
    let [x, y, z] = unit(a);
    let along = dot([x, y, z], b);
    let [u, v, w] = unit([b[0] - along * x, b[1] - along * y, b[2] - along * z]);
    let across = [y * w - z * v, z * u - x * w, x * v - y * u];
    let hand = third.first().map_or(1.0, |&c| if dot(across, c) < 0.0 { -1.0 } else { 1.0 });
    let [p, q, r] = across.map(|number| hand * number);
    Some(([[x, u, p], [y, v, q], [z, w, r]], hand))
}

/// `A · Bᵀ`.
fn times_inverse(a: Matrix, b: Matrix) -> Matrix {
    a.map(|row| b.map(|column| row.iter().zip(column).map(|(a, b)| a * b).sum()))
}
