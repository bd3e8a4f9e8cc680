//! SFace of OpenCV's zoo: MobileNet with an "E" head.

use super::entry::{Embedding, Entry, Output, Paper, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;

pub(super) const NETWORKS: &[Entry] = &[Entry {
    name: "sface",
    aliases: &["opencv-sface", "face-recognition-sface", "face-recognition-sface-2021dec"],
    title: "SFace",
    paper: Paper {
        title: "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition",
        author: "Zhong",
        year: 2021,
        venue: "IEEE TIP 2021, arXiv 2205.12010",
    },
    reference: "opencv/opencv_zoo, face_recognition_sface_2021dec.onnx",
    licence: "OpenCV's weights: Apache-2.0",
    // The published file takes raw pixels and begins with a subtraction of 127.5 and a product with 0.0078125.
    input: presets::rgb128([112, 112]),
    align: presets::ARCFACE_CROP,
    output: Output::Embedding(Embedding {
        threshold: Some(0.363),
        threshold_source: "OpenCV zoo, for its own weights; or an L2 distance of 1.128 between unit vectors.",
        ..presets::embedding(128)
    }),
    published: Published { parameters: "38,696,353 bytes", lfw: "99.40", ..Published::NONE },
    counts: Counts { parameters: 9_642_880, macs: 574_138_880 },
    fingerprint: presets::expect(1.78272, &[(0, -0.129816), (1, 0.093_447_5), (2, 0.133228), (3, -0.098_355_6)]),
    uncertain: "The epsilon of the last two normalisations: 1e-3 as everywhere, where the training code has 2e-5. \
                The scaling of pixels, two nodes at the start of the published graph, \
                is in the description here: the network is fed (x - 127.5) / 128.",
    build: sface,
    ..presets::EMPTY
}];

/// The whole network.
fn sface(n: &mut Net) {
    n.epsilon = 1e-3;
    let x = mobilenet(n);
    let x = n.bn("bn1", x);
    let x = n.fc("pre_fc1", x, 128, true);
    let x = n.bn("fc1", x);
    n.output("embedding", x);
}

/// MobileNet for pictures of 112x112, with PReLU and a first layer that keeps the size: to 1024 channels of 7x7.
pub(super) fn mobilenet(n: &mut Net) -> Map {
    const PAIRS: [(usize, usize); 13] =
        [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)];
    let x = n.input(3, [112, 112], false);
    let mut x = n.conv_bn_prelu("conv_1", x, 32, k(3).p(1));
    for (i, (channels, stride)) in (2..).zip(PAIRS) {
        x = n.conv_bn_prelu(&format!("conv_{i}_dw"), x, x.c, k(3).s(stride).p(1).g(x.c));
        x = n.conv_bn_prelu(&format!("conv_{i}"), x, channels, k(1));
    }
    x
}
