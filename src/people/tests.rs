#![allow(clippy::unwrap_used, reason = "tests")]
//! Expected numbers come from an independent NumPy implementation of the recipe:
//!
//! ```python
//! # p = [144, 144, 3] uint8 picture, c = its 100 coefficients, l = its [5, 2] landmarks, seed 1
//! print(c[[0, 1, 2, 49, 99]], np.linalg.norm(c), p.reshape(-1, 3).sum(0), [p[y, x] for y, x in POINTS], l)
//! ```
use super::*;

const POINTS: [(usize, usize); 5] = [(0, 0), (72, 72), (60, 45), (100, 80), (143, 143)];

struct Expected {
    person: u64,
    picture: u64,
    coefficients: [f64; 5],
    norm: f64,
    sums: [i64; 3],
    pixels: [[u8; 3]; 5],
    landmarks: [[f64; 2]; 5],
}

const IDEAL: [[f64; 2]; 5] = [[54.2946, 67.6963], [89.5318, 67.5014], [72.0252, 87.7366], [57.5493, 108.3655], [86.7299, 108.2041]];

const EXPECTED: [Expected; 3] = [
    Expected {
        person: 0,
        picture: 0,
        coefficients: [152.583328, 347.971497, 1503.586182, 161.998810, 19.483377],
        norm: 2241.862673,
        sums: [2614843, 2286662, 2137465],
        pixels: [[107, 106, 114], [195, 152, 123], [148, 115, 90], [145, 110, 91], [87, 88, 93]],
        landmarks: IDEAL,
    },
    Expected {
        person: 1,
        picture: 1,
        coefficients: [-1021.977356, 1152.872070, 1152.456177, 156.194107, -126.221115],
        norm: 3143.055517,
        sums: [2565743, 2326541, 1921469],
        pixels: [[116, 127, 112], [192, 141, 120], [103, 81, 59], [134, 100, 86], [69, 78, 71]],
        landmarks: [
            [54.792591, 65.405663],
            [89.067566, 62.310474],
            [73.699554, 83.445862],
            [61.313324, 104.714485],
            [89.697090, 102.151299],
        ],
    },
    Expected {
        person: 3,
        picture: 0,
        coefficients: [214.131912, 743.423401, -430.075348, 70.086411, 109.463867],
        norm: 2221.305728,
        sums: [2725812, 2270789, 1810359],
        pixels: [[83, 79, 63], [200, 155, 126], [146, 113, 88], [186, 141, 118], [120, 111, 96]],
        landmarks: IDEAL,
    },
];

#[test]
fn coefficients_match_the_recipe() {
    let model = PeopleModel::builtin().unwrap();
    for e in &EXPECTED {
        let c = model.coefficients(1, e.person, e.picture);
        for (x, y) in [0, 1, 2, 49, 99].map(|i| c[i]).iter().zip(e.coefficients) {
            assert!((x - y).abs() <= 1e-4 + 1e-6 * y.abs(), "{x} {y}");
        }
        let norm = c.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!((norm - e.norm).abs() < 1e-3, "{norm} {}", e.norm);
    }
}

#[test]
fn pictures_match_the_recipe_up_to_rounding_ties() {
    let model = PeopleModel::builtin().unwrap();
    for e in &EXPECTED {
        let frame = model.frame(&model.coefficients(1, e.person, e.picture));
        let shot = Camera::new(1, e.person, e.picture).shoot(&frame, SIZE);
        for ((y, x), expected) in POINTS.iter().zip(e.pixels) {
            let at = (y * SIZE as usize + x) * 3;
            for (a, b) in shot.picture.rgb[at..at + 3].iter().zip(expected) {
                assert!(a.abs_diff(b) <= 1, "pixel ({x}, {y}): {a} {b}");
            }
        }
        for (c, expected) in e.sums.iter().enumerate() {
            let sum: i64 = shot.picture.rgb.iter().skip(c).step_by(3).map(|&v| i64::from(v)).sum();
            assert!((sum - expected).abs() <= 20, "channel {c}: {sum} {expected}");
        }
        for (a, b) in shot.landmarks.iter().flatten().zip(e.landmarks.iter().flatten()) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}

#[test]
fn the_file_survives_a_round_trip() {
    let model = PeopleModel::builtin().unwrap();
    let bytes = model.to_bytes();
    assert!(PeopleModel::is_people_file(&bytes));
    assert_eq!(PeopleModel::from_bytes(&bytes).unwrap(), model);
}

#[test]
fn damaged_files_are_refused() {
    let bytes = PeopleModel::builtin().unwrap().to_bytes();
    for cut in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(PeopleModel::from_bytes(&bytes[..cut]).is_err(), "cut to {cut}");
    }
    assert!(!PeopleModel::is_people_file(b"not a file of this kind"));
}

#[test]
fn the_adapter_decodes_what_the_host_decodes() {
    let gpu = crate::gpu::Gpu::new(&crate::gpu::GpuOptions::default()).unwrap();
    let model = PeopleModel::builtin().unwrap();
    let decoder = PeopleDecoder::new(&gpu, model.clone(), 2).unwrap();
    let ids = [(0, 0), (1, 1), (7, 3)];
    for ((person, picture), shot) in ids.iter().zip(decoder.pictures(1, &ids).unwrap()) {
        let frame = model.frame(&model.coefficients(1, *person, *picture));
        let expected = Camera::new(1, *person, *picture).shoot(&frame, SIZE);
        assert_eq!(shot.landmarks, expected.landmarks);
        let differing = shot.picture.rgb.iter().zip(&expected.picture.rgb).filter(|(a, b)| a != b).count();
        assert!(shot.picture.rgb.iter().zip(&expected.picture.rgb).all(|(a, b)| a.abs_diff(*b) <= 1), "({person}, {picture})");
        assert!(differing < 20, "{differing} pixels of ({person}, {picture}) round differently");
    }
}
