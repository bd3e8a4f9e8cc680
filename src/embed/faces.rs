//! Photographs to embeddings: detect, align, embed.

use crate::embed::{EmbedOptions, Embedder, Embedding, Pending};
use crate::error::{Error, Result};
use crate::face::align::{Aligner, Alignment};
use crate::face::quality::{Quality, assess};
use crate::face::{Face, Finder};
use crate::gpu::{Gpu, Photo, PhotoView};
use crate::model::Model;

/// Choices of a [`FaceEmbedder`].
#[derive(Clone, Debug, Default)]
pub struct FaceOptions {
    /// Least [`Quality::overall`], 0..1; poorer faces are left out. Above 0 it needs `quality`, and implies it.
    pub min_quality: f32,
    /// Whether to judge pictures of faces, for which small crops come back from the device.
    pub quality: bool,
    /// How they are embedded; they are framed as the model's description says, whatever `fit` is.
    pub embed: EmbedOptions,
}

/// A face of a photograph with everything that was found out about it.
#[derive(Clone, Debug)]
pub struct EmbeddedFace {
    /// Where it is.
    pub face: Face,
    /// Where the network looked.
    pub alignment: Alignment,
    /// How good the picture of it is, where that was asked for.
    pub quality: Option<Quality>,
    /// The length of the embedding before it was scaled: networks give short ones to faces they cannot read.
    pub norm: f32,
    /// What the network says.
    pub embedding: Embedding,
}

/// A face that was found but not embedded.
#[derive(Debug)]
pub struct LeftOut {
    /// Where it is.
    pub face: Face,
    /// [`Error::NoAlignment`], or [`Error::NoFace`] for one of too poor quality.
    pub reason: Error,
}

/// What became of a photograph.
#[derive(Debug, Default)]
pub struct Found {
    /// Its embedded faces, by descending score of the detector.
    pub faces: Vec<EmbeddedFace>,
    /// Faces that were left out.
    pub left_out: Vec<LeftOut>,
}

impl Found {
    /// The first of the embedded faces.
    ///
    /// # Errors
    /// [`Error::NoFace`] when there is none, with the reason when one was left out. `name` is the picture, for the message.
    pub fn one(mut self, name: &str) -> Result<EmbeddedFace> {
        if !self.faces.is_empty() {
            return Ok(self.faces.swap_remove(0));
        }
        Err(match self.left_out.into_iter().next() {
            Some(LeftOut { reason, .. }) => Error::NoFace(format!("No face of the picture `{name}` can be used. {reason}")),
            None => Error::NoFace(format!(
                "No face was found in the picture `{name}`. Give a picture with a face, a smaller --min-face, a lower --face-threshold, or --rotations if it lies on its side."
            )),
        })
    }
}

/// Photographs whose faces are found and being embedded.
#[derive(Debug)]
pub struct PendingFaces<'e> {
    embedder: &'e Embedder,
    /// Without embeddings.
    found: Vec<Found>,
    embeddings: Pending<'e>,
}

impl PendingFaces<'_> {
    /// Waits for the embeddings.
    ///
    /// # Errors
    /// As [`Embedder::embed_photos`].
    pub fn finish(mut self) -> Result<Vec<Found>> {
        let embeddings = self.embeddings.finish_raw()?;
        for (face, mut embedding) in self.found.iter_mut().flat_map(|f| &mut f.faces).zip(embeddings) {
            face.norm = embedding.norm();
            if let Some(quality) = &mut face.quality {
                quality.norm = Some(face.norm);
            }
            self.embedder.finish(&mut embedding);
            face.embedding = embedding;
        }
        Ok(self.found)
    }
}

/// A finder, an aligner and an embedder. Photographs stay on the device: only boxes, landmarks and embeddings come back.
pub struct FaceEmbedder {
    finder: Finder,
    aligner: Aligner,
    embedder: Embedder,
    min_quality: f32,
    quality: bool,
}

impl FaceEmbedder {
    /// Puts `model` behind `finder`.
    ///
    /// # Errors
    /// As [`Embedder::new`] and [`Aligner::new`].
    pub fn new(gpu: &Gpu, finder: Finder, model: &Model, options: &FaceOptions) -> Result<Self> {
        let embedder = Embedder::new(gpu, model, &options.embed)?;
        let aligner = Aligner::new(&model.description, embedder.size())?;
        let quality = options.quality || options.min_quality > 0.0;
        Ok(Self { finder, aligner, embedder, min_quality: options.min_quality, quality })
    }

    /// What finds the faces.
    pub fn finder(&self) -> &Finder {
        &self.finder
    }

    /// The network behind it.
    pub fn embedder(&self) -> &Embedder {
        &self.embedder
    }

    /// What puts faces where the network expects them.
    pub fn aligner(&self) -> &Aligner {
        &self.aligner
    }

    /// Finds and embeds the faces of every photo, in order.
    ///
    /// # Errors
    /// As [`Finder::find`] and [`Embedder::embed_photos`]. A photo without a face is none: see [`Found::one`].
    pub fn embed(&self, photos: &[Photo]) -> Result<Vec<Found>> {
        let faces = self.finder.find(photos)?;
        self.embed_faces(photos, faces)
    }

    /// Embeds faces that were found before: `faces[i]` are those of `photos[i]`.
    ///
    /// # Errors
    /// As [`Embedder::embed_photos`].
    pub fn embed_faces(&self, photos: &[Photo], faces: Vec<Vec<Face>>) -> Result<Vec<Found>> {
        self.start_faces(photos, faces)?.finish()
    }

    /// As [`FaceEmbedder::embed`], without waiting for the embeddings: faces are found and their batches started, so that the caller can decode, upload and
    /// search what comes next while the device works.
    ///
    /// # Errors
    /// As [`FaceEmbedder::embed`], as far as they show before the end.
    pub fn start(&self, photos: &[Photo]) -> Result<PendingFaces<'_>> {
        self.start_faces(photos, self.finder.find(photos)?)
    }

    fn start_faces(&self, photos: &[Photo], faces: Vec<Vec<Face>>) -> Result<PendingFaces<'_>> {
        let mut out = Vec::with_capacity(photos.len());
        for (photo, faces) in photos.iter().zip(faces) {
            out.push(self.judge(photo, faces)?);
        }
        let views: Vec<PhotoView<'_>> = photos
            .iter()
            .zip(&out)
            .flat_map(|(photo, found)| found.faces.iter().map(move |f| PhotoView { photo, look: f.alignment.look }))
            .collect();
        let embeddings = self.embedder.start_photos(&views)?;
        Ok(PendingFaces { embedder: &self.embedder, found: out, embeddings })
    }

    /// The faces that can be aligned and are good enough, not embedded yet.
    fn judge(&self, photo: &Photo, faces: Vec<Face>) -> Result<Found> {
        let mut found = Found::default();
        let mut aligned = Vec::with_capacity(faces.len());
        for face in faces {
            match self.aligner.align(&face, photo.size()) {
                Ok(alignment) => aligned.push((face, alignment)),
                Err(reason) => found.left_out.push(LeftOut { face, reason }),
            }
        }
        let qualities: Vec<Option<Quality>> = if self.quality {
            let faces: Vec<_> = aligned.iter().map(|(face, _)| face.clone()).collect();
            assess(self.embedder.network().gpu(), photo, &faces)?.into_iter().map(Some).collect()
        } else {
            vec![None; aligned.len()]
        };
        for ((face, alignment), quality) in aligned.into_iter().zip(qualities) {
            let overall = quality.map_or(1.0, |q| q.overall());
            if overall >= self.min_quality {
                found.faces.push(EmbeddedFace { face, alignment, quality, norm: 0.0, embedding: Embedding::default() });
            } else {
                let reason = format!("The quality of the face is {overall:.2}, and at least {:.2} is asked for.", self.min_quality);
                found.left_out.push(LeftOut { face, reason: Error::NoFace(reason) });
            }
        }
        Ok(found)
    }
}
