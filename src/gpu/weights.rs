//! Packed constants on the device.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Gpu;
use super::memory::Buffer;
use super::texture::Texture;
use crate::error::{Error, Result};
use crate::recording::{Constant, Plan, Source, Weight};
use crate::shader::BindingKind;

/// A packed constant on the device; keeps its sources, so that an address in a key is never reused.
#[derive(Debug)]
pub(crate) struct UploadedWeight {
    pub(super) memory: WeightMemory,
    _constants: Vec<Constant>,
}

#[derive(Debug)]
pub(super) enum WeightMemory {
    Buffer(Buffer),
    Texture(Texture),
}

/// The packed constants of a network, shared by the plans for its input shapes.
#[derive(Debug, Default)]
pub(crate) struct Uploaded {
    by_key: Mutex<HashMap<(String, bool), Arc<UploadedWeight>>>,
}

impl Uploaded {
    /// `kind`: how kernels bind it.
    fn get(&self, gpu: &Gpu, weight: &Weight, kind: BindingKind) -> Result<Arc<UploadedWeight>> {
        let lock = || self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (weight.key.clone(), kind != BindingKind::Read);
        if let Some(found) = lock().get(&key) {
            return Ok(Arc::clone(found));
        }
        let memory = if kind == BindingKind::Read {
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
            let mut bytes = vec![0; weight.bytes as usize];
            (weight.pack)(&mut bytes);
            WeightMemory::Buffer(gpu.buffer("weights", weight.bytes, usage, Some(&bytes))?)
        } else {
            let texture = gpu.filled_texture("weights", weight.bytes, kind, &*weight.pack)?;
            if !gpu.shares_memory() {
                // The driver copies it while the next one is packed.
                gpu.scoped("weights", 0, || gpu.queue().submit([]))?;
            }
            WeightMemory::Texture(texture)
        };
        let uploaded = Arc::new(UploadedWeight { memory, _constants: weight.constants.clone() });
        Ok(Arc::clone(lock().entry(key).or_insert(uploaded)))
    }

    /// All weights of a plan, packed on as many threads as there are cores, the largest first.
    pub(super) fn get_all(&self, gpu: &Gpu, weights: &[(&Weight, BindingKind)]) -> Result<Vec<Arc<UploadedWeight>>> {
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(weights[i].0.bytes));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(weights.len().max(1));
        let next = AtomicUsize::new(0);
        let take = || order.get(next.fetch_add(1, Ordering::Relaxed)).copied();
        let work = || std::iter::from_fn(take).map(|i| Ok((i, self.get(gpu, weights[i].0, weights[i].1)?))).collect::<Result<Vec<_>>>();
        let mut packed = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .map(|w| w.join().unwrap_or_else(|_| Err(Error::Device("A thread that uploads weights ended.".to_owned()))))
                .collect::<Result<Vec<_>>>()
        })?
        .concat();
        packed.sort_by_key(|(i, _)| *i);
        Ok(packed.into_iter().map(|(_, weight)| weight).collect())
    }
}

/// How each weight of a plan is bound.
pub(super) fn weight_kinds(plan: &Plan) -> Vec<(&Weight, BindingKind)> {
    let mut kinds = vec![BindingKind::Read; plan.weights.len()];
    for d in &plan.dispatches {
        for (source, kind) in d.bindings.iter().zip(&d.shader.bindings[1..]) {
            if let Source::Weight(w) = source {
                kinds[*w as usize] = *kind;
            }
        }
    }
    plan.weights.iter().zip(kinds).collect()
}
