//! A matrix of weights times one or two points, requantized.

use crate::arena::ActivationsMut;
use crate::kernel::Fault;
use crate::quant::Rescale;

/// Rows and columns of a tile.
pub(crate) const SIDE: usize = 4;
/// Bytes of a tile, and of a group's biases and multipliers.
const TILE_LEN: usize = SIDE * SIDE;

/// Bytes of a group of four rows.
#[must_use]
pub const fn group_len(columns: usize) -> usize {
    TILE_LEN * (2 + columns.div_ceil(SIDE))
}

/// How a matrix of int8 weights, with a bias and a multiplier for each row, stands in the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub columns: usize,
}

impl Tiles {
    /// Bytes of the matrix.
    #[must_use]
    pub const fn len(&self) -> usize {
        group_len(self.columns).saturating_mul(self.rows.div_ceil(SIDE))
    }

    /// Whether there is nothing to multiply.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0 || self.columns == 0
    }

    /// Where the bias of a row stands, an `i32`, little-endian.
    #[must_use]
    pub const fn bias(&self, row: usize) -> usize {
        row / SIDE * group_len(self.columns) + row % SIDE * size_of::<i32>()
    }

    /// Where a weight stands, an `i8`.
    #[must_use]
    pub const fn weight(&self, row: usize, column: usize) -> usize {
        // Columns 0, 2, 1, 3: two halves of a word then hold neighbours, see above.
        let swapped = (column % 2) * 2 + column / 2 % 2;
        row / SIDE * group_len(self.columns) + TILE_LEN * (1 + column / SIDE) + row % SIDE * SIDE + swapped
    }

    /// Where the multiplier of a row stands, an `i32`, little-endian.
    #[must_use]
    pub const fn multiplier(&self, row: usize) -> usize {
        self.bias(row) + group_len(self.columns) - TILE_LEN
    }

    /// The matrix at `offset`, or `None` if it is empty, not aligned or outside the blob.
    pub(crate) fn of<'m>(&self, blob: &'m [u8], offset: u32) -> Option<Matrix<'m>> {
        if self.is_empty() || !offset.is_multiple_of(crate::format::ALIGNMENT as u32) {
            return None;
        }
        let bytes = blob.get(offset as usize..)?.get(..self.len())?;
        Some(Matrix { bytes, rows: self.rows, quads: self.columns.div_ceil(SIDE) })
    }
}

/// The constants of a linear map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'m> {
    pub(crate) bytes: &'m [u8],
    pub(crate) rows: usize,
    pub(crate) quads: usize,
}

impl<'m> Matrix<'m> {
    /// Proves that no input of magnitude up to `largest` overflows a row's 32-bit sum, in whatever
    /// order it is summed.
    pub(crate) fn check_accumulator(&self, largest: u32) -> Result<(), Fault> {
        for group in self.groups() {
            for row in 0..SIDE {
                let tiles = group.tiles.iter();
                let weights: u64 = tiles
                    .flat_map(|tile| tile.iter().skip(SIDE * row).take(SIDE))
                    .map(|&w| u64::from((w as i8).unsigned_abs()))
                    .sum();
                let bias = u64::from(word(group.biases, row).unsigned_abs());
                if bias + weights * u64::from(largest) > i32::MAX as u64 {
                    return Err(Fault::Accumulator);
                }
            }
        }
        Ok(())
    }

    fn groups(&self) -> impl Iterator<Item = Group<'m>> + use<'m> {
        self.bytes.chunks_exact((TILE_LEN * (2 + self.quads)).max(1)).filter_map(Group::of)
    }
}

struct Group<'m> {
    biases: &'m [u8; TILE_LEN],
    tiles: &'m [[u8; TILE_LEN]],
    multipliers: &'m [u8; TILE_LEN],
}

impl<'m> Group<'m> {
    fn of(bytes: &'m [u8]) -> Option<Self> {
        let (biases, rest) = bytes.split_first_chunk()?;
        let (tiles, multipliers) = rest.split_last_chunk()?;
        Some(Self { biases, tiles: tiles.as_chunks().0, multipliers })
    }
}

fn word(bytes: &[u8; TILE_LEN], row: usize) -> i32 {
    i32::from_le_bytes(bytes.as_chunks().0.get(row).copied().unwrap_or_default())
}

/// The matrix times one or two points of `4 · quads` activations; `y` takes at most as many rows as there
/// are.
pub(crate) fn multiply<const P: usize>(
    matrix: &Matrix<'_>,
    x: [&[i16]; P],
    rescale: &Rescale,
    y: [ActivationsMut<'_>; P],
) {
    for (x, mut y) in x.into_iter().zip(y) {
        for (group, first) in matrix.groups().zip((0..).step_by(SIDE)) {
            for row in 0..SIDE.min(matrix.rows - first) {
                let mut sum = word(group.biases, row);
                for (tile, x) in group.tiles.iter().zip(x.as_chunks::<SIDE>().0) {
                    let [a, c, b, d] =
                        tile.as_chunks::<SIDE>().0.get(row).copied().unwrap_or_default().map(|w| w as i8);
                    for (w, x) in [a, b, c, d].into_iter().zip(x) {
                        sum = sum.wrapping_add(i32::from(w) * i32::from(*x));
                    }
                }
                let high = ((i64::from(sum) * i64::from(word(group.multipliers, row))) >> 32) as i32;
                let value = high.wrapping_add(rescale.offset) >> (rescale.shift & 31);
                y.set(first + row, value.max(rescale.min.into()).min(rescale.max.into()) as i16);
            }
        }
    }
}
