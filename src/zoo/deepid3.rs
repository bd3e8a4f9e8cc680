//! DeepID3: stacked 3x3 convolutions (net1) or inception blocks (net2) on the patches of DeepID.
//!
//! Neither the size of the input, nor widths, nor the kernels of the locally connected layers were published. These are instantiations of
//! this project's own that agree with all that was: the input and widths of DeepID2+, the inception widths of GoogLeNet's 3a.

use super::entry::{Embedding, Entry, Output, Paper, Published};
use super::net::{Kernel, Map, Net, k};
use super::presets;
use crate::graph::Counts;

const BASE: Entry = Entry {
    paper: Paper {
        title: "DeepID3: Face Recognition with Very Deep Neural Networks",
        author: "Sun",
        year: 2015,
        venue: "arXiv 1502.00873",
    },
    reference: "none was published",
    licence: "no weights were published",
    input: presets::rgb255([55, 47]),
    output: Output::Embedding(Embedding {
        threshold_source: "none: the paper scores with Joint Bayesian",
        post: "the vectors of 25 patches and their mirror images joined, PCA to 300, Joint Bayesian",
        ..presets::embedding(320)
    }),
    published: Published { lfw: "99.53, ensemble of both", ..Published::NONE },
    uncertain: "Size of the input, widths, kernels of the locally connected layers, length of the feature and scaling of pixels were not \
                published. They are this project's choice.",
    ..presets::EMPTY
};

pub(super) const NETWORKS: &[Entry] = &[
    Entry {
        name: "deepid3-net1",
        aliases: &["deepid3"],
        title: "DeepID3 net1, reference instantiation",
        counts: Counts { parameters: 3_711_552, macs: 652_892_544 },
        fingerprint: presets::expect(1.12985, &[(0, 0.115202), (1, 0.0), (2, 0.0), (3, 0.107829), (249, 0.292038)]),
        build: net1,
        ..BASE
    },
    Entry {
        name: "deepid3-net2",
        title: "DeepID3 net2, reference instantiation",
        counts: Counts { parameters: 2_288_112, macs: 688_662_912 },
        fingerprint: presets::expect(1.06596, &[(0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0), (12, 0.140972), (90, 0.265167)]),
        build: net2,
        ..BASE
    },
];

fn net1(n: &mut Net) {
    let mut x = n.input(3, [55, 47], false);
    for pair in 0..4 {
        x = pair_pool(n, pair, x);
    }
    let x = n.local("lc9", x, 160, k(3).p(1));
    let x = n.relu(x);
    let x = n.local("lc10", x, 160, k(3));
    let x = n.relu(x);
    let x = n.vector(x);
    n.output("embedding", x);
}

fn net2(n: &mut Net) {
    let mut x = n.input(3, [55, 47], false);
    for pair in 0..2 {
        x = pair_pool(n, pair, x);
    }
    for block in 1..=5 {
        x = inception(n, &format!("inc{block}"), x);
        if block == 3 || block == 5 {
            x = n.max_pool(x, k(2).s(2).ceil());
        }
    }
    let x = n.fc("feat", x, 320, true);
    let x = n.relu(x);
    n.output("embedding", x);
}

/// Two convolutions, the largest of 2x2.
fn pair_pool(n: &mut Net, pair: usize, x: Map) -> Map {
    let x = conv(n, &format!("conv{}", 2 * pair + 1), x, 128, k(3).p(1));
    let x = conv(n, &format!("conv{}", 2 * pair + 2), x, 128, k(3).p(1));
    n.max_pool(x, k(2).s(2).ceil())
}

fn inception(n: &mut Net, name: &str, x: Map) -> Map {
    let one = conv(n, &format!("{name}.1x1"), x, 64, k(1));
    let three = conv(n, &format!("{name}.3x3r"), x, 96, k(1));
    let three = conv(n, &format!("{name}.3x3"), three, 128, k(3).p(1));
    let five = conv(n, &format!("{name}.5x5r"), x, 16, k(1));
    let five = conv(n, &format!("{name}.5x5"), five, 32, k(5).p(2));
    let pool = n.max_pool(x, k(3).p(1));
    let pool = conv(n, &format!("{name}.pool"), pool, 32, k(1));
    n.concat(name, &[one, three, five, pool])
}

fn conv(n: &mut Net, name: &str, x: Map, out: usize, kernel: Kernel) -> Map {
    let x = n.conv(name, x, out, kernel.bias());
    n.relu(x)
}
