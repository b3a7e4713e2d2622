//! What the commands on samples with labels share: a device, a data set, and the way from a recipe to a run's files.

use super::table;
use super::workshop::interruptible;
use crate::backend;
use crate::data::grid::load as load_data;
use crate::data::labelled::LabelledSet;
use crate::data::wrist;
use crate::evaluate::equivae::{EQUIVAE_FIGURES, EquivaeFloat};
use crate::method::EquivaeModel;
use crate::pipeline::equivae::{EquivaeMeasured, measure_equivae, package_equivae};
use crate::recipe::equivae::EquivaeRecipe;
use crate::run::{CONFIG, METRICS, PACKAGE, REPORT, Run, metrics_json};
use crate::train::{Epoch, LabelledTask, Trained, load, train};
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
    /// The networks.
    pub model: EquivaeModel,
    /// What they say.
    pub float: EquivaeFloat,
    /// The package.
    pub package: Vec<u8>,
    /// What it says.
    pub measured: EquivaeMeasured,
    /// The losses of its training.
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

    /// Packages a trained run again and measures it.
    pub fn export(&self, run: &Run) -> Result<LabelledFinished> {
        let task = LabelledTask::new(&self.recipe, &self.set, &self.device)?;
        self.finish(&run.name(), load(&task, run.path(), &self.device)?)
    }

    fn finish(&self, name: &str, trained: Trained<EquivaeModel>) -> Result<LabelledFinished> {
        let Trained { model, history, .. } = trained;
        let float = EquivaeFloat::new(&model, &self.recipe, &self.set, &self.device);
        let package = package_equivae(name, &self.recipe, &self.set, &model, &float.table)?;
        let mut measured = measure_equivae(&package, &float, &self.set)?;
        measured.metrics.extend(float.figures(&self.set));
        measured.metrics.push(("parameters".into(), model.num_params() as f64));
        let place = |name: &str| EQUIVAE_FIGURES.iter().position(|(known, ..)| *known == name);
        measured.metrics.sort_by_key(|(name, _)| place(name));
        Ok(LabelledFinished { model, float, package, measured, history })
    }

    /// Trains in a run's folder and measures, for a comparison.
    pub fn trial(&self, run: &Run, resume: bool) -> Result<LabelledFinished> {
        let finished = self.train(run, resume)?;
        run.write(&[(CONFIG, self.recipe.to_toml().as_bytes()), (PACKAGE, &finished.package)])?;
        Ok(finished)
    }

    /// The recipe.
    pub fn recipe(&self) -> &EquivaeRecipe {
        &self.recipe
    }

    /// The samples.
    pub fn set(&self) -> &LabelledSet {
        &self.set
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Writes a finished run's files and prints its figures.
    pub fn publish(&self, run: &Run, finished: &LabelledFinished) -> Result<()> {
        let metrics = &finished.measured.metrics;
        run.write(&[
            (CONFIG, self.recipe.to_toml().as_bytes()),
            (PACKAGE, &finished.package),
            (METRICS, format!("{}\n", metrics_json(metrics)).as_bytes()),
        ])?;
        table::emit(&format!("{}\nReport: {}\n", table::equivae_figures(metrics), run.file(REPORT).display()))
    }
}
