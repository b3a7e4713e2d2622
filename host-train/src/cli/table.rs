//! Figures, and whatever else goes to standard output.

use crate::evaluate::class_pose::TRIPLE_FIGURES;
use crate::evaluate::equivae::EQUIVAE_FIGURES;
use crate::evaluate::figures::{FIGURES, Figure, readable, table};
use crate::evaluate::grid::GRID_FIGURES;
use crate::evaluate::set::SET_FIGURES;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};

/// Writes to standard output. A reader that has seen enough (`gimbal inspect … | head`) is no error; a
/// full disk is.
pub fn emit(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// The figures of a grid's package, one a line.
pub fn grid_figures(metrics: &[(String, f64)]) -> String {
    lines(metrics, &GRID_FIGURES)
}

/// The figures of networks of sets, one a line.
pub fn set_figures(metrics: &[(String, f64)]) -> String {
    lines(metrics, &SET_FIGURES)
}

/// The figures of class codes, latents and classifier, one a line.
pub fn equivae_figures(metrics: &[(String, f64)]) -> String {
    lines(metrics, &EQUIVAE_FIGURES)
}

/// The figures of class and pose, one a line.
pub fn triple_figures(metrics: &[(String, f64)]) -> String {
    lines(metrics, &TRIPLE_FIGURES)
}

fn lines(metrics: &[(String, f64)], figures: &[(&str, &str, &str)]) -> String {
    let known = metrics.iter().filter_map(|(name, value)| {
        let (_, unit, meaning) = figures.iter().find(|(other, ..)| other == name)?;
        let value = format!("{}{}{unit}", readable(*value), if unit.is_empty() { "" } else { " " });
        Some(format!("{name:30} {value:>12}    {meaning}\n"))
    });
    format!("\n{:30} {:>12}\n{}", "figure", "value", known.collect::<String>())
}

/// The figures as a table with what is demanded of them, and whether no demand is failed. With `all`,
/// demands on figures that were not measured are listed too.
pub fn figures(metrics: &[(String, f64)], all: bool) -> (String, bool) {
    let lines = table(metrics);
    let mut text = format!("\n{:30} {:>12}    demanded\n", "figure", "value");
    for line in &lines {
        let unit = line.figure.unit;
        let value = format!("{}{}{unit}", readable(line.value), if unit.is_empty() { "" } else { " " });
        let demand = match (line.figure.must, line.met) {
            (Some(must), Some(true)) => format!("{must}: yes"),
            (Some(must), Some(false)) => format!("{must}: NO"),
            (Some(must), None) => format!("{must}: not measured here"),
            (None, _) => String::new(),
        };
        let line = format!("{:30} {value:>12}    {demand}", line.figure.name);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let measured = |figure: &Figure| lines.iter().any(|line| line.figure == *figure);
    for figure in FIGURES.iter().filter(|figure| all && !measured(figure)) {
        if let Some(must) = figure.must {
            let _ = writeln!(text, "{:30} {:>12}    {must}: not measured", figure.name, "–");
        }
    }
    (text, lines.iter().all(|line| line.met != Some(false)))
}
