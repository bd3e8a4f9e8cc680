//! DeepFace: two convolutions, three locally connected layers, one fully connected layer.

use super::entry::{Crop, Embedding, Entry, Output, Paper, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;

pub(super) const NETWORKS: &[Entry] = &[Entry {
    name: "deepface",
    aliases: &["fb-deepface"],
    title: "DeepFace (to F7)",
    paper: Paper {
        title: "DeepFace: Closing the Gap to Human-Level Performance in Face Verification",
        author: "Taigman",
        year: 2014,
        venue: "CVPR 2014",
    },
    reference: "swghosh/DeepFace (MIT, Keras), a re-implementation; the authors published no code",
    licence: "the authors published no weights; those of the re-implementation: MIT code, trained on VGGFace2",
    input: presets::rgb255([152, 152]),
    align: Some(Crop::Box),
    output: Output::Embedding(Embedding {
        threshold: Some(0.77),
        threshold_source: "deepface library, cosine distance 0.23; the paper publishes none",
        post: "each number divided by its largest over the training set (at least 0.05) before scaling; also weighted chi squared, \
               or a Siamese top layer",
        ..presets::embedding(4096)
    }),
    published: Published {
        parameters: "more than 120 M, with the classifier of 4030 people",
        macs: "",
        lfw: "95.92 unsupervised, 97.00 weighted chi squared, 97.35 ensemble",
    },
    counts: Counts { parameters: 102_412_864, macs: 501_117_568 },
    fingerprint: presets::expect(6.39803, &[(0, 0.0), (1, 0.0), (2, 0.151029), (3, 0.2171)]),
    uncertain: "The paper turns faces to the front in 3-D, which cannot be repeated; boxes are what ports use. The scaling of pixels was \
                not published. With a bias at every place, as here, the whole network has 118.9 M parameters. The Keras port flattens \
                maps as rows, columns, channels before F7; here channels come first.",
    build: deepface,
    ..presets::EMPTY
}];

fn deepface(n: &mut Net) {
    let x = n.input(3, [152, 152], false);
    let x = n.conv("C1", x, 32, k(11).bias());
    let x = n.relu(x);
    let x = n.max_pool(x, k(3).s(2).ceil());
    let x = n.conv("C3", x, 16, k(9).bias());
    let x = n.relu(x);
    let x = local(n, "L4", x, 9, 1);
    let x = local(n, "L5", x, 7, 2);
    let x = local(n, "L6", x, 5, 1);
    let x = n.fc("F7", x, 4096, true);
    let x = n.relu(x);
    n.output("embedding", x);
}

/// A filter bank at every place, ReLU.
fn local(n: &mut Net, name: &str, x: Map, kernel: usize, stride: usize) -> Map {
    let x = n.local(name, x, 16, k(kernel).s(stride));
    n.relu(x)
}
