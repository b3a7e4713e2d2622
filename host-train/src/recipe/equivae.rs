//! Recipes of EquiVAE: a code for each class and what a sample has besides, of images or of windows of recordings.

use super::grid::{GroupName, LayerSection};
use super::{QuantizeSection, RecipeError, TrainingSection, at_least_one, fraction, positive, value, weight, width};
use serde::{Deserialize, Serialize};

/// A whole training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquivaeRecipe {
    /// What is trained on the same samples, labels and networks.
    pub method: EquivaeMethod,
    /// What moves samples into their canonical pose before everything else: a recipe's name, which is then trained first,
    /// or the path of a package; none for samples that stand as they are.
    #[serde(default)]
    pub canonicalizer: Option<String>,
    /// What is learned from.
    pub data: EquivaeData,
    /// `q(y | x)`.
    pub classifier: ClassifierSection,
    /// `f_inv`, whose means over samples of a class are its code; used while training only.
    pub class_code: ClassCodeSection,
    /// `q(v | r_y, x)`.
    pub within: WithinSection,
    /// `p(x | r_y, v)`.
    pub decoder: DenseDecoderSection,
    /// What is minimized.
    pub loss: EquivaeLoss,
    /// How it is minimized.
    pub training: TrainingSection,
    /// How training samples are varied.
    pub augment: EquivaeAugment,
    /// How the trained networks become integers.
    pub quantize: QuantizeSection,
}

/// A method and its baselines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EquivaeMethod {
    /// Class codes are means over other samples of the class: Feige, *Invariant-Equivariant Representation Learning for
    /// Multi-Class Data*, ICML 2019.
    Equivae,
    /// Class codes are weights: model M2 of Kingma, Rezende, Mohamed and Welling, *Semi-supervised Learning with Deep
    /// Generative Models*, NeurIPS 2014.
    M2,
    /// The classifier alone, on the labelled samples alone.
    Plain,
}

/// `[data]`: the samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquivaeData {
    /// The data set, as `gimbal data list` names it, or `wrist` for the recordings that ship.
    pub source: String,
    /// What the network sees as 1.0: counts of an image; of recordings the acceleration (g) and the angular rate (rad/s).
    pub scale: Vec<f32>,
    /// Labelled samples a class, of recordings a class and subject; all others are not labelled. 0 for all.
    pub labels: usize,
    /// Decides which samples are labelled.
    #[serde(default)]
    pub draw: u64,
    /// Labelled samples a step, drawn anew, where others are not labelled.
    #[serde(default)]
    pub labelled_batch: usize,
    /// A class that is kept out of training altogether; test samples of it should look strange.
    #[serde(default)]
    pub left_out: Option<usize>,
    /// The groups that move images, the last one first; each sample is moved once for all.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// Whether each window of a recording is turned by a rotation of its own, once for all.
    #[serde(default)]
    pub turned: bool,
    /// Training samples to use; 0 for all.
    #[serde(default)]
    pub samples: usize,
    /// Samples in a window of a recording.
    #[serde(default)]
    pub window: usize,
    /// Samples from window to window.
    #[serde(default)]
    pub hop: usize,
    /// Whose recordings are for testing.
    #[serde(default)]
    pub test_subjects: Vec<u8>,
}

/// `[classifier]`: convolutions, each normalized and rectified, and a linear map of the last map to the logits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierSection {
    /// The layers.
    pub layers: Vec<LayerSection>,
    /// Probability that a number of the last map is left out while training.
    #[serde(default)]
    pub dropout: f64,
}

/// `[class_code]`: `f_inv`, convolutions without normalization, which would mix the samples of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCodeSection {
    /// The layers.
    pub layers: Vec<LayerSection>,
    /// Numbers of the layer between the last map and the code.
    pub hidden: usize,
    /// Numbers in a class code.
    pub code: usize,
    /// The most samples of which a class code is the mean; in each step so many count as it draws from 1 to this.
    pub most: usize,
}

/// `[within]`: convolutions, each normalized and rectified, a layer, and from that and the class code to v.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithinSection {
    /// The layers.
    pub layers: Vec<LayerSection>,
    /// Numbers of the layer between the last map and v.
    pub hidden: usize,
    /// Numbers in v.
    pub code: usize,
}

/// `[decoder]`: dense layers from class code and v to a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseDecoderSection {
    /// Numbers of each layer between.
    pub hidden: Vec<usize>,
    /// What `log p(x | r_y, v)` is.
    pub likelihood: Likelihood,
    /// Standard deviation of a Gaussian likelihood, network units.
    #[serde(default)]
    pub deviation: f32,
    /// Whether the package has the decoder, and so the device an anomaly score.
    pub exported: bool,
}

/// How likely a sample is, given what the decoder says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Likelihood {
    /// Of numbers in 0 to 1, as pixels are.
    Bernoulli,
    /// Of any numbers, with one deviation for all.
    Gaussian,
}

/// `[loss]`: the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquivaeLoss {
    /// Weight of the cross-entropy (nats) of `q(y | x)`, beside the bound, which counts a number of a sample.
    pub class: f32,
    /// Probability spread evenly over all classes in the target, 0 to 1.
    pub label_smoothing: f32,
    /// Fraction of all steps in which the weight of the KL divergence rises from 0 to 1; 0 for 1 throughout.
    pub kl_warmup: f64,
    /// Weight of how far v depends on the class, 0 to 1.
    #[serde(default)]
    pub independence: f32,
}

/// `[augment]`: how each training sample that the classifier sees is varied, anew in every step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquivaeAugment {
    /// The most pixels by which an image is shifted down and across; zeros come in.
    pub shift: usize,
    /// Standard deviation of one factor a sample on all its numbers.
    pub amplitude: f32,
}

/// The source of recordings.
pub const RECORDINGS: &str = "wrist";

impl EquivaeData {
    /// Whether samples are windows of recordings.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.source == RECORDINGS
    }
}

super::in_files!(EquivaeRecipe);

impl EquivaeRecipe {
    /// Whether two recipes give the same weights: how those are packaged may be changed afterwards.
    pub fn trains_as(&self, other: &Self) -> bool {
        let decoder = DenseDecoderSection { exported: self.decoder.exported, ..other.decoder.clone() };
        *self == Self { quantize: self.quantize.clone(), decoder, ..other.clone() }
    }

    /// Everything that can be known to fail without the data.
    pub fn validate(&self) -> Result<(), RecipeError> {
        self.validate_data()?;
        for (key, all) in [
            ("classifier.layers", &self.classifier.layers),
            ("class_code.layers", &self.class_code.layers),
            ("within.layers", &self.within.layers),
        ] {
            super::grid::layers(key, all)?;
        }
        fraction("classifier.dropout", self.classifier.dropout)?;
        width("class_code.hidden", self.class_code.hidden)?;
        width("class_code.code", self.class_code.code)?;
        at_least_one("class_code.most", self.class_code.most)?;
        width("within.hidden", self.within.hidden)?;
        width("within.code", self.within.code)?;
        if self.decoder.hidden.is_empty() {
            return value("decoder.hidden", "is empty");
        }
        for &hidden in &self.decoder.hidden {
            width("decoder.hidden", hidden)?;
        }
        match self.decoder.likelihood {
            Likelihood::Gaussian => positive("decoder.deviation", self.decoder.deviation.into())?,
            Likelihood::Bernoulli if self.data.is_recorded() => {
                return value("decoder.likelihood", "is that of numbers in 0 to 1, which a sensor's are not");
            }
            Likelihood::Bernoulli => {}
        }
        weight("loss.class", self.loss.class.into())?;
        if self.loss.class == 0.0 {
            return value("loss.class", "is zero, so no classifier would learn");
        }
        fraction("loss.label_smoothing", self.loss.label_smoothing.into())?;
        fraction("loss.kl_warmup", self.loss.kl_warmup)?;
        weight("loss.independence", self.loss.independence.into())?;
        weight("augment.amplitude", self.augment.amplitude.into())?;
        if self.augment.shift > 0 && self.data.is_recorded() {
            return value("augment.shift", "moves images, and a recording has no edge where zeros could come in");
        }
        self.training.validate()?;
        self.quantize.validate(false, false)
    }

    fn validate_data(&self) -> Result<(), RecipeError> {
        let data = &self.data;
        let fields = if data.is_recorded() { 2 } else { 1 };
        if data.scale.len() != fields {
            return value("data.scale", format!("wants {fields} of them, one a field"));
        }
        for &scale in &data.scale {
            positive("data.scale", scale.into())?;
        }
        if data.labels == 1 {
            return value("data.labels", "is 1: the code of a class is that of its other samples, and there is none");
        }
        if data.labels > 0 && data.labelled_batch < 2 {
            return value("data.labelled_batch", "must be at least 2 where only some samples are labelled");
        }
        match data.is_recorded() {
            true => {
                at_least_one("data.window", data.window)?;
                at_least_one("data.hop", data.hop)?;
                match data.groups.is_empty() {
                    true => Ok(()),
                    false => value("data.groups", "move images; windows of recordings are `turned`"),
                }
            }
            false if data.turned => value("data.turned", "is for windows of recordings; images are moved by `groups`"),
            false if data.window > 0 || data.hop > 0 || !data.test_subjects.is_empty() => {
                value("data.window", "is for recordings, as hop and test_subjects are")
            }
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, change: impl Fn(&mut EquivaeRecipe)) -> String {
        let mut recipe = EquivaeRecipe::load(name).unwrap();
        change(&mut recipe);
        recipe.validate().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn what_cannot_be_trained_is_refused_with_its_key() {
        assert_eq!(refusal("equivae-small", |_| {}), "");
        assert!(refusal("equivae-small", |recipe| recipe.data.labels = 1).contains("`data.labels`"));
        assert!(refusal("equivae-small", |recipe| recipe.data.labelled_batch = 0).contains("`data.labelled_batch`"));
        assert!(refusal("equivae-small", |recipe| recipe.data.turned = true).contains("`data.turned`"));
        assert!(refusal("equivae-small", |recipe| recipe.data.scale.clear()).contains("`data.scale`"));
        assert!(refusal("equivae-small", |recipe| recipe.loss.class = 0.0).contains("`loss.class`"));
        assert!(refusal("equivae-small", |recipe| recipe.class_code.most = 0).contains("`class_code.most`"));
        assert!(refusal("equivae-small", |recipe| recipe.decoder.hidden.clear()).contains("`decoder.hidden`"));
        assert!(refusal("equivae-wrist", |recipe| recipe.augment.shift = 1).contains("`augment.shift`"));
        assert!(refusal("equivae-wrist", |recipe| recipe.data.groups = vec![GroupName::So2]).contains("`data.groups`"));
        let bernoulli = |recipe: &mut EquivaeRecipe| recipe.decoder.likelihood = Likelihood::Bernoulli;
        assert!(refusal("equivae-wrist", bernoulli).contains("`decoder.likelihood`"));
        let gaussian = |recipe: &mut EquivaeRecipe| recipe.decoder.likelihood = Likelihood::Gaussian;
        assert!(refusal("equivae-small", gaussian).contains("`decoder.deviation`"));
    }

    /// What only the package shows does not ask for another training.
    #[test]
    fn an_exported_decoder_trains_as_one_that_is_not() {
        let recipe = EquivaeRecipe::load("equivae-small").unwrap();
        let mut other = recipe.clone();
        other.decoder.exported = !recipe.decoder.exported;
        assert!(recipe.trains_as(&other));
        other.decoder.hidden.push(8);
        assert!(!recipe.trains_as(&other));
    }
}
