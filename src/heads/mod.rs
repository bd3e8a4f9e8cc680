//! Training objectives on the GPU, forward and backward: margin heads, contrastive and triplet losses with mining, regularisers,
//! distillation.
//!
//! [`Head::from_name`] makes one from its name and parameters, [`Head::step`] evaluates it on embeddings, class weights and labels:
//!
//! ```no_run
//! use lookalike::{gpu::{Gpu, GpuOptions}, heads::{Head, Want}, tensor::Tensor};
//!
//! let gpu = Gpu::new(&GpuOptions::default())?;
//! let head = Head::from_name("arcface", &[("s", "64"), ("m", "0.5")])?;
//! let (x, w) = (Tensor::zeros([32, 512]), Tensor::zeros([1000, 512]));
//! let step = head.step(&gpu, &x, &w, &[7; 32], Want::gradients())?;
//! println!("loss {}, |dW| over {} numbers", step.loss, step.dw().map_or(0, Tensor::len));
//! # Ok::<(), lookalike::error::Error>(())
//! ```
//!
//! Class matrices of any number of rows are worked through in blocks; the B x C logits are never stored unless asked for. Results are
//! the same bits every time on the same adapter: sums have a fixed order. What each objective is, is told by [`crate::reference::margin`].

mod blocks;
mod bounds;
mod center;
mod classes;
mod ground;
mod inputs;
mod learned;
mod names;
pub(crate) mod pairs;
mod reference;
mod regular;
pub(crate) mod triplets;

pub(crate) use blocks::{MOST_CLASSES, MOST_ROWS};
pub use bounds::{greatest_margin, least_alpha, least_scale};

pub(crate) use ground::{Ground, Matrix, padded, unpadded};
pub(crate) use learned::{Classes, Embedded};

pub use crate::reference::margin::{Annealing, Boundary, ClassLoss, Derivative, Distillation, Mining, PairLoss, TripletLoss};

use std::collections::BTreeSet;

use crate::error::Result;
use crate::gpu::Gpu;
use crate::tensor::Tensor;
use inputs::Inputs;

/// A training objective with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Head {
    /// Inputs `x` (B x D), `w` (C x D), `y` (B); `bias` (C) for softmax and L2-softmax, `margin` (C) for AdaptiveFace.
    Classes {
        /// Which.
        loss: ClassLoss,
        /// ε: the target is `(1 - ε) [j = y] + ε / C`.
        label_smoothing: f64,
        /// Whether a bias may be given, and its gradient is wanted.
        bias: bool,
    },
    /// Inputs `x1`, `x2` (N x D), `same` (N; 1 of one person, 0 of two).
    Pairs(PairLoss),
    /// Inputs `x` (the student's), `teacher` (both B x D).
    Distill(Distillation),
    /// Centre loss. Inputs `x` (B x D), `centers` (C x D), `y` (B); also results `delta_centers` and `new_centers`.
    Center {
        /// The centres' rate.
        alpha: f64,
        /// Mean over rows instead of the sum.
        mean: bool,
    },
    /// RegularFace's regulariser. Input `w` (C x D); also the result `nearest`.
    Regular,
    /// Triplets. Inputs `a`, `p`, `n` (N x D).
    Triplets {
        /// Which.
        loss: TripletLoss,
        /// Whether rows are brought to length 1 first, as part of the head.
        normalize: bool,
        /// Mean over triplets whose loss is not 0, instead of all.
        nonzero: bool,
    },
    /// Triplets mined from a batch. Inputs `x` (B x D), `y` (B); also results `triplets` and `sq_dist`.
    Mined {
        /// How they are chosen.
        mining: Mining,
        /// What they cost.
        loss: TripletLoss,
        /// Whether rows are brought to length 1 first, as part of the head.
        normalize: bool,
    },
}

/// What a step computes beside the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// The B x C logits of classification heads.
    pub logits: bool,
    /// Gradients by every input that has one.
    pub gradients: bool,
}

impl Want {
    /// Gradients, no logits: a training step.
    pub fn gradients() -> Self {
        Self { logits: false, gradients: true }
    }

    /// Everything.
    pub fn all() -> Self {
        Self { logits: true, gradients: true }
    }
}

/// How long a part of a step took.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Stage {
    /// `upload`, `forward`, `backward`.
    pub name: &'static str,
    /// Seconds on the clock.
    pub seconds: f64,
    /// Floating point operations.
    pub flops: u64,
    /// Bytes that went to the device or came back.
    pub bytes: u64,
}

/// The result of a step.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The loss, a mean unless the head says otherwise.
    pub loss: f64,
    /// B x C, for classification heads when wanted.
    pub logits: Option<Tensor>,
    /// By input slot, each of its input's shape; scalars of a head by their parameter's name.
    pub gradients: Vec<(&'static str, Tensor)>,
    /// What else a head gives: `triplets`, `sq_dist`, `nearest`, `delta_centers`, `new_centers`.
    pub results: Vec<(&'static str, Tensor)>,
    /// Where the time went.
    pub stages: Vec<Stage>,
    /// The most bytes that were allocated on the device, what others allocated through it included.
    pub device_bytes: u64,
    /// Kernels that ran.
    pub(crate) shaders: BTreeSet<&'static str>,
}

impl Step {
    /// The gradient by an input slot.
    pub fn gradient(&self, slot: &str) -> Option<&Tensor> {
        self.gradients.iter().find(|(s, _)| *s == slot).map(|(_, t)| t)
    }

    /// The gradient by the embeddings `x`.
    pub fn dx(&self) -> Option<&Tensor> {
        self.gradient("x")
    }

    /// The gradient by the class weights `w`.
    pub fn dw(&self) -> Option<&Tensor> {
        self.gradient("w")
    }

    /// A further result by its name.
    pub fn result(&self, name: &str) -> Option<&Tensor> {
        self.results.iter().find(|(s, _)| *s == name).map(|(_, t)| t)
    }

    /// Adds up the numbers of a part of the step.
    fn stage(&mut self, name: &'static str, seconds: f64, flops: u64, bytes: u64) {
        match self.stages.iter_mut().find(|s| s.name == name) {
            Some(stage) => {
                stage.seconds += seconds;
                stage.flops += flops;
                stage.bytes += bytes;
            }
            None => self.stages.push(Stage { name, seconds, flops, bytes }),
        }
    }
}

impl Head {
    /// Evaluates a classification head on embeddings `x` (B x D), class weights `w` (C x D) and B labels (-1: the row is ignored).
    ///
    /// # Errors
    /// Shapes that do not fit, labels that are no class, numbers that are not finite, a head with other inputs ([`Head::run`] takes
    /// those), too little memory, or a lost device.
    pub fn step(&self, gpu: &Gpu, x: &Tensor, w: &Tensor, labels: &[i64], want: Want) -> Result<Step> {
        self.run(gpu, &[("x", x), ("w", w), ("y", &Tensor::indices(labels.to_vec()))], want)
    }

    /// Evaluates any head on arrays by the names of its inputs, see [`Head`].
    ///
    /// # Errors
    /// An input that is missing, unknown, or does not fit; as [`Head::step`].
    pub fn run(&self, gpu: &Gpu, inputs: &[(&str, &Tensor)], want: Want) -> Result<Step> {
        self.run_on(&Ground::new(gpu, true), inputs, want)
    }

    /// As [`Head::run`]; `textures`: whether kernels may load through textures where that is faster.
    pub(crate) fn run_with(&self, gpu: &Gpu, textures: bool, inputs: &[(&str, &Tensor)], want: Want) -> Result<Step> {
        self.run_on(&Ground::new(gpu, textures), inputs, want)
    }

    fn run_on(&self, ground: &Ground<'_>, inputs: &[(&str, &Tensor)], want: Want) -> Result<Step> {
        let inputs = Inputs::new(self, inputs)?;
        match self {
            Self::Classes { loss, label_smoothing, bias } => classes::step(ground, loss, *label_smoothing, *bias, &inputs, want),
            Self::Pairs(loss) => pairs::step(ground, loss, &inputs, want),
            Self::Distill(kind) => pairs::distill(ground, *kind, &inputs, want),
            Self::Center { alpha, mean } => center::step(ground, *alpha, *mean, &inputs, want),
            Self::Regular => regular::step(ground, &inputs, want),
            Self::Triplets { loss, normalize, nonzero } => triplets::step(ground, *loss, *normalize, *nonzero, &inputs, want),
            Self::Mined { mining, loss, normalize } => triplets::mined(ground, *mining, *loss, *normalize, &inputs, want),
        }
    }

    /// The inputs a head takes; those that may be left out behind those that may not.
    pub fn slots(&self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Classes { bias: true, .. } => (&["x", "w", "y"], &["bias"]),
            Self::Classes { loss: ClassLoss::AdaptiveFace { .. }, .. } => (&["x", "w", "y", "margin"], &[]),
            Self::Classes { .. } => (&["x", "w", "y"], &[]),
            Self::Pairs(_) => (&["x1", "x2", "same"], &[]),
            Self::Distill(_) => (&["x", "teacher"], &[]),
            Self::Center { .. } => (&["x", "centers", "y"], &[]),
            Self::Regular => (&["w"], &[]),
            Self::Triplets { .. } => (&["a", "p", "n"], &[]),
            Self::Mined { .. } => (&["x", "y"], &[]),
        }
    }
}
