//! Figures, from readings.

/// Neighbours that vote in [`knn_accuracy`].
const NEIGHBOURS: usize = 5;

/// The fraction of predictions that are right; no prediction is wrong.
pub fn accuracy(predictions: impl IntoIterator<Item = Option<usize>>, labels: &[usize]) -> f64 {
    let right = predictions.into_iter().zip(labels).filter(|(predicted, label)| *predicted == Some(**label)).count();
    right as f64 / labels.len() as f64
}

/// The accuracy of five nearest neighbours (Euclidean, majority, ties to the nearest of the tied) fit
/// on `codes` and asked for `queries`. An empty code, of a window without a pose, is no neighbour and
/// is never right.
pub fn knn_accuracy(codes: &[Vec<f32>], labels: &[usize], queries: &[Vec<f32>], truths: &[usize]) -> f64 {
    accuracy_of(codes, labels, queries, truths, NEIGHBOURS)
}

/// The same with one neighbour.
pub fn nearest_accuracy(codes: &[Vec<f32>], labels: &[usize], queries: &[Vec<f32>], truths: &[usize]) -> f64 {
    accuracy_of(codes, labels, queries, truths, 1)
}

fn accuracy_of(codes: &[Vec<f32>], labels: &[usize], queries: &[Vec<f32>], truths: &[usize], neighbours: usize) -> f64 {
    let known = codes.iter().zip(labels).filter(|(code, _)| !code.is_empty());
    let known: Vec<(&[f32], usize)> = known.map(|(code, label)| (&code[..], *label)).collect();
    accuracy(queries.iter().map(|query| vote(&known, query, neighbours)), truths)
}

fn vote(known: &[(&[f32], usize)], query: &[f32], neighbours: usize) -> Option<usize> {
    if query.is_empty() {
        return None;
    }
    let distance = |code: &[f32]| code.iter().zip(query).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let mut nearest: Vec<(f32, usize)> = known.iter().map(|(code, label)| (distance(code), *label)).collect();
    nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
    nearest.truncate(neighbours);
    let votes = |label| nearest.iter().filter(|(_, other)| *other == label).count();
    // The first of several maxima: `max_by_key` would take the last.
    nearest.iter().rev().max_by_key(|(_, label)| votes(*label)).map(|(_, label)| *label)
}

/// The number below which the fraction `p` of the sorted numbers lies; NaN of none.
pub fn percentile(numbers: &[f32], p: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = (p * sorted.len() as f64).ceil().max(1.0) as usize - 1;
    sorted.get(at).map_or(f64::NAN, |&x| x.into())
}

/// Area under the ROC curve of scores that should be larger for strange samples than for usual ones: the probability that a
/// strange one's is, ties counting half. NaN if there are none of either.
pub fn area(usual: &[f32], strange: &[f32]) -> f64 {
    let below = |score: f32| {
        let (less, equal) = usual.iter().fold((0usize, 0usize), |(less, equal), &other| {
            (less + usize::from(other < score), equal + usize::from(other == score))
        });
        less as f64 + equal as f64 / 2.0
    };
    strange.iter().map(|&score| below(score)).sum::<f64>() / (usual.len() * strange.len()) as f64
}

/// Where the largest number stands, the last of equals; none of none.
pub fn largest(numbers: &[f32]) -> Option<usize> {
    (0..numbers.len()).max_by(|&a, &b| numbers[a].total_cmp(&numbers[b]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_nearest() {
        let codes: Vec<Vec<f32>> = [0.1, 0.2, 0.3, 0.4, 9.0, 0.5].map(|x| vec![x]).to_vec();
        // Two of class 1, two of class 0 and one of class 2 are nearest to 0: class 1 is nearer.
        let labels = [1, 0, 0, 1, 2, 2];
        assert_eq!(knn_accuracy(&codes, &labels, &[vec![0.0]], &[1]), 1.0);
        assert_eq!(knn_accuracy(&codes, &labels, &[vec![]], &[1]), 0.0);
        // The far class 2 wins where it has the majority.
        assert_eq!(knn_accuracy(&codes, &[1, 2, 2, 2, 0, 0], &[vec![0.0]], &[2]), 1.0);
    }

    #[test]
    fn percentiles_of_a_hundred_numbers() {
        let numbers: Vec<f32> = (1..=100u8).rev().map(f32::from).collect();
        assert_eq!(percentile(&numbers, 0.5), 50.0);
        assert_eq!(percentile(&numbers, 0.95), 95.0);
        assert_eq!(percentile(&numbers, 1.0), 100.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn areas_count_pairs_and_half_of_the_ties() {
        assert_eq!(area(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(area(&[3.0, 4.0], &[1.0, 2.0]), 0.0);
        assert_eq!(area(&[1.0, 2.0], &[2.0]), 0.75);
        assert!(area(&[], &[1.0]).is_nan() && area(&[1.0], &[]).is_nan());
    }

    #[test]
    fn no_prediction_is_wrong() {
        assert_eq!(accuracy([Some(1), None, Some(0), Some(2)], &[1, 1, 1, 2]), 0.5);
    }
}
