//! How good a package of grids is, measured through core.

use super::device::{Device, Reading};
use super::metrics::{accuracy, knn_accuracy, percentile};
use crate::data::posed::{Moved, Posed};
use crate::group::element::{self, Distance, element, product};
use crate::recipe::grid::GroupName;
use gimbal_core::Error;
use gimbal_core::format::{Chart, Role};
use gimbal_core::group::Element;

/// Name, unit and meaning of each figure of a grid's `metrics.json`, in the order in which they are printed.
pub const GRID_FIGURES: [(&str, &str, &str); 21] = [
    ("accuracy_moved_int8", "", "test accuracy through core, each sample moved by its own random element"),
    ("accuracy_upright_int8", "", "the same, samples as recorded"),
    ("accuracy_moved_float", "", "the float networks' accuracy on the same moved samples"),
    ("accuracy_upright_float", "", "the same, samples as recorded"),
    (
        "pose_error_deg_median",
        "°",
        "angle between ψ(g·x) and g·ψ(x), integer path, median; a whole signal or ring is 360°",
    ),
    ("pose_error_deg_p95", "°", "the same, 95th percentile"),
    ("pose_error_px_median", "px", "distance between their translations, median"),
    ("pose_error_px_p95", "px", "the same, 95th percentile"),
    ("pose_error_deg_median_float", "°", "the angle, float networks, median"),
    ("pose_error_deg_p95_float", "°", "the same, 95th percentile"),
    (
        "hand_errors",
        "",
        "share of the samples for which one of ψ(g·x) and g·ψ(x) reflects and the other does not; 180° apart",
    ),
    ("degenerate_samples", "", "moved test samples without a pose"),
    ("knn_accuracy", "", "5-NN on the integer code, all samples moved, fit on training samples"),
    ("knn_accuracy_upright", "", "the same, test samples as recorded"),
    ("knn_accuracy_float", "", "5-NN on the float networks' code, all samples moved"),
    (
        "reconstruction_mse",
        "",
        "mean squared error of the float reconstruction, moved test samples, network units squared",
    ),
    ("macs", "", "multiplications of an activation by a weight, a sample"),
    ("package_bytes", "B", "the whole package"),
    ("arena_bytes", "B", "memory for activations"),
    ("arena_lower_bound_bytes", "B", "no plan of this model can do with less"),
    ("parameters", "", "numbers that training adjusted, decoder included"),
];

/// What a package says of the test samples as recorded and moved.
#[derive(Clone, Debug, Default)]
pub struct GridEvaluation {
    /// As recorded.
    pub upright: Vec<Reading>,
    /// Moved.
    pub moved: Vec<Reading>,
    /// The true classes.
    pub labels: Vec<usize>,
    /// For each sample that has a pose both ways, how far ψ(g·x) is from g·ψ(x).
    pub law: Vec<Distance>,
}

/// Runs a package over test samples.
///
/// # Errors
/// If the package takes other samples.
pub fn evaluate_grid(device: &mut Device<'_>, posed: &Posed, groups: &[GroupName]) -> Result<GridEvaluation, Error> {
    let upright = device.read_all(&posed.test)?;
    let moved = device.read_all(&posed.test_moved.samples)?;
    let pairs = upright.iter().zip(&moved).enumerate();
    let law = pairs.filter_map(|(index, (upright, moved))| {
        let g = whole(&posed.test_moved, groups, index, posed)?;
        element::distance(product(g, upright.pose?.element)?, moved.pose?.element)
    });
    let law = law.collect();
    let labels = posed.test.iter().map(|sample| sample.label).collect();
    Ok(GridEvaluation { upright, moved, labels, law })
}

/// The element that moved a sample: the product over the groups.
pub fn whole(moved: &Moved, groups: &[GroupName], index: usize, posed: &Posed) -> Option<Element> {
    let elements = groups.iter().zip(&moved.elements).map(|(&name, rows)| element(name, &rows[index], posed.extent()));
    elements.map(Some).reduce(|g, h| product(g?, h?)).flatten()
}

impl GridEvaluation {
    /// The figures, by name: accuracies if there is a classifier, how well the law is kept if there is ψ, and 5-NN of
    /// the codes, fit on the moved training samples.
    ///
    /// # Errors
    /// If the package takes other samples.
    pub fn figures(&self, device: &mut Device<'_>, posed: &Posed) -> Result<Vec<(String, f64)>, Error> {
        let mut figures = Vec::new();
        let mut note = |name: &str, value: f64| figures.push((name.to_owned(), value));
        let classes = |readings: &[Reading]| readings.iter().map(|reading| reading.class).collect::<Vec<_>>();
        if device.classes() > 0 {
            note("accuracy_moved_int8", accuracy(classes(&self.moved), &self.labels));
            note("accuracy_upright_int8", accuracy(classes(&self.upright), &self.labels));
        }
        if !device.model().pose_heads().is_empty() {
            let degrees: Vec<f32> = self.law.iter().map(|distance| distance.degrees).collect();
            let pixels: Vec<f32> = self.law.iter().map(|distance| distance.pixels).collect();
            note("pose_error_deg_median", percentile(&degrees, 0.5));
            note("pose_error_deg_p95", percentile(&degrees, 0.95));
            if pixels.iter().any(|&pixels| pixels > 0.0) {
                note("pose_error_px_median", percentile(&pixels, 0.5));
                note("pose_error_px_p95", percentile(&pixels, 0.95));
            }
            if device.model().pose_heads().iter().any(|pose| pose.chart == Chart::TwoVectors) {
                let apart = self.law.iter().filter(|distance| distance.apart).count();
                note("hand_errors", apart as f64 / self.law.len().max(1) as f64);
            }
            note("degenerate_samples", self.moved.iter().filter(|reading| reading.degenerate.is_some()).count() as f64);
        }
        if device.model().output_of(Role::Eta).is_none() {
            return Ok(figures);
        }
        let codes = |readings: &[Reading]| readings.iter().map(|reading| reading.code.clone()).collect::<Vec<_>>();
        let known = codes(&device.read_all(&posed.train_moved.samples)?);
        let labels: Vec<usize> = posed.train_moved.samples.iter().map(|sample| sample.label).collect();
        note("knn_accuracy", knn_accuracy(&known, &labels, &codes(&self.moved), &self.labels));
        note("knn_accuracy_upright", knn_accuracy(&known, &labels, &codes(&self.upright), &self.labels));
        Ok(figures)
    }
}
