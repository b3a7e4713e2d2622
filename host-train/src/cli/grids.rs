//! What the commands on grids share: a device, a data set, and the way from a recipe to a run's files.

use super::table;
use super::workshop::interruptible;
use crate::backend;
use crate::data::grid::load as load_data;
use crate::data::posed::Posed;
use crate::method::GridModel;
use crate::pipeline::grid::{GridFloat, GridMeasured, measure_grid, package_grid};
use crate::recipe::grid::{GridRecipe, Readout};
use crate::reproduce::measure::Trial;
use crate::run::{CONFIG, METRICS, PACKAGE, Run, metrics_json};
use crate::train::{GridTask, Trained, load, train};
use anyhow::{Result, anyhow};
use burn::prelude::{Device, Module};
use std::path::Path;

/// The device and the samples that a recipe trains with.
pub struct GridWorkshop {
    device: Device,
    recipe: GridRecipe,
    posed: Posed,
}

/// A trained, packaged and measured run.
pub struct GridFinished {
    /// The package.
    pub package: Vec<u8>,
    /// Its figures.
    pub measured: GridMeasured,
}

impl GridWorkshop {
    /// Opens the backend and loads the recipe's data from a folder.
    pub fn new(recipe: &GridRecipe, backend: &str, folder: &Path) -> Result<Self> {
        let device = backend::device(backend)?;
        let grids = load_data(&recipe.data.source, folder)?;
        let posed = Posed::new(&recipe.data, &grids, &device).map_err(|reason| anyhow!(reason))?;
        Ok(Self { device, recipe: recipe.clone(), posed })
    }

    /// Trains in a run's folder, packages the result and measures it. What the folder held goes away once training has
    /// begun, unless it is to be resumed.
    pub fn train(&self, run: &Run, resume: bool) -> Result<GridFinished> {
        let task = GridTask::new(&self.recipe, &self.posed, &self.device)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        self.finish(&run.name(), trained)
    }

    /// Packages a trained run again.
    pub fn export(&self, run: &Run) -> Result<GridFinished> {
        let task = GridTask::new(&self.recipe, &self.posed, &self.device)?;
        self.finish(&run.name(), load(&task, run.path(), &self.device)?)
    }

    fn finish(&self, name: &str, trained: Trained<GridModel>) -> Result<GridFinished> {
        let package = package_grid(name, &self.recipe, &self.posed, &trained.model)?;
        let float = GridFloat::new(&trained.model, &self.recipe, &self.posed, &self.device);
        let mut measured = measure_grid(&package, &self.recipe, &self.posed)?;
        measured.metrics.extend(float.figures(&self.recipe, &self.posed));
        measured.metrics.push(("parameters".into(), trained.model.num_params() as f64));
        Ok(GridFinished { package, measured })
    }

    /// Trains in a run's folder and measures, for a comparison; what is never exported is not packaged.
    pub fn trial(&self, run: &Run, resume: bool) -> Result<(Trial, GridModel)> {
        let task = GridTask::new(&self.recipe, &self.posed, &self.device)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        let float = GridFloat::new(&trained.model, &self.recipe, &self.posed, &self.device);
        let packaged = match self.recipe.eta.readout {
            Readout::Vectors => None,
            Readout::Code => {
                let package = package_grid(&run.name(), &self.recipe, &self.posed, &trained.model)?;
                let measured = measure_grid(&package, &self.recipe, &self.posed)?;
                run.write(&[(CONFIG, self.recipe.to_toml().as_bytes()), (PACKAGE, &package)])?;
                Some((package, measured))
            }
        };
        Ok((Trial { float, packaged }, trained.model))
    }

    /// Writes a finished run's files and prints its figures.
    pub fn publish(&self, run: &Run, finished: &GridFinished) -> Result<()> {
        let metrics = &finished.measured.metrics;
        run.write(&[
            (CONFIG, self.recipe.to_toml().as_bytes()),
            (PACKAGE, &finished.package),
            (METRICS, format!("{}\n", metrics_json(metrics)).as_bytes()),
        ])?;
        table::emit(&format!("{}\nPackage: {}\n", table::grid_figures(metrics), run.file(PACKAGE).display()))
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The samples.
    pub fn posed(&self) -> &Posed {
        &self.posed
    }
}
