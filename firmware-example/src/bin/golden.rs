//! Bit for bit: does the device find what the host found?

#![no_std]
#![no_main]

use defmt::{error, info, unwrap};
use gimbal_core::group::Degenerate;
use gimbal_core::{Features, Inference, Model, Outcome, Session};
use gimbal_firmware::vectors::{Vector, Vectors, same};
use gimbal_firmware::{KERNELS, PACKAGE, VECTORS, entry, exit, memory};

#[entry]
fn main() -> ! {
    let (arena, buffer) = unwrap!(memory());
    let model = unwrap!(Model::with_kernels(PACKAGE, KERNELS));
    let mut session = unwrap!(Session::new(model, arena));
    let mut count = 0u32;
    for vector in unwrap!(Vectors::new(VECTORS)) {
        let window = unwrap!(vector.turned(session.model(), buffer));
        if !equal(&vector, &unwrap!(session.run(window))) {
            error!("window {=u32} differs", count);
            exit(false);
        }
        count += 1;
    }
    info!("{=u32} windows, all equal to the host's bit for bit", count);
    exit(count > 0)
}

/// Compares everything that a run answers with what the host found.
fn equal(host: &Vector, device: &Outcome<'_>) -> bool {
    let (outcome, found) = match device {
        Outcome::Encoded(found) => (if found.pose.is_some() { 0 } else { 1 }, Some(found)),
        Outcome::Degenerate(Degenerate::Vanishing) => (2, None),
        Outcome::Degenerate(Degenerate::Parallel) => (3, None),
        Outcome::Degenerate(Degenerate::Tied) => (4, None),
        Outcome::Degenerate(Degenerate::Coplanar) => (5, None),
        Outcome::Degenerate(_) => (u8::MAX, None),
    };
    if outcome != host.outcome {
        error!("outcome {=u8} on the device, {=u8} on the host", outcome, host.outcome);
        return false;
    }
    let Some(found) = found else { return true };
    let pose = found.pose.is_none_or(|pose| {
        let [a, b, c, d, e, f, g, h, i] = pose.element.numbers();
        let numbers = [a, b, c, d, e, f, g, h, i, pose.confidence];
        same("bits of the pose", &mut numbers.iter().map(|x| x.to_bits().cast_signed()), &mut host.pose())
    });
    pose && same("canonical", &mut found.canonical.iter().copied().map(i32::from), &mut host.canonical())
        && same("code", &mut values(found.code), &mut host.code())
        && same("logits", &mut values(found.logits), &mut host.logits())
        && same_set(host, found)
        && same_within(host, found)
}

/// The same of what only sets have: a code of 16 bits and a canonical order.
#[cfg(gimbal_sets)]
fn same_set(host: &Vector, device: &Inference<'_>) -> bool {
    let code = device.wide_code().map_or(&[][..], |code| code.values);
    let (places, gaps) = device.order().map_or((&[][..], &[][..]), |order| (order.places, order.gaps));
    let gaps = gaps.iter().map(|&gap| i32::from(gap.cast_signed()));
    same("wide code", &mut code.iter().copied().map(i32::from), &mut host.wide_code())
        && same("order", &mut places.iter().copied().map(i32::from).chain(gaps), &mut host.order())
}

/// Where the model takes no sets, none of it is in the flash.
#[cfg(not(gimbal_sets))]
fn same_set(_host: &Vector, _device: &Inference<'_>) -> bool {
    true
}

/// The same of what only packages with class codes have.
#[cfg(gimbal_within)]
fn same_within(host: &Vector, device: &Inference<'_>) -> bool {
    let score = device.anomaly().map(|score| score.to_bits().cast_signed());
    same("v", &mut values(device.within()), &mut host.within())
        && same("bits of the anomaly score", &mut score.into_iter(), &mut host.anomaly())
}

#[cfg(not(gimbal_within))]
fn same_within(_host: &Vector, _device: &Inference<'_>) -> bool {
    true
}

fn values(features: Option<Features<'_>>) -> impl Iterator<Item = i32> {
    features.map_or(&[][..], |features| features.values).iter().copied().map(i32::from)
}
