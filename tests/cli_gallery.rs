//! Galleries on the command line: enrolling, searching, moving embeddings in and out, and what happens when things go wrong.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::Random;
use common::tool::{Tool, npy, one_error};
use lookalike::gallery::Gallery;
use serde_json::Value;

struct Bench(Tool);

impl std::ops::Deref for Bench {
    type Target = Tool;
    fn deref(&self) -> &Tool {
        &self.0
    }
}

impl Bench {
    fn new() -> Self {
        Self(Tool::new(env!("CARGO_BIN_EXE_lookalike")))
    }

    /// A made-up face crop: a smooth pattern that depends on `seed`.
    fn picture(&self, name: &str, seed: u32) -> PathBuf {
        let mut bytes = b"P6 112 112 255\n".to_vec();
        for i in 0..112 * 112u32 {
            let (x, y) = ((i % 112) as f32, (i / 112) as f32);
            let s = seed as f32;
            let wave = |a: f32, b: f32| (127.0 + 120.0 * ((x * a + y * b) * 0.05 + s).sin()) as u8;
            bytes.extend([wave(1.0, s * 0.7), wave(s * 0.3, 1.0), wave(0.5 + s, 0.2)]);
        }
        self.file(name, &bytes)
    }

    /// Pictures of three people in `people/`.
    fn people(&self) {
        for (i, name) in ["ada/1.ppm", "ada/2.ppm", "bob/1.ppm", "cleo/1.ppm", "cleo/2.ppm"].iter().enumerate() {
            self.picture(&format!("people/{name}"), i as u32);
        }
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize, seed: u64) -> Vec<f32> {
        let mut r = Random(seed);
        let data: Vec<f32> = (0..rows * columns).map(|_| r.signed()).collect();
        self.file(name, &npy(&[rows, columns], &data));
        data
    }

    fn labels(&self, name: &str, rows: usize, people: usize) {
        let rows: String = (0..rows).map(|i| format!("p{},\"{i}, x.jpg\"\n", i % people)).collect();
        self.file(name, format!("label,source\n{rows}").as_bytes());
    }
}

fn bits(path: &Path) -> Vec<u32> {
    common::read_npy(path).to_f32().iter().map(|x| x.to_bits()).collect()
}

fn vectors(gallery: &Path) -> Vec<Vec<f32>> {
    Gallery::open_read_only(gallery).unwrap().entries().unwrap().map(|e| e.unwrap().vector).collect()
}

/// Cosines in f64, best first, ties by row.
fn expected(data: &[f32], query: &[f32], k: usize) -> Vec<(u64, f64)> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
    let cosine = |v: &[f32]| dot(v, query) / (dot(v, v) * dot(query, query)).sqrt();
    let mut all: Vec<_> = (1..).zip(data.chunks(query.len()).map(cosine)).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.truncate(k);
    all
}

#[test]
fn imported_arrays_are_searched_as_numpy_would() {
    let bench = Bench::new();
    let data = bench.matrix("x.npy", 500, 24, 1);
    bench.labels("x.csv", 500, 40);
    let queries = bench.matrix("q.npy", 3, 24, 2);
    bench.succeed("gallery create g");
    assert_eq!(bench.json("gallery import g x.npy --labels x.csv")["added"], 500);
    let found = bench.json("search g q.npy --top 7");
    for (i, query) in queries.chunks(24).enumerate() {
        let hits = found[i]["hits"].as_array().unwrap();
        let want = expected(&data, query, 7);
        assert_eq!((found[i]["query"].as_str(), found[i]["row"].as_u64(), hits.len()), (Some("q.npy"), Some(i as u64), 7));
        for (hit, (id, score)) in hits.iter().zip(&want) {
            assert_eq!(hit["id"].as_u64(), Some(*id));
            assert_eq!(hit["label"], format!("p{}", (id - 1) % 40));
            assert_eq!(hit["source"], format!("{}, x.jpg", id - 1));
            // The score is an f32.
            assert!((hit["score"].as_f64().unwrap() - score).abs() <= f64::from(f32::EPSILON), "{hit} {score}");
        }
    }
    // Once more changes nothing.
    assert_eq!(bench.json("gallery import g x.npy --labels x.csv")["known"], 500);
    let per_person = bench.json("search g q.npy --top 40 --per-person");
    let mut labels: Vec<_> = per_person[0]["hits"].as_array().unwrap().iter().map(|h| h["label"].as_str().unwrap().to_owned()).collect();
    let best = labels[0].clone();
    labels.sort();
    labels.dedup();
    assert_eq!((labels.len(), best.as_str()), (40, found[0]["hits"][0]["label"].as_str().unwrap()));
    bench.file("one.npy", &npy(&[24], &data[24..48]));
    let one = bench.json("search g one.npy");
    assert_eq!((one[0]["hits"][0]["id"].as_u64(), one[0].get("row")), (Some(2), None));
}

#[test]
fn nobody_above_the_threshold_is_exit_code_1() {
    let bench = Bench::new();
    bench.file("x.npy", &npy(&[2, 2], &[1.0, 0.0, 0.6, 0.8]));
    bench.file("x.csv", b"label,source\na,1\nb,2\n");
    bench.file("q.npy", &npy(&[2], &[0.8, -0.6]));
    bench.succeed("gallery create g");
    assert_eq!(bench.run("search g q.npy").status.code(), Some(1), "an empty gallery");
    bench.succeed("gallery import g x.npy");
    let hits = bench.json("search g q.npy --threshold 0.79");
    assert_eq!(hits[0]["hits"].as_array().unwrap().len(), 1);
    assert_eq!(hits[0]["hits"][0]["match"], true);
    let none = bench.run("search g q.npy --threshold 0.81 --json");
    assert_eq!(
        (none.status.code(), serde_json::from_slice::<Value>(&none.stdout).unwrap()[0]["hits"].as_array().unwrap().len()),
        (Some(1), 0)
    );
    assert_eq!(bench.json("search g q.npy --threshold -1")[0]["hits"].as_array().unwrap().len(), 2);
    bench.file("q3.npy", &npy(&[3], &[1.0; 3]));
    assert!(bench.fail("search g q3.npy").contains("has 3 numbers"));
}

#[test]
fn parquet_and_npy_bring_a_hundred_thousand_rows_back_to_the_bit() {
    let bench = Bench::new();
    let n = 100_000;
    let data = bench.matrix("x.npy", n, 16, 3);
    bench.labels("x.csv", n, 5000);
    for name in ["g", "h", "i"] {
        bench.succeed(&format!("gallery create {name} --dim 16"));
    }
    assert_eq!(bench.json("gallery import g x.npy")["added"], n);
    assert_eq!(bench.json("gallery export g out.parquet")["exported"], n);
    assert_eq!(bench.json("gallery import h out.parquet")["added"], n);
    bench.succeed("gallery export h out.npy");
    assert_eq!(bits(&bench.path("out.npy")), data.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    assert_eq!(bench.json("gallery import i out.npy")["added"], n);
    let all = |name| Gallery::open_read_only(bench.path(name)).unwrap().entries().unwrap().map(|e| e.unwrap()).collect::<Vec<_>>();
    for (a, b) in all("g").into_iter().zip(all("i")) {
        assert_eq!((a.id, a.label, a.source, a.face, a.vector), (b.id, b.label, b.source, b.face, b.vector));
    }
    assert_eq!(bench.json("gallery check i")["faces"], n);
}

#[test]
fn halves_survive_parquet() {
    let bench = Bench::new();
    bench.matrix("x.npy", 50, 8, 4);
    bench.labels("x.csv", 50, 3);
    bench.succeed("gallery create g --precision f16");
    bench.succeed("gallery create h --precision f16");
    bench.succeed("gallery import g x.npy");
    bench.succeed("gallery export g x.parquet");
    bench.succeed("gallery import h x.parquet");
    assert_eq!(vectors(&bench.path("g")), vectors(&bench.path("h")));
    assert_eq!(bench.json("gallery stats h")["precision"], "f16");
}

#[test]
fn tables_that_do_not_fit_are_refused_and_nothing_of_them_is_imported() {
    let bench = Bench::new();
    bench.matrix("x.npy", 3, 2, 5);
    bench.file("short.csv", b"label,source\na,1\n");
    bench.file("nolabel.csv", b"row,source\n0,1\n1,1\n2,1\n");
    bench.file("blank.csv", b"label,source\na,1\na,2\n ,3\n");
    bench.file("cube.npy", &npy(&[1, 2, 1], &[1.0, 2.0]));
    bench.file("nan.npy", &npy(&[3, 2], &[1.0, 2.0, 3.0, 4.0, f32::NAN, 1.0]));
    bench.file("three.csv", b"label,source\na,1\na,2\na,3\n");
    bench.file("text.parquet", b"PAR1 but no more");
    bench.file("x.txt", b"");
    bench.succeed("gallery create g");
    for (args, part) in [
        ("x.npy --labels short.csv", "has 1 rows"),
        ("x.npy --labels nolabel.csv", "column `label`"),
        ("x.npy --labels blank.csv", "label"),
        ("x.npy --labels missing.csv", "missing.csv"),
        ("x.npy", "x.csv"),
        ("cube.npy --labels three.csv", "[n, d]"),
        ("nan.npy --labels three.csv", "NaN"),
        ("text.parquet", "not a Parquet file"),
        ("x.txt", "no known kind"),
    ] {
        let text = bench.fail(&format!("gallery import g {args}"));
        assert!(text.contains(part), "{args}: {text}");
        assert_eq!(bench.json("gallery stats g")["faces"], 0, "{args}");
    }
    bench.succeed("gallery import g x.npy --label everybody");
    assert_eq!(bench.json("gallery list g --people")[0]["faces"], 3);
}

#[test]
fn a_damaged_parquet_file_is_an_error_not_a_panic() {
    let bench = Bench::new();
    bench.matrix("x.npy", 40, 4, 5);
    bench.labels("x.csv", 40, 3);
    bench.succeed("gallery create g");
    bench.succeed("gallery import g x.npy");
    bench.succeed("gallery export g x.parquet");
    bench.succeed("gallery create h");
    let whole = std::fs::read(bench.path("x.parquet")).unwrap();
    let mut r = Random(11);
    for round in 0..60 {
        let mut bytes = whole.clone();
        if round < 10 {
            bytes.truncate(r.below(bytes.len()));
        } else {
            // The metadata are at the end.
            let at = bytes.len() - 1 - r.below(bytes.len().min(if round < 40 { 3000 } else { usize::MAX }));
            bytes[at] ^= 1 << r.below(8);
        }
        bench.file("bad.parquet", &bytes);
        let output = bench.run("gallery import h bad.parquet --label x");
        if !output.status.success() {
            one_error(&output);
        }
    }
    assert!(bench.run("gallery check h").status.success());
}

#[test]
fn folders_are_enrolled_once_and_searched_by_picture() {
    let bench = Bench::new();
    bench.people();
    bench.file("people/bob/broken.png", b"\x89PNG\r\n\x1a\nnothing");
    bench.file("people/bob/notes.txt", b"not a picture");
    bench.succeed("gallery create g");
    let first = bench.run("gallery add g people --aligned --json");
    let stderr = String::from_utf8_lossy(&first.stderr).into_owned();
    let told: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!((told["added"].as_u64(), told["skipped"].as_u64()), (Some(5), Some(1)), "{stderr}");
    assert!(stderr.contains("skipped: ") && stderr.contains("broken.png"), "{stderr}");
    let labels: Vec<_> = bench.json("gallery list g").as_array().unwrap().iter().map(|e| e["label"].as_str().unwrap().to_owned()).collect();
    assert_eq!(labels, ["ada", "ada", "bob", "cleo", "cleo"]);

    // A copy under another name is the same picture; one that moved is found where it is now.
    std::fs::create_dir_all(bench.path("people/dan")).unwrap();
    std::fs::copy(bench.path("people/ada/1.ppm"), bench.path("people/dan/copy.ppm")).unwrap();
    std::fs::rename(bench.path("people/cleo/2.ppm"), bench.path("people/cleo/moved.ppm")).unwrap();
    let again = bench.run("gallery add g people --aligned --json");
    let stderr = String::from_utf8_lossy(&again.stderr).into_owned();
    let told: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((told["added"].as_u64(), told["known"].as_u64()), (Some(0), Some(6)), "{stderr}");
    assert!(stderr.contains("`ada`") && stderr.contains("`dan`"), "{stderr}");
    assert!(bench.succeed("gallery list g").contains("moved.ppm"));

    let found = bench.json("search g people/bob/1.ppm people/cleo/1.ppm --aligned --picture s.png --html s.html");
    for (i, label) in ["bob", "cleo"].iter().enumerate() {
        let best = &found[i]["hits"][0];
        assert_eq!(best["label"], *label);
        // The same picture in the same batch, or in another place of it: rounding only.
        assert!(best["score"].as_f64().unwrap() > 0.99999 && best["match"] == true, "{best}");
    }
    assert!(std::fs::read(bench.path("s.png")).unwrap().starts_with(b"\x89PNG"));
    let page = std::fs::read_to_string(bench.path("s.html")).unwrap();
    assert!(
        page.matches("data:image/jpeg;base64,").count() >= 12 && !page.contains("http"),
        "thumbnails are in the page, nothing is loaded"
    );

    bench.succeed("gallery export g out");
    let out = |name: &str| std::fs::read(bench.path("out").join(name)).unwrap();
    assert_eq!(out("cleo/moved.ppm"), std::fs::read(bench.path("people/cleo/moved.ppm")).unwrap());
    bench.succeed("gallery create h");
    assert_eq!(bench.json("gallery import h out --aligned")["added"], 5);
    assert!(bench.run("gallery check h").status.success());
}

#[test]
fn people_are_renamed_removed_and_counted() {
    let bench = Bench::new();
    bench.file("x.npy", &npy(&[4, 2], &[1.0, 0.0, 0.6, 0.8, 0.0, 1.0, 1.0, 1.0]));
    bench.file("x.csv", b"label,source\na,1\nb,2\nb,3\nc,4\n");
    bench.succeed("gallery create g");
    bench.succeed("gallery import g x.npy");
    bench.succeed("gallery rename g a z");
    assert!(bench.fail("gallery rename g z b").contains("--merge"));
    bench.succeed("gallery rename g z b --merge");
    assert!(bench.fail("gallery remove g nobody").contains("`nobody`"));
    assert!(bench.fail("gallery remove g --id 77").contains("77"));
    assert_eq!(bench.json("gallery remove g c --id 2 --source 3")["removed"], 3);
    let left = bench.json("gallery list g");
    assert_eq!((left.as_array().unwrap().len(), left[0]["id"].as_u64(), left[0]["label"].as_str()), (1, Some(1), Some("b")));
    bench.succeed("gallery compact g");
    bench.succeed("gallery check g");
    assert_eq!(bench.json("gallery list g --people")[0]["label"], "b");
    assert!(bench.fail("gallery create g").contains("replace"));
    assert!(bench.fail("gallery list missing").contains("missing"));
    assert!(bench.succeed("gallery stats g").contains("2 numbers, stored as f32"));
}

#[test]
fn another_model_is_refused_by_both_digests() {
    let bench = Bench::new();
    bench.people();
    bench.succeed("gallery create g");
    bench.succeed("gallery add g people/ada --aligned");
    let builtin = bench.json("gallery stats g")["model_digest"].as_str().unwrap().to_owned();
    let path = bench.path("other.safetensors");
    let mut model = lookalike::embed::builtin_model().unwrap();
    let description = lookalike::model::Description { name: "other".to_owned(), ..model.description.clone() };
    model.describe(description).unwrap();
    model.save(&path, lookalike::model::Precision::F32).unwrap();
    for args in ["gallery add g people --model other.safetensors", "search g people/bob/1.ppm --model other.safetensors"] {
        let text = bench.fail(args);
        assert!(text.contains(&builtin) && text.contains(model.digest()), "{text}");
    }
    assert!(bench.fail("gallery add g people --flip sum").contains("preprocessing"));
    // Parquet says whose embeddings it holds.
    bench.succeed("gallery export g x.parquet");
    bench.succeed("gallery create h --model other.safetensors");
    let text = bench.fail("gallery import h x.parquet");
    assert!(text.contains(&builtin) && text.contains(model.digest()), "{text}");
    bench.succeed("gallery create i");
    assert!(bench.fail("gallery import i x.parquet").contains("--model"));
    bench.succeed("gallery create j --model other.safetensors");
    assert!(bench.fail("gallery import j x.parquet --model other.safetensors").contains(&builtin));
}

#[test]
fn check_tells_a_damaged_gallery_by_its_exit_code() {
    let bench = Bench::new();
    bench.file("x.npy", &npy(&[1, 600], &[1.5; 600]));
    bench.succeed("gallery create g");
    bench.succeed("gallery import g x.npy --label a");
    let whole = std::fs::read(bench.path("g")).unwrap();
    let needle: Vec<u8> = [1.5f32; 8].iter().flat_map(|x| x.to_le_bytes()).collect();
    let at = whole.windows(32).position(|w| w == needle).unwrap();
    let mut bytes = whole.clone();
    bytes[at + 5] ^= 4;
    bench.file("g", &bytes);
    let output = bench.run("gallery check g --json");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), told["ok"].as_bool(), told["count"].as_u64()), (Some(1), Some(false), Some(1)));
    assert!(told["problems"][0].as_str().unwrap().contains("checksum of its embedding"), "{told}");
    bench.file("q.npy", &npy(&[600], &[1.0; 600]));
    assert!(bench.fail("search g q.npy").contains("damaged"));
    assert!(bench.fail("gallery export g x.parquet").contains("damaged") && !bench.path("x.parquet").exists());
    bench.file("g", &whole[..whole.len() / 2]);
    assert_eq!(bench.run("gallery check g").status.code(), Some(1));
    bench.file("g", b"garbage");
    assert_eq!(bench.run("gallery check g").status.code(), Some(1));
    assert!(bench.fail("gallery stats g").contains("not a gallery"));
}

/// Enrols, is killed at some moment, and is run again until it gets to the end.
#[cfg(unix)]
#[test]
fn an_enrolment_that_is_killed_continues() {
    let bench = Bench::new();
    for i in 0..60 {
        bench.picture(&format!("people/p{}/{i}.ppm", i % 7), i);
    }
    bench.succeed("gallery create g");
    let mut r = Random(u64::from(std::process::id()));
    let mut acknowledged = Vec::new();
    for _ in 0..4 {
        let mut command = bench.command("gallery add g people --aligned --batch 2 -v");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
        let wanted = 1 + r.below(8);
        let heard: Vec<_> = lines.by_ref().map_while(Result::ok).filter(|l| l.starts_with("enrolled ")).take(wanted).collect();
        std::thread::sleep(std::time::Duration::from_micros(r.next() % 30_000));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(heard.into_iter().filter(|l| l.contains("people")));
        assert!(bench.run("gallery check g").status.success());
    }
    let told = bench.json("gallery add g people --aligned");
    assert_eq!(told["added"].as_u64().unwrap() + told["known"].as_u64().unwrap(), 60);
    let listed = bench.json("gallery list g");
    let mut sources: Vec<_> = listed.as_array().unwrap().iter().map(|e| e["source"].as_str().unwrap()).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!((sources.len(), listed.as_array().unwrap().len()), (60, 60), "each once");
    for line in &acknowledged {
        let [_, id, label, source] = *line.splitn(4, ' ').collect::<Vec<_>>() else { panic!("{line}") };
        let id: u64 = id.parse().unwrap();
        let kept = listed.as_array().unwrap().iter().any(|e| e["id"] == id && e["label"] == label && e["source"] == source);
        assert!(kept, "acknowledged and lost: {line}");
    }
    assert!(told["known"].as_u64().unwrap() as usize >= acknowledged.len() && !acknowledged.is_empty());
    assert!(bench.run("gallery check g").status.success());
}

/// As somebody who may not write: reading works, without a trace, and writing is refused in a sentence.
#[cfg(unix)]
#[test]
fn a_gallery_that_may_not_be_written_can_be_read() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let bench = Bench::new();
    bench.file("x.npy", &npy(&[2, 2], &[1.0, 0.0, 0.6, 0.8]));
    bench.succeed("gallery create g");
    bench.succeed("gallery import g x.npy --label a");
    let program = bench.path("program");
    std::fs::copy(env!("CARGO_BIN_EXE_lookalike"), &program).unwrap();
    for (path, mode) in [(bench.path("g"), 0o444), (program.clone(), 0o555), (bench.folder().to_owned(), 0o555)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let run = |args: &str| {
        let mut command = Command::new(&program);
        command.args(args.split_whitespace()).current_dir(bench.folder());
        // Permissions do not bind root.
        if std::fs::metadata("/proc/self").map_or(1, |m| m.uid()) == 0 {
            command.uid(65534).gid(65534);
        }
        command.output().unwrap()
    };
    let read = run("search g x.npy --json");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(run("gallery check g").status.success());
    for args in ["gallery import g x.npy --label b", "gallery remove g a", "gallery compact g"] {
        let text = one_error(&run(args));
        assert!(text.contains("cannot be written") || text.contains("cannot be opened"), "{args}: {text}");
    }
    assert!(one_error(&run("gallery create h")).contains("permissions"));
    std::fs::set_permissions(bench.folder(), std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn embed_writes_parquet_that_import_reads() {
    let bench = Bench::new();
    bench.people();
    bench.succeed("embed --aligned people -o e.parquet");
    bench.succeed("embed --aligned people -o e.npy");
    bench.succeed("gallery create g");
    assert_eq!(bench.json("gallery import g e.parquet --label x")["added"], 5);
    let flat: Vec<u32> = vectors(&bench.path("g")).concat().iter().map(|x| x.to_bits()).collect();
    assert_eq!(flat, bits(&bench.path("e.npy")));
    assert!(bench.succeed("gallery list g").contains("people/ada/1.ppm"));
}
