//! The commands on photographs, as a user meets them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::common::test_data;
use crate::models::{MODELS, mtcnn_files};

struct Desk {
    folder: tempfile::TempDir,
    data: PathBuf,
}

impl Desk {
    fn new(data: PathBuf) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), data };
        std::fs::write(desk.folder.path().join("model.toml"), format!("{}threshold = 0.29\n", MODELS[1].describe)).unwrap();
        desk
    }

    fn face(&self, name: &str) -> String {
        self.data.join("data/faces").join(name).display().to_string()
    }

    fn scene(&self, name: &str) -> String {
        self.data.join("data/scenes").join(name).display().to_string()
    }

    fn command(&self, args: &[&str], model: bool) -> Command {
        let files: Vec<_> = mtcnn_files(&self.data).iter().map(|p| p.display().to_string()).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
        command.args(args).current_dir(self.folder.path()).env("LOOKALIKE_DETECTOR", format!("mtcnn={}", files.join(",")));
        if model {
            let file = self.data.join(format!("data/models/{}.onnx", MODELS[1].name));
            command.arg("--model").arg(file).args(["--describe", "model.toml"]);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args, true).stdin(Stdio::null()).output().unwrap()
    }

    fn json(&self, args: &[&str], code: i32) -> Value {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn size(path: &Path) -> (u32, u32) {
    image::image_dimensions(path).unwrap()
}

#[test]
fn two_pictures_are_verified_and_drawn() {
    let Some(data) = test_data() else { return };
    let desk = Desk::new(data);
    let (a, b) = (desk.face("Aaron_Sorkin/Aaron_Sorkin_0001.jpg"), desk.face("Aaron_Sorkin/Aaron_Sorkin_0002.jpg"));
    let other = desk.face("Abel_Pacheco/Abel_Pacheco_0001.jpg");
    let same = desk.json(&["verify", &a, &b, "--json", "--picture", "v.png"], 0);
    assert_eq!(same["same"], true);
    assert!(same["similarity"].as_f64().unwrap() > same["threshold"].as_f64().unwrap(), "{same}");
    assert!(size(&desk.folder.path().join("v.png")).0 > 800);
    assert_eq!(desk.json(&["verify", &a, &other, "--json"], 1)["same"], false);
    // A folder is one template.
    let folder = desk.json(&["verify", &a, &desk.face("Aaron_Sorkin"), "--json"], 0);
    assert_eq!(folder["b"]["pictures"], 2);
    assert!(folder["similarity"].as_f64() > same["similarity"].as_f64());
    let faceless = desk.run(&["verify", &a, &desk.scene("no_face_mask_blue.jpg")]);
    assert_eq!(faceless.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&faceless.stderr).contains("No face"), "{faceless:?}");
}

#[test]
fn crops_are_written_as_networks_see_them() {
    let Some(data) = test_data() else { return };
    let desk = Desk::new(data);
    let (selfie, faceless) = (desk.scene("selfie-many-people.jpg"), desk.scene("no_face_mask_blue.jpg"));
    let args = ["align", &selfie, &faceless, "--out", "crops", "--template", "retail-128", "--json"];
    let output = desk.command(&args, false).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let crops = found[0]["faces"].as_array().unwrap();
    assert_eq!((crops.len(), found[1]["faces"].as_array().unwrap().len()), (4, 0));
    for crop in crops {
        assert_eq!(size(&desk.folder.path().join(crop["crop"].as_str().unwrap())), (128, 128));
    }
    // The head cannot be turned without 68 landmarks: every face is told, none is written.
    let args = ["align", &selfie, "--out", "front", "--template", "frontal", "--json", "--largest"];
    let output = desk.command(&args, false).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("68"), "{output:?}");
    let unknown = desk.command(&["align", &selfie, "--out", "x", "--template", "nonsense-112"], false).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("arcface-112"), "{unknown:?}");
}

#[test]
fn photographs_are_enrolled_and_found_again() {
    let Some(data) = test_data() else { return };
    let desk = Desk::new(data);
    assert!(desk.run(&["gallery", "create", "people"]).status.success());
    let [a, b] = ["Aaron_Sorkin", "Abel_Pacheco"].map(|p| desk.face(&format!("{p}/{p}_0001.jpg")));
    assert_eq!(desk.json(&["gallery", "add", "people", &a, &b, "--json"], 0)["added"], 2);
    let found = desk.json(&["search", "people", &desk.face("Abel_Pacheco/Abel_Pacheco_0002.jpg"), "--json"], 0);
    assert_eq!(found[0]["hits"][0]["label"], "Abel_Pacheco");
    assert!(found[0]["hits"][0]["score"].as_f64().unwrap() > 0.29);
    assert_eq!(desk.run(&["search", "people", &desk.scene("paul_rudd.jpg"), "--threshold", "0.5"]).status.code(), Some(1));
}

#[test]
fn people_are_followed_through_frames() {
    let Some(data) = test_data() else { return };
    let desk = Desk::new(data);
    let read = |name: &str| std::fs::read(desk.face(name)).unwrap();
    let (one, two) = (read("Aaron_Sorkin/Aaron_Sorkin_0001.jpg"), read("Abel_Pacheco/Abel_Pacheco_0001.jpg"));
    let frames = [&one[..], &one, &two, &one].concat();
    let mut child = desk
        .command(&["watch", "--frames", "-", "--every", "2"], true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&frames).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        output.stdout.split(|&b| b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect();
    assert_eq!(lines.iter().map(|l| l["frame"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3]);
    // Searched are frames 0 and 2; in 1 and 3 faces stay where they were.
    assert_eq!((&lines[0]["faces"], &lines[2]["faces"]), (&lines[1]["faces"], &lines[3]["faces"]));
    assert_eq!(lines[0]["faces"][0]["person"], 0);
    assert!(String::from_utf8_lossy(&output.stderr).contains("4 frames"), "{output:?}");
    // Pictures of a folder: two of one person.
    let output = desk.run(&["watch", &desk.face("Aaron_Sorkin"), "--once"]);
    let people: Vec<_> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["faces"][0]["person"].clone())
        .collect();
    assert_eq!(people, [0, 0]);
    let broken = desk.command(&["watch", "--frames", "-", "--size", "10x10"], true).stdin(Stdio::null()).output().unwrap();
    assert!(broken.status.success(), "an empty stream is no error");
}

#[test]
fn attributes_are_told_as_far_as_networks_are_given() {
    let Some(data) = test_data() else { return };
    let desk = Desk::new(data);
    let couple = desk.scene("couple.jpg");
    let none = desk.command(&["analyze", &couple], false).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("zoo build"), "{none:?}");
    let built = desk.command(&["zoo", "build", "emotion", "--seed", "3", "-o", "emotion.safetensors"], false).output().unwrap();
    assert!(built.status.success(), "{built:?}");
    let output = desk.command(&["analyze", &couple, "--emotion", "emotion.safetensors", "--json"], false).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let faces = found[0]["faces"].as_array().unwrap();
    assert_eq!(faces.len(), 2);
    let probabilities = faces[0]["emotion"]["probabilities"].as_object().unwrap();
    let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
    assert!(probabilities.len() == 7 && (sum - 1.0).abs() < 1e-5, "{probabilities:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("age, gender, race"), "{output:?}");
}

#[test]
fn labelled_pairs_are_evaluated_with_a_report() {
    let Some(data) = test_data() else { return };
    let desk = Desk::new(data);
    let people = ["Aaron_Sorkin", "Abel_Pacheco", "Albert_Costa"];
    let file = |p: &str, n: usize| desk.face(&format!("{p}/{p}_{n:04}.jpg"));
    let mut list = "file_a,file_b,same,group\n".to_owned();
    for p in &people[..2] {
        list += &format!("{},{},1,one\n", file(p, 1), file(p, 2));
    }
    list += &format!("{},{},0,one\n{},{},0,two\n", file(people[0], 1), file(people[1], 1), file(people[1], 2), file(people[2], 1));
    list += &format!("{},{},0,two\n", file(people[0], 2), desk.scene("no_face_mask_blue.jpg"));
    std::fs::write(desk.folder.path().join("pairs.csv"), list).unwrap();
    let args = [
        "eval",
        "pairs.csv",
        "--folds",
        "2",
        "--far",
        "0.5,0.001",
        "--json",
        "--html",
        "r.html",
        "--plots",
        "plots",
        "--calibrate",
        "0.5",
        "--calibrated",
        "c.safetensors",
    ];
    let judged = desk.json(&args, 0);
    assert_eq!((&judged["pairs"], &judged["dropped_pairs"]), (&4.into(), &1.into()));
    assert_eq!(judged["best_accuracy"], 1.0);
    assert_eq!(judged["auc"], 1.0);
    assert_eq!(judged["tar_at_far"][0]["tar"], 1.0);
    assert!(judged["tar_at_far"][1]["tar"].is_null(), "two impostors say nothing of one in a thousand");
    assert_eq!(judged["groups"].as_array().unwrap().len(), 2);
    assert!(judged["dropped_pictures"][0].as_str().unwrap().contains("no_face"));
    let report = std::fs::read_to_string(desk.folder.path().join("r.html")).unwrap();
    assert!(report.matches("<svg").count() == 3 && !report.contains("src=\"http"), "self-contained, with three plots");
    assert!(desk.folder.path().join("plots/roc.svg").is_file());
    // The calibrated model carries the threshold of that rate: the larger of the impostors' scores is just let in or not.
    let output = desk.command(&["info", "c.safetensors", "--json"], false).output().unwrap();
    let info: Value = serde_json::from_slice(&output.stdout).unwrap();
    let threshold = info["description"]["embedding"]["threshold"].as_f64().unwrap();
    assert!((threshold - judged["tar_at_far"][0]["threshold"].as_f64().unwrap()).abs() < 1e-5, "{threshold}");
}
