//! Searches between buffers of the caller are exact in f32, and awaited ones are those that block.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::Arc;

use common::plain::{METRICS, Plain, faces, index, same, tiled};
use common::{Random, gpu, open_device, small_model};
use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, Metric, PerLabel, SearchOptions, Storage};
use lookalike::gpu::Gpu;
use lookalike::network::{CompileOptions, Network};
use lookalike::wgpu::{self, util::DeviceExt};

/// A buffer of the caller's.
fn buffer(gpu: &Gpu, bytes: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.device().create_buffer(&wgpu::BufferDescriptor { label: None, size: bytes.max(16), usage, mapped_at_creation: false })
}

fn encoder(gpu: &Gpu) -> wgpu::CommandEncoder {
    gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
}

/// Searches by recording, and reads the hits as a caller would.
fn search(gpu: &Gpu, index: &GalleryIndex, probes: &[f32], k: usize) -> Vec<Vec<Hit>> {
    let count = probes.len() / index.dimension();
    let contents: Vec<u8> = probes.iter().flat_map(|x| x.to_le_bytes()).collect();
    let descriptor = wgpu::util::BufferInitDescriptor { label: None, contents: &contents, usage: wgpu::BufferUsages::COPY_SRC };
    let given = gpu.device().create_buffer_init(&descriptor);
    let bytes = (count * k * 16) as u64;
    let hits = buffer(gpu, bytes, wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC);
    let staging = buffer(gpu, bytes, wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
    let mut encoder = encoder(gpu);
    index.encode(&mut encoder, &given, count, k, &hits).unwrap();
    encoder.copy_buffer_to_buffer(&hits, 0, &staging, 0, bytes);
    gpu.queue().submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let view = staging.get_mapped_range(..).unwrap().to_vec();
    let word = |hit: &[u8], i: usize| u32::from_le_bytes(hit[4 * i..4 * i + 4].try_into().unwrap());
    let all: Vec<Hit> = view[..bytes as usize]
        .chunks_exact(16)
        .map(|hit| {
            let id = u64::from(word(hit, 0)) | u64::from(word(hit, 1)) << 32;
            Hit { id, label: word(hit, 2), score: f32::from_bits(word(hit, 3)) }
        })
        .collect();
    all.chunks_exact(k)
        .map(|hits| {
            let there = hits.iter().take_while(|h| h.score > f32::NEG_INFINITY).count();
            let nothing = |h: &Hit| (h.id, h.label, h.score) == (u64::MAX, u32::MAX, f32::NEG_INFINITY);
            assert!(hits[there..].iter().all(nothing), "{hits:?}");
            hits[..there].to_vec()
        })
        .collect()
}

/// Rows of small whole numbers, whose products and squares f32 sums exactly; many are equal.
fn whole(r: &mut Random, n: usize, dimension: usize) -> (Vec<u64>, Vec<u32>, Vec<f32>) {
    let vectors = (0..n * dimension).map(|_| r.below(7) as f32 - 3.0).collect();
    let ids = (0..n as u64).map(|i| (i * 7919 % 1_000_003) << 13).collect();
    (ids, (0..n).map(|i| i as u32 % 5).collect(), vectors)
}

#[test]
fn whole_numbers_give_what_f64_arithmetic_gives() {
    let mut r = Random(41);
    for gpu in [gpu(), tiled()] {
        for (n, dimension, k) in [(0, 3, 4), (1, 1, 1), (1, 9, 128), (31, 2, 31), (32, 4, 33), (33, 5, 5), (257, 3, 128), (700, 64, 10)] {
            let (ids, labels, vectors) = whole(&mut r, n, dimension);
            for storage in [Storage::F32, Storage::F16] {
                for metric in [Metric::Dot, Metric::Euclidean] {
                    for rows in [None, Some(96)] {
                        let mut plain = Plain::default();
                        let index = index(&gpu, dimension, storage, metric, rows);
                        plain.add(&index, &ids, &labels, &vectors);
                        for batch in [1, 5, 33] {
                            let probes = whole(&mut r, batch, dimension).2;
                            let got = search(&gpu, &index, &probes, k);
                            assert_eq!(got.len(), batch);
                            for (hits, probe) in got.iter().zip(probes.chunks_exact(dimension)) {
                                let mut want = plain.search(metric, storage, probe, k, &SearchOptions::default());
                                let what = format!("{n} x {dimension}, {storage:?} {metric:?}, {rows:?}");
                                if metric == Metric::Euclidean {
                                    // A driver's root may be off by some last bits.
                                    let near = |(a, b): (&Hit, &Hit)| (a.score - b.score).abs() <= 4.0 * f32::EPSILON * a.score.abs();
                                    assert!(hits.iter().zip(&want).all(near), "{what}");
                                    want.iter_mut().zip(hits).for_each(|(w, h)| w.score = h.score);
                                }
                                same(hits, &want, &what);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Hits that are right but for rounding: every score is near that of its row and near the one that belongs in its place; rows are different
/// ones, in order.
fn right(hits: &[Hit], all: &[Hit], k: usize, scale: f32, what: &str) {
    let finite: Vec<_> = all.iter().filter(|h| h.score.is_finite()).collect();
    assert_eq!(hits.len(), finite.len().min(k), "{what}");
    for (i, hit) in hits.iter().enumerate() {
        let own = finite.iter().find(|h| h.id == hit.id).unwrap_or_else(|| panic!("{what}: no row {}", hit.id));
        assert_eq!(own.label, hit.label, "{what}");
        for want in [own.score, finite[i].score] {
            assert!((want - hit.score).abs() <= scale, "{what}: place {i}, {} {want}", hit.score);
        }
    }
    let before = |a: &Hit, b: &Hit| a.score > b.score || (a.score == b.score && a.id < b.id);
    assert!(hits.windows(2).all(|w| before(&w[0], &w[1])), "{what}");
}

#[test]
fn embeddings_give_what_f64_arithmetic_gives_but_for_rounding() {
    for (seed, gpu) in [(42, gpu()), (43, tiled()), (44, gpu())] {
        let mut r = Random(seed);
        for (n, dimension) in [(65, 17), (700, 128), (400, 513)] {
            let (ids, labels, vectors) = faces(&mut r, n, dimension, 1 + n / 9, true);
            for storage in [Storage::F32, Storage::F16] {
                for metric in METRICS {
                    // Products of rows of 1e30 are the host's.
                    let (mut plain, index) = (Plain::default(), index(&gpu, dimension, storage, metric, Some(320)));
                    plain.add(&index, &ids, &labels, &vectors);
                    if metric != Metric::Cosine {
                        let far = |row: &[f32]| row.iter().any(|x| x.abs() > 1e12) || row.iter().all(|x| x.abs() < 1e-13 && *x != 0.0);
                        plain.rows.retain(|_, (_, row)| !far(row) || row.iter().any(|x| !x.is_finite()));
                    }
                    let mut probes = faces(&mut r, 9, dimension, 3, false).2;
                    probes[..dimension].copy_from_slice(&vectors[..dimension]);
                    for k in [1, 10, 128] {
                        let got = search(&gpu, &index, &probes, k);
                        for (i, (hits, probe)) in got.iter().zip(probes.chunks_exact(dimension)).enumerate() {
                            let what = format!("{seed}, {n} x {dimension}, {storage:?} {metric:?}, probe {i}");
                            if probe.iter().any(|x| !x.is_finite()) || (metric != Metric::Cosine && probe.iter().any(|x| x.abs() > 1e12)) {
                                assert!(hits.is_empty(), "{what}");
                                continue;
                            }
                            let all = plain.search(metric, storage, probe, usize::MAX, &SearchOptions::default());
                            let length = probe.iter().map(|x| x * x).sum::<f32>().sqrt();
                            let scale = match metric {
                                Metric::Cosine => 1.0,
                                _ => (length + 1.0) * 40.0,
                            };
                            right(hits, &all, k, scale * (dimension as f32).sqrt() * 4.0 * f32::EPSILON, &what);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn equal_rows_come_in_the_order_of_their_ids_however_many_there_are() {
    let n = 70_000u64;
    for gpu in [gpu(), tiled()] {
        let index = index(&gpu, 8, Storage::F16, Metric::Cosine, None);
        let ids: Vec<u64> = (0..n).map(|i| i * 7919 % 1_000_003).collect();
        index.add(&ids, &vec![3; n as usize], &vec![0.5; n as usize * 8]).unwrap();
        let mut want = ids.clone();
        want.sort_unstable();
        for k in [1, 128] {
            let got = search(&gpu, &index, &[1.0; 16], k);
            for hits in got {
                assert_eq!(hits.iter().map(|h| h.id).collect::<Vec<_>>(), want[..k]);
            }
        }
        // A probe of zeros is as near to everything.
        assert_eq!(
            search(&gpu, &index, &[0.0; 8], 2)[0].iter().map(|h| (h.id, h.score)).collect::<Vec<_>>(),
            [(want[0], 0.0), (want[1], 0.0)]
        );
    }
}

#[test]
fn what_changes_after_the_first_recording_is_seen() {
    for (gpu, device_bytes) in [(gpu(), None), (tiled(), Some(1)), (gpu(), Some(1))] {
        let mut r = Random(45);
        let mut options = IndexOptions::new(Storage::F32, Metric::Dot);
        (options.rows_per_shard, options.device_bytes) = (Some(64), device_bytes);
        let index = GalleryIndex::new(&gpu, 6, &options).unwrap();
        let mut plain = Plain::default();
        for round in 0..30u64 {
            match r.below(4) {
                0 | 1 => {
                    let n = 1 + r.below(60);
                    let (_, labels, vectors) = whole(&mut r, n, 6);
                    let ids: Vec<u64> = (0..n as u64).map(|i| (round * 100 + i) * 7919 % 100_003).collect();
                    plain.add(&index, &ids, &labels, &vectors);
                }
                2 => {
                    let gone: Vec<u64> = plain.rows.keys().copied().filter(|_| r.below(3) == 0).collect();
                    gone.iter().for_each(|id| {
                        plain.rows.remove(id);
                    });
                    assert_eq!(index.remove(&gone), gone.len());
                }
                _ => index.compact().unwrap(),
            }
            let probes = whole(&mut r, 3, 6).2;
            for (hits, probe) in search(&gpu, &index, &probes, 12).iter().zip(probes.chunks_exact(6)) {
                same(hits, &plain.search(Metric::Dot, Storage::F32, probe, 12, &SearchOptions::default()), &format!("round {round}"));
            }
        }
        assert!(device_bytes.is_none() || index.passing_shards() > 0);
    }
}

#[test]
fn many_probes_are_searched_in_parts_and_recordings_share_what_they_work_in() {
    let (gpu, mut r) = (gpu(), Random(46));
    let index = index(&gpu, 4, Storage::F16, Metric::Dot, None);
    let (ids, labels, vectors) = whole(&mut r, 300, 4);
    let mut plain = Plain::default();
    plain.add(&index, &ids, &labels, &vectors);
    let probes = whole(&mut r, 1500, 4).2;
    for (hits, probe) in search(&gpu, &index, &probes, 3).iter().zip(probes.chunks_exact(4)) {
        same(hits, &plain.search(Metric::Dot, Storage::F16, probe, 3, &SearchOptions::default()), "one of 1500");
    }
    // Two recordings, submitted in the other order.
    let (few, many) = (&probes[..8], &probes[8..48]);
    let record = |probes: &[f32]| {
        let contents: Vec<u8> = probes.iter().flat_map(|x| x.to_le_bytes()).collect();
        let descriptor = wgpu::util::BufferInitDescriptor { label: None, contents: &contents, usage: wgpu::BufferUsages::COPY_SRC };
        let given = gpu.device().create_buffer_init(&descriptor);
        let hits = buffer(&gpu, (probes.len() * 16) as u64, wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC);
        let mut encoder = encoder(&gpu);
        index.encode(&mut encoder, &given, probes.len() / 4, 4, &hits).unwrap();
        (encoder.finish(), hits)
    };
    let ((first, a), (second, b)) = (record(few), record(many));
    gpu.queue().submit([second, first]);
    for (hits, probes) in [(a, few), (b, many)] {
        let staging = buffer(&gpu, hits.size(), wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
        let mut encoder = encoder(&gpu);
        encoder.copy_buffer_to_buffer(&hits, 0, &staging, 0, hits.size());
        gpu.queue().submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
        gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
        let got: Vec<u64> =
            staging.get_mapped_range(..).unwrap().chunks_exact(16).map(|h| u64::from_le_bytes(h[..8].try_into().unwrap())).collect();
        let want = probes.chunks_exact(4).flat_map(|p| plain.search(Metric::Dot, Storage::F16, p, 4, &SearchOptions::default()));
        assert_eq!(got, want.map(|h| h.id).collect::<Vec<_>>());
    }
}

#[test]
fn what_cannot_be_recorded_is_refused_in_a_sentence() {
    let gpu = gpu();
    let make = |storage| {
        let index = index(&gpu, 4, storage, Metric::Cosine, None);
        index.add(&[1], &[0], &[1.0; 4]).unwrap();
        index
    };
    let index = make(Storage::F32);
    let probes = buffer(&gpu, 2 * 16, wgpu::BufferUsages::COPY_SRC);
    let hits = buffer(&gpu, 2 * 3 * 16, wgpu::BufferUsages::COPY_DST);
    let refused = |index: &GalleryIndex, probes: &wgpu::Buffer, count, k, hits: &wgpu::Buffer, word: &str| {
        let e = index.encode(&mut encoder(&gpu), probes, count, k, hits).unwrap_err().to_string();
        assert!(e.contains(word), "{e}");
    };
    refused(&index, &probes, 2, 0, &hits, "1 to 128");
    refused(&index, &probes, 2, 129, &hits, "not 129");
    refused(&index, &probes, 3, 1, &hits, "probes has 32 bytes, but 48");
    refused(&index, &probes, 2, 4, &hits, "hits has 96 bytes, but 128");
    refused(&index, &probes, usize::MAX, 4, &hits, "more are needed");
    refused(&index, &hits, 2, 3, &hits, "lacks the usage COPY_SRC");
    refused(&index, &probes, 2, 1, &probes, "lacks the usage COPY_DST");
    refused(&make(Storage::I8), &probes, 2, 3, &hits, "int8");
    let learned = IndexOptions { weights: [1.0f32; 4].into(), ..IndexOptions::new(Storage::F32, Metric::WeightedL1) };
    refused(&GalleryIndex::new(&gpu, 4, &learned).unwrap(), &probes, 2, 3, &hits, "learned score");
    let two = GalleryIndex::over(&[gpu.clone(), gpu.clone()], 4, &IndexOptions::default()).unwrap();
    refused(&two, &probes, 2, 3, &hits, "several devices");
    index.encode(&mut encoder(&gpu), &probes, 0, 3, &hits).unwrap();
}

#[test]
fn a_network_and_a_search_in_one_encoder_find_what_they_find_apart() {
    // A host's device that has what WebGPU guarantees and no more.
    let (info, device, queue) = open_device(|_| wgpu::Limits::default());
    let gpu = Gpu::from_wgpu(info, device, queue).unwrap();
    let mut r = Random(48);
    let network = Network::compile(&gpu, &small_model(), &CompileOptions { batch: 4, ..CompileOptions::default() }).unwrap();
    let pictures = r.tensor(&[4, 3, 16, 16]);
    let (name, embeddings) = network.run(&[("input", &pictures)]).unwrap().remove(0);
    let index = index(&gpu, 10, Storage::F16, Metric::Cosine, None);
    let (ids, labels, vectors) = faces(&mut r, 400, 10, 30, false);
    index.add(&ids, &labels, &vectors).unwrap();
    let want = index.search(&embeddings.to_f32(), 5, &SearchOptions::default()).unwrap();

    let contents: Vec<u8> = pictures.to_f32().iter().flat_map(|x| x.to_le_bytes()).collect();
    let descriptor = wgpu::util::BufferInitDescriptor { label: None, contents: &contents, usage: wgpu::BufferUsages::COPY_SRC };
    let input = gpu.device().create_buffer_init(&descriptor);
    let both = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let (between, hits) = (buffer(&gpu, 4 * 10 * 4, both), buffer(&gpu, 4 * 5 * 16, both));
    let staging = buffer(&gpu, hits.size(), wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
    let mut encoder = encoder(&gpu);
    network.encode(&mut encoder, &[("input", &input)], &[(&name, &between)]).unwrap();
    index.encode(&mut encoder, &between, 4, 5, &hits).unwrap();
    encoder.copy_buffer_to_buffer(&hits, 0, &staging, 0, hits.size());
    gpu.queue().submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let view = staging.get_mapped_range(..).unwrap();
    let got: Vec<u64> = view.chunks_exact(16).map(|h| u64::from_le_bytes(h[..8].try_into().unwrap())).collect();
    assert_eq!(got, want.iter().flatten().map(|h| h.id).collect::<Vec<_>>());
}

#[test]
fn an_awaited_search_finds_what_a_blocking_one_finds() {
    fn portable<F: Future + Send + 'static>(future: F) -> F {
        future
    }
    let mut r = Random(47);
    let (ids, labels, vectors) = faces(&mut r, 500, 32, 40, true);
    let index = Arc::new(index(&gpu(), 32, Storage::F16, Metric::Cosine, None));
    index.add(&ids, &labels, &vectors).unwrap();
    let probes = faces(&mut r, 5, 32, 3, false).2;
    let some = [1, 2, 3];
    for labels in [None, Some(&some[..])] {
        for per_label in [None, Some(PerLabel::Mean), Some(PerLabel::Template)] {
            let options = SearchOptions { threshold: Some(0.1), labels, per_label };
            let want = index.search(&probes, 7, &options).unwrap();
            // Several are on their way at once.
            let futures: Vec<_> = (0..4).map(|_| portable(index.search_async(probes.clone(), 7, &options))).collect();
            for future in futures {
                let got = pollster::block_on(future).unwrap();
                want.iter().zip(&got).for_each(|(a, b)| same(b, a, "awaited"));
            }
        }
    }
    let e = pollster::block_on(index.search_async(vec![0.0; 33], 1, &SearchOptions::default())).unwrap_err();
    assert!(e.to_string().contains("33 numbers"), "{e}");
    drop(index.search_async(probes, 1, &SearchOptions::default()));
}
