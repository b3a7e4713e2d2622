//! The float network on samples of triples: what the integers are measured against.

use super::class_pose::{ClassPoseModel, Said};
use crate::data::paired::Paired;
use crate::data::posed::rows;
use crate::evaluate::walk::Point;
use crate::nn::ImageDecoder;
use crate::train::images;
use burn::prelude::*;

/// Samples a batch; only memory depends on it.
const BATCH: usize = 250;

impl ClassPoseModel {
    /// Where samples are in the latent space; a count is `unit` in network units.
    pub fn infer<S: AsRef<[i16]>>(&self, samples: &[S], paired: &Paired, unit: f32, device: &Device) -> Vec<Point> {
        samples.chunks(BATCH).flat_map(|some| points(self.say(images(some, paired.shape, unit, device)))).collect()
    }

    /// Points moved by one action each: its row.
    pub fn infer_moved(&self, points_before: &[Point], actions: &[Vec<f32>], device: &Device) -> Vec<Point> {
        let both: Vec<(&Point, &Vec<f32>)> = points_before.iter().zip(actions).collect();
        let tensor = |rows: Vec<&[f32]>| {
            let shape = [rows.len(), rows.first().map_or(0, |row| row.len())];
            Tensor::<2>::from_data(TensorData::new(rows.concat(), shape), device)
        };
        both.chunks(BATCH)
            .flat_map(|some| {
                let count = some.first().map_or(0, |(point, _)| point.elements.len());
                let element = |i: usize| tensor(some.iter().map(|(point, _)| &point.elements[i][..]).collect());
                let said = Said { code: None, elements: (0..count).map(element).collect() };
                let moved = points(self.moved(tensor(some.iter().map(|(_, action)| &action[..]).collect()), said));
                let with_code =
                    |(moved, (before, _)): (Point, &(&Point, _))| Point { code: before.code.clone(), ..moved };
                moved.into_iter().zip(some).map(with_code).collect::<Vec<_>>()
            })
            .collect()
    }
}

fn points(said: Said) -> Vec<Point> {
    let elements: Vec<Vec<Vec<f32>>> = said.elements.into_iter().map(rows).collect();
    let codes = said.code.map(rows).unwrap_or_default();
    let count = elements.first().map_or(0, Vec::len);
    (0..count)
        .map(|i| Point {
            code: codes.get(i).cloned().unwrap_or_default(),
            elements: elements.iter().map(|rows| rows[i].clone()).collect(),
        })
        .collect()
}

impl ImageDecoder {
    /// The images of codes, network units.
    pub fn infer(&self, codes: &[Vec<f32>], device: &Device) -> Vec<Vec<f32>> {
        let image = |some: &[Vec<f32>]| {
            let shape = [some.len(), some.first().map_or(0, Vec::len)];
            let codes = Tensor::<2>::from_data(TensorData::new(some.concat(), shape), device);
            rows(self.forward(codes).flatten(1, 3))
        };
        codes.chunks(BATCH).flat_map(image).collect()
    }
}
