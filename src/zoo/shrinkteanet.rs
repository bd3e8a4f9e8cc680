//! ShrinkTeaNet: light students that learn the direction of a large teacher's embedding.

use super::entry::{Entry, Paper, Published};
use super::iresnet::iresnet;
use super::mobilefacenet::{Row, bottlenecks, gdc, head, mobilefacenet};
use super::net::{Map, Net, k};
use super::presets;
use super::sface::mobilenet;
use crate::graph::Counts;

const BASE: Entry = Entry {
    paper: Paper {
        title: "ShrinkTeaNet: Million-scale Lightweight Face Recognition via Shrinking Teacher-Student Networks",
        author: "Duong",
        year: 2019,
        venue: "arXiv 1905.10620",
    },
    reference: "No code published; names of this project",
    licence: "No weights published",
    input: presets::rgb128([112, 112]),
    align: presets::ARCFACE_CROP,
    output: presets::cosine(512),
    uncertain: "The paper gives no tables of layers; this is the reading that has the size it names. \
                MobileFaceNet-R (3.73 M) is not described and not here.",
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "shrinkteanet-teacher",
        aliases: &["shrinkteanet-resnet-90"],
        title: "ShrinkTeaNet, teacher",
        published: Published { parameters: "63.67 M", ..Published::NONE },
        counts: Counts { parameters: 63_677_120, macs: 10_933_551_104 },
        fingerprint: presets::expect(109_031.0, &[(0, 5567.27), (1, -3245.4), (2, 7820.59), (3, -1409.16)]),
        build: |n| iresnet(n, [3, 8, 30, 3], false),
        ..BASE
    },
    Entry {
        name: "shrinkteanet-mv1",
        aliases: &["mv1-gdc", "mv1-gdc-256"],
        title: "ShrinkTeaNet, MobileNetV1 student",
        output: presets::cosine(256),
        published: Published { parameters: "3.53 M", ..Published::NONE },
        counts: Counts { parameters: 3_532_800, macs: 568_028_672 },
        fingerprint: presets::expect(2.25809, &[(0, 0.022_851_6), (1, 0.034_556_9), (2, -0.005_023_47), (3, 0.041_699_8)]),
        build: mv1,
        ..BASE
    },
    Entry {
        name: "shrinkteanet-mv2",
        aliases: &["mv2-gdc", "mv2-gdc-256"],
        title: "ShrinkTeaNet, MobileNetV2 student",
        output: presets::cosine(256),
        published: Published { parameters: "2.15 M", ..Published::NONE },
        counts: Counts { parameters: 2_149_056, macs: 287_608_192 },
        fingerprint: presets::expect(3.1433, &[(0, -0.069_561_1), (1, -0.036_518_8), (2, -0.121963), (3, 0.117376)]),
        build: mv2,
        ..BASE
    },
    Entry {
        name: "shrinkteanet-mobilefacenet",
        title: "ShrinkTeaNet, MobileFaceNet student",
        published: Published { parameters: "1.2 M", ..Published::NONE },
        counts: Counts { parameters: 1_200_512, macs: 221_161_984 },
        fingerprint: presets::expect(12.448, &[(0, -0.655633), (1, -0.187082), (2, -0.258428), (3, 0.601074)]),
        build: |n| mobilefacenet(n, 512),
        ..BASE
    },
];

/// The rows of MobileNetV2 after its first block; the first layer keeps the size.
const MV2: [Row; 6] = [(6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

fn mv1(n: &mut Net) {
    let x = mobilenet(n);
    let x = gdc(n, x);
    tail(n, x);
}

fn mv2(n: &mut Net) {
    let x = n.input(3, [112, 112], false);
    let x = n.conv_bn_prelu("conv1", x, 32, k(3).p(1));
    // An expansion of 1 is none.
    let x = n.conv_bn_prelu("block0.dw", x, x.c, k(3).p(1).g(x.c));
    let x = n.conv_bn("block0.proj", x, 16, k(1));
    let x = bottlenecks(n, x, 1, &MV2, |_, _, x| x);
    let x = head(n, x, 512);
    tail(n, x);
}

/// 256 numbers, normalised with a factor that stays 1.
fn tail(n: &mut Net, x: Map) {
    let x = n.fc("fc", x, 256, true);
    let x = n.bn_fixed("fc.bn", x);
    n.output("embedding", x);
}
