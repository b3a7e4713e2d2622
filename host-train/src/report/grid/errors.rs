//! How far poses are from what they should be: the same histogram as a run's on windows.

use super::super::pose::{Histogram, draw};
use super::super::text::integer;
use super::Panel;

/// The histogram of errors in degrees, over equal steps of their logarithm, with median and 95th percentile.
///
/// An error's sign does not matter; one that is not finite is counted in the text and not drawn.
pub fn errors(title: &str, errors_deg: &[f32]) -> Panel {
    let histogram = Histogram::new(errors_deg);
    let missing = match histogram.missing {
        0 => String::new(),
        n => format!(" Without a finite pose, and not drawn: {}.", integer(n)),
    };
    let lead = format!(
        "The angle between the pose of a moved sample and the moved pose of the sample, ψ(g·x) and g·ψ(x), over {} \
         samples. The scale is logarithmic.{missing}",
        integer(errors_deg.len() as u64)
    );
    Panel::new(title, &lead, histogram.marks.map_or_else(String::new, |marks| draw(&histogram, marks, "samples")))
}
