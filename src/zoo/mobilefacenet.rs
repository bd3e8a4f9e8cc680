//! MobileFaceNet: inverted residual blocks, and a depthwise convolution over the last map in place of pooling.

use super::entry::{Entry, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;

const BASE: Entry = Entry {
    paper: presets::MOBILEFACENET,
    reference: "The paper's table; names of this project",
    licence: "No weights of the authors; those of ports have licences of their own",
    input: presets::rgb128([112, 112]),
    align: presets::ARCFACE_CROP,
    output: presets::cosine(128),
    ..presets::EMPTY
};

const MXNET: Entry = Entry {
    reference: "deepinsight/insightface, MXNet fmobilefacenet (MIT); names of this project",
    licence: "InsightFace's weights: non-commercial research",
    ..BASE
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "mobilefacenet",
        aliases: &["mobileface", "mobilefacenet-128", "mfn"],
        title: "MobileFaceNet",
        published: Published { parameters: "0.99 M", macs: "221 M", lfw: "99.55" },
        counts: Counts { parameters: 1_003_136, macs: 220_965_376 },
        fingerprint: presets::expect(5.90937, &[(0, -0.655633), (1, -0.187082), (2, -0.258428), (3, 0.601074)]),
        build: |n| mobilefacenet(n, 128),
        ..BASE
    },
    Entry {
        name: "mobilefacenet-512",
        aliases: &["mobileface-512"],
        title: "MobileFaceNet, 512 numbers",
        output: presets::cosine(512),
        counts: Counts { parameters: 1_200_512, macs: 221_161_984 },
        fingerprint: presets::expect(12.448, &[(0, -0.655633), (1, -0.187082), (2, -0.258428), (3, 0.601074)]),
        build: |n| mobilefacenet(n, 512),
        ..BASE
    },
    Entry {
        name: "mobilefacenet-y1",
        aliases: &["mobileface-y1", "y1"],
        title: "MobileFaceNet y1 of InsightFace",
        counts: Counts { parameters: 1_003_264, macs: 220_965_376 },
        fingerprint: presets::expect(5.98227, &[(0, -0.640565), (1, -0.19167), (2, -0.294961), (3, 0.650835)]),
        uncertain: "The epsilon is that of the MXNet code, 1e-3, and 2e-5 in the last layer.",
        build: y1,
        ..MXNET
    },
    Entry {
        name: "mobilefacenet-y2",
        aliases: &["mobileface-y2", "y2"],
        title: "MobileFaceNet y2 of InsightFace",
        output: presets::cosine(256),
        published: Published { macs: "933 MFLOPs (counter of the 2019 lightweight challenge)", ..Published::NONE },
        counts: Counts { parameters: 1_996_288, macs: 468_825_088 },
        fingerprint: presets::expect(24.3911, &[(0, -0.4988), (1, -0.217568), (2, -1.0425), (3, 0.955592)]),
        uncertain: "The epsilon is that of the MXNet code, 1e-3, and 2e-5 in the last layer.",
        build: y2,
        ..MXNET
    },
];

/// A line of the table: expansion of the input's channels, channels, blocks, stride of the first.
pub(super) type Row = (usize, usize, usize, usize);

const ROWS: [Row; 5] = [(2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)];
const ROWS_Y2: [Row; 5] = [(2, 64, 9, 2), (4, 128, 1, 2), (2, 128, 16, 1), (4, 128, 1, 2), (2, 128, 4, 1)];

/// The network of the paper with an embedding of this length.
pub(super) fn mobilefacenet(n: &mut Net, length: usize) {
    let x = stem(n);
    let x = n.conv_bn_prelu("conv2_dw", x, 64, k(3).p(1).g(64));
    let x = bottlenecks(n, x, 0, &ROWS, |_, _, x| x);
    tail(n, x, 512, length);
}

fn y1(n: &mut Net) {
    n.epsilon = 1e-3;
    let x = stem(n);
    let x = n.conv_bn_prelu("conv2_dw", x, 64, k(3).p(1).g(64));
    let x = bottlenecks(n, x, 0, &ROWS, |_, _, x| x);
    tail_mxnet(n, x, 128);
}

/// Deeper, and two blocks in place of the second layer.
fn y2(n: &mut Net) {
    n.epsilon = 1e-3;
    let mut x = stem(n);
    for i in 0..2 {
        x = bottleneck(n, &format!("conv2.{i}"), x, (64, 64, 1), |_, _, x| x);
    }
    let x = bottlenecks(n, x, 0, &ROWS_Y2, |_, _, x| x);
    tail_mxnet(n, x, 256);
}

pub(super) fn stem(n: &mut Net) -> Map {
    let x = n.input(3, [112, 112], false);
    n.conv_bn_prelu("conv1", x, 64, k(3).s(2).p(1))
}

/// The blocks of a table, numbered from `first`; `gate` is what comes before each sum, by the name of the block.
pub(super) fn bottlenecks(n: &mut Net, mut x: Map, first: usize, rows: &[Row], gate: fn(&mut Net, &str, Map) -> Map) -> Map {
    let mut number = first;
    for &(t, c, repeats, s) in rows {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { s } else { 1 };
            x = bottleneck(n, &format!("block{number}"), x, (t * x.c, c, stride), gate);
            number += 1;
        }
    }
    x
}

/// 1x1 to `wide` channels, depthwise of this stride, 1x1 to `c`, linear; added to the input where the shapes agree.
fn bottleneck(n: &mut Net, name: &str, x: Map, (wide, c, stride): (usize, usize, usize), gate: fn(&mut Net, &str, Map) -> Map) -> Map {
    let y = n.conv_bn_prelu(&format!("{name}.exp"), x, wide, k(1));
    let y = n.conv_bn_prelu(&format!("{name}.dw"), y, wide, k(3).s(stride).p(1).g(wide));
    let y = n.conv_bn(&format!("{name}.proj"), y, c, k(1));
    let y = gate(n, name, y);
    if stride == 1 && x.c == c { n.add(x, y) } else { y }
}

/// 1x1 to `wide` channels, depthwise over the whole map, linear layer, normalisation.
pub(super) fn tail(n: &mut Net, x: Map, wide: usize, length: usize) {
    let x = head(n, x, wide);
    let x = n.fc("fc", x, length, false);
    let x = n.bn("fc.bn", x);
    n.output("embedding", x);
}

fn tail_mxnet(n: &mut Net, x: Map, length: usize) {
    let x = head(n, x, 512);
    let x = n.fc("fc", x, length, true);
    n.epsilon = 2e-5;
    let x = n.bn("fc.bn", x);
    n.output("embedding", x);
}

/// What stands between the blocks and the linear layer.
pub(super) fn head(n: &mut Net, x: Map, wide: usize) -> Map {
    let x = n.conv_bn_prelu("conv6", x, wide, k(1));
    gdc(n, x)
}

/// The depthwise convolution that weighs every place of the last map, linear.
pub(super) fn gdc(n: &mut Net, x: Map) -> Map {
    n.conv_bn("gdc", x, x.c, k(7).g(x.c))
}
