//! How good class codes, latents and classifier are: the float networks, and the package through core.

use super::device::Reading;
use super::metrics::{accuracy, area, knn_accuracy, largest, percentile};
use crate::data::labelled::LabelledSet;
use crate::method::routing::{Pool, count};
use crate::method::{EquivaeInference, EquivaeModel};
use crate::recipe::equivae::EquivaeRecipe;
use burn::prelude::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Name, unit and meaning of each figure of such a run's `metrics.json`, in the order in which they are printed.
pub const EQUIVAE_FIGURES: [(&str, &str, &str); 20] = [
    ("accuracy_int8", "", "test accuracy of q(y | x) through core"),
    ("accuracy_float", "", "the same of the float networks"),
    ("accuracy_bound_float", "", "test accuracy of the class with the largest bound L(x, y), at the mean of v"),
    ("class_from_r", "", "5-NN of the class on means of f_inv over other samples of it, test samples"),
    ("class_from_v", "", "5-NN of the class on v, test samples, fit on training samples, float networks"),
    ("class_from_v_int8", "", "the same through core"),
    ("chance", "", "share of the largest class among the test samples"),
    ("v_error", "", "how far integer v is from float v where both see one class, part of v's range, 95th percentile"),
    ("v_error_median", "", "the same, median"),
    ("bound", "nat", "mean bound of the test samples at their classes, a sample, without what is constant"),
    ("reconstruction_mse", "", "mean squared error of the float reconstruction, network units squared"),
    ("score_error", "", "how far the integer anomaly score is from the float one, part of it, median"),
    ("auroc_left_out_float", "", "area under the ROC curve of the anomaly score, a class left out of training"),
    ("auroc_left_out_int8", "", "the same through core"),
    ("degenerate_samples", "", "test samples without a pose"),
    ("macs", "", "multiplications of an activation by a weight, a sample"),
    ("package_bytes", "B", "the whole package"),
    ("arena_bytes", "B", "memory for activations"),
    ("arena_lower_bound_bytes", "B", "no plan of this model can do with less"),
    ("parameters", "", "numbers that training adjusted, those that the package leaves out included"),
];

/// Training samples that vote at most on the class of a v.
pub const NEIGHBOURS: usize = 2000;

/// What the float networks say.
#[derive(Clone, Debug)]
pub struct EquivaeFloat {
    /// The class codes that the device stores.
    pub table: Vec<Vec<f32>>,
    /// Of the test samples.
    pub test: EquivaeInference,
    /// Of the first training samples.
    pub train: EquivaeInference,
    /// Of the class left out.
    pub strangers: EquivaeInference,
    /// Means of f_inv over drawn labelled samples of a class, and that class: to fit, and to ask for.
    pub codes: [(Vec<Vec<f32>>, Vec<usize>); 2],
}

impl EquivaeFloat {
    /// Runs the networks.
    pub fn new(model: &EquivaeModel, recipe: &EquivaeRecipe, set: &LabelledSet, device: &Device) -> Self {
        let table = model.table(set, device);
        let some: Vec<_> = set.train.iter().take(NEIGHBOURS).collect();
        Self {
            test: model.infer(&set.test, set, &table, device),
            train: model.infer(&some, set, &table, device),
            strangers: model.infer(&set.strangers, set, &table, device),
            codes: drawn(model, recipe, set, device),
            table,
        }
    }

    /// The figures, by name.
    pub fn figures(&self, set: &LabelledSet) -> Vec<(String, f64)> {
        let mut figures = Vec::new();
        let mut note = |name: &str, value: f64| figures.push((name.to_owned(), value));
        let labels: Vec<usize> = set.test.iter().map(|sample| sample.label).collect();
        note("accuracy_float", accuracy(self.test.logits.iter().map(|logits| largest(logits)), &labels));
        note("chance", chance(&labels, set.classes.len()));
        if self.test.within.is_empty() {
            return figures;
        }
        note("accuracy_bound_float", accuracy(self.test.bounds.iter().map(|bounds| largest(bounds)), &labels));
        let [(known, of), (asked, classes)] = &self.codes;
        if !known.is_empty() {
            note("class_from_r", knn_accuracy(known, of, asked, classes));
        }
        note("class_from_v", knn_accuracy(&self.train.within, &truths(set), &self.test.within, &labels));
        let bounds = self.test.bounds.iter().zip(&labels).map(|(bounds, &label)| f64::from(bounds[label]));
        note("bound", bounds.sum::<f64>() / labels.len() as f64);
        let squares = self.test.scores.iter().map(|&score| f64::from(score)).sum::<f64>();
        note("reconstruction_mse", squares / labels.len() as f64);
        if !self.strangers.scores.is_empty() {
            note("auroc_left_out_float", area(&self.test.scores, &self.strangers.scores));
        }
        figures
    }
}

/// The figures of a package's readings, beside the float networks'.
pub fn figures(readings: &EquivaeReadings, float: &EquivaeFloat, set: &LabelledSet) -> Vec<(String, f64)> {
    let mut figures = Vec::new();
    let mut note = |name: &str, value: f64| figures.push((name.to_owned(), value));
    let labels: Vec<usize> = set.test.iter().map(|sample| sample.label).collect();
    note("accuracy_int8", accuracy(readings.test.iter().map(|reading| reading.class), &labels));
    let degenerate = readings.test.iter().filter(|reading| reading.degenerate.is_some()).count();
    note("degenerate_samples", degenerate as f64);
    let within = |all: &[Reading]| all.iter().map(|reading| reading.within.clone()).collect::<Vec<_>>();
    if readings.test.iter().all(|reading| reading.within.is_empty()) {
        return figures;
    }
    note("class_from_v_int8", knn_accuracy(&within(&readings.train), &truths(set), &within(&readings.test), &labels));
    let apart = v_errors(&readings.test, &float.test);
    note("v_error", percentile(&apart, 0.95));
    note("v_error_median", percentile(&apart, 0.5));
    let scores = |all: &[Reading]| all.iter().filter_map(|reading| reading.score).collect::<Vec<f32>>();
    let pairs = readings.test.iter().zip(&float.test.scores);
    let errors: Vec<f32> = pairs
        .filter_map(|(reading, &score)| Some((reading.score? - score).abs() / score.max(f32::MIN_POSITIVE)))
        .collect();
    if !errors.is_empty() {
        note("score_error", percentile(&errors, 0.5));
    }
    if !readings.strangers.is_empty() && !errors.is_empty() {
        note("auroc_left_out_int8", area(&scores(&readings.test), &scores(&readings.strangers)));
    }
    figures
}

/// What a package says.
#[derive(Clone, Debug, Default)]
pub struct EquivaeReadings {
    /// Of the test samples.
    pub test: Vec<Reading>,
    /// Of the first training samples.
    pub train: Vec<Reading>,
    /// Of the class left out.
    pub strangers: Vec<Reading>,
}

/// How far each number of integer v is from the float one, as part of the range that all float v span; of samples that both
/// give one class, since another class has another code.
fn v_errors(readings: &[Reading], float: &EquivaeInference) -> Vec<f32> {
    let numbers = || float.within.iter().flatten();
    let range = numbers().fold(f32::MIN, |a, &b| a.max(b)) - numbers().fold(f32::MAX, |a, &b| a.min(b));
    let pairs = readings.iter().zip(float.within.iter().zip(&float.logits));
    let same = pairs.filter(|(reading, (_, logits))| reading.class.is_some() && reading.class == largest(logits));
    same.flat_map(|(reading, (v, _))| reading.within.iter().zip(v).map(|(a, b)| (a - b).abs() / range)).collect()
}

/// The classes of the training samples that vote, whether the networks saw them or not.
fn truths(set: &LabelledSet) -> Vec<usize> {
    set.train.iter().take(NEIGHBOURS).map(|sample| sample.truth).collect()
}

/// The share of the largest class.
fn chance(labels: &[usize], classes: usize) -> f64 {
    let of = |class| labels.iter().filter(|&&label| label == class).count();
    (0..classes).map(of).max().unwrap_or(0) as f64 / labels.len().max(1) as f64
}

/// Class codes of samples that are not among those that they are made of, as training draws them: of training samples that
/// have a label to fit on, and of the test samples' classes.
fn drawn(
    model: &EquivaeModel,
    recipe: &EquivaeRecipe,
    set: &LabelledSet,
    device: &Device,
) -> [(Vec<Vec<f32>>, Vec<usize>); 2] {
    let by_class = set.by_class();
    let places: Vec<usize> = by_class.concat();
    let samples: Vec<&[i16]> = places.iter().map(|&place| set.train[place].as_ref()).collect();
    let all = model.invariant(&samples, set, device);
    if all.is_empty() {
        return Default::default();
    }
    let classes: Vec<usize> = by_class.iter().enumerate().flat_map(|(class, of)| vec![class; of.len()]).collect();
    let pool = Pool { places, classes };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut code = |class: usize, own: Option<usize>| -> Vec<f32> {
        let m = count(recipe.class_code.most, &mut rng);
        let row = pool.complement(class, own, m, &mut rng);
        let sum = |i: usize| row.iter().map(|&at| all[at][i]).sum::<f32>() / row.len() as f32;
        (0..recipe.class_code.code).map(sum).collect()
    };
    // Of all classes alike, which stand one behind the other.
    let step = pool.places.len().div_ceil(NEIGHBOURS).max(1);
    let known = pool.places.iter().zip(&pool.classes).step_by(step);
    let fit: (Vec<_>, Vec<_>) = known.map(|(&own, &class)| (code(class, Some(own)), class)).unzip();
    let asked = set.test.iter().map(|sample| (code(sample.label, None), sample.label)).unzip();
    [fit, asked]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a difference of two numbers of order 1.
    const TOLERANCE: f32 = 1e-6;

    #[test]
    fn v_is_compared_where_both_see_one_class() {
        let reading = |class, v: f32| Reading { class: Some(class), within: vec![v, 0.0], ..Reading::default() };
        let float = EquivaeInference {
            logits: vec![vec![1.0, 0.0], vec![1.0, 0.0]],
            within: vec![vec![-1.0, 0.0], vec![3.0, 0.0]],
            ..EquivaeInference::default()
        };
        // The range is 4, and the second sample's class is another.
        let apart = v_errors(&[reading(0, -0.9), reading(1, 9.0)], &float);
        assert!(apart.len() == 2 && (apart[0] - 0.1 / 4.0).abs() < TOLERANCE && apart[1] == 0.0, "{apart:?}");
    }

    #[test]
    fn chance_is_the_largest_share() {
        assert_eq!(chance(&[0, 1, 1, 2], 3), 0.5);
        assert_eq!(chance(&[], 0), 0.0);
    }
}
