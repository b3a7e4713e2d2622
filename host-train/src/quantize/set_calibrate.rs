//! How far each tensor of a set's networks reaches on sets as they are trained on.

use super::calibrate::span;
use super::set_stack::{SetNetwork, SetSite};
use std::collections::BTreeMap;

/// The smallest and the largest number of each tensor; for vectors, of their lengths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetRanges {
    sites: BTreeMap<SetSite, (f32, f32)>,
    /// For each set, the shortest of the parts of the spanning vectors that are perpendicular to those before them.
    spans: Vec<f32>,
}

impl SetRanges {
    /// The range of a tensor, widened to include zero; `(0, 0)` for one that was never seen.
    pub fn of(&self, site: SetSite) -> (f32, f32) {
        self.sites.get(&site).copied().unwrap_or_default()
    }

    /// The largest length of a vector tensor.
    pub fn longest(&self, site: SetSite) -> f32 {
        self.of(site).1
    }

    /// The median over the sets of how well they span a pose.
    pub fn median_span(&self) -> f32 {
        let mut spans = self.spans.clone();
        spans.sort_by(f32::total_cmp);
        spans.get(spans.len() / 2).copied().unwrap_or(0.0)
    }

    fn include(&mut self, site: SetSite, numbers: &[f32]) {
        let range = self.sites.entry(site).or_default();
        *range = numbers.iter().fold(*range, |(min, max), &x| (min.min(x), max.max(x)));
    }
}

/// Looks at sets `[n, channels]` of any sizes in network units, their places around their mean.
pub fn calibrate_set<'s>(network: &SetNetwork, sets: impl IntoIterator<Item = &'s [f32]>) -> SetRanges {
    let mut ranges = SetRanges::default();
    for set in sets {
        let outputs = network.run(set, &mut |site, numbers| ranges.include(site, numbers));
        let shortest = span(&outputs.spanning).map(|lengths| lengths.into_iter().fold(f32::INFINITY, f32::min));
        ranges.spans.extend(shortest);
    }
    ranges
}
