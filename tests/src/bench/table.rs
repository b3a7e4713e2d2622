//! Counts as people read them.

use super::fit::Quality;
use super::measure::Row;
use super::peers::Peer;
use super::points;
use anyhow::Result;
use gimbal_train::simulate::Target;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The counts of one processor, and the geometric mean of their ratios to CMSIS-NN's.
#[must_use]
pub fn layers(target: Target, rows: &[Row], peers: &[Peer]) -> String {
    let mut text =
        line(&format!("{target}: instructions"), ["MACs", "ours", "per MAC", "CMSIS-NN", "ratio"].map(String::from));
    for row in rows {
        text += &line(&row.layer, cells(row.macs, row.instructions, row.peer));
    }
    text += &mean("instructions", rows.iter().map(|row| (row.instructions, row.peer)));
    if rows.iter().any(|row| row.cycles.is_some()) {
        let head = ["MACs", "ours", "per MAC", "CMSIS-NN", "ratio"].map(String::from);
        text += &format!("\n{}", line(&format!("{target}: cycles, estimated"), head));
        for row in rows {
            text += &line(&row.layer, cells(row.macs, row.cycles.unwrap_or(0), row.peer_cycles));
        }
        text += &mean("cycles", rows.iter().map(|row| (row.cycles.unwrap_or(0), row.peer_cycles)));
    }
    if target == Target::M7 {
        text += "CMSIS-NN was not measured on the M7; its counts are the M4's, which runs the same code.\n";
    }
    let missing: Vec<&str> =
        peers.iter().map(|peer| &*peer.name).filter(|name| rows.iter().all(|row| row.layer != *name)).collect();
    if !missing.is_empty() {
        // Writing to a string cannot fail.
        _ = writeln!(text, "not measured, because Gimbal has no such layer here: {}", missing.join("; "));
    }
    text
}

/// Bytes of code and stack.
#[must_use]
pub fn sizes(sizes: &BTreeMap<String, u64>) -> String {
    sizes.iter().map(|(name, bytes)| format!("{name:20}{:>12} B\n", grouped(*bytes))).collect()
}

/// What sets of points take, and the exponents of their growth from one size to the next.
///
/// # Errors
/// Where a size was not measured.
pub fn points(counts: &BTreeMap<String, u64>) -> Result<String> {
    let mut text = String::new();
    for target in points::TARGETS {
        text += &format!("{:32}", format!("{target}: instructions"));
        text += &points::SIZES.map(|size| format!("{:>13}", format!("{size} points"))).concat();
        text += &format!("{:>16}\n", "growth as nᵖ");
        for step in points::STEPS {
            let count = |size| counts.get(&points::name(target, size, step)).copied().unwrap_or(0);
            text += &format!("{step:32}{}", points::SIZES.map(|size| format!("{:>13}", grouped(count(size)))).concat());
            let [few, many] = points::growth(counts, target, step)?;
            text += &format!("{few:>10.2},{many:5.2}\n");
        }
    }
    Ok(text)
}

/// How well each kind of step of a processor is predicted.
#[must_use]
pub fn qualities(target: Target, qualities: &[Quality]) -> String {
    let mut text = format!("{:28}{:>8}{:>12}{:>12}\n", format!("{target}: fitted"), "steps", "mean error", "worst");
    for Quality { kind, samples, mean, worst } in qualities {
        text += &format!("{kind:28}{samples:>8}{mean:>10.1} %{worst:>10.1} %\n");
    }
    text
}

fn cells(macs: Option<u64>, ours: u64, peer: Option<u64>) -> [String; 5] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    [
        or_dash(macs.map(grouped)),
        grouped(ours),
        or_dash(macs.map(|macs| format!("{:.2}", ours as f64 / macs as f64))),
        or_dash(peer.map(grouped)),
        or_dash(peer.map(|peer| format!("{:.2}", ours as f64 / peer as f64))),
    ]
}

fn line(name: &str, [macs, ours, per_mac, peer, ratio]: [String; 5]) -> String {
    format!("{name:44}{macs:>10}{ours:>13}{per_mac:>9}{peer:>13}{ratio:>7}\n")
}

/// The line below the table; nothing where there is no peer.
fn mean(what: &str, counts: impl Iterator<Item = (u64, Option<u64>)>) -> String {
    let ratios: Vec<f64> = counts.filter_map(|(ours, peer)| Some(ours as f64 / peer? as f64)).collect();
    if ratios.is_empty() {
        return String::new();
    }
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    format!("geometric mean of the ratios of {what}: {mean:.2} ({} layers)\n", ratios.len())
}

/// Thousands apart: `16,384`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_geometric() {
        let counts = [(200, Some(100)), (50, Some(100)), (7, None)];
        assert_eq!(mean("cycles", counts.into_iter()), "geometric mean of the ratios of cycles: 1.00 (2 layers)\n");
        assert_eq!(mean("cycles", [(7, None)].into_iter()), "");
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
