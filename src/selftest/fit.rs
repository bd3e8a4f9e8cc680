//! Alignment on the device beside the f64 alignment of the host, which is its reference.

use std::time::Instant as Clock;

use super::{CaseResult, Comparison};
use crate::error::Result;
use crate::face::Face;
use crate::face::align::{Aligner, Alignment, DeviceAligner};
use crate::gpu::Gpu;
use crate::model::{Align, Method};
use crate::random::Random;
use crate::tensor::{Look, Sampling};

/// Half a unit in the last place of f32, relative.
const HALF: f64 = 1.0 / (1u64 << 24) as f64;
const PHOTO: [u32; 2] = [4032, 3024];

/// Alignments of every kind, with the landmarks of a face.
fn aligners() -> Vec<(&'static str, usize, Align)> {
    let named = |name: &str, size| Align { size, template: Some(name.to_owned()), ..Align::default() };
    let boxed = |method, margin| Align { size: [96, 112], method: Some(method), margin: Some(margin), ..Align::default() };
    let affine = Align {
        size: [112, 112],
        points: Some([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]]),
        method: Some(Method::Affine),
        ..Align::default()
    };
    vec![
        ("arcface-112", 5, Align { sampling: Some(Sampling::Smooth), ..named("arcface-112", [112, 112]) }),
        ("arcface-256", 68, named("arcface-256", [256, 256])),
        ("dlib-150", 68, named("dlib-150", [150, 150])),
        ("openface-96", 68, named("openface-96", [96, 96])),
        ("affine", 5, affine),
        ("box", 0, boxed(Method::Box, 8.0)),
        ("facenet-160", 5, named("facenet-160", [160, 160])),
        ("eyes", 5, boxed(Method::Eyes, 0.0)),
        ("eyes of 68", 68, boxed(Method::Eyes, 20.0)),
    ]
}

/// Faces of all sizes and turns all over a photo, and some that are none.
fn faces(count: usize, landmarks: usize) -> Vec<Face> {
    let mut random = Random(count as u64);
    let mut next = |low: f64, high: f64| low + (high - low) * random.uniform();
    let mut out: Vec<Face> = (0..count)
        .map(|_| {
            let (side, turn) = (next(12.0, 900.0), next(-2.5, 2.5));
            let middle = PHOTO.map(|n| next(-0.1, 1.1) * f64::from(n));
            let place = |x: f64, y: f64| {
                let (sin, cos) = turn.sin_cos();
                [(middle[0] + side * (cos * x - sin * y)) as f32, (middle[1] + side * (sin * x + cos * y)) as f32]
            };
            let five = [[-0.18, -0.15], [0.18, -0.15], [0.0, 0.05], [-0.14, 0.25], [0.14, 0.25]];
            let at = |i: usize| {
                if landmarks == 5 { five[i] } else { [((i * 37) % 68) as f64 / 100.0 - 0.34, ((i * 53) % 68) as f64 / 90.0 - 0.38] }
            };
            let points = (0..landmarks).map(at).collect::<Vec<_>>();
            let landmarks = points.iter().map(|[x, y]| place(x + 0.03 * next(-1.0, 1.0), y + 0.03 * next(-1.0, 1.0))).collect();
            let half = side as f32 / 2.0;
            let [x, y] = middle.map(|v| v as f32);
            Face { bounds: [x - half, y - 1.2 * half, x + half, y + 1.2 * half], score: 1.0, landmarks }
        })
        .collect();
    let spoil: [fn(&mut Face); 6] = [
        |f| f.landmarks.fill([700.0, 300.0]),
        |f| f.landmarks.iter_mut().for_each(|p| p[1] = 0.5 * p[0]),
        |f| f.landmarks.iter_mut().for_each(|p| p[0] = f32::NAN),
        |f| f.landmarks.iter_mut().for_each(|p| p[1] = f32::INFINITY),
        |f| f.bounds[2] = f.bounds[0],
        |f| f.bounds[1] = f32::NAN,
    ];
    for (face, spoil) in out.iter_mut().skip(1).step_by(9).zip(spoil) {
        spoil(face);
    }
    out
}

/// Runs the cases.
pub(crate) fn run(gpu: &Gpu) -> Result<Vec<CaseResult>> {
    let mut out = Vec::new();
    for (name, landmarks, align) in aligners() {
        let aligner = Aligner::of(&align)?;
        for count in [1, 63, 64, 65, 130] {
            out.push(case(gpu, &format!("{name}, {count} faces"), &aligner, &faces(count, landmarks), landmarks)?);
        }
    }
    Ok(out)
}

fn case(gpu: &Gpu, name: &str, aligner: &Aligner, faces: &[Face], landmarks: usize) -> Result<CaseResult> {
    let device = DeviceAligner::new(gpu, aligner, landmarks, faces.len())?;
    let start = Clock::now();
    let got = device.align(faces, PHOTO)?;
    let micros = start.elapsed().as_secs_f64() * 1e6;
    let mut worst = Comparison::default();
    for (face, got) in faces.iter().zip(&got) {
        match (got, aligner.align(face, PHOTO)) {
            (Ok(got), Ok(want)) => compare(&mut worst, face, got, &want, aligner.size()),
            (Err(got), Err(want)) if got.to_string() == want.to_string() => {}
            _ => worst.add(f64::INFINITY, 0.0),
        }
    }
    Ok(CaseResult {
        kernel: "image/fit".to_owned(),
        permutation: "image/fit".to_owned(),
        case: name.to_owned(),
        max_error: worst.error,
        bound: worst.bound,
        passed: worst.ratio <= 1.0 && got.len() == faces.len(),
        micros,
    })
}

/// How far the corners of the crop end from where they should, in pixels of the photo (docs/tolerances.md), and the two figures beside it.
fn compare(worst: &mut Comparison, face: &Face, got: &Alignment, want: &Alignment, size: [usize; 2]) {
    let parts = |look: Look| match look {
        Look::Warp { transform, sampling, .. } => (transform, Some(sampling)),
        Look::Area { .. } => ([f32::NAN; 6], None),
    };
    let ((got_to, got_sampling), (want_to, want_sampling)) = (parts(got.look), parts(want.look));
    let at = |t: [f32; 6], u: f64, v: f64| {
        let t = t.map(f64::from);
        [t[0] * u + t[1] * v + t[2], t[3] * u + t[4] * v + t[5]]
    };
    let extent = size.map(|n| n as f64).into_iter().fold(0.0, f64::max) / want.scale;
    let far = face.bounds.iter().chain(face.landmarks.iter().flatten()).fold(0.0f64, |m, &v| m.max(f64::from(v).abs()));
    // How far the map is from a turn: 2 for a similarity, more where landmarks come near to a line.
    let [[a, b, _], [c, d, _]] = want.to_crop;
    let uneven = (a * a + b * b + c * c + d * d) / (a * d - b * c).abs();
    let bound = HALF * (4.0 * far + 16.0 * uneven * uneven * extent);
    for (u, v) in [(0.0, 0.0), (size[0] as f64, 0.0), (0.0, size[1] as f64), (size[0] as f64, size[1] as f64)] {
        let (g, w) = (at(got_to, u, v), at(want_to, u, v));
        worst.add((g[0] - w[0]).hypot(g[1] - w[1]), bound);
    }
    worst.add(f64::from((got.residual - want.residual).abs()), 1e-5 + HALF * 16.0 * uneven * uneven);
    worst.add((got.scale / want.scale - 1.0).abs(), 1e-5 + HALF * (4.0 * far / extent + 16.0 * uneven * uneven));
    if got_sampling != want_sampling {
        worst.add(f64::INFINITY, 0.0);
    }
}
