//! Age, gender, race and emotion, as the deepface library reads them from faces.
//!
//! The first three are whole networks of their own: VGGFace up to fc7, then one layer over classes.

use super::entry::{Crop, Entry, Expected, Input, Output, Paper};
use super::net::{Map, Net, k};
use super::presets;
use super::vggface::to_fc7;
use crate::graph::Counts;
use crate::model::Channels;

const BASE: Entry = Entry {
    paper: Paper {
        title: "HyperExtended LightFace: A Facial Attribute Analysis Framework",
        author: "Serengil",
        year: 2021,
        venue: "ICEET 2021",
    },
    reference: "serengil/deepface (MIT)",
    licence: "the library's weights: as published there; those that start from VGGFace inherit its terms",
    input: Input { channels: Channels::Bgr, ..presets::rgb255([224, 224]) },
    align: Some(Crop::Box),
    uncertain: "The library fits crops into the square and fills the rest with black.",
    ..presets::EMPTY
};

/// Years.
const AGES: [&str; 101] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23",
    "24", "25", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45",
    "46", "47", "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63", "64", "65", "66", "67",
    "68", "69", "70", "71", "72", "73", "74", "75", "76", "77", "78", "79", "80", "81", "82", "83", "84", "85", "86", "87", "88", "89",
    "90", "91", "92", "93", "94", "95", "96", "97", "98", "99", "100",
];

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "age",
        aliases: &["deepface-age", "vggface-age"],
        title: "Age in years: the sum of each year times its probability",
        output: Output::Classes(&AGES),
        counts: Counts { parameters: 134_674_341, macs: 15_466_582_016 },
        fingerprint: logits(&["predictions"], 0.906792, &[(0, -0.0248298), (1, 0.0854105), (2, -0.0685934), (93, -0.230122)]),
        build: |n| classes(n, 101),
        ..BASE
    },
    Entry {
        name: "gender",
        aliases: &["deepface-gender", "vggface-gender"],
        title: "Gender",
        output: Output::Classes(&["woman", "man"]),
        counts: Counts { parameters: 134_268_738, macs: 15_466_176_512 },
        fingerprint: logits(&["predictions"], 0.0889465, &[(0, -0.0248298), (1, 0.0854105)]),
        build: |n| classes(n, 2),
        ..BASE
    },
    Entry {
        name: "race",
        aliases: &["deepface-race", "vggface-race", "ethnicity"],
        title: "Race, in the classes of the library",
        output: Output::Classes(&["asian", "indian", "black", "white", "middle eastern", "latino hispanic"]),
        counts: Counts { parameters: 134_285_126, macs: 15_466_192_896 },
        fingerprint: logits(&["predictions"], 0.182261, &[(0, -0.0248298), (1, 0.0854105), (2, -0.0685934), (4, 0.118991)]),
        build: |n| classes(n, 6),
        ..BASE
    },
    Entry {
        name: "emotion",
        aliases: &["deepface-emotion", "emotion-cnn", "fer"],
        title: "Emotion",
        licence: "the library's weights: as published there, trained on FER-2013",
        input: Input { channels: Channels::Gray, ..presets::rgb255([48, 48]) },
        output: Output::Classes(&["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]),
        counts: Counts { parameters: 1_485_831, macs: 28_835_840 },
        fingerprint: logits(&["fc3"], 0.437336, &[(0, -0.256575), (1, 0.19873), (2, -0.120979), (3, -0.144181)]),
        build: emotion,
        ..BASE
    },
];

/// What goes into the softmax: probabilities hardly differ from each other while nothing is trained.
const fn logits(values: &'static [&'static str], norm: f64, elements: &'static [(usize, f64)]) -> Option<Expected> {
    Some(Expected { values, size: None, norm, elements })
}

fn classes(n: &mut Net, classes: usize) {
    let x = to_fc7(n);
    let x = n.fc("predictions", x, classes, true);
    let x = n.softmax(x);
    n.output("probabilities", x);
}

fn emotion(n: &mut Net) {
    let x = n.input(1, [48, 48], false);
    let x = conv(n, "conv1", x, 64, 5);
    let x = n.max_pool(x, k(5).s(2));
    let x = conv(n, "conv2", x, 64, 3);
    let x = conv(n, "conv3", x, 64, 3);
    let x = n.avg_pool(x, k(3).s(2));
    let x = conv(n, "conv4", x, 128, 3);
    let x = conv(n, "conv5", x, 128, 3);
    let mut x = n.avg_pool(x, k(3).s(2));
    for name in ["fc1", "fc2"] {
        let y = n.fc(name, x, 1024, true);
        x = n.relu(y);
    }
    let x = n.fc("fc3", x, 7, true);
    let x = n.softmax(x);
    n.output("probabilities", x);
}

fn conv(n: &mut Net, name: &str, x: Map, out: usize, size: usize) -> Map {
    let x = n.conv(name, x, out, k(size).bias());
    n.relu(x)
}
