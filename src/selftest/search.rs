//! The scans of a gallery: they run outside of plans, so they have their own runner.

use std::time::Instant as Clock;

use half::f16;

use super::{CaseResult, Comparison, Input};
use crate::error::Result;
use crate::gpu::{Chosen, Gpu, Layout, Probes, Scanner, Seen};
use crate::kernels::search::{BLOCK, Family, Format, Terms, form};
use crate::reference::search::distance;
use crate::reference::search::scan::{LOWEST, Rows, maxima};

/// Stems of the kernels.
pub(crate) const SEARCH_KERNELS: [&str; 4] =
    ["search/subgroup_scan", "search/tiled_scan", "search/subgroup_distance_scan", "search/distance_scan"];

/// Runs the cases of one kernel: every form on tiles that are full, begun and one row, with shards, masks, rows that do not count, and in
/// chosen blocks for chosen probes.
pub(crate) fn run(gpu: &Gpu, stem: &str) -> Result<Vec<CaseResult>> {
    let subgroup = stem.contains("subgroup");
    let family = if subgroup { Family::of(gpu.caps()) } else { Family::Tiled };
    if subgroup == (family == Family::Tiled) {
        return Ok(Vec::new());
    }
    let distances = stem.contains("distance");
    let kinds: &[Terms] = if distances { &[Terms::Differences, Terms::ChiSquared] } else { &[Terms::Products] };
    let mut out = Vec::new();
    for (&terms, format) in kinds.iter().flat_map(|terms| Format::ALL.map(|format| (terms, format))) {
        if distances && format == Format::I8 {
            continue;
        }
        for (probes, rows, dimension) in [(1, 1, 1), (1, 333, 200), (3, 64, 17), (4, 65, 64), (16, 31, 129), (17, 32, 512), (65, 321, 96)] {
            for input in [Input::Noise, Input::OneHot] {
                out.push(case(gpu, stem, Layout { family, format, terms, dimension }, probes, rows, input)?);
            }
        }
    }
    Ok(out)
}

/// The numbers that a format keeps of `numbers`, and their bytes.
pub(super) fn stored(numbers: &[f32], format: Format) -> (Vec<f64>, Vec<u8>) {
    let byte = |x: f32| (x * 127.0) as i8;
    match format {
        Format::F32 => (numbers.iter().map(|&x| f64::from(x)).collect(), bytemuck::cast_slice(numbers).to_vec()),
        Format::F16 => {
            let halves: Vec<_> = numbers.iter().map(|&x| f16::from_f32(x)).collect();
            (halves.iter().map(|h| h.to_f64()).collect(), bytemuck::cast_slice(&halves).to_vec())
        }
        Format::I8 => (numbers.iter().map(|&x| f64::from(byte(x))).collect(), numbers.iter().map(|&x| byte(x) as u8).collect()),
    }
}

fn case(gpu: &Gpu, stem: &str, layout: Layout, count: usize, rows: usize, input: Input) -> Result<CaseResult> {
    let Layout { format, terms, dimension, .. } = layout;
    let noise = |shape: [usize; 2], seed| input.tensor(&shape, seed).to_f32().into_owned();
    let (vectors, targets) = (noise([rows, dimension], 1), noise([count, dimension], 2));
    let mut scales = Input::Noise.tensor(&[rows, 2], 3).to_f32().into_owned();
    // Distances take powers of two.
    if terms != Terms::Products {
        scales.iter_mut().for_each(|s| *s = s.abs().max(0.01).log2().round().exp2());
    }
    let rows_stored: Vec<_> = vectors.chunks_exact(dimension).map(|r| stored(r, format)).collect();
    let counts: Vec<bool> = (0..rows).map(|i| i % 5 != 3 && !(64..96).contains(&i)).collect();

    // Two shards, the second begun in the middle and passing by.
    let blocks = rows.div_ceil(BLOCK);
    let split = blocks.div_ceil(2);
    let (mut shards, start) = (Vec::new(), Clock::now());
    let mut masks = Vec::new();
    for range in [0..split, split..blocks] {
        if range.is_empty() {
            continue;
        }
        let shard = layout.shard(gpu, range.len() + 1, range.start == 0)?;
        let pack = |b: usize| {
            let (mut bytes, mut factors) = (vec![0; layout.block_bytes()], [[f32::MAX; 2]; BLOCK]);
            for (r, factor) in factors.iter_mut().enumerate() {
                let row = (range.start + b) * BLOCK + r;
                let Some((_, content)) = rows_stored.get(row) else { continue };
                *factor = [scales[2 * row], scales[2 * row + 1]];
                for (step, part) in content.chunks(16).enumerate() {
                    bytes[(step * BLOCK + r) * 16..][..part.len()].copy_from_slice(part);
                }
            }
            (bytes, factors)
        };
        layout.write(gpu, &shard, &(0..range.len()).collect::<Vec<_>>(), pack, |_| [[0; 3]; BLOCK])?;
        let word = |b: usize| (0..BLOCK).fold(0, |w, r| w | u32::from(counts.get(b * BLOCK + r) == Some(&true)) << r);
        let bits: Vec<u32> = range.clone().map(word).collect();
        layout.write_bits(gpu, &shard, 0, &bits)?;
        masks.extend(bits);
        shards.push((shard, range.len()));
    }
    let mut probes = Probes::default();
    let own_format = if format == Format::I8 { Format::I8 } else { Format::F32 };
    let probes_stored: Vec<_> = targets.chunks_exact(dimension).map(|p| stored(p, own_format)).collect();
    for (i, (_, bytes)) in probes_stored.iter().enumerate() {
        probes.bytes.extend_from_slice(bytes);
        probes.bytes.resize((i + 1) * format.probe_vec4s(dimension) * 16, 0);
        probes.factors.push(0.5 + i as f32);
    }
    let weights: Vec<f32> = (0..dimension).map(|i| (i % 7) as f32 * 0.25).collect();
    if terms != Terms::Products {
        probes.bytes.extend_from_slice(bytemuck::cast_slice(&weights));
        probes.bytes.resize((count + 1) * format.probe_vec4s(dimension) * 16, 0);
    }
    let seen: Vec<_> = shards.iter().map(|(shard, blocks)| Seen { shard, blocks: *blocks }).collect();
    let scanner = Scanner::new(layout);
    let got = scanner.scan(gpu, &seen, None, &probes)?;
    let again = scanner.scan(gpu, &seen, Some(&masks), &probes)?;
    // All blocks for the last probes, some across the shards for all, one for the first.
    let all = [
        Chosen { probes: count / 2..count, blocks: 0..blocks },
        Chosen { probes: 0..count, blocks: blocks / 3..(blocks / 3 + split).min(blocks) },
        Chosen { probes: 0..1, blocks: blocks - 1..blocks },
    ];
    // Weighted distances are scanned as a whole only.
    let parts = if terms == Terms::Products { &all[..] } else { &[] };
    let chosen = scanner.scan_chosen(gpu, &seen, None, &probes, parts)?;
    let micros = start.elapsed().as_secs_f64() * 1e6;

    let numbers: Vec<_> = rows_stored.iter().map(|(n, _)| n.clone()).collect();
    let factors: Vec<_> = scales.chunks_exact(2).map(|f| [f64::from(f[0]), f64::from(f[1])]).collect();
    let targets: Vec<_> = probes_stored.iter().map(|(n, _)| n.clone()).collect();
    let probe_factors: Vec<_> = probes.factors.iter().map(|&f| f64::from(f)).collect();
    let kept = Rows { numbers: &numbers, factors: &factors, counts: &counts };
    let weights: Vec<_> = weights.iter().map(|&w| f64::from(w)).collect();
    let want: Vec<(f64, f64)> = match terms {
        Terms::Products => maxima(&kept, BLOCK, &targets, &probe_factors),
        // Terms are at least 0: the magnitude behind a distance is the distance.
        _ => {
            let all = distance::maxima(&kept, BLOCK, &weights, &targets, &probe_factors, terms == Terms::ChiSquared);
            all.into_iter().map(|m| (m, m.abs())).collect()
        }
    };
    // Sums of int8 are exact; what follows them is rounded like one product.
    let roundings = if format == Format::I8 { 1.0 } else { dimension as f64 };
    let mut worst = Comparison::default();
    let places = parts.iter().flat_map(|part| part.probes.clone().flat_map(|p| part.blocks.clone().map(move |b| p * blocks + b)));
    let want_chosen: Vec<_> = places.map(|i| want[i]).collect();
    for (&g, &(w, magnitude)) in got.iter().chain(&chosen).zip(want.iter().chain(&want_chosen)) {
        let bound =
            if w == LOWEST { 0.0 } else { 4.0 * (roundings + 2.0).sqrt() * 2f64.powi(-24) * magnitude + f64::from(f32::MIN_POSITIVE) };
        worst.add((f64::from(g) - w).abs(), bound);
    }
    Ok(CaseResult {
        kernel: stem.to_owned(),
        permutation: form(layout.family, format, terms, count).shader.name.to_owned(),
        case: format!("{count} probes, {rows} x {dimension} {}", input.label()),
        max_error: worst.error,
        bound: worst.bound,
        passed: worst.ratio <= 1.0 && got.len() == want.len() && chosen.len() == want_chosen.len() && got == again,
        micros,
    })
}
