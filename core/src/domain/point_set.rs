//! Sets of points: `i16[elements, channels]`, whose elements hold places, and vectors and numbers beside them, in any
//! order.
//!
//! Coordinates are integers, so one that is no finite number has no place here: whoever makes counts of floats refuses it
//! there, as `gimbal canonicalize` does. Sets of too few or too many elements are an
//! [`Error::Input`](crate::Error::Input); where a rotation is asked for, sets whose points are all in one place, or on a line but
//! for rounding, are [`Degenerate`](crate::group::Degenerate).

use crate::format::{Field, FieldKind};
use crate::group::so3::Rotation;

/// Moves every point of a set in place, `p ↦ p + by`, in counts and saturated. What is no point stays as it is.
pub fn translate(by: [i16; 3], fields: &[Field], set: &mut [i16]) {
    each(fields, set, &mut |kind, place| {
        if kind == FieldKind::Point {
            place.iter_mut().zip(by).for_each(|(x, by)| *x = x.saturating_add(by));
        }
    });
}

/// Turns every point of a set in place about one place and takes that to another, `p ↦ rotation · (p − from) + to`, and
/// turns vectors: in counts, each component rounded once, to nearest, and saturated.
///
/// The pose `(t, R)` is undone from `t` to the origin with R's inverse. Saturated are also points further than 32,767
/// counts from `from` along an axis. What is neither point nor vector stays as it is.
pub fn turn_about(from: [i16; 3], rotation: &Rotation, to: [i16; 3], fields: &[Field], set: &mut [i16]) {
    let rotation = rotation.to_fixed();
    each(fields, set, &mut |kind, values| {
        let [x, y, z] = values;
        match kind {
            FieldKind::Point => {
                let ([a, b, c], [p, q, r]) = (from, to);
                let [u, v, w] = rotation.act([x.saturating_sub(a), y.saturating_sub(b), z.saturating_sub(c)]);
                (*x, *y, *z) = (u.saturating_add(p), v.saturating_add(q), w.saturating_add(r));
            }
            FieldKind::Vector | FieldKind::PseudoVector => [*x, *y, *z] = rotation.act([*x, *y, *z]),
            FieldKind::Row | FieldKind::Ring | FieldKind::Scalar => {}
        }
    });
}

/// Puts the elements of a set in an order: what stands at place `k` is element `order[k]`, `to[k] = from[order[k]]`.
///
/// Answers `None` where `from` and `to` are not as many whole elements as `order` has places, or where there is no such
/// element; some may have been written then.
#[must_use]
pub fn permute<T: Copy>(order: &[i16], channels: usize, from: &[T], to: &mut [T]) -> Option<()> {
    let len = order.len().checked_mul(channels)?;
    if from.len() != len || to.len() != len {
        return None;
    }
    for (&element, to) in order.iter().zip(super::pieces(channels, to)) {
        let start = usize::try_from(element).ok()?.checked_mul(channels)?;
        let from = from.get(start..)?.get(..channels)?;
        to.iter_mut().zip(from).for_each(|(to, &x)| *to = x);
    }
    Some(())
}

/// Shows every field of three numbers, with its kind.
fn each(fields: &[Field], set: &mut [i16], change: &mut dyn FnMut(FieldKind, &mut [i16; 3])) {
    let mut rest = set;
    for field in fields.iter().cycle() {
        // Fields of no width would never come to an end.
        let Some((values, behind)) = rest.split_at_mut_checked(field.channels().max(1)) else { return };
        if let Ok(values) = values.try_into() {
            change(field.kind, values);
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Group;
    use crate::group::testing::farthest;
    use proptest::prelude::*;

    /// Two roundings of half a count, the first turned by √3 at most, and fixed-point entries.
    const TOLERANCE_COUNTS: f32 = 4.0;

    const fn field(kind: FieldKind, width: u16) -> Field {
        Field { per_count: 1.0, kind, width }
    }

    const FIELDS: [Field; 3] =
        [field(FieldKind::Point, 3), field(FieldKind::Scalar, 2), field(FieldKind::PseudoVector, 3)];

    fn counts() -> impl Strategy<Value = [i16; 3]> {
        prop::array::uniform3(-9000i16..9000)
    }

    proptest! {
        #[test]
        fn translations_move_points_alone(set in prop::collection::vec(-9000i16..9000, 24), a in counts(), b in counts()) {
            let mut moved = set.clone();
            translate(a, &FIELDS, &mut moved);
            for (at, (&x, &y)) in set.iter().zip(&moved).enumerate() {
                prop_assert_eq!(y - x, a.get(at % 8).copied().unwrap_or(0));
            }
            // One behind the other, and back.
            translate(b, &FIELDS, &mut moved);
            let mut both = set.clone();
            translate(core::array::from_fn(|i| a[i] + b[i]), &FIELDS, &mut both);
            prop_assert_eq!(&moved, &both);
            [a, b].iter().for_each(|by| translate(by.map(i16::saturating_neg), &FIELDS, &mut moved));
            prop_assert_eq!(moved, set);
        }

        #[test]
        fn turning_goes_as_in_the_formula(
            set in prop::collection::vec(-5000i16..5000, 24),
            q in prop::array::uniform4(-1.0f32..1.0),
            from in counts(),
            to in prop::array::uniform3(-3000i16..3000),
        ) {
            let g = Rotation::from_quaternion(q);
            let mut turned = set.clone();
            turn_about(from, &g, to, &FIELDS, &mut turned);
            for (before, after) in set.chunks(8).zip(turned.chunks(8)) {
                let [p, v]: [[f32; 3]; 2] = [0, 5].map(|at| core::array::from_fn(|i| before[at + i].into()));
                let place: [f32; 3] = core::array::from_fn(|i| p[i] - f32::from(from[i]));
                let moved: [f32; 3] = core::array::from_fn(|i| g.act(place)[i] + f32::from(to[i]));
                prop_assert!(farthest(moved, core::array::from_fn(|i| after[i].into())) <= TOLERANCE_COUNTS);
                prop_assert!(farthest(g.act(v), core::array::from_fn(|i| after[5 + i].into())) <= TOLERANCE_COUNTS);
                prop_assert_eq!(&before[3..5], &after[3..5]);
            }
            turn_about(to, &g.inverse(), from, &FIELDS, &mut turned);
            for (a, b) in set.iter().zip(&turned) {
                prop_assert!((f32::from(*a) - f32::from(*b)).abs() <= TOLERANCE_COUNTS);
            }
        }

        #[test]
        fn without_a_turn_points_move_exactly(set in prop::collection::vec(-9000i16..9000, 24), from in counts(), to in counts()) {
            let (mut turned, mut moved) = (set.clone(), set);
            turn_about(from, &Rotation::IDENTITY, to, &FIELDS, &mut turned);
            translate(core::array::from_fn(|i| to[i] - from[i]), &FIELDS, &mut moved);
            prop_assert_eq!(turned, moved);
        }

        #[test]
        fn elements_stand_where_the_order_says(set in prop::collection::vec(any::<i16>(), 24), seed: u64) {
            let mut order: Vec<i16> = (0..8).collect();
            order.sort_by_key(|&at| (at as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            let mut to = vec![0; 24];
            permute(&order, 3, &set, &mut to).unwrap();
            for (place, &element) in order.iter().enumerate() {
                prop_assert_eq!(&to[3 * place..][..3], &set[3 * element as usize..][..3]);
            }
        }
    }

    #[test]
    fn far_points_saturate() {
        let mut set = [30_000, -30_000, 0];
        translate([10_000, -10_000, 1], &FIELDS[..1], &mut set);
        assert_eq!(set, [i16::MAX, i16::MIN, 1]);
        turn_about([-1, 1, 0], &Rotation::IDENTITY, [0; 3], &FIELDS[..1], &mut set);
        assert_eq!(set, [i16::MAX, i16::MIN, 1]);
    }

    #[test]
    fn orders_that_do_not_fit_are_refused() {
        let mut to = [0; 6];
        assert_eq!(permute(&[0, 1], 3, &[1; 6], &mut to), Some(()));
        assert_eq!(permute(&[0, 2], 3, &[1; 6], &mut to), None, "no such element");
        assert_eq!(permute(&[0, -1], 3, &[1; 6], &mut to), None, "no such element");
        assert_eq!(permute(&[0], 3, &[1; 6], &mut to), None, "too few places");
        assert_eq!(permute(&[0, 1], 3, &[1; 5], &mut to), None, "an element that is not whole");
        assert_eq!(permute(&[0, 1], 0, &[1; 0], &mut to[..0]), Some(()), "nothing to move");
    }
}
