//! The same road for samples with labels.

use super::costs;
use crate::data::labelled::LabelledSet;
use crate::evaluate::device::Device as Core;
use crate::evaluate::equivae::{EquivaeFloat, EquivaeReadings, NEIGHBOURS, figures};
use crate::method::EquivaeModel;
use crate::package::{Contract, Parts};
use crate::quantize::{calibrate_equivae, extract_equivae, lower_equivae, splice};
use crate::recipe::equivae::EquivaeRecipe;
use anyhow::Result;
use gimbal_core::format::Dtype;

/// The package of a trained model with the class codes of a table, behind ψ of the canonicalizer's package, if there is one.
pub fn package_equivae(
    name: &str,
    recipe: &EquivaeRecipe,
    set: &LabelledSet,
    model: &EquivaeModel,
    table: &[Vec<f32>],
    canonicalizer: Option<&[u8]>,
) -> Result<Vec<u8>> {
    let network = extract_equivae(model, table, recipe.decoder.exported);
    let step = (set.train.len() / recipe.quantize.calibration_windows).max(1);
    let calibration: Vec<Vec<f32>> =
        set.train.iter().step_by(step).map(|sample| set.in_units(&sample.counts)).collect();
    let ranges = calibrate_equivae(&network, &calibration);
    let contract = contract(name, set);
    let (parts, canonical) = match canonicalizer {
        Some(package) => splice(package, contract)?,
        None => {
            let mut parts = Parts::new(contract);
            let channels = set.row_units().len().try_into()?;
            let canonical = parts.tensor(Dtype::I16, [1, set.samples.try_into()?, channels], 1.0, 0);
            parts.canonical(canonical);
            (parts, canonical)
        }
    };
    let mut parts = lower_equivae(&network, &ranges, parts, canonical, &set.units)?;
    parts.fast_len = recipe.quantize.fast_arena_bytes;
    Ok(parts.encode()?)
}

/// What a sample of a set is.
pub fn contract(name: &str, set: &LabelledSet) -> Contract {
    Contract {
        name: name.into(),
        rate_hz: set.rate_hz,
        samples: set.samples,
        hop: set.hop,
        fields: set.fields.clone(),
        classes: set.classes.clone(),
    }
}

/// A package's figures and the readings behind them.
#[derive(Clone, Debug)]
pub struct EquivaeMeasured {
    /// Name and value, in the order in which they are printed.
    pub metrics: Vec<(String, f64)>,
    /// The readings.
    pub readings: EquivaeReadings,
}

/// Measures a package through core, beside the float networks.
pub fn measure_equivae(package: &[u8], float: &EquivaeFloat, set: &LabelledSet) -> Result<EquivaeMeasured> {
    let mut core = Core::new(package)?;
    let [train, test, strangers] = set.as_given(NEIGHBOURS);
    let readings = EquivaeReadings {
        test: core.read_all(&test)?,
        train: core.read_all(&train)?,
        strangers: core.read_all(&strangers)?,
    };
    let mut metrics = figures(&readings, float, set);
    metrics.extend(costs(core.model(), package));
    Ok(EquivaeMeasured { metrics, readings })
}
