//! What a trained method reaches on grids, as names of metrics and numbers.

use crate::data::posed::Posed;
use crate::pipeline::grid::{GridFloat, GridMeasured};
use crate::recipe::grid::{GridRecipe, Readout};

/// One training of a method.
pub struct Trial {
    /// What the float networks say.
    pub float: GridFloat,
    /// The package and its figures; none for a method that is never exported.
    pub packaged: Option<(Vec<u8>, GridMeasured)>,
}

impl Trial {
    /// The metrics of the comparison.
    pub fn metrics(&self, recipe: &GridRecipe, posed: &Posed) -> Vec<(&'static str, f64)> {
        let float = self.float.figures(recipe, posed);
        let int8 = self.packaged.iter().flat_map(|(_, measured)| measured.metrics.clone());
        let all: Vec<(String, f64)> = float.into_iter().chain(int8).collect();
        let of = |name: &str| all.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
        let mut metrics = Vec::new();
        let mut note = |name, value: Option<f64>| metrics.extend(value.map(|value| (name, value)));
        note("reconstruction", of("reconstruction_mse"));
        if recipe.loss.class > 0.0 {
            note("error", of("accuracy_moved_float").map(|accuracy| 1.0 - accuracy));
            note("error, int8", of("accuracy_moved_int8").map(|accuracy| 1.0 - accuracy));
            note("error, unmoved, int8", of("accuracy_upright_int8").map(|accuracy| 1.0 - accuracy));
        }
        if recipe.loss.reconstruction > 0.0 {
            note("knn", of("knn_accuracy_float"));
            note("knn, int8", of("knn_accuracy"));
            note("knn, unmoved, int8", of("knn_accuracy_upright"));
        }
        if recipe.eta.readout == Readout::Vectors {
            note("knn of norms", Some(self.float.knn(posed, |code| vectors(code).map(|[x, y]| x.hypot(y)).collect())));
            let directions = |code: &[f32]| {
                let unit = |[x, y]: [f32; 2]| [x, y].map(|part| part / x.hypot(y).max(f32::MIN_POSITIVE));
                vectors(code).flat_map(unit).collect()
            };
            note("knn of angles", Some(self.float.knn(posed, directions)));
        }
        if !recipe.pose.is_empty() {
            note("pose error, degrees, median", of("pose_error_deg_median_float"));
            note("pose error, degrees, median, int8", of("pose_error_deg_median"));
            note("pose error, degrees, p95", of("pose_error_deg_p95_float"));
            note("pose error, degrees, p95, int8", of("pose_error_deg_p95"));
            note("hand error, int8", of("hand_errors"));
            note("pose error, pixels, median, int8", of("pose_error_px_median"));
            note("pose error, pixels, p95, int8", of("pose_error_px_p95"));
        }
        metrics
    }
}

/// The vectors of an equivariant code: all x, then all y.
fn vectors(code: &[f32]) -> impl Iterator<Item = [f32; 2]> {
    let (xs, ys) = code.split_at(code.len() / 2);
    xs.iter().zip(ys).map(|(&x, &y)| [x, y])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_vectors() {
        assert_eq!(vectors(&[1.0, 2.0, 3.0, 4.0]).collect::<Vec<_>>(), [[1.0, 3.0], [2.0, 4.0]]);
    }
}
