//! Pooling over everything behind the channel axis.

use super::gather;
use crate::graph::PoolKind;
use crate::reference::Array;

/// One value per image and channel.
pub(in crate::reference) fn global_pool(kind: PoolKind, x: &Array) -> Vec<f64> {
    let plane: usize = x.shape[2..].iter().product();
    x.data.chunks(plane).map(|cells| gather(kind, cells.iter().copied(), plane)).collect()
}
