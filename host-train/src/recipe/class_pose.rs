//! Recipes of triples: a sample, a known motion, and the sample after it. Class-pose decomposition and its baselines.

use super::{QuantizeSection, RecipeError, TrainingSection, at_least_one, odd, positive, value, weight, width};
use crate::data::action::ActionGroup;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A whole training run on triples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassPoseRecipe {
    /// What is learned from.
    pub triples: TriplesSection,
    /// φ, from a sample to its code and its pose.
    pub encoder: EncoderSection,
    /// What is minimized.
    pub loss: TripleLoss,
    /// A decoder of what φ says, trained behind it; without one, nothing is decoded.
    #[serde(default)]
    pub decoder: Option<DecodeSection>,
    /// How it is minimized.
    pub training: TrainingSection,
    /// How the trained network becomes integers.
    pub quantize: QuantizeSection,
}

/// `[triples]`: the samples and their motions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriplesSection {
    /// The data set: a generated one, or the shipped `wrist` windows.
    pub source: String,
    /// Pixels on a side of an image, or samples in a window.
    pub size: usize,
    /// Triples to train on.
    pub train: usize,
    /// Walks to test on: samples, each moved step by step.
    pub test: usize,
    /// Decides every sample.
    pub seed: u64,
    /// Counts that the network sees as 1.0: 255 for images.
    pub scale: f32,
    /// What one unit of a translation counts in the pose's distance; rotations count as they are.
    pub unit: f32,
    /// A person's own pictures and actions, where the source is `files`; of `size`, `train` and `test` only the last then
    /// matters: as many triples, about, are kept to test with.
    #[serde(default)]
    pub files: Option<FilesSection>,
}

/// `[triples.files]`: pictures and a table of actions, see [`read_triples`](crate::data::read_triples).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesSection {
    /// A folder of PNG files, or a NumPy archive.
    pub pictures: PathBuf,
    /// The table of actions, CSV.
    pub actions: PathBuf,
    /// What acts.
    pub group: FilesGroup,
    /// How many translations or headings there are; other groups have their own.
    #[serde(default = "one")]
    pub numbers: usize,
}

/// A group of actions, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilesGroup {
    /// Rⁿ.
    Translations,
    /// Angles, radians.
    Headings,
    /// Rotations of space, nine numbers, row by row.
    Rotations,
    /// x, y and heading, each for itself.
    Place,
    /// x, y and heading, which turns places: SE(2).
    Motion,
}

impl FilesSection {
    /// The group.
    #[must_use]
    pub fn group(&self) -> ActionGroup {
        match self.group {
            FilesGroup::Translations => ActionGroup::Translations(self.numbers),
            FilesGroup::Headings => ActionGroup::Product(vec![ActionGroup::Heading; self.numbers]),
            FilesGroup::Rotations => ActionGroup::Rotations,
            FilesGroup::Place => ActionGroup::Planar { semidirect: false },
            FilesGroup::Motion => ActionGroup::Planar { semidirect: true },
        }
    }
}

/// `[encoder]`: φ. Each convolution halves the image; behind the last stands a dense layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderSection {
    /// Channels behind each convolution.
    pub channels: Vec<usize>,
    /// Blocks of two convolutions with a way around them, behind each convolution; 0 for a plain network.
    #[serde(default)]
    pub blocks: usize,
    /// Numbers that the dense layer gives, from which code and pose are read.
    pub features: usize,
    /// Numbers of the code, a point on the sphere.
    pub code: usize,
    /// How rotations of space are read off the features.
    #[serde(default)]
    pub rotation: RotationForm,
    /// Elements in the pose: more than one for objects that look the same in several poses (EquIN).
    #[serde(default = "one")]
    pub elements: usize,
}

fn one() -> usize {
    1
}

/// From numbers to a rotation of space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RotationForm {
    /// Three numbers, the matrix exponential of their skew matrix.
    Exponential,
    /// Four numbers, brought to length one.
    Quaternion,
    /// Six numbers, two vectors made orthonormal.
    #[default]
    Six,
}

/// `[loss]`: the method and what it weighs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TripleLoss {
    /// The method.
    pub method: TripleMethod,
    /// Temperature of InfoNCE.
    pub temperature: f32,
    /// How far apart the baselines push the latents of different samples, squared distance.
    pub margin: f32,
    /// Weight of how far poses depend on the code (HSIC, 0 to 1).
    pub independence: f32,
}

/// What is learned from triples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TripleMethod {
    /// Pose and class apart.
    ClassPose,
    /// The same without the negatives of InfoNCE: codes of a sample before and after attract each other, and nothing
    /// pushes others away.
    NoInfonce,
    /// A latent vector that a network moves, given the action.
    MdpHomomorphism,
    /// A latent vector that the action moves as a matrix.
    Linear,
    /// An autoencoder whose code has as many numbers as code and pose have: nothing is asked of it.
    Unconstrained,
}

/// `[decoder]`: from code and pose back to the sample; each block makes its input finer by two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecodeSection {
    /// Numbers of the dense layers in front of the coarse map: places in a picture are no linear function of a pose.
    #[serde(default)]
    pub hidden: Vec<usize>,
    /// Channels in front of each block and behind the last.
    pub channels: Vec<usize>,
    /// Taps of each block, down and across; odd.
    pub size: usize,
    /// Passes over the training samples.
    pub epochs: usize,
    /// What the first layer reads besides; without, code and pose alone.
    #[serde(default)]
    pub waves: Option<WavesSection>,
}

/// `[decoder.waves]`: waves over code and pose, of which fine detail is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WavesSection {
    /// How many; each gives a cosine and a sine.
    pub count: usize,
    /// Standard deviation of their frequencies, radians per unit.
    pub frequency: f32,
}

/// The source of a person's own triples.
pub const FILES: &str = "files";

super::in_files!(ClassPoseRecipe);

impl ClassPoseRecipe {
    /// Whether two recipes give the same weights: how those are packaged may be changed afterwards.
    pub fn trains_as(&self, other: &Self) -> bool {
        *self == Self { quantize: self.quantize.clone(), ..other.clone() }
    }

    /// Whether the trained network becomes a package: baselines whose latent is no code and pose do not.
    #[must_use]
    pub fn is_packaged(&self) -> bool {
        matches!(self.loss.method, TripleMethod::ClassPose | TripleMethod::NoInfonce)
    }

    /// Whether a decoder is trained behind the frozen network: one that is part of the method is trained with it, and the
    /// ablation and the latent vectors of baselines are not decoded.
    #[must_use]
    pub fn is_decoded(&self) -> bool {
        self.decoder.is_some() && self.loss.method == TripleMethod::ClassPose
    }

    /// Whether actions move what the network says.
    #[must_use]
    pub fn is_moved(&self) -> bool {
        self.loss.method != TripleMethod::Unconstrained
    }

    /// Everything that can be known to fail without the data.
    pub fn validate(&self) -> Result<(), RecipeError> {
        let Self { triples, encoder, loss, decoder, training, quantize } = self;
        at_least_one("triples.size", triples.size)?;
        if triples.train < training.batch {
            return value("triples.train", "is less than a batch");
        }
        if triples.test < 32 {
            return value("triples.test", "must be at least 32: a sample is looked for among as many");
        }
        if triples.files.is_some() != (triples.source == FILES) {
            return value("triples.files", "belongs to the source `files`, and to no other");
        }
        if let Some(files) = &triples.files {
            at_least_one("triples.files.numbers", files.numbers)?;
        }
        positive("triples.scale", triples.scale.into())?;
        positive("triples.unit", triples.unit.into())?;
        if encoder.channels.is_empty() {
            return value("encoder.channels", "is empty");
        }
        encoder.channels.iter().try_for_each(|&channels| width("encoder.channels", channels))?;
        width("encoder.features", encoder.features)?;
        width("encoder.code", encoder.code)?;
        at_least_one("encoder.elements", encoder.elements)?;
        if encoder.elements > 1 && !self.is_packaged() {
            return value("encoder.elements", "is for poses, which the method does not have");
        }
        positive("loss.temperature", loss.temperature.into())?;
        positive("loss.margin", loss.margin.into())?;
        weight("loss.independence", loss.independence.into())?;
        if let Some(decoder) = decoder {
            if decoder.channels.is_empty() {
                return value("decoder.channels", "is empty");
            }
            decoder.channels.iter().try_for_each(|&channels| width("decoder.channels", channels))?;
            decoder.hidden.iter().try_for_each(|&hidden| width("decoder.hidden", hidden))?;
            if let Some(waves) = &decoder.waves {
                width("decoder.waves.count", waves.count)?;
                positive("decoder.waves.frequency", waves.frequency.into())?;
            }
            odd("decoder.size", decoder.size)?;
            at_least_one("decoder.epochs", decoder.epochs)?;
        } else if loss.method == TripleMethod::Unconstrained {
            return value("decoder", "is missing, which is all that the method learns from");
        }
        training.validate()?;
        quantize.validate(false, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl Fn(&mut ClassPoseRecipe)) -> String {
        let mut recipe = ClassPoseRecipe::load("class-pose-sprites").unwrap();
        change(&mut recipe);
        recipe.validate().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn what_cannot_be_trained_is_refused_by_its_key() {
        assert_eq!(refusal(|_| ()), "");
        assert!(refusal(|recipe| recipe.triples.test = 31).contains("`triples.test`"));
        assert!(refusal(|recipe| recipe.triples.train = recipe.training.batch - 1).contains("`triples.train`"));
        assert!(refusal(|recipe| recipe.triples.unit = 0.0).contains("`triples.unit`"));
        assert!(refusal(|recipe| recipe.triples.source = FILES.into()).contains("`triples.files`"));
        assert!(refusal(|recipe| recipe.encoder.channels.clear()).contains("`encoder.channels`"));
        assert!(refusal(|recipe| recipe.loss.temperature = f32::NAN).contains("`loss.temperature`"));
        assert!(refusal(|recipe| recipe.decoder.as_mut().unwrap().hidden = vec![0]).contains("`decoder.hidden`"));
        let waves = |recipe: &mut ClassPoseRecipe, count, frequency| {
            recipe.decoder.as_mut().unwrap().waves = Some(WavesSection { count, frequency });
        };
        assert_eq!(refusal(|recipe| waves(recipe, 8, 2.0)), "");
        assert!(refusal(|recipe| waves(recipe, 0, 2.0)).contains("`decoder.waves.count`"));
        assert!(refusal(|recipe| waves(recipe, 8, 0.0)).contains("`decoder.waves.frequency`"));
        assert!(
            refusal(|recipe| (recipe.loss.method, recipe.encoder.elements) = (TripleMethod::Linear, 2))
                .contains("`encoder.elements`")
        );
        assert!(
            refusal(|recipe| (recipe.loss.method, recipe.decoder) = (TripleMethod::Unconstrained, None))
                .contains("`decoder`")
        );
    }
}
