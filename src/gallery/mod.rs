//! Galleries: whose faces are known, and which of them a new face resembles.

pub mod store;

pub use store::{Added, Batch, Check, Entry, Faces, Gallery, GalleryModel, GalleryOptions, NewEntry, Person, Stats};
