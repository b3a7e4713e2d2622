//! What a package costs, layer by layer.
//!
//! MACs and bytes are counted ([`layers`]); instructions are predicted ([`predict`]): a package's shapes become
//! [`counts`] of what its kernels do, of windows with the help of `reach`, and [`cost`] knows from a fit what
//! each takes on each processor.

pub mod cost;
pub mod counts;
mod reach;

pub use cost::{Prediction, predict};

use gimbal_core::Model;
use gimbal_core::format::{Operator, Role, Tensor};

/// One operator of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What its network is for.
    pub network: &'static str,
    /// Its name.
    pub operator: &'static str,
    /// Type and shape of what it writes: `i8 64×32`.
    pub output: String,
    /// Multiplications of an activation by a weight.
    pub macs: u64,
    /// Bytes of constants in the package.
    pub flash_bytes: u64,
    /// Bytes of arena that are in use while it runs.
    pub arena_bytes: u64,
}

/// All operators, in the order in which they run.
pub fn layers(model: &Model<'_>) -> Vec<Layer> {
    let networks = model.networks().iter().flat_map(|n| std::iter::repeat_n(role(n.role), n.operators.into()));
    let operators = model.operators().zip(networks).enumerate();
    operators.map(|(at, (operator, network))| layer(model, at as u16, &operator, network)).collect()
}

fn layer(model: &Model<'_>, at: u16, operator: &Operator, network: &'static str) -> Layer {
    let cost = operator.cost(model);
    let live = model.tensors().iter().filter(|tensor| (tensor.first..=tensor.last).contains(&at));
    Layer {
        network,
        operator: operator.name(),
        output: model.tensor(operator.operands().output).map(describe).unwrap_or_default(),
        macs: cost.macs,
        flash_bytes: cost.bytes.into(),
        arena_bytes: live.map(|tensor| u64::from(tensor.len().unwrap_or(0))).sum(),
    }
}

/// Type and shape: `i8 64×32`, or `i16 3×64×16` for vectors.
fn describe(tensor: &Tensor) -> String {
    let dtype = counts::name(tensor.dtype);
    let sizes: Vec<String> = tensor.shape.iter().skip_while(|&&size| size == 1).map(u16::to_string).collect();
    format!("{dtype} {}", sizes.join("×"))
}

/// A role as people write it.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Psi => "ψ",
        Role::Eta => "η",
        Role::Classifier => "classifier",
        Role::Order => "order",
        Role::Within => "v",
        Role::Anomaly => "anomaly",
    }
}
