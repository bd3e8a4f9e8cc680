//! SphereFace and CosFace: plain residual networks of 4 to 64 layers for crops of 112x96.

use super::entry::{Embedding, Entry, Input, Output, Paper, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::{Channels, Flip};

const SPHEREFACE: Entry = Entry {
    paper: Paper {
        title: "SphereFace: Deep Hypersphere Embedding for Face Recognition",
        author: "Liu",
        year: 2017,
        venue: "CVPR 2017, arXiv 1704.08063",
    },
    reference: "wy1iu/sphereface (MIT, Caffe)",
    licence: "wy1iu/sphereface publishes the 20-layer weights under MIT",
    input: Input { channels: Channels::Bgr, ..presets::rgb128([112, 96]) },
    align: presets::ARCFACE_CROP,
    output: Output::Embedding(Embedding {
        flip: Flip::Concat,
        post: "The mean of the training folds is subtracted from the 1024 numbers before the cosine.",
        ..presets::embedding(512)
    }),
    ..presets::EMPTY
};

const COSFACE: Entry = Entry {
    paper: Paper {
        title: "CosFace: Large Margin Cosine Loss for Deep Face Recognition",
        author: "Wang",
        year: 2018,
        venue: "CVPR 2018, arXiv 1801.09414",
    },
    reference: "The network of SphereFace; the authors published no code",
    licence: "No weights of the authors; MuggleWang/CosFace_pytorch: MIT",
    input: presets::rgb128([112, 96]),
    output: Output::Embedding(Embedding { flip: Flip::Concat, ..presets::embedding(512) }),
    ..SPHEREFACE
};

/// The port whose names and layers `cosface-20` and `cosface-64-pytorch` have.
const COSFACE_PORT: Entry =
    Entry { reference: "MuggleWang/CosFace_pytorch (MIT)", input: presets::rgb([112, 96], [127.5; 3], [1.0 / 127.5; 3]), ..COSFACE };

const DEPTH: &str = "The paper's table and the name give 8 units in the second stage; the released prototxt has 7, \
     which makes 62 convolutions. Both are here.";
const DEPTH_COSFACE: &str =
    "CosFace gives no table of its own; SphereFace's paper has 8 units in the second stage, its released prototxt 7. Both are here.";

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "sphereface-4",
        aliases: &["sphere-4"],
        title: "SphereFace, 4 layers",
        counts: Counts { parameters: 12_562_496, macs: 164_290_560 },
        fingerprint: presets::expect(3.56236, &[(0, -0.005_910_75), (1, 0.14645), (2, 0.237871), (3, -0.015_138_8)]),
        build: |n| trunk(n, [0, 0, 0, 0], Names::Caffe),
        ..SPHEREFACE
    },
    Entry {
        name: "sphereface-10",
        aliases: &["sphere-10"],
        title: "SphereFace, 10 layers",
        counts: Counts { parameters: 15_219_264, macs: 758_833_152 },
        fingerprint: presets::expect(6.50023, &[(0, 0.133147), (1, 0.20548), (2, 0.483629), (3, 0.060_163_3)]),
        build: |n| trunk(n, [0, 1, 2, 0], Names::Caffe),
        ..SPHEREFACE
    },
    Entry {
        name: "sphereface-20",
        aliases: &["sphere-20"],
        title: "SphereFace, 20 layers",
        published: Published { parameters: "22.671 M", macs: "3.504 GFLOPs (2 x multiply-adds)", lfw: "99.30" },
        counts: Counts { parameters: 22_670_656, macs: 1_749_737_472 },
        fingerprint: presets::expect(16.6921, &[(0, 0.852493), (1, 0.451848), (2, 0.675317), (3, 0.393795)]),
        build: |n| trunk(n, [1, 2, 4, 1], Names::Caffe),
        ..SPHEREFACE
    },
    Entry {
        name: "sphereface-20-pytorch",
        aliases: &["sphere-20-pytorch", "sphere-20a"],
        title: "SphereFace, 20 layers, PyTorch port",
        reference: "clcarwin/sphereface_pytorch (MIT)",
        licence: "clcarwin/sphereface_pytorch publishes weights under MIT",
        output: presets::cosine(512),
        counts: Counts { parameters: 22_670_656, macs: 1_749_737_472 },
        fingerprint: presets::expect(16.368, &[(0, 0.861902), (1, 0.426259), (2, 0.672684), (3, 0.493223)]),
        build: |n| trunk(n, [1, 2, 4, 1], Names::Clcarwin),
        ..SPHEREFACE
    },
    Entry {
        name: "sphereface-36",
        aliases: &["sphere-36"],
        title: "SphereFace, 36 layers",
        counts: Counts { parameters: 32_778_816, macs: 3_335_184_384 },
        fingerprint: presets::expect(87.6416, &[(0, 4.18111), (1, -1.24751), (2, 3.25755), (3, 4.65151)]),
        build: |n| trunk(n, [2, 4, 8, 2], Names::Caffe),
        ..SPHEREFACE
    },
    Entry {
        name: "sphereface-64",
        aliases: &["sphere-64"],
        title: "SphereFace, 64 layers, as in the paper",
        published: Published { lfw: "99.42", ..Published::NONE },
        counts: Counts { parameters: 48_200_512, macs: 6_109_716_480 },
        fingerprint: presets::expect(2242.77, &[(0, 113.945), (1, 65.8919), (2, 77.4963), (3, 102.252)]),
        uncertain: DEPTH,
        build: |n| trunk(n, [3, 8, 16, 3], Names::Caffe),
        ..SPHEREFACE
    },
    Entry {
        name: "sphereface-64-released",
        aliases: &["sphere-64-released", "sphereface-62"],
        title: "SphereFace, 64 layers, as released",
        counts: Counts { parameters: 47_905_088, macs: 5_911_535_616 },
        fingerprint: presets::expect(1899.48, &[(0, 90.2447), (1, 53.9424), (2, 70.6779), (3, 94.0668)]),
        uncertain: DEPTH,
        build: |n| trunk(n, [3, 7, 16, 3], Names::Caffe),
        ..SPHEREFACE
    },
    Entry {
        name: "cosface-64",
        aliases: &["cosface"],
        title: "CosFace, 64 layers",
        published: Published { lfw: "99.73", ..Published::NONE },
        counts: Counts { parameters: 48_200_512, macs: 6_109_716_480 },
        fingerprint: presets::expect(2242.77, &[(0, 113.945), (1, 65.8919), (2, 77.4963), (3, 102.252)]),
        uncertain: DEPTH_COSFACE,
        build: |n| trunk(n, [3, 8, 16, 3], Names::Caffe),
        ..COSFACE
    },
    Entry {
        name: "cosface-64-released",
        title: "CosFace, 64 layers, second stage as SphereFace released it",
        counts: Counts { parameters: 47_905_088, macs: 5_911_535_616 },
        fingerprint: presets::expect(1899.48, &[(0, 90.2447), (1, 53.9424), (2, 70.6779), (3, 94.0668)]),
        uncertain: DEPTH_COSFACE,
        build: |n| trunk(n, [3, 7, 16, 3], Names::Caffe),
        ..COSFACE
    },
    Entry {
        name: "cosface-64-pytorch",
        title: "CosFace, 64 layers, PyTorch port",
        // Without the biases of the units, which the Caffe form has and keeps at zero: 13,440 numbers less.
        counts: Counts { parameters: 47_891_648, macs: 5_911_535_616 },
        fingerprint: presets::expect(1343.96, &[(0, -20.8494), (1, 23.64), (2, 4.20004), (3, -22.6669)]),
        uncertain: DEPTH_COSFACE,
        build: |n| trunk(n, [3, 7, 16, 3], Names::Sequential),
        ..COSFACE_PORT
    },
    Entry {
        name: "cosface-20",
        aliases: &["cosface-20-pytorch", "cosface-sphere-20"],
        title: "CosFace, 20 layers, PyTorch port",
        published: Published { lfw: "99.23 (trained on CASIA-WebFace)", ..Published::NONE },
        counts: Counts { parameters: 22_666_944, macs: 1_749_737_472 },
        fingerprint: presets::expect(15.6556, &[(0, -0.134494), (1, 0.870795), (2, 0.098_272_9), (3, -0.071_776_5)]),
        build: |n| trunk(n, [1, 2, 4, 1], Names::Sequential),
        ..COSFACE_PORT
    },
];

/// How layers are called.
#[derive(Clone, Copy)]
enum Names {
    /// `conv1_1`, and `conv1_1.prelu` after it.
    Caffe,
    /// `conv1_1`, and `relu1_1` after it.
    Clcarwin,
    /// `layer1.0`, `layer1.1`, then `layer1.2.conv1`, `layer1.2.prelu1`; the units without biases.
    Sequential,
}

/// The whole network; `units` a stage.
fn trunk(n: &mut Net, units: [usize; 4], names: Names) {
    let mut x = n.input(3, [112, 96], false);
    for (i, (channels, units)) in [64, 128, 256, 512].into_iter().zip(units).enumerate() {
        let stage = i + 1;
        x = layer(n, names, [stage, 1], x, channels, 2);
        for unit in 0..units {
            let y = layer(n, names, [stage, 2 * unit + 2], x, channels, 1);
            let y = layer(n, names, [stage, 2 * unit + 3], y, channels, 1);
            // Nothing comes after the sum.
            x = n.add(x, y);
        }
    }
    let last = match names {
        Names::Caffe | Names::Clcarwin => "fc5",
        Names::Sequential => "fc",
    };
    let x = n.fc(last, x, 512, true);
    n.output("embedding", x);
}

/// A convolution and its PReLU; the first layer of a stage is its stem.
fn layer(n: &mut Net, names: Names, [stage, layer]: [usize; 2], x: Map, channels: usize, stride: usize) -> Map {
    let conv = format!("conv{stage}_{layer}");
    let (conv, prelu, bias) = match (names, layer) {
        (Names::Caffe, _) => (conv.clone(), format!("{conv}.prelu"), true),
        (Names::Clcarwin, _) => (conv, format!("relu{stage}_{layer}"), true),
        (Names::Sequential, 1) => (format!("layer{stage}.0"), format!("layer{stage}.1"), true),
        (Names::Sequential, _) => {
            let (unit, part) = (layer / 2 + 1, layer % 2 + 1);
            (format!("layer{stage}.{unit}.conv{part}"), format!("layer{stage}.{unit}.prelu{part}"), false)
        }
    };
    let kernel = k(3).s(stride).p(1);
    let x = n.conv(&conv, x, channels, if bias { kernel.bias() } else { kernel });
    n.prelu(&prelu, x)
}
