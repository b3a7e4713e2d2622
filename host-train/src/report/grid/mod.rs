//! Figures of experiments on grids: what a model of images, signals or rings of electrodes has learned.
//!
//! One file a figure, each a function from plain numbers to a [`Panel`]. They know no network and no file. A page that
//! shows them is [`html`](super::html)'s or [`ReproducePage`](super::reproduce::ReproducePage)'s. Numbers that are not
//! finite are left out, text is escaped, and the same numbers give the same bytes.

mod angle;
mod codes;
mod errors;
mod gallery;
mod picture;
mod png;
mod poses;
mod principal;
pub(super) mod scatter;
mod sheet;
#[cfg(test)]
mod tests;

pub use angle::{Errors, angle};
pub use codes::{Codes, codes};
pub use errors::errors;
pub use gallery::{Gallery, Object, View, gallery};
pub use picture::Form;
pub(super) use png::colour_address;
pub use poses::{Posed, poses};
pub use sheet::{Sheet, sheet};

use super::text::escape;

/// A titled figure, ready for a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// Its title, safe.
    pub(super) title: String,
    /// What to see in it, safe.
    pub(super) lead: String,
    /// Tables and charts.
    pub(super) body: String,
}

impl Panel {
    /// `title` and `lead` are plain text, `body` is safe already.
    pub(super) fn new(title: &str, lead: &str, body: String) -> Self {
        Self { title: escape(title), lead: escape(lead), body }
    }
}
