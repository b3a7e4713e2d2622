//! What the commands on triples share: a device, a data set, and the way from a recipe to a run's files.

use super::table;
use super::workshop::interruptible;
use crate::backend;
use crate::data::paired::Paired;
use crate::evaluate::class_pose::Spoken;
use crate::method::ClassPoseModel;
use crate::nn::ImageDecoder;
use crate::pipeline::class_pose::{figures, measure_class_pose, package_class_pose, spoken_by_core, spoken_by_float};
use crate::recipe::class_pose::ClassPoseRecipe;
use crate::report::reproduce::{ReproducePage, html};
use crate::reproduce::triple_figures;
use crate::run::{CONFIG, METRICS, PACKAGE, REPORT, Run, metrics_json};
use crate::train::{DecodeTask, Epoch, Trained, TripleTask, load, train};
use anyhow::Result;
use burn::prelude::{Device, Module};
use std::sync::Arc;

/// The folder in a run's where the decoder is trained.
const DECODER: &str = "decoder";

/// The device and the triples that a recipe trains with.
#[derive(Clone)]
pub struct TripleWorkshop {
    device: Device,
    recipe: ClassPoseRecipe,
    paired: Arc<Paired>,
}

/// A trained, packaged and measured run.
pub struct TripleFinished {
    /// From code and pose to the sample, if the recipe has one and the method is not trained by it.
    pub decoder: Option<ImageDecoder>,
    /// The package; none of a baseline that is never exported.
    pub package: Option<Vec<u8>>,
    /// What the package says of the data set, or the float network where there is none.
    pub spoken: Spoken,
    /// Name and value, in the order in which they are printed.
    pub metrics: Vec<(String, f64)>,
    /// The losses of its training.
    pub history: Vec<Epoch>,
}

impl TripleWorkshop {
    /// Opens the backend and generates the recipe's data.
    pub fn new(recipe: &ClassPoseRecipe, backend: &str) -> Result<Self> {
        let device = backend::device(backend)?;
        Ok(Self { device, recipe: recipe.clone(), paired: Arc::new(Paired::new(recipe)?) })
    }

    /// The same triples for another recipe, which must want them in the same way.
    pub fn with(&self, recipe: &ClassPoseRecipe) -> Self {
        debug_assert_eq!(self.recipe.triples, recipe.triples);
        Self { recipe: recipe.clone(), ..self.clone() }
    }

    /// The recipe.
    pub fn recipe(&self) -> &ClassPoseRecipe {
        &self.recipe
    }

    /// The triples.
    pub fn paired(&self) -> &Paired {
        &self.paired
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Trains in a run's folder, and a decoder in one below, and measures the result. What the folder held goes away once
    /// training has begun, unless it is to be resumed.
    pub fn train(&self, run: &Run, resume: bool) -> Result<TripleFinished> {
        let task = TripleTask::new(&self.recipe, &self.paired, &self.device)?;
        let trained = interruptible(run, resume, |stop| train(&task, &self.device, run.path(), resume, stop))?;
        let decoding = self.decoding(&trained.model)?;
        let decoder = decoding.map(|task| {
            let below = Run::at(run.file(DECODER));
            interruptible(&below, resume, |stop| train(&task, &self.device, below.path(), resume, stop))
        });
        self.finish(&run.name(), trained, decoder.transpose()?.map(|trained| trained.model))
    }

    /// Packages a trained run again and measures it.
    pub fn export(&self, run: &Run) -> Result<TripleFinished> {
        let task = TripleTask::new(&self.recipe, &self.paired, &self.device)?;
        let trained = load(&task, run.path(), &self.device)?;
        let decoding = self.decoding(&trained.model)?;
        let decoder = decoding.map(|task| load(&task, &run.file(DECODER), &self.device)).transpose()?;
        self.finish(&run.name(), trained, decoder.map(|trained| trained.model))
    }

    /// What is left to train behind the frozen network: nothing of a method without code and pose.
    fn decoding(&self, model: &ClassPoseModel) -> Result<Option<DecodeTask<'_>>> {
        if !self.recipe.is_decoded() {
            return Ok(None);
        }
        let samples: Vec<&Vec<i16>> = self.paired.before.iter().chain(&self.paired.after).collect();
        let unit = 1.0 / self.recipe.triples.scale;
        let points = model.infer(&samples, &self.paired, unit, &self.device);
        let codes = points.iter().map(|point| point.numbers()).collect();
        Ok(DecodeTask::new(&self.recipe, &self.paired, codes, &self.device)?)
    }

    fn finish(
        &self,
        name: &str,
        trained: Trained<ClassPoseModel>,
        decoder: Option<ImageDecoder>,
    ) -> Result<TripleFinished> {
        let Trained { model, history } = trained;
        let (recipe, paired) = (&self.recipe, &*self.paired);
        let mut spoken = spoken_by_float(&model, recipe, paired, &self.device);
        let mut metrics = Vec::new();
        let mut package = None;
        if recipe.is_moved() {
            metrics.extend(figures(&spoken, recipe, paired, "_float"));
        }
        metrics.extend(self.reconstruction(&model, decoder.as_ref(), &spoken));
        metrics.push(("parameters".into(), model.num_params() as f64));
        if recipe.is_packaged() {
            let bytes = package_class_pose(name, recipe, paired, &model)?;
            let by_core = spoken_by_core(&bytes, recipe, paired)?;
            let mut int8 = measure_class_pose(&bytes, &by_core, &spoken, recipe, paired)?;
            int8.extend(metrics);
            (metrics, spoken, package) = (int8, by_core, Some(bytes));
        }
        Ok(TripleFinished { decoder, package, spoken, metrics, history })
    }

    /// The mean squared error of decoded test samples.
    fn reconstruction(
        &self,
        model: &ClassPoseModel,
        decoder: Option<&ImageDecoder>,
        spoken: &Spoken,
    ) -> Option<(String, f64)> {
        let codes: Vec<Vec<f32>> = spoken.frames.first()?.iter().map(|point| point.numbers()).collect();
        let decoded = model.decoder.as_ref().or(decoder)?.infer(&codes, &self.device);
        let unit = 1.0 / self.recipe.triples.scale;
        let originals = self.paired.walks.frames.iter().filter_map(|frames| frames.first());
        let squares = decoded.iter().zip(originals).flat_map(|(decoded, original)| {
            decoded.iter().zip(original).map(|(a, b)| f64::from(a - f32::from(*b) * unit).powi(2))
        });
        let count = decoded.iter().map(Vec::len).sum::<usize>();
        Some(("reconstruction_mse".into(), squares.sum::<f64>() / count as f64))
    }

    /// Trains in a run's folder and measures, for a comparison.
    pub fn trial(&self, run: &Run, resume: bool) -> Result<TripleFinished> {
        let finished = self.train(run, resume)?;
        let recipe = self.recipe.to_toml();
        let metrics = format!("{}\n", metrics_json(&finished.metrics));
        let mut files = vec![(CONFIG, recipe.as_bytes()), (METRICS, metrics.as_bytes())];
        files.extend(finished.package.as_deref().map(|package| (PACKAGE, package)));
        run.write(&files)?;
        Ok(finished)
    }

    /// Writes a finished run's files and prints its figures.
    pub fn publish(&self, run: &Run, finished: &TripleFinished) -> Result<()> {
        let recipe = self.recipe.to_toml();
        let metrics = format!("{}\n", metrics_json(&finished.metrics));
        let decoder = finished.decoder.as_ref().map(|decoder| (decoder, &self.device));
        let source = &self.recipe.triples.source;
        let mut panels = triple_figures::walks(source, &self.recipe, &self.paired, &finished.spoken, decoder);
        panels.extend(triple_figures::losses(&finished.history));
        let page = html(&ReproducePage { title: run.name(), panels, rows: Vec::new() });
        let mut files = vec![(CONFIG, recipe.as_bytes()), (METRICS, metrics.as_bytes()), (REPORT, page.as_bytes())];
        files.extend(finished.package.as_deref().map(|package| (PACKAGE, package)));
        run.write(&files)?;
        let figures = table::triple_figures(&finished.metrics);
        table::emit(&format!("{figures}\nReport: {}\n", run.file(REPORT).display()))
    }
}
