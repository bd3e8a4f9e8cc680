//! A network with everything its description says about pixels and embeddings.

use super::Pending;
use crate::embed::{Picture, centre_crop, stretch};
use crate::error::Result;
use crate::gpu::{Gpu, Photo, PhotoView};
use crate::model::{Flip, Model, Normalize, Precision};
use crate::network::{CompileOptions, Look, Network, PictureView};
use crate::score::Scoring;

/// How a picture without landmarks fills the input of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// The largest centred rectangle of the right aspect ratio.
    #[default]
    CentreCrop,
    /// The whole picture: it is an aligned crop already.
    Aligned,
}

/// Choices of an [`Embedder`].
#[derive(Clone, Debug)]
pub struct EmbedOptions {
    /// Pictures a run of the network takes together.
    pub batch: usize,
    /// Storage of weights on the device.
    pub precision: Precision,
    /// Mirror augmentation; `None` = what the model's description says.
    pub flip: Option<Flip>,
    /// How [`Embedder::embed`] frames pictures.
    pub fit: Fit,
    /// As [`CompileOptions::autotune`].
    pub autotune: bool,
}

impl Default for EmbedOptions {
    fn default() -> Self {
        Self { batch: 8, precision: Precision::F32, flip: None, fit: Fit::CentreCrop, autotune: false }
    }
}

/// What a network says about a face: a point in a space where the same person is near.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding(pub Vec<f32>);

impl std::ops::Deref for Embedding {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl Embedding {
    /// Euclidean length.
    pub fn norm(&self) -> f32 {
        self.length() as f32
    }

    fn length(&self) -> f64 {
        self.0.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
    }

    /// Scales to unit length. A zero vector stays zero.
    pub fn normalize(&mut self) {
        let norm = self.length();
        if norm > 0.0 {
            for x in &mut self.0 {
                *x = (f64::from(*x) / norm) as f32;
            }
        }
    }

    /// The cosine of the angle to another embedding, in -1..1 (0 when one of them is zero or the lengths differ).
    pub fn cosine(&self, other: &[f32]) -> f32 {
        if self.len() != other.len() {
            return 0.0;
        }
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
        let length = (dot(self, self) * dot(other, other)).sqrt();
        if length > 0.0 { (dot(self, other) / length) as f32 } else { 0.0 }
    }
}

/// Pictures to embeddings on a GPU.
#[derive(Debug)]
pub struct Embedder {
    pub(super) network: Network,
    pub(super) size: [usize; 2],
    batch: usize,
    pub(super) flip: Flip,
    normalize: Normalize,
    pub(super) scoring: Scoring,
    fit: Fit,
}

impl Embedder {
    /// Compiles `model` for pictures.
    ///
    /// # Errors
    /// [`crate::Error::Model`] when the model does not take one picture or it is unclear which output is the embedding;
    /// otherwise as [`Network::compile`].
    pub fn new(gpu: &Gpu, model: &Model, options: &EmbedOptions) -> Result<Self> {
        let batch = options.batch.max(1);
        let (name, shape) = model.picture_input(batch)?;
        let size = [shape[3], shape[2]];
        let compile = CompileOptions {
            batch,
            shapes: vec![(name, shape)],
            precision: options.precision,
            outputs: vec![model.graph.name(model.embedding_output()?).to_owned()],
            autotune: options.autotune,
            ..CompileOptions::default()
        };
        let network = Network::compile(gpu, model, &compile)?;
        let embedding = model.description.embedding.clone().unwrap_or_default();
        let scoring = Scoring::of(&embedding)?;
        let flip = options.flip.unwrap_or(embedding.flip);
        Ok(Self { network, size, batch, flip, normalize: embedding.normalize, scoring, fit: options.fit })
    }

    /// Width and height of the network's input in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Pictures in a run of the network.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Embeds a grey batch, so that drivers that compile at the first launch do it now.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn warm_up(&self) -> Result<()> {
        let grey = PictureView { rgb: &[128; 3], width: 1, height: 1, transform: [0.0; 6] };
        self.embed_views(&vec![grey; self.batch]).map(|_| ())
    }

    /// The network, for profiles and summaries.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// One embedding a picture, in order, framed as [`EmbedOptions::fit`] says.
    ///
    /// # Errors
    /// A picture whose bytes do not fit its size, an error of the device, or a learned score for embeddings of another length.
    pub fn embed(&self, pictures: &[Picture]) -> Result<Vec<Embedding>> {
        self.start(pictures)?.finish()
    }

    /// As [`Embedder::embed`], without waiting for the end: pictures are uploaded and batches started, so that the caller can decode, upload and start
    /// what comes next while the device works.
    ///
    /// # Errors
    /// As [`Embedder::embed`], as far as they show before the end.
    pub fn start(&self, pictures: &[Picture]) -> Result<Pending<'_>> {
        let views: Vec<_> = pictures.iter().map(|p| view(p, self.frame(p))).collect();
        self.start_views(&views)
    }

    /// One embedding a view, in order; the caller says with each view's transform where to look.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn embed_views(&self, views: &[PictureView<'_>]) -> Result<Vec<Embedding>> {
        self.start_views(views)?.finish()
    }

    fn start_views(&self, views: &[PictureView<'_>]) -> Result<Pending<'_>> {
        let mut pending = Pending::new(self);
        for chunk in views.chunks(self.batch) {
            let upload = |v: &PictureView<'_>| Photo::upload(self.network.gpu(), v.rgb, v.width, v.height);
            let photos = chunk.iter().map(upload).collect::<Result<Vec<_>>>()?;
            let views: Vec<_> = chunk.iter().zip(&photos).map(|(v, photo)| PhotoView { photo, look: Look::smooth(v.transform) }).collect();
            pending.add(&views)?;
        }
        Ok(pending)
    }

    /// One embedding a view of a photo that is on the device, in order. Mirror augmentation needs looks that are warps; rectangles are
    /// embedded as they are.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn embed_photos(&self, views: &[PhotoView<'_>]) -> Result<Vec<Embedding>> {
        self.start_photos(views)?.finish()
    }

    /// As [`Embedder::embed_photos`], without waiting for the end; see [`Embedder::start`].
    ///
    /// # Errors
    /// As [`Embedder::embed`], as far as they show before the end.
    pub fn start_photos(&self, views: &[PhotoView<'_>]) -> Result<Pending<'_>> {
        let mut pending = Pending::new(self);
        for chunk in views.chunks(self.batch) {
            pending.add(chunk)?;
        }
        Ok(pending)
    }

    /// Normalises as the model's description says.
    pub(super) fn finish(&self, embedding: &mut Embedding) {
        if self.normalize == Normalize::L2 {
            embedding.normalize();
        }
    }

    fn frame(&self, picture: &Picture) -> [f32; 6] {
        match self.fit {
            Fit::Aligned => stretch(picture.width, picture.height, self.size),
            Fit::CentreCrop => centre_crop(picture.width, picture.height, self.size),
        }
    }
}

fn view(picture: &Picture, transform: [f32; 6]) -> PictureView<'_> {
    PictureView { rgb: &picture.rgb, width: picture.width, height: picture.height, transform }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_zero_embedding_stays_zero() {
        let mut zero = Embedding(vec![0.0; 4]);
        zero.normalize();
        assert_eq!(zero.0, [0.0; 4]);
        assert_eq!(zero.cosine(&[1.0; 4]), 0.0);
    }
}
