//! Host side of shaders/conv/winograd_between.wgsl.

use crate::error::Result;
use crate::recording::{Dispatch, Recorder, Source};
use crate::shader;

/// Mirrors `Params` of shaders/shared/winograd_between.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) h: u32,
    pub(crate) w: u32,
    pub(crate) c4: u32,
    pub(crate) pictures: u32,
    pub(crate) tiles_h: u32,
    pub(crate) tiles_w: u32,
    pub(crate) tiles: u32,
    pub(crate) affine: u32,
    pub(crate) residual: u32,
    pub(crate) stored: u32,
    pub(crate) lanes: u32,
    pub(crate) rows: u32,
    pub(crate) bands: u32,
    pub(crate) blocks: u32,
    pub(crate) lo: f32,
    pub(crate) hi: f32,
    pub(crate) post_lo: f32,
    pub(crate) post_hi: f32,
}

/// vec4s of workgroup memory, as in shaders/permutations.txt.
const CELLS: usize = 1024;
/// Workgroups below which a part of a graphics card has nothing to do, as in the cost model.
const WORKGROUPS: f64 = 64.0;
/// What a vec4 that is read alone costs more than one of two side by side: memory is read by 32 bytes.
const ALONE: f64 = 2.0;

/// A map between two convolutions F(m x m, 3x3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Map {
    pub(crate) pictures: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) c4: usize,
    pub(crate) m: usize,
}

impl Map {
    pub(crate) fn rows(&self) -> usize {
        self.h.div_ceil(self.m)
    }

    pub(crate) fn columns(&self) -> usize {
        self.w.div_ceil(self.m)
    }

    /// Bytes of the planes on either side.
    pub(crate) fn plane_bytes(&self) -> u64 {
        let planes = (self.m + 2) * (self.m + 2);
        (planes * self.pictures * self.rows() * self.columns() * self.c4 * 16) as u64
    }

    /// Bytes of the map.
    pub(crate) fn bytes(&self) -> u64 {
        (self.pictures * self.h * self.w * self.c4 * 16) as u64
    }
}

/// Both transforms around a map.
pub(crate) struct Between {
    pub(crate) map: Map,
    pub(crate) label: String,
    /// What both kernels for it need.
    pub(crate) params: Params,
    /// In the shaders' order.
    pub(crate) bindings: Vec<Source>,
    /// Whether the kernel can add a residual and store the map; on software adapters there is only one that can.
    pub(crate) keeps: bool,
}

/// What a workgroup takes of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    /// vec4s of channels.
    pub(crate) lanes: usize,
    /// Rows of tiles.
    pub(crate) rows: usize,
}

impl Cut {
    /// The one that should take least; `None` for maps of which not even a row of tiles fits workgroup memory.
    pub(crate) fn of(map: &Map) -> Option<Self> {
        let cuts = [8, 4, 2, 1].into_iter().filter(|&lanes| lanes < 2 * map.c4).filter_map(|lanes| {
            let pixels = CELLS / (lanes * map.w);
            // A band has a row of pixels above it and one below; the whole map has none.
            let most = if pixels >= map.h { map.rows() } else { pixels.saturating_sub(2) / map.m };
            let bands = map.rows().div_ceil(if most == 0 { return None } else { most });
            Some(Self { lanes, rows: map.rows().div_ceil(bands) })
        });
        cuts.min_by(|a, b| a.cost(map).total_cmp(&b.cost(map)))
    }

    fn bands(&self, map: &Map) -> usize {
        map.rows().div_ceil(self.rows)
    }

    fn blocks(&self, map: &Map) -> usize {
        map.c4.div_ceil(self.lanes)
    }

    pub(crate) fn workgroups(&self, map: &Map) -> usize {
        map.pictures * self.bands(map) * self.blocks(map)
    }

    /// How many times as much is read of the planes before the map as they have, and written of those behind it.
    pub(crate) fn traffic(&self, map: &Map) -> [f64; 2] {
        let alone = if self.lanes == 1 { ALONE } else { 1.0 };
        let repeated = (2 * (self.bands(map) - 1)) as f64 / map.rows() as f64;
        [alone * (1.0 + repeated), alone]
    }

    fn cost(&self, map: &Map) -> f64 {
        let idle = (WORKGROUPS / self.workgroups(map) as f64).max(1.0);
        idle * self.traffic(map).iter().sum::<f64>()
    }
}

/// One launch of the transforms between two convolutions; `None` for maps that are too wide.
pub(crate) fn launch(rec: &Recorder<'_>, between: &Between) -> Result<Option<Dispatch>> {
    let map = &between.map;
    let Some(cut) = Cut::of(map) else { return Ok(None) };
    let shader = match (map.m, between.keeps) {
        (4, false) => &shader::CONV_WINOGRAD_BETWEEN_F4,
        (4, true) => &shader::CONV_WINOGRAD_BETWEEN_F4_KEEP,
        (_, false) => &shader::CONV_WINOGRAD_BETWEEN_F2,
        (_, true) => &shader::CONV_WINOGRAD_BETWEEN_F2_KEEP,
    };
    let params = Params {
        lanes: cut.lanes as u32,
        rows: cut.rows as u32,
        bands: cut.bands(map) as u32,
        blocks: cut.blocks(map) as u32,
        ..between.params
    };
    rec.launch(shader, &between.label, rec.fold(cut.workgroups(map)), &params, &between.bindings, 0).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_and_its_borders_fit_workgroup_memory() {
        for (h, w, c4, m) in (1..70)
            .flat_map(|h| [1, 7, 14, 33, 64, 170].map(move |w| (h, w)))
            .flat_map(|(h, w)| [1, 2, 5, 64].into_iter().flat_map(move |c4| [2, 4].map(move |m| (h, w, c4, m))))
        {
            let map = Map { pictures: 1, h, w, c4, m };
            let Some(cut) = Cut::of(&map) else {
                assert!((m + 2) * w > CELLS && h * w > CELLS, "{map:?}");
                continue;
            };
            let pixels = if cut.rows >= map.rows() { h } else { cut.rows * m + 2 };
            assert!(pixels * w * cut.lanes <= CELLS, "{map:?} {cut:?}");
            assert!(cut.rows * cut.bands(&map) >= map.rows() && cut.lanes * cut.blocks(&map) >= c4, "{map:?} {cut:?}");
        }
    }

    #[test]
    fn wide_maps_are_read_twice_where_bands_meet() {
        let map = |h, c4, m| Map { pictures: 1, h, w: h, c4, m };
        let of = |map: Map| Cut::of(&map).map(|cut| (cut.lanes, cut.rows, cut.traffic(&map)[0]));
        assert_eq!(of(map(14, 64, 2)), Some((2, 7, 1.0)));
        assert_eq!(of(map(7, 128, 2)), Some((2, 4, 1.0)));
        // Seven rows of tiles in two bands; for one picture in seven, whose channels are fewer workgroups.
        assert_eq!(of(Map { pictures: 8, ..map(28, 32, 4) }), Some((2, 4, 1.0 + 2.0 / 7.0)));
        assert_eq!(of(map(28, 32, 4)), Some((4, 1, 1.0 + 12.0 / 7.0)));
        assert_eq!(Cut::of(&Map { pictures: 1, h: 300, w: 300, c4: 1, m: 4 }), None);
    }
}
