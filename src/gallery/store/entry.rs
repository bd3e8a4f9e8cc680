//! Rows of a gallery: what goes in and what comes out.

/// A face to enrol.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewEntry<'a> {
    /// Whose face it is: 1 to 1000 bytes.
    pub label: &'a str,
    /// Where the picture came from: a path, a URL, anything.
    pub source: &'a str,
    /// SHA-256 of the picture file. A picture with a digest is enrolled once, whatever it is called.
    pub picture_digest: Option<[u8; 32]>,
    /// Which face of the picture, from 0. `None`: the first of a picture with a digest, the next free one otherwise.
    pub face: Option<u32>,
    /// The embedding.
    pub vector: &'a [f32],
    /// How good the face is, as whoever measured it says; finite.
    pub quality: Option<f32>,
    /// Left, top, right, bottom of the face in the picture, in pixels; finite.
    pub bounds: Option<[f32; 4]>,
}

/// A face of a gallery.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number, which no other face ever had or will have in this gallery.
    pub id: u64,
    /// The number of its person.
    pub person: u64,
    /// Whose face it is.
    pub label: String,
    /// Where the picture came from.
    pub source: String,
    /// SHA-256 of the picture file, where it is known.
    pub picture_digest: Option<[u8; 32]>,
    /// Which face of the picture.
    pub face: u32,
    /// The embedding.
    pub vector: Vec<f32>,
    /// How good the face is.
    pub quality: Option<f32>,
    /// Left, top, right, bottom of the face in the picture, in pixels.
    pub bounds: Option<[f32; 4]>,
    /// When it was enrolled: milliseconds since 1970, UTC.
    pub added: i64,
}

/// What became of a [`NewEntry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is enrolled under this id.
    New(u64),
    /// The face was enrolled before; nothing changed.
    Known {
        /// Its id.
        id: u64,
        /// Under whose name.
        label: String,
    },
}

/// Which faces are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faces<'a> {
    /// The one with this id.
    Id(u64),
    /// All of the person with this label.
    Person(&'a str),
    /// All in pictures from this source.
    Source(&'a str),
}
