//! Landmarks from a network of their own: five or 68 points in the crop of a face.

use super::Face;
use super::align::Aligner;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Photo, PhotoView};
use crate::model::{Align, Method, Model, Precision};
use crate::network::{CompileOptions, Look, Network};

/// Most faces in a run.
const BATCH: usize = 32;

/// A network that places landmarks: it takes the crop of a face's bounds and gives x and y of each point in turn, as fractions of the crop's
/// width and height (0..1). Five points, or 68 in the order of iBUG 300-W. The crop is a box around the bounds, with the margin that the
/// model's description says.
pub struct Landmarker {
    network: Network,
    aligner: Aligner,
    size: [usize; 2],
}

impl Landmarker {
    /// Compiles `model`.
    ///
    /// # Errors
    /// [`Error::Model`] when the model does not take pictures of a known size or is aligned by landmarks; otherwise as [`Network::compile`].
    pub fn new(gpu: &Gpu, model: &Model, precision: Precision) -> Result<Self> {
        let (name, shape) = model.picture_input(1)?;
        let size = [shape[3], shape[2]];
        let mut description = model.description.clone();
        description.align.get_or_insert_with(|| Align { size, method: Some(Method::Box), ..Align::default() });
        let aligner = Aligner::new(&description, size)?;
        if aligner.needs_landmarks() {
            return Err(Error::Model(format!(
                "The landmark network `{}` wants its crops aligned by landmarks, which it is there to find. Give method = \"box\" in [align] of its \
                 description.",
                description.name
            )));
        }
        let options = CompileOptions { shapes: vec![(name, shape)], precision, ..CompileOptions::default() };
        Ok(Self { network: Network::compile(gpu, model, &options)?, aligner, size })
    }

    /// The same faces with landmarks; `faces[i]` are those of `photos[i]`.
    ///
    /// # Errors
    /// [`Error::Model`] when the network does not give 10 or 136 numbers a face; otherwise as [`Network::run_photos`].
    pub fn place(&self, photos: &[Photo], mut faces: Vec<Vec<Face>>) -> Result<Vec<Vec<Face>>> {
        // A face whose box is empty keeps what it has.
        let mut places: Vec<(PhotoView<'_>, &mut Face)> = Vec::new();
        for (photo, faces) in photos.iter().zip(&mut faces) {
            for face in faces {
                if let Ok(alignment) = self.aligner.align(face, photo.size()) {
                    places.push((PhotoView { photo, look: alignment.look }, face));
                }
            }
        }
        for chunk in places.chunks_mut(BATCH) {
            let views: Vec<_> = chunk.iter().map(|(view, _)| *view).collect();
            let outputs = self.network.run_photos(&views, None)?;
            let numbers = outputs.first().map(|(_, t)| t.to_f32().into_owned()).unwrap_or_default();
            let each = numbers.len() / chunk.len();
            if ![10, 136].contains(&each) {
                return Err(Error::Model(format!(
                    "The landmark network gives {each} numbers a face. Give one whose first output is x and y of five or 68 points."
                )));
            }
            for ((view, face), points) in chunk.iter_mut().zip(numbers.chunks_exact(each)) {
                face.landmarks = points.chunks_exact(2).map(|p| self.in_photo(view.look, [p[0], p[1]])).collect();
            }
        }
        Ok(faces)
    }

    /// A fraction of the crop as a place in the photo. The crop's fraction 0 is the edge of its first pixel.
    fn in_photo(&self, look: Look, fraction: [f32; 2]) -> [f32; 2] {
        let Look::Warp { transform: [a, b, c, d, e, f], .. } = look else { return [f32::NAN; 2] };
        let [u, v] = std::array::from_fn(|i| fraction[i] * self.size[i] as f32 - 0.5);
        [a * u + b * v + c, d * u + e * v + f]
    }
}
