//! Windows of convolution and pooling: one or two spatial axes. One axis is W; H is 1.

use crate::graph::{AutoPad, Op, ValueId, Window};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};

/// A window, and whether the file has one spatial axis.
pub(super) struct Geometry {
    pub(super) window: Window,
    pub(super) one_axis: bool,
}

/// A window over any number of spatial axes, as the file has it.
pub(super) struct Axes {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    dilation: Vec<usize>,
    /// All begins, then all ends.
    pads: Vec<usize>,
    auto: AutoPad,
}

impl Axes {
    /// Number of spatial axes.
    pub(super) fn count(&self) -> usize {
        self.kernel.len()
    }

    /// The window over two of the axes; `None` stands for an axis that the window leaves alone.
    pub(super) fn window(&self, axes: [Option<usize>; 2]) -> Window {
        let of = |values: &[usize], default: usize| axes.map(|a| a.and_then(|a| values.get(a).copied()).unwrap_or(default));
        let [top, left] = of(&self.pads, 0);
        let [bottom, right] = of(self.pads.get(self.count()..).unwrap_or_default(), 0);
        Window {
            kernel: of(&self.kernel, 1),
            stride: of(&self.stride, 1),
            dilation: of(&self.dilation, 1),
            pads: [top, left, bottom, right],
            auto: self.auto,
        }
    }
}

/// The window of `source` over as many axes as it has. `kernel` is the kernel that the weights have, for a convolution.
pub(super) fn axes(source: &Source<'_>, kernel: Option<&[usize]>) -> Done<Axes> {
    let declared = source.ints("kernel_shape")?.map(|k| sizes(source, "kernel_shape", k, 1)).transpose()?;
    let kernel = match (kernel, declared) {
        (Some(w), Some(k)) if *w != *k => return source.broken(&format!("has the kernel_shape {k:?}, but its weight has {w:?}")),
        (Some(w), _) => sizes(source, "kernel_shape", &w.iter().map(|&k| k as i64).collect::<Vec<_>>(), 1)?,
        (None, Some(k)) => k,
        (None, None) => return source.broken("has no kernel_shape"),
    };
    let count = kernel.len();
    if count == 0 {
        return source.broken("has a kernel without axes");
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
    let auto = match source.text("auto_pad", "NOTSET")? {
        "NOTSET" | "" => AutoPad::Explicit,
        "SAME_UPPER" => AutoPad::SameUpper,
        "SAME_LOWER" => AutoPad::SameLower,
        "VALID" => AutoPad::Valid,
        other => return source.broken(&format!("has auto_pad = {other}")),
    };
    let pads = list("pads", 0, 2 * count, 0)?;
    if auto != AutoPad::Explicit && pads.iter().any(|&p| p > 0) {
        return source.broken("has both pads and auto_pad");
    }
    Ok(Axes { stride: list("strides", 1, count, 1)?, dilation: list("dilations", 1, count, 1)?, kernel, pads, auto })
}

/// The window of `source` over one or two axes. `kernel` as for [`axes`].
pub(super) fn geometry(source: &Source<'_>, kernel: Option<&[usize]>) -> Done<Geometry> {
    let axes = axes(source, kernel)?;
    match axes.count() {
        1 => Ok(Geometry { window: axes.window([None, Some(0)]), one_axis: true }),
        2 => Ok(Geometry { window: axes.window([Some(0), Some(1)]), one_axis: false }),
        n => unsupported(format!("it has {n} spatial axes; one and two are supported")),
    }
}

fn sizes(source: &Source<'_>, name: &str, values: &[i64], least: i64) -> Done<Vec<usize>> {
    values.iter().map(|&v| source.checked_size(name, v, least)).collect()
}

/// Emits `op` on x (the first of `operands`), between an Unsqueeze and a Squeeze when the file has one spatial axis.
pub(super) fn emit(importer: &mut Importer<'_>, source: &Source<'_>, op: Op, operands: &[ValueId], one_axis: bool) -> Done {
    emit_at(importer, source, 0, op, operands, one_axis)
}

/// As [`emit`], for the output `index` of `source`.
pub(super) fn emit_at(
    importer: &mut Importer<'_>,
    source: &Source<'_>,
    index: usize,
    op: Op,
    operands: &[ValueId],
    one_axis: bool,
) -> Done {
    let Some((&x, rest)) = operands.split_first() else { return source.broken("has no operand") };
    let rank = importer.fact(x).rank;
    let wanted = if one_axis { 3 } else { 4 };
    if rank.is_some_and(|r| r != wanted) {
        return source.broken(&format!("takes {wanted} dimensions, but its operand has {}", rank.unwrap_or_default()));
    }
    if !one_axis {
        return importer.emit_at(source, index, op, operands).map(drop);
    }
    let axes = importer.indices(source, "axes", &[2])?;
    let flat = importer.step(source, "unsqueezed", Op::Unsqueeze, &[x, axes])?;
    let mut inner = vec![flat];
    inner.extend_from_slice(rest);
    let y = importer.step(source, "row", op, &inner)?;
    importer.emit_at(source, index, Op::Squeeze, &[y, axes]).map(drop)
}
