//! Published experiments, run again: what they measured and how it compares.

pub mod rows;
