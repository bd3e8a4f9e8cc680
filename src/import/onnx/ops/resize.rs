//! Resize (opset 10 and later) and its predecessor Upsample.

use crate::graph::{AspectRatio, Coordinates, NearestRounding, Op, Resize, ResizeMode, ResizeTarget, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::facts::Flow;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::Tensor;

pub(super) const ATTRIBUTES: &[&str] = &[
    "antialias",
    "axes",
    "coordinate_transformation_mode",
    "cubic_coeff_a",
    "exclude_outside",
    "extrapolation_value",
    "keep_aspect_ratio_policy",
    "mode",
    "nearest_mode",
];

/// How far an axis may lie from 0; the exact check needs shapes and comes later.
const MOST_AXES: u64 = 64;

fn mode(importer: &Importer<'_>, source: &Source<'_>, x: ValueId) -> Done<ResizeMode> {
    let mode = match source.text("mode", "nearest")? {
        "nearest" => return Ok(ResizeMode::Nearest),
        "linear" | "bilinear" => ResizeMode::Linear,
        "cubic" if source.opset >= 11 => ResizeMode::Cubic { a: source.float("cubic_coeff_a", -0.75)? },
        other => return source.broken(&format!("has the mode {other}")),
    };
    let fact = importer.fact(x);
    if !fact.dtype.is_float() && !fact.poisoned {
        return unsupported(format!(
            "it interpolates elements of {}; floats can be interpolated, and any type resized to the nearest",
            fact.dtype
        ));
    }
    Ok(mode)
}

/// The meaning that Upsample and Resize of opset 10 have.
fn asymmetric(mode: ResizeMode) -> Resize {
    Resize::new(mode, Coordinates::Asymmetric, NearestRounding::DownOrUp, ResizeTarget::Scales)
}

/// Upsample: scales are an attribute before opset 9 (before 7, two of them), an operand since.
pub(super) fn upsample(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let mode = mode(importer, source, x)?;
    let scales = if source.opset < 9 {
        source.at_most(1)?;
        let scales = match source.floats("scales")? {
            Some(scales) => scales.to_vec(),
            None if source.has("height_scale") && source.has("width_scale") => {
                vec![1.0, 1.0, source.float("height_scale", 1.0)?, source.float("width_scale", 1.0)?]
            }
            None => return source.broken("has no scales"),
        };
        importer.new_constant(source, "scales", Tensor::vector(scales))?
    } else {
        source.at_most(2)?;
        source.required(1)?
    };
    check_scales(importer, source, scales)?;
    importer.emit(source, Op::Resize(asymmetric(mode)), &[x, scales]).map(drop)
}

pub(super) fn resize(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let mode = mode(importer, source, x)?;
    if source.opset < 11 {
        source.at_most(2)?;
        let scales = source.required(1)?;
        check_scales(importer, source, scales)?;
        return importer.emit(source, Op::Resize(asymmetric(mode)), &[x, scales]).map(drop);
    }
    source.at_most(4)?;
    // An empty tensor stands for an absent operand.
    let present = |index| source.input(index).filter(|&id| importer.constant(id).is_none_or(|t| !t.is_empty()));
    let (target, operand) = match (present(2), present(3)) {
        (Some(scales), None) => (ResizeTarget::Scales, scales),
        (None, Some(sizes)) => (ResizeTarget::Sizes, sizes),
        _ => return source.broken("needs either scales or sizes"),
    };
    let region = present(1);
    let mut resize = Resize {
        axes: axes(source)?,
        antialias: source.flag("antialias", false)?,
        exclude_outside: source.flag("exclude_outside", false)?,
        aspect: aspect(source)?,
        extrapolation: source.float("extrapolation_value", 0.0)?,
        ..Resize::new(mode, coordinates(source)?, rounding(source)?, target)
    };
    if target == ResizeTarget::Scales {
        check_scales(importer, source, operand)?;
    }
    let mut operands = vec![x, operand];
    if resize.coordinates == Coordinates::TfCropAndResize {
        let Some(region) = region else { return source.broken("crops, but has no region of interest") };
        operands.push(region);
    } else if target == ResizeTarget::Sizes {
        operands[1] = free_batch(importer, source, &mut resize, x, operand)?;
    }
    importer.emit(source, Op::Resize(resize), &operands).map(drop)
}

/// Constant sizes of all axes repeat the batch that the exporter froze: then it is left out of them.
fn free_batch(importer: &mut Importer<'_>, source: &Source<'_>, resize: &mut Resize, x: ValueId, sizes: ValueId) -> Done<ValueId> {
    if !resize.axes.is_empty() || resize.aspect != AspectRatio::Stretch || importer.constant(sizes).is_none() {
        return Ok(sizes);
    }
    let given = importer.constant_ints(sizes, "sizes")?;
    match given.split_first() {
        Some((&first, rest)) if Some(first) == importer.frozen_batch && importer.fact(x).flow == Flow::BatchFirst && !rest.is_empty() => {
            resize.axes = (1..given.len() as i64).collect();
            importer.indices(source, "sizes", rest)
        }
        _ => Ok(sizes),
    }
}

fn axes(source: &Source<'_>) -> Done<Vec<i64>> {
    let axes = source.ints("axes")?.unwrap_or_default();
    match axes.iter().find(|a| a.abs_diff(0) > MOST_AXES) {
        Some(a) => source.broken(&format!("has the axis {a}")),
        None => Ok(axes.to_vec()),
    }
}

fn coordinates(source: &Source<'_>) -> Done<Coordinates> {
    match source.text("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => Ok(Coordinates::HalfPixel),
        "half_pixel_symmetric" => Ok(Coordinates::HalfPixelSymmetric),
        "pytorch_half_pixel" => Ok(Coordinates::PytorchHalfPixel),
        "align_corners" => Ok(Coordinates::AlignCorners),
        "asymmetric" => Ok(Coordinates::Asymmetric),
        "tf_half_pixel_for_nn" => Ok(Coordinates::TfHalfPixelForNn),
        "tf_crop_and_resize" => Ok(Coordinates::TfCropAndResize),
        other => source.broken(&format!("has the coordinate_transformation_mode {other}")),
    }
}

fn rounding(source: &Source<'_>) -> Done<NearestRounding> {
    match source.text("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => Ok(NearestRounding::RoundPreferFloor),
        "round_prefer_ceil" => Ok(NearestRounding::RoundPreferCeil),
        "floor" => Ok(NearestRounding::Floor),
        "ceil" => Ok(NearestRounding::Ceil),
        other => source.broken(&format!("has the nearest_mode {other}")),
    }
}

fn aspect(source: &Source<'_>) -> Done<AspectRatio> {
    match source.text("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => Ok(AspectRatio::Stretch),
        "not_larger" => Ok(AspectRatio::NotLarger),
        "not_smaller" => Ok(AspectRatio::NotSmaller),
        other => source.broken(&format!("has the keep_aspect_ratio_policy {other}")),
    }
}

/// Constant scales are checked here; computed ones are left to shape inference.
fn check_scales(importer: &Importer<'_>, source: &Source<'_>, id: ValueId) -> Done {
    let Some(scales) = importer.constant(id) else { return Ok(()) };
    let scales = scales.to_f32();
    if scales.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return source.broken(&format!("has the scales {scales:?}"));
    }
    Ok(())
}
