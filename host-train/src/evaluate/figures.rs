//! What each figure of `metrics.json` means, and what this project demands of it.

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Its key in `metrics.json`.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// Its unit; empty for a fraction or a count.
    pub unit: &'static str,
    /// What the shipped recipes must reach.
    pub must: Option<Must>,
}

/// A demand on a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Must {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// At most this far from another figure.
    Within(f64, &'static str),
    /// At most this multiple of another figure.
    AtMostTimes(f64, &'static str),
}

const fn figure(name: &'static str, unit: &'static str, meaning: &'static str, must: Option<Must>) -> Figure {
    Figure { name, meaning, unit, must }
}

/// All figures, in the order in which they are printed.
pub const FIGURES: [Figure; 24] = [
    figure(
        "accuracy_rotated_int8",
        "",
        "test accuracy through core, each window under its own random rotation",
        Some(Must::AtLeast(0.83)),
    ),
    figure(
        "accuracy_upright_int8",
        "",
        "the same, windows as recorded",
        Some(Must::Within(0.005, "accuracy_rotated_int8")),
    ),
    figure("accuracy_mirrored_int8", "", "the same, mirror images in random poses, as if worn on the other arm", None),
    figure(
        "accuracy_rotated_float",
        "",
        "the float network's accuracy on the same rotated windows",
        Some(Must::Within(0.01, "accuracy_rotated_int8")),
    ),
    figure(
        "pose_error_deg_median",
        "°",
        "angle between ψ(g·x) and g·ψ(x), integer path, median",
        Some(Must::AtMost(0.5)),
    ),
    figure("pose_error_deg_p95", "°", "the same, 95th percentile", Some(Must::AtMost(2.0))),
    figure("pose_error_deg_max", "°", "the same, worst window", None),
    figure(
        "hand_errors",
        "",
        "share of the mirrored windows for which one of ψ(g·x) and g·ψ(x) reflects and the other does not",
        None,
    ),
    figure("degenerate_windows", "", "rotated test windows without a pose, of 1,145", Some(Must::AtMost(11.0))),
    figure(
        "reconstruction_mse",
        "",
        "mean squared error of the reconstruction, rotated test windows, (g)² and (rad/s ÷ 3)² alike",
        Some(Must::AtMostTimes(0.6, "reconstruction_mse_classical")),
    ),
    figure("reconstruction_mse_classical", "", "the same of the same autoencoder without the group", None),
    figure(
        "knn_accuracy_unsupervised",
        "",
        "5-NN on the integer code of the model that saw no labels, rotated windows",
        Some(Must::AtLeast(0.70)),
    ),
    figure("knn_accuracy_classical", "", "the same on the classical autoencoder's code", None),
    figure("knn_accuracy", "", "5-NN on this model's integer code, rotated windows", None),
    figure("macs", "", "multiplications of an activation by a weight, a window", None),
    figure("package_bytes", "B", "the whole package", Some(Must::AtMost(65_536.0))),
    figure("arena_bytes", "B", "memory for activations", Some(Must::AtMost(24_576.0))),
    figure("arena_lower_bound_bytes", "B", "no plan of this model can do with less", None),
    figure(
        "text_bytes_m4",
        "B",
        ".text + .rodata of `golden` on Cortex-M4F without the model",
        Some(Must::AtMost(20_480.0)),
    ),
    figure("golden_m4", "", "1 if all outputs on Cortex-M4F equal the host's, bit for bit", Some(Must::AtLeast(1.0))),
    figure("golden_m3", "", "the same on Cortex-M3", Some(Must::AtLeast(1.0))),
    figure("golden_m0", "", "the same for v6-M code", Some(Must::AtLeast(1.0))),
    figure("training_seconds", "s", "wall time of training, packaging and measuring in this command", None),
    figure("parameters", "", "numbers that training adjusted, decoder included", None),
];

impl Must {
    /// Whether a value meets the demand; `other` looks up another figure. `None` if that is missing.
    pub fn met(&self, value: f64, other: impl Fn(&str) -> Option<f64>) -> Option<bool> {
        Some(match *self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
            Self::Within(bound, name) => (value - other(name)?).abs() <= bound,
            Self::AtMostTimes(factor, name) => value <= factor * other(name)?,
        })
    }
}

impl std::fmt::Display for Must {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::Within(bound, name) => write!(f, "within {bound} of {name}"),
            Self::AtMostTimes(factor, name) => write!(f, "≤ {factor} × {name}"),
        }
    }
}

/// One line of a table of figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The figure.
    pub figure: Figure,
    /// Its value.
    pub value: f64,
    /// Whether it meets what is demanded; `None` if nothing is, or cannot be told.
    pub met: Option<bool>,
}

/// The figures among `metrics` that are known here, in the order of [`FIGURES`].
pub fn table(metrics: &[(String, f64)]) -> Vec<Line> {
    let value_of = |name: &str| metrics.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
    let line = |figure: &Figure| {
        let value = value_of(figure.name)?;
        Some(Line { figure: *figure, value, met: figure.must.and_then(|must| must.met(value, value_of)) })
    };
    FIGURES.iter().filter_map(line).collect()
}

/// A value as people read it: whole numbers whole, others with four significant digits.
pub fn readable(value: f64) -> String {
    if value.fract() == 0.0 {
        return format!("{value}");
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 8) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_are_judged() {
        let metrics = |rotated: f64, upright: f64| {
            vec![("accuracy_rotated_int8".into(), rotated), ("accuracy_upright_int8".into(), upright)]
        };
        let met = |rotated, upright| table(&metrics(rotated, upright)).iter().map(|line| line.met).collect::<Vec<_>>();
        assert_eq!(met(0.84, 0.843), [Some(true), Some(true)]);
        assert_eq!(met(0.82, 0.83), [Some(false), Some(false)]);
        // Without its counterpart a demand cannot be judged.
        assert_eq!(table(&[("reconstruction_mse".into(), 0.1)])[0].met, None);
    }

    #[test]
    fn values_are_readable() {
        assert_eq!(readable(65_536.0), "65536");
        assert_eq!(readable(0.851_234), "0.8512");
        assert_eq!(readable(0.023_456_7), "0.02346");
        assert_eq!(readable(123.456), "123.5");
    }
}
