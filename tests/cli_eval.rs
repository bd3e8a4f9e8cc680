//! `lookalike eval` as a user meets it, on embeddings that were written before.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::path::PathBuf;
use std::process::{Command, Output};

use common::Random;
use common::tool::npy;
use serde_json::Value;

/// A folder with embeddings of made-up files, and lists of them.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    /// `files`: names and the points that they are scattered around.
    fn new(files: &[(String, u64)]) -> Self {
        let case = Self { folder: tempfile::tempdir().unwrap() };
        let mut noise = Random(5);
        let rows: Vec<f32> = files
            .iter()
            .flat_map(|(_, person)| {
                let mut own = Random(100 + person);
                (0..16).map(|_| own.signed() + 0.2 * noise.signed()).collect::<Vec<_>>()
            })
            .collect();
        std::fs::write(case.path("x.npy"), npy(&[files.len(), 16], &rows)).unwrap();
        let lines: String = files.iter().enumerate().map(|(i, (name, _))| format!("{i},{name}\n")).collect();
        std::fs::write(case.path("x.csv"), format!("row,source\n{lines}")).unwrap();
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn list(&self, text: &str) -> String {
        std::fs::write(self.path("list.csv"), text).unwrap();
        self.path("list.csv").display().to_string()
    }

    fn eval(&self, list: &str, protocol: &str, extra: &[&str]) -> Output {
        let x = self.path("x.npy").display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
        command.args(["eval", list, "--protocol", protocol, "--embeddings", &x, "--json"]).args(extra);
        command.output().unwrap()
    }

    fn json(&self, list: &str, protocol: &str, extra: &[&str]) -> Value {
        let output = self.eval(list, protocol, extra);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The sentence of a run that fails.
    fn error(&self, list: &str, protocol: &str, extra: &[&str]) -> String {
        let output = self.eval(list, protocol, extra);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}

/// Five pictures of each of ten people.
fn pictures() -> Vec<(String, u64)> {
    (0..10).flat_map(|person| (0..5).map(move |n| (format!("{person}/{n}.jpg"), person))).collect()
}

#[test]
fn people_are_searched_in_a_gallery() {
    let case = Case::new(&pictures());
    let row = |f: &str, label: u64, role: &str| format!("{f},{label},{role}\n");
    let lines: String = pictures()
        .iter()
        .filter_map(|(file, person)| match (file.ends_with("0.jpg"), person) {
            (true, ..7) => Some(row(file, *person, "gallery")),
            (true, _) => None,
            (false, _) => Some(row(file, *person, "probe")),
        })
        .collect();
    let list = case.list(&format!("file,label,role\n{lines}missing.jpg,1,probe\n"));
    let (html, plots) = (case.path("out.html").display().to_string(), case.path("plots").display().to_string());
    let json = case.json(&list, "identification", &["--fpir", "0.1,0.001", "--html", &html, "--plots", &plots]);
    assert_eq!((json["people"].as_u64(), json["mated_probes"].as_u64(), json["strangers"].as_u64()), (Some(7), Some(28), Some(12)));
    assert_eq!(json["rank1"], 1.0, "people are further apart than their pictures");
    assert_eq!(json["cmc"].as_array().unwrap().len(), 7);
    let open = &json["open_set"];
    assert_eq!((open[0]["measurable"].as_bool(), open[1]["measurable"].as_bool()), (Some(true), Some(false)));
    assert!(open[0]["dir"].as_f64().unwrap() > 0.9 && open[1]["dir"].is_null());
    assert!(json["dropped_pictures"][0].as_str().unwrap().ends_with("missing.jpg"));
    let report = std::fs::read_to_string(&html).unwrap();
    assert!(report.contains("CMC") && report.contains("Open set") && report.contains("missing.jpg"));
    for name in ["cmc.svg", "dir.svg"] {
        assert!(std::fs::read_to_string(case.path("plots").join(name)).unwrap().contains("identification rate"));
    }
    let none = case.list("file,label,role\n0/1.jpg,0,probe\n0/0.jpg,1,gallery\n");
    assert!(case.error(&none, "identification", &[]).contains("no probe of somebody"));
}

#[test]
fn probes_are_found_among_distractors_and_noisy_ones_do_not_count() {
    let mut files = pictures();
    files.extend((0..150).map(|i| (format!("d/{i}.jpg"), 1000 + i)));
    // A picture under the wrong name, and a probe's person among the distractors.
    files[7].1 = 999;
    files.push(("d/known.jpg".to_owned(), 3));
    let case = Case::new(&files);
    let row = |(file, _): &(String, u64)| {
        let (folder, _) = file.split_once('/').unwrap();
        if folder == "d" { format!("{file},,distractor\n") } else { format!("{file},{folder},probe\n") }
    };
    let list = case.list(&format!("file,label,role\n{}", files.iter().map(row).collect::<String>()));
    let sizes = ["--distractors", "10,151", "--far", "0.01,0.000001"];
    let json = case.json(&list, "megaface", &sizes);
    assert_eq!((json["probes"].as_u64(), json["distractors"].as_u64()), (Some(50), Some(151)));
    let of = |json: &Value, i: usize| json["sizes"][i]["rank1"].as_f64().unwrap();
    assert!(of(&json, 1) < of(&json, 0) && of(&json, 0) < 1.0, "{json}");
    let rates = &json["sizes"][1]["tar_at_far"];
    assert_eq!((rates[0]["measurable"].as_bool(), rates[1]["measurable"].as_bool()), (Some(true), Some(false)));
    std::fs::write(case.path("noisy.txt"), "1/2.jpg\nd/known.jpg\n").unwrap();
    let noisy = case.path("noisy.txt").display().to_string();
    let clean = case.json(&list, "megaface", &[&["--distractors", "10,150", "--noisy", &noisy][..]].concat());
    assert_eq!((clean["replaced_probes"].as_u64(), clean["distractors"].as_u64()), (Some(1), Some(150)));
    assert_eq!(of(&clean, 1), 1.0, "{clean}");
    assert!(case.error(&list, "identification", &[]).contains("gallery and probe"));
    assert!(case.error(&list, "identification", &["--noisy", &noisy]).contains("--noisy"));
}

#[test]
fn videos_are_judged_three_ways() {
    // Frames have to be there, for the folders say which there are.
    let frames: Vec<(String, u64)> = (0..6).flat_map(|video| (0..4).map(move |n| (format!("{video}/{n}.png"), video / 2))).collect();
    let folder = tempfile::tempdir().unwrap();
    let absolute: Vec<_> = frames.iter().map(|(f, p)| (folder.path().join(f).display().to_string(), *p)).collect();
    for (file, _) in &absolute {
        std::fs::create_dir_all(std::path::Path::new(file).parent().unwrap()).unwrap();
        image::RgbImage::new(2, 2).save(file).unwrap();
    }
    let case = Case::new(&absolute);
    let root = folder.path().display().to_string();
    let pairs = |heading: &str| {
        let all = (0..6).flat_map(|a| (a + 1..6).map(move |b| (a, b)));
        let rows: String = all.map(|(a, b)| format!("{}, {a}, {b}, {}\n", 1 + (a + b) % 2, u8::from(a / 2 == b / 2))).collect();
        format!("{heading}{rows}")
    };
    let eval = |list: &str| {
        let x = case.path("x.npy").display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
        command.args(["eval", list, "--protocol", "video", "--embeddings", &x, "--root", &root, "--json"]).output().unwrap()
    };
    for text in [pairs("split, first, second, same\n"), pairs("fold,video_a,video_b,same\n")] {
        let output = eval(&case.list(&text));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((json["videos"].as_u64(), json["frames"].as_u64()), (Some(6), Some(24)));
        for way in ["mean_of_pairs", "random_pairs", "mean_feature"] {
            assert_eq!((json[way]["pairs"].as_u64(), json[way]["genuine"].as_u64()), (Some(15), Some(3)));
            assert_eq!(json[way]["auc"], 1.0, "{way}");
        }
    }
    let output = eval(&case.list("video_a,video_b,same\n0,nowhere,1\n"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("nowhere"), "{said}");
}

#[test]
fn groups_are_compared_with_who_is_who() {
    let case = Case::new(&pictures());
    let list = case.list("label,cluster\nAda,0\nAda,0\nBob,1\nBob,0\n");
    let json = case.json(&list, "clustering", &[]);
    // Pairs: two of one person, three together, one right.
    assert_eq!(
        (json["agreement"]["pairwise"]["precision"].as_f64(), json["agreement"]["pairwise"]["recall"].as_f64()),
        (Some(1.0 / 3.0), Some(0.5))
    );
    assert_eq!((json["people"].as_u64(), json["clusters"].as_u64(), json["faces"].as_u64()), (Some(2), Some(2), Some(4)));
    assert!(case.error(&case.list("label,cluster\nAda,\n"), "clustering", &[]).contains("line 2"));
}

#[test]
fn pairs_are_judged_on_embeddings_that_were_written() {
    let case = Case::new(&pictures());
    let rows: String = (0..10).map(|p| format!("{p}/0.jpg,{p}/1.jpg,1\n{p}/2.jpg,{}/3.jpg,0\n", (p + 1) % 10)).collect();
    let list = case.list(&format!("file_a,file_b,same\n{rows}"));
    let json = case.json(&list, "verification", &["--folds", "5"]);
    assert_eq!((json["pairs"].as_u64(), json["auc"].as_f64()), (Some(20), Some(1.0)));
    // A picture with two faces in the table is not one of them.
    std::fs::write(case.path("x.csv"), std::fs::read_to_string(case.path("x.csv")).unwrap().replace("0/1.jpg", "0/0.jpg")).unwrap();
    assert!(case.error(&list, "verification", &[]).contains("several faces of 0/0.jpg, and one is needed"));
    assert!(case.error(&list, "megaface", &["--calibrate", "0.1", "--calibrated", "m.safetensors"]).contains("--calibrate"));
}

/// Rank-1 and identification when 5 % of the strangers pass, as the set's description gives them, on embeddings of the reference runtimes.
#[test]
fn identification_on_a_real_set_is_that_of_its_description() {
    let Some(data) = common::test_data() else { return };
    let files = std::fs::read_to_string(data.join("golden/lfw_set/files.txt")).unwrap();
    let list = data.join("data/gallery_lfw.csv").display().to_string();
    for (model, rank1, dir) in
        [("mobilefacenet_foamliu", 0.9756, 0.9655), ("dlib_face_resnet_v1", 0.9181, 0.7759), ("face_reid_retail_0095", 0.9885, 0.9670)]
    {
        let case = Case::new(&[]);
        std::fs::copy(data.join(format!("golden/lfw_set/emb_{model}.npy")), case.path("x.npy")).unwrap();
        let rows: String = files.lines().enumerate().map(|(i, file)| format!("{i},{file}\n")).collect();
        std::fs::write(case.path("x.csv"), format!("row,source\n{rows}")).unwrap();
        let json = case.json(&list, "identification", &["--fpir", "0.05"]);
        assert_eq!((json["mated_probes"].as_u64(), json["strangers"].as_u64()), (Some(696), Some(103)));
        // Four digits are written down.
        for (got, want) in [(&json["rank1"], rank1), (&json["open_set"][0]["dir"], dir)] {
            assert!((got.as_f64().unwrap() - want).abs() <= 0.5001e-4, "{model}: {got} {want}");
        }
    }
}
