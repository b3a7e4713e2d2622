//! Which methods a reproduction trains, with one budget, and what was published.

use super::{equivae_experiment, grid_experiment, set_experiment, triple_experiment, window_experiment};
use crate::recipe::class_pose::ClassPoseRecipe;
use crate::recipe::equivae::EquivaeRecipe;
use crate::recipe::grid::GridRecipe;
use crate::recipe::set::SetRecipe;
use crate::recipe::{Recipe, RecipeError};

/// What [`experiment`] knows of windows of recordings.
const WINDOWS: [&str; 1] = ["wrist"];
/// Of grids.
const GRIDS: [&str; 8] = [
    "rotated-digits",
    "rotated-digits-small",
    "reflected-digits",
    "reflected-digits-small",
    "quarter-digits",
    "shifted-digits",
    "shifted-beats",
    "ring",
];
/// Of sets.
const SETS: [&str; 7] = ["digit-sets", "tetris", "solids", "solids-mirror", "solids-views", "voxels", "molecules"];
/// Of samples with labels.
const LABELLED: [&str; 3] = ["equivae", "equivae-small", "equivae-wrist"];
/// And of triples.
const TRIPLES: [&str; 1] = ["class-pose"];

/// What [`experiment`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    WINDOWS.into_iter().chain(GRIDS).chain(SETS).chain(LABELLED).chain(TRIPLES)
}

/// How long to train.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// As the recipes say: minutes on two cores.
    #[default]
    Quick,
    /// Ten times as long, for a GPU, and whole curves where an experiment has them.
    Full,
}

/// One method of an experiment, trained by a recipe of windows, of grids or of sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Method<R> {
    /// What its rows are called.
    pub name: &'static str,
    /// Which of several settings of the experiment it is trained in; empty where there is one. Methods are compared
    /// within a setting.
    pub setting: &'static str,
    /// What is trained.
    pub recipe: R,
    /// What was published of it: metric and figure.
    pub published: &'static [(&'static str, f64)],
}

/// A reproduction.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment<R> {
    /// Its name, one of [`names`].
    pub name: &'static str,
    /// The data, in words.
    pub data: &'static str,
    /// The methods; figures are drawn of the first.
    pub methods: Vec<Method<R>>,
}

/// A reproduction of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyExperiment {
    /// Of windows of recordings.
    Windows(Experiment<Recipe>),
    /// Of images, signals or rings.
    Grids(Experiment<GridRecipe>),
    /// Of sets.
    Sets(Experiment<SetRecipe>),
    /// Of samples with labels.
    Equivae(Experiment<EquivaeRecipe>),
    /// Of triples.
    Triples(Experiment<ClassPoseRecipe>),
}

/// The experiment of a name, trained as a preset says; None for a name that is not known.
///
/// # Errors
/// If a recipe inside the program is wrong.
pub fn experiment(name: &str, preset: Preset) -> Result<Option<AnyExperiment>, RecipeError> {
    let longer = match preset {
        Preset::Quick => 1,
        Preset::Full => 10,
    };
    if let Some(name) = WINDOWS.into_iter().find(|known| *known == name) {
        let mut experiment = window_experiment::experiment(name)?;
        experiment.methods.iter_mut().for_each(|method| method.recipe.training.epochs *= longer);
        return Ok(Some(AnyExperiment::Windows(experiment)));
    }
    if let Some(name) = GRIDS.into_iter().find(|known| *known == name) {
        let mut experiment = grid_experiment::experiment(name)?;
        experiment.methods.iter_mut().for_each(|method| method.recipe.training.epochs *= longer);
        return Ok(Some(AnyExperiment::Grids(experiment)));
    }
    if let Some(name) = LABELLED.into_iter().find(|known| *known == name) {
        let mut experiment = equivae_experiment::experiment(name)?;
        experiment.methods.iter_mut().for_each(|method| method.recipe.training.epochs *= longer);
        return Ok(Some(AnyExperiment::Equivae(experiment)));
    }
    if let Some(name) = TRIPLES.into_iter().find(|known| *known == name) {
        let mut experiment = triple_experiment::experiment(name, preset)?;
        for recipe in experiment.methods.iter_mut().map(|method| &mut method.recipe) {
            recipe.training.epochs *= longer;
            recipe.decoder.iter_mut().for_each(|decoder| decoder.epochs *= longer);
        }
        return Ok(Some(AnyExperiment::Triples(experiment)));
    }
    let Some(name) = SETS.into_iter().find(|known| *known == name) else { return Ok(None) };
    let mut experiment = set_experiment::experiment(name, preset)?;
    experiment.methods.iter_mut().for_each(|method| method.recipe.training.epochs *= longer);
    Ok(Some(AnyExperiment::Sets(experiment)))
}

impl<R> Experiment<R> {
    /// What the methods are called, each name once.
    pub fn method_names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for method in &self.methods {
            if !names.contains(&method.name) {
                names.push(method.name);
            }
        }
        names
    }

    /// The data of a method's rows, in words.
    pub fn data(&self, method: &Method<R>) -> String {
        match method.setting {
            "" => self.data.into(),
            setting => format!("{}, {setting}", self.data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::triple_experiment::UNCONSTRAINED_FREQUENCY;
    use super::*;
    use crate::recipe::class_pose::TripleMethod;

    #[test]
    fn every_method_of_every_experiment_can_be_trained_with_one_budget() {
        for (name, preset) in names().flat_map(|name| [(name, Preset::Quick), (name, Preset::Full)]) {
            match experiment(name, preset).unwrap().unwrap() {
                AnyExperiment::Windows(experiment) => {
                    assert!(!experiment.methods.is_empty(), "{name} has no methods");
                    for method in &experiment.methods {
                        method.recipe.validate().unwrap();
                        let compared = experiment.methods.iter().find(|other| other.setting == method.setting);
                        let budget = compared.map(|other| &other.recipe.training);
                        assert_eq!(budget, Some(&method.recipe.training), "{name}: {}", method.name);
                    }
                }
                AnyExperiment::Grids(experiment) => {
                    let [first, others @ ..] = &experiment.methods[..] else { panic!("{name} has no methods") };
                    for method in others {
                        method.recipe.validate().unwrap();
                        let (a, b) = (&first.recipe, &method.recipe);
                        let comparable = (a.loss.class > 0.0) == (b.loss.class > 0.0);
                        assert!(!comparable || a.training == b.training, "{name}: {}", method.name);
                    }
                }
                AnyExperiment::Equivae(experiment) => {
                    let [first, others @ ..] = &experiment.methods[..] else { panic!("{name} has no methods") };
                    for method in others {
                        method.recipe.validate().unwrap();
                        assert_eq!(first.recipe.training, method.recipe.training, "{name}: {}", method.name);
                    }
                }
                AnyExperiment::Sets(experiment) => {
                    let [first, others @ ..] = &experiment.methods[..] else { panic!("{name} has no methods") };
                    for method in others {
                        method.recipe.validate().unwrap();
                        assert_eq!(first.recipe.training, method.recipe.training, "{name}: {}", method.name);
                    }
                }
                AnyExperiment::Triples(experiment) => {
                    for method in &experiment.methods {
                        method.recipe.validate().unwrap();
                        let first = experiment.methods.iter().find(|other| other.setting == method.setting).unwrap();
                        let (mut a, b) = (first.recipe.clone(), &method.recipe);
                        a.loss.method = b.loss.method;
                        // Nothing can depend on codes that are all one.
                        if b.loss.method == TripleMethod::NoInfonce {
                            a.loss.independence = 0.0;
                        }
                        // What is learned by decoding alone is trained as long as a decoder, and its code has a scale of its own.
                        if b.loss.method == TripleMethod::Unconstrained {
                            let decoder = a.decoder.as_mut().unwrap();
                            a.training.epochs = decoder.epochs;
                            if let Some(waves) = &mut decoder.waves {
                                waves.frequency = UNCONSTRAINED_FREQUENCY;
                            }
                        }
                        assert_eq!(a, *b, "{name}: {}", method.name);
                    }
                }
            }
        }
        assert_eq!(experiment("no such", Preset::Quick).unwrap(), None);
    }

    /// Two trainings would share a folder.
    #[test]
    fn no_two_methods_have_one_name_in_one_setting() {
        for name in names() {
            let named: Vec<(&str, &str)> = match experiment(name, Preset::Full).unwrap().unwrap() {
                AnyExperiment::Windows(experiment) => experiment.methods.iter().map(|m| (m.name, m.setting)).collect(),
                AnyExperiment::Grids(experiment) => experiment.methods.iter().map(|m| (m.name, m.setting)).collect(),
                AnyExperiment::Sets(experiment) => experiment.methods.iter().map(|m| (m.name, m.setting)).collect(),
                AnyExperiment::Equivae(experiment) => experiment.methods.iter().map(|m| (m.name, m.setting)).collect(),
                AnyExperiment::Triples(experiment) => experiment.methods.iter().map(|m| (m.name, m.setting)).collect(),
            };
            let mut once = named.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), named.len(), "{name}");
        }
    }
}
