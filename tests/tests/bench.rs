//! No layer takes more than it did, on any processor, and neither does the code.
//!
//! A rise that is wanted is committed: `tests/bench all --save`.

use gimbal_tests::bench::layers::LAYERS;
use gimbal_tests::bench::package::{Benchmark, benchmark};
use gimbal_tests::bench::{golden, measure, sizes};
use gimbal_train::simulate::{Bin, Target, Vectors, simulate};
use std::path::Path;

/// How far off SysTick may be: two polls, and what they round.
const PRECISION: u64 = 10;

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
