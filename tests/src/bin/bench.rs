//! `tests/bench`.

use anyhow::{Result, bail};
use clap::Parser;
use gimbal_tests::bench::measure::Row;
use gimbal_tests::bench::{fit, golden, measure, peers, points, sizes, table};
use gimbal_train::simulate::Target;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

const UNITS: &str = "Instructions are those that the emulated processor executes, not cycles: QEMU counts them, and the \
    counts are the same in every run. On Cortex-M they are off by less than ten, on RISC-V by none. They include \
    what a session does around the operator: decoding its record and finding its tensors. A MAC is a \
    multiplication of an activation by a weight, padded taps included. The ratio is ours to CMSIS-NN's for the \
    same layer: below 1 we take fewer. Cycles are estimated for the Cortex-M4, from Arm's table, without wait \
    states. Growth is the exponent from the size of a set before. Sizes are bytes, of code and constants (text) of \
    the firmware `golden`, and of stack below the caller.";

/// Counts what each layer takes on an emulated processor, beside what CMSIS-NN takes.
#[derive(Parser)]
#[command(bin_name = "tests/bench", max_term_width = 100, after_help = UNITS)]
struct Options {
    /// m0 (v6-M code), m3, m4, m7, m33, m55, rv32; `sizes`, for bytes of code and stack; `points`, for sets of
    /// points of several sizes; `all`; or `fit`.
    what: String,
    /// Of `fit`, the targets or `all` [default: all]: measures layers of many shapes and writes what everything takes that
    /// kernels do to host-train/src/inspect/costs.toml, from which `gimbal inspect --target` predicts.
    targets: Vec<String>,
    /// Of `fit`, only steps of a kind that has no costs yet, such as those of a new operator; all others stay.
    #[arg(long)]
    new: bool,
    /// Also write the counts: for a target an array of layers, for `sizes` and `points` an object of numbers, for
    /// `all` an object with these under their names.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also make them the golden counts in tests/data/bench, which `tests/run` does not let rise by more than 1 %.
    #[arg(long)]
    save: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let mut all = serde_json::Map::new();
    let what = &*options.what;
    if what == "fit" {
        if options.json.is_some() || options.save {
            bail!("`fit` writes its own file: without --json and --save");
        }
        return fit(&options.targets, options.new);
    }
    if options.new {
        bail!("only `fit` takes --new");
    }
    if !options.targets.is_empty() {
        bail!("only `fit` takes several targets");
    }
    let targets = if matches!(what, "sizes" | "points") { vec![] } else { targets(what)? };
    for target in targets {
        all.insert(target.to_string(), json!(layers(target, options)?));
    }
    if matches!(what, "all" | "sizes") {
        all.insert("sizes".into(), json!(bytes(options)?));
    }
    if matches!(what, "all" | "points") {
        all.insert("points".into(), json!(sets(options)?));
    }
    match &options.json {
        Some(path) if what == "all" => golden::save(path, &all),
        Some(path) => golden::save(path, &all[what]),
        None => Ok(()),
    }
}

fn layers(target: Target, options: &Options) -> Result<Vec<Row>> {
    let rows = measure::layers(target)?;
    println!("{}", table::layers(target, &rows, &peers::peers()?));
    if options.save {
        golden::save(&golden::layers_path(target), &rows)?;
    }
    Ok(rows)
}

fn targets(name: &str) -> Result<Vec<Target>> {
    match name.parse() {
        _ if name == "all" => Ok(Target::ALL.to_vec()),
        Ok(target) => Ok(vec![target]),
        Err(error) => bail!("{error}, and there are `sizes`, `points`, `all` and `fit`"),
    }
}

fn fit(names: &[String], new: bool) -> Result<()> {
    let all = ["all".to_owned()];
    for name in if names.is_empty() { &all } else { names } {
        for target in targets(name)? {
            println!("{}", table::qualities(target, &fit::fit(target, new)?));
        }
    }
    Ok(())
}

fn sets(options: &Options) -> Result<BTreeMap<String, u64>> {
    let counts = points::points()?;
    println!("{}", table::points(&counts)?);
    if options.save {
        golden::save(&golden::points_path(), &counts)?;
    }
    Ok(counts)
}

fn bytes(options: &Options) -> Result<BTreeMap<String, u64>> {
    let sizes = sizes::sizes()?;
    println!("{}", table::sizes(&sizes));
    if options.save {
        golden::save(&golden::sizes_path(), &sizes)?;
    }
    Ok(sizes)
}
