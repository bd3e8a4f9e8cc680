//! `lookalike bench search`

use std::io::BufRead;
use std::time::Instant;

use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, Metric, SearchOptions, Storage};
use lookalike::gpu::Gpu;
use lookalike::{Error, Result};
use serde_json::json;

use crate::cli::args::{GalleryPlaceArgs, GlobalArgs};
use crate::cli::bench::{milliseconds, percentile};
use crate::cli::context::{adapter_line, open_gpus};
use crate::cli::ui::{Done, Outcome, Ui};

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StorageArg {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// 8-bit integers, results from 32-bit floats on the host.
    I8,
}

impl StorageArg {
    fn storage(self) -> (Storage, &'static str, f64) {
        match self {
            Self::F32 => (Storage::F32, "f32", 4.0),
            Self::F16 => (Storage::F16, "f16", 2.0),
            Self::I8 => (Storage::I8, "i8", 1.0),
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rows of the gallery, made of noise.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    rows: u32,
    /// Numbers of a row.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    dim: u32,
    /// Results of a probe.
    #[arg(short, long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1024))]
    k: u32,
    /// How rows are stored on the device.
    #[arg(long, value_enum, default_value_t = StorageArg::F16)]
    storage: StorageArg,
    /// Probes of a search.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// Searches that are measured.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    runs: u32,
    /// Print `ready`, then search once for every line on standard input and print its milliseconds and the first probe's results: for
    /// alternating with other programs.
    #[arg(long, hide = true)]
    paced: bool,
    #[command(flatten)]
    place: GalleryPlaceArgs,
}

/// Number `i` of the noise, in [-1, 1): fmix32 of MurmurHash3, which other programs compute as easily.
fn noise(i: u64) -> f32 {
    let mut h = (i as u32).wrapping_mul(0x9E37_79B9).wrapping_add((i >> 32) as u32);
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    ((h ^ (h >> 16)) >> 8) as f32 / 8_388_608.0 - 1.0
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let (rows, dim, k) = (u64::from(args.rows), args.dim as usize, args.k as usize);
    let (storage, name, bytes_each) = args.storage.storage();
    let gpus = open_gpus(global, ui)?;
    let options = IndexOptions { device_bytes: args.place.device_bytes, ..IndexOptions::new(storage, Metric::Cosine) };
    let index = GalleryIndex::over(&gpus, dim, &options)?;
    let start = Instant::now();
    index.reserve(rows as usize)?;
    let step = (4_000_000 / dim as u64).max(1);
    let mut progress = ui.progress(args.rows as usize, "rows");
    for first in (0..rows).step_by(step as usize) {
        let ids: Vec<u64> = (first..(first + step).min(rows)).collect();
        let vectors: Vec<f32> = (first * dim as u64..(first + ids.len() as u64) * dim as u64).map(noise).collect();
        index.add(&ids, &vec![0; ids.len()], &vectors)?;
        progress.advance(ids.len());
    }
    progress.finish();
    let fill_ms = milliseconds(start);
    // Behind the rows, so that no probe is one of them.
    let after = rows * dim as u64;
    let probes: Vec<f32> = (after..after + u64::from(args.batch) * dim as u64).map(noise).collect();
    let search = || index.search(&probes, k, &SearchOptions::default());
    let start = Instant::now();
    search()?;
    let first_ms = milliseconds(start);
    if args.paced {
        return paced(ui, search);
    }
    for _ in 0..args.runs.min(2) {
        search()?;
    }
    let mut times = Vec::with_capacity(args.runs as usize);
    for _ in 0..args.runs {
        let start = Instant::now();
        search()?;
        times.push(milliseconds(start));
    }
    times.sort_by(f64::total_cmp);
    let (p50, p95) = (percentile(&times, 0.5), percentile(&times, 0.95));
    let seconds = (p50 / 1e3).max(1e-9);
    let compared = rows as f64 * f64::from(args.batch) / seconds;
    let gbps = rows as f64 * dim as f64 * bytes_each / seconds / 1e9;
    if ui.json {
        ui.json(&json!({
            "p50_ms": p50, "p95_ms": p95, "min_ms": times.first(), "first_search_ms": first_ms, "fill_ms": fill_ms,
            "rows_per_second": rows as f64 / seconds, "comparisons_per_second": compared, "gb_per_second": gbps,
            "gflops": 2.0 * compared * dim as f64 / 1e9, "rows": rows, "dimension": dim, "k": k, "batch": args.batch, "storage": name,
            "shards": index.shards(), "passing_shards": index.passing_shards(), "runs": times.len(),
            "adapter": gpus[0].adapter(), "adapters": gpus.iter().map(Gpu::adapter).collect::<Vec<_>>(),
        }))?;
    } else {
        ui.line(&format!(
            "{rows} rows x {dim}, {name}, {} probes, k {k}, on {}",
            args.batch,
            gpus.iter().map(adapter_line).collect::<Vec<_>>().join(" and ")
        ))?;
        ui.line(&format!("  p50 {p50:.2} ms, p95 {p95:.2} ms over {} searches", times.len()))?;
        ui.line(&format!("  {:.1} M comparisons/s, {gbps:.1} GB/s of the gallery once a search", compared / 1e6))?;
        ui.line(&format!(
            "  filled in {fill_ms:.0} ms, first search {first_ms:.1} ms, {} shards, {} of them passing by",
            index.shards(),
            index.passing_shards()
        ))?;
    }
    Ok(Done::Yes)
}

fn paced(ui: &Ui, search: impl Fn() -> Result<Vec<Vec<Hit>>>) -> Outcome {
    ui.line("ready")?;
    for line in std::io::stdin().lock().lines() {
        line.map_err(|e| Error::io("Reading", "standard input", e))?;
        let start = Instant::now();
        let found = search()?;
        let milliseconds = milliseconds(start);
        let ids = found.first().into_iter().flatten().map(|h| h.id.to_string());
        ui.line(&std::iter::once(format!("{milliseconds:.4}")).chain(ids).collect::<Vec<_>>().join(" "))?;
    }
    Ok(Done::Yes)
}
