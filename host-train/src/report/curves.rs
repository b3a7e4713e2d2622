//! Losses over the epochs, each named at its end.

use super::chart::{Axis, Frame, write};
use super::page::Section;
use super::svg::*;
use super::text::{number, shorten};
use super::{Curve, Report};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

const HEIGHT: u32 = 300;
/// CSS pixels between the names at the right.
const NAMES: f64 = 15.0;

pub(super) fn section(report: &Report) -> Option<Section> {
    let curves: Vec<(&str, Vec<(f64, f64)>)> =
        report.curves.iter().map(|curve| (curve.name.as_str(), finite(curve))).filter(|(_, p)| !p.is_empty()).collect();
    let values = || curves.iter().flat_map(|(_, points)| points.iter().map(|(_, loss)| *loss));
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    let logarithmic = logarithmic(low, high);
    let scale = if logarithmic { " The scale is logarithmic." } else { "" };
    (!curves.is_empty()).then(|| Section {
        id: "training".into(),
        title: "Training".into(),
        lead: format!("Mean loss of each epoch.{scale}"),
        body: draw(&curves, low, high, logarithmic),
    })
}

fn finite(curve: &Curve) -> Vec<(f64, f64)> {
    let points = curve.points.iter().map(|(epoch, loss)| (f64::from(*epoch), f64::from(*loss)));
    points.filter(|(epoch, loss)| epoch.is_finite() && loss.is_finite()).collect()
}

/// Whether values from `low` to `high` are told apart only on a logarithmic axis.
pub(super) fn logarithmic(low: f64, high: f64) -> bool {
    low > 0.0 && high / low > 10.0
}

/// The losses' axis: from zero up, or decades with their twos and fives.
pub(super) fn losses(low: f64, high: f64, logarithmic: bool) -> Axis {
    if !logarithmic {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let high = if high > low { high + 0.04 * (high - low) } else { 1.0 };
        return Axis::linear(low, high, 5);
    }
    let range = (low.log10() - 0.04, high.log10() + 0.04);
    let wide = range.1 - range.0 > 4.0;
    let steps: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let decades = range.0.floor() as i32..=range.1.ceil() as i32;
    let at = decades.flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
    let inside = at.filter(|at| (range.0..=range.1).contains(&at.log10()));
    Axis { range, ticks: inside.map(|at| (at.log10(), number(at))).collect() }
}

fn draw(curves: &[(&str, Vec<(f64, f64)>)], low: f64, high: f64, logarithmic: bool) -> String {
    let height = |loss: f64| if logarithmic { loss.log10() } else { loss };
    let epochs = || curves.iter().flat_map(|(_, points)| points.iter().map(|(epoch, _)| *epoch));
    let first = epochs().fold(f64::INFINITY, f64::min).min(1.0);
    let last = epochs().fold(first + 1.0, f64::max);
    let (mut x, y) = (Axis::linear(first, last, 8), losses(low, high, logarithmic));
    x.ticks.retain(|(epoch, _)| epoch.fract() == 0.0);
    let ends = |(name, points): &(&str, Vec<(f64, f64)>)| {
        points.last().map(|(epoch, loss)| format!("{} {} at epoch {}", name, number(*loss), number(*epoch)))
    };
    let label = format!("Training losses: {}", curves.iter().filter_map(ends).collect::<Vec<_>>().join("; "));
    figure(1000, HEIGHT, &label, |canvas| {
        let frame = Frame::within(canvas, [20.0, 240.0, 26.0, 48.0]);
        let mut plane = frame.plane(canvas, &x, &y)?;
        write(canvas, "loss", &font(11.0, MUTED), (HPos::Left, VPos::Bottom), (0.0, f64::from(px(14.0))))?;
        let below = (frame.left + frame.width + f64::from(px(12.0)), frame.top + frame.height + f64::from(px(5.0)));
        write(canvas, "epoch", &font(11.0, MUTED), (HPos::Left, VPos::Top), below)?;
        let mut names: Vec<(f64, String, RGBColor)> = Vec::new();
        for ((name, points), color) in curves.iter().zip(SERIES.into_iter().cycle()) {
            let place = |(epoch, loss): &(f64, f64)| (*epoch, height(*loss));
            plane.draw_series(LineSeries::new(points.iter().map(place), line(1.8, color)))?;
            let Some(end) = points.last() else { continue };
            plane.draw_series(PointSeries::<_, _, Circle<_, _>, _>::new([place(end)], px(3.0), color.filled()))?;
            let at = frame.top + (1.0 - y.share(height(end.1))) * frame.height;
            names.push((at, format!("{} {}", shorten(name, 24), number(end.1)), color));
        }
        name_lines(canvas, frame, names)
    })
}

/// Names lines at the frame's right, each as near as may be to its height in the canvas's units, and in its colour.
pub(super) fn name_lines(canvas: &Canvas, frame: Frame, names: Vec<(f64, String, RGBColor)>) -> Drawn {
    let bottom = frame.top + frame.height - f64::from(px(4.0));
    let gap = f64::from(px(NAMES)).min(frame.height / names.len().max(1) as f64);
    for (at, name, color) in spaced(names, gap, frame.top, bottom) {
        let right = |pixels| frame.left + frame.width + f64::from(px(pixels));
        let key = [12.0, 28.0].map(|pixels| (right(pixels) as i32, at as i32));
        canvas.draw(&PathElement::new(key, line(2.5, color)))?;
        write(canvas, &name, &font(12.0, INK), (HPos::Left, VPos::Center), (right(34.0), at))?;
    }
    Ok(())
}

/// Moves the names apart so that none covers another: up where they crowd, down again from the top.
fn spaced<T>(mut names: Vec<(f64, String, T)>, gap: f64, top: f64, bottom: f64) -> Vec<(f64, String, T)> {
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut limit = bottom;
    for (at, ..) in &mut names {
        *at = at.min(limit);
        limit = *at - gap;
    }
    let mut limit = top;
    for (at, ..) in names.iter_mut().rev() {
        *at = at.max(limit);
        limit = *at + gap;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_apart_and_inside() {
        let at = |places: &[f64]| {
            let names = places.iter().map(|at| (*at, String::new(), ())).collect();
            spaced(names, 10.0, 0.0, 100.0).into_iter().map(|(at, ..)| at).collect::<Vec<_>>()
        };
        assert_eq!(at(&[20.0, 50.0]), [50.0, 20.0], "far apart, none moves");
        assert_eq!(at(&[99.0, 98.0, 97.0]), [99.0, 89.0, 79.0]);
        assert_eq!(at(&[1.0, 2.0, 3.0]), [20.0, 10.0, 0.0], "the top holds");
    }
}
