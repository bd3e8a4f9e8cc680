//! One embedding for several pictures of a person.

use super::Embedding;
use crate::error::{Error, Result};

/// The sum of embeddings times their weights (1 without), scaled to unit length. Weights are the caller's confidence: detection scores,
/// norms, qualities.
///
/// Give embeddings as the network made them ([`crate::model::Normalize::None`]) to let longer ones, which are usually better views, weigh more,
/// or of unit length to treat all alike.
///
/// # Errors
/// [`Error::Caller`] without embeddings, when their lengths differ, or when there is not one weight for each, finite and not negative.
pub fn pool(embeddings: &[Embedding], weights: Option<&[f32]>) -> Result<Embedding> {
    let mut pooled = summed(embeddings, weights)?;
    pooled.normalize();
    Ok(pooled)
}

/// The template of several media (photos, and videos of many frames): the mean inside each medium, the sum over media, unit length. So a
/// video does not outvote the photos (the protocol of IJB).
///
/// # Errors
/// As [`pool`].
pub fn pool_media(media: &[&[Embedding]]) -> Result<Embedding> {
    pool(&media.iter().map(|frames| mean(frames)).collect::<Result<Vec<_>>>()?, None)
}

/// The mean of embeddings whose lengths mean something: those that are compared by distances, or by what was learned on them.
///
/// # Errors
/// As [`pool`].
pub fn mean(embeddings: &[Embedding]) -> Result<Embedding> {
    let mut sum = summed(embeddings, None)?;
    sum.0.iter_mut().for_each(|x| *x /= embeddings.len() as f32);
    Ok(sum)
}

fn summed(embeddings: &[Embedding], weights: Option<&[f32]>) -> Result<Embedding> {
    let first = embeddings.first().ok_or_else(|| Error::Caller("There is no embedding to pool. Give at least one.".to_owned()))?;
    if let Some(other) = embeddings.iter().find(|e| e.len() != first.len()) {
        return Err(Error::Caller(format!(
            "Embeddings of {} and of {} numbers cannot be pooled. Give those of one model.",
            first.len(),
            other.len()
        )));
    }
    if let Some(w) = weights.filter(|w| w.len() != embeddings.len() || w.iter().any(|v| !v.is_finite() || *v < 0.0)) {
        return Err(Error::Caller(format!(
            "The weights {w:?} do not suit {} embeddings. Give one for each, finite and not negative.",
            embeddings.len()
        )));
    }
    let mut sum = vec![0.0f64; first.len()];
    for (i, embedding) in embeddings.iter().enumerate() {
        let weight = weights.and_then(|w| w.get(i)).map_or(1.0, |&w| f64::from(w));
        sum.iter_mut().zip(embedding.iter()).for_each(|(s, &x)| *s += weight * f64::from(x));
    }
    Ok(Embedding(sum.into_iter().map(|v| v as f32).collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn near(got: &Embedding, want: &[f32]) {
        assert!(got.len() == want.len() && got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-6), "{got:?} {want:?}");
    }

    #[test]
    fn pooling_sums_and_scales() {
        let e = [Embedding(vec![3.0, 0.0]), Embedding(vec![0.0, 4.0])];
        near(&pool(&e, None).unwrap(), &[0.6, 0.8]);
        near(&pool(&e, Some(&[4.0, 3.0])).unwrap(), &[0.5f32.sqrt(); 2]);
        near(&pool(&e, Some(&[0.0, 1.0])).unwrap(), &[0.0, 1.0]);
        near(&mean(&e).unwrap(), &[1.5, 2.0]);
        assert!(mean(&[]).is_err());
    }

    #[test]
    fn a_video_counts_as_one_photo() {
        let photo = [Embedding(vec![1.0, 0.0])];
        let video = vec![Embedding(vec![0.0, 1.0]); 100];
        near(&pool_media(&[&photo, &video]).unwrap(), &[0.5f32.sqrt(); 2]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert!(pool(&[], None).is_err());
        assert!(pool_media(&[&[]]).is_err());
        let two = [Embedding(vec![1.0]), Embedding(vec![1.0])];
        assert!(pool(&[Embedding(vec![1.0]), Embedding(vec![1.0, 2.0])], None).is_err());
        for weights in [&[1.0][..], &[1.0, f32::NAN], &[1.0, -1.0]] {
            assert!(pool(&two, Some(weights)).is_err(), "{weights:?}");
        }
    }
}
