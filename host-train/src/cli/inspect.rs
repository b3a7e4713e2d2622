//! `gimbal inspect`.

use super::{DONE, table};
use crate::inspect::{layers, role};
use crate::pipeline::arena_lower_bound;
use crate::run::read;
use anyhow::{Context, Result};
use clap::Args;
use gimbal_core::Model;
use gimbal_core::format::Chart;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

#[derive(Args)]
pub struct Options {
    /// The package, such as runs/demo/model.gmbl.
    package: PathBuf,
}

pub fn run(options: &Options) -> Result<u8> {
    let bytes = read(&options.package)?;
    let model = Model::from_bytes(&bytes).with_context(|| options.package.display().to_string())?;
    let bound = arena_lower_bound(&model);
    let over = 100.0 * (model.arena_len() as f64 / f64::from(bound) - 1.0);
    let (contract, layers) = (contract(&model)?, layer_table(&model)?);
    let (package, arena) = (bytes.len(), model.arena_len());
    let cut = match model.fast_len() {
        0 => String::new(),
        fast => format!("the arena's first {fast} B may be a memory of their own\n"),
    };
    let kernels: BTreeSet<_> = model.operators().map(|operator| operator.record()).collect();
    let kernels = kernels.into_iter().collect::<Vec<_>>().join(", ");
    table::emit(&format!(
        "{contract}{layers}\npackage {package} B, arena {arena} B ({over:.1} % above the lower bound of {bound} B)\n{cut}kernels {kernels}\n"
    ))?;
    Ok(DONE)
}

fn contract(model: &Model<'_>) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let input = model.input();
    // A package may come from anywhere, and a terminal obeys control characters.
    writeln!(text, "{}", model.name().escape_debug())?;
    writeln!(
        text,
        "  takes   {} samples at {} Hz, a window every {} samples",
        input.samples, input.rate_hz, input.hop
    )?;
    for (field, (name, unit)) in input.fields.iter().zip(model.fields()) {
        let (count, reach) = (field.per_count, field.per_count * 32767.0);
        writeln!(
            text,
            "          {} x y z: i16 counts of {count} {}, ±{reach:.1} {1}",
            name.escape_debug(),
            unit.escape_debug()
        )?;
    }
    match model.pose_head().map(|head| (head.chart, head)) {
        Some((Chart::GramSchmidt, head)) => {
            writeln!(
                text,
                "  gives   a pose in SO(3), degenerate below {} counts, confidence 1 at {:.0}",
                head.minimum, head.reference
            )?;
        }
        None => writeln!(text, "  gives   no pose: windows are taken as they are")?,
    }
    for network in model.networks() {
        if let Some(output) = model.tensor(network.output) {
            writeln!(text, "          {}: {} numbers", role(network.role), output.elements().unwrap_or(0))?;
        }
    }
    let classes: Vec<String> = model.classes().map(|class| class.escape_debug().to_string()).collect();
    if !classes.is_empty() {
        writeln!(text, "          classes {}", classes.join(", "))?;
    }
    Ok(text)
}

fn layer_table(model: &Model<'_>) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(
        text,
        "\n{:>3}  {:11}{:19}{:>14}{:>10}{:>9}{:>9}",
        "", "network", "operator", "output", "MACs", "flash B", "arena B"
    )?;
    let layers = layers(model);
    for (i, layer) in layers.iter().enumerate() {
        writeln!(
            text,
            "{i:>3}  {:11}{:19}{:>14}{:>10}{:>9}{:>9}",
            layer.network, layer.operator, layer.output, layer.macs, layer.flash_bytes, layer.arena_bytes
        )?;
    }
    let (macs, flash) =
        layers.iter().fold((0, 0), |(macs, flash), layer| (macs + layer.macs, flash + layer.flash_bytes));
    writeln!(text, "{:>3}  {:11}{:19}{:>14}{macs:>10}{flash:>9}{:>9}", "", "all", "", "", model.arena_len())?;
    Ok(text)
}
