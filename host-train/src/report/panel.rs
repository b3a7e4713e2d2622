//! One panel: x, y and z of one field over time.

use super::chart::{Axis, Frame};
use super::svg::*;
use super::text::number;
use super::{Example, Report};
use plotters::prelude::*;

/// CSS pixels.
const WIDTH: u32 = 250;
const HEIGHT: u32 = 96;
/// What the time axis's writing adds to the last row.
const FOOT: u32 = 22;

/// What one panel shows.
pub(super) struct Panel<'a> {
    pub(super) report: &'a Report,
    pub(super) field: usize,
    pub(super) counts: &'a [i16],
    /// Time and value, shared by all panels of the field.
    pub(super) axes: &'a (Axis, Axis),
    /// Whether this row carries the time axis.
    pub(super) last: bool,
    pub(super) label: String,
}

impl Panel<'_> {
    pub(super) fn draw(&self) -> String {
        let (name, (time, value)) = (&self.report.fields[self.field].name, self.axes);
        let foot = if self.last { FOOT } else { 0 };
        let label = format!("{}: {name}, x, y and z over time", self.label);
        let time = Axis { range: time.range, ticks: time.ticks.clone() };
        let time = if self.last { time } else { time.unlabelled() };
        figure(WIDTH, HEIGHT + foot, &label, |canvas| {
            let frame = Frame::within(canvas, [4.0, 6.0, 4.0 + f64::from(foot), 30.0]);
            let mut plane = frame.plane(canvas, &time, value)?;
            for (axis, color) in SERIES.into_iter().take(3).enumerate() {
                let points = channel(self.report, self.field, axis, self.counts);
                plane.draw_series(LineSeries::new(points, line(1.4, color)))?;
            }
            Ok(())
        })
    }
}

/// (seconds or samples, physical value) of one axis of one field; what is not finite is left out.
fn channel(report: &Report, field: usize, axis: usize, counts: &[i16]) -> Vec<(f64, f64)> {
    let scale = f64::from(report.fields[field].per_count);
    let samples =
        counts.chunks_exact(3 * report.fields.len()).map(|sample| scale * f64::from(sample[3 * field + axis]));
    let step = period(report).unwrap_or(1.0);
    samples.enumerate().map(|(t, value)| (t as f64 * step, value)).filter(|(_, value)| value.is_finite()).collect()
}

/// Seconds between samples, if the rate is known.
fn period(report: &Report) -> Option<f64> {
    (report.rate_hz.is_normal() && report.rate_hz > 0.0).then(|| 1.0 / f64::from(report.rate_hz))
}

/// Time and value axes that hold every window of an example, before and after.
pub(super) fn axes(report: &Report, example: &Example, field: usize) -> (Axis, Axis) {
    let windows = || example.turned.iter().flat_map(|turned| [&turned.before, &turned.after]);
    let points = windows().flat_map(|counts| (0..3).flat_map(move |axis| channel(report, field, axis, counts)));
    let (end, reach) = points.fold((0f64, 0f64), |(end, reach), (t, v)| (end.max(t), reach.max(v.abs())));
    let some = |size: f64| if size.is_normal() { size } else { 1.0 };
    let (end, reach) = (some(end), some(1.04 * reach));
    let mut time = Axis::linear(0.0, end, 3);
    if let Some((_, label)) = time.ticks.last_mut() {
        label.push_str(if period(report).is_some() { " s" } else { "" });
    }
    let round = round_below(reach);
    let ticks = [-round, 0.0, round].map(|at| (at, number(at))).to_vec();
    (time, Axis { range: (-reach, reach), ticks })
}

/// The greatest 1, 2 or 5 · 10ⁿ that is not above `size`, which is positive and finite.
fn round_below(size: f64) -> f64 {
    let power = 10f64.powf(size.log10().floor());
    [5.0, 2.0, 1.0].into_iter().find(|step| step * power <= size).unwrap_or(1.0) * power
}
