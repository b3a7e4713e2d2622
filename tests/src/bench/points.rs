//! What a set takes, by the number of its points: a package of the size of the recipe `solids`, with an order.

use super::measure;
use crate::solids::{solid_package, solid_set};
use anyhow::{Context, Result};
use gimbal_core::Model;
use gimbal_core::format::Role;
use gimbal_train::simulate::{Target, Vectors};
use std::collections::BTreeMap;

/// Points of the sets.
pub const SIZES: [u16; 3] = [16, 64, 256];
/// The processors: the usual one, and the smallest.
pub const TARGETS: [Target; 2] = [Target::M4, Target::M0];
/// The steps of a set's way.
pub const STEPS: [&str; 5] = ["ψ", "pose and canonical set", "η", "order", "all"];
const SEED: u64 = 1;

/// Instructions of every step for every size on every one of the processors, by [`name`].
///
/// # Errors
/// As [`measure::layers`].
pub fn points() -> Result<BTreeMap<String, u64>> {
    let package = package();
    let model = Model::from_bytes(&package)?;
    let roles = || model.networks().iter().flat_map(|n| std::iter::repeat_n(n.role, n.operators.into()));
    let mut counts = BTreeMap::new();
    for (target, size) in TARGETS.into_iter().flat_map(|target| SIZES.map(|size| (target, size))) {
        let vectors = Vectors::compute(&package, &[solid_set(SEED, size)])?;
        let run = measure::run(target, &package, &vectors)?;
        let of = |wanted: Role| {
            let counted = roles().zip(&run.operators).filter(|(role, _)| *role == wanted);
            counted.map(|(_, counted)| counted.instructions).sum::<u64>()
        };
        let counted =
            [of(Role::Psi), run.canonicalize.instructions, of(Role::Eta), of(Role::Order), run.instructions()];
        counts.extend(STEPS.iter().zip(counted).map(|(step, count)| (name(target, size, step), count)));
    }
    Ok(counts)
}

/// `m4, 64 points: ψ`.
#[must_use]
pub fn name(target: Target, size: u16, step: &str) -> String {
    format!("{target}, {size} points: {step}")
}

/// What is measured; always the same.
#[must_use]
pub fn package() -> Vec<u8> {
    solid_package(SEED, SIZES[0], SIZES[2])
}

/// The exponent `p` of a growth as of `nᵖ`, from one size to the next.
///
/// # Errors
/// Where a count is missing.
pub fn growth(counts: &BTreeMap<String, u64>, target: Target, step: &str) -> Result<[f64; 2]> {
    let count = |size: u16| counts.get(&name(target, size, step)).copied().context("a size was not measured");
    let [few, some, many] = SIZES;
    let exponent = |a: u16, b: u16| -> Result<f64> {
        let more = count(b)? as f64 / count(a)?.max(1) as f64;
        Ok(more.ln() / (f64::from(b) / f64::from(a)).ln())
    };
    Ok([exponent(few, some)?, exponent(some, many)?])
}
