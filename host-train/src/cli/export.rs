//! `gimbal export`.

use super::grids::GridWorkshop;
use super::workshop::Workshop;
use super::{DONE, table};
use crate::pipeline::Split;
use crate::recipe::AnyRecipe;
use crate::run::{CONFIG, PACKAGE, Run, read};
use crate::train::{WindowTask, load};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// The run's folder, such as runs/demo.
    run: PathBuf,
    /// Where tensors live, among the backends compiled in.
    #[arg(long, default_value = "flex", value_name = "NAME")]
    backend: String,
    /// The folder of data sets that `gimbal data fetch` fills.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
}

pub fn run(options: &Options) -> Result<u8> {
    let run = Run::at(&options.run);
    let config = run.file(CONFIG);
    let recipe = AnyRecipe::from_toml(&config.display().to_string(), &String::from_utf8_lossy(&read(&config)?))?;
    match &recipe {
        AnyRecipe::Windows(recipe) => {
            let workshop = Workshop::new(&options.backend)?;
            let trained = load(&WindowTask::new(recipe, workshop.dataset())?, run.path(), workshop.device())?;
            let split = Split::new(recipe, workshop.dataset())?;
            let finished = workshop.finish(recipe, &run.name(), trained, split)?;
            workshop.publish_alone(recipe, &run, &finished)?;
            let (figures, _) = table::figures(&finished.measured.metrics, false);
            table::emit(&format!("{figures}\nPackage: {}\n", run.file(PACKAGE).display()))?;
        }
        AnyRecipe::Grid(recipe) => {
            let workshop = GridWorkshop::new(recipe, &options.backend, &options.data)?;
            let finished = workshop.export(&run)?;
            workshop.publish(&run, &finished)?;
        }
    }
    Ok(DONE)
}
