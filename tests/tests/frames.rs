//! Each chart with its action, in a session: what it finds in a moved window is the moved pose, and what it leaves is
//! the same window.

use gimbal_core::domain::image::{Affine, quarter_turns, transform};
use gimbal_core::domain::{ring, signal, vector_window};
use gimbal_core::format::{Field, FieldKind};
use gimbal_core::group::cyclic::Cyclic;
use gimbal_core::group::o2::Orthogonal;
use gimbal_core::group::product::RigidMotion;
use gimbal_core::group::so2::Rotation;
use gimbal_core::group::{Automorphisms, Degenerate, Element, Frame, Group, Pose, o3, so3};
use gimbal_core::kernel::Kernels;
use gimbal_core::{Error, Model, Outcome, Session};
use gimbal_tests::frames::{Framed, PERIOD, PLACES, SIDE};
use gimbal_tests::{synthetic_package, synthetic_windows, upright_parts};
use proptest::prelude::*;

/// What a run found: the pose, the canonical window, the code.
type Found = Result<(Pose, Vec<i16>, Vec<i8>), Degenerate>;

const LEN: usize = SIDE as usize * SIDE as usize;
const RINGS: usize = PERIOD as usize * 2 * PLACES as usize;
const SPACE: usize = PERIOD as usize * 6;

/// Accelerations and angular rates.
const FIELDS: [Field; 2] = [
    Field { per_count: 1.0, kind: FieldKind::Vector, width: 3 },
    Field { per_count: 1.0, kind: FieldKind::PseudoVector, width: 3 },
];

fn run(package: &[u8], window: &[i16]) -> Found {
    run_with(package, &Kernels::ALL, window).unwrap()
}

fn run_with(package: &[u8], kernels: &Kernels<'_>, window: &[i16]) -> Result<Found, Error> {
    let model = Model::with_kernels(package, kernels)?;
    let mut arena = vec![0x5aa5_c33c; model.arena_len() / 4];
    Ok(match Session::new(model, &mut arena)?.run(window)? {
        Outcome::Encoded(found) => {
            Ok((found.pose.unwrap(), found.canonical.to_vec(), found.code.unwrap().values.to_vec()))
        }
        Outcome::Degenerate(why) => Err(why),
    })
}

fn window_of(framed: Framed) -> usize {
    match framed {
        Framed::Ring => RINGS,
        Framed::Phase => 2 * usize::from(PERIOD),
        Framed::ThreeVectors => SPACE,
        _ => LEN,
    }
}

/// The element of a window that was turned by so many quarters.
fn turned(element: Element, quarters: u16) -> Element {
    let turn = Rotation::from_quarter_turns(quarters);
    match element {
        Element::Planar(rotation) => Element::Planar(turn.compose(rotation)),
        Element::Orthogonal(element) => Element::Orthogonal(Orthogonal::new(turn, false).compose(element)),
        Element::Cyclic(index) => Element::Cyclic(Cyclic::new(quarters, 4).compose(index)),
        Element::Translation(translation) => Element::Translation(turn.apply(translation)),
        Element::RigidMotion(RigidMotion { normal, acting }) => {
            Element::RigidMotion(RigidMotion { normal: turn.apply(normal), acting: turn.compose(acting) })
        }
        other => panic!("{other:?}"),
    }
}

/// The window moved back by a pose, as the domains say.
fn undone(element: Element, window: &[i16]) -> Vec<i16> {
    let mut canonical = vec![0; window.len()];
    if let Element::Spatial(g) = element {
        canonical.copy_from_slice(window);
        if g.is_reflected() {
            vector_window::invert(&FIELDS, &mut canonical);
        }
        vector_window::rotate(&g.rotation().inverse(), &FIELDS, &mut canonical);
        return canonical;
    }
    let (channels, to) = (usize::from(SIDE), &mut canonical[..]);
    let done = match element {
        Element::Planar(g) => transform(&Affine::from(g.inverse()), channels, window, to),
        Element::Orthogonal(g) => transform(&Affine::from(g.inverse()), channels, window, to),
        Element::Translation(g) => transform(&Affine::from(g.inverse()), channels, window, to),
        Element::RigidMotion(g) => transform(&Affine::from(g.inverse()), channels, window, to),
        Element::Cyclic(g) if window.len() == LEN => quarter_turns(g.inverse(), channels, window, to),
        Element::Cyclic(g) => ring::shift(g.inverse(), PLACES.into(), window, to),
        Element::Shift(g) => signal::shift(g.inverse(), 2, window, to),
        other => panic!("{other:?}"),
    };
    done.unwrap();
    canonical
}

fn counts(len: usize) -> impl Strategy<Value = Vec<i16>> {
    prop::collection::vec(-1000i16..=1000, len)
}

proptest! {
    #[test]
    fn turning_an_image_by_quarters_turns_its_pose_and_nothing_else(seed in 0u64..1000, image in counts(LEN)) {
        for framed in [Framed::Direction, Framed::TwoVectors, Framed::Quarters, Framed::Centroid, Framed::Rigid] {
            let package = framed.package(seed);
            let upright = run(&package, &image);
            for quarters in 0..4 {
                let mut moved = vec![0; LEN];
                quarter_turns(Cyclic::new(quarters, 4), SIDE.into(), &image, &mut moved).unwrap();
                let expected = upright.clone().map(|(pose, canonical, code)| {
                    let element = turned(pose.element, quarters);
                    // A canonical image stays where it is but for a translation alone, which does not undo turns.
                    let mut turned = canonical.clone();
                    if framed == Framed::Centroid {
                        quarter_turns(Cyclic::new(quarters, 4), SIDE.into(), &canonical, &mut turned).unwrap();
                    }
                    (Pose { element, ..pose }, turned, code)
                });
                let found = run(&package, &moved);
                if framed == Framed::Centroid {
                    prop_assert_eq!(found.map(|(pose, canonical, _)| (pose, canonical)), expected.map(|(pose, canonical, _)| (pose, canonical)));
                } else {
                    prop_assert_eq!(found, expected, "{:?}, {} quarters", framed, quarters);
                }
            }
        }
    }

    #[test]
    fn mirroring_an_image_reflects_its_pose_and_nothing_else(seed in 0u64..1000, image in counts(LEN)) {
        let package = Framed::TwoVectors.package(seed);
        let upright = run(&package, &image);
        let mirrored: Vec<i16> =
            image.chunks(SIDE.into()).flat_map(|row| row.iter().rev().copied()).collect();
        for quarters in 0..4 {
            let mut moved = vec![0; LEN];
            quarter_turns(Cyclic::new(quarters, 4), SIDE.into(), &mirrored, &mut moved).unwrap();
            let g = Orthogonal::new(Rotation::from_quarter_turns(quarters), true);
            let expected = upright.clone().map(|(pose, canonical, code)| {
                let Element::Orthogonal(element) = pose.element else { panic!("{pose:?}") };
                (Pose { element: Element::Orthogonal(g.compose(element)), ..pose }, canonical, code)
            });
            prop_assert_eq!(run(&package, &moved), expected, "{} quarters", quarters);
        }
    }

    #[test]
    fn turning_rings_turns_their_pose_and_nothing_else(seed in 0u64..1000, window in counts(RINGS)) {
        let package = Framed::Ring.package(seed);
        let upright = run(&package, &window);
        for places in 0..PLACES {
            let (turn, mut moved) = (Cyclic::new(places, PLACES), vec![0; RINGS]);
            ring::shift(turn, PLACES.into(), &window, &mut moved).unwrap();
            let expected = upright.clone().map(|(pose, canonical, code)| {
                let Element::Cyclic(index) = pose.element else { panic!("{pose:?}") };
                (Pose { element: Element::Cyclic(turn.compose(index)), ..pose }, canonical, code)
            });
            prop_assert_eq!(run(&package, &moved), expected, "{} places", places);
        }
    }

    #[test]
    fn inverting_vectors_reflects_their_pose_and_nothing_else(seed in 0u64..1000, window in counts(SPACE)) {
        let package = Framed::ThreeVectors.package(seed);
        let mut inverted = window.clone();
        vector_window::invert(&FIELDS, &mut inverted);
        let expected = run(&package, &window).map(|(pose, canonical, code)| {
            let Element::Spatial(element) = pose.element else { panic!("{pose:?}") };
            (Pose { element: Element::Spatial(o3::Orthogonal::INVERSION.compose(element)), ..pose }, canonical, code)
        });
        prop_assert_eq!(run(&package, &inverted), expected);
    }

    /// Written once, from the caller's window: also where two poses were found.
    #[test]
    fn the_canonical_window_is_the_callers_moved_back_once(seed in 0u64..1000, window in counts(RINGS)) {
        for framed in Framed::ALL {
            let window = &window[..window_of(framed)];
            if let Ok((pose, canonical, _)) = run(&framed.package(seed), window) {
                prop_assert_eq!(canonical, undone(pose.element, window), "{:?}", framed);
            }
        }
    }
}

#[test]
fn most_windows_have_a_pose_and_those_differ() {
    for framed in Framed::ALL {
        let windows = (0..8i32).map(|k| (0..RINGS as i32).map(move |i| ((i * i * (k + 3)) % 1999 - 999) as i16));
        let found: Vec<_> =
            windows.map(|window| run(&framed.package(3), &window.collect::<Vec<_>>()[..window_of(framed)])).collect();
        let poses: Vec<_> = found.iter().flatten().map(|(pose, ..)| pose.element).collect();
        assert!(poses.len() >= 6, "{framed:?}: {found:?}");
        assert!(poses.iter().any(|pose| *pose != poses[0]), "{framed:?}: {poses:?}");
    }
}

#[test]
fn windows_of_zeros_have_none() {
    for framed in Framed::ALL {
        let wanted = match framed {
            Framed::Quarters | Framed::Ring => Degenerate::Tied,
            _ => Degenerate::Vanishing,
        };
        assert_eq!(run(&framed.package(1), &vec![0; window_of(framed)]), Err(wanted), "{framed:?}");
    }
}

/// The confidence of two poses is the smaller one: with references that are a thousand times as large, each decides.
#[test]
fn two_poses_are_as_sure_as_the_less_sure_one() {
    let window: Vec<i16> = (0..LEN as i32).map(|i| (i * i * 5 % 1999 - 999) as i16).collect();
    let confidence = |references: [f32; 2]| {
        let mut parts = Framed::Rigid.parts(3, [SIDE; 2]);
        for (pose, reference) in parts.poses.iter_mut().zip(references) {
            pose.reference = reference;
        }
        run(&parts.encode().unwrap(), &window).unwrap().0.confidence
    };
    let sure = confidence([1e-3; 2]);
    for references in [[1e6, 1e-3], [1e-3, 1e6]] {
        assert!(confidence(references) < sure / 1e3);
    }
}

/// The pose from what is called upright is that of the chart, turned from the right; the window is turned back by it.
#[test]
fn what_is_upright_turns_poses_from_the_right() {
    let upright = [0.1, -0.7, 0.1, 0.7];
    let (plain, turned) = (synthetic_package(1), upright_parts(1, upright).encode().unwrap());
    for window in synthetic_windows(1, 8) {
        let ((said, ..), (found, canonical, _)) = (run(&plain, &window).unwrap(), run(&turned, &window).unwrap());
        let (Element::Rotation(said), Element::Rotation(pose)) = (said.element, found.element) else {
            panic!("{found:?}")
        };
        assert_eq!(pose, said.compose(so3::Rotation::from_quaternion(upright).inverse()));
        let back = pose.inverse().to_fixed();
        let expected = window.chunks(3).flat_map(|v| back.act([v[0], v[1], v[2]]));
        assert_eq!(canonical, expected.collect::<Vec<_>>());
    }
    let model = Model::from_bytes(&turned).unwrap();
    let own: Vec<Frame> = model.frames().copied().collect();
    let window = &synthetic_windows(1, 1)[0];
    let with = |frames: &[Frame]| run_with(&turned, &Kernels { frames, ..Kernels::ALL }, window);
    assert_eq!(with(&own), Ok(run(&turned, window)));
    assert_eq!(with(&[so3::FRAME]), Err(Error::UnsupportedChart { pose: 0 }));
}

/// A build needs the frames of its model and no others, and says which one is missing.
#[test]
fn frames_by_choice() {
    for framed in Framed::ALL {
        let package = framed.package(3);
        let model = Model::from_bytes(&package).unwrap();
        let own: Vec<Frame> = model.frames().copied().collect();
        assert_eq!(own.len(), model.pose_heads().len());
        let window: Vec<i16> = (0..RINGS as i32).map(|i| (i * i * 5 % 1999 - 999) as i16).collect();
        let window = &window[..window_of(framed)];
        let with = |frames: &[Frame]| run_with(&package, &Kernels { frames, ..Kernels::ALL }, window);
        assert_eq!(with(&own), Ok(run(&package, window)), "{framed:?}");
        let last = own.len() - 1;
        assert_eq!(with(&own[..last]), Err(Error::UnsupportedChart { pose: last as u16 }), "{framed:?}");
    }
    let paths: std::collections::BTreeSet<_> = Frame::ALL.iter().map(Frame::path).collect();
    assert_eq!(paths.len(), Frame::ALL.len());
}
