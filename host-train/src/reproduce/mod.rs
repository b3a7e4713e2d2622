//! Published experiments, run again: what they measured and how it compares.
//!
//! [`experiment`](mod@experiment) says which methods a reproduction trains and what was published; [`measure`] trains
//! and measures one of them; [`figures`] draws what came out; [`rows`] is the comparison.

pub mod experiment;
pub mod figures;
pub mod measure;
pub mod rows;
