//! Random rotations of recorded windows.
//!
//! A rotation matrix acts on each sample's acceleration and angular rate alike:
//! `y[s] = R · x[s]`. Uniform means uniform over SO(3) (Haar measure).

use gimbal_core::group::so3::Rotation;
use rand::RngExt;

/// A 3 × 3 matrix by rows.
pub type Matrix = [[f32; 3]; 3];

/// A uniformly random unit quaternion `[w, x, y, z]`.
///
/// Drawn by rejection from the 4-ball: only exact arithmetic and one root, so every machine draws
/// the same rotations from the same seed.
pub fn random_quaternion(rng: &mut impl RngExt) -> [f32; 4] {
    loop {
        let q: [f32; 4] = std::array::from_fn(|_| rng.random_range(-1.0..1.0f32));
        let squared: f32 = q.iter().map(|c| c * c).sum();
        if (0.01..=1.0).contains(&squared) {
            let length = squared.sqrt();
            return q.map(|c| c / length);
        }
    }
}

/// The matrix of a unit quaternion `[w, x, y, z]`: core's.
pub fn matrix(quaternion: [f32; 4]) -> Matrix {
    Rotation::from_quaternion(quaternion).rows()
}

/// The product `a·b` of two quaternions `[w, x, y, z]`: first b turns, then a.
pub fn product([a, b, c, d]: [f32; 4], [e, f, g, h]: [f32; 4]) -> [f32; 4] {
    [
        a * e - b * f - c * g - d * h,
        a * f + b * e + c * h - d * g,
        a * g - b * h + c * e + d * f,
        a * h + b * g - c * f + d * e,
    ]
}

/// A uniformly random rotation.
pub fn random(rng: &mut impl RngExt) -> Matrix {
    matrix(random_quaternion(rng))
}

/// `R · v`.
pub fn turn(r: &Matrix, v: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|i| r[i][0] * v[0] + r[i][1] * v[1] + r[i][2] * v[2])
}

/// Turns `T × 6` counts; each result is rounded to the nearest count and saturates.
pub fn rotate_counts(counts: &[i16], r: &Matrix) -> Vec<i16> {
    let triples = counts.as_chunks::<3>().0.iter();
    triples.flat_map(|v| turn(r, v.map(f32::from)).map(|c| c.round() as i16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Worst absolute error allowed of products of f32 rotations.
    const TOLERANCE: f32 = 1e-5;

    #[test]
    fn matrices_are_orthonormal_and_right_handed() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..1000 {
            let r = random(&mut rng);
            for i in 0..3 {
                for j in 0..3 {
                    let dot: f32 = (0..3).map(|k| r[i][k] * r[j][k]).sum();
                    assert!((dot - f32::from(u8::from(i == j))).abs() < TOLERANCE);
                }
            }
            let [a, b, c] = r;
            let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
            assert!((0..3).all(|i| (cross[i] - c[i]).abs() < TOLERANCE));
        }
    }

    #[test]
    fn the_mean_rotation_vanishes_as_haar_demands() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let n = 20_000;
        let mut sum = [[0f64; 3]; 3];
        let mut angles = 0f64;
        for _ in 0..n {
            let r = random(&mut rng);
            for i in 0..3 {
                for j in 0..3 {
                    sum[i][j] += f64::from(r[i][j]) / f64::from(n);
                }
            }
            let cosine = f64::from((r[0][0] + r[1][1] + r[2][2] - 1.0) / 2.0);
            angles += cosine.clamp(-1.0, 1.0).acos().to_degrees() / f64::from(n);
        }
        assert!(sum.iter().flatten().all(|mean| mean.abs() < 0.02), "{sum:?}");
        // The mean angle of a uniform rotation is π/2 + 2/π radians.
        assert!((angles - 126.48).abs() < 1.0, "{angles}");
    }

    #[test]
    fn lengths_survive_and_saturation_does_not_wrap() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let counts = [3000, -200, 1000, 40, 500, -7];
        let turned = rotate_counts(&counts, &random(&mut rng));
        let length = |v: &[i16]| v.iter().map(|&c| f32::from(c).powi(2)).sum::<f32>().sqrt();
        for half in [0..3, 3..6] {
            // Three roundings of half a count each.
            let error = length(&turned[half.clone()]) - length(&counts[half]);
            assert!(error.abs() < 0.87, "{error}");
        }
        let quarter = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        assert_eq!(rotate_counts(&[0, i16::MIN, 5], &quarter), [i16::MAX, 0, 5]);
    }
}
