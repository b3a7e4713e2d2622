//! What makes the packages.

use gimbal_core::format::{ALIGNMENT, Dtype, TensorId};
use gimbal_core::kernel::{Conv, Depthwise, Filters, Operands, Operator, Pool, Pooling, Tiles, Window};
use gimbal_core::quant::Requantize;
use gimbal_train::package::{Contract, Parts};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// A package in the making, and where its weights come from.
pub(crate) struct Builder {
    pub(crate) rng: ChaCha8Rng,
    pub(crate) parts: Parts,
    /// Whether rows and channels have multipliers of their own, from half of what all have otherwise.
    pub(crate) varied: bool,
}

impl Builder {
    /// Nothing yet; the same seed gives the same weights.
    pub(crate) fn new(seed: u64, contract: Contract) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), parts: Parts::new(contract), varied: false }
    }

    pub(crate) fn tensor(&mut self, dtype: Dtype, shape: [u16; 3]) -> TensorId {
        self.tensor_at(dtype, shape, 0)
    }

    /// A tensor with a zero point.
    pub(crate) fn tensor_at(&mut self, dtype: Dtype, shape: [u16; 3], zero_point: i16) -> TensorId {
        self.parts.tensor(dtype, shape, 1.0 / 64.0, zero_point)
    }

    /// A convolution with random weights.
    pub(crate) fn conv(
        &mut self,
        x: TensorId,
        y: TensorId,
        window: Window,
        biases: RangeInclusive<i32>,
        requantize: Requantize,
    ) {
        self.group_conv(x, y, window, 1, biases, requantize);
    }

    /// A convolution in groups.
    pub(crate) fn group_conv(
        &mut self,
        x: TensorId,
        y: TensorId,
        window: Window,
        groups: u16,
        biases: RangeInclusive<i32>,
        requantize: Requantize,
    ) {
        let [x_shape, y_shape] = [x, y].map(|id| self.shape(id));
        let columns = usize::from(window.size[0] * window.size[1] * x_shape[2] / groups);
        let matrices: Vec<u32> =
            (0..groups).map(|_| self.matrix((y_shape[2] / groups).into(), columns, biases.clone(), 1 << 30)).collect();
        let points = (y_shape[0] * y_shape[1]).min(2);
        let scratch = self.tensor(Dtype::I16, [1, points, columns.next_multiple_of(4) as u16]);
        let operands = Operands::new(x, y).with_scratch(scratch);
        let weights = matrices[0];
        self.parts.push(Operator::Conv(Conv { operands, window, requantize, weights, groups, reserved: 0 }));
    }

    /// A depthwise convolution with random weights.
    pub(crate) fn depthwise(
        &mut self,
        x: TensorId,
        y: TensorId,
        window: Window,
        biases: RangeInclusive<i32>,
        requantize: Requantize,
    ) {
        let filters = Filters { taps: usize::from(window.size[0] * window.size[1]), channels: self.shape(y)[2].into() };
        let mut bytes = vec![0; filters.len()];
        for channel in 0..filters.channels {
            bytes[filters.bias(channel)..][..4].copy_from_slice(&self.rng.random_range(biases.clone()).to_le_bytes());
            bytes[filters.multiplier(channel)..][..4].copy_from_slice(&self.multiplier(1 << 30).to_le_bytes());
            for tap in 0..filters.taps {
                bytes[filters.weight(tap, channel)] = self.rng.random_range(-127i8..=127) as u8;
            }
        }
        let weights = self.constants(&bytes);
        let scratch = self.tensor(Dtype::I32, [1, 1, filters.taps as u16]);
        let operands = Operands::new(x, y).with_scratch(scratch);
        self.parts.push(Operator::Depthwise(Depthwise { operands, window, requantize, weights }));
    }

    /// Pools each channel over all samples.
    pub(crate) fn pool(&mut self, x: TensorId, y: TensorId, pooling: Pooling, requantize: Requantize) {
        let [_, samples, _] = self.shape(x);
        self.parts.push(Operator::Pool(Pool {
            operands: Operands::new(x, y),
            window: Window::across(samples, 1, 1, 0),
            requantize,
            multiplier: (1 << 30) / i32::from(samples),
            pooling: pooling.code(),
            reserved: 0,
        }));
    }

    /// Random weights, and biases of the range; returns where they stand.
    pub(crate) fn matrix(&mut self, rows: usize, columns: usize, biases: RangeInclusive<i32>, multiplier: i32) -> u32 {
        let tiles = Tiles { rows, columns };
        let mut bytes = vec![0; tiles.len()];
        for row in 0..rows {
            bytes[tiles.bias(row)..][..4].copy_from_slice(&self.rng.random_range(biases.clone()).to_le_bytes());
            bytes[tiles.multiplier(row)..][..4].copy_from_slice(&self.multiplier(multiplier).to_le_bytes());
            for column in 0..columns {
                bytes[tiles.weight(row, column)] = self.rng.random_range(-127i8..=127) as u8;
            }
        }
        self.constants(&bytes)
    }

    /// Appends constants to the blob and returns where they stand.
    pub(crate) fn constants(&mut self, bytes: &[u8]) -> u32 {
        let blob = &mut self.parts.blob;
        blob.resize(blob.len().next_multiple_of(ALIGNMENT), 0);
        let start = blob.len();
        blob.extend(bytes);
        start as u32
    }

    /// A table of exponentials, each so much smaller than the one before.
    pub(crate) fn exponentials(&mut self) -> u32 {
        let table = std::iter::successors(Some(1u32 << 15), |&x| Some((x * 62_000) >> 16)).take(256);
        let bytes: Vec<u8> = table.flat_map(|x| (x as u16).to_le_bytes()).collect();
        self.constants(&bytes)
    }

    /// A table in which every element stands once, so that no difference gets lost.
    pub(crate) fn shuffled(&mut self) -> u32 {
        let mut table: Vec<u8> = (0..=u8::MAX).collect();
        table.shuffle(&mut self.rng);
        self.constants(&table)
    }

    pub(crate) fn shape(&self, id: TensorId) -> [u16; 3] {
        self.parts.tensors[usize::from(id)].shape
    }

    fn multiplier(&mut self, largest: i32) -> i32 {
        if self.varied { self.rng.random_range(largest / 2..=largest) } else { largest }
    }
}

/// A requantization with a clamp.
pub(crate) fn clamped(shift: u16, zero_point: i16, (min, max): (i16, i16)) -> Requantize {
    Requantize { shift, zero_point, min, max }
}
