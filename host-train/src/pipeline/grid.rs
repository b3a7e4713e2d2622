//! The same road for grids.

use super::costs;
use crate::data::posed::{Posed, Sample};
use crate::evaluate::device::Device as Core;
use crate::evaluate::grid::{GridEvaluation, evaluate_grid, whole};
use crate::evaluate::metrics::{accuracy, knn_accuracy, largest, percentile};
use crate::group::element::{distance, element, product};
use crate::method::{GridInference, GridModel};
use crate::package::{Contract, ContractField};
use crate::quantize::{calibrate_grid, extract_grid, lower_grid};
use crate::recipe::grid::{GridRecipe, GroupName};
use anyhow::Result;
use burn::prelude::Device;
use gimbal_core::format::FieldKind;
use gimbal_core::group::Element;

/// The package of a trained model.
pub fn package_grid(name: &str, recipe: &GridRecipe, posed: &Posed, model: &GridModel) -> Result<Vec<u8>> {
    let network = extract_grid(model);
    let unit = 1.0 / recipe.data.scale;
    let moved = &posed.train_moved.samples;
    let step = (moved.len() / recipe.quantize.calibration_windows).max(1);
    // Moved, so that ψ's ranges hold for more poses than one.
    let calibration: Vec<Sample> = moved.iter().step_by(step).cloned().collect();
    let ranges = calibrate_grid(&network, unit, &calibration);
    let contract = Contract {
        name: name.into(),
        rate_hz: posed.rate_hz,
        samples: posed.rows,
        hop: posed.rows,
        fields: vec![field(recipe, posed)],
        classes: if network.classifier.is_some() { posed.classes.clone() } else { Vec::new() },
    };
    let mut parts = lower_grid(&network, &ranges, contract, unit)?;
    parts.fast_len = recipe.quantize.fast_arena_bytes;
    Ok(parts.encode()?)
}

fn field(recipe: &GridRecipe, posed: &Posed) -> ContractField {
    let (kind, name) = match recipe.data.groups.first() {
        Some(GroupName::Ring) => (FieldKind::Ring, "electrodes"),
        Some(GroupName::Shift) => (FieldKind::Scalar, "signal"),
        _ => (FieldKind::Row, "image"),
    };
    ContractField {
        name: name.into(),
        unit: posed.unit.clone(),
        per_count: posed.per_count,
        kind,
        width: posed.columns,
    }
}

/// A package's figures and the readings behind them.
#[derive(Clone, Debug)]
pub struct GridMeasured {
    /// Name and value, in the order in which they are printed.
    pub metrics: Vec<(String, f64)>,
    /// The readings.
    pub evaluation: GridEvaluation,
}

/// Measures a package through core, on samples that `groups` have moved.
pub fn measure_grid(package: &[u8], groups: &[GroupName], posed: &Posed) -> Result<GridMeasured> {
    let mut core = Core::new(package)?;
    let evaluation = evaluate_grid(&mut core, posed, groups)?;
    let mut metrics = evaluation.figures(&mut core, posed)?;
    metrics.extend(costs(core.model(), package));
    Ok(GridMeasured { metrics, evaluation })
}

/// What the float networks say of the test samples as recorded and moved, and of the moved training samples.
#[derive(Clone, Debug)]
pub struct GridFloat {
    /// As recorded.
    pub upright: GridInference,
    /// Moved.
    pub moved: GridInference,
    /// Training samples, moved: the neighbours of 5-NN.
    pub train: GridInference,
}

impl GridFloat {
    /// Runs the networks.
    pub fn new(model: &GridModel, recipe: &GridRecipe, posed: &Posed, device: &Device) -> Self {
        let unit = 1.0 / recipe.data.scale;
        let mut moved = model.infer(&posed.test_moved.samples, unit, device);
        if recipe.loss.quotient > 0 {
            moved.reconstruction_mse = model.quotient_mse(&posed.test_moved.samples, recipe, device);
        }
        Self {
            upright: model.infer(&posed.test, unit, device),
            moved,
            train: model.infer(&posed.train_moved.samples, unit, device),
        }
    }

    /// The figures of the float networks, by name.
    pub fn figures(&self, recipe: &GridRecipe, posed: &Posed) -> Vec<(String, f64)> {
        let mut figures = Vec::new();
        let mut note = |name: &str, value: f64| figures.push((name.to_owned(), value));
        let labels: Vec<usize> = posed.test.iter().map(|sample| sample.label).collect();
        if self.moved.reconstruction_mse.is_finite() {
            note("reconstruction_mse", self.moved.reconstruction_mse.into());
        }
        note("knn_accuracy_float", self.knn(posed, |code| code.to_vec()));
        if !self.moved.logits.is_empty() {
            let classes = |of: &GridInference| of.logits.iter().map(|logits| largest(logits)).collect::<Vec<_>>();
            note("accuracy_moved_float", accuracy(classes(&self.moved), &labels));
            note("accuracy_upright_float", accuracy(classes(&self.upright), &labels));
        }
        if !recipe.pose.is_empty() {
            let degrees = self.law_degrees(recipe, posed);
            note("pose_error_deg_median_float", percentile(&degrees, 0.5));
            note("pose_error_deg_p95_float", percentile(&degrees, 0.95));
        }
        figures
    }

    /// 5-NN of what `read` makes of the codes, fit on the moved training samples, of the moved test samples.
    pub fn knn(&self, posed: &Posed, read: impl Fn(&[f32]) -> Vec<f32>) -> f64 {
        let codes = |of: &GridInference| of.codes.iter().map(|code| read(code)).collect::<Vec<_>>();
        let labels = |samples: &[Sample]| samples.iter().map(|sample| sample.label).collect::<Vec<_>>();
        let known = labels(&posed.train_moved.samples);
        knn_accuracy(&codes(&self.train), &known, &codes(&self.moved), &labels(&posed.test))
    }

    /// For each test sample, how far ψ(g·x) is from g·ψ(x), degrees.
    pub fn law_degrees(&self, recipe: &GridRecipe, posed: &Posed) -> Vec<f32> {
        let names: Vec<GroupName> = recipe.pose.iter().map(|pose| pose.group).collect();
        let of = |inference: &GridInference, index: usize| -> Option<Element> {
            let rows = names.iter().zip(&inference.elements);
            let elements = rows.map(|(&name, rows)| element(name, &unit_length(name, &rows[index]), posed.extent()));
            elements.map(Some).reduce(|g, h| product(g?, h?)).flatten()
        };
        (0..posed.test.len())
            .filter_map(|index| {
                let g = whole(&posed.test_moved, &recipe.data.groups, index, posed)?;
                Some(distance(product(g, of(&self.upright, index)?)?, of(&self.moved, index)?)?.degrees)
            })
            .collect()
    }
}

/// A direction that vanished is as good as any.
fn unit_length(name: GroupName, row: &[f32]) -> Vec<f32> {
    match (name, row) {
        (GroupName::So2 | GroupName::Shift, &[x, y]) if x.hypot(y) < 0.5 => vec![1.0, 0.0],
        (GroupName::O2, &[x, y, hand]) if x.hypot(y) < 0.5 => vec![1.0, 0.0, hand],
        _ => row.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::grid::load;
    use crate::group::element::act;
    use crate::nn::testing::device;
    use gimbal_core::group::Degenerate;
    use gimbal_core::group::cyclic::Cyclic;
    use gimbal_core::group::o2::Orthogonal;
    use gimbal_core::group::so2::Rotation;
    use std::path::Path;

    /// A recipe's samples and the package of its fresh networks.
    fn fresh(name: &str) -> (Posed, Vec<u8>) {
        let device = device();
        let mut recipe = GridRecipe::load(name).unwrap();
        recipe.data.samples = 60;
        let posed = Posed::new(&recipe.data, &load(&recipe.data.source, Path::new("")).unwrap(), &device).unwrap();
        let model = GridModel::new(&recipe, posed.extent(), posed.classes.len(), &device).unwrap();
        let package = package_grid(name, &recipe, &posed, &model).unwrap();
        (posed, package)
    }

    /// Filters are their own turns and mirror images in integers, whatever the weights.
    #[test]
    fn quarter_turns_and_mirrors_move_the_pose_and_nothing_else() {
        for (name, group) in [
            ("rotated-digits-small", GroupName::So2),
            ("reflected-digits-small", GroupName::O2),
            ("quarter-digits", GroupName::C4),
        ] {
            let (posed, package) = fresh(name);
            let mut core = Core::new(&package).unwrap();
            let reflects = group == GroupName::O2;
            let (mut hands, mut quarters) = ([false; 2], [false; 4]);
            for sample in posed.test_moved.samples.iter().take(40) {
                let upright = core.read(&sample.counts).unwrap();
                let pose = upright.pose.unwrap();
                for turns in 0..4 {
                    for reflected in [false, true].into_iter().take(1 + usize::from(reflects)) {
                        let rotation = Rotation::from_quarter_turns(turns);
                        let g = match group {
                            GroupName::O2 => Element::Orthogonal(Orthogonal::new(rotation, reflected)),
                            GroupName::C4 => Element::Cyclic(Cyclic::new(turns, 4)),
                            _ => Element::Planar(rotation),
                        };
                        let moved = core.read(&act(g, posed.extent(), &sample.counts).unwrap()).unwrap();
                        let found = moved.pose.unwrap();
                        assert_eq!(found.element, product(g, pose.element).unwrap());
                        assert_eq!(found.confidence, pose.confidence);
                        assert_eq!((&moved.canonical, &moved.code), (&upright.canonical, &upright.code));
                        assert_eq!(moved.class, upright.class);
                    }
                }
                match pose.element {
                    Element::Orthogonal(found) => hands[usize::from(found.is_reflected())] = true,
                    Element::Cyclic(found) => quarters[usize::from(found.index())] = true,
                    _ => {}
                }
            }
            assert_eq!(hands, [reflects; 2], "{name}: samples of both hands were seen");
            assert_eq!(quarters, [group == GroupName::C4; 4], "{name}: samples in all four quarters were seen");
        }
    }

    /// The law leaves no other answer: such an image is its own turned copy, and the copy's pose would be another.
    #[test]
    fn an_image_that_looks_the_same_turned_has_no_quarter() {
        let (posed, package) = fresh("quarter-digits");
        let mut core = Core::new(&package).unwrap();
        for sample in posed.test.iter().take(40) {
            let turned = |turns| act(Element::Cyclic(Cyclic::new(turns, 4)), posed.extent(), &sample.counts).unwrap();
            let brightest = |images: &[Vec<i16>]| -> Vec<i16> {
                (0..64).map(|pixel| images.iter().map(|image| image[pixel]).max().unwrap()).collect()
            };
            let after_half = brightest(&[turned(0), turned(2)]);
            let after_quarter = brightest(&[turned(0), turned(1), turned(2), turned(3)]);
            for image in [after_half, after_quarter, vec![0; 64], vec![240; 64]] {
                let reading = core.read(&image).unwrap();
                assert_eq!((reading.pose, reading.degenerate), (None, Some(Degenerate::Tied)));
            }
        }
    }

    /// The same recipe on larger images: what changes is `source`.
    #[test]
    fn quarter_turns_of_larger_images_fit_too() {
        let recipe = GridRecipe::load("quarter-digits").unwrap();
        let mnist = crate::data::catalog::Set::find("mnist").unwrap();
        let extent = crate::nn::grid::Extent { channels: 1, rows: mnist.rows, columns: mnist.columns };
        assert!(GridModel::new(&recipe, extent, mnist.classes.len(), &device()).is_ok());
    }
}
