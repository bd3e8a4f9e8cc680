//! `lookalike zoo show`

use lookalike::model::Similarity;
use lookalike::zoo::{Crop, Entry, Output, Shapes, find};
use serde_json::json;

use super::{describe, list};
use crate::cli::info::print_layers;
use crate::cli::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The network, as `zoo list` calls it, or another name of it.
    name: String,
}

pub(super) fn run(ui: &Ui, args: &Args) -> Outcome {
    let entry = find(&args.name)?;
    let layers = entry.layers()?;
    if ui.json {
        let mut all = list::as_json(entry);
        if let Some(fields) = all.as_object_mut() {
            fields.insert("layers".to_owned(), json!(layers));
            fields.insert("description".to_owned(), json!(entry.description(&entry.graph(&mut Shapes)?)));
            fields.insert("uncertain".to_owned(), json!(entry.uncertain));
        }
        ui.json(&all)?;
        return Ok(Done::Yes);
    }
    for (what, text) in facts(entry) {
        if !text.is_empty() {
            ui.line(&format!("{what:<12} {text}"))?;
        }
    }
    ui.line("")?;
    print_layers(ui, &layers)?;
    Ok(Done::Yes)
}

fn facts(e: &Entry) -> Vec<(&'static str, String)> {
    let p = &e.paper;
    let mut out = vec![
        ("name", std::iter::once(&e.name).chain(e.aliases).copied().collect::<Vec<_>>().join(", ")),
        ("network", e.title.to_owned()),
        ("paper", format!("{} et al., {}, {}, {}", p.author, p.title, p.venue, p.year)),
        ("reference", e.reference.to_owned()),
        ("licence", e.licence.to_owned()),
        ("input", input(e)),
        ("crop", crop(e)),
        ("output", output(&e.output)),
    ];
    match &e.output {
        Output::Embedding(embedding) => {
            let of = match embedding.similarity {
                Similarity::Cosine => "cosine at least",
                Similarity::Euclidean => "Euclidean distance at most",
                Similarity::JointBayesian => "log-likelihood ratio at least",
                Similarity::ChiSquared => "chi-squared distance at most",
                Similarity::Siamese => "weighted L1 distance at most",
            };
            let threshold = embedding.threshold.map(|t| format!("{of} {t} ({})", embedding.threshold_source));
            out.push(("same person", threshold.unwrap_or_default()));
            out.push(("afterwards", embedding.post.to_owned()));
        }
        Output::Classes(classes) => out.push(("classes", classes.join(", "))),
        _ => {}
    }
    let published = [("parameters", e.published.parameters), ("multiply-adds", e.published.macs), ("LFW %", e.published.lfw)];
    let published: Vec<_> = published.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| format!("{k} {v}")).collect();
    out.extend([("published", published.join(", ")), ("uncertain", e.uncertain.to_owned())]);
    out
}

fn output(output: &Output) -> String {
    match output {
        Output::Embedding(e) => format!("{} numbers", e.length),
        Output::Other(what) => (*what).to_owned(),
        other => describe(other),
    }
}

fn input(e: &Entry) -> String {
    let [height, width] = e.input.size;
    let channels = format!("{:?}", e.input.channels).to_lowercase();
    let free = if e.input.free { " or another size" } else { "" };
    let [mean, scale] =
        [e.input.mean, e.input.scale].map(|v| v[..e.input.depth()].iter().map(f32::to_string).collect::<Vec<_>>().join(", "));
    format!("{channels}, {width}x{height} pixels{free}, (x - [{mean}]) * [{scale}]")
}

fn crop(e: &Entry) -> String {
    match e.align {
        None => String::new(),
        Some(Crop::Box) => "a box around the face".to_owned(),
        Some(Crop::Template(name)) => format!("the template {name}"),
        Some(Crop::Points(points)) => {
            let points: Vec<_> = points.iter().map(|[x, y]| format!("({x}, {y})")).collect();
            format!("five points on {}", points.join(" "))
        }
    }
}
