//! Codes in the plane in which they differ most, coloured by class: what the model keeps apart without being told.

use super::super::chart::{Axis, Frame, write};
use super::super::svg::*;
use super::super::text::{escape, shorten};
use super::Panel;
use super::principal::Plane;
use super::scatter::{dots, left_out, onto, place, sample};
use plotters::style::text_anchor::{HPos, VPos};
use std::collections::BTreeSet;

const WIDTH: u32 = 860;
const HEIGHT: u32 = 560;
/// CSS pixels: of a dot, and between the legend's lines.
const DOT: f64 = 5.0;
const LINE: f64 = 21.0;
/// Ten colours that stand out on white and on black (Tableau's, of 2016). An eleventh class has the first again.
const CLASSES: [&str; 10] =
    ["#4E79A7", "#F28E2B", "#E15759", "#76B7B2", "#59A14F", "#D8B228", "#B07AA1", "#FF9DA7", "#9C755F", "#9A9A9A"];

/// Codes of samples whose classes are known.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    /// The panel's title.
    pub title: String,
    /// One code a sample, all of one length. What has another length than the first, as the empty code of a sample
    /// without a pose, or a number that is not finite is left out.
    pub codes: Vec<Vec<f32>>,
    /// A label a code: an index into `classes`.
    pub labels: Vec<usize>,
    /// The classes' names.
    pub classes: Vec<String>,
}

/// The map, of 1,500 codes at most, drawn the same each time; distances are true in it.
pub fn codes(map: &Codes) -> Panel {
    let size = map.codes.iter().map(Vec::len).find(|size| *size > 0).unwrap_or(0);
    let whole = |code: &[f32]| size > 0 && code.len() == size && code.iter().all(|value| value.is_finite());
    let known: Vec<(&[f32], usize)> = map
        .codes
        .iter()
        .map(|code| &code[..])
        .zip(map.labels.iter().copied())
        .filter(|(code, _)| whole(code))
        .collect();
    let shown = sample(&known);
    let plane = Plane::of(&shown.iter().map(|(code, _)| *code).collect::<Vec<_>>());
    let lead = format!(
        "Each point is the code of one sample, its colour the class. Of the codes' {size} dimensions these are the two \
         in which they differ most.{}",
        left_out(known.len())
    );
    Panel::new(&map.title, &lead, plane.map_or_else(String::new, |plane| draw(map, &plane, &shown)))
}

fn draw(map: &Codes, plane: &Plane, shown: &[(&[f32], usize)]) -> String {
    let points: Vec<((f64, f64), usize)> = shown.iter().map(|(code, label)| (plane.project(code), *label)).collect();
    let pixels = |pixels: f64| f64::from(px(pixels));
    let frame = Frame { left: pixels(44.0), top: pixels(8.0), width: pixels(620.0), height: pixels(500.0) };
    let [x, y] = axes(&points, frame);
    let [first, second] = plane.shares.map(|share| format!("{:.0} % of the variance", 100.0 * share));
    let label = format!("Map of {} codes: {first} along x, {second} along y", points.len());
    let chart = figure(WIDTH, HEIGHT, &label, |canvas| {
        frame.plane(canvas, &x, &y)?;
        let below = (frame.left + frame.width / 2.0, frame.top + frame.height + pixels(24.0));
        let axes = format!("first component, {first}; upwards the second, {second}");
        write(canvas, &axes, &font(12.0, MUTED), (HPos::Center, VPos::Top), below)
    });
    let place = |point| place(frame, &x, &y, point);
    let present: BTreeSet<usize> = points.iter().map(|(_, label)| *label).collect();
    let classes = || present.iter().copied();
    let of_class = |class: usize| points.iter().filter(move |(_, label)| *label == class).map(|(point, _)| *point);
    let color = |class: usize| CLASSES[class % CLASSES.len()];
    let clouds: String = classes().map(|class| dots(of_class(class).map(place), color(class), DOT)).collect();
    let right = frame.left + frame.width + pixels(22.0);
    let legend: String = classes()
        .enumerate()
        .map(|(row, class)| {
            let at = frame.top + pixels(LINE) * (row as f64 + 0.5);
            let (key, name) = (dots([(right, at)].into_iter(), color(class), 11.0), name(map, class, 22));
            key + &text("", HPos::Left, (right + pixels(14.0), at), &name)
        })
        .collect();
    let names: String = classes()
        .map(|class| {
            let middle = |axis: fn((f64, f64)) -> f64| median(of_class(class).map(axis));
            text("halo", HPos::Center, place((middle(|p| p.0), middle(|p| p.1))), &name(map, class, 14))
        })
        .collect();
    onto(&chart, &format!("{clouds}{legend}{names}"))
}

fn name(map: &Codes, class: usize, limit: usize) -> String {
    map.classes.get(class).map_or_else(|| format!("class {class}"), |name| escape(&shorten(name, limit)))
}

/// Axes of one scale that hold all points.
fn axes(points: &[((f64, f64), usize)], frame: Frame) -> [Axis; 2] {
    let range = |axis: fn((f64, f64)) -> f64| {
        let values = || points.iter().map(|(point, _)| axis(*point));
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    };
    let (x, y) = (range(|p| p.0), range(|p| p.1));
    // Units a canvas's unit, with a margin of 4 %.
    let scale = 1.08 * ((x.1 - x.0) / frame.width).max((y.1 - y.0) / frame.height);
    let scale = if scale.is_normal() { scale } else { 2.0 / frame.width };
    let around = |(low, high): (f64, f64), size: f64, ticks: usize| {
        let (middle, half) = ((low + high) / 2.0, scale * size / 2.0);
        Axis::linear(middle - half, middle + half, ticks)
    };
    [around(x, frame.width, 6), around(y, frame.height, 5)]
}

/// The middle one of the sorted numbers.
fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// `content` is safe already.
fn text(class: &str, side: HPos, (x, y): (f64, f64), content: &str) -> String {
    let anchor = if matches!(side, HPos::Center) { "middle" } else { "start" };
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!(
        "<text{class} x=\"{x:.0}\" y=\"{y:.0}\" dy=\".35em\" text-anchor=\"{anchor}\" font-size=\"{}\" \
         fill=\"#1B1F24\">{content}</text>\n",
        px(13.0)
    )
}
