//! What a trained method reaches on windows of recordings, as names of metrics and numbers.

use crate::pipeline::Measured;
use crate::recipe::Recipe;

/// Each metric of every comparison, and the figure that it is.
const METRICS: [(&str, &str); 6] = [
    ("reconstruction", "reconstruction_mse"),
    ("knn, int8", "knn_accuracy"),
    ("pose error, degrees, median, int8", "pose_error_deg_median"),
    ("pose error, degrees, p95, int8", "pose_error_deg_p95"),
    // Distances leave these out; accuracies count them as wrong.
    ("degenerate windows, int8", "degenerate_windows"),
    ("multiply-accumulates", "macs"),
];
/// And of recipes with a class head: the accuracy that each is the rest of.
const ERRORS: [(&str, &str); 3] = [
    ("error", "accuracy_rotated_float"),
    ("error, int8", "accuracy_rotated_int8"),
    ("error, upright, int8", "accuracy_upright_int8"),
];

/// The metrics of the comparison; `knn` is 5-NN, all windows in random poses but for the upright ones.
pub fn metrics(recipe: &Recipe, measured: &Measured) -> Vec<(&'static str, f64)> {
    let of = |figure: &str| measured.metrics.iter().find(|(name, _)| name == figure).map(|(_, value)| *value);
    let errors = ERRORS.iter().filter(|_| recipe.loss.class > 0.0);
    let errors = errors.filter_map(|&(name, accuracy)| Some((name, 1.0 - of(accuracy)?)));
    errors.chain(METRICS.iter().filter_map(|&(name, figure)| Some((name, of(figure)?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Evaluation;
    use crate::evaluate::figures::FIGURES;

    #[test]
    fn every_figure_exists() {
        let known = |name: &str| FIGURES.iter().any(|figure| figure.name == name);
        let figures = METRICS.iter().map(|(_, figure)| *figure).chain(ERRORS.map(|(_, figure)| figure));
        assert_eq!(figures.filter(|name| !known(name)).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn errors_are_of_recipes_with_a_class_head() {
        let evaluation = Evaluation {
            upright: Vec::new(),
            rotated: Vec::new(),
            labels: Vec::new(),
            classes: 0,
            pose_errors_deg: Vec::new(),
            hand_errors: 0,
        };
        let figures = [("accuracy_rotated_int8", 0.75), ("knn_accuracy", 0.5), ("package_bytes", 7.0)];
        let measured = Measured { metrics: figures.map(|(name, value)| (name.into(), value)).to_vec(), evaluation };
        let found = |name| metrics(&Recipe::load(name).unwrap(), &measured);
        assert_eq!(found("wrist"), [("error, int8", 0.25), ("knn, int8", 0.5)]);
        assert_eq!(found("wrist-unsupervised"), [("knn, int8", 0.5)]);
    }
}
