//! VarGFaceNet: grouped convolutions whose groups, not their number, have a fixed size.

use super::entry::{Embedding, Entry, Output, Paper, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::Flip;

const BASE: Entry = Entry {
    paper: Paper {
        title: "VarGFaceNet: An Efficient Variable Group Convolutional Neural Network for Lightweight Face Recognition",
        author: "Yan",
        year: 2019,
        venue: "ICCVW 2019, arXiv 1910.04985",
    },
    reference: "zma-c-137/VarGFaceNet (MXNet, MIT); names of this project",
    licence: "No weights published with a licence",
    input: presets::rgb128([112, 112]),
    align: presets::ARCFACE_CROP,
    output: Output::Embedding(Embedding { flip: Flip::Sum, ..presets::embedding(512) }),
    published: Published { parameters: "20 MB", macs: "1022 MFLOPs (counter of the 2019 lightweight challenge)", lfw: "99.833" },
    uncertain: "Whether the model of the challenge had squeeze and excitation: the authors' code has, \
                a sample configuration has not. Both fit 1022 MFLOPs, both are here.",
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "vargfacenet",
        aliases: &["vargface", "vargfacenet-se"],
        title: "VarGFaceNet",
        counts: Counts { parameters: 5_198_292, macs: 512_593_440 },
        fingerprint: presets::expect(3.86496, &[(0, -0.019_113_3), (1, 0.15083), (2, -0.139735), (3, 0.111924)]),
        build: |n| vargfacenet(n, true),
        ..BASE
    },
    Entry {
        name: "vargfacenet-no-se",
        aliases: &["vargface-no-se"],
        title: "VarGFaceNet without squeeze and excitation",
        counts: Counts { parameters: 4_957_512, macs: 512_355_840 },
        fingerprint: presets::expect(4.56703, &[(0, -0.10232), (1, 0.096_643_8), (2, -0.170535), (3, 0.157313)]),
        build: |n| vargfacenet(n, false),
        ..BASE
    },
];

/// Channels of a group.
const GROUP: usize = 8;

/// The whole network.
fn vargfacenet(n: &mut Net, squeeze: bool) {
    n.epsilon = 2e-5;
    let x = n.input(3, [112, 112], false);
    let x = n.conv_bn_prelu("conv1", x, 40, k(3).p(1));
    let mut x = normal(n, "head", x, 2, 1, squeeze);
    for (stage, channels, blocks) in [(2, 80, 2), (3, 160, 6), (4, 320, 3)] {
        x = merge(n, &format!("stage{stage}.0"), x, channels);
        for block in 1..=blocks {
            x = normal(n, &format!("stage{stage}.{block}"), x, 1, 2, squeeze);
        }
    }
    let x = n.conv_bn_prelu("emb.conv", x, 1024, k(1));
    let x = n.conv_bn("emb.gc", x, 1024, k(7).g(1024 / GROUP));
    let x = n.conv_bn_prelu("emb.pw", x, 512, k(1));
    let x = n.fc("emb.fc", x, 512, true);
    let x = n.bn("emb.fc.bn", x);
    n.output("embedding", x);
}

/// Two separable layers and their gate, added to the input, or to a separable layer of it where the stride is not 1; then PReLU.
fn normal(n: &mut Net, name: &str, x: Map, stride: usize, factor: usize, squeeze: bool) -> Map {
    let shortcut = if stride == 1 { x } else { sep(n, &format!("{name}.sc"), x, (x.c, stride, factor), false) };
    let y = sep(n, &format!("{name}.s1"), x, (x.c, stride, factor), true);
    let mut y = sep(n, &format!("{name}.s2"), y, (x.c, 1, factor), false);
    if squeeze {
        y = gate(n, &format!("{name}.se"), y);
    }
    let sum = n.add(y, shortcut);
    n.prelu(&format!("{name}.out"), sum)
}

/// Half the size and `channels` channels: the sum of two branches, PReLU, a third layer, added to the shortcut; then PReLU.
fn merge(n: &mut Net, name: &str, x: Map, channels: usize) -> Map {
    let shortcut = sep(n, &format!("{name}.sc"), x, (channels, 2, 2), false);
    let a = sep(n, &format!("{name}.s1a"), x, (channels, 2, 2), false);
    let b = sep(n, &format!("{name}.s1b"), x, (channels, 2, 2), false);
    let sum = n.add(a, b);
    let y = n.prelu(&format!("{name}.mid"), sum);
    let y = sep(n, &format!("{name}.s2"), y, (channels, 1, 2), false);
    let sum = n.add(y, shortcut);
    n.prelu(&format!("{name}.out"), sum)
}

/// A grouped 3x3 that makes `factor` times as many channels, PReLU, and a 1x1 to `channels`; PReLU when `active`.
fn sep(n: &mut Net, name: &str, x: Map, (channels, stride, factor): (usize, usize, usize), active: bool) -> Map {
    let y = n.conv_bn_prelu(&format!("{name}.gc"), x, x.c * factor, k(3).s(stride).p(1).g(x.c / GROUP));
    let name = format!("{name}.pw");
    if active { n.conv_bn_prelu(&name, y, channels, k(1)) } else { n.conv_bn(&name, y, channels, k(1)) }
}

/// Squeeze and excitation, with a PReLU between.
fn gate(n: &mut Net, name: &str, x: Map) -> Map {
    let g = n.global_avg(x);
    let g = n.conv(&format!("{name}.fc1"), g, x.c / 4, k(1).bias());
    let g = n.prelu(&format!("{name}.prelu"), g);
    let g = n.conv(&format!("{name}.fc2"), g, x.c, k(1).bias());
    let g = n.sigmoid(g);
    n.mul(x, g)
}
