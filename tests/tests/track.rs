//! Told poses on the device: every frame's pose is the host's to the bit, and what `track` logs says what the host would say.
//!
//! Needs QEMU for Arm, and Rust's libraries for its targets, which `tests/setup` installs.

use gimbal_core::group::{Element, Group};
use gimbal_core::{Model, Outcome, Session};
use gimbal_tests::told::{TOLD, told_windows};
use gimbal_train::simulate::{Bin, Expected, Simulation, Target, Vectors, simulate};
use std::path::Path;

fn run(package: &[u8], vectors: &Vectors, target: Target, bin: Bin) -> (Simulation, Vec<String>) {
    let firmware = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("firmware-example");
    let mut lines = vec![];
    let result = simulate(package, vectors, target, bin, &firmware, &mut |line| lines.push(line.to_owned()));
    (result.unwrap(), lines)
}

/// Each chart in a package of its own. Those with the most libm run without an FPU, too, and one runs on a core with vectors,
/// where convolutions that widen have no kernel of their own.
#[test]
fn the_device_tells_the_poses_of_the_host() {
    let everywhere = [0, 3, 4, 5, 6, 7, 9].map(|at| (TOLD[at], Target::M4));
    let others = [(TOLD[3], Target::M0), (TOLD[6], Target::M0), (TOLD[0], Target::M55)];
    for (told, target) in everywhere.into_iter().chain(others) {
        let package = told.package(1);
        let vectors = Vectors::compute(&package, &told_windows(1, 8)).unwrap();
        let (simulation, lines) = run(&package, &vectors, target, Bin::Golden);
        assert!(simulation.success, "{told:?}, {target}: {lines:?}");
        assert_eq!(lines, ["INFO  9 windows, all equal to the host's bit for bit"]);
        assert!(simulation.text_bytes <= 28 * 1024, "{target}: {} bytes", simulation.text_bytes);
    }
}

#[test]
fn what_is_logged_is_how_far_it_has_come() {
    for told in [TOLD[0], TOLD[2], TOLD[5], TOLD[8]] {
        let package = told.package(1);
        let vectors = Vectors::compute(&package, &told_windows(1, 4)).unwrap();
        let (simulation, lines) = run(&package, &vectors, Target::M4, Bin::Track);
        assert!(simulation.success, "{told:?}: {lines:?}");
        assert_eq!(lines[1..], host(&package, &vectors), "{told:?}");
    }
}

/// What the device says behind its first line.
fn host(package: &[u8], vectors: &Vectors) -> Vec<String> {
    let model = Model::from_bytes(package).unwrap();
    let mut arena = vec![0; model.arena_len() / 4];
    let mut session = Session::new(model, &mut arena).unwrap();
    let (mut first, mut lines) = (None, vec![]);
    for (count, vector) in vectors.vectors.iter().enumerate() {
        match session.run(&vector.window).unwrap() {
            Outcome::Encoded(found) => {
                let pose = found.pose.unwrap();
                let first = *first.get_or_insert(pose.element);
                let (since, len) = match (pose.element, first) {
                    (Element::Coordinates(q), Element::Coordinates(p)) => {
                        (Element::Coordinates(q.compose(p.inverse())), q.numbers().len())
                    }
                    (Element::RigidMotion(q), Element::RigidMotion(p)) => {
                        (Element::RigidMotion(q.compose(p.inverse())), 4)
                    }
                    (Element::Rotation(q), Element::Rotation(p)) => (Element::Rotation(q.compose(p.inverse())), 9),
                    other => panic!("{other:?}"),
                };
                lines.push(format!("INFO  frame {count}, confidence {}", spoken(pose.confidence)));
                for (what, element) in [("pose", pose.element), ("since the first", since)] {
                    let numbers: Vec<String> = element.numbers()[..len].iter().map(|&x| spoken(x)).collect();
                    lines.push(format!("INFO    {what} [{}]", numbers.join(", ")));
                }
            }
            Outcome::Degenerate(why) => lines.push(format!("WARN  frame {count}: no pose, {why:?}")),
        }
    }
    lines.push(format!("INFO  {} frames, poses equal the host's", vectors.vectors.len()));
    lines
}

/// Three decimals, as the logger writes them.
fn spoken(x: f32) -> String {
    format!("{:?}", (x * 1000.0) as i32 as f32 / 1000.0)
}

/// A bit that differs is noticed, and the program says so.
#[test]
fn a_wrong_pose_is_noticed() {
    let package = TOLD[8].package(1);
    let mut vectors = Vectors::compute(&package, &told_windows(1, 2)).unwrap();
    let Expected::Encoded { pose: Some(pose), .. } = &mut vectors.vectors[1].expected else { panic!("no pose") };
    pose.confidence = f32::from_bits(pose.confidence.to_bits() ^ 1);
    let (simulation, lines) = run(&package, &vectors, Target::M4, Bin::Track);
    assert!(!simulation.success);
    assert!(lines.iter().any(|line| line.starts_with("ERROR pose[9]:")), "{lines:?}");
    assert!(lines.last().unwrap().contains("DIFFER FROM"), "{lines:?}");
}
