//! VGGFace: VGG-16 trained to recognise people.

use super::entry::{Crop, Embedding, Entry, Output, Paper, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::import::checkpoint::Format;
use crate::model::{Normalize, Similarity};

const BGR: &str =
    "Caffe's weights, and those of the deepface library, want the channels as BGR; models that are built from such files say so.";

const BASE: Entry = Entry {
    paper: Paper { title: "Deep Face Recognition", author: "Parkhi", year: 2015, venue: "BMVC 2015" },
    reference: "the authors' Caffe, Torch and MatConvNet models; serengil/deepface (MIT)",
    licence: "the authors' weights: non-commercial research, see their page",
    input: presets::rgb([224, 224], [129.1863, 104.7624, 93.594], [1.0; 3]),
    align: Some(Crop::Box),
    uncertain: BGR,
    bgr: &[Format::Caffe, Format::Keras],
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "vggface",
        aliases: &["vggface1", "vggface-vgg16", "vgg16-face"],
        title: "VGGFace (to fc7)",
        output: Output::Embedding(Embedding {
            similarity: Similarity::Euclidean,
            threshold: Some(1.17),
            threshold_source: "deepface library",
            post: "the mean over 30 crops: corners, centre and mirror images at 3 sizes",
            ..presets::embedding(4096)
        }),
        published: Published { lfw: "97.27", ..Published::NONE },
        counts: Counts { parameters: 134_260_544, macs: 15_466_168_320 },
        fingerprint: presets::expect(3.73417, &[(0, 0.0), (1, 0.0470402), (2, 0.0), (3, 0.0143544)]),
        build: |n| {
            let x = to_fc7(n);
            n.output("embedding", x);
        },
        ..BASE
    },
    Entry {
        name: "vggface-triplet",
        aliases: &["vggface-1024"],
        title: "VGGFace with the triplet map",
        output: Output::Embedding(Embedding {
            normalize: Normalize::None,
            similarity: Similarity::Euclidean,
            post: "the mean over 30 crops, before the map",
            ..presets::embedding(1024)
        }),
        published: Published { lfw: "98.95", ..Published::NONE },
        counts: Counts { parameters: 138_454_848, macs: 15_470_362_624 },
        fingerprint: presets::expect(0.495065, &[(0, -0.00161533), (1, 0.0083611), (2, -0.0170218), (3, -0.00723725)]),
        uncertain: "The weights of the map were never published.",
        build: |n| {
            let x = to_fc7(n);
            let x = n.unit(x);
            let x = n.fc("triplet", x, 1024, false);
            n.output("embedding", x);
        },
        ..BASE
    },
];

/// VGG-16 up to the ReLU of fc7.
pub(super) fn to_fc7(n: &mut Net) -> Map {
    let mut x = n.input(3, [224, 224], false);
    for (block, (convs, channels)) in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)].into_iter().enumerate() {
        for conv in 1..=convs {
            let y = n.conv(&format!("conv{}_{conv}", block + 1), x, channels, k(3).p(1).bias());
            x = n.relu(y);
        }
        x = n.max_pool(x, k(2).s(2));
    }
    for name in ["fc6", "fc7"] {
        let y = n.fc(name, x, 4096, true);
        x = n.relu(y);
    }
    x
}
