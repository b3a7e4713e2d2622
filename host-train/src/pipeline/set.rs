//! The same road for sets.

use super::costs;
use crate::data::sets::{Set, Sets};
use crate::evaluate::device::Device as Core;
use crate::evaluate::set_device::{SetDecoded, SetEvaluation, evaluate_set};
use crate::method::SetModel;
use crate::package::{Contract, ContractField};
use crate::quantize::{calibrate_set, extract_set, lower_set};
use crate::recipe::set::SetRecipe;
use anyhow::Result;
use burn::prelude::Device;
use gimbal_core::format::FieldKind;

/// The package of a trained model.
pub fn package_set(name: &str, recipe: &SetRecipe, sets: &Sets, model: &SetModel) -> Result<Vec<u8>> {
    let network = extract_set(model);
    let step = (sets.reference.len() / recipe.quantize.calibration_windows).max(1);
    let calibration: Vec<Vec<f32>> =
        sets.reference.iter().step_by(step).map(|set| sets.numbers(&set.counts, recipe.data.scale)).collect();
    let ranges = calibrate_set(&network, calibration.iter().map(Vec::as_slice));
    let [least, most] = sets.elements;
    let contract = Contract {
        name: name.into(),
        // Sets come as they come.
        rate_hz: 1.0,
        samples: most,
        hop: most,
        fields: fields(sets),
        classes: if network.classifier.is_some() { sets.classes.clone() } else { Vec::new() },
    };
    let mut parts = lower_set(&network, &ranges, contract, least, sets.per_count / recipe.data.scale)?;
    parts.fast_len = recipe.quantize.fast_arena_bytes;
    Ok(parts.encode()?)
}

fn fields(sets: &Sets) -> Vec<ContractField> {
    let field = |name: &str, per_count, kind, width| ContractField {
        name: name.into(),
        unit: String::new(),
        per_count,
        kind,
        width,
    };
    let place = sets.points.then(|| field("place", sets.per_count, FieldKind::Point, 3));
    let types = (sets.types > 0).then(|| field("type", 1.0, FieldKind::Scalar, sets.types));
    place.into_iter().chain(types).collect()
}

/// A package's figures and the readings behind them.
#[derive(Clone, Debug)]
pub struct SetMeasured {
    /// Name and value, in the order in which they are printed.
    pub metrics: Vec<(String, f64)>,
    /// The readings.
    pub evaluation: SetEvaluation,
}

/// Measures a package through core, with what a float decoder makes of its codes if there is one.
pub fn measure_set(
    package: &[u8],
    sets: &Sets,
    float: Option<(&SetModel, &SetRecipe, &Device)>,
) -> Result<SetMeasured> {
    let mut core = Core::new(package)?;
    let evaluation = evaluate_set(&mut core, sets)?;
    let mut metrics = evaluation.figures(&core, sets);
    if let Some((model, recipe, device)) = float {
        let decoded = SetDecoded::new(model, &evaluation, device);
        metrics.extend(decoded.figures(recipe, sets, &evaluation));
    }
    metrics.extend(costs(core.model(), package));
    Ok(SetMeasured { metrics, evaluation })
}

/// Whether a package takes such sets.
pub fn takes(core: &Core<'_>, sets: &Sets) -> bool {
    let [least, most] = sets.elements;
    let input = core.model().input();
    let inside = usize::from(core.model().least()) <= least && most <= input.samples.into();
    inside && ContractField::of(core.model()).iter().map(|f| (f.kind, f.width, f.per_count)).eq(fields(sets)
        .iter()
        .map(|f| (f.kind, f.width, f.per_count)))
}

/// The sets that are shown and streamed: some to test on, each as drawn and then moved.
pub fn some_sets(sets: &Sets, count: usize) -> Vec<&Set> {
    sets.test.iter().zip(&sets.test_moved).flat_map(|(drawn, moved)| [drawn, moved]).take(count).collect()
}
