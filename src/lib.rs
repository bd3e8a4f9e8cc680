//! Face recognition on any GPU: hand-written WGSL kernels and a graph executor on [`wgpu`].
//!
//! An ONNX file or a model file becomes a [`Model`](model::Model), a [`Network`](network::Network) runs it on a [`Gpu`](gpu::Gpu), and an
//! [`Embedder`](embed::Embedder) turns pictures into embeddings. `ARCHITECTURE.md` walks an image through the modules.
//!
//! ```no_run
//! use lookalike::{gpu::{Gpu, GpuOptions}, import::Limits, model::Model, network::{CompileOptions, Network}, tensor::Tensor};
//!
//! let gpu = Gpu::new(&GpuOptions::default())?;
//! let model = Model::load("face.onnx".as_ref(), &Limits::default())?;
//! let network = Network::compile(&gpu, &model, &CompileOptions { batch: 8, ..CompileOptions::default() })?;
//! let pixels = Tensor::zeros([8, 3, 112, 112]);
//! for (name, tensor) in network.run(&[("input", &pixels)])? {
//!     println!("{name}: {}", tensor.shape());
//! }
//! # Ok::<(), lookalike::error::Error>(())
//! ```

pub mod bench;
pub mod embed;
pub mod error;
pub mod eval;
pub mod face;
pub mod gallery;
pub mod gpu;
pub mod graph;
pub mod heads;
pub mod import;
mod kernels;
pub mod model;
pub mod network;
pub mod people;
pub mod plan;
mod random;
mod recording;
pub mod reference;
pub mod score;
pub mod selftest;
pub mod shader;
pub mod tensor;
pub mod train;
pub mod zoo;

pub use error::{Error, Result};
pub use gpu::wgpu;
