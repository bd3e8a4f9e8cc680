//! Windows of convolution and pooling: one or two spatial axes. One axis is W; H is 1.

use crate::graph::{AutoPad, Op, ValueId, Window};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};

/// A window, and whether the file has one spatial axis.
pub(super) struct Geometry {
    pub(super) window: Window,
    pub(super) one_axis: bool,
}

/// The window of `source`. `kernel` is the kernel that the weights have, for a convolution.
pub(super) fn geometry(source: &Source<'_>, kernel: Option<&[usize]>) -> Done<Geometry> {
    let declared = source.ints("kernel_shape")?.map(|k| sizes(source, "kernel_shape", k, 1)).transpose()?;
    let kernel = match (kernel, declared) {
        (Some(w), Some(k)) if *w != *k => return source.broken(&format!("has the kernel_shape {k:?}, but its weight has {w:?}")),
        (Some(w), _) => sizes(source, "kernel_shape", &w.iter().map(|&k| k as i64).collect::<Vec<_>>(), 1)?,
        (None, Some(k)) => k,
        (None, None) => return source.broken("has no kernel_shape"),
    };
    let axes = kernel.len();
    if axes > 2 {
        return unsupported(format!("it has {axes} spatial axes; one and two are supported"));
    }
    let list = |name: &str, least: i64, count: usize, default: usize| -> Done<Vec<usize>> {
        match source.ints(name)? {
            None => Ok(vec![default; count]),
            Some(v) if v.len() == count => sizes(source, name, v, least),
            Some(v) => source.broken(&format!("has {} entries in `{name}` instead of {count}", v.len())),
        }
    };
    if source.ints("pads")?.is_some_and(|p| p.iter().any(|&v| v < 0)) {
        return unsupported("its pads are negative");
    }
    let (stride, dilation, pads) = (list("strides", 1, axes, 1)?, list("dilations", 1, axes, 1)?, list("pads", 0, 2 * axes, 0)?);
    let auto = match source.text("auto_pad", "NOTSET")? {
        "NOTSET" | "" => AutoPad::Explicit,
        "SAME_UPPER" => AutoPad::SameUpper,
        "SAME_LOWER" => AutoPad::SameLower,
        "VALID" => AutoPad::Valid,
        other => return source.broken(&format!("has auto_pad = {other}")),
    };
    if auto != AutoPad::Explicit && pads.iter().any(|&p| p > 0) {
        return source.broken("has both pads and auto_pad");
    }
    let window = match (kernel.as_slice(), stride.as_slice(), dilation.as_slice(), pads.as_slice()) {
        (&[k], &[s], &[d], &[before, after]) => {
            Window { kernel: [1, k], stride: [1, s], dilation: [1, d], pads: [0, before, 0, after], auto }
        }
        (&[kh, kw], &[sh, sw], &[dh, dw], &[t, l, b, r]) => {
            Window { kernel: [kh, kw], stride: [sh, sw], dilation: [dh, dw], pads: [t, l, b, r], auto }
        }
        _ => return source.broken("has a kernel without axes"),
    };
    Ok(Geometry { window, one_axis: axes == 1 })
}

fn sizes(source: &Source<'_>, name: &str, values: &[i64], least: i64) -> Done<Vec<usize>> {
    values.iter().map(|&v| source.checked_size(name, v, least)).collect()
}

/// Emits `op` on x (the first of `operands`), between an Unsqueeze and a Squeeze when the file has one spatial axis.
pub(super) fn emit(importer: &mut Importer<'_>, source: &Source<'_>, op: Op, operands: &[ValueId], one_axis: bool) -> Done {
    let Some((&x, rest)) = operands.split_first() else { return source.broken("has no operand") };
    let rank = importer.fact(x).rank;
    let wanted = if one_axis { 3 } else { 4 };
    if rank.is_some_and(|r| r != wanted) {
        return source.broken(&format!("takes {wanted} dimensions, but its operand has {}", rank.unwrap_or_default()));
    }
    if !one_axis {
        return importer.emit(source, op, operands).map(drop);
    }
    let axes = importer.indices(source, "axes", &[2])?;
    let flat = importer.step(source, "unsqueezed", Op::Unsqueeze, &[x, axes])?;
    let mut inner = vec![flat];
    inner.extend_from_slice(rest);
    let y = importer.step(source, "row", op, &inner)?;
    importer.emit(source, Op::Squeeze, &[y, axes]).map(drop)
}
