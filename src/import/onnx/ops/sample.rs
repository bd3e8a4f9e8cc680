//! GridSample: its modes are called otherwise since opset 20.

use crate::graph::{GridMode, GridPadding, GridSample, Op};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source};

pub(super) fn grid(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let operands = [source.required(0)?, source.required(1)?];
    let mode = match source.text("mode", "linear")? {
        "linear" | "bilinear" => GridMode::Linear,
        "nearest" => GridMode::Nearest,
        "cubic" | "bicubic" => GridMode::Cubic,
        other => return source.broken(&format!("has the mode {other}")),
    };
    let padding = match source.text("padding_mode", "zeros")? {
        "zeros" => GridPadding::Zeros,
        "border" => GridPadding::Border,
        "reflection" => GridPadding::Reflection,
        other => return source.broken(&format!("has the padding_mode {other}")),
    };
    let sample = GridSample { mode, padding, align_corners: source.flag("align_corners", false)? };
    importer.emit(source, Op::GridSample(sample), &operands).map(drop)
}
