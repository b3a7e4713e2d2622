//! The group-invariant autoencoder on grids, its baselines, and learned canonicalization for a classifier.
//!
//! Formula: `g = ψ(x)`, `c = g⁻¹·x`, `z = η(c)`, `x̂ = g·δ(z)`;
//! `L = w_r · mean((x̂ − x)²) + w_l · mean(d(h·ψ(x), ψ(h·x))) + w_c · cross-entropy(head(z), label)`
//! with elements h drawn anew. The second term is the law: on a grid ψ is equivariant only nearly, and a rich code
//! would absorb what pose it can. With two steps, ψ is the composition `g₁ g₂`, `g₂ = ψ₂(g₁⁻¹·x)`.
//! Where the canonical sample's loudness is reconstructed, `x` and `x̂` are those in the first term. Samples that were
//! recorded in one pose may add `w_u · mean(d(e, ψ(x)))`, e the identity: that pose is the canonical one.
//! Without ψ, g is the identity and what remains is the classical autoencoder; with a quotient of K poses the
//! reconstruction is measured against the best of K turned copies of x (the quotient autoencoder).

use super::giae::Loss;
use crate::group::{self, Group};
use crate::nn::grid::{Extent, GridStack};
use crate::nn::{GridDecoder, Symmetry, initialize};
use crate::recipe::grid::{GridRecipe, GroupName, PoseSection, Readout};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// All networks of a recipe; those that it does not need are absent.
#[derive(Module, Debug)]
pub struct GridModel {
    /// ψ, step after step.
    pub(crate) poses: Vec<GridPose>,
    /// η's layers on the canonical sample.
    pub(crate) eta: GridStack,
    /// From the last map to the code.
    pub(crate) code: Linear,
    /// From the code to the logits, if the class loss has a weight.
    pub(crate) class_head: Option<Linear>,
    /// δ, if the reconstruction loss has a weight.
    pub(crate) delta: Option<GridDecoder>,
    /// Of a sample.
    #[module(skip)]
    pub(crate) extent: Extent,
    #[module(skip)]
    loudness: usize,
    #[module(skip)]
    pub(crate) turns: usize,
    #[module(skip)]
    readout: Readout,
    #[module(skip)]
    dropout: f64,
}

/// One step of ψ.
#[derive(Module, Debug)]
pub struct GridPose {
    pub(crate) stack: GridStack,
    /// From the channels of a way to the numbers that the group reads; no bias, which would point nowhere.
    pub(crate) head: Linear,
    #[module(skip)]
    pub(crate) group: GroupName,
    #[module(skip)]
    pub(crate) symmetry: Symmetry,
    /// What is upright, as an element's row: poses are what the chart says, times the inverse of this from the right.
    /// Set once ψ is trained, which then learns no more.
    #[module(skip)]
    pub(crate) upright: Option<[f32; 2]>,
}

/// Samples of one step.
#[derive(Clone, Debug)]
pub struct GridBatch {
    /// `[B, 1, rows, columns]`, network units.
    pub samples: Tensor<4>,
    /// `[B]`.
    pub labels: Tensor<1, Int>,
    /// Draws what is dropped, and the elements of the law and of the quotient.
    pub rng: ChaCha8Rng,
}

/// Everything the networks say about a batch.
#[derive(Clone, Debug)]
pub struct GridForward {
    /// What each step of ψ read, `[B, 1, rows, columns]`.
    pub inputs: Vec<Tensor<4>>,
    /// What each step of ψ said before its chart, `[B, numbers]`.
    pub numbers: Vec<Tensor<2>>,
    /// The steps' elements.
    pub elements: Vec<Tensor<2>>,
    /// `[B, 1, rows, columns]`.
    pub canonical: Tensor<4>,
    /// `[B, code]`.
    pub code: Tensor<2>,
    /// `[B, classes]`.
    pub logits: Option<Tensor<2>>,
    /// δ's estimate of the canonical sample.
    pub decoded: Option<Tensor<4>>,
}

impl GridPose {
    fn new(section: &PoseSection, group: &dyn Group, extent: Extent, device: &Device) -> Result<Self, String> {
        let symmetry = section.symmetry();
        let (stack, last) = GridStack::new(&section.layers, extent, symmetry, device)?;
        if section.group == GroupName::Ring && last.columns != extent.columns {
            return Err("leaves another number of electrodes than there are".into());
        }
        Ok(Self {
            stack,
            head: LinearConfig::new(last.channels, group.readouts()).with_bias(false).init(device),
            group: section.group,
            symmetry,
            upright: None,
        })
    }

    /// The numbers that the chart takes.
    ///
    /// # Shapes
    /// `[B, 1, rows, columns]` → `[B, numbers]`.
    pub fn numbers(&self, group: &dyn Group, x: Tensor<4>) -> Tensor<2> {
        let map = self.stack.forward(x);
        let [b, channels, h, w] = map.dims();
        let (ways, c) = (self.symmetry.order(), channels / self.symmetry.order());
        let map = map.reshape([b, ways, c, h * w]);
        let read = |i: usize| {
            let weight = self.head.weight.val().narrow(1, i, 1).reshape([1, 1, c, 1]);
            (map.clone() * weight).sum_dim(2).reshape([b, ways, h, w])
        };
        group.numbers(Tensor::cat((0..group.readouts()).map(read).collect(), 1))
    }

    /// The numbers that the chart takes, and the pose.
    fn element(&self, group: &dyn Group, x: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let Some(upright) = self.upright else {
            let numbers = self.numbers(group, x);
            return (numbers.clone(), group.chart(numbers));
        };
        // Frozen, statistics included.
        let learns = x.device().is_autodiff();
        let (psi, x) = if learns { (self.clone().valid(), x.inner()) } else { (self.clone(), x) };
        let numbers = psi.numbers(group, x);
        let [b, _] = numbers.dims();
        let upright = Tensor::<2>::from_data([upright], &numbers.device()).expand([b, 2]);
        let element = group.compose(group.chart(numbers.clone()), group.inverse(upright));
        if learns { (Tensor::from_inner(numbers), Tensor::from_inner(element)) } else { (numbers, element) }
    }
}

impl GridModel {
    /// Fresh networks for samples of a shape and `classes` classes, weights from the recipe's seed.
    ///
    /// # Errors
    /// As a sentence, what in the recipe does not fit the samples.
    pub fn new(recipe: &GridRecipe, extent: Extent, classes: usize, device: &Device) -> Result<Self, String> {
        let (eta, loss) = (&recipe.eta, &recipe.loss);
        recipe.data.check_order(extent)?;
        let pose = |section: &PoseSection| {
            let group = group::group(section.group, extent)?;
            GridPose::new(section, &*group, extent, device).map_err(|reason| format!("In `pose`, {reason}."))
        };
        let poses = recipe.pose.iter().map(pose).collect::<Result<_, _>>()?;
        let (stack, last) = GridStack::new(&eta.layers, extent, Symmetry::turns(eta.turns), device)
            .map_err(|reason| format!("In `eta`, {reason}."))?;
        let code = match (eta.turns, eta.readout) {
            (1, Readout::Code) => LinearConfig::new(last.channels * last.rows * last.columns, eta.code),
            (_, Readout::Code) => LinearConfig::new(last.channels, eta.code),
            (1, Readout::Vectors) => return Err("In `eta`, vectors are read off turns, of which there is one.".into()),
            (_, Readout::Vectors) => LinearConfig::new(last.channels, eta.code / 2).with_bias(false),
        };
        let loudness = recipe.delta.loudness;
        if loudness > 0 && !extent.rows.is_multiple_of(loudness) {
            return Err(format!("`delta` wants the loudness of {loudness} instants each, of {}.", extent.rows));
        }
        let target = Extent { rows: extent.rows / loudness.max(1), ..extent };
        let delta = (loss.reconstruction > 0.0).then(|| GridDecoder::new(eta.code, target, &recipe.delta, device));
        let model = Self {
            poses,
            eta: stack,
            code: code.init(device),
            class_head: (loss.class > 0.0).then(|| LinearConfig::new(eta.code, classes).init(device)),
            delta: delta.transpose().map_err(|reason| format!("`delta` {reason}."))?,
            extent,
            loudness,
            turns: eta.turns,
            readout: eta.readout,
            dropout: eta.dropout,
        };
        Ok(initialize(model, recipe.training.seed))
    }

    /// Turns the poses of ψ's last step, which learns no more, so that samples whose pose was `upright` have none.
    pub(crate) fn align(&mut self, upright: [f32; 2]) {
        if let Some(pose) = self.poses.last_mut() {
            pose.upright = Some(upright);
        }
    }

    /// The groups of ψ's steps.
    pub fn groups(&self) -> Vec<Box<dyn Group>> {
        let group = |pose: &GridPose| group::group(pose.group, self.extent).expect("new has checked it");
        self.poses.iter().map(group).collect()
    }

    /// Runs every network there is.
    ///
    /// # Shapes
    /// `x` `[B, 1, rows, columns]`; the results' are beside them.
    pub fn forward(&self, x: Tensor<4>) -> GridForward {
        self.run(x, None)
    }

    /// The same; with a generator, parts of η's last map are dropped.
    fn run(&self, x: Tensor<4>, rng: Option<&mut ChaCha8Rng>) -> GridForward {
        let mut canonical = x;
        let (mut inputs, mut numbers, mut elements) = (Vec::new(), Vec::new(), Vec::new());
        for (pose, group) in self.poses.iter().zip(self.groups()) {
            let (said, element) = pose.element(&*group, canonical.clone());
            let back = group.act(group.inverse(element.clone()), canonical.clone());
            inputs.push(std::mem::replace(&mut canonical, back));
            numbers.push(said);
            elements.push(element);
        }
        let code = self.encode(canonical.clone(), rng);
        let logits = self.class_head.as_ref().map(|head| head.forward(code.clone()));
        let decoded = self.delta.as_ref().map(|delta| delta.forward(code.clone()));
        GridForward { inputs, numbers, elements, canonical, code, logits, decoded }
    }

    /// η.
    fn encode(&self, canonical: Tensor<4>, rng: Option<&mut ChaCha8Rng>) -> Tensor<2> {
        let map = self.eta.forward(canonical);
        let [b, channels, h, w] = map.dims();
        let (turns, c) = (self.turns, channels / self.turns);
        if turns == 1 {
            let map = map.reshape([b, channels * h * w]);
            return self.code.forward(match rng {
                Some(rng) if self.dropout > 0.0 => dropped(map, self.dropout, rng),
                _ => map,
            });
        }
        let means = map.reshape([b, turns, c, h * w]).mean_dim(3).reshape([b, turns, c]);
        match self.readout {
            Readout::Code => self.code.forward(means.mean_dim(1).reshape([b, c])),
            Readout::Vectors => {
                let waves: Vec<f32> = [f32::cos, f32::sin]
                    .into_iter()
                    .flat_map(|wave| (0..turns).map(move |turn| wave(TAU * turn as f32 / turns as f32)))
                    .collect();
                let waves = Tensor::<3>::from_data(TensorData::new(waves, [1, 2, turns]), &means.device());
                let vectors = waves.expand([b, 2, turns]).matmul(self.code.forward(means));
                let [_, _, pairs] = vectors.dims();
                vectors.reshape([b, 2 * pairs])
            }
        }
    }

    /// What δ is to give: the sample, or how loud it is. Moving a sample moves this with it.
    ///
    /// # Shapes
    /// `[B, 1, rows, columns]` → the same with `rows / loudness` rows.
    pub(crate) fn target(&self, samples: Tensor<4>) -> Tensor<4> {
        match self.loudness {
            0 => samples,
            instants => avg_pool2d(samples.abs(), AvgPoolOptions::new([instants, 1])),
        }
    }

    /// δ's estimate in the pose of the sample.
    pub fn reconstruction(&self, forward: &GridForward) -> Option<Tensor<4>> {
        let steps = self.groups().into_iter().zip(&forward.elements).rev();
        let decoded = forward.decoded.clone()?;
        Some(steps.fold(decoded, |x, (group, element)| group.act(element.clone(), x)))
    }

    /// The recipe's loss on a batch.
    pub fn loss(&self, batch: GridBatch, recipe: &GridRecipe) -> Loss {
        let weights = &recipe.loss;
        let GridBatch { samples, labels, mut rng } = batch;
        let forward = self.run(samples.clone(), Some(&mut rng));
        let device = samples.device();
        let zero = || Tensor::<1>::zeros([1], &device);
        let learns = self.poses.iter().all(|pose| pose.upright.is_none());
        let law = if weights.law > 0.0 && learns { self.law(&samples, &forward.elements, &mut rng) } else { zero() };
        let upright = if weights.upright > 0.0 && learns { self.upright(&forward.elements) } else { zero() };
        let target = self.target(samples);
        let reconstruction = match self.reconstruction(&forward) {
            None => zero(),
            Some(decoded) if weights.quotient > 0 => {
                best(decoded, target, &recipe.data.groups(self.extent), weights.quotient, &mut rng)
            }
            Some(estimate) => (estimate - target).square().mean(),
        };
        let class = forward.logits.map_or_else(zero, |logits| {
            CrossEntropyLossConfig::new()
                .with_smoothing(Some(weights.label_smoothing))
                .init(&device)
                .forward(logits, labels)
        });
        let total = reconstruction.clone() * weights.reconstruction
            + law * weights.law
            + upright * weights.upright
            + class.clone() * weights.class;
        Loss { total, reconstruction: reconstruction.detach(), class: class.detach() }
    }

    /// How far each step of ψ is from the identity.
    fn upright(&self, elements: &[Tensor<2>]) -> Tensor<1> {
        let steps = self.groups().into_iter().zip(elements).map(|(group, found)| {
            let any = found.clone().detach();
            group.distance(group.compose(any.clone(), group.inverse(any)), found.clone()).mean()
        });
        steps.reduce(|a, b| a + b).expect("a recipe that weighs poses has one")
    }

    /// How far each step of ψ is from its law on freshly moved copies.
    ///
    /// A step is asked about copies that were moved by its own group and by those of the steps before: what these leave of
    /// their pose must not teach it a pose of its own.
    fn law(&self, samples: &Tensor<4>, elements: &[Tensor<2>], rng: &mut ChaCha8Rng) -> Tensor<1> {
        let groups = self.groups();
        // Of half the samples: it costs ψ another run.
        let b = samples.dims()[0].div_ceil(2);
        let laws = (0..groups.len()).map(|step| {
            let some = samples.clone().narrow(0, 0, b);
            let moves: Vec<Tensor<2>> =
                groups[..=step].iter().map(|group| group::draw(&**group, b, rng, &some.device())).collect();
            let moved = groups.iter().zip(&moves).rev().fold(some, |x, (group, h)| group.act(h.clone(), x));
            let before = self.poses[..step].iter().zip(&groups).fold(moved, |x, (pose, group)| {
                let (_, found) = pose.element(&**group, x.clone());
                group.act(group.inverse(found), x)
            });
            let (group, pose) = (&groups[step], &self.poses[step]);
            let (_, found) = pose.element(&**group, before);
            let expected = group.compose(moves[step].clone(), elements[step].clone().narrow(0, 0, b));
            group.distance(expected, found).mean()
        });
        laws.reduce(|a, b| a + b).unwrap_or_else(|| Tensor::zeros([1], &samples.device()))
    }
}

/// Numbers of which each is zero with a probability, and else that much larger: dropout, by a generator of the batch's, since
/// the backend's own is one for all threads.
pub(super) fn dropped(x: Tensor<2>, probability: f64, rng: &mut ChaCha8Rng) -> Tensor<2> {
    let keep = 1.0 / (1.0 - probability) as f32;
    let shape = x.dims();
    let factors = (0..shape.iter().product()).map(|_| if rng.random_bool(probability) { 0.0 } else { keep }).collect();
    let factors = Tensor::from_data(TensorData::new::<f32, _>(factors, shape), &x.device());
    x * factors
}

/// The mean over the samples of the squared error against the best of several copies of each, moved by elements drawn
/// anew.
pub(super) fn best(
    decoded: Tensor<4>,
    samples: Tensor<4>,
    groups: &[Box<dyn Group>],
    copies: usize,
    rng: &mut ChaCha8Rng,
) -> Tensor<1> {
    let [b, c, h, w] = samples.dims();
    let errors = (0..copies).map(|_| {
        let moved =
            groups.iter().fold(samples.clone(), |x, group| group.act(group::draw(&**group, b, rng, &x.device()), x));
        (decoded.clone() - moved).square().reshape([b, c * h * w]).mean_dim(1)
    });
    Tensor::cat(errors.collect(), 1).min_dim(1).mean()
}
