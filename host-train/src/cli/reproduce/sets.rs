//! Reproductions on sets.

use super::{Bench, Options, Reproduced};
use crate::cli::sets::{SetFinished, SetWorkshop};
use crate::recipe::set::{SetRecipe, SetSource};
use crate::report::grid::Panel;
use crate::reproduce::{molecule_figures, set_figures, set_measure, volume_figures};
use crate::run::Run;
use anyhow::Result;

impl Bench for SetWorkshop {
    type Recipe = SetRecipe;
    type Trained = SetFinished;

    fn open(options: &Options, recipe: &SetRecipe, seed: u64, others: &[&Self]) -> Result<Self> {
        let mut recipe = recipe.clone();
        recipe.training.seed = seed;
        match others.iter().find(|other| other.recipe().data == recipe.data) {
            Some(other) => Ok(other.with(&recipe)),
            None => Self::new(&recipe, &options.common.backend, options.folder()),
        }
    }

    fn train(&self, run: &Run, resume: bool) -> Result<SetFinished> {
        self.trial(run, resume)
    }

    fn metrics(&self, trained: &SetFinished) -> Vec<(&'static str, f64)> {
        set_measure::metrics(self.recipe(), &trained.metrics)
    }

    fn panels(all: &[Reproduced<'_, Self>]) -> Result<Vec<Panel>> {
        let mut panels = Vec::new();
        let Some(first) = all.first() else { return Ok(panels) };
        if let Some(package) = &first.trained.package {
            match first.method.recipe.data.source {
                SetSource::Voxels => panels.push(volume_figures::gallery(package)?),
                _ => panels.extend(set_figures::gallery(package, first.bench.sets())?),
            }
        }
        let (trained, decoded) = (&first.trained, first.trained.decoded.as_ref());
        let recipe = first.bench.recipe();
        panels.extend(molecule_figures::molecules(first.bench.sets(), recipe, &trained.evaluation, decoded));
        for one in all.iter().filter(|one| one.method.setting == first.method.setting) {
            let codes = set_figures::Codes { evaluation: &one.trained.evaluation, float: &one.trained.codes };
            panels.extend(set_figures::codes(one.method.name, &codes, one.bench.sets()));
        }
        panels.extend(set_figures::errors(&first.trained.evaluation));
        let rows: Vec<_> = all.iter().map(|one| (one.method, &one.rows[..])).collect();
        panels.extend(set_figures::curves(&rows));
        let histories: Vec<_> = all.iter().map(|one| (one.method, &one.trained.history[..])).collect();
        panels.extend(set_figures::losses(&histories));
        Ok(panels)
    }
}
