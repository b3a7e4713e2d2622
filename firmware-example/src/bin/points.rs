//! Sets of points in any pose and any order: each set of the vectors as it is, then shuffled, then turned and moved too,
//! and then with a few points gone. What is it, where is it, how is it turned, and who stands where in its own order?
//!
//! A model without classes looks at all sets as they are first, and says later which of them a set is like.

#![no_std]
#![no_main]

use defmt::{info, unwrap, warn};
use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Element, Group, Pose};
use gimbal_core::{Inference, Model, Outcome, Session};
use gimbal_firmware::stream::{Change, Stream};
use gimbal_firmware::vectors::Vectors;
use gimbal_firmware::{KERNELS, PACKAGE, VECTORS, entry, exit, memory};

#[entry]
fn main() -> ! {
    let (arena, buffer) = unwrap!(memory());
    let model = &unwrap!(Model::with_kernels(PACKAGE, KERNELS));
    info!("{=str}: {=usize} bytes, arena {=usize} bytes", model.name(), PACKAGE.len(), model.arena_len());
    let session = &mut unwrap!(Session::new(model.clone(), arena));
    // One element more than the most, for a set that is too large.
    let (set, known) = unwrap!(buffer.split_at_mut_checked(model.window_len() + model.input().channels()));
    let vectors = unwrap!(Vectors::new(VECTORS));
    let known = learn(session, vectors, set, known);
    let mut stream = Stream::new();
    for (count, vector) in vectors.enumerate() {
        let mut at_rest = None;
        for change in Change::ALL {
            let set = unwrap!(vector.upright(set));
            let (len, turn) = stream.change(change, model, set);
            info!("set {=usize}, {=str}: {=usize} elements", count, change.name(), len / model.input().channels());
            let pose = log(model, known, unwrap!(session.run(unwrap!(set.get(..len)))));
            match (change, pose, at_rest) {
                (Change::Kept, pose, _) => at_rest = pose,
                // Where some are gone it is another set.
                (Change::Shuffled | Change::Moved, Some(pose), Some(at_rest)) => {
                    info!("  off the law by {=f32}°", pose.angle_to(&turn.compose(at_rest)).to_degrees());
                }
                _ => {}
            }
        }
    }
    refusals(session, set);
    exit(true)
}

/// The codes of all sets as they are, one behind the other, as far as there is memory for them. Nothing is like the code
/// of a set without a pose.
fn learn<'k>(session: &mut Session<'_, '_>, vectors: Vectors, set: &mut [i16], known: &'k mut [i16]) -> &'k [i16] {
    let mut len = 0;
    for vector in vectors {
        let outcome = unwrap!(session.run(unwrap!(vector.upright(set))));
        let Outcome::Encoded(found) = outcome else { continue };
        let numbers = code(&found).count();
        let Some(to) = known.get_mut(len..len + numbers) else { break };
        to.iter_mut().zip(code(&found)).for_each(|(to, x)| *to = x);
        len += numbers;
    }
    known.get(..len).unwrap_or_default()
}

/// Says what was found, and returns how the set is turned.
fn log(model: &Model<'_>, known: &[i16], outcome: Outcome<'_>) -> Option<Rotation> {
    let found = match outcome {
        Outcome::Encoded(found) => found,
        Outcome::Degenerate(why) => {
            warn!("  no pose, {}", why);
            return None;
        }
    };
    match (found.logits.and_then(|logits| model.classes().nth(logits.argmax())), nearest(known, &found)) {
        (Some(class), _) => info!("  {=str}", class),
        (None, Some((code, distance))) => info!("  like code {=usize}, {=u32} steps from it", code, distance),
        (None, None) => {}
    }
    let turn = found.pose.and_then(|pose| place(&pose));
    if let Some(order) = found.order() {
        let tied = order.gaps.iter().filter(|&&gap| gap == 0).count();
        info!("  order {=[?]}, {=usize} of them tied with the next", order.places, tied);
    }
    turn
}

/// The code, of 8 bits or of 16.
fn code(found: &Inference<'_>) -> impl Iterator<Item = i16> {
    let narrow = found.code.map_or(&[][..], |code| code.values).iter().map(|&x| x.into());
    narrow.chain(found.wide_code().map_or(&[][..], |code| code.values).iter().copied())
}

/// Which code is nearest, and the sum of the differences of its numbers.
fn nearest(known: &[i16], found: &Inference<'_>) -> Option<(usize, u32)> {
    let apart = |known: &[i16]| known.iter().zip(code(found)).map(|(a, b)| u32::from(a.abs_diff(b))).sum();
    known.chunks_exact(code(found).count().max(1)).map(apart).enumerate().min_by_key(|&(_, distance)| distance)
}

/// Says where the set is, which hand it has and how it is turned.
fn place(pose: &Pose) -> Option<Rotation> {
    let (normal, acting) = match pose.element {
        Element::RigidMotion3(motion) => (Some(motion.normal), Some(motion.acting)),
        Element::Isometry3(isometry) => {
            info!("  {=str}", if isometry.acting.is_reflected() { "inverted" } else { "not inverted" });
            (Some(isometry.normal), Some(isometry.acting.rotation()))
        }
        Element::Translation3(normal) => (Some(normal), None),
        Element::Rotation(acting) => (None, Some(acting)),
        _ => (None, None),
    };
    if let Some(normal) = normal {
        info!("  at {=[?]} counts", normal.to_counts());
    }
    if let Some(acting) = acting {
        info!("  turned by {=[?]}, confidence {=f32}", acting.rows(), pose.confidence);
    }
    acting
}

/// Sets that no session takes, and sets that have no pose: each says why.
fn refusals(session: &mut Session<'_, '_>, set: &mut [i16]) {
    let (most, channels) = (session.model().window_len(), session.model().input().channels());
    set.fill(0);
    refusal(session, "no elements", &[]);
    refusal(session, "one element too many", set);
    refusal(session, "a part of an element", unwrap!(set.get(..most - 1)));
    let set = unwrap!(set.get_mut(..most));
    set.chunks_exact_mut(channels).for_each(|row| row.iter_mut().zip([300, -200, 5]).for_each(|(x, at)| *x = at));
    refusal(session, "all in one place", set);
    // Not evenly: what is symmetric has no vectors at all.
    let elements = (most / channels) as i32;
    for (row, k) in set.chunks_exact_mut(channels).zip(1..) {
        row.iter_mut().take(3).for_each(|x| *x = (4000 * k / elements * k / elements) as i16);
    }
    refusal(session, "on a line", set);
}

fn refusal(session: &mut Session<'_, '_>, what: &str, set: &[i16]) {
    match session.run(set) {
        Ok(Outcome::Encoded(_)) => info!("{=str}: a set like others", what),
        Ok(Outcome::Degenerate(why)) => warn!("{=str}: no pose, {}", what, why),
        Err(why) => warn!("{=str}: {}", what, why),
    }
}
