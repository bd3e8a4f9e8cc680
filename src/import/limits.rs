//! Bounds on what a file may ask for, checked before memory is allocated.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::passes::{Bounds, remedy};
use crate::tensor::Shape;

/// How much a model file may ask for. The defaults take any face network in use and stop a hostile file before it hurts.
///
/// Reading takes at most the size of the file, `max_model_bytes`, and `max_folding_bytes` for constants that are computed from constants.
/// Compiling may write every weight anew once, and fold and copy up to `max_folding_bytes` more; it keeps to the limits that the model was
/// read with. Time is not bounded, only memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file itself (default 4 GiB).
    pub max_file_bytes: u64,
    /// Bytes of the header of a model file, which holds its graph (default 100 MB, the most that safetensors allows).
    pub max_header_bytes: u64,
    /// Nodes of the graph (default 100 000).
    pub max_nodes: usize,
    /// Constants of the graph (default 100 000).
    pub max_initializers: usize,
    /// Dimensions of a tensor, computed ones included (default 8).
    pub max_rank: usize,
    /// Bytes of one tensor in memory, computed ones included (default 2 GiB).
    pub max_tensor_bytes: u64,
    /// Bytes of all tensors together, and of the parsed file around them (default 8 GiB).
    pub max_model_bytes: u64,
    /// Bytes that computing constants ahead of time may take: what is made, what it is made from while it is made, and copies of
    /// weights that layers share (default 4 GiB).
    pub max_folding_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let Bounds { rank, tensor_bytes, folding_bytes } = Bounds::default();
        Self {
            max_file_bytes: 4 << 30,
            max_header_bytes: 100_000_000,
            max_nodes: 100_000,
            max_initializers: 100_000,
            max_rank: rank,
            max_tensor_bytes: tensor_bytes,
            max_model_bytes: 8 << 30,
            max_folding_bytes: folding_bytes,
        }
    }
}

impl Limits {
    /// Changes the limit that messages call `name`, for example `max_nodes`.
    ///
    /// # Errors
    /// [`Error::Caller`] for a name that no limit has.
    pub fn set(&mut self, name: &str, value: u64) -> Result<()> {
        let count = usize::try_from(value).unwrap_or(usize::MAX);
        match name {
            "max_file_bytes" => self.max_file_bytes = value,
            "max_header_bytes" => self.max_header_bytes = value,
            "max_nodes" => self.max_nodes = count,
            "max_initializers" => self.max_initializers = count,
            "max_rank" => self.max_rank = count,
            "max_tensor_bytes" => self.max_tensor_bytes = value,
            "max_model_bytes" => self.max_model_bytes = value,
            "max_folding_bytes" => self.max_folding_bytes = value,
            _ => {
                return Err(Error::Caller(format!(
                    "There is no limit named `{name}`. The limits are max_file_bytes, max_header_bytes, max_nodes, max_initializers, max_rank, \
                     max_tensor_bytes, max_model_bytes and max_folding_bytes."
                )));
            }
        }
        Ok(())
    }

    /// What compiling keeps to.
    pub fn bounds(&self) -> Bounds {
        Bounds { rank: self.max_rank, tensor_bytes: self.max_tensor_bytes, folding_bytes: self.max_folding_bytes }
    }

    /// # Errors
    /// [`Error::Limits`] when a file of `bytes` bytes is too large.
    pub fn check_file(&self, what: &str, bytes: u64) -> Result<()> {
        check(bytes, self.max_file_bytes, "max_file_bytes", || format!("The file `{what}` has {bytes} bytes"))
    }

    /// # Errors
    /// [`Error::Limits`] when a header of `bytes` bytes is too large.
    pub fn check_header(&self, what: &str, bytes: u64) -> Result<()> {
        check(bytes, self.max_header_bytes, "max_header_bytes", || format!("The file `{what}` claims a header of {bytes} bytes"))
    }

    /// # Errors
    /// [`Error::Limits`] when there are too many nodes.
    pub fn check_nodes(&self, what: &str, nodes: usize) -> Result<()> {
        check(nodes as u64, self.max_nodes as u64, "max_nodes", || format!("The model `{what}` has at least {nodes} nodes"))
    }

    /// # Errors
    /// [`Error::Limits`] when there are too many constants.
    pub fn check_initializers(&self, what: &str, constants: usize) -> Result<()> {
        check(constants as u64, self.max_initializers as u64, "max_initializers", || {
            format!("The model `{what}` has at least {constants} constants")
        })
    }

    /// # Errors
    /// [`Error::Limits`] when a tensor has too many dimensions.
    pub fn check_rank(&self, what: &str, rank: usize) -> Result<()> {
        check(rank as u64, self.max_rank as u64, "max_rank", || format!("The tensor `{what}` has {rank} dimensions"))
    }
}

fn check(value: u64, limit: u64, field: &str, subject: impl FnOnce() -> String) -> Result<()> {
    if value <= limit {
        return Ok(());
    }
    Err(Error::Limits(format!("{}, more than the limit of {limit}. {}", subject(), remedy(field))))
}

/// Reads a file of at most `limits.max_file_bytes`.
pub(crate) fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>> {
    let failed = |e| Error::io("Reading", path, e);
    let name = path.display().to_string();
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    limits.check_file(&name, size)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // The size may not be what the metadata says (a pipe, a device, a file that grows).
    file.take(limits.max_file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    limits.check_file(&name, bytes.len() as u64)?;
    Ok(bytes)
}

/// What messages call a file.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

/// What is left of [`Limits::max_model_bytes`] while a file is read.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    used: u64,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, used: 0 }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns `bytes` that were needed for a while only.
    pub(crate) fn release(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Books `bytes` for `what`. To be called before they are allocated.
    pub(crate) fn reserve(&mut self, what: &str, bytes: u64) -> Result<()> {
        let total = self.used.saturating_add(bytes);
        check(total, self.limits.max_model_bytes, "max_model_bytes", || {
            format!("The model needs {total} bytes of memory by the time `{what}` is read")
        })?;
        self.used = total;
        Ok(())
    }

    /// Checks the dimensions of a tensor and books its bytes. Returns the shape and the number of elements.
    pub(crate) fn reserve_tensor(&mut self, what: &str, dims: &[i64], element_bytes: usize) -> Result<(Shape, usize)> {
        self.limits.check_rank(what, dims.len())?;
        let too_large = || {
            let text: Vec<_> = dims.iter().map(i64::to_string).collect();
            Error::Limits(format!(
                "The tensor `{what}` ({}) needs more than {} bytes. {}",
                text.join("x"),
                self.limits.max_tensor_bytes,
                remedy("max_tensor_bytes")
            ))
        };
        let mut shape = Vec::with_capacity(dims.len());
        for &d in dims {
            let size = usize::try_from(d).map_err(|_| {
                Error::Model(format!(
                    "The tensor `{what}` has a negative dimension ({d}). The file is damaged or was written by a faulty exporter; export it again."
                ))
            })?;
            shape.push(size);
        }
        // A zero dimension makes an empty tensor, whatever the others say: they are multiplied without it so that an overflow is still seen.
        let nonzero = shape.iter().filter(|&&d| d > 0).try_fold(element_bytes, |a, &d| a.checked_mul(d));
        nonzero.filter(|&b| b as u64 <= self.limits.max_tensor_bytes).ok_or_else(too_large)?;
        let len = shape.iter().product::<usize>();
        self.reserve(what, (len * element_bytes) as u64)?;
        Ok((shape.into(), len))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_refused_before_it_is_allocated() {
        let mut budget = Budget::new(&Limits { max_tensor_bytes: 100, max_model_bytes: 150, ..Limits::default() });
        assert_eq!(budget.reserve_tensor("a", &[5, 5], 4).unwrap().1, 25);
        assert!(matches!(budget.reserve_tensor("b", &[26], 4), Err(Error::Limits(_))));
        assert!(matches!(budget.reserve_tensor("c", &[5, 5], 4), Err(Error::Limits(_))));
        assert!(matches!(budget.reserve_tensor("d", &[i64::MAX, i64::MAX, 0], 4), Err(Error::Limits(_))));
        assert!(matches!(budget.reserve_tensor("e", &[-1], 4), Err(Error::Model(_))));
        assert!(matches!(budget.reserve_tensor("f", &[1; 9], 4), Err(Error::Limits(_))));
        assert_eq!(budget.reserve_tensor("g", &[0, 3], 4).unwrap().1, 0);
    }
}
