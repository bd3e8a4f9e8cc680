//! What a compiled network does and needs.

use serde::Serialize;

use crate::plan::{ConvChoice, Plan};

/// What a compiled network does and needs, for `info` and `bench`.
#[derive(Clone, Debug, Serialize)]
pub struct PlanSummary {
    /// Launches in order.
    pub dispatches: Vec<DispatchSummary>,
    /// How every convolution and every dense layer that is a matrix product is computed, and why so.
    pub convolutions: Vec<ConvChoice>,
    /// Bytes of packed weights.
    pub weight_bytes: u64,
    /// Bytes of all activation slots.
    pub slot_bytes: u64,
    /// Number of activation slots.
    pub slots: usize,
    /// Bytes of the buffer that results are read through.
    pub staging_bytes: u64,
    /// Number of different pipelines.
    pub pipelines: usize,
}

/// One launch of a [`PlanSummary`].
#[derive(Clone, Debug, Serialize)]
pub struct DispatchSummary {
    /// Layer and shape.
    pub label: String,
    /// Permutation.
    pub shader: String,
    /// Workgroups.
    pub groups: [u32; 3],
    /// Floating point operations.
    pub flops: u64,
    /// Bytes bound.
    pub bytes: u64,
}

impl PlanSummary {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            dispatches: plan
                .dispatches
                .iter()
                .map(|d| DispatchSummary {
                    label: d.label.clone(),
                    shader: d.shader.name.to_owned(),
                    groups: d.groups,
                    flops: d.flops,
                    bytes: d.bytes,
                })
                .collect(),
            convolutions: plan.convolutions.clone(),
            weight_bytes: plan.weight_bytes(),
            slot_bytes: plan.slots.iter().sum(),
            slots: plan.slots.len(),
            staging_bytes: plan.outputs.iter().map(|o| plan.bytes(o.source)).sum(),
            pipelines: plan.kernels(),
        }
    }
}
