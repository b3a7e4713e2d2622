//! Experiments on grids: images, signals and rings.

use super::experiment::{Experiment, Method};
use crate::recipe::RecipeError;
use crate::recipe::grid::{GridRecipe, LayerSection, Readout};

/// The experiment of a name, as its recipe is trained.
pub(super) fn experiment(name: &'static str) -> Result<Experiment<GridRecipe>, RecipeError> {
    let base = GridRecipe::load(name)?;
    let method = |name, recipe, published| Method { name, setting: "", recipe, published };
    let (data, methods) = match name {
        "rotated-digits" => {
            let classifier = GridRecipe::load("rotated-digits-classifier")?;
            let mut plain = classical(&classifier);
            plain.augment.posed = false;
            let methods = vec![
                method("giae", base.clone(), &[("reconstruction", 0.0162), ("knn", 0.90)][..]),
                method("classical", classical(&base), &[("reconstruction", 0.0170), ("knn", 0.68)]),
                method("classical, augmented", augmented(classical(&base)), &[]),
                method("quotient", quotient(&base), &[("reconstruction", 0.0227), ("knn", 0.82)]),
                method("equivariant", equivariant(&base), EQUIVARIANT),
                method("canonicalized classifier", classifier.clone(), &[("error", 0.0199)]),
                method("classifier, augmented", classical(&classifier), &[]),
                method("classifier", plain, &[("error", 0.0490)]),
            ];
            ("MNIST, 8,000 and 2,000 images, rotated", methods)
        }
        "rotated-digits-small" => {
            let methods = vec![
                method("giae", base.clone(), &[][..]),
                method("classical", classical(&base), &[]),
                method("classical, augmented", augmented(classical(&base)), &[]),
                method("quotient", quotient(&base), &[]),
                method("equivariant", equivariant(&base), &[]),
            ];
            ("digits of 8 × 8 pixels, rotated", methods)
        }
        "reflected-digits" | "reflected-digits-small" | "quarter-digits" | "shifted-digits" => {
            let methods = vec![
                method("giae", base.clone(), &[][..]),
                method("classical", classical(&base), &[]),
                method("classical, augmented", augmented(classical(&base)), &[]),
            ];
            let data = match name {
                "reflected-digits" => "MNIST, 8,000 and 2,000 images, rotated and reflected",
                "reflected-digits-small" => "digits of 8 × 8 pixels, rotated and reflected",
                "quarter-digits" => "digits of 8 × 8 pixels, turned by quarters",
                _ => "MNIST on 40 × 40 pixels, moved and rotated",
            };
            (data, methods)
        }
        "shifted-beats" => {
            let methods = vec![
                method("giae", base.clone(), &[][..]),
                method("classical", classical(&base), &[]),
                method("quotient", quotient(&base), &[]),
            ];
            ("ECG5000, shifted", methods)
        }
        _ => {
            let methods = vec![
                method("invariant", base.clone(), &[][..]),
                method("flat, augmented", augmented(flat(&base)), &[]),
                method("flat", flat(&base), &[]),
            ];
            ("armband ring, session 3 held out, shifted", methods)
        }
    };
    Ok(Experiment { name, data, methods })
}

/// Read out by the lengths of the code's vectors, by their angles, and whole.
const EQUIVARIANT: &[(&str, f64)] =
    &[("reconstruction", 0.0189), ("knn", 0.67), ("knn of norms", 0.56), ("knn of angles", 0.53)];

/// The same networks without the group: the classical autoencoder, or a plain classifier.
fn classical(base: &GridRecipe) -> GridRecipe {
    let mut recipe = base.clone();
    recipe.pose.clear();
    (recipe.loss.law, recipe.loss.upright) = (0.0, 0.0);
    recipe
}

/// Each sample at a new pose in every epoch.
fn augmented(mut recipe: GridRecipe) -> GridRecipe {
    recipe.augment.posed = true;
    recipe
}

/// The quotient autoencoder: the best of eight poses counts.
fn quotient(base: &GridRecipe) -> GridRecipe {
    let mut recipe = classical(base);
    recipe.loss.quotient = 8;
    recipe
}

/// The equivariant autoencoder: ψ's layers give vectors that turn with the image.
fn equivariant(base: &GridRecipe) -> GridRecipe {
    let mut recipe = classical(base);
    if let Some(psi) = base.pose.last() {
        recipe.eta.turns = psi.turns;
        recipe.eta.layers = psi.layers.clone();
        recipe.eta.readout = Readout::Vectors;
    }
    recipe
}

/// The same layers over the electrodes as a row with two ends, and all of the last map to the code; a classifier.
fn flat(base: &GridRecipe) -> GridRecipe {
    let mut recipe = classical(base);
    recipe.loss.reconstruction = 0.0;
    let last = LayerSection::Max([0, 0]);
    recipe.eta.layers.retain(|layer| *layer != last);
    for layer in &mut recipe.eta.layers {
        if let LayerSection::Conv(conv) = layer {
            conv.circular = [false; 2];
        }
    }
    recipe
}
