//! ONNX files, operator sets 6 to 28.
//!
//! The structure of the file is walked, its messages are decoded, its names are checked, and each node is mapped to the graph by the file of
//! its operator family in `ops/`. The mapping is faithful; simplifying is left to the graph's passes. The one liberty: dimension 0 of
//! every input is the batch and free, also when the exporter froze it, and reshapes that repeat the frozen number are freed with it.

mod convert;
mod external;
mod facts;
mod functions;
mod names;
mod ops;
mod report;
mod scan;
mod sniff;
mod source;
mod tensor;
#[doc(hidden)]
pub mod wire;

use std::collections::HashSet;
use std::path::Path;

use prost::Message;
use prost::bytes::Bytes;

use self::convert::Importer;
use self::tensor::{Reader, type_name};
use self::wire::{GraphProto, ModelProto, ValueInfoProto};
use super::limits::{Budget, Limits};
use super::{canonical, validate};
use crate::error::{Error, Result};
use crate::graph::{Dim, Graph};
use crate::tensor::{DType, Tensor};

pub use ops::{supported_attributes, supported_operators};
pub use report::ImportReport;
pub(crate) use sniff::looks_like_safetensors;

/// The oldest operator set that is read: what exporters of 2017 wrote.
pub const OLDEST_OPSET: i64 = 6;
/// The newest operator set that is read.
pub const NEWEST_OPSET: i64 = 28;

/// Reads the graph of an ONNX file, and says what that changed.
///
/// `name` is what messages call the file; `folder` is where external data may lie (`None`: the model came as bytes, external data are
/// refused). The bytes are not copied but shared with the decoded messages; weights are copied once, into their tensors.
///
/// # Errors
/// [`Error::Model`] for a file that is something else, damaged or contradictory; [`Error::Limits`]; one [`Error::Unsupported`] that
/// lists every operator that cannot be imported, with the names of its nodes; [`Error::Io`] for external data.
pub fn import(bytes: Bytes, name: &str, folder: Option<&Path>, limits: &Limits) -> Result<(Graph, ImportReport)> {
    limits.check_file(name, bytes.len() as u64)?;
    if let Some(e) = sniff::foreign(name, &bytes) {
        return Err(e);
    }
    let mut budget = scan::scan(&bytes, name, limits)?;
    let mut model = ModelProto::decode(bytes.clone())
        .map_err(|e| sniff::Damage::Malformed { part: "the messages".into(), at: 0, reason: e.to_string() }.error(name, &bytes))?;
    drop(bytes);
    let opset = opset(&model, name)?;
    let nodes = |model: &ModelProto| model.graph.as_ref().map_or(0, |g| g.node.len());
    let mut report = ImportReport { opset, nodes_in_file: nodes(&model), ..ImportReport::default() };
    let opsets = functions::inline(&mut model, opset, name, &mut budget)?;
    report.inlined = nodes(&model).saturating_sub(report.nodes_in_file);
    let graph = convert(&model, (opset, &opsets), name, folder, budget, &mut report)?;
    Ok((graph, report))
}

/// Reads one tensor stored by itself (a `TensorProto`), as test data of ONNX are. External data are refused.
///
/// # Errors
/// [`Error::Model`] for bytes that are no tensor, [`Error::Limits`], [`Error::Unsupported`] for element types that are not read.
#[doc(hidden)]
pub fn tensor_from_bytes(bytes: &[u8], name: &str, limits: &Limits) -> Result<Tensor> {
    limits.check_file(name, bytes.len() as u64)?;
    let proto = wire::TensorProto::decode(bytes).map_err(|e| {
        Error::Model(format!("The file `{name}` does not hold an ONNX tensor ({e}). Check the path or write the file again."))
    })?;
    Reader { folder: None, budget: Budget::new(limits) }.tensor(&proto, name)
}

/// Whether a domain is the standard one.
fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn opset(model: &ModelProto, name: &str) -> Result<i64> {
    let mut versions = model.opset_import.iter().filter(|o| is_standard(&o.domain)).map(|o| o.version);
    let Some(version) = versions.next() else {
        if let Some(other) = model.opset_import.iter().find(|o| !is_standard(&o.domain)) {
            return Err(Error::Unsupported(format!(
                "The model `{name}` uses operators of the domain `{}` only, but those of the standard ONNX domain are supported. Export it with standard operators.",
                other.domain
            )));
        }
        return Err(Error::Model(format!(
            "The model `{name}` does not say which ONNX operator set it uses. The file is damaged or not an ONNX model; export it again."
        )));
    };
    if versions.any(|v| v != version) {
        return Err(Error::Model(format!("The model `{name}` names two versions of the ONNX operator set. Export it again.")));
    }
    match version {
        OLDEST_OPSET..=NEWEST_OPSET => Ok(version),
        v if v > NEWEST_OPSET => Err(Error::Unsupported(format!(
            "The model `{name}` uses the ONNX operator set {v}, but the newest that is supported is {NEWEST_OPSET}. Export it with an opset from {OLDEST_OPSET} to {NEWEST_OPSET}."
        ))),
        v => Err(Error::Unsupported(format!(
            "The model `{name}` uses the ONNX operator set {v}, but the oldest that is supported is {OLDEST_OPSET}. Bring it up to date with onnx.version_converter, or export it again with an opset from {OLDEST_OPSET} to {NEWEST_OPSET}."
        ))),
    }
}

/// `opset` is that of the model, and those of its nodes where they differ.
fn convert(
    model: &ModelProto,
    (opset, opsets): (i64, &[i64]),
    name: &str,
    folder: Option<&Path>,
    budget: Budget,
    report: &mut ImportReport,
) -> Result<Graph> {
    let Some(proto) = &model.graph else {
        return Err(Error::Model(format!(
            "The file `{name}` holds no graph. It is not an ONNX model, or its end is missing; fetch or export it again."
        )));
    };
    let limits = &budget.limits().clone();
    limits.check_nodes(name, proto.node.len())?;
    limits.check_initializers(name, proto.initializer.len())?;
    if !proto.sparse_initializer.is_empty() {
        return Err(Error::Unsupported(format!(
            "The model `{name}` has sparse weights, which are not supported. Export it with dense weights."
        )));
    }
    let taken = names::check(proto, name)?;
    let outputs: HashSet<&str> = proto.output.iter().map(|o| o.name.as_str()).collect();
    let read = proto.node.iter().flat_map(|n| &n.input).map(String::as_str).chain(outputs.iter().copied()).collect();
    let mut importer = Importer::new(Reader { folder, budget }, taken, read, outputs);
    inputs(&mut importer, proto, name, limits)?;
    for tensor in &proto.initializer {
        importer.initializer(tensor)?;
    }
    for (i, node) in proto.node.iter().enumerate() {
        importer.node(node, opsets.get(i).copied().unwrap_or(opset))?;
    }
    let outputs: Vec<_> = proto.output.iter().filter_map(|o| importer.find(&o.name)).collect();
    report.batch_freed = importer.frozen_batch;
    let mut graph = importer.finish(name)?;
    graph.outputs = outputs;
    report::fold(&mut graph, report, limits)?;
    let graph = canonical(&graph);
    validate(&graph, name, limits)?;
    Ok(graph)
}

/// Adds the inputs: what is listed as an input and is no initializer (files before IR version 4 list those too).
fn inputs(importer: &mut Importer<'_>, proto: &GraphProto, file: &str, limits: &Limits) -> Result<()> {
    let constants: HashSet<&str> = proto.initializer.iter().map(|t| t.name.as_str()).collect();
    for info in proto.input.iter().filter(|i| !constants.contains(i.name.as_str())) {
        let (dims, dtype, frozen) = dims(info, file, limits)?;
        importer.frozen_batch = importer.frozen_batch.or(frozen);
        importer.add_input(&info.name, dims, dtype);
    }
    Ok(())
}

/// The dimensions of an input with a free batch, its type, and the batch that the file says.
fn dims(info: &ValueInfoProto, file: &str, limits: &Limits) -> Result<(Vec<Dim>, DType, Option<i64>)> {
    let name = &info.name;
    let Some(proto) = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()) else {
        return Err(Error::Unsupported(format!(
            "The input `{name}` of the model `{file}` is not a tensor. Export a model that takes a batch of pictures."
        )));
    };
    let Some(dtype) = tensor::dtype_of(proto.elem_type) else {
        return Err(Error::Unsupported(format!(
            "The input `{name}` of the model `{file}` takes elements of type {}, but only floats, whole numbers of 8 to 64 bits and truth values are supported. Export the model with float inputs.",
            type_name(proto.elem_type)
        )));
    };
    let Some(shape) = &proto.shape else {
        return Err(Error::Model(format!(
            "The input `{name}` of the model `{file}` has no shape. Export the model again with the shapes of its inputs (free dimensions may be named)."
        )));
    };
    limits.check_rank(name, shape.dim.len())?;
    let mut dims = Vec::with_capacity(shape.dim.len());
    for (i, d) in shape.dim.iter().enumerate() {
        let named = d.dim_param.as_deref().filter(|p| !p.is_empty());
        let size = d.dim_value.filter(|&v| v > 0).and_then(|v| usize::try_from(v).ok());
        dims.push(match (i, size, named) {
            (1.., Some(n), _) => Dim::Fixed(n),
            (_, _, Some(free)) => Dim::Free(free.to_owned()),
            _ => Dim::Free(free_name(i, shape.dim.len())),
        });
    }
    let frozen = shape.dim.first().and_then(|d| d.dim_value).filter(|&v| v > 0);
    // Half floats are f32 on their way through.
    Ok((dims, if dtype == DType::F16 { DType::F32 } else { dtype }, frozen))
}

/// What a free dimension without a name is called.
fn free_name(axis: usize, rank: usize) -> String {
    match (axis, rank) {
        (0, _) => "batch".into(),
        (2, 4) => "height".into(),
        (3, 4) => "width".into(),
        _ => format!("dim{axis}"),
    }
}
