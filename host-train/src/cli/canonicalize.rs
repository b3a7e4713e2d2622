//! `gimbal canonicalize`.

use super::{DONE, table};
use crate::data::recording;
use crate::evaluate::device::{Device, Reading};
use crate::package::{ContractField, expect_vectors};
use crate::run;
use anyhow::{Context, Result, bail};
use clap::Args;
use gimbal_core::Model;
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// The package, such as runs/demo/model.gmbl.
    package: PathBuf,
    /// The recording: a .csv or .npy file of [samples, channels] in the units that `gimbal inspect`
    /// shows, at its sample rate.
    input: PathBuf,
    /// Where the canonical recording goes, as CSV [default: standard output].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where the poses go, as CSV: one line a window with its confidence, its class and the rotation
    /// r with recorded = r · canonical, row by row.
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
    expect_vectors(device.model()).with_context(|| options.package.display().to_string())?;
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
    let axes = |name: &str| ["x", "y", "z"].map(|axis| format!("{name} {axis}"));
    let names = model.fields().flat_map(|(name, _)| axes(name));
    csv.write_record(["window".into(), "sample".into()].into_iter().chain(names))?;
    let units: Vec<f32> = model.input().fields.iter().flat_map(|field| [field.per_count; 3]).collect();
    for (window, reading) in readings.iter().enumerate() {
        for (sample, counts) in reading.canonical.chunks_exact(units.len()).enumerate() {
            let numbers = counts.iter().zip(&units).map(|(&count, unit)| (f32::from(count) * unit).to_string());
            csv.write_record([window.to_string(), sample.to_string()].into_iter().chain(numbers))?;
        }
    }
    Ok(csv.into_inner()?)
}

/// One line a window; a degenerate one says why and has no rotation.
fn poses_csv(model: &Model<'_>, readings: &[Reading], hop: usize) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let classes: Vec<&str> = model.classes().collect();
    let entries = ["r00", "r01", "r02", "r10", "r11", "r12", "r20", "r21", "r22"];
    csv.write_record(["window", "start s", "confidence", "class", "degenerate"].into_iter().chain(entries))?;
    for (window, reading) in readings.iter().enumerate() {
        let start = (window * hop) as f32 / model.input().rate_hz;
        let (rotation, confidence) = (reading.rotation(), reading.pose.map(|pose| pose.confidence));
        let fixed = [
            window.to_string(),
            start.to_string(),
            confidence.map(|c| c.to_string()).unwrap_or_default(),
            reading.class.and_then(|class| classes.get(class)).unwrap_or(&"").to_string(),
            reading.degenerate.map(|why| format!("{why:?}")).unwrap_or_default(),
        ];
        let entries = rotation.map_or([const { String::new() }; 9], |rotation| {
            let rows = rotation.rows();
            std::array::from_fn(|i| rows[i / 3][i % 3].to_string())
        });
        csv.write_record(fixed.into_iter().chain(entries))?;
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
