//! Host side of shaders/train/transpose.wgsl.

use crate::recording::{Caps, Launch};
use crate::shader;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
}

/// Transposes `rows` x `columns` numbers.
pub(crate) fn launch(caps: &Caps, rows: usize, columns: usize) -> Launch {
    let params = Params { rows: rows as u32, columns: columns as u32 };
    super::over(caps, &shader::TRAIN_TRANSPOSE, &params, rows * columns, 0)
}
