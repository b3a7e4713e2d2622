//! Reproductions on windows of recordings.

use super::{Bench, Options, Reproduced};
use crate::cli::workshop::{Finished, Workshop};
use crate::recipe::Recipe;
use crate::report::grid::Panel;
use crate::reproduce::{window_figures, window_measure};
use crate::run::{CONFIG, PACKAGE, Run};
use anyhow::Result;
use std::sync::Arc;

/// The recordings and the recipe of one method.
pub struct WindowBench {
    workshop: Arc<Workshop>,
    recipe: Recipe,
}

impl Bench for WindowBench {
    type Recipe = Recipe;
    type Trained = Finished;

    fn open(options: &Options, recipe: &Recipe, seed: u64, others: &[&Self]) -> Result<Self> {
        let mut recipe = recipe.clone();
        recipe.training.seed = seed;
        let workshop = match others.first() {
            Some(other) => other.workshop.clone(),
            None => Arc::new(Workshop::new(&options.common.backend)?),
        };
        Ok(Self { workshop, recipe })
    }

    fn train(&self, run: &Run, resume: bool) -> Result<Finished> {
        let finished = self.workshop.train(&self.recipe, run, resume)?;
        run.write(&[(CONFIG, self.recipe.to_toml().as_bytes()), (PACKAGE, &finished.package)])?;
        Ok(finished)
    }

    fn metrics(&self, finished: &Finished) -> Vec<(&'static str, f64)> {
        window_measure::metrics(&self.recipe, &finished.measured)
    }

    fn panels(all: &[Reproduced<'_, Self>]) -> Result<Vec<Panel>> {
        let mut panels = Vec::new();
        for one in all {
            let name = format!("{}, {}", one.method.name, one.method.setting);
            let (evaluation, classes) = (&one.trained.measured.evaluation, one.bench.workshop.classes());
            panels.push(window_figures::codes(&name, evaluation, classes));
        }
        let first = all.first().and_then(|one| window_figures::errors(&one.trained.measured.evaluation));
        panels.extend(first);
        Ok(panels)
    }
}
