//! `lookalike zoo list`

use lookalike::zoo::{Entry, networks};
use serde_json::json;

use super::describe;
use crate::cli::table::{Table, grouped};
use crate::cli::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only networks whose name or title contains this.
    filter: Option<String>,
}

pub(super) fn run(ui: &Ui, args: &Args) -> Outcome {
    let wanted = args.filter.as_deref().unwrap_or_default().to_lowercase();
    let entries: Vec<_> = networks().filter(|e| e.name.contains(&wanted) || e.title.to_lowercase().contains(&wanted)).collect();
    if ui.json {
        ui.json(&entries.iter().map(|e| as_json(e)).collect::<Vec<_>>())?;
    } else {
        ui.line(&table(&entries).to_string())?;
    }
    Ok(if entries.is_empty() { Done::No } else { Done::Yes })
}

fn table(entries: &[&Entry]) -> Table {
    let mut table = Table::new(&["name", "network", "year", "input", ">embedding", ">parameters", ">multiply-adds", ">LFW %"]);
    for e in entries {
        let [height, width] = e.input.size;
        let input = format!("{}x{height}x{width}", e.input.depth());
        let (parameters, macs) = (grouped(e.counts.parameters), grouped(e.counts.macs));
        let lfw = e.published.lfw.to_owned();
        table.row([e.name.to_owned(), e.title.to_owned(), e.paper.year.to_string(), input, describe(&e.output), parameters, macs, lfw]);
    }
    table
}

/// What both `list` and `show` say of a network.
pub(super) fn as_json(e: &Entry) -> serde_json::Value {
    let [height, width] = e.input.size;
    json!({
        "name": e.name, "aliases": e.aliases, "title": e.title, "paper": e.paper.title, "author": e.paper.author, "year": e.paper.year,
        "venue": e.paper.venue, "reference": e.reference, "licence": e.licence,
        "input": [e.input.depth(), height, width], "free_size": e.input.free, "embedding": e.embedding(), "output": describe(&e.output),
        "parameters": e.counts.parameters, "macs": e.counts.macs,
        "published": { "parameters": e.published.parameters, "macs": e.published.macs, "lfw": e.published.lfw },
    })
}
