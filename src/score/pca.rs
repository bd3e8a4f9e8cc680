//! Principal components.

use super::linalg::{eigen, mean, row_major, scatter};
use super::{Projection, Samples};
use crate::error::{Error, Result};

/// The directions in which embeddings differ most.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    /// The mean of the samples.
    pub mean: Vec<f64>,
    /// Unit vectors, `[component][inputs]`, largest variance first; the entry of largest magnitude is positive.
    pub components: Vec<f64>,
    /// Variances along them (divisor: the number of samples), descending.
    pub eigenvalues: Vec<f64>,
    /// The variance of all directions together.
    pub total_variance: f64,
}

impl Pca {
    /// The first `dimension` components of the samples.
    ///
    /// # Errors
    /// [`Error::Caller`] when there are not so many numbers in an embedding, or fewer than two samples.
    pub fn fit(samples: &Samples, dimension: usize) -> Result<Self> {
        let d = samples.dimension();
        if dimension == 0 || dimension > d {
            return Err(Error::Caller(format!("Embeddings of {d} numbers have no {dimension} components. Choose 1 to {d}.")));
        }
        if samples.rows() < 2 {
            return Err(Error::Caller(format!("{} embeddings have no variance. Give at least two.", samples.rows())));
        }
        let mean = mean(samples.numbers(), d);
        let covariance = scatter(samples.numbers(), &mean) / samples.rows() as f64;
        let total_variance = covariance.trace();
        let (mut eigenvalues, vectors) = eigen(covariance);
        eigenvalues.truncate(dimension);
        // Rounding leaves a variance of nothing below it.
        eigenvalues.iter_mut().for_each(|v| *v = v.max(0.0));
        let components = row_major(&vectors.columns(0, dimension).transpose());
        Ok(Self { mean, components, eigenvalues, total_variance })
    }

    /// `W (x - mean)`; `whiten` divides every component by its standard deviation.
    ///
    /// # Errors
    /// [`Error::Caller`] for whitening components without variance.
    pub fn projection(&self, whiten: bool) -> Result<Projection> {
        let mut weight = self.components.clone();
        if whiten {
            let least = 1e-10 * self.eigenvalues.first().copied().unwrap_or(0.0);
            let usable = self.eigenvalues.iter().take_while(|&&v| v > least).count();
            if usable < self.eigenvalues.len() {
                return Err(Error::Caller(format!(
                    "Only {usable} of {} components have a variance that whitening can divide by. Choose --dimension {usable} or less, or give more embeddings.",
                    self.eigenvalues.len()
                )));
            }
            let rows = weight.chunks_exact_mut(self.mean.len());
            rows.zip(&self.eigenvalues).for_each(|(row, v)| row.iter_mut().for_each(|x| *x /= v.sqrt()));
        }
        Ok(Projection::centred(weight, &self.mean))
    }
}
