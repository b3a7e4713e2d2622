//! The device finds what the host found, and `golden` notices where it does not.
//!
//! Needs QEMU for Arm and for RISC-V, and Rust's libraries for five targets, which `tests/setup` installs.

use gimbal_core::{Aligned, Model};
use gimbal_tests::frames::Framed;
use gimbal_tests::grids::{GRIDS, grid_package, grid_windows};
use gimbal_tests::sets::SetKind;
use gimbal_tests::{operators_package, operators_windows, synthetic_package, synthetic_windows, upright_parts};
use gimbal_train::data::grid::load;
use gimbal_train::simulate::{Bin, Expected, Simulation, Target, Vectors, simulate};
use std::path::Path;

/// Runs a program of the firmware; returns what it logs, too.
fn run(package: &[u8], vectors: &Vectors, target: Target, bin: Bin) -> (Simulation, Vec<String>) {
    let firmware = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("firmware-example");
    let mut lines = vec![];
    let result = simulate(package, vectors, target, bin, &firmware, &mut |line| lines.push(line.to_owned()));
    (result.unwrap(), lines)
}

fn vectors(package: &[u8]) -> Vectors {
    Vectors::compute(package, &synthetic_windows(1, 4)).unwrap()
}

#[test]
fn the_device_equals_the_host() {
    let (synthetic, operators) = (synthetic_package(1), operators_package());
    let trained = &Aligned(*include_bytes!("../data/wrist.gmbl")).0;
    // With the most code that each may take, logger and comparison included.
    let cases = [
        (&synthetic[..], vectors(&synthetic), 40 * 1024),
        (trained, Vectors::recorded(trained, 8).unwrap(), 40 * 1024),
        (&operators, Vectors::compute(&operators, &operators_windows(1, 16)).unwrap(), 48 * 1024),
    ];
    for ((package, vectors, most), target) in cases.iter().flat_map(|case| Target::ALL.map(|target| (case, target))) {
        let (simulation, lines) = run(package, vectors, target, Bin::Golden);
        assert!(simulation.success, "{target}: {lines:?}");
        let count = vectors.vectors.len();
        assert_eq!(lines, [format!("INFO  {count} windows, all equal to the host's bit for bit")]);
        assert!(simulation.text_bytes <= *most, "{target}: {} bytes", simulation.text_bytes);
    }
}

static DIGITS: &[u8] = &Aligned(*include_bytes!("../data/digits.gmbl")).0;

/// Of the digits that ship.
fn digits() -> Vectors {
    Vectors::of_grids(DIGITS, &load("digits", Path::new("nowhere")).unwrap(), 8).unwrap()
}

/// Each frame in a package of its own, and a trained one. Two targets, of which one has no FPU, are enough: others have
/// the same code for poses.
#[test]
fn the_device_equals_the_host_in_every_group() {
    let grids = GRIDS.map(|grid| {
        let package = grid_package(1, grid);
        let vectors = Vectors::compute(&package, &grid_windows(1, grid, 8)).unwrap();
        (package, vectors)
    });
    let upright = upright_parts(1, [0.5, -0.5, 0.5, 0.5]).encode().unwrap();
    let of_upright = Vectors::compute(&upright, &synthetic_windows(1, 8)).unwrap();
    let space = Framed::ThreeVectors.package(3);
    let length = Model::from_bytes(&space).unwrap().window_len();
    let windows: Vec<Vec<i16>> = synthetic_windows(1, 8).iter().map(|window| window[..length].to_vec()).collect();
    let turned = Vectors::compute(&space, &windows).unwrap();
    let others = [(DIGITS.to_vec(), digits()), (upright, of_upright), (space, turned)];
    for (package, vectors) in grids.into_iter().chain(others) {
        for target in [Target::M4, Target::M0] {
            let (simulation, lines) = run(&package, &vectors, target, Bin::Golden);
            assert!(simulation.success, "{target}: {lines:?}");
            assert_eq!(lines, ["INFO  9 windows, all equal to the host's bit for bit"]);
            assert!(simulation.text_bytes <= 26 * 1024, "{target}: {} bytes", simulation.text_bytes);
        }
    }
}

/// From the fewest elements to the most, in any order, with its order.
#[test]
fn the_device_equals_the_host_on_sets() {
    for kind in SetKind::ALL {
        let package = kind.package(1, 2, 16);
        let channels = i32::from(kind.channels());
        let set = |count: i32| {
            (0..count * channels).map(move |i| ((i * i * (count + 3) + 7 * i) % 255 - 127) as i16).collect()
        };
        let vectors = Vectors::compute(&package, &(2..=16).map(set).collect::<Vec<Vec<i16>>>()).unwrap();
        for target in Target::ALL {
            let (simulation, lines) = run(&package, &vectors, target, Bin::Golden);
            assert!(simulation.success, "{kind:?}, {target}: {lines:?}");
            assert_eq!(lines, ["INFO  16 windows, all equal to the host's bit for bit"]);
            assert!(simulation.text_bytes <= 40 * 1024, "{target}: {} bytes", simulation.text_bytes);
        }
    }
}

#[test]
fn digits_are_shown_as_the_device_sees_them() {
    let (simulation, lines) = run(DIGITS, &digits(), Target::M4, Bin::Digits);
    assert!(simulation.success);
    // One for each image, one of what was found in it, and eight of the picture; zeros are a warning.
    assert_eq!(lines.len(), 1 + (24 + 8) * (1 + 1 + 8) + 1 + 1, "{lines:?}");
    assert_eq!(lines[1], "INFO  the first image, turned by 0°");
    assert!(lines[2].contains("°, confidence "), "{}", lines[2]);
    assert!(lines[3..11].iter().all(|line| line.ends_with('|') && line.len() == 6 + 9), "{:?}", &lines[3..11]);
    // The first image is also the first of the vectors.
    let of_vectors = 1 + 24 * 10;
    assert_eq!(lines[of_vectors + 1..of_vectors + 10], lines[2..11]);
    assert_eq!(lines[lines.len() - 1], "WARN  no pose, Vanishing");
}

#[test]
fn one_wrong_bit_is_noticed_wherever_it_is() {
    let package = synthetic_package(1);
    let right = vectors(&package);
    for part in ["bits of the pose[9]", "canonical[700]", "code[3]", "logits[2]"] {
        let mut wrong = right.clone();
        let Expected::Encoded { pose: Some(pose), canonical, code, logits, .. } = &mut wrong.vectors[2].expected else {
            panic!("window 2 has no pose");
        };
        match part {
            "canonical[700]" => canonical[700] ^= 1,
            "code[3]" => code[3] ^= 1,
            "logits[2]" => logits[2] ^= 1,
            _ => pose.confidence = f32::from_bits(pose.confidence.to_bits() ^ 1),
        }
        let (simulation, lines) = run(&package, &wrong, Target::M4, Bin::Golden);
        assert!(!simulation.success);
        assert!(lines[0].starts_with(&format!("ERROR {part}:")), "{part}: {lines:?}");
    }
}

#[test]
fn poses_are_logged_and_their_absence_too() {
    let package = synthetic_package(1);
    let (simulation, lines) = run(&package, &vectors(&package), Target::M4, Bin::Pose);
    assert!(simulation.success);
    assert_eq!(lines.len(), 1 + 5, "{lines:?}");
    assert!(lines[1].contains("off the law by 0.0°"), "the first window is not turned: {}", lines[1]);
    assert_eq!(lines[5], "WARN  window 4: no pose, Vanishing");
}
