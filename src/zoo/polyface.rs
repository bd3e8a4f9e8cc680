//! Efficient PolyFace: 84 inception blocks with scaled sums, for as much accuracy as 30 GFLOPs buy.

use super::entry::{Crop, Embedding, Entry, Input, Output, Paper, Published};
use super::net::{Kernel, Map, Net, k, k2};
use super::presets;
use crate::graph::Counts;
use crate::model::{Channels, Flip};

pub(super) const NETWORKS: &[Entry] = &[Entry {
    name: "polyface",
    aliases: &["efficient-polyface", "trojans"],
    title: "Efficient PolyFace",
    paper: Paper { title: "Towards Flops-constrained Face Recognition", author: "Liu", year: 2019, venue: "ICCVW 2019, arXiv 1909.00632" },
    reference: "sciencefans/trojans-face-recognizer (MIT)",
    licence: "sciencefans/trojans-face-recognizer publishes weights under MIT",
    // x * 3.2 / 255 - 1.6
    input: Input { channels: Channels::Bgr, ..presets::rgb([235, 235], [127.5; 3], [3.2 / 255.0; 3]) },
    align: Some(CROP),
    output: Output::Embedding(Embedding { flip: Flip::Sum, ..presets::embedding(256) }),
    published: Published { macs: "28.25 GFLOPs (2 x multiply-adds)", ..Published::NONE },
    counts: Counts { parameters: 119_927_552, macs: 14_066_411_104 },
    fingerprint: presets::expect(4.92326, &[(0, -0.358714), (1, 0.372431), (2, 0.27785), (3, -0.004_674_84)]),
    uncertain: "The reference takes crops of 112x112, drops the first row and column and scales the rest to 235x235. \
                The crop here is cut from the picture at 235x235 at once: the same place, interpolated once and not twice.",
    build: polyface,
    ..presets::EMPTY
}];

/// The points of the 112x112 crop after its first row and column are dropped and pixels of 1/111 become pixels of 1/235:
/// `(x - 1 + 0.5) * 235 / 111 - 0.5`.
const CROP: Crop = Crop::Points([[79.5156, 107.8886], [154.1169, 107.4759], [117.0534, 150.3162], [86.4062, 193.99], [148.1849, 193.6483]]);

/// What a block adds is multiplied by this: 0.3, and the 0.8 of the blocks that a step of training kept.
const RESIDUAL: f32 = 0.3 * 0.8;

/// The channels and the kernel of a layer.
type Layer = (usize, Kernel);

const HALF: Kernel = k(3).s(2);
const POOL: Kernel = HALF.ceil();

/// The whole network.
fn polyface(n: &mut Net) {
    n.epsilon = 1e-10;
    let x = n.input(3, [235, 235], false);
    let mut x = stem(n, x);
    for i in 0..23 {
        let branches: [&[Layer]; 3] = [&[(32, k(1)), (48, k(3).p(1)), (64, k(3).p(1))], &[(32, k(1)), (32, k(3).p(1))], &[(32, k(1))]];
        x = block(n, &format!("a10.{i}"), x, &branches);
    }
    x = reduction(n, "a2b", x, &[&[(256, k(1)), (256, k(3).p(1)), (384, HALF)], &[(384, HALF)]]);
    for i in 0..38 {
        let branches: [&[Layer]; 2] = [&[(128, k(1)), (160, k2(1, 7).same()), (192, k2(7, 1).same())], &[(192, k(1))]];
        x = block(n, &format!("b20.{i}"), x, &branches);
    }
    let branches: [&[Layer]; 3] = [&[(256, k(1)), (256, k(3).p(1)), (256, HALF)], &[(256, k(1)), (256, HALF)], &[(256, k(1)), (384, HALF)]];
    x = reduction(n, "b2c", x, &branches);
    for i in 0..23 {
        let branches: [&[Layer]; 2] = [&[(192, k(1)), (224, k2(1, 3).same()), (256, k2(3, 1).same())], &[(192, k(1))]];
        x = block(n, &format!("c10.{i}"), x, &branches);
    }
    n.epsilon = 2e-5;
    let x = n.bn("fc.bn1", x);
    let x = n.fc("fc.fc", x, 256, true);
    n.output("embedding", x);
}

/// From the picture to 384 channels of 27x27.
fn stem(n: &mut Net, x: Map) -> Map {
    let x = unit(n, "stem.step1.stem.0", x, (32, HALF));
    let x = unit(n, "stem.step1.stem.1", x, (32, k(3)));
    let x = unit(n, "stem.step1.stem.2", x, (64, k(3).p(1)));
    let parts = [n.max_pool(x, POOL), unit(n, "stem.step1.branch1", x, (96, HALF))];
    let x = n.concat("stem.step1", &parts);
    let tall: [Layer; 4] = [(64, k(1)), (64, k2(7, 1).same()), (64, k2(1, 7).same()), (96, k(3))];
    let parts = branches(n, "stem.step2", x, &[&[(64, k(1)), (96, k(3))], &tall]);
    let x = n.concat("stem.step2", &parts);
    let parts = [n.max_pool(x, POOL), unit(n, "stem.step3.branch1", x, (192, HALF))];
    n.concat("stem.step3", &parts)
}

/// `relu(x + 0.24 * f(x))`, where f joins the branches and restores the channels linearly.
fn block(n: &mut Net, name: &str, x: Map, layers: &[&[Layer]]) -> Map {
    let parts = branches(n, name, x, layers);
    let y = n.concat(&format!("{name}.cat"), &parts);
    let y = n.conv(&format!("{name}.stem.0"), y, x.c, k(1));
    let y = n.bn(&format!("{name}.stem.1"), y);
    let y = n.scaled(y, RESIDUAL);
    let sum = n.add(x, y);
    n.relu(sum)
}

/// Branches of stride 2 beside a pooled copy.
fn reduction(n: &mut Net, name: &str, x: Map, layers: &[&[Layer]]) -> Map {
    let mut parts = branches(n, name, x, layers);
    parts.push(n.max_pool(x, POOL));
    n.concat(name, &parts)
}

/// Branches, whose layers are numbered where there are several.
fn branches(n: &mut Net, name: &str, x: Map, branches: &[&[Layer]]) -> Vec<Map> {
    let mut ends = Vec::new();
    for (b, layers) in branches.iter().enumerate() {
        let mut y = x;
        for (i, &layer) in layers.iter().enumerate() {
            let name = if layers.len() == 1 { format!("{name}.branch{b}") } else { format!("{name}.branch{b}.{i}") };
            y = unit(n, &name, y, layer);
        }
        ends.push(y);
    }
    ends
}

/// Convolution, batch normalisation, ReLU.
fn unit(n: &mut Net, name: &str, x: Map, (channels, kernel): Layer) -> Map {
    let x = n.conv(&format!("{name}.conv"), x, channels, kernel);
    let x = n.bn(&format!("{name}.bn"), x);
    n.relu(x)
}
