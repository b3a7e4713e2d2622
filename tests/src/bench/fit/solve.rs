//! Least squares whose solutions are not negative: nothing that a kernel does takes less than no instructions.
//!
//! The active set method of Lawson and Hanson (*Solving Least Squares Problems*, 1974, chapter 23), on the
//! normal equations: there are some thirty unknowns at most.

/// Kept away from zero, so that counts that always come together share what they take.
const RIDGE: f64 = 1e-7;
/// Of a correlation with what is left; below, a count explains nothing more.
const TOLERANCE: f64 = 1e-9;

/// The `x ≥ 0` for which the largest part of `rows · x` comes near to 1: `min ‖rows · x − 1‖`.
///
/// All rows have as many numbers.
#[must_use]
pub fn nonnegative(rows: &[Vec<f64>]) -> Vec<f64> {
    let unknowns = rows.first().map_or(0, Vec::len);
    // Columns of equal length, so that none is too small to matter.
    let lengths: Vec<f64> = (0..unknowns).map(|k| rows.iter().map(|row| row[k] * row[k]).sum::<f64>().sqrt()).collect();
    let scaled = |row: &Vec<f64>, k: usize| if lengths[k] > 0.0 { row[k] / lengths[k] } else { 0.0 };
    let product = |j: usize, k: usize| rows.iter().map(|row| scaled(row, j) * scaled(row, k)).sum::<f64>();
    let normal: Vec<Vec<f64>> = (0..unknowns)
        .map(|j| (0..unknowns).map(|k| product(j, k) + if j == k { RIDGE } else { 0.0 }).collect())
        .collect();
    let right: Vec<f64> = (0..unknowns).map(|k| rows.iter().map(|row| scaled(row, k)).sum()).collect();
    let found = active_set(&normal, &right);
    found.iter().zip(&lengths).map(|(x, length)| if *length > 0.0 { x / length } else { 0.0 }).collect()
}

/// `x ≥ 0` that minimizes `½ x·normal·x − right·x`.
fn active_set(normal: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let mut x = vec![0.0; right.len()];
    let mut free: Vec<usize> = vec![];
    // Each turn lowers the sum of squares; the limit is for what rounding may do to that.
    for _ in 0..10 * right.len() {
        let slope = |k: usize| right[k] - dot(&normal[k], &x);
        let bound = (0..right.len()).filter(|k| !free.contains(k)).map(|k| (k, slope(k)));
        let steepest = bound.max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((next, _)) = steepest.filter(|(_, slope)| *slope > TOLERANCE) else { break };
        free.push(next);
        loop {
            let wanted = solve(normal, right, &free);
            let negative = free.iter().zip(&wanted).filter(|(_, wanted)| **wanted <= 0.0);
            // As far towards the solution as nothing becomes negative.
            let part = negative.map(|(&k, wanted)| x[k] / (x[k] - wanted)).min_by(f64::total_cmp);
            let Some(part) = part.filter(|part| part.is_finite()) else {
                free.iter().zip(&wanted).for_each(|(&k, wanted)| x[k] = wanted.max(0.0));
                break;
            };
            free.iter().zip(&wanted).for_each(|(&k, wanted)| x[k] += part * (wanted - x[k]));
            let blocked = |k: usize| x[k] <= 1e-12;
            let stay: Vec<usize> = free.iter().copied().filter(|&k| !blocked(k)).collect();
            free.iter().filter(|k| !stay.contains(k)).copied().collect::<Vec<_>>().into_iter().for_each(|k| x[k] = 0.0);
            free = stay;
        }
    }
    x
}

/// The solution for the unknowns that are free, by Cholesky's decomposition.
fn solve(normal: &[Vec<f64>], right: &[f64], free: &[usize]) -> Vec<f64> {
    let size = free.len();
    let mut lower = vec![vec![0.0; size]; size];
    let mut x = vec![0.0; size];
    for i in 0..size {
        for j in 0..=i {
            let rest = normal[free[i]][free[j]] - dot(&lower[i][..j], &lower[j][..j]);
            lower[i][j] = if i == j { rest.max(RIDGE * RIDGE).sqrt() } else { rest / lower[j][j] };
        }
        x[i] = (right[free[i]] - dot(&lower[i][..i], &x[..i])) / lower[i][i];
    }
    for i in (0..size).rev() {
        let known: f64 = (i + 1..size).map(|j| lower[j][i] * x[j]).sum();
        x[i] = (x[i] - known) / lower[i][i];
    }
    x
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of random counts, each divided by what it takes.
    fn rows(costs: &[f64]) -> Vec<Vec<f64>> {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 20)
        };
        let rows = (0..40).map(|_| {
            let counts: Vec<f64> = costs.iter().map(|_| random()).collect();
            let total = dot(&counts, costs);
            counts.iter().map(|count| count / total).collect()
        });
        rows.collect()
    }

    #[test]
    fn what_was_hidden_is_found() {
        let costs = [700.0, 0.0, 12.0, 3.5, 0.25];
        for (found, cost) in nonnegative(&rows(&costs)).iter().zip(costs) {
            assert!((found - cost).abs() <= 1e-3 * cost.max(1.0), "{found} is not {cost}");
        }
    }

    #[test]
    fn nothing_is_negative() {
        let found = nonnegative(&rows(&[100.0, -5.0, 20.0]));
        assert!(found.iter().all(|cost| *cost >= 0.0), "{found:?}");
        assert!(found[1] == 0.0 && found[0] > 50.0, "{found:?}");
    }

    #[test]
    fn what_never_happens_takes_nothing() {
        assert_eq!(nonnegative(&[vec![0.5, 0.0], vec![0.5, 0.0]])[1], 0.0);
    }
}
