//! No layer takes more than it did, on any processor, and neither does the code.
//!
//! A rise that is wanted is committed: `tests/bench all --save`.

use gimbal_core::{Aligned, Model};
use gimbal_tests::bench::layers::LAYERS;
use gimbal_tests::bench::package::{Benchmark, benchmark};
use gimbal_tests::bench::{golden, measure, points, sizes};
use gimbal_tests::operators_windows;
use gimbal_tests::sets::{SetKind, TYPES};
use gimbal_tests::solids::{solid_package, solid_set};
use gimbal_train::data::grid::load;
use gimbal_train::inspect::predict;
use gimbal_train::simulate::{Bin, Target, Vectors, simulate};
use std::path::Path;

/// How far off SysTick may be: two polls, and what they round.
const PRECISION: u64 = 10;

/// How far off a prediction may be, in percent of what QEMU counts for a window.
const PREDICTED_PERCENT: f64 = 10.0;

/// How the steps of sets may grow with the number of points, as its power; an order takes `n log n`.
const GROWTH: [f64; 5] = [1.0, 1.0, 1.0, 1.25, 1.0];

/// The value, or one clear sentence about what is missing.
fn some<T>(result: anyhow::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error:#}"))
}

#[test]
fn no_layer_takes_more_than_it_did() {
    let risen = Target::ALL.into_iter().flat_map(|target| {
        let rows = some(measure::layers(target));
        assert_eq!(rows.len(), LAYERS.len());
        some(golden::risen_layers(target, &rows))
    });
    let risen: Vec<String> = risen.collect();
    assert!(risen.is_empty(), "{}", risen.join("\n"));
}

#[test]
fn code_and_stack_are_no_larger_than_they_were() {
    let risen = some(golden::risen_sizes(&some(sizes::sizes())));
    assert!(risen.is_empty(), "{}", risen.join("\n"));
}

#[test]
fn sets_of_points_take_no_more_than_they_did_and_grow_in_step() {
    let counts = some(points::points());
    let risen = some(golden::risen_points(&counts));
    assert!(risen.is_empty(), "{}", risen.join("\n"));
    for target in points::TARGETS {
        for (step, most) in points::STEPS.into_iter().zip(GROWTH) {
            let growth = some(points::growth(&counts, target, step));
            assert!(growth.iter().all(|exponent| *exponent <= most), "{target}, {step}: {growth:?}");
        }
    }
}

#[test]
fn counts_repeat_and_agree_with_the_emulators() {
    let Benchmark { package, window, operators } = benchmark();
    let vectors = some(Vectors::compute(&package, &[window]));
    let run = || some(measure::run(Target::M4, &package, &vectors)).operators;
    let counted = run();
    assert_eq!(counted, run());
    for (layer, at) in LAYERS.iter().zip(operators) {
        let counted = counted[usize::from(at)];
        let exact = counted.exact.expect("the plugin counts on m4");
        assert!(counted.instructions.abs_diff(exact) <= PRECISION, "{}: {counted:?}", layer.name);
    }
}

#[test]
fn what_is_measured_is_right() {
    let Benchmark { package, window, .. } = benchmark();
    let vectors = some(Vectors::compute(&package, &[window]));
    let firmware = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("firmware-example");
    let mut log = vec![];
    let mut keep = |line: &str| log.push(line.to_owned());
    let simulation = some(simulate(&package, &vectors, Target::M4, Bin::Golden, &firmware, &mut keep));
    assert!(simulation.success, "{log:?}");
}

/// Where a kernel was changed, `tests/bench fit` measures anew.
#[test]
fn predictions_hold_for_what_ships() {
    let [wrist, operators]: [&[u8]; 2] =
        [&Aligned(*include_bytes!("../data/wrist.gmbl")).0, &Aligned(*include_bytes!("../data/operators.gmbl")).0];
    let digits: &[u8] = &Aligned(*include_bytes!("../data/digits.gmbl")).0;
    let set = load("digits", Path::new("nowhere")).unwrap();
    let packages = [
        ("digits", digits, some(Vectors::of_grids(digits, &set, 1))),
        ("wrist", wrist, some(Vectors::recorded(wrist, 1))),
        ("operators", operators, some(Vectors::compute(operators, &operators_windows(1, 1)))),
    ];
    assert_predicted(&packages);
}

/// Of the most elements. None of their shapes was fitted.
#[test]
fn predictions_hold_for_sets() {
    let (points, solid) = (SetKind::Points.package(1, 30, 30), solid_package(1, 48, 48));
    assert_predicted(&[
        ("points", &points, some(Vectors::compute(&points, &[typed_set(30)]))),
        ("solid", &solid, some(Vectors::compute(&solid, &[solid_set(1, 48)]))),
    ]);
}

fn assert_predicted(packages: &[(&str, &[u8], Vectors)]) {
    let mut wrong = vec![];
    for ((name, package, vectors), target) in
        packages.iter().flat_map(|package| Target::ALL.map(|target| (package, target)))
    {
        let model = Model::from_bytes(package).unwrap();
        let predicted = some(predict(&model, target)).total();
        let counted = some(measure::run(target, package, vectors)).instructions();
        let percent = (predicted as f64 / counted as f64 - 1.0) * 100.0;
        let line = format!("{name}, {target}: {predicted} predicted, {counted} counted, {percent:+.2} %");
        println!("{line}");
        if percent.abs() > PREDICTED_PERCENT {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Points with types.
fn typed_set(points: i32) -> Vec<i16> {
    let one_hot = |which: i32| (0..i32::from(TYPES)).map(move |kind| if kind == which { 127 } else { 0 });
    let element = |k: i32| [k * 37 % 900, k * k % 611, k * 91 % 313].into_iter().chain(one_hot(k % i32::from(TYPES)));
    (0..points).flat_map(element).map(|x| x as i16).collect()
}
