//! T(2): translations of the plane.
//!
//! The plane is that of an image, as for [`so2`](super::so2): x to the right, y down, in pixels.

use super::{Degenerate, Element, Frame, Group, Pose, sides};
use crate::arena::Arena;
use crate::domain::image::{Affine, transform};
use crate::format::{Chart, Dtype, Input, PoseHead, Tensor};
use crate::model::Model;

// ---- Element --------------------------------------------------------------------------------------

/// A translation in pixels: what was at `(u, v)` is at `(u + x, v + y)` behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Translation {
    x: f32,
    y: f32,
}

impl Translation {
    /// The translation by a vector `(x, y)` in pixels, or `None` where it is not finite.
    #[must_use]
    pub const fn from_vector([x, y]: [f32; 2]) -> Option<Self> {
        if x.is_finite() && y.is_finite() { Some(Self { x, y }) } else { None }
    }

    /// By how many pixels to the right.
    #[must_use]
    pub const fn x(&self) -> f32 {
        self.x
    }

    /// By how many pixels down.
    #[must_use]
    pub const fn y(&self) -> f32 {
        self.y
    }

    /// Both components, `(x, y)`.
    #[must_use]
    pub const fn vector(&self) -> [f32; 2] {
        [self.x, self.y]
    }

    /// The translation by a vector that is finite wherever `self` is: one that was turned.
    pub(super) const fn turned([x, y]: [f32; 2]) -> Self {
        Self { x, y }
    }
}

impl Group for Translation {
    const IDENTITY: Self = Self { x: 0.0, y: 0.0 };

    fn compose(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }

    fn inverse(self) -> Self {
        Self { x: -self.x, y: -self.y }
    }
}

// ---- Chart ----------------------------------------------------------------------------------------

/// The chart from a map of weights to the place of their centroid, `ξ(w) = Σ w·p / Σ w`, with places `p`
/// relative to the image's centre.
///
/// Moving the weights moves the centroid with them, `ξ(g·w) = g · ξ(w)`, as long as none leaves the image.
/// Turning a square map about its centre turns the centroid, exactly so for quarter turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centroid {
    /// The sum of weights, in their counts, that gives confidence 1.
    pub reference: f32,
    /// The sum of weights, in their counts, below which there is nothing whose place could be told.
    pub minimum: f32,
}

impl Centroid {
    /// The longest side of a map, in pixels: up to here, all sums are exact.
    pub const MAX_SIDE: u16 = 1024;

    /// The place of the centroid of weights `[rows, columns]`, in pixels from the centre, which is at
    /// `((columns − 1)/2, (rows − 1)/2)`. Its confidence is the sum of weights over
    /// [`reference`](Self::reference).
    ///
    /// Weights come row by row, with their zero point subtracted. Negative ones count as zero, and so do those
    /// that are missing at the end.
    ///
    /// # Errors
    /// [`Degenerate::Vanishing`] where the sum of weights is zero or below [`minimum`](Self::minimum), or a
    /// side is longer than [`MAX_SIDE`](Self::MAX_SIDE).
    pub fn pose(&self, weights: impl Iterator<Item = i32>, columns: u16, rows: u16) -> Result<Pose, Degenerate> {
        let (translation, confidence) = self.find(weights, columns, rows)?;
        Ok(Pose { element: Element::Translation(translation), confidence })
    }

    /// The same for the charts that are built on this one.
    pub(super) fn find(
        &self,
        weights: impl Iterator<Item = i32>,
        columns: u16,
        rows: u16,
    ) -> Result<(Translation, f32), Degenerate> {
        if columns > Self::MAX_SIDE || rows > Self::MAX_SIDE {
            return Err(Degenerate::Vanishing);
        }
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        // In half pixels, which keeps the centre of an even side a whole number. 2²⁰ weights below 2³¹ at up
        // to 2¹⁰ half pixels from the centre stay below 2⁶¹.
        let (mut total, mut right, mut down) = (0i64, 0i64, 0i64);
        for ((column, row), weight) in places.zip(weights) {
            let weight = i64::from(weight.max(0));
            total = total.wrapping_add(weight);
            right = right.wrapping_add(weight.wrapping_mul(from_centre(column, columns)));
            down = down.wrapping_add(weight.wrapping_mul(from_centre(row, rows)));
        }
        let sum = total as f32;
        if !(sum > 0.0 && sum >= self.minimum) {
            return Err(Degenerate::Vanishing);
        }
        let [x, y] = [right, down].map(|moment| moment as f32 / (2.0 * sum));
        Ok((Translation { x, y }, sum / self.reference))
    }
}

/// How far a pixel's centre is from the middle of its side, in half pixels.
fn from_centre(place: u16, side: u16) -> i64 {
    2 * i64::from(place) + 1 - i64::from(side)
}

// ---- Action ---------------------------------------------------------------------------------------

impl Translation {
    /// The moved place.
    #[must_use]
    pub fn act(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [x + self.x, y + self.y]
    }
}

// ---- Frame ----------------------------------------------------------------------------------------

/// Translations from a map of weights, `[samples, width, 1]` of 8 or 16 bits, of images.
pub const FRAME: Frame = Frame { chart: Chart::Centroid, after: None, check, pose, undo };

fn check(model: &Model<'_>, weights: &Tensor) -> bool {
    let [rows, columns, channels] = weights.shape;
    weights.dtype != Dtype::I32 && channels == 1 && sides(model.input()) == Some([rows, columns])
}

fn pose(model: &Model<'_>, head: &PoseHead, arena: &Arena<'_>, pose: &mut Option<Pose>) -> Result<(), Degenerate> {
    let weights = model.vectors(head);
    let ([rows, columns, _], zero) = (weights.shape, i32::from(weights.zero_point));
    let (mut of_8, mut of_16) = (
        arena.read::<i8>(weights).into_iter().flatten().map(|&weight| i32::from(weight).wrapping_sub(zero)),
        arena.read::<i16>(weights).into_iter().flatten().map(|&weight| i32::from(weight).wrapping_sub(zero)),
    );
    // One of them has nothing, as the tensor has another type.
    let all: &mut dyn Iterator<Item = i32> = if weights.dtype == Dtype::I8 { &mut of_8 } else { &mut of_16 };
    let chart = Centroid { reference: head.reference, minimum: head.minimum };
    *pose = Some(chart.pose(all, columns, rows)?);
    Ok(())
}

fn undo(element: &Element, input: &Input<'_>, window: &[i16], canonical: &mut [i16]) {
    if let Element::Translation(translation) = element {
        _ = transform(&Affine::from(translation.inverse()), input.channels(), window, canonical);
    }
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing::{farthest, group_laws, translation};
    use proptest::prelude::*;

    /// In pixels, for places up to some hundred pixels from the centre: sums and quotients in f32.
    const TOLERANCE_PIXELS: f32 = 1e-4;

    const CHART: Centroid = Centroid { reference: 100.0, minimum: 1.0 };

    fn distance(a: Translation, b: Translation) -> f32 {
        farthest(a.vector(), b.vector())
    }

    fn translation_of(pose: Pose) -> Translation {
        let Element::Translation(translation) = pose.element else { panic!("an element of another group") };
        translation
    }

    proptest! {
        #[test]
        fn translations_are_a_group(a in translation(100.0), b in translation(100.0), c in translation(100.0)) {
            group_laws([a, b, c], distance, TOLERANCE_PIXELS)?;
            prop_assert_eq!(a.compose(b), b.compose(a));
        }

        #[test]
        fn the_action_is_a_homomorphism(a in translation(100.0), b in translation(100.0), p in [-100.0f32..100.0, -100.0..100.0]) {
            prop_assert!(farthest(a.compose(b).act(p), a.act(b.act(p))) <= TOLERANCE_PIXELS);
        }

        /// A spot of 2 × 3 weights anywhere in an image of any size.
        #[test]
        fn the_chart_is_equivariant(
            spot in prop::array::uniform6(0i32..1000),
            columns in 6usize..10,
            rows in 6usize..10,
            by in [0usize..4, 0usize..4],
        ) {
            let map = |right: usize, down: usize| {
                let mut map = vec![0; rows * columns];
                for (i, weight) in spot.into_iter().enumerate() {
                    map[(down + i / 3) * columns + right + i % 3] = weight;
                }
                CHART.pose(map.into_iter(), columns as u16, rows as u16)
            };
            prop_assume!(spot.iter().sum::<i32>() > 0);
            let (at_rest, moved) = (map(0, 0).unwrap(), map(by[0], by[1]).unwrap());
            let g = Translation::from_vector(by.map(|x| x as f32)).unwrap();
            prop_assert!(distance(translation_of(moved), g.compose(translation_of(at_rest))) <= TOLERANCE_PIXELS);
            prop_assert_eq!(moved.confidence, at_rest.confidence);
        }

        #[test]
        fn every_map_has_a_centroid_within_it_or_none(weights: Vec<i32>, columns in 1u16..8, rows in 1u16..8) {
            if let Ok(pose) = (Centroid { reference: 1.0, minimum: 0.0 }).pose(weights.into_iter(), columns, rows) {
                let [x, y] = translation_of(pose).vector();
                prop_assert!(x.abs() <= f32::from(columns - 1) / 2.0 + TOLERANCE_PIXELS);
                prop_assert!(y.abs() <= f32::from(rows - 1) / 2.0 + TOLERANCE_PIXELS);
                prop_assert!(pose.confidence.is_finite());
            }
        }
    }

    #[test]
    fn a_single_weight_is_where_it_stands() {
        let mut map = [0; 12];
        map[1] = 7;
        // The second of four columns, the first of three rows.
        let found = CHART.pose(map.into_iter(), 4, 3).map(translation_of);
        assert_eq!(found, Ok(Translation { x: -0.5, y: -1.0 }));
        let negative = CHART.pose([-9, 50, -9].into_iter(), 3, 1);
        assert_eq!(negative, Ok(Pose { element: Element::Translation(Translation::IDENTITY), confidence: 0.5 }));
    }

    #[test]
    fn the_largest_sums_are_exact() {
        // All weight in the last column, of the largest map: Miri takes a thousand times as long.
        let (columns, rows) = (Centroid::MAX_SIDE, if cfg!(miri) { 1 } else { Centroid::MAX_SIDE });
        let last = (0..u32::from(rows) * u32::from(columns))
            .map(|i| if i % u32::from(columns) == u32::from(columns) - 1 { i32::MAX } else { 0 });
        let found = CHART.pose(last, columns, rows).map(translation_of);
        assert_eq!(found, Ok(Translation { x: 511.5, y: 0.0 }));
    }

    #[test]
    fn degenerate_maps_are_named() {
        assert_eq!(CHART.pose([0; 9].into_iter(), 3, 3), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose([-5; 9].into_iter(), 3, 3), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose([1; 9].into_iter(), 0, 3), Err(Degenerate::Vanishing));
        assert_eq!(CHART.pose([1; 9].into_iter(), 1025, 1), Err(Degenerate::Vanishing));
        let picky = Centroid { reference: 1.0, minimum: 10.0 };
        assert_eq!(picky.pose([1; 9].into_iter(), 3, 3), Err(Degenerate::Vanishing));
        assert_eq!(Translation::from_vector([f32::NAN, 0.0]), None);
    }
}
