//! A model on a device: compiled once, run at any batch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Instance, KernelTime, Uploaded, Warp, wgpu};
use crate::graph::Graph;
use crate::graph::passes::{self, Bounds};
use crate::kernels::image::warp::channel_count;
use crate::model::{InputDescription, Model, Precision};
use crate::plan::{self, Feed, Force, Plan, PlanOptions};
pub use crate::tensor::PictureView;
use crate::tensor::{Shape, Tensor};

/// How to compile a [`Network`].
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// Batch to prepare for. Others work too; each is prepared when it is first seen.
    pub batch: usize,
    /// Whole shapes of inputs whose free dimensions go beyond the batch, by name.
    pub shapes: Vec<(String, Shape)>,
    /// Storage of weights. Arithmetic is f32 either way.
    pub precision: Precision,
    /// Values to compute, by name; empty = the model's outputs. Any value of the graph can be asked for.
    pub outputs: Vec<String>,
    /// Overrides of the algorithm choice, for tests and benchmarks.
    pub force: Force,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self { batch: 1, shapes: Vec::new(), precision: Precision::F32, outputs: Vec::new(), force: Force::default() }
    }
}

/// What a compiled network does and needs, for `info` and `bench`.
#[derive(Clone, Debug, Serialize)]
pub struct PlanSummary {
    /// Launches in order.
    pub dispatches: Vec<DispatchSummary>,
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

/// Plans kept ready, by input shapes; the least recently used one goes first.
const KEPT_PLANS: usize = 8;

#[derive(Debug)]
struct Ready {
    shapes: Vec<Shape>,
    feed: Feed,
    /// Locked while it runs: its buffers hold one run at a time.
    instance: Arc<Mutex<Instance>>,
}

/// A model compiled for a device. `Send + Sync`; runs of one network take turns.
#[derive(Debug)]
pub struct Network {
    gpu: Gpu,
    /// Optimised, for any input shapes.
    graph: Graph,
    bounds: Bounds,
    input: InputDescription,
    options: CompileOptions,
    uploaded: Uploaded,
    ready: Mutex<VecDeque<Ready>>,
}

impl Network {
    /// Optimises the model's graph, plans it for `options.batch`, builds all pipelines in parallel and uploads the weights.
    ///
    /// # Errors
    /// An operation without a kernel, an unknown output, a missing shape, too little memory, a lost device.
    pub fn compile(gpu: &Gpu, model: &Model, options: &CompileOptions) -> Result<Self> {
        if options.batch == 0 {
            return Err(Error::Caller("The batch is 0. Give at least 1.".to_owned()));
        }
        let mut graph = model.graph.clone();
        if !options.outputs.is_empty() {
            graph.select_outputs(&options.outputs)?;
        }
        let (shapes, bounds) = (graph.input_shapes(options.batch, &options.shapes)?, model.limits.bounds());
        passes::optimise_within(&mut graph, &shapes, &bounds)?;
        let network = Self {
            gpu: gpu.clone(),
            graph,
            bounds,
            input: model.description.input.clone(),
            options: options.clone(),
            uploaded: Uploaded::default(),
            ready: Mutex::new(VecDeque::new()),
        };
        network.instance(&shapes, Feed::Packed)?;
        Ok(network)
    }

    /// The plan for these input shapes, made now if need be.
    fn instance(&self, shapes: &[Shape], feed: Feed) -> Result<Arc<Mutex<Instance>>> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ready.iter().position(|r| r.feed == feed && r.shapes == shapes);
        if let Some(found) = known.and_then(|i| ready.remove(i)) {
            let instance = Arc::clone(&found.instance);
            ready.push_front(found);
            return Ok(instance);
        }
        let (graph, all) = passes::specialise_within(&self.graph, shapes, &self.bounds)?;
        let options = PlanOptions { precision: self.options.precision, feed, force: self.options.force.clone() };
        let plan = plan::build(&graph, &all, self.gpu.caps(), &options)?;
        // The memory of the plan that goes is free before the new one asks for it.
        ready.truncate(KEPT_PLANS - 1);
        let instance = Arc::new(Mutex::new(Instance::new(&self.gpu, plan, &self.uploaded)?));
        ready.push_front(Ready { shapes: shapes.to_vec(), feed, instance: Arc::clone(&instance) });
        Ok(instance)
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Names of the inputs and their shapes at the batch the network was compiled for.
    pub fn inputs(&self) -> Result<Vec<(String, Shape)>> {
        let shapes = self.graph.input_shapes(self.options.batch, &self.options.shapes)?;
        Ok(self.graph.inputs.iter().map(|i| self.graph.name(i.value).to_owned()).zip(shapes).collect())
    }

    /// Names of the outputs.
    pub fn outputs(&self) -> Vec<String> {
        self.graph.outputs.iter().map(|&o| self.graph.name(o).to_owned()).collect()
    }

    /// Runs once on zeros, so that drivers that compile at the first launch do it now. Returns how long that took.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn warm_up(&self) -> Result<Duration> {
        let start = Instant::now();
        let zeros: Vec<_> = self.inputs()?.into_iter().map(|(name, shape)| (name, Tensor::zeros(shape))).collect();
        let inputs: Vec<_> = zeros.iter().map(|(name, t)| (name.as_str(), t)).collect();
        self.run(&inputs)?;
        Ok(start.elapsed())
    }

    /// Runs on host tensors in the model's own layout (N, C, H, W; f32), whatever the batch. Blocks until the results are here.
    /// A batch too large for the device's bindings is run in parts.
    ///
    /// # Errors
    /// A missing or unknown input, a shape that does not fit, too little memory, a timeout, a lost device.
    pub fn run(&self, inputs: &[(&str, &Tensor)]) -> Result<Vec<(String, Tensor)>> {
        let tensors = self.match_inputs(inputs)?;
        let shapes: Vec<Shape> = tensors.iter().map(|t| t.shape().clone()).collect();
        match self.run_whole(&tensors, &shapes) {
            Err(Error::Limits(reason)) => self.run_in_halves(&tensors, &reason),
            other => other,
        }
    }

    fn run_whole(&self, tensors: &[&Tensor], shapes: &[Shape]) -> Result<Vec<(String, Tensor)>> {
        let instance = self.instance(shapes, Feed::Packed)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        let data: Vec<_> = tensors.iter().map(|t| t.to_f32()).collect();
        let data: Vec<&[f32]> = data.iter().map(|d| d.as_ref()).collect();
        instance.upload(&self.gpu, &data);
        let results = instance.run(&self.gpu, |_| {})?;
        named(&instance.plan, results)
    }

    /// Splits the batch in two where one binding cannot hold a whole batch, and joins the outputs.
    fn run_in_halves(&self, tensors: &[&Tensor], reason: &str) -> Result<Vec<(String, Tensor)>> {
        let batch = tensors.iter().map(|t| t.shape().first().copied().unwrap_or(1)).min().unwrap_or(1);
        let same = tensors.iter().all(|t| t.shape().first() == Some(&batch));
        if batch < 2 || !same {
            return Err(Error::Limits(reason.to_owned()));
        }
        let names = self.graph.inputs.iter().map(|i| self.graph.name(i.value));
        let half = batch / 2;
        let mut joined: Option<Vec<(String, Tensor)>> = None;
        for range in [0..half, half..batch] {
            let parts: Vec<Tensor> = tensors.iter().filter_map(|t| rows(t, &range)).collect();
            let inputs: Vec<_> = names.clone().zip(&parts).collect();
            let results = self.run(&inputs)?;
            joined = Some(match joined {
                None => results,
                Some(first) => first.into_iter().zip(results).map(|((name, a), (_, b))| join(name, &a, &b)).collect::<Result<_>>()?,
            });
        }
        Ok(joined.unwrap_or_default())
    }

    /// Runs on decoded pictures: warp, channel order and normalisation (as the model's description says) happen on the GPU.
    ///
    /// # Errors
    /// A model that does not take one input of pictures, a picture whose bytes do not fit its size, and as [`Network::run`].
    pub fn run_pictures(&self, pictures: &[PictureView<'_>]) -> Result<Vec<(String, Tensor)>> {
        let shapes = self.picture_shapes(pictures.len())?;
        let instance = self.instance(&shapes, Feed::Packed)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        let warp = Warp::new(&self.gpu, &instance, &self.input, pictures)?;
        let results = instance.run(&self.gpu, |encoder| warp.encode(&self.gpu, encoder))?;
        named(&instance.plan, results)
    }

    /// Input shapes for a batch of pictures.
    fn picture_shapes(&self, batch: usize) -> Result<Vec<Shape>> {
        if batch == 0 {
            return Err(Error::Caller("The batch holds no picture. Give at least one.".to_owned()));
        }
        let shapes = self.graph.input_shapes(self.options.batch, &self.options.shapes)?;
        let channels = channel_count(self.input.channels);
        match shapes.as_slice() {
            [shape] if shape.rank() == 4 && shape[1] == channels => Ok(vec![Shape::from([batch, shape[1], shape[2], shape[3]])]),
            _ => Err(Error::Caller(format!(
                "The model takes {}, which is not one input of pictures with {channels} channels (Nx{channels}xHxW). Use `run` with arrays, \
                 or correct `channels` in the description.",
                shapes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
            ))),
        }
    }

    /// Records the network into the caller's encoder: no submit, no readback. Inputs and outputs are the caller's buffers, row-major f32;
    /// inputs need `COPY_SRC`, outputs `COPY_DST`. Shapes are those the network was compiled for.
    ///
    /// The buffers of the network are in use until the caller's submission is done: wait for it before the next run or encoding.
    ///
    /// # Errors
    /// A name that is missing or unknown, or a buffer that is too small.
    pub fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        inputs: &[(&str, &wgpu::Buffer)],
        outputs: &[(&str, &wgpu::Buffer)],
    ) -> Result<()> {
        let shapes = self.graph.input_shapes(self.options.batch, &self.options.shapes)?;
        let instance = self.instance(&shapes, Feed::Plain)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        instance.encode_shared(encoder, inputs, outputs)
    }

    /// Runs once and says how long each kernel took.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn profile(&self, inputs: &[(&str, &Tensor)]) -> Result<Vec<KernelTime>> {
        let tensors = self.match_inputs(inputs)?;
        let shapes: Vec<Shape> = tensors.iter().map(|t| t.shape().clone()).collect();
        let instance = self.instance(&shapes, Feed::Packed)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        let data: Vec<_> = tensors.iter().map(|t| t.to_f32()).collect();
        let data: Vec<&[f32]> = data.iter().map(|d| d.as_ref()).collect();
        instance.upload(&self.gpu, &data);
        instance.profile(&self.gpu)
    }

    /// What the network does and needs at the batch it was compiled for.
    ///
    /// # Errors
    /// Too little memory for that plan, if it was dropped meanwhile.
    pub fn summary(&self) -> Result<PlanSummary> {
        let shapes = self.graph.input_shapes(self.options.batch, &self.options.shapes)?;
        let instance = self.instance(&shapes, Feed::Packed)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(PlanSummary::of(&instance.plan))
    }

    /// The given tensors in the order of the graph's inputs.
    fn match_inputs<'t>(&self, inputs: &[(&str, &'t Tensor)]) -> Result<Vec<&'t Tensor>> {
        let names: Vec<&str> = self.graph.inputs.iter().map(|i| self.graph.name(i.value)).collect();
        if let Some((unknown, _)) = inputs.iter().find(|(n, _)| !names.contains(n)) {
            return Err(Error::Caller(format!("The model has no input named `{unknown}`. Its inputs are {}.", names.join(", "))));
        }
        let find = |input: &crate::graph::Input| {
            let name = self.graph.name(input.value);
            let found = inputs.iter().find(|(n, _)| *n == name);
            let (_, tensor) = found
                .ok_or_else(|| Error::Caller(format!("The input `{name}` is missing. The model's inputs are {}.", names.join(", "))))?;
            self.graph.check_input(input, tensor.shape())?;
            Ok(*tensor)
        };
        self.graph.inputs.iter().map(find).collect()
    }
}

impl PlanSummary {
    fn of(plan: &Plan) -> Self {
        let mut names: Vec<_> = plan.dispatches.iter().map(|d| d.shader.name).collect();
        names.sort_unstable();
        names.dedup();
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
            weight_bytes: plan.weight_bytes(),
            slot_bytes: plan.slots.iter().sum(),
            slots: plan.slots.len(),
            staging_bytes: plan.outputs.iter().map(|o| plan.bytes(o.1)).sum(),
            pipelines: names.len(),
        }
    }
}

fn named(plan: &Plan, results: Vec<Vec<f32>>) -> Result<Vec<(String, Tensor)>> {
    plan.outputs
        .iter()
        .zip(results)
        .map(|((name, _, shape), data)| {
            let tensor = Tensor::from_f32(shape.clone(), data)
                .ok_or_else(|| Error::Device(format!("The result `{name}` has another size than its shape {shape}.")))?;
            Ok((name.clone(), tensor))
        })
        .collect()
}

/// Rows `range` of the first dimension.
fn rows(t: &Tensor, range: &std::ops::Range<usize>) -> Option<Tensor> {
    let row = t.len() / t.shape().first()?;
    let mut dims = t.shape().to_vec();
    dims[0] = range.len();
    Tensor::from_f32(dims, t.to_f32().get(range.start * row..range.end * row)?.to_vec())
}

/// Joins two results along the first dimension.
fn join(name: String, a: &Tensor, b: &Tensor) -> Result<(String, Tensor)> {
    let mut dims = a.shape().to_vec();
    let fits = a.shape().rank() > 0 && a.shape()[1..] == b.shape()[1..];
    if let Some(first) = dims.first_mut() {
        *first += b.shape()[0];
    }
    let data: Vec<f32> = a.to_f32().iter().chain(b.to_f32().iter()).copied().collect();
    match Tensor::from_f32(dims, data).filter(|_| fits) {
        Some(t) => Ok((name, t)),
        None => Err(Error::Limits(format!(
            "The output `{name}` has no batch dimension, so the batch cannot be run in parts. Use a smaller batch."
        ))),
    }
}
