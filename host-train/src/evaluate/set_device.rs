//! How good packages of sets are, measured through core, and what a float decoder makes of their integers.

use super::device::{Device as Core, Reading};
use super::metrics::{accuracy, knn_accuracy, largest, nearest_accuracy, percentile};
use crate::data::sets::{Set, Sets};
use crate::method::SetModel;
use crate::recipe::set::SetRecipe;
use burn::prelude::*;
use gimbal_core::Error;
use gimbal_core::format::Chart;
use gimbal_core::group::o3::Orthogonal;
use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Element, Group};

/// What a package says of the test sets as drawn and moved, and of sets as they are trained on.
#[derive(Clone, Debug, Default)]
pub struct SetEvaluation {
    /// As drawn.
    pub drawn: Vec<Reading>,
    /// Moved.
    pub moved: Vec<Reading>,
    /// The neighbours of 1-NN and 5-NN.
    pub reference: Vec<Reading>,
    /// For each test set that has a pose both ways, how far ψ(g·x) is from g·ψ(x), degrees; 180 between two hands.
    pub law: Vec<f32>,
    /// For the same sets, how far it is from the nearest g·s·ψ(x) where s carries the set's form onto itself.
    pub law_up_to_symmetry: Vec<f32>,
    /// The moved sets inverted through the origin, if mirror images have a pose of their own; empty otherwise.
    pub inverted: Vec<Reading>,
}

/// Runs a package over test sets.
///
/// # Errors
/// If the package takes other sets.
pub fn evaluate_set(core: &mut Core<'_>, sets: &Sets) -> Result<SetEvaluation, Error> {
    let [drawn, moved, reference] = [&sets.test, &sets.test_moved, &sets.reference].map(|sets| core.read_all(sets));
    let (drawn, moved, reference) = (drawn?, moved?, reference?);
    let (mut law, mut law_up_to_symmetry) = (Vec::new(), Vec::new());
    let cases = drawn.iter().zip(&moved).zip(&sets.moves).zip(&sets.placed).zip(&sets.test);
    for ((((drawn, moved), by), there), set) in cases {
        let (Some(drawn), Some(moved)) = (orthogonal(drawn), orthogonal(moved)) else { continue };
        let [g, there] = [by, there].map(|by| Rotation::from_quaternion(by.quaternion));
        // s of `ψ(g·x) = g · s · ψ(x)`, and as the form sees it before it was put there.
        let extra = g.inverse().compose(moved.rotation()).compose(drawn.rotation().inverse());
        let of_form = there.inverse().compose(extra).compose(there);
        let symmetric = sets.stabilizer(set.label).angle_to(&of_form).to_degrees();
        let apart = moved.is_reflected() != drawn.is_reflected();
        law.push(if apart { 180.0 } else { extra.angle_to(&Rotation::IDENTITY).to_degrees() });
        law_up_to_symmetry.push(if apart { 180.0 } else { symmetric });
    }
    let mirrored = core.model().pose_heads().iter().any(|head| head.chart == Chart::ThreeVectors);
    let inverted: Vec<Set> = sets.test_moved.iter().filter(|_| mirrored).map(|set| sets.inverted(set)).collect();
    let inverted = core.read_all(&inverted)?;
    Ok(SetEvaluation { drawn, moved, reference, law, law_up_to_symmetry, inverted })
}

impl SetEvaluation {
    /// The figures, by name: how well the law is kept if there is ψ, neighbours of the codes, all sets at random pose, and
    /// accuracies if there are classes.
    pub fn figures(&self, core: &Core<'_>, sets: &Sets) -> Vec<(String, f64)> {
        let mut figures = Vec::new();
        let mut note = |name: &str, value: f64| figures.push((name.to_owned(), value));
        let labels = |some: &[Set]| some.iter().map(|set| set.label).collect::<Vec<_>>();
        let (test, known) = (labels(&sets.test), labels(&sets.reference));
        if core.model().pose_heads().len() > 1 {
            note("pose_error_deg_median", percentile(&self.law, 0.5));
            note("pose_error_deg_p95", percentile(&self.law, 0.95));
        }
        if core.model().pose_heads().len() > 1 && sets.are_symmetric() {
            note("pose_error_up_to_symmetry_deg_median", percentile(&self.law_up_to_symmetry, 0.5));
            note("pose_error_up_to_symmetry_deg_p95", percentile(&self.law_up_to_symmetry, 0.95));
        }
        if let Some((hands, codes)) = self.under_inversion() {
            note("hand_errors", hands);
            note("inverted_codes_equal", codes);
        }
        if !core.model().pose_heads().is_empty() {
            let degenerate = self.moved.iter().filter(|reading| reading.degenerate.is_some());
            note("degenerate_sets", degenerate.count() as f64);
        }
        if !sets.classes.is_empty() {
            let codes = |of: &[Reading]| of.iter().map(|reading| reading.code.clone()).collect::<Vec<_>>();
            let (reference, moved) = (codes(&self.reference), codes(&self.moved));
            note("nearest_accuracy", nearest_accuracy(&reference, &known, &moved, &test));
            note("knn_accuracy", knn_accuracy(&reference, &known, &moved, &test));
            if !self.inverted.is_empty() {
                let [known, test] = [&sets.reference, &sets.test].map(|some| sets.unhanded(some));
                note("nearest_accuracy_unhanded", nearest_accuracy(&reference, &known, &moved, &test));
            }
        }
        if core.classes() > 0 {
            let classes = |of: &[Reading]| of.iter().map(|reading| reading.class).collect::<Vec<_>>();
            note("accuracy_moved_int8", accuracy(classes(&self.moved), &test));
            note("accuracy_int8", accuracy(classes(&self.drawn), &test));
        }
        if self.moved.iter().any(|reading| !reading.order.is_empty()) {
            note("tied_places", self.tied_places(sets));
        }
        figures
    }

    /// Of the moved sets that have a pose both ways, the share whose hand the inversion does not turn around, and the share
    /// whose code stays the same, bit for bit.
    fn under_inversion(&self) -> Option<(f64, f64)> {
        let pairs =
            || self.moved.iter().zip(&self.inverted).filter_map(|(a, b)| Some((orthogonal(a)?, orthogonal(b)?, a, b)));
        let all = pairs().count() as f64;
        let hands = pairs().filter(|(a, b, ..)| a.is_reflected() == b.is_reflected()).count();
        let codes = pairs().filter(|(_, _, a, b)| a.code == b.code).count();
        (all > 0.0).then(|| (hands as f64 / all, codes as f64 / all))
    }

    /// The share of neighbouring places whose elements are not equal and have equal scores.
    fn tied_places(&self, sets: &Sets) -> f64 {
        let channels = sets.channels();
        let (mut tied, mut all) = (0, 0);
        for reading in &self.moved {
            let row = |place: i16| &reading.canonical[place as usize * channels..][..channels];
            for (pair, gap) in reading.order.windows(2).zip(&reading.gaps) {
                all += 1;
                tied += usize::from(*gap == 0 && row(pair[0]) != row(pair[1]));
            }
        }
        tied as f64 / (all as f64).max(1.0)
    }
}

/// What δ, in float, makes of the integer codes of the moved test sets.
#[derive(Clone, Debug)]
pub struct SetDecoded {
    /// For each set, its elements place after place; empty where the set has no pose.
    places: Vec<Vec<f32>>,
}

impl SetDecoded {
    /// Decodes.
    pub fn new(model: &SetModel, evaluation: &SetEvaluation, device: &Device) -> Self {
        let there: Vec<usize> = (0..evaluation.moved.len()).filter(|&i| !evaluation.moved[i].code.is_empty()).collect();
        let codes: Vec<Vec<f32>> = there.iter().map(|&i| evaluation.moved[i].code.clone()).collect();
        let mut places = vec![Vec::new(); evaluation.moved.len()];
        there.into_iter().zip(model.decode(&codes, device)).for_each(|(i, decoded)| places[i] = decoded);
        Self { places }
    }

    /// What δ makes of the code of the test set at this place, place after place, network units and logits of types; empty
    /// where the set has no pose.
    pub fn places(&self, index: usize) -> &[f32] {
        self.places.get(index).map_or(&[], Vec::as_slice)
    }

    /// The figures, by name: what is right of the types, and how far places are off, both in the caller's set: through
    /// pose, order and code in integers.
    pub fn figures(&self, recipe: &SetRecipe, sets: &Sets, evaluation: &SetEvaluation) -> Vec<(String, f64)> {
        let mut figures = Vec::new();
        let mut note = |name: &str, value: f64| figures.push((name.to_owned(), value));
        if self.places.iter().all(Vec::is_empty) {
            return figures;
        }
        let cases = || self.places.iter().zip(&evaluation.moved).zip(&sets.test_moved);
        if sets.types > 0 && recipe.order.is_some() {
            let right: Vec<(usize, usize)> = cases()
                .map(|((places, reading), set)| (types_right(places, reading, set, sets), sets.size(set)))
                .collect();
            let whole = right.iter().filter(|(right, elements)| right == elements).count();
            let [single, elements] = [0, 1].map(|i| right.iter().map(|&(a, b)| [a, b][i]).sum::<usize>() as f64);
            note("set_accuracy_int8", whole as f64 / right.len() as f64);
            note("element_accuracy_int8", single / elements);
        }
        if sets.points {
            let scale = recipe.data.scale;
            if recipe.order.is_some() {
                let distances =
                    cases().filter_map(|((places, reading), set)| distances(places, reading, set, sets, scale));
                let squared = mean(distances.flatten());
                note("reconstruction_mse_int8", squared / 3.0);
                note("rmse_int8", squared.sqrt());
            }
            let errors = cases().filter_map(|((places, reading), set)| chamfer(places, reading, set, sets, scale));
            note("chamfer_int8", mean(errors));
        }
        figures
    }
}

/// Elements whose type is right.
fn types_right(places: &[f32], reading: &Reading, set: &Set, sets: &Sets) -> usize {
    let channels = sets.channels();
    let from = channels - sets.types;
    let right = places.chunks_exact(channels).zip(&reading.order).filter(|(decoded, row)| {
        let truth = &set.counts[**row as usize * channels..][from..channels];
        largest(&decoded[from..]).is_some_and(|kind| truth[kind] == 1)
    });
    right.count()
}

/// The squared distance of each element from where it belongs, units of the data squared.
fn distances(places: &[f32], reading: &Reading, set: &Set, sets: &Sets, scale: f32) -> Option<Vec<f64>> {
    let estimate = moved_back(places, reading, sets, scale)?;
    let truth = |row: i16| place(set, row as usize, sets);
    Some(estimate.iter().zip(&reading.order).map(|(estimate, &row)| squared(*estimate, truth(row))).collect())
}

/// The mean squared distance to the nearest, both ways, units of the data squared.
fn chamfer(places: &[f32], reading: &Reading, set: &Set, sets: &Sets, scale: f32) -> Option<f64> {
    let mut estimate = moved_back(places, reading, sets, scale)?;
    estimate.truncate(sets.size(set));
    let truth: Vec<[f64; 3]> = (0..sets.size(set)).map(|row| place(set, row, sets)).collect();
    let nearest = |from: &[[f64; 3]], to: &[[f64; 3]]| {
        mean(from.iter().map(|&a| to.iter().map(|&b| squared(a, b)).fold(f64::INFINITY, f64::min)))
    };
    Some(nearest(&estimate, &truth) + nearest(&truth, &estimate))
}

/// Decoded places where the caller's set stands, units of the data: `R·p + t`.
fn moved_back(places: &[f32], reading: &Reading, sets: &Sets, scale: f32) -> Option<Vec<[f64; 3]>> {
    let (acting, translation) = match reading.pose?.element {
        Element::RigidMotion3(motion) => (Orthogonal::new(motion.acting, false), motion.normal),
        Element::Isometry3(isometry) => (isometry.acting, isometry.normal),
        Element::Translation3(translation) => (Orthogonal::IDENTITY, translation),
        _ => return None,
    };
    let count = f64::from(sets.per_count);
    let rows = places.chunks_exact(sets.channels());
    Some(
        rows.map(|row| {
            let turned = acting.act([row[0], row[1], row[2]]);
            std::array::from_fn(|i| f64::from(turned[i] * scale) + f64::from(translation.vector()[i]) * count)
        })
        .collect(),
    )
}

/// A place of a set, units of the data.
fn place(set: &Set, row: usize, sets: &Sets) -> [f64; 3] {
    std::array::from_fn(|axis| f64::from(set.counts[row * sets.channels() + axis]) * f64::from(sets.per_count))
}

fn squared(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
    sum / count
}

/// How a set is turned, or mirrored and turned; `None` for a model that does not find that.
pub fn orthogonal(reading: &Reading) -> Option<Orthogonal> {
    match reading.pose?.element {
        Element::RigidMotion3(motion) => Some(Orthogonal::new(motion.acting, false)),
        Element::Isometry3(isometry) => Some(isometry.acting),
        _ => None,
    }
}
