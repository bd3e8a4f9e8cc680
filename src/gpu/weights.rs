//! Packed constants on the device.

use std::collections::HashMap;
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
        let bytes = (weight.pack)();
        let memory = if kind == BindingKind::Read {
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
            WeightMemory::Buffer(gpu.buffer("weights", weight.bytes, usage, Some(&bytes))?)
        } else {
            let texture = gpu.texture("weights", weight.bytes, kind, Some(bytes.into()))?;
            // The device copies it from where the host wrote it while the next one is packed.
            gpu.scoped("weights", 0, || gpu.queue().submit([]))?;
            WeightMemory::Texture(texture)
        };
        let uploaded = Arc::new(UploadedWeight { memory, _constants: weight.constants.clone() });
        Ok(Arc::clone(lock().entry(key).or_insert(uploaded)))
    }

    /// All weights of a plan, packed on as many threads as there are cores.
    pub(super) fn get_all(&self, gpu: &Gpu, weights: &[(&Weight, BindingKind)]) -> Result<Vec<Arc<UploadedWeight>>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(weights.len().max(1));
        let mut parts = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|t| {
                    scope.spawn(move || {
                        weights.iter().skip(t).step_by(threads).map(|(w, kind)| self.get(gpu, w, *kind)).collect::<Result<Vec<_>>>()
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|w| w.join().unwrap_or_else(|_| Err(Error::Device("A thread that uploads weights ended.".to_owned()))))
                .map(|part| part.map(Vec::into_iter))
                .collect::<Result<Vec<_>>>()
        })?;
        Ok((0..weights.len()).filter_map(|i| parts[i % threads].next()).collect())
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
