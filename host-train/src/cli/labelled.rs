//! What the commands on samples with labels share: a device, a data set, and the way from a recipe to a run's files.

use super::grids::GridWorkshop;
use super::table;
use super::workshop::{Workshop, interruptible};
use crate::backend;
use crate::data::grid::load as load_data;
use crate::data::labelled::LabelledSet;
use crate::data::wrist;
use crate::evaluate::equivae::{EQUIVAE_FIGURES, EquivaeFloat};
use crate::method::EquivaeModel;
use crate::pipeline::equivae::{EquivaeMeasured, contract, measure_equivae, package_equivae};
use crate::quantize::splice;
use crate::recipe::AnyRecipe;
use crate::recipe::equivae::EquivaeRecipe;
use crate::report::gather::{GatheredEquivae, gather_equivae};
use crate::reproduce::equivae_figures::Drawn;
use crate::run::{CONFIG, METRICS, PACKAGE, REPORT, Run, metrics_json, read};
use crate::train::{Epoch, LabelledTask, TrainError, Trained, load, train};
use anyhow::{Context, Result, anyhow, bail};
use burn::prelude::{Device, Module};
use std::path::Path;
use std::sync::Arc;

/// The device and the samples that a recipe trains with.
#[derive(Clone)]
pub struct LabelledWorkshop {
    device: Device,
    recipe: EquivaeRecipe,
    set: Arc<LabelledSet>,
    /// The package that moves samples into their canonical pose.
    canonicalizer: Option<Arc<Vec<u8>>>,
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
    /// Opens the backend and loads the recipe's data from a folder. A canonicalizer that is a recipe is trained first, in
    /// the folder of all runs under its own name, unless it was trained there before.
    pub fn new(recipe: &EquivaeRecipe, backend: &str, folder: &Path, runs: &Path) -> Result<Self> {
        let device = backend::device(backend)?;
        let set = match recipe.data.is_recorded() {
            true => LabelledSet::of_recordings(&recipe.data, &wrist::load()?),
            false => LabelledSet::of_grids(&recipe.data, &load_data(&recipe.data.source, folder)?, &device),
        };
        let mut set = set.map_err(|reason| anyhow!(reason))?;
        // What cannot be trained on is refused before a canonicalizer is trained for it.
        set.check().map_err(TrainError::Samples)?;
        let canonicalizer = match &recipe.canonicalizer {
            None => None,
            Some(name) => {
                Some(canonicalizer(name, backend, folder, runs).with_context(|| format!("canonicalizer {name}"))?)
            }
        };
        if let Some(package) = &canonicalizer {
            let contract = contract("", &set);
            splice(package, contract)?;
            set = set.canonicalized(package)?;
        }
        let (set, canonicalizer) = (Arc::new(set), canonicalizer.map(Arc::new));
        Ok(Self { device, recipe: recipe.clone(), set, canonicalizer })
    }

    /// Whether another recipe wants the same samples in the same pose.
    pub fn shares_samples(&self, recipe: &EquivaeRecipe) -> bool {
        self.recipe.data == recipe.data && self.recipe.canonicalizer == recipe.canonicalizer
    }

    /// The same samples for another recipe, which must want them in the same way.
    pub fn with(&self, recipe: &EquivaeRecipe) -> Self {
        debug_assert!(self.shares_samples(recipe));
        Self { recipe: recipe.clone(), ..self.clone() }
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
        let package = package_equivae(name, &self.recipe, &self.set, &model, &float.table, self.canonicalizer())?;
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

    /// A finished run and what draws it.
    pub fn drawn<'a>(&'a self, finished: &'a LabelledFinished) -> Drawn<'a> {
        Drawn {
            model: &finished.model,
            float: &finished.float,
            readings: &finished.measured.readings,
            set: &self.set,
            device: &self.device,
        }
    }

    fn canonicalizer(&self) -> Option<&[u8]> {
        self.canonicalizer.as_ref().map(|package| package.as_slice())
    }

    /// Writes a finished run's files and prints its figures.
    pub fn publish(&self, run: &Run, finished: &LabelledFinished) -> Result<()> {
        let metrics = &finished.measured.metrics;
        let report = gather_equivae(&GatheredEquivae {
            name: &run.name(),
            recipe: &self.recipe,
            package: &finished.package,
            metrics,
            drawn: &self.drawn(finished),
            history: &finished.history,
        })?;
        run.write(&[
            (CONFIG, self.recipe.to_toml().as_bytes()),
            (PACKAGE, &finished.package),
            (METRICS, format!("{}\n", metrics_json(metrics)).as_bytes()),
            (REPORT, crate::report::html(&report).as_bytes()),
        ])?;
        table::emit(&format!("{}\nReport: {}\n", table::equivae_figures(metrics), run.file(REPORT).display()))
    }
}

/// The package of a run that learned poses: from a file, or of a recipe, trained now unless it was before.
fn canonicalizer(name: &str, backend: &str, folder: &Path, runs: &Path) -> Result<Vec<u8>> {
    if Path::new(name).extension().is_some_and(|extension| extension == "gmbl") {
        return read(Path::new(name));
    }
    let stem = Path::new(name).file_stem().context("it has no name")?;
    let run = Run::at(runs.join(stem));
    let recipe = AnyRecipe::load(name)?;
    let is_trained = |toml: String| {
        let config = read(&run.file(CONFIG)).ok();
        config.is_some_and(|config| config == toml.as_bytes()) && run.file(PACKAGE).exists()
    };
    // A training that was stopped goes on.
    match recipe {
        AnyRecipe::Windows(recipe) if !is_trained(recipe.to_toml()) => {
            let workshop = Workshop::new(backend)?;
            let finished = workshop.train(&recipe, &run, true)?;
            workshop.publish_alone(&recipe, &run, &finished)?;
        }
        AnyRecipe::Grid(recipe) if !is_trained(recipe.to_toml()) => {
            let workshop = GridWorkshop::new(&recipe, backend, folder)?;
            let finished = workshop.train(&run, true)?;
            workshop.publish(&run, &finished)?;
        }
        AnyRecipe::Windows(_) | AnyRecipe::Grid(_) => {}
        AnyRecipe::Set(_) | AnyRecipe::Equivae(_) | AnyRecipe::ClassPose(_) => {
            bail!("it is no recipe of windows or grids, which learn poses")
        }
    }
    read(&run.file(PACKAGE))
}
