//! `lookalike bench search`

use std::io::BufRead;
use std::ops::Range;
use std::time::Instant;

use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, Metric, SearchOptions, Storage};
use lookalike::gpu::Gpu;
use lookalike::{Error, Result};
use serde_json::json;

use crate::cli::args::{GalleryPlaceArgs, GlobalArgs};
use crate::cli::bench::ivf::{IvfArgs, Setting};
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
    /// Scatter the rows around so many people, with cosines of about 0.5 within one, instead of anywhere. Probes are other pictures of
    /// them.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    people: Option<u32>,
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
    ivf: IvfArgs,
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

/// What rows are made of.
#[derive(Clone, Copy)]
pub(super) struct Content {
    dimension: u64,
    people: Option<u32>,
}

impl Content {
    /// Rows of these numbers. Those of a person are noise around noise.
    pub(super) fn vectors(self, rows: Range<u64>) -> Vec<f32> {
        let Self { dimension, people } = self;
        match people {
            None => (rows.start * dimension..rows.end * dimension).map(noise).collect(),
            Some(people) => {
                let person = |row: u64| (1 << 50) + row % u64::from(people) * dimension;
                rows.flat_map(|row| (0..dimension).map(move |i| noise(person(row) + i) + noise(row * dimension + i))).collect()
            }
        }
    }
}

/// Milliseconds of searches.
pub(super) struct Times {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) min: f64,
}

/// Searches twice for nothing and then `runs` times.
pub(super) fn times(runs: u32, search: impl Fn() -> Result<Vec<Vec<Hit>>>) -> Result<Times> {
    for _ in 0..runs.min(2) {
        search()?;
    }
    let mut all = Vec::with_capacity(runs as usize);
    for _ in 0..runs {
        let start = Instant::now();
        search()?;
        all.push(milliseconds(start));
    }
    all.sort_by(f64::total_cmp);
    Ok(Times { p50: percentile(&all, 0.5), p95: percentile(&all, 0.95), min: all.first().copied().unwrap_or(0.0) })
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let (rows, dim, k) = (u64::from(args.rows), args.dim as usize, args.k as usize);
    let (storage, name, bytes_each) = args.storage.storage();
    let gpus = open_gpus(global, ui)?;
    if args.ivf.is_asked() && (gpus.len() > 1 || args.place.device_bytes.is_some()) {
        let text = "An inverted file lies in the memory of one adapter. Leave out --devices and --device-bytes, or --ivf.";
        return Err(Error::Caller(text.to_owned()).into());
    }
    let options = IndexOptions { device_bytes: args.place.device_bytes, ..IndexOptions::new(storage, Metric::Cosine) };
    let content = Content { dimension: dim as u64, people: args.people };
    let index = GalleryIndex::over(&gpus, dim, &options)?;
    let start = Instant::now();
    index.reserve(rows as usize)?;
    let step = (4_000_000 / dim as u64).max(1);
    let mut progress = ui.progress(args.rows as usize, "rows");
    for first in (0..rows).step_by(step as usize) {
        let ids: Vec<u64> = (first..(first + step).min(rows)).collect();
        index.add(&ids, &vec![0; ids.len()], &content.vectors(first..first + ids.len() as u64))?;
        progress.advance(ids.len());
    }
    progress.finish();
    let fill_ms = milliseconds(start);
    // Behind the rows, so that no probe is one of them.
    let probes = content.vectors(rows..rows + u64::from(args.batch));
    let search = || index.search(&probes, k, &SearchOptions::default());
    let start = Instant::now();
    search()?;
    let first_ms = milliseconds(start);
    if args.paced {
        return paced(ui, search);
    }
    let exact = times(args.runs, search)?;
    let setting = Setting { content, rows, batch: args.batch, k, runs: args.runs, options: &options };
    let ivf = args.ivf.measure(&gpus[0], &index, &setting)?;
    let Times { p50, p95, min } = exact;
    let seconds = (p50 / 1e3).max(1e-9);
    let compared = rows as f64 * f64::from(args.batch) / seconds;
    let gbps = rows as f64 * dim as f64 * bytes_each / seconds / 1e9;
    if ui.json {
        let mut report = json!({
            "p50_ms": p50, "p95_ms": p95, "min_ms": min, "first_search_ms": first_ms, "fill_ms": fill_ms,
            "rows_per_second": rows as f64 / seconds, "comparisons_per_second": compared, "gb_per_second": gbps,
            "gflops": 2.0 * compared * dim as f64 / 1e9, "rows": rows, "dimension": dim, "k": k, "batch": args.batch, "storage": name,
            "shards": index.shards(), "passing_shards": index.passing_shards(), "runs": args.runs, "people": args.people,
            "adapter": gpus[0].adapter(), "adapters": gpus.iter().map(Gpu::adapter).collect::<Vec<_>>(),
        });
        if let Some(ivf) = &ivf {
            report["ivf"] = ivf.json();
        }
        ui.json(&report)?;
    } else {
        ui.line(&format!(
            "{rows} rows x {dim}, {name}, {} probes, k {k}, on {}",
            args.batch,
            gpus.iter().map(adapter_line).collect::<Vec<_>>().join(" and ")
        ))?;
        ui.line(&format!("  p50 {p50:.2} ms, p95 {p95:.2} ms over {} searches", args.runs))?;
        ui.line(&format!("  {:.1} M comparisons/s, {gbps:.1} GB/s of the gallery once a search", compared / 1e6))?;
        ui.line(&format!(
            "  filled in {fill_ms:.0} ms, first search {first_ms:.1} ms, {} shards, {} of them passing by",
            index.shards(),
            index.passing_shards()
        ))?;
        if let Some(ivf) = &ivf {
            ivf.print(ui, k, &exact)?;
        }
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
