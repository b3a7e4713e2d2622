//! Matrix times activations, the one loop in which a network spends its time.
//!
//! # How a matrix is stored
//!
//! A matrix `i8[rows, columns]` is `⌈rows / 4⌉` *groups* of four rows, and a group is one stream that
//! every kernel reads front to back, once. Rows and columns that fill up the last group and tile are
//! zero. Numbers are little-endian.
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

use crate::arena::ActivationsMut;
use crate::format::Dtype;
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

/// Four biases or multipliers.
type Numbers = [[u8; 4]; SIDE];

/// Four rows.
struct Group<'m> {
    biases: &'m Numbers,
    tiles: &'m [Numbers],
    multipliers: &'m Numbers,
}

impl<'m> Matrix<'m> {
    /// Proves that no input of magnitude up to `largest` overflows a row's 32-bit sum, in whatever
    /// order it is summed.
    pub(crate) fn check_accumulator(&self, largest: u32) -> Result<(), Fault> {
        for group in self.groups() {
            for (row, &bias) in group.biases.iter().enumerate() {
                let weights = group.tiles.iter().filter_map(|tile| tile.get(row)).flatten();
                let weights: u64 = weights.map(|&w| u64::from((w as i8).unsigned_abs())).sum();
                let bias = u64::from(i32::from_le_bytes(bias).unsigned_abs());
                if bias + weights * u64::from(largest) > i32::MAX as u64 {
                    return Err(Fault::Accumulator);
                }
            }
        }
        Ok(())
    }

    fn groups(&self) -> impl Iterator<Item = Group<'m>> + use<'m> {
        let (mut rest, tiles) = (self.bytes, self.quads.saturating_mul(TILE_LEN));
        core::iter::from_fn(move || {
            let (biases, behind) = rest.split_first_chunk::<TILE_LEN>()?;
            let (tiles, behind) = behind.split_at_checked(tiles)?;
            let (multipliers, behind) = behind.split_first_chunk::<TILE_LEN>()?;
            rest = behind;
            let [biases, multipliers] = [biases, multipliers].map(bytemuck::must_cast_ref);
            Some(Group { biases, tiles: tiles.as_chunks().0.as_chunks().0, multipliers })
        })
    }
}

/// A matrix and how its sums become outputs: made once, then multiplied with many points.
#[derive(Debug)]
pub(crate) struct Product<'m> {
    matrix: Matrix<'m>,
    rescale: Rescale,
    #[cfg(gimbal_asm)]
    job: Option<crate::asm::Job<'m>>,
}

impl<'m> Product<'m> {
    /// Fast only where the matrix is aligned to words.
    #[cfg_attr(not(gimbal_asm), expect(unused_variables, reason = "the reference writes outputs of any type"))]
    pub(crate) fn new(matrix: Matrix<'m>, rescale: Rescale, output: Dtype) -> Self {
        Self {
            #[cfg(gimbal_asm)]
            job: crate::asm::Job::new(matrix.bytes, matrix.quads, matrix.rows, &rescale, output == Dtype::I16),
            matrix,
            rescale,
        }
    }

    /// Outputs of a point.
    pub(crate) fn rows(&self) -> usize {
        self.matrix.rows
    }

    /// Activations of a point, divided by four.
    pub(crate) fn quads(&self) -> usize {
        self.matrix.quads
    }

    /// `y[row] = rescale(bias[row] + Σ_c matrix[row, c] · x[c])`; sums wrap.
    ///
    /// `x` holds `4 · quads` activations in their natural order, padded with anything, since weights there
    /// are zero. Fast only where it is aligned to words. Slices that are too short, which no checked model
    /// gives, leave some outputs as they were.
    pub(crate) fn multiply(&self, x: &[i16], mut y: ActivationsMut<'_>) {
        #[cfg(gimbal_asm)]
        if self.job.as_ref().is_some_and(|job| job.one(x, &mut y)) {
            return;
        }
        self.portable(x, &mut y);
    }

    /// The kernels, for who has their own way to them.
    #[cfg(gimbal_mve)]
    pub(crate) fn job(&self) -> Option<&crate::asm::Job<'m>> {
        self.job.as_ref()
    }

    /// [`multiply`](Self::multiply) for two points, each weight being read once for both.
    pub(crate) fn multiply_two(&self, x: [&[i16]; 2], y: [ActivationsMut<'_>; 2]) {
        let ([x0, x1], [mut y0, mut y1]) = (x, y);
        #[cfg(gimbal_asm)]
        if self.job.as_ref().is_some_and(|job| job.two([x0, x1], [&mut y0, &mut y1])) {
            return;
        }
        self.portable(x0, &mut y0);
        self.portable(x1, &mut y1);
    }

    /// The reference, on any target and at any alignment.
    fn portable(&self, x: &[i16], y: &mut ActivationsMut<'_>) {
        let mut at = 0;
        for Group { biases, tiles, multipliers } in self.matrix.groups() {
            let (mut a, mut b, mut c, mut d) = (0i32, 0i32, 0i32, 0i32);
            for ([p, q, r, s], x) in tiles.iter().zip(x.as_chunks().0) {
                a = a.wrapping_add(dot(p, x));
                b = b.wrapping_add(dot(q, x));
                c = c.wrapping_add(dot(r, x));
                d = d.wrapping_add(dot(s, x));
            }
            for ((bias, sum), multiplier) in biases.iter().zip([a, b, c, d]).zip(multipliers) {
                if at < self.matrix.rows {
                    let sum = i32::from_le_bytes(*bias).wrapping_add(sum);
                    y.set(at, self.rescale.apply(sum, i32::from_le_bytes(*multiplier)));
                }
                at += 1;
            }
        }
    }
}

/// One row of a tile: four products of 2²² at most, which no sum of theirs can overflow.
///
/// Inlined only where this is the kernel, and not the way out for a blob that is not aligned.
#[cfg_attr(gimbal_asm, inline(never))]
#[cfg_attr(not(gimbal_asm), inline)]
fn dot(&[a, c, b, d]: &[u8; 4], &[w, x, y, z]: &[i16; 4]) -> i32 {
    let product = |weight: u8, x: i16| i32::from(weight as i8) * i32::from(x);
    product(a, w) + product(b, x) + product(c, y) + product(d, z)
}
