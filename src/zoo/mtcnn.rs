//! MTCNN, the cascade of three small networks that propose, refine and point, and the landmark refiner of its second version.

use super::entry::{Entry, Output, Paper, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::import::checkpoint::caffe::upright;

const BASE: Entry = Entry {
    paper: Paper {
        title: "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks",
        author: "Zhang",
        year: 2016,
        venue: "IEEE Signal Processing Letters 2016, arXiv 1604.02878",
    },
    reference: "timesler/facenet-pytorch, whose names and W, H, C flattening it has; kpzhang93/MTCNN_face_detection_alignment (both MIT)",
    licence: "Weights of both repositories: MIT",
    output: Output::Detector,
    // The published Caffe files want pictures with rows and columns exchanged.
    adapt: Some(upright),
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "mtcnn-pnet",
        aliases: &["pnet"],
        title: "MTCNN P-Net, the proposals",
        input: presets::free(presets::rgb128([12, 12])),
        counts: Counts { parameters: 6_632, macs: 44_760 },
        fingerprint: presets::expect(1.16531, &[(0, 0.264667), (1, -0.217666), (2, 0.710265), (3, -0.474738)]),
        build: pnet,
        ..BASE
    },
    Entry {
        name: "mtcnn-rnet",
        aliases: &["rnet"],
        title: "MTCNN R-Net, the refinement",
        input: presets::rgb128([24, 24]),
        counts: Counts { parameters: 100_178, macs: 1_530_768 },
        fingerprint: presets::expect(1.24616, &[(0, 0.399356), (1, -0.662898), (2, 0.282459), (3, 0.391204)]),
        build: rnet,
        ..BASE
    },
    Entry {
        name: "mtcnn-onet",
        aliases: &["onet"],
        title: "MTCNN O-Net, the output",
        input: presets::rgb128([48, 48]),
        counts: Counts { parameters: 389_040, macs: 12_909_952 },
        fingerprint: presets::expect(1.83831, &[(0, -0.134261), (1, -0.407568), (2, 0.0480926), (3, -0.812162)]),
        build: onet,
        ..BASE
    },
    Entry {
        name: "mtcnn-lnet",
        aliases: &["lnet"],
        title: "MTCNN L-Net, the landmark refiner of version 2",
        reference: "kpzhang93/MTCNN_face_detection_alignment, version 2 (MIT)",
        input: presets::rgb128([24, 24]),
        output: Output::Other("offsets x, y of the five points, each in the sides of the patch around it"),
        counts: Counts { parameters: 948_102, macs: 8_101_200 },
        published: Published::NONE,
        adapt: None,
        uncertain: "No copy in a common framework exists. The five patches are five inputs here and one of 15 channels in the Caffe file; \
                    the 2880 numbers are flattened C, H, W of pictures that stand upright, where Caffe's were transposed",
        build: lnet,
        ..BASE
    },
];

/// From any picture of at least 12x12: a window every two pixels.
fn pnet(n: &mut Net) {
    let x = n.input(3, [12, 12], true);
    let x = conv(n, 1, x, 10, 3);
    let x = n.max_pool(x, k(2).s(2).ceil());
    let x = conv(n, 2, x, 16, 3);
    let x = conv(n, 3, x, 32, 3);
    let face = n.conv("conv4_1", x, 2, k(1).bias());
    let face = n.softmax(face);
    let offsets = n.conv("conv4_2", x, 4, k(1).bias());
    n.output("reg", offsets);
    n.output("prob", face);
}

fn rnet(n: &mut Net) {
    let x = n.input(3, [24, 24], false);
    let x = conv(n, 1, x, 28, 3);
    let x = n.max_pool(x, k(3).s(2).ceil());
    let x = conv(n, 2, x, 48, 3);
    let x = n.max_pool(x, k(3).s(2).ceil());
    let x = conv(n, 3, x, 64, 2);
    let x = n.fc_whc("dense4", x, 128, true);
    let x = n.prelu("prelu4", x);
    heads(n, "dense5", x, false);
}

fn onet(n: &mut Net) {
    let x = n.input(3, [48, 48], false);
    let x = conv(n, 1, x, 32, 3);
    let x = n.max_pool(x, k(3).s(2).ceil());
    let x = conv(n, 2, x, 64, 3);
    let x = n.max_pool(x, k(3).s(2).ceil());
    let x = conv(n, 3, x, 64, 3);
    let x = n.max_pool(x, k(2).s(2).ceil());
    let x = conv(n, 4, x, 128, 2);
    let x = n.fc_whc("dense5", x, 256, true);
    let x = n.prelu("prelu5", x);
    heads(n, "dense6", x, true);
}

fn conv(n: &mut Net, number: usize, x: Map, channels: usize, size: usize) -> Map {
    let x = n.conv(&format!("conv{number}"), x, channels, k(size).bias());
    n.prelu(&format!("prelu{number}"), x)
}

/// Two probabilities (the second is the face's), four offsets of the box, ten of the landmarks.
fn heads(n: &mut Net, name: &str, x: Map, landmarks: bool) {
    let face = n.fc(&format!("{name}_1"), x, 2, true);
    let face = n.softmax(face);
    let offsets = n.fc(&format!("{name}_2"), x, 4, true);
    n.output("reg", offsets);
    if landmarks {
        let landmarks = n.fc(&format!("{name}_3"), x, 10, true);
        n.output("landmarks", landmarks);
    }
    n.output("prob", face);
}

/// A patch around each point through a trunk of its own; what all see together moves each point.
fn lnet(n: &mut Net) {
    let patches = ["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"];
    let patches = patches.map(|point| n.input_named(point, 3, [24, 24], false));
    let mut trunks = Vec::with_capacity(patches.len());
    for (i, x) in (1..).zip(patches) {
        let mut layer = |x: Map, number: usize, channels: usize, size: usize| {
            let x = n.conv(&format!("conv{number}_{i}"), x, channels, k(size).bias());
            let x = n.prelu(&format!("prelu{number}_{i}"), x);
            if number < 3 { n.max_pool(x, k(3).s(2).ceil()) } else { x }
        };
        let x = layer(x, 1, 28, 3);
        let x = layer(x, 2, 48, 3);
        trunks.push(layer(x, 3, 64, 2));
    }
    let x = n.concat("concat", &trunks);
    let x = n.fc("fc4", x, 256, true);
    let x = n.prelu("prelu4", x);
    let mut points = Vec::with_capacity(trunks.len());
    for i in 1..=trunks.len() {
        let x = n.fc(&format!("fc4_{i}"), x, 64, true);
        let x = n.prelu(&format!("prelu4_{i}"), x);
        points.push(n.fc(&format!("fc5_{i}"), x, 2, true));
    }
    let x = n.concat("points", &points);
    n.output("offsets", x);
}
