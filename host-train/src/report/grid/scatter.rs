//! Points in a plane, thousands of them: a path a colour, because an element a point would take ten times the bytes.

use super::super::chart::{Axis, Frame};
use super::super::svg::px;
use std::fmt::Write as _;

/// Points that are drawn at most.
pub(super) const MOST: usize = 1500;

/// At most [`MOST`] of the items, evenly from first to last.
pub(super) fn sample<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let shown = items.len().min(MOST);
    (0..shown).filter_map(move |i| items.get(i * items.len() / shown))
}

/// What [`sample`] leaves out, as a sentence.
pub(super) fn left_out(all: usize) -> String {
    if all > MOST { format!(" Drawn are {MOST} of {all}.") } else { String::new() }
}

/// Where a point of the plane lies, in the canvas's units.
pub(super) fn place(frame: Frame, x: &Axis, y: &Axis, point: (f64, f64)) -> (f64, f64) {
    (frame.left + x.share(point.0) * frame.width, frame.top + (1.0 - y.share(point.1)) * frame.height)
}

/// Points of one colour, `pixels` across, at places in the canvas's units.
pub(super) fn dots(places: impl Iterator<Item = (f64, f64)>, color: &str, pixels: f64) -> String {
    let mut path = String::new();
    for (x, y) in places {
        // Writing to a string cannot fail. A line of no length with round ends is a dot.
        let _ = write!(path, "M{x:.0} {y:.0}h0");
    }
    match path.as_str() {
        "" => path,
        path => format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\" stroke-linecap=\"round\" \
             stroke-opacity=\"0.75\"/>\n",
            px(pixels)
        ),
    }
}

/// A chart with more drawn onto it; a chart that failed stays as it is.
pub(super) fn onto(chart: &str, more: &str) -> String {
    match chart.rsplit_once("</svg>") {
        Some((chart, rest)) => format!("{chart}{more}</svg>{rest}"),
        None => chart.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_even_and_bounded() {
        assert_eq!(sample::<u8>(&[]).count(), 0);
        assert_eq!(sample(&[3, 4]).copied().collect::<Vec<_>>(), [3, 4]);
        let many: Vec<usize> = (0..10 * MOST).collect();
        let shown: Vec<usize> = sample(&many).copied().collect();
        assert_eq!(shown.len(), MOST);
        assert!(shown.iter().enumerate().all(|(i, item)| *item == 10 * i));
        assert_eq!(sample(&many[..MOST + 1]).count(), MOST);
    }

    #[test]
    fn dots_are_small_and_lie_on_the_chart() {
        let drawn = dots((0..1500).map(|i| (f64::from(i), 100.0)), "#123456", 4.0);
        assert!(drawn.len() < 20_000, "{}", drawn.len());
        assert_eq!(onto("<svg>a</svg>\n", "b"), "<svg>ab</svg>\n");
        assert_eq!(onto("<p>failed</p>", "b"), "<p>failed</p>");
        assert_eq!(dots([].into_iter(), "", 1.0), "");
    }
}
