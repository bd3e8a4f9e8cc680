//! Pooling.

pub(crate) mod global;
pub(crate) mod window;

use crate::graph::PoolKind;

/// The `kind` of the pooling shaders.
fn code(kind: PoolKind) -> u32 {
    match kind {
        PoolKind::Max => 0,
        PoolKind::Average => 1,
        PoolKind::L2 => 2,
        PoolKind::Lp(_) => 3,
    }
}
