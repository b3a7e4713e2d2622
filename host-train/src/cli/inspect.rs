//! `gimbal inspect`.

use super::{DONE, table};
use crate::inspect::{Prediction, layers, predict, role};
use crate::pipeline::arena_lower_bound;
use crate::run::read;
use crate::simulate::{Target, takes_sets};
use anyhow::{Context, Result};
use clap::Args;
use gimbal_core::Model;
use gimbal_core::format::{Chart, Field, FieldKind};
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

const PREDICTED: &str = "Instructions are predicted, not counted: a sum over what the kernels do, as far as shapes \
    tell, times what that took when layers of many shapes ran in QEMU with -icount shift=0, where every instruction \
    counts once (`tests/bench fit`). They include what a session does around an operator; of sets they are those of the most elements. For the packages that ship \
    with the tests the total is within 10 % of what QEMU counts. Cycles of a board are more.";

#[derive(Args)]
#[command(after_help = PREDICTED)]
pub struct Options {
    /// The package, such as runs/demo/model.gmbl.
    package: PathBuf,
    /// Also predict the instructions of each step for a window, on this core: m0 (v6-M code), m3, m4 (Cortex-M4F),
    /// m7, m33, m55, or rv32 (RISC-V, imc).
    #[arg(long, value_name = "CORE")]
    target: Option<Target>,
}

pub fn run(options: &Options) -> Result<u8> {
    let bytes = read(&options.package)?;
    let model = Model::from_bytes(&bytes).with_context(|| options.package.display().to_string())?;
    let prediction = options.target.map(|target| predict(&model, target)).transpose()?;
    let bound = arena_lower_bound(&model);
    let over = 100.0 * (model.arena_len() as f64 / f64::from(bound) - 1.0);
    let (contract, layers) = (contract(&model)?, layer_table(&model, prediction.as_ref())?);
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
    match (takes_sets(model), model.least()) {
        (true, least) if least < input.samples => {
            writeln!(text, "  takes   sets of {least} to {} elements in any order", input.samples)?;
        }
        (true, _) => writeln!(text, "  takes   sets of {} elements in any order", input.samples)?,
        (false, _) => writeln!(
            text,
            "  takes   {} samples at {} Hz, a window every {} samples",
            input.samples, input.rate_hz, input.hop
        )?,
    }
    for (field, (name, unit)) in input.fields.iter().zip(model.fields()) {
        let (count, reach) = (field.per_count, field.per_count * 32767.0);
        writeln!(
            text,
            "          {} {}: i16 counts of {count} {}, ±{reach:.1} {2}",
            name.escape_debug(),
            axes(field),
            unit.escape_debug()
        )?;
    }
    for head in model.pose_heads() {
        let group = match head.chart {
            Chart::GramSchmidt | Chart::UprightGramSchmidt => "SO(3)",
            Chart::Direction => "SO(2)",
            Chart::TwoVectors => "O(2)",
            Chart::Phase => "R/Z",
            Chart::Argmax => "C_n",
            Chart::Centroid => "T(2)",
            Chart::ThreeVectors => "O(3)",
            Chart::Mean => "T(3)",
            Chart::Numbers => "Rⁿ, told",
            Chart::Angles => "Tᵏ, told",
            Chart::Place => "R² × T, told",
            Chart::Motion => "SE(2), told",
            Chart::Exponential | Chart::Quaternion | Chart::Columns => "SO(3), told",
        };
        writeln!(
            text,
            "  gives   a pose in {group}, degenerate below {} counts, confidence 1 at {:.0}",
            head.minimum, head.reference
        )?;
    }
    if model.pose_heads().is_empty() {
        writeln!(text, "  gives   no pose: windows are taken as they are")?;
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

/// What the numbers of a field are.
fn axes(field: &Field) -> String {
    match field.kind {
        FieldKind::Vector | FieldKind::PseudoVector | FieldKind::Point => "x y z".into(),
        FieldKind::Row => format!("in rows of {} pixels", field.width),
        FieldKind::Ring => format!("at {} electrodes of a ring", field.width),
        FieldKind::Scalar => format!("in {} channels", field.width),
    }
}

fn layer_table(model: &Model<'_>, prediction: Option<&Prediction>) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let instructions = |count: Option<u64>| count.map_or_else(String::new, |count| format!("{count:>14}"));
    let titles = if prediction.is_some() { "  instructions" } else { "" };
    writeln!(
        text,
        "\n{:>3}  {:11}{:19}{:>14}{:>10}{:>9}{:>9}{titles}",
        "", "network", "operator", "output", "MACs", "flash B", "arena B"
    )?;
    let layers = layers(model);
    let between = model.networks().first().filter(|_| !model.pose_heads().is_empty());
    let between = between.map_or(0, |psi| psi.operators.into());
    for (i, layer) in layers.iter().enumerate() {
        if let Some(prediction) = prediction.filter(|_| i == between) {
            canonicalize(&mut text, prediction)?;
        }
        writeln!(
            text,
            "{i:>3}  {:11}{:19}{:>14}{:>10}{:>9}{:>9}{}",
            layer.network,
            layer.operator,
            layer.output,
            layer.macs,
            layer.flash_bytes,
            layer.arena_bytes,
            instructions(prediction.and_then(|prediction| prediction.operators.get(i).copied()))
        )?;
    }
    if let Some(prediction) = prediction.filter(|_| layers.len() == between) {
        canonicalize(&mut text, prediction)?;
    }
    let (macs, flash) =
        layers.iter().fold((0, 0), |(macs, flash), layer| (macs + layer.macs, flash + layer.flash_bytes));
    let total = instructions(prediction.map(Prediction::total));
    writeln!(text, "{:>3}  {:11}{:19}{:>14}{macs:>10}{flash:>9}{:>9}{total}", "", "all", "", "", model.arena_len())?;
    Ok(text)
}

/// The step between the networks, or before the only one.
fn canonicalize(text: &mut String, prediction: &Prediction) -> fmt::Result {
    writeln!(text, "{:>3}  {:11}{:61}{:>14}", "", "", "pose and canonical window", prediction.canonicalize)
}
