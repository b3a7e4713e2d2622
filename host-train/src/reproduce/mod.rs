//! Published experiments, run again: what they measured and how it compares.
//!
//! [`experiment`](mod@experiment) says which methods a reproduction trains and what was published, `measure` what each
//! of them reached, and `figures` draws what came out, for grids and, in files of their own, for sets and for windows of
//! recordings; [`rows`] is the comparison.

mod equivae_experiment;
pub mod equivae_figures;
pub mod equivae_measure;
pub mod experiment;
pub mod figures;
mod grid_experiment;
pub mod measure;
pub mod molecule_figures;
pub mod rows;
mod set_experiment;
pub mod set_figures;
pub mod set_measure;
mod triple_experiment;
pub mod triple_figures;
pub mod triple_measure;
mod views_experiment;
pub mod volume_figures;
mod window_experiment;
pub mod window_figures;
pub mod window_measure;
