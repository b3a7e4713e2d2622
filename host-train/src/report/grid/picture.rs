//! One sample as a small picture: grey values, a line, or a map of heat.

use super::super::chart::{Axis, Frame};
use super::super::svg::*;
use super::super::text::escape;
use super::png::address;
use plotters::prelude::*;

/// CSS pixels of a signal's plot.
const WIDTH: u32 = 96;
const HEIGHT: u32 = 56;
/// Below nothing, nothing, above nothing: blue, nearly white, orange, as in the charts.
const COLD: [u8; 3] = [0x00, 0x50, 0x8A];
const ZERO: [u8; 3] = [0xF4, 0xF4, 0xF0];
const HOT: [u8; 3] = [0xC4, 0x4E, 0x00];
/// Shades on each side of nothing. A palette is part of every picture, so that all 256 would be most of its bytes.
const SHADES: usize = 31;
/// Lines an electrode, so that browsers, which smooth what they shrink, leave electrodes apart.
const TALL: usize = 6;

/// How samples are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `[rows, columns]` of brightness: the least count black, the greatest white.
    #[default]
    Image,
    /// `[instants, channels]`: a line a channel.
    Signal,
    /// `[instants, electrodes]`: time to the right, electrodes downwards; blue below zero, orange above.
    Ring,
}

/// What all pictures of a gallery share.
pub(super) struct Style {
    pub(super) form: Form,
    pub(super) columns: usize,
    /// The least and the greatest count of all.
    pub(super) range: (f64, f64),
}

impl Style {
    /// The range that holds all of these counts.
    pub(super) fn new<'a>(form: Form, columns: usize, counts: impl Iterator<Item = &'a i16>) -> Self {
        let (low, high) = counts.fold((i16::MAX, i16::MIN), |(low, high), c| (low.min(*c), high.max(*c)));
        let (low, high) = if low < high { (low.into(), high.into()) } else { (0.0, 1.0) };
        Self { form, columns, range: (low, high) }
    }

    /// A sample as a picture that `label` describes.
    pub(super) fn draw(&self, counts: &[i16], label: &str) -> String {
        let (low, high) = self.range;
        let reach = low.abs().max(high.abs());
        match self.form {
            Form::Signal => self.signal(counts, label),
            Form::Image => {
                let grey = counts.iter().map(|c| (255.0 * (f64::from(*c) - low) / (high - low)).round() as u8);
                picture("image", address(&grey.collect::<Vec<_>>(), self.columns, None), label)
            }
            Form::Ring => {
                let instants: Vec<&[i16]> = counts.chunks_exact(self.columns.max(1)).collect();
                let heat = |c: &i16| (SHADES as f64 * (1.0 + f64::from(*c) / reach)).round() as u8;
                let row = |electrode| instants.iter().filter_map(move |instant| instant.get(electrode)).map(heat);
                let pixels: Vec<u8> = (0..self.columns * TALL).flat_map(|line| row(line / TALL)).collect();
                picture("ring", address(&pixels, instants.len(), Some(&palette())), label)
            }
        }
    }

    fn signal(&self, counts: &[i16], label: &str) -> String {
        let columns = self.columns.max(1);
        let instants = counts.len() / columns;
        let bare = |range| Axis { range, ticks: Vec::new() };
        let margin = 0.04 * (self.range.1 - self.range.0);
        let (time, value) = (
            bare((0.0, instants.saturating_sub(1).max(1) as f64)),
            bare((self.range.0 - margin, self.range.1 + margin)),
        );
        figure(WIDTH, HEIGHT, label, |canvas| {
            let mut plane = Frame::within(canvas, [1.0; 4]).plane(canvas, &time, &value)?;
            for (channel, color) in [SERIES[2], SERIES[0], SERIES[1]].into_iter().cycle().take(columns).enumerate() {
                let values = counts.chunks_exact(columns).filter_map(|instant| instant.get(channel));
                let points = values.enumerate().map(|(t, count)| (t as f64, f64::from(*count)));
                plane.draw_series(LineSeries::new(points, line(1.2, color)))?;
            }
            Ok(())
        })
    }
}

fn picture(class: &str, address: Option<String>, label: &str) -> String {
    let label = escape(label);
    match address {
        Some(address) => format!("<img class=\"{class}\" alt=\"{label}\" src=\"{address}\">"),
        None => format!("<span class=\"failed\">{label}: nothing to show</span>"),
    }
}

/// From cold at 0 over nothing at [`SHADES`] to hot at twice that.
fn palette() -> [[u8; 3]; 2 * SHADES + 1] {
    std::array::from_fn(|i| {
        let share = i as f64 / SHADES as f64 - 1.0;
        let end = if share < 0.0 { COLD } else { HOT };
        let mix = |channel: usize| {
            let (zero, end) = (f64::from(ZERO[channel]), f64::from(end[channel]));
            (zero + share.abs() * (end - zero)).round() as u8
        };
        [mix(0), mix(1), mix(2)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_the_middle_of_the_palette() {
        let palette = palette();
        assert_eq!((palette[0], palette[SHADES], palette[2 * SHADES]), (COLD, ZERO, HOT));
    }

    #[test]
    fn every_form_draws_every_length() {
        for form in [Form::Image, Form::Signal, Form::Ring] {
            for (columns, length) in [(0, 0), (0, 5), (1, 0), (1, 1), (3, 7), (7, 3), (2, 40)] {
                let counts: Vec<i16> = (0..length).map(|i| i * 700 - 2000).collect();
                for range in [counts.iter(), [].iter()] {
                    let drawn = Style::new(form, columns, range).draw(&counts, "a \"b\"");
                    assert!(drawn.contains("a &quot;b&quot;"), "{drawn}");
                }
            }
        }
        let all = [i16::MIN, 0, i16::MAX];
        let drawn = Style::new(Form::Image, 3, all.iter()).draw(&all, "");
        let expected = address(&[0, 128, 255], 3, None).unwrap();
        assert!(drawn.contains(&expected));
    }
}
