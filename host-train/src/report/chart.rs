//! What every chart shares: a frame with few, round ticks.

use super::svg::*;
use super::text::number;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;

/// A drawn frame, ready for series.
pub(super) type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// One axis: its range and where it is ticked and labelled.
pub(super) struct Axis {
    pub(super) range: (f64, f64),
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Ticks at about `count` round numbers.
    pub(super) fn linear(low: f64, high: f64, count: usize) -> Self {
        let ticks = round_ticks(low, high, count).into_iter().map(|at| (at, number(at))).collect();
        Self { range: (low, high), ticks }
    }

    /// Keeps the grid lines, drops what is written at them.
    pub(super) fn unlabelled(mut self) -> Self {
        self.ticks.iter_mut().for_each(|(_, label)| label.clear());
        self
    }

    /// Where a value lies between the axis's ends, 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.range.0) / (self.range.1 - self.range.0)
    }
}

/// Multiples of 1, 2 or 5 · 10ⁿ inside the range, about `count` of them.
fn round_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 || count == 0 {
        return Vec::new();
    }
    let power = 10f64.powf((span / count as f64).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter();
    let Some(step) = steps.filter(|step| step.is_normal()).find(|step| span / step <= count as f64 + 0.5) else {
        return Vec::new();
    };
    let first = (low / step - 1e-9).ceil();
    // Adding zero turns −0 into 0.
    (0..=2 * count).map(|i| (first + i as f64) * step + 0.0).take_while(|at| *at <= high + 1e-9 * span).collect()
}

/// Where the plane lies on its canvas, in the canvas's units.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Frame {
    /// The canvas less `[top, right, bottom, left]` CSS pixels for labels.
    pub(super) fn within(canvas: &Canvas, margins: [f64; 4]) -> Self {
        let (width, height) = canvas.dim_in_pixel();
        let [top, right, bottom, left] = margins.map(|pixels| f64::from(px(pixels)));
        Self { left, top, width: f64::from(width) - left - right, height: f64::from(height) - top - bottom }
    }

    /// Draws grid and labels and returns the plane.
    pub(super) fn plane<'a, 'b>(
        self,
        canvas: &'a Canvas<'b>,
        x: &Axis,
        y: &Axis,
    ) -> Result<Plane<'a, 'b>, Box<dyn Error>> {
        let (width, height) = canvas.dim_in_pixel();
        let mut plane = ChartBuilder::on(canvas)
            .margin_left(self.left)
            .margin_top(self.top)
            .margin_right(f64::from(width) - self.left - self.width)
            .margin_bottom(f64::from(height) - self.top - self.height)
            .build_cartesian_2d(x.range.0..x.range.1, y.range.0..y.range.1)?;
        for (at, label) in &x.ticks {
            plane.draw_series(LineSeries::new([(*at, y.range.0), (*at, y.range.1)], line(1.0, GRID)))?;
            let place = (self.left + x.share(*at) * self.width, self.top + self.height + f64::from(px(5.0)));
            write(canvas, label, &font(11.0, MUTED), (HPos::Center, VPos::Top), place)?;
        }
        for (at, label) in &y.ticks {
            plane.draw_series(LineSeries::new([(x.range.0, *at), (x.range.1, *at)], line(1.0, GRID)))?;
            let place = (self.left - f64::from(px(6.0)), self.top + (1.0 - y.share(*at)) * self.height);
            write(canvas, label, &font(11.0, MUTED), (HPos::Right, VPos::Center), place)?;
        }
        Ok(plane)
    }
}

/// Writes `text` at a place in the canvas's units.
pub(super) fn write(
    canvas: &Canvas,
    text: &str,
    style: &TextStyle,
    (horizontal, vertical): (HPos, VPos),
    (x, y): (f64, f64),
) -> Drawn {
    if !text.is_empty() {
        canvas.draw_text(text, &style.pos(Pos::new(horizontal, vertical)), (x.round() as i32, y.round() as i32))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(round_ticks(0.0, 2.54, 5), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        assert_eq!(round_ticks(-2.3, 2.3, 2), [-2.0, 0.0, 2.0]);
        assert_eq!(round_ticks(1.0, 30.0, 3), [10.0, 20.0, 30.0]);
        for (low, high) in [(0.0, f64::NAN), (1.0, 1.0), (0.0, f64::INFINITY), (0.0, 1e-320)] {
            assert!(round_ticks(low, high, 4).is_empty(), "{low} {high}");
        }
    }
}
