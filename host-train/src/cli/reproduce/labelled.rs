//! Reproductions on samples with labels.

use super::{Bench, Options, Reproduced};
use crate::cli::labelled::{LabelledFinished, LabelledWorkshop};
use crate::recipe::equivae::EquivaeRecipe;
use crate::report::grid::Panel;
use crate::reproduce::{equivae_figures, equivae_measure};
use crate::run::Run;
use anyhow::Result;

impl Bench for LabelledWorkshop {
    type Recipe = EquivaeRecipe;
    type Trained = LabelledFinished;

    /// A seed decides who has a label, too.
    fn open(options: &Options, recipe: &EquivaeRecipe, seed: u64, others: &[&Self]) -> Result<Self> {
        let mut recipe = recipe.clone();
        (recipe.training.seed, recipe.data.draw) = (seed, seed);
        match others.iter().find(|other| other.shares_samples(&recipe)) {
            Some(other) => Ok(other.with(&recipe)),
            None => Self::new(&recipe, &options.common.backend, options.folder(), &options.common.runs),
        }
    }

    fn train(&self, run: &Run, resume: bool) -> Result<LabelledFinished> {
        self.trial(run, resume)
    }

    fn metrics(&self, trained: &LabelledFinished) -> Vec<(&'static str, f64)> {
        equivae_measure::metrics(self.recipe(), &trained.measured.metrics)
    }

    fn panels(all: &[Reproduced<'_, Self>]) -> Result<Vec<Panel>> {
        let mut panels = Vec::new();
        let Some(first) = all.first() else { return Ok(panels) };
        for one in all.iter().filter(|one| one.method.setting == first.method.setting) {
            panels.extend(equivae_figures::panels(one.method.name, &one.bench.drawn(&one.trained)));
        }
        Ok(panels)
    }
}
