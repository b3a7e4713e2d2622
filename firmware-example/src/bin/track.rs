//! A camera on its way: of every frame the pose that the model tells, and how far it has come since the first.
//!
//! A told pose is known up to a constant, which stands on its right. What leads from one pose to another, `q·p⁻¹`, is known
//! without it.

#![no_std]
#![no_main]

use defmt::{info, unwrap, warn};
use gimbal_core::group::{Element, Group, Pose};
use gimbal_core::{Model, Outcome, Session};
use gimbal_firmware::vectors::{Vectors, same};
use gimbal_firmware::{KERNELS, PACKAGE, VECTORS, entry, exit, memory};

#[entry]
fn main() -> ! {
    let (arena, buffer) = unwrap!(memory());
    let model = &unwrap!(Model::with_kernels(PACKAGE, KERNELS));
    info!("{=str}: {=usize} bytes, arena {=usize} bytes", model.name(), PACKAGE.len(), model.arena_len());
    let mut session = unwrap!(Session::new(model.clone(), arena));
    let (mut first, mut equal, mut count) = (None, true, 0usize);
    for vector in unwrap!(Vectors::new(VECTORS)) {
        match unwrap!(session.run(unwrap!(vector.turned(model, buffer)))) {
            Outcome::Encoded(found) => {
                let Some(pose) = found.pose else { exit(false) };
                let [a, b, c, d, e, f, g, h, i] = pose.element.numbers();
                let all = [a, b, c, d, e, f, g, h, i, pose.confidence];
                equal &= same("pose", &mut all.iter().map(|x| x.to_bits().cast_signed()), &mut vector.pose());
                log(count, &pose, *first.get_or_insert(pose.element));
            }
            Outcome::Degenerate(why) => warn!("frame {=usize}: no pose, {}", count, why),
        }
        count += 1;
    }
    info!("{=usize} frames, poses {=str} the host's", count, if equal { "equal" } else { "DIFFER FROM" });
    exit(equal && count > 0)
}

fn log(count: usize, pose: &Pose, first: Element) {
    let told = pose.element.numbers().map(short);
    let (since, len) = match (pose.element, first) {
        (Element::Coordinates(q), Element::Coordinates(p)) => {
            (Element::Coordinates(q.compose(p.inverse())), q.numbers().len())
        }
        (Element::RigidMotion(q), Element::RigidMotion(p)) => (Element::RigidMotion(q.compose(p.inverse())), 4),
        (Element::Rotation(q), Element::Rotation(p)) => (Element::Rotation(q.compose(p.inverse())), told.len()),
        _ => exit(false),
    };
    let since = since.numbers().map(short);
    let part = |numbers: &'static str, all: &[f32]| info!("  {=str} {=[?]}", numbers, unwrap!(all.get(..len)));
    info!("frame {=usize}, confidence {=f32}", count, short(pose.confidence));
    part("pose", &told);
    part("since the first", &since);
}

/// Three decimals.
fn short(x: f32) -> f32 {
    (x * 1000.0) as i32 as f32 / 1000.0
}
