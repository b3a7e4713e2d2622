//! What is it, and how does it differ from others of its class? Each window of the vectors is classified and described, and
//! compared with what the host says of it, bit for bit.
//!
//! A package with a decoder says how strange each window is, too: one is marked that is much stranger than those before.

#![no_std]
#![no_main]

use defmt::{error, info, unwrap, warn};
use gimbal_core::{Features, Inference, Model, Outcome, Session};
use gimbal_firmware::vectors::{Vector, Vectors};
use gimbal_firmware::{KERNELS, PACKAGE, VECTORS, entry, exit, memory};

/// How many times as strange as the mean of those before a window is that is marked.
const STRANGE: f32 = 2.0;

#[entry]
fn main() -> ! {
    let (arena, buffer) = unwrap!(memory());
    let model = &unwrap!(Model::with_kernels(PACKAGE, KERNELS));
    info!("{=str}: {=usize} bytes, arena {=usize} bytes", model.name(), PACKAGE.len(), model.arena_len());
    let session = &mut unwrap!(Session::new(model.clone(), arena));
    let (mut sum, mut scored, mut equal) = (0.0, 0.0, true);
    for (count, vector) in unwrap!(Vectors::new(VECTORS)).enumerate() {
        let window = unwrap!(vector.turned(model, buffer));
        let found = match unwrap!(session.run(window)) {
            Outcome::Encoded(found) => found,
            Outcome::Degenerate(why) => {
                warn!("window {=usize}: no pose, {}", count, why);
                continue;
            }
        };
        let score = log(model, count, &found);
        if scored > 0.0 && score > STRANGE * sum / scored {
            warn!("  strange: {=f32} times the mean of those before", score * scored / sum);
        }
        (sum, scored) = (sum + score, scored + 1.0);
        if !same(&vector, &found) {
            error!("window {=usize} differs from the host's", count);
            equal = false;
        }
    }
    info!("{=str}", if equal { "all equal to the host's bit for bit" } else { "NOT what the host found" });
    exit(equal)
}

/// Says what was found, and returns how strange the window is; 0 for a package that does not say.
fn log(model: &Model<'_>, count: usize, found: &Inference<'_>) -> f32 {
    let class = found.logits.and_then(|logits| model.classes().nth(logits.argmax())).unwrap_or("no classifier");
    info!("window {=usize}: {=str}", count, class);
    if let Some(v) = found.within() {
        let mut hundredths = [0i16; 64];
        let numbers = hundredths.iter_mut().zip(v.dequantized());
        let len = numbers.map(|(to, number)| *to = (100.0 * number) as i16).count();
        info!("  v, hundredths of a deviation: {=[?]}", hundredths.get(..len).unwrap_or_default());
    }
    let score = found.anomaly();
    if let Some(score) = score {
        info!("  anomaly score {=f32}", score);
    }
    score.unwrap_or(0.0)
}

/// Whether class, v and score are the host's.
#[cfg(gimbal_within)]
fn same(host: &Vector, device: &Inference<'_>) -> bool {
    let score = device.anomaly().map(|score| score.to_bits().cast_signed());
    values(device.logits).eq(host.logits())
        && values(device.within()).eq(host.within())
        && score.into_iter().eq(host.anomaly())
}

/// A package without class codes has a class at most.
#[cfg(not(gimbal_within))]
fn same(host: &Vector, device: &Inference<'_>) -> bool {
    values(device.logits).eq(host.logits())
}

fn values(features: Option<Features<'_>>) -> impl Iterator<Item = i32> {
    features.map_or(&[][..], |features| features.values).iter().copied().map(i32::from)
}
