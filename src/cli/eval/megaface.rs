//! The MegaFace challenge on given lists.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use lookalike::eval::{MegaFaceOptions, megaface};
use lookalike::{Error, Result};
use serde_json::json;

use super::embeddings::Embedded;
use super::identification::Rows;
use super::judge::{rate_json, rate_line};
use super::lists::{People, Role};
use super::report::{Report, Section};
use super::{Args, Verdict, plots};
use crate::cli::args::GlobalArgs;
use crate::cli::ui::{Outcome, Ui};

pub(super) fn run(global: &GlobalArgs, ui: &Ui, args: &Args, root: &Path) -> Outcome<Verdict> {
    let mut list = People::read(&args.list, root, &[Role::Probe, Role::Distractor])?;
    let noisy = match &args.noisy {
        Some(path) => noisy_files(path, root)?,
        None => HashSet::new(),
    };
    let wrong: Vec<bool> = list.files.iter().map(|f| noisy.contains(f)).collect();
    list.entries.retain(|&(file, _, role)| role == Role::Probe || !wrong[file]);
    let embedded = Embedded::new(global, ui, args, root, &list.files)?;
    let (dimension, similarity) = (embedded.dimension()?, embedded.similarity());
    let mut probes = Rows::of(&list, &embedded.of, Role::Probe);
    let replaced = mend(&mut probes, &wrong, dimension);
    let distractors = Rows::of(&list, &embedded.of, Role::Distractor);
    let options = MegaFaceOptions { sizes: args.distractors.clone(), ranks: args.ranks as usize, fars: args.far.clone() };
    let all = megaface(&embedded.gpu, dimension, &embedded.scoring()?, probes.labelled(), &distractors.vectors, &options)?;
    let mut sections = vec![Section {
        lines: vec![
            format!(
                "probes              {} pictures of {} people; {replaced} noisy ones replaced",
                probes.labels.len(),
                probes.labels.iter().collect::<HashSet<_>>().len()
            ),
            format!(
                "distractors         {} without noisy ones; {} pictures gave no embedding",
                distractors.labels.len(),
                embedded.dropped.len()
            ),
        ],
        ..Section::default()
    }];
    for outcome in &all {
        let pairs = format!("{} pairs of a probe and a distractor", probes.labels.len() * outcome.distractors);
        let mut lines = vec![format!("rank-1              {:.2} %", 100.0 * outcome.identification.rank1())];
        lines.extend(outcome.rates.iter().map(|r| rate_line(r, similarity, &pairs)));
        sections.push(Section { heading: format!("{} distractors", outcome.distractors), lines, ..Section::default() });
    }
    let points: Vec<_> = all.iter().map(|o| (o.distractors as f64, o.identification.rank1())).collect();
    if let (Some(section), Some(largest)) = (sections.last_mut(), all.last()) {
        let cmc = largest.identification.cmc((args.ranks as usize).min(largest.distractors));
        section.plots = vec![plots::crowd(embedded.name(), &points)?, plots::cmc(embedded.name(), &cmc)?];
    }
    let outcomes: Vec<_> = all
        .iter()
        .map(|o| {
            let rates: Vec<_> = o.rates.iter().map(|r| rate_json(r, similarity)).collect();
            let cmc = o.identification.cmc((args.ranks as usize).min(o.distractors));
            json!({ "distractors": o.distractors, "rank1": o.identification.rank1(), "cmc": cmc, "tar_at_far": rates })
        })
        .collect();
    let json = json!({
        "model": embedded.name(), "metric": similarity.name(), "probes": probes.labels.len(), "replaced_probes": replaced,
        "distractors": distractors.labels.len(), "sizes": outcomes, "dropped_pictures": embedded.dropped,
    });
    let title = format!("MegaFace: {}", embedded.name());
    Ok(Verdict { report: Report { title, sections, dropped: embedded.dropped }, json })
}

/// The files of a list of wrong ones.
fn noisy_files(path: &Path, root: &Path) -> Result<HashSet<PathBuf>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("Reading", path, e))?;
    Ok(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(|l| root.join(l)).collect())
}

/// Puts the mean of a person's other probes in the place of noisy ones, and says how many those were. Whose probes are all noisy, keeps them.
fn mend(probes: &mut Rows, wrong: &[bool], dimension: usize) -> usize {
    let mut sums: HashMap<u32, (Vec<f64>, f64)> = HashMap::new();
    for (row, (&label, &file)) in probes.labels.iter().zip(&probes.files).enumerate() {
        if !wrong[file] {
            let (sum, n) = sums.entry(label).or_insert_with(|| (vec![0.0; dimension], 0.0));
            let own = &probes.vectors[row * dimension..(row + 1) * dimension];
            sum.iter_mut().zip(own).for_each(|(s, &x)| *s += f64::from(x));
            *n += 1.0;
        }
    }
    let mut replaced = 0;
    for (row, (label, &file)) in probes.labels.iter().zip(&probes.files).enumerate() {
        let Some((sum, n)) = sums.get(label).filter(|_| wrong[file]) else { continue };
        let own = &mut probes.vectors[row * dimension..(row + 1) * dimension];
        own.iter_mut().zip(sum).for_each(|(x, s)| *x = (s / n) as f32);
        replaced += 1;
    }
    replaced
}
