//! The constants of an operator: a matrix of weights, and a bias and a multiplier for each row.

use crate::format::ALIGNMENT;
use serde::{Deserialize, Serialize};

/// Bytes that a row takes beside its weights: bias `i32`, then multiplier `i32`, little-endian.
pub const CHANNEL_LEN: usize = 8;

/// Where the constants of an operator stand in the blob. One row gives one output channel.
///
/// The exporter folds the input's zero point into the bias: `bias − zero_point · Σ weights`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Offset of the weights, `i8[rows, columns]`.
    pub weights: u32,
    /// Offset of the biases and multipliers, [`CHANNEL_LEN`] bytes a row.
    pub channels: u32,
}

/// The constants themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants<'m> {
    weights: &'m [i8],
    channels: &'m [[u8; CHANNEL_LEN]],
    columns: usize,
}

/// One output channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'m> {
    pub(crate) weights: &'m [i8],
    pub(crate) bias: i32,
    pub(crate) multiplier: i32,
}

impl Matrix {
    /// The constants, or `None` if they are empty, not aligned or outside the blob.
    pub(crate) fn constants<'m>(&self, blob: &'m [u8], rows: usize, columns: usize) -> Option<Constants<'m>> {
        let aligned = |offset: u32| offset.is_multiple_of(ALIGNMENT as u32);
        if rows == 0 || columns == 0 || !aligned(self.weights) || !aligned(self.channels) {
            return None;
        }
        let weights = part(blob, self.weights, rows.checked_mul(columns)?)?;
        let (channels, _) = part(blob, self.channels, rows.checked_mul(CHANNEL_LEN)?)?.as_chunks();
        Some(Constants { weights: bytemuck::must_cast_slice(weights), channels, columns })
    }

    /// Bytes in the blob.
    pub(crate) fn bytes(rows: usize, columns: usize) -> u32 {
        rows.saturating_mul(columns.saturating_add(CHANNEL_LEN)).try_into().unwrap_or(u32::MAX)
    }
}

fn part(blob: &[u8], offset: u32, len: usize) -> Option<&[u8]> {
    blob.get(offset as usize..)?.get(..len)
}

impl<'m> Constants<'m> {
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'m>> + use<'m> {
        let weights = self.weights.chunks_exact(self.columns.max(1));
        weights.zip(self.channels).map(|(weights, &[a, b, c, d, e, f, g, h])| Row {
            weights,
            bias: i32::from_le_bytes([a, b, c, d]),
            multiplier: i32::from_le_bytes([e, f, g, h]),
        })
    }

    /// Whether no input of magnitude up to `largest` can overflow a row's 32-bit sum, in whatever
    /// order it is summed.
    pub(crate) fn fit_accumulator(&self, largest: u32) -> bool {
        self.rows().all(|row| {
            let weights: u64 = row.weights.iter().map(|w| u64::from(w.unsigned_abs())).sum();
            u64::from(row.bias.unsigned_abs()) + weights * u64::from(largest) <= i32::MAX as u64
        })
    }
}
