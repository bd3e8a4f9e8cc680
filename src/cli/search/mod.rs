//! `lookalike search`: whom a face resembles.

mod draw;
mod html;
mod queries;
mod rank;
mod thumbnail;

use std::path::PathBuf;

use lookalike::gallery::index::PerLabel;
use lookalike::gallery::{Entry, Gallery};
use lookalike::model::Similarity;
use lookalike::{Error, Result};
use serde_json::{Value, json};

use super::args::{GalleryPlaceArgs, GlobalArgs};
use super::context::open_gpus;
use super::recogniser::RecogniserArgs;
use super::ui::{Done, Outcome, Ui};
use queries::Query;
use rank::RankOptions;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The gallery's file.
    gallery: PathBuf,
    /// Pictures, folders of pictures, or .npy arrays of embeddings ([d] or [n, d]).
    #[arg(required = true, value_name = "IMAGE|Q.npy")]
    queries: Vec<PathBuf>,
    /// How many faces to show for each query.
    #[arg(short = 'k', long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    top: u32,
    /// Show only faces at least this similar (for distances: at most this far). Default: all, marked by the model's threshold.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// Show every person once, with the best face, by the score of that face, by the mean of the scores of all faces, or by the score of
    /// the mean of all embeddings.
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, default_missing_value = "best")]
    per_person: Option<PerPerson>,
    /// Draw queries and hits as a picture.
    #[arg(long, value_name = "OUT.png")]
    picture: Option<PathBuf>,
    /// Write queries and hits as a page that holds its pictures itself.
    #[arg(long, value_name = "OUT.html")]
    html: Option<PathBuf>,
    #[command(flatten)]
    recogniser: RecogniserArgs,
    #[command(flatten)]
    place: GalleryPlaceArgs,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum PerPerson {
    /// The score of the best face.
    Best,
    /// The mean of the scores of all faces.
    Mean,
    /// The score of the mean of all embeddings.
    Template,
}

/// A face of the gallery that resembles a query.
struct Match {
    entry: Entry,
    /// A similarity, or minus a distance: more is more alike.
    score: f32,
    /// Whether it is the same person, by the threshold; without one nobody can say.
    same: Option<bool>,
}

/// A query with what was found.
struct Answer {
    query: Query,
    matches: Vec<Match>,
}

/// How scores of a gallery are read.
#[derive(Clone, Copy)]
struct Scale {
    similarity: Similarity,
    /// As scores: more is more alike.
    threshold: Option<f32>,
}

impl Scale {
    fn new(similarity: Similarity, threshold: Option<f32>) -> Self {
        let threshold = threshold.map(|t| if similarity.is_distance() { -t } else { t });
        Self { similarity, threshold }
    }

    /// The score for people.
    fn show(self, score: f32) -> String {
        match self.similarity {
            Similarity::Cosine => format!("{score:.3}"),
            Similarity::JointBayesian => format!("log-likelihood ratio {score:.3}"),
            _ => format!("distance {:.3}", -score),
        }
    }
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let gallery = Gallery::open_read_only(&args.gallery)?;
    let pictured = args.picture.is_some() || args.html.is_some();
    let gpus = open_gpus(global, ui)?;
    let queries = queries::read(global, ui, &gpus[0], &gallery, &args.queries, &args.recogniser, pictured)?;
    let scale = Scale::new(gallery.similarity(), args.threshold.or(gallery.threshold()));
    let per_label = args.per_person.map(|how| match how {
        PerPerson::Best => PerLabel::Best,
        PerPerson::Mean => PerLabel::Mean,
        PerPerson::Template => PerLabel::Template,
    });
    let options = RankOptions { scoring: gallery.scoring()?, per_label, device_bytes: args.place.device_bytes };
    let probes: Vec<&[f32]> = queries.iter().map(|q| q.vector.as_slice()).collect();
    let hits = rank::rank(&gpus, &gallery, &probes, args.top as usize, &options)?;
    let mut answers = Vec::with_capacity(queries.len());
    for (query, hits) in queries.into_iter().zip(hits) {
        let mut matches = Vec::with_capacity(hits.len());
        for hit in hits {
            let same = scale.threshold.map(|t| hit.score >= t);
            if args.threshold.is_some() && same == Some(false) {
                continue;
            }
            // One that was removed since is no hit.
            if let Some(entry) = gallery.entry(hit.id)? {
                matches.push(Match { entry, score: hit.score, same });
            }
        }
        answers.push(Answer { query, matches });
    }
    if let Some(path) = &args.picture {
        draw::sheet(&answers, scale, args.top as usize)?.save(path)?;
    }
    if let Some(path) = &args.html {
        html::write(path, &answers, scale, &gallery)?;
    }
    print(ui, &answers, scale)?;
    let anybody = answers.iter().flat_map(|a| &a.matches).any(|m| m.same != Some(false));
    Ok(if anybody { Done::Yes } else { Done::No })
}

fn print(ui: &Ui, answers: &[Answer], scale: Scale) -> Outcome<()> {
    if ui.json {
        let all: Vec<_> = answers.iter().map(|a| answer_json(a, scale)).collect();
        return ui.json(&all);
    }
    for answer in answers {
        ui.line(&answer.query.name())?;
        if answer.matches.is_empty() {
            ui.line("  nobody")?;
        }
        for (i, m) in answer.matches.iter().enumerate() {
            let verdict = match m.same {
                Some(true) => "same person",
                Some(false) => "somebody else",
                None => "",
            };
            let Entry { id, label, source, .. } = &m.entry;
            ui.line(format!("  {:>2}  {}  {label}  (face {id}, {source})  {verdict}", i + 1, scale.show(m.score)).trim_end())?;
        }
    }
    Ok(())
}

fn answer_json(answer: &Answer, scale: Scale) -> Value {
    let hits: Vec<_> = answer
        .matches
        .iter()
        .map(|m| {
            let mut hit = json!({
                "id": m.entry.id, "label": m.entry.label, "score": number(m.score), "source": m.entry.source, "face": m.entry.face, "match": m.same,
            });
            if scale.similarity.is_distance() {
                hit["distance"] = number(-m.score);
            }
            hit
        })
        .collect();
    let mut out = json!({ "query": answer.query.source, "hits": hits });
    if let Some(row) = answer.query.row {
        out["row"] = json!(row);
    }
    out
}

/// A score with the digits that an f32 has.
fn number(x: f32) -> Value {
    x.to_string().parse::<serde_json::Number>().map_or(Value::Null, Value::Number)
}

/// Refuses queries of another length than the gallery's embeddings.
fn check_dimension(gallery: &Gallery, source: &str, n: usize) -> Result<()> {
    match gallery.dimension() {
        Some(d) if d != n => Err(Error::Caller(format!(
            "The query `{source}` has {n} numbers, but the gallery {} holds embeddings of {d}. Use the model that the gallery was made with.",
            gallery.path().display()
        ))),
        _ => Ok(()),
    }
}
