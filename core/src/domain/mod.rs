//! How groups act on what sensors deliver. One file a kind of data.
//!
//! All in integers, with one rounding for each number that comes out. What grids can do exactly is exact: whole
//! steps along a signal or a ring and whole pixels, quarter turns and flips of images are permutations, and so are
//! quarter turns of volumes.

pub mod image;
pub mod point_set;
pub mod ring;
pub mod signal;
pub mod vector_window;
pub mod volume;

/// The pieces of `len` numbers each, but for a last one that is shorter. Pieces of none there are none.
///
/// Not `chunks_exact_mut`, which panics for those, as far as a compiler knows that does not inline it.
fn pieces<T>(len: usize, slice: &mut [T]) -> impl Iterator<Item = &mut [T]> {
    let mut rest = slice;
    core::iter::from_fn(move || {
        let (piece, behind) = core::mem::take(&mut rest).split_at_mut_checked(len)?;
        rest = behind;
        (len > 0).then_some(piece)
    })
}
