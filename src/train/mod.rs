//! Training what sits behind frozen embeddings, on the GPU: a projection `y = W x (+ b)`, under any objective of [`crate::heads`] on
//! classes, pairs or mined triplets, or the weights of a Siamese score.
//!
//! ```no_run
//! use lookalike::gpu::{Gpu, GpuOptions};
//! use lookalike::tensor::Tensor;
//! use lookalike::train::{Objective, Samples, TrainOptions, Trainer};
//!
//! let gpu = Gpu::new(&GpuOptions::default())?;
//! let people: Vec<i64> = (0..1000).map(|row| row / 5).collect();
//! let samples = Samples::new(&Tensor::zeros([1000, 512]), &people)?;
//! let options = TrainOptions::new(Objective::new("arcface", &[("s", "30"), ("m", "0.3")])?);
//! let mut trainer = Trainer::new(&gpu, &samples, &options)?;
//! for _ in 0..500 {
//!     println!("{:.4}", trainer.step()?.loss);
//! }
//! let layer = trainer.layer()?;       // for `Model::followed_by`
//! # Ok::<(), lookalike::error::Error>(())
//! ```
//!
//! Weights, class matrix and the optimiser's state stay on the device; a step brings its batch there and the loss back. Every step is a
//! function of the seed and its number, so a training that is resumed from a checkpoint ends with the same bits as one that was not
//! interrupted, on the same adapter.

mod checkpoint;
mod layer;
mod learned;
mod objective;
mod optimizer;
mod rank;
mod rate;
mod sampler;
mod samples;
mod start;
mod trainer;

pub use objective::Objective;
pub use optimizer::Optimizer;
pub use rank::Rank1;
pub use rate::{Rate, Schedule};
pub use sampler::Sampling;
pub use samples::Samples;
pub use trainer::{Progress, TrainOptions, Trainer};

#[cfg(test)]
mod tests;
