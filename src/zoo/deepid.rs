//! DeepID, DeepID2, DeepID2+: small networks on patches of a face, with filters that differ by place in the upper layers.
//!
//! "Locally shared in every 2x2 regions" is read as tiles of 2x2 output places with a filter bank and a bias each.

use super::entry::{Crop, Embedding, Entry, Input, Output, Paper, Published};
use super::net::{Kernel, Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::Channels;

const DEEPID: Paper =
    Paper { title: "Deep Learning Face Representation from Predicting 10,000 Classes", author: "Sun", year: 2014, venue: "CVPR 2014" };

const BASE: Entry = Entry {
    paper: DEEPID,
    reference: "none was published; the layers are those of the paper's figures",
    licence: "no weights were published",
    align: None,
    output: Output::Embedding(EMBEDDING),
    uncertain: "The text also allows four regions that share filters, instead of tiles of 2x2 places. Whether conv4 has a bias at every \
                place (chosen), where the patches lie and how pixels are scaled (chosen: x / 255) was not published.",
    ..presets::EMPTY
};

/// Of the networks of the papers.
const EMBEDDING: Embedding = Embedding {
    threshold_source: "none: the papers score with Joint Bayesian",
    post: "the vectors of 60 patches and their mirror images joined, PCA to 150, Joint Bayesian",
    ..presets::embedding(160)
};

const PUBLISHED: Published = Published { lfw: "97.45, 60 patches with Joint Bayesian", ..Published::NONE };

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "deepid-39x31-rgb",
        aliases: &["deepid1", "deepid-rectangle", "deepid-rectangle-rgb", "deepid-39x31"],
        title: "DeepID, rectangular RGB patches",
        input: presets::rgb255([39, 31]),
        published: PUBLISHED,
        counts: Counts { parameters: 260_100, macs: 2_990_080 },
        fingerprint: presets::expect(5.56767, &[(0, 0.946711), (1, 0.26315), (2, 0.581439), (3, 0.695212)]),
        build: |n| deepid(n, 3, [39, 31]),
        ..BASE
    },
    Entry {
        name: "deepid-39x31-gray",
        aliases: &["deepid-39x31-grey", "deepid-rectangle-gray", "deepid-rectangle-grey"],
        title: "DeepID, rectangular grey patches",
        input: gray([39, 31]),
        published: PUBLISHED,
        counts: Counts { parameters: 259_460, macs: 2_344_960 },
        fingerprint: presets::expect(5.6049, &[(0, 1.03687), (1, 0.226229), (2, 0.325023), (3, 0.439764)]),
        build: |n| deepid(n, 1, [39, 31]),
        ..BASE
    },
    Entry {
        name: "deepid-31x31-rgb",
        aliases: &["deepid-square", "deepid-square-rgb", "deepid-31x31"],
        title: "DeepID, square RGB patches",
        input: presets::rgb255([31, 31]),
        published: PUBLISHED,
        counts: Counts { parameters: 165_500, macs: 2_205_440 },
        fingerprint: presets::expect(6.56211, &[(0, 0.618459), (1, 0.0), (2, 0.467842), (3, 1.36482)]),
        build: |n| deepid(n, 3, [31, 31]),
        ..BASE
    },
    Entry {
        name: "deepid-31x31-gray",
        aliases: &["deepid-31x31-grey", "deepid-square-gray", "deepid-square-grey"],
        title: "DeepID, square grey patches",
        input: gray([31, 31]),
        published: PUBLISHED,
        counts: Counts { parameters: 164_860, macs: 1_703_680 },
        fingerprint: presets::expect(6.40647, &[(0, 0.235038), (1, 0.0), (2, 0.528149), (3, 1.15293), (151, 1.85338)]),
        build: |n| deepid(n, 1, [31, 31]),
        ..BASE
    },
    Entry {
        name: "deepid-library",
        aliases: &["deepid", "deepid-keras", "deepface-deepid"],
        title: "DeepID in the form of the deepface library",
        reference: "serengil/deepface (MIT)",
        licence: "the library's weights: as published there, no licence of their own",
        input: Input { channels: Channels::Bgr, ..presets::rgb255([55, 47]) },
        align: Some(Crop::Box),
        output: Output::Embedding(Embedding {
            threshold: Some(0.985),
            threshold_source: "deepface library, cosine distance 0.015",
            ..presets::embedding(160)
        }),
        counts: Counts { parameters: 395_080, macs: 7_956_480 },
        fingerprint: presets::expect(8.64444, &[(0, 0.0), (1, 0.0), (2, 0.0), (3, 1.01517)]),
        uncertain: "A simplified form: all filters are shared over places, and two fully connected layers are added instead of one over \
                    both parts. The library flattens maps as rows, columns, channels; here channels come first, so the columns of its \
                    fc11 and fc12 have to be turned.",
        build: library,
        ..BASE
    },
    Entry {
        name: "deepid2",
        title: "DeepID2",
        paper: Paper {
            title: "Deep Learning Face Representation by Joint Identification-Verification",
            venue: "NIPS 2014, arXiv 1406.4773",
            ..DEEPID
        },
        input: presets::rgb255([55, 47]),
        output: Output::Embedding(Embedding { post: "the vectors of 25 selected patches joined, PCA to 180, Joint Bayesian", ..EMBEDDING }),
        published: Published { lfw: "98.97 with 25 patches, 99.15 with seven selections", ..Published::NONE },
        counts: Counts { parameters: 1_018_540, macs: 7_956_480 },
        fingerprint: presets::expect(5.12558, &[(0, 0.546363), (1, 0.192637), (2, 0.0), (3, 0.0), (41, 1.51287)]),
        build: |n| deepid2(n, [20, 40, 60, 80], 160),
        ..BASE
    },
    Entry {
        name: "deepid2-plus",
        title: "DeepID2+",
        paper: Paper {
            title: "Deeply learned face representations are sparse, selective, and robust",
            year: 2015,
            venue: "CVPR 2015, arXiv 1412.1265",
            ..DEEPID
        },
        input: presets::rgb255([55, 47]),
        output: Output::Embedding(Embedding {
            post: "the vectors of 25 patches and their mirror images joined, Joint Bayesian",
            length: 512,
            ..EMBEDDING
        }),
        published: Published { lfw: "98.70 one network, 99.47 with 25", ..Published::NONE },
        counts: Counts { parameters: 5_991_168, macs: 99_516_416 },
        fingerprint: presets::expect(9.00754, &[(0, 0.0), (1, 0.00407662), (2, 0.0), (3, 0.0), (299, 1.52917)]),
        uncertain: "The size of the input was not published; it is taken to be that of DeepID2. Tiles, biases and pixels as for DeepID.",
        build: |n| deepid2(n, [128; 4], 512),
        ..BASE
    },
];

const fn gray(size: [usize; 2]) -> Input {
    Input { channels: Channels::Gray, ..presets::rgb255(size) }
}

fn deepid(n: &mut Net, channels: usize, size: [usize; 2]) {
    let x = n.input(channels, size, false);
    layers(n, x, [20, 40, 60, 80], 160);
}

fn deepid2(n: &mut Net, maps: [usize; 4], feature: usize) {
    let x = n.input(3, [55, 47], false);
    layers(n, x, maps, feature);
}

/// What the three have in common. The feature sees pool3 and conv4.
fn layers(n: &mut Net, x: Map, maps: [usize; 4], feature: usize) {
    let x = conv_pool(n, "conv1", x, maps[0], k(4));
    let x = conv_pool(n, "conv2", x, maps[1], k(3));
    let x = n.local("conv3", x, maps[2], k(3).tile(2));
    let x = n.relu(x);
    let pool3 = n.max_pool(x, k(2).s(2));
    let x = n.local("conv4", pool3, maps[3], k(2));
    let conv4 = n.relu(x);
    let parts = [n.vector(pool3), n.vector(conv4)];
    let x = n.concat("both", &parts);
    let x = n.fc("feat", x, feature, true);
    let x = n.relu(x);
    n.output("embedding", x);
}

fn library(n: &mut Net) {
    let x = n.input(3, [55, 47], false);
    let x = conv_pool(n, "conv1", x, 20, k(4));
    let x = conv_pool(n, "conv2", x, 40, k(3));
    let pool3 = conv_pool(n, "conv3", x, 60, k(3));
    let x = n.conv("conv4", pool3, 80, k(2).bias());
    let conv4 = n.relu(x);
    let a = n.fc("fc11", pool3, 160, true);
    let b = n.fc("fc12", conv4, 160, true);
    let x = n.add(a, b);
    let x = n.relu(x);
    n.output("embedding", x);
}

/// Convolution, ReLU, the largest of 2x2.
fn conv_pool(n: &mut Net, name: &str, x: Map, maps: usize, kernel: Kernel) -> Map {
    let x = n.conv(name, x, maps, kernel.bias());
    let x = n.relu(x);
    n.max_pool(x, k(2).s(2))
}
