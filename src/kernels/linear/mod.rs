//! Fully connected layers and products of computed matrices.

pub(crate) mod gemv;
pub(crate) mod matmul;

use crate::error::Result;
use crate::kernels::conv::{self, Filter, Finish, Geometry, Product};
use crate::recording::{Recorder, Source};

/// Rows up to which reading the weights once a row beats a matrix product that computes 32 rows at once.
const GEMV_ROWS: usize = 2;

/// Records `y[n] = finish(x[n] · filter)`: x is `rows` rows in the filter's (tap, channel) order, each a whole number of vec4s.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, rows: usize, x: Source, filter: &Filter, finish: &Finish) -> Result<Source> {
    let g = Geometry::product(rows, filter.kernel[0] * filter.kernel[1] * filter.channels.next_multiple_of(4), filter.outputs);
    let y = rec.tensor(g.y.bytes());
    let label = format!("{label} {}->{}", filter.kernel[0] * filter.kernel[1] * filter.channels, filter.outputs);
    let product = Product { label: &label, geometry: &g, x, filter, finish, y };
    if rows <= GEMV_ROWS && rec.force.form != Some("gemm") && rec.admits(gemv::shader(rec)) {
        gemv::record(rec, &product)?;
    } else {
        conv::record_product(rec, &product)?;
    }
    Ok(y)
}
