//! Recipes of sets: elements in any order, with types, places in space or both.

use super::{QuantizeSection, RecipeError, TrainingSection, at_least_one, fraction, positive, value, weight, width};
use serde::{Deserialize, Serialize};

/// A whole training run on sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRecipe {
    /// What is learned from.
    pub data: SetData,
    /// ψ, for elements that have a place; none for networks that take those as they come.
    #[serde(default)]
    pub pose: Option<SetPose>,
    /// What each element goes through before η, which may also read elements as they are, and before the order reads it.
    pub trunk: TrunkSection,
    /// η, from all elements to the code.
    pub eta: SetEta,
    /// In which order the elements stand in the canonical set; none for decoders that name no element.
    #[serde(default)]
    pub order: Option<OrderSection>,
    /// δ, the decoder; used while training only, and only if reconstruction has a weight.
    pub delta: SetDelta,
    /// What is minimized.
    pub loss: SetLoss,
    /// How it is minimized.
    pub training: TrainingSection,
    /// How the trained network becomes integers.
    pub quantize: QuantizeSection,
}

/// `[data]`: the sets, which a generator draws or chooses from a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetData {
    /// The generator.
    pub source: SetSource,
    /// Fewest and most elements of a set.
    pub elements: [usize; 2],
    /// The length that the network sees as 1.0.
    pub scale: f32,
    /// Sets of an epoch, each drawn anew.
    pub train: usize,
    /// Sets to test on, drawn once for all.
    pub test: usize,
}

/// A generator of sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetSource {
    /// Digits, each as likely as any other.
    DigitSets,
    /// Four cubes that touch, in eight ways, somewhere in space.
    Tetris,
    /// Points on the surface of solids, somewhere in space.
    Solids,
    /// Of the same, those that a range sensor sees from a random direction.
    SolidsViews,
    /// Cells of a cube that are inside of solids, as points.
    Voxels,
    /// Molecules of at most twelve atoms, from the data set of that name.
    Molecules,
}

/// `[pose]`: ψ. Where the set is needs no learning: it is the mean of the places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPose {
    /// Vectors of an element behind each layer.
    pub channels: Vec<usize>,
    /// Whether elements are told apart by how far they are from the mean: the rank of that, largest first, becomes a type
    /// as others are, for ψ and for the trunk. For few elements whose forms are symmetric.
    #[serde(default)]
    pub ranked: bool,
    /// Whether a mirror image is another pose of the same set: the group is E(3) instead of SE(3), and a third vector says
    /// which hand it is.
    #[serde(default)]
    pub mirrored: bool,
}

/// What is made of all elements' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetPooling {
    /// The largest of each.
    Max,
    /// The mean of each.
    Mean,
    /// The sum of each, which grows with the set.
    Total,
    /// The elements themselves side by side, and not what the trunk makes of them, with zeros behind the last of sets that are
    /// not the largest. In the canonical order, where there is one: the set is canonicalized and then encoded, by whatever
    /// network. In that of the caller for the classical autoencoder, a baseline that is never exported.
    Concatenate,
}

/// `[trunk]`: layers that treat all elements alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkSection {
    /// Whether the trunk also reads, for each element, the inner products of its place with ψ's last vectors and of those
    /// with themselves: no pose changes them, so the code does not depend on one that noise decided.
    #[serde(default)]
    pub invariants: bool,
    /// Whether each layer is normalized over the elements of the batch.
    #[serde(default = "yes")]
    pub normalized: bool,
    /// The layers.
    pub layers: Vec<TrunkLayer>,
}

/// One layer of the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkLayer {
    /// Numbers of an element behind it.
    pub channels: usize,
    /// What of all elements each of them gets to see; nothing unless said.
    #[serde(default)]
    pub context: Option<SetPooling>,
}

/// `[eta]`: η, behind the trunk or beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetEta {
    /// What is made of all elements.
    pub pool: SetPooling,
    /// Numbers behind each dense layer.
    pub layers: Vec<usize>,
    /// Whether each dense layer is normalized over the batch.
    pub normalized: bool,
    /// Numbers in the code.
    pub code: usize,
}

/// `[order]`: the canonical order is that of scores, which are linear in the trunk's numbers, the largest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderSection {
    /// Standard deviation of what is added to each of the trunk's numbers before they are scored, while training.
    pub noise: f32,
    /// τ of SoftSort: at which difference of scores places begin to mix.
    pub temperature: f32,
}

/// `[delta]`: δ, code → canonical set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetDelta {
    /// Numbers behind each dense layer.
    pub layers: Vec<usize>,
    /// Whether each dense layer is normalized over the batch.
    pub normalized: bool,
}

/// `[loss]`: the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetLoss {
    /// Weight of the reconstruction error: cross-entropy (nats) of types, mean squared error of places in network units
    /// squared, or, without an order, their Chamfer distance.
    pub reconstruction: f32,
    /// Weight of the entropies (nats) of SoftSort's rows and columns, which push it towards a permutation.
    #[serde(default)]
    pub entropy: f32,
    /// Weight of the cross-entropy (nats) of the class head.
    pub class: f32,
    /// Probability spread evenly over all classes in the target, 0 to 1.
    pub label_smoothing: f32,
}

fn yes() -> bool {
    true
}

/// In how many ways so many digits can be chosen of ten, or a million if those are more.
fn multisets(digits: usize) -> usize {
    // One binomial coefficient behind the other, each a whole number: C(n + 9, 9).
    (1..=9).fold(1, |ways: usize, k| ways.saturating_mul(digits + k) / k).min(1_000_000)
}

super::in_files!(SetRecipe);

impl SetRecipe {
    /// Whether two recipes give the same weights: how those are packaged may be changed afterwards.
    pub fn trains_as(&self, other: &Self) -> bool {
        *self == Self { quantize: self.quantize.clone(), ..other.clone() }
    }

    /// Whether δ says which element is which, in the canonical order or in the caller's.
    pub fn names_elements(&self) -> bool {
        self.order.is_some() || self.eta.pool == SetPooling::Concatenate
    }

    /// Whether the networks run on the device. A code that depends on the order of the caller is a baseline's.
    pub fn is_exported(&self) -> bool {
        self.order.is_some() || self.eta.pool != SetPooling::Concatenate
    }

    /// Everything that can be known to fail without the data.
    pub fn validate(&self) -> Result<(), RecipeError> {
        let (data, loss) = (&self.data, &self.loss);
        let [least, most] = data.elements;
        at_least_one("data.elements", least)?;
        at_least_one("data.elements", most)?;
        if least > most {
            return value("data.elements", format!("says at least {least} and at most {most}"));
        }
        positive("data.scale", data.scale.into())?;
        if data.train < self.training.batch {
            return value("data.train", "is less than a batch");
        }
        if data.test == 0 {
            return value("data.test", "must be at least 1");
        }
        if data.source == SetSource::DigitSets {
            // Of one size; the smallest sets are the fewest.
            let (tested, all) = (data.test.div_ceil(most - least + 1), multisets(least));
            if 2 * tested > all {
                return value(
                    "data.test",
                    format!(
                        "asks for {tested} sets of {least} digits; of the {all} that there are, at most half may be tested on"
                    ),
                );
            }
        }
        if self.pose.as_ref().is_some_and(|pose| pose.ranked) && most > gimbal_core::kernel::MAX_RANKED.into() {
            return value("pose.ranked", format!("is for at most {} elements", gimbal_core::kernel::MAX_RANKED));
        }
        match (data.source, &self.pose) {
            (SetSource::DigitSets, Some(_)) => {
                return value("pose", "is for elements that have a place, and digits have none");
            }
            (_, Some(pose)) if pose.channels.is_empty() => return value("pose.channels", "is empty"),
            (_, Some(pose)) => pose.channels.iter().try_for_each(|&channels| width("pose.channels", channels))?,
            (_, None) => {}
        }
        if data.source == SetSource::Voxels && self.pose.as_ref().is_some_and(|pose| pose.mirrored) {
            return value("pose.mirrored", "is not for volumes, which are turned back and not mirrored");
        }
        let types = matches!(data.source, SetSource::DigitSets | SetSource::Molecules);
        if types && loss.reconstruction > 0.0 && !self.names_elements() {
            return value(
                "order",
                "is missing: types are reconstructed place by place, so something must say which element stands where",
            );
        }
        if self.trunk.invariants && self.pose.is_none() {
            return value("trunk.invariants", "are made of ψ's vectors, and there is no `pose`");
        }
        if self.eta.pool == SetPooling::Concatenate && self.order.is_none() && !self.trunk.layers.is_empty() {
            return value(
                "trunk.layers",
                "are read by nothing: η reads the elements side by side, and there is no `order`",
            );
        }
        let beside = self.trunk.invariants || self.pose.as_ref().is_some_and(|pose| pose.ranked);
        if beside && self.trunk.layers.is_empty() {
            return value("trunk.layers", "is empty, and ranks or invariants need a layer that reads them");
        }
        for layer in &self.trunk.layers {
            width("trunk.layers", layer.channels)?;
            if layer.context == Some(SetPooling::Concatenate) {
                return value("trunk.layers", "has a context that depends on the order; use max, mean or total");
            }
        }
        self.eta.layers.iter().try_for_each(|&layer| width("eta.layers", layer))?;
        width("eta.code", self.eta.code)?;
        self.delta.layers.iter().try_for_each(|&layer| width("delta.layers", layer))?;
        if let Some(order) = &self.order {
            weight("order.noise", order.noise.into())?;
            positive("order.temperature", order.temperature.into())?;
        }
        weight("loss.reconstruction", loss.reconstruction.into())?;
        weight("loss.entropy", loss.entropy.into())?;
        weight("loss.class", loss.class.into())?;
        fraction("loss.label_smoothing", loss.label_smoothing.into())?;
        if loss.reconstruction == 0.0 && loss.class == 0.0 {
            return value("loss", "gives reconstruction and class the weight zero, so there is nothing to learn");
        }
        self.training.validate()?;
        // The loader knows sets by these, and only theirs may be so wide.
        let known = least < most || self.order.is_some();
        self.quantize.validate(known && loss.class == 0.0, self.order.is_some() && loss.reconstruction > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, from: &str, to: &str) -> String {
        let (_, text) = crate::recipe::text(name).unwrap();
        assert!(text.contains(from), "the test's own line is gone: {from}");
        SetRecipe::from_toml("changed", &text.replace(from, to))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn what_cannot_be_trained_is_refused_by_its_key() {
        for (name, from, to, key) in [
            ("digit-sets", "elements = [20, 20]", "elements = [20, 10]", "data.elements"),
            ("digit-sets", "scale = 1.0", "scale = 0.0", "data.scale"),
            ("digit-sets", "elements = [20, 20]", "elements = [1, 20]", "data.test"),
            ("tetris", "elements = [4, 4]", "elements = [4, 257]", "pose.ranked"),
            ("digit-sets", "[trunk]", "[pose]\nchannels = [4]\n[trunk]", "pose"),
            ("digit-sets", "temperature = 1.0", "temperature = 0.0", "order.temperature"),
            ("tetris", "context = \"mean\"", "context = \"concatenate\"", "trunk.layers"),
            ("tetris", "channels = [16, 16, 16]", "channels = []", "pose.channels"),
            ("tetris", "reconstruction = 1.0", "reconstruction = 0.0", "loss"),
            ("tetris", "class = 0.0", "class = 1.0", "quantize.features"),
            ("solids", "[quantize]", "[quantize]\ndelta_epochs = 1", "quantize.delta_epochs"),
            (
                "tetris",
                "layers = [{ channels = 64 }, { channels = 64, context = \"mean\" }]",
                "layers = []",
                "trunk.layers",
            ),
            ("solids", "[quantize]", "[quantize]\nfeatures = \"int16\"", "quantize.features"),
        ] {
            let error = with(name, from, to);
            assert!(error.contains(&format!("`{key}`")), "{name}, {to}: {error}");
        }
        assert!(with("tetris", "[eta]", "[eta]\nsurprise = 1").contains("surprise"));
    }

    #[test]
    fn sets_of_digits_are_counted() {
        assert_eq!([0, 1, 2, 5, 20].map(multisets), [1, 10, 55, 2002, 1_000_000]);
    }
}
