//! What a trained method reaches on triples, as names of metrics and numbers.

/// The metrics of the comparison, and which figures they are: of the float network, which every method has, and through
/// core.
const METRICS: [(&str, &str); 21] = [
    ("hit_rate_1", "hit_rate_1_float"),
    ("hit_rate_10", "hit_rate_10_float"),
    ("hit_rate_20", "hit_rate_20_float"),
    ("hit_rate_1, int8", "hit_rate_1"),
    ("hit_rate_10, int8", "hit_rate_10"),
    ("hit_rate_20, int8", "hit_rate_20"),
    ("pose, float to int8, median", "pose_change_int8_median"),
    ("pose, float to int8, p95", "pose_change_int8_p95"),
    ("pose error, degrees, median", "pose_error_deg_median_float"),
    ("pose error, degrees, median, int8", "pose_error_deg_median"),
    ("pose error, degrees, p95", "pose_error_deg_p95_float"),
    ("pose error, degrees, p95, int8", "pose_error_deg_p95"),
    ("class accuracy, from the code", "class_from_code_float"),
    ("class accuracy, from the code, int8", "class_from_code"),
    ("class from the pose alone", "class_from_pose_float"),
    ("class from the pose alone, int8", "class_from_pose"),
    ("reconstruction", "reconstruction_mse"),
    ("stabilizer covered within 5°, int8", "stabilizer_within_5_deg"),
    ("stabilizer error, degrees, median, int8", "stabilizer_error_deg_median"),
    ("stabilizer error, degrees, p95, int8", "stabilizer_error_deg_p95"),
    ("stabilizer members, degrees, most, int8", "stabilizer_member_deg_max"),
];

/// The metrics of the comparison.
pub fn metrics(figures: &[(String, f64)]) -> Vec<(&'static str, f64)> {
    let of = |name: &str| figures.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
    METRICS.iter().filter_map(|&(metric, figure)| Some((metric, of(figure)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::class_pose::TRIPLE_FIGURES;

    #[test]
    fn every_figure_exists() {
        let known = |name: &str| TRIPLE_FIGURES.iter().any(|(other, ..)| *other == name);
        assert_eq!(METRICS.iter().filter(|(_, figure)| !known(figure)).count(), 0);
    }

    #[test]
    fn what_was_measured_is_compared_and_nothing_else() {
        let figures = [("hit_rate_1", 0.9), ("hit_rate_1_float", 0.95), ("macs", 7.0)];
        let figures = figures.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(metrics(&figures), [("hit_rate_1", 0.95), ("hit_rate_1, int8", 0.9)]);
    }
}
