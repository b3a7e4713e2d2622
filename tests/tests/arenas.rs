//! Where tensors lie makes no difference: one arena or two, cut anywhere, and what works in place.

use gimbal_core::format::{Dtype, FieldKind, Operator, Role};
use gimbal_core::kernel::{Lut, Operands, QuantizeFeatures};
use gimbal_core::quant::Requantize;
use gimbal_core::{Error, Model, Outcome, Session};
use gimbal_tests::{operators_parts, operators_windows, synthetic_parts, synthetic_windows};
use gimbal_train::package::{Contract, ContractField, Parts};

/// What a session says of some windows.
fn said(mut session: Session<'_, '_>, windows: &[Vec<i16>]) -> Vec<String> {
    windows.iter().map(|window| format!("{:?}", session.run(window).unwrap())).collect()
}

/// Memory that nobody has cleared.
fn noise(bytes: usize) -> Vec<u32> {
    vec![0x5a5a_5a5a; bytes / 4]
}

/// The package that is planned with a cut, which is no more than a plan.
fn cut(parts: &Parts, fast_len: u32) -> Vec<u8> {
    let mut parts = parts.clone();
    parts.fast_len = fast_len;
    parts.encode().unwrap()
}

#[test]
fn two_arenas_say_what_one_says() {
    let cases = [(operators_parts(), operators_windows(3, 4)), (synthetic_parts(1), synthetic_windows(3, 4))];
    for (parts, windows) in &cases {
        let whole = cut(parts, 0);
        let model = Model::from_bytes(&whole).unwrap();
        let arena_len = model.arena_len() as u32;
        let right = said(Session::new(model, &mut noise(arena_len as usize)).unwrap(), windows);
        let mut far = 0;
        for fast_len in [0, 4, 64, 512, 1500, 2048, 4096, arena_len - 4, arena_len, 1 << 20] {
            let package = cut(parts, fast_len);
            let model = Model::from_bytes(&package).unwrap();
            let (all, fast) = (model.arena_len(), model.fast_len());
            assert!(fast <= fast_len as usize && all <= fast + arena_len as usize + 4096, "{fast} of {all}");
            far = far.max(all - fast);
            let (mut near, mut rest, mut whole) = (noise(fast), noise(all - fast), noise(all));
            let two = Session::with_two_arenas(model.clone(), &mut near, &mut rest).unwrap();
            assert_eq!(said(two, windows), right, "cut at {fast_len}");
            let one = Session::new(model, &mut whole).unwrap();
            assert_eq!(said(one, windows), right, "not cut, but planned for it at {fast_len}");
        }
        assert!(far > 0);
    }
}

#[test]
fn both_arenas_are_used() {
    let package = cut(&operators_parts(), 2048);
    let model = Model::from_bytes(&package).unwrap();
    let near = model.tensors().iter().filter(|tensor| tensor.offset < 2048).count();
    assert!(near > 100 && model.tensors().len() - near > 10, "{near} tensors in the first");
}

#[test]
fn an_arena_that_is_too_small_is_named_with_its_bytes() {
    let package = cut(&operators_parts(), 2048);
    let model = Model::from_bytes(&package).unwrap();
    let (fast, rest) = (model.fast_len(), model.arena_len() - model.fast_len());
    assert_eq!(fast, 2048);
    let refused = |a: usize, b: usize| {
        Session::with_two_arenas(model.clone(), &mut noise(a), &mut noise(b)).map(|_| ()).unwrap_err()
    };
    assert_eq!(refused(fast - 4, rest), Error::Arena { needed: fast as u32, given: fast as u32 - 4 });
    assert_eq!(refused(fast, rest - 4), Error::Arena { needed: rest as u32, given: rest as u32 - 4 });
    assert_eq!(refused(0, rest), Error::Arena { needed: fast as u32, given: 0 });
    // More is no better, and no worse.
    assert!(Session::with_two_arenas(model.clone(), &mut noise(fast + 8), &mut noise(rest + 8)).is_ok());
}

/// A window through a table.
fn through_a_table(in_place: bool) -> Vec<u8> {
    let field = ContractField { name: "a".into(), unit: "g".into(), per_count: 1.0, kind: FieldKind::Vector, width: 3 };
    let mut parts = Parts::new(Contract {
        name: "table".into(),
        rate_hz: 1.0,
        samples: 85,
        hop: 85,
        fields: vec![field],
        classes: Vec::new(),
    });
    let shape = [1, 85, 3];
    let canonical = parts.tensor(Dtype::I16, shape, 1.0, 0);
    parts.canonical(canonical);
    let features = parts.tensor(Dtype::I8, shape, 1.0, 0);
    parts.push(Operator::QuantizeFeatures(QuantizeFeatures {
        operands: Operands::new(canonical, features),
        requantize: Requantize { shift: 1, zero_point: 0, min: -128, max: 127 },
        multipliers: [2, 0, 0, 0],
    }));
    parts.blob.extend((0..=u8::MAX).map(|at| at.wrapping_mul(7).wrapping_add(3)));
    let code = if in_place { features } else { parts.tensor(Dtype::I8, shape, 1.0, 0) };
    parts.push(Operator::Lut(Lut { operands: Operands::new(features, code), table: 0 }));
    parts.network(Role::Eta, code);
    parts.encode().unwrap()
}

#[test]
fn a_table_works_in_place() {
    // Every int8 but −128.
    let window: Vec<i16> = (-127..=127).collect();
    let expected: Vec<i8> = window.iter().map(|&x| ((x + 128) as u8).wrapping_mul(7).wrapping_add(3) as i8).collect();
    let lengths = [true, false].map(|in_place| {
        let package = through_a_table(in_place);
        let model = Model::from_bytes(&package).unwrap();
        let len = model.arena_len();
        let mut arena = noise(len);
        let mut session = Session::new(model, &mut arena).unwrap();
        for _ in 0..2 {
            let Outcome::Encoded(found) = session.run(&window).unwrap() else { panic!("no pose is asked for") };
            assert_eq!(found.code.unwrap().values, expected);
        }
        len
    });
    assert_eq!(lengths[1] - lengths[0], 256, "in place it takes a tensor less");
}
