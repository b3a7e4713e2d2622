//! How far each tensor of a network reaches on training windows.

use super::float::{self, Site};
use super::network::Network;
use std::collections::BTreeMap;

/// The smallest and the largest number of each tensor; for vectors, of their lengths.
///
/// Lengths do not change when the sensor turns, and η sees canonical windows only, so the ranges
/// hold for every pose although each window is looked at in one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges {
    sites: BTreeMap<Site, (f32, f32)>,
    /// For each window, the lengths of the first spanning vector and of the part of the second that is
    /// perpendicular to it.
    spans: Vec<[f32; 2]>,
}

impl Ranges {
    /// The range of a tensor, widened to include zero; `(0, 0)` for one that was never seen.
    pub fn of(&self, site: Site) -> (f32, f32) {
        self.sites.get(&site).map_or((0.0, 0.0), |&(min, max)| (min.min(0.0), max.max(0.0)))
    }

    /// The largest length of a vector tensor.
    pub fn longest(&self, site: Site) -> f32 {
        self.of(site).1
    }

    /// The median over the windows of how well they span a pose: of the shorter length, each counted in its own
    /// unit.
    pub fn median_span(&self, units: [f32; 2]) -> f32 {
        let mut spans: Vec<f32> = self.spans.iter().map(|[a, b]| (a / units[0]).min(b / units[1])).collect();
        spans.sort_by(f32::total_cmp);
        spans.get(spans.len() / 2).copied().unwrap_or(0.0)
    }

    fn include(&mut self, site: Site, numbers: &[f32]) {
        let range = self.sites.entry(site).or_insert((f32::INFINITY, f32::NEG_INFINITY));
        for &x in numbers {
            *range = (range.0.min(x), range.1.max(x));
        }
    }
}

/// Looks at windows of `fields` vectors a sample, in network units.
pub fn calibrate<'w>(network: &Network, fields: usize, windows: impl IntoIterator<Item = &'w [f32]>) -> Ranges {
    let mut ranges = Ranges::default();
    for window in windows {
        let outputs = float::run(network, window, fields, &mut |site, numbers| ranges.include(site, numbers));
        ranges.spans.extend(outputs.spanning.map(span));
    }
    ranges
}

/// The lengths of the first vector and of the part of the second that is perpendicular to it.
fn span([a, b]: [[f32; 3]; 2]) -> [f32; 2] {
    let dot = |a: [f32; 3], b: [f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let (aa, ab, bb) = (dot(a, a), dot(a, b), dot(b, b));
    [aa, bb - ab * ab / aa].map(|square| square.max(0.0).sqrt())
}
