//! `lookalike bench search --ivf`: an inverted file beside the exact search.

use std::collections::HashSet;
use std::time::Instant;

use lookalike::Result;
use lookalike::gallery::index::{GalleryIndex, Hit, IndexOptions, SearchOptions};
use lookalike::gallery::ivf::{IvfIndex, IvfOptions};
use lookalike::gpu::Gpu;
use serde_json::{Value, json};

use super::search::{Content, Times, times};
use crate::cli::bench::milliseconds;
use crate::cli::ui::{Outcome, Ui};

/// Probes whose results are compared, at least.
const COMPARED: u64 = 128;

#[derive(clap::Args)]
pub(super) struct IvfArgs {
    /// Also search approximately, in an inverted file. Default: four times the root of the rows, at most.
    #[arg(long, value_name = "LISTS", num_args = 0..=1, conflicts_with = "paced", value_parser = clap::value_parser!(u32).range(1..=16_000_000))]
    ivf: Option<Option<u32>>,
    /// Lists that a search looks at.
    #[arg(long, value_name = "N,…", value_delimiter = ',', requires = "ivf", default_values_t = [8], value_parser = clap::value_parser!(u32).range(1..))]
    nprobe: Vec<u32>,
}

/// What is measured once.
pub(super) struct Setting<'a> {
    pub(super) content: Content,
    pub(super) rows: u64,
    pub(super) batch: u32,
    pub(super) k: usize,
    pub(super) runs: u32,
    pub(super) options: &'a IndexOptions,
}

/// One number of lists looked at.
struct Line {
    nprobe: u32,
    times: Times,
    recall: f64,
}

/// An inverted file's figures.
pub(super) struct Report {
    lists: usize,
    build_ms: f64,
    lines: Vec<Line>,
}

impl IvfArgs {
    pub(super) fn is_asked(&self) -> bool {
        self.ivf.is_some()
    }

    /// Measures the inverted file of the same rows as `exact`, if it is asked for.
    pub(super) fn measure(&self, gpu: &Gpu, exact: &GalleryIndex, setting: &Setting<'_>) -> Result<Option<Report>> {
        let Some(lists) = self.ivf else { return Ok(None) };
        let options = IvfOptions { index: setting.options.clone(), lists: lists.map(|l| l as usize), ..IvfOptions::default() };
        let (rows, dimension) = (setting.rows, exact.dimension());
        let start = Instant::now();
        let index = {
            let ids: Vec<u64> = (0..rows).collect();
            IvfIndex::build(gpu, dimension, &ids, &vec![0; ids.len()], &setting.content.vectors(0..rows), &options)?
        };
        let build_ms = milliseconds(start);
        let many = setting.content.vectors(rows..rows + COMPARED.max(setting.batch.into()));
        let probes = &many[..setting.batch as usize * dimension];
        let none = SearchOptions::default();
        let wanted = exact.search(&many, setting.k, &none)?;
        let mut lines = Vec::new();
        for &nprobe in &self.nprobe {
            let found = index.search(&many, setting.k, nprobe as usize, &none)?;
            let times = times(setting.runs, || index.search(probes, setting.k, nprobe as usize, &none))?;
            lines.push(Line { nprobe, times, recall: recall(&found, &wanted) });
        }
        Ok(Some(Report { lists: index.lists(), build_ms, lines }))
    }
}

/// The share of the exact results that were found.
fn recall(found: &[Vec<Hit>], wanted: &[Vec<Hit>]) -> f64 {
    let (mut both, mut all) = (0, 0);
    for (found, wanted) in found.iter().zip(wanted) {
        let found: HashSet<u64> = found.iter().map(|h| h.id).collect();
        both += wanted.iter().filter(|h| found.contains(&h.id)).count();
        all += wanted.len();
    }
    f64::from(both as u32) / f64::from(all.max(1) as u32)
}

impl Report {
    pub(super) fn print(&self, ui: &Ui, k: usize, exact: &Times) -> Outcome<()> {
        ui.line(&format!("  inverted file of {} lists, built in {:.0} ms:", self.lists, self.build_ms))?;
        for Line { nprobe, times, recall } in &self.lines {
            let speed = exact.p50 / times.p50.max(1e-9);
            ui.line(&format!(
                "    nprobe {nprobe:>4}: recall@{k} {recall:.4}, p50 {:.2} ms, p95 {:.2} ms, {speed:.1} x as fast",
                times.p50, times.p95
            ))?;
        }
        Ok(())
    }

    pub(super) fn json(&self) -> Value {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|l| json!({ "nprobe": l.nprobe, "recall": l.recall, "p50_ms": l.times.p50, "p95_ms": l.times.p95, "min_ms": l.times.min }))
            .collect();
        json!({ "lists": self.lists, "build_ms": self.build_ms, "searches": lines })
    }
}
