//! Figures of faces, on pictures where they have to come out one way.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{gpu, read_npy, test_data};
use lookalike::embed::Picture;
use lookalike::face::Face;
use lookalike::face::quality::assess;
use lookalike::gpu::Photo;
use lookalike::network::{Border, Look, Sampling};

/// A photo and its face as the reference detector found it.
fn face(id: &str, file: &str) -> Option<(Picture, Face)> {
    let data = test_data()?;
    let array = |what: &str| read_npy(&data.join(format!("golden/pipeline_mtcnn/{id}__{what}.npy"))).to_f32().into_owned();
    let (boxes, landmarks) = (array("boxes"), array("landmarks"));
    let landmarks = landmarks[..10].chunks_exact(2).map(|p| [p[0], p[1]]).collect();
    let face = Face { bounds: [boxes[0], boxes[1], boxes[2], boxes[3]], score: array("probs")[0], landmarks };
    Some((Picture::open(data.join("data").join(file)).unwrap(), face))
}

#[test]
fn blurred_small_and_cut_faces_are_worse() {
    let Some((picture, face)) = face("21", "faces/deepface_id05/img20.jpg") else { return };
    let gpu = gpu();
    let [w, h] = [picture.width, picture.height];
    let photo = Photo::upload(&gpu, &picture.rgb, w, h).unwrap();
    let good = assess(&gpu, &photo, std::slice::from_ref(&face)).unwrap()[0];
    println!("{good:?} {}", good.overall());
    assert!(good.overall() > 0.7 && good.inside > 0.99 && good.residual.unwrap() < 0.15, "{good:?}");

    // An eighth of the size, and back: blurred.
    let shrink = Look::Warp { transform: [8.0, 0.0, 3.5, 0.0, 8.0, 3.5], border: Border::Edge, sampling: Sampling::Smooth };
    let small = photo.render(&gpu, &[shrink], [w / 8, h / 8]).unwrap().remove(0);
    let small = Photo::upload(&gpu, &small, w / 8, h / 8).unwrap();
    let enlarge = Look::Warp { transform: [0.125, 0.0, -0.4375, 0.0, 0.125, -0.4375], border: Border::Edge, sampling: Sampling::Point };
    let blurred = small.render(&gpu, &[enlarge], [w, h]).unwrap().remove(0);
    let blurred = assess(&gpu, &Photo::upload(&gpu, &blurred, w, h).unwrap(), std::slice::from_ref(&face)).unwrap()[0];
    println!("{blurred:?} {}", blurred.overall());
    assert!(blurred.sharpness < 0.5 * good.sharpness && blurred.overall() < good.overall());

    let eighth = |v: f32| (v - 3.5) / 8.0;
    let tiny = Face { bounds: face.bounds.map(eighth), landmarks: face.landmarks.iter().map(|p| p.map(eighth)).collect(), ..face.clone() };
    let tiny = assess(&gpu, &small, &[tiny]).unwrap()[0];
    assert!((tiny.eye_distance.unwrap() - good.eye_distance.unwrap() / 8.0).abs() < 1e-3);
    assert!(tiny.overall() < good.overall());

    // Both in one call, and a face without landmarks.
    let boxed = Face { landmarks: Vec::new(), ..face.clone() };
    let both = assess(&gpu, &photo, &[face, boxed]).unwrap();
    assert_eq!(both[0], good);
    assert!(both[1].pose.is_none() && both[1].residual.is_none() && both[1].sharpness > 0.0);
    assert!(assess(&gpu, &photo, &[]).unwrap().is_empty());
}
