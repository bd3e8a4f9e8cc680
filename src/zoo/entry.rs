//! What the registry says of a network.

use super::net::Net;
use super::parameters::{Checkpoint, Layers, Parameters, Shapes};
use crate::error::Result;
use crate::graph::{Counts, Graph, count, infer_shapes};
use crate::import::checkpoint::{Format, StateDict};
use crate::model::{Align, Channels, Description, EmbeddingDescription, Flip, InputDescription, Method, Model, Normalize, Similarity};

/// A network that can be built by name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name that commands take: lower case, words joined by hyphens.
    pub name: &'static str,
    /// Other names it is known by.
    pub aliases: &'static [&'static str],
    /// What people call it.
    pub title: &'static str,
    /// Where it was described.
    pub paper: Paper,
    /// The code whose layers and names it follows, or why there is none.
    pub reference: &'static str,
    /// Licences of published weights, as far as there are any.
    pub licence: &'static str,
    /// What goes in.
    pub input: Input,
    /// The crop that the network was trained on; `None` = whole pictures, or never published.
    pub align: Option<Crop>,
    /// What comes out.
    pub output: Output,
    /// Parameters, multiply-adds and accuracy as published.
    pub published: Published,
    /// Trainable numbers and multiply-adds as the layer tables give them, for one picture of the size in `input`.
    pub counts: Counts,
    /// What the network computes from [`super::Fingerprint`] weights.
    pub fingerprint: Option<Expected>,
    /// Where the layer table is uncertain, and what was chosen.
    pub uncertain: &'static str,
    pub(super) build: fn(&mut Net<'_>),
    /// Formats in which the published weights want pictures as BGR, where `input` says RGB.
    pub(super) bgr: &'static [Format],
    /// What files without names need before their layers are those of the network.
    pub(super) adapt: Option<fn(&StateDict) -> Result<StateDict>>,
}

/// A publication.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    /// Title.
    pub title: &'static str,
    /// First author.
    pub author: &'static str,
    /// Year.
    pub year: u16,
    /// Venue or arXiv number.
    pub venue: &'static str,
}

/// Pictures as the network wants them: `(x - mean) * scale` of 0..255 per channel.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// Whether other sizes may be fed.
    pub free: bool,
    /// Order of the channels.
    pub channels: Channels,
    /// Subtracted.
    pub mean: [f32; 3],
    /// Multiplied afterwards.
    pub scale: [f32; 3],
}

/// How a face lies in the crop.
#[derive(Clone, Copy, Debug)]
pub enum Crop {
    /// A box around the face, without turning it.
    Box,
    /// Five points put onto a template that has a name.
    Template(&'static str),
    /// Five points put onto these: image-left eye, image-right eye, nose, image-left and image-right mouth corner, in pixels.
    Points([[f32; 2]; 5]),
}

/// What the network is for.
#[derive(Clone, Copy, Debug)]
pub enum Output {
    /// A vector by which faces are compared.
    Embedding(Embedding),
    /// Boxes and landmarks, before decoding.
    Detector,
    /// Probabilities of these classes.
    Classes(&'static [&'static str]),
    /// Something else, in words.
    Other(&'static str),
}

/// How embeddings are compared.
#[derive(Clone, Copy, Debug)]
pub struct Embedding {
    /// Numbers.
    pub length: usize,
    /// Scaling.
    pub normalize: Normalize,
    /// What is done with the mirrored crop.
    pub flip: Flip,
    /// Comparison.
    pub similarity: Similarity,
    /// From which similarity on (up to which distance) two faces are of one person.
    pub threshold: Option<f32>,
    /// Who says so.
    pub threshold_source: &'static str,
    /// What the paper does after the network, where it is more than this.
    pub post: &'static str,
}

/// Figures of others, as they print them. Empty = none.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Parameters.
    pub parameters: &'static str,
    /// Multiply-adds, with the way of counting.
    pub macs: &'static str,
    /// Accuracy on LFW, in percent.
    pub lfw: &'static str,
}

impl Published {
    /// Nothing.
    pub const NONE: Self = Self { parameters: "", macs: "", lfw: "" };
}

/// The output of a network with [`super::Fingerprint`] weights on the fingerprint input, in f64.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The values it speaks of, joined in this order; empty = the outputs of the network.
    pub values: &'static [&'static str],
    /// Height and width of the input, where it is not the one of the entry.
    pub size: Option<[usize; 2]>,
    /// L2 norm of all of it.
    pub norm: f64,
    /// Some elements, by index.
    pub elements: &'static [(usize, f64)],
}

impl Entry {
    /// The network with these parameters.
    ///
    /// # Errors
    /// What `parameters` lacks.
    pub fn graph(&self, parameters: &mut dyn Parameters) -> Result<Graph> {
        let mut net = Net::new(parameters);
        (self.build)(&mut net);
        net.finish()
    }

    /// The network with these parameters and the description of this entry.
    ///
    /// # Errors
    /// What `parameters` lacks.
    pub fn model(&self, parameters: &mut dyn Parameters) -> Result<Model> {
        let graph = self.graph(parameters)?;
        Model::new(&graph, self.description(&graph))
    }

    /// The network with the parameters of a checkpoint: by their names, or, where a format stores layers in order, one after the other.
    ///
    /// # Errors
    /// [`crate::Error::Model`] that says what the checkpoint lacks, or what does not fit.
    pub fn load(&self, dict: &StateDict) -> Result<Model> {
        let mut model = self.filled(dict)?;
        if self.bgr.contains(&dict.format) {
            let mut description = model.description.clone();
            description.input.channels = Channels::Bgr;
            description.input.mean.reverse();
            description.input.scale.reverse();
            model.describe(description)?;
        }
        Ok(model)
    }

    fn filled(&self, dict: &StateDict) -> Result<Model> {
        if !dict.format.is_layered() {
            return self.model(&mut Checkpoint::new(dict));
        }
        if let Some(adapt) = self.adapt {
            return self.model(&mut Layers::new(&adapt(dict)?));
        }
        self.model(&mut Checkpoint::new(dict)).or_else(|_| self.model(&mut Layers::new(dict)))
    }

    /// Layers with their shapes, parameters and multiply-adds, for one picture of the size in `input`.
    ///
    /// # Errors
    /// None that is not a defect of the registry.
    pub fn layers(&self) -> Result<Vec<count::Layer>> {
        let graph = self.graph(&mut Shapes)?;
        let [height, width] = self.input.size;
        let shapes: Vec<_> = graph
            .inputs
            .iter()
            .map(|i| (graph.name(i.value).to_owned(), crate::tensor::Shape::from([1, self.input.depth(), height, width])))
            .collect();
        let shapes = graph.input_shapes(1, &shapes)?;
        Ok(count::layers(&graph, Some(&infer_shapes(&graph, &shapes)?)))
    }

    /// How a model of this network is fed and compared.
    pub fn description(&self, graph: &Graph) -> Description {
        let [height, width] = self.input.size;
        let size = [width, height];
        let align = self.align.map(|crop| match crop {
            Crop::Box => Align { size, method: Some(Method::Box), ..Align::default() },
            Crop::Template(name) => Align { size, template: Some(name.to_owned()), ..Align::default() },
            Crop::Points(points) => Align { size, points: Some(points), ..Align::default() },
        });
        let embedding = match self.output {
            Output::Embedding(e) => Some(EmbeddingDescription {
                output: graph.outputs.first().map(|&o| graph.name(o).to_owned()),
                normalize: e.normalize,
                flip: e.flip,
                similarity: e.similarity,
                threshold: e.threshold,
                score: None,
            }),
            _ => None,
        };
        let input = InputDescription { channels: self.input.channels, mean: self.input.mean, scale: self.input.scale };
        let classes = match self.output {
            Output::Classes(names) => Some(names.iter().map(|&n| n.to_owned()).collect()),
            _ => None,
        };
        Description { name: self.name.to_owned(), licence: None, input, align, embedding, classes }
    }

    /// The length of the embedding, when there is one.
    pub fn embedding(&self) -> Option<usize> {
        match self.output {
            Output::Embedding(e) => Some(e.length),
            _ => None,
        }
    }
}

impl Input {
    /// Channels.
    pub const fn depth(&self) -> usize {
        match self.channels {
            Channels::Gray => 1,
            Channels::Rgb | Channels::Bgr => 3,
        }
    }
}
