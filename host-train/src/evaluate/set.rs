//! How good the float networks of sets are.

use super::metrics::{accuracy, largest, nearest_accuracy, percentile};
use crate::data::sets::{Set, Sets};
use crate::method::{SetInference, SetModel};
use crate::recipe::set::SetRecipe;
use burn::prelude::*;
use gimbal_core::group::so3::Rotation;

/// Name, unit and meaning of each figure of a set's `metrics.json`, in the order in which they are printed.
pub const SET_FIGURES: [(&str, &str, &str); 39] = [
    ("set_accuracy_int8", "", "moved test sets of which every type is right: integer code and order, float decoder"),
    ("element_accuracy_int8", "", "types that are right"),
    (
        "reconstruction_mse_int8",
        "",
        "mean squared error of the places, each coordinate, units of the data squared: integer pose, code and order",
    ),
    (
        "rmse_int8",
        "",
        "root of the mean squared distance of a place from where it belongs, units of the data: integer pose, code and order",
    ),
    ("chamfer_int8", "", "Chamfer distance of the places, units of the data squared: integer pose and code"),
    ("nearest_accuracy", "", "1-NN on the integer code, all sets at random pose, fit on sets as they are trained on"),
    ("nearest_accuracy_unhanded", "", "the same, a class and its mirror images one"),
    ("knn_accuracy", "", "5-NN on the integer code, in the same way"),
    ("accuracy_moved_int8", "", "test accuracy through core, moved"),
    ("accuracy_int8", "", "the same, sets as drawn"),
    ("pose_error_deg_median", "°", "angle between ψ(g·x) and g·ψ(x), integer path, median"),
    ("pose_error_deg_p95", "°", "the same, 95th percentile"),
    (
        "pose_error_up_to_symmetry_deg_median",
        "°",
        "the same to the nearest of the poses that the form's own rotations leave open, and 180 between two hands, median",
    ),
    ("pose_error_up_to_symmetry_deg_p95", "°", "the same, 95th percentile"),
    (
        "hand_errors",
        "",
        "share of the moved sets whose pose does not change its hand as they are inverted through the origin",
    ),
    ("inverted_codes_equal", "", "share of those whose code stays the same, bit for bit"),
    (
        "volume_agreement_given",
        "",
        "cells that two volumes of one solid both occupy, as a share of those that either does",
    ),
    ("volume_agreement_int8", "", "the same of their canonical volumes, integer path"),
    ("volume_agreement_known", "", "the same if both were turned back by what they were turned by"),
    (
        "volume_pose_error_deg_median",
        "°",
        "angle between ψ(g·x) and g·ψ(x) up to turns that leave a solid as it is, made of cells anew, integer path, median",
    ),
    ("volume_pose_error_deg_p95", "°", "the same, 95th percentile"),
    ("degenerate_sets", "", "moved test sets without a pose"),
    ("tied_places", "", "share of neighbouring places that hold different elements of one score"),
    ("set_accuracy_float", "", "moved test sets of which every type is right, float networks"),
    ("element_accuracy_float", "", "types that are right"),
    ("reconstruction_mse", "", "mean squared error of the places, each coordinate, units of the data squared"),
    ("rmse", "", "root of the mean squared distance of a place from where it belongs, units of the data"),
    ("chamfer", "", "Chamfer distance of the places, units of the data squared"),
    ("nearest_accuracy_float", "", "1-NN on the code, all sets at random pose, fit on sets as they are trained on"),
    ("accuracy_moved_float", "", "test accuracy of the class head, moved"),
    ("accuracy_float", "", "the same, sets as drawn"),
    ("pose_error_deg_median_float", "°", "angle between ψ(g·x) and g·ψ(x), median"),
    ("pose_error_deg_p95_float", "°", "the same, 95th percentile"),
    ("code_error_float", "", "largest change of a code's number under g, as a share of the codes' range"),
    ("macs", "", "multiplications of an activation by a weight, a set of the most elements"),
    ("package_bytes", "B", "the whole package"),
    ("arena_bytes", "B", "memory for activations"),
    ("arena_lower_bound_bytes", "B", "no plan of this model can do with less"),
    ("parameters", "", "numbers that training adjusted, decoder included"),
];

/// What the float networks say of the test sets as drawn and moved, and of sets as they are trained on.
#[derive(Clone, Debug)]
pub struct SetFloat {
    /// As drawn.
    pub drawn: SetInference,
    /// Moved.
    pub moved: SetInference,
    /// The neighbours of 1-NN.
    pub reference: SetInference,
}

impl SetFloat {
    /// Runs the networks.
    pub fn new(model: &SetModel, recipe: &SetRecipe, sets: &Sets, device: &Device) -> Self {
        let infer = |some: &[Set]| model.infer(sets, some, recipe.data.scale, device);
        Self { drawn: infer(&sets.test), moved: infer(&sets.test_moved), reference: infer(&sets.reference) }
    }

    /// The figures, by name.
    pub fn figures(&self, recipe: &SetRecipe, sets: &Sets) -> Vec<(String, f64)> {
        let mut figures = Vec::new();
        let mut note = |name: &str, value: f64| figures.push((name.to_owned(), value));
        let labels = |some: &[Set]| some.iter().map(|set| set.label).collect::<Vec<_>>();
        let test = labels(&sets.test);
        if !self.moved.reconstructions.is_empty() {
            if sets.types > 0 {
                let (whole, single) = self.types_right(sets);
                note("set_accuracy_float", whole);
                note("element_accuracy_float", single);
            }
            if sets.points {
                let squared = f64::from(recipe.data.scale).powi(2);
                if recipe.names_elements() {
                    let error = squared * self.squared_error(sets);
                    note("reconstruction_mse", error);
                    // Of three coordinates together.
                    note("rmse", (3.0 * error).sqrt());
                }
                let all: f64 = self.moved.chamfer.iter().map(|&apart| f64::from(apart)).sum();
                note("chamfer", squared * all / self.moved.chamfer.len() as f64);
            }
        }
        if !sets.classes.is_empty() {
            let known = labels(&sets.reference);
            note("nearest_accuracy_float", nearest_accuracy(&self.reference.codes, &known, &self.moved.codes, &test));
        }
        if !self.moved.logits.is_empty() {
            let classes = |of: &SetInference| of.logits.iter().map(|logits| largest(logits)).collect::<Vec<_>>();
            note("accuracy_moved_float", accuracy(classes(&self.moved), &test));
            note("accuracy_float", accuracy(classes(&self.drawn), &test));
        }
        if !self.moved.rotations.is_empty() {
            let degrees = self.law_degrees(sets);
            note("pose_error_deg_median_float", percentile(&degrees, 0.5));
            note("pose_error_deg_p95_float", percentile(&degrees, 0.95));
        }
        note("code_error_float", self.code_error());
        figures
    }

    /// The shares of moved sets of which every type is right, and of types that are right.
    fn types_right(&self, sets: &Sets) -> (f64, f64) {
        let channels = sets.channels();
        let from = channels - sets.types;
        let (mut whole, mut single, mut all) = (0, 0, 0);
        for (estimate, set) in self.moved.reconstructions.iter().zip(&sets.test_moved) {
            let rows = estimate.chunks_exact(channels).zip(set.counts.chunks_exact(channels));
            let right =
                rows.filter(|(logits, truth)| largest(&logits[from..]).is_some_and(|kind| truth[from + kind] == 1));
            let (right, elements) = (right.count(), sets.size(set));
            whole += usize::from(right == elements);
            single += right;
            all += elements;
        }
        (whole as f64 / sets.test.len() as f64, single as f64 / all as f64)
    }

    /// The mean squared error of a coordinate, network units squared.
    fn squared_error(&self, sets: &Sets) -> f64 {
        let channels = sets.channels();
        let (mut sum, mut count) = (0.0, 0.0);
        for (estimate, truth) in self.moved.reconstructions.iter().zip(&self.moved.canonical) {
            for (estimate, truth) in estimate.chunks_exact(channels).zip(truth.chunks_exact(channels)) {
                sum += (0..3).map(|axis| f64::from(estimate[axis] - truth[axis]).powi(2)).sum::<f64>();
                count += 3.0;
            }
        }
        sum / count
    }

    /// For each test set, how far ψ(g·x) is from g·ψ(x), degrees.
    pub fn law_degrees(&self, sets: &Sets) -> Vec<f32> {
        let pairs = self.drawn.rotations.iter().zip(&self.moved.rotations).zip(&sets.moves);
        pairs
            .map(|((drawn, moved), by)| {
                let expected = product(Rotation::from_quaternion(by.quaternion).rows(), matrix(drawn));
                if determinant(expected) * determinant(matrix(moved)) < 0.0 {
                    return 180.0;
                }
                // The angle from the Frobenius distance, which is exact for small ones.
                let difference = expected.as_flattened().iter().zip(moved).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
                2.0 * (difference / 8.0).sqrt().min(1.0).asin().to_degrees()
            })
            .collect()
    }

    /// The largest difference between codes of a set and the set moved, as a share of the range of all codes.
    fn code_error(&self) -> f64 {
        let numbers = || self.drawn.codes.iter().flatten().copied();
        let range = numbers().fold(f32::MIN, f32::max) - numbers().fold(f32::MAX, f32::min);
        let pairs = numbers().zip(self.moved.codes.iter().flatten());
        f64::from(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / range.max(f32::MIN_POSITIVE))
    }
}

fn matrix(row: &[f32]) -> [[f32; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| row[3 * i + j]))
}

/// Its sign is the hand.
fn determinant([a, b, c]: [[f32; 3]; 3]) -> f32 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
}

fn product(a: [[f32; 3]; 3], b: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}
