//! Recipes of grids: images, signals and rings of electrodes, under rotations, translations and shifts.

use super::{QuantizeSection, RecipeError, TrainingSection, at_least_one, fraction, odd, value, weight, width};
use crate::group::{Group, group};
use crate::nn::Symmetry;
use crate::nn::grid::Extent;
use serde::{Deserialize, Serialize};

/// A whole training run on a grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridRecipe {
    /// What is learned from.
    pub data: GridData,
    /// ψ, one step of the pose after the other; none for networks that take samples as they come.
    #[serde(default)]
    pub pose: Vec<PoseSection>,
    /// η, the encoder of the canonical sample.
    pub eta: EtaSection,
    /// δ, the decoder; used while training only, and only if reconstruction has a weight.
    pub delta: DeltaSection,
    /// What is minimized.
    pub loss: GridLoss,
    /// How it is minimized.
    pub training: TrainingSection,
    /// How training samples are varied.
    pub augment: GridAugment,
    /// How the trained network becomes integers.
    pub quantize: QuantizeSection,
}

/// `[data]`: the samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridData {
    /// The data set, as `gimbal data list` names it.
    pub source: String,
    /// Counts that the network sees as 1.0.
    pub scale: f32,
    /// The groups that move samples, the last one first: T(2) and then SO(2) is SE(2).
    pub groups: Vec<GroupName>,
    /// The order n of C_n where the samples are rings, which must then have n electrodes; without it, as many as they have.
    #[serde(default)]
    pub order: Option<usize>,
    /// Whether each training sample is moved once for all, by an element of its own that the seed decides, so that
    /// nothing that is learned from stands upright. Test samples always are.
    pub posed: bool,
    /// Pixels on a side of a larger canvas, in whose middle each image stands before it is moved.
    #[serde(default)]
    pub canvas: Option<usize>,
    /// Training samples to use; 0 for all.
    #[serde(default)]
    pub samples: usize,
}

/// A group that acts on a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupName {
    /// Rotations of an image.
    So2,
    /// Rotations and reflections of an image.
    O2,
    /// Quarter turns of an image, exactly.
    C4,
    /// Translations of an image.
    T2,
    /// Circular shifts of a signal in time.
    Shift,
    /// Circular shifts of a ring of electrodes, exactly.
    Ring,
}

/// `[[pose]]`: one step of ψ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoseSection {
    /// The group.
    pub group: GroupName,
    /// In how many turns each filter is used: a multiple of 4 for rotations of images, else 1. Where the group reflects,
    /// each of those is mirrored too.
    pub turns: usize,
    /// The layers.
    pub layers: Vec<LayerSection>,
}

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum LayerSection {
    /// A convolution, normalized and rectified.
    Conv(ConvSection),
    /// Means over windows side by side; `[0, 0]` for all of the map, one 0 for all of one direction.
    Mean([usize; 2]),
    /// Largest numbers, likewise.
    Max([usize; 2]),
}

/// A convolution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvSection {
    /// Output channels, of each turn, mirrored ones too.
    pub channels: usize,
    /// Taps down and across.
    pub size: [usize; 2],
    /// Inputs from one output to the next, down and across.
    #[serde(default = "ones")]
    pub stride: [usize; 2],
    /// Whether beyond an end stands the other end, down and across.
    #[serde(default)]
    pub circular: [bool; 2],
}

fn ones() -> [usize; 2] {
    [1, 1]
}

/// `[eta]`: η.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EtaSection {
    /// As in ψ. With more than one, η ends in the mean over turns and places and is invariant by itself.
    pub turns: usize,
    /// The layers.
    pub layers: Vec<LayerSection>,
    /// Numbers in the code.
    pub code: usize,
    /// Probability that a number of the last map is left out while training.
    #[serde(default)]
    pub dropout: f64,
    /// How the code is read off a map over turns.
    #[serde(default)]
    pub readout: Readout,
}

/// How the code is read off the last map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Readout {
    /// A linear map of the whole last map, or of its means over turns and places if there are turns: invariant.
    #[default]
    Code,
    /// `code / 2` vectors that turn with the image, for the equivariant autoencoder: a baseline, never exported.
    Vectors,
}

/// `[delta]`: δ, code → sample; each block makes its input finer by `factor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeltaSection {
    /// Channels in front of each block and behind the last.
    pub channels: Vec<usize>,
    /// How much finer each block's output is, down and across.
    pub factor: [usize; 2],
    /// Taps of each block, down and across; odd.
    pub size: [usize; 2],
    /// Whether samples lie in 0 to 1, as images do.
    #[serde(default)]
    pub unit: bool,
    /// Instants over which the loudness of a signal, the mean of its magnitudes, is taken: δ then gives a canonical
    /// sample's loudness, because no code holds when each oscillation went up; 0 for the sample itself.
    #[serde(default)]
    pub loudness: usize,
}

/// `[loss]`: the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridLoss {
    /// Weight of the mean squared reconstruction error, network units squared.
    pub reconstruction: f32,
    /// Weight of the law: how far `ψ(g·x)` is from `g·ψ(x)` for elements drawn anew each step.
    pub law: f32,
    /// Weight of the cross-entropy (nats) of the class head.
    pub class: f32,
    /// Probability spread evenly over all classes in the target, 0 to 1.
    pub label_smoothing: f32,
    /// Weight of how far ψ of a training sample is from the identity, for samples that were recorded in one pose: that
    /// pose is then the canonical one.
    #[serde(default)]
    pub upright: f32,
    /// Poses of which the best counts, for the quotient autoencoder; 0 for any other method.
    #[serde(default)]
    pub quotient: usize,
}

/// `[augment]`: how each training sample is varied, anew in every epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridAugment {
    /// Move each sample by its own random element of the group.
    pub posed: bool,
    /// Standard deviation of one factor a sample on all its numbers.
    pub amplitude: f32,
    /// Standard deviation of one factor a column (an electrode).
    #[serde(default)]
    pub columns: f32,
}

impl PoseSection {
    /// In which ways each filter stands there.
    #[must_use]
    pub fn symmetry(&self) -> Symmetry {
        Symmetry { turns: self.turns, mirrored: self.group == GroupName::O2 }
    }
}

impl GridData {
    /// Whether the data are rings of the order that is asked for.
    ///
    /// # Errors
    /// As a sentence, that they are others.
    pub fn check_order(&self, extent: Extent) -> Result<(), String> {
        match self.order {
            Some(order) if order != extent.columns => Err(format!(
                "The recipe asks for C{order}, so for rings of {order} electrodes; these samples have {}.",
                extent.columns
            )),
            _ => Ok(()),
        }
    }

    /// The groups that move samples of a shape.
    ///
    /// # Panics
    /// If one cannot act on them, which [`GridModel::new`](crate::method::GridModel::new) refuses.
    pub(crate) fn groups(&self, extent: Extent) -> Vec<Box<dyn Group>> {
        self.groups.iter().map(|&name| group(name, extent).expect("the groups were checked")).collect()
    }
}

super::in_files!(GridRecipe);

impl GridRecipe {
    /// Whether two recipes give the same weights: how those are packaged may be changed afterwards.
    pub fn trains_as(&self, other: &Self) -> bool {
        *self == Self { quantize: self.quantize.clone(), ..other.clone() }
    }

    /// Everything that can be known to fail without the data.
    pub fn validate(&self) -> Result<(), RecipeError> {
        if !(self.data.scale.is_finite() && self.data.scale > 0.0) {
            return value("data.scale", "must be a number above zero");
        }
        let is_ring = self.data.groups.contains(&GroupName::Ring);
        if let Some(order) = self.data.order {
            at_least_one("data.order", order)?;
            if !is_ring {
                return value("data.order", "is that of a ring, and no group of `data.groups` is one");
            }
        }
        for pose in &self.pose {
            let turning = match pose.group {
                GroupName::So2 | GroupName::O2 | GroupName::C4 => true,
                GroupName::T2 => pose.turns != 1,
                GroupName::Shift | GroupName::Ring => false,
            };
            turns("pose.turns", pose.turns, turning)?;
            layers("pose.layers", &pose.layers)?;
        }
        if self.pose.len() > 2 {
            return value("pose", "has more than two steps, which is all that a package holds");
        }
        if self.eta.turns != 1 {
            turns("eta.turns", self.eta.turns, true)?;
        }
        layers("eta.layers", &self.eta.layers)?;
        width("eta.code", self.eta.code)?;
        fraction("eta.dropout", self.eta.dropout)?;
        if self.eta.dropout > 0.0 && self.eta.turns != 1 {
            return value("eta.dropout", "is of a map without turns: `eta.turns` is 1");
        }
        let loss = &self.loss;
        weight("loss.reconstruction", loss.reconstruction.into())?;
        weight("loss.law", loss.law.into())?;
        weight("loss.class", loss.class.into())?;
        weight("loss.upright", loss.upright.into())?;
        if loss.upright > 0.0 && (self.pose.is_empty() || self.data.posed || self.augment.posed) {
            return value("loss.upright", "wants a `pose`, and training samples that nothing moves: `posed` is false");
        }
        fraction("loss.label_smoothing", loss.label_smoothing.into())?;
        if loss.reconstruction == 0.0 && loss.class == 0.0 {
            return value("loss", "gives reconstruction and class the weight zero, so there is nothing to learn");
        }
        if self.delta.channels.is_empty() {
            return value("delta.channels", "is empty");
        }
        for size in self.delta.size {
            odd("delta.size", size)?;
        }
        if self.delta.loudness > 0 && !is_ring {
            return value("delta.loudness", "is that of rings: only turning these moves it as it moves the sample");
        }
        weight("augment.amplitude", self.augment.amplitude.into())?;
        weight("augment.columns", self.augment.columns.into())?;
        self.training.validate()?;
        self.quantize.validate(false, false)
    }
}

/// `turning` filters have turns, others have none; those of a translation may have either: where it is the first step of
/// SE(2) it must not favour a direction.
fn turns(key: &'static str, number: usize, turning: bool) -> Result<(), RecipeError> {
    match (turning, number) {
        (true, 4 | 8 | 12 | 16) | (false, 1) => Ok(()),
        (true, _) => value(key, format!("is {number}, but rotations of images want 4, 8, 12 or 16 turns")),
        (false, _) => value(key, format!("is {number}, but only rotations of images have turns: it must be 1")),
    }
}

pub(super) fn layers(key: &'static str, layers: &[LayerSection]) -> Result<(), RecipeError> {
    if layers.is_empty() {
        return value(key, "is empty");
    }
    for layer in layers {
        if let LayerSection::Conv(conv) = layer {
            width(key, conv.channels)?;
            for number in conv.size.into_iter().chain(conv.stride) {
                at_least_one(key, number)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, change: impl Fn(&mut GridRecipe)) -> String {
        let mut recipe = GridRecipe::load(name).unwrap();
        change(&mut recipe);
        recipe.validate().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn what_only_rings_have_is_refused_elsewhere() {
        assert!(refusal("quarter-digits", |recipe| recipe.data.order = Some(4)).contains("`data.order`"));
        assert!(refusal("ring", |recipe| recipe.data.order = Some(0)).contains("`data.order`"));
        assert!(refusal("shifted-beats", |recipe| recipe.delta.loudness = 10).contains("`delta.loudness`"));
    }

    /// What was moved does not stand as it was recorded, and no ψ can say otherwise.
    #[test]
    fn only_samples_as_recorded_are_upright() {
        for moves in [true, false] {
            assert!(
                refusal("ring", |recipe| (recipe.data.posed, recipe.loss.upright) = (moves, 1.0)).is_empty() != moves
            );
            let augments = |recipe: &mut GridRecipe| (recipe.augment.posed, recipe.loss.upright) = (moves, 1.0);
            assert!(refusal("ring", augments).is_empty() != moves);
        }
        let without = |recipe: &mut GridRecipe| (recipe.pose.clear(), recipe.loss.upright = 1.0).1;
        assert!(refusal("ring", without).contains("`loss.upright`"));
    }
}
