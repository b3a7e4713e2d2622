//! `gimbal evaluate`.

use super::simulate::{generated, set_of};
use super::{DONE, table};
use crate::backend::{self, NAMES};
use crate::data::generate::{Generator, Voxels};
use crate::data::paired::Paired;
use crate::data::posed::Posed;
use crate::data::{windows, wrist};
use crate::evaluate::device::Device;
use crate::evaluate::volume;
use crate::group::element::groups;
use crate::pipeline::class_pose::{self, spoken_by_core};
use crate::pipeline::grid::measure_grid;
use crate::pipeline::set::measure_set;
use crate::pipeline::{Split, costs, measure};
use crate::recipe::class_pose::ClassPoseRecipe;
use crate::recipe::grid::GridData;
use crate::run::{metrics_json, read};
use crate::simulate::{extent, takes_sets, takes_vectors};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use gimbal_core::Model;
use std::path::PathBuf;

/// Sets that are neighbours of the codes of those to test on, and these.
const SETS: [usize; 2] = [2000, 1000];

#[derive(Args)]
pub struct Options {
    /// The package, such as runs/demo/model.gmbl.
    package: PathBuf,
    /// For packages of images, rings and signals: the data set on a grid to measure on [default: digits for images of
    /// 8 × 8]. For packages of sets: digit-sets, tetris, solids, solids-views, voxels or molecules [default: the
    /// one that fits]. For packages that tell poses: the data set of class-pose to walk in.
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// The folder of data sets that `gimbal data fetch` fills.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// For packages of vectors: the subjects to measure on, 1 to 10; the others are the neighbours of the 5-NN.
    #[arg(long, value_delimiter = ',', default_values_t = [8, 9, 10], value_name = "N,N,…")]
    subjects: Vec<u8>,
    /// Decides the rotation of every window of vectors.
    #[arg(long, default_value_t = crate::pipeline::ROTATION_SEED)]
    seed: u64,
    /// Print a flat JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<u8> {
    let bytes = read(&options.package)?;
    let device = Device::new(&bytes).with_context(|| options.package.display().to_string())?;
    if takes_sets(device.model()) {
        let sets = generated(device.model(), options.set.as_deref(), &options.data, SETS)?;
        let mut measured = measure_set(&bytes, &sets, None)?;
        if sets.points && sets.per_count == Voxels.per_count() {
            measured.metrics.extend(volume::figures(&mut Device::new(&bytes)?)?);
        }
        table::emit(&match options.json {
            true => format!("{}\n", metrics_json(&measured.metrics)),
            false => table::set_figures(&measured.metrics),
        })?;
        return Ok(DONE);
    }
    if device.model().pose_heads().iter().any(|head| head.chart.is_told()) {
        return on_triples(&bytes, device.model(), options);
    }
    if !takes_vectors(device.model()) {
        return on_grid(&bytes, device.model(), options);
    }
    let dataset = wrist::load()?;
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

/// Measures a package that tells poses: on generated walks, which no training has seen.
fn on_triples(bytes: &[u8], model: &Model<'_>, options: &Options) -> Result<u8> {
    let Some(set) = options.set.as_deref() else {
        bail!("the package tells poses, and does not know of what; name the data set with --set, such as sprites")
    };
    let mut recipe = ClassPoseRecipe::load(&format!("class-pose-{set}"))?;
    recipe.triples.size = model.input().samples.into();
    recipe.triples.train = recipe.triples.train.min(SETS[0]);
    let paired = Paired::new(&recipe)?;
    if paired.pixels() != usize::from(model.input().samples) * model.input().channels() {
        bail!("the package takes other samples than those of `{set}`");
    }
    let spoken = spoken_by_core(bytes, &recipe, &paired)?;
    let mut metrics = class_pose::figures(&spoken, &recipe, &paired, "");
    metrics.extend(costs(model, bytes));
    table::emit(&match options.json {
        true => format!("{}\n", metrics_json(&metrics)),
        false => table::triple_figures(&metrics),
    })?;
    Ok(DONE)
}

/// Measures a package of images, rings or signals.
fn on_grid(bytes: &[u8], model: &Model<'_>, options: &Options) -> Result<u8> {
    let grids = set_of(model, options.set.as_deref(), &options.data)?;
    let extent = extent(model);
    let groups = groups(model);
    let section = GridData {
        source: grids.name.clone(),
        scale: 1.0,
        groups: groups.clone(),
        order: None,
        posed: false,
        canvas: (extent.rows > grids.rows).then_some(extent.rows),
        samples: 0,
    };
    let posed = Posed::new(&section, &grids, &backend::device(NAMES[0])?).map_err(|reason| anyhow!(reason))?;
    if posed.extent() != extent {
        bail!(
            "the package takes samples of {} × {}, and those of `{}` are {} × {}",
            extent.rows,
            extent.columns,
            grids.name,
            posed.rows,
            posed.columns
        );
    }
    let measured = measure_grid(bytes, &groups, &posed)?;
    table::emit(&match options.json {
        true => format!("{}\n", metrics_json(&measured.metrics)),
        false => table::grid_figures(&measured.metrics),
    })?;
    Ok(DONE)
}
