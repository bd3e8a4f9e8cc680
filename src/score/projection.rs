//! Affine maps in f64.

use crate::error::{Error, Result};
use crate::model::LastLayer;

/// `y = W x + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// `[outputs][inputs]`, row-major.
    pub weight: Vec<f64>,
    /// `[outputs]`.
    pub bias: Vec<f64>,
    /// Numbers of an embedding.
    pub inputs: usize,
}

impl Projection {
    /// `W (x - mean)`; `weight` is `[outputs][inputs]` with as many inputs as `mean` has numbers.
    #[cfg(feature = "fit")]
    pub(super) fn centred(weight: Vec<f64>, mean: &[f64]) -> Self {
        let bias = weight.chunks_exact(mean.len()).map(|row| -row.iter().zip(mean).map(|(w, m)| w * m).sum::<f64>()).collect();
        Self { weight, bias, inputs: mean.len() }
    }

    /// Numbers of a result.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The image of one embedding of `inputs` numbers.
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let rows = self.weight.chunks_exact(self.inputs).zip(&self.bias);
        rows.map(|(row, b)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + b).collect()
    }

    /// This map, then another one.
    ///
    /// # Errors
    /// [`Error::Caller`] when the second does not take what the first gives.
    pub fn then(&self, next: &Self) -> Result<Self> {
        if next.inputs != self.outputs() {
            return Err(Error::Caller(format!(
                "A projection to {} numbers cannot be followed by one of {}. Fit the second on what the first gives.",
                self.outputs(),
                next.inputs
            )));
        }
        let mut weight = Vec::with_capacity(next.outputs() * self.inputs);
        for row in next.weight.chunks_exact(next.inputs) {
            let mut sum = vec![0.0; self.inputs];
            for (factor, own) in row.iter().zip(self.weight.chunks_exact(self.inputs)) {
                sum.iter_mut().zip(own).for_each(|(s, o)| *s += factor * o);
            }
            weight.extend(sum);
        }
        Ok(Self { weight, bias: next.apply(&self.bias), inputs: self.inputs })
    }

    /// The same as the last layer of a model, rounded to f32.
    pub fn layer(&self) -> LastLayer {
        let rounded = |v: &[f64]| v.iter().map(|&x| x as f32).collect();
        LastLayer { weight: rounded(&self.weight), bias: rounded(&self.bias), inputs: self.inputs, outputs: self.outputs() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_after_the_other_is_their_product() {
        let first = Projection { weight: vec![1.0, 2.0, 0.0, -1.0, 3.0, 0.5], bias: vec![1.0, 0.0, -2.0], inputs: 2 };
        let second = Projection { weight: vec![1.0, 0.0, 2.0, 0.5, -1.0, 1.0], bias: vec![0.25, 4.0], inputs: 3 };
        let x = [3.0, -5.0];
        let both = first.then(&second).unwrap();
        assert_eq!(both.apply(&x), second.apply(&first.apply(&x)));
        assert_eq!((both.layer().inputs, both.layer().outputs), (2, 2));
        assert!(second.then(&second).unwrap_err().to_string().contains("to 2 numbers"));
    }
}
