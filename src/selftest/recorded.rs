//! The kernels of searches that stay on the device.

use std::time::Instant as Clock;

use super::search::stored;
use super::{CaseResult, Comparison, Input};
use crate::error::Result;
use crate::gpu::{Gpu, Layout, Scanner, Seen, Work, numbers};
use crate::kernels::search::cutoff::{self, Slack};
use crate::kernels::search::{BLOCK, Family, Format, Score, Terms, probes};
use crate::reference::search::cutoff as reference;
use crate::reference::search::probes::packed;
use crate::reference::search::rescore::ranked;
use crate::reference::search::scan::{LOWEST, Rows};
use crate::shader::Shader;

/// Stems of the kernels.
pub(crate) const RECORDED_KERNELS: [&str; 3] = ["search/cutoff", "search/probes", "search/rescore"];
const SCORES: [Score; 3] = [Score::Cosine, Score::Product, Score::Distance];
/// Exponents that products and distances take.
const EXPONENT: u32 = 40;

/// Runs the cases of one kernel.
pub(crate) fn run(gpu: &Gpu, stem: &str) -> Result<Vec<CaseResult>> {
    let mut out = Vec::new();
    match stem {
        "search/probes" => {
            for (count, dimension) in [(1, 1), (3, 5), (2, 64), (5, 257), (1, 1000)] {
                for score in [Score::Cosine, Score::Product] {
                    for input in [Input::Noise, Input::OneHot, Input::Scaled(1e25), Input::Scaled(1e-25)] {
                        out.push(probes_case(gpu, count, dimension, score, input)?);
                    }
                }
            }
        }
        "search/cutoff" => {
            for (count, blocks) in [(1, 1), (3, 9), (2, 256), (2, 257), (1, 5000)] {
                for k in [1, 9, 10, 128] {
                    for score in SCORES {
                        out.push(cutoff_case(gpu, count, blocks, k, score)?);
                    }
                }
            }
        }
        _ => {
            let families = [Family::Tiled, Family::of(gpu.caps())];
            let distinct = if families[0] == families[1] { 1 } else { 2 };
            for family in families.into_iter().take(distinct) {
                for format in [Format::F32, Format::F16] {
                    for score in SCORES {
                        for (count, rows, dimension, k) in [(1, 1, 1, 1), (3, 65, 17, 5), (2, 333, 130, 10), (1, 2000, 8, 128)] {
                            let layout = Layout { family, format, terms: Terms::Products, dimension };
                            out.push(rescore_case(gpu, layout, score, [count, rows, k])?);
                        }
                    }
                }
            }
        }
    }
    Ok(out)
}

/// A result of which every element has to be within its own bound.
fn result(shader: &Shader, case: String, worst: &Comparison, start: Clock) -> CaseResult {
    CaseResult {
        kernel: shader.name.split('.').next().unwrap_or_default().to_owned(),
        permutation: shader.name.to_owned(),
        case,
        max_error: worst.error,
        bound: worst.bound,
        passed: worst.ratio <= 1.0,
        micros: start.elapsed().as_secs_f64() * 1e6,
    }
}

/// What rounding may do to a sum of so many terms of this size.
fn rounding(terms: usize, size: f64) -> f64 {
    4.0 * (terms as f64).sqrt() * 2f64.powi(-24) * size + f64::from(f32::MIN_POSITIVE)
}

fn probes_case(gpu: &Gpu, count: usize, dimension: usize, score: Score, input: Input) -> Result<CaseResult> {
    let mut given = input.tensor(&[count, dimension], 1).to_f32().into_owned();
    if count > 2 {
        given[dimension..2 * dimension].fill(0.0);
        given[3 * dimension - 1] = f32::NAN;
    }
    let launch = probes::launch(count, dimension, Format::F32, score, EXPONENT);
    let vec4s = Format::F32.probe_vec4s(dimension);
    let start = Clock::now();
    let x = gpu.filled("a case", &given)?;
    let bytes = [(count * vec4s * 16) as u64, (count * 4) as u64];
    let (y, factors, norms) = (gpu.blank("a case", bytes[0])?, gpu.blank("a case", bytes[1])?, gpu.blank("a case", bytes[1])?);
    let mut work = Work::new(gpu, "a case");
    work.launch(&launch, &[&x, &y, &factors, &norms])?;
    let done = work.run(&[(&y, bytes[0]), (&factors, bytes[1]), (&norms, bytes[1])])?;
    let (y, factors, norms) = (numbers::<f32>(done.part(0))?, numbers::<f32>(done.part(1))?, numbers::<f32>(done.part(2))?);
    let mut worst = Comparison::default();
    for (i, probe) in given.chunks_exact(dimension).enumerate() {
        let want = packed(probe, score == Score::Cosine, EXPONENT as i32);
        let own = &y[i * vec4s * 4..(i + 1) * vec4s * 4];
        for (j, &g) in own.iter().enumerate() {
            let w = want.numbers.get(j).copied().unwrap_or(0.0);
            worst.add((f64::from(g) - w).abs(), f64::from(f32::MIN_POSITIVE));
        }
        worst.add((f64::from(factors[i]) - want.factor).abs(), rounding(dimension + 8, want.factor));
        let norm = want.norm.unwrap_or(-1.0);
        worst.add((f64::from(norms[i]) - norm).abs(), if norm < 0.0 { 0.0 } else { rounding(dimension + 8, norm) });
    }
    Ok(result(launch.shader, format!("{count} x {dimension} {score:?} {}", input.label()), &worst, start))
}

fn cutoff_case(gpu: &Gpu, count: usize, blocks: usize, k: usize, score: Score) -> Result<CaseResult> {
    let slack = Slack { score, margin: 0.01, longest: 3.0 };
    // Equal ones, blocks without rows, and a probe that is none.
    let mut maxima = Input::Noise.tensor(&[count, blocks], 4).to_f32().into_owned();
    maxima.iter_mut().enumerate().filter(|(i, _)| i % 3 == 1).for_each(|(_, m)| *m = (*m * 4.0).round() / 4.0);
    maxima.iter_mut().enumerate().filter(|(i, _)| i % 7 == 5).for_each(|(_, m)| *m = LOWEST as f32);
    let factors: Vec<f32> = (0..count).map(|i| 0.5 + i as f32).collect();
    let norms: Vec<f32> = (0..count).map(|i| if i == 2 { -1.0 } else { 1.0 + i as f32 }).collect();
    let launch = cutoff::launch(count, blocks, k, slack);
    let start = Clock::now();
    let (m, f, n) = (gpu.filled("a case", &maxima)?, gpu.filled("a case", &factors)?, gpu.filled("a case", &norms)?);
    let bytes = (count * 8) as u64;
    let y = gpu.blank("a case", bytes)?;
    let mut work = Work::new(gpu, "a case");
    work.launch(&launch, &[&m, &f, &n, &y])?;
    let done = work.run(&[(&y, bytes)])?;
    let got = numbers::<[f32; 2]>(done.part(0))?;
    let mut worst = Comparison::default();
    for (i, own) in maxima.chunks_exact(blocks).enumerate() {
        let norm = f64::from(norms[i]);
        let scale = match score {
            Score::Cosine => 1.0,
            Score::Product => norm * 3.0,
            Score::Distance => (norm + 3.0) * (norm + 3.0),
        };
        let slack = f64::from(0.01f32) * scale;
        let want = if norm < 0.0 { f64::from(3.0e38f32) } else { reference::cutoff(own, k, slack) };
        let exact = want.abs() > 1e30;
        worst.add((f64::from(got[i][1]) - want).abs(), if exact { 0.0 } else { rounding(4, want.abs() + slack) });
        worst.add((f64::from(got[i][0]) - f64::from(factors[i])).abs(), 0.0);
    }
    Ok(result(launch.shader, format!("{count} x {blocks}, k {k}, {score:?}"), &worst, start))
}

/// A whole search: packing, scan, cutoff and selection. Hits have to be in order, and each score what its row and what its place should have.
fn rescore_case(gpu: &Gpu, layout: Layout, score: Score, [count, rows, k]: [usize; 3]) -> Result<CaseResult> {
    let Layout { format, dimension, family, .. } = layout;
    let vectors = Input::Noise.tensor(&[rows, dimension], 1).to_f32().into_owned();
    let given = Input::Noise.tensor(&[count, dimension], 2).to_f32().into_owned();
    let rows_stored: Vec<_> = vectors.chunks_exact(dimension).map(|r| stored(r, format)).collect();
    let content: Vec<Vec<f64>> = rows_stored.iter().map(|(n, _)| n.clone()).collect();
    let squares: Vec<f64> = content.iter().map(|n| n.iter().map(|x| x * x).sum()).collect();
    let factors: Vec<[f32; 2]> = squares
        .iter()
        .map(|&s| match score {
            Score::Cosine => [(1.0 / s.sqrt().max(1e-30)) as f32, 0.0],
            Score::Product => [1.0, 0.0],
            Score::Distance => [2.0, -s as f32],
        })
        .collect();
    let counts: Vec<bool> = (0..rows).map(|i| rows == 1 || i % 5 != 3 && !(64..96).contains(&i)).collect();
    let ids: Vec<u64> = (0..rows as u64).map(|i| (i * 7919 % 100_003) << 30).collect();

    let blocks = rows.div_ceil(BLOCK);
    let split = blocks.div_ceil(2);
    let start = Clock::now();
    let mut shards = Vec::new();
    for range in [0..split, split..blocks] {
        if range.is_empty() {
            continue;
        }
        let row = |b: usize, r: usize| (range.start + b) * BLOCK + r;
        let pack = |b: usize| {
            let (mut bytes, mut own) = (vec![0; layout.block_bytes()], [[0f32; 2]; BLOCK]);
            for (r, factor) in own.iter_mut().enumerate() {
                let Some((_, content)) = rows_stored.get(row(b, r)) else { continue };
                *factor = factors[row(b, r)];
                for (step, part) in content.chunks(16).enumerate() {
                    bytes[(step * BLOCK + r) * 16..][..part.len()].copy_from_slice(part);
                }
            }
            (bytes, own)
        };
        let names = |b: usize| {
            std::array::from_fn(|r| {
                let id = ids.get(row(b, r)).copied().unwrap_or(0);
                [id as u32, (id >> 32) as u32, row(b, r) as u32]
            })
        };
        let shard = layout.shard(gpu, range.len() + 1, range.start == 0)?;
        // The first block after the tags are there, which has to change them.
        layout.tag(gpu, &shard, range.len(), |b| if b == 0 { ([[9; 3]; BLOCK], [[9.0; 2]; BLOCK]) } else { (names(b), pack(b).1) })?;
        layout.write(gpu, &shard, &(0..range.len()).collect::<Vec<_>>(), pack, names)?;
        let word = |b: usize| (0..BLOCK).fold(0, |w, r| w | u32::from(counts.get(b * BLOCK + r) == Some(&true)) << r);
        layout.write_bits(gpu, &shard, 0, &range.clone().map(word).collect::<Vec<u32>>())?;
        shards.push((shard, range.len()));
    }
    let seen: Vec<_> = shards.iter().map(|(shard, blocks)| Seen { shard, blocks: *blocks }).collect();
    let longest = squares.iter().copied().fold(0.0, f64::max).sqrt() as f32;
    let slack = Slack { score, margin: 1e-4, longest };
    let got = Scanner::new(layout).record_and_read(gpu, &seen, &given, k, slack, EXPONENT)?;

    let scales: Vec<[f64; 2]> = factors.iter().map(|f| f.map(f64::from)).collect();
    let kept = Rows { numbers: &content, factors: &scales, counts: &counts };
    let mut worst = Comparison::default();
    let fail = |worst: &mut Comparison, wrong: bool| worst.add(if wrong { f64::INFINITY } else { 0.0 }, 0.0);
    fail(&mut worst, got.len() != count * k);
    for (probe, hits) in given.chunks_exact(dimension).zip(got.chunks_exact(k)) {
        let want = packed(probe, score == Score::Cosine, EXPONENT as i32);
        let all = ranked(&kept, &ids, &want.numbers, want.factor, score == Score::Distance);
        let number = |hit: &[u32; 4]| (f64::from(f32::from_bits(hit[3])), u64::from(hit[0]) | u64::from(hit[1]) << 32);
        for (i, hit) in hits.iter().enumerate() {
            let (value, id) = number(hit);
            let (Some(at_place), of_row) = (all.get(i), all.iter().find(|a| a.0 == id)) else {
                fail(&mut worst, *hit != [u32::MAX, u32::MAX, u32::MAX, f32::NEG_INFINITY.to_bits()]);
                continue;
            };
            for expected in std::iter::once(at_place).chain(of_row) {
                worst.add((value - expected.1).abs(), rounding(dimension + 16, expected.2.max(at_place.2)));
            }
            let label_fits = of_row.is_some() && ids.get(hit[2] as usize) == Some(&id);
            fail(&mut worst, !label_fits);
        }
        let in_order = hits.windows(2).all(|w| {
            let (a, b) = (number(&w[0]), number(&w[1]));
            a.0 > b.0 || (a.0 == b.0 && (a.1 < b.1 || a.0 == f64::NEG_INFINITY))
        });
        fail(&mut worst, !in_order);
    }
    let launches = crate::kernels::search::rescore::Rescore {
        family,
        format,
        dimension,
        score,
        probes: count,
        blocks: blocks.max(1),
        k,
        fresh: true,
        short: gpu.caps().textures,
    }
    .launches();
    let shader = launches[0].shader;
    Ok(result(shader, format!("{count} probes, {rows} x {dimension}, k {k}, {score:?}"), &worst, start))
}
