//! Rings: `[samples, channels]` of anything, whose channels are sensors at equal distances around a ring, as
//! the electrodes of an armband are.

use crate::group::cyclic::Cyclic;

/// Turns every sample of a ring, `to = g · from`: what was at place e is at place `e + index`, so
/// `(g·x)[e] = x[(e − index) mod n]`. Exact.
///
/// Answers `None`, and writes nothing, where g is of another order than the number of channels (the identity,
/// of order 1, goes with every number), where the slices differ in length, or where the last sample is not
/// whole.
#[must_use]
pub fn shift<T: Copy>(g: Cyclic, channels: usize, from: &[T], to: &mut [T]) -> Option<()> {
    let fits = g.is_identity() || usize::from(g.order()) == channels;
    if !(fits && from.len() == to.len() && from.len().checked_rem(channels)? == 0) {
        return None;
    }
    let mut rest = from;
    for to in super::pieces(channels, to) {
        let (from, behind) = rest.split_at_checked(channels)?;
        rest = behind;
        let (start, end) = from.split_at_checked(from.len().wrapping_sub(g.index().into()))?;
        for (to, &x) in to.iter_mut().zip(end.iter().chain(start)) {
            *to = x;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Group;
    use crate::group::cyclic::Argmax;
    use proptest::prelude::*;

    fn shifted(g: Cyclic, channels: usize, from: &[i32]) -> Vec<i32> {
        let mut to = vec![-1; from.len()];
        shift(g, channels, from, &mut to).unwrap();
        to
    }

    /// Channels, samples of them, and two elements.
    fn recording() -> impl Strategy<Value = (usize, Vec<i32>, [Cyclic; 2])> {
        (1usize..10, 0usize..4, any::<[u16; 2]>()).prop_flat_map(|(channels, samples, places)| {
            let elements = places.map(|place| Cyclic::new(place, channels as u16));
            (Just(channels), prop::collection::vec(any::<i32>(), channels * samples), Just(elements))
        })
    }

    proptest! {
        #[test]
        fn the_action_is_a_homomorphism((channels, x, [a, b]) in recording()) {
            prop_assert_eq!(shifted(a.compose(b), channels, &x), shifted(a, channels, &shifted(b, channels, &x)));
            prop_assert_eq!(shifted(a.inverse(), channels, &shifted(a, channels, &x)), x.clone());
            prop_assert_eq!(shifted(Cyclic::IDENTITY, channels, &x), x);
        }

        #[test]
        fn each_sample_turns_by_itself((channels, x, [g, _]) in recording()) {
            for (i, &count) in shifted(g, channels, &x).iter().enumerate() {
                let (sample, e) = (i / channels, i % channels);
                let place = (e + channels - usize::from(g.index())) % channels;
                prop_assert_eq!(count, x[sample * channels + place]);
            }
        }

        /// A network that only looks at which electrode is loudest finds the turn.
        #[test]
        fn the_chart_goes_with_the_ring(x in prop::collection::vec(-9i32..9, 8), place: u16) {
            let (g, chart) = (Cyclic::new(place, 8), Argmax { reference: 1.0, minimum: 1.0 });
            let moved = chart.pose(&shifted(g, 8, &x));
            match (chart.pose(&x).map(|pose| pose.element), moved.map(|pose| pose.element)) {
                (Ok(crate::group::Element::Cyclic(at_rest)), Ok(crate::group::Element::Cyclic(found))) => {
                    prop_assert_eq!(found, g.compose(at_rest));
                }
                (at_rest, found) => prop_assert_eq!(at_rest, found),
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut to = [0u8; 6];
        assert_eq!(shift(Cyclic::new(1, 4), 3, &[1; 6], &mut to), None, "another order");
        assert_eq!(shift(Cyclic::new(1, 3), 3, &[1; 5], &mut to), None, "another length");
        assert_eq!(shift(Cyclic::new(1, 4), 4, &[1; 6], &mut to), None, "an incomplete sample");
        assert_eq!(shift(Cyclic::IDENTITY, 0, &[1; 6], &mut to), None, "no channels");
        assert_eq!(to, [0; 6]);
    }
}
