//! How groups act on what sensors deliver. One file a kind of data.
//!
//! All in integers, with one rounding for each number that comes out. What grids can do exactly is exact: whole
//! steps along a signal or a ring and whole pixels, quarter turns and flips of images are permutations.

pub mod image;
pub mod ring;
pub mod signal;
pub mod vector_window;
