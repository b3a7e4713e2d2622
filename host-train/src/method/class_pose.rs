//! Class-pose decomposition, and the baselines with the same encoder.
//!
//! Formula: `φ = (φ_E, φ_G)`, a network without any symmetry; on triples `(x, g, y = g·x)`
//! `L = d_G(g·φ_G(x), φ_G(y))² + InfoNCE(φ_E(x), φ_E(y))` (Marchetti et al. 2023, arXiv 2207.03116). `φ_E` lies on the unit
//! sphere, and `InfoNCE = −log softmax_j(φ_E(x_i)·φ_E(y_j) / τ)` at j = i, over the samples of the batch, keeps it from
//! being the same for all. Where a pose is a set of elements (Marchetti et al. 2023, arXiv 2301.05231) d_G is Chamfer's:
//! the mean over either set of the squared distance to the nearest of the other.
//!
//! The loss leaves every class a constant of its own, by which its poses may be moved from the right. Where poses have ends
//! they then tell the class. With a weight, how far they depend on `φ_E` is minimized, too (see `dependence`): one constant
//! for all remains.
//!
//! The baselines have one latent vector z, of as many numbers, and keep those of different samples apart by a hinge:
//! `L = |T(z(x), g) − z(y)|² + mean max(0, m − |z(y_i) − z(y_j)|²)`. T is a network, `z + f(z, g)` (an MDP homomorphism: van
//! der Pol et al. 2020, arXiv 2002.11963), or the action of g by matrices on as many copies of the smallest space as there
//! is room for. Without InfoNCE, codes of x and y attract each other and nothing else is asked of them:
//! `1 − φ_E(x)·φ_E(y)`. The unconstrained code is that of an autoencoder.

use super::dependence::dependence;
use super::giae::Loss;
use crate::data::paired::Paired;
use crate::group::action::{Poses, unit};
use crate::nn::image::ImageEncoder;
use crate::nn::{ImageDecoder, initialize};
use crate::recipe::class_pose::{ClassPoseRecipe, TripleMethod};
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::{log_softmax, relu};

/// φ, or the latent vector of a baseline.
#[derive(Module, Debug)]
pub struct ClassPoseModel {
    pub(crate) encoder: ImageEncoder,
    /// From features to φ_E, before it is brought to length one; none for a method with one latent vector.
    pub(crate) code: Option<Linear>,
    /// From features to what the chart reads, one element after the other, or to the latent vector.
    pub(crate) pose: Linear,
    /// How a latent vector moves, where that is learned.
    transition: Option<Transition>,
    /// Back to the sample, where nothing else is learned.
    pub(crate) decoder: Option<ImageDecoder>,
    #[module(skip)]
    pub(crate) poses: Poses,
    #[module(skip)]
    pub(crate) elements: usize,
    #[module(skip)]
    method: TripleMethod,
    #[module(skip)]
    temperature: f32,
    #[module(skip)]
    margin: f32,
    #[module(skip)]
    independence: f32,
}

/// `z ↦ z + f(z, g)`, f with one hidden layer.
#[derive(Module, Debug)]
struct Transition {
    hidden: Linear,
    change: Linear,
}

/// Pairs of one step.
#[derive(Clone, Debug)]
pub struct TripleBatch {
    /// `[2 B, rows, columns, C]`, network units: the samples x, then y.
    pub samples: Tensor<4>,
    /// `[B, width]`: the elements g.
    pub actions: Tensor<2>,
}

/// What φ says of samples.
#[derive(Clone, Debug)]
pub struct Said {
    /// φ_E, `[B, code]`, of length one; none for a method with one latent vector.
    pub code: Option<Tensor<2>>,
    /// φ_G, an element for each of the set, `[B, width]`; or the latent vector alone, `[B, latent]`.
    pub elements: Vec<Tensor<2>>,
}

impl ClassPoseModel {
    /// Fresh networks for a data set, weights from the recipe's seed.
    ///
    /// # Errors
    /// As a sentence, what in the recipe does not fit the samples.
    pub fn new(recipe: &ClassPoseRecipe, paired: &Paired, device: &Device) -> Result<Self, String> {
        let (section, method) = (&recipe.encoder, recipe.loss.method);
        let poses = Poses::new(&paired.group, section.rotation, recipe.triples.unit);
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let numbers = section.code + poses.readouts();
        let (code, outputs) = match method {
            TripleMethod::ClassPose | TripleMethod::NoInfonce => {
                (Some(linear(section.features, section.code)), section.elements * poses.readouts())
            }
            TripleMethod::MdpHomomorphism => (None, numbers),
            TripleMethod::Linear => {
                let copies = (numbers as f32 / poses.linear_width() as f32).round().max(1.0) as usize;
                (None, copies * poses.linear_width())
            }
            // As many as a decoder of code and pose reads.
            TripleMethod::Unconstrained => (None, section.code + section.elements * poses.width()),
        };
        let transition = (method == TripleMethod::MdpHomomorphism).then(|| Transition {
            hidden: linear(outputs + poses.width(), section.features),
            change: linear(section.features, outputs),
        });
        let decoder = match (&recipe.decoder, method) {
            (Some(decoder), TripleMethod::Unconstrained) => {
                let decoder = ImageDecoder::new(outputs, paired.shape, decoder, device);
                Some(decoder.map_err(|reason| format!("In `decoder`, {reason}."))?)
            }
            _ => None,
        };
        let encoder = ImageEncoder::new(section, paired.shape, device);
        let model = Self {
            encoder: encoder.map_err(|reason| format!("In `encoder`, it {reason}."))?,
            code,
            pose: linear(section.features, outputs),
            transition,
            decoder,
            poses,
            elements: section.elements,
            method,
            temperature: recipe.loss.temperature,
            margin: recipe.loss.margin,
            independence: recipe.loss.independence,
        };
        Ok(initialize(model, recipe.training.seed))
    }

    /// φ.
    ///
    /// # Shapes
    /// `[B, rows, columns, C]`, network units.
    pub fn say(&self, samples: Tensor<4>) -> Said {
        let features = self.encoder.forward(samples);
        let numbers = self.pose.forward(features.clone());
        let Some(code) = &self.code else { return Said { code: None, elements: vec![numbers] } };
        let readouts = self.poses.readouts();
        let element = |i: usize| self.poses.chart(numbers.clone().narrow(1, i * readouts, readouts));
        Said { code: Some(unit(code.forward(features))), elements: (0..self.elements).map(element).collect() }
    }

    /// What φ says, moved by an action: the code stays.
    pub fn moved(&self, g: Tensor<2>, said: Said) -> Said {
        let elements = said.elements.into_iter().map(|element| self.act(g.clone(), element)).collect();
        Said { elements, ..said }
    }

    fn act(&self, g: Tensor<2>, z: Tensor<2>) -> Tensor<2> {
        match (self.method, &self.transition) {
            (TripleMethod::ClassPose | TripleMethod::NoInfonce, _) => self.poses.act(g, z),
            (TripleMethod::Linear, _) => {
                let [b, latent] = z.dims();
                let (width, copies) = (self.poses.linear_width(), latent / self.poses.linear_width());
                // Every copy of a sample's under the sample's element.
                let [_, numbers] = g.dims();
                let g = g.unsqueeze_dim::<3>(1).repeat_dim(1, copies).reshape([b * copies, numbers]);
                self.poses.act_linearly(g, z.reshape([b * copies, width])).reshape([b, latent])
            }
            (_, Some(Transition { hidden, change })) => {
                let both = Tensor::cat(vec![z.clone(), g], 1);
                z + change.forward(relu(hidden.forward(both)))
            }
            // Nothing says how an unconstrained code moves.
            (_, None) => z,
        }
    }

    /// The recipe's loss on a batch.
    pub fn loss(&self, batch: TripleBatch) -> Loss {
        let TripleBatch { samples, actions } = batch;
        let [b, _] = actions.dims();
        if let Some(decoder) = &self.decoder {
            let decoded = decoder.forward(self.pose.forward(self.encoder.forward(samples.clone())));
            let error = (decoded - samples).square().mean();
            let none = Tensor::zeros([1], &error.device());
            return Loss { total: error.clone(), reconstruction: error.detach(), class: none };
        }
        let said = self.say(samples);
        let told = match &said.code {
            // The code is as it is: poses are to know less of it.
            Some(code) if self.independence > 0.0 => {
                let poses = Tensor::cat(said.elements.clone(), 1);
                dependence(poses, code.clone().detach()) * self.independence
            }
            _ => Tensor::zeros([1], &actions.device()),
        };
        let half = |all: &Tensor<2>, first: usize| all.clone().narrow(0, first * b, b);
        let of = |first: usize| Said {
            code: said.code.as_ref().map(|code| half(code, first)),
            elements: said.elements.iter().map(|element| half(element, first)).collect(),
        };
        let (x, y) = (of(0), of(1));
        let apart = match (&x.code, &y.code) {
            (Some(x), Some(y)) if self.method == TripleMethod::ClassPose => info_nce(x, y, self.temperature),
            (Some(x), Some(y)) => (x.clone() * y.clone()).sum_dim(1).mean().neg().add_scalar(1.0),
            _ => hinge(&y.elements[0], self.margin),
        };
        let moved = self.moved(actions, x).elements;
        let pose = chamfer(&moved, &y.elements).mean();
        Loss { total: pose.clone() + apart.clone() + told, reconstruction: pose.detach(), class: apart.detach() }
    }
}

/// InfoNCE over the samples of a batch, nats.
fn info_nce(x: &Tensor<2>, y: &Tensor<2>, temperature: f32) -> Tensor<1> {
    let [b, _] = x.dims();
    let logits = x.clone().matmul(y.clone().transpose()).div_scalar(temperature);
    let own = Tensor::<2>::eye(b, &logits.device());
    (log_softmax(logits, 1) * own).sum().div_scalar(b as f32).neg()
}

/// How much closer than the margin latent vectors of different samples are, squared distances.
fn hinge(z: &Tensor<2>, margin: f32) -> Tensor<1> {
    let [b, _] = z.dims();
    let others = Tensor::<2>::ones([b, b], &z.device()) - Tensor::eye(b, &z.device());
    let closer = relu(squared_distances(z, z).neg().add_scalar(margin));
    (closer * others).sum().div_scalar((b * (b - 1)).max(1) as f32)
}

/// `[A, n]` and `[B, n]` → the squared distance of each to each, `[A, B]`.
pub(crate) fn squared_distances(a: &Tensor<2>, b: &Tensor<2>) -> Tensor<2> {
    let squares = |x: &Tensor<2>| x.clone().square().sum_dim(1);
    let products = a.clone().matmul(b.clone().transpose()).mul_scalar(-2.0);
    products + squares(a) + squares(b).transpose()
}

/// Chamfer's squared distance of two sets, row by row; of two single elements the squared distance.
///
/// # Shapes
/// Elements `[B, width]` → `[B, 1]`.
fn chamfer(a: &[Tensor<2>], b: &[Tensor<2>]) -> Tensor<2> {
    let apart = |x: &Tensor<2>, y: &Tensor<2>| (x.clone() - y.clone()).square().sum_dim(1);
    let nearest = |x: &Tensor<2>, of: &[Tensor<2>]| Tensor::cat(of.iter().map(|y| apart(x, y)).collect(), 1).min_dim(1);
    if let ([a], [b]) = (a, b) {
        return apart(a, b);
    }
    let all = |from: &[Tensor<2>], to: &[Tensor<2>]| {
        Tensor::cat(from.iter().map(|x| nearest(x, to)).collect(), 1).mean_dim(1)
    };
    (all(a, b) + all(b, a)).mul_scalar(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::{device, difference, random};

    /// Of distances of order one, in f32.
    const TOLERANCE: f32 = 2e-5;

    #[test]
    fn a_set_is_at_no_distance_from_itself_in_another_order() {
        let device = device();
        let [a, b, c] = [1, 2, 3].map(|seed| random::<2>(seed, [5, 4], &device));
        let apart = chamfer(&[a.clone(), b.clone(), c.clone()], &[c.clone(), a.clone(), b.clone()]);
        assert!(apart.abs().max().into_scalar::<f32>() < TOLERANCE);
        assert!(chamfer(&[a.clone(), b.clone()], &[a.clone(), c.clone()]).min().into_scalar::<f32>() > 0.0);
        // Either set must find the other.
        let (one, both) = ([a.clone(), a.clone()], [a.clone(), b.clone()]);
        assert!(difference(chamfer(&one, &both), chamfer(&both, &one)) < TOLERANCE);
        let singles = chamfer(std::slice::from_ref(&a), std::slice::from_ref(&b));
        assert!(difference(singles, (a - b).square().sum_dim(1)) < TOLERANCE);
    }

    #[test]
    fn info_nce_is_least_where_each_finds_its_own() {
        let device = device();
        let own = Tensor::<2>::eye(4, &device);
        let found = info_nce(&own, &own, 0.5).into_scalar::<f32>();
        let expected = (1.0 + 3.0 * (-2.0f32).exp()).ln();
        assert!((found - expected).abs() < TOLERANCE);
        let same = Tensor::<2>::ones([4, 1], &device);
        assert!((info_nce(&same, &same, 0.5).into_scalar::<f32>() - 4.0f32.ln()).abs() < TOLERANCE);
    }

    #[test]
    fn only_what_is_closer_than_the_margin_is_pushed_apart() {
        let z = Tensor::<2>::from_data([[0.0, 0.0], [0.5, 0.0], [9.0, 0.0]], &device());
        let found = hinge(&z, 1.0).into_scalar::<f32>();
        // One pair of three, both ways, is closer by 0.75.
        assert!((found - 0.75 * 2.0 / 6.0).abs() < TOLERANCE);
    }
}
