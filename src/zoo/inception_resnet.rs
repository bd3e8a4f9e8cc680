//! Inception-ResNet-v1, the network by which FaceNet's method is known in practice.

use super::entry::{Crop, Embedding, Entry, Output, Paper, Published};
use super::net::{Kernel, Map, Net, k, k2};
use super::presets;
use crate::graph::Counts;
use crate::model::Similarity;

const BASE: Entry = Entry {
    paper: Paper {
        title: "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
        author: "Szegedy",
        year: 2016,
        venue: "AAAI 2017, arXiv 1602.07261",
    },
    reference: "davidsandberg/facenet (MIT), timesler/facenet-pytorch (MIT), whose names these are",
    licence: "weights: MIT as the code; trained on VGGFace2, CASIA-WebFace or MS-Celeb-1M, which are for research",
    input: presets::rgb128([160, 160]),
    align: Some(Crop::Template("facenet-160")),
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "inception-resnet-v1",
        aliases: &["facenet512", "inception-resnet-v1-512", "facenet-pytorch"],
        title: "FaceNet Inception-ResNet-v1, 512 numbers",
        output: output(512, 1.04, "deepface library, Facenet512"),
        published: Published { parameters: "23.469 M", macs: "2.846 G (twice)", lfw: "99.65 (VGGFace2), 99.05 (CASIA-WebFace)" },
        counts: Counts { parameters: 23_482_624, macs: 1_417_662_304 },
        fingerprint: presets::expect(4.36768, &[(0, 0.0804154), (1, 0.381983), (2, 0.0567748), (3, 0.0583118)]),
        uncertain: "TensorFlow's weights have no factor in their batch normalisations, so published counts are 14,800 lower.",
        build: |n| inception_resnet(n, 512),
        ..BASE
    },
    Entry {
        name: "inception-resnet-v1-128",
        aliases: &["facenet", "facenet128"],
        title: "FaceNet Inception-ResNet-v1, 128 numbers",
        output: output(128, 0.8, "deepface library, Facenet"),
        counts: Counts { parameters: 22_793_728, macs: 1_416_974_176 },
        fingerprint: presets::expect(2.00836, &[(0, 0.0804154), (1, 0.381983), (2, 0.0567748), (55, 0.639191)]),
        uncertain: "TensorFlow's weights have no factor in their batch normalisations, so published counts are 14,416 lower. The weights \
                    of 2017 were trained on pictures scaled by their own mean and deviation, to which a fixed mean and scale only come \
                    near.",
        build: |n| inception_resnet(n, 128),
        ..BASE
    },
];

const fn output(length: usize, threshold: f32, threshold_source: &'static str) -> Output {
    Output::Embedding(Embedding {
        similarity: Similarity::Euclidean,
        threshold: Some(threshold),
        threshold_source,
        ..presets::embedding(length)
    })
}

fn inception_resnet(n: &mut Net, length: usize) {
    n.epsilon = 1e-3;
    let x = n.input(3, [160, 160], false);
    let x = conv(n, "conv2d_1a", x, 32, k(3).s(2));
    let x = conv(n, "conv2d_2a", x, 32, k(3));
    let x = conv(n, "conv2d_2b", x, 64, k(3).p(1));
    let x = n.max_pool(x, k(3).s(2));
    let x = conv(n, "conv2d_3b", x, 80, k(1));
    let x = conv(n, "conv2d_4a", x, 192, k(3));
    let mut x = conv(n, "conv2d_4b", x, 256, k(3).s(2));
    for i in 0..5 {
        x = block35(n, &format!("repeat_1.{i}"), x);
    }
    let mut x = mixed_6a(n, x);
    for i in 0..10 {
        x = block17(n, &format!("repeat_2.{i}"), x);
    }
    let mut x = mixed_7a(n, x);
    for i in 0..5 {
        let sum = block8(n, &format!("repeat_3.{i}"), x, 0.2);
        x = n.relu(sum);
    }
    let x = block8(n, "block8", x, 1.0);
    let x = n.global_avg(x);
    let x = n.fc("last_linear", x, length, false);
    let x = n.bn("last_bn", x);
    n.output("embedding", x);
}

fn block35(n: &mut Net, name: &str, x: Map) -> Map {
    let a = conv(n, &format!("{name}.branch0"), x, 32, k(1));
    let b = chain(n, &format!("{name}.branch1"), x, &[(32, k(1)), (32, k(3).p(1))]);
    let c = chain(n, &format!("{name}.branch2"), x, &[(32, k(1)), (32, k(3).p(1)), (32, k(3).p(1))]);
    let sum = residual(n, name, x, &[a, b, c], 0.17);
    n.relu(sum)
}

fn block17(n: &mut Net, name: &str, x: Map) -> Map {
    let a = conv(n, &format!("{name}.branch0"), x, 128, k(1));
    let b = chain(n, &format!("{name}.branch1"), x, &[(128, k(1)), (128, k2(1, 7).same()), (128, k2(7, 1).same())]);
    let sum = residual(n, name, x, &[a, b], 0.1);
    n.relu(sum)
}

/// Before the ReLU, which the last one lacks.
fn block8(n: &mut Net, name: &str, x: Map, factor: f32) -> Map {
    let a = conv(n, &format!("{name}.branch0"), x, 192, k(1));
    let b = chain(n, &format!("{name}.branch1"), x, &[(192, k(1)), (192, k2(1, 3).same()), (192, k2(3, 1).same())]);
    residual(n, name, x, &[a, b], factor)
}

/// `x + factor * up(concat)`
fn residual(n: &mut Net, name: &str, x: Map, parts: &[Map], factor: f32) -> Map {
    let joined = n.concat(name, parts);
    let up = n.conv(&format!("{name}.conv2d"), joined, x.c, k(1).bias());
    let up = if factor == 1.0 { up } else { n.scaled(up, factor) };
    n.add(up, x)
}

fn mixed_6a(n: &mut Net, x: Map) -> Map {
    let a = conv(n, "mixed_6a.branch0", x, 384, k(3).s(2));
    let b = chain(n, "mixed_6a.branch1", x, &[(192, k(1)), (192, k(3).p(1)), (256, k(3).s(2))]);
    let c = n.max_pool(x, k(3).s(2));
    n.concat("mixed_6a", &[a, b, c])
}

fn mixed_7a(n: &mut Net, x: Map) -> Map {
    let a = chain(n, "mixed_7a.branch0", x, &[(256, k(1)), (384, k(3).s(2))]);
    let b = chain(n, "mixed_7a.branch1", x, &[(256, k(1)), (256, k(3).s(2))]);
    let c = chain(n, "mixed_7a.branch2", x, &[(256, k(1)), (256, k(3).p(1)), (256, k(3).s(2))]);
    let d = n.max_pool(x, k(3).s(2));
    n.concat("mixed_7a", &[a, b, c, d])
}

/// Convolutions one after the other, numbered.
fn chain(n: &mut Net, name: &str, x: Map, rows: &[(usize, Kernel)]) -> Map {
    rows.iter().enumerate().fold(x, |x, (i, &(out, kernel))| conv(n, &format!("{name}.{i}"), x, out, kernel))
}

/// Convolution, BN, ReLU.
fn conv(n: &mut Net, name: &str, x: Map, out: usize, kernel: Kernel) -> Map {
    let x = n.conv(&format!("{name}.conv"), x, out, kernel);
    let x = n.bn(&format!("{name}.bn"), x);
    n.relu(x)
}
