//! The face recognition network of dlib: 29 convolutions, and sums in which the smaller operand is filled up with zeros.

use super::entry::{Crop, Embedding, Entry, Input, Output, Paper, Published};
use super::net::{Kernel, Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::{Normalize, Similarity};

pub(super) const NETWORKS: &[Entry] = &[Entry {
    name: "dlib-resnet-v1",
    aliases: &["dlib", "dlib-face-recognition-resnet-model-v1", "face-recognition-model-v1"],
    title: "dlib face recognition ResNet, version 1",
    paper: Paper { title: "High Quality Face Recognition with Deep Metric Learning", author: "King", year: 2017, venue: "dlib blog" },
    reference: "davisking/dlib, dnn_face_recognition_ex (Boost); names of face-api.js (MIT)",
    licence: "dlib's weights: CC0",
    input: Input { mean: [122.782, 117.001, 104.298], ..presets::rgb([150, 150], [0.0; 3], [1.0 / 256.0; 3]) },
    align: Some(CROP),
    output: Output::Embedding(Embedding {
        normalize: Normalize::None,
        similarity: Similarity::Euclidean,
        threshold: Some(0.6),
        threshold_source: "dlib, for its own weights.",
        post: "Optionally the mean over copies of the crop that are shifted and turned a little.",
        ..presets::embedding(128)
    }),
    published: Published { lfw: "99.38 (mean over 100 jittered copies), 99.13 without", ..Published::NONE },
    counts: Counts { parameters: 5_614_592, macs: 270_854_144 },
    fingerprint: presets::expect(20.7747, &[(0, -1.87292), (1, 1.64026), (2, 0.977651), (3, 2.15875)]),
    uncertain: "dlib crops by the corners of the eyes and the base of the nose. The five points here are the median places of MTCNN's in such crops.",
    build: dlib,
    ..presets::EMPTY
}];

const CROP: Crop = Crop::Points([[43.258, 35.592], [102.303, 35.427], [72.953, 71.846], [47.126, 102.143], [98.99, 103.301]]);

/// The whole network.
fn dlib(n: &mut Net) {
    let x = n.input(3, [150, 150], false);
    let x = layer(n, "conv32_down", x, 32, k(7).s(2));
    let x = n.relu(x);
    let mut x = n.max_pool(x, k(3).s(2));
    for i in 1..=3 {
        x = residual(n, &format!("conv32_{i}"), x);
    }
    for (channels, units) in [(64, 3), (128, 2), (256, 2)] {
        x = down(n, &format!("conv{channels}_down"), x, channels);
        for i in 1..=units {
            x = residual(n, &format!("conv{channels}_{i}"), x);
        }
    }
    let x = down(n, "conv256_down_out", x, 256);
    let x = n.global_avg(x);
    let x = n.fc("fc", x, 128, false);
    n.output("embedding", x);
}

/// `relu(x + f(x))`
fn residual(n: &mut Net, name: &str, x: Map) -> Map {
    let y = layer(n, &format!("{name}.conv1"), x, x.c, k(3).p(1));
    let y = n.relu(y);
    let y = layer(n, &format!("{name}.conv2"), y, x.c, k(3).p(1));
    let sum = n.add(y, x);
    n.relu(sum)
}

/// The same with stride 2, beside a pooled copy: dlib pads nothing where the stride is not 1, so the sizes may differ.
fn down(n: &mut Net, name: &str, x: Map, channels: usize) -> Map {
    let y = layer(n, &format!("{name}.conv1"), x, channels, k(3).s(2));
    let y = n.relu(y);
    let y = layer(n, &format!("{name}.conv2"), y, channels, k(3).p(1));
    let shortcut = n.avg_pool(x, k(2).s(2));
    let sum = extended_sum(n, y, shortcut);
    n.relu(sum)
}

/// The sum of two maps, each extended by zeros at the right, at the bottom and in the last channels to the larger size.
fn extended_sum(n: &mut Net, a: Map, b: Map) -> Map {
    let (c, h, w) = (a.c.max(b.c), a.h.max(b.h), a.w.max(b.w));
    let [a, b] = [a, b].map(|x| n.zeros_around(x, [0, c - x.c], [0, h - x.h], [0, w - x.w]));
    n.add(a, b)
}

/// Convolution with a bias, and a factor and summand a channel.
fn layer(n: &mut Net, name: &str, x: Map, channels: usize, kernel: Kernel) -> Map {
    let x = n.conv(name, x, channels, kernel.bias());
    n.affine(&format!("{name}.affine"), x)
}
