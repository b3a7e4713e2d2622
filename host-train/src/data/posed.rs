//! Samples on a grid, moved by elements of a group that a seed decides.

use super::grid::Grids;
use crate::group::{Group, draw, group};
use crate::nn::grid::Extent;
use crate::recipe::grid::GridData;
use burn::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// `[rows, columns]`.
    pub counts: Vec<i16>,
    /// Its class.
    pub label: usize,
}

impl AsRef<[i16]> for Sample {
    fn as_ref(&self) -> &[i16] {
        &self.counts
    }
}

/// Samples that were moved and the elements that moved them, one row a sample for each group.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// The moved samples.
    pub samples: Vec<Sample>,
    /// For each group of the recipe, the row of each sample's element; the last group acted first.
    pub elements: Vec<Vec<Vec<f32>>>,
}

/// A data set as a recipe wants it.
#[derive(Clone, Debug)]
pub struct Posed {
    /// Rows of a sample.
    pub rows: usize,
    /// Columns of a sample.
    pub columns: usize,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Samples per second, for signals.
    pub rate_hz: f32,
    /// What a count is worth.
    pub per_count: f32,
    /// The unit of that.
    pub unit: String,
    /// The training samples as recorded.
    pub recorded: Vec<Sample>,
    /// What is learned from: moved once for all, or as recorded.
    pub train: Vec<Sample>,
    /// The training samples, moved, whatever is learned from.
    pub train_moved: Moved,
    /// The test samples as recorded.
    pub test: Vec<Sample>,
    /// The test samples, moved.
    pub test_moved: Moved,
}

/// Decides every element of an evaluation.
const SEED: u64 = 1;

impl Posed {
    /// A data set's samples on the recipe's canvas, moved by its groups.
    ///
    /// # Errors
    /// As a sentence, why a group cannot act on the samples.
    pub fn new(section: &GridData, grids: &Grids, device: &Device) -> Result<Self, String> {
        let rows = section.canvas.unwrap_or(grids.rows);
        let columns = section.canvas.map_or(grids.columns, |side| side.max(grids.columns));
        if rows < grids.rows {
            return Err(format!("The canvas of {rows} pixels is smaller than the samples, {}.", grids.rows));
        }
        let extent = Extent { channels: 1, rows, columns };
        let groups = section.groups.iter().map(|&name| group(name, extent)).collect::<Result<Vec<_>, _>>()?;
        let sample = |&index: &usize| Sample {
            counts: centred(&grids.counts[index], [grids.rows, grids.columns], [rows, columns]),
            label: grids.labels[index],
        };
        let limit = if section.samples == 0 { grids.train.len() } else { section.samples };
        let upright: Vec<Sample> = grids.train.iter().take(limit).map(sample).collect();
        let test: Vec<Sample> = grids.test.iter().map(sample).collect();
        let train_moved = moved(&upright, &groups, extent, SEED + 1, device);
        let test_moved = moved(&test, &groups, extent, SEED, device);
        Ok(Self {
            rows,
            columns,
            classes: grids.classes.clone(),
            rate_hz: grids.rate_hz,
            per_count: grids.per_count,
            unit: grids.unit.clone(),
            train: if section.posed { train_moved.samples.clone() } else { upright.clone() },
            recorded: upright,
            train_moved,
            test,
            test_moved,
        })
    }

    /// Of a sample.
    pub fn extent(&self) -> Extent {
        Extent { channels: 1, rows: self.rows, columns: self.columns }
    }
}

/// Counts `[B, 1, rows, columns]`, each times `unit`.
pub fn tensor<S: AsRef<[i16]>>(samples: &[S], extent: Extent, unit: f32, device: &Device) -> Tensor<4> {
    let numbers: Vec<f32> =
        samples.iter().flat_map(|sample| sample.as_ref().iter().map(|&count| f32::from(count) * unit)).collect();
    let shape = [samples.len(), extent.channels, extent.rows, extent.columns];
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

/// Rows of a tensor.
pub fn rows(tensor: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, width] = tensor.dims();
    let numbers = tensor.into_data().try_to_vec::<f32>().expect("the networks compute in f32");
    numbers.chunks(width.max(1)).map(<[f32]>::to_vec).collect()
}

/// Each sample under its own elements.
fn moved(samples: &[Sample], groups: &[Box<dyn Group>], extent: Extent, seed: u64, device: &Device) -> Moved {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut result = Moved { samples: Vec::with_capacity(samples.len()), elements: vec![Vec::new(); groups.len()] };
    for some in samples.chunks(500) {
        let mut x = tensor(some, extent, 1.0, device);
        for (group, elements) in groups.iter().zip(&mut result.elements).rev() {
            let g = draw(&**group, some.len(), &mut rng, device);
            elements.extend(rows(g.clone()));
            x = group.act(g, x);
        }
        let counts = rows(x.flatten::<2>(1, 3));
        result.samples.extend(counts.into_iter().zip(some).map(|(counts, sample)| Sample {
            counts: counts.into_iter().map(|count| count.round() as i16).collect(),
            label: sample.label,
        }));
    }
    result
}

/// The sample in the middle of a larger canvas of zeros.
pub fn centred(counts: &[i16], [h, w]: [usize; 2], [rows, columns]: [usize; 2]) -> Vec<i16> {
    let mut canvas = vec![0; rows * columns];
    let (top, left) = ((rows - h) / 2, (columns - w) / 2);
    for (row, from) in counts.chunks(w).enumerate() {
        canvas[(top + row) * columns + left..][..w].copy_from_slice(from);
    }
    canvas
}
