//! Lines over a number that is varied, a line a method.

use super::super::chart::{Axis, Frame, write};
use super::super::curves::{logarithmic, losses, name_lines};
use super::super::grid::Panel;
use super::super::svg::*;
use super::super::text::{number, shorten};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// Lines on one pair of axes.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// The panel's title.
    pub title: String,
    /// What the lines say.
    pub lead: String,
    /// What is varied.
    pub x: String,
    /// What is measured.
    pub y: String,
    /// A line a method.
    pub lines: Vec<Line>,
}

/// One method's line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The method.
    pub name: String,
    /// (x, y), by x. What is not finite is left out.
    pub points: Vec<(f32, f32)>,
}

/// The lines, each named at its right with its last value.
pub fn curves(curves: &Curves) -> Panel {
    let finite = |line: &Line| -> Vec<(f64, f64)> {
        let points = line.points.iter().map(|(x, y)| (f64::from(*x), f64::from(*y)));
        points.filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
    };
    let lines: Vec<(&str, Vec<(f64, f64)>)> =
        curves.lines.iter().map(|line| (line.name.as_str(), finite(line))).filter(|(_, p)| !p.is_empty()).collect();
    let values = || lines.iter().flat_map(|(_, points)| points.iter().map(|(_, y)| *y));
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let scale = if logarithmic(low, high) { " The scale is logarithmic." } else { "" };
    let lead = format!("{} Beside each name is the last value.{scale}", curves.lead);
    Panel::new(&curves.title, &lead, if lines.is_empty() { String::new() } else { draw(curves, &lines, low, high) })
}

fn draw(curves: &Curves, lines: &[(&str, Vec<(f64, f64)>)], low: f64, high: f64) -> String {
    let logarithmic = logarithmic(low, high);
    let height = |y: f64| if logarithmic { y.log10() } else { y };
    let places = || lines.iter().flat_map(|(_, points)| points.iter().map(|(x, _)| *x));
    let first = places().fold(f64::INFINITY, f64::min);
    let last = places().fold(first + 1.0, f64::max);
    let (mut x, y) = (Axis::linear(first, last, 8), losses(low, high, logarithmic));
    x.ticks.retain(|(at, _)| at.fract() == 0.0);
    let ends = |(name, points): &(&str, Vec<(f64, f64)>)| {
        points.last().map(|(x, y)| format!("{name} {} at {}", number(*y), number(*x)))
    };
    let ends = lines.iter().filter_map(ends).collect::<Vec<_>>().join("; ");
    let label = format!("{} over {}: {ends}", curves.y, curves.x);
    figure(1000, 300, &label, |canvas| {
        let frame = Frame::within(canvas, [20.0, 240.0, 44.0, 60.0]);
        let mut plane = frame.plane(canvas, &x, &y)?;
        let corner = (0.0, f64::from(px(14.0)));
        write(canvas, &curves.y, &font(11.0, MUTED), (HPos::Left, VPos::Bottom), corner)?;
        let below = (frame.left + frame.width / 2.0, frame.top + frame.height + f64::from(px(22.0)));
        write(canvas, &curves.x, &font(11.0, MUTED), (HPos::Center, VPos::Top), below)?;
        let mut names: Vec<(f64, String, RGBColor)> = Vec::new();
        for ((name, points), color) in lines.iter().zip(SERIES.into_iter().cycle()) {
            let place = |(x, y): &(f64, f64)| (*x, height(*y));
            plane.draw_series(LineSeries::new(points.iter().map(place), line(1.8, color)))?;
            let Some(end) = points.last() else { continue };
            plane.draw_series(PointSeries::<_, _, Circle<_, _>, _>::new([place(end)], px(3.0), color.filled()))?;
            let at = frame.top + (1.0 - y.share(height(end.1))) * frame.height;
            names.push((at, format!("{} {}", shorten(name, 24), number(end.1)), color));
        }
        name_lines(canvas, frame, names)
    })
}
