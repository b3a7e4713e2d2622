//! Experiments on sets.

use super::experiment::{Experiment, Method, Preset};
use super::views_experiment;
use crate::recipe::set::{SetPooling, SetRecipe};
use crate::recipe::{FeatureBits, RecipeError};

/// Settings of the sets of digits: in words, digits of a set, numbers of the code, sets to test on. The first is what the
/// quick preset trains; with the others the full one has curves over the code and over the digits. Of five digits there
/// are 2,002 sets in all, so that few of them must do to test on.
const SETTINGS: [(&str, usize, usize, usize); 7] = [
    ("20 digits, code 8", 20, 8, 5000),
    ("20 digits, code 2", 20, 2, 5000),
    ("20 digits, code 4", 20, 4, 5000),
    ("20 digits, code 16", 20, 16, 5000),
    ("5 digits, code 8", 5, 8, 400),
    ("10 digits, code 8", 10, 8, 5000),
    ("40 digits, code 8", 40, 8, 5000),
];

/// The experiment of a name, as its recipe is trained; which settings there are, the preset says.
pub(super) fn experiment(name: &'static str, preset: Preset) -> Result<Experiment<SetRecipe>, RecipeError> {
    let base = SetRecipe::load(name)?;
    let (data, methods) = match name {
        "digit-sets" => {
            let settings = match preset {
                Preset::Quick => &SETTINGS[..1],
                Preset::Full => &SETTINGS,
            };
            ("random sets", settings.iter().flat_map(|&setting| digits(&base, setting)).collect())
        }
        "tetris" => {
            // Published with the points in one order, known to the encoder.
            let giae = method("giae", base.clone(), &[("mse", 3.24e-5)]);
            let methods = vec![giae, method("classical", concatenated(&base), &[])];
            ("eight shapes, moved, turned and shuffled", methods)
        }
        "solids-views" => ("ten solids in part, moved, turned and shuffled", views_experiment::methods(&base)),
        "voxels" => {
            let methods = vec![method("giae", base.clone(), &[]), method("classical", pooled(&base), &[])];
            ("volumes of ten solids, turned", methods)
        }
        "molecules" => {
            let methods = vec![method("giae", base.clone(), &[]), method("classical", concatenated(&base), &[])];
            ("QM9, at most 12 atoms, moved, turned and shuffled", methods)
        }
        _ => {
            let methods = vec![
                method("giae", base.clone(), &[]),
                method("pooled, without ψ", pooled(&base), &[]),
                method("classical", concatenated(&base), &[]),
            ];
            ("ten solids, moved, turned and shuffled", methods)
        }
    };
    Ok(Experiment { name, data, methods })
}

fn method(name: &'static str, recipe: SetRecipe, published: &'static [(&'static str, f64)]) -> Method<SetRecipe> {
    Method { name, setting: "", recipe, published }
}

/// Both methods in one of [`SETTINGS`].
fn digits(base: &SetRecipe, setting: (&'static str, usize, usize, usize)) -> [Method<SetRecipe>; 2] {
    let (setting, digits, code, test) = setting;
    let mut recipe = base.clone();
    (recipe.data.elements, recipe.eta.code, recipe.data.test) = ([digits; 2], code, test);
    let classical = concatenated(&recipe);
    [("giae", recipe), ("classical", classical)].map(|(name, recipe)| Method { setting, ..method(name, recipe, &[]) })
}

/// The classical autoencoder that reads and writes all elements side by side, in the order given; behind the last of a
/// set that is not the largest it reads zeros.
fn concatenated(base: &SetRecipe) -> SetRecipe {
    let mut recipe = pooled(base);
    recipe.trunk.layers.clear();
    recipe.eta.pool = SetPooling::Concatenate;
    (recipe.order, recipe.loss.entropy) = (None, 0.0);
    // It is never packaged.
    (recipe.quantize.features, recipe.quantize.delta_epochs) = (FeatureBits::Int8, 0);
    recipe
}

/// The same networks without ψ, so that η reads the elements as they are turned.
pub(super) fn pooled(base: &SetRecipe) -> SetRecipe {
    let mut recipe = base.clone();
    recipe.pose = None;
    recipe.trunk.invariants = false;
    recipe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A curve over one number holds the other still.
    #[test]
    fn settings_vary_the_code_or_the_digits() {
        let (_, digits, code, _) = SETTINGS[0];
        assert!(SETTINGS.iter().all(|setting| setting.1 == digits || setting.2 == code));
        for (words, digits, code, _) in SETTINGS {
            assert_eq!(words, format!("{digits} digits, code {code}"));
        }
    }
}
