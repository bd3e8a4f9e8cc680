#![allow(clippy::unwrap_used, reason = "tests")]
//! What needs the connection: limits that only it can set.
use super::*;
use crate::gallery::NewEntry;

#[test]
fn no_space_left_is_an_error_and_the_gallery_goes_on_when_there_is_some() {
    let dir = tempfile::tempdir().unwrap();
    let mut gallery = Gallery::create(dir.path().join("g"), &GalleryOptions::default()).unwrap();
    let add = |gallery: &mut Gallery, i: usize| {
        let source = i.to_string();
        gallery.add(&NewEntry { label: "a", source: &source, vector: &[1.0; 512], ..NewEntry::default() })
    };
    gallery.db.pragma_update(None, "max_page_count", 40).unwrap();
    let full = (0..1000).find_map(|i| add(&mut gallery, i).err().map(|e| (i, e))).unwrap();
    assert!(matches!(&full.1, Error::Gallery(text) if text.contains("no space left")), "{}", full.1);
    assert!(full.0 > 10);
    assert_eq!(gallery.len().unwrap(), full.0 as u64);
    assert!(gallery.check().unwrap().passed());
    gallery.db.pragma_update(None, "max_page_count", 1000).unwrap();
    add(&mut gallery, full.0).unwrap();
    assert_eq!(gallery.len().unwrap(), full.0 as u64 + 1);
}

#[test]
fn a_connection_is_as_durable_as_promised() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("g");
    drop(Gallery::create(&path, &GalleryOptions::default()).unwrap());
    let gallery = Gallery::open(&path).unwrap();
    let pragma = |name: &str| gallery.db.pragma_query_value(None, name, |r| r.get::<_, rusqlite::types::Value>(0)).unwrap();
    use rusqlite::types::Value::{Integer, Text};
    assert_eq!(pragma("journal_mode"), Text("wal".to_owned()));
    // 2 is FULL.
    assert_eq!([pragma("synchronous"), pragma("foreign_keys"), pragma("secure_delete")], [Integer(2), Integer(1), Integer(1)]);
}

#[test]
fn reading_where_nothing_can_be_written_needs_no_shared_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a %20?#é.gallery");
    let mut gallery = Gallery::create(&path, &GalleryOptions::default()).unwrap();
    gallery.add(&NewEntry { label: "a", source: "s", vector: &[1.0, 2.0], ..NewEntry::default() }).unwrap();
    drop(gallery);
    assert!(!has_log(&path), "closing moves the log into the file");
    let db = connect_immutable(&path).unwrap();
    let gallery = Gallery::opened(db, &path).unwrap();
    assert_eq!(gallery.len().unwrap(), 1);
}
