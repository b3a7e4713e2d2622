//! Images: `[rows, columns]` of u8 or i16 counts, row by row from the top left.
//!
//! The plane is that of [`so2`](crate::group::so2): x to the right, y down, in pixels, with its origin in the
//! middle of the image, which is at `((columns − 1)/2, (rows − 1)/2)` and so between pixels where a side is even.

use crate::group::Group;
use crate::group::cyclic::Cyclic;
use crate::group::o2::Orthogonal;
use crate::group::product::RigidMotion;
use crate::group::so2::Rotation;
use crate::group::translation::Translation;
use crate::quant::scale;

/// The longest side, in pixels: up to here, all sums fit 32 bits.
pub const MAX_SIDE: usize = 1024;

/// A count that images are made of.
pub trait Pixel: Copy + Into<i32> + sealed::Sealed {
    /// The nearest count of this type.
    #[must_use]
    fn saturated(count: i64) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for i16 {}
}

impl Pixel for u8 {
    fn saturated(count: i64) -> Self {
        count.max(u8::MIN.into()).min(u8::MAX.into()) as u8
    }
}

impl Pixel for i16 {
    fn saturated(count: i64) -> Self {
        count.max(i16::MIN.into()).min(i16::MAX.into()) as i16
    }
}

/// A group element in fixed point, as [`transform`] needs it: the way **back**, `g⁻¹`, from a pixel to the place
/// that its count comes from.
///
/// The matrix is in multiples of 2⁻¹⁵, the translation in multiples of 2⁻¹⁶ pixels. Rounding treats a number and
/// its negative alike, so what quarter turns and flips do to the entries of an element, they do to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affine {
    rows: [[i32; 3]; 2],
}

impl Affine {
    const BITS: u16 = 15;
    const ONE: i32 = 1 << Self::BITS;
    /// 4,096 pixels, far outside of every image, however it is turned.
    const FARTHEST: i32 = 1 << 28;

    fn from_way_back(matrix: [[f32; 2]; 2], translation: [f32; 2]) -> Self {
        let [[a, b], [c, d]] = matrix.map(|row| row.map(|x| fixed(x, Self::ONE, Self::ONE)));
        let [x, y] = translation.map(|x| fixed(x, 2 * Self::ONE, Self::FARTHEST));
        Self { rows: [[a, b, x], [c, d, y]] }
    }
}

/// `x` in multiples of `1/one`, clamped; zero for what is no number.
fn fixed(x: f32, one: i32, most: i32) -> i32 {
    (libm::rintf(x * one as f32) as i32).max(most.wrapping_neg()).min(most)
}

impl From<Rotation> for Affine {
    fn from(g: Rotation) -> Self {
        Self::from_way_back(g.inverse().rows(), [0.0; 2])
    }
}

impl From<Orthogonal> for Affine {
    fn from(g: Orthogonal) -> Self {
        Self::from_way_back(g.inverse().rows(), [0.0; 2])
    }
}

impl From<Translation> for Affine {
    fn from(g: Translation) -> Self {
        Self::from_way_back(Rotation::IDENTITY.rows(), g.inverse().vector())
    }
}

impl From<RigidMotion> for Affine {
    fn from(g: RigidMotion) -> Self {
        let back = g.inverse();
        Self::from_way_back(back.acting.rows(), back.normal.vector())
    }
}

/// Moves an image about its middle, `to = g · from`: `(g·x)(p) = x(g⁻¹·p)`, and zero where that is outside.
///
/// Places are rounded to 1/128 of a pixel. Between four pixels the image is bilinear, and each count that comes
/// out is rounded once, to nearest, halves up. Translations by whole pixels are exact: they move counts and change
/// none. So are quarter turns and flips of square images, and there a quarter turn or flip q also goes with
/// every other element: moving `q·x` by `g·q⁻¹` gives the same counts as moving x by g.
///
/// Answers `None`, and writes nothing, where the slices differ in length, where the last row is not whole, or
/// where a side is longer than [`MAX_SIDE`].
#[must_use]
pub fn transform<S: Pixel, D: Pixel>(g: &Affine, columns: usize, from: &[S], to: &mut [D]) -> Option<()> {
    let source = Image::new(columns, from, to.len())?;
    let [[a, b, x], [c, d, y]] = g.rows;
    for (row, pixels) in super::pieces(columns, to).enumerate() {
        let down = from_middle(row, source.rows);
        for (column, pixel) in pixels.iter_mut().enumerate() {
            let right = from_middle(column, source.columns);
            // Below 2¹⁰ half pixels times 2¹⁵, twice, and 2²⁸.
            let place =
                |a: i32, b: i32, x: i32| a.wrapping_mul(right).wrapping_add(b.wrapping_mul(down)).wrapping_add(x);
            let count = source.at(Cell::new(place(c, d, y), source.rows), Cell::new(place(a, b, x), source.columns));
            *pixel = D::saturated(count);
        }
    }
    Some(())
}

/// Turns a square image about its middle, `to = g · from`, exactly: g is of order 4 (quarter turns), 2 (half
/// turns) or 1, and a positive turn is clockwise on a screen. The same as [`transform`] by that rotation, but a
/// mere permutation, of anything.
///
/// Answers `None`, and writes nothing, where g is of another order or the slices are not `side · side` long.
#[must_use]
pub fn quarter_turns<T: Copy>(g: Cyclic, side: usize, from: &[T], to: &mut [T]) -> Option<()> {
    let turns = match g.order() {
        1 | 4 => g.index(),
        2 => g.index().wrapping_mul(2),
        _ => return None,
    };
    if !(side.checked_mul(side)? == from.len() && from.len() == to.len()) {
        return None;
    }
    let last = side.wrapping_sub(1);
    for (row, pixels) in super::pieces(side, to).enumerate() {
        for (column, pixel) in pixels.iter_mut().enumerate() {
            // The way back, anticlockwise.
            let (row, column) = match turns {
                0 => (row, column),
                1 => (last.wrapping_sub(column), row),
                2 => (last.wrapping_sub(row), last.wrapping_sub(column)),
                _ => (column, last.wrapping_sub(row)),
            };
            *pixel = *from.get(row.wrapping_mul(side).wrapping_add(column))?;
        }
    }
    Some(())
}

/// How far a pixel is from the middle of its side, in half pixels, which are whole for even sides too.
fn from_middle(place: usize, side: i32) -> i32 {
    (2 * place as i32).wrapping_add(1).wrapping_sub(side)
}

/// A place along one side: the pixel before it, and how far it is behind that one, in 128ths of a pixel.
#[derive(Clone, Copy)]
struct Cell {
    index: i32,
    part: i32,
}

impl Cell {
    const BITS: u16 = 7;
    const STEPS: i32 = 1 << Self::BITS;

    /// From a distance to the middle of a side, in multiples of 2⁻¹⁶ pixels and below 2³⁰.
    ///
    /// The distance is rounded before the side is added, and halves go away from zero: a place and its mirror
    /// image so fall into cells that mirror each other.
    fn new(place: i32, side: i32) -> Self {
        let size = (place.wrapping_abs().wrapping_add(1 << 8)) >> 9;
        let steps = if place < 0 { size.wrapping_neg() } else { size };
        let steps = steps.wrapping_add(side.wrapping_sub(1).wrapping_mul(Self::STEPS / 2));
        Self { index: steps >> Self::BITS, part: steps & (Self::STEPS - 1) }
    }
}

/// A checked image to read from.
struct Image<'a, S> {
    pixels: &'a [S],
    rows: i32,
    columns: i32,
}

impl<'a, S: Pixel> Image<'a, S> {
    fn new(columns: usize, pixels: &'a [S], len: usize) -> Option<Self> {
        let rows = pixels.len().checked_div(columns)?;
        let whole = rows.checked_mul(columns)? == pixels.len() && pixels.len() == len;
        let fits = rows <= MAX_SIDE && columns <= MAX_SIDE;
        (whole && fits).then_some(Self { pixels, rows: rows as i32, columns: columns as i32 })
    }

    /// The count at a place, from the four pixels around it. Their sum has at most 15 + 7 + 7 bits and a sign.
    fn at(&self, row: Cell, column: Cell) -> i64 {
        let blend = |a: i32, b: i32, part: i32| {
            a.wrapping_mul(Cell::STEPS.wrapping_sub(part)).wrapping_add(b.wrapping_mul(part))
        };
        let [above, below] = [row.index, row.index.wrapping_add(1)].map(|row| {
            blend(self.pixel(row, column.index), self.pixel(row, column.index.wrapping_add(1)), column.part)
        });
        scale(blend(above, below, row.part), 1, 2 * Cell::BITS)
    }

    /// A pixel, or zero outside.
    fn pixel(&self, row: i32, column: i32) -> i32 {
        if !((0..self.rows).contains(&row) && (0..self.columns).contains(&column)) {
            return 0;
        }
        let index = row.wrapping_mul(self.columns).wrapping_add(column);
        self.pixels.get(index as usize).map_or(0, |&pixel| pixel.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::product::Semidirect;
    use crate::group::testing::{orthogonal, rigid_motion, rotation};
    use crate::group::translation::Centroid;
    use crate::group::{Element, Pose};
    use proptest::prelude::*;

    /// For the smooth image below, in counts. It curves by at most 245 counts per square pixel, and bilinear
    /// interpolation flattens by an eighth of that in each direction: twice on one side, once on the other or
    /// not at all. Its slope is at most 490 counts per pixel, and places are off by up to 1/256 of a pixel in
    /// each direction, three times. Then roundings.
    const TOLERANCE_COUNTS: i32 = 2 * 61 + 3 * 3 + 2;
    /// For the place of the smooth image, in pixels; interpolation moves no centroid but by rounding.
    const TOLERANCE_PIXELS: f32 = 0.01;

    const SIDE: usize = 25;

    /// A bell of 2,000 counts and a radius of 7 pixels, off the middle; behind it, all is zero.
    fn smooth() -> Vec<i16> {
        (0..SIDE * SIDE)
            .map(|i| ((i % SIDE) as f32 - 13.0, (i / SIDE) as f32 - 11.5))
            .map(|(x, y)| (2000.0 * (1.0 - (x * x + y * y) / 49.0).max(0.0).powi(3)) as i16)
            .collect()
    }

    fn moved<T: Pixel + Default>(g: impl Into<Affine>, columns: usize, from: &[T]) -> Vec<T> {
        let mut to = vec![T::saturated(99); from.len()];
        transform(&g.into(), columns, from, &mut to).unwrap();
        to
    }

    fn turned<T: Copy + Default>(turns: u16, side: usize, from: &[T]) -> Vec<T> {
        let mut to = vec![T::default(); from.len()];
        quarter_turns(Cyclic::new(turns, 4), side, from, &mut to).unwrap();
        to
    }

    fn flipped<T: Copy>(columns: usize, from: &[T]) -> Vec<T> {
        from.chunks(columns).flat_map(|row| row.iter().rev().copied()).collect()
    }

    /// Images of odd and even sides, full of noise and extremes.
    fn square() -> impl Strategy<Value = (usize, Vec<i16>)> {
        (1usize..9).prop_flat_map(|side| {
            let pixel = prop_oneof![4 => any::<i16>(), 1 => Just(i16::MIN), 1 => Just(i16::MAX)];
            (Just(side), prop::collection::vec(pixel, side * side))
        })
    }

    fn quarters() -> impl Strategy<Value = Orthogonal> {
        any::<(u16, bool)>().prop_map(|(turns, flip)| Orthogonal::new(Rotation::from_quarter_turns(turns), flip))
    }

    fn near(a: &[i16], b: &[i16]) -> bool {
        a.iter().zip(b).all(|(&a, &b)| (i32::from(a) - i32::from(b)).abs() <= TOLERANCE_COUNTS)
    }

    proptest! {
        // Miri takes a minute for each, and all that they run is also run by smaller ones.
        #[test]
        #[cfg_attr(miri, ignore)]
        fn the_action_is_a_homomorphism_up_to_interpolation(
            a in rigid_motion(2.0), b in rigid_motion(2.0), k in orthogonal(), l in orthogonal(),
        ) {
            let x = smooth();
            prop_assert!(near(&moved(a.compose(b), SIDE, &x), &moved(a, SIDE, &moved(b, SIDE, &x))));
            prop_assert!(near(&moved(k.compose(l), SIDE, &x), &moved(k, SIDE, &moved(l, SIDE, &x))));
            prop_assert!(near(&moved(a.inverse(), SIDE, &moved(a, SIDE, &x)), &x));
        }

        #[test]
        fn quarter_turns_and_flips_are_permutations((side, x) in square(), turns in 0u16..8) {
            let q = Rotation::from_quarter_turns(turns);
            let permuted = turned(turns, side, &x);
            prop_assert_eq!(moved(q, side, &x), permuted.clone());
            prop_assert_eq!(moved(Orthogonal::new(q, true), side, &x), turned(turns, side, &flipped(side, &x)));
            let mut back = x.clone();
            quarter_turns(Cyclic::new(turns, 4).inverse(), side, &permuted, &mut back).unwrap();
            prop_assert_eq!(back, x);
        }

        /// What makes a canonical image independent of quarter turns and flips, count for count.
        #[test]
        fn quarter_turns_and_flips_go_with_every_rotation_and_reflection((side, x) in square(), q in quarters(), g in orthogonal()) {
            let h = q.compose(g);
            prop_assert_eq!(moved(h.inverse(), side, &moved(q, side, &x)), moved(g.inverse(), side, &x));
        }

        #[test]
        fn quarter_turns_go_with_every_rotation((side, x) in square(), turns: u16, g in rotation()) {
            let q = Rotation::from_quarter_turns(turns);
            let h = q.compose(g);
            prop_assert_eq!(moved(h.inverse(), side, &moved(q, side, &x)), moved(g.inverse(), side, &x));
        }

        #[test]
        fn quarter_turns_go_with_every_rigid_motion((side, x) in square(), turns: u16, g in rigid_motion(6.0)) {
            let q = Semidirect { normal: Translation::IDENTITY, acting: Rotation::from_quarter_turns(turns) };
            let h = q.compose(g);
            prop_assert_eq!(moved(h.inverse(), side, &moved(q, side, &x)), moved(g.inverse(), side, &x));
        }

        #[test]
        fn whole_pixels_are_exact(columns in 1usize..8, rows in 1usize..8, by in prop::array::uniform2(-9i16..9), seed: [i16; 64]) {
            let x = &seed[..columns * rows];
            let g = Translation::from_vector(by.map(f32::from)).unwrap();
            for (i, &count) in moved(g, columns, x).iter().enumerate() {
                let (row, column) = ((i / columns) as i16 - by[1], (i % columns) as i16 - by[0]);
                let inside = (0..rows as i16).contains(&row) && (0..columns as i16).contains(&column);
                let expected = if inside { x[row as usize * columns + column as usize] } else { 0 };
                prop_assert_eq!(count, expected);
            }
        }

        #[test]
        fn cameras_and_counts_agree(x in prop::collection::vec(any::<u8>(), 30), g in rigid_motion(3.0)) {
            let wide: Vec<i16> = x.iter().copied().map(i16::from).collect();
            let mut across = vec![0i16; 30];
            transform(&g.into(), 6, &x, &mut across).unwrap();
            prop_assert_eq!(&across, &moved(g, 6, &wide));
            let narrow: Vec<i16> = moved(g, 6, &x).into_iter().map(i16::from).collect();
            prop_assert_eq!(across, narrow);
        }

        /// A bell's centroid goes where the element takes it: the sign conventions of charts and images agree.
        #[test]
        #[cfg_attr(miri, ignore)]
        fn the_centroid_goes_with_the_image(g in rigid_motion(2.0)) {
            let place = |x: Vec<i16>| {
                let chart = Centroid { reference: 1.0, minimum: 1.0 };
                match chart.pose(x.into_iter().map(i32::from), SIDE as u16, SIDE as u16) {
                    Ok(Pose { element: Element::Translation(place), .. }) => place.vector(),
                    other => panic!("{other:?}"),
                }
            };
            let (moved, expected) = (place(moved(g, SIDE, &smooth())), g.act(place(smooth())));
            for (a, b) in moved.into_iter().zip(expected) {
                prop_assert!((a - b).abs() <= TOLERANCE_PIXELS);
            }
        }

        #[test]
        fn cells_are_the_nearest_and_mirror_each_other(place in -(1i32 << 29)..1 << 29, side in 0i32..1025) {
            let steps = |cell: Cell| 128 * cell.index + cell.part - 64 * (side - 1);
            let cell = Cell::new(place, side);
            prop_assert!((512 * steps(cell) - place).abs() <= 256 && (0..128).contains(&cell.part));
            prop_assert_eq!(steps(Cell::new(-place, side)), -steps(cell));
        }

        #[test]
        fn every_translation_is_defined(x in any::<f32>(), y in any::<f32>(), angle in -4.0f32..4.0) {
            let normal = Translation::from_vector([x, y]).unwrap();
            let g = Affine::from(Semidirect { normal, acting: Rotation::from_angle(angle) });
            prop_assert!(g.rows.iter().flatten().all(|x| x.abs() <= Affine::FARTHEST));
            let far = moved(g, 2, &[i16::MAX; 4]);
            if x.abs().max(y.abs()) > 4.0 {
                prop_assert_eq!(far, [0; 4]);
            }
        }
    }

    #[test]
    fn a_quarter_turn_is_clockwise() {
        assert_eq!(turned(1, 2, &[1, 2, 3, 4]), [3, 1, 4, 2]);
        assert_eq!(moved(Rotation::from_quarter_turns(1), 2, &[1u8, 2, 3, 4]), [3, 1, 4, 2]);
        assert_eq!(moved(Orthogonal::FLIP, 2, &[1u8, 2, 3, 4]), [2, 1, 4, 3]);
    }

    #[test]
    fn half_turns_may_be_of_order_two() {
        let mut to = [0; 4];
        quarter_turns(Cyclic::new(1, 2), 2, &[1, 2, 3, 4], &mut to).unwrap();
        assert_eq!(to, [4, 3, 2, 1]);
    }

    #[test]
    fn counts_that_a_camera_cannot_have_saturate() {
        let mut to = [9u8; 3];
        transform(&Rotation::IDENTITY.into(), 3, &[-1i16, 255, 256], &mut to).unwrap();
        assert_eq!(to, [0, 255, 255]);
    }

    #[test]
    fn half_a_pixel_is_the_mean_and_halves_go_up() {
        let g = Translation::from_vector([0.5, 0.0]).unwrap();
        assert_eq!(moved(g, 4, &[1i16, 2, 4, -3]), [1, 2, 3, 1]);
    }

    #[test]
    fn the_longest_sides_fit() {
        // One row: the other side is as long in the first test, and Miri takes a thousand times as long.
        let mut row = vec![0i16; MAX_SIDE];
        row[MAX_SIDE - 1] = i16::MIN;
        assert_eq!(moved(Rotation::from_quarter_turns(2), MAX_SIDE, &row)[0], i16::MIN);
        assert_eq!(moved(Rotation::from_quarter_turns(2), 1, &row)[0], i16::MIN);
        let mut long = vec![0u8; MAX_SIDE + 1];
        assert_eq!(transform(&Rotation::IDENTITY.into(), MAX_SIDE + 1, &long.clone(), &mut long), None);
        assert_eq!(transform(&Rotation::IDENTITY.into(), 1, &long.clone(), &mut long), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (g, mut to) = (Rotation::IDENTITY.into(), [9u8; 6]);
        assert_eq!(transform(&g, 3, &[1u8; 3], &mut to), None, "another length");
        assert_eq!(transform(&g, 4, &[1u8; 6], &mut to), None, "an incomplete row");
        assert_eq!(transform(&g, 0, &[1u8; 6], &mut to), None, "no columns");
        assert_eq!(quarter_turns(Cyclic::new(1, 4), 2, &[1; 6], &mut to), None, "no square");
        assert_eq!(quarter_turns(Cyclic::new(1, 3), 2, &[1; 4], &mut to[..4]), None, "thirds of a turn");
        assert_eq!(to, [9; 6]);
        assert_eq!(quarter_turns::<u8>(Cyclic::new(1, 4), 0, &[], &mut []), Some(()), "nothing to turn");
        assert_eq!(transform::<u8, u8>(&g, 4, &[], &mut []), Some(()), "nothing to move");
    }
}
