//! How groups act on what sensors deliver. One file a kind of data.

pub mod vector_window;
