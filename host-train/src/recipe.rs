//! What to train, on what and how: one TOML file, checked before the first step.
//!
//! Every key is required unless its field says otherwise, and an unknown key is an error: a
//! misspelt option must never train the wrong thing silently. The recipes under
//! `host-train/recipes/` are part of the program; each comments its keys with their units. There are five kinds,
//! of windows of recordings, of [`grid`]s, of [`set`]s, of labelled images or windows for [`equivae`], and of triples for
//! [`class_pose`].

pub mod class_pose;
pub mod equivae;
pub mod grid;
pub mod set;
mod window;

pub use window::{
    AugmentSection, ClassInput, DataSection, DecoderSection, LossSection, ModelSection, Pooling, Pose, Recipe, Stack,
};

use gimbal_core::format::Dtype;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The recipes inside the program: name and TOML text.
pub const BUILT_IN: [(&str, &str); 31] = [
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
    ("equivae", include_str!("../recipes/equivae.toml")),
    ("equivae-small", include_str!("../recipes/equivae-small.toml")),
    ("equivae-wrist", include_str!("../recipes/equivae-wrist.toml")),
    ("class-pose-sprites", include_str!("../recipes/class-pose-sprites.toml")),
    ("class-pose-color-shift", include_str!("../recipes/class-pose-color-shift.toml")),
    ("class-pose-multi-sprites", include_str!("../recipes/class-pose-multi-sprites.toml")),
    ("class-pose-chairs", include_str!("../recipes/class-pose-chairs.toml")),
    ("class-pose-rooms", include_str!("../recipes/class-pose-rooms.toml")),
    ("class-pose-wrist", include_str!("../recipes/class-pose-wrist.toml")),
    ("class-pose-chairs-symmetric", include_str!("../recipes/class-pose-chairs-symmetric.toml")),
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
    /// Of class codes and what samples have besides.
    Equivae(Box<equivae::EquivaeRecipe>),
    /// Of triples.
    ClassPose(Box<class_pose::ClassPoseRecipe>),
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
        if table.contains_key("class_code") {
            return equivae::EquivaeRecipe::from_toml(name, text).map(Box::new).map(Self::Equivae);
        }
        if table.contains_key("triples") {
            return class_pose::ClassPoseRecipe::from_toml(name, text).map(Box::new).map(Self::ClassPose);
        }
        match (table.contains_key("trunk"), table.contains_key("eta")) {
            (true, _) => set::SetRecipe::from_toml(name, text).map(Box::new).map(Self::Set),
            (false, true) => grid::GridRecipe::from_toml(name, text).map(Box::new).map(Self::Grid),
            (false, false) => Recipe::from_toml(name, text).map(Box::new).map(Self::Windows),
        }
    }
}

/// How a kind of recipe comes from a file and goes into one; it has a `validate` of its own.
macro_rules! in_files {
    ($recipe:ty) => {
        impl $recipe {
            /// A built-in recipe by name, or any recipe by path.
            pub fn load(name_or_path: &str) -> Result<Self, RecipeError> {
                let (name, text) = super::text(name_or_path)?;
                Self::from_toml(&name, &text)
            }

            /// Parses and validates; `name` is for the error only.
            pub fn from_toml(name: &str, text: &str) -> Result<Self, RecipeError> {
                let recipe: Self = super::parse(name, text)?;
                recipe.validate()?;
                Ok(recipe)
            }

            /// The recipe as TOML, for `config.toml` beside a run's results.
            pub fn to_toml(&self) -> String {
                toml::to_string(self).expect("a recipe holds nothing that TOML cannot say")
            }
        }
    };
}
use in_files;

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
    /// Passes in which δ learns the codes of the integers, of sets with an order; the device's networks do not change.
    #[serde(default)]
    pub delta_epochs: usize,
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
    /// `wide` says whether features may have 16 bits, and `decoded` whether δ may learn the codes of the integers.
    fn validate(&self, wide: bool, decoded: bool) -> Result<(), RecipeError> {
        if self.delta_epochs > 0 && !decoded {
            return value("quantize.delta_epochs", "is for sets with an order that are reconstructed");
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_recipe_is_valid_and_survives_toml() {
        for (name, _) in BUILT_IN {
            let recipe = AnyRecipe::load(name).unwrap();
            let toml = match &recipe {
                AnyRecipe::Windows(recipe) => recipe.to_toml(),
                AnyRecipe::Grid(recipe) => recipe.to_toml(),
                AnyRecipe::Set(recipe) => recipe.to_toml(),
                AnyRecipe::Equivae(recipe) => recipe.to_toml(),
                AnyRecipe::ClassPose(recipe) => recipe.to_toml(),
            };
            assert_eq!(AnyRecipe::from_toml(name, &toml).unwrap(), recipe);
        }
    }

    #[test]
    fn a_missing_recipe_names_those_that_exist() {
        let error = Recipe::load("no/such/recipe.toml").unwrap_err().to_string();
        assert!(error.contains("`wrist-classical`"), "{error}");
    }
}
