//! The networks of face recognition, buildable by name.
//!
//! One file a family, written as the paper's table reads; [`Entry`] says where a network comes from, how it is fed and what it gives.
//! [`Parameters`] are the numbers: a checkpoint that somebody published, or a rule.
//!
//! ```
//! use lookalike::zoo::{self, Fingerprint};
//!
//! let entry = zoo::find("mobilefacenet")?;
//! let model = entry.model(&mut Fingerprint)?;
//! assert_eq!(entry.embedding(), Some(128));
//! # assert!(!model.graph.nodes.is_empty());
//! # Ok::<(), lookalike::error::Error>(())
//! ```

mod airface;
mod attributes;
mod deepface;
mod deepid;
mod deepid3;
mod dlib;
mod entry;
mod facenet;
mod inception_resnet;
mod iresnet;
mod load;
mod mbf;
mod mobilefacenet;
mod mtcnn;
mod net;
mod openface;
mod parameters;
mod polyface;
mod presets;
mod recognise;
mod scrfd;
mod sface;
mod shrinkteanet;
mod sphereface;
mod vargfacenet;
mod vggface;
mod yunet;

pub use entry::{Crop, Embedding, Entry, Expected, Input, Output, Paper, Published};
pub use load::load;
pub use parameters::{Checkpoint, Fingerprint, Layers, Parameters, Role, Seeded, Shapes};
pub use recognise::recognise;

use crate::error::{Error, Result};

/// The registry, one slice a family, oldest first.
const FAMILIES: &[&[Entry]] = &[
    deepface::NETWORKS,
    deepid::NETWORKS,
    deepid3::NETWORKS,
    facenet::NETWORKS,
    vggface::NETWORKS,
    openface::NETWORKS,
    inception_resnet::NETWORKS,
    mtcnn::NETWORKS,
    sphereface::NETWORKS,
    dlib::NETWORKS,
    mobilefacenet::NETWORKS,
    mbf::NETWORKS,
    iresnet::NETWORKS,
    shrinkteanet::NETWORKS,
    airface::NETWORKS,
    polyface::NETWORKS,
    vargfacenet::NETWORKS,
    sface::NETWORKS,
    scrfd::NETWORKS,
    yunet::NETWORKS,
    attributes::NETWORKS,
];

/// Every network, by family.
pub fn networks() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().copied().flatten()
}

/// The network of this name or alias. Case, hyphens, underscores, dots and spaces do not matter; `+` reads as `plus`.
///
/// # Errors
/// [`Error::Caller`] that names what comes nearest.
pub fn find(name: &str) -> Result<&'static Entry> {
    let wanted = letters(name);
    let called = |e: &&Entry| std::iter::once(&e.name).chain(e.aliases).any(|n| letters(n) == wanted);
    networks().find(called).ok_or_else(|| {
        let mut near: Vec<&str> = networks().map(|e| e.name).collect();
        near.sort_by_key(|n| (distance(&letters(n), &wanted), *n));
        near.truncate(3);
        Error::Caller(format!("There is no network named `{name}`. Near it are {}; `zoo list` shows all.", near.join(", ")))
    })
}

fn letters(name: &str) -> String {
    name.replace('+', "plus").chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Letters to change, add or leave out to make `b` of `a`; what `b` only continues costs little.
fn distance(a: &str, b: &str) -> usize {
    if a.contains(b) || b.contains(a) {
        return 0;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
