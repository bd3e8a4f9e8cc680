#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use super::*;
use crate::model::{ARCFACE_112, Method};

fn aligner(align: Align) -> Aligner {
    Aligner::of(&align).unwrap()
}

fn named(name: &str, size: [usize; 2]) -> Aligner {
    aligner(Align { size, template: Some(name.to_owned()), ..Align::default() })
}

fn with(landmarks: &[[f32; 2]], bounds: [f32; 4]) -> Face {
    Face { bounds, score: 0.9, landmarks: landmarks.to_vec() }
}

/// Turned by 17 degrees and twice as large as the template.
fn turned() -> Face {
    let (sin, cos) = 17f64.to_radians().sin_cos();
    let at = ARCFACE_112.map(|[x, y]| [(2.0 * (cos * x - sin * y) + 90.0) as f32, (2.0 * (sin * x + cos * y) + 40.0) as f32]);
    with(&at, [100.0, 60.0, 220.0, 210.0])
}

fn no_alignment(result: Result<Alignment>) -> String {
    match result {
        Err(Error::NoAlignment(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn landmarks_land_on_their_points() {
    let face = turned();
    let found = named("arcface-112", [112, 112]).align(&face, [640, 480]).unwrap();
    for (landmark, point) in face.five_points().unwrap().iter().zip(ARCFACE_112) {
        let [x, y] = affine::apply(&found.to_crop, *landmark);
        assert!((x - point[0]).abs() < 1e-4 && (y - point[1]).abs() < 1e-4, "{x} {y} {point:?}");
    }
    assert!(found.residual < 1e-5 && !found.is_doubtful());
    assert!((found.scale - 0.5).abs() < 1e-5);
}

#[test]
fn swapped_eyes_and_mouth_corners_are_doubtful() {
    let mut face = turned();
    face.landmarks.swap(0, 1);
    face.landmarks.swap(3, 4);
    assert!(named("arcface-112", [112, 112]).align(&face, [640, 480]).unwrap().is_doubtful());
}

#[test]
fn landmarks_that_allow_no_alignment_are_an_error_that_says_why() {
    let arcface = named("arcface-112", [112, 112]);
    let bounds = [10.0, 20.0, 60.0, 90.0];
    for (landmarks, word) in [
        (vec![], "0 landmarks"),
        (vec![[1.0, 2.0]; 4], "4 landmarks"),
        (vec![[5.0, 5.0]; 5], "coincide"),
        (vec![[f32::NAN, 5.0]; 5], "not finite"),
        (vec![[1.0, 2.0], [3.0, f32::INFINITY], [2.0, 4.0], [1.0, 6.0], [3.0, 6.0]], "not finite"),
    ] {
        let why = no_alignment(arcface.align(&with(&landmarks, bounds), [100, 100]));
        assert!(why.contains(word) && why.contains("(10, 20)"), "{why}");
    }
    let openface = named("openface-96", [96, 96]);
    assert!(no_alignment(openface.align(&turned(), [640, 480])).contains("68 are needed"));
    let affine =
        aligner(Align { method: Some(Method::Affine), template: Some("arcface-112".into()), size: [112, 112], ..Align::default() });
    let line = [1.0, 2.0, 3.0, 4.0, 5.0].map(|v| [v, 2.0 * v]);
    assert!(no_alignment(affine.align(&with(&line, bounds), [100, 100])).contains("line"));
    let boxed = aligner(Align { method: Some(Method::Box), size: [112, 112], ..Align::default() });
    assert!(no_alignment(boxed.align(&with(&[], [5.0, 9.0, 5.0, 9.0]), [100, 100])).contains("box"));
    assert!(no_alignment(boxed.align(&with(&[], [f32::NAN; 4]), [100, 100])).contains("box"));
}

#[test]
fn an_affine_map_follows_the_shape_where_a_similarity_cannot() {
    let at = ARCFACE_112.map(|[x, y]| [(x * 3.0 + 5.0) as f32, (y * 2.0 + 0.5 * x) as f32]);
    let face = with(&at, [0.0, 0.0, 300.0, 300.0]);
    let of = |method| {
        let align = Align { method, template: Some("arcface-112".into()), size: [112, 112], ..Align::default() };
        aligner(align).align(&face, [400, 400]).unwrap()
    };
    assert!(of(Some(Method::Affine)).residual < 1e-5);
    assert!(of(None).residual > 0.05);
}

#[test]
fn dlib_uses_its_own_points_of_68() {
    let mut landmarks = vec![[0.0f32; 2]; 68];
    // The chip's own places, at half its size and moved: they have to come back.
    let places =
        [(45, [0.85957, 0.21350]), (42, [0.64606, 0.22897]), (36, [0.12058, 0.21373]), (39, [0.33409, 0.22906]), (33, [0.49011, 0.62780])];
    for (i, [x, y]) in places {
        landmarks[i] = [((0.25 + x) / 1.5 * 75.0 + 30.0) as f32, ((0.25 + y) / 1.5 * 75.0 + 7.0) as f32];
    }
    let found = named("dlib-150", [150, 150]).align(&with(&landmarks, [0.0, 0.0, 80.0, 80.0]), [200, 200]).unwrap();
    assert!((found.scale - 2.0).abs() < 1e-4 && found.residual < 1e-4, "{found:?}");
    assert!((found.to_crop[0][2] + 60.0).abs() < 1e-3, "{found:?}");
}

#[test]
fn boxes_keep_their_aspect_ratio_and_their_centre() {
    let face = with(&[], [20.0, 10.0, 60.0, 90.0]);
    let boxed = |margin| aligner(Align { method: Some(Method::Box), margin, size: [112, 112], ..Align::default() });
    let found = boxed(None).align(&face, [400, 400]).unwrap();
    assert!((found.scale - 112.0 / 80.0).abs() < 1e-9);
    let [x, y] = affine::apply(&found.to_crop, [40.0, 50.0]);
    assert!((x - 55.5).abs() < 1e-9 && (y - 55.5).abs() < 1e-9, "{x} {y}");
    // A quarter of the crop lies outside of the box.
    let wide = boxed(Some(28.0)).align(&face, [400, 400]).unwrap();
    assert!((wide.scale - 84.0 / 80.0).abs() < 1e-9, "{wide:?}");
}

#[test]
fn facenet_boxes_grow_by_a_fifth_of_the_crop_and_end_at_the_border() {
    let found = named("facenet-160", [160, 160]).align(&with(&[], [0.0, 100.0, 64.0, 164.0]), [400, 400]).unwrap();
    // 80 pixels a side, the left 8 of them outside: 71.5 remain from the picture's edge at -0.5.
    assert!((found.to_crop[0][0] - 160.0 / 72.5).abs() < 1e-9, "{found:?}");
    assert!((found.to_crop[1][1] - 2.0).abs() < 1e-9, "{found:?}");
    let [left, _] = affine::apply(&found.to_crop, [-0.5, 100.0]);
    assert!((left + 0.5).abs() < 1e-9, "{left}");
}

#[test]
fn level_eyes_stay_level_whatever_the_turn() {
    let face = turned();
    let found = aligner(Align { method: Some(Method::Eyes), size: [96, 112], ..Align::default() }).align(&face, [640, 480]).unwrap();
    let five = face.five_points().unwrap();
    let (l, r) = (affine::apply(&found.to_crop, five[0]), affine::apply(&found.to_crop, five[1]));
    // The template's own eyes are 0.2 pixels off level.
    assert!((l[1] - r[1]).abs() < 1e-9 && r[0] > l[0], "{l:?} {r:?}");
    let [x, y] = affine::apply(&found.to_crop, [160.0, 135.0]);
    assert!((x - 47.5).abs() < 1e-9 && (y - 55.5).abs() < 1e-9, "{x} {y}");
    assert!(
        no_alignment(
            aligner(Align { method: Some(Method::Eyes), size: [96, 112], ..Align::default() }).align(&with(&[], face.bounds), [9, 9])
        )
        .contains("eyes")
    );
}

#[test]
fn a_description_that_does_not_fit_the_network_is_refused() {
    let align = Some(Align { size: [112, 112], template: Some("arcface-112".into()), ..Align::default() });
    let description = Description { name: "m".into(), align, ..Description::default() };
    assert!(Aligner::new(&description, [112, 112]).is_ok());
    assert!(Aligner::new(&description, [128, 128]).unwrap_err().to_string().contains("128x128"));
    assert!(Aligner::new(&Description::default(), [112, 112]).unwrap_err().to_string().contains("how faces are aligned"));
    let silent = Description { align: Some(Align { size: [112, 112], ..Align::default() }), ..description };
    assert!(Aligner::new(&silent, [112, 112]).unwrap_err().to_string().contains("arcface-112"));
}

#[test]
fn every_alignment_of_the_registry_is_known() {
    let mut seen = 0;
    for entry in crate::zoo::networks().filter(|e| e.align.is_some()) {
        let graph = crate::graph::Graph::default();
        let description = entry.description(&graph);
        let size = description.align.as_ref().unwrap().size;
        Aligner::new(&description, size).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}
