//! What CMSIS-NN takes, from `data/bench/peers.toml`.

use anyhow::{Context, Result};
use gimbal_train::simulate::Target;
use serde::Deserialize;
use std::collections::BTreeMap;

const PEERS: &str = include_str!("../../data/bench/peers.toml");

/// One layer of CMSIS-NN.
#[derive(Clone, Debug, Deserialize)]
pub struct Peer {
    /// Its name in the table.
    pub name: String,
    /// Multiplications of an activation by a weight, padded taps included.
    pub macs: Option<u64>,
    instructions: BTreeMap<String, u64>,
    /// Estimated cycles on the Cortex-M4.
    pub m4_cycles: Option<u64>,
}

impl Peer {
    /// Instructions on a processor, if they were measured. The M7 runs what the M4 runs.
    #[must_use]
    pub fn instructions(&self, target: Target) -> Option<u64> {
        let target = if target == Target::M7 { Target::M4 } else { target };
        self.instructions.get(target.name()).copied()
    }
}

/// All of them.
///
/// # Errors
/// Where the file is not what it should be.
pub fn peers() -> Result<Vec<Peer>> {
    #[derive(Deserialize)]
    struct File {
        layer: Vec<Peer>,
    }
    let File { layer } = toml::from_str(PEERS).context("tests/data/bench/peers.toml")?;
    Ok(layer)
}
