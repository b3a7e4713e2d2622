//! The arena: when each tensor is needed, and where it lies.
//!
//! [`assign`] is what the exporter calls; [`overlap`] is how the loader proves the result. Neither
//! trusts the other.

use crate::format::Tensor;
use core::ops::Range;

/// A tensor as the planner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bytes.
    pub len: u32,
    /// The operator that writes it first.
    pub first: u16,
    /// The operator that reads it last.
    pub last: u16,
    /// Where it starts, in bytes; `None` until [`assign`] has placed it.
    pub offset: Option<u32>,
}

impl Slot {
    /// A tensor of a package, where it lies; `None` if its length is beyond 32 bits.
    #[must_use]
    pub fn of(tensor: &Tensor) -> Option<Self> {
        Some(Self { len: tensor.len()?, first: tensor.first, last: tensor.last, offset: Some(tensor.offset) })
    }

    /// A tensor whose bytes are known to be its length.
    pub(crate) fn placed(tensor: &Tensor) -> Self {
        Self { len: tensor.bytes, first: tensor.first, last: tensor.last, offset: Some(tensor.offset) }
    }

    fn lives_with(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn bytes(&self) -> Option<Range<u32>> {
        let offset = self.offset?;
        Some(offset..offset.saturating_add(self.len))
    }
}

/// Gives every slot an offset, so that slots that live together do not overlap and none lies across
/// `border`, and returns the bytes of arena that they need.
///
/// Largest first, each at the lowest place that is free during its whole life; offsets are sums of
/// lengths, so lengths and a border that are multiples of four give aligned offsets. A border of 0 is none;
/// another one makes two arenas, of which the first is filled first.
pub fn assign(slots: &mut [Slot], border: u32) -> u32 {
    for slot in slots.iter_mut() {
        slot.offset = None;
    }
    let mut arena = 0;
    while let Some(next) = largest_unplaced(slots) {
        let Some(slot) = slots.get(next).copied() else { break };
        // The lowest free place is at the start of an arena or right behind a placed neighbour.
        let candidates = slots.iter().filter(|other| other.lives_with(&slot)).filter_map(Slot::bytes);
        let mut best = None;
        for offset in [0, border].into_iter().chain(candidates.map(|range| range.end)) {
            let there = Slot { offset: Some(offset), ..slot };
            let whole = offset >= border || offset.saturating_add(slot.len) <= border;
            let better = best.is_none_or(|best| offset < best);
            if better && whole && !slots.iter().any(|other| overlap(other, &there)) {
                best = Some(offset);
            }
        }
        let offset = best.unwrap_or(arena.max(border));
        arena = arena.max(offset.saturating_add(slot.len));
        if let Some(placed) = slots.get_mut(next) {
            placed.offset = Some(offset);
        }
    }
    arena
}

/// Whether two placed slots live at the same time and share memory.
#[must_use]
pub fn overlap(a: &Slot, b: &Slot) -> bool {
    let (Some(left), Some(right)) = (a.bytes(), b.bytes()) else { return false };
    a.lives_with(b) && left.start < right.end && right.start < left.end
}

/// The largest sum of lengths that live at the same time: no plan can do with less.
#[must_use]
pub fn lower_bound(slots: &[Slot]) -> u32 {
    let live_at = |step| slots.iter().filter(|s| (s.first..=s.last).contains(&step)).map(|s| s.len).sum();
    slots.iter().map(|slot| live_at(slot.first)).max().unwrap_or(0)
}

fn largest_unplaced(slots: &[Slot]) -> Option<usize> {
    let unplaced = slots.iter().enumerate().filter(|(_, slot)| slot.offset.is_none());
    unplaced.max_by_key(|(index, slot)| (slot.len, core::cmp::Reverse(*index))).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slot() -> impl Strategy<Value = Slot> {
        (1u32..500, 0u16..12, 0u16..4).prop_map(|(words, first, life)| Slot {
            len: 4 * words,
            first,
            last: first + life,
            offset: None,
        })
    }

    proptest! {
        #[test]
        fn plans_are_sound_and_tight_enough(mut slots in prop::collection::vec(slot(), 1..24), border in 0u32..1000) {
            let border = 4 * border;
            let arena = assign(&mut slots, border);
            for (i, a) in slots.iter().enumerate() {
                prop_assert!(a.bytes().is_some_and(|bytes| bytes.end <= arena && bytes.start % 4 == 0));
                prop_assert!(a.bytes().is_some_and(|bytes| bytes.end <= border || bytes.start >= border));
                for b in &slots[i + 1..] {
                    prop_assert!(!overlap(a, b));
                }
            }
            prop_assert!(lower_bound(&slots) <= arena);
            prop_assert!(arena <= border + slots.iter().map(|slot| slot.len).sum::<u32>());
        }
    }

    #[test]
    fn a_chain_needs_no_more_than_its_two_largest_neighbours() {
        let lens = [1536, 6144, 3072, 1536, 96, 8];
        let mut slots: [Slot; 6] =
            core::array::from_fn(|i| Slot { len: lens[i], first: i as u16, last: i as u16 + 1, offset: None });
        assert_eq!(assign(&mut slots, 0), 9216);
        assert_eq!(lower_bound(&slots), 9216);
    }
}
