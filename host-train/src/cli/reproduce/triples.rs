//! Reproductions on triples.

use super::{Bench, Options, Reproduced};
use crate::cli::triples::{TripleFinished, TripleWorkshop};
use crate::recipe::class_pose::ClassPoseRecipe;
use crate::report::grid::Panel;
use crate::reproduce::experiment::Experiment;
use crate::reproduce::{triple_figures, triple_measure};
use crate::run::Run;
use anyhow::{Result, bail};
use std::path::Path;

impl Bench for TripleWorkshop {
    type Recipe = ClassPoseRecipe;
    type Trained = TripleFinished;

    fn open(options: &Options, recipe: &ClassPoseRecipe, seed: u64, others: &[&Self]) -> Result<Self> {
        let mut recipe = recipe.clone();
        recipe.training.seed = seed;
        match others.iter().find(|other| other.recipe().triples == recipe.triples) {
            Some(other) => Ok(other.with(&recipe)),
            None => Self::new(&recipe, &options.common.backend),
        }
    }

    fn train(&self, run: &Run, resume: bool) -> Result<TripleFinished> {
        self.trial(run, resume)
    }

    fn metrics(&self, trained: &TripleFinished) -> Vec<(&'static str, f64)> {
        triple_measure::metrics(&trained.metrics)
    }

    fn panels(all: &[Reproduced<'_, Self>]) -> Result<Vec<Panel>> {
        let of = |one: &Reproduced<'_, Self>| {
            let (bench, trained) = (one.bench, &one.trained);
            let decoder = trained.decoder.as_ref().map(|decoder| (decoder, bench.device()));
            triple_figures::walks(one.method.setting, bench.recipe(), bench.paired(), &trained.spoken, decoder)
        };
        // Those of a method whose latent space a person can read: its decoder says so.
        Ok(all.iter().filter(|one| one.trained.decoder.is_some()).flat_map(of).collect())
    }
}

/// Keeps the methods of one data set, if `--data` names one: triples are generated, and there is no folder of them.
///
/// # Errors
/// If the experiment has none of this name.
pub fn of_data(experiment: &mut Experiment<ClassPoseRecipe>, data: Option<&Path>) -> Result<()> {
    let Some(data) = data else { return Ok(()) };
    let mut settings: Vec<&str> = experiment.methods.iter().map(|method| method.setting).collect();
    settings.dedup();
    if !settings.iter().any(|setting| data == Path::new(setting)) {
        bail!("{} has no data set `{}`; it has {}", experiment.name, data.display(), settings.join(", "));
    }
    experiment.methods.retain(|method| data == Path::new(method.setting));
    Ok(())
}
