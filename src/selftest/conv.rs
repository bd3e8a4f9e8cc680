//! Cases of the convolution kernels and what is built on them: odd sizes, tile edges, batch 3, strides, dilations, groups, every epilogue.

use super::{Case, Input, Spread};
use crate::graph::{AutoPad, Conv, Epilogue, Linear, LocallyConnected, Op, Window};
use crate::kernels::conv::narrow;
use crate::model::Precision;
use crate::recording::{Caps, ConvAlgorithm, Force, GemmFamily, Kernel, Tile};

/// A convolution's shape.
#[derive(Clone, Copy)]
pub(super) struct Layer {
    pub(super) n: usize,
    pub(super) c: usize,
    pub(super) h: usize,
    pub(super) w: usize,
    pub(super) o: usize,
    pub(super) kernel: [usize; 2],
    pub(super) stride: usize,
    pub(super) dilation: usize,
    pub(super) pads: [usize; 4],
    pub(super) groups: usize,
}

pub(super) const fn layer(n: usize, c: usize, [h, w]: [usize; 2], o: usize, k: usize, stride: usize, pad: usize) -> Layer {
    Layer { n, c, h, w, o, kernel: [k, k], stride, dilation: 1, pads: [pad; 4], groups: 1 }
}

/// Dense layers: pixel counts around the tiles of 32, 64 and 128, channels around vec4s and blocks of 16, 32 and 64.
const DENSE: [Layer; 8] = [
    layer(1, 5, [7, 9], 6, 3, 1, 1),
    Layer { pads: [1, 0, 0, 1], ..layer(3, 16, [13, 11], 33, 3, 2, 0) },
    layer(2, 32, [8, 8], 64, 1, 1, 0),
    layer(1, 3, [23, 23], 32, 7, 2, 3),
    Layer { dilation: 2, ..layer(1, 8, [9, 9], 130, 3, 1, 2) },
    Layer { kernel: [3, 1], pads: [1, 0, 1, 0], ..layer(1, 18, [33, 1], 12, 3, 1, 1) },
    layer(3, 20, [6, 7], 17, 1, 2, 0),
    layer(1, 4, [1, 129], 4, 1, 1, 0),
];

/// For Winograd: 3x3, stride 1; maps that tiles of 2 and 4 do not cover exactly.
const WINOGRAD: [Layer; 4] = [
    layer(1, 5, [7, 9], 6, 3, 1, 1),
    layer(3, 32, [14, 13], 36, 3, 1, 1),
    layer(1, 8, [5, 6], 8, 3, 1, 0),
    Layer { pads: [2, 0, 1, 1], ..layer(2, 12, [9, 8], 7, 3, 1, 0) },
];

/// One epilogue after the other, so that every field is on in some case.
pub(super) fn epilogue(i: usize) -> Epilogue {
    match i % 5 {
        0 => Epilogue::default(),
        1 => Epilogue { slope: true, ..Epilogue::default() },
        2 => Epilogue { lo: Some(0.0), residual: true, ..Epilogue::default() },
        3 => Epilogue { lo: Some(-0.25), hi: Some(0.5), ..Epilogue::default() },
        _ => Epilogue { slope: true, residual: true, post_lo: Some(0.0), post_hi: Some(2.0), ..Epilogue::default() },
    }
}

fn conv_case(l: &Layer, input: Input, i: usize, pre_affine: bool) -> Case {
    let window = Window { kernel: l.kernel, stride: [l.stride; 2], dilation: [l.dilation; 2], pads: l.pads, auto: AutoPad::Explicit };
    let out = [window.output(0, l.h, false).unwrap_or(1), window.output(1, l.w, false).unwrap_or(1)];
    // Bounds are only meaningful where values are about one.
    let plain = matches!(input, Input::Noise);
    let epilogue = if plain { epilogue(i) } else { Epilogue::default() };
    let bias = plain || i.is_multiple_of(2);
    let mut operands = vec![
        (input.tensor(&[l.n, l.c, l.h, l.w], 1), true),
        (Input::Noise.tensor(&[l.o, l.c / l.groups, l.kernel[0], l.kernel[1]], 2), false),
    ];
    let vector = |len: usize, seed: u32| (Input::Noise.tensor(&[len], seed), false);
    operands.extend(bias.then(|| vector(l.o, 3)));
    operands.extend(pre_affine.then(|| vector(l.c, 4)));
    operands.extend(pre_affine.then(|| vector(l.c, 5)));
    operands.extend(epilogue.slope.then(|| vector(l.o, 6)));
    operands.extend(epilogue.residual.then(|| (Input::Noise.tensor(&[l.n, l.o, out[0], out[1]], 7), true)));
    let name = format!(
        "{}x{}x{}x{} -> {} k{}x{} s{} d{} p{:?} g{} {}{}",
        l.n,
        l.c,
        l.h,
        l.w,
        l.o,
        l.kernel[0],
        l.kernel[1],
        l.stride,
        l.dilation,
        l.pads,
        l.groups,
        input.label(),
        if epilogue.is_none() { "" } else { " + epilogue" }
    );
    let terms = l.c / l.groups * l.kernel[0] * l.kernel[1] + 3;
    Case::new(name, Op::Conv(Conv { window, groups: l.groups, bias, pre_affine, epilogue }), operands, terms)
}

/// Every layer with noise (and an epilogue), and each kind of input on some layer.
pub(super) fn spread_inputs(layers: &[Layer], pre_affine: bool) -> Vec<Case> {
    let mut out: Vec<Case> = layers.iter().enumerate().map(|(i, l)| conv_case(l, Input::Noise, i, pre_affine)).collect();
    out.extend(Input::ALL.iter().enumerate().map(|(i, &input)| conv_case(&layers[i % layers.len()], input, i, pre_affine)));
    out
}

pub(super) fn both_precisions(cases: Vec<Case>) -> Vec<Case> {
    let halves = cases.iter().cloned().map(|c| Case { precision: Precision::F16, name: format!("{} f16", c.name), ..c });
    let halves: Vec<_> = halves.collect();
    cases.into_iter().chain(halves).collect()
}

pub(crate) fn subgroup_gemm(caps: &Caps) -> Vec<Case> {
    let Some(size) = caps.subgroup_size() else { return Vec::new() };
    let tiles: &[&'static str] = if size > 16 { &["p32"] } else { &["p32", "p28", "p16"] };
    tiles
        .iter()
        .flat_map(|tile| {
            let gemm = Some(GemmFamily::Subgroup(size));
            let force = Force { conv: Some(ConvAlgorithm::Gemm), form: Some(tile), gemm, ..Force::default() };
            both_precisions(spread_inputs(&DENSE, false)).into_iter().map(move |c| Case { force: force.clone(), ..c })
        })
        .collect()
}

pub(crate) fn tiled_gemm(caps: &Caps) -> Vec<Case> {
    let tiles = Tile::of(&Caps { gemm: GemmFamily::Tiled, ..caps.clone() }, false).into_iter();
    tiles
        .filter(|tile| matches!(tile.kernel(), Kernel::Tiled | Kernel::DoubleTiled))
        .flat_map(|tile| {
            let form = Some(tile.name());
            let force = Force { conv: Some(ConvAlgorithm::Gemm), form, gemm: Some(GemmFamily::Tiled), ..Force::default() };
            both_precisions(spread_inputs(&DENSE, false)).into_iter().map(move |c| Case { force: force.clone(), ..c })
        })
        .collect()
}

/// What multiplies cooperative matrices: convolutions, and Winograd's planes.
pub(crate) fn coop_gemm(caps: &Caps) -> Vec<Case> {
    if caps.cooperative.is_none() {
        return Vec::new();
    }
    let dense = |slices| spread_inputs(&DENSE, false).into_iter().map(move |c| (c, ConvAlgorithm::Gemm, slices, 1.0, Spread::Local));
    let planes = spread_inputs(&WINOGRAD, true).into_iter().map(|c| (c, ConvAlgorithm::Winograd(2), None, 2.0, Spread::Output));
    dense(None)
        .chain(dense(Some(2)))
        .chain(planes)
        .map(|(c, algorithm, slices, factor, spread)| {
            // Weights are rounded to the nearest half, activations to either neighbour; those below 2^-14 by up to 2^-24.
            let half_factor = 3.0 * factor;
            let force = Force { conv: Some(algorithm), form: Some("coop"), slices, gemm: Some(GemmFamily::Tiled), ..Force::default() };
            let floor = c.floor + half_factor * c.terms * 2f64.powi(-25);
            Case {
                name: format!("{} f16 {algorithm:?}{}", c.name, slices.map(|n| format!(" in {n} slices")).unwrap_or_default()),
                precision: Precision::F16,
                force,
                factor,
                half_factor,
                floor,
                spread,
                ..c
            }
        })
        .collect()
}

pub(crate) fn naive(_caps: &Caps) -> Vec<Case> {
    let force = Force { conv: Some(ConvAlgorithm::Naive), ..Force::default() };
    spread_inputs(&DENSE, true).into_iter().map(|c| Case { force: force.clone(), ..c }).collect()
}

/// Layers of 1 to 16 channels, by both families.
pub(crate) fn narrow(caps: &Caps) -> Vec<Case> {
    let layers = [
        layer(1, 3, [7, 9], 10, 3, 1, 1),
        Layer { pads: [1, 0, 0, 1], ..layer(3, 16, [13, 11], 16, 3, 2, 0) },
        layer(2, 33, [8, 8], 4, 1, 1, 0),
        layer(1, 3, [23, 23], 7, 7, 2, 3),
        Layer { dilation: 2, ..layer(1, 8, [9, 9], 1, 3, 1, 2) },
        layer(1, 18, [65, 1], 2, 1, 1, 0),
        layer(3, 20, [6, 7], 13, 1, 2, 0),
    ];
    // It adds nothing behind the activation.
    let alone = |c: &Case| !matches!(&c.op, Op::Conv(conv) if conv.epilogue.residual);
    let subgroups = caps.subgroup_size().filter(|size| narrow::SUBGROUPS.contains(size));
    let families = [subgroups.map(|size| (GemmFamily::Subgroup(size), true)), Some((GemmFamily::Tiled, false))];
    let family = |(gemm, textures)| {
        let force = Force { conv: Some(ConvAlgorithm::Narrow), gemm: Some(gemm), textures: Some(textures), ..Force::default() };
        let cases = spread_inputs(&layers, false).into_iter().chain(spread_inputs(&layers, true)).filter(alone);
        // Its weights stay f32, whatever is asked for.
        let half =
            |(i, c): (usize, Case)| Case { precision: if i % 5 == 1 { Precision::F16 } else { Precision::F32 }, half_factor: 0.0, ..c };
        cases.enumerate().map(half).map(move |c| Case { force: force.clone(), ..c })
    };
    families.into_iter().flatten().flat_map(family).collect()
}

fn winograd(_caps: &Caps) -> Vec<Case> {
    // Growth of rounding errors by the transforms, see docs/tolerances.md.
    [(2, 2.0), (4, 9.0)]
        .into_iter()
        .flat_map(|(m, factor)| {
            let force = Force { conv: Some(ConvAlgorithm::Winograd(m)), ..Force::default() };
            let cases = spread_inputs(&WINOGRAD, false).into_iter().chain(spread_inputs(&WINOGRAD, true));
            both_precisions(cases.collect()).into_iter().map(move |c| Case {
                force: force.clone(),
                factor,
                half_factor: 2.0,
                spread: Spread::Output,
                ..c
            })
        })
        .collect()
}

pub(crate) fn winograd_input(caps: &Caps) -> Vec<Case> {
    winograd(caps)
}

/// The transforms are only meaningful together; one layer of each size names the second one too.
pub(crate) fn winograd_output(caps: &Caps) -> Vec<Case> {
    winograd(caps).into_iter().filter(|c| c.name.starts_with("3x32")).collect()
}

pub(crate) fn depthwise(_caps: &Caps) -> Vec<Case> {
    let layers = |pads| {
        [
            Layer { groups: 5, pads, ..layer(1, 5, [7, 9], 5, 3, 1, 1) },
            Layer { groups: 16, pads, ..layer(3, 16, [8, 8], 16, 3, 2, 1) },
            Layer { groups: 6, pads, ..layer(2, 6, [9, 7], 6, 3, 2, 1) },
            Layer { groups: 33, ..layer(2, 33, [7, 7], 33, 7, 1, 0) },
            Layer { groups: 8, pads: [0, 1, 1, 0], ..layer(1, 8, [2, 5], 8, 3, 1, 1) },
            Layer { groups: 6, dilation: 2, ..layer(1, 6, [9, 10], 6, 3, 1, 2) },
        ]
    };
    let any = Force { form: Some("any"), ..Force::default() };
    let unrolled = spread_inputs(&layers([1; 4]), false);
    let plain = spread_inputs(&layers([1, 0, 1, 1]), true).into_iter().map(move |c| Case { force: any.clone(), ..c });
    let depthwise = unrolled.into_iter().chain(plain);
    depthwise.map(|c| Case { force: Force { conv: Some(ConvAlgorithm::Depthwise), ..c.force.clone() }, ..c }).collect()
}

pub(crate) fn grouped(_caps: &Caps) -> Vec<Case> {
    let layers = [
        Layer { groups: 2, ..layer(1, 6, [7, 9], 10, 3, 1, 1) },
        Layer { groups: 8, ..layer(3, 16, [8, 7], 16, 3, 2, 1) },
        Layer { groups: 4, ..layer(2, 32, [5, 5], 32, 1, 1, 0) },
        Layer { groups: 5, ..layer(1, 5, [6, 6], 15, 3, 1, 1) },
        Layer { groups: 3, dilation: 2, ..layer(1, 9, [9, 9], 6, 3, 1, 2) },
        layer(1, 7, [5, 5], 9, 3, 1, 1),
    ];
    let force = Force { conv: Some(ConvAlgorithm::Grouped), ..Force::default() };
    spread_inputs(&layers, false).into_iter().map(|c| Case { force: force.clone(), ..c }).collect()
}

pub(crate) fn locally_connected(_caps: &Caps) -> Vec<Case> {
    let layers: [(Layer, [usize; 2]); 5] = [
        (layer(1, 3, [7, 8], 5, 3, 1, 0), [1, 1]),
        (layer(3, 8, [9, 9], 16, 5, 2, 0), [1, 1]),
        (layer(9, 6, [6, 4], 7, 3, 1, 1), [2, 2]),
        (layer(2, 4, [5, 7], 12, 2, 1, 0), [2, 3]),
        (layer(1, 20, [5, 5], 33, 3, 1, 1), [2, 2]),
    ];
    let case = |(l, tile): &(Layer, [usize; 2]), input: Input, i: usize| {
        let window = Window { kernel: l.kernel, stride: [l.stride; 2], dilation: [1; 2], pads: l.pads, auto: AutoPad::Explicit };
        let out = [window.output(0, l.h, false).unwrap_or(1), window.output(1, l.w, false).unwrap_or(1)];
        let (ty, tx) = (out[0].div_ceil(tile[0]), out[1].div_ceil(tile[1]));
        let epilogue = Epilogue { residual: false, ..epilogue(i) };
        let epilogue = if input == Input::Noise { epilogue } else { Epilogue::default() };
        let mut operands = vec![
            (input.tensor(&[l.n, l.c, l.h, l.w], 1), true),
            (Input::Noise.tensor(&[ty, tx, l.o, l.c, l.kernel[0], l.kernel[1]], 2), false),
            (Input::Noise.tensor(&[ty, tx, l.o], 3), false),
        ];
        operands.extend(epilogue.slope.then(|| (Input::Noise.tensor(&[l.o], 4), false)));
        let name = format!("{}x{}x{}x{} -> {} tile {tile:?} {}", l.n, l.c, l.h, l.w, l.o, input.label());
        let op = Op::LocallyConnected(LocallyConnected { window, tile: *tile, bias: true, epilogue });
        Case::new(name, op, operands, l.c * l.kernel[0] * l.kernel[1] + 3)
    };
    let mut out: Vec<Case> = layers.iter().enumerate().map(|(i, l)| case(l, Input::Noise, i)).collect();
    out.extend(Input::ALL.iter().enumerate().map(|(i, &input)| case(&layers[i], input, i)));
    both_precisions(out)
}

pub(crate) fn gemv(_caps: &Caps) -> Vec<Case> {
    let shapes: [(&[usize], usize); 5] = [(&[1, 7], 5), (&[2, 64], 130), (&[1, 5, 3, 2], 10), (&[1, 260], 64), (&[2, 8, 2, 2], 33)];
    let case = |(shape, o): &(&[usize], usize), input: Input, i: usize, order: &[usize]| {
        let k: usize = shape[1..].iter().product();
        let epilogue = if input == Input::Noise { epilogue(i) } else { Epilogue::default() };
        let mut operands =
            vec![(input.tensor(shape, 1), true), (Input::Noise.tensor(&[*o, k], 2), false), (Input::Noise.tensor(&[*o], 3), false)];
        operands.extend(epilogue.slope.then(|| (Input::Noise.tensor(&[*o], 4), false)));
        operands.extend(epilogue.residual.then(|| (Input::Noise.tensor(&[shape[0], *o], 5), true)));
        let flatten_order = if shape.len() == 4 { order.to_vec() } else { Vec::new() };
        let name = format!("{shape:?} -> {o} order {flatten_order:?} {}", input.label());
        Case::new(name, Op::Linear(Linear { bias: true, flatten_order, epilogue }), operands, k + 3)
    };
    let mut cases: Vec<Case> = shapes.iter().enumerate().map(|(i, s)| case(s, Input::Noise, i, &[2, 1, 0])).collect();
    cases.extend(Input::ALL.iter().enumerate().map(|(i, &input)| case(&shapes[i], input, i, &[])));
    ["l4", "l8", "l16", "l32"]
        .iter()
        .flat_map(|form| {
            let force = Force { form: Some(form), ..Force::default() };
            both_precisions(cases.clone()).into_iter().map(move |c| Case { force: force.clone(), ..c })
        })
        .collect()
}
