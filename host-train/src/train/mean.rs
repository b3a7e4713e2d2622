//! The mean of poses: the element whose squared chordal distances to theirs are least.
//!
//! The distance of two elements is that of their matrices, so the mean is the element nearest to the sum of the matrices.
//! There is none where poses cancel out.

use crate::data::rotation::Matrix;

/// One sample among so many decides nothing.
const CROWD: f64 = 1000.0;

/// The mean of angles, rows `(cos, sin)`: the direction of their sum. None where rows are no angles, or have no mean.
pub fn of_angles(poses: &[Vec<f32>]) -> Option<[f32; 2]> {
    let mut sum = [0.0; 2];
    for pose in poses {
        let &[cos, sin] = &pose[..] else { return None };
        sum = [sum[0] + f64::from(cos), sum[1] + f64::from(sin)];
    }
    let length = sum[0].hypot(sum[1]);
    (length > poses.len() as f64 / CROWD).then(|| sum.map(|part| (part / length) as f32))
}

/// The mean of rotations as a unit quaternion `[w, x, y, z]`, w not negative. None where they have no mean.
///
/// Formula: `tr(R(q)ᵀ·S) = qᵀ·K·q` for the sum S, so q is the eigenvector of K's largest eigenvalue. (Horn,
/// *Closed-form solution of absolute orientation using unit quaternions*, 1987.)
pub fn of_rotations(poses: &[Matrix]) -> Option<[f32; 4]> {
    let mut sum = [[0.0; 3]; 3];
    for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
        sum[i][j] = poses.iter().map(|pose| f64::from(pose[i][j])).sum();
    }
    let [[a, b, c], [d, e, f], [g, h, i]] = sum;
    let (values, vectors) = eigen([
        [a + e + i, h - f, c - g, d - b],
        [h - f, a - e - i, b + d, c + g],
        [c - g, b + d, e - a - i, f + h],
        [d - b, c + g, f + h, i - a - e],
    ]);
    let mut order = [0, 1, 2, 3];
    order.sort_by(|&i, &j| values[j].total_cmp(&values[i]));
    let [first, second, ..] = order;
    // Of one rotation, the largest eigenvalue is 3 and the others are −1.
    let clear = (values[first] - values[second]) / 4.0 > poses.len() as f64 / CROWD;
    let quaternion = vectors.map(|row| row[first]);
    // A quaternion and its negative are one rotation.
    let length = quaternion.iter().map(|part| part * part).sum::<f64>().sqrt().copysign(quaternion[0]);
    clear.then(|| quaternion.map(|part| (part / length) as f32))
}

/// Eigenvalues of a symmetric matrix and, by columns, its eigenvectors: Jacobi's rotations.
fn eigen(mut a: [[f64; 4]; 4]) -> ([f64; 4], [[f64; 4]; 4]) {
    /// What is not on the diagonal vanishes quadratically: after six sweeps nothing is left of it.
    const SWEEPS: usize = 10;
    let mut vectors = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
    for (p, q) in pairs.into_iter().cycle().take(SWEEPS * pairs.len()) {
        if a[p][q] == 0.0 {
            continue;
        }
        let slope = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
        let tan = 1f64.copysign(slope) / (slope.abs() + slope.hypot(1.0));
        let cos = tan.hypot(1.0).recip();
        let turned = |x: f64, y: f64| (cos * (x - tan * y), cos * (y + tan * x));
        for row in a.iter_mut().chain(&mut vectors) {
            (row[p], row[q]) = turned(row[p], row[q]);
        }
        let columns = a[p].into_iter().zip(a[q]).map(|(x, y)| turned(x, y));
        let rows: (Vec<f64>, Vec<f64>) = columns.unzip();
        a[p].copy_from_slice(&rows.0);
        a[q].copy_from_slice(&rows.1);
    }
    (std::array::from_fn(|i| a[i][i]), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rotation::{matrix, random};
    use gimbal_core::group::Group;
    use gimbal_core::group::so3::Rotation;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// For entries of rotations in f32.
    const TOLERANCE: f32 = 2e-6;

    fn farthest(a: Matrix, b: Matrix) -> f32 {
        a.iter().flatten().zip(b.iter().flatten()).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
    }

    fn about(axis: [f32; 3], degrees: f32) -> Rotation {
        let (sin, cos) = (degrees / 2.0).to_radians().sin_cos();
        Rotation::from_quaternion([cos, sin * axis[0], sin * axis[1], sin * axis[2]])
    }

    #[test]
    fn the_mean_of_angles_is_that_of_directions() {
        let poses = |degrees: &[f32]| -> Vec<Vec<f32>> {
            degrees.iter().map(|degrees| [degrees.to_radians().cos(), degrees.to_radians().sin()].to_vec()).collect()
        };
        let [cos, sin] = of_angles(&poses(&[350.0, 10.0, 30.0])).unwrap();
        assert!((sin.atan2(cos).to_degrees() - 10.0).abs() < 1e-3);
        assert_eq!(of_angles(&poses(&[0.0, 180.0])), None);
        assert_eq!(of_angles(&[vec![1.0, 0.0, 0.0]]), None);
        assert_eq!(of_angles(&[]), None);
    }

    #[test]
    fn the_mean_of_one_rotation_is_that_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..1000 {
            let r = random(&mut rng);
            let mean = of_rotations(&[r, r]).unwrap();
            assert!(mean[0] >= 0.0);
            assert!(farthest(matrix(mean), r) <= TOLERANCE, "{mean:?}");
        }
        // Half turns, where the quaternion's first part is nothing.
        for axis in [[1.0, 0.0, 0.0], [0.0, 0.6, 0.8], [-0.6, 0.0, 0.8]] {
            let r = about(axis, 180.0).rows();
            assert!(farthest(matrix(of_rotations(&[r]).unwrap()), r) <= TOLERANCE);
        }
    }

    /// Turns to all sides of some rotation cancel out; so do they about an axis, and on both sides of the mean.
    #[test]
    fn what_lies_around_a_rotation_has_it_as_its_mean() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for degrees in [1.0, 40.0, 100.0] {
            let middle = Rotation::from_quaternion(crate::data::rotation::random_quaternion(&mut rng));
            let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.6, 0.8]];
            let around = axes.iter().flat_map(|&axis| [degrees, -degrees].map(|degrees| about(axis, degrees)));
            let poses: Vec<Matrix> = around.map(|turn| middle.compose(turn).rows()).collect();
            assert!(farthest(matrix(of_rotations(&poses).unwrap()), middle.rows()) <= TOLERANCE, "{degrees}");
        }
    }

    /// The mean moves with the poses, from the left and from the right, and none other is nearer.
    #[test]
    fn the_mean_is_the_nearest_rotation_and_moves_with_the_poses() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..50 {
            let [g, h, middle] =
                [(); 3].map(|()| Rotation::from_quaternion(crate::data::rotation::random_quaternion(&mut rng)));
            let near = (0..20).map(|_| about(random(&mut rng)[0], 30.0));
            let poses: Vec<Rotation> = near.map(|turn| middle.compose(turn)).collect();
            let rows = |poses: &[Rotation]| poses.iter().map(Rotation::rows).collect::<Vec<_>>();
            let mean = Rotation::from_quaternion(of_rotations(&rows(&poses)).unwrap());
            let moved: Vec<_> = poses.iter().map(|&pose| g.compose(pose).compose(h)).collect();
            let expected = g.compose(mean).compose(h).rows();
            assert!(farthest(matrix(of_rotations(&rows(&moved)).unwrap()), expected) <= 5.0 * TOLERANCE);
            let cost = |of: &Rotation| -> f64 {
                let squares = |pose: &Rotation| {
                    let pairs = of.rows().into_iter().flatten().zip(pose.rows().into_iter().flatten());
                    pairs.map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>()
                };
                poses.iter().map(squares).sum()
            };
            for axis in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] {
                assert!([-2.0, 2.0].iter().all(|&degrees| cost(&mean) < cost(&mean.compose(about(axis, degrees)))));
            }
        }
    }

    #[test]
    fn rotations_that_cancel_out_have_no_mean() {
        let turns = |axis, degrees: &[f32]| degrees.iter().map(|&by| about(axis, by).rows()).collect::<Vec<_>>();
        let z = [0.0, 0.0, 1.0];
        assert_eq!(of_rotations(&turns(z, &[0.0, 180.0])), None);
        assert_eq!(of_rotations(&turns(z, &[0.0, 90.0, 180.0, 270.0])), None);
        assert_eq!(of_rotations(&turns(z, &[0.0, 120.0, 240.0])), None);
        assert_eq!(of_rotations(&[]), None);
        assert!(of_rotations(&turns(z, &[0.0, 90.0, 180.0])).is_some());
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let uniform: Vec<Matrix> = (0..200_000).map(|_| random(&mut rng)).collect();
        // As many as these leave a sum of about √n.
        assert_eq!(of_rotations(&uniform), None);
    }
}
