//! What a network file does not say: pixel order and scale, alignment, and how embeddings are compared.

use serde::{Deserialize, Serialize};

use super::align::Align;
use super::similarity::{ScoreParameters, Similarity};
use crate::error::{Error, Result};
use crate::graph::Graph;

/// How to feed a network and what to make of its output. The fields are those of a `--describe` file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Description {
    /// The model's name.
    pub name: String,
    /// The licence of the weights, as an SPDX expression.
    pub licence: Option<String>,
    /// Pixels to input tensor.
    pub input: InputDescription,
    /// How faces are aligned before they go in; `None` = no alignment.
    pub align: Option<Align>,
    /// How the embedding comes out; `None` = the network does not embed.
    pub embedding: Option<EmbeddingDescription>,
    /// What the probabilities of the only output are of, in order; `None` = the network does not classify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
}

/// Pixels 0..255 become `(x - mean) * scale` per channel, in the order of `channels`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputDescription {
    /// Channel order.
    pub channels: Channels,
    /// Subtracted, 0..255; in the order of `channels`. Gray uses the first entry.
    pub mean: [f32; 3],
    /// Multiplied afterwards.
    pub scale: [f32; 3],
}

impl Default for InputDescription {
    fn default() -> Self {
        Self { channels: Channels::Rgb, mean: [0.0; 3], scale: [1.0; 3] }
    }
}

/// Channel order of the input tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One channel, luma of BT.601.
    Gray,
}

/// What to do with the network's output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddingDescription {
    /// The value that is the embedding; `None` = the only output.
    pub output: Option<String>,
    /// Scaling to unit length.
    pub normalize: Normalize,
    /// Whether the mirrored crop is embedded as well.
    pub flip: Flip,
    /// How two embeddings are compared.
    pub similarity: Similarity,
    /// From which similarity on two faces are of one person (for distances: up to which one).
    pub threshold: Option<f32>,
    /// What the comparison was learned to be; `None` for cosine and euclidean, which have no parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreParameters>,
}

/// Scaling of embeddings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalize {
    /// To unit L2 norm.
    #[default]
    L2,
    /// As it comes.
    None,
}

/// What is done with the embedding of the mirrored crop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flip {
    /// It is not computed.
    #[default]
    None,
    /// Added.
    Sum,
    /// Appended: the embedding doubles in length.
    Concat,
}

impl Description {
    /// The name, or `unnamed model`.
    pub fn title(&self) -> &str {
        if self.name.is_empty() { "unnamed model" } else { &self.name }
    }

    /// Whether the description makes sense for `graph`.
    ///
    /// # Errors
    /// [`Error::Model`] with the field and its value.
    pub fn check(&self, graph: &Graph) -> Result<()> {
        let broken = |what: String| Err(Error::Model(format!("The description of the model `{}` {what}.", self.name)));
        let numbers = self.input.mean.iter().chain(&self.input.scale);
        if numbers.chain(self.align.iter().flat_map(|a| a.points.iter().flatten().flatten())).any(|v| !v.is_finite()) {
            return broken("holds numbers that are not finite. Give finite mean, scale and points".into());
        }
        if self.input.scale.contains(&0.0) {
            return broken(format!(
                "has a scale of zero ({:?}), which erases the picture. Give the factor of (x - mean)",
                self.input.scale
            ));
        }
        if let Some(align) = &self.align {
            if align.size.iter().any(|&s| !(1..=1 << 15).contains(&s)) {
                return broken(format!("asks for a crop of {}x{} pixels. Give a size between 1 and 32768", align.size[0], align.size[1]));
            }
            if let Err(what) = align.check() {
                return broken(what);
            }
        }
        let Some(embedding) = &self.embedding else { return Ok(()) };
        if embedding.threshold.is_some_and(|t| !t.is_finite()) {
            return broken("has a threshold that is not finite. Give a number or leave it out".into());
        }
        if let Err(e) = embedding.score_numbers() {
            return Err(Error::Model(format!(
                "The description of the model `{}` does not say how embeddings are compared. {e}",
                self.name
            )));
        }
        let names = || graph.outputs.iter().map(|&o| graph.name(o)).collect::<Vec<_>>().join(", ");
        match &embedding.output {
            Some(output) if graph.find(output).is_none_or(|id| graph.constant(id).is_some()) => {
                broken(format!("names the embedding output `{output}`, which the graph does not have. Its outputs are {}", names()))
            }
            None if graph.outputs.len() != 1 => broken(format!("does not say which output is the embedding. The outputs are {}", names())),
            _ => Ok(()),
        }
    }
}
