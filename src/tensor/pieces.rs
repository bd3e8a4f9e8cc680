//! A picture made of pieces of a photo.

/// Every pixel belongs to a piece, and every piece is an affine map away from the photo.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    /// Width and height in pixels.
    pub(crate) size: [u32; 2],
    /// The piece of every pixel, row by row.
    pub(crate) ids: Vec<u32>,
    pub(crate) pieces: Vec<Piece>,
}

/// Where the pixels of a piece lie in the photo: as in [`super::Look::Warp`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) transform: [f32; 6],
    /// Somewhere else, seen through where `alpha` is below 1.
    pub(crate) fill: [f32; 6],
    /// The share of `transform`, 0..1.
    pub(crate) alpha: f32,
}

impl Piece {
    /// Samples along an axis of a pixel: as many as it covers pixels of the photo, at most 16.
    pub(crate) fn samples(&self) -> u32 {
        let covered = |[a, b, _, d, e, _]: [f32; 6]| a.hypot(d).max(b.hypot(e));
        let most = if self.alpha < 1.0 { covered(self.transform).max(covered(self.fill)) } else { covered(self.transform) };
        // A map that only copies is a rounding off 1.
        ((most - 0.01).ceil() as u32).clamp(1, 16)
    }
}
