//! EquiVAE: a code for each class, a latent v for what a sample has besides, and a classifier; and its baselines.
//!
//! Formula (Feige, *Invariant-Equivariant Representation Learning for Multi-Class Data*, ICML 2019):
//! ```text
//! r_y      mean of f_inv over other labelled samples of class y (see `routing`)
//! L(x, y)  E_q[log p(x | r_y, v)] − β KL( q(v | r_y, x) ‖ N(0, I) )
//! U(x)     Σ_y q(y | x) L(x, y) − KL( q(y | x) ‖ uniform )
//! minimized: w_c · cross-entropy(q(y | x), y) − mean L(x, y) / D over labelled − mean U(x) / D over all other samples
//! ```
//! D is how many numbers a sample has, so that the bound counts a number and the weight of the cross-entropy does not
//! depend on the size of a sample. The classifier sees varied copies of the samples that the bound is of. β is 1, or rises to
//! it. `q(v | r_y, x)` is normal with a diagonal covariance: its mean and the logarithm of its variance are a linear map of a
//! layer that reads another layer's numbers beside r_y.
//!
//! With a weight, how far the means of v depend on class probabilities is minimized, too (see `dependence`; of autoencoders
//! Lopez et al., *Information Constraints on Auto-Encoding Variational Bayes*, NeurIPS 2018). It is that of samples without
//! a label where there are some: they do not come again and again.
//!
//! Of model M2 (Kingma, Rezende, Mohamed and Welling, *Semi-supervised Learning with Deep Generative Models*, NeurIPS 2014)
//! the codes are weights, and everything else is the same. The plain classifier is the first term alone.

use super::dependence::dependence;
use super::giae::Loss;
use super::grid::dropped;
use crate::data::augment::deviate;
use crate::nn::grid::{Extent, GridStack};
use crate::nn::{PlainStack, Symmetry, initialize};
use crate::recipe::equivae::{EquivaeMethod, EquivaeRecipe, Likelihood};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::{log_sigmoid, log_softmax, relu};
use rand_chacha::ChaCha8Rng;

/// All networks of a recipe; those that its method does not need are absent.
#[derive(Module, Debug)]
pub struct EquivaeModel {
    /// The layers of `q(y | x)`.
    pub(crate) classifier: GridStack,
    /// From its last map to the logits.
    pub(crate) logits: Linear,
    /// Absent where there is nothing but a classifier.
    pub(crate) within: Option<Within>,
    #[module(skip)]
    pub(crate) extent: Extent,
    #[module(skip)]
    pub(crate) classes: usize,
    #[module(skip)]
    dropout: f64,
}

/// What knows of class codes and of v.
#[derive(Module, Debug)]
pub struct Within {
    /// f_inv; absent where codes are weights.
    pub(crate) invariant: Option<PlainStack>,
    /// `[classes, code]`, the codes that are weights.
    pub(crate) codes: Option<Linear>,
    /// The layers of `q(v | r_y, x)`.
    pub(crate) encoder: GridStack,
    /// From its last map to a layer.
    pub(crate) hidden: Linear,
    /// From that layer's numbers, and the class code behind them, to another layer.
    pub(crate) joint: Linear,
    /// From that to v's mean and the logarithm of its variance.
    pub(crate) posterior: Linear,
    /// From class code and v to a sample; the last gives logits where the likelihood is Bernoulli's.
    pub(crate) decoder: Vec<Linear>,
    #[module(skip)]
    pub(crate) likelihood: Likelihood,
    #[module(skip)]
    deviation: f32,
}

/// Samples of one step.
#[derive(Clone, Debug)]
pub struct EquivaeBatch {
    /// `[L, C, rows, columns]`, network units.
    pub labelled: Tensor<4>,
    /// `[L + U, C, rows, columns]`, labelled samples and the others behind them, varied: what the classifier sees.
    pub varied: Tensor<4>,
    /// `[L]`.
    pub labels: Tensor<1, Int>,
    /// `[U, C, rows, columns]`; none where all samples are labelled.
    pub unlabelled: Option<Tensor<4>>,
    /// `[P, C, rows, columns]`, labelled samples that class codes are made of.
    pub pool: Tensor<4>,
    /// `[L, P]`, for each labelled sample the weights of its complement.
    pub complements: Tensor<2>,
    /// `[classes, P]`, for each class the weights of its samples, for those without a label.
    pub members: Tensor<2>,
    /// Draws v, and what is dropped.
    pub rng: ChaCha8Rng,
    /// How much of the training is done, 0 to 1.
    pub progress: f64,
}

/// The bound is not computed beyond variances of `exp(±8)`.
const LARGEST_LOGARITHM: f32 = 8.0;

impl EquivaeModel {
    /// Fresh networks for samples of an extent and `classes` classes, weights from the recipe's seed.
    ///
    /// # Errors
    /// As a sentence, what in the recipe does not fit the samples.
    pub fn new(recipe: &EquivaeRecipe, extent: Extent, classes: usize, device: &Device) -> Result<Self, String> {
        let (classifier, last) = GridStack::new(&recipe.classifier.layers, extent, Symmetry::NONE, device)
            .map_err(|reason| format!("In `classifier`, {reason}."))?;
        let within = match recipe.method {
            EquivaeMethod::Plain => None,
            EquivaeMethod::Equivae | EquivaeMethod::M2 => Some(Within::new(recipe, extent, classes, device)?),
        };
        let model = Self {
            classifier,
            logits: LinearConfig::new(numbers(last), classes).init(device),
            within,
            extent,
            classes,
            dropout: recipe.classifier.dropout,
        };
        Ok(initialize(model, recipe.training.seed))
    }

    /// The logits of `q(y | x)`.
    ///
    /// # Shapes
    /// `[B, C, rows, columns]` → `[B, classes]`.
    pub fn classify(&self, x: Tensor<4>) -> Tensor<2> {
        self.logits.forward(self.classifier.forward(x).flatten::<2>(1, 3))
    }

    fn classify_with_dropout(&self, x: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<2> {
        let map = self.classifier.forward(x).flatten::<2>(1, 3);
        self.logits.forward(if self.dropout > 0.0 { dropped(map, self.dropout, rng) } else { map })
    }

    /// The recipe's loss on a batch.
    pub fn loss(&self, batch: EquivaeBatch, recipe: &EquivaeRecipe) -> Loss {
        let EquivaeBatch { labelled, varied, labels, unlabelled, pool, complements, members, mut rng, progress } =
            batch;
        let device = labelled.device();
        let count = labelled.dims()[0];
        // Normalizations see labelled samples and others together, or they would not be normalized alike.
        let varied = if self.within.is_some() { varied } else { varied.narrow(0, 0, count) };
        let logits = self.classify_with_dropout(varied, &mut rng);
        let class = CrossEntropyLossConfig::new()
            .with_smoothing(Some(recipe.loss.label_smoothing))
            .init(&device)
            .forward(logits.clone().narrow(0, 0, count), labels.clone());
        let mut total = class.clone() * recipe.loss.class;
        let mut reconstruction = Tensor::<1>::zeros([1], &device);
        if let Some(within) = &self.within {
            let kl = match recipe.loss.kl_warmup {
                0.0 => 1.0,
                warmup => (progress / warmup).min(1.0) as f32,
            };
            let size = numbers(self.extent) as f32;
            let hidden = within.hidden(match &unlabelled {
                Some(others) => Tensor::cat(vec![labelled.clone(), others.clone()], 0),
                None => labelled.clone(),
            });
            let known = labels.clone().one_hot::<2>(self.classes).float();
            let own = within.routed(pool.clone(), complements, Some(labels));
            let bound = within.bound(
                labelled.flatten::<2>(1, 3),
                hidden.clone().narrow(0, 0, count),
                own.unsqueeze_dim::<3>(1),
                kl,
                Some(&mut rng),
            );
            total = total - (bound.likelihood.clone() - bound.divergence * kl).mean() / size;
            reconstruction = bound.likelihood.mean().neg() / size;
            let (mut latents, mut probabilities) = (bound.means.flatten::<2>(1, 2), known);
            if let Some(others) = unlabelled {
                let (more, classes) = (others.dims()[0], self.classes);
                let codes =
                    within.routed(pool, members, None).unsqueeze_dim::<3>(0).expand([more as i32, classes as i32, -1]);
                let bound =
                    within.bound(others.flatten::<2>(1, 3), hidden.narrow(0, count, more), codes, kl, Some(&mut rng));
                let log = log_softmax(logits.narrow(0, count, more), 1);
                let of_class = bound.likelihood - bound.divergence * kl - log.clone();
                // Σ_y q (L − log q) is the first term and the entropy; the logarithm of the number of classes is constant.
                total = total - (log.clone().exp() * of_class).sum_dim(1).mean() / size;
                let weights = log.exp().detach();
                latents = (bound.means * weights.clone().unsqueeze_dim::<3>(2)).sum_dim(1).flatten::<2>(1, 2);
                probabilities = weights;
            }
            if recipe.loss.independence > 0.0 {
                total = total + dependence(latents, probabilities) * recipe.loss.independence;
            }
        }
        Loss { total, reconstruction: reconstruction.detach(), class: class.detach() }
    }
}

/// The two terms of the bound, each `[B, K]`.
#[derive(Clone, Debug)]
pub struct Bound {
    /// `log p(x | r_y, v)`, without what is constant, nats.
    pub likelihood: Tensor<2>,
    /// `KL( q(v | r_y, x) ‖ N(0, I) )`, nats.
    pub divergence: Tensor<2>,
    /// The means of `q(v | r_y, x)`, `[B, K, v]`.
    pub means: Tensor<3>,
}

impl Within {
    fn new(recipe: &EquivaeRecipe, extent: Extent, classes: usize, device: &Device) -> Result<Self, String> {
        let (code, v) = (recipe.class_code.code, recipe.within.code);
        let (encoder, last) = GridStack::new(&recipe.within.layers, extent, Symmetry::NONE, device)
            .map_err(|reason| format!("In `within`, {reason}."))?;
        let hidden = recipe.within.hidden;
        let invariant = || {
            let section = &recipe.class_code;
            PlainStack::new(&section.layers, extent, [section.hidden, code], device)
                .map_err(|reason| format!("In `class_code`, {reason}."))
        };
        let (invariant, codes) = match recipe.method {
            EquivaeMethod::Equivae => (Some(invariant()?), None),
            _ => (None, Some(LinearConfig::new(classes, code).with_bias(false).init(device))),
        };
        let widths = recipe.decoder.hidden.iter().copied().chain([numbers(extent)]);
        let mut inputs = code + v;
        let decoder = widths.map(|width| {
            let layer = LinearConfig::new(inputs, width).init(device);
            inputs = width;
            layer
        });
        Ok(Self {
            invariant,
            codes,
            encoder,
            hidden: LinearConfig::new(numbers(last), hidden).init(device),
            joint: LinearConfig::new(hidden + code, hidden).init(device),
            posterior: LinearConfig::new(hidden, 2 * v).init(device),
            decoder: decoder.collect(),
            likelihood: recipe.decoder.likelihood,
            deviation: recipe.decoder.deviation,
        })
    }

    /// Class codes as means over a pool by rows of weights; where codes are weights, those of the labels, or all.
    ///
    /// # Shapes
    /// `pool` `[P, C, rows, columns]`, `weights` `[B, P]` → `[B, code]`.
    pub fn routed(&self, pool: Tensor<4>, weights: Tensor<2>, labels: Option<Tensor<1, Int>>) -> Tensor<2> {
        match (&self.invariant, &self.codes) {
            (Some(invariant), _) => weights.matmul(invariant.forward(pool)),
            (None, codes) => {
                let codes = codes.as_ref().expect("codes are means or weights").weight.val();
                match labels {
                    Some(labels) => codes.select(0, labels),
                    None => codes,
                }
            }
        }
    }

    /// The layer in front of v.
    ///
    /// # Shapes
    /// `[B, C, rows, columns]` → `[B, hidden]`.
    pub fn hidden(&self, x: Tensor<4>) -> Tensor<2> {
        relu(self.hidden.forward(self.encoder.forward(x).flatten::<2>(1, 3)))
    }

    /// Mean and logarithm of the variance of `q(v | r, x)`.
    ///
    /// # Shapes
    /// `hidden` `[B, hidden]`, `codes` `[B, K, code]` → twice `[B, K, v]`.
    pub fn posterior(&self, hidden: Tensor<2>, codes: Tensor<3>) -> [Tensor<3>; 2] {
        let ([_, inside], [b, k, code]) = (hidden.dims(), codes.dims());
        let weight = self.joint.weight.val();
        let [_, outputs] = weight.dims();
        // Once a sample, and once a code.
        let of_sample = hidden.matmul(weight.clone().narrow(0, 0, inside)).unsqueeze_dim::<3>(1);
        let of_code = codes.reshape([b * k, code]).matmul(weight.narrow(0, inside, code)).reshape([b, k, outputs]);
        let bias = self.joint.bias.as_ref().expect("the layer has a bias").val().reshape([1, 1, outputs]);
        let both = self.posterior.forward(relu(of_sample + of_code + bias));
        let v = both.dims()[2] / 2;
        let logarithm = both.clone().narrow(2, v, v).clamp(-LARGEST_LOGARITHM, LARGEST_LOGARITHM);
        [both.narrow(2, 0, v), logarithm]
    }

    /// What the decoder says of class codes and latents; logits where the likelihood is Bernoulli's.
    ///
    /// # Shapes
    /// `[B, code]`, `[B, v]` → `[B, D]`, channel by channel.
    pub fn decode(&self, codes: Tensor<2>, v: Tensor<2>) -> Tensor<2> {
        let mut x = Tensor::cat(vec![codes, v], 1);
        let last = self.decoder.len() - 1;
        for (index, layer) in self.decoder.iter().enumerate() {
            x = layer.forward(x);
            x = if index < last { relu(x) } else { x };
        }
        x
    }

    /// Both terms of the bound for each of K codes a sample, at one drawn v each, or without a generator at v's mean.
    ///
    /// # Shapes
    /// `x` `[B, D]`, `hidden` `[B, hidden]`, `codes` `[B, K, code]`.
    pub fn bound(
        &self,
        x: Tensor<2>,
        hidden: Tensor<2>,
        codes: Tensor<3>,
        kl: f32,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Bound {
        let [b, k, code] = codes.dims();
        let [mean, logarithm] = self.posterior(hidden, codes.clone());
        let [_, _, size] = mean.dims();
        let v = match rng {
            Some(rng) => {
                // One draw for all classes: their bounds differ by what the class does, not by luck.
                let noise: Vec<f32> = (0..b * size).map(|_| deviate(rng)).collect();
                let noise = Tensor::<3>::from_data(TensorData::new(noise, [b, 1, size]), &mean.device());
                mean.clone() + noise * (logarithm.clone() / 2.0).exp()
            }
            None => mean.clone(),
        };
        let decoded = self.decode(codes.reshape([b * k, code]), v.reshape([b * k, size]));
        let likelihood = self.likelihood(decoded, x, [b, k]);
        let divergence = match kl {
            0.0 => Tensor::zeros([b, k], &mean.device()),
            _ => (mean.clone().square() + logarithm.clone().exp() - logarithm - 1.0).sum_dim(2).reshape([b, k]) / 2.0,
        };
        Bound { likelihood, divergence, means: mean }
    }

    /// `[B·K, D]`, `[B, D]` → `[B, K]`.
    fn likelihood(&self, decoded: Tensor<2>, x: Tensor<2>, [b, k]: [usize; 2]) -> Tensor<2> {
        let [_, size] = decoded.dims();
        match self.likelihood {
            Likelihood::Bernoulli => {
                // x l − log(1 + eˡ)
                let linear = decoded.clone().reshape([b, k, size]).matmul(x.unsqueeze_dim::<3>(2)).reshape([b, k]);
                linear + log_sigmoid(decoded.neg()).sum_dim(1).reshape([b, k])
            }
            Likelihood::Gaussian => {
                let apart = decoded.reshape([b, k, size]) - x.unsqueeze_dim::<3>(1);
                apart.square().sum_dim(2).reshape([b, k]) / (-2.0 * self.deviation * self.deviation)
            }
        }
    }
}

/// How many numbers a map has.
fn numbers(extent: Extent) -> usize {
    extent.channels * extent.rows * extent.columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::*;
    use rand::SeedableRng;

    const CLASSES: usize = 3;
    const EXTENT: Extent = Extent { channels: 1, rows: 8, columns: 8 };

    fn recipe(method: EquivaeMethod) -> EquivaeRecipe {
        EquivaeRecipe { method, ..EquivaeRecipe::load("equivae-small").unwrap() }
    }

    fn model(method: EquivaeMethod, device: &Device) -> (EquivaeModel, EquivaeRecipe) {
        let recipe = recipe(method);
        (EquivaeModel::new(&recipe, EXTENT, CLASSES, device).unwrap(), recipe)
    }

    /// Six labelled samples that are the pool, too: two of each class, each the other's complement.
    fn batch(pool: Tensor<4>, device: &Device) -> EquivaeBatch {
        let other = |i: usize| (0..6).map(move |j| f32::from(u8::from(j == (i ^ 1)))).collect::<Vec<_>>();
        let of_class = |class: usize| (0..6).map(move |j| if j / 2 == class { 0.5 } else { 0.0 }).collect::<Vec<f32>>();
        let rows = |rows: Vec<Vec<f32>>| {
            let shape = [rows.len(), 6];
            Tensor::<2>::from_data(TensorData::new(rows.concat(), shape), device)
        };
        let unlabelled = random(5, [4, 1, 8, 8], device);
        EquivaeBatch {
            labelled: pool.clone(),
            varied: Tensor::cat(vec![pool.clone(), unlabelled.clone()], 0),
            labels: Tensor::from_data([0, 0, 1, 1, 2, 2], device),
            unlabelled: Some(unlabelled),
            pool,
            complements: rows((0..6).map(other).collect()),
            members: rows((0..CLASSES).map(of_class).collect()),
            rng: ChaCha8Rng::seed_from_u64(1),
            progress: 1.0,
        }
    }

    /// A sample's own class code does not depend on the sample, not even through statistics of the batch, and depends on
    /// every sample of its complement.
    #[test]
    fn no_gradient_leads_from_a_class_code_to_its_own_sample() {
        let device = device().autodiff();
        let (model, _) = model(EquivaeMethod::Equivae, &device);
        let within = model.within.unwrap();
        for own in 0..6 {
            let pool = random(7, [6, 1, 8, 8], &device).require_grad();
            let EquivaeBatch { complements, labels, .. } = batch(pool.clone(), &device);
            let codes = within.routed(pool.clone(), complements, Some(labels));
            let gradients = codes.narrow(0, own, 1).square().sum().backward();
            let gradient = pool.grad(&gradients).unwrap();
            for other in 0..6 {
                let largest = gradient.clone().narrow(0, other, 1).abs().max().into_scalar::<f32>();
                assert_eq!(largest > 0.0, other == own ^ 1, "{own} {other}: {largest}");
            }
        }
    }

    #[test]
    fn the_bound_is_what_the_formula_says() {
        let device = device();
        for (likelihood, deviation) in [(Likelihood::Bernoulli, 0.0), (Likelihood::Gaussian, 0.5)] {
            let mut recipe = recipe(EquivaeMethod::Equivae);
            (recipe.decoder.likelihood, recipe.decoder.deviation) = (likelihood, deviation);
            let model = EquivaeModel::new(&recipe, EXTENT, CLASSES, &device).unwrap();
            let within = model.within.as_ref().unwrap();
            let x = random(1, [2, 1, 8, 8], &device).abs();
            let codes = random(2, [2, CLASSES, recipe.class_code.code], &device);
            let hidden = within.hidden(x.clone());
            let bound = within.bound(x.clone().flatten(1, 3), hidden.clone(), codes.clone(), 1.0, None);
            let [mean, logarithm] = within.posterior(hidden, codes.clone());
            let list = |tensor: Tensor<2>| tensor.into_data().try_to_vec::<f32>().unwrap();
            for sample in 0..2 {
                for class in 0..CLASSES {
                    let of = |tensor: &Tensor<3>| {
                        tensor.clone().slice([sample..sample + 1, class..class + 1]).reshape([1, -1])
                    };
                    let decoded = list(within.decode(of(&codes), of(&mean)));
                    let x = list(x.clone().narrow(0, sample, 1).reshape([1, 64]));
                    let exact: f64 = decoded
                        .iter()
                        .zip(&x)
                        .map(|(&l, &x)| {
                            let (l, x) = (f64::from(l), f64::from(x));
                            match likelihood {
                                Likelihood::Bernoulli => {
                                    let p = 1.0 / (1.0 + (-l).exp());
                                    x * p.ln() + (1.0 - x) * (1.0 - p).ln()
                                }
                                Likelihood::Gaussian => -(l - x).powi(2) / (2.0 * 0.25),
                            }
                        })
                        .sum();
                    let pairs = list(of(&mean)).into_iter().zip(list(of(&logarithm)));
                    let kl: f64 = pairs
                        .map(|(m, l)| 0.5 * (f64::from(m).powi(2) + f64::from(l).exp() - 1.0 - f64::from(l)))
                        .sum();
                    let at = |tensor: &Tensor<2>| f64::from(list(tensor.clone())[sample * CLASSES + class]);
                    assert!((at(&bound.likelihood) - exact).abs() < SUMS, "{likelihood:?} {exact}");
                    assert!((at(&bound.divergence) - kl).abs() < SUMS, "{kl}");
                }
            }
        }
    }

    /// Largest difference of two sums of 64 numbers of order 1 in f32.
    const SUMS: f64 = 1e-3;

    #[test]
    fn every_network_learns_from_a_batch() {
        let device = device().autodiff();
        for method in [EquivaeMethod::Equivae, EquivaeMethod::M2, EquivaeMethod::Plain] {
            let (model, recipe) = model(method, &device);
            let loss = model.loss(batch(random(3, [6, 1, 8, 8], &device).abs(), &device), &recipe);
            assert!(loss.total.clone().into_scalar::<f32>().is_finite());
            let gradients = loss.total.backward();
            let moves =
                |weight: Tensor<2>| weight.grad(&gradients).is_some_and(|g| g.abs().max().into_scalar::<f32>() > 0.0);
            assert!(moves(model.logits.weight.val()));
            match (&model.within, method) {
                (None, method) => assert_eq!(method, EquivaeMethod::Plain),
                (Some(within), _) => {
                    assert!(moves(within.hidden.weight.val()) && moves(within.posterior.weight.val()));
                    assert!(within.decoder.iter().all(|layer| moves(layer.weight.val())));
                    assert_eq!(
                        within.codes.as_ref().is_some_and(|codes| moves(codes.weight.val())),
                        method == EquivaeMethod::M2
                    );
                    assert_eq!(within.invariant.is_some(), method == EquivaeMethod::Equivae);
                }
            }
        }
    }

    #[test]
    fn the_divergence_may_come_in_slowly() {
        let device = device();
        let (model, mut recipe) = model(EquivaeMethod::Equivae, &device);
        let pool = random(3, [6, 1, 8, 8], &device).abs();
        let mut loss = |warmup: f64, progress: f64| {
            recipe.loss.kl_warmup = warmup;
            let batch = EquivaeBatch { progress, ..batch(pool.clone(), &device) };
            model.loss(batch, &recipe).total.into_scalar::<f32>()
        };
        let (full, none) = (loss(0.0, 0.0), loss(0.5, 0.0));
        assert!(none < full, "{none} {full}");
        let half = loss(0.5, 0.25);
        assert!(((none + full) / 2.0 - half).abs() < TOLERANCE, "{none} {half} {full}");
        assert_eq!(loss(0.5, 0.75), full);
    }
}
