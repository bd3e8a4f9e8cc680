//! Conv and ConvTranspose. Weights are constants or inputs of the graph; computed ones are refused when the network is planned.

use super::window::{self, Geometry};
use crate::graph::{Conv, ConvTranspose, Dim, Epilogue, Op, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::Tensor;

pub(super) fn conv(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let (geometry, operands) = layer(importer, source, |dims, _| dims[0])?;
    let groups = source.size("group", 1)?;
    let bias = operands.len() > 2;
    let op = Op::Conv(Conv { window: geometry.window, groups, bias, pre_affine: false, epilogue: Epilogue::default() });
    window::emit(importer, source, op, &operands, geometry.one_axis)
}

pub(super) fn transpose(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let groups = source.size("group", 1)?;
    let (geometry, operands) = layer(importer, source, |dims, groups| dims[1].saturating_mul(groups))?;
    let Geometry { window, one_axis } = geometry;
    let output_padding = pair(source, "output_padding", one_axis, 0)?.unwrap_or_default();
    let output_shape = pair(source, "output_shape", one_axis, 1)?;
    let op = Op::ConvTranspose(ConvTranspose { window, groups, bias: operands.len() > 2, output_padding, output_shape });
    window::emit(importer, source, op, &operands, one_axis)
}

/// The window of a layer, and its operands x, weight `[_, _, kh, kw]` and bias. `outputs` counts the output channels of a weight of these
/// dimensions in this many groups.
fn layer(importer: &mut Importer<'_>, source: &Source<'_>, outputs: fn(&[usize], usize) -> usize) -> Done<(Geometry, Vec<ValueId>)> {
    let (x, w) = (source.required(0)?, source.required(1)?);
    let rank = importer.fact(w).rank.or(importer.fact(x).rank);
    match rank {
        Some(5) => return unsupported("it has three spatial dimensions; one and two are supported"),
        Some(6..) => return unsupported("it has more than three spatial dimensions; one and two are supported"),
        Some(rank @ 0..3) => return source.broken(&format!("has a weight of {rank} dimensions")),
        _ => {}
    }
    let dims = known_dims(importer, w);
    let kernel: Option<Vec<usize>> = dims.as_ref().and_then(|d| d[2..].iter().copied().collect());
    if kernel.is_none() && !source.has("kernel_shape") {
        return unsupported("its kernel has no size before the model runs (there is no kernel_shape, and its weight is no constant)");
    }
    let geometry = window::geometry(source, kernel.as_deref())?;
    let mut operands = vec![x, if geometry.one_axis { with_rows(importer, source, w, geometry.window.kernel)? } else { w }];
    let Some(bias) = source.input(2) else { return Ok((geometry, operands)) };
    operands.push(bias);
    let dims: Option<Vec<usize>> = dims.and_then(|d| d.into_iter().collect());
    if let (Some(bias), Some(dims)) = (importer.constant(bias), dims) {
        let wanted = outputs(&dims, source.size("group", 1)?);
        if bias.shape().dims() != [wanted] {
            return source.broken(&format!("has a bias of the shape {} for {wanted} output channels", bias.shape()));
        }
    }
    Ok((geometry, operands))
}

/// The dimensions of a weight of at least two dimensions, as far as they are known before the model runs.
fn known_dims(importer: &Importer<'_>, id: ValueId) -> Option<Vec<Option<usize>>> {
    if let Some(t) = importer.constant(id) {
        return Some(t.shape().iter().map(|&n| Some(n)).collect());
    }
    let input = importer.graph.inputs.iter().find(|i| i.value == id)?;
    Some(input.dims.iter().map(|d| if let Dim::Fixed(n) = d { Some(*n) } else { None }).collect())
}

/// A weight for one spatial axis as one for a single row.
fn with_rows(importer: &mut Importer<'_>, source: &Source<'_>, w: ValueId, [kh, kw]: [usize; 2]) -> Done<ValueId> {
    let Some(weight) = importer.constant(w) else {
        let axes = importer.indices(source, "weight_axes", &[2])?;
        return importer.step(source, "weight", Op::Unsqueeze, &[w, axes]);
    };
    let (first, second) = (weight.shape()[0], weight.shape()[1]);
    match Tensor::clone(&weight).reshaped([first, second, kh, kw]) {
        Some(t) => importer.new_constant(source, "weight", t),
        None => source.broken("has a weight that does not fit its kernel"),
    }
}

/// An attribute with an entry for each spatial axis, as height and width.
fn pair(source: &Source<'_>, name: &str, one_axis: bool, least: i64) -> Done<Option<[usize; 2]>> {
    let Some(values) = source.ints(name)? else { return Ok(None) };
    match (one_axis, values) {
        (true, &[w]) => Ok(Some([least as usize, source.checked_size(name, w, least)?])),
        (false, &[h, w]) => Ok(Some([source.checked_size(name, h, least)?, source.checked_size(name, w, least)?])),
        _ => source.broken(&format!("has {} entries in `{name}`", values.len())),
    }
}
