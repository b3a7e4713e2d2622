//! The plain networks of a set, and what they compute in f32: what the integers approximate, and where calibration
//! looks.
//!
//! Elements are `[n, channels]`, one a row: the place, if there are places, then the types. Vectors are three such planes.

use super::float::{Vectors, gate, gram_schmidt, lengths, mean};
use super::network::Linear;
use crate::recipe::set::SetPooling;
use std::cmp::Ordering;

/// Everything that runs on the device.
#[derive(Clone, Debug, PartialEq)]
pub struct SetNetwork {
    /// Numbers of an element.
    pub channels: usize,
    /// Whether the first three numbers of an element are its place. Places stand around their mean.
    pub points: bool,
    /// ψ behind the mean.
    pub psi: Option<SetPsiStack>,
    /// Layers that treat all elements alike. They read the canonical element, then its rank, then what ψ's vectors have that
    /// no pose changes.
    pub trunk: Vec<SetStep>,
    /// What η reads, of the trunk or of the elements.
    pub pooling: SetPooling,
    /// Dense layers behind the pool, each followed by a ReLU.
    pub eta: Vec<Linear>,
    /// To the code.
    pub code: Linear,
    /// From the trunk's numbers to an element's score.
    pub score: Option<Linear>,
    /// From the code to the logits.
    pub classifier: Option<Linear>,
}

/// ψ: gated layers of vectors, two vectors an element, or three if mirror images have poses, their sums over the elements.
#[derive(Clone, Debug, PartialEq)]
pub struct SetPsiStack {
    /// Ranks that elements are told apart by: how many are farther from the mean. Behind the place as it is the first layer
    /// reads the place times each of the element's types, and times each rank.
    pub ranks: usize,
    /// Whether the trunk reads the inner products of an element's place with the last layer's vectors, and of those with
    /// themselves.
    pub invariants: bool,
    /// The layers, in order.
    pub layers: Vec<VectorStep>,
    /// From the last layer's vectors to those whose sums span the pose; no bias.
    pub head: Linear,
}

/// A layer of vectors: `gate(own · v + context · mean v)`.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorStep {
    /// Of the element; no bias.
    pub own: Linear,
    /// Of the mean over all elements; no bias.
    pub context: Option<Linear>,
    /// From the vectors' lengths to their gates, which are clamped to 0 … 1.
    pub gate: Linear,
}

/// A layer of features: `relu(own · x + context · pool x)`.
#[derive(Clone, Debug, PartialEq)]
pub struct SetStep {
    /// Of the element.
    pub own: Linear,
    /// Of what all elements are pooled to; no bias.
    pub context: Option<(SetPooling, Linear)>,
}

/// A tensor of the networks, as calibration names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetSite {
    /// The places around their mean, as vectors.
    Centred,
    /// The means of the vectors that come into ψ's layer.
    VectorMean(usize),
    /// What ψ's layer makes of these.
    VectorContext(usize),
    /// What ψ's layer makes of each element's vectors.
    VectorOwn(usize),
    /// The two together, before the gate.
    Mixed(usize),
    /// The same behind the gate.
    Gated(usize),
    /// The vectors of each element whose sums span the pose.
    Spanning,
    /// The inner products of the places with ψ's vectors.
    PlaceProducts,
    /// The squared lengths of ψ's vectors.
    Squares,
    /// The canonical elements, in network units.
    Elements,
    /// What the trunk's layer reads of all elements.
    Pooled(usize),
    /// What it makes of that.
    Context(usize),
    /// What it makes of each element, before the ReLU.
    Own(usize),
    /// What comes out of it.
    Features(usize),
    /// What η reads.
    Pool,
    /// The features of η's layer.
    Dense(usize),
    /// The code.
    Code,
    /// The scores.
    Scores,
    /// The logits.
    Logits,
}

/// What the networks say of one set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetOutputs {
    /// The two or three vectors that span the pose; empty without ψ.
    pub spanning: Vec<[f32; 3]>,
    /// The rotation, or reflection, by rows, `set = rotation · canonical`.
    pub rotation: Option<[[f32; 3]; 3]>,
    /// The code.
    pub code: Vec<f32>,
    /// A score for each element; empty without an order.
    pub scores: Vec<f32>,
    /// The logits; empty without a classifier.
    pub logits: Vec<f32>,
}

impl SetNetwork {
    /// Runs a set `[n, channels]` in network units, its places around their mean, showing each tensor to `look`: numbers
    /// for features, lengths for vectors.
    pub fn run(&self, elements: &[f32], look: &mut impl FnMut(SetSite, &[f32])) -> SetOutputs {
        let channels = self.channels;
        let mut features = elements.to_vec();
        let Found { spanning, beside } =
            self.psi.as_ref().map_or_else(Found::default, |psi| psi.run(elements, channels, look));
        let rotation = gram_schmidt(&spanning).map(|(rows, _)| rows);
        if let Some(rows) = rotation {
            for place in features.chunks_exact_mut(channels) {
                let [x, y, z] = [place[0], place[1], place[2]];
                (0..3).for_each(|i| place[i] = rows[0][i] * x + rows[1][i] * y + rows[2][i] * z);
            }
        }
        look(SetSite::Elements, &features);
        let canonical = features.clone();
        let mut width = channels;
        for (numbers, more) in &beside {
            features = side_by_side([&features, numbers], [width, *more]);
            width += more;
        }
        for (i, step) in self.trunk.iter().enumerate() {
            features = step.run(&features, width, i, look);
            width = step.own.rows();
        }
        let scores = self.score.as_ref().map_or_else(Vec::new, |score| each(score, &features, width));
        look(SetSite::Scores, &scores);
        let mut dense = match self.pooling {
            SetPooling::Concatenate => self.in_order(&canonical, &scores),
            pooling => pool(&features, width, pooling),
        };
        look(SetSite::Pool, &dense);
        for (i, layer) in self.eta.iter().enumerate() {
            dense = layer.apply(&dense).into_iter().map(|x| x.max(0.0)).collect();
            look(SetSite::Dense(i), &dense);
        }
        let code = self.code.apply(&dense);
        look(SetSite::Code, &code);
        let logits = self.classifier.as_ref().map_or_else(Vec::new, |head| head.apply(&code));
        look(SetSite::Logits, &logits);
        SetOutputs { spanning, rotation, code, scores, logits }
    }

    /// The elements side by side, that of the largest score first, or as they come where there are no scores; and zeros up to
    /// what η reads.
    fn in_order(&self, elements: &[f32], scores: &[f32]) -> Vec<f32> {
        let mut rows: Vec<(usize, &[f32])> = elements.chunks_exact(self.channels).enumerate().collect();
        if !scores.is_empty() {
            // As core's argsort: where scores are equal the smaller row comes first.
            rows.sort_by(|&(a, row), &(b, other)| {
                scores[b].total_cmp(&scores[a]).then_with(|| row.partial_cmp(other).unwrap_or(Ordering::Equal))
            });
        }
        let mut side_by_side: Vec<f32> = rows.into_iter().flat_map(|(_, row)| row.iter().copied()).collect();
        side_by_side.resize(self.eta.first().unwrap_or(&self.code).columns(), 0.0);
        side_by_side
    }
}

/// What ψ finds.
#[derive(Default)]
struct Found {
    spanning: Vec<[f32; 3]>,
    /// What the trunk reads beside the elements, each with its numbers an element.
    beside: Vec<(Vec<f32>, usize)>,
}

impl SetPsiStack {
    /// Numbers of an element that its place is multiplied by, if it has `channels`: its types and its rank.
    pub fn kinds(&self, channels: usize) -> usize {
        channels - 3 + self.ranks
    }

    fn run(&self, elements: &[f32], channels: usize, look: &mut impl FnMut(SetSite, &[f32])) -> Found {
        let places: Vectors =
            std::array::from_fn(|axis| elements.chunks_exact(channels).map(|row| row[axis]).collect());
        look(SetSite::Centred, &lengths(&places));
        let ranks = ranks(&places, self.ranks);
        let types: Vec<f32> = elements.chunks_exact(channels).flat_map(|row| row[3..].iter().copied()).collect();
        let kinds = side_by_side([&types, &ranks], [channels - 3, self.ranks]);
        let mut width = 1 + self.kinds(channels);
        let steered = |place: (usize, &f32)| {
            let (element, &x) = place;
            let kinds = &kinds[element * (width - 1)..][..width - 1];
            std::iter::once(x).chain(kinds.iter().map(move |kind| x * kind)).collect::<Vec<_>>()
        };
        let mut vectors = places.each_ref().map(|plane| plane.iter().enumerate().flat_map(steered).collect::<Vec<_>>());
        for (i, layer) in self.layers.iter().enumerate() {
            let mut mixed = vectors.each_ref().map(|plane| each(&layer.own, plane, width));
            look(SetSite::VectorOwn(i), &lengths(&mixed));
            if let Some(context) = &layer.context {
                let means = vectors.each_ref().map(|plane| mean(plane, width));
                look(SetSite::VectorMean(i), &lengths(&means));
                let all = means.map(|means| context.apply(&means));
                look(SetSite::VectorContext(i), &lengths(&all));
                mixed.iter_mut().zip(&all).for_each(|(mixed, all)| add(mixed, all));
            }
            look(SetSite::Mixed(i), &lengths(&mixed));
            gate(&layer.gate, &mut mixed);
            look(SetSite::Gated(i), &lengths(&mixed));
            (vectors, width) = (mixed, layer.own.rows());
        }
        let mut beside = Vec::new();
        if self.ranks > 0 {
            beside.push((ranks, self.ranks));
        }
        if self.invariants {
            let of_places = products(|axis, at| places[axis][at / width], &vectors);
            let squares = products(|axis, at| vectors[axis][at], &vectors);
            look(SetSite::PlaceProducts, &of_places);
            look(SetSite::Squares, &squares);
            beside.extend([(of_places, width), (squares, width)]);
        }
        let steps = vectors.map(|plane| each(&self.head, &plane, width));
        look(SetSite::Spanning, &lengths(&steps));
        let [x, y, z] = steps.map(|plane| pool(&plane, self.head.rows(), SetPooling::Total));
        Found { spanning: (0..self.head.rows()).map(|i| [x[i], y[i], z[i]]).collect(), beside }
    }
}

/// For each vector, the sum of its components times those of another.
fn products(other: impl Fn(usize, usize) -> f32, vectors: &Vectors) -> Vec<f32> {
    (0..vectors[0].len()).map(|at| (0..3).map(|axis| other(axis, at) * vectors[axis][at]).sum()).collect()
}

/// A one for how many places are farther from the origin, in as many numbers as there are ranks.
fn ranks(places: &Vectors, ranks: usize) -> Vec<f32> {
    let lengths = lengths(places);
    let mut found = vec![0.0; lengths.len() * ranks];
    for (own, row) in lengths.iter().zip(found.chunks_mut(ranks.max(1))) {
        let rank = lengths.iter().filter(|&other| other > own).count();
        row.iter_mut().skip(rank).take(1).for_each(|one| *one = 1.0);
    }
    found
}

/// The numbers of each element of two tensors, one behind the other.
fn side_by_side([a, b]: [&[f32]; 2], [of_a, of_b]: [usize; 2]) -> Vec<f32> {
    match (of_a, of_b) {
        (0, _) => b.to_vec(),
        (_, 0) => a.to_vec(),
        _ => a.chunks_exact(of_a).zip(b.chunks_exact(of_b)).flat_map(|(a, b)| [a, b].concat()).collect(),
    }
}

impl SetStep {
    fn run(&self, x: &[f32], width: usize, layer: usize, look: &mut impl FnMut(SetSite, &[f32])) -> Vec<f32> {
        let mut y = each(&self.own, x, width);
        look(SetSite::Own(layer), &y);
        if let Some((pooling, context)) = &self.context {
            let pooled = pool(x, width, *pooling);
            look(SetSite::Pooled(layer), &pooled);
            let all = context.apply(&pooled);
            look(SetSite::Context(layer), &all);
            add(&mut y, &all);
        }
        y.iter_mut().for_each(|y| *y = y.max(0.0));
        look(SetSite::Features(layer), &y);
        y
    }
}

/// A linear map of each element.
fn each(linear: &Linear, x: &[f32], width: usize) -> Vec<f32> {
    x.chunks_exact(width).flat_map(|x| linear.apply(x)).collect()
}

/// The same numbers to each element.
fn add(x: &mut [f32], all: &[f32]) {
    for x in x.chunks_exact_mut(all.len()) {
        x.iter_mut().zip(all).for_each(|(x, all)| *x += all);
    }
}

fn pool(x: &[f32], width: usize, pooling: SetPooling) -> Vec<f32> {
    let column = |c: usize| x.iter().skip(c).step_by(width).copied();
    match pooling {
        SetPooling::Max => (0..width).map(|c| column(c).fold(f32::NEG_INFINITY, f32::max)).collect(),
        SetPooling::Mean => mean(x, width),
        SetPooling::Total => (0..width).map(|c| column(c).sum()).collect(),
        SetPooling::Concatenate => x.to_vec(),
    }
}
