//! Walks as strips of pictures: what was there, and what a decoder makes of where the actions lead.

use super::super::grid::{Panel, colour_address};
use super::super::text::escape;

/// Walks of a data set.
#[derive(Clone, Debug, Default)]
pub struct Strips {
    /// The panel's title.
    pub title: String,
    /// Pixels in a row.
    pub columns: usize,
    /// Numbers of a pixel: 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// A pair of rows each.
    pub strips: Vec<Strip>,
}

/// One walk.
#[derive(Clone, Debug, Default)]
pub struct Strip {
    /// Its class or name.
    pub name: String,
    /// A column each.
    pub frames: Vec<Frame>,
}

/// One frame of a walk.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// When it is (`after 10 steps`).
    pub when: String,
    /// The sample, 0 to 1, the channels of a pixel together; empty where none was kept.
    pub sample: Vec<f32>,
    /// What was decoded, likewise.
    pub decoded: Vec<f32>,
}

/// Above, what was there; below, what is decoded of the first frame's code and the pose that the actions lead to.
pub fn strips(strips: &Strips) -> Panel {
    let lead = "Above are the frames that were kept of a walk. Below is what the decoder makes of the first frame's code and \
                of its pose, moved by all actions so far: no later frame was looked at.";
    let shown = strips.strips.iter().filter(|strip| !strip.frames.is_empty());
    Panel::new(&strips.title, lead, shown.map(|strip| rows(strips, strip)).collect())
}

fn rows(strips: &Strips, strip: &Strip) -> String {
    let cells = |cell: &dyn Fn(&Frame) -> String| strip.frames.iter().map(cell).collect::<String>();
    let when = cells(&|frame| format!("<p class=\"moved\">{}</p>", escape(&frame.when)));
    let samples = cells(&|frame| picture(strips, &frame.sample, &format!("{} {}, as it was", strip.name, frame.when)));
    let decoded = cells(&|frame| picture(strips, &frame.decoded, &format!("{} {}, decoded", strip.name, frame.when)));
    format!(
        "<div class=\"example\"><h3>{}</h3>\n<div class=\"scroll\"><div class=\"gallery\" \
         style=\"grid-template-columns:auto repeat({},minmax(3.5rem,6rem))\"><span></span>{when}\n\
         <b>as it was</b>{samples}\n<b>decoded</b>{decoded}</div></div></div>\n",
        escape(&strip.name),
        strip.frames.len(),
    )
}

fn picture(strips: &Strips, numbers: &[f32], label: &str) -> String {
    let bytes: Vec<u8> = numbers.iter().map(|x| (255.0 * x).round().clamp(0.0, 255.0) as u8).collect();
    match colour_address(&bytes, strips.columns, strips.channels) {
        Some(address) => format!("<img class=\"image\" alt=\"{}\" src=\"{address}\">", escape(label)),
        None => "<span></span>".into(),
    }
}
