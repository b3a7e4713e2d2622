//! What the commands on samples with labels share: a device, a data set, and the way from a recipe to a run's files.

use super::table;
use super::workshop::interruptible;
use crate::backend;
use crate::data::grid::load as load_data;
use crate::data::labelled::LabelledSet;
use crate::data::wrist;
use crate::evaluate::equivae::EquivaeFloat;
use crate::method::EquivaeModel;
use crate::recipe::equivae::EquivaeRecipe;
use crate::run::{CONFIG, METRICS, Run, metrics_json};
use crate::train::{Epoch, LabelledTask, Trained, train};
use anyhow::{Result, anyhow};
use burn::prelude::{Device, Module};
use std::path::Path;
use std::sync::Arc;

/// The device and the samples that a recipe trains with.
#[derive(Clone)]
pub struct LabelledWorkshop {
    device: Device,
    recipe: EquivaeRecipe,
    set: Arc<LabelledSet>,
}

/// A trained, packaged and measured run.
pub struct LabelledFinished {
    pub metrics: Vec<(String, f64)>,
    pub history: Vec<Epoch>,
}

impl LabelledWorkshop {
    /// Opens the backend and loads the recipe's data from a folder.
    pub fn new(recipe: &EquivaeRecipe, backend: &str, folder: &Path) -> Result<Self> {
        let device = backend::device(backend)?;
        let set = match recipe.data.is_recorded() {
            true => LabelledSet::of_recordings(&recipe.data, &wrist::load()?),
            false => LabelledSet::of_grids(&recipe.data, &load_data(&recipe.data.source, folder)?, &device),
        };
        let set = set.map_err(|reason| anyhow!(reason))?;
        Ok(Self { device, recipe: recipe.clone(), set: Arc::new(set) })
    }

    /// Trains in a run's folder, packages the result and measures it.
    pub fn train(&self, run: &Run, resume: bool) -> Result<LabelledFinished> {
        let task = LabelledTask::new(&self.recipe, &self.set, &self.device)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        self.finish(&run.name(), trained)
    }

    fn finish(&self, _name: &str, trained: Trained<EquivaeModel>) -> Result<LabelledFinished> {
        let float = EquivaeFloat::new(&trained.model, &self.recipe, &self.set, &self.device);
        let mut metrics = float.figures(&self.set);
        metrics.push(("parameters".into(), trained.model.num_params() as f64));
        Ok(LabelledFinished { metrics, history: trained.history })
    }

    /// Writes a finished run's files and prints its figures.
    pub fn publish(&self, run: &Run, finished: &LabelledFinished) -> Result<()> {
        run.write(&[
            (CONFIG, self.recipe.to_toml().as_bytes()),
            (METRICS, format!("{}\n", metrics_json(&finished.metrics)).as_bytes()),
        ])?;
        table::emit(&table::equivae_figures(&finished.metrics).to_string())
    }
}
