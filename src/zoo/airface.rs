//! AirFace: a deeper and wider MobileFaceNet with attention to channels and places in every block.

use super::entry::{Embedding, Entry, Output, Paper};
use super::mobilefacenet::{bottlenecks, stem, tail};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::Flip;

const BASE: Entry = Entry {
    paper: Paper {
        title: "AirFace: Lightweight and Efficient Model for Face Recognition",
        author: "Li",
        year: 2019,
        venue: "ICCVW 2019, arXiv 1907.12256",
    },
    reference: "No code of the authors; the table of a re-implementation, names of this project",
    licence: "No weights published",
    input: presets::rgb128([112, 112]),
    align: presets::ARCFACE_CROP,
    output: of_length(512),
    uncertain: "The table is 5 % over the challenge's limit of 1 GFLOP (1053 MFLOPs by its counter), and the paper also trains 128 numbers. \
                Nine blocks in the first row and an expansion of 4 before the 256 channels would give 4.11 M parameters and 987 MFLOPs.",
    ..presets::EMPTY
};

const fn of_length(length: usize) -> Output {
    Output::Embedding(Embedding { flip: Flip::Sum, ..presets::embedding(length) })
}

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "airface",
        aliases: &["airface-512"],
        title: "AirFace",
        counts: Counts { parameters: 4_328_836, macs: 528_594_966 },
        fingerprint: presets::expect(3707.46, &[(0, 72.8057), (1, 32.6212), (2, 140.363), (3, 116.71)]),
        build: |n| airface(n, [10, 16, 6], 8, 512),
        ..BASE
    },
    Entry {
        name: "airface-128",
        title: "AirFace, 128 numbers",
        output: of_length(128),
        counts: Counts { parameters: 3_934_852, macs: 528_201_750 },
        fingerprint: presets::expect(1919.24, &[(0, 72.8057), (1, 32.6212), (2, 140.363), (3, 116.71)]),
        build: |n| airface(n, [10, 16, 6], 8, 128),
        ..BASE
    },
];

/// The whole network: blocks of 64, 128 and 256 channels, the expansion of the block that makes 256, numbers of the embedding.
fn airface(n: &mut Net, [narrow, middle, wide]: [usize; 3], expansion: usize, length: usize) {
    let x = stem(n);
    let x = n.conv_bn_prelu("conv2_dw", x, 64, k(3).p(1).g(64));
    let rows = [(2, 64, narrow, 2), (4, 128, 1, 2), (2, 128, middle, 1), (expansion, 256, 1, 2), (2, 256, wide, 1)];
    let x = bottlenecks(n, x, 0, &rows, cbam);
    tail(n, x, 1024, length);
}

/// A gate of one number a channel, from the mean and the largest of its places, then one a place, from the mean and the largest of
/// its channels. Both are 1 + tanh where others take a sigmoid.
fn cbam(n: &mut Net, name: &str, x: Map) -> Map {
    let pooled = [n.global_avg(x), n.global_max(x)];
    let hidden = n.shared_conv(&format!("{name}.ca.fc1"), pooled, x.c / 16, k(1)).map(|h| n.relu(h));
    let [a, b] = n.shared_conv(&format!("{name}.ca.fc2"), hidden, x.c, k(1));
    let sum = n.add(a, b);
    let x = gated(n, x, sum);
    let pooled = [n.channel_mean(x), n.channel_max(x)];
    let places = n.concat(&format!("{name}.sa.pooled"), &pooled);
    let places = n.conv(&format!("{name}.sa"), places, 1, k(7).p(3));
    gated(n, x, places)
}

fn gated(n: &mut Net, x: Map, gate: Map) -> Map {
    let gate = n.tanh(gate);
    let gate = n.plus(gate, 1.0);
    n.mul(x, gate)
}
