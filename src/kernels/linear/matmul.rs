//! Host side of shaders/linear/matmul.wgsl.

use crate::error::{Error, Result};
use crate::recording::{Caps, GemmFamily, Launch, Recorder, Source};
use crate::shader::{self, Shader};

/// Mirrors the shader's `Batch`: one leading axis of a stack of matrices.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Batch {
    pub(crate) size: u32,
    pub(crate) a_stride: u32,
    pub(crate) b_stride: u32,
    pub(crate) pad: u32,
}

impl Batch {
    /// Strides in numbers, 0 where the operand is broadcast.
    pub(crate) fn new(size: usize, a_stride: usize, b_stride: usize) -> Self {
        Self { size: size as u32, a_stride: a_stride as u32, b_stride: b_stride as u32, pad: 0 }
    }
}

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) batch: [Batch; 6],
    pub(crate) m: u32,
    pub(crate) k: u32,
    pub(crate) n: u32,
    pub(crate) first: u32,
}

/// A product to record: `batch` outermost first, at most six axes once neighbours are merged.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) batch: Vec<Batch>,
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
}

impl Product {
    /// Whether every row of both operands begins at a vec4.
    fn is_even(&self) -> bool {
        let even = |v: u32| v.is_multiple_of(4);
        self.k.is_multiple_of(4) && self.n.is_multiple_of(4) && self.batch.iter().all(|axis| even(axis.a_stride) && even(axis.b_stride))
    }
}

/// The permutation, and the rows and columns a workgroup computes.
fn permutation(caps: &Caps, even: bool) -> (&'static Shader, [usize; 2]) {
    match (caps.gemm, even) {
        (GemmFamily::Subgroup(4), false) if caps.textures => (&shader::LINEAR_MATMUL_SG4, [32, 16]),
        (GemmFamily::Subgroup(4), true) if caps.textures => (&shader::LINEAR_MATMUL_SG4_EVEN, [32, 16]),
        (GemmFamily::Subgroup(8), false) if caps.textures => (&shader::LINEAR_MATMUL_SG8, [32, 32]),
        (GemmFamily::Subgroup(8), true) if caps.textures => (&shader::LINEAR_MATMUL_SG8_EVEN, [32, 32]),
        (GemmFamily::Subgroup(16), false) if caps.textures => (&shader::LINEAR_MATMUL_SG16, [32, 64]),
        (GemmFamily::Subgroup(16), true) if caps.textures => (&shader::LINEAR_MATMUL_SG16_EVEN, [32, 64]),
        (GemmFamily::Subgroup(32), false) if caps.textures => (&shader::LINEAR_MATMUL_SG32, [32, 128]),
        (GemmFamily::Subgroup(32), true) if caps.textures => (&shader::LINEAR_MATMUL_SG32_EVEN, [32, 128]),
        _ => (&shader::LINEAR_MATMUL_TILED, [64, 64]),
    }
}

/// Records `y = a * b`, all row-major. A stack that is deeper than a grid takes several dispatches.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, product: &Product, a: Source, b: Source) -> Result<Source> {
    let merged = merge(&product.batch);
    let mut batch = [Batch::new(1, 0, 0); 6];
    let Some(start) = batch.len().checked_sub(merged.len()) else {
        return Err(Error::Unsupported(format!("The layer `{label}` multiplies stacks of matrices with {} leading axes.", merged.len())));
    };
    batch[start..].copy_from_slice(&merged);
    let (m, k, n) = (product.m, product.k, product.n);
    let depth: usize = product.batch.iter().map(|axis| axis.size as usize).product();
    let y = rec.tensor((depth * m * n * 4) as u64);
    let (shader, [rows, columns]) = permutation(rec.caps, product.is_even());
    let label = format!("{label} {m}x{k}x{n}{}", if depth > 1 { format!(" x{depth}") } else { String::new() });
    for first in (0..depth).step_by(rec.caps.max_groups as usize) {
        let params = Params { batch, m: m as u32, k: k as u32, n: n as u32, first: first as u32 };
        let planes = (depth - first).min(rec.caps.max_groups as usize);
        let groups = [m.div_ceil(rows) as u32, n.div_ceil(columns) as u32, planes as u32];
        rec.dispatch(shader, &label, groups, &params, &[a, b, y], 2 * (planes * m * k * n) as u64)?;
    }
    Ok(y)
}

/// One product `y = a * b` outside of a plan; `k` and `n` are multiples of 4. Its operands are textures where the shader declares them so.
pub(crate) fn launch(caps: &Caps, m: usize, k: usize, n: usize) -> Launch {
    debug_assert!(k.is_multiple_of(4) && n.is_multiple_of(4), "rows of a {k}x{n} matrix are padded to vec4s");
    let (shader, [rows, columns]) = permutation(caps, true);
    let params = Params { batch: [Batch::new(1, 0, 0); 6], m: m as u32, k: k as u32, n: n as u32, first: 0 };
    let groups = [m.div_ceil(rows) as u32, n.div_ceil(columns) as u32, 1];
    Launch { shader, groups, params: bytemuck::bytes_of(&params).to_vec(), flops: 2 * (m * k * n) as u64 }
}

/// Joins neighbouring axes that both operands walk through evenly, and drops axes of one place.
fn merge(axes: &[Batch]) -> Vec<Batch> {
    let mut out: Vec<Batch> = Vec::with_capacity(axes.len());
    for &axis in axes.iter().filter(|axis| axis.size != 1) {
        match out.last_mut() {
            Some(outer) if outer.a_stride == axis.a_stride * axis.size && outer.b_stride == axis.b_stride * axis.size => {
                *outer = Batch { size: outer.size * axis.size, ..axis };
            }
            _ => out.push(axis),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_merged_unless_only_one_operand_is_broadcast() {
        let axes = [Batch::new(2, 60, 60), Batch::new(1, 7, 0), Batch::new(3, 20, 20), Batch::new(4, 0, 5)];
        assert_eq!(merge(&axes), [Batch::new(6, 20, 20), Batch::new(4, 0, 5)]);
        assert_eq!(merge(&[Batch::new(2, 0, 15), Batch::new(3, 0, 5)]), [Batch::new(6, 0, 5)]);
    }
}
