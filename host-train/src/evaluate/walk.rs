//! Where samples are in a latent space, and whether actions lead from one to the next: hit-rates.
//!
//! In groups of exactly 32 walks, each walk's first point is moved by its actions, and hits if of the 32 points that the
//! network says of the last frames its own is the nearest (Marchetti et al. 2023, arXiv 2207.03116). Distance is that of
//! poses, squared, plus one minus the cosine of the codes.

/// Walks among which a sample is looked for.
pub const AMONG: usize = 32;

/// Where a sample is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// The code, of length one; empty for a latent space without.
    pub code: Vec<f32>,
    /// The pose, rows of a set of elements; or the one latent vector.
    pub elements: Vec<Vec<f32>>,
}

impl Point {
    /// Everything, in a row.
    pub fn numbers(&self) -> Vec<f32> {
        self.code.iter().chain(self.elements.iter().flatten()).copied().collect()
    }

    /// How far two points are apart.
    pub fn distance(&self, other: &Self) -> f32 {
        let cosine: f32 = self.code.iter().zip(&other.code).map(|(x, y)| x * y).sum();
        let codes = if self.code.is_empty() { 0.0 } else { 1.0 - cosine };
        self.pose_distance(other) + codes
    }

    /// How far the poses of two points are apart, squared; of sets as Chamfer has it.
    pub fn pose_distance(&self, other: &Self) -> f32 {
        let mean = |from: &[Vec<f32>], to: &[Vec<f32>]| {
            let nearest = |x: &Vec<f32>| to.iter().map(|y| squared(x, y)).fold(f32::INFINITY, f32::min);
            from.iter().map(nearest).sum::<f32>() / from.len().max(1) as f32
        };
        (mean(&self.elements, &other.elements) + mean(&other.elements, &self.elements)) / 2.0
    }
}

fn squared(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum()
}

/// The share of points that hit. What does not fill a group of [`AMONG`] is left out; NaN if none does.
pub fn hit_rate(moved: &[Point], found: &[Point]) -> f64 {
    let groups = moved.as_chunks::<AMONG>().0.iter().zip(found.as_chunks::<AMONG>().0);
    let (mut hits, mut all) = (0, 0);
    for (moved, found) in groups {
        for (own, point) in moved.iter().enumerate() {
            let distances: Vec<f32> = found.iter().map(|other| point.distance(other)).collect();
            // One that is as near as another is no hit: a network that says the same of all finds nothing.
            let others = distances.iter().enumerate().filter(|(other, _)| *other != own);
            hits += usize::from(others.into_iter().all(|(_, distance)| *distance > distances[own]));
            all += 1;
        }
    }
    f64::from(hits as u32) / f64::from(all as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(offset: f32) -> Vec<Point> {
        let point = |i: usize| Point { code: vec![1.0, 0.0], elements: vec![vec![i as f32 + offset]] };
        (0..2 * AMONG + 5).map(point).collect()
    }

    #[test]
    fn a_hit_is_nearer_than_all_others() {
        assert_eq!(hit_rate(&points(0.4), &points(0.0)), 1.0);
        // The last of each group has nothing behind it.
        assert_eq!(hit_rate(&points(0.6), &points(0.0)), 1.0 / AMONG as f64);
        let same = vec![Point { code: vec![1.0], elements: vec![vec![0.0]] }; AMONG];
        assert_eq!(hit_rate(&same, &same), 0.0);
        assert!(hit_rate(&same[1..], &same[1..]).is_nan());
    }

    #[test]
    fn codes_and_sets_count() {
        let point = |code: [f32; 2], elements: &[f32]| Point {
            code: code.to_vec(),
            elements: elements.iter().map(|x| vec![*x]).collect(),
        };
        let (a, b) = (point([1.0, 0.0], &[0.0, 2.0]), point([0.0, 1.0], &[2.0, 0.0]));
        assert_eq!((a.pose_distance(&b), a.distance(&b)), (0.0, 1.0));
        // Each of a has a zero near it, and one of two of b has nothing.
        let c = point([1.0, 0.0], &[0.0, 0.0]);
        assert_eq!(a.distance(&c), (4.0 / 2.0 + 0.0) / 2.0);
    }
}
