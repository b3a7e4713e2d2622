//! The group-invariant autoencoder, with an optional class head.
//!
//! Formula: `R = ψ(x)`, `c = Rᵀ·x`, `z = η(c)`, `x̂ = R·δ(z)`;
//! `L = w_r · mean((x̂ − x)²) + w_c · cross-entropy(head(z or mean η), label)`.
//! Where mirror images have poses too, R is one behind the mirror of [`mirror`](crate::nn::mirror) where ψ finds the other hand.
//! R is orthogonal, so the first term is the same whether measured at x or at c; training measures
//! it at c and saves one action. With `pose = "none"` R is the identity and what remains is the
//! classical autoencoder, or a plain classifier.

use super::batch::{Batch, to_channels};
use super::psi::{Frames, Psi};
use crate::data::{ACCELERATION, CHANNELS};
use crate::nn::{ConvBlock, Decoder, initialize};
use crate::recipe::{ClassInput, Pooling, Pose, Recipe};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;

/// All networks of a recipe; those that it does not need are absent.
#[derive(Module, Debug)]
pub struct Model {
    /// ψ, unless `pose = "none"`.
    pub(crate) psi: Option<Psi>,
    /// η's convolutions on the canonical window `[B, 6, T]`, channels in the order of a sample.
    pub(crate) eta: Vec<ConvBlock>,
    /// From the pooled features to the code.
    pub(crate) code: Linear,
    /// From the code or the mean features to the logits, if the class loss has a weight.
    pub(crate) class_head: Option<Linear>,
    /// δ, if the reconstruction loss has a weight.
    pub(crate) delta: Option<Decoder>,
    #[module(skip)]
    pub(crate) pooling: Pooling,
    #[module(skip)]
    pub(crate) class_from: ClassInput,
}

/// Everything the networks say about a batch.
#[derive(Clone, Debug)]
pub struct Forward {
    /// ψ's two or three vectors, `[B, 3, 2]` or `[B, 3, 3]`, if there is a pose.
    pub vectors: Option<Tensor<3>>,
    /// The poses, if there are any.
    pub frames: Option<Frames>,
    /// `[B, 6, T]`, channels in the order of a sample.
    pub canonical: Tensor<3>,
    /// `[B, code]`.
    pub code: Tensor<2>,
    /// `[B, classes]`.
    pub logits: Option<Tensor<2>>,
    /// δ's estimate of `canonical`, `[B, 6, T]`.
    pub reconstruction: Option<Tensor<3>>,
}

/// The loss and its parts, before weighting; an absent part is zero.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What is minimized.
    pub total: Tensor<1>,
    /// Mean squared error of the reconstruction, network units squared.
    pub reconstruction: Tensor<1>,
    /// Cross-entropy with smoothed labels, nats.
    pub class: Tensor<1>,
}

impl Model {
    /// Fresh networks for `classes` classes, weights from the recipe's seed.
    pub fn new(recipe: &Recipe, classes: usize, device: &Device) -> Self {
        let (section, loss) = (&recipe.model, &recipe.loss);
        let (stack, window) = (&section.eta, recipe.data.window);
        let inputs = [&[CHANNELS], &stack.channels[..]].concat();
        let layers = stack.channels.len();
        let block = |i| {
            let (kernel, stride) = (stack.kernels[i], stack.strides[i]);
            ConvBlock::new(inputs[i], stack.channels[i], kernel, stride, device)
        };
        let pooled = match section.pooling {
            Pooling::Mean => inputs[layers],
            Pooling::Flatten => inputs[layers] * stack.length(window),
        };
        let head_inputs = match section.class_from {
            ClassInput::Code => section.code,
            ClassInput::Mean => inputs[layers],
        };
        let psi = |known, mirrored| Psi::new(CHANNELS / 3, &section.psi, known, mirrored, device);
        let model = Self {
            psi: match section.pose {
                Pose::So3 => Some(psi(None, false)),
                Pose::Gravity => Some(psi(Some(ACCELERATION), false)),
                Pose::GravityMirror => Some(psi(Some(ACCELERATION), true)),
                Pose::None => None,
            },
            eta: (0..layers).map(block).collect(),
            code: LinearConfig::new(pooled, section.code).init(device),
            class_head: (loss.class > 0.0).then(|| LinearConfig::new(head_inputs, classes).init(device)),
            delta: (loss.reconstruction > 0.0).then(|| Decoder::new(section.code, window, &section.decoder, device)),
            pooling: section.pooling,
            class_from: section.class_from,
        };
        initialize(model, recipe.training.seed)
    }

    /// Runs every network there is.
    ///
    /// # Shapes
    /// `windows` `[B, 3, 2, T]`; the results' are beside them.
    pub fn forward(&self, windows: Tensor<4>) -> Forward {
        let (vectors, frames) = self.psi.as_ref().map(|psi| psi.find(windows.clone())).unzip();
        let canonical = to_channels(match frames.clone() {
            Some(frames) => frames.undo(windows),
            None => windows,
        });
        let input = canonical.clone().permute([2, 0, 1]);
        let features = self.eta.iter().fold(input, |x, block| block.forward(x));
        let mean = || features.clone().mean_dim(0).squeeze_dim::<2>(0);
        let code = self.code.forward(match self.pooling {
            Pooling::Mean => mean(),
            Pooling::Flatten => features.clone().permute([1, 2, 0]).flatten(1, 2),
        });
        let logits = self.class_head.as_ref().map(|head| {
            head.forward(match self.class_from {
                ClassInput::Code => code.clone(),
                ClassInput::Mean => mean(),
            })
        });
        let reconstruction = self.delta.as_ref().map(|delta| delta.forward(code.clone()));
        Forward { vectors, frames, canonical, code, logits, reconstruction }
    }

    /// The recipe's loss on a batch.
    pub fn loss(&self, batch: Batch, recipe: &Recipe) -> Loss {
        let weights = &recipe.loss;
        let forward = self.forward(batch.windows);
        let device = forward.canonical.device();
        let zero = || Tensor::zeros([1], &device);
        let reconstruction =
            forward.reconstruction.map_or_else(zero, |estimate| (estimate - forward.canonical).square().mean());
        let class = forward.logits.map_or_else(zero, |logits| {
            CrossEntropyLossConfig::new()
                .with_smoothing(Some(weights.label_smoothing))
                .init(&device)
                .forward(logits, batch.labels)
        });
        Loss {
            total: reconstruction.clone() * weights.reconstruction + class.clone() * weights.class,
            reconstruction: reconstruction.detach(),
            class: class.detach(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{act, mirror, testing::*};

    fn model(name: &str, device: &Device) -> (Model, Recipe) {
        let recipe = Recipe::load(name).unwrap();
        (Model::new(&recipe, 7, device), recipe)
    }

    /// A window with a direction, as a sensor in gravity has; noise has none to find.
    fn windows(device: &Device) -> Tensor<4> {
        let bias = random(11, [8, 3, 2, 1], device);
        random(12, [8, 3, 2, 128], device).mul_scalar(0.3) + bias
    }

    #[test]
    fn code_and_canonical_window_ignore_the_pose() {
        let device = device();
        for name in ["wrist", "heading", "heading-mirror"] {
            let (model, recipe) = model(name, &device);
            let x = windows(&device);
            let a = model.forward(x.clone());
            let x = match recipe.model.pose {
                Pose::GravityMirror => mirror(Tensor::<1>::ones([8], &device).neg(), x),
                _ => x,
            };
            let b = model.forward(act(rotations(5, 8, &device), x));
            assert!(difference(a.canonical, b.canonical) < 20.0 * TOLERANCE);
            assert!(difference(a.code, b.code) < 20.0 * TOLERANCE);
            assert!(difference(a.logits.unwrap(), b.logits.unwrap()) < 20.0 * TOLERANCE);
        }
    }

    #[test]
    fn the_loss_is_constant_along_an_orbit() {
        let device = device();
        let (model, recipe) = model("wrist", &device);
        let loss = |windows| {
            let labels = Tensor::<1, Int>::arange(0..8, &device).remainder_scalar(7);
            let loss = model.loss(Batch { windows, labels }, &recipe);
            loss.total.into_scalar::<f32>()
        };
        let x = windows(&device);
        let turned = act(rotations(5, 8, &device), x.clone());
        assert!((loss(x) - loss(turned)).abs() < TOLERANCE);
    }

    #[test]
    fn a_network_without_a_loss_is_absent() {
        let device = device();
        let with = |name| Model::new(&Recipe::load(name).unwrap(), 7, &device);
        let (both, one, none) = (with("wrist"), with("wrist-unsupervised"), with("wrist-classical"));
        assert!(both.psi.is_some() && both.class_head.is_some() && both.delta.is_some());
        assert!(one.psi.is_some() && one.class_head.is_none() && one.delta.is_some());
        assert!(none.psi.is_none() && none.class_head.is_none());
    }
}
