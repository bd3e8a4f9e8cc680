//! What is acknowledged survives kill -9, and a full disk.
//!
//! The first test starts this very program again as the process that is killed. LOOKALIKE_KILLS is how often (default 15).
#![cfg(all(feature = "gallery", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::Random;
use lookalike::gallery::{Added, Gallery, GalleryOptions, NewEntry};

/// The gallery that a child process enrols into.
const GALLERY: &str = "LOOKALIKE_TEST_ENROL_INTO";
const PICTURES: u32 = 40_000;

fn digest(i: u32) -> [u8; 32] {
    let mut out = [0; 32];
    out[..4].copy_from_slice(&i.to_le_bytes());
    out
}

/// Numbers that are known for every picture, so that it shows whether they survived.
fn vector(i: u32) -> Vec<f32> {
    let mut r = Random(u64::from(i));
    (0..256).map(|_| r.signed()).collect()
}

/// The child: enrols pictures in batches of one to seven and prints the number of each when `add_many` has returned. As a test on its own
/// it does nothing.
#[test]
fn child_that_enrols() {
    let Some(path) = std::env::var_os(GALLERY) else { return };
    let mut gallery = Gallery::open(path).unwrap();
    let known = gallery.picture_digests().unwrap();
    let mut left = (0..PICTURES).filter(|&i| !known.contains(&digest(i))).peekable();
    let mut size = 1;
    while left.peek().is_some() {
        let batch: Vec<u32> = left.by_ref().take(size).collect();
        let rows: Vec<_> = batch.iter().map(|&i| (format!("person {}", i % 97), format!("{i}.jpg"), vector(i))).collect();
        let faces: Vec<_> = batch
            .iter()
            .zip(&rows)
            .map(|(&i, (label, source, v))| NewEntry { label, source, vector: v, picture_digest: Some(digest(i)), ..NewEntry::default() })
            .collect();
        let added = gallery.add_many(&faces).unwrap();
        assert!(added.iter().all(|a| matches!(a, Added::New(_))), "only what is left is enrolled");
        let mut out = std::io::stdout().lock();
        batch.iter().for_each(|i| writeln!(out, "\nenrolled {i}").unwrap());
        out.flush().unwrap();
        size = size % 7 + 1;
    }
}

fn child(path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_that_enrols", "--nocapture", "--test-threads=1"]).env(GALLERY, path);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn what_is_acknowledged_survives_kill_9_and_the_run_continues() {
    let kills: usize = std::env::var("LOOKALIKE_KILLS").ok().map_or(15, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("g");
    drop(Gallery::create(&path, &GalleryOptions::default()).unwrap());
    let mut r = Random(u64::from(std::process::id()));
    let mut acknowledged = HashSet::new();
    let mut killed_at_work = 0;
    for _ in 0..kills {
        let mut child = child(&path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Begins when the child is at work, or the kills would all fall into its start; ends anywhere in its transactions.
        let mut heard: Vec<u32> = Vec::new();
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some(i) = line.strip_prefix("enrolled ") {
                heard.push(i.parse().unwrap());
                break;
            }
        }
        std::thread::sleep(Duration::from_micros(r.next() % 60_000));
        killed_at_work += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // The last line may be cut off; a number without its end is not an acknowledgement.
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        let whole = rest.split_last().map_or(&[][..], |(_, whole)| whole);
        heard.extend(whole.iter().filter_map(|l| l.strip_prefix("enrolled ")).map(|i| i.parse::<u32>().unwrap()));
        acknowledged.extend(heard);
        look(&path, &acknowledged);
    }
    assert!(killed_at_work * 2 > kills, "{killed_at_work} of {kills} kills met a child at work");
    println!("{kills} kills, {killed_at_work} at work, {} pictures acknowledged", acknowledged.len());
}

/// Every acknowledged picture is there once, as it was, and the check passes.
fn look(path: &Path, acknowledged: &HashSet<u32>) {
    let gallery = Gallery::open_read_only(path).unwrap();
    let mut found = HashSet::new();
    for entry in gallery.entries().unwrap() {
        let e = entry.unwrap();
        let i: u32 = e.source.trim_end_matches(".jpg").parse().unwrap();
        assert!(found.insert(i), "picture {i} is there twice");
        assert_eq!((e.label, e.picture_digest), (format!("person {}", i % 97), Some(digest(i))));
        // All numbers of some, the checksum of all.
        assert!(!i.is_multiple_of(50) || e.vector == vector(i));
    }
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let check = gallery.check().unwrap();
    assert!(check.passed(), "{:?}", check.problems);
}

/// The shell sets a limit of file sizes, in blocks of 512 bytes, which is what a full disk is to a program: writing fails midway.
#[test]
fn a_full_disk_is_an_error_and_keeps_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("g");
    drop(Gallery::create(&path, &GalleryOptions::default()).unwrap());
    let mut acknowledged = HashSet::new();
    for blocks in [200, 333, 700, 1501] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact child_that_enrols --nocapture --test-threads=1");
        let mut child = Command::new("sh");
        child.arg("-c").arg(script).arg(std::env::current_exe().unwrap()).env(GALLERY, &path);
        let mut child = child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        let mut complaint = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        assert!(!child.wait().unwrap().success(), "a limit of {blocks} blocks is reached");
        assert!(complaint.contains("everything acknowledged so far is kept"), "{complaint}");
        acknowledged.extend(said.lines().filter_map(|l| l.strip_prefix("enrolled ")).map(|i| i.parse::<u32>().unwrap()));
        look(&path, &acknowledged);
    }
    assert!(!acknowledged.is_empty());
}
