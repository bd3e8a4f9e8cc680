//! Alignment on the device: an invocation a face, for landmarks that are there already.

use super::{Aligner, Alignment, affine, look_of, no_alignment};
use crate::error::{Error, Result};
use crate::face::Face;
use crate::gpu::{self, Fits, Gpu, Photo, Work, wgpu};
use crate::kernels::image::fit::{self, Look as Record, Params, placement};
use crate::model::{Fit, Framing, Placement};
use crate::network::Network;
use crate::tensor::Sampling;

/// What is wrong with a face, in the order of the numbers of shaders/image/fit.wgsl.
const REASONS: [&str; 5] = [
    "its landmarks are not finite numbers",
    "its landmarks coincide or lie on a line",
    "its landmarks nearly coincide",
    "its eyes coincide",
    "its box is empty or not finite",
];

/// An [`Aligner`] for faces whose numbers are on the device: boxes and landmarks from a network or program of the caller's, which need not come
/// back.
///
/// A face is `4 + 2 L` numbers (f32), one face behind the other: left, top, right, bottom, then x and y of its L landmarks, in pixels of the photo with
/// centres at integers, as [`Face`] has them. L is 0, 5 or 68.
///
/// It computes in f32, on numbers of the size of a face: transforms are those of [`Aligner::align`] to about 1e-6 of themselves, and landmarks that a
/// thousandth of their extent keeps from lying on a line have no affine map.
#[derive(Debug)]
pub struct DeviceAligner {
    gpu: Gpu,
    fits: Fits,
    /// With no faces and no photo yet.
    params: Params,
    landmarks: usize,
    size: [usize; 2],
}

impl DeviceAligner {
    /// Up to `most` faces of `landmarks` landmarks at a time, aligned as `aligner` does.
    ///
    /// # Errors
    /// [`Error::NoAlignment`] for landmarks that the alignment cannot use; too little memory.
    pub fn new(gpu: &Gpu, aligner: &Aligner, landmarks: usize, most: usize) -> Result<Self> {
        let [width, height] = aligner.size.map(|n| n as f32);
        let base = Params {
            landmarks: landmarks as u32,
            averaged: u32::from(aligner.sampling == Sampling::Smooth),
            width,
            height,
            ..Params::default()
        };
        let params = match &aligner.placement {
            Placement::Points { five, of68, fit } => {
                let onto = chosen(landmarks, five.as_ref(), of68)
                    .ok_or_else(|| lacks(landmarks, if five.is_some() { "5 or 68" } else { "68" }))?;
                let mut params = Params { points: onto.len() as u32, origin: onto[0][2] as u32, ..base };
                params.onto[..onto.len()].copy_from_slice(&onto);
                params.placement = if *fit == Fit::Similarity { placement::SIMILARITY } else { placement::AFFINE };
                params
            }
            Placement::Box { margin, framing } => {
                let level = *framing == Framing::Level;
                let eyes =
                    five_of(landmarks).filter(|_| level).map_or([0.0; 4], |[left, right, ..]| [left[0], left[1], right[0], right[1]]);
                if level && eyes[3] == 0.0 {
                    return Err(lacks(landmarks, "5 or 68"));
                }
                let placement = match framing {
                    Framing::Grown => placement::GROWN,
                    Framing::Stretched => placement::STRETCHED,
                    Framing::Level => placement::LEVEL,
                };
                let [margin_x, margin_y] = margin.map(|m| m as f32);
                Params { placement, margin_x, margin_y, eyes, origin: eyes[0] as u32, ..base }
            }
        };
        Ok(Self { gpu: gpu.clone(), fits: Fits::new(gpu, most)?, params, landmarks, size: aligner.size })
    }

    /// Width and height of the crop.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Records into the caller's commands where the crops of the first `count` faces of `faces` (STORAGE) lie in a photo of `photo` = width, height. They are
    /// valid until the next faces are recorded.
    ///
    /// # Errors
    /// [`Error::Caller`] for more faces than there is room for and a buffer that does not fit; too little memory.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder, faces: &wgpu::Buffer, count: usize, photo: [u32; 2]) -> Result<()> {
        self.fits.encode(&self.gpu, encoder, &self.of(count, photo), faces)
    }

    /// What [`DeviceAligner::encode`] found, on the device (STORAGE, COPY_SRC). A face has 48 bytes: its number, samples along an axis of a pixel, 1 (black outside),
    /// what is wrong with it (0: nothing), as u32; the transform of [`crate::tensor::Look::Warp`], the residual and the scale of [`Alignment`] as f32. A face that
    /// something is wrong with sees black.
    pub fn looks(&self) -> &wgpu::Buffer {
        self.fits.looks()
    }

    /// Records crops at the faces that were recorded before, and the network on them: no submit, no readback. One face a place of the batch that the network was
    /// compiled for, in order; places behind the last face are of no use. Outputs are as in [`Network::encode`].
    ///
    /// The buffers of the network are in use until the caller's submission is done: wait for it before its next run or encoding.
    ///
    /// # Errors
    /// [`Error::Caller`] for a network that takes no pictures or crops of another size, a batch for more faces than there is room for, and as
    /// [`Network::encode`].
    pub fn encode_network(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        photo: &Photo,
        network: &Network,
        outputs: &[(&str, &wgpu::Buffer)],
    ) -> Result<()> {
        network.encode_fits(encoder, photo, &self.fits, self.size, outputs)
    }

    /// Aligns faces of the host on the device, however many: what [`Aligner::align`] gives for each, in order.
    ///
    /// # Errors
    /// A face with another number of landmarks, too little memory, a lost device. What a face itself lacks is in its place.
    pub fn align(&self, faces: &[Face], photo: [u32; 2]) -> Result<Vec<Result<Alignment>>> {
        let mut numbers = Vec::with_capacity(faces.len() * (4 + 2 * self.landmarks));
        for face in faces {
            if face.landmarks.len() != self.landmarks {
                return Err(Error::Caller(format!(
                    "A face has {} landmarks, and {} are expected. Give faces of one detector.",
                    face.landmarks.len(),
                    self.landmarks
                )));
            }
            numbers.extend(face.bounds);
            numbers.extend(face.landmarks.iter().flatten());
        }
        if faces.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = (faces.len() * size_of::<Record>()) as u64;
        let (numbers, looks) = (self.gpu.filled("faces", &numbers)?, self.gpu.blank("looks", bytes)?);
        let mut work = Work::new(&self.gpu, "the fits of faces");
        work.launch(&fit::launch(self.gpu.caps(), &self.of(faces.len(), photo)), &[&numbers, &looks])?;
        let done = work.run(&[(&looks, bytes)])?;
        let records = gpu::numbers::<Record>(done.part(0))?;
        let sampling = if self.params.averaged == 1 { Sampling::Smooth } else { Sampling::Point };
        Ok(faces.iter().zip(records).map(|(face, record)| found(face, record, sampling)).collect())
    }

    fn of(&self, count: usize, [width, height]: [u32; 2]) -> Params {
        Params { faces: count as u32, photo_width: width as f32, photo_height: height as f32, ..self.params }
    }
}

/// The alignment that a record says.
fn found(face: &Face, record: &Record, sampling: Sampling) -> Result<Alignment> {
    if let Some(reason) = (record.wrong as usize).checked_sub(1) {
        return Err(no_alignment(face, REASONS.get(reason).copied().unwrap_or("its numbers make no sense")));
    }
    let transform = [record.ax, record.bx, record.cx, record.ay, record.by, record.cy];
    let to_photo = [[record.ax, record.bx, record.cx], [record.ay, record.by, record.cy]].map(|row| row.map(f64::from));
    let to_crop = affine::inverse(&to_photo).ok_or_else(|| no_alignment(face, REASONS[2]))?;
    Ok(Alignment { look: look_of(transform, sampling), to_crop, residual: record.residual, scale: f64::from(record.scale) })
}

/// Points of the crop with the landmarks whose mean goes to each: x, y, the first and how many.
fn chosen(landmarks: usize, five: Option<&[[f64; 2]; 5]>, of68: &[(usize, [f64; 2])]) -> Option<Vec<[f32; 4]>> {
    if landmarks == 68 && !of68.is_empty() {
        return Some(of68.iter().map(|&(i, [x, y])| [x as f32, y as f32, i as f32, 1.0]).collect());
    }
    let of_point = |([x, y], [first, count]): (&[f64; 2], [f32; 2])| [*x as f32, *y as f32, first, count];
    Some(five?.iter().zip(five_of(landmarks)?).map(of_point).collect())
}

/// Which landmarks each of the five points is the mean of: the first, and how many ([`Face::five_points`]).
fn five_of(landmarks: usize) -> Option<[[f32; 2]; 5]> {
    match landmarks {
        5 => Some([0.0, 1.0, 2.0, 3.0, 4.0].map(|i| [i, 1.0])),
        68 => Some([[36.0, 6.0], [42.0, 6.0], [30.0, 1.0], [48.0, 1.0], [54.0, 1.0]]),
        _ => None,
    }
}

fn lacks(landmarks: usize, needed: &str) -> Error {
    Error::NoAlignment(format!("Faces with {landmarks} landmarks cannot be aligned: {needed} are needed. Use a detector that gives them."))
}
