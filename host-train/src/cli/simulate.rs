//! `gimbal simulate`.

use super::{DONE, NO, table};
use crate::data::generate::{Generator, SolidsViews, Voxels};
use crate::data::grid::{DataError, Grids, load};
use crate::data::sets::Sets;
use crate::data::triples::{names, stream, window};
use crate::nn::grid::Extent;
use crate::pipeline::set::takes;
use crate::recipe::set::{SetData, SetSource};
use crate::run::{read, write};
use crate::simulate::{Bin, Simulation, Target, Vectors, extent, simulate, takes_sets, takes_vectors};
use anyhow::{Context, Result, bail};
use clap::Args;
use gimbal_core::Model;
use gimbal_core::format::{FieldKind, Role};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Options {
    /// The package, such as runs/demo/model.gmbl.
    package: PathBuf,
    /// The core to emulate: m0 (v6-M code), m3, m4 (Cortex-M4F), m7, m33, m55, or rv32 (RISC-V, imc).
    #[arg(long, value_name = "CORE")]
    target: Target,
    /// Windows of the recording to stream; of a data set on a grid, samples, each as recorded and then moved.
    #[arg(long, default_value_t = 16, value_name = "N")]
    windows: usize,
    /// For packages of images, rings and signals: the data set on a grid whose test samples they are [default: digits
    /// for images of 8 × 8]. For those that tell a pose, the scene that is walked through [default: the one that the
    /// package's name ends with]. For packages of sets: digit-sets, tetris, solids, solids-views, voxels or molecules
    /// [default: the one that fits].
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// The folder of data sets.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Also write the windows and what the host finds in them, as the firmware's build reads them from
    /// the file that GIMBAL_VECTORS names.
    #[arg(long, value_name = "FILE")]
    save_vectors: Option<PathBuf>,
    /// The folder of the firmware [default: the one in the project's sources].
    #[arg(long, value_name = "DIR")]
    firmware: Option<PathBuf>,
}

/// Decides where a walk leads.
const SEED: u64 = 1;

pub fn run(options: &Options) -> Result<u8> {
    let package = read(&options.package)?;
    let firmware = options.firmware.clone().unwrap_or_else(firmware);
    let vectors = vectors(&package, options).with_context(|| options.package.display().to_string())?;
    if let Some(path) = &options.save_vectors {
        write(path, &vectors.to_bytes())?;
    }
    // A reader that has seen enough must not end the comparison.
    let mut print = |line: &str| _ = table::emit(&format!("{line}\n"));
    let mut run = |bin| simulate(&package, &vectors, options.target, bin, &firmware, &mut print);
    let shown = shows(&Model::from_bytes(&package)?).map(&mut run).transpose()?;
    let golden = run(Bin::Golden)?;
    let equal = golden.success && shown.is_none_or(|shown| shown.success);
    table::emit(&format!(
        "{}: {} windows, outputs {} the host's; code and constants {} B\n",
        options.target,
        vectors.vectors.len(),
        if equal { "equal" } else { "DIFFER FROM" },
        golden.text_bytes
    ))?;
    Ok(if equal { DONE } else { NO })
}

/// What shows people what the device finds; nothing for rings and signals.
fn shows(model: &Model<'_>) -> Option<Bin> {
    if model.output_of(Role::Within).is_some() {
        return Some(Bin::Classes);
    }
    if takes_sets(model) {
        return Some(Bin::Points);
    }
    if is_told(model) {
        return Some(Bin::Track);
    }
    let is_image = model.input().fields.iter().any(|field| field.kind == FieldKind::Row);
    if is_image { Some(Bin::Digits) } else { takes_vectors(model).then_some(Bin::Pose) }
}

/// Of the recordings that ship, or of the set that the options name.
fn vectors(package: &[u8], options: &Options) -> Result<Vectors> {
    let model = Model::from_bytes(package)?;
    if takes_sets(&model) {
        let sets = generated(&model, options.set.as_deref(), &options.data, [1, options.windows.max(1)])?;
        return Vectors::of_sets(package, &sets, options.windows);
    }
    if takes_vectors(&model) {
        if options.set.is_some() {
            bail!("--set names samples on a grid, and the package takes vectors, of which recordings ship");
        }
        return Vectors::recorded(package, options.windows);
    }
    if is_told(&model) {
        return Vectors::compute(package, &frames(&model, options)?);
    }
    Vectors::of_grids(package, &set_of(&model, options.set.as_deref(), &options.data)?, options.windows)
}

/// Whether the package tells a pose and moves nothing.
fn is_told(model: &Model<'_>) -> bool {
    model.pose_heads().iter().any(|head| head.chart.is_told())
}

/// A walk through the scene that was named, or whose name the package's ends with.
fn frames(model: &Model<'_>, options: &Options) -> Result<Vec<Vec<i16>>> {
    let named = options.set.as_deref().or_else(|| names().into_iter().find(|name| model.name().ends_with(name)));
    let scene = named.with_context(|| format!("say with --set which scene to walk through: {}", names().join(", ")))?;
    let walk = stream(scene, model.input().samples.into(), options.windows.max(1), SEED)?;
    if walk.pixels() != model.window_len() {
        bail!(
            "the package takes {} numbers of a frame, and one of `{scene}` has {}",
            model.window_len(),
            walk.pixels()
        );
    }
    Ok((0..walk.marks.len()).map(|mark| window(walk.frame(0, mark), walk.shape)).collect())
}

/// The sets of a package: of the generator that was named, or of the one whose elements are those of the package. So many
/// are for reference and to test on, or as many as a file has.
pub fn generated(model: &Model<'_>, named: Option<&str>, folder: &Path, [train, test]: [usize; 2]) -> Result<Sets> {
    let has = |kind| model.input().fields.iter().any(|field| field.kind == kind);
    let (points, types) = (has(FieldKind::Point), has(FieldKind::Scalar));
    let counts = |per_count| model.input().fields.iter().any(|field| field.per_count == per_count);
    let source = match (named, points, model.input().samples) {
        (Some("molecules"), ..) | (None, true, _) if types => SetSource::Molecules,
        (Some("digit-sets"), ..) | (None, false, _) => SetSource::DigitSets,
        (Some("tetris"), ..) | (None, true, 4) => SetSource::Tetris,
        (Some("voxels"), ..) => SetSource::Voxels,
        (None, true, _) if counts(Voxels.per_count()) => SetSource::Voxels,
        (Some("solids-views"), ..) => SetSource::SolidsViews,
        (None, true, _) if counts(SolidsViews.per_count()) => SetSource::SolidsViews,
        (Some("solids"), ..) | (None, true, _) => SetSource::Solids,
        (Some(name), ..) => bail!(
            "`{name}` are no sets of such elements; there are digit-sets, tetris, solids, solids-views, voxels and molecules"
        ),
    };
    let elements = [model.least().into(), model.input().samples.into()];
    if source == SetSource::Tetris && elements != [4, 4] {
        bail!("tetris draws sets of four, and the package takes {} to {} elements", elements[0], elements[1]);
    }
    let load = |test| Sets::load(&SetData { source, elements, scale: 1.0, train, test }, folder);
    let sets = match load(test) {
        Err(DataError::Few { there, purpose: "test on", .. }) if there > 0 => load(there)?,
        sets => sets?,
    };
    if !takes(model, &sets) {
        bail!("the package takes other elements than {source:?} have; name the sets that it was trained on with --set");
    }
    Ok(sets)
}

/// The data set of a package of grids: the one that was named, or the one that ships if it fits.
pub fn set_of(model: &Model<'_>, named: Option<&str>, folder: &Path) -> Result<Grids> {
    let set = match (named, extent(model)) {
        (Some(set), _) => set,
        (None, Extent { rows: 8, columns: 8, .. }) => "digits",
        (None, Extent { rows, columns, .. }) => {
            bail!("say with --set whose samples of {rows} × {columns} to run; `gimbal data list` lists the data sets")
        }
    };
    Ok(load(set, folder)?)
}

/// Runs `golden` without printing its log.
pub fn golden(package: &[u8], target: Target, windows: usize) -> Result<Simulation> {
    let vectors = Vectors::recorded(package, windows)?;
    simulate(package, &vectors, target, Bin::Golden, &firmware(), &mut |_| ())
}

/// The firmware's sources, beside this crate's.
fn firmware() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("firmware-example")
}
