//! What every head stands on: the device, rows padded to vec4s, and sums of chosen rows.

use std::borrow::Cow;

use super::inputs::Rows;
use super::{Stage, Step};
use crate::error::{Error, Result};
use crate::gpu::{Done, Gpu, Memory, Work, numbers};
use crate::kernels::margin::{Params, gather, norms};
use crate::recording::{Caps, GemmFamily};
use crate::tensor::Tensor;

/// A device, and how its kernels load.
pub(crate) struct Ground<'g> {
    pub(crate) gpu: &'g Gpu,
    pub(crate) caps: Caps,
}

impl<'g> Ground<'g> {
    /// `textures`: load through textures if this device is faster with them.
    pub(crate) fn new(gpu: &'g Gpu, textures: bool) -> Self {
        let mut caps = gpu.caps().clone();
        // The products decide: those that take textures are the ones by subgroups.
        caps.textures &= textures && matches!(caps.gemm, GemmFamily::Subgroup(_));
        if !caps.textures {
            caps.gemm = GemmFamily::Tiled;
        }
        Self { gpu, caps }
    }

    /// Rows that kernels only read, as a texture where that is faster.
    pub(crate) fn matrix(&self, what: &str, rows: &[f32]) -> Result<Memory> {
        self.gpu.matrix(what, rows, self.caps.textures)
    }

    /// Memory for `n` vec4s.
    pub(crate) fn vec4s(&self, what: &str, n: usize) -> Result<Memory> {
        self.gpu.blank(what, n as u64 * 16)
    }

    /// Memory for `n` numbers.
    pub(crate) fn numbers(&self, what: &str, n: usize) -> Result<Memory> {
        self.gpu.blank(what, n as u64 * 4)
    }

    /// A matrix of `vec4s` zeros that kernels write.
    pub(crate) fn written(&self, what: &str, vec4s: usize) -> Result<Matrix> {
        let buffer = self.vec4s(what, vec4s)?;
        let operand = if self.caps.textures { self.gpu.blank_texture(what, vec4s as u64 * 16)? } else { buffer.clone() };
        Ok(Matrix { buffer, operand, vec4s })
    }

    /// A matrix that begins as `rows` and that kernels change.
    pub(crate) fn learned(&self, what: &str, rows: &[f32]) -> Result<Matrix> {
        let buffer = self.gpu.filled_rows(what, rows)?;
        let operand = if self.caps.textures { self.matrix(what, rows)? } else { buffer.clone() };
        Ok(Matrix { buffer, operand, vec4s: rows.len() / 4 })
    }

    /// Launches the norms of `rows` rows of `m`, each described by a number of `extra`.
    pub(super) fn norms(&self, work: &mut Work<'_>, m: &Memory, extra: &Memory, y: &Memory, rows: usize, depth: usize) -> Result<()> {
        let params = Params { rows: rows as u32, depth: depth as u32, ..Params::default() };
        work.launch(&norms::launch(&self.caps, &params), &[m, extra, y])
    }
}

/// A matrix that kernels write, and what products read: the same memory, or its copy in a texture where they load through textures.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) buffer: Memory,
    pub(crate) operand: Memory,
    pub(crate) vec4s: usize,
}

impl Matrix {
    /// Lets products see what was written.
    pub(crate) fn refresh(&self, work: &mut Work<'_>) -> Result<()> {
        if self.operand.is_texture() { work.copy(&self.buffer, &self.operand, self.vec4s as u64 * 16) } else { Ok(()) }
    }
}

/// A matrix whose rows are whole vec4s.
pub(crate) struct Padded<'a> {
    pub(crate) data: Cow<'a, [f32]>,
    /// vec4s of a row.
    pub(crate) depth: usize,
}

/// Pads rows to whole vec4s and their number to `rows`, with zeros: no product or norm changes.
pub(crate) fn padded<'a>(data: &'a [f32], columns: usize, rows: usize) -> Padded<'a> {
    let depth = columns.div_ceil(4);
    let mut out = if columns.is_multiple_of(4) {
        Cow::Borrowed(data)
    } else {
        let mut out = Vec::with_capacity(rows * depth * 4);
        for row in data.chunks_exact(columns) {
            out.extend_from_slice(row);
            out.resize(out.len().next_multiple_of(4), 0.0);
        }
        Cow::Owned(out)
    };
    if out.len() < rows * depth * 4 {
        out.to_mut().resize(rows * depth * 4, 0.0);
    }
    Padded { data: out, depth }
}

/// The first `rows` rows of results, without what they were padded with.
pub(crate) fn unpadded(data: &[f32], columns: usize, rows: usize, out: &mut Vec<f32>) {
    let width = columns.next_multiple_of(4);
    if width == columns {
        out.extend_from_slice(&data[..rows * columns]);
    } else {
        data.chunks_exact(width).take(rows).for_each(|row| out.extend_from_slice(&row[..columns]));
    }
}

/// Sums that each row of a result is made of: (row, factor), side by side.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) starts: Vec<u32>,
    entries: Vec<[u32; 2]>,
}

impl Sums {
    /// The sums of `rows` rows from terms in any order; those of a row keep theirs.
    pub(super) fn new(rows: usize, terms: &[(u32, u32, f32)]) -> Self {
        let mut starts = vec![0u32; rows + 1];
        for (row, _, _) in terms {
            starts[*row as usize + 1] += 1;
        }
        for i in 0..rows {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut entries = vec![[0, 0]; terms.len()];
        for (row, of, factor) in terms {
            let at = &mut next[*row as usize];
            entries[*at as usize] = [*of, factor.to_bits()];
            *at += 1;
        }
        Self { starts, entries }
    }

    /// Launches `y += sums of rows of m`. The memory that comes back has to live until the work is done.
    pub(super) fn launch(&self, ground: &Ground<'_>, work: &mut Work<'_>, m: &Memory, y: &Memory, depth: usize) -> Result<[Memory; 2]> {
        let rows = self.starts.len() - 1;
        let starts = ground.gpu.filled("sums of rows", &self.starts)?;
        let entries = ground.gpu.filled("sums of rows", if self.entries.is_empty() { &[[0u32, 0]] } else { &self.entries[..] })?;
        let params = Params { rows: rows as u32, depth: depth as u32, ..Params::default() };
        let textures = m.is_texture();
        work.launch(&gather::launch(&ground.caps, textures, &params, self.entries.len()), &[m, &starts, &entries, y])?;
        Ok([starts, entries])
    }
}

/// f32 results as f64 of single numbers.
pub(super) fn vec4s(bytes: &[u8]) -> Result<&[[f32; 4]]> {
    numbers(bytes)
}

/// A matrix of results.
pub(super) fn tensor(shape: &[usize], data: Vec<f32>) -> Result<Tensor> {
    let len = data.len();
    Tensor::from_f32(shape.to_vec(), data)
        .ok_or_else(|| Error::Device(format!("A result has {len} numbers, which do not fit {shape:?}. Report this.")))
}

/// A result of one number.
pub(super) fn scalar(value: f64) -> Result<Tensor> {
    tensor(&[], vec![value as f32])
}

/// A gradient of a padded result.
pub(super) fn gradient(bytes: &[u8], rows: &Rows<'_>) -> Result<Tensor> {
    let mut out = Vec::with_capacity(rows.rows * rows.columns);
    unpadded(numbers(bytes)?, rows.columns, rows.rows, &mut out);
    tensor(&[rows.rows, rows.columns], out)
}

/// Zeros of the shape of an input.
pub(super) fn zeros(rows: &Rows<'_>) -> Tensor {
    Tensor::zeros([rows.rows, rows.columns])
}

impl Step {
    /// Notes what a submission cost.
    pub(super) fn add(&mut self, ground: &Ground<'_>, name: &'static str, done: &Done) {
        self.stage(name, done.seconds, done.flops, done.len());
        self.shaders.extend(&done.shaders);
        self.note_memory(ground);
    }

    /// Notes how much is allocated now.
    pub(super) fn note_memory(&mut self, ground: &Ground<'_>) {
        self.device_bytes = self.device_bytes.max(ground.gpu.memory().0);
    }
}

impl Stage {
    /// Billions of floating point operations a second.
    pub fn gflops(&self) -> f64 {
        if self.seconds > 0.0 { self.flops as f64 / self.seconds / 1e9 } else { 0.0 }
    }
}
