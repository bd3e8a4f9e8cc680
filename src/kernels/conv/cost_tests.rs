//! The cost model against what was measured, and against itself.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::kernels::conv::choose::{self, forms};
use crate::recording::{Force, Packed, Recorder};

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

fn candidates(g: &Geometry, caps: &Caps) -> Vec<ConvAlgorithm> {
    choose::candidates(g, false, caps)
}

/// The least that a convolution takes by `algorithm`, in any form that it can have.
fn least(g: &Geometry, algorithm: ConvAlgorithm, pre: bool, caps: &Caps, speed: &Speed) -> (Option<Form>, f64) {
    let rec = Recorder::new(caps, Precision::F32, Force::default());
    let forms = forms(&rec, g, algorithm).into_iter();
    let timed = forms.map(|form| (form, seconds(g, Method { algorithm, form }, pre, Precision::F32, caps, speed)));
    timed.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

fn time(g: &Geometry, algorithm: ConvAlgorithm, caps: &Caps) -> f64 {
    least(g, algorithm, false, caps, &Speed::typical(caps)).1
}

/// `g`, `s`, `n`, `2` or `4`: the cheapest algorithm; `s` is a product in slices, `n` that of few channels.
fn best(g: &Geometry, caps: &Caps) -> char {
    let all = candidates(g, caps).into_iter().map(|a| (a, least(g, a, false, caps, &Speed::typical(caps))));
    match all.min_by(|a, b| a.1.1.total_cmp(&b.1.1)) {
        Some((ConvAlgorithm::Winograd(m), _)) => char::from_digit(m, 10).unwrap_or('?'),
        Some((ConvAlgorithm::Narrow, _)) => 'n',
        Some((_, (form, _))) => {
            if form.unwrap().slices > 1 {
                's'
            } else {
                'g'
            }
        }
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
    // Few tiles leave a graphics card idle, and F(4x4) has four times the weights of a direct product. Where there are 49 pixels, slices
    // fill it with fewer weights.
    assert_eq!(chosen(&IRESNET, &hardware()), "4444422s");
    assert_eq!(chosen(&eight, &hardware()), "44444442");
}

#[test]
fn by_default_hardware_takes_the_tiled_kernel() {
    for subgroup in [4, 8, 16, 32] {
        let caps = Caps { subgroup: Some(subgroup), ..hardware() };
        for [n, c, o, side] in IRESNET.into_iter().chain(IRESNET.map(|[_, c, o, side]| [8, c, o, side])) {
            let g = convolution(n, c, o, side);
            for algorithm in candidates(&g, &caps) {
                let (form, _) = least(&g, algorithm, false, &caps, &Speed::typical(&caps));
                let form = form.unwrap();
                assert_eq!(form.tile.kernel(), Kernel::Tiled, "{subgroup}: {n} {c} {o} {side} {algorithm:?}: {}", form.name());
            }
        }
    }
}

#[test]
fn few_channels_are_not_worth_a_transform() {
    for [c, side] in [[17, 448], [31, 112], [32, 28], [32, 14], [32, 7], [64, 7]] {
        assert_eq!(best(&convolution(1, c, c, side), &software()), 'g', "{c} channels of {side} x {side}");
    }
    for [c, side] in [[17, 448], [32, 56], [32, 14]] {
        assert!(['g', 's'].contains(&best(&convolution(1, c, c, side), &hardware())), "{c} channels of {side} x {side}");
    }
}

#[test]
fn layers_of_few_output_channels_have_a_kernel_of_their_own() {
    // As detectors have them: the first layer, heads, and what lies between.
    for [c, o, side] in [[3, 10, 478], [3, 16, 320], [10, 16, 237], [64, 1, 80], [64, 4, 40], [128, 8, 15]] {
        assert_eq!(best(&convolution(1, c, o, side), &software()), 'n', "{c} to {o} channels of {side} x {side}");
    }
    for [c, o, side] in [[3, 10, 478], [3, 16, 320], [64, 4, 80]] {
        assert_eq!(best(&convolution(1, c, o, side), &hardware()), 'n', "{c} to {o} channels of {side} x {side}");
    }
    // Few pixels leave a graphics card idle, and long sums make it wait.
    for [c, o, side] in [[512, 4, 40], [3, 4, 28]] {
        assert_ne!(best(&convolution(1, c, o, side), &hardware()), 'n', "{c} to {o} channels of {side} x {side}");
    }
    let head = convolution(1, 64, 16, 80);
    let has = |g: &Geometry, residual: bool, caps: &Caps| choose::candidates(g, residual, caps).contains(&ConvAlgorithm::Narrow);
    assert!(has(&head, false, &software()) && has(&head, false, &hardware()));
    // A residual, a channel more, and devices that it has no form for.
    assert!(!has(&head, true, &software()) && !has(&convolution(1, 64, 17, 80), false, &software()));
    for caps in [
        Caps { textures: false, ..software() },
        Caps { textures: true, ..hardware() },
        Caps { gemm: GemmFamily::Subgroup(32), ..software() },
    ] {
        assert!(!has(&head, false, &caps), "{caps:?}");
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
            let with = |speed: Speed| least(&g, algorithm, false, &caps, &speed).1;
            let slower = [
                Speed { gflops: typical.gflops / 100.0, ..typical },
                Speed { gbps: typical.gbps / 100.0, ..typical },
                Speed { launch_us: typical.launch_us + 1e6, ..typical },
            ];
            assert!(slower.into_iter().all(|speed| with(speed) > small * 2.0), "{algorithm:?}");
            let affine = least(&g, algorithm, true, &caps, &typical).1;
            assert_eq!(affine > small, algorithm == ConvAlgorithm::Gemm, "a transform applies an affine for nothing");
        }
    }
}

#[test]
fn bound_by_arithmetic_a_product_has_the_time_of_its_tiles() {
    // 33 pixels need two tiles of 32, or three of 16, of which three are fewer, though each takes an eighth longer than its half.
    let speed = Speed { gflops: 1.0, gbps: 1e12, launch_us: 0.0 };
    let caps = software();
    let line = |side: usize| {
        let x = Packed { n: 1, c: 64, h: 1, w: side };
        Geometry { x, y: Packed { c: 256, ..x }, kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pad: [0; 2], row: [64, 0] }
    };
    let time = |side| least(&line(side), ConvAlgorithm::Gemm, false, &caps, &speed);
    let e = efficiency(caps.gemm);
    let expected = 2.0 * 64.0 * 256.0 * (64.0 + e.ends) / (share(Tile::P32, caps.gemm) * 1e9);
    assert_eq!([64, 33].map(|side| time(side).0.unwrap().name()), ["p32", "p16"]);
    for (side, part) in [(64, 1.0), (33, 0.75 * 8.0 / 7.0)] {
        assert!((time(side).1 - expected * part).abs() < 1e-12, "{side}: {} {expected}", time(side).1);
    }
}

#[test]
fn transforms_are_fused_where_a_map_is_not_wide() {
    let map = |pictures, side, c4, m| Map { pictures, h: side, w: side, c4, m };
    let pays = |map: Map, caps: &Caps| [false, true].map(|stored| fusing_pays(&map, stored, caps, &Speed::typical(caps)));
    for caps in [software(), hardware()] {
        // IResNet, behind its first stage.
        for (side, c4, m) in [(28, 32, 4), (14, 64, 4), (14, 64, 2), (7, 128, 2)] {
            assert_eq!(pays(map(1, side, c4, m), &caps), [m == 4 || !caps.textures; 2], "{side} {caps:?}");
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
