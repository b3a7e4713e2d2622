//! The plane in which points differ most: principal components (Pearson, 1901), by power iteration with deflation.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Iterations an axis at most. Axes that are not apart after so many spread the points alike, and either will do.
const ITERATIONS: usize = 1000;
/// How little an axis of length 1 must change to be taken.
const STILL: f64 = 1e-12;

/// A plane through the middle of some points.
#[derive(Debug)]
pub(super) struct Plane {
    mean: Vec<f64>,
    /// Unit vectors, or zeros where the points do not differ in another direction. The greatest entry is positive.
    axes: [Vec<f64>; 2],
    /// What share of the points' variance lies along each axis, 0 to 1.
    pub(super) shares: [f64; 2],
}

impl Plane {
    /// The plane of points of equal length with finite numbers; `None` of none.
    pub(super) fn of(points: &[&[f32]]) -> Option<Self> {
        let size = points.first()?.len();
        let number = points.len() as f64;
        let mean: Vec<f64> =
            (0..size).map(|i| points.iter().map(|point| value(point, i)).sum::<f64>() / number).collect();
        let product = |i: usize, j: usize| {
            let apart = |point: &[f32], i: usize| value(point, i) - mean.get(i).copied().unwrap_or(0.0);
            points.iter().map(|point| apart(point, i) * apart(point, j)).sum::<f64>() / number
        };
        let mut covariance: Vec<Vec<f64>> = (0..size).map(|i| (0..size).map(|j| product(i, j)).collect()).collect();
        let whole: f64 = covariance.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut next = || {
            let (variance, axis) = greatest(&covariance, (0..size).map(|_| rng.random_range(-1.0..1.0)).collect());
            for (row, a) in covariance.iter_mut().zip(&axis) {
                row.iter_mut().zip(&axis).for_each(|(entry, b)| *entry -= variance * a * b);
            }
            (if whole > 0.0 { variance / whole } else { 0.0 }, axis)
        };
        let ((first, a), (second, b)) = (next(), next());
        Some(Self { mean, axes: [a, b], shares: [first, second] })
    }

    /// Where a point lies in the plane, from the middle.
    pub(super) fn project(&self, point: &[f32]) -> (f64, f64) {
        let along = |axis: &[f64]| {
            point.iter().zip(&self.mean).zip(axis).map(|((p, mean), a)| (f64::from(*p) - mean) * a).sum::<f64>()
        };
        let [a, b] = &self.axes;
        (along(a), along(b))
    }
}

fn value(point: &[f32], at: usize) -> f64 {
    point.get(at).map_or(0.0, |value| f64::from(*value))
}

/// The greatest eigenvalue of a positive semidefinite matrix and its axis; zeros for a matrix of zeros.
fn greatest(matrix: &[Vec<f64>], start: Vec<f64>) -> (f64, Vec<f64>) {
    let zero = (0.0, vec![0.0; start.len()]);
    let times = |axis: &[f64]| -> Vec<f64> {
        matrix.iter().map(|row| row.iter().zip(axis).map(|(m, a)| m * a).sum()).collect()
    };
    let length = |vector: &[f64]| vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    let (mut variance, mut axis) = (0.0, start);
    for _ in 0..ITERATIONS {
        let turned = times(&axis);
        variance = length(&turned);
        if !variance.is_normal() {
            return zero;
        }
        let turned: Vec<f64> = turned.iter().map(|v| v / variance).collect();
        let change = length(&turned.iter().zip(&axis).map(|(a, b)| a - b).collect::<Vec<_>>());
        axis = turned;
        if change < STILL {
            break;
        }
    }
    let greatest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
    axis.iter_mut().for_each(|v| *v *= greatest.signum());
    (variance, axis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    /// Of axes and of shares of variance, whose points are f32.
    const TOLERANCE: f64 = 1e-5;

    proptest! {
        /// Points of an ellipse, around anything: half axes a > b have variances a²/2 and b²/2.
        #[test]
        fn an_ellipse_has_its_own_axes(a in 1.2f64..3.0, angle in 0.0..TAU, x in -9.0f64..9.0, y in -9.0f64..9.0) {
            let (sin, cos) = angle.sin_cos();
            let point = |i: usize| {
                let (v, u) = (TAU * i as f64 / 64.0).sin_cos();
                let (u, v) = (a * u, v);
                // The third number never varies.
                vec![(x + cos * u - sin * v) as f32, (y + sin * u + cos * v) as f32, 7.0]
            };
            let points: Vec<Vec<f32>> = (0..64).map(point).collect();
            let views: Vec<&[f32]> = points.iter().map(|point| &point[..]).collect();
            let plane = Plane::of(&views).unwrap();
            let [first, second] = &plane.axes;
            prop_assert!((first[0] * cos + first[1] * sin).abs() > 1.0 - TOLERANCE);
            prop_assert!((second[1] * cos - second[0] * sin).abs() > 1.0 - TOLERANCE);
            let share = a * a / (a * a + 1.0);
            prop_assert!((plane.shares[0] - share).abs() < TOLERANCE, "{:?} {share}", plane.shares);
            prop_assert!((plane.shares[1] - (1.0 - share)).abs() < TOLERANCE);
            // The end of the long axis is its length away from the middle.
            let (u, v) = plane.project(&points[0]);
            prop_assert!((u.abs() - a).abs() < TOLERANCE && v.abs() < TOLERANCE, "{u} {v}");
        }
    }

    #[test]
    fn points_without_a_second_or_any_direction() {
        let line: Vec<[f32; 2]> = [0.0, 1.0, 2.0].map(|t| [t, 2.0 * t]).to_vec();
        let line: Vec<&[f32]> = line.iter().map(|point| &point[..]).collect();
        let plane = Plane::of(&line).unwrap();
        assert!((plane.shares[0] - 1.0).abs() < TOLERANCE && plane.shares[1].abs() < TOLERANCE, "{:?}", plane.shares);
        let same = Plane::of(&[&[1.0, 2.0], &[1.0, 2.0]]).unwrap();
        assert_eq!((same.shares, same.project(&[1.0, 2.0])), ([0.0; 2], (0.0, 0.0)));
        assert!(Plane::of(&[]).is_none());
        assert_eq!(Plane::of(&[&[]]).unwrap().project(&[]), (0.0, 0.0));
    }
}
