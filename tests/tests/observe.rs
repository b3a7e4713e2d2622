//! What `Session::run_observed` tells its observer.

use gimbal_core::{Model, Outcome, Session, Step};
use gimbal_tests::{CHANNELS, SAMPLES, synthetic_package, synthetic_windows};
use std::iter::once;

fn observed(window: &[i16]) -> (Vec<Step>, bool) {
    let package = synthetic_package(1);
    let model = Model::from_bytes(&package).unwrap();
    let mut arena = vec![0; model.arena_len() / 4];
    let mut session = Session::new(model, &mut arena).unwrap();
    let mut steps = vec![];
    let outcome = session.run_observed(window, &mut |step| steps.push(step)).unwrap();
    let encoded = matches!(outcome, Outcome::Encoded(_));
    (steps, encoded)
}

#[test]
fn every_step_once_and_in_order() {
    let (psi, eta) = ((0..5).map(Step::Operator), (5..10).map(Step::Operator));
    let all: Vec<_> = psi.chain(once(Step::Canonicalize)).chain(eta).chain(once(Step::End)).collect();
    assert_eq!(observed(&synthetic_windows(1, 1)[0]), (all, true));
}

#[test]
fn a_window_without_a_pose_ends_there() {
    let steps = (0..5).map(Step::Operator).chain([Step::Canonicalize, Step::End]).collect();
    assert_eq!(observed(&[0; (SAMPLES * CHANNELS) as usize]), (steps, false));
}
