//! Where the numbers of a network come from: a rule, a generator, or a checkpoint.

mod channels_last;
mod checkpoint;
mod fingerprint;
mod fitting;
mod layers;
mod shapes;

pub use checkpoint::Checkpoint;
pub use fingerprint::{Fingerprint, Seeded};
pub use layers::Layers;
pub use shapes::Shapes;

use crate::error::Result;
use crate::tensor::Tensor;

/// What a tensor is for, which decides the values that a rule gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights of a convolution `[O, I / groups, kh, kw]` or a linear layer `[O, K]`, which over a map is asked for as `[O, C, H, W]`.
    Weight,
    /// Weights of a locally connected layer `[ty, tx, O, I, kh, kw]`.
    LocalWeight,
    /// A bias `[O]`, or `[ty, tx, O]`.
    Bias,
    /// The factor of a normalisation or of a per-channel affine `[C]`.
    Scale,
    /// The summand of a normalisation or of a per-channel affine `[C]`.
    Shift,
    /// The running mean of a normalisation `[C]`.
    Mean,
    /// The running variance of a normalisation `[C]`.
    Variance,
    /// The slopes of a PReLU `[C]`.
    Slope,
}

/// A source of parameters. A builder asks for each tensor once, in the order in which pictures pass the layers.
pub trait Parameters {
    /// The tensor `name` of this shape.
    ///
    /// # Errors
    /// What the source lacks, as a sentence.
    fn tensor(&mut self, name: &str, role: Role, shape: &[usize]) -> Result<Tensor>;

    /// Called when the network is complete.
    ///
    /// # Errors
    /// What was missing, did not fit, or was left over.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
