//! Few kernels a plan: software adapters take 0.1 to 0.4 s to compile one, and a tile or an algorithm for two layers saves them milliseconds.

use std::collections::BTreeMap;

use super::Plan;
use crate::error::Result;
use crate::shader::Shader;

/// Kernels that a plan should have at most.
const ENOUGH: usize = 12;

/// A plan with fewer kernels, if it has too many: again and again without the one that costs least for every kernel that is saved, by the cost
/// model. `without` plans without some kernels, as far as there are others.
pub(super) fn of(mut plan: Plan, without: impl Fn(&[&'static Shader]) -> Result<Plan>) -> Plan {
    let mut spared = Vec::new();
    loop {
        let excess = plan.kernels().saturating_sub(ENOUGH);
        if excess == 0 {
            return plan;
        }
        let cheapest = replaceable(&plan).into_iter().filter_map(|kernel| {
            let all: Vec<_> = spared.iter().copied().chain([kernel]).collect();
            // What does not fit the device without it keeps it.
            let other = without(&all).ok()?;
            let saved = plan.kernels().checked_sub(other.kernels()).filter(|&saved| saved > 0)?;
            let price = (seconds(&other) - seconds(&plan)) / saved.min(excess) as f64;
            Some((price, kernel, other))
        });
        let Some((_, kernel, other)) = cheapest.min_by(|a, b| a.0.total_cmp(&b.0)) else { return plan };
        spared.push(kernel);
        plan = other;
    }
}

/// Kernels in whose place there may be others, by name.
fn replaceable(plan: &Plan) -> Vec<&'static Shader> {
    let chosen = plan.prices.iter().flat_map(|price| price.kernels.iter().copied());
    chosen.map(|kernel| (kernel.name, kernel)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// What the layers with such kernels should take together.
fn seconds(plan: &Plan) -> f64 {
    plan.prices.iter().map(|price| price.seconds).sum()
}
