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
    /// For each window, the lengths of the first spanning vector, of the part of the second that is perpendicular to it,
    /// and of the part of the third, if there is one, that is perpendicular to both.
    spans: Vec<Vec<f32>>,
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

    /// The median over the windows of how well they span a pose: of the shortest length, each counted in its own
    /// unit, of which the last is that of all behind it, too.
    pub fn median_span(&self, units: [f32; 2]) -> f32 {
        let shortest = |lengths: &Vec<f32>| {
            let units = units.into_iter().chain(std::iter::repeat(units[1]));
            lengths.iter().zip(units).map(|(length, unit)| length / unit).fold(f32::INFINITY, f32::min)
        };
        let mut spans: Vec<f32> = self.spans.iter().map(shortest).collect();
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
        ranges.spans.extend(span(&outputs.spanning));
    }
    ranges
}

/// The length of each vector's part that is perpendicular to those before it.
pub(super) fn span(spanning: &[[f32; 3]]) -> Option<Vec<f32>> {
    let &[a, b, ref third @ ..] = spanning else { return None };
    let dot = |a: [f32; 3], b: [f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let (aa, ab, bb) = (dot(a, a), dot(a, b), dot(b, b));
    let [first, second] = [aa, bb - ab * ab / aa].map(|square| square.max(0.0).sqrt());
    let normal = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let depths = third.iter().map(|&c| dot(normal, c).abs() / dot(normal, normal).sqrt());
    Some([first, second].into_iter().chain(depths).collect())
}
