//! Packages with each chart of core, small and made by hand.
//!
//! Images and rings meet networks that go with their group exactly: convolutions over quarter turns, written out as
//! plain ones, and circular convolutions. Vectors meet one that goes with the inversion exactly, as vectors and
//! pseudo-vectors apart do. So what a session finds in a window and in a moved one is compared with `==`.

use crate::builder::{Builder, clamped};
use gimbal_core::format::{Chart, Dtype, FieldKind, NONE, PoseHead, Role, TensorId};
use gimbal_core::kernel::{
    Concat, Conv, CrossProduct, Operands, Operator, Pool, Pooling, QuantizeFeatures, QuantizeVectors, Rearrange, Tiles,
    Window,
};
use gimbal_core::quant::Requantize;
use gimbal_train::nn::Symmetry;
use gimbal_train::package::{Contract, ContractField, Parts};
use gimbal_train::quantize::turns::{TURNS, TurningFilters};
use rand::RngExt;

/// Pixels along each side of an image.
pub const SIDE: u16 = 8;
/// Electrodes of a ring.
pub const PLACES: u16 = 8;
/// Samples in a window of a ring or of a signal.
pub const PERIOD: u16 = 16;

const BYTE: (i16, i16) = (-128, 127);
/// Symmetric, as vectors are.
const HALVES: (i16, i16) = (-32767, 32767);

/// What a package finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed {
    /// How an image is turned.
    Direction,
    /// How it is turned and reflected.
    TwoVectors,
    /// By how many quarters it is turned.
    Quarters,
    /// Where it is.
    Centroid,
    /// Where it is, and then how it is turned.
    Rigid,
    /// How two rings are turned that stand side by side.
    Ring,
    /// How late a period of two channels begins.
    Phase,
    /// How accelerations and angular rates are turned and reflected.
    ThreeVectors,
}

impl Framed {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Direction,
        Self::TwoVectors,
        Self::Quarters,
        Self::Centroid,
        Self::Rigid,
        Self::Ring,
        Self::Phase,
        Self::ThreeVectors,
    ];

    /// A package; the same seed gives the same bytes.
    ///
    /// # Panics
    /// Where core refuses it.
    #[must_use]
    pub fn package(self, seed: u64) -> Vec<u8> {
        self.parts(seed, [SIDE; 2]).encode().expect("the parts fit together")
    }

    /// What it is made of, for images of so many rows and columns.
    #[must_use]
    pub fn parts(self, seed: u64, sides: [u16; 2]) -> Parts {
        let field = |kind, width| ContractField {
            name: "field".into(),
            unit: "1".into(),
            per_count: 1.0,
            kind,
            width: usize::from(width),
        };
        let (samples, fields) = match self {
            Self::Ring => (PERIOD, vec![field(FieldKind::Ring, PLACES); 2]),
            Self::Phase => (PERIOD, vec![field(FieldKind::Scalar, 2)]),
            Self::ThreeVectors => {
                (PERIOD, [FieldKind::Vector, FieldKind::PseudoVector].map(|kind| field(kind, 3)).into())
            }
            _ => (sides[0], vec![field(FieldKind::Row, sides[1])]),
        };
        let channels = fields.iter().map(|field| field.width as u16).sum();
        let samples_of = samples.into();
        let contract =
            Contract { name: "framed".into(), rate_hz: 1.0, samples: samples_of, hop: 1, fields, classes: Vec::new() };
        let mut b = Framing { builder: Builder::new(seed, contract), window: [samples, channels] };
        match self {
            Self::Direction => {
                let vector = b.turning(NONE, QUARTERS, Some(&[&X, &Y]));
                b.pose(Chart::Direction, vector);
            }
            Self::TwoVectors => {
                // The columns of each way's matrix. A flip turns the first around.
                let (flipped_x, flipped_y) = (X.map(i8::wrapping_neg), Y.map(i8::wrapping_neg));
                let columns = [[X, flipped_x], [Y, flipped_y], [flipped_y, flipped_y], [X, X]].map(|row| row.concat());
                let vectors = b.turning(NONE, MIRRORED_QUARTERS, Some(&columns.each_ref().map(Vec::as_slice)));
                b.pose(Chart::TwoVectors, vectors);
            }
            Self::Quarters => {
                let scores = b.turning(NONE, QUARTERS, None);
                b.pose(Chart::Argmax, scores);
            }
            Self::Centroid | Self::Rigid => {
                let map = b.image(NONE);
                b.pose(Chart::Centroid, map);
            }
            Self::Ring => {
                let scores = b.ring();
                b.pose(Chart::Argmax, scores);
            }
            Self::Phase => {
                let coefficient = b.fourier();
                b.pose(Chart::Phase, coefficient);
            }
            Self::ThreeVectors => {
                let vectors = b.handed();
                b.pose(Chart::ThreeVectors, vectors);
            }
        }
        let canonical = b.builder.tensor(Dtype::I16, [1, samples, channels]);
        b.builder.parts.canonical(canonical);
        if self == Self::Rigid {
            let vector = b.turning(canonical, QUARTERS, Some(&[&X, &Y]));
            b.pose(Chart::Direction, vector);
        }
        let features = b.builder.tensor(Dtype::I8, [1, samples, channels]);
        b.quantize(canonical, features);
        let code = b.builder.tensor(Dtype::I8, [1, 1, channels]);
        b.builder.pool(features, code, Pooling::Mean, clamped(30, 0, BYTE));
        b.builder.parts.network(Role::Eta, code);
        b.builder.parts
    }
}

/// How much each turn of a map is worth in x and in y, in eighths.
const X: [i8; TURNS] = [8, 0, -8, 0];
const Y: [i8; TURNS] = [0, 8, 0, -8];

const QUARTERS: Symmetry = Symmetry::turns(TURNS);
const MIRRORED_QUARTERS: Symmetry = Symmetry { mirrored: true, ..QUARTERS };

struct Framing {
    builder: Builder,
    /// Samples and channels.
    window: [u16; 2],
}

impl Framing {
    fn pose(&mut self, chart: Chart, vectors: TensorId) {
        self.builder.parts.network(Role::Psi, vectors);
        self.builder.parts.pose(PoseHead { reference: 100.0, minimum: 1.0, chart, vectors });
    }

    /// Eighths of counts.
    fn quantize(&mut self, from: TensorId, to: TensorId) {
        self.builder.parts.push(Operator::QuantizeFeatures(QuantizeFeatures {
            operands: Operands::new(from, to),
            multipliers: [1 << 30; 4],
            requantize: clamped(33, 0, BYTE),
        }));
    }

    /// A window as an image, the caller's or the canonical one.
    fn image(&mut self, source: TensorId) -> TensorId {
        let [rows, columns] = self.window;
        let image = self.builder.tensor(Dtype::I8, [rows, columns, 1]);
        self.quantize(source, image);
        image
    }

    /// Two convolutions over quarter turns, of which the second gives a map for each way: their sums, or combinations of
    /// these.
    fn turning(&mut self, source: TensorId, symmetry: Symmetry, combinations: Option<&[&[i8]]>) -> TensorId {
        let [rows, columns] = self.window;
        let around = Window { size: [3; 2], padding: [1; 2], ..Window::POINT };
        let image = self.image(source);
        let lifted = self.builder.tensor(Dtype::I8, [rows, columns, 2 * symmetry.order() as u16]);
        let lifting = self.filters([Symmetry::NONE, symmetry], 1, 2).expand();
        self.convolve(image, lifted, around, (&lifting.weights, &lifting.bias), clamped(41, 0, (0, 31)));
        let maps = self.builder.tensor(Dtype::I8, [rows, columns, symmetry.order() as u16]);
        let group = self.filters([symmetry; 2], 2, 1).expand();
        self.convolve(lifted, maps, around, (&group.weights, &group.bias), clamped(40, 0, (0, 63)));
        let Some(combinations) = combinations else { return self.sum(maps, [rows, columns]) };
        // Exact: no rounding would go with a change of the sign.
        let weights: Vec<f32> = combinations.iter().copied().flatten().map(|&weight| weight.into()).collect();
        let combined = self.builder.tensor(Dtype::I8, [rows, columns, combinations.len() as u16]);
        let bias = vec![0.0; combinations.len()];
        self.convolve(maps, combined, Window::POINT, (&weights, &bias), clamped(33, 0, BYTE));
        self.sum(combined, [rows, columns])
    }

    fn filters(&mut self, [symmetry_in, symmetry]: [Symmetry; 2], inputs: usize, outputs: usize) -> TurningFilters {
        let rng = &mut self.builder.rng;
        let mut whole =
            |count, most: i32| (0..count).map(|_| rng.random_range(-most..=most) as f32).collect::<Vec<_>>();
        let (weights, bias) = (whole(outputs * 9 * symmetry_in.order() * inputs, 127), whole(outputs, 3000));
        TurningFilters { size: 3, symmetry, symmetry_in, inputs, weights, bias }
    }

    /// How the first of two rings is turned.
    fn ring(&mut self) -> TensorId {
        let [samples, channels] = self.window;
        let both = self.image(NONE);
        let [first, lines] = [1, 3].map(|count| self.builder.tensor(Dtype::I8, [samples, PLACES, count]));
        let operands = Operands::new(both, first);
        let shape = [samples, PLACES, 1];
        let slice = Rearrange::slice(operands, [samples, channels, 1], [0; 3], [1; 3], shape);
        self.builder.parts.push(Operator::Rearrange(slice));
        let around = Window { size: [1, 3], padding: [0, 1], circular: 2, ..Window::POINT };
        self.builder.conv(first, lines, around, -3000..=3000, clamped(38, 0, (0, 127)));
        let scores = self.builder.tensor(Dtype::I8, shape);
        self.builder.conv(lines, scores, Window::POINT, -3000..=3000, clamped(38, 0, BYTE));
        self.sum(scores, [samples, 1])
    }

    /// The first Fourier coefficient of the first channel.
    fn fourier(&mut self) -> TensorId {
        let [samples, channels] = self.window;
        let signal = self.builder.tensor(Dtype::I8, [1, samples, channels]);
        self.quantize(NONE, signal);
        let angle = |t| std::f32::consts::TAU * f32::from(t) / f32::from(samples);
        let wave = |of: fn(f32) -> f32| (0..samples).flat_map(move |t| [(127.0 * of(angle(t))).round(), 0.0]);
        let weights: Vec<f32> = wave(f32::cos).chain(wave(f32::sin)).collect();
        let coefficient = self.builder.tensor(Dtype::I8, [1, 1, 2]);
        let whole = Window { size: [1, samples], ..Window::POINT };
        self.convolve(signal, coefficient, whole, (&weights, &[0.0; 2]), clamped(41, 0, BYTE));
        self.sum(coefficient, [1; 2])
    }

    /// Three vectors, from vectors p and pseudo-vectors q apart, and from p × q.
    fn handed(&mut self) -> TensorId {
        let [samples, _] = self.window;
        // With multipliers that are no powers of two no sum is half way between two results, and the results of a sum and
        // its negative are negatives, too.
        self.builder.varied = true;
        let [window, features, p, q, products, both, steps] =
            [2, 4, 2, 2, 2, 4, 3].map(|count| self.builder.tensor(Dtype::I16, [3, samples, count]));
        self.builder.parts.push(Operator::QuantizeVectors(QuantizeVectors {
            operands: Operands::new(NONE, window),
            multipliers: [1 << 30, 1 << 30, 0, 0],
            requantize: clamped(30, 0, HALVES),
        }));
        self.builder.group_conv(window, features, Window::across(5, 1, 1, 2), 2, 0..=0, clamped(37, 0, HALVES));
        for (half, start) in [(p, 0), (q, 2)] {
            let operands = Operands::new(features, half);
            let slice = Rearrange::slice(operands, [3, samples, 4], [0, 0, start], [1; 3], [3, samples, 2]);
            self.builder.parts.push(Operator::Rearrange(slice));
        }
        let pair = |inputs, output| Operands { inputs, ..Operands::new(NONE, output) };
        let cross = CrossProduct { operands: pair([p, q], products), multiplier: 1 << 30, shift: 42, reserved: 0 };
        self.builder.parts.push(Operator::CrossProduct(cross));
        let concat = Concat { operands: pair([p, products], both), axis: 2, reserved: 0 };
        self.builder.parts.push(Operator::Concat(concat));
        self.builder.conv(both, steps, Window::POINT, 0..=0, clamped(38, 0, HALVES));
        self.sum(steps, [1, samples])
    }

    /// Sums of each channel over parts of a map of this size, in 32 bits.
    fn sum(&mut self, x: TensorId, size: [u16; 2]) -> TensorId {
        let [rows, columns, channels] = self.builder.shape(x);
        let y = self.builder.tensor(Dtype::I32, [rows + 1 - size[0], columns + 1 - size[1], channels]);
        self.builder.parts.push(Operator::Pool(Pool {
            operands: Operands::new(x, y),
            window: Window { size, ..Window::POINT },
            requantize: clamped(1, 0, BYTE),
            multiplier: 0,
            pooling: Pooling::Sum.code(),
            reserved: 0,
        }));
        y
    }

    /// A convolution with these weights, whole numbers, row by row, and biases.
    fn convolve(
        &mut self,
        x: TensorId,
        y: TensorId,
        window: Window,
        (weights, biases): (&[f32], &[f32]),
        requantize: Requantize,
    ) {
        let tiles = Tiles { rows: biases.len(), columns: weights.len() / biases.len() };
        let mut bytes = vec![0; tiles.len()];
        for (row, (weights, &bias)) in weights.chunks_exact(tiles.columns).zip(biases).enumerate() {
            bytes[tiles.bias(row)..][..4].copy_from_slice(&(bias as i32).to_le_bytes());
            bytes[tiles.multiplier(row)..][..4].copy_from_slice(&(1i32 << 30).to_le_bytes());
            for (column, &weight) in weights.iter().enumerate() {
                bytes[tiles.weight(row, column)] = weight as i8 as u8;
            }
        }
        let [down, across, _] = self.builder.shape(y);
        let columns = tiles.columns.next_multiple_of(4) as u16;
        let scratch = self.builder.tensor(Dtype::I16, [1, (down * across).min(2), columns]);
        let operands = Operands::new(x, y).with_scratch(scratch);
        let weights = self.builder.constants(&bytes);
        self.builder.parts.push(Operator::Conv(Conv { operands, window, requantize, weights, groups: 1, reserved: 0 }));
    }
}
