//! Experiments on windows of recordings.

use super::experiment::{Experiment, Method};
use crate::recipe::{Pose, Recipe, RecipeError};

/// The two ways to train, and the recipe of each.
const SETTINGS: [(&str, &str); 2] = [("with labels", "wrist"), ("without labels", "wrist-unsupervised")];

/// The experiment of a name, as its recipes are trained.
pub(super) fn experiment(name: &'static str) -> Result<Experiment<Recipe>, RecipeError> {
    let mut methods = Vec::new();
    for (setting, recipe) in SETTINGS {
        let base = Recipe::load(recipe)?;
        let method = |name, recipe| Method { name, setting, recipe, published: &[] };
        methods.extend([
            method("giae", base.clone()),
            method("classical, augmented", classical(&base, true)),
            method("classical", classical(&base, false)),
        ]);
    }
    Ok(Experiment { name, data: "seven exercises at the wrist, subjects 8 to 10, rotated", methods })
}

/// The same networks without ψ, on windows in a new pose every time or as they were recorded.
fn classical(base: &Recipe, augmented: bool) -> Recipe {
    let mut recipe = base.clone();
    recipe.model.pose = Pose::None;
    recipe.augment.rotate = augmented;
    recipe
}
