//! What each operator takes, and how much stack: `tests/bench` runs this and reads what it logs.

#![no_std]
#![no_main]

use core::hint::black_box;
use defmt::{info, unwrap};
use gimbal_core::{Error, Model, Session, Step};
use gimbal_firmware::clock::Clock;
use gimbal_firmware::machine::{mark, stack_pointer};
use gimbal_firmware::vectors::Vectors;
use gimbal_firmware::{KERNELS, PACKAGE, VECTORS, entry, exit, memory};

#[entry]
fn main() -> ! {
    let (arena, buffer) = unwrap!(memory());
    let window = &*unwrap!(unwrap!(unwrap!(Vectors::new(VECTORS)).next()).upright(buffer));
    if let Some(stack_pointer) = stack_pointer() {
        info!("stack pointer {=u32}", stack_pointer);
    }
    mark();
    let model = load();
    mark();
    let mut session = unwrap!(Session::new(unwrap!(model), arena));
    mark();
    warm_up(&mut session, window);
    mark();

    let mut clock = unwrap!(Clock::new());
    let (mut running, mut empty) = (None, None);
    let mut observe = |step| {
        let count = clock.stop();
        match (running.replace(step), empty) {
            (Some(_), None) => empty = Some(count),
            (None | Some(Step::End), _) => {}
            (Some(before), Some(empty)) => info!("{}: {=u32} {=str}", before, count.wrapping_sub(empty), Clock::UNIT),
        }
        clock.start();
    };
    // Nothing lies between these: what is counted is what observing takes.
    let observe: &mut dyn FnMut(Step) = black_box(&mut observe);
    observe(Step::End);
    observe(Step::End);
    _ = unwrap!(session.run_observed(window, observe));
    exit(true)
}

// Functions of their own, so that their stack is not the caller's.

#[inline(never)]
fn load() -> Result<Model<'static>, Error> {
    Model::with_kernels(black_box(PACKAGE), KERNELS)
}

#[inline(never)]
fn warm_up(session: &mut Session<'_, '_>, window: &[i16]) {
    _ = black_box(session.run(black_box(window)));
}
