//! Faces as many patches, each seen by a network of its own (DeepID, DeepID2).

mod set;

pub use set::{CANVAS, Centre, Patch, PatchSet};

use crate::error::{Error, Result};
use crate::face::Face;
use crate::face::align::{Affine, Similarity, affine, mirrored};
use crate::gpu::{Gpu, Photo, PhotoView};
use crate::graph::infer_shapes;
use crate::model::Model;
use crate::network::{CompileOptions, Network};
use crate::tensor::{Border, Look, Sampling, Shape};

/// A network for every patch of a set.
#[derive(Debug)]
pub struct DeepId {
    set: PatchSet,
    networks: Vec<Network>,
    /// Numbers that each network gives.
    lengths: Vec<usize>,
}

impl PatchSet {
    /// What the networks see of a face: for every patch the look at it and, with partners, at its partner in a mirror. Black outside the
    /// photo, one bilinear sample a pixel.
    ///
    /// # Errors
    /// [`Error::NoAlignment`] when the face lacks five landmarks, or its eyes and mouth coincide or are not finite.
    pub fn looks(&self, face: &Face) -> Result<Vec<Vec<Look>>> {
        let refused = |why: &str| {
            let [left, top, right, bottom] = face.bounds.map(f32::round);
            Error::NoAlignment(format!(
                "Patches of the face at ({left}, {top}) to ({right}, {bottom}) cannot be cut: {why}. Use a detector that gives five landmarks."
            ))
        };
        let five =
            face.five_points().ok_or_else(|| refused(&format!("it has {} landmarks, and 5 or 68 are needed", face.landmarks.len())))?;
        let [left, right, _, a, b] = five;
        let mouth = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
        let to_canvas =
            Similarity::fit(&[left, right, mouth], &set::CANVAS_POINTS).filter(|_| five.iter().flatten().all(|v| v.is_finite()));
        let to_canvas = to_canvas.ok_or_else(|| refused("its landmarks coincide or are not finite numbers"))?;
        let to_photo = to_canvas.inverse().map(|s| s.matrix()).ok_or_else(|| refused("its landmarks nearly coincide"))?;
        let look = |patch: &Patch, mirror: bool| {
            let centre = match patch.centre {
                Centre::Canvas(at) => at,
                Centre::Landmark(i) => five.get(i).map_or([0.0; 2], |&p| to_canvas.apply(p)),
            };
            let transform = affine::transform(&affine::compose(&to_photo, &to_patch(patch, centre)));
            let transform = if patch.flipped != mirror { mirrored(transform, patch.input[0]) } else { transform };
            Look::Warp { transform, border: Border::Black, sampling: Sampling::Point }
        };
        let views = |(i, patch): (usize, &Patch)| {
            let partner = self.partners().and_then(|p| self.patches().get(*p.get(i)?));
            std::iter::once(look(patch, false)).chain(partner.map(|p| look(p, true))).collect()
        };
        Ok(self.patches().iter().enumerate().map(views).collect())
    }
}

/// From pixels of the network's input to the canvas: the centre of one is the centre of the other.
fn to_patch(patch: &Patch, centre: [f64; 2]) -> Affine {
    let [sx, sy] = std::array::from_fn(|i| patch.extent[i] / patch.input[i].max(1) as f64);
    let [mx, my] = patch.input.map(|n| (n as f64 - 1.0) / 2.0);
    [[sx, 0.0, centre[0] - sx * mx], [0.0, sy, centre[1] - sy * my]]
}

impl DeepId {
    /// Compiles a network for every patch, in their order. `faces` is the number of faces that runs are prepared for.
    ///
    /// # Errors
    /// [`Error::Caller`] when the numbers of models and patches differ; [`Error::Model`] when a model does not take its patch, by size or
    /// channels, or has not one output of a vector; otherwise as [`Network::compile`].
    pub fn new(gpu: &Gpu, set: PatchSet, models: &[Model], faces: usize) -> Result<Self> {
        if models.len() != set.patches().len() {
            return Err(Error::Caller(format!(
                "There are {} patches but {} models. Give a model for every patch, in their order.",
                set.patches().len(),
                models.len()
            )));
        }
        let (mut networks, mut lengths) = (Vec::with_capacity(models.len()), Vec::with_capacity(models.len()));
        for (i, (patch, model)) in set.patches().iter().zip(models).enumerate() {
            let misfit = |what: String| Error::Model(format!("The model `{}` of patch {i} {what}.", model.description.name));
            let channels = model.description.input.channels;
            if !patch.fits(channels) {
                let wanted = if patch.grey { "grey" } else { "colour" };
                return Err(misfit(format!("takes {channels:?}, but the patch is {wanted}. Correct `channels` of its description")));
            }
            let depth = if patch.grey { 1 } else { 3 };
            let [width, height] = patch.input;
            let shape = Shape::from([faces.max(1) * set.views(), depth, height, width]);
            let input = match model.graph.inputs.as_slice() {
                [input] if model.graph.check_input(input, &shape).is_ok() => model.graph.name(input.value).to_owned(),
                _ => return Err(misfit(format!("does not take {depth}x{height}x{width}, which the patch has"))),
            };
            let output = match (&model.description.embedding, model.graph.outputs.as_slice()) {
                (Some(e), _) if e.output.is_some() => e.output.clone().unwrap_or_default(),
                (_, &[one]) => model.graph.name(one).to_owned(),
                (_, many) => return Err(misfit(format!("has {} outputs. Name one with `output` in [embedding]", many.len()))),
            };
            let shapes = infer_shapes(&model.graph, std::slice::from_ref(&shape))?;
            let row = model.graph.find(&output).and_then(|id| shapes.get(id.0 as usize)).map(|s| s.iter().skip(1).product());
            lengths.push(row.ok_or_else(|| misfit(format!("has no value `{output}`")))?);
            let options = CompileOptions {
                batch: faces.max(1) * set.views(),
                shapes: vec![(input, shape)],
                outputs: vec![output],
                ..CompileOptions::default()
            };
            networks.push(Network::compile(gpu, model, &options)?);
        }
        Ok(Self { set, networks, lengths })
    }

    /// Numbers that describe a face: 19 200 for the 60 patches of DeepID and networks of 160 numbers.
    pub fn length(&self) -> usize {
        self.lengths.iter().sum::<usize>() * self.set.views()
    }

    /// The vectors of all patches joined, for every face, in order: patch by patch, and for each what its network says of the patch, then of
    /// its mirrored partner. Each network runs once, on all faces.
    ///
    /// # Errors
    /// As [`PatchSet::looks`] and [`Network::run_photos`].
    pub fn describe(&self, faces: &[(&Photo, &Face)]) -> Result<Vec<Vec<f32>>> {
        let looks = faces.iter().map(|(_, face)| self.set.looks(face)).collect::<Result<Vec<_>>>()?;
        let mut out = vec![Vec::with_capacity(self.length()); faces.len()];
        if faces.is_empty() {
            return Ok(out);
        }
        for ((i, network), patch) in self.networks.iter().enumerate().zip(self.set.patches()) {
            let views: Vec<_> = faces
                .iter()
                .zip(&looks)
                .flat_map(|((photo, _), looks)| looks.get(i).into_iter().flatten().map(|&look| PhotoView { photo, look }))
                .collect();
            let results = network.run_photos(&views, Some(patch.input))?;
            let rows = results.first().map(|(_, t)| t.to_f32()).unwrap_or_default();
            let row = rows.len() / faces.len();
            if row != self.lengths[i] * self.set.views() {
                return Err(Error::Model(format!("The network of patch {i} gives {row} numbers for a face. Report this.")));
            }
            out.iter_mut().zip(rows.chunks_exact(row)).for_each(|(face, numbers)| face.extend_from_slice(numbers));
        }
        Ok(out)
    }
}
