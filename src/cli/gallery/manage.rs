//! Everything about a gallery that needs no pictures.

use std::path::Path;

use lookalike::Error;
use lookalike::gallery::{Check, Entry, Faces, Gallery, GalleryModel, GalleryOptions};
use lookalike::model::{Flip, Precision};
use serde_json::json;

use super::{CreateArgs, ListArgs, RemoveArgs, RenameArgs, counted};
use crate::cli::args::GlobalArgs;
use crate::cli::context::load_model;
use crate::cli::table::{Table, bytes, grouped};
use crate::cli::ui::{Done, Outcome, Ui};

pub(super) fn create(global: &GlobalArgs, ui: &Ui, args: &CreateArgs) -> Outcome {
    let model = match &args.model {
        Some(path) => Some(GalleryModel::new(&load_model(path, &args.describe)?, args.flip.map(Flip::from))),
        None => None,
    };
    let options = GalleryOptions { model, dimension: args.dimension, precision: Precision::from(global.precision) };
    let gallery = Gallery::create(&args.gallery, &options)?;
    let whose = gallery.model().map_or("the first model that adds to it".to_owned(), |m| format!("`{}`", m.name));
    if ui.json {
        ui.json(&json!({
            "gallery": args.gallery, "model_digest": gallery.model_digest(), "dimension": gallery.dimension(), "precision": gallery.precision(),
        }))?;
    }
    ui.say_plain(&format!("created {} for embeddings of {whose}, stored as {}", args.gallery.display(), global.precision.name()));
    Ok(Done::Yes)
}

pub(super) fn remove(ui: &Ui, args: &RemoveArgs) -> Outcome {
    let ids = args.id.iter().map(|&id| Faces::Id(id));
    let people = args.labels.iter().map(|l| Faces::Person(l));
    let which: Vec<_> = ids.chain(people).chain(args.source.iter().map(|s| Faces::Source(s))).collect();
    let removed = Gallery::open(&args.gallery)?.remove(&which)?;
    if ui.json {
        ui.json(&json!({ "removed": removed }))?;
    }
    ui.say_plain(&format!("removed {}", counted(removed, "face", "faces")));
    Ok(Done::Yes)
}

pub(super) fn rename(ui: &Ui, args: &RenameArgs) -> Outcome {
    let faces = Gallery::open(&args.gallery)?.rename(&args.from, &args.to, args.merge)?;
    if ui.json {
        ui.json(&json!({ "faces": faces }))?;
    }
    ui.say_plain(&format!("`{}` is now `{}` ({})", args.from, args.to, counted(faces, "face", "faces")));
    Ok(Done::Yes)
}

/// A face in JSON.
pub(super) fn entry_json(e: &Entry) -> serde_json::Value {
    let digest = e.picture_digest.map(|d| d.iter().map(|b| format!("{b:02x}")).collect::<String>());
    json!({
        "id": e.id, "label": e.label, "source": e.source, "face": e.face, "quality": e.quality, "box": e.bounds,
        "picture_sha256": digest, "added": e.added,
    })
}

pub(super) fn list(ui: &Ui, args: &ListArgs) -> Outcome {
    let gallery = Gallery::open_read_only(&args.gallery)?;
    if args.people {
        let people = gallery.people()?;
        if ui.json {
            let people: Vec<_> = people.iter().map(|p| json!({ "id": p.id, "label": p.label, "faces": p.faces })).collect();
            ui.json(&people)?;
            return Ok(Done::Yes);
        }
        let mut table = Table::new(&["label", ">faces"]);
        people.iter().for_each(|p| table.row([p.label.clone(), grouped(p.faces)]));
        ui.line(&table.to_string())?;
        return Ok(Done::Yes);
    }
    if ui.json {
        // One at a time: a gallery may be larger than the memory.
        let mut between = "[";
        for entry in gallery.entries()? {
            ui.record(&format!("{between}{}", entry_json(&entry?)))?;
            between = ",";
        }
        ui.record(if between == "[" { "[]" } else { "]" })?;
        return Ok(Done::Yes);
    }
    for entry in gallery.entries()? {
        let e = entry?;
        ui.line(&format!("{}\t{}\t{}", e.id, e.label, e.source))?;
    }
    Ok(Done::Yes)
}

pub(super) fn stats(ui: &Ui, path: &Path) -> Outcome {
    let gallery = Gallery::open_read_only(path)?;
    let stats = gallery.stats()?;
    let model = gallery.model();
    if ui.json {
        ui.json(&json!({
            "people": stats.people, "pictures": stats.pictures, "faces": stats.faces, "dimension": gallery.dimension(),
            "precision": gallery.precision(), "similarity": gallery.similarity(), "threshold": gallery.threshold(),
            "model": model.map(|m| &m.name), "model_digest": model.map(|m| &m.digest),
            "preprocessing_digest": model.map(|m| &m.preprocessing_digest),
            "bytes": stats.bytes, "schema": stats.schema, "created": stats.created,
        }))?;
        return Ok(Done::Yes);
    }
    let mut table = Table::new(&["people", &grouped(stats.people)]);
    table.row(["pictures", &grouped(stats.pictures)]);
    table.row(["faces", &grouped(stats.faces)]);
    let stored = if gallery.precision() == Precision::F16 { "f16" } else { "f32" };
    table.row(["embedding", &gallery.dimension().map_or("none yet".to_owned(), |d| format!("{d} numbers, stored as {stored}"))]);
    let compared = gallery.similarity().name();
    table.row(["compared by", &gallery.threshold().map_or(compared.to_owned(), |t| format!("{compared}, threshold {t}"))]);
    table.row(["model", model.map_or("unknown", |m| m.name.as_str())]);
    table.row(["model digest", model.map_or("-", |m| m.digest.as_str())]);
    table.row(["preprocessing", model.map_or("-", |m| m.preprocessing_digest.as_str())]);
    table.row(["size", &bytes(stats.bytes)]);
    ui.line(&table.to_string())?;
    Ok(Done::Yes)
}

pub(super) fn check(ui: &Ui, path: &Path) -> Outcome {
    let found = match Gallery::open_read_only(path).and_then(|g| g.check()) {
        Ok(found) => found,
        // Too damaged to be opened: that is the answer.
        Err(Error::Damaged(problem)) => Check { problems: vec![problem], count: 1, ..Check::default() },
        Err(e) => return Err(e.into()),
    };
    if ui.json {
        let notes = &found.notes;
        ui.json(&json!({ "ok": found.passed(), "faces": found.faces, "count": found.count, "problems": found.problems, "notes": notes }))?;
    } else {
        found.problems.iter().try_for_each(|p| ui.line(p))?;
        if found.count > found.problems.len() {
            ui.line(&format!("… and {} more", found.count - found.problems.len()))?;
        }
        let faces = counted(found.faces, "face", "faces");
        let verdict = if found.passed() { "nothing is wrong".to_owned() } else { counted(found.count, "problem", "problems") };
        ui.line(&format!("{faces} checked: {verdict}"))?;
    }
    found.notes.iter().for_each(|n| ui.note(n));
    Ok(if found.passed() { Done::Yes } else { Done::No })
}

pub(super) fn compact(ui: &Ui, path: &Path) -> Outcome {
    let (before, after) = Gallery::open(path)?.compact()?;
    if ui.json {
        ui.json(&json!({ "bytes_before": before, "bytes": after }))?;
    }
    ui.say_plain(&format!("{}: {} before, {} now", path.display(), bytes(before), bytes(after)));
    Ok(Done::Yes)
}
