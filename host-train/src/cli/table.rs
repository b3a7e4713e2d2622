//! Figures on the terminal.

use crate::evaluate::figures::{readable, table};

/// Prints the figures with what is demanded of them, and returns whether all demands are met.
pub fn print(metrics: &[(String, f64)]) -> bool {
    let lines = table(metrics);
    println!("\n{:30} {:>12}    {}", "figure", "value", "demanded");
    for line in &lines {
        let value = format!(
            "{}{}{}",
            readable(line.value),
            if line.figure.unit.is_empty() { "" } else { " " },
            line.figure.unit
        );
        let demand = match (line.figure.must, line.met) {
            (Some(must), Some(true)) => format!("{must}: yes"),
            (Some(must), Some(false)) => format!("{must}: NO"),
            (Some(must), None) => format!("{must}: not measured here"),
            (None, _) => String::new(),
        };
        println!("{:30} {value:>12}    {demand}", line.figure.name);
    }
    lines.iter().all(|line| line.met != Some(false))
}
