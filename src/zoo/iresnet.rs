//! IResNet, the residual network of ArcFace: pre-activation blocks, an "E" head, PReLU.

use super::entry::{Embedding, Entry, Output, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::Flip;

const BASE: Entry = Entry {
    paper: presets::ARCFACE,
    reference: "deepinsight/insightface, recognition/arcface_torch (MIT)",
    licence: "InsightFace's weights: non-commercial research",
    input: presets::rgb([112, 112], [127.5; 3], [1.0 / 127.5; 3]),
    align: presets::ARCFACE_CROP,
    output: Output::Embedding(EMBEDDING),
    uncertain: "Weights of the MXNet models want (x - 127.5) / 128 and an epsilon of 2e-5. Those of TreB1eN and face.evoLVe have other blocks.",
    ..presets::EMPTY
};

/// As InsightFace tests: the embeddings of the crop and of its mirror image are added.
const EMBEDDING: Embedding =
    Embedding { flip: Flip::Sum, post: "The runtime of InsightFace leaves the mirror image out.", ..presets::embedding(512) };

const fn threshold(cosine: f32, source: &'static str) -> Output {
    Output::Embedding(Embedding { threshold: Some(cosine), threshold_source: source, ..EMBEDDING })
}

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "iresnet-18",
        aliases: &["ir-18", "arcface-r18", "r18"],
        title: "ArcFace IResNet-18",
        published: Published { macs: "2.6 G", ..Published::NONE },
        counts: Counts { parameters: 24_025_600, macs: 2_609_954_816 },
        fingerprint: presets::expect(51.2229, &[(0, 1.97789), (1, -1.50859), (2, -1.38595), (3, 0.521663)]),
        build: |n| iresnet(n, [2, 2, 2, 2], false),
        ..BASE
    },
    Entry {
        name: "iresnet-34",
        aliases: &["ir-34", "arcface-r34", "r34", "lresnet34e-ir"],
        title: "ArcFace IResNet-34",
        output: threshold(0.32, "The deepface library, for its own weights of this network: a cosine distance of 0.68."),
        published: Published { parameters: "34.129 M", macs: "8.934 GFLOPs (2 x multiply-adds)", ..Published::NONE },
        counts: Counts { parameters: 34_139_328, macs: 4_459_642_880 },
        fingerprint: presets::expect(241.728, &[(0, 12.675), (1, -0.866_294), (2, 4.62986), (3, 6.33333)]),
        build: |n| iresnet(n, [3, 4, 6, 3], false),
        ..BASE
    },
    Entry {
        name: "iresnet-50",
        aliases: &["ir-50", "arcface-r50", "r50", "lresnet50e-ir", "w600k-r50", "buffalo-l"],
        title: "ArcFace IResNet-50",
        output: threshold(0.45, "The deepface library, for the weights of buffalo_l: a cosine distance of 0.55."),
        published: Published { macs: "6.3 G", lfw: "99.83 (buffalo_l)", ..Published::NONE },
        counts: Counts { parameters: 43_590_848, macs: 6_309_330_944 },
        fingerprint: presets::expect(1754.98, &[(0, 9.12452), (1, 126.774), (2, 67.4825), (3, -25.254)]),
        build: |n| iresnet(n, [3, 4, 14, 3], false),
        ..BASE
    },
    Entry {
        name: "iresnet-90",
        aliases: &["ir-90", "arcface-r90", "r90"],
        title: "ArcFace IResNet-90",
        published: Published { parameters: "63.67 M", ..Published::NONE },
        counts: Counts { parameters: 63_677_120, macs: 10_933_551_104 },
        fingerprint: presets::expect(109_031.0, &[(0, 5567.27), (1, -3245.4), (2, 7820.59), (3, -1409.16)]),
        build: |n| iresnet(n, [3, 8, 30, 3], false),
        ..BASE
    },
    Entry {
        name: "iresnet-100",
        aliases: &["ir-100", "arcface-r100", "r100", "arcface", "lresnet100e-ir", "glint360k-r100", "antelopev2"],
        title: "ArcFace IResNet-100",
        published: Published { parameters: "65.13 M", macs: "12.1 G; 24.2 GFLOPs (2 x multiply-adds)", lfw: "99.83" },
        counts: Counts { parameters: 65_156_160, macs: 12_089_606_144 },
        fingerprint: presets::expect(251_164.0, &[(0, 12_887.1), (1, -10_536.4), (2, 8932.27), (3, 3464.41)]),
        build: |n| iresnet(n, [3, 13, 30, 3], false),
        ..BASE
    },
    Entry {
        name: "iresnet-200",
        aliases: &["ir-200", "arcface-r200", "r200"],
        title: "ArcFace IResNet-200",
        published: Published { macs: "23.5 G", ..Published::NONE },
        counts: Counts { parameters: 118_833_920, macs: 23_418_945_536 },
        fingerprint: presets::expect(9_123_330_000.0, &[(0, -94_323_600.0), (1, 599_580_000.0), (2, -239_320_000.0), (3, 32_585_700.0)]),
        build: |n| iresnet(n, [6, 26, 60, 6], false),
        ..BASE
    },
    Entry {
        name: "iresnet-se-18",
        aliases: &["se-ir-18", "ir-se-18", "se-lresnet18e-ir"],
        title: "ArcFace SE-IResNet-18",
        counts: Counts { parameters: 24_114_800, macs: 2_610_041_856 },
        fingerprint: presets::expect(15.3894, &[(0, 0.569155), (1, -0.521222), (2, -0.269418), (3, 0.098_719_3)]),
        build: |n| iresnet(n, [2, 2, 2, 2], true),
        ..BASE
    },
    Entry {
        name: "iresnet-se-34",
        aliases: &["se-ir-34", "ir-se-34", "se-lresnet34e-ir"],
        title: "ArcFace SE-IResNet-34",
        counts: Counts { parameters: 34_300_760, macs: 4_459_800_064 },
        fingerprint: presets::expect(25.2321, &[(0, 1.95465), (1, 0.083_098_3), (2, 0.958848), (3, 0.616113)]),
        build: |n| iresnet(n, [3, 4, 6, 3], true),
        ..BASE
    },
    Entry {
        name: "iresnet-se-50",
        aliases: &["se-ir-50", "ir-se-50", "se-lresnet50e-ir"],
        title: "ArcFace SE-IResNet-50",
        counts: Counts { parameters: 43_820_120, macs: 6_309_553_664 },
        fingerprint: presets::expect(45.5144, &[(0, 3.05422), (1, 2.92378), (2, 1.16264), (3, 0.025_546_9)]),
        build: |n| iresnet(n, [3, 4, 14, 3], true),
        ..BASE
    },
    Entry {
        name: "iresnet-se-90",
        aliases: &["se-ir-90", "ir-se-90", "se-lresnet90e-ir"],
        title: "ArcFace SE-IResNet-90",
        counts: Counts { parameters: 64_050_840, macs: 10_933_913_088 },
        fingerprint: presets::expect(242.225, &[(0, -14.9295), (1, -4.40949), (2, 18.3694), (3, -18.1397)]),
        build: |n| iresnet(n, [3, 8, 30, 3], true),
        ..BASE
    },
    Entry {
        name: "iresnet-se-100",
        aliases: &["se-ir-100", "ir-se-100", "se-lresnet100e-ir"],
        title: "ArcFace SE-IResNet-100",
        counts: Counts { parameters: 65_540_840, macs: 12_089_978_368 },
        fingerprint: presets::expect(379.129, &[(0, -22.1829), (1, -16.6676), (2, 16.0951), (3, -21.4912)]),
        build: |n| iresnet(n, [3, 13, 30, 3], true),
        ..BASE
    },
];

/// The whole network; `units` blocks a stage.
pub(super) fn iresnet(n: &mut Net, units: [usize; 4], squeeze: bool) {
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
