//! Experiments on triples: class and pose.

use super::experiment::{Experiment, Method, Preset};
use crate::recipe::RecipeError;
use crate::recipe::class_pose::{ClassPoseRecipe, TripleMethod};

/// The data sets, whose recipes are called `class-pose-` and this. The first five are those that were published. Of
/// solids that look the same in several poses only the method itself makes sense, and the recordings that ship are there to
/// compare with the ψ of `wrist`, which is equivariant by construction.
const SETTINGS: [&str; 7] = ["sprites", "color-shift", "multi-sprites", "chairs", "rooms", "chairs-symmetric", "wrist"];

/// The methods, by the names of their rows.
const METHODS: [(&str, TripleMethod); 5] = [
    ("class-pose", TripleMethod::ClassPose),
    ("mdp-homomorphism", TripleMethod::MdpHomomorphism),
    ("linear", TripleMethod::Linear),
    ("no-infonce", TripleMethod::NoInfonce),
    ("unconstrained", TripleMethod::Unconstrained),
];

/// Standard deviation of the frequencies over an unconstrained code, radians per unit. A pose has its units; such a
/// code begins with numbers of any size, over which faster waves are noise: rooms were then decoded twice as badly.
pub(super) const UNCONSTRAINED_FREQUENCY: f32 = 0.5;

/// The experiment of a name, as its recipes are trained; larger pictures where there is time.
pub(super) fn experiment(name: &'static str, preset: Preset) -> Result<Experiment<ClassPoseRecipe>, RecipeError> {
    let mut methods = Vec::new();
    for setting in SETTINGS {
        let mut base = ClassPoseRecipe::load(&format!("{name}-{setting}"))?;
        let images = base.triples.source != "wrist";
        if preset == Preset::Full && images {
            base.triples.size *= 2;
        }
        let count = if base.encoder.elements > 1 || !images { 1 } else { METHODS.len() };
        methods.extend(METHODS[..count].iter().map(|&(name, method)| Method {
            name,
            setting,
            recipe: with(&base, method),
            published: &[],
        }));
    }
    Ok(Experiment { name, data: "triples", methods })
}

/// The same encoder and budget for another method; what is learned by decoding alone has the decoder's, and slow waves.
fn with(base: &ClassPoseRecipe, method: TripleMethod) -> ClassPoseRecipe {
    let mut recipe = base.clone();
    recipe.loss.method = method;
    if method == TripleMethod::NoInfonce {
        // All codes become one, and what is left of their differences would only be noise for poses.
        recipe.loss.independence = 0.0;
    }
    if let (TripleMethod::Unconstrained, Some(decoder)) = (method, &mut recipe.decoder) {
        recipe.training.epochs = decoder.epochs;
        if let Some(waves) = &mut decoder.waves {
            waves.frequency = UNCONSTRAINED_FREQUENCY;
        }
    }
    recipe
}
