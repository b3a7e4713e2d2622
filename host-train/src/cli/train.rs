//! `gimbal train`.

use super::grids::GridWorkshop;
use super::labelled::LabelledWorkshop;
use super::sets::SetWorkshop;
use super::triples::TripleWorkshop;
use super::workshop::Workshop;
use super::{DONE, table};
use crate::recipe::AnyRecipe;
use crate::run::{CHECKPOINT, REPORT, Run};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::path::PathBuf;

/// What training runs on and where its results go.
#[derive(Args, Clone)]
pub struct Common {
    /// Where tensors live, among the backends compiled in.
    #[arg(long, default_value = "flex", value_name = "NAME")]
    pub backend: String,
    /// The folder that holds all runs.
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub runs: PathBuf,
    /// Go on after the last finished epoch of an interrupted run.
    #[arg(long)]
    pub resume: bool,
}

#[derive(Args)]
pub struct Options {
    /// A recipe's name, as `gimbal recipes` lists them, or the path of a recipe's file.
    recipe: String,
    /// The run's name [default: the recipe's].
    #[arg(long)]
    name: Option<String>,
    /// Replace the run if it exists.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// The folder of data sets that `gimbal data fetch` fills.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub fn run(options: &Options) -> Result<u8> {
    let recipe = AnyRecipe::load(&options.recipe)?;
    let name = match &options.name {
        Some(name) => name.clone(),
        None => PathBuf::from(&options.recipe)
            .file_stem()
            .context("the recipe has no name; give --name")?
            .to_string_lossy()
            .into(),
    };
    let run = Run::at(options.common.runs.join(name));
    let exists = run.file(CHECKPOINT).exists();
    if exists && !options.common.resume && !options.overwrite {
        bail!(
            "{} holds a run already; go on with --resume, replace it with --overwrite, or choose another --name",
            run.path().display()
        );
    }
    match &recipe {
        AnyRecipe::Windows(recipe) => {
            let workshop = Workshop::new(&options.common.backend)?;
            let finished = workshop.train(recipe, &run, options.common.resume)?;
            workshop.publish_alone(recipe, &run, &finished)?;
            let (figures, _) = table::figures(&finished.measured.metrics, false);
            table::emit(&format!("{figures}\nReport: {}\n", run.file(REPORT).display()))?;
        }
        AnyRecipe::Grid(recipe) => {
            let workshop = GridWorkshop::new(recipe, &options.common.backend, &options.data)?;
            let finished = workshop.train(&run, options.common.resume)?;
            workshop.publish(&run, &finished)?;
        }
        AnyRecipe::ClassPose(recipe) => {
            let workshop = TripleWorkshop::new(recipe, &options.common.backend)?;
            let finished = workshop.train(&run, options.common.resume)?;
            workshop.publish(&run, &finished)?;
        }
        AnyRecipe::Set(recipe) => {
            let workshop = SetWorkshop::new(recipe, &options.common.backend, &options.data)?;
            let finished = workshop.train(&run, options.common.resume)?;
            workshop.publish(&run, &finished)?;
        }
        AnyRecipe::Equivae(recipe) => {
            let workshop = LabelledWorkshop::new(recipe, &options.common.backend, &options.data, &options.common.runs)?;
            let finished = workshop.train(&run, options.common.resume)?;
            workshop.publish(&run, &finished)?;
        }
    }
    Ok(DONE)
}
