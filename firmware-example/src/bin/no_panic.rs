//! Links only if no entry point of gimbal-core can panic: the panic handler calls a symbol that does
//! not exist, so a branch to it that survives optimization is an error of the linker.
//!
//! Inputs are opaque to the optimizer, or it could rule panics out for these alone. Nothing is logged,
//! as defmt's logger may panic, and nothing of `lib.rs` is used: it has the other panic handler.

#![no_std]
#![no_main]

use core::hint::black_box;
#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
use gimbal_core::domain::vector_window;
use gimbal_core::format::{Field, FieldKind, Role, checksum};
use gimbal_core::group::so3::{GramSchmidt, Rotation};
use gimbal_core::group::{Element, Group};
use gimbal_core::plan::{Slot, assign, lower_bound, overlap};
use gimbal_core::{Error, Features, Model, Outcome, Session};
use panic_never as _;
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;

#[entry]
fn main() -> ! {
    let (mut arena, mut window) = ([0u32; 64], [0i16; 64]);
    loop {
        let package: &[u8] = black_box(&[0; 64]);
        _ = black_box(model(package, black_box(&mut arena), black_box(&mut window)));
        black_box(checksum(black_box(package)));
        rotations();
        plans(black_box(&mut [Slot { len: 4, first: 0, last: 0, offset: None }; 4]));
    }
}

fn model(package: &[u8], arena: &mut [u32], window: &mut [i16]) -> Result<(), Error> {
    let model = Model::from_bytes(package)?;
    black_box((model.name(), model.window_len(), model.arena_len(), model.pose_head(), model.canonical()));
    black_box((model.input().rate_hz, model.networks().len(), model.output_of(black_box(Role::Eta))));
    model.fields().for_each(|field| _ = black_box(field));
    model.classes().for_each(|class| _ = black_box(class));
    model.tensors().for_each(|tensor| _ = black_box((tensor, tensor.elements(), tensor.len(), tensor.is_empty())));
    for operator in model.operators() {
        black_box((operator.name(), operator.cost(&model)));
        operator.operands().all().for_each(|id| _ = black_box(model.tensor(id)));
    }
    vector_window::rotate(&black_box(Rotation::IDENTITY), &model.input().fields, window);
    let mut session = Session::new(model, arena)?;
    black_box(session.model().name());
    match session.run(window)? {
        Outcome::Encoded(found) => {
            black_box((found.pose, found.canonical));
            [found.code, found.logits].into_iter().flatten().for_each(features);
        }
        Outcome::Degenerate(why) => _ = black_box(why),
    }
    _ = black_box(session.run_observed(window, &mut |step| _ = black_box(step))?);
    Ok(())
}

fn features(features: Features<'_>) {
    features.dequantized().for_each(|x| _ = black_box(x));
    black_box(features.argmax());
}

fn rotations() {
    let a = Rotation::from_quaternion(black_box([0.0; 4]));
    let b = Rotation::from_quaternion(black_box([1.0; 4]));
    black_box((a.compose(b).inverse(), a.angle_to(&b), a.act(black_box([0.0; 3])), b.rows()));
    black_box(a.to_fixed().act(black_box([0; 3])));
    let chart = GramSchmidt { reference: black_box(1.0), minimum: black_box(1.0) };
    if let Ok(pose) = chart.pose(black_box([0.0; 3]), black_box([1.0; 3])) {
        black_box((pose.element.eq(&Element::Rotation(a)), pose.confidence));
    }
    let field = Field { per_count: 1.0, kind: black_box(FieldKind::Vector), reserved: 0 };
    vector_window::rotate(&a, black_box(&[field; 2]), black_box(&mut [0; 12]));
}

fn plans(slots: &mut [Slot]) {
    black_box((assign(slots, black_box(0)), lower_bound(slots)));
    if let [a, b, ..] = slots {
        black_box(overlap(a, b));
    }
}
