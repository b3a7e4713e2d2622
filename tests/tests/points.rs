//! Sets of points in any pose and order on the device: all that `points` logs is what the host finds, number by number.

use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Element, Group, Pose};
use gimbal_core::{Inference, Model, Outcome, Session};
use gimbal_tests::sets::SetKind;
use gimbal_tests::solids::{solid_package, solid_set};
use gimbal_train::data::recording;
use gimbal_train::package::ContractField;
use gimbal_train::simulate::{Bin, Target, Vectors, simulate};
use std::path::Path;
use stream::{Change, Stream};

#[path = "../../firmware-example/src/stream.rs"]
mod stream;

/// What the device logs.
fn device(package: &[u8], vectors: &Vectors, target: Target) -> Vec<String> {
    let firmware = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("firmware-example");
    let mut lines = vec![];
    let mut keep = |line: &str| lines.push(line.to_owned());
    let simulation = simulate(package, vectors, target, Bin::Points, &firmware, &mut keep).unwrap();
    assert!(simulation.success, "{target}: {lines:?}");
    lines
}

/// What the host finds, in the device's words.
fn host(package: &[u8], vectors: &Vectors) -> Vec<String> {
    let model = Model::from_bytes(package).unwrap();
    let channels = model.input().channels();
    let mut arena = vec![0; model.arena_len() / 4];
    let mut lines = vec![format!("INFO {}: {} bytes, arena {} bytes", model.name(), package.len(), model.arena_len())];
    let mut session = Session::new(model.clone(), &mut arena).unwrap();
    let mut codes = vec![];
    for vector in &vectors.vectors {
        if let Outcome::Encoded(found) = session.run(&vector.window).unwrap() {
            codes.push(code(&found));
        }
    }
    let mut stream = Stream::new();
    for (count, vector) in vectors.vectors.iter().enumerate() {
        let mut at_rest = None;
        for change in Change::ALL {
            let mut set = vector.window.clone();
            let (len, turn) = stream.change(change, &model, &mut set);
            lines.push(format!("INFO set {count}, {}: {} elements", change.name(), len / channels));
            let found = match session.run(&set[..len]).unwrap() {
                Outcome::Encoded(found) => found,
                Outcome::Degenerate(why) => {
                    lines.push(format!("WARN no pose, {why:?}"));
                    continue;
                }
            };
            lines.extend(said(&found, &codes));
            let pose = found.pose.map(|pose| parts(&pose).1);
            match change {
                Change::Kept => at_rest = pose,
                Change::Fewer => {}
                Change::Shuffled | Change::Moved => lines.extend(pose.zip(at_rest).map(|(pose, at_rest)| {
                    let degrees = pose.angle_to(&turn.compose(at_rest)).to_degrees();
                    format!("INFO off the law by {degrees:?}°")
                })),
            }
        }
    }
    lines
}

/// The code, of 8 bits or of 16.
fn code(found: &Inference<'_>) -> Vec<i16> {
    let narrow = found.code.map_or(&[][..], |code| code.values).iter().map(|&x| x.into());
    narrow.chain(found.wide_code().map_or(&[][..], |code| code.values).iter().copied()).collect()
}

fn said(found: &Inference<'_>, codes: &[Vec<i16>]) -> Vec<String> {
    let code = code(found);
    let apart = |known: &Vec<i16>| known.iter().zip(&code).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
    let (nearest, distance) = codes.iter().map(apart).enumerate().min_by_key(|&(_, apart)| apart).unwrap();
    let mut lines = vec![format!("INFO like code {nearest}, {distance} steps from it")];
    if let Some(pose) = found.pose {
        let (place, acting) = parts(&pose);
        lines.push(format!("INFO at {place:?} counts"));
        lines.push(format!("INFO turned by {:?}, confidence {:?}", acting.rows(), pose.confidence));
    }
    let order = found.order().unwrap();
    let tied = order.gaps.iter().filter(|gap| **gap == 0).count();
    lines.push(format!("INFO order {:?}, {tied} of them tied with the next", order.places));
    lines
}

fn parts(pose: &Pose) -> ([i16; 3], Rotation) {
    match pose.element {
        Element::RigidMotion3(motion) => (motion.normal.to_counts(), motion.acting),
        other => panic!("{other:?}"),
    }
}

/// The words of a line, and its numbers as bits, so that they are compared as exactly as they were logged.
fn words(line: &str) -> Vec<Result<u32, &str>> {
    let words = line.split([' ', ',', '[', ']', ':', '°']).filter(|word| !word.is_empty());
    words.map(|word| word.parse::<f32>().map(f32::to_bits).map_err(|_| word)).collect()
}

fn sets(kind: SetKind) -> Vec<Vec<i16>> {
    let channels = i32::from(kind.channels());
    let set = |count: i32| (0..count * channels).map(move |i| ((i * i * (count + 3) + 7 * i) % 1999 - 999) as i16);
    [16, 9, 2].map(|count| set(count).collect()).to_vec()
}

#[test]
fn the_device_logs_what_the_host_finds() {
    let [points, digits] = [SetKind::Points, SetKind::Digits].map(|kind| (kind.package(1, 2, 16), sets(kind)));
    let solids = (solid_package(1, 20, 64), [64, 33].map(|count| solid_set(count.into(), count)).to_vec());
    for (package, sets) in [points, solids, digits] {
        let vectors = Vectors::compute(&package, &sets).unwrap();
        let host = host(&package, &vectors);
        for target in [Target::M4, Target::M0] {
            let device = device(&package, &vectors, target);
            // Behind the sets come five that are refused.
            assert_eq!(device.len(), host.len() + 5, "{target}: {device:?}");
            for (device, host) in device.iter().zip(&host) {
                assert_eq!(words(device), words(host), "{target}");
            }
        }
    }
}

#[test]
fn what_the_device_logs_keeps_its_law() {
    let package = solid_package(1, 20, 64);
    let vectors = Vectors::compute(&package, &[solid_set(5, 64)]).unwrap();
    let lines = device(&package, &vectors, Target::M4);
    let after = |line: &str, what: &str| lines.iter().skip_while(|l| !l.contains(line)).find(|l| l.contains(what));
    let number = |line: &str, what: &str, at: usize| -> f32 {
        let line = after(line, what).unwrap_or_else(|| panic!("{line}, {what}: {lines:?}"));
        line.split_whitespace().nth(at).unwrap().trim_end_matches(['°', ',']).parse().unwrap()
    };
    assert_eq!(number("set 0, shuffled", "like code", 3), 0.0);
    // In another order nothing changes at all: not the code, and not the pose.
    assert_eq!(number("set 0, shuffled", "like code", 4), 0.0);
    assert_eq!(after("set 0, as it is", "turned by"), after("set 0, shuffled", "turned by"));
    assert_eq!(number("set 0, shuffled", "off the law", 5), 0.0);
    // How near a turned set's pose is to the turned pose depends on the weights, which are random here: see `sets.rs`.
}

#[test]
fn what_is_no_set_of_points_is_refused_with_a_reason() {
    let package = SetKind::Points.package(1, 2, 16);
    for target in [Target::M4, Target::M0] {
        let lines = device(&package, &Vectors::compute(&package, &[]).unwrap(), target);
        let input = |given: u32| format!("Input {{ least: 2, most: 16, channels: 7, given: {given} }}");
        let expected = [
            format!("WARN  no elements: {}", input(0)),
            format!("WARN  one element too many: {}", input(17 * 7)),
            format!("WARN  a part of an element: {}", input(16 * 7 - 1)),
            "WARN  all in one place: no pose, Vanishing".into(),
            "WARN  on a line: no pose, Parallel".into(),
        ];
        assert_eq!(lines[lines.len() - 5..], expected, "{target}");
    }
}

/// Counts are integers, so what is no number is refused where floats become counts.
#[test]
fn coordinates_that_are_no_numbers_become_no_counts() {
    let package = SetKind::Points.package(1, 2, 2);
    let model = Model::from_bytes(&package).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.csv");
    let read = |number: &str| {
        std::fs::write(&path, format!("1,2,3,0,0,0,1\n4,{number},6,1,0,0,0\n")).unwrap();
        recording::read(&path, &ContractField::of(&model), 2)
    };
    assert_eq!(read("5").unwrap(), [1, 2, 3, 0, 0, 0, 1, 4, 5, 6, 1, 0, 0, 0]);
    for number in ["nan", "inf", "-inf"] {
        let refusal = format!("{:#}", read(number).unwrap_err());
        assert!(refusal.contains("row 2, column 2") && refusal.contains("is not a finite number"), "{refusal}");
    }
}

/// What a stream makes of a set is the same set elsewhere, in another order.
#[test]
fn a_stream_moves_sets_and_keeps_their_elements() {
    let package = SetKind::Digits.package(1, 2, 16);
    let (model, mut stream) = (Model::from_bytes(&package).unwrap(), Stream::default());
    let original = &sets(SetKind::Digits)[0];
    let sorted = |set: &[i16]| {
        let mut rows: Vec<Vec<i16>> = set.chunks(model.input().channels()).map(<[i16]>::to_vec).collect();
        rows.sort();
        rows
    };
    let mut orders = std::collections::BTreeSet::new();
    for change in Change::ALL.repeat(8) {
        let mut set = original.clone();
        let (len, _) = stream.change(change, &model, &mut set);
        // Digits have no place, so that nothing moves them.
        assert_eq!(sorted(&set), sorted(original));
        assert_eq!(set == *original, change == Change::Kept);
        assert_eq!(len == set.len(), change != Change::Fewer);
        orders.insert(set);
    }
    assert_eq!(orders.len(), 1 + 3 * 8);
}
