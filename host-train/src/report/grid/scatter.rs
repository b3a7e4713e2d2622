//! Points in a plane, thousands of them: a path a colour, because an element a point would take ten times the bytes.

use super::super::chart::{Axis, Frame};
use super::super::svg::px;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;

/// Points that are drawn at most.
pub(super) const MOST: usize = 1500;

/// At most [`MOST`] of the items, in their order: all, or a draw that is the same each time. Every so manieth would be
/// of one class where classes alternate.
pub(super) fn sample<T: Clone>(items: &[T]) -> Vec<T> {
    if items.len() <= MOST {
        return items.to_vec();
    }
    let mut drawn = index::sample(&mut ChaCha8Rng::seed_from_u64(0), items.len(), MOST).into_vec();
    drawn.sort_unstable();
    drawn.into_iter().filter_map(|i| items.get(i).cloned()).collect()
}

/// What [`sample`] leaves out, as a sentence.
pub(super) fn left_out(all: usize) -> String {
    if all > MOST { format!(" Drawn are {MOST} of {all}.") } else { String::new() }
}

/// Where a point of the plane lies, in the canvas's units.
pub(in crate::report) fn place(frame: Frame, x: &Axis, y: &Axis, point: (f64, f64)) -> (f64, f64) {
    (frame.left + x.share(point.0) * frame.width, frame.top + (1.0 - y.share(point.1)) * frame.height)
}

/// Points of one colour, `pixels` across, at places in the canvas's units.
pub(in crate::report) fn dots(places: impl Iterator<Item = (f64, f64)>, color: &str, pixels: f64) -> String {
    let mut path = String::new();
    for (x, y) in places {
        // Writing to a string cannot fail. A line of no length with round ends is a dot.
        let _ = write!(path, "M{x:.0} {y:.0}h0");
    }
    match path.as_str() {
        "" => path,
        path => format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\" stroke-linecap=\"round\" \
             stroke-opacity=\"0.85\"/>\n",
            px(pixels)
        ),
    }
}

/// A chart with more drawn onto it; a chart that failed stays as it is.
pub(in crate::report) fn onto(chart: &str, more: &str) -> String {
    match chart.rsplit_once("</svg>") {
        Some((chart, rest)) => format!("{chart}{more}</svg>{rest}"),
        None => chart.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_fair_and_bounded() {
        assert!(sample::<u8>(&[]).is_empty());
        assert_eq!(sample(&[3, 4]), [3, 4]);
        // Ten classes that alternate: each is drawn about as often.
        let many: Vec<usize> = (0..10 * MOST).collect();
        let shown = sample(&many);
        assert_eq!((shown.len(), sample(&many[..MOST + 1]).len()), (MOST, MOST));
        assert!(shown.is_sorted_by(|a, b| a < b));
        for class in 0..10 {
            let drawn = shown.iter().filter(|item| *item % 10 == class).count();
            assert!(drawn.abs_diff(MOST / 10) < MOST / 30, "{drawn} of class {class}");
        }
        assert_eq!(shown, sample(&many));
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
