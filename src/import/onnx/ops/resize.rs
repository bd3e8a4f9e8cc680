//! Resize (opset 10 and later) and its predecessor Upsample.

use crate::graph::{Coordinates, NearestRounding, Op, Resize, ResizeMode, ResizeTarget, ValueId};
use crate::import::onnx::convert::Importer;
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

fn mode(source: &Source<'_>) -> Done<ResizeMode> {
    match source.text("mode", "nearest")? {
        "nearest" => Ok(ResizeMode::Nearest),
        "linear" | "bilinear" => Ok(ResizeMode::Linear),
        other => unsupported(format!("its mode is {other}; nearest and linear are supported")),
    }
}

/// The meaning that Upsample and Resize of opset 10 have. Nearest takes the cell before when it enlarges and the cell after when it
/// shrinks, as the operator's test cases do.
fn asymmetric(importer: &Importer<'_>, mode: ResizeMode, scales: ValueId) -> Done<Resize> {
    let scales = importer.constant(scales).map(|t| t.to_f32().into_owned()).unwrap_or_default();
    let nearest = match (scales.iter().any(|&s| s < 1.0), scales.iter().any(|&s| s > 1.0)) {
        (true, true) if mode == ResizeMode::Nearest => return unsupported("it enlarges one of height and width and shrinks the other"),
        (true, false) => NearestRounding::Ceil,
        _ => NearestRounding::Floor,
    };
    Ok(Resize::new(mode, Coordinates::Asymmetric, nearest, ResizeTarget::Scales))
}

/// Upsample: scales are an attribute in opset 7, an operand since 9.
pub(super) fn upsample(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let mode = mode(source)?;
    let scales = if source.opset < 9 {
        source.at_most(1)?;
        let Some(scales) = source.floats("scales")? else { return source.broken("has no scales") };
        importer.new_constant(source, "scales", Tensor::vector(scales.to_vec()))?
    } else {
        source.at_most(2)?;
        source.required(1)?
    };
    let scales = full_scales(importer, source, scales, None)?;
    let resize = asymmetric(importer, mode, scales)?;
    importer.emit(source, Op::Resize(resize), &[x, scales]).map(drop)
}

pub(super) fn resize(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let x = source.required(0)?;
    let mode = mode(source)?;
    if source.opset < 11 {
        source.at_most(2)?;
        let scales = full_scales(importer, source, source.required(1)?, None)?;
        let resize = asymmetric(importer, mode, scales)?;
        return importer.emit(source, Op::Resize(resize), &[x, scales]).map(drop);
    }
    source.at_most(4)?;
    let coordinates = coordinates(source)?;
    let nearest = rounding(source)?;
    refuse_variants(source)?;
    let axes = source.ints("axes")?;
    // An empty tensor stands for an absent operand. The second operand (the region) only matters to tf_crop_and_resize.
    let present = |index| source.input(index).filter(|&id| importer.constant(id).is_none_or(|t| !t.is_empty()));
    let (target, operand) = match (present(2), present(3)) {
        (Some(scales), None) => (ResizeTarget::Scales, full_scales(importer, source, scales, axes)?),
        (None, Some(sizes)) => (ResizeTarget::Sizes, full_sizes(importer, source, x, sizes, axes)?),
        _ => return source.broken("needs either scales or sizes"),
    };
    importer.emit(source, Op::Resize(Resize::new(mode, coordinates, nearest, target)), &[x, operand]).map(drop)
}

fn coordinates(source: &Source<'_>) -> Done<Coordinates> {
    match source.text("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => Ok(Coordinates::HalfPixel),
        "pytorch_half_pixel" => Ok(Coordinates::PytorchHalfPixel),
        "align_corners" => Ok(Coordinates::AlignCorners),
        "asymmetric" => Ok(Coordinates::Asymmetric),
        other => unsupported(format!(
            "its coordinate_transformation_mode is {other}; half_pixel, pytorch_half_pixel, align_corners and asymmetric are supported"
        )),
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

fn refuse_variants(source: &Source<'_>) -> Done {
    for name in ["antialias", "exclude_outside"] {
        if source.flag(name, false)? {
            return unsupported(format!("it uses {name}"));
        }
    }
    match source.text("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => Ok(()),
        other => unsupported(format!("its keep_aspect_ratio_policy is {other}; stretch is supported")),
    }
}

/// Where in N, C, H, W each entry of scales or sizes belongs.
fn places(source: &Source<'_>, axes: &[i64]) -> Done<Vec<usize>> {
    axes.iter()
        .map(|&a| match usize::try_from(if a < 0 { a.saturating_add(4) } else { a }) {
            Ok(p) if p < 4 => Ok(p),
            _ => source.broken(&format!("has the axis {a}")),
        })
        .collect()
}

/// Scales for all four dimensions. Constant ones are checked; computed ones are left to shape inference.
fn full_scales(importer: &mut Importer<'_>, source: &Source<'_>, id: ValueId, axes: Option<&[i64]>) -> Done<ValueId> {
    let Some(tensor) = importer.constant(id) else {
        return if axes.is_none() { Ok(id) } else { unsupported("its scales are computed inside the model and given for some axes only") };
    };
    let given = tensor.to_f32();
    let places = axes.map_or(Ok((0..4).collect()), |a| places(source, a))?;
    if given.len() != places.len() {
        return unsupported(format!("it has {} scales for {} dimensions; pictures have 4", given.len(), places.len()));
    }
    let mut scales = [1.0f32; 4];
    for (&place, &scale) in places.iter().zip(given.iter()) {
        scales[place] = scale;
    }
    if scales.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return source.broken(&format!("has the scales {scales:?}"));
    }
    if scales[0] != 1.0 || scales[1] != 1.0 {
        return unsupported("it resizes the batch or the channels");
    }
    if axes.is_none() { Ok(id) } else { importer.new_constant(source, "scales", Tensor::vector(scales.to_vec())) }
}

/// Sizes for all four dimensions. Constant ones repeat the batch that the exporter froze, so only H and W are taken from them.
fn full_sizes(importer: &mut Importer<'_>, source: &Source<'_>, x: ValueId, id: ValueId, axes: Option<&[i64]>) -> Done<ValueId> {
    let places = axes.map_or(Ok((0..4).collect()), |a| places(source, a))?;
    let spatial = if importer.constant(id).is_some() {
        let sizes = importer.constant_ints(id, "sizes")?;
        if sizes.len() != places.len() {
            return unsupported(format!("it has {} sizes for {} dimensions; pictures have 4", sizes.len(), places.len()));
        }
        let at = |place: usize| places.iter().position(|&p| p == place).and_then(|i| sizes.get(i)).copied();
        let (Some(h), Some(w)) = (at(2), at(3)) else { return unsupported("it resizes only one of height and width") };
        if h <= 0 || w <= 0 {
            return source.broken(&format!("has the sizes {sizes:?}"));
        }
        importer.indices(source, "sizes", &[h, w])?
    } else if axes.is_none() {
        return Ok(id);
    } else if *places == [2, 3] {
        id
    } else {
        return unsupported("its sizes are computed inside the model and given for other axes than height and width");
    };
    let leading = importer.step(source, "leading", Op::Shape { start: 0, end: Some(2) }, &[x])?;
    importer.step(source, "shape", Op::Concat { axis: 0 }, &[leading, spatial])
}
