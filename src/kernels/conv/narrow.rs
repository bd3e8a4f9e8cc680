//! Host side of shaders/conv/narrow.wgsl.

use super::Call;
pub(crate) use super::Params;
use super::{Filter, Geometry};
use crate::error::{Error, Result};
use crate::recording::{Caps, GemmFamily, Recorder, Source};
use crate::shader::{self, Shader};

/// The most output channels.
const CHANNELS: usize = 16;
/// Subgroup sizes of which there are forms.
pub(crate) const SUBGROUPS: [u32; 3] = [4, 8, 16];

/// A form of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) shader: &'static Shader,
    /// vec4s of output channels that it sums, whether they exist or not.
    pub(crate) vec4s: usize,
    /// Pixels of a workgroup.
    pub(crate) pixels: usize,
    /// Lanes that load weights together; 1 where each loads all.
    lanes: usize,
}

impl Form {
    /// The form for a layer on a device; `None` where there is none.
    pub(crate) fn of(g: &Geometry, caps: &Caps) -> Option<Self> {
        if g.y.c > CHANNELS {
            return None;
        }
        let vec4s = g.y.c4().next_power_of_two();
        let (shader, lanes) = match (caps.gemm, caps.textures, vec4s) {
            (GemmFamily::Subgroup(4), true, 1) => (&shader::CONV_NARROW_SG4_O1_TEX, 4),
            (GemmFamily::Subgroup(4), true, 2) => (&shader::CONV_NARROW_SG4_O2_TEX, 4),
            (GemmFamily::Subgroup(4), true, _) => (&shader::CONV_NARROW_SG4_O4_TEX, 4),
            (GemmFamily::Subgroup(8), true, 1) => (&shader::CONV_NARROW_SG8_O1_TEX, 8),
            (GemmFamily::Subgroup(8), true, 2) => (&shader::CONV_NARROW_SG8_O2_TEX, 8),
            (GemmFamily::Subgroup(8), true, _) => (&shader::CONV_NARROW_SG8_O4_TEX, 8),
            (GemmFamily::Subgroup(16), true, 1) => (&shader::CONV_NARROW_SG16_O1_TEX, 16),
            (GemmFamily::Subgroup(16), true, 2) => (&shader::CONV_NARROW_SG16_O2_TEX, 16),
            (GemmFamily::Subgroup(16), true, _) => (&shader::CONV_NARROW_SG16_O4_TEX, 16),
            (GemmFamily::Tiled, false, 1) => (&shader::CONV_NARROW_O1, 1),
            (GemmFamily::Tiled, false, 2) => (&shader::CONV_NARROW_O2, 1),
            (GemmFamily::Tiled, false, _) => (&shader::CONV_NARROW_O4, 1),
            _ => return None,
        };
        // LANES times Q of shaders/permutations.txt.
        let pixels = if lanes == 1 { 64 * 2 } else { lanes * 4 };
        Some(Self { shader, vec4s, pixels, lanes })
    }

    /// vec4s of weights for a tap and a vec4 of input channels.
    fn row(&self) -> usize {
        (4 * self.vec4s).next_multiple_of(self.lanes)
    }
}

/// Records the layer, which has no residual.
///
/// # Errors
/// No form for the layer on this device, or what [`Recorder::dispatch`] refuses.
pub(crate) fn record(rec: &mut Recorder<'_>, call: &Call<'_>, label: &str, x: Source, y: Source) -> Result<()> {
    let g = call.geometry;
    let Some(form) = Form::of(&g, rec.caps) else {
        return Err(Error::Unsupported(format!("The layer `{label}` has no narrow form on this device. Let the planner choose.")));
    };
    let (filter, row) = (Filter::conv(call.weight), form.row());
    let steps = g.taps() * g.x.c4();
    let name = filter.form("narrow", form.vec4s, 0..1, false) + &format!(" rows of {row}");
    let w = rec.weight_in_place(&name, std::slice::from_ref(call.weight), (steps * row * 16) as u64, move |out| {
        let mut packed = vec![0; steps * 4 * form.vec4s * 16];
        filter.pack(form.vec4s, 0..1, false, &mut packed);
        for (to, from) in out.chunks_exact_mut(row * 16).zip(packed.chunks_exact(4 * form.vec4s * 16)) {
            let (used, spare) = to.split_at_mut(from.len());
            used.copy_from_slice(from);
            spare.fill(0);
        }
    });
    let table = call.finish.table(rec, g.y.c);
    let groups = rec.fold(g.y.pixels().div_ceil(form.pixels));
    let flops = 2 * (g.y.pixels() * g.y.c * g.taps() * g.x.c) as u64;
    rec.dispatch(form.shader, label, groups, &g.params(&call.finish), &[x, w, table, y], flops)
}
