//! Galleries of files, and faces to put into them.

use std::path::{Path, PathBuf};

use lookalike::gallery::{Added, Entry, Gallery, GalleryModel, GalleryOptions, NewEntry};
use lookalike::model::{Normalize, Similarity};

use super::Random;

pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn gallery(&self, options: &GalleryOptions) -> Gallery {
        Gallery::create(self.path("g"), options).unwrap()
    }
}

pub(crate) fn vector(r: &mut Random, n: usize) -> Vec<f32> {
    (0..n).map(|_| r.signed()).collect()
}

pub(crate) fn entry<'a>(label: &'a str, source: &'a str, vector: &'a [f32]) -> NewEntry<'a> {
    NewEntry { label, source, vector, ..NewEntry::default() }
}

pub(crate) fn new_id(added: Added) -> u64 {
    match added {
        Added::New(id) => id,
        Added::Known { id, .. } => panic!("face {id} was there before"),
    }
}

pub(crate) fn all(gallery: &Gallery) -> Vec<Entry> {
    gallery.entries().unwrap().collect::<Result<_, _>>().unwrap()
}

pub(crate) fn model(digest: &str) -> GalleryModel {
    GalleryModel {
        digest: digest.to_owned(),
        name: format!("model-{digest}"),
        preprocessing: "{}".to_owned(),
        preprocessing_digest: "p".to_owned(),
        normalize: Normalize::L2,
        similarity: Similarity::Cosine,
        threshold: Some(0.25),
        score: None,
    }
}

/// A closed gallery with `n` faces of `n / 3` people.
pub(crate) fn filled(path: &Path, n: usize, dimension: usize) -> Vec<Entry> {
    let mut gallery = Gallery::create(path, &GalleryOptions::default()).unwrap();
    let mut r = Random(7);
    for i in 0..n {
        let (label, source, v) = (format!("person {}", i / 3), format!("/pictures/{i}.jpg"), vector(&mut r, dimension));
        gallery.add(&NewEntry { picture_digest: Some([i as u8; 32]), quality: Some(0.5), ..entry(&label, &source, &v) }).unwrap();
    }
    all(&gallery)
}
