//! A recording, window by window, each turned another way: where is up, and what is going on?
//!
//! The law `ψ(g·x) = g·ψ(x)` is measured on the way: each window also runs unturned.

#![no_std]
#![no_main]

use defmt::{info, unwrap, warn};
use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Element, Group, Pose};
use gimbal_core::{Inference, Model, Outcome, Session};
use gimbal_firmware::vectors::Vectors;
use gimbal_firmware::{KERNELS, PACKAGE, VECTORS, entry, exit, memory};

#[entry]
fn main() -> ! {
    let (arena, buffer) = unwrap!(memory());
    let model = unwrap!(Model::with_kernels(PACKAGE, KERNELS));
    info!("{=str}: {=usize} bytes, arena {=usize} bytes", model.name(), PACKAGE.len(), model.arena_len());
    let mut session = unwrap!(Session::new(model.clone(), arena));
    for (count, vector) in unwrap!(Vectors::new(VECTORS)).enumerate() {
        let upright = match unwrap!(session.run(unwrap!(vector.upright(buffer)))) {
            Outcome::Encoded(found) => found.pose.map(rotation),
            Outcome::Degenerate(_) => None,
        };
        match unwrap!(session.run(unwrap!(vector.turned(&model, buffer)))) {
            Outcome::Encoded(found) => log(&model, count, &found, upright.map(|pose| vector.turn.compose(pose))),
            Outcome::Degenerate(why) => warn!("window {=usize}: no pose, {}", count, why),
        }
    }
    exit(true)
}

fn log(model: &Model<'_>, count: usize, found: &Inference<'_>, expected: Option<Rotation>) {
    let class = found.logits.and_then(|logits| model.classes().nth(logits.argmax())).unwrap_or("no classifier");
    match (found.pose, expected) {
        (Some(pose), Some(expected)) => info!(
            "window {=usize}: {=str}, confidence {=f32}, off the law by {=f32}°, pose {=[?]}",
            count,
            class,
            short(pose.confidence),
            short(rotation(pose).angle_to(&expected).to_degrees()),
            rotation(pose).rows().map(|row| row.map(short)),
        ),
        _ => info!("window {=usize}: {=str}", count, class),
    }
}

fn rotation(pose: Pose) -> Rotation {
    match pose.element {
        Element::Rotation(rotation) => rotation,
        // Turning leaves the hand as it is.
        Element::Spatial(orthogonal) => orthogonal.rotation(),
        _ => exit(false),
    }
}

/// Three decimals.
fn short(x: f32) -> f32 {
    (x * 1000.0) as i32 as f32 / 1000.0
}
