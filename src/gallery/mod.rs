//! Galleries: whose faces are known, kept in a file; which of them a new face resembles, searched on the GPU; and who belongs together.

pub mod cluster;
pub mod index;
pub mod ivf;
#[cfg(feature = "gallery")]
pub mod store;

#[cfg(feature = "gallery")]
pub use store::{Added, Batch, Check, Entry, Faces, Gallery, GalleryModel, GalleryOptions, NewEntry, Person, Stats};
