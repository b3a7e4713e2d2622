//! Reproductions on grids.

use super::{Bench, Options, Reproduced};
use crate::cli::grids::GridWorkshop;
use crate::method::GridModel;
use crate::recipe::grid::GridRecipe;
use crate::report::grid::Panel;
use crate::reproduce::figures;
use crate::reproduce::measure::Trial;
use crate::run::Run;
use anyhow::Result;

impl Bench for GridWorkshop {
    type Recipe = GridRecipe;
    type Trained = (Trial, GridModel);

    fn open(options: &Options, recipe: &GridRecipe, seed: u64, others: &[&Self]) -> Result<Self> {
        let mut recipe = recipe.clone();
        recipe.training.seed = seed;
        match others.iter().find(|other| other.recipe().data == recipe.data) {
            Some(other) => Ok(other.with(&recipe)),
            None => Self::new(&recipe, &options.common.backend, options.folder()),
        }
    }

    fn train(&self, run: &Run, resume: bool) -> Result<(Trial, GridModel)> {
        self.trial(run, resume)
    }

    fn metrics(&self, (trial, _): &(Trial, GridModel)) -> Vec<(&'static str, f64)> {
        trial.metrics(self.recipe(), self.posed())
    }

    fn panels(all: &[Reproduced<'_, Self>]) -> Result<Vec<Panel>> {
        let mut panels = Vec::new();
        let Some(first) = all.first() else { return Ok(panels) };
        let (recipe, posed) = (&first.method.recipe, first.bench.posed());
        if let (Trial { packaged: Some((package, measured)), .. }, _) = &first.trained {
            panels.push(figures::gallery(package, recipe, posed)?);
            let models: Vec<_> = all.iter().map(|one| (one.method.name, &one.method.recipe, &one.trained.1)).collect();
            panels.extend(figures::errors(&models, posed, first.bench.device()));
            panels.extend(figures::maps(measured, recipe, posed));
        }
        Ok(panels)
    }
}
