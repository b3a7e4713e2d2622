//! `gimbal evaluate`.

use super::{DONE, table};
use crate::data::{windows, wrist};
use crate::evaluate::device::Device;
use crate::package::expect_vectors;
use crate::pipeline::{Split, measure};
use crate::run::{metrics_json, read};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// The package, such as runs/demo/model.gmbl.
    package: PathBuf,
    /// The subjects to measure on, 1 to 10; the others are the neighbours of the 5-NN.
    #[arg(long, value_delimiter = ',', default_values_t = [8, 9, 10], value_name = "N,N,…")]
    subjects: Vec<u8>,
    /// Decides the rotation of every window.
    #[arg(long, default_value_t = crate::pipeline::ROTATION_SEED)]
    seed: u64,
    /// Print a flat JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<u8> {
    let bytes = read(&options.package)?;
    let dataset = wrist::load()?;
    let device = Device::new(&bytes).with_context(|| options.package.display().to_string())?;
    expect_vectors(device.model()).with_context(|| options.package.display().to_string())?;
    if !device.fits(&dataset) {
        bail!("{}: the package takes other windows than the wrist recordings give", options.package.display());
    }
    let input = device.model().input();
    let (length, hop) = (input.samples.into(), input.hop.max(1).into());
    let test = windows(&dataset, length, hop, |subject| options.subjects.contains(&subject));
    let train = windows(&dataset, length, hop, |subject| !options.subjects.contains(&subject));
    let split = Split::of(train, test, options.seed)?;
    eprintln!(
        "measured on subjects {:?}; a package does not know whom it was trained on, and the shipped recipes train on 1 to 7",
        options.subjects
    );
    let measured = measure(&bytes, &split, None)?;
    table::emit(&match options.json {
        true => format!("{}\n", metrics_json(&measured.metrics)),
        false => table::figures(&measured.metrics, false).0,
    })?;
    Ok(DONE)
}
