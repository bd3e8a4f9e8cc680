//! Host side of shaders/conv/slices.wgsl: products whose sums are cut into slices of the channels, so that more workgroups compute them.
//!
//! Every slice is a plane of the product's kernel, over the same input and the same packed weights; what it writes is added up here, in a
//! fixed order.

use super::{Finish, Geometry};
use crate::error::Result;
use crate::recording::{Caps, GemmFamily, Recorder, Source};
use crate::shader::{self, Shader};

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
#[allow(missing_docs, reason = "documented in the shader")]
pub(crate) struct Params {
    pub(crate) vec4s: u32,
    pub(crate) out_c4: u32,
    pub(crate) y_row: u32,
    pub(crate) y_first: u32,
    pub(crate) slices: u32,
    pub(crate) residual: u32,
    pub(crate) lo: f32,
    pub(crate) hi: f32,
    pub(crate) post_lo: f32,
    pub(crate) post_hi: f32,
}

/// How the channels of an input pixel are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) slices: usize,
    /// vec4s of a slice; the last one may be shorter.
    pub(crate) c4: usize,
}

impl Cut {
    /// `c4` vec4s of channels in as many as `wanted` slices, as far as there are so many. Kernels that stage four vec4s at once get
    /// slices of whole stages.
    pub(crate) fn new(caps: &Caps, c4: usize, wanted: usize) -> Self {
        let stage = match caps.gemm {
            GemmFamily::Subgroup(_) => 1,
            GemmFamily::Tiled => 4,
        };
        let c4 = c4.max(1);
        if wanted <= 1 {
            return Self { slices: 1, c4 };
        }
        let each = c4.div_ceil(wanted).next_multiple_of(stage).min(c4);
        Self { slices: c4.div_ceil(each), c4: each }
    }

    /// Bytes of all slices of a product.
    pub(crate) fn bytes(self, g: &Geometry) -> u64 {
        self.slices as u64 * g.y.bytes()
    }

    /// Parameters of the kernel that computes the slices, whose weights are packed for `lanes`.
    pub(crate) fn params(self, g: &Geometry, lanes: usize, halves: bool) -> super::Params {
        let whole = g.params(&Finish::default());
        super::Params {
            in_c4: self.c4 as u32,
            slice_c4: self.c4 as u32,
            x_plane: self.c4 as u32,
            w_plane: (self.c4 * 4 * lanes / if halves { 2 } else { 1 }) as u32,
            y_plane: (g.y.pixels() * g.y.c4()) as u32,
            y_row: whole.out_c4,
            y_first: 0,
            ..whole
        }
    }
}

/// The form for a device.
pub(crate) fn shader(caps: &Caps) -> &'static Shader {
    if caps.textures { &shader::CONV_SLICES_TEX } else { &shader::CONV_SLICES_PLAIN }
}

/// Records `y = finish(sum of the slices)`.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    label: &str,
    g: &Geometry,
    slices: usize,
    parts: Source,
    finish: &Finish,
    y: Source,
) -> Result<()> {
    let shader = shader(rec.caps);
    let table = finish.table(rec, g.y.c);
    let residual = finish.residual_or_nothing(rec, shader);
    let p = g.params(finish);
    let vec4s = g.y.pixels() * g.y.c4();
    let params = Params {
        vec4s: vec4s as u32,
        out_c4: p.out_c4,
        y_row: p.y_row,
        y_first: p.y_first,
        slices: slices as u32,
        residual: p.residual,
        lo: p.lo,
        hi: p.hi,
        post_lo: p.post_lo,
        post_hi: p.post_hi,
    };
    let groups = rec.fold(vec4s.div_ceil(64));
    rec.dispatch(shader, &format!("{label} ({slices} slices)"), groups, &params, &[parts, table, residual, y], 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_the_channels_and_none_is_empty() {
        let tiled = Caps::baseline();
        let subgroup = Caps { gemm: GemmFamily::Subgroup(8), ..Caps::baseline() };
        for c4 in 1..200 {
            for wanted in 1..20 {
                for caps in [&tiled, &subgroup] {
                    let cut = Cut::new(caps, c4, wanted);
                    assert!(cut.slices <= wanted && (cut.slices - 1) * cut.c4 < c4 && cut.slices * cut.c4 >= c4, "{c4} {wanted}: {cut:?}");
                    assert_eq!(Cut::new(caps, c4, cut.slices).slices, cut.slices, "{c4} {wanted}");
                }
                assert!(cut_of_stages(&tiled, c4, wanted), "{c4} {wanted}");
            }
        }
        assert_eq!(Cut::new(&subgroup, 5, 2), Cut { slices: 2, c4: 3 });
        assert_eq!(Cut::new(&tiled, 128, 4), Cut { slices: 4, c4: 32 });
        assert_eq!(Cut::new(&tiled, 5, 4), Cut { slices: 2, c4: 4 });
    }

    fn cut_of_stages(caps: &Caps, c4: usize, wanted: usize) -> bool {
        let cut = Cut::new(caps, c4, wanted);
        cut.slices == 1 || cut.c4.is_multiple_of(4)
    }
}
