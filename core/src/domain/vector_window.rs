//! Vector windows: `i16[samples, channels]`, whose channels are fields of three components in the
//! sensor's own axes, interleaved as the sensor delivers them.

use crate::format::{Field, FieldKind};
use crate::group::so3::Rotation;

/// Turns every vector of a window in place: `x ↦ rotation · x`, each component rounded once, to
/// nearest, and saturated.
///
/// A rotation does not tell vectors from pseudo-vectors, nor from points: all turn alike, points about the sensor. What is
/// no vector stays as it is, and so do numbers behind the last whole field.
pub fn rotate(rotation: &Rotation, fields: &[Field], window: &mut [i16]) {
    let rotation = rotation.to_fixed();
    let mut rest = window;
    for field in fields.iter().cycle() {
        // Fields of no width would never come to an end.
        let Some((values, behind)) = rest.split_at_mut_checked(field.channels().max(1)) else { return };
        if let (FieldKind::Vector | FieldKind::PseudoVector | FieldKind::Point, [x, y, z]) = (field.kind, values) {
            [*x, *y, *z] = rotation.act([*x, *y, *z]);
        }
        rest = behind;
    }
}

/// Inverts a window through the origin in place: `x ↦ −x` for vectors and points, saturated, while pseudo-vectors stay as they are,
/// and so does all else that [`rotate`] does not turn.
pub fn invert(fields: &[Field], window: &mut [i16]) {
    let mut rest = window;
    for field in fields.iter().cycle() {
        let Some((values, behind)) = rest.split_at_mut_checked(field.channels().max(1)) else { return };
        if matches!(field.kind, FieldKind::Vector | FieldKind::Point) {
            values.iter_mut().for_each(|x| *x = x.saturating_neg());
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Group;
    use proptest::prelude::*;

    /// Two roundings of half a count, the first turned by √3 at most, and fixed-point entries.
    const TOLERANCE_COUNTS: i32 = 4;

    const FIELDS: [Field; 2] = [
        Field { per_count: 1.0, kind: FieldKind::Vector, width: 3 },
        Field { per_count: 1.0, kind: FieldKind::PseudoVector, width: 3 },
    ];

    proptest! {
        #[test]
        fn turning_back_restores_the_window(
            q in prop::array::uniform4(-1.0f32..1.0),
            // Small enough that no turned component saturates.
            window in prop::collection::vec(-18_000i16..18_000, 24),
        ) {
            let g = Rotation::from_quaternion(q);
            let mut turned = window.clone();
            rotate(&g, &FIELDS, &mut turned);
            rotate(&g.inverse(), &FIELDS, &mut turned);
            for (a, b) in window.iter().zip(&turned) {
                prop_assert!((i32::from(*a) - i32::from(*b)).abs() <= TOLERANCE_COUNTS);
            }
        }

        #[test]
        fn each_field_turns_by_itself(q in prop::array::uniform4(-1.0f32..1.0), sample in prop::array::uniform6(-18_000i16..18_000)) {
            let g = Rotation::from_quaternion(q);
            let mut turned = sample;
            rotate(&g, &FIELDS, &mut turned);
            let [a, b, c, d, e, f] = sample;
            let fixed = g.to_fixed();
            prop_assert_eq!(turned[..3].to_vec(), fixed.act([a, b, c]).to_vec());
            prop_assert_eq!(turned[3..].to_vec(), fixed.act([d, e, f]).to_vec());
        }
    }

    #[test]
    fn the_inversion_turns_vectors_around_and_nothing_else() {
        let mut window = [1, 2, i16::MIN, 4, 5, 6, 7];
        invert(&FIELDS, &mut window);
        assert_eq!(window, [-1, -2, i16::MAX, 4, 5, 6, 7]);
        let scalars = Field { kind: FieldKind::Scalar, ..FIELDS[0] };
        invert(&[scalars, FIELDS[0]], &mut window);
        assert_eq!(window, [-1, -2, i16::MAX, -4, -5, -6, 7]);
    }

    #[test]
    fn an_incomplete_field_stays() {
        let mut window = [1, 2, 3, 4, 5, 6, 7];
        rotate(&Rotation::from_quaternion([0.0, 0.0, 0.0, 1.0]), &FIELDS, &mut window);
        assert_eq!(window, [-1, -2, 3, -4, -5, 6, 7]);
    }
}
