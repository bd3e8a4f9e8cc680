//! DeepID's patches: where they lie, against a plain computation of their own, and what networks make of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{compare, gpu};
use lookalike::Error;
use lookalike::face::Face;
use lookalike::face::patches::{DeepId, PatchSet};
use lookalike::gpu::Photo;
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::Tensor;
use lookalike::zoo::{self, Seeded};

const SIDE: u32 = 230;

/// A photo of smooth waves, different in each channel.
fn waves() -> Vec<u8> {
    let level = |x: f64, y: f64, c: f64| (127.5 + 70.0 * (x / (9.0 + c)).sin() + 50.0 * (y / (7.0 + 2.0 * c)).cos()) as u8;
    (0..SIDE * SIDE).flat_map(|i| [0.0, 1.0, 2.0].map(|c| level(f64::from(i % SIDE), f64::from(i / SIDE), c))).collect()
}

/// A face that is turned a little, and its mirror image in a photo of [`SIDE`].
fn face() -> Face {
    Face { landmarks: vec![[88.0, 92.0], [136.5, 99.0], [110.0, 124.0], [84.0, 146.0], [124.5, 152.0]], ..Face::default() }
}

/// The similarity of least squares from three points to three, as a complex number and a shift: another road than the library's.
fn similarity(from: [[f64; 2]; 3], to: [[f64; 2]; 3]) -> ([f64; 2], [f64; 2]) {
    let mean = |p: [[f64; 2]; 3]| [0, 1].map(|i| (p[0][i] + p[1][i] + p[2][i]) / 3.0);
    let (f, t) = (mean(from), mean(to));
    let (mut re, mut im, mut q) = (0.0, 0.0, 0.0);
    for i in 0..3 {
        let (z, w) = ([from[i][0] - f[0], from[i][1] - f[1]], [to[i][0] - t[0], to[i][1] - t[1]]);
        // conj(z) w
        re += z[0] * w[0] + z[1] * w[1];
        im += z[0] * w[1] - z[1] * w[0];
        q += z[0] * z[0] + z[1] * z[1];
    }
    let m = [re / q, im / q];
    (m, [t[0] - (m[0] * f[0] - m[1] * f[1]), t[1] - (m[1] * f[0] + m[0] * f[1])])
}

/// Grey levels of one channel of a patch, computed plainly: canvas to photo by one similarity, one bilinear sample, black outside.
fn plain(rgb: &[u8], face: &Face, centre: [f64; 2], extent: [f64; 2], input: [usize; 2], mirror: bool, channel: usize) -> Vec<f64> {
    let p: Vec<_> = face.landmarks.iter().map(|p| p.map(f64::from)).collect();
    let mouth = [(p[3][0] + p[4][0]) / 2.0, (p[3][1] + p[4][1]) / 2.0];
    let ([a, b], [tx, ty]) = similarity([p[0], p[1], mouth], [[54.0, 76.0], [106.0, 76.0], [80.0, 134.0]]);
    let q = a * a + b * b;
    let level = |x: i64, y: i64| {
        let inside = (0..i64::from(SIDE)).contains(&x) && (0..i64::from(SIDE)).contains(&y);
        if inside { f64::from(rgb[(y as usize * SIDE as usize + x as usize) * 3 + channel]) } else { 0.0 }
    };
    let mut out = Vec::new();
    for v in 0..input[1] {
        for u in 0..input[0] {
            let u = if mirror { input[0] - 1 - u } else { u };
            let x = centre[0] - extent[0] / 2.0 + (u as f64 + 0.5) * extent[0] / input[0] as f64 - tx;
            let y = centre[1] - extent[1] / 2.0 + (v as f64 + 0.5) * extent[1] / input[1] as f64 - ty;
            let (x, y) = ((a * x + b * y) / q, (a * y - b * x) / q);
            let (c, r) = (x.floor(), y.floor());
            let (fx, fy) = (x - c, y - r);
            let (c, r) = (c as i64, r as i64);
            out.push(
                (level(c, r) * (1.0 - fx) + level(c + 1, r) * fx) * (1.0 - fy)
                    + (level(c, r + 1) * (1.0 - fx) + level(c + 1, r + 1) * fx) * fy,
            );
        }
    }
    out
}

/// Where a landmark lies on the canvas.
fn on_canvas(face: &Face, i: usize) -> [f64; 2] {
    let p: Vec<_> = face.landmarks.iter().map(|p| p.map(f64::from)).collect();
    let mouth = [(p[3][0] + p[4][0]) / 2.0, (p[3][1] + p[4][1]) / 2.0];
    let ([a, b], [tx, ty]) = similarity([p[0], p[1], mouth], [[54.0, 76.0], [106.0, 76.0], [80.0, 134.0]]);
    [a * p[i][0] - b * p[i][1] + tx, b * p[i][0] + a * p[i][1] + ty]
}

#[test]
fn patches_show_what_a_plain_computation_shows() {
    let (gpu, rgb, face) = (gpu(), waves(), face());
    let photo = Photo::upload(&gpu, &rgb, SIDE, SIDE).unwrap();
    let looks = PatchSet::deepid().looks(&face).unwrap();
    // (patch, centre and extent of the patch, of its partner): whole face at 1.5, left half at 1, right eye at 1.25, nose at 1.
    let eye = |i| on_canvas(&face, i);
    for (patch, own, other, base, input) in [
        (4, [80.0, 100.0], [80.0, 100.0], [139.5, 175.5], [31usize, 39usize]),
        (18, [58.0, 100.0], [102.0, 100.0], [62.0, 78.0], [31, 39]),
        (38, eye(1), eye(0), [77.5, 77.5], [31, 31]),
        (42, eye(2), eye(2), [62.0, 62.0], [31, 31]),
        (48, eye(3), eye(4), [62.0, 62.0], [31, 31]),
    ] {
        let size = [input[0] as u32, input[1] as u32];
        for (look, centre, mirror) in [(looks[patch][0], own, false), (looks[patch][1], other, true)] {
            let got = photo.render(&gpu, &[look], size).unwrap().remove(0);
            for channel in 0..3 {
                let want = plain(&rgb, &face, centre, base, input, mirror, channel);
                for (g, w) in got.iter().skip(channel).step_by(3).zip(&want) {
                    assert!((f64::from(*g) - w).abs() <= 0.51, "{patch} {mirror}: {g} {w}");
                }
            }
        }
    }
}

/// Four patches that need all four networks: a list, and models with weights of a generator.
fn four() -> (PatchSet, Vec<Model>) {
    let list = "80,100 93 117 31 39 rgb\n58,100 62 78 31 39 grey flip\nleft-eye 62 62 31 31 rgb\nnose 93 93 31 31 grey\n";
    let names = ["deepid-39x31-rgb", "deepid-39x31-gray", "deepid-31x31-rgb", "deepid-31x31-gray"];
    let models = names.iter().zip(1..).map(|(n, seed)| zoo::find(n).unwrap().model(&mut Seeded(seed)).unwrap()).collect();
    (PatchSet::from_list(list).unwrap(), models)
}

#[test]
fn numbers_are_those_of_each_network_on_its_patch() {
    let (gpu, rgb, face) = (gpu(), waves(), face());
    let photo = Photo::upload(&gpu, &rgb, SIDE, SIDE).unwrap();
    let (set, models) = four();
    let places = [
        ([80.0, 100.0], [93.0, 117.0], false),
        ([58.0, 100.0], [62.0, 78.0], true),
        (on_canvas(&face, 0), [62.0; 2], false),
        (on_canvas(&face, 2), [93.0; 2], false),
    ];
    let mut want = Vec::new();
    for ((patch, model), (centre, extent, mirror)) in set.patches().iter().zip(&models).zip(places) {
        let planes: Vec<Vec<f64>> = (0..3).map(|c| plain(&rgb, &face, centre, extent, patch.input, mirror, c)).collect();
        let planes = match patch.grey {
            true => vec![(0..planes[0].len()).map(|i| 0.299 * planes[0][i] + 0.587 * planes[1][i] + 0.114 * planes[2][i]).collect()],
            false => planes,
        };
        let pixels: Vec<f32> = planes.concat().iter().map(|v| (v / 255.0) as f32).collect();
        let input = Tensor::from_f32([1, planes.len(), patch.input[1], patch.input[0]], pixels).unwrap();
        let network = Network::compile(&gpu, model, &CompileOptions::default()).unwrap();
        let name = network.inputs().unwrap()[0].0.clone();
        want.extend_from_slice(&network.run(&[(&name, &input)]).unwrap()[0].1.to_f32());
    }
    let deepid = DeepId::new(&gpu, set, &models, 2).unwrap();
    assert_eq!(deepid.length(), 640);
    // Twice, in one run: a face does not depend on its neighbours.
    let got = deepid.describe(&[(&photo, &face), (&photo, &face)]).unwrap();
    for numbers in &got {
        let (cosine, error) = compare(numbers, &want);
        assert!(cosine > 0.999_999 && error < 1e-4, "{cosine} {error}");
    }
    assert!(want.iter().any(|&v| v > 0.01));
    assert!(deepid.describe(&[]).unwrap().is_empty());
}

#[test]
fn sixty_patches_and_their_partners_give_19200_numbers() {
    let (gpu, rgb) = (gpu(), waves());
    let photo = Photo::upload(&gpu, &rgb, SIDE, SIDE).unwrap();
    let set = PatchSet::deepid();
    // Weights by a seed for each shape of network, so that patches and partners can be told apart by what they show only.
    let model = |shape: &str, seed| zoo::find(shape).unwrap().model(&mut Seeded(seed)).unwrap();
    let kinds = [model("deepid-39x31-rgb", 1), model("deepid-39x31-gray", 2), model("deepid-31x31-rgb", 3), model("deepid-31x31-gray", 4)];
    let models: Vec<_> = set.patches().iter().map(|p| kinds[usize::from(p.input[1] == 31) * 2 + usize::from(p.grey)].clone()).collect();
    let partners = set.partners().unwrap().to_vec();
    let deepid = DeepId::new(&gpu, set, &models, 2).unwrap();
    assert_eq!(deepid.length(), 19_200);
    // The same face in a mirror: what a network said of the patch it now says of the partner, in a mirror.
    let flipped: Vec<u8> = rgb.chunks_exact(SIDE as usize * 3).flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect();
    let mirror = Photo::upload(&gpu, &flipped, SIDE, SIDE).unwrap();
    let face = face();
    let swapped = [1, 0, 2, 4, 3].map(|i| [SIDE as f32 - 1.0 - face.landmarks[i][0], face.landmarks[i][1]]);
    let other = Face { landmarks: swapped.to_vec(), ..Face::default() };
    let got = deepid.describe(&[(&photo, &face), (&mirror, &other)]).unwrap();
    for (i, &partner) in partners.iter().enumerate() {
        let row = |face: &[f32], patch: usize, view: usize| face[(patch * 2 + view) * 160..][..160].to_vec();
        // `other`'s partner patch in a mirror shows what `face`'s own patch shows, to the same network.
        let (cosine, _) = compare(&row(&got[1], i, 1), &row(&got[0], i, 0));
        assert!(cosine > 0.99999, "{i}: {cosine}");
        let (cosine, _) = compare(&row(&got[1], partner, 0), &row(&got[0], partner, 1));
        assert!(cosine > 0.99999, "{i}: {cosine}");
    }
}

#[test]
fn models_that_do_not_fit_their_patches_are_refused() {
    let gpu = gpu();
    let (set, mut models) = four();
    assert!(matches!(DeepId::new(&gpu, set.clone(), &models[..3], 1), Err(Error::Caller(_))));
    models.swap(0, 1);
    assert!(DeepId::new(&gpu, set.clone(), &models, 1).unwrap_err().to_string().contains("channels"));
    models.swap(0, 1);
    models.swap(0, 2);
    assert!(DeepId::new(&gpu, set, &models, 1).unwrap_err().to_string().contains("3x39x31"));
}

#[test]
fn faces_without_landmarks_have_no_patches() {
    for landmarks in [vec![], vec![[4.0, 4.0]; 5], vec![[f32::INFINITY, 4.0]; 5]] {
        let face = Face { landmarks, ..Face::default() };
        assert!(matches!(PatchSet::deepid().looks(&face), Err(Error::NoAlignment(_))));
    }
}
