//! The float networks on sets: what the integers are measured against.

use super::SetModel;
use super::set::chamfer;
use crate::data::posed::rows;
use crate::data::sets::{Set, Sets};
use burn::prelude::*;

/// Sets a batch; only memory depends on it.
const BATCH: usize = 250;

/// What the float networks say about each set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetInference {
    /// The rotations, or reflections, by rows; empty without ψ.
    pub rotations: Vec<Vec<f32>>,
    /// The shortest of ψ's two or three lengths behind Gram–Schmidt, network units; empty without ψ.
    pub confidences: Vec<f32>,
    /// The codes.
    pub codes: Vec<Vec<f32>>,
    /// The scores; empty without an order.
    pub scores: Vec<Vec<f32>>,
    /// The logits; empty without a class head.
    pub logits: Vec<Vec<f32>>,
    /// The canonical sets, network units, in the caller's order.
    pub canonical: Vec<Vec<f32>>,
    /// The reconstructions likewise, logits of types; empty without a decoder.
    pub reconstructions: Vec<Vec<f32>>,
    /// Each set's Chamfer distance from its reconstruction, network units squared; empty without a decoder or places.
    pub chamfer: Vec<f32>,
}

impl SetModel {
    /// Runs the networks on sets of any sizes; `scale` is the length that they see as 1.0.
    pub fn infer(&self, sets: &Sets, some: &[Set], scale: f32, device: &Device) -> SetInference {
        let mut found: Vec<(usize, SetInference)> = Vec::with_capacity(some.len());
        let mut places: Vec<usize> = (0..some.len()).collect();
        // Batches hold sets of one size.
        places.sort_by_key(|&place| sets.size(&some[place]));
        for places in places.chunk_by(|&a, &b| sets.size(&some[a]) == sets.size(&some[b])) {
            for places in places.chunks(BATCH) {
                let batch: Vec<&Set> = places.iter().map(|&place| &some[place]).collect();
                let forward = self.forward(sets.tensor(&batch, scale, device));
                let flat = |x: Option<Tensor<3>>| x.map(|x| rows(x.flatten(1, 2))).unwrap_or_default();
                let confidence = forward.vectors.clone().map(confidence);
                let apart = match (&forward.decoded, self.points) {
                    (Some(decoded), true) => {
                        let [a, b] = [decoded.clone(), forward.canonical.clone()].map(|x| x.narrow(2, 0, 3));
                        rows(chamfer(a, b).unsqueeze_dim::<2>(1)).concat()
                    }
                    _ => Vec::new(),
                };
                let all = SetInference {
                    rotations: flat(forward.rotations),
                    confidences: confidence.map(|c| rows(c).concat()).unwrap_or_default(),
                    codes: rows(forward.code),
                    scores: forward.scores.map(rows).unwrap_or_default(),
                    logits: forward.logits.map(rows).unwrap_or_default(),
                    canonical: flat(Some(forward.canonical)),
                    reconstructions: flat(forward.decoded),
                    chamfer: apart,
                };
                found.extend(places.iter().enumerate().map(|(i, &place)| (place, all.one(i))));
            }
        }
        found.sort_by_key(|(place, _)| *place);
        let mut result = SetInference::default();
        found.into_iter().for_each(|(_, one)| result.append(one));
        result
    }
}

impl SetModel {
    /// δ of codes that came from elsewhere: for each, the canonical set place after place, with as many elements as the
    /// largest set has, network units and logits of types. Empty without a decoder.
    pub fn decode(&self, codes: &[Vec<f32>], device: &Device) -> Vec<Vec<f32>> {
        let Some(delta) = &self.delta else { return Vec::new() };
        let batch = |codes: &[Vec<f32>]| {
            let shape = [codes.len(), codes.first().map_or(0, Vec::len)];
            let codes = Tensor::<2>::from_data(TensorData::new(codes.concat(), shape), device);
            rows(delta.forward(codes).flatten(1, 2))
        };
        codes.chunks(BATCH).flat_map(batch).collect()
    }
}

impl SetInference {
    fn one(&self, i: usize) -> Self {
        fn at<T: Clone>(all: &[T], i: usize) -> Vec<T> {
            all.get(i).cloned().into_iter().collect()
        }
        Self {
            rotations: at(&self.rotations, i),
            confidences: at(&self.confidences, i),
            codes: at(&self.codes, i),
            scores: at(&self.scores, i),
            logits: at(&self.logits, i),
            canonical: at(&self.canonical, i),
            reconstructions: at(&self.reconstructions, i),
            chamfer: at(&self.chamfer, i),
        }
    }

    fn append(&mut self, other: Self) {
        self.rotations.extend(other.rotations);
        self.confidences.extend(other.confidences);
        self.codes.extend(other.codes);
        self.scores.extend(other.scores);
        self.logits.extend(other.logits);
        self.canonical.extend(other.canonical);
        self.reconstructions.extend(other.reconstructions);
        self.chamfer.extend(other.chamfer);
    }
}

/// The length of the first vector, of what the second has beside it, or of what the third has beside both, whichever is
/// shortest.
///
/// # Shapes
/// `[B, 3, 2]` or `[B, 3, 3]` → `[B, 1]`.
fn confidence(vectors: Tensor<3>) -> Tensor<2> {
    let [b, _, count] = vectors.dims();
    let column = |i: usize| vectors.clone().narrow(2, i, 1).reshape([b, 3]);
    let length = |v: Tensor<2>| v.square().sum_dim(1).sqrt();
    let first = length(column(0));
    let normal = column(0).cross(column(1), 1);
    let area = length(normal.clone());
    let two = first.clone().min_pair(area.clone() / first.clamp_min(f32::MIN_POSITIVE));
    match count {
        2 => two,
        _ => two.min_pair((normal * column(2)).sum_dim(1).abs() / area.clamp_min(f32::MIN_POSITIVE)),
    }
}
