//! Photographs through the published detectors (LOOKALIKE_TEST_DATA).

use std::path::{Path, PathBuf};

use lookalike::embed::Picture;
use lookalike::face::Face;
use lookalike::face::detect::{Detect, DetectOptions, Detector, DetectorKind, MtcnnRules};
use serde_json::Value;

use crate::common::{gpu, read_npy, test_data};
use crate::{apart, assert_ordered, find, matched, upload};

pub(crate) fn mtcnn(data: &Path) -> Detector {
    let files = ["pnet", "rnet", "onet"].map(|n| data.join(format!("data/models/mtcnn_{n}.onnx")));
    Detector::load(&gpu(), DetectorKind::Mtcnn, &files).unwrap()
}

fn single(data: &Path, kind: DetectorKind, name: &str) -> Detector {
    Detector::load(&gpu(), kind, &[data.join(format!("data/models/{name}.onnx"))]).unwrap()
}

/// The pictures of a list of expected faces: identifier and path.
fn pictures(data: &Path, manifest: &str) -> Vec<(String, PathBuf)> {
    let text = std::fs::read_to_string(data.join("golden").join(manifest)).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let entry = |e: &Value| (e["id"].as_str().unwrap().to_owned(), data.join("data").join(e["image"].as_str().unwrap()));
    manifest["images"].as_array().unwrap().iter().map(entry).collect()
}

/// Rows of `width` numbers.
fn rows(path: &Path, width: usize) -> Vec<Vec<f32>> {
    read_npy(path).to_f32().chunks_exact(width).map(<[f32]>::to_vec).collect()
}

fn five(numbers: &[f32]) -> Vec<[f32; 2]> {
    numbers.chunks_exact(2).map(|p| [p[0], p[1]]).collect()
}

fn mtcnn_faces(data: &Path, id: &str) -> Vec<Face> {
    let file = |what: &str, width: usize| rows(&data.join(format!("golden/pipeline_mtcnn/{id}__{what}.npy")), width);
    let faces = file("boxes", 4).into_iter().zip(file("probs", 1)).zip(file("landmarks", 10));
    faces.map(|((b, p), l)| Face { bounds: [b[0], b[1], b[2], b[3]], score: p[0], landmarks: five(&l) }).collect()
}

#[test]
fn mtcnn_finds_what_facenet_pytorch_finds() {
    let Some(data) = test_data() else { return };
    let detector = mtcnn(&data);
    let (mut worst, mut all, mut near) = ([0.0f32; 2], 0, 0);
    for (id, path) in pictures(&data, "pipeline_mtcnn/manifest.json") {
        let start = std::time::Instant::now();
        let found = find(&detector, &Picture::open(&path).unwrap(), &DetectOptions::default());
        let expected = mtcnn_faces(&data, &id);
        assert_ordered(&found);
        let differences = matched(&found, &expected, &path.display().to_string());
        for [corners, points] in &differences {
            assert!(*corners <= 1.0, "{}: {corners}", path.display());
            all += 1;
            near += usize::from(*points <= 0.5);
            worst = [worst[0].max(*corners), worst[1].max(*points)];
        }
        for (f, e) in found.iter().zip(&expected) {
            assert!((f.score - e.score).abs() < 1e-4, "{}: {} {}", path.display(), f.score, e.score);
        }
        println!("{id}: {differences:.3?} {:.0?}", start.elapsed());
    }
    println!("MTCNN: {all} faces, worst corner {:.3} px, worst landmark {:.3} px", worst[0], worst[1]);
    assert!(all >= 25 && near * 100 >= all * 98, "{near} of {all} faces have landmarks within half a pixel");
}

#[test]
fn both_rules_of_mtcnn_find_the_same_people() {
    let Some(data) = test_data() else { return };
    let (ours, theirs) = (mtcnn(&data), mtcnn(&data).with_rules(MtcnnRules::Authors));
    for name in ["Abel_Pacheco/Abel_Pacheco_0001", "Abdullah_al-Attiyah/Abdullah_al-Attiyah_0002", "Adrien_Brody/Adrien_Brody_0002"] {
        let picture = Picture::open(data.join(format!("data/faces/{name}.jpg"))).unwrap();
        let [a, b] = [&ours, &theirs].map(|d| find(d, &picture, &DetectOptions::default()));
        assert!(!a.is_empty());
        // Where people are, not to the pixel: rounding and the count from 1 differ, and faces at the border are stretched by one.
        let inside = |f: &&Face| f.bounds[0] > 0.0 && f.bounds[2] < 250.0 && f.bounds[1] > 0.0 && f.bounds[3] < 250.0;
        for face in a.iter().filter(inside).filter(|f| f.score > 0.99) {
            let [corners, points] = b.iter().map(|f| apart(f, face)).min_by(|a, b| a[0].total_cmp(&b[0])).unwrap();
            println!("{name}: corners {corners}, landmarks {points} apart");
            assert!(corners < 15.0 && points < 5.0, "{name}: {corners} {points}");
        }
    }
}

#[test]
fn yunet_finds_what_opencv_finds() {
    let Some(data) = test_data() else { return };
    let detector = single(&data, DetectorKind::YuNet, "yunet_n_dynamic");
    // The expected faces were found with this score, and in pictures of any size as they are.
    let options = DetectOptions { threshold: Some(0.6), min_face: Some(10.0), ..DetectOptions::default() };
    let (mut worst, mut all) = ([0.0f32; 2], 0);
    for (id, path) in pictures(&data, "pipeline_yunet/manifest.json") {
        let found = find(&detector, &Picture::open(&path).unwrap(), &options);
        let face = |r: Vec<f32>| Face { bounds: [r[0], r[1], r[0] + r[2], r[1] + r[3]], score: r[14], landmarks: five(&r[4..14]) };
        let expected: Vec<Face> = rows(&data.join(format!("golden/pipeline_yunet/{id}__faces.npy")), 15).into_iter().map(face).collect();
        assert_ordered(&found);
        for ([corners, points], e) in matched(&found, &expected, &path.display().to_string()).iter().zip(&expected) {
            // Sides are an exponential of what the network says.
            let most = 0.05 + 1e-4 * e.size()[0].max(e.size()[1]);
            assert!(*corners <= most && *points <= most, "{}: {corners} {points} of {most}", path.display());
            worst = [worst[0].max(*corners / most), worst[1].max(*points / most)];
            all += 1;
        }
        for (f, e) in found.iter().zip(&expected) {
            assert!((f.score - e.score).abs() < 1e-4, "{}: {} {}", path.display(), f.score, e.score);
        }
    }
    println!("YuNet: {all} faces, worst corner {:.2}, worst landmark {:.2} of what is allowed", worst[0], worst[1]);
    assert!(all >= 30);
}

/// A quarter clockwise, `quarters` times.
fn turned(picture: &Picture, quarters: usize) -> Picture {
    (0..quarters).fold(picture.clone(), |p, _| {
        let (w, h) = (p.height, p.width);
        let pixel = |x: u32, y: u32| ((p.height - 1 - x) * p.width + y) as usize * 3;
        let rgb = (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).flat_map(|(x, y)| p.rgb[pixel(x, y)..][..3].to_vec()).collect();
        Picture::new(w, h, rgb).unwrap()
    })
}

#[test]
fn faces_on_their_side_are_found_where_they_are() {
    let Some(data) = test_data() else { return };
    let picture = Picture::open(data.join("data/faces/Aaron_Sorkin/Aaron_Sorkin_0001.jpg")).unwrap();
    let upright = mtcnn_faces(&data, "00").remove(0);
    let nose = upright.landmarks[2];
    for (detector, threshold) in [(mtcnn(&data), 0.9), (single(&data, DetectorKind::YuNet, "yunet_n_320"), 0.8)] {
        for quarters in 0..4 {
            let options = DetectOptions { rotations: true, threshold: Some(threshold), ..DetectOptions::default() };
            let found = find(&detector, &turned(&picture, quarters), &options);
            let [x, y] = nose;
            let last = 249.0;
            let there = [[x, y], [last - y, x], [last - x, last - y], [y, last - x]][quarters];
            assert_eq!(found.len(), 1, "{} turned by {quarters}: {found:?}", detector.kind());
            let at = found[0].landmarks[2];
            assert!((at[0] - there[0]).abs() < 6.0 && (at[1] - there[1]).abs() < 6.0, "{}: {at:?} {there:?}", detector.kind());
            // The eyes are those of the face, however it lies: from the image-left one to the other, clockwise by as many quarters.
            let (a, b) = (found[0].landmarks[0], found[0].landmarks[1]);
            let across = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]][quarters];
            assert!((b[0] - a[0]) * across[0] + (b[1] - a[1]) * across[1] > 30.0, "{}: {a:?} {b:?}", detector.kind());
        }
    }
}

#[test]
fn least_faces_and_scores_are_kept_to() {
    let Some(data) = test_data() else { return };
    let picture = Picture::open(data.join("data/scenes/selfie-many-people.jpg")).unwrap();
    let cases = [
        (mtcnn(&data), 0.5),
        (single(&data, DetectorKind::YuNet, "yunet_n_dynamic"), 0.6),
        (single(&data, DetectorKind::RetinaFace, "retinaface_rfb_320"), 0.4),
        (single(&data, DetectorKind::UltraLight, "ultralight_rfb_320"), 0.5),
    ];
    for (detector, low) in cases {
        let with = |min_face, threshold| {
            let faces = find(&detector, &picture, &DetectOptions { min_face, threshold: Some(threshold), ..DetectOptions::default() });
            println!("{}: {} faces", detector.kind(), faces.len());
            faces
        };
        let all = with(None, low);
        let large = with(Some(110.0), low);
        assert!(!large.is_empty() && large.len() < all.len(), "{}", detector.kind());
        assert!(large.iter().all(|f| f.size()[0].min(f.size()[1]) >= 110.0));
        let sure = with(None, all[1].score);
        assert!(sure.len() <= 2 && sure.iter().all(|f| f.score >= all[1].score), "{}", detector.kind());
    }
}

#[test]
fn a_picture_gives_the_same_faces_whatever_else_is_in_the_batch() {
    let Some(data) = test_data() else { return };
    let names = ["Aaron_Sorkin/Aaron_Sorkin_0001", "Abdullah_al-Attiyah/Abdullah_al-Attiyah_0002", "Adrien_Brody/Adrien_Brody_0002"];
    let mut pictures: Vec<Picture> = names.iter().map(|n| Picture::open(data.join(format!("data/faces/{n}.jpg"))).unwrap()).collect();
    pictures.push(crate::noise(3, 90, 61));
    let photos: Vec<_> = pictures.iter().map(upload).collect();
    for detector in [mtcnn(&data), single(&data, DetectorKind::YuNet, "yunet_n_dynamic")] {
        let together = detector.detect(&photos, &DetectOptions::default()).unwrap();
        assert_eq!(together.len(), photos.len());
        for (photo, faces) in photos.iter().zip(&together) {
            let alone = detector.detect(std::slice::from_ref(photo), &DetectOptions::default()).unwrap().remove(0);
            assert_eq!(*faces, alone);
        }
        // The same batch again: equal bits.
        assert_eq!(detector.detect(&photos, &DetectOptions::default()).unwrap(), together);
    }
}
