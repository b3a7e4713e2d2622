//! A damaged or hostile package is refused: no panic, no endless loop, nothing half-loaded.

use gimbal_core::format::{CHECKSUM_LEN, HEADER_LEN, checksum};
use gimbal_core::{Error, Model, Session};
use gimbal_tests::frames::Framed;
use gimbal_tests::sets::SetKind;
use gimbal_tests::{operators_package, synthetic_package, synthetic_windows};
use proptest::prelude::*;

/// A model may ask for this much work before a test lets it go; hostile shapes can ask for more, within
/// the limits of the arena that the caller grants.
const WORK: u64 = 50_000_000;
/// Bytes of arena that a careful caller grants.
const ARENA: usize = 1 << 16;

#[test]
fn the_package_itself_is_fine() {
    assert!(Model::from_bytes(&synthetic_package(1)).is_ok());
}

#[test]
fn every_truncation_is_refused() {
    let package = synthetic_package(1);
    for len in 0..package.len() {
        assert!(Model::from_bytes(&package[..len]).is_err(), "cut to {len} bytes");
    }
}

#[test]
fn every_appended_byte_is_refused() {
    for byte in 0..=u8::MAX {
        let mut package = synthetic_package(1);
        package.push(byte);
        assert!(matches!(Model::from_bytes(&package), Err(Error::Length { .. })));
    }
}

#[test]
fn every_change_of_a_single_byte_is_refused() {
    let mut package = synthetic_package(1);
    for at in 0..package.len() {
        let original = package[at];
        for change in 1..=u8::MAX {
            package[at] = original ^ change;
            assert!(Model::from_bytes(&package).is_err(), "byte {at}: {original} became {}", package[at]);
        }
        package[at] = original;
    }
}

#[test]
fn other_files_are_no_packages() {
    for bytes in [&b""[..], b"G", b"GMBL", b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0", &[0; 64]] {
        assert!(Model::from_bytes(bytes).is_err());
    }
    assert_eq!(Model::from_bytes(&[0; 64]).err(), Some(Error::NotAPackage));
    let mut newer = synthetic_package(1);
    newer[4] = 9;
    assert_eq!(Model::from_bytes(&newer).err(), Some(Error::UnsupportedVersion { found: 9 }));
}

/// The package with some bytes changed and its checksum made right again.
fn forged(mut package: Vec<u8>, changes: &[(usize, u8)]) -> Vec<u8> {
    package.truncate(package.len() - CHECKSUM_LEN);
    changes.iter().for_each(|&(at, value)| package[at] = value);
    package.extend(checksum(&package).to_le_bytes());
    package
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Whoever can compute a checksum can still not make core panic: it refuses the package or runs it.
    #[test]
    fn forged_packages_are_refused_or_run(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        anywhere: bool,
        at: usize,
        seed in 0u64..16,
    ) {
        // A quarter of them with every operator, one with one chart or another, and one of sets.
        let package = match seed {
            0..4 => synthetic_package(seed),
            4..8 => operators_package(),
            8..12 => Framed::ALL[at % Framed::ALL.len()].package(seed),
            _ => SetKind::ALL[at % SetKind::ALL.len()].package(seed, 1 + seed as u16 % 3, 9),
        };
        // Most of a package is weights, which may be anything: aim at header, descriptor, fields and pose heads as well.
        let descriptor_len = u32::from_le_bytes(package[8..12].try_into().unwrap()) as usize;
        let records = 48;
        let reach = if anywhere { package.len() - CHECKSUM_LEN } else { HEADER_LEN + descriptor_len + records };
        let changes: Vec<_> = changes.iter().map(|(at, value)| (at.index(reach), *value)).collect();
        if let Ok(model) = Model::from_bytes(&forged(package, &changes)) {
            run(model)?;
        }
    }
}

fn run(model: Model<'_>) -> Result<(), TestCaseError> {
    let work: u64 = model.operators().map(|operator| operator.cost(&model).macs).sum();
    let len = model.window_len();
    if model.arena_len() > ARENA || work > WORK {
        return Ok(());
    }
    // What an arena held before makes no difference.
    let words = model.arena_len().div_ceil(4);
    let (mut zeros, mut noise) = (vec![0; words], vec![0x5a5a_5a5a; words]);
    // Of sets also the smallest.
    let least = usize::from(model.least()) * model.input().channels();
    for (mut window, len) in synthetic_windows(2, 4).into_iter().zip([len, len, len, least]) {
        window.resize(len, -7);
        let found = [&mut zeros, &mut noise].map(|arena| {
            let mut session = Session::new(model.clone(), arena).map_err(|error| error.to_string())?;
            Ok::<_, String>(format!("{:?}", session.run(&window).map_err(|error| error.to_string())?))
        });
        prop_assert!(found[0].is_ok(), "{:?}", found[0]);
        prop_assert_eq!(&found[0], &found[1]);
    }
    let mut session = Session::new(model, &mut zeros).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert!(session.run(&vec![0; len + 1]).is_err());
    Ok(())
}

#[test]
fn a_small_arena_is_refused_with_the_bytes_that_it_takes() {
    let package = synthetic_package(1);
    let model = Model::from_bytes(&package).unwrap();
    let needed = model.arena_len();
    let mut arena = vec![0; needed / 4 - 1];
    let refused = Session::new(model.clone(), &mut arena).err();
    assert_eq!(refused, Some(Error::Arena { needed: needed as u32, given: needed as u32 - 4 }));
    assert!(Session::new(model, &mut vec![0; needed / 4]).is_ok());
}
