//! SCRFD with landmarks, a detector on three strides whose stages were sized by search: MobileNet blocks for 500 MFLOP, residual ones for 2.5 GFLOP.

use super::entry::{Entry, Expected, Output, Paper, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;

const BASE: Entry = Entry {
    paper: Paper {
        title: "Sample and Computation Redistribution for Efficient Face Detection",
        author: "Guo",
        year: 2021,
        venue: "ICLR 2022, arXiv 2105.04714",
    },
    reference: "deepinsight/insightface, detection/scrfd (Apache-2.0)",
    licence: "InsightFace's weights: non-commercial research",
    // Sides that are multiples of 32.
    input: presets::free(presets::rgb128([480, 640])),
    output: Output::Detector,
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "scrfd-500m",
        aliases: &["scrfd-500m-bnkps"],
        title: "SCRFD-500M with landmarks",
        published: Published { parameters: "0.57 M", macs: "500 M at 640x480", ..Published::NONE },
        counts: Counts { parameters: 631_410, macs: 550_159_200 },
        fingerprint: raw(
            &["cls0", "box0", "kps0", "cls1", "box1", "kps1", "cls2", "box2", "kps2"],
            13.0872,
            &[(0, -0.0635238), (1, -0.0267853), (2, -0.0397227), (3, -0.0510905)],
        ),
        build: small,
        ..BASE
    },
    Entry {
        name: "scrfd-2.5g",
        aliases: &["scrfd-2.5g-bnkps"],
        title: "SCRFD-2.5G with landmarks",
        published: Published { parameters: "0.82 M", macs: "2.5 G at 640x480", ..Published::NONE },
        counts: Counts { parameters: 819_809, macs: 2_571_091_200 },
        fingerprint: raw(
            &["cls0", "scale0", "kps0", "cls1", "scale1", "kps1", "cls2", "scale2", "kps2"],
            77.8987,
            &[(0, 0.0837465), (1, 0.0816413), (2, 0.247509), (3, 0.162582)],
        ),
        build: large,
        ..BASE
    },
];

const fn raw(values: &'static [&'static str], norm: f64, elements: &'static [(usize, f64)]) -> Option<Expected> {
    Some(Expected { values, size: Some([160, 160]), norm, elements })
}

fn small(n: &mut Net) {
    let x = n.input(3, [480, 640], true);
    let x = conv(n, "stem.conv", x, 16, 3, 2);
    let mut x = separable(n, "stem.dwb", x, 16, 1);
    let mut stages = Vec::with_capacity(4);
    for (stage, (blocks, channels)) in (1..).zip([(2, 40), (3, 72), (2, 152), (6, 288)]) {
        for block in 0..blocks {
            x = separable(n, &format!("layer{stage}.{block}"), x, channels, if block == 0 { 2 } else { 1 });
        }
        stages.push(x);
    }
    detect(n, &stages, 16, false, |n, name, x| separable(n, name, x, 64, 1));
}

fn large(n: &mut Net) {
    let mut x = n.input(3, [480, 640], true);
    for (i, (channels, stride)) in [(12, 2), (12, 1), (24, 1)].into_iter().enumerate() {
        x = conv(n, &format!("stem.{i}"), x, channels, 3, stride);
    }
    x = n.max_pool(x, k(2).s(2));
    let mut stages = Vec::with_capacity(4);
    for (stage, (blocks, channels)) in (1..).zip([(3, 24), (5, 48), (3, 48), (2, 80)]) {
        for block in 0..blocks {
            x = residual(n, &format!("layer{stage}.{block}"), x, channels, if block == 0 && stage > 1 { 2 } else { 1 });
        }
        stages.push(x);
    }
    detect(n, &stages, 24, true, |n, name, x| conv(n, name, x, 64, 3, 1));
}

/// Convolution, BN, ReLU.
fn conv(n: &mut Net, name: &str, x: Map, channels: usize, size: usize, stride: usize) -> Map {
    let x = linear_conv(n, name, x, channels, size, stride);
    n.relu(x)
}

/// Convolution, BN.
fn linear_conv(n: &mut Net, name: &str, x: Map, channels: usize, size: usize, stride: usize) -> Map {
    let x = n.conv(name, x, channels, k(size).s(stride).same());
    n.bn(&format!("{name}.bn"), x)
}

/// Depthwise, then 1x1, each with BN and ReLU.
fn separable(n: &mut Net, name: &str, x: Map, channels: usize, stride: usize) -> Map {
    let dw = format!("{name}.dw");
    let x = n.conv(&dw, x, x.c, k(3).s(stride).p(1).g(x.c));
    let x = n.bn(&format!("{dw}.bn"), x);
    let x = n.relu(x);
    conv(n, &format!("{name}.pw"), x, channels, 1, 1)
}

/// The basic block, whose shortcut is averaged before it is widened.
fn residual(n: &mut Net, name: &str, x: Map, channels: usize, stride: usize) -> Map {
    let y = conv(n, &format!("{name}.conv1"), x, channels, 3, stride);
    let y = linear_conv(n, &format!("{name}.conv2"), y, channels, 3, 1);
    let shortcut = if stride == 1 {
        x
    } else {
        let x = n.avg_pool(x, k(2).s(2));
        linear_conv(n, &format!("{name}.down"), x, channels, 1, 1)
    };
    let y = n.add(y, shortcut);
    n.relu(y)
}

/// Neck and heads on the last three stages: two anchors a cell, each with a score, four distances and five points.
fn detect(n: &mut Net, stages: &[Map], width: usize, scaled: bool, head: fn(&mut Net, &str, Map) -> Map) {
    let mut levels = neck(n, stages.get(1..).unwrap_or_default(), width);
    for (level, x) in levels.iter_mut().enumerate() {
        for layer in 0..2 {
            *x = head(n, &format!("head{level}.{layer}"), *x);
        }
    }
    let part =
        |n: &mut Net, name: &str, level: usize, x: Map, channels: usize| n.conv(&format!("{name}{level}"), x, channels, k(3).p(1).bias());
    for (level, &x) in levels.iter().enumerate() {
        let x = part(n, "cls", level, x, 2);
        let x = n.rows(x, 1);
        let x = n.sigmoid(x);
        n.output(&format!("score_{}", 8 << level), x);
    }
    for (level, &x) in levels.iter().enumerate() {
        let x = part(n, "box", level, x, 8);
        let x = if scaled { n.scale(&format!("scale{level}"), x) } else { x };
        let x = n.rows(x, 4);
        n.output(&format!("bbox_{}", 8 << level), x);
    }
    for (level, &x) in levels.iter().enumerate() {
        let x = part(n, "kps", level, x, 20);
        let x = n.rows(x, 10);
        n.output(&format!("kps_{}", 8 << level), x);
    }
}

/// Top-down, then bottom-up; plain convolutions with biases.
fn neck(n: &mut Net, taps: &[Map], width: usize) -> Vec<Map> {
    let mut levels: Vec<_> = taps.iter().enumerate().map(|(l, &x)| n.conv(&format!("lat{l}"), x, width, k(1).bias())).collect();
    for l in (1..levels.len()).rev() {
        let up = n.upsample2(levels[l]);
        levels[l - 1] = n.add(levels[l - 1], up);
    }
    for (l, x) in levels.iter_mut().enumerate() {
        *x = n.conv(&format!("fpn{l}"), *x, width, k(3).p(1).bias());
    }
    for l in 1..levels.len() {
        let down = n.conv(&format!("down{}", l - 1), levels[l - 1], width, k(3).s(2).p(1).bias());
        levels[l] = n.add(levels[l], down);
    }
    for (l, x) in levels.iter_mut().enumerate().skip(1) {
        *x = n.conv(&format!("pafpn{l}"), *x, width, k(3).p(1).bias());
    }
    levels
}
