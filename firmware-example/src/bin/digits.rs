//! Digits from every side: one image is turned by small steps, then come those of the vectors. What is it, how is it
//! turned, and what does it look like once the model has moved it back?

#![no_std]
#![no_main]

use defmt::{info, unwrap, warn};
use gimbal_core::domain::image::{Affine, transform};
use gimbal_core::group::{Element, Pose, so2::Rotation};
use gimbal_core::{Model, Outcome, Session};
use gimbal_firmware::vectors::Vectors;
use gimbal_firmware::{KERNELS, PACKAGE, VECTORS, entry, exit, memory};

/// Degrees from step to step.
const STEP: usize = 15;
/// From dark to bright.
const SHADES: &[u8] = b" .:-=+*#%@";

#[entry]
fn main() -> ! {
    let (arena, buffer) = unwrap!(memory());
    let model = &unwrap!(Model::with_kernels(PACKAGE, KERNELS));
    info!("{=str}: {=usize} bytes, arena {=usize} bytes", model.name(), PACKAGE.len(), model.arena_len());
    let session = &mut unwrap!(Session::new(model.clone(), arena));
    let (image, turned) = unwrap!(buffer.split_at_mut_checked(model.window_len()));
    let (columns, turned) = (model.input().channels(), unwrap!(turned.get_mut(..model.window_len())));
    let vectors = unwrap!(Vectors::new(VECTORS));
    let mut from_first = vectors;
    let first = unwrap!(unwrap!(from_first.next()).upright(image));
    for degrees in (0u16..360).step_by(STEP) {
        let turn = Rotation::from_angle(f32::from(degrees).to_radians());
        unwrap!(transform(&Affine::from(turn), columns, first, turned));
        info!("the first image, turned by {=u16}°", degrees);
        log(model, unwrap!(session.run(turned)));
    }
    for (count, vector) in vectors.enumerate() {
        info!("image {=usize}", count);
        log(model, unwrap!(session.run(unwrap!(vector.upright(image)))));
    }
    exit(true)
}

fn log(model: &Model<'_>, outcome: Outcome<'_>) {
    let found = match outcome {
        Outcome::Encoded(found) => found,
        Outcome::Degenerate(why) => return warn!("no pose, {}", why),
    };
    let class = found.logits.and_then(|logits| model.classes().nth(logits.argmax())).unwrap_or("no classifier");
    if let Some(Pose { element, confidence }) = found.pose {
        let percent = (confidence * 100.0) as i32;
        info!("{=str}, turned by {=i32}°, confidence {=i32} %", class, degrees(&element), percent);
    }
    let (columns, most) = (model.input().channels(), found.canonical.iter().max().map_or(1, |&most| most.max(1)));
    // Of a large image every second pixel will do.
    let step = if columns > 16 { 2 } else { 1 };
    for row in found.canonical.chunks_exact(columns).step_by(step) {
        let mut line = [b' '; 64];
        for (shade, &count) in line.iter_mut().zip(row.iter().step_by(step)) {
            let bright = i32::from(count.max(0)) * (SHADES.len() as i32 - 1) / i32::from(most);
            *shade = SHADES.get(bright as usize).copied().unwrap_or_default();
        }
        info!("{=str}|", unwrap!(str::from_utf8(&line)).get(..columns.div_ceil(step)).unwrap_or_default());
    }
}

/// How far the image was turned, in whole degrees; 0 for a group that does not turn it.
fn degrees(element: &Element) -> i32 {
    let angle = match element {
        Element::Planar(g) => g.angle(),
        Element::Orthogonal(g) => g.rotation().angle(),
        Element::RigidMotion(g) => g.acting.angle(),
        Element::Cyclic(g) => Rotation::from_quarter_turns(g.index()).angle(),
        _ => 0.0,
    };
    angle.to_degrees() as i32
}
