//! Embeddings that the device is working on.

use std::collections::VecDeque;

use super::embedder::{Embedder, Embedding};
use crate::error::{Error, Result};
use crate::face::align::mirrored;
use crate::gpu::{Photo, PhotoView};
use crate::model::Flip;
use crate::network::{Look, Running};
use crate::tensor::Tensor;

/// Batches under way at a time; the first of more is waited for, so that memory is bounded.
const UNDER_WAY: usize = 2;

/// Embeddings that were started. Dropping it leaves them on the device.
#[derive(Debug)]
pub struct Pending<'e> {
    embedder: &'e Embedder,
    batches: VecDeque<Batch<'e>>,
    done: Vec<Embedding>,
}

/// A batch, and the same mirrored.
#[derive(Debug)]
struct Batch<'e> {
    plain: Running<'e>,
    mirrored: Option<Running<'e>>,
    /// They count as memory until they are not read any more.
    photos: Vec<Photo>,
}

impl<'e> Pending<'e> {
    pub(super) fn new(embedder: &'e Embedder) -> Self {
        Self { embedder, batches: VecDeque::new(), done: Vec::new() }
    }

    /// Starts a batch.
    pub(super) fn add(&mut self, views: &[PhotoView<'_>]) -> Result<()> {
        let Embedder { network, size, flip, .. } = self.embedder;
        if self.batches.len() == UNDER_WAY {
            self.land()?;
        }
        let plain = network.start_photos(views, None)?;
        let mirrored = if *flip == Flip::None {
            None
        } else {
            let views: Vec<_> = views.iter().map(|v| PhotoView { look: mirror(v.look, size[0]), ..*v }).collect();
            Some(network.start_photos(&views, None)?)
        };
        let photos = views.iter().map(|v| v.photo.clone()).collect();
        self.batches.push_back(Batch { plain, mirrored, photos });
        Ok(())
    }

    /// Waits for the first batch.
    fn land(&mut self) -> Result<()> {
        let Some(Batch { plain, mirrored, photos }) = self.batches.pop_front() else { return Ok(()) };
        let read = |running: Running<'_>| rows(running.finish()?.first().map(|(_, t)| t), photos.len());
        let mut embeddings = read(plain)?;
        if let Some(mirrored) = mirrored {
            combine(&mut embeddings, &read(mirrored)?, self.embedder.flip);
        }
        self.done.append(&mut embeddings);
        Ok(())
    }

    /// Waits for all of them, one a view, in order.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn finish(self) -> Result<Vec<Embedding>> {
        let embedder = self.embedder;
        let mut embeddings = self.finish_raw()?;
        embeddings.iter_mut().for_each(|e| embedder.finish(e));
        Ok(embeddings)
    }

    /// As [`Pending::finish`], before normalisation.
    pub(super) fn finish_raw(mut self) -> Result<Vec<Embedding>> {
        while !self.batches.is_empty() {
            self.land()?;
        }
        if let Some(first) = self.done.first() {
            self.embedder.scoring.check(first.len())?;
        }
        Ok(self.done)
    }
}

/// The same look in a mirror.
fn mirror(look: Look, width: usize) -> Look {
    match look {
        Look::Warp { transform, border, sampling } => Look::Warp { transform: mirrored(transform, width), border, sampling },
        Look::Area { .. } => look,
    }
}

/// Mirror augmentation, before any normalisation: the longer view weighs more.
fn combine(embeddings: &mut [Embedding], mirror: &[Embedding], flip: Flip) {
    for (e, m) in embeddings.iter_mut().zip(mirror) {
        match flip {
            Flip::None => {}
            Flip::Sum => e.0.iter_mut().zip(&m.0).for_each(|(x, y)| *x += y),
            Flip::Concat => e.0.extend_from_slice(&m.0),
        }
    }
}

/// The output split into one row a picture, whatever its rank.
fn rows(output: Option<&Tensor>, n: usize) -> Result<Vec<Embedding>> {
    let wrong = |what: &str| Error::Model(format!("The embedding output of the model has {what}. Name another output in the description."));
    let tensor = output.ok_or_else(|| wrong("no tensor"))?;
    if tensor.shape().first() != Some(&n) || tensor.is_empty() {
        return Err(wrong(&format!("the shape {} for {n} pictures", tensor.shape())));
    }
    let data = tensor.to_f32();
    Ok(data.chunks_exact(data.len() / n).map(|row| Embedding(row.to_vec())).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn rows_of_any_rank_become_embeddings() {
        let t = Tensor::from_f32([2, 3, 1, 1], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(rows(Some(&t), 2).unwrap()[1].0, [4.0, 5.0, 6.0]);
        assert!(rows(Some(&t), 3).is_err());
        assert!(rows(None, 1).is_err());
    }

    #[test]
    fn mirror_views_combine_before_normalising() {
        let base = [Embedding(vec![3.0, 0.0])];
        let mirror = [Embedding(vec![0.0, 1.0])];
        let mut sum = base.to_vec();
        combine(&mut sum, &mirror, Flip::Sum);
        assert_eq!(sum[0].0, [3.0, 1.0]);
        let mut both = base.to_vec();
        combine(&mut both, &mirror, Flip::Concat);
        both[0].normalize();
        assert!((both[0][0] - 3.0 / 10f32.sqrt()).abs() < 1e-7);
    }
}
