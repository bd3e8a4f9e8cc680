//! Margin heads and losses: logits, one-pass softmax, what gradients are made of, pairs, triplets and mining.
//!
//! These kernels run outside of plans, in the order that [`crate::heads`] gives them, so they make [`Launch`]es instead of recording.

pub(crate) mod columns;
pub(crate) mod combine;
pub(crate) mod distances;
pub(crate) mod gather;
pub(crate) mod merge;
pub(crate) mod mine;
pub(crate) mod norms;
pub(crate) mod pair;
pub(crate) mod rows;
pub(crate) mod targets;
pub(crate) mod triplet;

use crate::recording::{Caps, Launch};
use crate::reference::margin::{Boundary, ClassLoss, Derivative};
use crate::shader::Shader;

/// Mirrors the struct of shaders/shared/classes.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) rows: u32,
    pub(crate) stride: u32,
    pub(crate) classes: u32,
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) width: u32,
    pub(crate) chunk: u32,
    pub(crate) chunks: u32,
    pub(crate) depth: u32,
    pub(crate) boundary: u32,
    pub(crate) scale: f32,
    pub(crate) m1: f32,
    pub(crate) m2: f32,
    pub(crate) m3: f32,
    pub(crate) cos_m: f32,
    pub(crate) sin_m: f32,
    pub(crate) lambda: f32,
    pub(crate) ceiling: f32,
    pub(crate) alpha: f32,
    pub(crate) sigma: f32,
    pub(crate) smoothing: f32,
    pub(crate) weight: f32,
}

/// Bits of [`Params::flags`], as in shaders/shared/classes.wgsl.
pub(crate) mod flag {
    pub(crate) const UNIT_X: u32 = 1;
    pub(crate) const STRAIGHT_THROUGH: u32 = 2;
    pub(crate) const CAFFE_X: u32 = 4;
    pub(crate) const CAFFE_W: u32 = 8;
    pub(crate) const PLAIN: u32 = 16;
    pub(crate) const SOFT: u32 = 32;
    pub(crate) const ANGULAR: u32 = 64;
    pub(crate) const FALLBACK: u32 = 128;
}

/// A ceiling that no cosine reaches: no inter-class filter.
const NO_CEILING: f32 = 3.0;

impl Params {
    /// The numbers of a classification loss; the sizes are the caller's.
    pub(crate) fn of(loss: &ClassLoss) -> Self {
        let base = Self { ceiling: NO_CEILING, scale: 1.0, m1: 1.0, ..Self::default() };
        let angle = |m: f64| Self { m2: m as f32, cos_m: m.cos() as f32, sin_m: m.sin() as f32, ..base };
        let ceiling = |filter: Option<f64>| filter.map_or(NO_CEILING, |f| f as f32);
        match *loss {
            ClassLoss::Softmax => base,
            ClassLoss::L2Softmax { alpha } => Self { scale: alpha as f32, flags: flag::UNIT_X, ..base },
            ClassLoss::Nsl { s } => Self { kind: 1, scale: s as f32, ..base },
            ClassLoss::CosFace { s, m, interclass_filter } => {
                Self { kind: 1, scale: s as f32, m3: m as f32, ceiling: ceiling(interclass_filter), ..base }
            }
            ClassLoss::AdaptiveFace { s, .. } => Self { kind: 1, scale: s as f32, ..base },
            ClassLoss::ArcFace { s, m, boundary, grad, interclass_filter } => Self {
                kind: 2,
                scale: s as f32,
                boundary: match boundary {
                    Boundary::None => 0,
                    Boundary::Linear => 1,
                    Boundary::Easy => 2,
                },
                flags: if grad == Derivative::StraightThrough { flag::STRAIGHT_THROUGH } else { 0 },
                ceiling: ceiling(interclass_filter),
                ..angle(m)
            },
            ClassLoss::Combined { s, m1, m2, m3, interclass_filter } => {
                Self { kind: 3, scale: s as f32, m1: m1 as f32, m3: m3 as f32, ceiling: ceiling(interclass_filter), ..angle(m2) }
            }
            ClassLoss::LiArcFace { s, m } => Self { kind: 4, scale: s as f32, ..angle(m) },
            ClassLoss::ArcNegFace { s, m, alpha, sigma } => {
                Self { kind: 5, scale: s as f32, alpha: alpha as f32, sigma: sigma as f32, boundary: 1, ..angle(m) }
            }
            ClassLoss::LSoftmax { m, lambda } => Self { kind: 6, m1: f32::from(m), lambda: lambda as f32, ..base },
            ClassLoss::ASoftmax { m, lambda, .. } => Self { kind: 7, m1: f32::from(m), lambda: lambda as f32, ..base },
        }
    }

    /// A launch with an invocation to each of `count` things, 64 to a workgroup, of `flops` operations each.
    fn over(&self, caps: &Caps, shader: &'static Shader, count: usize, flops: u64) -> Launch {
        self.launch(shader, caps.fold(count.div_ceil(64)), count as u64 * flops)
    }

    fn launch(&self, shader: &'static Shader, groups: [u32; 3], flops: u64) -> Launch {
        Launch { shader, groups, params: bytemuck::bytes_of(self).to_vec(), flops }
    }
}
