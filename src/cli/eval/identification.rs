//! People searched in a gallery.

use std::path::Path;

use lookalike::embed::Embedding;
use lookalike::eval::{Identification, Labelled};
use serde_json::json;

use super::embeddings::Embedded;
use super::lists::{People, Role};
use super::report::{Report, Section};
use super::{Args, Verdict, plots, sign};
use crate::cli::args::GlobalArgs;
use crate::cli::ui::{Outcome, Ui};

/// Points of the open-set curve.
const POINTS: i32 = 60;

pub(super) fn run(global: &GlobalArgs, ui: &Ui, args: &Args, root: &Path) -> Outcome<Verdict> {
    let list = People::read(&args.list, root, &[Role::Gallery, Role::Probe])?;
    let embedded = Embedded::new(global, ui, args, root, &list.files)?;
    let (dimension, similarity) = (embedded.dimension()?, embedded.similarity());
    let side = |role| Rows::of(&list, &embedded.of, role);
    let (gallery, probes) = (side(Role::Gallery), side(Role::Probe));
    let ranks = args.ranks as usize;
    let found = Identification::search(&embedded.gpu, dimension, &embedded.scoring()?, gallery.labelled(), probes.labelled(), ranks)?;
    let people = gallery.labels.iter().collect::<std::collections::HashSet<_>>().len();
    let (mated, strangers) = found.probes();
    let cmc = found.cmc(ranks.min(people));
    let mut lines = vec![
        format!("gallery             {people} people, {} pictures", gallery.labels.len()),
        format!(
            "probes              {mated} of people in it, {strangers} of others; {} pictures gave no embedding",
            embedded.dropped.len()
        ),
        format!("rank-1              {:.2} %", 100.0 * found.rank1()),
    ];
    lines.extend([5, 10, 20, 50, 100].iter().filter(|&&k| k <= cmc.len()).map(|&k| format!("rank-{k:<15}{:.2} %", 100.0 * cmc[k - 1])));
    let points: Vec<_> = if strangers > 0 { args.fpir.iter().map(|&fpir| found.dir(fpir, 1)).collect() } else { Vec::new() };
    lines.extend(points.iter().map(|d| match d.measurable {
        true => format!("DIR at FPIR {:<8}{:.2} % (threshold {:.4})", d.fpir, 100.0 * d.dir, sign(similarity) * d.threshold),
        false => format!("DIR at FPIR {:<8}not measurable with {strangers} probes of strangers", d.fpir),
    }));
    let mut drawn = vec![plots::cmc(embedded.name(), &cmc)?];
    if strangers > 0 {
        let least = (1.0 / strangers as f64).min(0.5);
        let curve: Vec<_> =
            (0..=POINTS).map(|i| least.powf(1.0 - f64::from(i) / f64::from(POINTS))).map(|fpir| (fpir, found.dir(fpir, 1).dir)).collect();
        drawn.push(plots::open_set(embedded.name(), &curve)?);
    }
    let open_set: Vec<_> = points
        .iter()
        .map(|d| {
            json!({ "fpir": d.fpir, "rank": d.rank, "dir": d.measurable.then_some(d.dir),
                    "threshold": d.measurable.then_some(sign(similarity) * d.threshold), "measurable": d.measurable })
        })
        .collect();
    let json = json!({
        "model": embedded.name(), "metric": similarity.name(), "people": people, "gallery": gallery.labels.len(), "mated_probes": mated,
        "strangers": strangers, "rank1": found.rank1(), "cmc": cmc, "open_set": open_set, "dropped_pictures": embedded.dropped,
    });
    let title = format!("Identification: {}", embedded.name());
    let section = Section { lines, plots: drawn, ..Section::default() };
    Ok(Verdict { report: Report { title, sections: vec![section], dropped: embedded.dropped }, json })
}

/// Embeddings and people of one role.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) vectors: Vec<f32>,
    pub(super) labels: Vec<u32>,
    /// Places among the files.
    pub(super) files: Vec<usize>,
}

impl Rows {
    /// Those that have an embedding.
    pub(super) fn of(list: &People, embeddings: &[Option<Embedding>], role: Role) -> Self {
        let mut out = Self::default();
        for &(file, label, _) in list.entries.iter().filter(|e| e.2 == role) {
            if let Some(embedding) = &embeddings[file] {
                out.vectors.extend_from_slice(embedding);
                out.labels.push(label);
                out.files.push(file);
            }
        }
        out
    }

    pub(super) fn labelled(&self) -> Labelled<'_> {
        Labelled { vectors: &self.vectors, labels: &self.labels }
    }
}
