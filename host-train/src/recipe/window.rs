//! Recipes of windows of recordings.

use super::{
    QuantizeSection, RecipeError, TrainingSection, at_least_one, fraction, odd, positive, value, weight, width,
};
use serde::{Deserialize, Serialize};

/// A whole training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What is learned from.
    pub data: DataSection,
    /// The networks.
    pub model: ModelSection,
    /// What is minimized.
    pub loss: LossSection,
    /// How it is minimized.
    pub training: TrainingSection,
    /// How training windows are varied.
    pub augment: AugmentSection,
    /// How the trained network becomes integers.
    pub quantize: QuantizeSection,
}

/// `[data]`: recordings and how they are cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSection {
    /// The data set; `wrist` ships with the program.
    pub source: String,
    /// Window length, samples.
    pub window: usize,
    /// Distance between the starts of neighbouring windows, samples.
    pub hop: usize,
    /// Subjects that are never trained on.
    pub test_subjects: Vec<u8>,
    /// The acceleration (g) and the angular rate (rad/s) that the network sees as 1.0.
    pub scale: [f32; 2],
}

/// How the input's pose is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pose {
    /// An SO(3)-equivariant network and Gram–Schmidt.
    So3,
    /// Gravity, as the window's mean acceleration tells it, and a heading from an SO(3)-equivariant network: gravity
    /// is known, so only the heading is left to learn (EqNIO, 2024).
    Gravity,
    /// Gravity, a heading and a hand, from an O(3)-equivariant network that knows the angular rate for a pseudo-vector:
    /// what is left is O(2) about gravity, and a movement and its mirror image, as the other arm makes it, are one.
    #[serde(rename = "gravity-mirror")]
    GravityMirror,
    /// Not at all: the encoder sees the window as it comes.
    None,
}

/// How the last feature map becomes the code's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Mean over time: the code forgets when within the window something happened.
    Mean,
    /// All instants side by side: the code keeps the timing, which reconstruction needs.
    Flatten,
}

/// What the class head reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassInput {
    /// The code.
    Code,
    /// The mean over time of the last feature map.
    Mean,
}

/// `[model]`: the networks ψ, η and δ and the class head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    /// How the pose is found.
    pub pose: Pose,
    /// Numbers in the code.
    pub code: usize,
    /// How the last feature map becomes the code's input.
    pub pooling: Pooling,
    /// What the class head reads.
    pub class_from: ClassInput,
    /// ψ, the pose network; ignored with `pose = "none"`.
    pub psi: Stack,
    /// η, the encoder of the canonical window.
    pub eta: Stack,
    /// δ, the decoder; used while training only, and only if reconstruction has a weight.
    pub decoder: DecoderSection,
}

/// A stack of strided temporal convolutions: three lists of one length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// Output channels of each convolution (vectors in ψ, numbers in η).
    pub channels: Vec<usize>,
    /// Kernel length of each, samples; odd.
    pub kernels: Vec<usize>,
    /// Stride of each, samples.
    pub strides: Vec<usize>,
}

impl Stack {
    /// Samples left of `window` after the whole stack.
    pub fn length(&self, window: usize) -> usize {
        // Zero padding by k/2 on both sides with odd k makes the length depend on the stride only.
        self.strides.iter().fold(window, |t, &stride| (t - 1) / stride + 1)
    }
}

/// `[model.decoder]`: code → window, each block doubling the time resolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderSection {
    /// Input channels of each block; the last block's output is the window.
    pub channels: Vec<usize>,
    /// Kernel length, samples of the block's input; odd.
    pub kernel: usize,
}

/// `[loss]`: the weights; either may be zero, not both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossSection {
    /// Weight of the mean squared reconstruction error (network units squared).
    pub reconstruction: f32,
    /// Weight of the cross-entropy (nats) of the class head.
    pub class: f32,
    /// Probability spread evenly over all classes in the target, 0 to 1.
    pub label_smoothing: f32,
}

/// `[augment]`: how each training window is varied, anew in every epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentSection {
    /// Turn each window by its own uniformly random rotation.
    pub rotate: bool,
    /// Start windows anywhere in the recording instead of on the grid.
    pub crop: bool,
    /// Probability of mirroring a window, as if worn on the other arm.
    pub mirror: f64,
    /// Standard deviation of one factor a window on all its numbers.
    pub amplitude: f32,
    /// Largest relative change of tempo; the angular rate scales with it.
    pub tempo: f32,
}

super::in_files!(Recipe);

impl Recipe {
    /// Whether two recipes give the same weights: how those are packaged may be changed afterwards.
    pub fn trains_as(&self, other: &Self) -> bool {
        *self == Self { quantize: self.quantize.clone(), ..other.clone() }
    }

    /// Everything that can be known to fail before training.
    pub fn validate(&self) -> Result<(), RecipeError> {
        let (data, model) = (&self.data, &self.model);
        let (loss, augment) = (&self.loss, &self.augment);
        if data.source != "wrist" {
            return value("data.source", "names no known data set; there is `wrist`");
        }
        at_least_one("data.window", data.window)?;
        at_least_one("data.hop", data.hop)?;
        for scale in data.scale {
            positive("data.scale", scale.into())?;
        }
        width("model.code", model.code)?;
        if model.pose != Pose::None {
            stack("model.psi", &model.psi)?;
        }
        if model.pose == Pose::GravityMirror && model.psi.channels.iter().any(|channels| !channels.is_multiple_of(2)) {
            return value("model.psi", "has an odd number of channels, of which half are to be pseudo-vectors");
        }
        stack("model.eta", &model.eta)?;
        weight("loss.reconstruction", loss.reconstruction.into())?;
        weight("loss.class", loss.class.into())?;
        if loss.reconstruction == 0.0 && loss.class == 0.0 {
            return value("loss", "gives both losses the weight zero, so there is nothing to learn");
        }
        if loss.reconstruction > 0.0 {
            decoder(&model.decoder, data.window)?;
        }
        fraction("loss.label_smoothing", loss.label_smoothing.into())?;
        self.training.validate()?;
        fraction("augment.mirror", augment.mirror)?;
        weight("augment.amplitude", augment.amplitude.into())?;
        if !(0.0..0.5).contains(&augment.tempo) {
            return value("augment.tempo", "must lie in 0 to 0.5");
        }
        self.quantize.validate(false, false)
    }
}

fn stack(key: &'static str, stack: &Stack) -> Result<(), RecipeError> {
    let layers = stack.channels.len();
    if layers == 0 {
        return value(key, "has no layers");
    }
    if stack.kernels.len() != layers || stack.strides.len() != layers {
        return value(key, "has lists of unequal length; channels, kernels and strides belong together");
    }
    stack.channels.iter().try_for_each(|&channels| width(key, channels))?;
    stack.strides.iter().try_for_each(|&stride| at_least_one(key, stride))?;
    stack.kernels.iter().try_for_each(|&kernel| odd(key, kernel))
}

fn decoder(decoder: &DecoderSection, window: usize) -> Result<(), RecipeError> {
    const KEY: &str = "model.decoder";
    if decoder.channels.is_empty() {
        return value(KEY, "has no layers");
    }
    decoder.channels.iter().try_for_each(|&channels| width(KEY, channels))?;
    let blocks = decoder.channels.len();
    if blocks > 16 || !window.is_multiple_of(1 << blocks) {
        return value(KEY, format!("doubles the time {blocks} times, which does not end at {window} samples"));
    }
    odd(KEY, decoder.kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrist_with(from: &str, to: &str) -> Result<Recipe, RecipeError> {
        let (_, text) = crate::recipe::text("wrist").unwrap();
        assert!(text.contains(from), "the test's own line is gone: {from}");
        Recipe::from_toml("changed", &text.replace(from, to))
    }

    #[test]
    fn an_unknown_key_is_refused_in_every_section() {
        for section in [
            "[data]",
            "[model]",
            "[model.psi]",
            "[model.eta]",
            "[model.decoder]",
            "[loss]",
            "[training]",
            "[augment]",
            "[quantize]",
        ] {
            let error = wrist_with(section, &format!("{section}\nsurprise = 1")).unwrap_err();
            assert!(error.to_string().contains("surprise"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_trained_is_refused_by_key() {
        for (from, to, key) in [
            ("fast_arena_bytes = 0", "fast_arena_bytes = 6", "quantize.fast_arena_bytes"),
            ("source = \"wrist\"", "source = \"ankle\"", "data.source"),
            ("window = 128", "window = 0", "data.window"),
            ("window = 128", "window = 100", "model.decoder"),
            ("kernels = [7,", "kernels = [6,", "model."),
            ("kernels = [7,", "kernels = [7, 3,", "model."),
            ("learning_rate = ", "learning_rate = -", "training.learning_rate"),
            ("hop = 64", "hop = 0", "data.hop"),
            ("code = 32", "code = 100000000", "model.code"),
            ("window = 128", "window = 65536", "data.window"),
        ] {
            let error = wrist_with(from, to).unwrap_err();
            assert!(error.to_string().contains(key), "{from} -> {to}: {error}");
        }
        let mut recipe = Recipe::load("heading-mirror").unwrap();
        recipe.model.psi.channels[1] = 15;
        assert!(recipe.validate().unwrap_err().to_string().contains("model.psi"));
        let mut recipe = Recipe::load("wrist").unwrap();
        (recipe.loss.class, recipe.loss.reconstruction) = (0.0, 0.0);
        assert!(recipe.validate().is_err());
        recipe.loss.class = f32::NAN;
        assert!(recipe.validate().is_err());
    }
}
