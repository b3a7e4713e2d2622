//! The rows of a comparison: as text for a terminal, as JSON for a program.
//!
//! Rows that measure the same on the same data stand together and are printed with equal decimals. Within such a
//! group the best mean is marked, where the metric's name says what better is ([`better`]).

use super::experiment::Method;
use serde::{Serialize, Serializer};

/// What one method reached in one metric on one data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The data set (`MNIST, rotated`).
    pub data: String,
    /// The method (`giae`).
    pub method: String,
    /// What was measured (`reconstruction error`).
    pub metric: String,
    /// Mean over the seeds. Not finite: it could not be measured, and is `null` in JSON.
    pub mean: f64,
    /// Standard deviation over the seeds, 0 or more. It says nothing of one seed, and is then not printed.
    pub std: f64,
    /// How many trainings the mean is of.
    pub seeds: usize,
    /// The published figure; `None` where there is none.
    #[serde(serialize_with = "finite")]
    pub published: Option<f64>,
}

/// The rows of a method on some data: means over its trials, each a list of metrics.
pub fn rows<R>(data: &str, method: &Method<R>, trials: &[Vec<(&'static str, f64)>]) -> Vec<Row> {
    let names: Vec<&str> =
        trials.first().map(|first| first.iter().map(|(name, _)| *name).collect()).unwrap_or_default();
    let row = |name: &str| {
        let values: Vec<f64> = trials.iter().flatten().filter(|(other, _)| *other == name).map(|(_, v)| *v).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let published = method.published.iter().find(|(other, _)| *other == name);
        Row {
            data: data.into(),
            method: method.name.into(),
            metric: name.into(),
            mean,
            std: (squares / count).sqrt(),
            seeds: values.len(),
            published: published.map(|(_, value)| *value),
        }
    };
    names.into_iter().map(row).collect()
}

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Accuracies and rates.
    Higher,
    /// Errors, losses and distances.
    Lower,
}

/// Which way a metric of this name improves, by its first telling word: `set accuracy` and `hit-rate` rise, `pose error`
/// falls. `None` where no word tells, and then no row is best.
pub fn better(metric: &str) -> Option<Better> {
    const HIGHER: [&str; 5] = ["accuracy", "knn", "hit", "purity", "agreement"];
    const LOWER: [&str; 7] = ["error", "reconstruction", "loss", "mse", "rmse", "mae", "distance"];
    let lower = metric.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| match word {
        word if HIGHER.contains(&word) => Some(Better::Higher),
        word if LOWER.contains(&word) => Some(Better::Lower),
        _ => None,
    })
}

/// Rows of one metric on one data set, ready to print.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'a> {
    /// The data set of all of them.
    pub data: &'a str,
    /// The metric of all of them.
    pub metric: &'a str,
    /// One line a row, in the rows' order.
    pub lines: Vec<Line<'a>>,
}

/// One row in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    /// The method.
    pub method: &'a str,
    /// `0.871 ± 0.004`; a dash where the mean is not finite.
    pub value: String,
    /// How many trainings.
    pub seeds: usize,
    /// The published figure as it was published; a dash where there is none.
    pub published: String,
    /// Whether no other row of the group is better, as printed. A group of one has no best.
    pub best: bool,
}

/// The rows in groups, groups in the order of their first rows.
pub fn groups(rows: &[Row]) -> Vec<Group<'_>> {
    let mut found: Vec<Vec<&Row>> = Vec::new();
    let same = |a: &Row, b: &Row| (&a.data, &a.metric) == (&b.data, &b.metric);
    for row in rows {
        match found.iter_mut().find(|group| group.first().is_some_and(|first| same(first, row))) {
            Some(group) => group.push(row),
            None => found.push(vec![row]),
        }
    }
    found.iter().filter_map(|rows| group(rows)).collect()
}

fn group<'a>(rows: &[&'a Row]) -> Option<Group<'a>> {
    let first = rows.first()?;
    let style = Style::of(rows);
    let means = || rows.iter().map(|row| row.mean).filter(|mean| mean.is_finite());
    let best = better(&first.metric).filter(|_| means().count() > 1).and_then(|better| match better {
        Better::Higher => means().reduce(f64::max),
        Better::Lower => means().reduce(f64::min),
    });
    let best = best.map(|mean| style.write(mean));
    let line = |row: &&'a Row| Line {
        method: &row.method,
        value: match row.seeds > 1 && row.std.is_finite() && row.mean.is_finite() {
            true => format!("{} ± {}", style.write(row.mean), style.write(row.std)),
            false => style.write(row.mean),
        },
        seeds: row.seeds,
        published: row.published.filter(|value| value.is_finite()).map_or_else(|| "–".to_owned(), shortest),
        best: row.mean.is_finite() && best.as_ref() == Some(&style.write(row.mean)),
    };
    Some(Group { data: &first.data, metric: &first.metric, lines: rows.iter().map(line).collect() })
}

/// How the numbers of a group are written, so that their digits stand below each other.
enum Style {
    Decimals(usize),
    Scientific,
}

impl Style {
    /// Three digits of the smallest mean, unless the greatest would then have more than five; powers of ten where that
    /// leaves the smallest fewer than two.
    fn of(rows: &[&Row]) -> Self {
        let sizes = || rows.iter().map(|row| row.mean.abs()).filter(|size| size.is_normal());
        let digits = |size: f64| size.log10().floor();
        let (Some(least), Some(most)) = (sizes().reduce(f64::min), sizes().reduce(f64::max)) else {
            return Self::Decimals(2);
        };
        let decimals = (2.0 - digits(least)).min(4.0 - digits(most)).max(0.0);
        let few = decimals + digits(least) < 1.0;
        if few || decimals > 6.0 || most >= 1e15 { Self::Scientific } else { Self::Decimals(decimals as usize) }
    }

    fn write(&self, value: f64) -> String {
        match self {
            _ if !value.is_finite() => "–".to_owned(),
            Self::Decimals(decimals) => format!("{value:.decimals$}"),
            Self::Scientific => format!("{value:.2e}"),
        }
    }
}

/// As few digits as tell the number: a published 0.68 is not 0.680.
fn shortest(value: f64) -> String {
    match value.abs() {
        size if size != 0.0 && !(1e-4..1e15).contains(&size) => format!("{value:e}"),
        _ => value.to_string(),
    }
}

/// The rows as a table for a terminal, columns aligned, the best of each group with a star.
pub fn text(rows: &[Row]) -> String {
    let head = ["data", "metric", "method", "mean ± std  ", "seeds", "published"].map(str::to_owned);
    let mut table = vec![head];
    for group in groups(rows) {
        for (i, line) in group.lines.iter().enumerate() {
            // A group is named once.
            let [data, metric] = [group.data, group.metric].map(|name| if i == 0 { name } else { "" });
            let star = if line.best { " *" } else { "  " };
            let value = format!("{}{star}", line.value);
            table.push([
                data.into(),
                metric.into(),
                line.method.into(),
                value,
                line.seeds.to_string(),
                line.published.clone(),
            ]);
        }
    }
    let mut widths = [0; 6];
    for cells in &table {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    table.iter().map(|cells| aligned(cells, &widths)).collect()
}

/// Names at the left of their columns, numbers at the right.
fn aligned(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, &width))| match column {
        0..3 => format!("{cell:width$}"),
        _ => format!("{cell:>width$}"),
    });
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}

/// The rows as a JSON array in their own order, each with exactly the keys `data`, `method`, `metric`, `mean`, `std`,
/// `seeds` and `published`; numbers that are not finite are `null`.
///
/// # Errors
/// None that these types can cause; `serde_json` has one for maps with odd keys.
pub fn json(rows: &[Row]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(rows).map(|text| text + "\n")
}

/// A number that is not finite is no published figure.
fn finite<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.filter(|value| value.is_finite()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(method: &str, metric: &str, mean: f64, std: f64, seeds: usize, published: Option<f64>) -> Row {
        let [data, method, metric] = ["digits", method, metric].map(str::to_owned);
        Row { data, method, metric, mean, std, seeds, published }
    }

    fn rows() -> Vec<Row> {
        vec![
            row("classical", "reconstruction error", 0.01702, 0.00021, 3, Some(0.0170)),
            row("classical", "accuracy", 0.684, 0.012, 3, Some(0.68)),
            row("giae", "reconstruction error", 0.0158, 0.0001, 3, Some(0.0162)),
            row("giae", "accuracy", 0.9, 0.0, 1, None),
        ]
    }

    #[test]
    fn rows_are_means_over_trials() {
        let method = Method { name: "giae", setting: "", recipe: (), published: &[("knn", 0.9)] };
        let trials = [vec![("knn", 0.8), ("error", 0.1)], vec![("knn", 0.9), ("error", 0.1)]];
        let rows = super::rows("digits", &method, &trials);
        assert_eq!(rows.len(), 2);
        assert!((rows[0].mean - 0.85).abs() < 1e-12 && (rows[0].std - 0.05).abs() < 1e-12);
        assert_eq!((rows[0].seeds, rows[0].published, rows[1].published), (2, Some(0.9), None));
    }

    #[test]
    fn columns_are_aligned_and_the_best_has_a_star() {
        let table = "\
data    metric                method          mean ± std    seeds  published
digits  reconstruction error  classical  0.0170 ± 0.0002        3      0.017
                              giae       0.0158 ± 0.0001 *      3     0.0162
digits  accuracy              classical    0.684 ± 0.012        3       0.68
                              giae                 0.900 *      1          –
";
        assert_eq!(text(&rows()), table);
    }

    #[test]
    fn json_has_exactly_these_keys() {
        let mut rows = rows();
        rows[0].mean = f64::NAN;
        rows[0].published = Some(f64::INFINITY);
        let value: serde_json::Value = serde_json::from_str(&json(&rows).unwrap()).unwrap();
        let list = value.as_array().unwrap();
        assert_eq!(list.len(), rows.len());
        for object in list {
            let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(keys, ["data", "mean", "method", "metric", "published", "seeds", "std"]);
        }
        assert!(list[0]["mean"].is_null() && list[0]["published"].is_null() && list[3]["published"].is_null());
        assert_eq!(list[2]["published"], 0.0162);
        assert_eq!(list[1]["method"], "classical");
    }

    #[test]
    fn what_is_better_depends_on_the_metric() {
        assert_eq!(better("5-NN accuracy"), Some(Better::Higher));
        assert_eq!(better("hit-rate after 10 steps"), Some(Better::Higher));
        assert_eq!(better("Reconstruction MSE"), Some(Better::Lower));
        assert_eq!(better("pose error, degrees"), Some(Better::Lower));
        assert_eq!(better("bytes of terror"), None);
    }

    #[test]
    fn what_prints_alike_is_equally_good_and_what_is_missing_is_not() {
        let best = |means: &[f64], metric: &str| {
            let rows: Vec<Row> = means.iter().map(|mean| row("m", metric, *mean, 0.1, 2, None)).collect();
            groups(&rows).iter().flat_map(|g| &g.lines).map(|line| line.best).collect::<Vec<_>>()
        };
        assert_eq!(best(&[0.90001, 0.90002, 0.8], "accuracy"), [true, true, false]);
        assert_eq!(best(&[0.5, f64::NAN, 0.4], "loss"), [false, false, true]);
        assert_eq!(best(&[0.5, 0.4], "kind"), [false, false]);
        assert_eq!(best(&[0.5], "loss"), [false], "one alone is no comparison");
        assert_eq!(best(&[f64::NAN, f64::INFINITY], "loss"), [false, false]);
    }

    #[test]
    fn numbers_of_any_size_are_written() {
        let write = |mean: f64| groups(&[row("m", "loss", mean, f64::NAN, 2, None)])[0].lines[0].value.clone();
        let sizes = [3.24e-5, 1e-9, 0.0, 123456.0, f64::MAX, f64::MIN_POSITIVE, f64::NEG_INFINITY];
        assert_eq!(sizes.map(write), ["3.24e-5", "1.00e-9", "0.00", "123456", "1.80e308", "2.23e-308", "–"]);
        let apart = [row("a", "mse", 4.49e-5, 0.0, 1, None), row("b", "mse", 0.126, 0.0, 1, None)];
        assert_eq!(groups(&apart)[0].lines.iter().map(|line| &line.value).collect::<Vec<_>>(), ["4.49e-5", "1.26e-1"]);
        assert_eq!([0.68, 0.017, 3.24e-5, 0.0, -2.0].map(shortest), ["0.68", "0.017", "3.24e-5", "0", "-2"]);
    }
}
