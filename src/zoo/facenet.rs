//! FaceNet: NN1, of the Zeiler and Fergus kind with 1x1 convolutions, and NN2 to NN4, of inception blocks.
//!
//! The tables of NN1 and NN2 are in the paper; NN3 and NN4 are NN2 at other sizes. NNS1 and NNS2, the "mini" and "tiny" networks, were
//! never published and cannot be built.

use super::entry::{Crop, Embedding, Entry, Output, Paper, Published};
use super::net::{Kernel, Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::Similarity;

const PAPER: Paper = Paper {
    title: "FaceNet: A Unified Embedding for Face Recognition and Clustering",
    author: "Schroff",
    year: 2015,
    venue: "CVPR 2015, arXiv 1503.03832",
};

const BASE: Entry = Entry {
    paper: PAPER,
    reference: "none was published; NN1 and NN2 are the paper's tables",
    licence: "no weights were published",
    align: Some(Crop::Box),
    output: Output::Embedding(Embedding {
        similarity: Similarity::Euclidean,
        threshold: Some(1.1145),
        threshold_source: "the paper on LFW: a squared distance of 1.242",
        ..presets::embedding(128)
    }),
    uncertain: UNCERTAIN,
    ..presets::EMPTY
};

const UNCERTAIN: &str = "Of the normalisation the paper says only that there is one: 5 channels, alpha 1e-4, beta 0.75 are what \
                         Inception uses. Scaling of pixels was not published (chosen: x / 255).";

const UNCERTAIN_NN4: &str = "The paper says that NN4 has no 5x5 convolutions in the higher layers, not in which: `facenet-nn4` has none \
                             in 5a and 5b as OpenFace's nn4, `facenet-nn4-alt` none in 4e either, which comes nearest to the published \
                             285 M. Normalisation and pixels as for NN2.";

/// Given for the method, not for one network.
const LFW: &str = "98.87 fixed crop, 99.63 aligned";

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "facenet-nn1",
        aliases: &["nn1"],
        title: "FaceNet NN1",
        input: presets::rgb255([220, 220]),
        published: Published { parameters: "140 M", macs: "1.6 B", lfw: LFW },
        counts: Counts { parameters: 140_025_664, macs: 1_605_944_064 },
        fingerprint: presets::expect(1.34067, &[(0, 0.0201613), (1, -0.0305532), (2, 0.0497984), (3, 0.045754)]),
        build: nn1,
        ..BASE
    },
    Entry {
        name: "facenet-nn2",
        aliases: &["nn2"],
        title: "FaceNet NN2",
        input: presets::rgb255([224, 224]),
        published: Published { parameters: "7.5 M", macs: "1.6 B", lfw: LFW },
        counts: Counts { parameters: 7_456_304, macs: 1_596_530_688 },
        fingerprint: presets::expect(2.74314, &[(0, 0.426965), (1, 0.129114), (2, -0.0570867), (3, -0.249871)]),
        build: |n| inception_network(n, 224, &[]),
        ..BASE
    },
    Entry {
        name: "facenet-nn3",
        aliases: &["nn3"],
        title: "FaceNet NN3",
        input: presets::rgb255([160, 160]),
        counts: Counts { parameters: 7_456_304, macs: 814_620_672 },
        fingerprint: presets::expect(2.61531, &[(0, 0.389667), (1, 0.132505), (2, -0.0774979), (3, -0.253306)]),
        build: |n| inception_network(n, 160, &[]),
        ..BASE
    },
    Entry {
        name: "facenet-nn4",
        aliases: &["nn4"],
        title: "FaceNet NN4, no 5x5 in 5a and 5b",
        input: presets::rgb255([96, 96]),
        published: Published { macs: "285 M", ..Published::NONE },
        counts: Counts { parameters: 6_943_952, macs: 288_870_400 },
        fingerprint: presets::expect(2.9271, &[(0, -0.0305685), (1, 0.00590213), (2, 0.281495), (3, 0.394837)]),
        uncertain: UNCERTAIN_NN4,
        build: |n| inception_network(n, 96, &["5a", "5b"]),
        ..BASE
    },
    Entry {
        name: "facenet-nn4-alt",
        aliases: &["nn4-alt"],
        title: "FaceNet NN4, no 5x5 in 4e, 5a and 5b",
        input: presets::rgb255([96, 96]),
        published: Published { macs: "285 M", ..Published::NONE },
        counts: Counts { parameters: 6_607_888, macs: 284_741_632 },
        fingerprint: presets::expect(2.87479, &[(0, 0.202569), (1, 0.225931), (2, 0.42164), (3, 0.358835)]),
        uncertain: UNCERTAIN_NN4,
        build: |n| inception_network(n, 96, &["4e", "5a", "5b"]),
        ..BASE
    },
];

fn nn1(n: &mut Net) {
    let x = n.input(3, [220, 220], false);
    let x = conv(n, "conv1", x, 64, k(7).s(2).p(3));
    let x = halve(n, x);
    let x = norm(n, x);
    let x = pair(n, "conv2", x, 64, 192);
    let x = norm(n, x);
    let x = halve(n, x);
    let x = pair(n, "conv3", x, 192, 384);
    let x = halve(n, x);
    let x = pair(n, "conv4", x, 384, 256);
    let x = pair(n, "conv5", x, 256, 256);
    let x = pair(n, "conv6", x, 256, 256);
    let x = halve(n, x);
    let x = maxout(n, "fc1", x);
    let x = maxout(n, "fc2", x);
    let x = n.fc("fc7128", x, 128, true);
    n.output("embedding", x);
}

/// 1x1, then 3x3.
fn pair(n: &mut Net, name: &str, x: Map, reduced: usize, out: usize) -> Map {
    let x = conv(n, &format!("{name}a"), x, reduced, k(1));
    conv(n, name, x, out, k(3).p(1))
}

/// The larger of two fully connected layers of 4096, which are stored as one.
fn maxout(n: &mut Net, name: &str, x: Map) -> Map {
    let x = n.fc(name, x, 8192, true);
    let (a, b) = n.halves(x);
    n.max(a, b)
}

/// A block of NN2: channels of the 1x1 convolution (0 = none), and channels before and after the larger ones.
struct Block {
    name: &'static str,
    one: usize,
    three: [usize; 2],
    five: [usize; 2],
    pool: Pool,
}

/// What the pooling branch does.
enum Pool {
    /// Maxima, then a 1x1 convolution to this many channels.
    Max(usize),
    /// Roots of sums of squares, then a 1x1 convolution to this many channels.
    L2(usize),
    /// Maxima in steps of 2, as the whole block.
    Halve,
}

const NN2: [Block; 10] = [
    Block { name: "3a", one: 64, three: [96, 128], five: [16, 32], pool: Pool::Max(32) },
    Block { name: "3b", one: 64, three: [96, 128], five: [32, 64], pool: Pool::L2(64) },
    Block { name: "3c", one: 0, three: [128, 256], five: [32, 64], pool: Pool::Halve },
    Block { name: "4a", one: 256, three: [96, 192], five: [32, 64], pool: Pool::L2(128) },
    Block { name: "4b", one: 224, three: [112, 224], five: [32, 64], pool: Pool::L2(128) },
    Block { name: "4c", one: 192, three: [128, 256], five: [32, 64], pool: Pool::L2(128) },
    Block { name: "4d", one: 160, three: [144, 288], five: [32, 64], pool: Pool::L2(128) },
    Block { name: "4e", one: 0, three: [160, 256], five: [64, 128], pool: Pool::Halve },
    Block { name: "5a", one: 384, three: [192, 384], five: [48, 128], pool: Pool::L2(128) },
    Block { name: "5b", one: 384, three: [192, 384], five: [48, 128], pool: Pool::Max(128) },
];

/// NN2 to NN4: the blocks named in `without` have no 5x5 convolutions.
fn inception_network(n: &mut Net, size: usize, without: &[&str]) {
    let x = n.input(3, [size, size], false);
    let x = conv(n, "conv1", x, 64, k(7).s(2).p(3));
    let x = halve(n, x);
    let x = norm(n, x);
    let x = conv(n, "conv2r", x, 64, k(1));
    let x = conv(n, "conv2", x, 192, k(3).p(1));
    let x = norm(n, x);
    let mut x = halve(n, x);
    for block in &NN2 {
        x = inception(n, block, x, !without.contains(&block.name));
    }
    let x = n.global_avg(x);
    let x = n.fc("fc", x, 128, true);
    n.output("embedding", x);
}

fn inception(n: &mut Net, block: &Block, x: Map, five: bool) -> Map {
    let name = block.name;
    let stride = if matches!(block.pool, Pool::Halve) { 2 } else { 1 };
    let mut parts = Vec::new();
    if block.one > 0 {
        parts.push(conv(n, &format!("{name}.1x1"), x, block.one, k(1)));
    }
    let mut larger = |n: &mut Net, size: usize, [reduced, out]: [usize; 2]| {
        let y = conv(n, &format!("{name}.{size}x{size}r"), x, reduced, k(1));
        parts.push(conv(n, &format!("{name}.{size}x{size}"), y, out, k(size).s(stride).same()));
    };
    larger(n, 3, block.three);
    if five {
        larger(n, 5, block.five);
    }
    parts.push(match block.pool {
        Pool::Max(out) => {
            let y = n.max_pool(x, k(3).p(1));
            conv(n, &format!("{name}.pool"), y, out, k(1))
        }
        Pool::L2(out) => {
            let y = n.l2_pool(x, k(3).p(1));
            conv(n, &format!("{name}.pool"), y, out, k(1))
        }
        Pool::Halve => halve(n, x),
    });
    n.concat(name, &parts)
}

fn conv(n: &mut Net, name: &str, x: Map, out: usize, kernel: Kernel) -> Map {
    let x = n.conv(name, x, out, kernel.bias());
    n.relu(x)
}

fn halve(n: &mut Net, x: Map) -> Map {
    n.max_pool(x, k(3).s(2).p(1))
}

fn norm(n: &mut Net, x: Map) -> Map {
    n.lrn(x, 5, 1e-4, 0.75)
}
