//! The group-invariant autoencoder on sets, and its classical counterpart.
//!
//! Formula: `t = mean of the places`, `R = ψ(x − t)`, `c = Rᵀ(x − t)`, `f = trunk(c)`, `π` sorts the scores `w·f`, largest
//! first; `z = η(pool f)`, or `z = η(π c)` where η reads the elements in their order; `x̂ = (R·δ(z) + t)` in the order of the caller, which is that of `π⁻¹`.
//! `L = w_r · d(x̂, x) + w_e · entropy(SoftSort) + w_c · cross-entropy(head(z), label)`.
//! The distance d is measured in the canonical pose, which changes none of it: cross-entropy of types, mean squared error
//! of places. Where neither an order nor their place side by side tells elements apart it is the Chamfer distance, the
//! mean squared distance to the nearest, both ways, of δ's points and the set's: no element is named.
//! The code is equal for every permutation, rotation and translation because c's elements are, but for their order, and
//! pools forget that, or π puts them in one.

use super::giae::Loss;
use super::set_psi::{SetPsi, frames, invariants, ranks};
use crate::data::augment::deviate;
use crate::data::sets::Sets;
use crate::nn::set::{DenseLayer, SetLayer, padded, pool};
use crate::nn::{Sorted, initialize, soft_sort};
use crate::recipe::set::{SetDelta, SetPooling, SetRecipe};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use rand_chacha::ChaCha8Rng;

/// All networks of a recipe; those that it does not need are absent.
#[derive(Module, Debug)]
pub struct SetModel {
    /// ψ behind the mean place.
    pub(crate) psi: Option<SetPsi>,
    /// On the canonical elements: the place, then the types.
    pub(crate) trunk: Vec<SetLayer>,
    /// η behind the pool, or behind the elements in their order.
    pub(crate) eta: Vec<DenseLayer>,
    /// From η's last layer to the code; with a bias.
    pub(crate) code: Linear,
    /// From the trunk's numbers to a score; no bias, which would order nothing.
    pub(crate) score: Option<Linear>,
    /// From the code to the logits, if the class loss has a weight.
    pub(crate) class_head: Option<Linear>,
    /// δ, if the reconstruction loss has a weight.
    pub(crate) delta: Option<SetDecoder>,
    /// What η reads, of the trunk or of the elements.
    #[module(skip)]
    pub(crate) pooling: SetPooling,
    /// Elements of the largest set.
    #[module(skip)]
    most: usize,
    /// Numbers of an element.
    #[module(skip)]
    pub(crate) channels: usize,
    /// Whether elements have a place.
    #[module(skip)]
    pub(crate) points: bool,
    /// Ranks that are types, beside those of the data.
    #[module(skip)]
    pub(crate) ranked: usize,
    /// Whether the trunk reads invariants of ψ's vectors, too.
    #[module(skip)]
    pub(crate) invariants: bool,
    #[module(skip)]
    noise: f32,
    #[module(skip)]
    temperature: f32,
}

/// δ.
#[derive(Module, Debug)]
pub struct SetDecoder {
    layers: Vec<DenseLayer>,
    /// All elements of the largest set side by side.
    pub(crate) last: Linear,
    #[module(skip)]
    channels: usize,
}

/// Sets of one step, all of one size.
#[derive(Clone, Debug)]
pub struct SetBatch {
    /// `[B, N, channels]`, as [`Sets::tensor`] gives them.
    pub elements: Tensor<3>,
    /// `[B]`.
    pub labels: Tensor<1, Int>,
    /// Draws the noise on scores.
    pub rng: ChaCha8Rng,
}

/// Everything the networks say about a batch.
#[derive(Clone, Debug)]
pub struct SetForward {
    /// ψ's two vectors, `[B, 3, 2]`, or three, `[B, 3, 3]`.
    pub vectors: Option<Tensor<3>>,
    /// The rotations, or reflections, `[B, 3, 3]`.
    pub rotations: Option<Tensor<3>>,
    /// The canonical elements in the caller's order, `[B, N, channels]`.
    pub canonical: Tensor<3>,
    /// `[B, code]`.
    pub code: Tensor<2>,
    /// `[B, N]`.
    pub scores: Option<Tensor<2>>,
    /// The order of those.
    pub sorted: Option<Sorted>,
    /// `[B, classes]`.
    pub logits: Option<Tensor<2>>,
    /// δ's estimate of the canonical set, `[B, N, channels]`; element by element the caller's if there is an order.
    pub decoded: Option<Tensor<3>>,
}

impl SetDecoder {
    fn new(inputs: usize, section: &SetDelta, elements: usize, channels: usize, device: &Device) -> Self {
        let (layers, last) = DenseLayer::stack(inputs, &section.layers, section.normalized, device);
        Self { layers, last: LinearConfig::new(last, elements * channels).init(device), channels }
    }

    /// How far what it makes of codes is from canonical sets whose elements stand in their order.
    ///
    /// # Shapes
    /// `codes` `[B, code]`, `canonical` `[B, N, channels]`.
    pub fn loss(&self, codes: Tensor<2>, canonical: Tensor<3>, points: bool) -> Loss {
        let [_, elements, _] = canonical.dims();
        let decoded = self.forward(codes).narrow(1, 0, elements);
        let total = distance(decoded, canonical, points, true);
        Loss { reconstruction: total.clone().detach(), class: total.zeros_like(), total }
    }

    /// # Shapes
    /// `[B, code]` → `[B, elements, channels]`, the elements of the largest set.
    pub(super) fn forward(&self, code: Tensor<2>) -> Tensor<3> {
        let all = self.last.forward(self.layers.iter().fold(code, |x, layer| layer.forward(x)));
        let [b, numbers] = all.dims();
        all.reshape([b, numbers / self.channels, self.channels])
    }
}

impl SetModel {
    /// Fresh networks for a recipe's sets, weights from its seed.
    pub fn new(recipe: &SetRecipe, sets: &Sets, device: &Device) -> Self {
        let channels = sets.channels();
        let [_, most] = sets.elements;
        let ranked = if recipe.pose.as_ref().is_some_and(|pose| pose.ranked) { most } else { 0 };
        let invariants = match (&recipe.pose, recipe.trunk.invariants) {
            (Some(pose), true) => 2 * pose.channels.last().copied().unwrap_or_default(),
            _ => 0,
        };
        let mut last = channels + ranked + invariants;
        let trunk = recipe.trunk.layers.iter().map(|&section| {
            let layer = SetLayer::new(last, section, recipe.trunk.normalized, device);
            last = section.channels;
            layer
        });
        let trunk: Vec<SetLayer> = trunk.collect();
        let pooled = if recipe.eta.pool == SetPooling::Concatenate { channels * most } else { last };
        let (eta, width) = DenseLayer::stack(pooled, &recipe.eta.layers, recipe.eta.normalized, device);
        let (code, loss) = (recipe.eta.code, &recipe.loss);
        let delta = || SetDecoder::new(code, &recipe.delta, most, channels, device);
        let model = Self {
            psi: recipe.pose.as_ref().map(|section| SetPsi::new(section, sets.types + ranked, device)),
            trunk,
            eta,
            code: LinearConfig::new(width, code).init(device),
            score: recipe.order.is_some().then(|| LinearConfig::new(last, 1).with_bias(false).init(device)),
            class_head: (loss.class > 0.0).then(|| LinearConfig::new(code, sets.classes.len()).init(device)),
            delta: (loss.reconstruction > 0.0).then(delta),
            pooling: recipe.eta.pool,
            most,
            channels,
            points: sets.points,
            ranked,
            invariants: invariants > 0,
            noise: recipe.order.as_ref().map_or(0.0, |order| order.noise),
            temperature: recipe.order.as_ref().map_or(1.0, |order| order.temperature),
        };
        initialize(model, recipe.training.seed)
    }

    /// Runs every network there is.
    ///
    /// # Shapes
    /// `elements` `[B, N, channels]`; the results' are beside them.
    pub fn forward(&self, elements: Tensor<3>) -> SetForward {
        self.run(elements, None)
    }

    /// The same; with a generator, scores are noised.
    fn run(&self, elements: Tensor<3>, rng: Option<&mut ChaCha8Rng>) -> SetForward {
        let [b, n, channels] = elements.dims();
        let (mut vectors, mut rotations, mut canonical) = (None, None, elements.clone());
        if let Some(psi) = &self.psi {
            let points = elements.clone().narrow(2, 0, 3);
            let types = (channels > 3).then(|| elements.clone().narrow(2, 3, channels - 3));
            let ranks = (self.ranked > 0).then(|| ranks(points.clone(), self.ranked));
            let scalars: Vec<Tensor<3>> = [types, ranks].into_iter().flatten().collect();
            let scalars = (!scalars.is_empty()).then(|| Tensor::cat(scalars, 2));
            let features = psi.features(points.clone(), scalars.clone());
            let found = psi.head(features.clone());
            let invariants = self.invariants.then(|| invariants(points.clone(), features));
            let rotation = frames(found.clone());
            // Rows times R are columns times Rᵀ.
            let turned = points.matmul(rotation.clone());
            canonical = Tensor::cat([Some(turned), scalars, invariants].into_iter().flatten().collect(), 2);
            (vectors, rotations) = (Some(found), Some(rotation));
        }
        let features = self.trunk.iter().fold(canonical.clone(), |x, layer| layer.forward(x));
        let canonical = canonical.narrow(2, 0, channels);
        let scores = self.score.as_ref().map(|score| {
            let [_, _, width] = features.dims();
            let scores = score.forward(features.clone().reshape([b * n, width])).reshape([b, n]);
            match rng {
                Some(rng) if self.noise > 0.0 => scores + self.score_noise(score, [b, n], rng),
                _ => scores,
            }
        });
        let sorted = scores.clone().map(|scores| soft_sort(scores, self.temperature));
        let pooled = match (self.pooling, &sorted) {
            (SetPooling::Concatenate, sorted) => {
                let elements = canonical.clone();
                let in_order =
                    sorted.as_ref().map_or_else(|| elements.clone(), |sorted| sorted.arrange(elements.clone()));
                pool(padded(in_order, self.most), self.pooling)
            }
            (pooling, _) => pool(features, pooling),
        };
        let code = self.code.forward(self.eta.iter().fold(pooled, |x, layer| layer.forward(x)));
        let logits = self.class_head.as_ref().map(|head| head.forward(code.clone()));
        let decoded = self.delta.as_ref().map(|delta| {
            let places = delta.forward(code.clone());
            match &sorted {
                Some(sorted) => sorted.hard.clone().matmul(places.narrow(1, 0, n)),
                None => places.narrow(1, 0, n),
            }
        });
        SetForward { vectors, rotations, canonical, code, scores, sorted, logits, decoded }
    }

    /// What independent noise on all numbers of an element does to its score: it is as long as the weights.
    fn score_noise(&self, score: &Linear, [b, n]: [usize; 2], rng: &mut ChaCha8Rng) -> Tensor<2> {
        let weight = score.weight.val();
        let length = weight.square().sum().sqrt().reshape([1, 1]);
        let noise: Vec<f32> = (0..b * n).map(|_| self.noise * deviate(rng)).collect();
        Tensor::<2>::from_data(TensorData::new(noise, [b, n]), &length.device()) * length
    }

    /// The recipe's loss on a batch.
    pub fn loss(&self, batch: SetBatch, recipe: &SetRecipe) -> Loss {
        let weights = &recipe.loss;
        let SetBatch { elements, labels, mut rng } = batch;
        let device = elements.device();
        let forward = self.run(elements, Some(&mut rng));
        let zero = || Tensor::<1>::zeros([1], &device);
        let reconstruction = match &forward.decoded {
            Some(decoded) => distance(decoded.clone(), forward.canonical.clone(), self.points, recipe.names_elements()),
            None => zero(),
        };
        let entropy = match &forward.sorted {
            Some(sorted) if weights.entropy > 0.0 => sorted.entropy(),
            _ => zero(),
        };
        let class = forward.logits.map_or_else(zero, |logits| {
            CrossEntropyLossConfig::new()
                .with_smoothing(Some(weights.label_smoothing))
                .init(&device)
                .forward(logits, labels)
        });
        let total =
            reconstruction.clone() * weights.reconstruction + entropy * weights.entropy + class.clone() * weights.class;
        Loss { total, reconstruction: reconstruction.detach(), class: class.detach() }
    }
}

/// How far δ's estimate is from the canonical set, of `points` or not, whose elements are `named` or not; see the module's
/// formula.
///
/// # Shapes
/// `[B, N, channels]` both → `[1]`.
fn distance(decoded: Tensor<3>, canonical: Tensor<3>, points: bool, named: bool) -> Tensor<1> {
    let [_, _, channels] = decoded.dims();
    let place = if points { 3 } else { 0 };
    let places = points.then(|| {
        let [estimate, truth] = [decoded.clone(), canonical.clone()].map(|x| x.narrow(2, 0, 3));
        if named { (estimate - truth).square().mean() } else { chamfer(estimate, truth).mean() }
    });
    let types = (channels > place).then(|| {
        let [estimate, truth] = [decoded, canonical].map(|x| x.narrow(2, place, channels - place));
        (log_softmax(estimate, 2) * truth).sum_dim(2).mean().neg()
    });
    match (places, types) {
        (Some(places), Some(types)) => places + types,
        (places, types) => places.or(types).expect("an element has a place or a type"),
    }
}

/// The mean squared distance from each point to the nearest of the other set, both ways.
///
/// # Shapes
/// `[B, M, 3]`, `[B, N, 3]` → `[B]`.
pub(super) fn chamfer(a: Tensor<3>, b: Tensor<3>) -> Tensor<1> {
    let [batch, m, _] = a.dims();
    let [_, n, _] = b.dims();
    let squared = |x: Tensor<3>| x.square().sum_dim(2);
    let products = a.clone().matmul(b.clone().swap_dims(1, 2));
    let apart = squared(a) + squared(b).reshape([batch, 1, n]) - products * 2.0;
    let to_b = apart.clone().min_dim(2).reshape([batch, m]).mean_dim(1);
    let to_a = apart.min_dim(1).reshape([batch, n]).mean_dim(1);
    (to_a + to_b).reshape([batch])
}
