//! Few kernels a plan: software adapters take 0.1 to 0.4 s to compile one, and a tile or an algorithm that two layers want saves them milliseconds.

use std::collections::BTreeMap;

use super::Plan;
use crate::error::Result;
use crate::shader::Shader;

/// Kernels that a plan should have at most.
pub(super) const ENOUGH: usize = 12;

/// How much longer layers may take for it together, by the cost model, and how much more memory the plan.
const DEARER: f64 = 1.1;

/// A plan with at most so many kernels, if that can be had: again and again without the one that costs least for every kernel that is saved.
/// Otherwise the first plan. `among` plans with these kernels alone wherever one of them does.
pub(super) fn of(first: Plan, most: usize, among: impl Fn(&[&'static Shader]) -> Result<Plan>) -> Plan {
    let bounds = [seconds(&first), memory(&first)].map(|amount| amount * DEARER);
    let mut reduced: Option<Plan> = None;
    loop {
        let plan = reduced.as_ref().unwrap_or(&first);
        let all = kernels(plan);
        let excess = all.len().saturating_sub(most);
        if excess == 0 {
            return reduced.unwrap_or(first);
        }
        let cheapest = replaceable(plan).filter_map(|kernel| {
            let rest: Vec<_> = all.iter().copied().filter(|other| *other != kernel).collect();
            // Without it the plan may not fit the device.
            let other = among(&rest).ok()?;
            let saved = all.len().checked_sub(other.kernels()).filter(|&saved| saved > 0)?;
            let within = [seconds(&other), memory(&other)].iter().zip(bounds).all(|(amount, bound)| *amount <= bound);
            within.then(|| ((seconds(&other) - seconds(plan)) / saved.min(excess) as f64, other))
        });
        let Some((_, other)) = cheapest.min_by(|a, b| a.0.total_cmp(&b.0)) else { return first };
        reduced = Some(other);
    }
}

/// The kernels of a plan by name.
fn kernels(plan: &Plan) -> Vec<&'static Shader> {
    by_name(plan.dispatches.iter().map(|d| d.shader))
}

/// Those in whose place there may be others.
fn replaceable(plan: &Plan) -> impl Iterator<Item = &'static Shader> {
    by_name(plan.prices.iter().flat_map(|price| price.kernels.iter().copied())).into_iter()
}

fn by_name(kernels: impl Iterator<Item = &'static Shader>) -> Vec<&'static Shader> {
    kernels.map(|kernel| (kernel.name, kernel)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// What the layers that have a choice should take together.
fn seconds(plan: &Plan) -> f64 {
    plan.prices.iter().map(|price| price.seconds).sum()
}

/// Bytes of weights and activations.
fn memory(plan: &Plan) -> f64 {
    (plan.weight_bytes() + plan.slots.iter().sum::<u64>()) as f64
}

#[cfg(test)]
#[path = "economy_tests.rs"]
mod tests;
