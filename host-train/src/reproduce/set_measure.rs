//! What a trained method reaches on sets, as names of metrics and numbers.

use crate::recipe::set::SetRecipe;

/// Each metric of the comparison: the figure of the float networks, and that of the integers, measured through core.
const METRICS: [(&str, &str, &str, &str); 8] = [
    ("set_accuracy", "set_accuracy_float", "set_accuracy, int8", "set_accuracy_int8"),
    ("element_accuracy", "element_accuracy_float", "element_accuracy, int8", "element_accuracy_int8"),
    ("rmse", "rmse", "rmse, int8", "rmse_int8"),
    ("mse", "reconstruction_mse", "mse, int8", "reconstruction_mse_int8"),
    ("chamfer distance", "chamfer", "chamfer distance, int8", "chamfer_int8"),
    ("knn", "nearest_accuracy_float", "knn, int8", "nearest_accuracy"),
    (
        "pose error, degrees, median",
        "pose_error_deg_median_float",
        "pose error, degrees, median, int8",
        "pose_error_deg_median",
    ),
    ("pose error, degrees, p95", "pose_error_deg_p95_float", "pose error, degrees, p95, int8", "pose_error_deg_p95"),
];
/// And those of the integers alone: of points, then of volumes.
const INTEGERS: [(&str, &str); 8] = [
    ("pose error up to symmetry, degrees, median, int8", "pose_error_up_to_symmetry_deg_median"),
    ("hand errors, int8", "hand_errors"),
    ("knn, mirror images one class, int8", "nearest_accuracy_unhanded"),
    ("agreement of volumes as given", "volume_agreement_given"),
    ("agreement of canonical volumes, int8", "volume_agreement_int8"),
    ("agreement of volumes turned back by the known pose", "volume_agreement_known"),
    ("pose error of volumes, degrees, median, int8", "volume_pose_error_deg_median"),
    ("pose error of volumes, degrees, p95, int8", "volume_pose_error_deg_p95"),
];
/// And of recipes with a class head.
const ERRORS: [&str; 2] = ["accuracy_moved_float", "accuracy_moved_int8"];

/// The metrics of the comparison, among a run's figures; `knn` is 1-NN, all sets at random pose.
pub fn metrics(recipe: &SetRecipe, figures: &[(String, f64)]) -> Vec<(&'static str, f64)> {
    let of = |name: &str| figures.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
    let mut metrics = Vec::new();
    let mut note = |name, value: Option<f64>| metrics.extend(value.map(|value| (name, value)));
    for (name, float, int8_name, int8) in METRICS {
        // Where δ says which element is which, how near the nearest are says less.
        let compared = name != "chamfer distance" || !recipe.names_elements();
        note(name, of(float).filter(|_| compared));
        note(int8_name, of(int8).filter(|_| compared));
    }
    INTEGERS.iter().for_each(|(name, figure)| note(name, of(figure)));
    // Errors and distances of the integers leave these out; accuracies count them as wrong.
    note("degenerate sets, int8", of("degenerate_sets"));
    if recipe.loss.class > 0.0 {
        let [float, int8] = ERRORS.map(|name| of(name).map(|accuracy| 1.0 - accuracy));
        note("error", float);
        note("error, int8", int8);
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::set::SET_FIGURES;

    #[test]
    fn every_figure_exists() {
        let known = |name: &str| SET_FIGURES.iter().any(|(other, ..)| *other == name);
        let figures = METRICS.iter().flat_map(|(_, float, _, int8)| [*float, *int8]).chain(ERRORS);
        let figures = figures.chain(INTEGERS.map(|(_, figure)| figure));
        assert_eq!(figures.filter(|name| !known(name)).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn what_was_measured_is_compared_and_nothing_else() {
        let recipe = SetRecipe::load("digit-sets").unwrap();
        let figures = [("set_accuracy_float", 0.9), ("set_accuracy_int8", 0.8), ("macs", 7.0)];
        let figures = figures.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(metrics(&recipe, &figures), [("set_accuracy", 0.9), ("set_accuracy, int8", 0.8)]);
    }
}
