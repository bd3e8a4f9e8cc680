//! Galleries that are none, come from a stranger, or were changed behind their back.
#![cfg(feature = "gallery")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;

use common::Random;
use common::enrolled::{Folder, all, entry, filled};
use lookalike::Error;
use lookalike::gallery::{Entry, Faces, Gallery, GalleryOptions, NewEntry};

#[test]
fn what_is_no_gallery_is_refused_in_a_sentence() {
    let folder = Folder::new();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path(name), bytes).unwrap();
        folder.path(name)
    };
    let other = folder.path("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);").unwrap();
    let cases = [
        (folder.path("missing"), "Check the path"),
        (folder.0.path().to_owned(), "is a folder"),
        (file("empty", b""), "empty file"),
        (file("text", b"SQLite, but not quite"), "not a gallery"),
        (file("start", b"SQLite format 3\0"), "gallery"),
        (other, "a database, but not a gallery"),
    ];
    for (path, part) in cases {
        for e in [Gallery::open(&path).unwrap_err(), Gallery::open_read_only(&path).unwrap_err()] {
            let text = e.to_string();
            assert!(text.contains(part) && text.ends_with('.'), "{text}");
        }
    }
    assert!(Gallery::create(folder.path("text"), &GalleryOptions::default()).unwrap_err().to_string().contains("replace"));
    // What a process leaves that died while it made a gallery.
    drop(Gallery::create(folder.path("empty"), &GalleryOptions::default()).unwrap());
    assert!(Gallery::create(folder.path("empty"), &GalleryOptions::default()).is_err());
}

#[test]
fn triggers_in_a_strangers_gallery_do_nothing() {
    let folder = Folder::new();
    let before = filled(&folder.path("g"), 3, 4);
    let db = rusqlite::Connection::open(folder.path("g")).unwrap();
    db.execute_batch("CREATE TRIGGER t AFTER INSERT ON face BEGIN DELETE FROM face WHERE id < 3; END;").unwrap();
    drop(db);
    let mut gallery = Gallery::open(folder.path("g")).unwrap();
    gallery.add(&entry("new", "s", &[1.0; 4])).unwrap();
    assert_eq!(all(&gallery)[..3], before);
}

#[test]
fn a_gallery_with_other_tables_than_its_own_is_refused() {
    let folder = Folder::new();
    filled(&folder.path("g"), 3, 4);
    let db = rusqlite::Connection::open(folder.path("g")).unwrap();
    db.execute_batch("DROP INDEX face_vector").unwrap();
    drop(db);
    let e = Gallery::open_read_only(folder.path("g")).unwrap_err();
    assert!(matches!(e, Error::Damaged(_)) && e.to_string().contains("face_vector"), "{e}");
}

#[test]
fn check_finds_whatever_was_changed_behind_its_back() {
    let folder = Folder::new();
    for (i, (change, part)) in [
        ("UPDATE person SET label = 'somebody else' WHERE id = 1", "person 1"),
        ("UPDATE picture SET source = 'elsewhere' WHERE id = 2", "picture 2"),
        ("UPDATE picture SET digest = randomblob(32) WHERE id = 3", "picture 3"),
        ("UPDATE face SET person = 2 WHERE id = 1", "Face 1"),
        ("UPDATE face SET vector = zeroblob(length(vector)) WHERE id = 4", "Face 4"),
        ("UPDATE face SET vector = x'00', vector_crc = 3523407757 WHERE id = 4", "Face 4"),
        ("UPDATE face SET quality = 0.75 WHERE id = 2", "Face 2"),
        ("INSERT INTO person (id, label, checksum) VALUES (90, 'ghost', 1)", "person 90"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM person WHERE id = 1", "does not exist"),
        ("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'face'", "counter"),
        ("UPDATE gallery SET dimension = 5", "description"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path(&i.to_string());
        filled(&path, 6, 4);
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(change).unwrap();
        drop(db);
        let found = match Gallery::open_read_only(&path).and_then(|g| g.check()) {
            Ok(check) => {
                assert!(!check.passed() && check.count >= check.problems.len(), "{change}");
                check.problems.join(" ")
            }
            Err(Error::Damaged(text)) => text,
            Err(e) => panic!("{change}: {e}"),
        };
        assert!(found.contains(part), "{change}: {found}");
    }
}

/// Reads all there is; what comes without an error must be what was written.
fn same_or_error(path: &Path, before: &[Entry], what: &str) -> bool {
    let Ok(gallery) = Gallery::open_read_only(path) else { return true };
    let checked = gallery.check().is_ok_and(|c| c.passed());
    let _ = (gallery.stats(), gallery.people(), gallery.picture_digests(), gallery.entry(2));
    let read: Result<Vec<_>, _> = gallery.entries().and_then(|e| e.collect());
    match read {
        Ok(after) => {
            let same = after.len() == before.len() && after.iter().zip(before).all(|(a, b)| a == b);
            assert!(same || !checked, "{what}: rows changed and the check passes");
            // A row that is delivered is as it was written; at most some are missing, which the check tells.
            assert!(after.iter().all(|a| before.contains(a)), "{what}: a row changed silently");
            !checked
        }
        Err(e) => {
            assert!(!checked, "{what}: {e}, and the check passes");
            true
        }
    }
}

#[test]
fn flipped_bits_change_no_row_silently() {
    let folder = Folder::new();
    let before = filled(&folder.path("g"), 30, 16);
    let whole = std::fs::read(folder.path("g")).unwrap();
    let mut r = Random(3);
    let path = folder.path("flipped");
    let mut noticed = 0;
    for round in 0..1500 {
        let mut bytes = whole.clone();
        // Every bit of the header once, then anywhere.
        let at = if round < 800 { round } else { r.below(8 * bytes.len()) };
        bytes[at / 8] ^= 1 << (at % 8);
        std::fs::write(&path, &bytes).unwrap();
        noticed += usize::from(same_or_error(&path, &before, &format!("bit {at}")));
        for log in ["flipped-wal", "flipped-shm"] {
            let _ = std::fs::remove_file(folder.path(log));
        }
    }
    assert!(noticed > 300, "{noticed}");
}

#[test]
fn truncated_files_are_noticed() {
    let folder = Folder::new();
    let before = filled(&folder.path("g"), 30, 16);
    let whole = std::fs::read(folder.path("g")).unwrap();
    let path = folder.path("cut");
    for at in (0..whole.len()).step_by(509).chain([1, 15, 16, 99, 100, whole.len() - 1]) {
        std::fs::write(&path, &whole[..at]).unwrap();
        assert!(same_or_error(&path, &before, &format!("{at} bytes")), "{at} of {} bytes", whole.len());
        let _ = Gallery::open(&path).map(|mut g| g.add(&entry("a", "new", &[1.0; 16])));
    }
}

#[test]
fn writing_to_a_damaged_gallery_ends_in_an_error_or_in_a_gallery() {
    let folder = Folder::new();
    filled(&folder.path("g"), 30, 16);
    let whole = std::fs::read(folder.path("g")).unwrap();
    let mut r = Random(5);
    let path = folder.path("flipped");
    for _ in 0..150 {
        let mut bytes = whole.clone();
        for _ in 0..20 {
            let at = r.below(bytes.len());
            bytes[at] ^= 1 << r.below(8);
        }
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(mut gallery) = Gallery::open(&path) {
            let _ = gallery.add(&NewEntry { picture_digest: Some([200; 32]), ..entry("person 3", "new", &[1.0; 16]) });
            let _ = gallery.remove(&[Faces::Id(3), Faces::Id(4)]);
            let _ = gallery.remove(&[Faces::Person("person 2")]);
            let _ = gallery.rename("person 4", "person 5", true);
            let _ = gallery.compact();
        }
        for log in ["flipped-wal", "flipped-shm"] {
            let _ = std::fs::remove_file(folder.path(log));
        }
    }
}
