//! A model on a device: compiled once, run at any batch.

mod apart;
mod batch;
mod encode;
mod running;
mod summary;
mod tuning;

pub use running::Running;
pub use summary::{DispatchSummary, PlanSummary};

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Instance, KernelTime, Photo, PhotoView, Uploaded, Warp, wgpu};
use crate::graph::passes::{self, Bounds};
use crate::graph::{Graph, describe_dims};
use crate::kernels::image::photo::channel_count;
use crate::model::{InputDescription, Model, Precision};
use crate::plan::{self, Feed, Force, Plan, PlanOptions};
pub use crate::tensor::{Border, Look, PictureView, Sampling};
use crate::tensor::{DType, Shape, Tensor};

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
    /// Plans kept ready, one a set of input shapes; the least recently used one goes first. At least 1.
    pub plans: usize,
    /// Whether the ways to compute each convolution and dense layer are timed on the device, once, and the fastest is taken: algorithm, tile,
    /// slices. The choice is kept on disk ([`crate::gpu::GpuOptions::cache`]), so a later network computes the same bits; another machine may
    /// choose, and round, otherwise. Layers are told apart by their shapes, so each batch and each size of pictures is timed when it is first
    /// seen. [`crate::gpu::GpuOptions::autotune`] asks for it for all networks of a device.
    pub autotune: bool,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            batch: 1,
            shapes: Vec::new(),
            precision: Precision::F32,
            outputs: Vec::new(),
            force: Force::default(),
            plans: 8,
            autotune: false,
        }
    }
}

/// The content of every input that plans depend on; `None` for the others.
type Contents = Vec<Option<Arc<Tensor>>>;

#[derive(Debug)]
struct Ready {
    shapes: Vec<Shape>,
    contents: Contents,
    feed: Feed,
    /// Locked while it is recorded and submitted; the device works on one run after the other.
    instance: Arc<Mutex<Instance>>,
}

/// A model compiled for a device. `Send + Sync`; runs of one network take turns.
#[derive(Debug)]
pub struct Network {
    gpu: Gpu,
    /// Optimised, for any input shapes; as the model has it when plans depend on the content of inputs.
    graph: Graph,
    /// For every input, whether plans depend on its content.
    content: Vec<bool>,
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
        let content = graph.content_inputs()?;
        let known = !content.contains(&true);
        let shapes = if known { graph.input_shapes(options.batch, &options.shapes)? } else { Vec::new() };
        let bounds = model.limits.bounds();
        if known {
            passes::optimise_within(&mut graph, &shapes, &bounds)?;
        }
        let network = Self {
            gpu: gpu.clone(),
            graph,
            content,
            bounds,
            input: model.description.input.clone(),
            options: options.clone(),
            uploaded: Uploaded::default(),
            ready: Mutex::new(VecDeque::new()),
        };
        if known {
            network.instance(&shapes, &network.nothing(), Feed::Packed)?;
        }
        Ok(network)
    }

    /// The contents when no plan depends on any.
    fn nothing(&self) -> Contents {
        vec![None; self.content.len()]
    }

    /// The plan for the batch and shapes the network was compiled for.
    fn compiled(&self, feed: Feed) -> Result<Arc<Mutex<Instance>>> {
        if let Some(i) = self.content.iter().position(|&c| c) {
            return Err(Error::Caller(format!(
                "The plan of this model depends on the content of its input `{}`, so there is none before it is known. Use `run` with all inputs.",
                self.graph.name(self.graph.inputs[i].value)
            )));
        }
        self.instance(&self.graph.input_shapes(self.options.batch, &self.options.shapes)?, &self.nothing(), feed)
    }

    /// The graph for one content of the inputs that plans depend on, and the shapes of the other inputs.
    fn bound(&self, shapes: &[Shape], contents: &Contents) -> Result<(Cow<'_, Graph>, Vec<Shape>)> {
        if contents.iter().all(Option::is_none) {
            return Ok((Cow::Borrowed(&self.graph), shapes.to_vec()));
        }
        let mut graph = self.graph.with_contents(contents);
        let shapes: Vec<_> = shapes.iter().zip(contents).filter(|(_, c)| c.is_none()).map(|(s, _)| s.clone()).collect();
        passes::optimise_within(&mut graph, &shapes, &self.bounds)?;
        Ok((Cow::Owned(graph), shapes))
    }

    /// The plan for these inputs, made now if need be.
    fn instance(&self, shapes: &[Shape], contents: &Contents, feed: Feed) -> Result<Arc<Mutex<Instance>>> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ready.iter().position(|r| r.feed == feed && r.shapes == shapes && r.contents == *contents);
        if let Some(found) = known.and_then(|i| ready.remove(i)) {
            let instance = Arc::clone(&found.instance);
            ready.push_front(found);
            return Ok(instance);
        }
        let (bound, inputs) = self.bound(shapes, contents)?;
        let (graph, all) = passes::specialise_within(&bound, &inputs, &self.bounds)?;
        let options = PlanOptions { precision: self.options.precision, feed, force: self.options.force.clone() };
        let plan = if self.options.autotune || self.gpu.autotunes() {
            tuning::plan(&self.gpu, &graph, &all, &options)?
        } else {
            plan::build(&graph, &all, self.gpu.caps(), &options)?
        };
        // The memory of the plan that goes is free before the new one asks for it.
        ready.truncate(self.options.plans.saturating_sub(1));
        let instance = Arc::new(Mutex::new(Instance::new(&self.gpu, plan, &self.uploaded)?));
        ready.push_front(Ready { shapes: shapes.to_vec(), contents: contents.clone(), feed, instance: Arc::clone(&instance) });
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
        let instance = self.compiled(Feed::Packed)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        let zeros: Vec<_> = instance.plan.inputs.iter().map(|port| Tensor::zeros(port.shape.clone())).collect();
        instance.upload(&self.gpu, &zeros.iter().collect::<Vec<_>>())?;
        instance.run(&self.gpu, |_| {})?;
        Ok(start.elapsed())
    }

    /// Runs on host tensors in the model's own layout (N, C, H, W) and types, whatever the batch. Blocks until the results are here.
    /// A batch too large for the device's bindings is run in parts. Where an input decides shapes (the target of a Reshape, the k of a
    /// TopK), a plan is made for each content of it.
    ///
    /// # Errors
    /// A missing or unknown input, a shape that does not fit, too little memory, a timeout, a lost device.
    pub fn run(&self, inputs: &[(&str, &Tensor)]) -> Result<Vec<(String, Tensor)>> {
        let tensors = self.match_inputs(inputs)?;
        let tensors: Vec<&Tensor> = tensors.iter().map(Cow::as_ref).collect();
        match self.run_whole(&tensors) {
            // Some operations have no result for no picture; that is not the model's fault.
            Err(Error::Model(reason)) => Err(self.empty_input(&tensors).unwrap_or(Error::Model(reason))),
            Err(Error::Limits(reason)) => self.run_in_halves(&tensors, &reason),
            other => other,
        }
    }

    /// What to say when there is an input without elements.
    fn empty_input(&self, tensors: &[&Tensor]) -> Option<Error> {
        let (input, tensor) = self.graph.inputs.iter().zip(tensors).find(|(_, t)| t.is_empty())?;
        Some(Error::Caller(format!(
            "The input `{}` has the shape {}, which is empty, and the model ({}) has no result for that. Give at least one picture.",
            self.graph.name(input.value),
            tensor.shape(),
            describe_dims(&input.dims)
        )))
    }

    fn run_whole(&self, tensors: &[&Tensor]) -> Result<Vec<(String, Tensor)>> {
        let (instance, fed) = self.fed(tensors)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        instance.upload(&self.gpu, &fed)?;
        let results = instance.run(&self.gpu, |_| {})?;
        Ok(named(&instance.plan, results))
    }

    /// The plan for these inputs, and those of them that are uploaded.
    fn fed<'t>(&self, tensors: &[&'t Tensor]) -> Result<(Arc<Mutex<Instance>>, Vec<&'t Tensor>)> {
        let shapes: Vec<Shape> = tensors.iter().map(|t| t.shape().clone()).collect();
        let contents = tensors.iter().zip(&self.content).map(|(&t, c)| c.then(|| Arc::new(t.clone()))).collect();
        let fed = tensors.iter().zip(&self.content).filter(|(_, c)| !**c).map(|(&t, _)| t).collect();
        Ok((self.instance(&shapes, &contents, Feed::Packed)?, fed))
    }

    /// Runs on decoded pictures: upload, then as [`Network::run_photos`].
    ///
    /// # Errors
    /// A picture whose bytes do not fit its size, and as [`Network::run_photos`].
    pub fn run_pictures(&self, pictures: &[PictureView<'_>]) -> Result<Vec<(String, Tensor)>> {
        let photos = pictures.iter().map(|p| Photo::upload(&self.gpu, p.rgb, p.width, p.height)).collect::<Result<Vec<_>>>()?;
        let views: Vec<_> = pictures.iter().zip(&photos).map(|(p, photo)| PhotoView { photo, look: Look::smooth(p.transform) }).collect();
        self.run_photos(&views, None)
    }

    /// Runs on photos that are on the device: cropping, channel order and normalisation (as the model's description says) happen there.
    /// One input a view, in order. `size` = width, height of the input, where the model leaves them free; `None` = as compiled.
    ///
    /// # Errors
    /// A model that does not take one input of pictures, a look that makes no sense, a size that the model does not take, and as
    /// [`Network::run`].
    pub fn run_photos(&self, views: &[PhotoView<'_>], size: Option<[usize; 2]>) -> Result<Vec<(String, Tensor)>> {
        self.start_photos(views, size)?.finish()
    }

    /// As [`Network::run_photos`], without waiting: the next batch may be uploaded and started while this one is on the device, which works on batches in
    /// the order in which they were started.
    ///
    /// # Errors
    /// As [`Network::run_photos`], as far as they show before the end.
    pub fn start_photos(&self, views: &[PhotoView<'_>], size: Option<[usize; 2]>) -> Result<Running<'_>> {
        let shape = self.photo_shape(views.len(), size)?;
        let size = [shape[3] as u32, shape[2] as u32];
        let instance = self.instance(&[shape], &self.nothing(), Feed::Packed)?;
        let locked = instance.lock().unwrap_or_else(PoisonError::into_inner);
        let warp = Warp::new(&self.gpu, self.target(&locked)?, size, &self.input, views)?;
        let flight = locked.start(&self.gpu, |encoder| warp.encode(encoder))?;
        drop(locked);
        Ok(Running { network: self, instance, flight, _warp: warp })
    }

    /// What pictures are written to.
    fn target<'i>(&self, instance: &'i Instance) -> Result<&'i wgpu::Buffer> {
        let source = instance.plan.inputs.first().map(|port| port.source);
        source.map(|s| instance.raw(s)).ok_or_else(|| Error::Model("The model has no input.".to_owned()))
    }

    /// The shape of the input for a batch of photos.
    fn photo_shape(&self, batch: usize, size: Option<[usize; 2]>) -> Result<Shape> {
        if batch == 0 {
            return Err(Error::Caller("The batch holds no picture. Give at least one.".to_owned()));
        }
        let channels = channel_count(self.input.channels);
        let [input] = self.graph.inputs.as_slice() else { return Err(self.no_pictures(channels)) };
        let shape = match size {
            Some([width, height]) => Shape::from([batch, channels, height, width]),
            None => match self.graph.input_shapes(self.options.batch, &self.options.shapes)?.as_slice() {
                [s] if s.rank() == 4 => Shape::from([batch, s[1], s[2], s[3]]),
                _ => return Err(self.no_pictures(channels)),
            },
        };
        if shape[1] != channels {
            return Err(self.no_pictures(channels));
        }
        self.graph.check_input(input, &shape)?;
        Ok(shape)
    }

    fn no_pictures(&self, channels: usize) -> Error {
        let dims: Vec<_> = self.graph.inputs.iter().map(|i| describe_dims(&i.dims)).collect();
        Error::Caller(format!(
            "The model takes {}, which is not one input of pictures with {channels} channels (Nx{channels}xHxW). Use `run` with arrays, \
             or correct `channels` in the description.",
            dims.join(" and ")
        ))
    }

    /// Runs once and says how long each kernel took.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn profile(&self, inputs: &[(&str, &Tensor)]) -> Result<Vec<KernelTime>> {
        let tensors = self.match_inputs(inputs)?;
        let tensors: Vec<&Tensor> = tensors.iter().map(Cow::as_ref).collect();
        let (instance, fed) = self.fed(&tensors)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        instance.upload(&self.gpu, &fed)?;
        instance.profile(&self.gpu)
    }

    /// What the network does and needs at the batch it was compiled for.
    ///
    /// # Errors
    /// Too little memory for that plan, if it was dropped meanwhile.
    pub fn summary(&self) -> Result<PlanSummary> {
        let instance = self.compiled(Feed::Packed)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(PlanSummary::of(&instance.plan))
    }

    /// The given tensors in the order of the graph's inputs, in types that those take.
    fn match_inputs<'t>(&self, inputs: &[(&str, &'t Tensor)]) -> Result<Vec<Cow<'t, Tensor>>> {
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
            converted(name, tensor, input.dtype)
        };
        self.graph.inputs.iter().map(find).collect()
    }
}

/// The results of a run with their names.
fn named(plan: &Plan, results: Vec<Tensor>) -> Vec<(String, Tensor)> {
    plan.outputs.iter().map(|port| port.name.clone()).zip(results).collect()
}

/// Whole numbers are fed to float inputs as floats, and to inputs of another width when they fit; floats are never cut to whole numbers.
fn converted<'t>(name: &str, tensor: &'t Tensor, dtype: DType) -> Result<Cow<'t, Tensor>> {
    let fits = match (tensor.as_i64(), dtype.is_float()) {
        (None, true) => return Ok(Cow::Borrowed(tensor)),
        (Some(_), false) if tensor.dtype() == dtype => return Ok(Cow::Borrowed(tensor)),
        (Some(_), true) => Tensor::from_f32(tensor.shape().clone(), tensor.to_f32().into_owned()),
        (Some(whole), false) => Tensor::integers(dtype, tensor.shape().clone(), whole.to_vec()),
        (None, false) => None,
    };
    fits.map(Cow::Owned).ok_or_else(|| {
        Error::Caller(format!(
            "The input `{name}` takes {dtype}, but the array holds {} or numbers beyond that. Convert the array.",
            tensor.dtype()
        ))
    })
}
