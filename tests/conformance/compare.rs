//! The rule of the official runner: `|got - want| <= atol + rtol * |want|`, NaN equals NaN, infinities are equal.
//! Whole numbers and truth values have to be equal, which is stricter.

use lookalike::tensor::Tensor;

use crate::case::Case;

/// Two units in the last place of a bfloat16.
const BFLOAT16_RTOL: f64 = 1.0 / 64.0;

/// Why an output is not what the test expects, or nothing.
pub(crate) fn difference(case: &Case, element: &str, got: &Tensor, want: &Tensor) -> Option<String> {
    if got.shape() != want.shape() {
        return Some(format!("has the shape {} instead of {}", got.shape(), want.shape()));
    }
    let (comes, due) = (element_type(got), due_type(element));
    if comes != due {
        return Some(format!("has elements of type {comes} instead of {due}"));
    }
    if let (Some(got), Some(want)) = (got.as_i64(), want.as_i64()) {
        let at = got.iter().zip(want).position(|(g, w)| g != w)?;
        return Some(format!("is {} instead of {} at element {at}", got[at], want[at]));
    }
    let rtol = if element == "bfloat16" { case.rtol.max(BFLOAT16_RTOL) } else { case.rtol };
    let (got, want) = (got.to_f64(), want.to_f64());
    let wrong = |(&g, &w): (&f64, &f64)| !(g == w || g.is_nan() && w.is_nan() || (g - w).abs() <= case.atol + rtol * w.abs());
    let count = got.iter().zip(&want).filter(|&p| wrong(p)).count();
    let at = got.iter().zip(&want).position(wrong)?;
    Some(format!("is {:e} instead of {:e} at element {at} ({count} of {} elements differ)", got[at], want[at], want.len()))
}

/// The element type of a host tensor as it is written in model files.
fn element_type(tensor: &Tensor) -> String {
    serde_json::to_value(tensor.dtype()).unwrap().as_str().unwrap().to_owned()
}

/// The type in which elements that the model declares as `element` are given back: all floats as f32.
fn due_type(element: &str) -> &str {
    match element {
        "float" | "float16" | "bfloat16" | "double" => "f32",
        "int64" => "i64",
        "int32" => "i32",
        "int16" => "i16",
        "int8" => "i8",
        "uint64" => "u64",
        "uint32" => "u32",
        "uint16" => "u16",
        "uint8" => "u8",
        other => other,
    }
}
