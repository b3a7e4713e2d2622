//! What a trained method reaches on samples with labels, as names of metrics and numbers.

use crate::recipe::equivae::{EquivaeData, EquivaeMethod, EquivaeRecipe};

/// The metrics of the comparison, from a run's figures.
pub fn metrics(recipe: &EquivaeRecipe, figures: &[(String, f64)]) -> Vec<(&'static str, f64)> {
    let of = |name: &str| figures.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
    let error = |name: &str| of(name).map(|accuracy| 1.0 - accuracy);
    let [float, int8, bound] = names(&recipe.data);
    let mut metrics = Vec::new();
    let mut note = |name, value: Option<f64>| metrics.extend(value.map(|value| (name, value)));
    note(float, error("accuracy_float"));
    note(int8, error("accuracy_int8"));
    note(bound, error("accuracy_bound_float"));
    if recipe.method == EquivaeMethod::Plain {
        return metrics;
    }
    note("class_from_r", of("class_from_r"));
    note("class_from_v", of("class_from_v"));
    note("class_from_v_int8", of("class_from_v_int8"));
    note("v_error", of("v_error"));
    note("bound_nats", of("bound"));
    note("reconstruction", of("reconstruction_mse"));
    note("auroc_left_out", of("auroc_left_out_float"));
    note("auroc_left_out_int8", of("auroc_left_out_int8"));
    metrics
}

/// What the errors of the float classifier, of the integers and of the bound are called.
fn names(data: &EquivaeData) -> [&'static str; 3] {
    match (data.labels, data.is_recorded()) {
        (0, _) => ["error_all_labels", "error_all_labels_int8", "error_all_labels_bound"],
        (10, false) if data.left_out.is_none() => {
            ["error_100_labels", "error_100_labels_int8", "error_100_labels_bound"]
        }
        _ => ["error_few_labels", "error_few_labels_int8", "error_few_labels_bound"],
    }
}
