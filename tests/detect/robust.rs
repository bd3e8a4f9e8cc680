//! Pictures of odd sizes, networks that have learned nothing, files that are something else.

use lookalike::embed::Picture;
use lookalike::face::detect::{Detect, DetectOptions, Detector, DetectorFiles, DetectorKind, MtcnnRules};
use lookalike::model::Model;

use crate::common::{gpu, small_model};
use crate::{assert_ordered, find, models, noise};

/// A detector of every kind and form, with random weights.
fn detectors() -> Vec<(Detector, &'static str)> {
    let cascade = || ["mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet"].map(models::zoo);
    let make = |kind, models: &[Model]| Detector::new(&gpu(), kind, models).unwrap();
    vec![
        (make(DetectorKind::Mtcnn, &cascade()), "mtcnn"),
        (make(DetectorKind::Mtcnn, &cascade()).with_rules(MtcnnRules::Authors), "mtcnn by the authors"),
        (make(DetectorKind::YuNet, &[models::zoo("yunet-s")]), "yunet"),
        (make(DetectorKind::Scrfd, &[models::zoo("scrfd-500m")]), "scrfd"),
        (make(DetectorKind::Scrfd, &[models::scrfd_without_points()]), "scrfd without points"),
        (make(DetectorKind::RetinaFace, &[models::priors([320, 240], true, 1)]), "retinaface"),
        (make(DetectorKind::UltraLight, &[models::priors([320, 240], false, 2)]), "ultralight"),
    ]
}

#[test]
fn pictures_of_any_size_are_searched_by_every_kind() {
    let pictures = [noise(1, 1, 1), noise(2, 10, 3000), noise(3, 64, 40), Picture::new(33, 20, vec![0; 1980]).unwrap()];
    for (detector, name) in detectors() {
        for rotations in [false, true] {
            let options = DetectOptions { rotations, threshold: Some(0.55), ..DetectOptions::default() };
            for picture in &pictures {
                let faces = find(&detector, picture, &options);
                assert_ordered(&faces);
                let finite = |v: f32| v.is_finite();
                assert!(faces.iter().all(|f| f.bounds.into_iter().chain(f.landmarks.iter().copied().flatten()).all(finite)), "{name}");
                println!("{name} {}x{} rotations {rotations}: {} faces", picture.width, picture.height, faces.len());
            }
        }
        assert!(detector.detect(&[], &DetectOptions::default()).unwrap().is_empty(), "{name}");
    }
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    let (detector, _) = detectors().remove(0);
    for (options, says) in [
        (DetectOptions { threshold: Some(f32::NAN), ..DetectOptions::default() }, "threshold is NaN"),
        (DetectOptions { threshold: Some(1.5), ..DetectOptions::default() }, "between 0 and 1"),
        (DetectOptions { min_face: Some(0.0), ..DetectOptions::default() }, "at least 1 pixel"),
        (DetectOptions { min_face: Some(f32::INFINITY), ..DetectOptions::default() }, "smallest face"),
    ] {
        let error = detector.detect(&[], &options).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn networks_of_another_kind_are_refused_with_what_is_needed() {
    let refused = |kind, models: &[Model]| Detector::new(&gpu(), kind, models).unwrap_err().to_string();
    let [p, r, o] = ["mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet"].map(models::zoo);
    for (kind, needs) in [
        (DetectorKind::YuNet, "cls, obj, bbox, kps"),
        (DetectorKind::Scrfd, "four distances"),
        (DetectorKind::RetinaFace, "loc, conf, landms"),
        (DetectorKind::UltraLight, "scores, boxes"),
    ] {
        for other in [&small_model(), &p, &models::zoo("yunet-s"), &models::zoo("scrfd-500m"), &models::priors([320, 240], true, 1)] {
            let fits = match kind {
                DetectorKind::YuNet => other.description.name.contains("yunet") || other.graph.outputs.len() == 12,
                DetectorKind::Scrfd => other.graph.outputs.len() == 9,
                DetectorKind::RetinaFace => other.graph.outputs.len() == 3,
                _ => false,
            };
            if !fits {
                let error = refused(kind, std::slice::from_ref(other));
                assert!(error.contains(needs) && error.contains("another kind"), "{kind}: {error}");
            }
        }
        assert!(refused(kind, &[]).contains("has 1 network"), "{kind}");
    }
    assert!(refused(DetectorKind::Mtcnn, &[r.clone(), r.clone(), o.clone()]).contains("P-Net takes"));
    assert!(refused(DetectorKind::Mtcnn, &[p.clone(), p.clone(), o.clone()]).contains("R-Net takes"));
    assert!(refused(DetectorKind::Mtcnn, &[p.clone(), r.clone(), r.clone()]).contains("O-Net takes"));
    assert!(refused(DetectorKind::Mtcnn, &[p, r]).contains("has 3 networks, but 2"));
}

#[test]
fn files_that_are_not_there_are_named() {
    let named: DetectorFiles = "yunet=/nowhere/at/all.onnx".parse().unwrap();
    let error = Detector::load(&gpu(), named.kind, &named.files).unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all.onnx"), "{error}");
}
