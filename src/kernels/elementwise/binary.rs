//! Host side of shaders/elementwise/binary.wgsl.

use super::broadcast::Grid;
pub(crate) use super::broadcast::{Axis, Params};
use super::wrap;
use crate::error::Result;
use crate::graph::Binary;
use crate::recording::{Recorder, Source};
use crate::shader::{self, Shader};
use crate::tensor::DType;

/// What the shader computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    /// A function of the graph on operands of these types.
    Binary(Binary, [DType; 2]),
    /// `a >= 0 ? a : b * a` of floats.
    Slope,
}

/// The forms on vec4s and on single numbers.
type Forms = [&'static Shader; 2];

const ARITHMETIC: Forms = [&shader::ELEMENTWISE_BINARY_ARITHMETIC, &shader::ELEMENTWISE_BINARY_ARITHMETIC_STRIDED];
const FUNCTION: Forms = [&shader::ELEMENTWISE_BINARY_FUNCTION, &shader::ELEMENTWISE_BINARY_FUNCTION_STRIDED];
const INTEGER: Forms = [&shader::ELEMENTWISE_BINARY_WHOLE, &shader::ELEMENTWISE_BINARY_WHOLE_STRIDED];

/// The family of the shader and its `kind`.
fn code(function: Function) -> (Forms, u32) {
    match function {
        Function::Slope => (ARITHMETIC, 6),
        Function::Binary(b, [x, y]) if x.is_float() || y.is_float() => floats(b),
        Function::Binary(b, _) => (INTEGER, whole(b)),
    }
}

fn floats(b: Binary) -> (Forms, u32) {
    match b {
        Binary::Add => (ARITHMETIC, 0),
        Binary::Sub => (ARITHMETIC, 1),
        Binary::Mul => (ARITHMETIC, 2),
        Binary::Div => (ARITHMETIC, 3),
        Binary::Max => (ARITHMETIC, 4),
        Binary::Min => (ARITHMETIC, 5),
        Binary::Equal => (FUNCTION, 0),
        Binary::Greater => (FUNCTION, 1),
        Binary::GreaterOrEqual => (FUNCTION, 2),
        Binary::Less => (FUNCTION, 3),
        Binary::LessOrEqual => (FUNCTION, 4),
        Binary::Pow => (FUNCTION, 5),
        Binary::Fmod => (FUNCTION, 6),
        Binary::Mod => (FUNCTION, 7),
        // Of truth values only.
        Binary::And | Binary::Or | Binary::Xor => (INTEGER, whole(b)),
    }
}

fn whole(b: Binary) -> u32 {
    match b {
        Binary::Equal => 0,
        Binary::Greater => 1,
        Binary::GreaterOrEqual => 2,
        Binary::Less => 3,
        Binary::LessOrEqual => 4,
        Binary::And => 5,
        Binary::Or => 6,
        Binary::Xor => 7,
        Binary::Add => 8,
        Binary::Sub => 9,
        Binary::Mul => 10,
        Binary::Div => 11,
        Binary::Max => 12,
        Binary::Min => 13,
        Binary::Pow => 14,
        Binary::Mod => 15,
        Binary::Fmod => 16,
    }
}

/// Which operands of a float function are whole numbers, whether its result is, and whether whole numbers are 32 bits without a sign.
fn flags(function: Function) -> u32 {
    let Function::Binary(_, [x, y]) = function else { return 0 };
    let bit = |on: bool, place: u32| u32::from(on) << place;
    bit(!x.is_float(), 0) | bit(!y.is_float(), 1) | bit(!x.is_float(), 2) | bit(x == DType::U32, 3)
}

/// Records `function(a, b)`.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, function: Function, grid: &Grid, [a, b]: [Source; 2]) -> Result<Source> {
    let y = rec.tensor(grid.bytes);
    let (forms, kind) = code(function);
    let result = if let Function::Binary(_, [x, _]) = function { wrap(x) } else { 0 };
    let params = Params { kind, flags: flags(function), wrap: result, ..grid.params };
    let groups = rec.fold(grid.places().div_ceil(64));
    let per_place = if grid.strided { 1 } else { 4 };
    rec.dispatch(forms[usize::from(grid.strided)], label, groups, &params, &[a, b, y], grid.places() as u64 * per_place)?;
    Ok(y)
}
