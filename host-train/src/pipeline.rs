//! From a trained model to a package, its figures and its report: what `train`, `export` and `demo`
//! do once the weights are there.

pub mod class_pose;
pub mod equivae;
pub mod grid;
pub mod set;

use crate::data::{Dataset, Window, windows};
use crate::evaluate::device::Device as Core;
use crate::evaluate::metrics::{accuracy, knn_accuracy, largest, percentile};
use crate::evaluate::{Evaluation, Turned, evaluate, mirror, turn};
use crate::method::{Model, batch};
use crate::package::{Contract, ContractField};
use crate::quantize::{calibrate, extract, lower};
use crate::recipe::Recipe;
use anyhow::{Result, bail};
use burn::prelude::Device;
use gimbal_core::format::{Chart, FieldKind, Role};
use gimbal_core::plan::{Slot, lower_bound};

/// Decides the rotation of every window in an evaluation.
pub const ROTATION_SEED: u64 = 1;

/// The windows of a recipe's two groups of subjects, as recorded and turned.
#[derive(Clone, Debug)]
pub struct Split {
    /// Windows to train on.
    pub train: Vec<Window>,
    /// The same, each under its own rotation.
    pub train_turned: Vec<Turned>,
    /// Windows that are never trained on.
    pub test: Vec<Window>,
    /// The same, each under its own rotation.
    pub test_turned: Vec<Turned>,
}

impl Split {
    /// Cuts a data set as the recipe says.
    ///
    /// # Errors
    /// If one of the two groups has no window.
    pub fn new(recipe: &Recipe, dataset: &Dataset) -> Result<Self> {
        let section = &recipe.data;
        let tested = |subject: u8| section.test_subjects.contains(&subject);
        let train = windows(dataset, section.window, section.hop, |subject| !tested(subject));
        let test = windows(dataset, section.window, section.hop, tested);
        if train.is_empty() {
            bail!("the recipe leaves no window to train on");
        }
        Self::of(train, test, ROTATION_SEED)
    }

    /// Of windows that are cut already; `seed` decides every rotation.
    ///
    /// # Errors
    /// If there is nothing to test.
    pub fn of(train: Vec<Window>, test: Vec<Window>, seed: u64) -> Result<Self> {
        if test.is_empty() {
            bail!("there is no window to test on: no recording of these subjects is long enough");
        }
        let (train_turned, test_turned) = (turn(&train, seed.wrapping_add(1)), turn(&test, seed));
        Ok(Self { train, train_turned, test, test_turned })
    }
}

/// The package of a trained model.
pub fn package(name: &str, recipe: &Recipe, dataset: &Dataset, model: &Model, split: &Split) -> Result<Vec<u8>> {
    let network = extract(model);
    let units = batch::units(recipe, dataset);
    let step = (split.train.len() / recipe.quantize.calibration_windows).max(1);
    let calibration: Vec<Vec<f32>> =
        split.train.iter().step_by(step).map(|window| in_units(&window.counts, units)).collect();
    let ranges = calibrate(&network, units.len(), calibration.iter().map(Vec::as_slice));
    let classified = network.classifier.is_some();
    let contract = Contract {
        name: name.into(),
        rate_hz: dataset.rate_hz,
        samples: recipe.data.window,
        hop: recipe.data.hop,
        fields: fields(dataset),
        classes: if classified { dataset.classes.clone() } else { Vec::new() },
    };
    let mut parts = lower(&network, &ranges, contract, &units)?;
    parts.fast_len = recipe.quantize.fast_arena_bytes;
    Ok(parts.encode()?)
}

/// A window in network units.
pub fn in_units(counts: &[i16], units: [f32; 2]) -> Vec<f32> {
    counts.iter().enumerate().map(|(i, &count)| f32::from(count) * units[i / 3 % 2]).collect()
}

/// What the input contract says of a data set.
pub fn fields(dataset: &Dataset) -> Vec<ContractField> {
    let [g, rad_s] = dataset.units_per_count;
    let field = |name: &str, unit: &str, per_count, kind| ContractField {
        name: name.into(),
        unit: unit.into(),
        per_count,
        kind,
        width: 3,
    };
    vec![
        field("acceleration", "g", g, FieldKind::Vector),
        field("angular rate", "rad/s", rad_s, FieldKind::PseudoVector),
    ]
}

/// A package's figures and the readings behind them.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Name and value, in the order in which they are printed.
    pub metrics: Vec<(String, f64)>,
    /// The readings.
    pub evaluation: Evaluation,
}

impl Measured {
    /// A figure by name; NaN if it was not measured.
    pub fn metric(&self, name: &str) -> f64 {
        self.metrics.iter().find(|(other, _)| other == name).map_or(f64::NAN, |(_, value)| *value)
    }
}

/// Measures a package through core, and the float model beside it if there is one.
pub fn measure(package: &[u8], split: &Split, float: Option<(&Model, [f32; 2], &Device)>) -> Result<Measured> {
    let mut core = Core::new(package)?;
    let evaluation = evaluate(&mut core, &split.test, &split.test_turned)?;
    let mut metrics = Vec::new();
    let mut note = |name: &str, value: f64| metrics.push((name.to_owned(), value));
    let inference = float.map(|(model, units, device)| model.infer(&split.test_turned, units, device));
    if let (Some(rotated), Some(upright)) = (evaluation.accuracy_rotated(), evaluation.accuracy_upright()) {
        note("accuracy_rotated_int8", rotated);
        note("accuracy_upright_int8", upright);
        if let Some(inference) = &inference {
            let predictions = inference.logits.iter().map(|logits| largest(logits));
            note("accuracy_rotated_float", accuracy(predictions, &evaluation.labels));
        }
    }
    if !core.model().pose_heads().is_empty() {
        note("pose_error_deg_median", percentile(&evaluation.pose_errors_deg, 0.5));
        note("pose_error_deg_p95", percentile(&evaluation.pose_errors_deg, 0.95));
        note("pose_error_deg_max", percentile(&evaluation.pose_errors_deg, 1.0));
        note("degenerate_windows", evaluation.degenerate() as f64);
    }
    if core.model().pose_heads().iter().any(|pose| pose.chart == Chart::ThreeVectors) {
        let mirrored = evaluate(&mut core, &split.test, &mirror(&split.test_turned))?;
        if let Some(accuracy) = mirrored.accuracy_rotated() {
            note("accuracy_mirrored_int8", accuracy);
        }
        note("hand_errors", mirrored.hand_errors as f64 / mirrored.pose_errors_deg.len().max(1) as f64);
    }
    if let Some(inference) = inference.filter(|inference| inference.reconstruction_mse.is_finite()) {
        note("reconstruction_mse", inference.reconstruction_mse.into());
    }
    if core.model().output_of(Role::Eta).is_some() && !split.train.is_empty() {
        note("knn_accuracy", knn(&mut core, split, &evaluation)?);
    }
    metrics.extend(costs(core.model(), package));
    Ok(Measured { metrics, evaluation })
}

/// What a package costs, by name.
pub fn costs(model: &gimbal_core::Model<'_>, package: &[u8]) -> [(String, f64); 4] {
    let macs = model.operators().map(|operator| operator.cost(model).macs as f64).sum();
    [
        ("macs".into(), macs),
        ("package_bytes".into(), package.len() as f64),
        ("arena_bytes".into(), model.arena_len() as f64),
        ("arena_lower_bound_bytes".into(), arena_lower_bound(model).into()),
    ]
}

/// No plan can do with fewer bytes of arena.
pub fn arena_lower_bound(model: &gimbal_core::Model<'_>) -> u32 {
    let slots: Vec<Slot> = model.tensors().iter().filter_map(Slot::of).collect();
    lower_bound(&slots)
}

/// Five nearest neighbours on integer codes, all windows turned, fit on the training windows.
fn knn(core: &mut Core<'_>, split: &Split, evaluation: &Evaluation) -> Result<f64> {
    let codes: Vec<_> = core.read_all(&split.train_turned)?.into_iter().map(|reading| reading.code).collect();
    let labels: Vec<_> = split.train.iter().map(|window| window.label).collect();
    let queries: Vec<_> = evaluation.rotated.iter().map(|reading| reading.code.clone()).collect();
    Ok(knn_accuracy(&codes, &labels, &queries, &evaluation.labels))
}
