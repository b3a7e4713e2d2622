//! What the commands on sets share: a device, sets, and the way from a recipe to a run's files.

use super::table;
use super::workshop::{following, interruptible};
use crate::backend;
use crate::data::sets::Sets;
use crate::evaluate::device::Device as Core;
use crate::evaluate::set::SetFloat;
use crate::evaluate::set_device::{SetDecoded, SetEvaluation};
use crate::evaluate::volume;
use crate::method::SetModel;
use crate::pipeline::set::{measure_set, package_set};
use crate::recipe::set::{SetRecipe, SetSource};
use crate::report::gather::{GatheredSet, gather_set};
use crate::run::{CONFIG, DELTA, METRICS, PACKAGE, REPORT, Run, metrics_json};
use crate::train::{DeltaTask, Epoch, SetTask, Trained, load, train};
use anyhow::Result;
use burn::prelude::{Device, Module};
use std::path::Path;
use std::sync::Arc;

/// The device and the sets that a recipe trains with.
#[derive(Clone)]
pub struct SetWorkshop {
    device: Device,
    recipe: SetRecipe,
    sets: Arc<Sets>,
}

/// A trained, packaged and measured run.
pub struct SetFinished {
    /// The package; none of a baseline that is never exported.
    pub package: Option<Vec<u8>>,
    /// What the package said of the test sets; nothing if there is none.
    pub evaluation: SetEvaluation,
    /// What δ made of that; none without a package.
    pub decoded: Option<SetDecoded>,
    /// What the float networks said of the codes of the moved test sets.
    pub codes: Vec<Vec<f32>>,
    /// Name and value, in the order in which they are printed.
    pub metrics: Vec<(String, f64)>,
    /// The losses of its training.
    pub history: Vec<Epoch>,
}

impl SetWorkshop {
    /// Opens the backend and draws the recipe's sets to test on; `data` is the folder of data sets, for sets that come
    /// from a file.
    pub fn new(recipe: &SetRecipe, backend: &str, data: &Path) -> Result<Self> {
        let device = backend::device(backend)?;
        Ok(Self { device, recipe: recipe.clone(), sets: Arc::new(Sets::load(&recipe.data, data)?) })
    }

    /// The same sets for another recipe, which must want them in the same way.
    pub fn with(&self, recipe: &SetRecipe) -> Self {
        debug_assert_eq!(self.recipe.data, recipe.data);
        Self { recipe: recipe.clone(), ..self.clone() }
    }

    /// The recipe.
    pub fn recipe(&self) -> &SetRecipe {
        &self.recipe
    }

    /// The sets.
    pub fn sets(&self) -> &Sets {
        &self.sets
    }

    /// Trains in a run's folder and measures the result. What the folder held goes away once training has begun, unless
    /// it is to be resumed.
    pub fn train(&self, run: &Run, resume: bool) -> Result<SetFinished> {
        let task = SetTask::new(&self.recipe, &self.sets)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        self.finish(run, trained)
    }

    /// Packages a trained run again and measures it.
    pub fn export(&self, run: &Run) -> Result<SetFinished> {
        let task = SetTask::new(&self.recipe, &self.sets)?;
        self.finish(run, load(&task, run.path(), &self.device)?)
    }

    fn finish(&self, run: &Run, trained: Trained<SetModel>) -> Result<SetFinished> {
        let Trained { model, history, .. } = trained;
        let (mut package, mut decoded, mut evaluation) = (None, None, SetEvaluation::default());
        let mut metrics = Vec::new();
        if self.recipe.is_exported() {
            let bytes = package_set(&run.name(), &self.recipe, &self.sets, &model)?;
            let of_device = self.decoder(run, &model, &bytes)?;
            let measured = measure_set(&bytes, &self.sets, Some((&of_device, &self.recipe, &self.device)))?;
            metrics = measured.metrics;
            if self.recipe.data.source == SetSource::Voxels {
                metrics.extend(volume::figures(&mut Core::new(&bytes)?)?);
            }
            (package, decoded, evaluation) = (Some(bytes), measured.decoded, measured.evaluation);
        }
        let float = SetFloat::new(&model, &self.recipe, &self.sets, &self.device);
        metrics.extend(float.figures(&self.recipe, &self.sets));
        metrics.push(("parameters".into(), model.num_params() as f64));
        Ok(SetFinished { package, evaluation, decoded, codes: float.moved.codes, metrics, history })
    }

    /// The model with a δ that has learned the codes of its package, if the recipe asks for that.
    fn decoder(&self, run: &Run, model: &SetModel, package: &[u8]) -> Result<SetModel> {
        let mut model = model.clone();
        let Some(delta) = model.delta.take_if(|_| self.recipe.quantize.delta_epochs > 0) else { return Ok(model) };
        let task = DeltaTask::new(&self.recipe, &self.sets, package, delta);
        let learning = Run::at(run.file(DELTA));
        let learned = following(&learning, |stop| train(&task, &self.device, learning.path(), false, stop))?;
        model.delta = Some(learned.model);
        Ok(model)
    }

    /// Trains in a run's folder and measures, for a comparison.
    pub fn trial(&self, run: &Run, resume: bool) -> Result<SetFinished> {
        let finished = self.train(run, resume)?;
        let recipe = self.recipe.to_toml();
        let mut files = vec![(CONFIG, recipe.as_bytes())];
        files.extend(finished.package.as_deref().map(|package| (PACKAGE, package)));
        run.write(&files)?;
        Ok(finished)
    }

    /// Writes a finished run's files and prints its figures.
    pub fn publish(&self, run: &Run, finished: &SetFinished) -> Result<()> {
        let (recipe, metrics) = (self.recipe.to_toml(), format!("{}\n", metrics_json(&finished.metrics)));
        let mut files = vec![(CONFIG, recipe.as_bytes()), (METRICS, metrics.as_bytes())];
        files.extend(finished.package.as_deref().map(|package| (PACKAGE, package)));
        let report = gather_set(&GatheredSet {
            name: &run.name(),
            recipe: &self.recipe,
            sets: &self.sets,
            package: finished.package.as_deref(),
            evaluation: &finished.evaluation,
            decoded: finished.decoded.as_ref(),
            codes: &finished.codes,
            metrics: &finished.metrics,
            history: &finished.history,
        })?;
        let page = crate::report::html(&report);
        files.push((REPORT, page.as_bytes()));
        run.write(&files)?;
        table::emit(&format!("{}\nReport: {}\n", table::set_figures(&finished.metrics), run.file(REPORT).display()))
    }
}
