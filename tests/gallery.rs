//! The durable gallery as a library: what is kept, what is refused, and who sees what while others write.
#![cfg(feature = "gallery")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::time::Duration;

use common::Random;
use common::enrolled::{Folder, all, entry, model, new_id, vector};
use lookalike::Error;
use lookalike::gallery::{Added, Faces, Gallery, GalleryModel, GalleryOptions, NewEntry};
use lookalike::model::{Flip, Precision};

#[test]
fn everything_about_a_face_is_read_back() {
    let folder = Folder::new();
    let mut r = Random(1);
    for (name, precision) in [("a", Precision::F32), ("b", Precision::F16)] {
        let mut gallery = Gallery::create(folder.path(name), &GalleryOptions { precision, ..GalleryOptions::default() }).unwrap();
        let given = vector(&mut r, 33);
        let stored = match precision {
            Precision::F32 => given.clone(),
            Precision::F16 => given.iter().map(|&x| half::f16::from_f32(x).to_f32()).collect(),
        };
        let face = NewEntry {
            label: "Zoë «π» 李",
            source: "a/ü b.jpg",
            picture_digest: Some([9; 32]),
            face: Some(2),
            vector: &given,
            quality: Some(0.125),
            bounds: Some([-1.5, 2.0, 3.25, 4.0]),
        };
        let id = new_id(gallery.add(&face).unwrap());
        drop(gallery);
        for gallery in [Gallery::open(folder.path(name)).unwrap(), Gallery::open_read_only(folder.path(name)).unwrap()] {
            let e = gallery.entry(id).unwrap().unwrap();
            assert_eq!(all(&gallery), std::slice::from_ref(&e));
            assert_eq!((e.label.as_str(), e.source.as_str(), e.face, e.picture_digest), ("Zoë «π» 李", "a/ü b.jpg", 2, Some([9; 32])));
            assert_eq!((e.quality, e.bounds), (face.quality, face.bounds));
            assert_eq!(e.vector, stored);
            assert!(e.added > 1_600_000_000_000);
            assert_eq!((gallery.dimension(), gallery.precision()), (Some(33), precision));
            assert!(gallery.check().unwrap().passed());
        }
    }
}

#[test]
fn a_picture_is_enrolled_once_whatever_it_is_called() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions::default());
    let face = |label, source, n, v| NewEntry { picture_digest: Some([1; 32]), face: Some(n), ..entry(label, source, v) };
    let first = new_id(gallery.add(&face("a", "x", 0, &[1.0, 0.0])).unwrap());
    let second = new_id(gallery.add(&face("b", "x", 1, &[0.0, 1.0])).unwrap());
    assert_eq!(gallery.add(&face("c", "y", 0, &[0.5, 0.5])).unwrap(), Added::Known { id: first, label: "a".to_owned() });
    assert_eq!(gallery.add(&face("b", "x", 1, &[0.0, 1.0])).unwrap(), Added::Known { id: second, label: "b".to_owned() });
    let stats = gallery.stats().unwrap();
    assert_eq!((stats.people, stats.pictures, stats.faces), (2, 1, 2), "whom nobody is left of is not made");
    assert_eq!(gallery.picture(&[1; 32]).unwrap(), Some((vec!["a".to_owned(), "b".to_owned()], "x".to_owned())));
    assert!(gallery.relocate(&[1; 32], "z").unwrap() && !gallery.relocate(&[1; 32], "z").unwrap());
    assert_eq!(gallery.entry(second).unwrap().unwrap().source, "z");
    assert_eq!(gallery.picture_digests().unwrap(), [[1; 32]].into());
    assert!(gallery.check().unwrap().passed());
}

#[test]
fn rows_without_a_digest_are_known_by_person_source_and_numbers() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions::default());
    let a = entry("a", "video", &[1.0, 2.0]);
    let id = new_id(gallery.add(&a).unwrap());
    assert_eq!(gallery.add(&a).unwrap(), Added::Known { id, label: "a".to_owned() });
    new_id(gallery.add(&entry("a", "video", &[1.0, 2.5])).unwrap());
    new_id(gallery.add(&entry("b", "video", &[1.0, 2.0])).unwrap());
    new_id(gallery.add(&entry("a", "", &[1.0, 2.0])).unwrap());
    assert_eq!(all(&gallery).iter().map(|e| e.face).collect::<Vec<_>>(), [0, 1, 2, 0]);
}

#[test]
fn ids_are_given_once() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions::default());
    let mut seen = std::collections::HashSet::new();
    for round in 0..4 {
        for i in 0..3 {
            let source = format!("{round}/{i}");
            assert!(seen.insert(new_id(gallery.add(&entry("a", &source, &[1.0])).unwrap())));
        }
        let ids: Vec<_> = all(&gallery).iter().map(|e| Faces::Id(e.id)).collect();
        assert_eq!(gallery.remove(&ids).unwrap(), ids.len());
        gallery.compact().unwrap();
        drop(gallery);
        gallery = Gallery::open(folder.path("g")).unwrap();
    }
    assert_eq!(seen.len(), 12);
}

#[test]
fn embeddings_of_another_model_are_refused_by_both_digests() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions { model: Some(model("aaaa")), ..GalleryOptions::default() });
    gallery.bind(&model("aaaa")).unwrap();
    for text in [gallery.bind(&model("bbbb")).unwrap_err(), gallery.accepts(&model("bbbb")).unwrap_err()].map(|e| e.to_string()) {
        assert!(text.contains("aaaa") && text.contains("bbbb"), "{text}");
    }
    let fed_otherwise = GalleryModel { preprocessing_digest: "qqqq".to_owned(), ..model("aaaa") };
    let text = gallery.bind(&fed_otherwise).unwrap_err().to_string();
    assert!(text.contains("(digest p)") && text.contains("qqqq"), "{text}");
    drop(gallery);
    let gallery = Gallery::open_read_only(folder.path("g")).unwrap();
    assert_eq!((gallery.model_digest(), gallery.threshold()), (Some("aaaa"), Some(0.25)));
}

#[test]
fn the_first_model_takes_an_empty_gallery_and_none_takes_over_strangers() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions::default());
    // Another process decides first; this one has not seen it.
    let mut other = Gallery::open(folder.path("g")).unwrap();
    other.bind(&model("aaaa")).unwrap();
    assert!(gallery.bind(&model("bbbb")).unwrap_err().to_string().contains("aaaa"));
    gallery.bind(&model("aaaa")).unwrap();

    let mut strangers = Gallery::create(folder.path("s"), &GalleryOptions::default()).unwrap();
    strangers.add(&entry("a", "x", &[1.0])).unwrap();
    assert!(matches!(strangers.bind(&model("aaaa")), Err(Error::Gallery(_))));
    assert!(matches!(strangers.accepts(&model("aaaa")), Err(Error::Gallery(_))));
}

#[test]
fn mirroring_and_pixels_decide_the_digest_of_preprocessing() {
    let (graph, _) = common::graph_of(&[3, 8, 8]);
    let mut graph = graph;
    let x = graph.inputs[0].value;
    graph.add_node("out", lookalike::graph::Op::Identity, &[x]);
    let mut net = common::model_of(graph);
    let plain = GalleryModel::new(&net, None);
    assert_eq!(plain, GalleryModel::new(&net, Some(Flip::None)));
    assert_ne!(plain.preprocessing_digest, GalleryModel::new(&net, Some(Flip::Sum)).preprocessing_digest);
    net.description.input.mean = [1.0; 3];
    assert_ne!(plain.preprocessing_digest, GalleryModel::new(&net, None).preprocessing_digest);
}

#[test]
fn people_are_renamed_and_merged() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions::default());
    for (label, source) in [("a", "1"), ("a", "2"), ("b", "3")] {
        gallery.add(&entry(label, source, &[1.0, 1.0])).unwrap();
    }
    assert_eq!(gallery.rename("a", "c", false).unwrap(), 2);
    assert_eq!(gallery.rename("c", "c", false).unwrap(), 2);
    assert!(matches!(gallery.rename("a", "d", false), Err(Error::Caller(_))));
    assert!(gallery.rename("c", "b", false).unwrap_err().to_string().contains("--merge"));
    assert!(gallery.rename("c", " ", true).is_err());
    assert_eq!(gallery.rename("c", "b", true).unwrap(), 2);
    let people = gallery.people().unwrap();
    assert_eq!(people.iter().map(|p| (p.label.as_str(), p.faces)).collect::<Vec<_>>(), [("b", 3)]);
    assert!(gallery.check().unwrap().passed(), "checksums follow");
}

#[test]
fn who_is_removed_is_gone_from_the_file() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions::default());
    let secret: Vec<f32> = (0..64).map(|i| 1.25 + i as f32 * 1e-3).collect();
    gallery.add(&entry("keep", "1", &[1.0; 64])).unwrap();
    gallery.add(&entry("somebody secret", "2.jpg", &secret)).unwrap();
    for missing in [Faces::Person("nobody"), Faces::Source("3"), Faces::Id(9), Faces::Id(u64::MAX)] {
        assert!(matches!(gallery.remove(&[Faces::Person("keep"), missing]), Err(Error::Caller(_))));
    }
    assert_eq!(gallery.len().unwrap(), 2, "all of it, or nothing");
    // What is meant twice is removed once.
    assert_eq!(gallery.remove(&[Faces::Id(2), Faces::Person("somebody secret"), Faces::Source("1")]).unwrap(), 2);
    let needle: Vec<u8> = secret[..4].iter().flat_map(|x| x.to_le_bytes()).collect();
    for name in ["g", "g-wal"] {
        let bytes = std::fs::read(folder.path(name)).unwrap();
        assert!(!bytes.windows(needle.len()).any(|w| w == needle), "the embedding is still in {name}");
        assert!(!bytes.windows(15).any(|w| w == b"somebody secret"), "the name is still in {name}");
    }
    let stats = gallery.stats().unwrap();
    assert_eq!((stats.people, stats.pictures, stats.faces), (0, 0, 0));
}

#[test]
fn impossible_faces_are_refused_and_nothing_of_their_call_stays() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions { precision: Precision::F16, dimension: Some(2), ..GalleryOptions::default() });
    let long = "x".repeat(2000);
    let bad = [
        entry("a", "s", &[1.0]),
        entry("a", "s", &[]),
        entry("a", "s", &[1.0, f32::NAN]),
        entry("a", "s", &[f32::INFINITY, 1.0]),
        entry("a", "s", &[0.0, -0.0]),
        // In f16 these are infinite and zero.
        entry("a", "s", &[1e6, 1.0]),
        entry("a", "s", &[1e-9, -1e-9]),
        entry("", "s", &[1.0, 1.0]),
        entry(" \t", "s", &[1.0, 1.0]),
        entry("a\0b", "s", &[1.0, 1.0]),
        entry(&long, "s", &[1.0, 1.0]),
        entry("a", "s\0", &[1.0, 1.0]),
        NewEntry { quality: Some(f32::NAN), ..entry("a", "s", &[1.0, 1.0]) },
        NewEntry { bounds: Some([0.0, 0.0, f32::INFINITY, 1.0]), ..entry("a", "s", &[1.0, 1.0]) },
    ];
    for face in bad {
        let e = gallery.add_many(&[entry("fine", "s", &[1.0, 1.0]), face]).unwrap_err();
        assert!(matches!(e, Error::Caller(_)), "{e}");
    }
    assert!(gallery.is_empty().unwrap());
    assert!(gallery.people().unwrap().is_empty());
    for dimension in [0, 65537] {
        assert!(Gallery::create(folder.path("x"), &GalleryOptions { dimension: Some(dimension), ..GalleryOptions::default() }).is_err());
    }
}

#[test]
fn a_batch_that_is_not_committed_leaves_nothing() {
    let folder = Folder::new();
    let mut gallery = folder.gallery(&GalleryOptions::default());
    let mut batch = gallery.begin().unwrap();
    batch.add(&entry("a", "s", &[1.0, 2.0, 3.0])).unwrap();
    drop(batch);
    assert_eq!((gallery.len().unwrap(), gallery.dimension()), (0, None));
    gallery.add(&entry("a", "s", &[1.0])).unwrap();
    assert_eq!(gallery.dimension(), Some(1));
}

#[test]
fn readers_see_one_moment_while_somebody_writes() {
    let folder = Folder::new();
    let mut writer = folder.gallery(&GalleryOptions::default());
    let mut add = |n: std::ops::Range<usize>| {
        let sources: Vec<_> = n.map(|i| i.to_string()).collect();
        let faces: Vec<_> = sources.iter().map(|s| entry("a", s, &[1.0, 2.0])).collect();
        writer.add_many(&faces).unwrap();
    };
    add(0..600);
    let reader = Gallery::open_read_only(folder.path("g")).unwrap();
    let mut entries = reader.entries().unwrap();
    for _ in 0..10 {
        entries.next().unwrap().unwrap();
    }
    add(600..700);
    assert_eq!(entries.count(), 590, "the iterator keeps to the moment it began in");
    assert_eq!(reader.entries().unwrap().count(), 700);
    // Two iterators of one gallery share the moment.
    let (first, second) = (reader.entries().unwrap(), reader.entries().unwrap());
    assert_eq!((first.count(), second.count()), (700, 700));
}

#[test]
fn a_second_writer_is_told_who_is_in_the_way_and_a_reader_is_not() {
    let folder = Folder::new();
    let mut first = folder.gallery(&GalleryOptions::default());
    let mut second = Gallery::open(folder.path("g")).unwrap();
    second.set_patience(Duration::from_millis(50)).unwrap();
    let mut batch = first.begin().unwrap();
    batch.add(&entry("a", "s", &[1.0])).unwrap();
    let e = second.add(&entry("b", "t", &[1.0])).unwrap_err();
    assert!(matches!(e, Error::Locked(_)) && e.to_string().contains("another process"), "{e}");
    assert_eq!(Gallery::open_read_only(folder.path("g")).unwrap().len().unwrap(), 0);
    batch.commit().unwrap();
    second.add(&entry("b", "t", &[1.0])).unwrap();
    assert_eq!(first.len().unwrap(), 2);
}

#[test]
fn writers_in_turn_lose_nothing() {
    let folder = Folder::new();
    drop(folder.gallery(&GalleryOptions::default()));
    std::thread::scope(|scope| {
        for t in 0..4 {
            let path = folder.path("g");
            scope.spawn(move || {
                let mut gallery = Gallery::open(path).unwrap();
                for i in 0..25 {
                    new_id(gallery.add(&entry("a", &format!("{t}/{i}"), &[1.0, 2.0])).unwrap());
                }
            });
        }
    });
    let gallery = Gallery::open_read_only(folder.path("g")).unwrap();
    assert_eq!(gallery.len().unwrap(), 100);
    assert!(gallery.check().unwrap().passed());
}
