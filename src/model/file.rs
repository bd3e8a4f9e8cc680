//! The model file: safetensors with the graph and the description in its metadata.
//!
//! The header is written here, because it has to be the same bytes each time; reading uses the `safetensors` crate, which checks it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::layout::{GraphLayout, dtype_name, json, tensors, with_bytes};
use super::{Description, Model, Precision, broken};
use crate::error::{Error, Result};
use crate::graph::{Graph, Op};
use crate::import::limits::Budget;
use crate::import::{Limits, header, validate};
use crate::tensor::{DType, Data, Tensor};

const FORMAT_KEY: &str = "lookalike.format";
const GRAPH_KEY: &str = "lookalike.graph";
const DESCRIPTION_KEY: &str = "lookalike.description";
/// The version of the layout of the metadata.
const FORMAT: &str = "1";

/// Parses and validates a model file.
pub(super) fn parse(bytes: &[u8], name: &str, limits: &Limits) -> Result<(Graph, Description)> {
    limits.check_file(name, bytes.len() as u64)?;
    let mut budget = Budget::new(limits);
    header::check(bytes, name, &mut budget)?;
    let readable = |e| Error::Model(format!("The file `{name}` is not a readable safetensors file ({e}). It is damaged; fetch it again."));
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(readable)?;
    let file = SafeTensors::deserialize(bytes).map_err(readable)?;
    let empty = HashMap::new();
    let metadata = header.metadata().as_ref().unwrap_or(&empty);
    check_format(metadata, name)?;
    let text = |key: &str| metadata.get(key).ok_or_else(|| broken(name, &format!("lacks the entry {key} of its metadata")));
    let layout: GraphLayout =
        serde_json::from_str(text(GRAPH_KEY)?).map_err(|e| broken(name, &format!("has a graph that cannot be read ({e})")))?;
    let description: Description =
        serde_json::from_str(text(DESCRIPTION_KEY)?).map_err(|e| broken(name, &format!("has a description that cannot be read ({e})")))?;
    limits.check_nodes(name, layout.len())?;
    limits.check_initializers(name, file.len().saturating_sub(layout.len().saturating_mul(4)))?;
    let views: HashMap<&str, TensorView<'_>> = file.iter().collect();
    let graph = layout.build(|tensor, reader| match views.get(tensor) {
        Some(view) => load(view, tensor, &mut budget).map(Arc::new),
        None => Err(broken(name, &format!("has no tensor `{tensor}`, which `{reader}` reads"))),
    })?;
    validate(&graph, name, limits)?;
    Ok((graph, description))
}

fn check_format(metadata: &HashMap<String, String>, name: &str) -> Result<()> {
    match metadata.get(FORMAT_KEY).map(String::as_str) {
        Some(FORMAT) => Ok(()),
        Some(other) => Err(Error::Unsupported(format!(
            "The model file `{name}` has the format version {other:?}; this version of lookalike reads version {FORMAT}. Update lookalike, or convert the model again."
        ))),
        None => Err(Error::Model(format!(
            "The file `{name}` is a safetensors file without a graph: weights alone, not a model. Convert the model from ONNX, or give the weights to `zoo build --weights`."
        ))),
    }
}

fn load(view: &TensorView<'_>, name: &str, budget: &mut Budget) -> Result<Tensor> {
    let dims: Vec<i64> = view.shape().iter().map(|&d| i64::try_from(d).unwrap_or(i64::MAX)).collect();
    let bytes = view.data();
    let dtype = dtype_of(view.dtype()).ok_or_else(|| {
        Error::Model(format!(
            "The tensor `{name}` has the type {:?}, which model files do not hold. Convert the model again.",
            view.dtype()
        ))
    })?;
    let (shape, _) = budget.reserve_tensor(name, &dims, if dtype.is_float() { dtype.bytes() } else { 8 })?;
    let tensor = match dtype {
        DType::F32 => Tensor::from_f32(shape, bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()),
        DType::F16 => Tensor::new(shape, Data::F16(bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b)).collect())),
        whole => Tensor::integers(whole, shape, whole.integers_from_le(bytes)),
    };
    tensor
        .ok_or_else(|| Error::Model(format!("The tensor `{name}` does not hold what its shape says. The file is damaged; fetch it again.")))
}

/// Constants of `graph` as they are stored, by name.
fn stored(graph: &Graph, precision: Precision) -> BTreeMap<&str, Cow<'_, Tensor>> {
    // A rounded resize factor changes the size of the output, a rounded grid where it looks.
    let factors: Vec<&str> = graph
        .nodes
        .iter()
        .filter(|n| matches!(n.op, Op::Resize(_) | Op::GridSample(_)))
        .flat_map(|n| n.inputs.iter().skip(1).map(|&id| graph.name(id)))
        .collect();
    tensors(graph)
        .into_iter()
        .map(|(name, tensor)| {
            let round = precision == Precision::F16 && tensor.len() > 1 && !factors.contains(&name) && in_f16_range(tensor);
            (name, if round { Cow::Owned(tensor.to_f16()) } else { Cow::Borrowed(tensor.as_ref()) })
        })
        .collect()
}

fn in_f16_range(tensor: &Tensor) -> bool {
    let largest = f16::MAX.to_f32();
    matches!(tensor.data(), Data::F32(v) if v.iter().all(|x| x.abs() <= largest))
}

/// Writes the model file.
pub(super) fn write(model: &Model, precision: Precision, to: &mut impl Write) -> Result<()> {
    let failed = |e: std::io::Error| Error::io("Writing", "the model", e);
    write_to(model, precision, to, &failed)
}

fn write_to(model: &Model, precision: Precision, to: &mut impl Write, failed: &dyn Fn(std::io::Error) -> Error) -> Result<()> {
    let stored = stored(&model.graph, precision);
    // Largest elements first keeps every tensor aligned to its element size; within a type, by name.
    let mut order: Vec<_> = stored.iter().collect();
    order.sort_by_key(|(name, t)| (std::cmp::Reverse(t.dtype().bytes()), **name));
    let header = header_text(model, &order)?;
    to.write_all(&(header.len() as u64).to_le_bytes()).map_err(failed)?;
    to.write_all(header.as_bytes()).map_err(failed)?;
    for (_, tensor) in order {
        with_bytes(tensor, |bytes| to.write_all(bytes)).map_err(failed)?;
    }
    Ok(())
}

fn dtype_of(stored: Dtype) -> Option<DType> {
    Some(match stored {
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 => DType::U8,
        Dtype::BOOL => DType::Bool,
        _ => return None,
    })
}

#[derive(serde::Serialize)]
struct TensorEntry<'a> {
    dtype: &'static str,
    shape: &'a [usize],
    data_offsets: [usize; 2],
}

/// The JSON header, padded with spaces so that the tensors begin at a multiple of eight.
fn header_text(model: &Model, order: &[(&&str, &Cow<'_, Tensor>)]) -> Result<String> {
    let metadata = BTreeMap::from([
        (FORMAT_KEY, FORMAT.to_owned()),
        (GRAPH_KEY, json(&GraphLayout::of(&model.graph))?),
        (DESCRIPTION_KEY, json(&model.description)?),
    ]);
    let mut text = format!("{{\"{}\":{}", header::METADATA, json(&metadata)?);
    let mut at = 0;
    for (name, tensor) in order {
        if **name == header::METADATA {
            return Err(Error::Model(format!(
                "A tensor named `{}` cannot be stored in a safetensors file. Rename it in the model.",
                header::METADATA
            )));
        }
        let end = at + tensor.len() * tensor.dtype().bytes();
        let entry = TensorEntry { dtype: dtype_name(tensor.dtype()), shape: tensor.shape(), data_offsets: [at, end] };
        text.push_str(&format!(",{}:{}", json(*name)?, json(&entry)?));
        at = end;
    }
    text.push('}');
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    if text.len() > header::MOST {
        return Err(Error::Limits(format!(
            "The header of the model file would have {} bytes, more than the {} that safetensors allows. The graph is too large.",
            text.len(),
            header::MOST
        )));
    }
    Ok(text)
}

/// Writes to a temporary file in the same folder and renames it.
pub(super) fn save(model: &Model, path: &Path, precision: Precision) -> Result<()> {
    let Some(name) = path.file_name() else {
        return Err(Error::Caller(format!("The path `{}` does not name a file. Give the file to write.", path.display())));
    };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(hidden);
    let written = write_file(model, precision, &temporary, path)
        .and_then(|()| fs::rename(&temporary, path).map_err(|e| Error::io("Writing", path, e)));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_file(model: &Model, precision: Precision, temporary: &PathBuf, path: &Path) -> Result<()> {
    let failed = |e: std::io::Error| Error::io("Writing", path, e);
    // A leftover of a killed process with the same id is overwritten; a link is not followed.
    let _ = fs::remove_file(temporary);
    let file = OpenOptions::new().write(true).create_new(true).open(temporary).map_err(failed)?;
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    write_to(model, precision, &mut writer, &failed)?;
    let file = writer.into_inner().map_err(|e| failed(e.into_error()))?;
    file.sync_all().map_err(failed)
}
