//! A layer behind a network's embedding: a projection that was learned on embeddings.

use crate::error::{Error, Result};
use crate::graph::{Binary, Dim, Graph, Linear, Op, ValueId, infer_shapes};
use crate::model::{Flip, Model, Normalize, Similarity};
use crate::tensor::{Shape, Tensor};

/// `y = W x + b`, on embeddings as the model gives them.
#[derive(Clone, Debug, PartialEq)]
pub struct LastLayer {
    /// `[outputs][inputs]`, row-major.
    pub weight: Vec<f32>,
    /// `[outputs]`; empty = none.
    pub bias: Vec<f32>,
    /// Numbers of an embedding before the layer.
    pub inputs: usize,
    /// Numbers of an embedding behind it.
    pub outputs: usize,
}

impl Model {
    /// The value that is the embedding.
    ///
    /// # Errors
    /// [`Error::Model`] when the description names none and there are several outputs.
    pub fn embedding_output(&self) -> Result<ValueId> {
        let graph = &self.graph;
        let named = self.description.embedding.as_ref().and_then(|e| e.output.as_deref());
        if let Some(id) = named.and_then(|name| graph.find(name)) {
            return Ok(id);
        }
        match graph.outputs.as_slice() {
            [one] => Ok(*one),
            many => {
                let names: Vec<_> = many.iter().map(|&o| format!("`{}`", graph.name(o))).collect();
                Err(Error::Model(format!(
                    "The model has {} outputs ({}), and its description does not say which one is the embedding. Name it with `output` in [embedding].",
                    many.len(),
                    names.join(", ")
                )))
            }
        }
    }

    /// Numbers of an embedding as the model gives it, both halves where mirrored crops are put side by side; `None` where the network does not
    /// tell.
    pub fn embedding_size(&self) -> Option<usize> {
        let size = |dim: &Dim| if let Dim::Fixed(n) = dim { *n } else { 1 };
        let fixed = || self.graph.inputs.iter().map(|i| Shape::from(i.dims.iter().map(size).collect::<Vec<_>>())).collect();
        let picture = self.picture_input(1).ok().and_then(|input| self.graph.input_shapes(1, &[input]).ok());
        let shapes = infer_shapes(&self.graph, &picture.unwrap_or_else(fixed)).ok()?;
        let own = shapes.get(self.embedding_output().ok()?.0 as usize)?.len();
        let joined = self.description.embedding.as_ref().is_some_and(|e| e.flip == Flip::Concat);
        Some(if joined { 2 * own } else { own })
    }

    /// This model with a layer behind its embedding, which takes the embedding's place. Where embeddings are scaled to unit length, that
    /// happens before the layer; its results stay as they come. A threshold of before means nothing any more and is left out, as are the
    /// parameters of a learned score, in whose place the cosine comes.
    ///
    /// # Errors
    /// [`Error::Caller`] when the layer does not fit, or the description asks for mirror augmentation, which works on the network's output.
    pub fn followed_by(&self, layer: &LastLayer) -> Result<Self> {
        let LastLayer { weight, bias, inputs, outputs } = layer;
        if weight.len() != inputs * outputs || !(bias.is_empty() || bias.len() == *outputs) || weight.is_empty() {
            return Err(Error::Caller(format!(
                "{} weights and {} biases do not make a layer of {inputs} to {outputs} numbers. Give {inputs} weights for every output, and a bias for each or none.",
                weight.len(),
                bias.len()
            )));
        }
        let tensor = |shape: Vec<usize>, v: &[f32]| {
            Tensor::from_f32(Shape::from(shape), v.to_vec())
                .ok_or_else(|| Error::Caller("A layer has too many weights. Make it smaller.".to_owned()))
        };
        self.extended(|graph, embedding| {
            let weight = tensor(vec![*outputs, *inputs], weight)?;
            let mut operands = vec![embedding, graph.add_constant(unused(graph, "projection.weight"), weight)];
            if !bias.is_empty() {
                operands.push(graph.add_constant(unused(graph, "projection.bias"), tensor(vec![*outputs], bias)?));
            }
            let op = Op::Linear(Linear { bias: !bias.is_empty(), flatten_order: Vec::new(), epilogue: Default::default() });
            Ok(graph.add_node(unused(graph, "projection"), op, &operands))
        })
    }

    /// This model with every number of its embedding multiplied by its own factor, otherwise as [`Model::followed_by`].
    ///
    /// # Errors
    /// [`Error::Caller`] when the description asks for mirror augmentation; [`Error::Model`] when the embedding has another length.
    pub fn scaled_by(&self, factors: &[f32]) -> Result<Self> {
        self.extended(|graph, embedding| {
            let factors = graph.add_constant(unused(graph, "scale.factors"), Tensor::vector(factors.to_vec()));
            Ok(graph.add_node(unused(graph, "scale"), Op::Binary(Binary::Mul), &[embedding, factors]))
        })
    }

    fn extended(&self, add: impl FnOnce(&mut Graph, ValueId) -> Result<ValueId>) -> Result<Self> {
        let mut description = self.description.clone();
        let embedding = description.embedding.get_or_insert_with(Default::default);
        if embedding.flip != Flip::None {
            return Err(Error::Caller(format!(
                "A layer cannot follow the embeddings of the model `{}`, because mirrored crops are combined behind the network. Describe the model with flip = \"none\", embed again, and learn from that.",
                self.description.name
            )));
        }
        let mut graph = self.graph.clone();
        let old = self.embedding_output()?;
        let mut new = old;
        if embedding.normalize == Normalize::L2 {
            let name = unused(&graph, "unit_embedding");
            new = graph.add_node(name, Op::L2Normalize { axis: 1, epsilon: f32::MIN_POSITIVE }, &[new]);
        }
        let new = add(&mut graph, new)?;
        match graph.outputs.iter_mut().find(|o| **o == old) {
            Some(output) => *output = new,
            None => graph.outputs.push(new),
        }
        if embedding.score.take().is_some() {
            embedding.similarity = Similarity::Cosine;
        }
        let output = graph.name(new).to_owned();
        (embedding.output, embedding.normalize, embedding.threshold) = (Some(output), Normalize::None, None);
        Self::new(&graph, description)
    }
}

/// `name`, with a number if the graph has it already.
fn unused(graph: &Graph, name: &str) -> String {
    let numbered = (2..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|n| graph.find(n).is_none()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::{Description, EmbeddingDescription, ScoreParameters};
    use crate::reference::{Array, run_graph};

    fn model(outputs: usize) -> Model {
        let mut graph = Graph::default();
        let x = graph.add_input("data", vec![Dim::Free("n".to_owned()), Dim::Fixed(2)]);
        for i in 0..outputs {
            let y = graph.add_node(format!("out{i}"), Op::Identity, &[x]);
            graph.outputs.push(y);
        }
        let output = (outputs == 1).then(|| "out0".to_owned());
        let embedding = Some(EmbeddingDescription { output, threshold: Some(0.3), ..Default::default() });
        Model {
            graph,
            description: Description { embedding, ..Description::default() },
            digest: Default::default(),
            import: None,
            limits: Default::default(),
        }
    }

    #[test]
    fn several_outputs_need_a_name() {
        let name = |m: &Model| m.graph.name(m.embedding_output().unwrap()).to_owned();
        assert_eq!(name(&model(1)), "out0");
        let mut two = model(2);
        assert!(two.embedding_output().unwrap_err().to_string().contains("`out1`"));
        two.description.embedding = Some(EmbeddingDescription { output: Some("out1".to_owned()), ..Default::default() });
        assert_eq!(name(&two), "out1");
    }

    #[test]
    fn a_layer_sees_unit_embeddings_and_takes_their_place() {
        let layer = LastLayer { weight: vec![1.0, 0.0, 0.0, 2.0, 1.0, 1.0], bias: vec![0.0, 0.0, -1.0], inputs: 2, outputs: 3 };
        let longer = model(1).followed_by(&layer).unwrap();
        let embed = |m: &Model| {
            let x = Array::new([1, 2], vec![3.0, 4.0]).unwrap();
            run_graph(&m.graph, &[x], &m.graph.outputs).unwrap().remove(0).data
        };
        let y = embed(&longer);
        assert!(y.len() == 3 && y.iter().zip([0.6, 1.6, 0.4]).all(|(a, b)| (a - b).abs() < 1e-6), "{y:?}");
        let described = longer.description.embedding.clone().unwrap();
        assert_eq!((described.normalize, described.threshold), (Normalize::None, None));
        // A second one follows the first.
        let twice = longer.followed_by(&LastLayer { weight: vec![1.0, 1.0, 1.0], bias: vec![], inputs: 3, outputs: 1 }).unwrap();
        assert!((embed(&twice)[0] - 2.6).abs() < 1e-6);
    }

    #[test]
    fn factors_multiply_and_a_learned_score_ends_with_its_space() {
        let mut learned = model(1);
        let embedding = learned.description.embedding.as_mut().unwrap();
        embedding.similarity = Similarity::Siamese;
        embedding.score = Some(ScoreParameters { weights: vec![1.0, 2.0], ..Default::default() });
        let scaled = learned.scaled_by(&[10.0, 0.0]).unwrap();
        let x = Array::new([1, 2], vec![3.0, 4.0]).unwrap();
        let y = run_graph(&scaled.graph, &[x], &scaled.graph.outputs).unwrap().remove(0).data;
        assert!((y[0] - 6.0).abs() < 1e-6 && y[1] == 0.0, "{y:?}");
        let described = scaled.description.embedding.unwrap();
        assert_eq!((described.similarity, described.score, described.output.as_deref()), (Similarity::Cosine, None, Some("scale")));
    }

    #[test]
    fn layers_that_do_not_fit_and_mirrored_crops_are_refused() {
        let layer = LastLayer { weight: vec![1.0; 4], bias: vec![], inputs: 2, outputs: 2 };
        assert!(model(1).followed_by(&LastLayer { outputs: 3, ..layer.clone() }).unwrap_err().to_string().contains("4 weights"));
        let mut mirrored = model(1);
        mirrored.description.embedding.as_mut().unwrap().flip = Flip::Sum;
        assert!(mirrored.followed_by(&layer).unwrap_err().to_string().contains("flip"));
    }
}
