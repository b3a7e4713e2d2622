//! What a reproduction on triples looks like.

use crate::data::paired::Paired;
use crate::evaluate::class_pose::Spoken;
use crate::evaluate::walk::Point;
use crate::group::action::Poses;
use crate::nn::ImageDecoder;
use crate::recipe::class_pose::ClassPoseRecipe;
use crate::report::grid::Panel;
use crate::report::set::{self, Curves, Line};
use crate::report::triple::{self, Frame, Path, Paths, Strip, Strips};
use crate::train::Epoch;
use burn::prelude::Device;

/// Walks that are shown, each of another class.
const WALKS: usize = 3;
/// After so many steps walks are shown.
const SHOWN: [usize; 7] = [0, 1, 2, 5, 10, 15, 20];

/// Where the actions lead in the latent space, and what a decoder makes of that; nothing for latent spaces without code and
/// pose.
pub fn walks(
    setting: &str,
    recipe: &ClassPoseRecipe,
    paired: &Paired,
    spoken: &Spoken,
    decoder: Option<(&ImageDecoder, &Device)>,
) -> Vec<Panel> {
    if !recipe.is_packaged() || spoken.frames.is_empty() {
        return Vec::new();
    }
    let poses = Poses::new(&paired.group, recipe.encoder.rotation, recipe.triples.unit);
    let mut walks: Vec<usize> = Vec::new();
    for walk in 0..paired.walks.classes.len() {
        let seen = walks.iter().any(|&other| paired.walks.classes[other] == paired.walks.classes[walk]);
        if walks.len() < WALKS && !seen {
            walks.push(walk);
        }
    }
    let moved: Vec<Vec<Point>> =
        walks.iter().map(|&walk| steps(paired, &poses, &spoken.frames[0][walk], walk)).collect();
    let mut panels = Vec::new();
    let pair = |row: &[f32]| (row.first().copied().unwrap_or(0.0), row.get(1).copied().unwrap_or(0.0));
    let first = |point: &Point| point.elements.first().map_or((0.0, 0.0), |row| pair(row));
    let paths = walks.iter().zip(&moved).map(|(&walk, moved)| Path {
        moved: moved.iter().map(first).collect(),
        found: paired.walks.marks.iter().zip(&spoken.frames).map(|(&at, frames)| (at, first(&frames[walk]))).collect(),
    });
    panels
        .push(triple::paths(&Paths { title: format!("Walks in the latent space, {setting}"), paths: paths.collect() }));
    let Some((decoder, device)) = decoder else { return panels };
    let unit = 1.0 / recipe.triples.scale;
    let strips = walks.iter().zip(&moved).map(|(&walk, moved)| {
        let shown: Vec<usize> = SHOWN.into_iter().filter(|step| *step < moved.len()).collect();
        let codes: Vec<Vec<f32>> = shown.iter().map(|&step| moved[step].numbers()).collect();
        let frame = |(&step, decoded): (&usize, Vec<f32>)| {
            let kept = paired.walks.marks.iter().position(|mark| *mark == step);
            let sample = kept.map(|mark| &paired.walks.frames[walk][mark]);
            let sample = sample.map(|sample| sample.iter().map(|&count| f32::from(count) * unit).collect());
            Frame { when: format!("after {step}"), sample: sample.unwrap_or_default(), decoded }
        };
        let frames = shown.iter().zip(decoder.infer(&codes, device)).map(frame).collect();
        Strip { name: format!("class {}", paired.walks.classes[walk]), frames }
    });
    let [_, columns, channels] = paired.shape;
    let title = format!("Walks decoded, {setting}");
    panels.push(triple::strips(&Strips { title, columns, channels, strips: strips.collect() }));
    panels
}

/// The losses of a training over its epochs; None of none.
pub fn losses(history: &[Epoch]) -> Option<Panel> {
    let line = |name: &str, of: fn(&Epoch) -> f32| Line {
        name: name.into(),
        points: history.iter().zip(1u16..).map(|(epoch, number)| (number.into(), of(epoch))).collect(),
    };
    let lines = vec![line("poses", |epoch| epoch.reconstruction), line("InfoNCE", |epoch| epoch.class)];
    (!history.is_empty()).then(|| {
        set::curves(&Curves {
            title: "Losses".into(),
            lead: "What was minimized: how far poses are from where the actions lead, squared, and InfoNCE, nats."
                .into(),
            x: "epoch".into(),
            y: "loss".into(),
            lines,
        })
    })
}

/// A point, and where each action of a walk leads from there.
fn steps(paired: &Paired, poses: &Poses, start: &Point, walk: usize) -> Vec<Point> {
    let mut all = vec![start.clone()];
    for action in &paired.walks.actions[walk] {
        let before = &all[all.len() - 1];
        let moved = before.elements.iter().map(|row| poses.row(&paired.group.compose(action, &poses.numbers(row))));
        all.push(Point { code: before.code.clone(), elements: moved.collect() });
    }
    all
}
