//! `gimbal export`.

use super::grids::GridWorkshop;
use super::labelled::LabelledWorkshop;
use super::sets::SetWorkshop;
use super::triples::TripleWorkshop;
use super::workshop::Workshop;
use super::{DONE, table};
use crate::recipe::AnyRecipe;
use crate::run::{CONFIG, PACKAGE, Run, read};
use anyhow::{Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};

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
    /// Samples that stand upright, as a .csv or .npy file like the input of `gimbal canonicalize`, or `recorded` for the
    /// recipe's training samples as recorded: from then on canonical means upright like these. For rotations of images or
    /// of space, and for shifts of signals. What is behind ψ is trained as long again.
    #[arg(long, value_name = "SAMPLES")]
    align: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<u8> {
    let run = Run::at(&options.run);
    let config = run.file(CONFIG);
    let recipe = AnyRecipe::from_toml(&config.display().to_string(), &String::from_utf8_lossy(&read(&config)?))?;
    match &recipe {
        AnyRecipe::Windows(recipe) => {
            let workshop = Workshop::new(&options.backend)?;
            let finished = workshop.export(recipe, &run, options.align.as_deref())?;
            workshop.publish_alone(recipe, &run, &finished)?;
            let (figures, _) = table::figures(&finished.measured.metrics, false);
            table::emit(&format!("{figures}\nPackage: {}\n", run.file(PACKAGE).display()))?;
        }
        AnyRecipe::Grid(recipe) => {
            let workshop = GridWorkshop::new(recipe, &options.backend, &options.data)?;
            let finished = workshop.export(&run, options.align.as_deref())?;
            workshop.publish(&run, &finished)?;
        }
        AnyRecipe::ClassPose(_) if options.align.is_some() => {
            bail!("--align is for a ψ that goes with its group, and poses that were learned from triples have none")
        }
        AnyRecipe::ClassPose(recipe) => {
            let workshop = TripleWorkshop::new(recipe, &options.backend)?;
            workshop.publish(&run, &workshop.export(&run)?)?;
        }
        AnyRecipe::Set(_) if options.align.is_some() => {
            bail!(
                "--align is for rotations of images or of space and shifts of signals, and the run's samples are sets"
            )
        }
        AnyRecipe::Set(recipe) => {
            let workshop = SetWorkshop::new(recipe, &options.backend, &options.data)?;
            workshop.publish(&run, &workshop.export(&run)?)?;
        }
        AnyRecipe::Equivae(_) if options.align.is_some() => {
            bail!("--align is for a run that learned poses; align the run whose package is this one's canonicalizer")
        }
        AnyRecipe::Equivae(recipe) => {
            let workshop = LabelledWorkshop::new(
                recipe,
                &options.backend,
                &options.data,
                options.run.parent().unwrap_or(Path::new(".")),
            )?;
            workshop.publish(&run, &workshop.export(&run)?)?;
        }
    }
    Ok(DONE)
}
