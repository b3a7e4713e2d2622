//! Packages of images, rings and signals, one for each frame of core's. Their weights are random and their poses
//! arbitrary: what counts is that every machine finds the same ones.

use crate::bench::package::shift;
use crate::builder::{Builder, clamped};
use gimbal_core::format::{Chart, Dtype, FieldKind, NONE, PoseHead, Role, TensorId};
use gimbal_core::kernel::{Operands, Operator, Pool, Pooling, QuantizeFeatures, Window};
use gimbal_train::package::{Contract, ContractField};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A package's charts, and what its windows are.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Of its pose heads.
    pub charts: &'static [Chart],
    /// Of its only field.
    pub kind: FieldKind,
    /// Rows of a window.
    pub rows: u16,
    /// Columns of a window.
    pub columns: u16,
}

/// Every frame that moves no vectors, on small windows.
pub const GRIDS: [Grid; 7] = [
    Grid { charts: &[Chart::Direction], kind: FieldKind::Row, rows: 8, columns: 9 },
    Grid { charts: &[Chart::TwoVectors], kind: FieldKind::Row, rows: 7, columns: 7 },
    Grid { charts: &[Chart::Argmax], kind: FieldKind::Row, rows: 9, columns: 9 },
    Grid { charts: &[Chart::Centroid], kind: FieldKind::Row, rows: 10, columns: 6 },
    Grid { charts: &[Chart::Centroid, Chart::Direction], kind: FieldKind::Row, rows: 8, columns: 8 },
    Grid { charts: &[Chart::Argmax], kind: FieldKind::Ring, rows: 12, columns: 5 },
    Grid { charts: &[Chart::Phase], kind: FieldKind::Scalar, rows: 30, columns: 1 },
];

const THREE: Window = Window { size: [3, 3], padding: [1, 1], ..Window::POINT };
/// Symmetric.
const SIGNED: (i16, i16) = (-32767, 32767);

/// A small valid package; the same seed gives the same bytes.
///
/// Each ψ: quantize_features to 16 bits, conv, and a sum but for a centroid. η: quantize_features, dense to a code of 8.
#[must_use]
pub fn grid_package(seed: u64, grid: Grid) -> Vec<u8> {
    let mut b = Builder::new(seed, contract(grid));
    let Grid { rows, columns, .. } = grid;
    let canonical = b.tensor(Dtype::I16, [1, rows, columns]);
    let mut input = NONE;
    for &chart in grid.charts {
        psi(&mut b, grid, chart, input);
        if input == NONE {
            b.parts.canonical(canonical);
        }
        input = canonical;
    }
    let features = b.tensor_at(Dtype::I8, [rows, columns, 1], 3);
    let code = b.tensor(Dtype::I8, [1, 1, 8]);
    quantize(&mut b, canonical, features);
    let all = Window { size: [rows, columns], ..Window::POINT };
    b.conv(features, code, all, -3000..=3000, clamped(shift(&all, 1), 0, (-128, 127)));
    b.parts.network(Role::Eta, code);
    b.parts.encode().expect("the parts fit together")
}

/// Windows for it: noise, brighter in the middle.
#[must_use]
pub fn grid_windows(seed: u64, grid: Grid, count: usize) -> Vec<Vec<i16>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let Grid { rows, columns, .. } = grid;
    let bell = |at: u16, side: u16| (f32::from(at) - f32::from(side) / 2.0).abs() / f32::from(side);
    let mut number = |row, column| {
        let bright = 6000.0 * (1.0 - bell(row, rows)) * (1.0 - bell(column, columns));
        (bright * rng.random_range(-0.2..1.0)) as i16
    };
    let mut window = |_| (0..rows * columns).map(|at| number(at / columns, at % columns)).collect();
    (0..count).map(&mut window).collect()
}

fn contract(Grid { kind, rows, columns, .. }: Grid) -> Contract {
    let field = ContractField { name: "ink".into(), unit: "1".into(), per_count: 1.0, kind, width: columns.into() };
    Contract {
        name: "grid".into(),
        rate_hz: 1.0,
        samples: rows.into(),
        hop: rows.into(),
        fields: vec![field],
        classes: vec![],
    }
}

fn psi(b: &mut Builder, Grid { kind, rows, columns, .. }: Grid, chart: Chart, input: TensorId) {
    let numbers = match chart {
        Chart::Direction | Chart::Phase => 2,
        Chart::Argmax if kind == FieldKind::Ring => columns,
        Chart::Centroid => 1,
        _ => 4,
    };
    let map = b.tensor(Dtype::I16, [rows, columns, 1]);
    let filtered = b.tensor(Dtype::I16, [rows, columns, numbers]);
    quantize(b, input, map);
    // Weights of a centroid are not negative.
    let range = if chart == Chart::Centroid { (0, 32767) } else { SIGNED };
    b.conv(map, filtered, THREE, 0..=0, clamped(shift(&THREE, 1), 0, range));
    let vectors = if chart == Chart::Centroid { filtered } else { sum(b, filtered) };
    b.parts.network(Role::Psi, vectors);
    b.parts.pose(PoseHead { reference: 8000.0, minimum: 1.0, chart, vectors });
}

fn quantize(b: &mut Builder, x: TensorId, y: TensorId) {
    let is_wide = b.parts.tensors[usize::from(y)].dtype == Dtype::I16;
    let requantize = if is_wide { clamped(30, 0, SIGNED) } else { clamped(37, 3, (-128, 127)) };
    let operands = Operands::new(x, y);
    b.parts.push(Operator::QuantizeFeatures(QuantizeFeatures { operands, requantize, multipliers: [1 << 30; 4] }));
}

/// Each channel over the whole window.
fn sum(b: &mut Builder, x: TensorId) -> TensorId {
    let [rows, columns, channels] = b.shape(x);
    let y = b.tensor(Dtype::I32, [1, 1, channels]);
    b.parts.push(Operator::Pool(Pool {
        operands: Operands::new(x, y),
        window: Window { size: [rows, columns], ..Window::POINT },
        requantize: clamped(1, 0, SIGNED),
        multiplier: 1,
        pooling: Pooling::Sum.code(),
        reserved: 0,
    }));
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::group::Frame;
    use gimbal_core::{Model, Outcome, Session};
    use std::collections::BTreeSet;

    #[test]
    fn every_frame_is_there_and_finds_different_poses() {
        let mut frames = BTreeSet::from(["so3::FRAME", "so3::UPRIGHT", "o3::FRAME"]);
        for grid in GRIDS {
            let package = grid_package(1, grid);
            let model = Model::from_bytes(&package).unwrap();
            frames.extend(model.frames().map(|frame| frame.path()));
            let mut arena = vec![0; model.arena_len() / 4];
            let mut session = Session::new(model, &mut arena).unwrap();
            let mut poses = BTreeSet::new();
            for window in grid_windows(1, grid, 8) {
                let Outcome::Encoded(found) = session.run(&window).unwrap() else { panic!("no pose: {grid:?}") };
                poses.insert(found.pose.unwrap().element.numbers().map(f32::to_bits));
                // Where the greatest score becomes the least, if weights of places may become nothing.
                let negative: Vec<i16> = window.iter().map(|count| -count).collect();
                if let Outcome::Encoded(found) = session.run(&negative).unwrap() {
                    poses.insert(found.pose.unwrap().element.numbers().map(f32::to_bits));
                }
            }
            assert!(poses.len() > 1, "{grid:?}: always the same pose");
            let zeros = vec![0; usize::from(grid.rows * grid.columns)];
            assert!(matches!(session.run(&zeros), Ok(Outcome::Degenerate(_))), "{grid:?}");
        }
        // Three more are of points, and seven are told, see `told`.
        assert_eq!(frames.len() + 3 + 7, Frame::ALL.len());
    }
}
