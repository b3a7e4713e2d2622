//! Experiments on samples of which all or some have a label.

use super::experiment::{Experiment, Method};
use crate::recipe::RecipeError;
use crate::recipe::equivae::{EquivaeMethod, EquivaeRecipe};

/// The experiment of a name, as its recipe is trained.
pub(super) fn experiment(name: &'static str) -> Result<Experiment<EquivaeRecipe>, RecipeError> {
    let base = EquivaeRecipe::load(name)?;
    let few = |few: &'static str| all_methods(few, &base);
    let (data, methods) = match name {
        "equivae-wrist" => ("wrist recordings, turned, 5 labelled windows a class and subject", few("")),
        _ => {
            let mut methods = few("100 labels");
            methods.extend(all_methods("all labels", &all_labelled(&base)));
            let setting = "all labels, noughts left out";
            methods.push(Method { name: "equivae", setting, recipe: without(&all_labelled(&base), 0), published: &[] });
            match name {
                "equivae" => ("MNIST, 8,000 and 2,000 images", methods),
                _ => ("digits of 8 × 8 pixels", methods),
            }
        }
    };
    Ok(Experiment { name, data, methods })
}

/// The method and its baselines, on the same labels with the same networks.
fn all_methods(setting: &'static str, base: &EquivaeRecipe) -> Vec<Method<EquivaeRecipe>> {
    // M2, too, with the weight of the independence: Kingma's has none, and errs more.
    let method = |name, method, published| {
        let recipe = EquivaeRecipe { method, ..base.clone() };
        Method { name, setting, recipe, published }
    };
    // With all 50,000 images of the training set that have no label.
    let m2: &[(&str, f64)] = if setting == "100 labels" { &[("error_100_labels", 0.1197)] } else { &[] };
    vec![
        method("equivae", EquivaeMethod::Equivae, &[][..]),
        method("m2", EquivaeMethod::M2, m2),
        method("plain", EquivaeMethod::Plain, &[]),
    ]
}

/// Every sample labelled; then the bound does not teach the classifier, and need not outweigh what does.
fn all_labelled(base: &EquivaeRecipe) -> EquivaeRecipe {
    let mut recipe = base.clone();
    (recipe.data.labels, recipe.data.labelled_batch) = (0, 0);
    recipe.loss.class = 1.0;
    recipe
}

/// A class left out of training.
fn without(base: &EquivaeRecipe, class: usize) -> EquivaeRecipe {
    let mut recipe = base.clone();
    recipe.data.left_out = Some(class);
    recipe
}
