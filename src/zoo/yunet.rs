//! YuNet, a detector of depthwise separable convolutions on three strides, in its two sizes.

use super::entry::{Entry, Expected, Input, Output, Paper, Published};
use super::net::{Map, Net, k};
use super::presets;
use crate::graph::Counts;
use crate::model::Channels;

const BASE: Entry = Entry {
    paper: Paper {
        title: "YuNet: A Tiny Millisecond-level Face Detector",
        author: "Wu",
        year: 2023,
        venue: "Machine Intelligence Research 2023",
    },
    reference: "ShiqiYu/libfacedetection.train (Apache-2.0); layers as in the ONNX files of opencv/opencv_zoo",
    licence: "Weights of ShiqiYu/libfacedetection.train: BSD or Apache-2.0; of opencv/opencv_zoo: MIT",
    // Sides that are multiples of 32, padded on the right and at the bottom.
    input: Input { size: [320, 320], free: true, channels: Channels::Bgr, mean: [0.0; 3], scale: [1.0; 3] },
    output: Output::Detector,
    ..presets::EMPTY
};

/// The maps before the sigmoid.
const RAW: &[&str] =
    &["cls0.dw", "box0.dw", "kps0.dw", "obj0.dw", "cls1.dw", "box1.dw", "kps1.dw", "obj1.dw", "cls2.dw", "box2.dw", "kps2.dw", "obj2.dw"];

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "yunet-n",
        aliases: &["yunet"],
        title: "YuNet-n",
        published: Published { parameters: "75,856", ..Published::NONE },
        counts: Counts { parameters: 75_856, macs: 135_598_400 },
        fingerprint: raw(11.6, &[(0, -0.0529677), (1, -0.00353557), (2, 0.0138137), (3, -0.00481903)]),
        build: |n| yunet(n, &[&[16, 64], &[64, 64]], true),
        ..BASE
    },
    Entry {
        name: "yunet-s",
        aliases: &["face_detection_yunet_2023mar"],
        title: "YuNet-s",
        published: Published { parameters: "54,608", ..Published::NONE },
        counts: Counts { parameters: 54_608, macs: 86_056_000 },
        fingerprint: raw(12.9611, &[(0, 0.216364), (1, 0.290437), (2, 0.258974), (3, 0.25585)]),
        build: |n| yunet(n, &[&[16, 32], &[32, 64]], false),
        ..BASE
    },
];

const fn raw(norm: f64, elements: &'static [(usize, f64)]) -> Option<Expected> {
    Some(Expected { values: RAW, size: Some([160, 160]), norm, elements })
}

/// The whole network; `early` = channels of the stages that differ, `shared` = one more layer a level before its outputs.
fn yunet(n: &mut Net, early: &[&[usize]], shared: bool) {
    let x = n.input(3, [320, 320], true);
    let x = n.conv("model0.conv1", x, 16, k(3).s(2).p(1).bias());
    let x = n.bn("model0.conv1.bn", x);
    let x = n.relu(x);
    let x = separable(n, "model0.conv2", x, 16);
    let mut x = n.max_pool(x, k(2).s(2));
    let mut taps = Vec::with_capacity(3);
    for (stage, channels) in (1..).zip(early.iter().chain(&[&[64, 64][..]; 3])) {
        for (i, &channels) in (1..).zip(*channels) {
            x = separable(n, &format!("model{stage}.conv{i}"), x, channels);
        }
        if stage >= 3 {
            taps.push(x);
        }
        if (2..5).contains(&stage) {
            x = n.max_pool(x, k(2).s(2));
        }
    }
    let mut levels = Vec::with_capacity(taps.len());
    let mut above: Option<Map> = None;
    for (level, tap) in taps.into_iter().enumerate().rev() {
        let x = match above {
            Some(above) => {
                let up = n.upsample2(above);
                n.add(tap, up)
            }
            None => tap,
        };
        let x = separable(n, &format!("lat{level}"), x, 64);
        above = Some(x);
        levels.insert(0, x);
    }
    if shared {
        levels = levels.into_iter().enumerate().map(|(l, x)| separable(n, &format!("share{l}"), x, 64)).collect();
    }
    for (part, name, width, probability) in
        [("cls", "cls", 1, true), ("obj", "obj", 1, true), ("box", "bbox", 4, false), ("kps", "kps", 10, false)]
    {
        for (level, &x) in levels.iter().enumerate() {
            let x = pair(n, &format!("{part}{level}"), x, width);
            let x = n.rows(x, width);
            let x = if probability { n.sigmoid(x) } else { x };
            n.output(&format!("{name}_{}", 8 << level), x);
        }
    }
}

/// A 1x1 convolution, then a depthwise one.
fn pair(n: &mut Net, name: &str, x: Map, channels: usize) -> Map {
    let x = n.conv(&format!("{name}.pw"), x, channels, k(1).bias());
    n.conv(&format!("{name}.dw"), x, channels, k(3).p(1).g(channels).bias())
}

/// The pair with BN and ReLU.
fn separable(n: &mut Net, name: &str, x: Map, channels: usize) -> Map {
    let x = pair(n, name, x, channels);
    let x = n.bn(&format!("{name}.dw.bn"), x);
    n.relu(x)
}
