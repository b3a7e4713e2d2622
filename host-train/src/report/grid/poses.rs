//! Where poses lie, coloured by the angle that is true: a model that follows the angle draws the legend's ring.

use super::super::chart::{Axis, Frame, Plane, write};
use super::super::svg::*;
use super::Panel;
use super::scatter::{dots, left_out, onto, place, sample};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use std::f64::consts::TAU;

const WIDTH: u32 = 720;
const HEIGHT: u32 = 500;
/// Colours of the ring, each of so many degrees.
const STEPS: usize = 72;
/// CSS pixels.
const DOT: f64 = 5.0;

/// One pose and what it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Posed {
    /// A point of the plane, such as (cos, sin) of the pose of g·x against that of x, times its confidence: one
    /// that is right lies at the true angle, and one that is sure lies far out. Not finite: left out.
    pub at: (f32, f32),
    /// The true angle, degrees, from x towards y.
    pub angle_deg: f32,
}

/// The map, of 1,500 poses at most, drawn the same each time.
pub fn poses(title: &str, poses: &[Posed]) -> Panel {
    let finite = |p: &&Posed| p.at.0.is_finite() && p.at.1.is_finite() && p.angle_deg.is_finite();
    let known: Vec<Posed> = poses.iter().filter(finite).copied().collect();
    let shown = sample(&known);
    let lead = format!(
        "Each point is the pose of one sample, as far out as it is sure; its colour is the angle that the sample was \
         truly turned by, as in the ring at the right. Where poses follow the truth, colours stand as they do in the \
         ring. The circle is a confidence of 1.{}",
        left_out(known.len())
    );
    Panel::new(title, &lead, if shown.is_empty() { String::new() } else { draw(&shown) })
}

fn draw(poses: &[Posed]) -> String {
    let reach = poses.iter().map(|p| p.at.0.abs().max(p.at.1.abs())).fold(1.0, f32::max);
    let reach = 1.06 * f64::from(reach);
    let [x, y] = [(); 2].map(|()| Axis::linear(-reach, reach, 5));
    let pixels = |pixels: f64| f64::from(px(pixels));
    let frame = Frame { left: pixels(44.0), top: pixels(8.0), width: pixels(460.0), height: pixels(460.0) };
    let ring = Frame { left: pixels(570.0), top: pixels(48.0), width: pixels(100.0), height: pixels(100.0) };
    let chart = figure(WIDTH, HEIGHT, &format!("Map of {} poses, coloured by the true angle", poses.len()), |canvas| {
        let mut plane = frame.plane(canvas, &x, &y)?;
        circle(&mut plane)?;
        let middle = (ring.left + ring.width / 2.0, ring.top + ring.height / 2.0);
        write(canvas, "true angle", &font(11.0, MUTED), (HPos::Center, VPos::Center), middle)?;
        let gap = pixels(12.0);
        for (text, sides, (right, down)) in [
            ("0°", (HPos::Left, VPos::Center), (1.0, 0.0)),
            ("90°", (HPos::Center, VPos::Bottom), (0.0, -1.0)),
            ("180°", (HPos::Right, VPos::Center), (-1.0, 0.0)),
            ("270°", (HPos::Center, VPos::Top), (0.0, 1.0)),
        ] {
            let radius = ring.width / 2.0 + gap;
            write(canvas, text, &font(12.0, INK), sides, (middle.0 + right * radius, middle.1 + down * radius))?;
        }
        Ok(())
    });
    let unit = [(); 2].map(|()| Axis::linear(-1.0, 1.0, 0));
    let steps = || (0..STEPS).map(|step| (step, color(step)));
    let legend: String = steps()
        .map(|(step, color)| {
            let (sin, cos) = (TAU * step as f64 / STEPS as f64).sin_cos();
            dots([place(ring, &unit[0], &unit[1], (cos, sin))].into_iter(), &color, 12.0)
        })
        .collect();
    let cloud: String = steps()
        .map(|(step, color)| {
            let of_step = poses.iter().filter(|pose| nearest(pose.angle_deg) == step);
            let places = of_step.map(|pose| place(frame, &x, &y, (pose.at.0.into(), pose.at.1.into())));
            dots(places, &color, DOT)
        })
        .collect();
    onto(&chart, &(cloud + &legend))
}

fn circle(plane: &mut Plane) -> Drawn {
    let point = |i: usize| {
        let (sin, cos) = (TAU * i as f64 / 180.0).sin_cos();
        (cos, sin)
    };
    plane.draw_series(LineSeries::new((0..=180).map(point), line(1.0, MUTED)))?;
    Ok(())
}

/// Which of the ring's steps is nearest to an angle in degrees.
fn nearest(angle: f32) -> usize {
    let turns = f64::from(angle).rem_euclid(360.0) / 360.0;
    (turns * STEPS as f64).round() as usize % STEPS
}

/// The ring's colour at a step: equally bright and equally strong all around, in Oklch (Ottosson, *A perceptual color
/// space for image processing*, 2020), and bright enough for black paper, dark enough for white.
fn color(step: usize) -> String {
    const LIGHTNESS: f64 = 0.70;
    const CHROMA: f64 = 0.13;
    let (sin, cos) = (TAU * step as f64 / STEPS as f64).sin_cos();
    let (a, b) = (CHROMA * cos, CHROMA * sin);
    let cones = [
        LIGHTNESS + 0.3963377774 * a + 0.2158037573 * b,
        LIGHTNESS - 0.1055613458 * a - 0.0638541728 * b,
        LIGHTNESS - 0.0894841775 * a - 1.2914855480 * b,
    ];
    let [l, m, s] = cones.map(|cone| cone.powi(3));
    let linear = [
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    ];
    // The transfer function of sRGB, IEC 61966-2-1.
    let [r, g, b] = linear.map(|v: f64| match v.clamp(0.0, 1.0) {
        v if v <= 0.0031308 => 12.92 * v,
        v => 1.055 * v.powf(1.0 / 2.4) - 0.055,
    });
    let [r, g, b] = [r, g, b].map(|v| (255.0 * v).round() as u8);
    format!("#{r:02X}{g:02X}{b:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_cyclic() {
        assert_eq!([0.0, 360.0, -360.0, 357.6, 5.0, -5.0, 720.0].map(nearest), [0, 0, 0, 0, 1, 71, 0]);
        let colors: std::collections::BTreeSet<String> = (0..STEPS).map(color).collect();
        assert_eq!(colors.len(), STEPS, "every step has its own colour");
    }
}
