//! `gimbal recipes`.

use super::{DONE, table};
use crate::recipe::BUILT_IN;
use anyhow::{Result, bail};
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// Print this recipe, to copy and change.
    name: Option<String>,
}

pub fn run(options: &Options) -> Result<u8> {
    let text = match &options.name {
        None => BUILT_IN.iter().map(|(name, text)| format!("{name:24}{}\n", summary(text))).collect(),
        Some(name) => match BUILT_IN.iter().find(|(other, _)| other == name) {
            Some((_, text)) => (*text).to_owned(),
            None => bail!("there is no recipe `{name}`; `gimbal recipes` lists them"),
        },
    };
    table::emit(&text)?;
    Ok(DONE)
}

/// The first line of a recipe's opening comment.
fn summary(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default()
}
