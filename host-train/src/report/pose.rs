//! How well the pose follows the rotation: a histogram over decades of a degree.

use super::Report;
use super::chart::{Axis, Frame, write};
use super::page::Section;
use super::svg::*;
use super::text::{integer, number, rounded};
use crate::evaluate::metrics::percentile;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// Bars a decade.
const BARS: usize = 8;
/// Decades a histogram may reach: from a millionth of a degree to beyond half a turn.
const DECADES: (i32, i32) = (-6, 3);

/// Counts of errors over equal steps of log₁₀ degrees.
#[derive(Debug)]
pub(super) struct Histogram {
    /// First and last decade, as exponents of ten.
    pub(super) decades: (i32, i32),
    /// [`BARS`] a decade. What lies outside is in the first or last.
    pub(super) counts: Vec<u64>,
    /// Whether the first bar also holds errors below its range.
    pub(super) below: bool,
    /// Errors that are not finite.
    pub(super) missing: u64,
    /// Median and 95th percentile, degrees; `None` where nothing is finite.
    pub(super) marks: Option<(f64, f64)>,
}

impl Histogram {
    pub(super) fn new(errors: &[f32]) -> Self {
        let finite: Vec<f32> = errors.iter().map(|e| e.abs()).filter(|e| e.is_finite()).collect();
        // A zero's logarithm is −∞: it takes no part in the range and lands in the first bar.
        let logarithms: Vec<f64> = finite.iter().map(|e| f64::from(*e).log10()).collect();
        let smallest = logarithms.iter().copied().filter(|e| e.is_finite()).fold(f64::INFINITY, f64::min);
        let greatest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // With nothing but zeros the smallest is +∞, and the lowest decade is the honest one.
        let smallest = if smallest.is_finite() { smallest } else { DECADES.0.into() };
        let least = smallest.floor().clamp(DECADES.0.into(), 2.0) as i32;
        let most = greatest.ceil().clamp(f64::from(least) + 1.0, DECADES.1.into()) as i32;
        let mut counts = vec![0; BARS * (most - least).unsigned_abs() as usize];
        for error in &logarithms {
            // The cast saturates at zero.
            let bar = (BARS as f64 * (error - f64::from(least))).floor() as usize;
            let bar = bar.min(counts.len() - 1);
            counts[bar] += 1;
        }
        let below = logarithms.iter().any(|error| *error < f64::from(least));
        let marks = (!finite.is_empty()).then(|| (percentile(&finite, 0.5), percentile(&finite, 0.95)));
        Self { decades: (least, most), counts, below, missing: (errors.len() - finite.len()) as u64, marks }
    }
}

pub(super) fn section(report: &Report) -> Option<Section> {
    let histogram = Histogram::new(&report.pose_errors_deg);
    let missing = match histogram.missing {
        0 => String::new(),
        n => format!(" Without a finite pose, and not drawn: {}.", integer(n)),
    };
    (!report.pose_errors_deg.is_empty()).then(|| Section {
        id: "pose".into(),
        title: "Pose error".into(),
        lead: format!(
            "The angle between the pose of a turned window and the turned pose of the upright one, ψ(g·x) and \
             g·ψ(x), over {} windows. The scale is logarithmic.{missing}",
            integer(report.pose_errors_deg.len() as u64)
        ),
        body: histogram.marks.map_or_else(String::new, |marks| draw(&histogram, marks, "windows")),
    })
}

/// The bars with their marks; `what` is counted.
pub(super) fn draw(histogram: &Histogram, (median, p95): (f64, f64), what: &str) -> String {
    let (least, most) = histogram.decades;
    let highest = histogram.counts.iter().max().copied().unwrap_or(0) as f64;
    let decades = (least..=most).map(|d| {
        let below = if histogram.below && d == least { "≤ " } else { "" };
        (f64::from(d), format!("{below}{}°", number(10f64.powi(d))))
    });
    let x = Axis { range: (least.into(), most.into()), ticks: decades.collect() };
    let y = Axis::linear(0.0, 1.25 * highest, 4);
    let label = format!("Pose error histogram: median {} degrees, p95 {} degrees", rounded(median, 3), rounded(p95, 3));
    figure(800, 260, &label, |canvas| {
        let frame = Frame::within(canvas, [20.0, 40.0, 26.0, 48.0]);
        let mut plane = frame.plane(canvas, &x, &y)?;
        let bar = |(i, count): (usize, &u64)| {
            let edge = |i: usize| x.range.0 + i as f64 / BARS as f64;
            let mut bar = Rectangle::new([(edge(i), *count as f64), (edge(i + 1), 0.0)], SERIES[2].filled());
            bar.set_margin(0, 0, px(0.5), px(0.5));
            bar
        };
        plane.draw_series(histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(bar))?;
        write(canvas, what, &font(11.0, MUTED), (HPos::Left, VPos::Bottom), (0.0, f64::from(px(14.0))))?;
        for (name, error, row) in [("median", median, 0.0), ("p95", p95, 17.0)] {
            let at = error.log10().clamp(x.range.0, x.range.1);
            plane.draw_series(LineSeries::new([(at, 0.0), (at, y.range.1)], line(1.5, INK)))?;
            let gap = f64::from(px(6.0));
            let (side, gap) = if x.share(at) > 0.7 { (HPos::Right, -gap) } else { (HPos::Left, gap) };
            let place = (frame.left + x.share(at) * frame.width + gap, frame.top + f64::from(px(2.0 + row)));
            write(canvas, &format!("{name} {}°", rounded(error, 3)), &font(12.0, INK), (side, VPos::Top), place)?;
        }
        Ok(())
    })
}
