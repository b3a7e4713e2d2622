//! What to train, on what and how: one TOML file, checked before the first step.
//!
//! Every key is required unless its field says otherwise, and an unknown key is an error: a
//! misspelt option must never train the wrong thing silently. The recipes under
//! `host-train/recipes/` are part of the program; each comments its keys with their units. There are three kinds,
//! of windows of recordings, of [`grid`]s and of [`set`]s.

pub mod grid;
pub mod set;

use gimbal_core::format::Dtype;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The recipes inside the program: name and TOML text.
pub const BUILT_IN: [(&str, &str); 21] = [
    ("wrist", include_str!("../recipes/wrist.toml")),
    ("wrist-unsupervised", include_str!("../recipes/wrist-unsupervised.toml")),
    ("wrist-classical", include_str!("../recipes/wrist-classical.toml")),
    ("heading", include_str!("../recipes/heading.toml")),
    ("heading-mirror", include_str!("../recipes/heading-mirror.toml")),
    ("rotated-digits-small", include_str!("../recipes/rotated-digits-small.toml")),
    ("rotated-digits", include_str!("../recipes/rotated-digits.toml")),
    ("rotated-digits-classifier", include_str!("../recipes/rotated-digits-classifier.toml")),
    ("reflected-digits-small", include_str!("../recipes/reflected-digits-small.toml")),
    ("reflected-digits", include_str!("../recipes/reflected-digits.toml")),
    ("quarter-digits", include_str!("../recipes/quarter-digits.toml")),
    ("shifted-digits", include_str!("../recipes/shifted-digits.toml")),
    ("shifted-beats", include_str!("../recipes/shifted-beats.toml")),
    ("ring", include_str!("../recipes/ring.toml")),
    ("digit-sets", include_str!("../recipes/digit-sets.toml")),
    ("tetris", include_str!("../recipes/tetris.toml")),
    ("solids", include_str!("../recipes/solids.toml")),
    ("solids-mirror", include_str!("../recipes/solids-mirror.toml")),
    ("solids-views", include_str!("../recipes/solids-views.toml")),
    ("voxels", include_str!("../recipes/voxels.toml")),
    ("molecules", include_str!("../recipes/molecules.toml")),
];

/// Why a recipe cannot be used. Each prints as one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// Neither a built-in name nor a readable file.
    #[error("There is no recipe `{name}`: it is neither a file that can be read ({reason}) nor one of {}.", names())]
    Unknown {
        /// What was asked for.
        name: String,
        /// What the operating system said about the file.
        reason: String,
    },
    /// Not TOML, an unknown or missing key, or a value of the wrong kind.
    #[error("Recipe `{name}`, line {line}: {reason}.")]
    Syntax {
        /// The recipe's name or path.
        name: String,
        /// Where, counted from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// Well-formed, but it describes nothing that can be trained.
    #[error("Recipe key `{key}` {reason}.")]
    Value {
        /// The key's full name.
        key: &'static str,
        /// What is wrong with it, as the rest of a sentence.
        reason: String,
    },
}

/// A recipe of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyRecipe {
    /// Of windows of vectors.
    Windows(Box<Recipe>),
    /// Of images, signals or rings.
    Grid(Box<grid::GridRecipe>),
    /// Of sets.
    Set(Box<set::SetRecipe>),
}

impl AnyRecipe {
    /// A built-in recipe by name, or any recipe by path.
    pub fn load(name_or_path: &str) -> Result<Self, RecipeError> {
        let (name, text) = text(name_or_path)?;
        Self::from_toml(&name, &text)
    }

    /// Parses and validates; `name` is for the error only.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, RecipeError> {
        // Recipes of sets, and no others, have a trunk; of the rest those of grids have networks at the top.
        let table = parse::<toml::Table>(name, text)?;
        match (table.contains_key("trunk"), table.contains_key("eta")) {
            (true, _) => set::SetRecipe::from_toml(name, text).map(Box::new).map(Self::Set),
            (false, true) => grid::GridRecipe::from_toml(name, text).map(Box::new).map(Self::Grid),
            (false, false) => Recipe::from_toml(name, text).map(Box::new).map(Self::Windows),
        }
    }
}

/// The name and the text of a built-in recipe, or of any by path.
fn text(name_or_path: &str) -> Result<(String, String), RecipeError> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
        return Ok(((*name).into(), (*text).into()));
    }
    std::fs::read_to_string(Path::new(name_or_path))
        .map(|text| (name_or_path.into(), text))
        .map_err(|error| RecipeError::Unknown { name: name_or_path.into(), reason: error.to_string() })
}

fn names() -> String {
    BUILT_IN.map(|(name, _)| format!("`{name}`")).join(", ")
}

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

/// `[training]`: the optimizer's schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSection {
    /// Seed of the weights, the order of the windows and the augmentation.
    pub seed: u64,
    /// Passes over as many windows as the fixed grid has.
    pub epochs: usize,
    /// Windows a step.
    pub batch: usize,
    /// Highest learning rate of AdamW.
    pub learning_rate: f64,
    /// Fraction of all steps in which the rate rises; it then falls along a half cosine to zero.
    pub warmup: f64,
    /// Decoupled weight decay of AdamW.
    pub weight_decay: f32,
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

/// How many bits the features of a package have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureBits {
    /// 8 bits.
    #[default]
    Int8,
    /// 16 bits, the code's included; of sets without a class head only.
    Int16,
}

impl FeatureBits {
    /// The package's name for it.
    pub fn dtype(self) -> Dtype {
        match self {
            Self::Int8 => Dtype::I8,
            Self::Int16 => Dtype::I16,
        }
    }
}

/// `[quantize]`: calibration and the device's memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantizeSection {
    /// Training windows from which activation ranges are taken.
    pub calibration_windows: usize,
    /// Bytes of a small fast memory that holds part of the arena, a multiple of 4; 0 if there is but one.
    #[serde(default)]
    pub fast_arena_bytes: u32,
    /// How many bits features have.
    #[serde(default)]
    pub features: FeatureBits,
}

impl TrainingSection {
    fn validate(&self) -> Result<(), RecipeError> {
        at_least_one("training.epochs", self.epochs)?;
        at_least_one("training.batch", self.batch)?;
        if self.batch < 2 {
            return value("training.batch", "must be at least 2: batch statistics need two windows");
        }
        positive("training.learning_rate", self.learning_rate)?;
        fraction("training.warmup", self.warmup)?;
        weight("training.weight_decay", self.weight_decay.into())
    }
}

impl QuantizeSection {
    /// `wide` says whether features may have 16 bits.
    fn validate(&self, wide: bool) -> Result<(), RecipeError> {
        if self.features == FeatureBits::Int16 && !wide {
            return value(
                "quantize.features",
                "is int16, which is for sets of several sizes or with an order, without a class head",
            );
        }
        if !self.fast_arena_bytes.is_multiple_of(4) {
            return value("quantize.fast_arena_bytes", "must be a multiple of 4");
        }
        at_least_one("quantize.calibration_windows", self.calibration_windows)
    }
}

impl Recipe {
    /// A built-in recipe by name, or any recipe by path.
    pub fn load(name_or_path: &str) -> Result<Self, RecipeError> {
        let (name, text) = text(name_or_path)?;
        Self::from_toml(&name, &text)
    }

    /// Parses and validates; `name` is for the error only.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = parse(name, text)?;
        recipe.validate()?;
        Ok(recipe)
    }

    /// The recipe as TOML, for `config.toml` beside a run's results.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe holds nothing that TOML cannot say")
    }

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
        self.quantize.validate(false)
    }
}

/// TOML as a recipe; an error says in which line.
fn parse<R: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<R, RecipeError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1;
        RecipeError::Syntax { name: name.into(), line, reason: error.message().replace('\n', " ") }
    })
}

/// The largest dimension that a package can name.
const MOST: usize = u16::MAX as usize;
/// The widest layer.
const WIDEST: usize = 1024;

fn value<T>(key: &'static str, reason: impl Into<String>) -> Result<T, RecipeError> {
    Err(RecipeError::Value { key, reason: reason.into() })
}

fn at_least_one(key: &'static str, number: usize) -> Result<(), RecipeError> {
    match number {
        0 => value(key, "must be at least 1"),
        1..=MOST => Ok(()),
        _ => value(key, format!("is {number}; a package counts to {MOST}")),
    }
}

/// A layer's width: what no microcontroller would hold is a slip of the finger.
fn width(key: &'static str, number: usize) -> Result<(), RecipeError> {
    match number {
        0..=WIDEST => at_least_one(key, number),
        _ => value(key, format!("is {number}, but at most {WIDEST} channels or numbers are possible")),
    }
}

fn positive(key: &'static str, number: f64) -> Result<(), RecipeError> {
    match number.is_finite() && number > 0.0 {
        true => Ok(()),
        false => value(key, format!("is {number} but must be a number above zero")),
    }
}

fn weight(key: &'static str, number: f64) -> Result<(), RecipeError> {
    match number.is_finite() && number >= 0.0 {
        true => Ok(()),
        false => value(key, format!("is {number} but must be zero or a number above it")),
    }
}

fn fraction(key: &'static str, number: f64) -> Result<(), RecipeError> {
    match (0.0..=1.0).contains(&number) {
        true => Ok(()),
        false => value(key, format!("is {number} but must lie in 0 to 1")),
    }
}

fn odd(key: &'static str, kernel: usize) -> Result<(), RecipeError> {
    width(key, kernel)?;
    match kernel % 2 {
        1 => Ok(()),
        _ => value(key, format!("has a kernel of {kernel}; a centred kernel has an odd length")),
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
        let text = BUILT_IN[0].1;
        assert!(text.contains(from), "the test's own line is gone: {from}");
        Recipe::from_toml("changed", &text.replace(from, to))
    }

    #[test]
    fn every_built_in_recipe_is_valid_and_survives_toml() {
        for (name, _) in BUILT_IN {
            let recipe = AnyRecipe::load(name).unwrap();
            let toml = match &recipe {
                AnyRecipe::Windows(recipe) => recipe.to_toml(),
                AnyRecipe::Grid(recipe) => recipe.to_toml(),
                AnyRecipe::Set(recipe) => recipe.to_toml(),
            };
            assert_eq!(AnyRecipe::from_toml(name, &toml).unwrap(), recipe);
        }
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

    #[test]
    fn a_missing_recipe_names_those_that_exist() {
        let error = Recipe::load("no/such/recipe.toml").unwrap_err().to_string();
        assert!(error.contains("`wrist-classical`"), "{error}");
    }
}
