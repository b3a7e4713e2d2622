//! Where actions lead in a latent space, and where the network says that the frames are.

use super::super::chart::{Axis, Frame, write};
use super::super::grid::Panel;
use super::super::svg::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// Walks of a data set in two numbers of their poses.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// The panel's title.
    pub title: String,
    /// The walks.
    pub paths: Vec<Path>,
}

/// One walk.
#[derive(Clone, Debug, Default)]
pub struct Path {
    /// Where the actions lead, step by step from the first frame.
    pub moved: Vec<(f32, f32)>,
    /// After how many steps a frame was kept, and where the network says it is.
    pub found: Vec<(usize, (f32, f32))>,
}

/// The paths: a line a walk, with a ring where the network says that a frame is, at the step of its number.
pub fn paths(paths: &Paths) -> Panel {
    let lead = "Each line is a walk: the pose of its first frame, moved by one action after the other, in the first two \
                numbers of poses. A ring is the pose that the network says of a frame, and its number is after how many \
                steps that is: rings lie on their lines' ends where composed actions lead to what is there.";
    let points = || paths.paths.iter().flat_map(|path| path.moved.iter().chain(path.found.iter().map(|(_, at)| at)));
    let finite = points().all(|(x, y)| x.is_finite() && y.is_finite()) && points().next().is_some();
    Panel::new(&paths.title, lead, if finite { draw(paths) } else { String::new() })
}

fn draw(paths: &Paths) -> String {
    let points = || paths.paths.iter().flat_map(|path| path.moved.iter().chain(path.found.iter().map(|(_, at)| at)));
    let axis = |of: fn(&(f32, f32)) -> f32, ticks: usize| {
        let (low, high) = points().map(of).fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(x), high.max(x)));
        let margin = 0.06 * (high - low).max(1e-3);
        Axis::linear((low - margin).into(), (high + margin).into(), ticks)
    };
    let (x, y) = (axis(|p| p.0, 6), axis(|p| p.1, 5));
    let place = |&(x, y): &(f32, f32)| (f64::from(x), f64::from(y));
    let label = format!("{} walks in the first two numbers of their poses", paths.paths.len());
    figure(760, 480, &label, |canvas| {
        let frame = Frame::within(canvas, [12.0, 20.0, 30.0, 50.0]);
        let mut plane = frame.plane(canvas, &x, &y)?;
        let mut names = Vec::new();
        for (path, color) in paths.paths.iter().zip(SERIES.into_iter().cycle()) {
            plane.draw_series(LineSeries::new(path.moved.iter().map(place), line(1.0, color)))?;
            plane.draw_series(PointSeries::<_, _, Circle<_, _>, _>::new(
                path.moved.iter().map(place),
                px(1.5),
                color.filled(),
            ))?;
            let rings = path.found.iter().map(|(_, at)| place(at));
            plane.draw_series(PointSeries::<_, _, Circle<_, _>, _>::new(rings, px(5.0), line(1.8, color)))?;
            names.extend(path.found.iter().map(|(steps, at)| (steps.to_string(), place(at), color)));
        }
        for (name, (at, height), color) in names {
            let corner = (
                frame.left + x.share(at) * frame.width + f64::from(px(7.0)),
                frame.top + (1.0 - y.share(height)) * frame.height,
            );
            write(canvas, &name, &font(11.0, color), (HPos::Left, VPos::Center), corner)?;
        }
        Ok(())
    })
}
