//! C_n: turns of a ring of n places, or by n-ths of a full turn.

use super::{Degenerate, Element, Frame, Group, Pose, sides};
use crate::arena::Arena;
use crate::domain::{image, ring};
use crate::format::{Chart, Dtype, Field, FieldKind, Input, PoseHead, Tensor};
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

/// A turn by `index` places of a ring of `order`, towards larger indices.
///
/// The identity has order 1, because one constant stands for the identity of every C_n; composed with
/// another element, it takes that one's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cyclic {
    index: u16,
    order: u16,
}

impl Cyclic {
    /// The turn by so many places of a ring of `order`; a ring of 0 places is taken for one of 1.
    #[must_use]
    pub const fn new(places: u16, order: u16) -> Self {
        match places.checked_rem(order) {
            Some(index) => Self { index, order },
            None => Self::IDENTITY,
        }
    }

    /// By how many places, below [`order`](Self::order).
    #[must_use]
    pub const fn index(&self) -> u16 {
        self.index
    }

    /// How many places the ring has, at least 1.
    #[must_use]
    pub const fn order(&self) -> u16 {
        self.order
    }

    /// Whether it changes nothing, whatever its order.
    #[must_use]
    pub const fn is_identity(&self) -> bool {
        self.index == 0
    }
}

impl Group for Cyclic {
    const IDENTITY: Self = Self { index: 0, order: 1 };

    /// Elements of two different orders, both above 1, are of different groups and have no product. A
    /// package names one order, so nobody composes them; whoever does gets the identity.
    fn compose(self, other: Self) -> Self {
        match (self.order, other.order) {
            (1, _) => other,
            (_, 1) => self,
            (order, same) if order == same => {
                // Both are below the order, so at most one round is too many.
                let sum = u32::from(self.index).wrapping_add(u32::from(other.index));
                let index = sum.checked_sub(u32::from(order)).unwrap_or(sum);
                Self { index: index as u16, order }
            }
            _ => Self::IDENTITY,
        }
    }

    fn inverse(self) -> Self {
        let index = if self.index == 0 { 0 } else { self.order.wrapping_sub(self.index) };
        Self { index, order: self.order }
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from n scores to the turn by the place of the largest.
///
/// Turning the scores turns the element with them, exactly: `ξ(g·y) = g · ξ(y)` with
/// `(g·y)[e] = y[(e − index) mod n]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Argmax {
    /// The gap between the largest score and the next, in counts of the scores, that gives confidence 1.
    pub reference: f32,
    /// The gap, in counts of the scores, below which rounding decides which one is larger.
    pub minimum: f32,
}

impl Argmax {
    /// The turn by the index of the largest of n scores, of order n. Its confidence is the gap to the next
    /// score over [`reference`](Self::reference). A single score has no next one: C₁ has one element, whose
    /// confidence is 1.
    ///
    /// # Errors
    /// [`Degenerate::Tied`] where the gap is zero or below [`minimum`](Self::minimum);
    /// [`Degenerate::Vanishing`] where there are no scores, or more than 65,535.
    pub fn pose(&self, scores: &[i32]) -> Result<Pose, Degenerate> {
        let order = u16::try_from(scores.len()).map_err(|_| Degenerate::Vanishing)?;
        let (&first, rest) = scores.split_first().ok_or(Degenerate::Vanishing)?;
        let (mut index, mut largest, mut next) = (0, first, None);
        for (place, &score) in (1u16..).zip(rest) {
            if score > largest {
                (index, largest, next) = (place, score, Some(largest));
            } else if next.is_none_or(|next| score > next) {
                next = Some(score);
            }
        }
        let element = Element::Cyclic(Cyclic { index, order });
        let Some(next) = next else { return Ok(Pose { element, confidence: 1.0 }) };
        // The gap of two 32-bit numbers takes 33 bits.
        let gap = largest.abs_diff(next) as f32;
        if !(gap > 0.0 && gap >= self.minimum) {
            return Err(Degenerate::Tied);
        }
        Ok(Pose { element, confidence: gap / self.reference })
    }
}

// ---- Action ---------------------------------------------------------------------------------------

impl Cyclic {
    /// Where it takes a place of the ring: `(place + index) mod order`. Places are below the order.
    #[must_use]
    pub fn act(&self, place: u16) -> u16 {
        self.compose(Self::new(place, self.order)).index
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Turns from n scores, i32 in any shape: of rings of n electrodes, one or several side by side, or, with four scores,
/// quarter turns of square images.
pub const FRAME: Frame = Frame { chart: Chart::Argmax, after: None, check, pose, undo };

/// Quarter turns of a full one.
const QUARTERS: u32 = 4;

fn check(model: &Model<'_>, scores: &Tensor) -> bool {
    let input = model.input();
    let order = scores.elements().filter(|_| scores.dtype == Dtype::I32);
    let is_ring = |field: &Field| field.kind == FieldKind::Ring && order == Some(field.width.into());
    match sides(input) {
        Some([rows, columns]) => rows == columns && order == Some(QUARTERS),
        None => input.fields.iter().all(is_ring),
    }
}

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let scores = arena.read::<i32>(model.vectors(head)).unwrap_or_default();
    *pose = Some(Argmax { reference: head.reference, minimum: head.minimum }.pose(scores)?);
    Ok(())
}

fn undo(element: &Element, input: &Input<'_>, window: &[i16], canonical: &mut [i16]) {
    if let Element::Cyclic(turn) = element {
        _ = match sides(input) {
            Some([side, _]) => image::quarter_turns(turn.inverse(), side.into(), window, canonical),
            // Rings that stand side by side are as wide as each other.
            None => ring::shift(turn.inverse(), turn.order().into(), window, canonical),
        };
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHART: Argmax = Argmax { reference: 4.0, minimum: 3.0 };

    /// Three elements of one order, the largest order among them.
    fn three() -> impl Strategy<Value = [Cyclic; 3]> {
        (prop_oneof![2u16..12, Just(u16::MAX)], any::<[u16; 3]>())
            .prop_map(|(order, places)| places.map(|place| Cyclic::new(place, order)))
    }

    /// What stands on a ring, after the turn.
    fn turned(g: Cyclic, scores: &[i32]) -> Vec<i32> {
        let mut turned = vec![0; scores.len()];
        for (place, &score) in scores.iter().enumerate() {
            turned[usize::from(g.act(place as u16))] = score;
        }
        turned
    }

    proptest! {
        #[test]
        fn turns_are_a_group([a, b, c] in three()) {
            prop_assert_eq!(a.compose(b).compose(c), a.compose(b.compose(c)));
            prop_assert_eq!(a.compose(Cyclic::IDENTITY), a);
            prop_assert_eq!(Cyclic::IDENTITY.compose(a), a);
            prop_assert!(a.compose(a.inverse()).is_identity() && a.inverse().compose(a).is_identity());
            prop_assert_eq!(a.compose(b), b.compose(a));
            prop_assert!([a, a.inverse(), a.compose(b)].iter().all(|g| g.index < g.order));
        }

        #[test]
        fn the_action_is_a_homomorphism([a, b, c] in three()) {
            prop_assert_eq!(a.compose(b).act(c.index), a.act(b.act(c.index)));
            prop_assert_eq!(u64::from(a.act(c.index)), (u64::from(a.index) + u64::from(c.index)) % u64::from(a.order));
        }

        #[test]
        fn the_chart_is_equivariant(scores in prop::collection::vec(-9i32..9, 1..12), places: u16) {
            let g = Cyclic::new(places, scores.len() as u16);
            let expected = CHART.pose(&scores).map(|pose| {
                let Element::Cyclic(at_rest) = pose.element else { panic!("an element of another group") };
                Pose { element: Element::Cyclic(g.compose(at_rest)), ..pose }
            });
            // One score has one place, so its element is the same in both.
            prop_assert_eq!(CHART.pose(&turned(g, &scores)), expected);
        }

        #[test]
        fn every_list_of_scores_has_a_largest_or_a_tie(scores: Vec<i32>) {
            match (Argmax { reference: 1.0, minimum: 0.0 }).pose(&scores) {
                Ok(Pose { element: Element::Cyclic(g), confidence }) => {
                    let largest = scores[usize::from(g.index())];
                    prop_assert!(scores.iter().enumerate().all(|(e, &x)| x < largest || e == usize::from(g.index())));
                    prop_assert!(confidence >= 1.0 && confidence.is_finite());
                }
                Ok(pose) => prop_assert!(false, "{pose:?}"),
                Err(Degenerate::Tied) => {
                    let largest = scores.iter().max();
                    prop_assert!(scores.iter().filter(|&x| Some(x) == largest).count() > 1);
                }
                Err(_) => prop_assert!(scores.is_empty()),
            }
        }
    }

    #[test]
    fn the_confidence_is_the_gap() {
        let found = Argmax { reference: 10.0, minimum: 0.0 }.pose(&[3, 20, -7, 15]);
        assert_eq!(found, Ok(Pose { element: Element::Cyclic(Cyclic::new(1, 4)), confidence: 0.5 }));
        assert_eq!(CHART.pose(&[-7]), Ok(Pose { element: Element::Cyclic(Cyclic::new(0, 1)), confidence: 1.0 }));
        let widest = Argmax { reference: 1.0, minimum: 0.0 }.pose(&[i32::MIN, i32::MAX]);
        assert_eq!(widest.map(|pose| pose.confidence), Ok(u32::MAX as f32));
    }

    #[test]
    fn degenerate_scores_are_named() {
        assert_eq!(CHART.pose(&[]), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose(&vec![0; 1 << 16]), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose(&[5; 8]), Err(Degenerate::Tied));
        assert_eq!(CHART.pose(&[5, 0, 5]), Err(Degenerate::Tied));
        assert_eq!(CHART.pose(&[5, 3]), Err(Degenerate::Tied), "a gap below the minimum");
        assert_eq!(Argmax { reference: 1.0, minimum: 0.0 }.pose(&[5, 5]), Err(Degenerate::Tied));
        assert_eq!(Argmax { reference: 1.0, minimum: f32::NAN }.pose(&[5, 0]), Err(Degenerate::Tied));
    }

    #[test]
    fn rings_of_no_places_and_products_across_groups_are_defined() {
        assert_eq!(Cyclic::new(3, 0), Cyclic::IDENTITY);
        assert_eq!(Cyclic::new(1, 3).compose(Cyclic::new(1, 4)), Cyclic::IDENTITY);
    }
}
