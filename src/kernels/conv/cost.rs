//! What an algorithm of a convolution should take: for every launch the larger of its arithmetic and its traffic, plus the launch.
//!
//! Arithmetic and traffic are those that the kernels really do: whole tiles, planes written and read again, transformed weights.

use super::winograd_between::{Cut, Map};
use super::{Geometry, subgroup_gemm, tiled_gemm, winograd_walk};
use crate::model::Precision;
use crate::recording::{Caps, ConvAlgorithm, GemmFamily, Speed};

/// What kernels of a family make of a device's speed.
struct Efficiency {
    /// Share of the arithmetic peak that a long product reaches.
    product: f64,
    /// Terms of a sum that cost as much as beginning and ending it.
    ends: f64,
    /// Share of the bandwidth that a product reaches on what it reads and writes.
    traffic: f64,
    /// The same for the transforms of F(2x2) and F(4x4), counted on the planes.
    transforms: [f64; 2],
    /// Workgroups below which a part of the device has nothing to do.
    workgroups: f64,
}

fn efficiency(family: GemmFamily) -> Efficiency {
    match family {
        // Fitted to `--autotune` times of 38 layers of 8 to 512 channels on lavapipe; of those, three were given an algorithm that took 4
        // to 8 % more than the fastest.
        GemmFamily::Subgroup(_) => Efficiency { product: 0.7, ends: 60.0, traffic: 0.25, transforms: [0.5, 0.38], workgroups: 2.0 },
        // Estimates, not measured: planes are read out of the cache that they were written to, so they move faster than memory does.
        GemmFamily::Tiled => Efficiency { product: 0.6, ends: 16.0, traffic: 0.75, transforms: [1.5, 1.5], workgroups: 64.0 },
    }
}

/// Seconds that `algorithm` should take for a convolution of one group. `pre`: an affine before the padding.
pub(super) fn seconds(g: &Geometry, algorithm: ConvAlgorithm, pre: bool, precision: Precision, caps: &Caps, speed: &Speed) -> f64 {
    let model = Model { efficiency: efficiency(caps.gemm), caps, precision, speed };
    match algorithm {
        ConvAlgorithm::Winograd(m) => model.winograd(g, m as usize),
        _ => model.gemm(g) + if pre { model.pass(2 * g.x.bytes()) } else { 0.0 },
    }
}

/// Whether one launch for both transforms between two convolutions should take less time than one for each. `stored`: something else needs
/// the map, so that it is written either way.
pub(super) fn fusing_pays(map: &Map, stored: bool, caps: &Caps, speed: &Speed) -> bool {
    let model = Model { efficiency: efficiency(caps.gemm), caps, precision: Precision::F32, speed };
    model.fused(map, stored).is_some_and(|fused| fused < 2.0 * model.transform(map.m, map.plane_bytes(), map.bytes()))
}

struct Model<'a> {
    efficiency: Efficiency,
    caps: &'a Caps,
    precision: Precision,
    speed: &'a Speed,
}

impl Model<'_> {
    fn launch(&self) -> f64 {
        // On software adapters the copy to a texture before it is two more steps.
        let steps = if self.caps.textures { 3.0 } else { 1.0 };
        steps * self.speed.launch_us * 1e-6
    }

    /// Seconds to move `bytes`.
    fn moved(&self, bytes: f64) -> f64 {
        bytes / (self.speed.gbps * 1e9)
    }

    /// An element-wise pass.
    fn pass(&self, bytes: u64) -> f64 {
        self.moved(bytes as f64) / self.efficiency.traffic + self.launch()
    }

    fn gemm(&self, g: &Geometry) -> f64 {
        self.product(1, g.y.pixels(), g.taps() * g.x.c4() * 4, g.y.c, g.x.bytes(), self.precision == Precision::F16)
    }

    /// `planes` products of `pixels` sums of `terms` for each of `outputs`, over `input` bytes.
    fn product(&self, planes: usize, pixels: usize, terms: usize, outputs: usize, input: u64, halves: bool) -> f64 {
        let e = &self.efficiency;
        let tile = match self.caps.gemm {
            GemmFamily::Subgroup(size) => subgroup_gemm::shader(size, pixels, halves, self.caps.textures).1,
            GemmFamily::Tiled => tiled_gemm::shader(None, pixels, halves).1,
        };
        let block = 4 * self.caps.gemm.lanes() as usize;
        let groups = (planes * pixels.div_ceil(tile) * outputs.div_ceil(block)) as f64;
        let flops = groups * (2 * tile * block) as f64 * (terms as f64 + e.ends);
        let idle = (e.workgroups / groups).max(1.0);
        let weights = planes * terms * outputs.next_multiple_of(block) * if halves { 2 } else { 4 };
        let output = planes * pixels * outputs.next_multiple_of(4) * 4;
        let bytes = input as f64 + (weights + output) as f64;
        let arithmetic = idle * flops / (e.product * self.speed.gflops * 1e9);
        arithmetic.max(self.moved(bytes) / e.traffic) + self.launch()
    }

    fn winograd(&self, g: &Geometry, m: usize) -> f64 {
        let tiles = g.x.n * g.y.h.div_ceil(m) * g.y.w.div_ceil(m);
        let planes = (m + 2) * (m + 2);
        let (into, out) = ((planes * tiles * g.x.c4() * 16) as u64, (planes * tiles * g.y.c4() * 16) as u64);
        let halves = self.precision == Precision::F16 && m == 2;
        let product = self.product(planes, tiles, g.x.c4() * 4, g.y.c, into, halves);
        self.transform(m, into, g.x.bytes()) + product + self.transform(m, out, g.y.bytes())
    }

    /// A transform between planes and a map.
    fn transform(&self, m: usize, plane_bytes: u64, map: u64) -> f64 {
        // Software adapters copy what is fetched as a texture.
        let copied = if self.caps.textures { 2 * plane_bytes } else { 0 };
        self.moved((plane_bytes + map) as f64) / self.transforms(m) + self.moved(copied as f64) + self.launch()
    }

    /// The share of the bandwidth that transforms of F(m x m) reach.
    fn transforms(&self, m: usize) -> f64 {
        self.efficiency.transforms[usize::from(m == 4)]
    }

    /// Both transforms around a map; `None` where no kernel does them.
    fn fused(&self, map: &Map, stored: bool) -> Option<f64> {
        let planes = map.plane_bytes() as f64;
        let map_bytes = if stored { map.bytes() as f64 } else { 0.0 };
        let (workgroups, [read, written], copied) = match (self.caps.textures, self.caps.gemm) {
            (true, _) => (winograd_walk::workgroups(map)?, [1.0, 1.0], 4.0 * planes),
            (false, GemmFamily::Tiled) => {
                let cut = Cut::of(map)?;
                (cut.workgroups(map), cut.traffic(map), 0.0)
            }
            // Workgroup memory costs a software adapter what the map does.
            (false, GemmFamily::Subgroup(_)) => return None,
        };
        let idle = (self.efficiency.workgroups / workgroups as f64).max(1.0);
        let moved = self.moved(planes * (read + written) + map_bytes) / self.transforms(map.m);
        Some(idle * moved + self.moved(copied) + self.launch())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv::choose::candidates;
    use crate::recording::Packed;

    fn convolution(n: usize, c: usize, o: usize, side: usize) -> Geometry {
        let x = Packed { n, c, h: side, w: side };
        let y = Packed { c: o, ..x };
        Geometry { x, y, kernel: [3; 2], stride: [1; 2], dilation: [1; 2], pad: [1; 2], row: [y.c4(), 0] }
    }

    fn hardware() -> Caps {
        Caps { max_binding: 1 << 30, ..Caps::baseline() }
    }

    fn software() -> Caps {
        Caps { gemm: GemmFamily::Subgroup(8), textures: true, ..hardware() }
    }

    fn time(g: &Geometry, algorithm: ConvAlgorithm, caps: &Caps) -> f64 {
        seconds(g, algorithm, false, Precision::F32, caps, &Speed::typical(caps))
    }

    /// `g`, `2` or `4`: the cheapest algorithm.
    fn best(g: &Geometry, caps: &Caps) -> char {
        let all = candidates(g, caps);
        match all.into_iter().min_by(|a, b| time(g, *a, caps).total_cmp(&time(g, *b, caps))) {
            Some(ConvAlgorithm::Winograd(m)) => char::from_digit(m, 10).unwrap_or('?'),
            Some(_) => 'g',
            None => '?',
        }
    }

    /// Layers of IResNet: n, channels in, channels out, side.
    const IRESNET: [[usize; 4]; 8] = [
        [1, 64, 64, 112],
        [1, 64, 64, 56],
        [1, 64, 128, 56],
        [1, 128, 128, 28],
        [1, 128, 256, 28],
        [1, 256, 256, 14],
        [1, 256, 512, 14],
        [1, 512, 512, 7],
    ];

    fn chosen(layers: &[[usize; 4]], caps: &Caps) -> String {
        layers.iter().map(|&[n, c, o, side]| best(&convolution(n, c, o, side), caps)).collect()
    }

    #[test]
    fn layers_of_iresnet_take_what_was_measured_or_estimated_to_be_fastest() {
        let eight = IRESNET.map(|[_, c, o, side]| [8, c, o, side]);
        assert_eq!(chosen(&IRESNET, &software()), "44444442");
        assert_eq!(chosen(&eight, &software()), "44444444");
        // Few tiles leave a graphics card idle, and F(4x4) has four times the weights of a direct product.
        assert_eq!(chosen(&IRESNET, &hardware()), "44444222");
        assert_eq!(chosen(&eight, &hardware()), "44444442");
    }

    #[test]
    fn few_channels_are_not_worth_a_transform() {
        for [c, side] in [[16, 448], [31, 112], [32, 56], [32, 14], [32, 7], [64, 7]] {
            assert_eq!(best(&convolution(1, c, c, side), &software()), 'g', "{c} channels of {side} x {side}");
        }
        for [c, side] in [[16, 448], [32, 56], [32, 14]] {
            assert_eq!(best(&convolution(1, c, c, side), &hardware()), 'g', "{c} channels of {side} x {side}");
        }
    }

    #[test]
    fn more_work_and_a_slower_device_take_longer() {
        for caps in [software(), hardware()] {
            let typical = Speed::typical(&caps);
            for algorithm in [ConvAlgorithm::Gemm, ConvAlgorithm::Winograd(2), ConvAlgorithm::Winograd(4)] {
                let small = time(&convolution(8, 64, 64, 56), algorithm, &caps);
                for [n, c, o, side] in [[32, 64, 64, 56], [8, 256, 64, 56], [8, 64, 256, 56], [8, 64, 64, 112]] {
                    let large = time(&convolution(n, c, o, side), algorithm, &caps);
                    assert!(large > small * 1.2, "{algorithm:?} {n} {c} {o} {side}: {large} {small}");
                }
                let g = convolution(8, 64, 64, 56);
                let with = |speed: Speed| seconds(&g, algorithm, false, Precision::F32, &caps, &speed);
                let slower = [
                    Speed { gflops: typical.gflops / 100.0, ..typical },
                    Speed { gbps: typical.gbps / 100.0, ..typical },
                    Speed { launch_us: typical.launch_us + 1e6, ..typical },
                ];
                assert!(slower.into_iter().all(|speed| with(speed) > small * 2.0), "{algorithm:?}");
                let affine = seconds(&g, algorithm, true, Precision::F32, &caps, &typical);
                assert_eq!(affine > small, algorithm == ConvAlgorithm::Gemm, "a transform applies an affine for nothing");
            }
        }
    }

    #[test]
    fn bound_by_arithmetic_a_product_has_the_time_of_its_tiles() {
        // 33 pixels need two tiles of 32, or three of 16, of which three are fewer.
        let speed = Speed { gflops: 1.0, gbps: 1e12, launch_us: 0.0 };
        let caps = software();
        let line = |side: usize| {
            let x = Packed { n: 1, c: 64, h: 1, w: side };
            Geometry { x, y: Packed { c: 256, ..x }, kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pad: [0; 2], row: [64, 0] }
        };
        let time = |side| seconds(&line(side), ConvAlgorithm::Gemm, false, Precision::F32, &caps, &speed);
        let e = efficiency(caps.gemm);
        let expected = 2.0 * 64.0 * 256.0 * (64.0 + e.ends) / (e.product * 1e9);
        assert!((time(64) - expected).abs() < 1e-12 && (time(33) - expected * 0.75).abs() < 1e-12, "{} {expected}", time(64));
    }

    #[test]
    fn transforms_are_fused_where_a_map_is_not_wide() {
        let map = |pictures, side, c4, m| Map { pictures, h: side, w: side, c4, m };
        let pays = |map: Map, caps: &Caps| [false, true].map(|stored| fusing_pays(&map, stored, caps, &Speed::typical(caps)));
        for caps in [software(), hardware()] {
            // IResNet, behind its first stage.
            for (side, c4, m) in [(28, 32, 4), (14, 64, 4), (14, 64, 2), (7, 128, 2)] {
                assert_eq!(pays(map(1, side, c4, m), &caps), [true; 2], "{side} {caps:?}");
            }
            assert_eq!(pays(map(1, 300, 16, 4), &caps), [false; 2]);
        }
        let without_textures = Caps { textures: false, ..software() };
        assert_eq!(pays(map(8, 14, 64, 4), &without_textures), [false; 2]);
    }

    #[test]
    fn what_does_not_fit_a_binding_is_no_candidate() {
        let g = convolution(1, 64, 64, 56);
        let names = |max_binding: u64| candidates(&g, &Caps { max_binding, ..software() }).len();
        // F(4x4): 36 planes of 196 tiles and 16 vec4s; F(2x2): 16 planes of 784.
        let (four, two) = (36 * 196 * 16 * 16, 16 * 784 * 16 * 16);
        assert_eq!([names(two), names(two - 1), names(four), names(four - 1)], [3, 2, 2, 1]);
        // Weights count, too: 36 planes of 1024 x 1024 numbers.
        let wide = convolution(1, 1024, 1024, 7);
        assert_eq!(candidates(&wide, &Caps { max_binding: 128 << 20, ..software() }), [ConvAlgorithm::Gemm, ConvAlgorithm::Winograd(2)]);
        for narrow in [convolution(1, 31, 64, 56), convolution(1, 64, 31, 56)] {
            assert_eq!(candidates(&narrow, &software()), [ConvAlgorithm::Gemm]);
        }
        assert_eq!(candidates(&Geometry { stride: [2; 2], ..g }, &software()), [ConvAlgorithm::Gemm]);
        assert_eq!(candidates(&Geometry { dilation: [1, 2], ..g }, &software()), [ConvAlgorithm::Gemm]);
    }
}
