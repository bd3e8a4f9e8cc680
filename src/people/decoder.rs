//! Generated people in batches: the large product on the GPU, the camera on the host.

use super::file::{COMPONENTS, PIXELS, PeopleModel};
use super::{Camera, GeneratedPicture, SIZE};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::graph::{Dim, Graph, Linear, Op};
use crate::model::{Description, Model, Precision};
use crate::network::{CompileOptions, Network};
use crate::tensor::Tensor;

const INPUT: &str = "coefficients";
const OUTPUT: &str = "frames";

/// Coefficients to pictures.
pub struct PeopleDecoder {
    model: PeopleModel,
    network: Network,
    batch: usize,
}

impl PeopleDecoder {
    /// Compiles the decoder for `batch` pictures a run.
    ///
    /// # Errors
    /// As [`Network::compile`].
    pub fn new(gpu: &Gpu, model: PeopleModel, batch: usize) -> Result<Self> {
        let batch = batch.max(1);
        let options = CompileOptions { batch, precision: Precision::F32, ..CompileOptions::default() };
        let network = Network::compile(gpu, &linear_model(&model)?, &options)?;
        Ok(Self { model, network, batch })
    }

    /// The network, for profiles and warm-up.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Pictures by (person, picture), in order, [`SIZE`] pixels wide and high.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn pictures(&self, seed: u64, ids: &[(u64, u64)]) -> Result<Vec<GeneratedPicture>> {
        let mut out = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(self.batch) {
            let coefficients: Vec<f32> =
                chunk.iter().flat_map(|&(person, picture)| self.model.coefficients(seed, person, picture)).map(|c| c as f32).collect();
            let frames = self.decode(chunk.len(), coefficients)?;
            let shoot = |(&(person, picture), frame): (&(u64, u64), &[f32])| {
                let frame: Vec<f64> = frame.iter().map(|&x| f64::from(x)).collect();
                Camera::new(seed, person, picture).shoot(&frame, SIZE)
            };
            out.extend(chunk.iter().zip(frames.to_f32().chunks_exact(PIXELS)).map(shoot));
        }
        Ok(out)
    }

    fn decode(&self, n: usize, coefficients: Vec<f32>) -> Result<Tensor> {
        let wrong = || Error::Model("The people decoder returned no frames. Report this.".to_owned());
        let input = Tensor::from_f32([n, COMPONENTS], coefficients).ok_or_else(wrong)?;
        let output = self.network.run(&[(INPUT, &input)])?.pop().map(|(_, t)| t).ok_or_else(wrong)?;
        if output.len() == n * PIXELS { Ok(output) } else { Err(wrong()) }
    }
}

/// The decoder as a network of one linear layer.
fn linear_model(people: &PeopleModel) -> Result<Model> {
    let wrong = || Error::Model("The people model has the wrong size. Report this.".to_owned());
    let (weights, mean) = people.linear();
    let mut graph = Graph::default();
    let x = graph.add_input(INPUT, vec![Dim::Free("batch".to_owned()), Dim::Fixed(COMPONENTS)]);
    let w = graph.add_constant("basis", Tensor::from_f32([PIXELS, COMPONENTS], weights).ok_or_else(wrong)?);
    let b = graph.add_constant("mean", Tensor::vector(mean));
    let y = graph.add_node(OUTPUT, Op::Linear(Linear { bias: true, flatten_order: Vec::new(), epilogue: Default::default() }), &[x, w, b]);
    graph.outputs.push(y);
    Model::new(&graph, Description { name: "people decoder".to_owned(), ..Description::default() })
}
