//! Solids in part, with labels: a canonicalized classifier beside networks without ψ that see as many poses in training, for
//! each set is drawn anew at a random one.

use super::experiment::Method;
use super::set_experiment::pooled;
use crate::recipe::set::{SetRecipe, TrunkLayer};

/// The methods of `solids-views`; all are trained at random poses and tested at random poses.
pub(super) fn methods(base: &SetRecipe) -> Vec<Method<SetRecipe>> {
    let method = |name, recipe| Method { name, setting: "", recipe, published: &[] };
    vec![
        method("canonicalized classifier", base.clone()),
        method("classifier, augmented, as many MACs", wider(base)),
        method("classifier, augmented, same layers", pooled(base)),
    ]
}

/// Without ψ, and with its MACs spent on the trunk.
fn wider(base: &SetRecipe) -> SetRecipe {
    let mut recipe = pooled(base);
    for (layer, channels) in recipe.trunk.layers.iter_mut().zip(WIDER) {
        *layer = TrunkLayer { channels, ..*layer };
    }
    recipe
}

/// Numbers of an element behind each layer of the trunk.
const WIDER: [usize; 2] = [64, 88];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sets::Sets;
    use crate::method::SetModel;
    use crate::nn::testing::device;
    use crate::pipeline::set::{measure_set, package_set};

    /// No method is worse because it may compute less.
    #[test]
    fn the_wider_classifier_takes_as_many_macs() {
        let macs = |recipe: &SetRecipe| {
            let mut recipe = recipe.clone();
            (recipe.data.test, recipe.data.train, recipe.training.batch) = (8, 256, 8);
            let sets = Sets::new(&recipe.data);
            let package = package_set("views", &recipe, &sets, &SetModel::new(&recipe, &sets, &device())).unwrap();
            let measured = measure_set(&package, &sets, None).unwrap();
            measured.metrics.iter().find(|(name, _)| name == "macs").unwrap().1
        };
        let methods = methods(&SetRecipe::load("solids-views").unwrap());
        let [canonicalized, wider, same] = [0, 1, 2].map(|i| macs(&methods[i].recipe));
        assert!((canonicalized..1.1 * canonicalized).contains(&wider), "{canonicalized} and {wider}");
        assert!(same < canonicalized);
    }
}
