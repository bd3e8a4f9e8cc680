//! No numbers at all, for those who only want to know shapes and counts.

use super::{Parameters, Role};
use crate::error::Result;
use crate::tensor::Tensor;

/// Zeros, whose memory is never touched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shapes;

impl Parameters for Shapes {
    fn tensor(&mut self, _name: &str, _role: Role, shape: &[usize]) -> Result<Tensor> {
        Ok(Tensor::zeros(shape.to_vec()))
    }
}
