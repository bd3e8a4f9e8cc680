//! People who do not exist: a small generative model of faces for demos, tests and throughput measurements.
//!
//! A picture is `mean + basisᵀ (mu + eps)`: `mu` is the person and `eps` the occasion (expression, pose, light, background), both Gaussian,
//! separated by the Joint Bayesian model (Chen et al. 2012). A synthetic camera then moves, turns and lights the frame. Everything is a
//! function of (seed, person, picture), and every picture comes with exact landmarks. The model holds one average face, directions of
//! variation and two covariances; no picture and no coefficients of anybody.

mod camera;
mod decoder;
mod file;

pub use camera::{Camera, SIZE};
pub use decoder::PeopleDecoder;
pub use file::{COMPONENTS, FORMAT, FRAME, PeopleModel};

use crate::embed::Picture;

/// A generated picture with the five landmarks of the face in it, as (x, y) pixel centres in the order of [`crate::embed::ARCFACE_112`].
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedPicture {
    /// The pixels.
    pub picture: Picture,
    /// Exact landmarks.
    pub landmarks: [[f64; 2]; 5],
}

#[cfg(test)]
mod tests;
