//! Matrix times activations, the one loop in which a network spends its time.
//!
//! # How a matrix is stored
//!
//! A matrix `i8[rows, columns]` is `⌈rows / 4⌉` *groups* of four rows, and a group is one stream that
//! every kernel reads front to back, once. Rows and columns that fill up the last group and tile are
//! zero. Numbers are little-endian, and every group starts at a multiple of four.
//!
//! ```text
//!          ┌───────────┬────────┬────────┬───┬────────┬────────────────┐
//!  group   │ 4 biases  │ tile 0 │ tile 1 │ … │ tile k │ 4 multipliers  │   k = ⌈columns / 4⌉ tiles
//!          │ i32       │ 16 × i8│        │   │        │ i32            │
//!          └───────────┴────────┴────────┴───┴────────┴────────────────┘
//!
//!  tile    byte   0    1    2    3  │ 4    5    6    7  │ 8  …       11 │ 12 …       15
//!          row    0                 │ 1                 │ 2             │ 3
//!          column 0    2    1    3  │ 0    2    1    3  │ 0   2   1   3 │ 0   2   1   3
//! ```
//!
//! Why this is fast: a group's four sums stay in registers, from the biases with which they start to
//! the multipliers that scale them, and each activation is loaded once for four rows. Activations are
//! `i16`, widened beforehand, since every row reads them again. The order of columns makes widening the
//! weights one instruction for two of them: `sxtb16` takes bytes 0 and 2 of a word, columns 0 and 1, and
//! after `ror #8` columns 2 and 3, each the pair that `smlad` multiplies by a word of activations.
//!
//! On vectors int8 is not widened at all: activations come as bytes in the same order of columns, and four tiles' words
//! of a row are multiplied by sixteen of them at once.

#[cfg(not(gimbal_asm))]
use crate::arena::ActivationsMut;
#[cfg(not(gimbal_asm))]
use crate::format::Dtype;
use crate::kernel::{Fault, constants};
#[cfg(not(gimbal_asm))]
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
    pub(crate) fn of<'m>(&self, blob: &'m [u32], offset: u32) -> Option<Matrix<'m>> {
        // Kernels rely on this length: it must not wrap.
        let group = self.columns.div_ceil(SIDE).checked_add(2)?.checked_mul(SIDE)?;
        let words = constants(blob, offset, group.checked_mul(self.rows.div_ceil(SIDE))?)?;
        let matrix = Matrix { words, rows: self.rows, quads: self.columns.div_ceil(SIDE) };
        (!self.is_empty()).then_some(matrix)
    }
}

/// The constants of a linear map. [`Tiles::of`] is the only way to one: kernels rely on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'m> {
    /// All groups of so many rows and tiles.
    words: &'m [u32],
    /// Outputs, at least one.
    rows: usize,
    /// Inputs, divided by four, at least one.
    quads: usize,
}

/// Four rows.
struct Group<'m> {
    biases: &'m [i32; SIDE],
    tiles: &'m [[[u8; SIDE]; SIDE]],
    #[cfg_attr(gimbal_asm, allow(dead_code, reason = "the kernel reads them"))]
    multipliers: &'m [i32; SIDE],
}

impl<'m> Matrix<'m> {
    /// All groups.
    pub(crate) fn words(&self) -> &'m [u32] {
        self.words
    }

    /// Outputs.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs, divided by four.
    #[cfg(gimbal_asm)]
    pub(crate) fn quads(&self) -> usize {
        self.quads
    }

    /// Proves that no input of magnitude up to `largest` overflows a row's 32-bit sum, in whatever
    /// order it is summed; and that what fills up the last tile is zero, for kernels multiply it by whatever stands
    /// behind a patch.
    pub(crate) fn check(&self, columns: usize, largest: u32) -> Result<(), Fault> {
        // Of the last tile's rows, whose columns stand in the order 0, 2, 1, 3.
        let behind: u32 = match columns % SIDE {
            1 => 0xffff_ff00,
            2 => 0xff00_ff00,
            3 => 0xff00_0000,
            _ => 0,
        };
        for group in self.groups() {
            for (row, &bias) in group.biases.iter().enumerate() {
                // There are fewer than 2¹⁶ columns.
                let (mut sum, mut last) = (0u32, 0);
                for &weights in group.tiles.iter().filter_map(|tile| tile.get(row)) {
                    last = u32::from_le_bytes(weights);
                    sum += weights.iter().map(|&weight| u32::from((weight as i8).unsigned_abs())).sum::<u32>();
                }
                if last & behind != 0 {
                    return Err(Fault::Weights);
                }
                if sum.saturating_mul(largest).saturating_add(bias.unsigned_abs()) > i32::MAX as u32 {
                    return Err(Fault::Accumulator);
                }
            }
        }
        Ok(())
    }

    fn groups(&self) -> impl Iterator<Item = Group<'m>> + use<'m> {
        let (mut rest, tiles) = (self.words, self.quads.saturating_mul(SIDE));
        core::iter::from_fn(move || {
            let (biases, behind) = rest.split_first_chunk::<SIDE>()?;
            let (tiles, behind) = behind.split_at_checked(tiles)?;
            let (multipliers, behind) = behind.split_first_chunk::<SIDE>()?;
            rest = behind;
            let [biases, multipliers] = [biases, multipliers].map(bytemuck::must_cast_ref);
            Some(Group {
                biases,
                tiles: bytemuck::must_cast_slice::<u32, [u8; SIDE]>(tiles).as_chunks().0,
                multipliers,
            })
        })
    }
}

#[cfg(gimbal_asm)]
pub(crate) use crate::asm::Product;

/// A matrix and how its sums become outputs: made once, then multiplied with many points.
///
/// This is the reference; processors with a kernel of their own have another one under the same name.
#[cfg(not(gimbal_asm))]
#[derive(Debug)]
pub(crate) struct Product<'m> {
    matrix: Matrix<'m>,
    rescale: Rescale,
}

#[cfg(not(gimbal_asm))]
impl<'m> Product<'m> {
    /// Outputs are of the type `output`.
    pub(crate) fn new(matrix: Matrix<'m>, rescale: Rescale, _output: Dtype) -> Self {
        Self { matrix, rescale }
    }

    /// Outputs of a point.
    pub(crate) fn rows(&self) -> usize {
        self.matrix.rows()
    }

    /// `y[row] = rescale(bias[row] + Σ_c matrix[row, c] · x[c])`; sums wrap.
    ///
    /// `x` holds `4 · quads` activations in their natural order, two a word, padded with anything, since weights
    /// there are zero. Slices that are too short, which no checked model gives, leave some outputs as they were.
    pub(crate) fn multiply(&self, x: &[u32], mut y: ActivationsMut<'_>) {
        let x: &[i16] = bytemuck::must_cast_slice(x);
        let mut at = 0;
        for Group { biases, tiles, multipliers } in self.matrix.groups() {
            let (mut a, mut b, mut c, mut d) = (0i32, 0i32, 0i32, 0i32);
            for ([p, q, r, s], x) in tiles.iter().zip(x.as_chunks().0) {
                a = a.wrapping_add(dot(p, x));
                b = b.wrapping_add(dot(q, x));
                c = c.wrapping_add(dot(r, x));
                d = d.wrapping_add(dot(s, x));
            }
            for ((&bias, sum), &multiplier) in biases.iter().zip([a, b, c, d]).zip(multipliers) {
                if at < self.matrix.rows {
                    y.set(at, self.rescale.apply(bias.wrapping_add(sum), multiplier));
                }
                at += 1;
            }
        }
    }

    /// [`multiply`](Self::multiply) for two points; kernels read each weight once for both.
    pub(crate) fn multiply_two(&self, x: [&[u32]; 2], y: [ActivationsMut<'_>; 2]) {
        let ([x0, x1], [y0, y1]) = (x, y);
        self.multiply(x0, y0);
        self.multiply(x1, y1);
    }
}

/// One row of a tile: four products of 2²² at most, which no sum of theirs can overflow.
#[cfg(not(gimbal_asm))]
#[inline]
fn dot(&[a, c, b, d]: &[u8; 4], &[w, x, y, z]: &[i16; 4]) -> i32 {
    let product = |weight: u8, x: i16| i32::from(weight as i8) * i32::from(x);
    product(a, w) + product(b, x) + product(c, y) + product(d, z)
}
