//! `gimbal canonicalize`.

use super::{DONE, table};
use crate::data::recording;
use crate::evaluate::device::{Device, Reading};
use crate::package::ContractField;
use crate::run;
use anyhow::{Context, Result, bail};
use clap::Args;
use gimbal_core::Model;
use gimbal_core::format::{Chart, Field, FieldKind};
use gimbal_core::group::Element;
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// The package, such as runs/demo/model.gmbl.
    package: PathBuf,
    /// The recording: a .csv or .npy file of [samples, channels] in the units that `gimbal inspect`
    /// shows, at its sample rate; of images, row after row, one image below the other.
    input: PathBuf,
    /// Where the canonical recording goes, as CSV [default: standard output].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where the poses go, as CSV: one line a window with its confidence, its class and the element g with
    /// recorded = g · canonical: a rotation or reflection of space row by row, of points behind a translation in counts, an
    /// angle in degrees, a translation in pixels, a delay
    /// in samples, or how far a ring was turned.
    #[arg(long, value_name = "FILE")]
    poses: Option<PathBuf>,
    /// Samples from window to window [default: a window's length, so that each sample comes once].
    #[arg(long, value_name = "SAMPLES")]
    hop: Option<std::num::NonZeroUsize>,
}

pub fn run(options: &Options) -> Result<u8> {
    if options.output.is_some() && options.output == options.poses {
        bail!("--output and --poses name the same file");
    }
    let bytes = run::read(&options.package)?;
    let mut device = Device::new(&bytes).with_context(|| options.package.display().to_string())?;
    if device.model().takes_sets() && device.model().least() < device.model().input().samples {
        bail!(
            "{}: the package takes sets of {} to {} elements, and a recording does not say where a set ends",
            options.package.display(),
            device.model().least(),
            device.model().input().samples
        );
    }
    let counts =
        recording::read(&options.input, &ContractField::of(device.model()), device.model().input().samples.into())?;
    let length = device.model().window_len();
    let channels = device.model().input().channels();
    let hop = options.hop.map_or(length / channels, std::num::NonZeroUsize::get);
    let windows: Vec<&[i16]> = counts.windows(length).step_by(hop.saturating_mul(channels)).collect();
    let readings = device.read_all(&windows)?;
    let canonical = canonical_csv(device.model(), &readings)?;
    let poses = poses_csv(device.model(), &readings, hop)?;
    let files = [
        options.output.as_deref().map(|path| (path, &canonical[..])),
        options.poses.as_deref().map(|path| (path, &poses[..])),
    ];
    run::write_all(&files.into_iter().flatten().collect::<Vec<_>>())?;
    if options.output.is_none() {
        table::emit(&String::from_utf8_lossy(&canonical))?;
    }
    summary(&readings, counts.len() / channels, hop, length / channels);
    Ok(DONE)
}

/// `window, sample, …` with the canonical numbers in the contract's units; degenerate windows are
/// left out.
fn canonical_csv(model: &Model<'_>, readings: &[Reading]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let fields = model.input().fields;
    let names = model.fields().zip(fields).flat_map(|((name, _), field)| axes(name, field));
    csv.write_record(["window".into(), "sample".into()].into_iter().chain(names))?;
    let units: Vec<f32> = fields.iter().flat_map(|f| std::iter::repeat_n(f.per_count, f.channels())).collect();
    for (window, reading) in readings.iter().enumerate() {
        for (sample, counts) in reading.canonical.chunks_exact(units.len()).enumerate() {
            let numbers = counts.iter().zip(&units).map(|(&count, unit)| (f32::from(count) * unit).to_string());
            csv.write_record([window.to_string(), sample.to_string()].into_iter().chain(numbers))?;
        }
    }
    Ok(csv.into_inner()?)
}

/// The names of a field's channels.
fn axes(name: &str, field: &Field) -> Vec<String> {
    match field.kind {
        FieldKind::Vector | FieldKind::PseudoVector | FieldKind::Point => {
            ["x", "y", "z"].map(|axis| format!("{name} {axis}")).to_vec()
        }
        _ => (0..field.channels()).map(|channel| format!("{name} {channel}")).collect(),
    }
}

/// What the numbers of a pose are.
fn pose_columns(model: &Model<'_>) -> &'static [&'static str] {
    let charts: Vec<Chart> = model.pose_heads().iter().map(|head| head.chart).collect();
    match charts[..] {
        [
            Chart::GramSchmidt
            | Chart::UprightGramSchmidt
            | Chart::ThreeVectors
            | Chart::Exponential
            | Chart::Quaternion
            | Chart::Columns,
            ..,
        ] => &["r00", "r01", "r02", "r10", "r11", "r12", "r20", "r21", "r22"],
        [Chart::Direction, ..] => &["angle deg"],
        [Chart::TwoVectors, ..] => &["angle deg", "reflected"],
        [Chart::Phase, ..] => &["delay samples"],
        [Chart::Argmax, ..] => &["turned by"],
        [Chart::Centroid] => &["x px", "y px"],
        [Chart::Centroid, ..] => &["x px", "y px", "angle deg"],
        [Chart::Mean] => &["x counts", "y counts", "z counts"],
        [Chart::Mean, ..] => {
            &["x counts", "y counts", "z counts", "r00", "r01", "r02", "r10", "r11", "r12", "r20", "r21", "r22"]
        }
        [Chart::Numbers, ..] => NUMBERS.get(..told(model)).unwrap_or_default(),
        [Chart::Angles, ..] => ANGLES.get(..told(model) / 2).unwrap_or_default(),
        [Chart::Place, ..] => &["x", "y", "angle rad"],
        [Chart::Motion, ..] => &["x", "y", "angle deg"],
        [] => &[],
    }
}

const NUMBERS: &[&str] = &["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"];
const ANGLES: &[&str] = &["a0 rad", "a1 rad", "a2 rad", "a3 rad", "a4 rad", "a5 rad", "a6 rad", "a7 rad", "a8 rad"];

/// How many numbers ψ tells of a pose.
fn told(model: &Model<'_>) -> usize {
    let tensor = model.pose_heads().first().and_then(|head| model.tensor(head.vectors));
    tensor.map_or(0, |tensor| tensor.shape[2].into())
}

/// The numbers of a pose, as many as it has columns.
fn pose_numbers(element: Element, samples: u16) -> Vec<f32> {
    match element {
        Element::Planar(g) => vec![g.angle().to_degrees()],
        Element::Orthogonal(g) => vec![g.rotation().angle().to_degrees(), u8::from(g.is_reflected()).into()],
        Element::Shift(g) => vec![g.turns() * f32::from(samples)],
        Element::Cyclic(g) => vec![g.index().into()],
        Element::Translation(g) => g.vector().to_vec(),
        Element::Translation3(g) => g.vector().to_vec(),
        Element::RigidMotion(g) => vec![g.normal.x(), g.normal.y(), g.acting.angle().to_degrees()],
        Element::RigidMotion3(g) => [&g.normal.vector()[..], g.acting.rows().as_flattened()].concat(),
        Element::Isometry3(g) => [&g.normal.vector()[..], g.acting.rows().as_flattened()].concat(),
        Element::Coordinates(g) => g.numbers().to_vec(),
        other => other.numbers().to_vec(),
    }
}

/// One line a window; a degenerate one says why and has no pose.
fn poses_csv(model: &Model<'_>, readings: &[Reading], hop: usize) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let classes: Vec<&str> = model.classes().collect();
    let columns = pose_columns(model);
    let fixed = ["window", "start s", "confidence", "class", "degenerate"];
    csv.write_record(fixed.iter().chain(columns))?;
    for (window, reading) in readings.iter().enumerate() {
        let start = (window * hop) as f32 / model.input().rate_hz;
        let confidence = reading.pose.map(|pose| pose.confidence);
        let fixed = [
            window.to_string(),
            start.to_string(),
            confidence.map(|c| c.to_string()).unwrap_or_default(),
            reading.class.and_then(|class| classes.get(class)).unwrap_or(&"").to_string(),
            reading.degenerate.map(|why| format!("{why:?}")).unwrap_or_default(),
        ];
        let numbers = reading.pose.map_or_else(
            || vec![String::new(); columns.len()],
            |pose| pose_numbers(pose.element, model.input().samples).iter().map(f32::to_string).collect(),
        );
        csv.write_record(fixed.into_iter().chain(numbers))?;
    }
    Ok(csv.into_inner()?)
}

fn summary(readings: &[Reading], samples: usize, hop: usize, length: usize) {
    let degenerate = readings.iter().filter(|reading| reading.degenerate.is_some()).count();
    let covered = readings.len().saturating_sub(1) * hop + length;
    eprintln!("{} windows, {degenerate} of them without a pose", readings.len());
    if samples > covered {
        eprintln!("the last {} samples do not fill a window and were left out", samples - covered);
    }
}
