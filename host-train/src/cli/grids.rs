//! What the commands on grids share: a device, a data set, and the way from a recipe to a run's files.

use super::table;
use super::workshop::{RECORDED, following, interruptible};
use crate::backend;
use crate::data::grid::load as load_data;
use crate::data::posed::{Posed, Sample};
use crate::data::recording;
use crate::method::GridModel;
use crate::package::ContractField;
use crate::pipeline::grid::{GridFloat, GridMeasured, measure_grid, package_grid};
use crate::recipe::grid::{GridRecipe, Readout};
use crate::report::gather::{GatheredGrid, gather_grid};
use crate::reproduce::measure::Trial;
use crate::run::{ALIGNED, CONFIG, METRICS, PACKAGE, REPORT, Run, metrics_json};
use crate::train::{Epoch, GridTask, Trained, align, load, train};
use anyhow::{Result, anyhow};
use burn::prelude::{Device, Module};
use gimbal_core::format::FieldKind;
use std::path::Path;
use std::sync::Arc;

/// The device and the samples that a recipe trains with.
#[derive(Clone)]
pub struct GridWorkshop {
    device: Device,
    recipe: GridRecipe,
    posed: Arc<Posed>,
}

/// A trained, packaged and measured run.
pub struct GridFinished {
    /// The package.
    pub package: Vec<u8>,
    /// Its figures.
    pub measured: GridMeasured,
    /// The losses of its training.
    pub history: Vec<Epoch>,
}

impl GridWorkshop {
    /// Opens the backend and loads the recipe's data from a folder.
    pub fn new(recipe: &GridRecipe, backend: &str, folder: &Path) -> Result<Self> {
        let device = backend::device(backend)?;
        let grids = load_data(&recipe.data.source, folder)?;
        let posed = Posed::new(&recipe.data, &grids, &device).map_err(|reason| anyhow!(reason))?;
        Ok(Self { device, recipe: recipe.clone(), posed: Arc::new(posed) })
    }

    /// The same samples for another recipe, which must want them in the same way.
    pub fn with(&self, recipe: &GridRecipe) -> Self {
        debug_assert_eq!(self.recipe.data, recipe.data);
        Self { recipe: recipe.clone(), ..self.clone() }
    }

    /// The recipe.
    pub fn recipe(&self) -> &GridRecipe {
        &self.recipe
    }

    /// Trains in a run's folder, packages the result and measures it. What the folder held goes away once training has
    /// begun, unless it is to be resumed.
    pub fn train(&self, run: &Run, resume: bool) -> Result<GridFinished> {
        let task = GridTask::new(&self.recipe, &self.posed, &self.device)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        self.finish(&run.name(), trained)
    }

    /// Packages a trained run again; with a `reference`, so that this file's samples are upright.
    pub fn export(&self, run: &Run, reference: Option<&Path>) -> Result<GridFinished> {
        let upright = reference.map(|path| self.upright(path)).transpose()?;
        let task = GridTask::new(&self.recipe, &self.posed, &self.device)?;
        let trained = load(&task, run.path(), &self.device)?;
        let trained = match upright {
            None => trained,
            Some(samples) => {
                let aligned = Run::at(run.file(ALIGNED));
                following(&aligned, |stop| align(&task, trained, &samples, &self.device, aligned.path(), stop))?
            }
        };
        self.finish(&run.name(), trained)
    }

    /// The samples of a file, or those of the recipe as recorded.
    fn upright(&self, path: &Path) -> Result<Vec<Sample>> {
        if path == Path::new(RECORDED) {
            return Ok(self.posed.recorded.clone());
        }
        let Posed { rows, columns, per_count, .. } = *self.posed;
        let field = ContractField {
            name: "sample".into(),
            unit: self.posed.unit.clone(),
            per_count,
            kind: FieldKind::Scalar,
            width: columns,
        };
        let counts = recording::read(path, &[field], rows)?;
        let samples = counts.chunks_exact(rows * columns);
        Ok(samples.map(|counts| Sample { counts: counts.to_vec(), label: 0 }).collect())
    }

    fn finish(&self, name: &str, trained: Trained<GridModel>) -> Result<GridFinished> {
        let (package, mut measured) = self.packaged(name, &trained.model)?;
        let float = GridFloat::new(&trained.model, &self.recipe, &self.posed, &self.device);
        measured.metrics.extend(float.figures(&self.recipe, &self.posed));
        measured.metrics.push(("parameters".into(), trained.model.num_params() as f64));
        Ok(GridFinished { package, measured, history: trained.history })
    }

    fn packaged(&self, name: &str, model: &GridModel) -> Result<(Vec<u8>, GridMeasured)> {
        let package = package_grid(name, &self.recipe, &self.posed, model)?;
        let measured = measure_grid(&package, &self.recipe.data.groups, &self.posed)?;
        Ok((package, measured))
    }

    /// Trains in a run's folder and measures, for a comparison; what is never exported is not packaged.
    pub fn trial(&self, run: &Run, resume: bool) -> Result<(Trial, GridModel)> {
        let task = GridTask::new(&self.recipe, &self.posed, &self.device)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        let float = GridFloat::new(&trained.model, &self.recipe, &self.posed, &self.device);
        let packaged = match self.recipe.eta.readout {
            Readout::Vectors => None,
            Readout::Code => {
                let (package, measured) = self.packaged(&run.name(), &trained.model)?;
                run.write(&[(CONFIG, self.recipe.to_toml().as_bytes()), (PACKAGE, &package)])?;
                Some((package, measured))
            }
        };
        Ok((Trial { float, packaged }, trained.model))
    }

    /// Writes a finished run's files and prints its figures.
    pub fn publish(&self, run: &Run, finished: &GridFinished) -> Result<()> {
        let metrics = &finished.measured.metrics;
        let report = gather_grid(&GatheredGrid {
            name: &run.name(),
            recipe: &self.recipe,
            posed: &self.posed,
            package: &finished.package,
            measured: &finished.measured,
            history: &finished.history,
        })?;
        run.write(&[
            (CONFIG, self.recipe.to_toml().as_bytes()),
            (PACKAGE, &finished.package),
            (METRICS, format!("{}\n", metrics_json(metrics)).as_bytes()),
            (REPORT, crate::report::html(&report).as_bytes()),
        ])?;
        table::emit(&format!("{}\nReport: {}\n", table::grid_figures(metrics), run.file(REPORT).display()))
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
