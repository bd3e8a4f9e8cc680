//! MobileFaceNet as InsightFace trains it with PyTorch.

use super::entry::{Embedding, Entry, Output, Published};
use super::net::{Kernel, Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::Flip;

const BASE: Entry = Entry {
    paper: presets::MOBILEFACENET,
    reference: "deepinsight/insightface, recognition/arcface_torch (MIT)",
    licence: "InsightFace's weights: non-commercial research",
    input: presets::rgb([112, 112], [127.5; 3], [1.0 / 127.5; 3]),
    align: presets::ARCFACE_CROP,
    output: Output::Embedding(Embedding {
        flip: Flip::Sum,
        post: "The runtime of InsightFace leaves the mirror image out.",
        ..presets::embedding(512)
    }),
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "mbf",
        aliases: &["arcface-mbf", "mobilefacenet-insightface", "w600k-mbf", "buffalo-s"],
        title: "MobileFaceNet of InsightFace",
        published: Published { macs: "0.45 G", lfw: "99.70 (buffalo_s)", ..Published::NONE },
        counts: Counts { parameters: 2_059_520, macs: 437_520_896 },
        fingerprint: presets::expect(7.76409, &[(0, 0.227221), (1, -0.429967), (2, 0.355461), (3, 0.046_251_1)]),
        build: |n| mbf(n, 128, [1, 4, 6, 2]),
        ..BASE
    },
    Entry {
        name: "mbf-large",
        aliases: &["arcface-mbf-large"],
        title: "MobileFaceNet of InsightFace, large",
        counts: Counts { parameters: 6_314_880, macs: 1_816_482_816 },
        fingerprint: presets::expect(27.8169, &[(0, -0.331559), (1, -1.21245), (2, 0.181787), (3, -0.143032)]),
        build: |n| mbf(n, 256, [2, 8, 12, 4]),
        ..BASE
    },
];

/// The whole network: `wide` channels in the first layers and twice as many in the last, `blocks` with a sum a stage.
fn mbf(n: &mut Net, wide: usize, blocks: [usize; 4]) {
    let [second, third, fourth, fifth] = blocks;
    let x = n.input(3, [112, 112], false);
    let x = conv(n, "layers.0", x, wide, k(3).s(2).p(1));
    let x = if second == 1 { conv(n, "layers.1", x, wide, k(3).p(1).g(64)) } else { residual(n, "layers.1", x, second, 128) };
    let x = depthwise(n, "layers.2", x, wide, 128, 2);
    let x = residual(n, "layers.3", x, third, 128);
    let x = depthwise(n, "layers.4", x, 2 * wide, 256, 2);
    let x = residual(n, "layers.5", x, fourth, 256);
    let x = depthwise(n, "layers.6", x, 2 * wide, 512, 2);
    let x = residual(n, "layers.7", x, fifth, 256);
    let x = conv(n, "conv_sep", x, 512, k(1));
    let x = linear(n, "features.layers.0", x, 512, k(7).g(512));
    let x = n.fc("features.layers.2", x, 512, false);
    let x = n.bn("features.layers.3", x);
    n.output("embedding", x);
}

/// Blocks that keep the shape, each added to its input.
fn residual(n: &mut Net, name: &str, mut x: Map, blocks: usize, groups: usize) -> Map {
    for block in 0..blocks {
        let y = depthwise(n, &format!("{name}.layers.{block}"), x, x.c, groups, 1);
        x = n.add(x, y);
    }
    x
}

/// 1x1 to `groups` channels, depthwise of this stride, 1x1 to `c`, linear.
fn depthwise(n: &mut Net, name: &str, x: Map, c: usize, groups: usize, stride: usize) -> Map {
    let x = conv(n, &format!("{name}.layers.0"), x, groups, k(1));
    let x = conv(n, &format!("{name}.layers.1"), x, groups, k(3).s(stride).p(1).g(groups));
    linear(n, &format!("{name}.layers.2"), x, c, k(1))
}

fn conv(n: &mut Net, name: &str, x: Map, c: usize, kernel: Kernel) -> Map {
    let x = linear(n, name, x, c, kernel);
    n.prelu(&format!("{name}.layers.2"), x)
}

fn linear(n: &mut Net, name: &str, x: Map, c: usize, kernel: Kernel) -> Map {
    let x = n.conv(&format!("{name}.layers.0"), x, c, kernel);
    n.bn(&format!("{name}.layers.1"), x)
}
