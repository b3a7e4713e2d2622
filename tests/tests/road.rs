//! The whole road on the recordings that ship, in seconds: one epoch is enough for every law, if not
//! for every exercise.

use gimbal_core::Model as Package;
use gimbal_core::group::Group;
use gimbal_train::backend;
use gimbal_train::data::{Dataset, wrist};
use gimbal_train::evaluate::device::{Device, Reading};
use gimbal_train::evaluate::metrics::percentile;
use gimbal_train::evaluate::{Evaluation, evaluate, gravity, mirror};
use gimbal_train::method::{Inference, Model, batch};
use gimbal_train::pipeline::{Split, in_units, package};
use gimbal_train::quantize::{calibrate, extract, float};
use gimbal_train::recipe::Recipe;
use gimbal_train::train::{WindowTask, train};
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

/// Largest absolute difference of f32 numbers of order 1 that are computed in another order.
const TOLERANCE: f32 = 2e-3;

/// How near each other the logits of two classes are that integers may confuse.
const TIE: f64 = 0.1;

struct Road {
    recipe: Recipe,
    dataset: Dataset,
    model: Model,
    split: Split,
    package: Vec<u8>,
}

static ROAD: LazyLock<Road> = LazyLock::new(|| travel("wrist"));
/// The same with gravity as the first vector.
static HEADING: LazyLock<Road> = LazyLock::new(|| travel("heading"));

/// And with mirror images as poses.
static MIRROR: LazyLock<Road> = LazyLock::new(|| travel("heading-mirror"));

fn roads() -> [&'static Road; 3] {
    [&ROAD, &HEADING, &MIRROR]
}

fn travel(recipe: &str) -> Road {
    let mut recipe = Recipe::load(recipe).unwrap();
    recipe.training.epochs = 1;
    let dataset = wrist::load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let device = backend::device("flex").unwrap();
    let trained =
        train(&WindowTask::new(&recipe, &dataset).unwrap(), &device, folder.path(), false, &AtomicBool::new(false))
            .unwrap();
    let mut split = Split::new(&recipe, &dataset).unwrap();
    // Two hundred windows of all test subjects show every law.
    let step = split.test.len() / 200;
    split.test = split.test.iter().step_by(step).cloned().collect();
    split.test_turned = split.test_turned.iter().step_by(step).cloned().collect();
    let package = package("road", &recipe, &dataset, &trained.model, &split).unwrap();
    Road { recipe, dataset, model: trained.model, split, package }
}

impl Road {
    fn evaluation(&self) -> Evaluation {
        evaluate(&mut Device::new(&self.package).unwrap(), &self.split.test, &self.split.test_turned).unwrap()
    }

    fn float(&self) -> Inference {
        let device = backend::device("flex").unwrap();
        self.model.infer(&self.split.test, batch::units(&self.recipe, &self.dataset), &device)
    }
}

fn largest_difference<'a>(a: impl IntoIterator<Item = &'a f32>, b: impl IntoIterator<Item = &'a f32>) -> f32 {
    a.into_iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn the_plain_network_is_the_trained_one() {
    for road in roads() {
        let (network, expected) = (extract(&road.model), road.float());
        let units = batch::units(&road.recipe, &road.dataset);
        for (i, window) in road.split.test.iter().enumerate().step_by(10) {
            let found = float::run(&network, &in_units(&window.counts, units), 2, &mut |_, _| ());
            let rotation = found.rotation.unwrap();
            assert!(largest_difference(rotation.as_flattened(), expected.rotations[i].as_flattened()) <= TOLERANCE);
            assert!(largest_difference(&found.code, &expected.codes[i]) <= TOLERANCE);
            assert!(largest_difference(&found.logits, &expected.logits[i]) <= TOLERANCE);
        }
    }
}

#[test]
fn integers_follow_the_float_network() {
    for road in roads() {
        let (device, float) = (road.evaluation().upright, road.float());
        let scale =
            Package::from_bytes(&road.package).unwrap().output_of(gimbal_core::format::Role::Eta).unwrap().scale;
        let mut code_errors = Vec::new();
        for (device, float) in device.iter().zip(&float.codes) {
            code_errors.extend(device.code.iter().zip(float).map(|(a, b)| (a - b).abs() / scale));
        }
        // Four layers of eight bits: a few steps of 256.
        assert!(percentile(&code_errors, 0.5) <= 2.0, "{} steps", percentile(&code_errors, 0.5));
        assert!(percentile(&code_errors, 0.99) <= 10.0, "{} steps", percentile(&code_errors, 0.99));
        // A window without a pose has no class.
        let told = device.iter().zip(&float.logits).filter_map(|(device, logits)| Some((device.class?, logits)));
        assert!(told.clone().count() * 100 >= device.len() * 95);
        // After one epoch many windows lie between two classes: integers may decide some of those otherwise, and no others.
        let behind = told.map(|(class, logits)| logits.iter().copied().fold(f32::MIN, f32::max) - logits[class]);
        let behind: Vec<f32> = behind.collect();
        assert_eq!(percentile(&behind, 0.95), 0.0);
        assert!(percentile(&behind, 1.0) <= TIE, "{}", percentile(&behind, 1.0));
    }
}

#[test]
fn the_pose_follows_the_window_in_integers() {
    for road in roads() {
        let evaluation = road.evaluation();
        let errors = &evaluation.pose_errors_deg;
        assert!(errors.len() * 100 >= evaluation.rotated.len() * 95, "{} windows have a pose", errors.len());
        assert!(percentile(errors, 0.5) <= 0.5 && percentile(errors, 0.95) <= 5.0, "{}", percentile(errors, 0.95));
    }
}

#[test]
fn code_and_canonical_window_do_not() {
    for road in roads() {
        let evaluation = road.evaluation();
        let mut differences = Vec::new();
        let sure = |reading: &Reading| reading.pose.is_some_and(|pose| pose.confidence > 0.2);
        for (upright, rotated) in evaluation.upright.iter().zip(&evaluation.rotated).filter(|(a, b)| sure(a) && sure(b))
        {
            let counts = upright.canonical.iter().zip(&rotated.canonical);
            differences.extend(counts.map(|(a, b)| f32::from((i32::from(*a) - i32::from(*b)).unsigned_abs() as u16)));
        }
        // Of 2,048 counts a g: rounding, and the pose's error on top.
        assert!(percentile(&differences, 0.5) <= 3.0, "{} counts", percentile(&differences, 0.5));
        assert!(percentile(&differences, 0.99) <= 40.0, "{} counts", percentile(&differences, 0.99));
    }
}

#[test]
fn turning_the_canonical_window_by_its_pose_gives_the_window_back() {
    for road in roads() {
        for (reading, turned) in road.evaluation().rotated.iter().zip(&road.split.test_turned) {
            let Some(pose) = reading.rotation() else { continue };
            let vectors = reading.canonical.as_chunks::<3>().0.iter().zip(turned.window.counts.as_chunks::<3>().0);
            for (at, (canonical, original)) in vectors.enumerate() {
                // Angular rates are pseudo-vectors.
                let inverted = at % 2 == 0 && reading.is_reflected() == Some(true);
                let back = pose.act(canonical.map(|count| if inverted { -f32::from(count) } else { f32::from(count) }));
                let errors = back.iter().zip(original).map(|(a, b)| (a - f32::from(*b)).abs());
                // One rounding of each component, and fixed-point entries on ±16 g.
                assert!(errors.fold(0.0, f32::max) <= 3.0);
            }
        }
    }
}

#[test]
fn gravity_is_the_first_axis() {
    let road = &*HEADING;
    let mut errors = Vec::new();
    for (reading, turned) in road.evaluation().rotated.iter().zip(&road.split.test_turned) {
        let Some(pose) = reading.rotation() else { continue };
        let up = gravity(&turned.window.counts);
        let [x, y, z] = pose.inverse().act(up);
        errors.push(y.hypot(z).atan2(x).to_degrees());
        // So the canonical window rests on that axis, up to a rounding of each sample.
        let [x, y, z] = gravity(&reading.canonical);
        assert!(x > 0.0 && y.abs() <= 1.0 && z.abs() <= 1.0, "{x} {y} {z}");
    }
    assert!(errors.len() * 100 >= road.split.test_turned.len() * 95, "{} windows have a pose", errors.len());
    assert!(percentile(&errors, 1.0) <= 0.02, "{} degrees", percentile(&errors, 1.0));
}

#[test]
fn a_mirror_image_has_another_hand_and_the_same_canonical_window() {
    let mirrored = mirror(&MIRROR.split.test_turned);
    let mut core = Device::new(&MIRROR.package).unwrap();
    let evaluation = evaluate(&mut core, &MIRROR.split.test, &mirrored).unwrap();
    assert!(evaluation.pose_errors_deg.len() * 100 >= mirrored.len() * 95);
    assert!(evaluation.hand_errors * 100 <= mirrored.len() * 3, "{} wrong hands", evaluation.hand_errors);
    let hands = evaluation.upright.iter().filter(|reading| reading.is_reflected() == Some(true)).count();
    assert!(hands > 0 && hands < mirrored.len(), "always the same hand");
    let same = |(a, b): &(&Reading, &Reading)| a.class == b.class;
    let rotated = MIRROR.evaluation().rotated;
    assert!(rotated.iter().zip(&evaluation.rotated).filter(same).count() * 100 >= mirrored.len() * 95);
}

#[test]
fn half_of_the_poses_are_surer_than_one() {
    for road in roads() {
        let evaluation = road.evaluation();
        let confidences = evaluation.upright.iter().filter_map(|reading| Some(reading.pose?.confidence));
        let median = percentile(&confidences.collect::<Vec<_>>(), 0.5);
        // Of other people's windows than those that set the reference, and hands are less sure after one epoch.
        assert!((0.6..1.4).contains(&median), "{median}");
    }
}

#[test]
fn a_seed_decides_every_byte_of_the_package() {
    assert!(ROAD.package == travel("wrist").package);
}

#[test]
fn without_a_pose_windows_are_taken_as_they_are() {
    let road = travel("wrist-classical");
    let evaluation = road.evaluation();
    assert!(evaluation.pose_errors_deg.is_empty() && evaluation.accuracy_rotated().is_none());
    for (reading, window) in evaluation.upright.iter().zip(&road.split.test) {
        assert_eq!(reading.canonical, window.counts);
        assert!(reading.pose.is_none() && reading.degenerate.is_none() && !reading.code.is_empty());
    }
}

#[test]
fn a_window_without_a_direction_is_degenerate() {
    for road in roads() {
        let zeros = vec![0; road.split.test[0].counts.len()];
        let reading = Device::new(&road.package).unwrap().read(&zeros).unwrap();
        assert!(reading.degenerate.is_some() && reading.pose.is_none() && reading.code.is_empty());
    }
}

#[test]
fn calibration_does_not_depend_on_how_windows_are_turned() {
    for road in roads() {
        let network = extract(&road.model);
        let units = batch::units(&road.recipe, &road.dataset);
        let windows = |turned: bool| -> Vec<Vec<f32>> {
            let counts = road.split.test.iter().zip(&road.split.test_turned).step_by(20);
            counts.map(|(a, b)| in_units(if turned { &b.window.counts } else { &a.counts }, units)).collect()
        };
        let ranges = |turned| calibrate(&network, 2, windows(turned).iter().map(Vec::as_slice));
        let (a, b) = (ranges(false), ranges(true));
        for site in [float::Site::Vectors, float::Site::Convolved(1), float::Site::Spanning] {
            let relative = a.longest(site) / b.longest(site);
            assert!((relative - 1.0).abs() <= 1e-2, "{site:?}: {relative}");
        }
    }
}
