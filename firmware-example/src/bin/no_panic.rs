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
use gimbal_core::domain::image::{Affine, quarter_turns, transform};
use gimbal_core::domain::volume::{self, Volume};
use gimbal_core::domain::{point_set, ring, signal, vector_window};
use gimbal_core::format::{Chart, Dtype, Field, FieldKind, Role, checksum};
use gimbal_core::group::coordinates::{Angles, Coordinates};
use gimbal_core::group::cyclic::{Argmax, Cyclic};
use gimbal_core::group::e3::Isometry3;
use gimbal_core::group::o2::{Handed, Orthogonal};
use gimbal_core::group::product::{Frame, Product, RigidMotion, RigidMotion3};
use gimbal_core::group::shift::{Phase, Shift};
use gimbal_core::group::so3::{GramSchmidt, Rotation};
use gimbal_core::group::told::Quaternion;
use gimbal_core::group::translation::{Centroid, Translation};
use gimbal_core::group::{Element, Group, o3, so2, translation3};
use gimbal_core::kernel::{
    Filters, Kernels, Operands, Operator, Pooling, Rearrange, SetPooling, Tiles, Window, group_len,
};
use gimbal_core::plan::{Slot, assign, lower_bound, overlap};
use gimbal_core::quant::{Requantize, scale};
use gimbal_core::{Error, Features, Model, Outcome, Session, Step, math};
use panic_never as _;
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;

#[entry]
fn main() -> ! {
    let (mut arena, mut large, mut window) = ([0u32; 64], [0u32; 64], [0i16; 64]);
    loop {
        let package: &[u8] = black_box(&[0; 64]);
        let found = model(package, black_box(&mut arena), black_box(&mut window));
        black_box(found.err().and_then(|error| error.operator()));
        _ = black_box(two_arenas(package, black_box(&mut arena), black_box(&mut large), black_box(&mut window)));
        black_box(checksum(black_box(package)));
        rotations();
        planes();
        points();
        _ = black_box(volumes(black_box(2), black_box(&mut [0; 4])));
        rings();
        told();
        images();
        numbers();
        records();
        plans(black_box(&mut [Slot { len: 4, first: 0, last: 0, offset: None }; 4]));
    }
}

fn model(package: &[u8], arena: &mut [u32], window: &mut [i16]) -> Result<(), Error> {
    let model = Model::from_bytes(package)?;
    black_box((model.name(), model.window_len(), model.arena_len(), model.pose_heads(), model.canonical()));
    black_box((model.input().rate_hz, model.networks().len(), model.output_of(black_box(Role::Eta))));
    model.fields().for_each(|field| _ = black_box(field));
    model.classes().for_each(|class| _ = black_box(class));
    model
        .tensors()
        .iter()
        .for_each(|tensor| _ = black_box((tensor, tensor.elements(), tensor.len(), tensor.is_empty())));
    for operator in model.operators() {
        black_box((operator.name(), operator.record(), operator.cost(&model), operator.encode()));
        operator.operands().all().for_each(|id| _ = black_box(model.tensor(id)));
    }
    vector_window::rotate(&black_box(Rotation::IDENTITY), model.input().fields, window);
    let mut session = Session::new(model, arena)?;
    black_box(session.model().name());
    outcome(session.run(window)?);
    Ok(())
}

/// Operators of the caller's choice, two pieces of memory, and an observer.
fn two_arenas(package: &[u8], fast: &mut [u32], large: &mut [u32], window: &mut [i16]) -> Result<(), Error> {
    let model = Model::with_kernels(package, black_box(&Kernels::ALL))?;
    model.frames().for_each(|frame| _ = black_box(frame.path()));
    black_box((model.fast_len(), model.clone().arena_len(), model.least(), model.takes_sets()));
    let mut session = Session::with_two_arenas(model, fast, large)?;
    let mut steps = 0u32;
    let mut count = |step| steps = steps.wrapping_add((black_box(step) != Step::End).into());
    let observe: &mut dyn FnMut(Step) = black_box(&mut count);
    outcome(session.run_observed(window, observe)?);
    black_box(steps);
    Ok(())
}

fn outcome(outcome: Outcome<'_>) {
    match outcome {
        Outcome::Encoded(found) => {
            black_box((found.pose, found.canonical, found.order(), found.members(), found.member(black_box(0))));
            [found.code, found.logits].into_iter().flatten().for_each(features);
            found.wide_code().into_iter().for_each(features);
            found.within().into_iter().for_each(features);
            black_box(found.anomaly());
        }
        Outcome::Degenerate(why) => _ = black_box(why),
    }
}

fn features<T: Copy + Ord + Into<i32>>(features: Features<'_, T>) {
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
        black_box((pose.element.eq(&Element::Rotation(a)), black_box(pose).element.numbers(), pose.confidence));
    }
    vector_window::rotate(&a, black_box(&[field(); 2]), black_box(&mut [0; 12]));
    let g = o3::Orthogonal::new(a, black_box(true)).compose(o3::Orthogonal::INVERSION).inverse();
    let v = black_box([1.0; 3]);
    black_box((g.act(v), g.act_on_pseudo_vector(v), g.rows(), g.rotation(), g.is_reflected()));
    let chart = o3::Handed { reference: black_box(1.0), minimum: black_box(1.0) };
    _ = black_box(chart.pose(v, black_box(v), black_box(v)));
    vector_window::invert(black_box(&[field(); 2]), black_box(&mut [0; 12]));
}

fn field() -> Field {
    Field { per_count: 1.0, kind: black_box(FieldKind::Vector), width: black_box(3) }
}

/// Rotations, reflections and rigid motions of the plane.
fn planes() {
    let (v, n) = (black_box([0.0; 2]), black_box(0.0));
    let a = so2::Rotation::from_angle(n).compose(so2::Rotation::from_quarter_turns(black_box(1)));
    let b = so2::Rotation::from_vector(v).unwrap_or(a);
    black_box((a.compose(b).inverse(), a.angle_to(&b), a.angle(), a.act(v), a.rows(), a.cos(), a.sin()));
    let g = Orthogonal::new(a, black_box(true)).compose(Orthogonal::FLIP).inverse();
    black_box((g.act(v), g.rows(), g.rotation(), g.cos(), g.sin(), g.is_reflected()));
    let t = Translation::from_vector(v).unwrap_or(Translation::IDENTITY);
    black_box((t.compose(t).inverse(), t.x(), t.y(), t.act(v)));
    let h = RigidMotion { normal: t, acting: a };
    black_box((h.compose(h).inverse(), h.act(v)));
    black_box(Product { first: a, second: g }.compose(Product { first: b, second: g }).inverse());
    let direction = so2::Direction { reference: n, minimum: n };
    let origin = Centroid { reference: n, minimum: n };
    let (weights, side) = (black_box([0i32; 4]), black_box(2));
    _ = black_box(direction.pose(v));
    _ = black_box(Handed { reference: n, minimum: n }.pose(v, black_box(v)));
    _ = black_box(origin.pose(weights.into_iter(), side, black_box(side)));
    _ = black_box(Frame { origin, direction }.pose(weights.into_iter(), side, black_box(side), v));
}

/// Translations and rigid motions of space, and sets of points.
fn points() {
    let (v, rotation) = (black_box([0.0; 3]), black_box(Rotation::IDENTITY));
    let t = translation3::Translation::from_vector(v).unwrap_or(translation3::Translation::IDENTITY);
    black_box((t.compose(t).inverse(), t.x(), t.y(), t.z(), t.act(v), t.to_counts()));
    let g = RigidMotion3 { normal: t, acting: rotation };
    black_box((g.compose(g).inverse(), g.act(v), Element::RigidMotion3(g).numbers()));
    let h = Isometry3 { normal: t, acting: o3::Orthogonal::new(rotation, black_box(true)) };
    black_box((h.compose(h).inverse(), h.act(v), Element::Isometry3(h).numbers()));
    black_box(translation3::Mean.pose(black_box([0; 3])));
    let (by, mut set) = (black_box([0; 3]), black_box([0; 12]));
    point_set::translate(by, black_box(&[field(); 2]), &mut set);
    point_set::turn_about(by, &rotation, black_box([0; 3]), black_box(&[field(); 2]), &mut set);
    black_box(set);
    let order = black_box(&[0; 4]);
    black_box(point_set::permute(order, black_box(3), black_box(&[0i16; 4]), black_box(&mut [0; 4])));
}

/// Volumes, as points and turned.
fn volumes(side: usize, cells: &mut [u8]) -> Result<(), volume::Refusal> {
    black_box((volume::bytes(side), volume::occupy(side, black_box([0; 3]), cells)));
    let volume = Volume::new(side, cells)?;
    black_box((volume.count(), volume.is_occupied(black_box([0; 3]))));
    black_box(volume.points(black_box(&mut [0; 12]))?);
    volume.canonicalize(&black_box(RigidMotion3::IDENTITY), black_box(&mut [0; 4]))
}

/// Turns of rings and delays of signals.
fn rings() {
    let (n, channels) = (black_box(0u16), black_box(0usize));
    let a = Cyclic::new(n, black_box(n));
    black_box((a.compose(black_box(a)).inverse(), a.act(n), a.index(), a.order(), a.is_identity()));
    _ = black_box(Argmax { reference: black_box(1.0), minimum: black_box(1.0) }.pose(black_box(&[0; 4])));
    black_box(ring::shift(a, channels, black_box(&[0i16; 4]), black_box(&mut [0; 4])));
    let g = Shift::from_turns(black_box(0.0));
    black_box((g.compose(black_box(g)).inverse(), g.turns(), g.turns_to(&g), g.to_steps(black_box(0))));
    _ = black_box(Phase { reference: black_box(1.0), minimum: black_box(1.0) }.pose(black_box([0.0; 2])));
    black_box(signal::shift(g, channels, black_box(&[0; 4]), black_box(&mut [0; 4])));
}

/// Poses that are told.
fn told() {
    let (numbers, v) = (black_box(&[0.0f32; 4]), black_box([0.0f32; 3]));
    let a = Coordinates::from_numbers(numbers).unwrap_or(Coordinates::IDENTITY);
    let b = Coordinates::from_angles(numbers).unwrap_or(a);
    let c = Coordinates::from_place(black_box([0.0; 2]), black_box(0.0)).unwrap_or(b);
    let product = a.compose(b).compose(c).inverse();
    black_box((product.numbers(), product.is_angle(black_box(9)), Element::Coordinates(product).numbers()));
    let angles = Angles { reference: black_box(1.0), minimum: black_box(1.0) };
    _ = black_box((angles.pose(black_box(&[[0.0; 2]; 12])), angles.place(black_box([0.0; 2]), black_box([0.0; 2]))));
    _ = black_box(Quaternion { reference: black_box(1.0), minimum: black_box(1.0) }.pose(black_box([0.0; 4])));
    black_box((Rotation::from_vector(v), black_box(Chart::Numbers).is_told()));
}

fn images() {
    let (turn, normal) = (black_box(so2::Rotation::IDENTITY), black_box(Translation::IDENTITY));
    let all: [Affine; 4] = [
        turn.into(),
        Orthogonal::new(turn, black_box(true)).into(),
        normal.into(),
        RigidMotion { normal, acting: turn }.into(),
    ];
    for g in &all {
        black_box(transform(g, black_box(2), black_box(&[0u8; 4]), black_box(&mut [0u8; 4])));
        black_box(transform(g, black_box(2), black_box(&[0i16; 4]), black_box(&mut [0i16; 4])));
    }
    let g = black_box(Cyclic::IDENTITY);
    black_box(quarter_turns(g, black_box(2), black_box(&[0u8; 4]), black_box(&mut [0; 4])));
}

fn numbers() {
    let requantize = black_box(Requantize { shift: 0, zero_point: 0, min: 1, max: 0 });
    black_box((requantize.apply(black_box(0), black_box(0)), requantize.clamp(black_box(0))));
    black_box(scale(black_box(0), black_box(0), black_box(0)));
    black_box((math::sqrt(black_box(0.0)), math::asin(black_box(0.0)), math::atan2(black_box(0.0), black_box(0.0))));
    black_box((math::sin(black_box(0.0)), math::cos(black_box(0.0)), math::floor(black_box(0.0))));
}

/// What stands in packages, and where.
fn records() {
    let (n, shape) = (black_box(0usize), black_box([0u16; 3]));
    let tiles = Tiles { rows: n, columns: black_box(0) };
    black_box((tiles.len(), tiles.is_empty(), tiles.bias(n), tiles.weight(n, n), tiles.multiplier(n), group_len(n)));
    let filters = Filters { taps: n, channels: black_box(0) };
    black_box((filters.len(), filters.is_empty(), filters.bias(n), filters.weight(n, n), filters.multiplier(n)));
    let operands = Operands::new(black_box(0), black_box(0)).with_scratch(black_box(0));
    black_box(Rearrange::slice(operands, shape, black_box(shape), black_box([0; 3]), black_box(shape)));
    black_box(Rearrange::reshape(operands, shape));
    black_box(Rearrange::transpose(operands, shape, black_box([n; 3])));
    black_box(Rearrange::upsample(operands, shape, n, black_box(0)));
    black_box(Window::across(black_box(0), black_box(0), black_box(0), black_box(0)));
    black_box((black_box(Pooling::Max).code(), black_box(SetPooling::Max).code()));
    if let Some(operator) = Operator::decode(black_box(&[0; Operator::LEN / 4])) {
        black_box((operator.encode(), operator.operands()));
    }
    let dtype = black_box(Dtype::I8);
    black_box((dtype.bytes(), dtype.range(), field().channels()));
}

fn plans(slots: &mut [Slot]) {
    black_box((assign(slots, black_box(0)), lower_bound(slots)));
    if let [a, b, ..] = slots {
        black_box(overlap(a, b));
    }
}
