//! Instructions for a window, predicted.
//!
//! The cost of a step is the sum over its [`counts`] of how often a thing happens times
//! what it takes. What each takes was fitted to layers of many shapes, counted in QEMU by `tests/bench fit`,
//! which writes `costs.toml`; packages that ship were not among them.

use super::counts::{self, Counts};
use crate::simulate::Target;
use anyhow::{Context, Result};
use gimbal_core::Model;
use std::collections::BTreeMap;

const FITTED: &str = include_str!("costs.toml");

/// What everything takes that steps of one kind do, in instructions.
pub type Coefficients = BTreeMap<String, f64>;

/// The coefficients of each kind of step on a processor, as `costs.toml` holds them under the processor's name.
pub type Costs = BTreeMap<String, Coefficients>;

/// Instructions for one window on a processor, predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Of each operator, in the order in which they run, dispatch included.
    pub operators: Vec<u64>,
    /// Of the step between the networks: pose, and turning the window back.
    pub canonicalize: u64,
}

impl Prediction {
    /// Of all steps.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.operators.iter().sum::<u64>() + self.canonicalize
    }
}

/// What a window takes on a processor, as far as shapes tell: where a kernel's way depends on the numbers, as
/// in divisions without an instruction for them, an average.
///
/// # Errors
/// Where the costs have no such processor or operator.
pub fn predict(model: &Model<'_>, target: Target) -> Result<Prediction> {
    let mut all = parse(FITTED)?;
    let costs = all.remove(target.name()).with_context(|| format!("no costs are known for {target}"))?;
    let operators = model.operators().enumerate().map(|(at, operator)| {
        let counts = counts::operator(model, &operator).with_context(|| format!("operator {at} has no tensors"))?;
        cost(&costs, &counts)
    });
    Ok(Prediction {
        operators: operators.collect::<Result<_>>()?,
        canonicalize: cost(&costs, &counts::canonicalize(model))?,
    })
}

/// The costs of several processors, by name.
///
/// # Errors
/// Where the text is something else.
pub fn parse(text: &str) -> Result<BTreeMap<String, Costs>> {
    toml::from_str(text).context("these are no costs")
}

/// What a step takes.
///
/// # Errors
/// Where there are no costs of its kind.
pub fn cost(costs: &Costs, counts: &Counts) -> Result<u64> {
    let costs = costs.get(&counts.kind).with_context(|| format!("no costs are known for `{}`", counts.kind))?;
    // What is not listed takes nothing.
    let terms = counts.counts.iter().filter_map(|(name, count)| Some(count * costs.get(name)?));
    Ok(terms.sum::<f64>().round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_sums_of_products() {
        let costs = parse("[m4]\n\"lut i8\" = { once = 10.5, elements = 2 }\n").unwrap().remove("m4").unwrap();
        let counts = |kind: &str| Counts {
            kind: kind.into(),
            counts: [("once", 1.0), ("elements", 7.0), ("rows", 9.0)].map(|(name, n)| (name.into(), n)).into(),
        };
        assert_eq!(cost(&costs, &counts("lut i8")).unwrap(), 25);
        assert!(cost(&costs, &counts("lut i9")).unwrap_err().to_string().contains("`lut i9`"));
    }

    #[test]
    fn the_costs_that_ship_are_of_every_target() {
        let costs = parse(FITTED).unwrap();
        let all = |target: Target| costs.get(target.name()).is_some_and(|costs| costs.values().flatten().count() > 0);
        assert!(Target::ALL.into_iter().all(all));
        assert!(costs.values().flat_map(Costs::values).flatten().all(|(_, cost)| *cost >= 0.0));
    }
}
