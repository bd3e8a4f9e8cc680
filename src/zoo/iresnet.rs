//! IResNet, the residual network of ArcFace: pre-activation blocks, an "E" head, PReLU.

use super::entry::{Entry, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;

const BASE: Entry = Entry {
    paper: presets::ARCFACE,
    reference: "deepinsight/insightface, recognition/arcface_torch (MIT)",
    licence: "InsightFace's weights: non-commercial research",
    input: presets::rgb([112, 112], [127.5; 3], [1.0 / 127.5; 3]),
    align: presets::ARCFACE_CROP,
    output: presets::cosine(512),
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "iresnet-18",
        aliases: &["ir-18", "arcface-r18"],
        title: "ArcFace IResNet-18",
        published: Published { macs: "2.6 G", ..Published::NONE },
        counts: Counts { parameters: 24_025_600, macs: 2_609_954_816 },
        fingerprint: presets::expect(51.2229, &[(0, 1.97789), (1, -1.50859), (2, -1.38595), (3, 0.521663)]),
        build: |n| iresnet(n, [2, 2, 2, 2], false),
        ..BASE
    },
    Entry {
        name: "iresnet-se-18",
        aliases: &["se-ir-18", "ir-se-18"],
        title: "ArcFace SE-IResNet-18",
        counts: Counts { parameters: 24_114_800, macs: 2_610_041_856 },
        fingerprint: presets::expect(15.3894, &[(0, 0.569155), (1, -0.521222), (2, -0.269418), (3, 0.0987193)]),
        build: |n| iresnet(n, [2, 2, 2, 2], true),
        ..BASE
    },
];

/// The whole network; `units` blocks a stage.
fn iresnet(n: &mut Net, units: [usize; 4], squeeze: bool) {
    let x = n.input(3, [112, 112], false);
    let x = n.conv("conv1", x, 64, k(3).p(1));
    let x = n.bn("bn1", x);
    let mut x = n.prelu("prelu", x);
    for (stage, (channels, units)) in [64, 128, 256, 512].into_iter().zip(units).enumerate() {
        for unit in 0..units {
            x = block(n, &format!("layer{}.{unit}", stage + 1), x, channels, unit == 0, squeeze);
        }
    }
    let x = n.bn("bn2", x);
    let x = n.fc("fc", x, 512, true);
    let x = n.bn("features", x);
    n.output("embedding", x);
}

/// BN, conv, BN, PReLU, conv, BN, joined with the shortcut; nothing after the sum.
fn block(n: &mut Net, name: &str, x: Map, channels: usize, first: bool, squeeze: bool) -> Map {
    let stride = if first { 2 } else { 1 };
    let y = n.bn(&format!("{name}.bn1"), x);
    let y = n.conv(&format!("{name}.conv1"), y, channels, k(3).p(1));
    let y = n.bn(&format!("{name}.bn2"), y);
    let y = n.prelu(&format!("{name}.prelu"), y);
    let y = n.conv(&format!("{name}.conv2"), y, channels, k(3).s(stride).p(1));
    let mut y = n.bn(&format!("{name}.bn3"), y);
    if squeeze {
        y = gate(n, &format!("{name}.se"), y);
    }
    let shortcut = if first {
        let x = n.conv(&format!("{name}.downsample.0"), x, channels, k(1).s(2));
        n.bn(&format!("{name}.downsample.1"), x)
    } else {
        x
    };
    n.add(y, shortcut)
}

/// Squeeze and excitation by 1x1 convolutions, with a PReLU between.
fn gate(n: &mut Net, name: &str, x: Map) -> Map {
    let g = n.global_avg(x);
    let g = n.conv(&format!("{name}.fc1"), g, x.c / 16, k(1).bias());
    let g = n.prelu(&format!("{name}.prelu"), g);
    let g = n.conv(&format!("{name}.fc2"), g, x.c, k(1).bias());
    let g = n.sigmoid(g);
    n.mul(x, g)
}
