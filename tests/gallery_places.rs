//! Where the rows of a gallery lie (on the device, on the host, on several devices) changes nothing of what is found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::plain::{Plain, STORAGES, check, faces, same, tiled};
use common::{Random, gpu};
use lookalike::gallery::index::{GalleryIndex, IndexOptions, Metric, PerLabel, SearchOptions, Storage};
use lookalike::gpu::{Gpu, GpuOptions};

/// Bytes that a block of 32 rows takes on the device.
fn block_bytes(storage: Storage, dimension: usize) -> u64 {
    let (per_step, steps) = match storage {
        Storage::F32 => (4, 4),
        Storage::F16 => (8, 2),
        Storage::I8 => (16, 4),
    };
    (dimension.div_ceil(per_step).next_multiple_of(steps) * 32 * 16) as u64
}

fn index(gpus: &[Gpu], dimension: usize, storage: Storage, metric: Metric, rows: usize, device_bytes: Option<u64>) -> GalleryIndex {
    let mut options = IndexOptions::new(storage, metric);
    options.rows_per_shard = Some(rows);
    options.device_bytes = device_bytes;
    GalleryIndex::over(gpus, dimension, &options).unwrap()
}

/// The same adapter opened again.
fn another() -> Gpu {
    Gpu::new(&GpuOptions::default()).unwrap()
}

/// Searches of every kind in two galleries that hold the same.
fn compare(a: &GalleryIndex, b: &GalleryIndex, probes: &[f32], threshold: f32, what: &str) {
    assert_eq!(a.ids(), b.ids(), "{what}");
    for threshold in [None, Some(threshold)] {
        for labels in [None, Some(&[1, 2, 3, 30][..]), Some(&[][..])] {
            for per_label in [None, Some(PerLabel::Best)] {
                let options = SearchOptions { threshold, labels, per_label };
                let (x, y) = (a.search(probes, 11, &options).unwrap(), b.search(probes, 11, &options).unwrap());
                assert_eq!(x.len(), y.len());
                x.iter().zip(&y).for_each(|(x, y)| same(y, x, &format!("{what} {options:?}")));
            }
        }
    }
}

#[test]
fn shards_that_pass_through_the_device_give_what_resident_ones_give() {
    let mut r = Random(21);
    let (ids, labels, vectors) = faces(&mut r, 1000, 160, 50, true);
    let probes = faces(&mut r, 40, 160, 9, true).2;
    for gpu in [gpu(), tiled()] {
        for (storage, metric, threshold) in
            [(Storage::F32, Metric::Cosine, 0.4), (Storage::F16, Metric::Euclidean, -5.0), (Storage::I8, Metric::Dot, 3.0)]
        {
            let shard = block_bytes(storage, 160) * 5;
            let gpus = [gpu.clone()];
            let all = index(&gpus, 160, storage, metric, 160, None);
            all.add(&ids, &labels, &vectors).unwrap();
            assert_eq!((all.shards(), all.passing_shards()), (7, 0));
            // Room for so many shards, two of which others pass through: one, two, or all that there are stay.
            for (room, passing) in [(3, 6), (4, 5), (6, 3), (7, 0)] {
                let some = index(&gpus, 160, storage, metric, 160, Some(shard * room));
                // In parts: shards grow, and leave the device when there are too many.
                for (at, part) in ids.chunks(130).enumerate() {
                    let from = at * 130;
                    let rows = &vectors[from * 160..(from + part.len()) * 160];
                    some.add(part, &labels[from..from + part.len()], rows).unwrap();
                }
                assert_eq!((some.shards(), some.passing_shards()), (7, passing));
                let what = format!("{storage:?}, room for {room}");
                compare(&all, &some, &probes, threshold, &what);
                compare(&all, &some, &probes[..160], threshold, &what);
            }
        }
    }
}

#[test]
fn a_budget_below_a_shard_makes_shards_smaller() {
    let options = IndexOptions { device_bytes: Some(1), ..IndexOptions::new(Storage::F16, Metric::Cosine) };
    let index = GalleryIndex::new(&gpu(), 24, &options).unwrap();
    let mut r = Random(22);
    let (ids, labels, vectors) = faces(&mut r, 100, 24, 9, false);
    let mut plain = Plain::default();
    plain.add(&index, &ids, &labels, &vectors);
    assert_eq!((index.shards(), index.passing_shards()), (4, 4));
    let probes = faces(&mut r, 3, 24, 2, false).2;
    check(&index, &plain, (Storage::F16, Metric::Cosine), &probes, 7, &SearchOptions::default(), "a block at a time");
    // A third of 10 blocks.
    let options = IndexOptions { device_bytes: Some(block_bytes(Storage::F16, 24) * 10), ..options };
    let index = GalleryIndex::new(&gpu(), 24, &options).unwrap();
    index.add(&(0..400).collect::<Vec<_>>(), &[0; 400], &vec![0.5; 400 * 24]).unwrap();
    assert_eq!((index.shards(), index.passing_shards()), (5, 4));
}

#[test]
fn changes_of_a_gallery_that_passes_by_leave_what_a_new_gallery_would_have() {
    for (seed, storage, devices, metric) in
        [(23, Storage::F16, 1, Metric::Cosine), (24, Storage::F32, 2, Metric::Euclidean), (25, Storage::I8, 1, Metric::Cosine)]
    {
        let mut r = Random(seed);
        let mut plain = Plain::default();
        let gpus: Vec<Gpu> = (0..devices).map(|_| another()).collect();
        let index = index(&gpus, 24, storage, metric, 64, Some(block_bytes(storage, 24) * 2 * 3));
        let mut next = 0;
        let mut most = 0;
        for round in 0..40 {
            match r.below(5) {
                0..3 => {
                    let (_, labels, vectors) = faces(&mut r, 10 + round * 2, 24, 6, round % 3 == 0);
                    let ids: Vec<u64> = (0..labels.len() as u64).map(|i| (next + i) * 7 % 10_007).collect();
                    next += labels.len() as u64;
                    plain.add(&index, &ids, &labels, &vectors);
                }
                3 => {
                    let gone: Vec<u64> = plain.rows.keys().copied().filter(|_| r.below(3) == 0).collect();
                    gone.iter().for_each(|id| {
                        plain.rows.remove(id);
                    });
                    assert_eq!(index.remove(&gone), gone.len());
                }
                _ => index.compact().unwrap(),
            }
            most = most.max(index.passing_shards());
            let probes = faces(&mut r, 3, 24, 2, false).2;
            check(&index, &plain, (storage, metric), &probes, 9, &SearchOptions::default(), &format!("round {round}"));
        }
        assert!(most > 0, "nothing ever passed");
        let all = index.ids();
        assert_eq!(index.remove(&all), all.len());
        index.compact().unwrap();
        assert_eq!((index.shards(), index.passing_shards()), (0, 0));
    }
}

#[test]
fn several_devices_give_what_one_gives() {
    let mut r = Random(26);
    let (ids, labels, vectors) = faces(&mut r, 1000, 96, 50, true);
    let probes = faces(&mut r, 35, 96, 9, true).2;
    let gpus = [gpu(), another(), tiled()];
    for storage in STORAGES {
        let one = index(&gpus[..1], 96, storage, Metric::Cosine, 2000, None);
        one.add(&ids, &labels, &vectors).unwrap();
        // One shard for all, seven of them, and seven of which only some stay.
        let shard = block_bytes(storage, 96) * 5;
        for (rows, shards, bytes, passing) in
            [(2000, 1, None, [0, 0]), (160, 7, None, [0, 0]), (160, 7, Some(shard * 3), [3, 0]), (96, 11, Some(shard * 9 / 5), [9, 6])]
        {
            for (devices, passing) in [2, 3].into_iter().zip(passing) {
                let many = index(&gpus[..devices], 96, storage, Metric::Cosine, rows, bytes);
                many.add(&ids, &labels, &vectors).unwrap();
                assert_eq!((many.shards(), many.passing_shards()), (shards, passing));
                compare(&one, &many, &probes, 0.4, &format!("{storage:?}, {devices} devices, {shards} shards"));
            }
        }
    }
    assert!(GalleryIndex::over(&[], 8, &IndexOptions::default()).unwrap_err().to_string().contains("needs a device"));
}

#[test]
fn a_small_gallery_over_several_devices_is_dealt_to_all_of_them() {
    let gpus = [another(), another()];
    let before: Vec<u64> = gpus.iter().map(|g| g.memory().0).collect();
    let index = index(&gpus, 64, Storage::F32, Metric::Cosine, 128, None);
    index.add(&(0..1000).collect::<Vec<_>>(), &[0; 1000], &vec![0.5; 64_000]).unwrap();
    for (gpu, before) in gpus.iter().zip(&before) {
        // Half of the rows, more or less a shard.
        assert!(gpu.memory().0 > before + 64_000 * 4 / 2 - 128 * 64 * 4);
    }
    index.search(&[0.5; 64], 3, &SearchOptions::default()).unwrap();
    drop(index);
    assert_eq!(gpus.iter().map(|g| g.memory().0).collect::<Vec<_>>(), before);
}
