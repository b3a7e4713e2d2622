//! From a measured run to what its report shows.

use super::{Curve, Example, FieldScale, Layer, Metric, Report, Totals, Turned};
use crate::data::posed::Posed;
use crate::data::sets::Sets;
use crate::data::{Dataset, Window, rotation};
use crate::evaluate::Evaluation;
use crate::evaluate::device::Device;
use crate::evaluate::equivae::EQUIVAE_FIGURES;
use crate::evaluate::figures::table;
use crate::evaluate::grid::GRID_FIGURES;
use crate::evaluate::set::SET_FIGURES;
use crate::evaluate::set_device::{SetDecoded, SetEvaluation};
use crate::inspect::layers;
use crate::package::ContractField;
use crate::pipeline::grid::GridMeasured;
use crate::pipeline::{Split, arena_lower_bound};
use crate::recipe::Recipe;
use crate::recipe::equivae::EquivaeRecipe;
use crate::recipe::grid::GridRecipe;
use crate::recipe::set::{SetRecipe, SetSource};
use crate::reproduce::{equivae_figures, figures, molecule_figures, set_figures, volume_figures};
use crate::train::Epoch;
use gimbal_core::group::Group;
use gimbal_core::group::so3::Rotation;
use gimbal_core::{Error, Model};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Windows that are shown, each of another class.
const EXAMPLES: usize = 3;
/// Rotations that each of them is shown under.
const TURNS: usize = 4;

/// What a report is made of.
pub struct Gathered<'a> {
    /// The run's name.
    pub name: &'a str,
    /// What was trained.
    pub recipe: &'a Recipe,
    /// On what.
    pub dataset: &'a Dataset,
    /// What came out.
    pub package: &'a [u8],
    /// The windows it was measured on.
    pub split: &'a Split,
    /// What it said of them.
    pub evaluation: &'a Evaluation,
    /// Its figures.
    pub metrics: &'a [(String, f64)],
    /// The losses of one or more trainings.
    pub histories: &'a [(&'a str, &'a [Epoch])],
}

/// Gathers a report; runs the package on the windows that are shown.
pub fn gather(run: &Gathered<'_>) -> Result<Report, Error> {
    let mut device = Device::new(run.package)?;
    let fields = ContractField::of(device.model()).into_iter();
    let fields = fields.map(|f| FieldScale { name: f.name, unit: f.unit, per_count: f.per_count }).collect();
    let (layers, totals) = cost(device.model(), run.package);
    let classes = device.classes();
    let confusion = |readings| if classes > 0 { run.evaluation.confusion(readings) } else { Vec::new() };
    Ok(Report {
        name: run.name.into(),
        recipe_toml: run.recipe.to_toml(),
        metrics: metrics(run.metrics),
        fields,
        rate_hz: run.dataset.rate_hz,
        examples: examples(&mut device, run.dataset, &run.split.test)?,
        panels: Vec::new(),
        classes: if classes > 0 { run.dataset.classes.clone() } else { Vec::new() },
        confusion_upright: confusion(&run.evaluation.upright),
        confusion_rotated: confusion(&run.evaluation.rotated),
        pose_errors_deg: run.evaluation.pose_errors_deg.clone(),
        layers,
        totals,
        curves: run.histories.iter().map(|(name, history)| curve(name, history)).collect(),
    })
}

/// What a report of a grid is made of.
pub struct GatheredGrid<'a> {
    /// The run's name.
    pub name: &'a str,
    /// What was trained.
    pub recipe: &'a GridRecipe,
    /// On what.
    pub posed: &'a Posed,
    /// What came out.
    pub package: &'a [u8],
    /// What it said of the test samples.
    pub measured: &'a GridMeasured,
    /// Its losses.
    pub history: &'a [Epoch],
}

/// Gathers a report of a grid; runs the package on the samples that are shown.
///
/// # Errors
/// If the package takes other samples.
pub fn gather_grid(run: &GatheredGrid<'_>) -> anyhow::Result<Report> {
    let device = Device::new(run.package)?;
    let (layers, totals) = cost(device.model(), run.package);
    let mut panels = vec![figures::gallery(run.package, run.recipe, run.posed)?];
    panels.extend(figures::maps(run.measured, run.recipe, run.posed));
    Ok(Report {
        name: run.name.into(),
        recipe_toml: run.recipe.to_toml(),
        metrics: described(&run.measured.metrics, &GRID_FIGURES),
        panels,
        layers,
        totals,
        curves: vec![curve("training", run.history)],
        ..Report::default()
    })
}

/// What a report of sets is made of.
pub struct GatheredSet<'a> {
    /// The run's name.
    pub name: &'a str,
    /// What was trained.
    pub recipe: &'a SetRecipe,
    /// On what.
    pub sets: &'a Sets,
    /// What came out; none of a baseline that is never exported.
    pub package: Option<&'a [u8]>,
    /// What it said of the test sets; nothing if there is none.
    pub evaluation: &'a SetEvaluation,
    /// What δ made of that; none without a package.
    pub decoded: Option<&'a SetDecoded>,
    /// What the float networks said of the codes of the moved test sets.
    pub codes: &'a [Vec<f32>],
    /// Its figures.
    pub metrics: &'a [(String, f64)],
    /// Its losses.
    pub history: &'a [Epoch],
}

/// Gathers a report of sets; runs the package on the sets that are shown.
///
/// # Errors
/// If the package takes other sets.
pub fn gather_set(run: &GatheredSet<'_>) -> anyhow::Result<Report> {
    let (mut panels, mut layers, mut totals) = (Vec::new(), Vec::new(), Totals::default());
    if let Some(package) = run.package {
        (layers, totals) = cost(Device::new(package)?.model(), package);
        match run.recipe.data.source {
            SetSource::Voxels => panels.push(volume_figures::gallery(package)?),
            _ => panels.extend(set_figures::gallery(package, run.sets)?),
        }
    }
    panels.extend(molecule_figures::molecules(run.sets, run.recipe, run.evaluation, run.decoded));
    let codes = set_figures::Codes { evaluation: run.evaluation, float: run.codes };
    panels.extend(set_figures::codes(run.name, &codes, run.sets));
    panels.extend(set_figures::errors(run.evaluation));
    Ok(Report {
        name: run.name.into(),
        recipe_toml: run.recipe.to_toml(),
        metrics: described(run.metrics, &SET_FIGURES),
        panels,
        layers,
        totals,
        curves: vec![curve("training", run.history)],
        ..Report::default()
    })
}

/// What a report of class codes and latents is made of.
pub struct GatheredEquivae<'a> {
    /// The run's name.
    pub name: &'a str,
    /// What was trained.
    pub recipe: &'a EquivaeRecipe,
    /// What came out.
    pub package: &'a [u8],
    /// Its figures.
    pub metrics: &'a [(String, f64)],
    /// What it is drawn of.
    pub drawn: &'a equivae_figures::Drawn<'a>,
    /// Its losses.
    pub history: &'a [Epoch],
}

/// Gathers a report of class codes and latents.
///
/// # Errors
/// If the package is invalid.
pub fn gather_equivae(run: &GatheredEquivae<'_>) -> Result<Report, Error> {
    let (layers, totals) = cost(Device::new(run.package)?.model(), run.package);
    Ok(Report {
        name: run.name.into(),
        recipe_toml: run.recipe.to_toml(),
        metrics: described(run.metrics, &EQUIVAE_FIGURES),
        panels: equivae_figures::panels(run.name, run.drawn),
        layers,
        totals,
        curves: vec![curve("training", run.history)],
        ..Report::default()
    })
}

/// Figures with what they mean.
fn described(metrics: &[(String, f64)], figures: &[(&str, &str, &str)]) -> Vec<Metric> {
    let metric = |(name, value): &(String, f64)| {
        let (_, unit, meaning) = figures.iter().find(|(known, ..)| known == name)?;
        let (unit, meaning) = ((*unit).into(), (*meaning).into());
        Some(Metric { name: name.clone(), value: *value, meaning, unit, ..Metric::default() })
    };
    metrics.iter().filter_map(metric).collect()
}

/// What each layer costs, and all of them.
fn cost(model: &Model<'_>, package: &[u8]) -> (Vec<Layer>, Totals) {
    let layers = layers(model);
    let totals = Totals {
        macs: layers.iter().map(|layer| layer.macs).sum(),
        package_bytes: package.len() as u64,
        arena_bytes: model.arena_len() as u64,
        arena_lower_bound_bytes: arena_lower_bound(model).into(),
    };
    let layer = |layer: crate::inspect::Layer| Layer {
        network: layer.network.into(),
        operator: layer.operator.into(),
        output: layer.output,
        macs: layer.macs,
        flash_bytes: layer.flash_bytes,
        arena_bytes: layer.arena_bytes,
    };
    (layers.into_iter().map(layer).collect(), totals)
}

fn metrics(metrics: &[(String, f64)]) -> Vec<Metric> {
    let line = |line: crate::evaluate::figures::Line| Metric {
        name: line.figure.name.into(),
        value: line.value,
        meaning: line.figure.meaning.into(),
        unit: line.figure.unit.into(),
        must: line.figure.must.map(|must| must.to_string()).unwrap_or_default(),
        met: line.met,
    };
    table(metrics).into_iter().map(line).collect()
}

/// The middle test window of some classes, upright and under random rotations.
fn examples(device: &mut Device<'_>, dataset: &Dataset, windows: &[Window]) -> Result<Vec<Example>, Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut examples = Vec::new();
    for (label, class) in dataset.classes.iter().enumerate().step_by(dataset.classes.len().div_ceil(EXAMPLES).max(1)) {
        let of_class: Vec<&Window> = windows.iter().filter(|window| window.label == label).collect();
        let Some(window) = of_class.get(of_class.len() / 2) else { continue };
        let mut turned = vec![show(device, dataset, &window.counts, Rotation::IDENTITY)?];
        for _ in 0..TURNS {
            let quaternion = rotation::random_quaternion(&mut rng);
            let counts = rotation::rotate_counts(&window.counts, &rotation::matrix(quaternion));
            turned.push(show(device, dataset, &counts, Rotation::from_quaternion(quaternion))?);
        }
        examples.push(Example { class: class.clone(), turned });
    }
    Ok(examples)
}

fn show(device: &mut Device<'_>, dataset: &Dataset, counts: &[i16], by: Rotation) -> Result<Turned, Error> {
    let reading = device.read(counts)?;
    Ok(Turned {
        angle_deg: by.angle_to(&Rotation::IDENTITY).to_degrees(),
        before: counts.to_vec(),
        after: reading.canonical,
        confidence: reading.pose.map_or(0.0, |pose| pose.confidence),
        predicted: reading.class.and_then(|class| dataset.classes.get(class)).cloned(),
    })
}

fn curve(name: &str, history: &[Epoch]) -> Curve {
    let points = history.iter().enumerate().map(|(i, epoch)| ((i + 1) as f32, epoch.loss)).collect();
    Curve { name: name.into(), points }
}
