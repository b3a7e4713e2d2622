//! The command line: one file a command, each with its options and what it does with them. What several
//! share stands in `table` (standard output) and `workshop` (training and publishing).

mod canonicalize;
mod data;
mod demo;
mod evaluate;
mod export;
mod grids;
mod inspect;
mod jobs;
mod labelled;
mod recipes;
mod reproduce;
mod sets;
mod simulate;
mod table;
mod train;
mod triples;
mod workshop;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Everything that was asked for was done.
const DONE: u8 = 0;
/// The answer is no: figures below their bounds, or a device that differs from the host.
const NO: u8 = 1;
/// Something was wrong with the input, the options or the machine; nothing was left half-done.
const WRONG: u8 = 2;
/// Stopped by Ctrl-C, as shells report it.
const INTERRUPTED: u8 = 130;

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a demand is not met, or the device differs from the host; \
    2 something is wrong with input, options or machine; 130 stopped by Ctrl-C.";

/// Trains models that do not care how a sensor is mounted, and puts them on microcontrollers.
#[derive(Parser)]
#[command(version, about, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train, package, measure and simulate on the wrist recordings that ship with the project; replaces
    /// the run `demo`.
    Demo(demo::Options),
    /// Train a recipe, then package and measure the result.
    Train(train::Options),
    /// Package a trained run again.
    Export(export::Options),
    /// Show what a package expects, what it gives, and what each layer costs.
    Inspect(inspect::Options),
    /// Measure a package, in integers, on the recordings that ship with the project.
    Evaluate(evaluate::Options),
    /// Turn a recording into its canonical pose, and say in which pose it was.
    Canonicalize(canonicalize::Options),
    /// Run a package on an emulated microcontroller and compare every output with the host's.
    Simulate(simulate::Options),
    /// Run a published experiment again: train its methods with one budget and compare.
    Reproduce(reproduce::Options),
    /// List the recipes that ship with the program.
    Recipes(recipes::Options),
    /// List the data sets, or fetch one.
    Data(data::Options),
}

/// Parses the command line, runs the command, and turns errors into one sentence and exit code 2.
pub fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    let result = match command {
        Command::Demo(options) => demo::run(&options),
        Command::Train(options) => train::run(&options),
        Command::Export(options) => export::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Evaluate(options) => evaluate::run(&options),
        Command::Canonicalize(options) => canonicalize::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Reproduce(options) => reproduce::run(&options),
        Command::Recipes(options) => recipes::run(&options),
        Command::Data(options) => data::run(&options),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if workshop::is_interruption(&error) {
                match workshop::is_resumable(&error) {
                    true => eprintln!("{error} The same command with --resume, and without --overwrite, goes on."),
                    false => eprintln!("{error}"),
                }
                return ExitCode::from(INTERRUPTED);
            }
            eprintln!("error: {error:#}");
            ExitCode::from(WRONG)
        }
    }
}
