//! The geometry against numbers that an independent program computed in f64 (LOOKALIKE_TEST_DATA), and by properties.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;

use super::*;
use crate::face::detect::nms::{over_smaller, over_union, suppress};

/// The expected numbers of one function, or `None` (said so) where there are none.
fn expected(key: &str) -> Option<Vec<Value>> {
    let Some(folder) = std::env::var_os("LOOKALIKE_TEST_DATA") else {
        println!("skipped: LOOKALIKE_TEST_DATA is not set");
        return None;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("golden/pipeline.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let cases = all["mtcnn"][key].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    Some(cases)
}

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(all) => all.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

fn four(v: &Value) -> [f64; 4] {
    numbers(v)[..4].try_into().unwrap()
}

/// Equal in the twelve digits that are written down.
#[track_caller]
fn same(got: &[f64], want: &Value) {
    let want = numbers(want);
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(&want) {
        assert!((g - w).abs() <= 1e-11 * w.abs().max(1e-3), "{got:?} {want:?}");
    }
}

#[test]
fn levels_are_those_of_the_authors() {
    for case in expected("pyramid").into_iter().flatten() {
        assert_eq!(case["factor"], FACTOR);
        let size = [&case["w"], &case["h"]].map(|v| v.as_u64().unwrap() as u32);
        let scales = pyramid(size, case["min_face"].as_f64().unwrap());
        same(&scales, &case["scales"]);
        let sides: Vec<f64> = scales.iter().flat_map(|&s| level(MtcnnRules::Authors, size, s)).map(|n| n as f64).collect();
        assert_eq!(sides, numbers(&case["sizes_wh"]));
    }
}

#[test]
fn cells_stand_for_the_boxes_of_the_authors() {
    for case in expected("cell_to_box").into_iter().flatten() {
        let cell: Vec<usize> = numbers(&case["cell"]).into_iter().map(|x| x as usize).collect();
        same(&cell_to_box::<f64>([cell[0], cell[1]], case["scale"].as_f64().unwrap()), &case["box"]);
    }
}

#[test]
fn suppression_keeps_what_the_authors_keep() {
    for case in expected("nms").into_iter().flatten() {
        let rows: Vec<Vec<f64>> = case["boxes"].as_array().unwrap().iter().map(numbers).collect();
        let boxes: Vec<[f64; 4]> = rows.iter().map(|r| r[..4].try_into().unwrap()).collect();
        let scores: Vec<f32> = rows.iter().map(|r| r[4] as f32).collect();
        let most = case["threshold"].as_f64().unwrap();
        let share = if case["kind"] == "union" { over_union } else { over_smaller };
        let mut kept = suppress(&scores, usize::MAX, |a, b| share(&boxes[a], &boxes[b], 1.0) > most);
        assert!(kept.windows(2).all(|w| scores[w[0]] >= scores[w[1]]));
        kept.sort_unstable();
        assert_eq!(kept.into_iter().map(|i| i as f64).collect::<Vec<_>>(), numbers(&case["keep"]));
    }
}

#[test]
fn squares_calibrated_boxes_and_points_are_those_of_the_authors() {
    for case in expected("square").into_iter().flatten() {
        same(&square(four(&case["box"])), &case["out"]);
    }
    for case in expected("calibrate").into_iter().flatten() {
        // Offsets come from a network, in f32; these are decimal fractions.
        let offsets = four(&case["offsets"]);
        let got = calibrate(four(&case["box"]), offsets.map(|x| x as f32), 1.0);
        let rounding = offsets.map(|x| f64::from(x as f32) - x);
        let sides = [0, 1, 0, 1].map(|i| four(&case["box"])[i + 2] - four(&case["box"])[i] + 1.0);
        let exact: Vec<f64> = (0..4).map(|i| got[i] - rounding[i] * sides[i]).collect();
        same(&exact, &case["out"]);
    }
    for case in expected("landmarks").into_iter().flatten() {
        let corners = four(&case["box"]);
        let raw = numbers(&case["raw"]);
        let got = points(corners, &raw.iter().map(|&x| x as f32).collect::<Vec<_>>());
        let exact: Vec<f64> = (0..10)
            .map(|i| {
                let (point, axis) = (i / 2, i % 2);
                let r = raw[axis * 5 + point];
                got[point][axis] - (f64::from(r as f32) - r) * (corners[axis + 2] - corners[axis] + 1.0)
            })
            .collect();
        same(&exact, &case["out"]);
    }
}

#[test]
fn crops_cover_the_pixels_that_the_authors_pad_and_cut() {
    for case in expected("pad").into_iter().flatten() {
        let picture = [&case["image_w"], &case["image_h"]].map(|v| v.as_u64().unwrap() as u32);
        let crop = crop(MtcnnRules::Authors, four(&case["box"]), picture).unwrap();
        let out = &case["out"];
        assert_eq!([f64::from(crop.width), f64::from(crop.height)], [out["w"].as_f64().unwrap(), out["h"].as_f64().unwrap()]);
        for (first, extent, side, source, target) in
            [(crop.left, crop.width, picture[0], "src_x", "dst_x"), (crop.top, crop.height, picture[1], "src_y", "dst_y")]
        {
            // 1-based and inclusive, as the authors count: what lies inside, in the picture and in the crop.
            let inside = [f64::from(first.max(0) + 1), f64::from((first + extent as i32).min(side as i32))];
            same(&inside, &out[source]);
            same(&inside.map(|v| v - f64::from(first)), &out[target]);
        }
    }
}

#[test]
fn clipped_crops_stay_inside_and_empty_ones_are_left_out() {
    let clip = |b: [f32; 4]| crop(MtcnnRules::FacenetPytorch, b, [100, 80]);
    assert_eq!(clip([-3.7, 10.9, 36.2, 49.0]), Some(Crop { left: 0, top: 9, width: 36, height: 40 }));
    assert_eq!(clip([90.0, 70.0, 130.0, 110.0]), Some(Crop { left: 89, top: 69, width: 11, height: 11 }));
    assert_eq!(clip([1.0, 1.0, 1.0, 1.0]), Some(Crop { left: 0, top: 0, width: 1, height: 1 }));
    for outside in [[101.0, 1.0, 120.0, 20.0], [-20.0, 1.0, 0.5, 20.0], [f32::NAN; 4], [1.0, 1.0, 1.0, f32::NEG_INFINITY]] {
        assert_eq!(clip(outside), None, "{outside:?}");
        let padded = crop(MtcnnRules::Authors, outside, [100, 80]);
        assert!(padded.is_none() || outside[0].abs() < 200.0, "{outside:?}");
    }
    assert_eq!(crop(MtcnnRules::Authors, [-1e9, 0.0, 1e9, 5.0], [100, 80]), None);
}

#[test]
fn pictures_smaller_than_a_face_have_no_level_and_levels_hold_a_window() {
    assert!(pyramid([19, 500], 20.0).is_empty());
    for size in [[20, 20], [250, 250], [10_000, 21]] {
        for rules in [MtcnnRules::FacenetPytorch, MtcnnRules::Authors] {
            let scales = pyramid(size, 20.0);
            assert!(!scales.is_empty());
            assert!(scales.iter().all(|&s| level(rules, size, s).iter().all(|&n| n >= 12)));
        }
    }
}
