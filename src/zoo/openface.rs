//! OpenFace nn4.small2.v1, as its weights were shipped.
//!
//! The pooling branches take steps and no padding; what they give is surrounded by zeros until it is as large as the other branches. The
//! repository's own definition differs in that.

use super::entry::{Crop, Embedding, Entry, Output, Paper, Published};
use super::net::{Kernel, Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::Similarity;

pub(super) const NETWORKS: &[Entry] = &[Entry {
    name: "openface-nn4-small2-v1",
    aliases: &["openface", "nn4.small2.v1", "nn4-small2", "openface-nn4-small2"],
    title: "OpenFace nn4.small2.v1",
    paper: Paper {
        title: "OpenFace: A general-purpose face recognition library with mobile applications",
        author: "Amos",
        year: 2016,
        venue: "CMU-CS-16-118",
    },
    reference: "cmusatyalab/openface (Apache-2.0)",
    licence: "OpenFace's weights: Apache-2.0",
    input: presets::rgb255([96, 96]),
    align: Some(Crop::Box),
    output: Output::Embedding(Embedding {
        similarity: Similarity::Euclidean,
        threshold: Some(0.55),
        threshold_source: "deepface library",
        ..presets::embedding(128)
    }),
    published: Published { parameters: "3,733,968", macs: "", lfw: "92.92" },
    counts: Counts { parameters: 3_733_968, macs: 200_118_272 },
    fingerprint: presets::expect(1.01998, &[(0, 0.059566), (1, 0.0496687), (2, 0.0504314), (3, -0.190187)]),
    uncertain: "Crops were made from the outer eye corners and the nose by an affine map, which five points cannot repeat.",
    build: nn4_small2,
    ..presets::EMPTY
}];

/// A block: channels before and after the larger convolutions (0 = none), their stride, the pooling branch, the 1x1 convolution.
struct Block {
    name: &'static str,
    three: [usize; 2],
    five: [usize; 2],
    stride: usize,
    pool: Pool,
    /// Channels after the pooling; 0 = as they come.
    projected: usize,
    one: usize,
}

/// Windows of 3x3 in steps of 2 or 3, without padding.
enum Pool {
    Max2,
    L2By3,
}

const BLOCKS: [Block; 7] = [
    Block { name: "incept3a", three: [96, 128], five: [16, 32], stride: 1, pool: Pool::Max2, projected: 32, one: 64 },
    Block { name: "incept3b", three: [96, 128], five: [32, 64], stride: 1, pool: Pool::L2By3, projected: 64, one: 64 },
    Block { name: "incept3c", three: [128, 256], five: [32, 64], stride: 2, pool: Pool::Max2, projected: 0, one: 0 },
    Block { name: "incept4a", three: [96, 192], five: [32, 64], stride: 1, pool: Pool::L2By3, projected: 128, one: 256 },
    Block { name: "incept4e", three: [160, 256], five: [64, 128], stride: 2, pool: Pool::Max2, projected: 0, one: 0 },
    Block { name: "incept5a", three: [96, 384], five: [0, 0], stride: 1, pool: Pool::L2By3, projected: 96, one: 256 },
    Block { name: "incept5b", three: [96, 384], five: [0, 0], stride: 1, pool: Pool::Max2, projected: 96, one: 256 },
];

fn nn4_small2(n: &mut Net) {
    let x = n.input(3, [96, 96], false);
    let x = conv(n, ["conv1", "bn1"], x, 64, k(7).s(2).p(3));
    let x = n.max_pool(x, k(3).s(2).p(1));
    let x = n.lrn(x, 5, 1e-4, 0.75);
    let x = conv(n, ["conv2", "bn2"], x, 64, k(1));
    let x = conv(n, ["conv3", "bn3"], x, 192, k(3).p(1));
    let x = n.lrn(x, 5, 1e-4, 0.75);
    let mut x = n.max_pool(x, k(3).s(2).p(1));
    for block in &BLOCKS {
        x = inception(n, block, x);
    }
    let x = n.global_avg(x);
    let x = n.fc("ln", x, 128, true);
    n.output("embedding", x);
}

/// Branches in the order of the joined channels, each numbered as a sequence of its own.
fn inception(n: &mut Net, block: &Block, x: Map) -> Map {
    let mut parts: Vec<Map> = Vec::new();
    for (size, [reduced, out]) in [(3, block.three), (5, block.five)] {
        if out > 0 {
            let branch = format!("{}.branches.{}", block.name, parts.len());
            let y = conv(n, [&format!("{branch}.0"), &format!("{branch}.1")], x, reduced, k(1));
            parts.push(conv(n, [&format!("{branch}.3"), &format!("{branch}.4")], y, out, k(size).s(block.stride).same()));
        }
    }
    let branch = format!("{}.branches.{}", block.name, parts.len());
    let mut pool = match block.pool {
        Pool::Max2 => n.max_pool(x, k(3).s(2)),
        Pool::L2By3 => n.l2_pool(x, k(3).s(3)),
    };
    if block.projected > 0 {
        pool = conv(n, [&format!("{branch}.1"), &format!("{branch}.2")], pool, block.projected, k(1));
    }
    // The odd row and column come last.
    let around = |n: usize| [n / 2, n.div_ceil(2)];
    let lacking = |whole: usize, part: usize| around(whole.div_ceil(block.stride).saturating_sub(part));
    parts.push(n.zeros_around(pool, [0, 0], lacking(x.h, pool.h), lacking(x.w, pool.w)));
    if block.one > 0 {
        let branch = format!("{}.branches.{}", block.name, parts.len());
        parts.push(conv(n, [&format!("{branch}.0"), &format!("{branch}.1")], x, block.one, k(1)));
    }
    n.concat(block.name, &parts)
}

/// Convolution with bias, BN, ReLU.
fn conv(n: &mut Net, [conv, bn]: [&str; 2], x: Map, out: usize, kernel: Kernel) -> Map {
    let x = n.conv(conv, x, out, kernel.bias());
    let x = n.bn(bn, x);
    n.relu(x)
}
