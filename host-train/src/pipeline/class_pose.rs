//! The same road for class and pose.

use super::costs;
use crate::data::paired::Paired;
use crate::evaluate::class_pose::Spoken;
use crate::evaluate::coverage::Coverage;
use crate::evaluate::device::Device as Core;
use crate::evaluate::metrics::percentile;
use crate::evaluate::walk::Point;
use crate::group::action::Poses;
use crate::method::ClassPoseModel;
use crate::package::{Contract, ContractField};
use crate::quantize::{Told, calibrate_image, extract_image, lower_image};
use crate::recipe::class_pose::ClassPoseRecipe;
use anyhow::{Context, Result};
use burn::prelude::Device;
use gimbal_core::format::FieldKind;
use std::convert::Infallible;

/// The package of a trained model.
///
/// # Errors
/// If the method is a baseline, whose latent vector is no code and pose, or a device would refuse the package.
pub fn package_class_pose(
    name: &str,
    recipe: &ClassPoseRecipe,
    paired: &Paired,
    model: &ClassPoseModel,
) -> Result<Vec<u8>> {
    let mut network = extract_image(model, paired.shape).context("the method has no code and pose to package")?;
    let (chart, direction) = model.poses.told().context("no device tells poses of this group")?;
    // The device tells poses in the terms of files.
    let units = model.poses.units();
    network.pose.scale_rows(|row| units[row % units.len()]);
    let unit = 1.0 / recipe.triples.scale;
    let step = (paired.before.len() / recipe.quantize.calibration_windows).max(1);
    let calibration: Vec<Vec<f32>> = paired.before.iter().step_by(step).map(|sample| in_units(sample, unit)).collect();
    let ranges = calibrate_image(&network, &calibration, direction);
    let [rows, columns, channels] = paired.shape;
    // A signal has as many samples as columns, an image as many as rows.
    let (samples, kind, width) = match rows {
        1 => (columns, FieldKind::Scalar, channels),
        _ => (rows, FieldKind::Row, columns * channels),
    };
    let field = ContractField { name: "sample".into(), unit: String::new(), per_count: unit, kind, width };
    let contract =
        Contract { name: name.into(), rate_hz: 1.0, samples, hop: samples, fields: vec![field], classes: Vec::new() };
    let told = Told { chart, members: recipe.encoder.elements };
    let mut parts = lower_image(&network, &ranges, contract, unit, told)?;
    parts.fast_len = recipe.quantize.fast_arena_bytes;
    Ok(parts.encode()?)
}

fn in_units(sample: &[i16], unit: f32) -> Vec<f32> {
    sample.iter().map(|&count| f32::from(count) * unit).collect()
}

/// Numbers that no pose has.
const FAR: f32 = 1e6;

/// What a package says of a data set's samples, through core.
///
/// # Errors
/// If the package takes other samples.
pub fn spoken_by_core(package: &[u8], recipe: &ClassPoseRecipe, paired: &Paired) -> Result<Spoken> {
    let poses = Poses::new(&paired.group, recipe.encoder.rotation, recipe.triples.unit);
    let mut core = Core::new(package)?;
    let mut point = |sample: &&Vec<i16>| {
        let reading = core.read(sample)?;
        let length = reading.code.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        // A sample without a pose is nowhere: nothing is near it.
        let nowhere = || vec![vec![FAR; poses.width()]];
        let elements = reading.members.iter().map(|pose| poses.row_of(&pose.element)).collect::<Vec<_>>();
        Ok(Point {
            code: reading.code.iter().map(|x| x / length).collect(),
            elements: if elements.is_empty() { nowhere() } else { elements },
        })
    };
    Spoken::new(paired, &poses, |samples| samples.iter().map(&mut point).collect::<Result<Vec<_>>>())
}

/// What a float network says of a data set's samples; baselines move latent vectors in a way of their own.
pub fn spoken_by_float(model: &ClassPoseModel, recipe: &ClassPoseRecipe, paired: &Paired, device: &Device) -> Spoken {
    let unit = 1.0 / recipe.triples.scale;
    let says = |samples: &[&Vec<i16>]| Ok::<_, Infallible>(model.infer(samples, paired, unit, device));
    if recipe.is_packaged() {
        let Ok(spoken) = Spoken::new(paired, &model.poses, says);
        return spoken;
    }
    let walks = &paired.walks;
    let frames = |mark: usize| walks.frames.iter().map(|frames| &frames[mark]).collect::<Vec<_>>();
    let mut spoken = Spoken {
        frames: (0..walks.marks.len()).map(|mark| model.infer(&frames(mark), paired, unit, device)).collect(),
        ..Spoken::default()
    };
    let mut points = spoken.frames[0].clone();
    for step in 0..walks.marks.last().copied().unwrap_or(0) {
        let actions: Vec<Vec<f32>> = walks.actions.iter().map(|actions| model.poses.row(&actions[step])).collect();
        points = model.infer_moved(&points, &actions, device);
        if walks.marks.contains(&(step + 1)) {
            spoken.moved.push(points.clone());
        }
    }
    spoken
}

/// The figures of a network that says code and pose, or those of a baseline: hit-rates alone. Names end in `suffix`.
pub fn figures(spoken: &Spoken, recipe: &ClassPoseRecipe, paired: &Paired, suffix: &str) -> Vec<(String, f64)> {
    let mut figures = Vec::new();
    let mut note = |name: &str, value: f64| figures.push((format!("{name}{suffix}"), value));
    for (steps, rate) in spoken.hit_rates(paired) {
        note(&format!("hit_rate_{steps}"), rate);
    }
    if recipe.is_packaged() {
        note("class_from_code", spoken.class_from(paired, |point| point.code.clone()));
        note("class_from_pose", spoken.class_from(paired, |point| point.elements.concat()));
    }
    if recipe.is_packaged() {
        let degrees = spoken.errors_degrees(paired);
        if !degrees.is_empty() {
            note("pose_error_deg_median", percentile(&degrees, 0.5));
            note("pose_error_deg_p95", percentile(&degrees, 0.95));
        }
    }
    if recipe.encoder.elements > 1 {
        let Coverage { degrees, members } = Coverage::new(&spoken.frames[0], paired, &recipe.triples.source);
        if !degrees.is_empty() {
            let within = degrees.iter().filter(|degrees| **degrees <= 5.0).count() as f64 / degrees.len() as f64;
            note("stabilizer_within_5_deg", within);
            note("stabilizer_error_deg_median", percentile(&degrees, 0.5));
            note("stabilizer_error_deg_p95", percentile(&degrees, 0.95));
            note("stabilizer_member_deg_max", percentile(&members, 1.0));
        }
    }
    figures
}

/// The figures of a package, and how they differ from those of the float network.
pub fn measure_class_pose(
    package: &[u8],
    spoken: &Spoken,
    float: &Spoken,
    recipe: &ClassPoseRecipe,
    paired: &Paired,
) -> Result<Vec<(String, f64)>> {
    let mut metrics = figures(spoken, recipe, paired, "");
    metrics.push(("pose_change_int8_median".into(), spoken.pose_change(float, 0.5)));
    metrics.push(("pose_change_int8_p95".into(), spoken.pose_change(float, 0.95)));
    metrics.extend(costs(Core::new(package)?.model(), package));
    Ok(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::device;
    use crate::recipe::class_pose::RotationForm;

    /// Of poses of fresh networks, in parts of how far these reach, median: some have hardly a direction. Of codes the cosine.
    const TOLERANCE: f64 = 0.05;

    fn recipe(source: &str, rotation: RotationForm, elements: usize, blocks: usize) -> ClassPoseRecipe {
        let mut recipe = ClassPoseRecipe::load("class-pose-sprites").unwrap();
        recipe.triples.source = source.into();
        (recipe.triples.size, recipe.triples.train, recipe.triples.test) = (16, 64, 32);
        (recipe.encoder.channels, recipe.encoder.features) = (vec![8, 12], 32);
        (recipe.encoder.rotation, recipe.encoder.elements, recipe.encoder.blocks) = (rotation, elements, blocks);
        recipe
    }

    /// From the float network to core's session: every chart, sets of elements, plain encoders and those with ways around,
    /// images of one and of three channels, and signals.
    #[test]
    fn the_device_tells_what_the_network_says() {
        let device = device();
        use RotationForm::{Exponential, Quaternion, Six};
        for (source, rotation, elements, blocks) in [
            ("sprites", Six, 1, 0),
            ("color-shift", Six, 1, 1),
            ("multi-sprites", Six, 1, 2),
            ("rooms", Six, 1, 0),
            ("rooms-odometry", Six, 1, 0),
            ("chairs", Exponential, 1, 0),
            ("chairs", Quaternion, 1, 0),
            ("chairs", Six, 1, 1),
            ("chairs-symmetric", Six, 3, 0),
            ("wrist", Six, 1, 0),
        ] {
            let mut recipe = recipe(source, rotation, elements, blocks);
            if source == "wrist" {
                recipe.triples.scale = 2048.0;
            }
            let paired = Paired::new(&recipe).unwrap();
            let model = ClassPoseModel::new(&recipe, &paired, &device).unwrap();
            let package = package_class_pose("told", &recipe, &paired, &model).unwrap();
            let float = spoken_by_float(&model, &recipe, &paired, &device);
            let int8 = spoken_by_core(&package, &recipe, &paired).unwrap();
            let change = int8.pose_change(&float, 0.5);
            assert!(change < TOLERANCE, "{source}, {rotation:?}: {change}");
            for (a, b) in int8.frames[0].iter().zip(&float.frames[0]) {
                assert_eq!(a.elements.len(), elements);
                let cosine: f32 = a.code.iter().zip(&b.code).map(|(x, y)| x * y).sum();
                assert!(f64::from(cosine) > 1.0 - TOLERANCE, "{source}: {cosine}");
            }
        }
    }

    /// A unit is one of the loss: a package tells poses in the terms of the actions.
    #[test]
    fn a_package_does_not_know_the_unit_of_the_loss() {
        let (device, mut recipe) = (device(), recipe("sprites", RotationForm::Six, 1, 0));
        let paired = Paired::new(&recipe).unwrap();
        let told = |recipe: &ClassPoseRecipe| {
            let model = ClassPoseModel::new(recipe, &paired, &device).unwrap();
            let package = package_class_pose("told", recipe, &paired, &model).unwrap();
            let reading = Core::new(&package).unwrap().read(&paired.before[0]).unwrap();
            reading.pose.unwrap().element.numbers()
        };
        recipe.triples.unit = 1.0;
        let one = told(&recipe);
        recipe.triples.unit = 4.0;
        // The same weights say numbers in another unit.
        let quarter = told(&recipe);
        assert!(one.iter().zip(quarter).all(|(x, y)| (x - 4.0 * y).abs() < 1e-2 * x.abs().max(0.1)));
    }

    #[test]
    fn a_latent_vector_is_no_package() {
        let (device, mut recipe) = (device(), recipe("sprites", RotationForm::Six, 1, 0));
        recipe.loss.method = crate::recipe::class_pose::TripleMethod::Linear;
        let paired = Paired::new(&recipe).unwrap();
        let model = ClassPoseModel::new(&recipe, &paired, &device).unwrap();
        let refused = package_class_pose("told", &recipe, &paired, &model).unwrap_err().to_string();
        assert!(refused.contains("no code and pose"), "{refused}");
    }
}
