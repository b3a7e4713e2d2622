//! What the commands on sets share: a device, sets, and the way from a recipe to a run's files.

use super::table;
use super::workshop::interruptible;
use crate::backend;
use crate::data::sets::Sets;
use crate::evaluate::set::SetFloat;
use crate::method::SetModel;
use crate::recipe::set::SetRecipe;
use crate::run::{CONFIG, METRICS, Run, metrics_json};
use crate::train::{SetTask, Trained, load, train};
use anyhow::Result;
use burn::prelude::{Device, Module};

/// The device and the sets that a recipe trains with.
pub struct SetWorkshop {
    device: Device,
    recipe: SetRecipe,
    sets: Sets,
}

/// A trained and measured run.
pub struct SetFinished {
    /// Name and value, in the order in which they are printed.
    pub metrics: Vec<(String, f64)>,
}

impl SetWorkshop {
    /// Opens the backend and draws the recipe's sets to test on.
    pub fn new(recipe: &SetRecipe, backend: &str) -> Result<Self> {
        let device = backend::device(backend)?;
        Ok(Self { device, recipe: recipe.clone(), sets: Sets::new(&recipe.data) })
    }

    /// Trains in a run's folder and measures the result. What the folder held goes away once training has begun, unless
    /// it is to be resumed.
    pub fn train(&self, run: &Run, resume: bool) -> Result<SetFinished> {
        let task = SetTask::new(&self.recipe, &self.sets)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        Ok(self.finish(trained))
    }

    /// Measures a trained run again.
    pub fn measure(&self, run: &Run) -> Result<SetFinished> {
        let task = SetTask::new(&self.recipe, &self.sets)?;
        Ok(self.finish(load(&task, run.path(), &self.device)?))
    }

    // Networks of sets are not packaged yet: figures are those of the float networks.
    fn finish(&self, trained: Trained<SetModel>) -> SetFinished {
        let float = SetFloat::new(&trained.model, &self.recipe, &self.sets, &self.device);
        let mut metrics = float.figures(&self.recipe, &self.sets);
        metrics.push(("parameters".into(), trained.model.num_params() as f64));
        SetFinished { metrics }
    }

    /// Writes a finished run's files and prints its figures.
    pub fn publish(&self, run: &Run, finished: &SetFinished) -> Result<()> {
        run.write(&[
            (CONFIG, self.recipe.to_toml().as_bytes()),
            (METRICS, format!("{}\n", metrics_json(&finished.metrics)).as_bytes()),
        ])?;
        table::emit(&format!("{}\nFigures: {}\n", table::set_figures(&finished.metrics), run.file(METRICS).display()))
    }
}
