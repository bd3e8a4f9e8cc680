//! Collects tensors, packed constants and dispatches while a graph is lowered.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{Activation, Caps, Constant, ConvChoice, Dispatch, Feed, Force, Lifetime, Plan, Port, Price, Source, Tuning, assign_slots};
use crate::error::{Error, Result};
use crate::model::Precision;
use crate::shader::{BindingKind, Shader};

/// A constant in the form a kernel reads, packed when it is uploaded.
#[derive(Clone)]
pub(crate) struct Weight {
    /// What it is and of which constants; equal keys hold equal bytes.
    pub(crate) key: String,
    /// Bytes, a multiple of 16.
    pub(crate) bytes: u64,
    /// Writes the bytes, all of them.
    pub(crate) pack: Arc<dyn Fn(&mut [u8]) + Send + Sync>,
    /// Keeps the constants alive, so that an address in `key` stays theirs.
    pub(crate) constants: Vec<Constant>,
}

impl fmt::Debug for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weight").field("key", &self.key).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Bytes of all tables that are computed while planning: those of a thousand rows take 16 KB.
const MAX_TABLES: u64 = 64 << 20;

/// See the module.
pub(crate) struct Recorder<'a> {
    pub(crate) caps: &'a Caps,
    pub(crate) precision: Precision,
    pub(crate) force: Force,
    /// What timing has decided; `None` where nothing is to be timed.
    pub(crate) tuning: Option<&'a Tuning>,
    /// Kernels by which layers are computed where any of these computes them; `None`: by whichever suits them.
    pub(crate) among: Option<&'a [&'static Shader]>,
    /// What was decided about each convolution.
    pub(crate) convolutions: Vec<ConvChoice>,
    /// What the cost model expects of layers that have a choice of kernels, in order.
    pub(crate) prices: Vec<Price>,
    tensors: Vec<u64>,
    weights: Vec<Weight>,
    by_key: HashMap<String, u32>,
    /// Bytes of tables that were computed here.
    tables: u64,
    dispatches: Vec<Dispatch>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(caps: &'a Caps, precision: Precision, force: Force) -> Self {
        Self {
            caps,
            precision,
            force,
            tuning: None,
            among: None,
            convolutions: Vec::new(),
            prices: Vec::new(),
            tensors: Vec::new(),
            weights: Vec::new(),
            by_key: HashMap::new(),
            tables: 0,
            dispatches: Vec::new(),
        }
    }

    /// Whether a layer may be computed by this kernel, if it is up to the layer.
    pub(crate) fn admits(&self, kernel: &'static Shader) -> bool {
        self.among.is_none_or(|among| among.contains(&kernel))
    }

    /// A new activation of at least `bytes`.
    pub(crate) fn tensor(&mut self, bytes: u64) -> Source {
        self.tensors.push(bytes.next_multiple_of(16).max(16));
        Source::Tensor(self.tensors.len() as u32 - 1)
    }

    /// A packed constant. `form` says how it is packed, `constants` of what; the same pair is packed once.
    pub(crate) fn weight(
        &mut self,
        form: &str,
        constants: &[Constant],
        bytes: u64,
        pack: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Source {
        self.weight_in_place(form, constants, bytes, move |out| {
            let packed = pack();
            let (own, rest) = out.split_at_mut(packed.len().min(out.len()));
            own.copy_from_slice(&packed[..own.len()]);
            rest.fill(0);
        })
    }

    /// As [`Recorder::weight`] for large ones: `pack` writes every byte of where they go.
    pub(crate) fn weight_in_place(
        &mut self,
        form: &str,
        constants: &[Constant],
        bytes: u64,
        pack: impl Fn(&mut [u8]) + Send + Sync + 'static,
    ) -> Source {
        let addresses: Vec<_> = constants.iter().map(|c| format!("{:p}", Arc::as_ptr(c))).collect();
        let key = format!("{form} {}", addresses.join(" "));
        if let Some(&i) = self.by_key.get(&key) {
            return Source::Weight(i);
        }
        let i = self.weights.len() as u32;
        self.by_key.insert(key.clone(), i);
        self.weights.push(Weight { key, bytes: bytes.next_multiple_of(16).max(16), pack: Arc::new(pack), constants: constants.to_vec() });
        Source::Weight(i)
    }

    /// A constant that was computed from sizes and attributes, and is kept until it is uploaded. Equal forms hold equal tables.
    ///
    /// # Errors
    /// More tables than a network needs: they are in no file, so no limit on files bounds them.
    pub(crate) fn table<T: bytemuck::NoUninit + Send + Sync>(&mut self, form: &str, content: Vec<T>) -> Result<Source> {
        let (bytes, before) = (size_of_val(content.as_slice()) as u64, self.weights.len());
        let source = self.weight(form, &[], bytes, move || bytemuck::cast_slice(&content).to_vec());
        if self.weights.len() > before {
            self.tables = self.tables.saturating_add(bytes);
        }
        if self.tables > MAX_TABLES {
            return Err(Error::Limits(format!(
                "The network needs more than {MAX_TABLES} bytes of tables for resampling. Use smaller sizes, or fewer different ones."
            )));
        }
        Ok(source)
    }

    /// Something to bind where an operand is absent. Never read.
    pub(crate) fn nothing(&mut self) -> Source {
        self.weight("nothing", &[], 16, || vec![0; 16])
    }

    /// The same where a texture is bound.
    pub(crate) fn nothing_texture(&mut self) -> Source {
        self.weight("nothing (texture)", &[], 16, || vec![0; 16])
    }

    /// Bytes of a source.
    pub(crate) fn bytes(&self, source: Source) -> u64 {
        match source {
            Source::Tensor(i) => self.tensors[i as usize],
            Source::Weight(i) => self.weights[i as usize].bytes,
        }
    }

    /// A grid of `count` workgroups folded to two dimensions; shaders unfold it with shared/index.
    pub(crate) fn fold(&self, count: usize) -> [u32; 3] {
        self.caps.fold(count)
    }

    /// Records a launch.
    ///
    /// # Errors
    /// A grid or binding beyond the limits of the device.
    pub(crate) fn dispatch(
        &mut self,
        shader: &'static Shader,
        label: &str,
        groups: [u32; 3],
        params: &impl bytemuck::NoUninit,
        bindings: &[Source],
        flops: u64,
    ) -> Result<()> {
        let dispatch = self.launch(shader, label, groups, params, bindings, flops)?;
        self.dispatches.push(dispatch);
        Ok(())
    }

    /// What has been recorded, in order.
    pub(crate) fn dispatches(&self) -> &[Dispatch] {
        &self.dispatches
    }

    /// Puts other launches in place of all that were recorded. Tensors that none of them binds take no memory.
    pub(crate) fn replace(&mut self, dispatches: Vec<Dispatch>) {
        self.dispatches = dispatches;
    }

    /// A launch that is not recorded.
    ///
    /// # Errors
    /// As [`Self::dispatch`].
    pub(crate) fn launch(
        &self,
        shader: &'static Shader,
        label: &str,
        groups: [u32; 3],
        params: &impl bytemuck::NoUninit,
        bindings: &[Source],
        flops: u64,
    ) -> Result<Dispatch> {
        debug_assert_eq!(bindings.len() + 1, shader.bindings.len(), "{} binds another number of buffers", shader.name);
        let bytes: u64 = bindings.iter().map(|&b| self.bytes(b)).sum();
        if let Some(&large) = bindings.iter().find(|&&b| self.bytes(b) > self.caps.max_binding) {
            return Err(Error::Limits(format!(
                "The layer `{label}` needs {} bytes in one binding, but this device binds at most {}. Use a smaller batch or smaller pictures.",
                self.bytes(large),
                self.caps.max_binding
            )));
        }
        if groups.iter().any(|&g| g > self.caps.max_groups) {
            return Err(Error::Limits(format!(
                "The layer `{label}` needs a grid of {}x{}x{} workgroups, but this device takes at most {} along a dimension. Use a smaller batch.",
                groups[0], groups[1], groups[2], self.caps.max_groups
            )));
        }
        Ok(Dispatch {
            shader,
            label: label.to_owned(),
            groups,
            params: bytemuck::bytes_of(params).to_vec(),
            bindings: bindings.to_vec(),
            flops,
            bytes,
        })
    }

    /// The plan: lifetimes are read off the dispatches, memory is assigned.
    pub(crate) fn finish(self, feed: Feed, inputs: Vec<Port>, outputs: Vec<Port>) -> Result<Plan> {
        let mut lifetimes: Vec<_> = self.tensors.iter().map(|&bytes| Lifetime { first: usize::MAX, last: 0, bytes }).collect();
        for (i, dispatch) in self.dispatches.iter().enumerate() {
            for (source, kind) in dispatch.bindings.iter().zip(&dispatch.shader.bindings[1..]) {
                let Source::Tensor(t) = *source else { continue };
                let life = &mut lifetimes[t as usize];
                debug_assert!(
                    life.first != usize::MAX || *kind == BindingKind::Write || inputs.iter().any(|x| x.source == *source),
                    "read before written"
                );
                life.first = life.first.min(i);
                life.last = life.last.max(i);
            }
        }
        for port in &inputs {
            if let Source::Tensor(t) = port.source {
                lifetimes[t as usize].first = 0;
            }
        }
        for port in &outputs {
            if let Source::Tensor(t) = port.source {
                let life = &mut lifetimes[t as usize];
                life.first = life.first.min(self.dispatches.len());
                life.last = usize::MAX;
            }
        }
        for life in &mut lifetimes {
            if life.first == usize::MAX {
                // A map between two launches that became one: never alive.
                life.bytes = 16;
                continue;
            }
            // An unused input is written once by the upload.
            life.first = life.first.min(life.last);
        }
        let (slot_of, slots) = assign_slots(&lifetimes);
        let tensors = lifetimes.iter().zip(slot_of).map(|(l, slot)| Activation { bytes: l.bytes, slot }).collect();
        Ok(Plan {
            tensors,
            slots,
            weights: self.weights,
            dispatches: self.dispatches,
            feed,
            inputs,
            outputs,
            convolutions: self.convolutions,
            prices: self.prices,
        })
    }
}
