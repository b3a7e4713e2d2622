//! Volumes: one bit for each cell of a cube, set where the cell is occupied.
//!
//! Cell `(x, y, z)` of a cube of `side` cells is bit `i mod 8`, counted from the lowest, of byte `i / 8`, where
//! `i = (z · side + y) · side + x`. The space is that of [`so3`](crate::group::so3), with its origin in the middle of the
//! cube: a cell stands at `(2·x + 1 − side) · 32` counts, so a count is 1/64 of a cell, and quarter turns about the middle
//! take cells to cells.
//!
//! Networks see a volume as a set of points: [`Volume::points`] makes them, a session finds their pose, and
//! [`Volume::canonicalize`] turns the volume by it.

use crate::group::product::RigidMotion3;
use crate::math::floor;
use core::fmt;
use core::ops::Range;

/// The longest side, in cells: up to here, all sums fit 32 bits.
pub const MAX_SIDE: usize = 64;
/// Counts along the side of a cell.
pub const COUNTS_PER_CELL: i16 = 64;

/// What is wrong with a volume, or with the memory for what is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// The side is no cell long, or more than [`MAX_SIDE`].
    Side,
    /// There are fewer or more bytes than the cells take.
    Length {
        /// Bytes that the cells take.
        needed: u32,
        /// Bytes that were handed over.
        given: u32,
    },
    /// No cell is occupied.
    Empty,
    /// There is no memory for a single point.
    Points,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Side => write!(f, "the side of a volume is 1 to {MAX_SIDE} cells"),
            Self::Length { needed, given } => write!(f, "the volume takes {needed} bytes and was given {given}"),
            Self::Empty => write!(f, "no cell of the volume is occupied"),
            Self::Points => write!(f, "there is no memory for a single point"),
        }
    }
}

impl core::error::Error for Refusal {}

/// A checked volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume<'a> {
    side: usize,
    cells: &'a [u8],
}

/// Bytes that a volume takes; `None` for sides that none has.
#[must_use]
pub fn bytes(side: usize) -> Option<usize> {
    (1..=MAX_SIDE).contains(&side).then(|| side.wrapping_mul(side).wrapping_mul(side).div_ceil(8))
}

/// Occupies a cell, of which `cells` are those of a cube of this side. Answers `None`, and writes nothing, where there is
/// no such cell.
#[must_use]
pub fn occupy(side: usize, cell: [usize; 3], cells: &mut [u8]) -> Option<()> {
    let (byte, bit) = bit(side, cell)?;
    *cells.get_mut(byte)? |= bit;
    Some(())
}

impl<'a> Volume<'a> {
    /// A volume of `side · side · side` cells, [`bytes`] long. Bits behind the last cell are not looked at.
    ///
    /// # Errors
    /// [`Refusal::Side`] and [`Refusal::Length`].
    pub fn new(side: usize, cells: &'a [u8]) -> Result<Self, Refusal> {
        fits(side, cells)?;
        Ok(Self { side, cells })
    }

    /// Whether a cell is occupied; cells outside are not.
    #[must_use]
    pub fn is_occupied(&self, cell: [usize; 3]) -> bool {
        let byte = bit(self.side, cell).and_then(|(byte, bit)| Some(self.cells.get(byte)? & bit));
        byte.is_some_and(|byte| byte != 0)
    }

    /// How many cells are occupied.
    #[must_use]
    pub fn count(&self) -> u32 {
        let mut count = 0u32;
        self.walk(1, &mut |_| count = count.wrapping_add(1));
        count
    }

    /// The occupied cells as points, `[n, 3]` in counts: as many as there are, or as `points` has room for if those are
    /// fewer. Gives the part of `points` that was written.
    ///
    /// Where there is room, each occupied cell is a point, and a quarter turn of the volume turns them exactly. Where there
    /// is not, a walk through the cube visits the occupied cells in an order in which each is close to the next, is cut
    /// into `n` parts whose lengths differ by at most one cell, and each part is a point: its mean place, rounded once, to
    /// nearest. So each cell counts as much as any other, and the points are as dense in one direction as in another; but
    /// where the walk is cut depends on how the volume is turned.
    ///
    /// The walk goes along x through bundles of `w · w` rows, there and back, with the least `w` for which `w³` cells
    /// are as many as in a part.
    ///
    /// # Errors
    /// [`Refusal::Empty`] and [`Refusal::Points`].
    pub fn points<'p>(&self, points: &'p mut [i16]) -> Result<&'p [i16], Refusal> {
        let occupied = self.count();
        if occupied == 0 {
            return Err(Refusal::Empty);
        }
        // More than 18 bits of them there are not.
        let wanted = (points.len() / 3).min(occupied as usize) as u32;
        if wanted == 0 {
            return Err(Refusal::Points);
        }
        let width = (1..=MAX_SIDE as u32).find(|w| w.wrapping_pow(3).wrapping_mul(wanted) >= occupied).unwrap_or(1);
        let written = points.get_mut(..(wanted as usize).wrapping_mul(3)).ok_or(Refusal::Points)?;
        self.parts(width as usize, [wanted, occupied], written);
        Ok(written)
    }

    /// Moves a volume back by its pose, `g⁻¹·x`: what stood at `g·p` is at p. Each cell is that in which its middle comes
    /// from, and free where that is outside.
    ///
    /// The pose is one of the volume's [`points`](Self::points), in their counts, and `to` as long as the volume. Whole
    /// cells and quarter turns are exact. A volume and the same one behind a quarter turn q, with the poses g and q·g, have
    /// one canonical volume, cell for cell, but where a middle falls right between two cells in the middle of the
    /// cube: that takes an even side and a matrix with a zero in it.
    ///
    /// # Errors
    /// [`Refusal::Length`].
    pub fn canonicalize(&self, pose: &RigidMotion3, to: &mut [u8]) -> Result<(), Refusal> {
        fits(self.side, to)?;
        to.iter_mut().for_each(|byte| *byte = 0);
        let matrix = pose.acting.rows().map(|row| row.map(odd));
        let [x, y, z] = pose.normal.vector().map(even);
        for row in 0..self.side {
            for column in 0..self.side {
                for layer in 0..self.side {
                    let cell = [column, row, layer];
                    let [u, v, w] = cell.map(|at| from_middle(at, self.side));
                    // Below 2⁶ half cells times 2¹⁵, three times, and 2²⁸.
                    let along = |[a, b, c]: [i32; 3], t: i32| {
                        let sum = a.wrapping_mul(u).wrapping_add(b.wrapping_mul(v)).wrapping_add(c.wrapping_mul(w));
                        nearest(sum.wrapping_add(t), self.side)
                    };
                    let [first, second, third] = matrix;
                    if self.is_occupied([along(first, x), along(second, y), along(third, z)]) {
                        // Every cell of the loops is inside.
                        _ = occupy(self.side, cell, to);
                    }
                }
            }
        }
        Ok(())
    }

    /// Cuts the walk into as many parts as there are points, of the cells that are occupied.
    fn parts(&self, width: usize, [wanted, occupied]: [u32; 2], points: &mut [i16]) {
        let (mut part, mut due, mut places) = (Part::default(), 0u32, super::pieces(3, points));
        self.walk(width, &mut |cell| {
            part.add(cell.map(|at| from_middle(at, self.side)));
            due = due.wrapping_add(wanted);
            if due >= occupied {
                due = due.wrapping_sub(occupied);
                let mean = core::mem::take(&mut part).mean();
                if let Some(place) = places.next() {
                    place.iter_mut().zip(mean).for_each(|(to, x)| *to = x);
                }
            }
        });
    }

    /// Shows every occupied cell, bundle of `width · width` rows after bundle, there and back: each cell is beside the one
    /// before, but where those between are free, and from one bundle to the next, where it is a few widths away at most.
    fn walk(&self, width: usize, show: &mut dyn FnMut([usize; 3])) {
        let mut back = [false; 3];
        let mut layer = 0usize;
        while layer < self.side {
            let layers = layer..layer.wrapping_add(width).min(self.side);
            let mut row = 0usize;
            while row < self.side {
                let rows = row..row.wrapping_add(width).min(self.side);
                for x in 0..self.side {
                    let column = turned(x, 0..self.side, back[0]);
                    for y in rows.clone() {
                        let y = turned(turned(y, rows.clone(), x & 1 != 0), 0..self.side, back[1]);
                        for z in layers.clone() {
                            let cell = [column, y, turned(z, layers.clone(), back[2])];
                            if self.is_occupied(cell) {
                                show(cell);
                            }
                        }
                        back[2] = !back[2];
                    }
                }
                back[0] = !back[0];
                row = row.wrapping_add(width);
            }
            back[1] = !back[1];
            layer = layer.wrapping_add(width);
        }
    }
}

/// The same place of a range, or if it is walked back, that from the other end.
fn turned(at: usize, range: Range<usize>, back: bool) -> usize {
    if back { range.start.wrapping_add(range.end).wrapping_sub(1).wrapping_sub(at) } else { at }
}

/// Cells of a part of the walk.
#[derive(Default)]
struct Part {
    /// Of their places, half cells.
    sum: [i32; 3],
    cells: u32,
}

impl Part {
    fn add(&mut self, place: [i32; 3]) {
        self.sum.iter_mut().zip(place).for_each(|(sum, x)| *sum = sum.wrapping_add(x));
        self.cells = self.cells.wrapping_add(1);
    }

    /// The mean place in counts. Halves go away from zero, so that a place and its mirror image mirror each other.
    fn mean(self) -> [i16; 3] {
        self.sum.map(|sum| {
            // At most 18 bits of cells, 6 of half cells, 5 of counts, and twice that.
            let twice = sum.unsigned_abs().wrapping_mul(COUNTS_PER_CELL as u32).wrapping_add(self.cells);
            let size = twice.checked_div(self.cells.wrapping_mul(2)).unwrap_or(0) as i16;
            if sum < 0 { size.wrapping_neg() } else { size }
        })
    }
}

/// Whether a side can be, and cells are as long.
fn fits(side: usize, cells: &[u8]) -> Result<(), Refusal> {
    let needed = bytes(side).ok_or(Refusal::Side)?;
    if cells.len() == needed {
        return Ok(());
    }
    // More than 32 bits of them are on no device.
    Err(Refusal::Length { needed: needed as u32, given: cells.len() as u32 })
}

/// The byte that holds a cell and its bit in there.
fn bit(side: usize, [x, y, z]: [usize; 3]) -> Option<(usize, u8)> {
    let inside = x < side && y < side && z < side && side <= MAX_SIDE;
    let index = z.wrapping_mul(side).wrapping_add(y).wrapping_mul(side).wrapping_add(x);
    inside.then_some((index >> 3, 1 << (index & 7)))
}

/// How far a cell's middle is from the middle of its side, in half cells, which are whole for even sides too.
fn from_middle(at: usize, side: usize) -> i32 {
    (2 * at as i32).wrapping_add(1).wrapping_sub(side as i32)
}

/// `x` as the nearest odd multiple of 2⁻¹⁵, or zero if it is: sums of three odd multiples of it are never half way
/// between two cells of an even side. Zero for what is no number, and the nearest to 1 or −1 for what is larger.
fn odd(x: f32) -> i32 {
    let size = (floor(x.abs() * 16384.0) as i32).min(16384).wrapping_mul(2).wrapping_add(1);
    if x > 0.0 {
        size
    } else if x < 0.0 {
        size.wrapping_neg()
    } else {
        0
    }
}

/// `x` counts as the nearest even multiple of 2⁻¹⁵ half cells; 4,096 cells, far outside of every volume, for what is more.
fn even(x: f32) -> i32 {
    const FARTHEST: i32 = 1 << 27;
    let size = (floor(x.abs() * 512.0 + 0.5) as i32).min(FARTHEST).wrapping_mul(2);
    if x < 0.0 { size.wrapping_neg() } else { size }
}

/// The cell that a place falls into, from its distance to the middle of a side in multiples of 2⁻¹⁵ half cells; one
/// outside for what is outside. What is right between two cells falls into the one farther from the middle, so that
/// places that mirror each other fall into cells that do.
fn nearest(place: i32, side: usize) -> usize {
    let (half, odd) = (side >> 1, side & 1);
    let steps = (place.unsigned_abs().wrapping_add((odd as u32) << 15) >> 16) as usize;
    // Below zero is outside, too: it wraps to far above every side.
    if place < 0 { half.wrapping_add(odd).wrapping_sub(1).wrapping_sub(steps) } else { half.wrapping_add(steps) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::product::Semidirect;
    use crate::group::so3::Rotation;
    use crate::group::testing::rotation3;
    use crate::group::translation3::Translation;
    use crate::group::{Automorphisms, Group};
    use proptest::prelude::*;

    /// Of the mean of points, in counts: each is rounded once, to nearest.
    const TOLERANCE_COUNTS: f64 = 0.5;

    /// Every cell with a place, in half cells.
    fn cells(side: usize) -> impl Iterator<Item = [usize; 3]> {
        (0..side).flat_map(move |z| (0..side).flat_map(move |y| (0..side).map(move |x| [x, y, z])))
    }

    fn filled(side: usize, occupied: impl Fn([usize; 3]) -> bool) -> Vec<u8> {
        let mut volume = vec![0; bytes(side).unwrap()];
        cells(side).filter(|cell| occupied(*cell)).for_each(|cell| occupy(side, cell, &mut volume).unwrap());
        volume
    }

    /// Volumes of odd and even sides, with at least one cell.
    fn volumes() -> impl Strategy<Value = (usize, Vec<u8>)> {
        (1usize..8, 1u32..9).prop_flat_map(|(side, part)| {
            let cells = prop::collection::vec(prop::bool::weighted(f64::from(part) / 8.0), side * side * side);
            (Just(side), cells, any::<prop::sample::Index>()).prop_map(|(side, occupied, always)| {
                let always = always.index(occupied.len());
                let at = |[x, y, z]: [usize; 3]| (z * side + y) * side + x;
                (side, filled(side, |cell| occupied[at(cell)] || at(cell) == always))
            })
        })
    }

    /// The 24 rotations that take a cube to itself.
    fn quarters() -> impl Strategy<Value = Rotation> {
        prop::collection::vec(0usize..3, 0..5).prop_map(|axes| {
            let quarter = |axis: usize| {
                let mut quaternion = [1.0, 0.0, 0.0, 0.0];
                quaternion[axis + 1] = 1.0;
                Rotation::from_quaternion(quaternion)
            };
            axes.into_iter().fold(Rotation::IDENTITY, |g, axis| g.compose(quarter(axis)))
        })
    }

    /// Behind a quarter turn: cells are permuted.
    fn permuted(q: Rotation, side: usize, volume: &[u8]) -> Vec<u8> {
        let back = q.inverse();
        let volume = Volume::new(side, volume).unwrap();
        filled(side, |cell| {
            let from = back.act(cell.map(|at| from_middle(at, side) as f32));
            volume.is_occupied(from.map(|x| (x as i32 + side as i32 - 1) as usize / 2))
        })
    }

    /// Sorted, since a set has no order.
    fn points(side: usize, volume: &[u8], room: usize) -> Vec<[i16; 3]> {
        let mut memory = vec![0; 3 * room];
        let found = Volume::new(side, volume).unwrap().points(&mut memory).unwrap();
        let mut points = found.as_chunks::<3>().0.to_vec();
        points.sort_unstable();
        points
    }

    fn canonical(pose: RigidMotion3, side: usize, volume: &[u8]) -> Vec<u8> {
        let mut to = vec![0xff; volume.len()];
        Volume::new(side, volume).unwrap().canonicalize(&pose, &mut to).unwrap();
        to
    }

    fn pose(acting: Rotation, counts: [f32; 3]) -> RigidMotion3 {
        Semidirect { normal: Translation::from_vector(counts).unwrap(), acting }
    }

    proptest! {
        /// However it is read.
        #[test]
        fn occupied_cells_are_points((side, x) in volumes()) {
            let volume = Volume::new(side, &x).unwrap();
            let place = |cell: [usize; 3]| cell.map(|at| 32 * from_middle(at, side) as i16);
            let mut expected: Vec<_> = cells(side).filter(|cell| volume.is_occupied(*cell)).map(place).collect();
            expected.sort_unstable();
            prop_assert_eq!(volume.count() as usize, expected.len());
            prop_assert_eq!(points(side, &x, side * side * side), expected);
        }

        #[test]
        fn quarter_turns_turn_points_exactly((side, x) in volumes(), q in quarters()) {
            let room = side * side * side;
            let mut turned: Vec<[i16; 3]> =
                points(side, &x, room).into_iter().map(|p| q.act(p.map(f32::from)).map(|x| x as i16)).collect();
            turned.sort_unstable();
            prop_assert_eq!(points(side, &permuted(q, side, &x), room), turned);
        }

        /// Cell for cell: whatever ψ says, as long as it says it of both.
        #[test]
        fn quarter_turns_leave_the_canonical_volume(
            (side, x) in volumes(), q in quarters(), g in rotation3(), by in prop::array::uniform3(-100.0f32..100.0),
        ) {
            let pose = pose(g, by);
            let moved = Semidirect { normal: q.apply(pose.normal), acting: q.compose(g) };
            prop_assert_eq!(canonical(moved, side, &permuted(q, side, &x)), canonical(pose, side, &x));
        }

        #[test]
        fn quarter_turns_are_undone_exactly((side, x) in volumes(), q in quarters()) {
            prop_assert_eq!(canonical(pose(q, [0.0; 3]), side, &permuted(q, side, &x)), x);
        }

        #[test]
        fn whole_cells_are_exact((side, x) in volumes(), by in prop::array::uniform3(-9i16..9)) {
            let volume = Volume::new(side, &x).unwrap();
            let expected = filled(side, |cell| {
                let there = |i: usize| usize::try_from(cell[i] as i64 + i64::from(by[i])).unwrap_or(usize::MAX);
                volume.is_occupied([there(0), there(1), there(2)])
            });
            let counts = by.map(|by| f32::from(by * COUNTS_PER_CELL));
            prop_assert_eq!(canonical(pose(Rotation::IDENTITY, counts), side, &x), expected);
        }

        /// No more than there is room for, and, if all parts are of one length, the mean of the points is that of the cells.
        #[test]
        fn points_stand_for_equally_many_cells((side, x) in volumes(), length in 1usize..5, room in 1usize..40) {
            let all = points(side, &x, side * side * side);
            prop_assert_eq!(points(side, &x, room).len(), room.min(all.len()));
            if all.len().is_multiple_of(length) {
                let some = points(side, &x, all.len() / length);
                for axis in 0..3 {
                    let mean = |points: &[[i16; 3]]| {
                        points.iter().map(|p| f64::from(p[axis])).sum::<f64>() / points.len() as f64
                    };
                    prop_assert!((mean(&some) - mean(&all)).abs() <= TOLERANCE_COUNTS);
                }
            }
        }
    }

    /// Parts of eight cells of a full cube are cubes of eight cells, so their means stand on the coarser grid.
    #[test]
    fn parts_are_compact() {
        let full = [0xff; 64];
        let expected: Vec<[i16; 3]> = filled_places(4);
        assert_eq!(points(8, &full, 64), expected);
    }

    fn filled_places(side: usize) -> Vec<[i16; 3]> {
        let mut places: Vec<_> = cells(side).map(|cell| cell.map(|at| 64 * from_middle(at, side) as i16)).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (mut room, mut to) = ([0; 3], [0; 4]);
        assert_eq!(Volume::new(0, &[]), Err(Refusal::Side));
        assert_eq!(Volume::new(MAX_SIDE + 1, &[]), Err(Refusal::Side));
        assert_eq!(Volume::new(3, &[1; 3]), Err(Refusal::Length { needed: 4, given: 3 }));
        // Behind the last cell, bits mean nothing.
        let free = Volume::new(3, &[0, 0, 0, 0b1111_1000]).unwrap();
        assert_eq!((free.count(), free.points(&mut room)), (0, Err(Refusal::Empty)));
        let volume = Volume::new(3, &[1, 0, 0, 0]).unwrap();
        assert_eq!(volume.points(&mut room[..2]), Err(Refusal::Points));
        assert_eq!(volume.points(&mut room), Ok(&[-64i16; 3][..]));
        assert_eq!(
            volume.canonicalize(&RigidMotion3::IDENTITY, &mut to[..3]),
            Err(Refusal::Length { needed: 4, given: 3 })
        );
        assert_eq!(volume.canonicalize(&RigidMotion3::IDENTITY, &mut to), Ok(()));
        assert_eq!(to, [1, 0, 0, 0]);
        assert_eq!(occupy(3, [0, 3, 0], &mut to), None);
        assert!(!volume.is_occupied([0, 0, 3]) && !volume.is_occupied([usize::MAX; 3]));
        let words = [Refusal::Side, Refusal::Length { needed: 4, given: 3 }, Refusal::Empty, Refusal::Points];
        assert!(words.iter().all(|refusal| !refusal.to_string().is_empty()));
    }

    /// Right between two cells, too, but in the middle of an even side, which belongs to neither.
    #[test]
    fn places_that_mirror_each_other_fall_into_cells_that_do() {
        for side in 1..6 {
            for place in (1 << 12..(side as i32) << 15).step_by(1 << 12) {
                let [here, there] = [place, -place].map(|place| nearest(place, side));
                assert_eq!(here.wrapping_add(there), side - 1, "{side}, {place}");
            }
        }
    }

    /// A pose that is nowhere is outside of every cell.
    #[test]
    fn far_poses_leave_nothing() {
        for far in [1e9, -1e9, f32::MAX, f32::MIN] {
            assert_eq!(canonical(pose(Rotation::IDENTITY, [far, 0.0, 0.0]), 2, &[0xff]), [0]);
        }
    }

    /// The longest side, all of it: nothing overflows.
    #[test]
    #[cfg_attr(miri, ignore)]
    fn the_largest_volume_has_points() {
        let full = vec![0xff; bytes(MAX_SIDE).unwrap()];
        assert_eq!(points(MAX_SIDE, &full, 1), [[0; 3]]);
        // Its eighths, in counts.
        let eighths = filled_places(2).into_iter().map(|place| place.map(|x| 16 * x)).collect::<Vec<_>>();
        assert_eq!(points(MAX_SIDE, &full, 8), eighths);
        let turned = canonical(RigidMotion3::IDENTITY, MAX_SIDE, &full);
        assert_eq!(turned, full);
    }
}
