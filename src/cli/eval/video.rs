//! Pairs of videos.

use std::path::Path;

use lookalike::eval::{VideoJudge, VideoScores};
use serde_json::json;

use super::embeddings::Embedded;
use super::judge::{Judgement, Scored};
use super::lists::Videos;
use super::report::Report;
use super::verification::section;
use super::{Args, Verdict};
use crate::cli::args::GlobalArgs;
use crate::cli::ui::{Outcome, Ui};

/// A way from frames to a score: its key, what it is called, and which score it is.
type Way = (&'static str, &'static str, fn(&VideoScores) -> f64);

const WAYS: [Way; 3] = [
    ("mean_of_pairs", "Mean over all pairs of the first 100 frames", |s| s.mean_of_pairs),
    ("random_pairs", "Mean over 100 pairs of frames drawn by chance", |s| s.random_pairs),
    ("mean_feature", "Means of all frames, compared", |s| s.mean_feature),
];

pub(super) fn run(global: &GlobalArgs, ui: &Ui, args: &Args, root: &Path) -> Outcome<Verdict> {
    let list = Videos::read(&args.list, root)?;
    let frames = list.frames()?;
    let files: Vec<_> = frames.iter().flatten().cloned().collect();
    let embedded = Embedded::new(global, ui, args, root, &files)?;
    let (dimension, similarity) = (embedded.dimension()?, embedded.similarity());
    let mut rest = embedded.of.iter();
    let videos: Vec<Vec<f32>> =
        frames.iter().map(|f| rest.by_ref().take(f.len()).flatten().flat_map(|e| e.0.iter().copied()).collect()).collect();
    let judge = VideoJudge::new(&embedded.gpu, dimension, embedded.scoring()?, 0)?;
    let mut scores: Vec<Option<VideoScores>> = Vec::with_capacity(list.pairs.len());
    for (number, pair) in list.pairs.iter().enumerate() {
        let [a, b] = pair.files.map(|f| &videos[f]);
        scores.push(if a.is_empty() || b.is_empty() { None } else { Some(judge.scores(number, a, b)?) });
    }
    let title = format!("Videos: {}", embedded.name());
    let mut report = Report { title, sections: Vec::new(), dropped: embedded.dropped.clone() };
    let mut json = serde_json::Map::new();
    for (key, heading, of) in WAYS {
        let mut scores = scores.iter();
        let scored = Scored::new(&list.pairs, |_| scores.next().and_then(|s| s.as_ref()).map(of));
        let judged = Judgement::new(embedded.name().to_owned(), similarity, None, scored, embedded.dropped.clone(), args)?;
        let mut part = section(&judged, heading.to_owned())?;
        part.plots.iter_mut().for_each(|p| p.name = format!("{key}-{}", p.name));
        report.sections.push(part);
        json.insert(key.to_owned(), judged.json());
    }
    json.insert("videos".to_owned(), json!(videos.len()));
    json.insert("frames".to_owned(), json!(files.len()));
    Ok(Verdict { report, json: json.into() })
}
