//! What was counted before, in `data/bench`: a rise is noticed, and committed or mended.

use super::here;
use super::measure::Row;
use anyhow::{Context, Result};
use gimbal_train::simulate::Target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What may rise without anyone noticing, in percent.
const TOLERANCE: u64 = 1;
/// What may, in a count: as far off as the clock may be, which is more than a percent of a small layer.
const PRECISION: u64 = 10;

/// Where a target's counts stand.
#[must_use]
pub fn layers_path(target: Target) -> PathBuf {
    here().join(format!("data/bench/{target}.json"))
}

/// Where the bytes of code and stack stand.
#[must_use]
pub fn sizes_path() -> PathBuf {
    here().join("data/bench/sizes.json")
}

/// Where the counts of sets of points stand.
#[must_use]
pub fn points_path() -> PathBuf {
    here().join("data/bench/points.json")
}

/// Writes counts.
///
/// # Errors
/// Where the file cannot be written.
pub fn save(path: &Path, counts: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(counts)? + "\n";
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// What rose, or has no counterpart in the target's golden file: one sentence each.
///
/// # Errors
/// Where the golden file is not there or cannot be read.
pub fn risen_layers(target: Target, rows: &[Row]) -> Result<Vec<String>> {
    let golden: Vec<Row> = load(&layers_path(target))?;
    let counts = |rows: &[Row]| {
        let instructions = rows.iter().map(|row| (format!("{target}, {}: instructions", row.layer), row.instructions));
        let cycles = rows.iter().filter_map(|row| Some((format!("{target}, {}: cycles", row.layer), row.cycles?)));
        instructions.chain(cycles).collect::<BTreeMap<_, _>>()
    };
    Ok(risen(&counts(rows), &counts(&golden)))
}

/// The same for bytes of code and stack.
///
/// # Errors
/// Where the golden file is not there or cannot be read.
pub fn risen_sizes(sizes: &BTreeMap<String, u64>) -> Result<Vec<String>> {
    Ok(risen(sizes, &load(&sizes_path())?))
}

/// The same for sets of points.
///
/// # Errors
/// Where the golden file is not there or cannot be read.
pub fn risen_points(counts: &BTreeMap<String, u64>) -> Result<Vec<String>> {
    Ok(risen(counts, &load(&points_path())?))
}

fn load<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn risen(found: &BTreeMap<String, u64>, golden: &BTreeMap<String, u64>) -> Vec<String> {
    let risen = found.iter().filter_map(|(name, &count)| match golden.get(name) {
        Some(&golden) if count * 100 > golden * (100 + TOLERANCE) && count > golden + PRECISION => {
            let percent = (count as f64 / golden as f64 - 1.0) * 100.0;
            Some(format!("{name} rose by {percent:.1} %, from {golden} to {count}"))
        }
        Some(_) => None,
        None => Some(format!("{name} has no golden count")),
    });
    let lost = golden.keys().filter(|name| !found.contains_key(*name));
    risen.chain(lost.map(|name| format!("{name} has a golden count but was not measured"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        counts.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
    }

    #[test]
    fn a_rise_above_one_percent_is_named() {
        let golden = counts(&[("a", 1000), ("b", 1000), ("c", 100)]);
        assert_eq!(risen(&counts(&[("a", 1010), ("b", 900), ("c", 110)]), &golden), [""; 0]);
        let found = risen(&counts(&[("a", 1011), ("b", 1000), ("d", 1)]), &golden);
        let expected = [
            "a rose by 1.1 %, from 1000 to 1011",
            "d has no golden count",
            "c has a golden count but was not measured",
        ];
        assert_eq!(found, expected);
    }
}
