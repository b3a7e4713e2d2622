//! Reconstruction error over the angle: flat where the model knows the group, hilly where it learned upright samples.

use super::super::chart::{Axis, Frame, write};
use super::super::curves::{logarithmic, losses, name_lines};
use super::super::svg::*;
use super::super::text::{number, rounded, shorten};
use super::Panel;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// One method's error at each angle.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// The method.
    pub name: String,
    /// (angle in degrees, 0 to 360; mean squared error). A line that has no 360 ends as it began, at 0. What is not
    /// finite is left out.
    pub points: Vec<(f32, f32)>,
}

/// A line a method, named at its right with its mean over the angles.
pub fn angle(title: &str, methods: &[Errors]) -> Panel {
    let curves: Vec<(&str, Vec<(f64, f64)>)> =
        methods.iter().map(|m| (m.name.as_str(), closed(m))).filter(|(_, points)| !points.is_empty()).collect();
    let values = || curves.iter().flat_map(|(_, points)| points.iter().map(|(_, error)| *error));
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let scale = if logarithmic(low, high) { " The scale is logarithmic." } else { "" };
    let lead = format!(
        "Mean squared error of the reconstruction of samples that were turned by each angle; beside each name is the \
         mean over the angles.{scale}"
    );
    Panel::new(title, &lead, if curves.is_empty() { String::new() } else { draw(&curves, low, high) })
}

/// The finite points by angle, up to the full turn.
fn closed(method: &Errors) -> Vec<(f64, f64)> {
    let points = method.points.iter().map(|(angle, error)| (f64::from(*angle), f64::from(*error)));
    let mut points: Vec<(f64, f64)> = points.filter(|(angle, error)| angle.is_finite() && error.is_finite()).collect();
    points.retain(|(angle, _)| (0.0..=360.0).contains(angle));
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(&(0.0, error)), Some(&(last, _))) = (points.first(), points.last())
        && last < 360.0
        && last > 0.0
    {
        points.push((360.0, error));
    }
    points
}

/// The mean over the angles, the full turn not counted twice.
fn mean(points: &[(f64, f64)]) -> f64 {
    let once = || points.iter().filter(|(angle, _)| *angle < 360.0 || points.len() == 1);
    once().map(|(_, error)| error).sum::<f64>() / once().count() as f64
}

fn draw(curves: &[(&str, Vec<(f64, f64)>)], low: f64, high: f64) -> String {
    let logarithmic = logarithmic(low, high);
    let height = |error: f64| if logarithmic { error.log10() } else { error };
    let ticks = (0..=8).map(|i| f64::from(45 * i)).map(|at| (at, format!("{at}°"))).collect();
    let (x, y) = (Axis { range: (0.0, 360.0), ticks }, losses(low, high, logarithmic));
    let means = curves.iter().map(|(name, points)| format!("{name} {}", number(mean(points))));
    let label = format!("Reconstruction error over the angle, means: {}", means.collect::<Vec<_>>().join("; "));
    figure(1000, 300, &label, |canvas| {
        let frame = Frame::within(canvas, [20.0, 240.0, 26.0, 60.0]);
        let mut plane = frame.plane(canvas, &x, &y)?;
        let corner = (0.0, f64::from(px(14.0)));
        write(canvas, "mean squared error", &font(11.0, MUTED), (HPos::Left, VPos::Bottom), corner)?;
        let below = (frame.left + frame.width + f64::from(px(22.0)), frame.top + frame.height + f64::from(px(5.0)));
        write(canvas, "turned by", &font(11.0, MUTED), (HPos::Left, VPos::Top), below)?;
        let mut names: Vec<(f64, String, RGBColor)> = Vec::new();
        for ((name, points), color) in curves.iter().zip(SERIES.into_iter().cycle()) {
            let place = |(angle, error): &(f64, f64)| (*angle, height(*error));
            plane.draw_series(LineSeries::new(points.iter().map(place), line(1.8, color)))?;
            let Some(end) = points.last() else { continue };
            let at = frame.top + (1.0 - y.share(height(end.1))) * frame.height;
            names.push((at, format!("{} {}", shorten(name, 24), rounded(mean(points), 3)), color));
        }
        name_lines(canvas, frame, names)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_close_and_means_count_each_angle_once() {
        let points = vec![(180.0, 3.0), (0.0, 1.0), (90.0, f32::NAN), (400.0, 9.0)];
        let points = closed(&Errors { name: String::new(), points });
        assert_eq!(points, [(0.0, 1.0), (180.0, 3.0), (360.0, 1.0)]);
        assert_eq!(mean(&points), 2.0);
        let part = closed(&Errors { name: String::new(), points: vec![(10.0, 1.0), (20.0, 2.0)] });
        assert_eq!(part, [(10.0, 1.0), (20.0, 2.0)], "a line that does not begin at 0 is not closed");
        assert_eq!(mean(&closed(&Errors { name: String::new(), points: vec![(0.0, 5.0)] })), 5.0);
    }
}
