//! Faces turned to the front: against an independent computation, and against pictures whose pixels say where they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{gpu, test_data};
use lookalike::Error;
use lookalike::face::Face;
use lookalike::face::frontal::{Camera, Frontaliser, MOST_YAW, SIDE, facing, mirror, points, triangles};
use lookalike::gpu::Photo;
use serde_json::Value;

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn sorted(t: &[usize]) -> [usize; 3] {
    let mut t: [usize; 3] = t.try_into().unwrap();
    t.sort_unstable();
    t
}

#[test]
fn shape_and_triangles_are_those_of_the_reference() {
    let Some(data) = test_data() else { return };
    let golden: Value = serde_json::from_slice(&std::fs::read(data.join("golden/pipeline.json")).unwrap()).unwrap();
    let shape = &golden["shape68"];
    assert_eq!(points().concat(), numbers(&shape["points"]));
    let want: std::collections::BTreeSet<_> = shape["triangles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| sorted(&numbers(t).iter().map(|&v| v as usize).collect::<Vec<_>>()))
        .collect();
    assert_eq!(triangles().iter().map(|t| sorted(t)).collect::<std::collections::BTreeSet<_>>(), want);
    for pair in shape["mirror_pairs"].as_array().unwrap() {
        let (i, j) = (pair[0].as_u64().unwrap() as usize, pair[1].as_u64().unwrap() as usize);
        assert_eq!((mirror(i), mirror(j)), (j, i));
    }
}

#[test]
fn cameras_have_the_digits_of_the_reference() {
    let Some(data) = test_data() else { return };
    let golden: Value = serde_json::from_slice(&std::fs::read(data.join("golden/pipeline.json")).unwrap()).unwrap();
    let case = &golden["affine_camera"];
    let picture: Vec<_> = numbers(&case["landmarks"]).chunks_exact(2).map(|p| [p[0], p[1]]).collect();
    let near = |got: &[f64], want: &Value, what: &str| {
        let want = numbers(want);
        assert_eq!(got.len(), want.len());
        for (g, w) in got.iter().zip(want) {
            // Twelve digits are written down; coordinates are below 1000.
            assert!((g - w).abs() < 1e-9, "{what}: {g} {w}");
        }
    };
    let ordinary = Camera::fit(&points(), &picture, &[1.0; 68]).unwrap();
    near(&ordinary.p.concat(), &case["P_ols"], "ordinary");
    let camera = Camera::fit(&points(), &picture, &numbers(&case["sd"])).unwrap();
    near(&camera.p.concat(), &case["P_gls"], "generalised");
    let residual: Vec<f64> = points()
        .iter()
        .zip(&picture)
        .flat_map(|(x, u)| {
            let seen = camera.project(*x);
            [u[0] - seen[0], u[1] - seen[1]]
        })
        .collect();
    near(&residual, &case["residual"], "residual");
    near(&camera.direction().unwrap(), &case["view_dir"], "direction");
    let visible: BTreeMap<_, _> = golden["shape68"]["triangles"]
        .as_array()
        .unwrap()
        .iter()
        .zip(case["visible"].as_array().unwrap())
        .map(|(t, v)| (sorted(&numbers(t).iter().map(|&v| v as usize).collect::<Vec<_>>()), v.as_bool().unwrap()))
        .collect();
    for (t, cosine) in triangles().iter().zip(facing(&camera).unwrap()) {
        assert_eq!(cosine > 0.0, visible[&sorted(t)], "{t:?}");
    }
    assert!(visible.values().any(|v| !v));
}

/// The camera that sees a head turned to the right by `yaw` degrees.
fn turned(yaw: f64) -> Camera {
    let (sin, cos) = yaw.to_radians().sin_cos();
    Camera { p: [[9.0 * cos, 0.0, 9.0 * sin, 110.0], [0.0, -9.0, 0.0, 120.0]] }
}

fn face(camera: &Camera) -> Face {
    let landmarks = points().iter().map(|p| camera.project(*p).map(|v| v as f32)).collect();
    Face { bounds: [0.0, 0.0, 10.0, 10.0], score: 1.0, landmarks }
}

/// A photo whose red is its column and whose green is its row.
fn ramp(side: u32) -> Vec<u8> {
    (0..side * side).flat_map(|i| [(i % side) as u8, (i / side) as u8, 99]).collect()
}

fn canvas(p: [f64; 3]) -> [usize; 2] {
    [(76.0 + 7.5 * p[0]).round() as usize, (66.0 - 7.5 * p[1]).round() as usize]
}

#[test]
fn a_frontal_face_of_the_right_size_stays_as_it_is() {
    let gpu = gpu();
    let rgb: Vec<u8> = (0..SIDE * SIDE * 3).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect();
    let photo = Photo::upload(&gpu, &rgb, SIDE, SIDE).unwrap();
    let camera = Camera { p: [[7.5, 0.0, 0.0, 76.0], [0.0, -7.5, 0.0, 66.0]] };
    let found = Frontaliser::new().frontal(&gpu, &photo, &face(&camera)).unwrap();
    assert!(!found.flat && found.pose.iter().all(|v| v.abs() < 1e-3), "{found:?}");
    assert!((found.kappa - 1.0).abs() < 1e-4, "{}", found.kappa);
    let got = found.pixels(&gpu).unwrap();
    // Landmarks are f32, so places are 1e-5 pixels off, at 255 levels a pixel; a level is lost where that decides the rounding.
    assert!(got.iter().zip(&rgb).all(|(&g, &w)| g.abs_diff(w) <= 1));
}

#[test]
fn landmarks_of_a_turned_head_come_to_the_front_with_their_pixels() {
    let gpu = gpu();
    let photo = Photo::upload(&gpu, &ramp(240), 240, 240).unwrap();
    for yaw in [0.0, 30.0, -30.0, 45.0] {
        let camera = turned(yaw);
        let found = Frontaliser::new().frontal(&gpu, &photo, &face(&camera)).unwrap();
        assert!((found.pose[0] - yaw).abs() < 1e-3 && !found.flat, "{found:?}");
        let pixels = found.pixels(&gpu).unwrap();
        let at = |p: [f64; 3]| {
            let [u, v] = canvas(p);
            let i = (v * SIDE as usize + u) * 3;
            [f64::from(pixels[i]), f64::from(pixels[i + 1])]
        };
        // Points all of whose triangles are shown as they are. Half a pixel of the canvas is up to 0.9 of the photo, and a slanted triangle
        // beside it doubles that.
        let cosines = facing(&camera).unwrap();
        let clear = |i: usize| triangles().iter().zip(&cosines).all(|(t, &c)| !t.contains(&i) || c > 0.2);
        let mut seen = 0;
        for i in (17..60).filter(|&i| clear(i)) {
            let (want, got) = (camera.project(points()[i]), at(points()[i]));
            assert!((got[0] - want[0]).abs() < 2.5 && (got[1] - want[1]).abs() < 2.5, "{yaw} {i}: {got:?} {want:?}");
            seen += 1;
        }
        assert!(seen > 10, "{yaw}: {seen}");
        assert_eq!(yaw == 0.0, found.visible > 0.999, "{yaw}: {}", found.visible);
    }
}

#[test]
fn the_hidden_half_is_the_mirror_image_of_the_other() {
    let gpu = gpu();
    let photo = Photo::upload(&gpu, &ramp(240), 240, 240).unwrap();
    // The head looks to the right, so the camera sees its image-left cheek and not the other one.
    let found = Frontaliser::new().frontal(&gpu, &photo, &face(&turned(50.0))).unwrap();
    assert!(found.visible < 0.95, "{}", found.visible);
    let pixels = found.pixels(&gpu).unwrap();
    let at = |u: usize, v: usize| {
        let i = (v * SIDE as usize + u) * 3;
        [pixels[i], pixels[i + 1]]
    };
    // Inside the triangle of points 14, 15 and 46, and of 2, 1 and 41.
    let inside = |t: [usize; 3]| {
        let p = t.map(|i| points()[i]);
        canvas([(p[0][0] + p[1][0] + p[2][0]) / 3.0, (p[0][1] + p[1][1] + p[2][1]) / 3.0, 0.0])
    };
    let ([u, v], [mu, mv]) = (inside([14, 15, 46]), inside([2, 1, 41]));
    assert_eq!(u + mu, 152);
    let (hidden, seen) = (at(u, v), at(mu, mv));
    assert!(hidden.iter().zip(seen).all(|(&a, b)| a.abs_diff(b) <= 1), "{hidden:?} {seen:?}");
}

#[test]
fn heads_turned_too_far_are_turned_in_the_plane_only() {
    let gpu = gpu();
    let photo = Photo::upload(&gpu, &ramp(240), 240, 240).unwrap();
    let found = Frontaliser::new().frontal(&gpu, &photo, &face(&turned(MOST_YAW + 5.0))).unwrap();
    assert!(found.flat && found.kappa == 0.0);
    assert_eq!(found.photo.size(), [SIDE, SIDE]);
}

#[test]
fn faces_without_68_sound_landmarks_are_refused() {
    let gpu = gpu();
    let photo = Photo::upload(&gpu, &[0; 12], 2, 2).unwrap();
    for landmarks in [vec![], vec![[1.0, 2.0]; 5], vec![[3.0, 3.0]; 68], vec![[f32::NAN, 0.0]; 68]] {
        let face = Face { landmarks, ..Face::default() };
        assert!(matches!(Frontaliser::new().frontal(&gpu, &photo, &face), Err(Error::NoAlignment(_))));
    }
}
