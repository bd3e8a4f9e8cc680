//! Training on the device: optimisers, norms of gradients, weights of single numbers, and the one transpose that a step needs.
//!
//! They run outside of plans, in the order that [`crate::train`] gives them, so they make [`Launch`]es.

pub(crate) mod adam;
pub(crate) mod scale;
pub(crate) mod scale_gradient;
pub(crate) mod sgd;
pub(crate) mod squares;
pub(crate) mod transpose;

use crate::recording::{Caps, Launch};
use crate::shader::Shader;

/// Mirrors the struct of shaders/shared/update.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) count: u32,
    pub(crate) decayed: u32,
    pub(crate) nesterov: u32,
    pub(crate) rate: f32,
    pub(crate) decay: f32,
    pub(crate) scale: f32,
    pub(crate) first: f32,
    pub(crate) first_rest: f32,
    pub(crate) second: f32,
    pub(crate) second_rest: f32,
    pub(crate) first_unbiased: f32,
    pub(crate) second_unbiased: f32,
    pub(crate) epsilon: f32,
}

/// A launch with an invocation to each of `count` things, 64 to a workgroup.
fn over<P: bytemuck::NoUninit>(caps: &Caps, shader: &'static Shader, params: &P, count: usize, flops: u64) -> Launch {
    Launch { shader, groups: caps.fold(count.div_ceil(64)), params: bytemuck::bytes_of(params).to_vec(), flops }
}
