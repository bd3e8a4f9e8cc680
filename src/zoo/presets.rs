//! What many entries of the registry have in common.

use super::entry::{Crop, Embedding, Entry, Expected, Input, Output, Paper, Published};
use crate::graph::Counts;
use crate::model::{Channels, Flip, Normalize, Similarity};

/// ArcFace.
pub(super) const ARCFACE: Paper = Paper {
    title: "ArcFace: Additive Angular Margin Loss for Deep Face Recognition",
    author: "Deng",
    year: 2019,
    venue: "CVPR 2019, arXiv 1801.07698",
};

/// MobileFaceNet.
pub(super) const MOBILEFACENET: Paper = Paper {
    title: "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile Devices",
    author: "Chen",
    year: 2018,
    venue: "CCBR 2018, arXiv 1804.07573",
};

/// The five points that most networks since SphereFace are trained on, in crops of 112x112 and their multiples, and 96x112.
pub(super) const ARCFACE_CROP: Option<Crop> = Some(Crop::Template("arcface-112"));

/// What every entry starts from.
pub(super) const EMPTY: Entry = Entry {
    name: "",
    aliases: &[],
    title: "",
    paper: Paper { title: "", author: "", year: 0, venue: "" },
    reference: "",
    licence: "",
    input: rgb([0, 0], [0.0; 3], [1.0; 3]),
    align: None,
    output: Output::Other(""),
    published: Published::NONE,
    counts: Counts { parameters: 0, macs: 0 },
    fingerprint: None,
    uncertain: "",
    build: |_| (),
    bgr: &[],
    adapt: None,
};

/// RGB pictures of this height and width.
pub(super) const fn rgb(size: [usize; 2], mean: [f32; 3], scale: [f32; 3]) -> Input {
    Input { size, free: false, channels: Channels::Rgb, mean, scale }
}

/// RGB pictures as x / 255.
pub(super) const fn rgb255(size: [usize; 2]) -> Input {
    rgb(size, [0.0; 3], [1.0 / 255.0; 3])
}

/// RGB pictures as (x - 127.5) / 128.
pub(super) const fn rgb128(size: [usize; 2]) -> Input {
    rgb(size, [127.5; 3], [1.0 / 128.0; 3])
}

/// Pictures of any size; that of `input` is an example.
pub(super) const fn free(input: Input) -> Input {
    Input { free: true, ..input }
}

/// An embedding of this length, scaled to unit length and compared by cosine; no threshold was published.
pub(super) const fn cosine(length: usize) -> Output {
    Output::Embedding(embedding(length))
}

/// The same, for struct update.
pub(super) const fn embedding(length: usize) -> Embedding {
    Embedding {
        length,
        normalize: Normalize::L2,
        flip: Flip::None,
        similarity: Similarity::Cosine,
        threshold: None,
        threshold_source: "",
        post: "",
    }
}

/// The fingerprint of the output: its norm, and some elements by index.
pub(super) const fn expect(norm: f64, elements: &'static [(usize, f64)]) -> Option<Expected> {
    Some(Expected { values: &[], size: None, norm, elements })
}
