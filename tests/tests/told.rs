//! Poses that are told: what core makes of ψ's integers is what their real numbers say, of windows that stay as they are; and
//! what the loader proves of such packages.

use gimbal_core::format::{Chart, Dtype, Role};
use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Element, Frame, Pose};
use gimbal_core::{Error, Model, Outcome, Session};
use gimbal_tests::Loose;
use gimbal_tests::told::{TOLD, Told, told_windows};
use std::collections::BTreeSet;

/// Between poses in f32 and in f64.
const TOLERANCE: f64 = 2e-5;

/// ψ's numbers as they stand in the arena, and what the session says of them.
struct Found {
    counts: Vec<i32>,
    pose: Option<Pose>,
    members: Vec<Option<Pose>>,
    canonical: Vec<i16>,
    code: Vec<i8>,
}

fn run(package: &[u8], window: &[i16]) -> Found {
    let model = Model::from_bytes(package).unwrap();
    let tensor = *model.tensor(model.pose_heads()[0].vectors).unwrap();
    let mut arena = vec![0u32; model.arena_len() / 4];
    let mut session = Session::new(model, &mut arena).unwrap();
    let mut found = match session.run(window).unwrap() {
        Outcome::Encoded(found) => Found {
            counts: vec![],
            pose: found.pose,
            members: (0..found.members()).map(|at| found.member(at)).collect(),
            canonical: found.canonical.to_vec(),
            code: found.code.unwrap().values.to_vec(),
        },
        Outcome::Degenerate(_) => {
            Found { counts: vec![], pose: None, members: vec![], canonical: vec![], code: vec![] }
        }
    };
    let bytes: Vec<u8> = arena.iter().flat_map(|word| word.to_le_bytes()).collect();
    let bytes = &bytes[tensor.offset as usize..][..tensor.bytes as usize];
    let count = tensor.elements().unwrap() as usize;
    found.counts = match tensor.dtype {
        Dtype::I8 => bytes.iter().map(|&byte| i32::from(byte.cast_signed())).take(count).collect(),
        _ => bytes.chunks(2).map(|b| i32::from(i16::from_le_bytes([b[0], b[1]]))).take(count).collect(),
    };
    found
}

/// ψ's output must still be there when all has run, for these tests to look at it.
fn kept(told: Told, seed: u64) -> Vec<u8> {
    let mut loose = Loose::of(&told.package(seed));
    let (operators, vectors) = (loose.operators.len() as u16, usize::from(loose.poses[0].vectors));
    let end = loose.descriptor.arena_len;
    loose.descriptor.arena_len += loose.tensors[vectors].bytes;
    (loose.tensors[vectors].offset, loose.tensors[vectors].last) = (end, operators);
    loose.assemble()
}

/// The numbers that an element stands for, in f64, by the formulas of the charts.
fn expected(chart: Chart, x: &[f64]) -> Vec<f64> {
    let unit = |v: &[f64]| {
        let length = v.iter().map(|c| c * c).sum::<f64>().sqrt();
        v.iter().map(|c| c / length).collect::<Vec<_>>()
    };
    match chart {
        Chart::Numbers => x.to_vec(),
        Chart::Angles => x.chunks(2).map(|v| v[1].atan2(v[0])).collect(),
        Chart::Place => vec![x[0], x[1], x[3].atan2(x[2])],
        Chart::Motion => [&x[..2], &unit(&x[2..])].concat(),
        Chart::Columns => {
            let e1 = unit(&x[..3]);
            let along: f64 = (0..3).map(|i| e1[i] * x[3 + i]).sum();
            let e2 = unit(&(0..3).map(|i| x[3 + i] - along * e1[i]).collect::<Vec<_>>());
            let e3 = [e1[1] * e2[2] - e1[2] * e2[1], e1[2] * e2[0] - e1[0] * e2[2], e1[0] * e2[1] - e1[1] * e2[0]];
            (0..3).flat_map(|i| [e1[i], e2[i], e3[i]]).collect()
        }
        // The sum of powers of [v]×, and products of quaternions: no formula of core's.
        Chart::Exponential => {
            let k = [0.0, -x[2], x[1], x[2], 0.0, -x[0], -x[1], x[0], 0.0];
            let mut power = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
            let mut sum = power.clone();
            for n in 1..60 {
                power = (0..9)
                    .map(|i| (0..3).map(|j| power[i / 3 * 3 + j] * k[j * 3 + i % 3]).sum::<f64>() / f64::from(n))
                    .collect();
                sum.iter_mut().zip(&power).for_each(|(sum, part)| *sum += part);
            }
            sum
        }
        _ => {
            let q = unit(x);
            let times = |p: [f64; 4], q: [f64; 4]| {
                [
                    p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
                    p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
                    p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
                    p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0],
                ]
            };
            let (p, back) = ([q[0], q[1], q[2], q[3]], [q[0], -q[1], -q[2], -q[3]]);
            let axis = |i: usize| times(times(p, std::array::from_fn(|j| f64::from(u8::from(j == i + 1)))), back);
            let columns = [axis(0), axis(1), axis(2)];
            (0..3).flat_map(|row| columns.map(|column| column[row + 1])).collect()
        }
    }
}

#[test]
fn poses_are_what_the_integers_say_and_windows_stay() {
    let mut frames = BTreeSet::new();
    for told in TOLD {
        let package = kept(told, 1);
        let model = Model::from_bytes(&package).unwrap();
        frames.extend(model.frames().map(|frame| frame.path()));
        assert!(told.chart.is_told());
        let tensor = model.tensor(model.pose_heads()[0].vectors).unwrap();
        let mut poses = BTreeSet::new();
        for window in told_windows(2, 12) {
            let found = run(&package, &window);
            assert_eq!(found.canonical, window, "{told:?}");
            let member = |at: usize| found.members[at].unwrap_or_else(|| panic!("{told:?}: member {at} has no pose"));
            assert_eq!((found.members.len(), found.pose), (told.members.into(), Some(member(0))), "{told:?}");
            for (at, counts) in found.counts.chunks(told.numbers.into()).enumerate() {
                let value = |&count: &i32| f64::from(tensor.scale) * f64::from(count - i32::from(tensor.zero_point));
                let expected = expected(told.chart, &counts.iter().map(value).collect::<Vec<_>>());
                let numbers = member(at).element.numbers();
                let apart = expected.iter().zip(numbers).map(|(a, b)| (a - f64::from(b)).abs()).fold(0.0, f64::max);
                // Of angles half a turn may have either sign.
                assert!(
                    apart < TOLERANCE || (apart - std::f64::consts::TAU).abs() < TOLERANCE,
                    "{told:?} {at}: {expected:?} and {numbers:?}"
                );
                assert!(numbers[expected.len().min(9)..].iter().all(|&number| number == 0.0), "{told:?}: {numbers:?}");
                poses.insert(numbers.map(f32::to_bits));
            }
        }
        assert!(poses.len() > 4, "{told:?}: {} different poses", poses.len());
    }
    assert_eq!(
        frames.len(),
        Frame::ALL.iter().filter(|frame| frame.path().contains("told") || frame.path().contains("coordinates")).count()
    );
}

/// η goes on from ψ's features: its code is not that of an empty image.
#[test]
fn codes_come_from_the_features_of_the_pose() {
    let package = TOLD[0].package(1);
    let codes: BTreeSet<Vec<i8>> = told_windows(3, 8).iter().map(|window| run(&package, window).code).collect();
    assert!(codes.len() > 4, "{codes:?}");
    let squared = |code: &Vec<i8>| code.iter().map(|&x| i32::from(x).pow(2)).sum::<i32>();
    assert!(codes.iter().all(|code| (squared(code) - 128 * 128).abs() < 3000), "they are not of length one: {codes:?}");
}

/// Numbers that no layer keeps away from zero have no direction, and the outcome says so.
#[test]
fn what_vanishes_is_named() {
    for told in TOLD {
        let mut loose = Loose::of(&told.package(1));
        loose.poses[0].minimum = 1e9;
        let package = loose.assemble();
        let found = run(&package, &told_windows(2, 1)[0]);
        // Numbers and rotation vectors have no direction that could vanish.
        let always = matches!(told.chart, Chart::Numbers | Chart::Exponential);
        assert_eq!(found.pose.is_some(), always, "{told:?}");
    }
}

#[test]
fn the_loader_proves_what_a_told_pose_is_made_of() {
    type Change = fn(&mut Loose);
    let changes: [(&str, Change, Error); 9] = [
        ("of 32 bits", |p| with(p, |t| t.dtype = Dtype::I32), Error::Descriptor),
        ("of three planes", |p| with(p, |t| t.shape = [3, 1, 1]), Error::Descriptor),
        ("more numbers than there are", |p| with(p, |t| t.shape = [1, 1, 10]), Error::Descriptor),
        ("no scale", |p| with(p, |t| t.scale = 0.0), Error::Descriptor),
        ("a scale beyond f32", |p| with(p, |t| t.scale = 1e35), Error::Descriptor),
        ("a minimum that is none", |p| p.poses[0].minimum = f32::NAN, Error::Descriptor),
        ("of another tensor", |p| p.poses[0].vectors -= 1, Error::Descriptor),
        ("behind no other", |p| p.poses.push(p.poses[0]), Error::Descriptor),
        ("of another chart behind it", |p| p.networks[1].role = Role::Psi, Error::Descriptor),
    ];
    for (what, change, error) in changes {
        assert_eq!(after(TOLD[0], change), Err(error), "{what}");
    }
    // Each chart takes so many numbers and no others.
    for told in TOLD {
        let counts = match told.chart {
            Chart::Numbers => (1..=9).collect(),
            Chart::Angles => (1..=9).map(|k| 2 * k).collect(),
            Chart::Place | Chart::Motion | Chart::Quaternion => vec![4],
            Chart::Exponential => vec![3],
            _ => vec![6],
        };
        for numbers in 1..24 {
            let other = Told { numbers, members: 1, ..told };
            let loaded = other.parts(1).encode().is_ok();
            assert_eq!(loaded, counts.contains(&numbers), "{other:?}");
        }
    }
}

/// What the loader says after a change of ψ's output or of what belongs to it.
fn after(told: Told, change: fn(&mut Loose)) -> Result<(), Error> {
    // The last operator before the pose is left out: it would be refused before the pose head is.
    let mut loose = Loose::of(&told.package(1));
    change(&mut loose);
    match Model::from_bytes(&loose.assemble()) {
        Ok(_) => Ok(()),
        // A tensor that its operator cannot write is refused before the pose head is looked at, and that is as good.
        Err(
            Error::Operand { .. }
            | Error::Shape { .. }
            | Error::Quantization { .. }
            | Error::Tensor { .. }
            | Error::Overlap { .. },
        ) => Err(Error::Descriptor),
        Err(other) => Err(other),
    }
}

fn with(loose: &mut Loose, change: fn(&mut gimbal_core::format::Tensor)) {
    let vectors = usize::from(loose.poses[0].vectors);
    change(&mut loose.tensors[vectors]);
}

/// The first of a set is the pose, and the others are told, too.
#[test]
fn members_of_a_set_are_rotations() {
    let package = TOLD[9].package(4);
    for window in told_windows(5, 4) {
        let found = run(&package, &window);
        for pose in found.members.into_iter().flatten() {
            let Element::Rotation(rotation) = pose.element else { panic!("an element of another group") };
            assert!(rotation.angle_to(&Rotation::from_vector([0.0; 3])) > 1e-3);
        }
    }
}
