//! Pictures of a folder, and those that are added to it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lookalike::Error;
use lookalike::embed::{FaceEmbedder, Picture};
use lookalike::gpu::Gpu;
use serde_json::json;

use super::people::People;
use crate::cli::faces::{number, record, upload};
use crate::cli::pictures::list_if_any;
use crate::cli::ui::{Done, Outcome, Ui};

/// Between two looks at the folder.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks at every picture once, again when its file changes. A file still being written is left for the next look.
pub(super) fn watch(ui: &Ui, gpu: &Gpu, embedder: &FaceEmbedder, mut people: People, folder: &Path, once: bool) -> Outcome {
    let mut known: HashMap<PathBuf, SystemTime> = HashMap::new();
    loop {
        for path in list_if_any(&[folder.to_owned()])? {
            let Ok(changed) = std::fs::metadata(&path).and_then(|m| m.modified()) else { continue };
            let settled = once || changed.elapsed().map_or(true, |age| age >= PAUSE);
            if settled && known.get(&path) != Some(&changed) {
                known.insert(path.clone(), changed);
                look(ui, gpu, embedder, &mut people, &path)?;
            }
        }
        if once {
            ui.say_plain(&format!("{} pictures, {} people", known.len(), people.len()));
            return Ok(Done::Yes);
        }
        std::thread::sleep(PAUSE);
    }
}

fn look(ui: &Ui, gpu: &Gpu, embedder: &FaceEmbedder, people: &mut People, path: &Path) -> Outcome<()> {
    let photo = match Picture::open(path).and_then(|p| upload(gpu, &p)) {
        Ok(photo) => photo,
        Err(e @ (Error::DeviceLost(_) | Error::Device(_))) => return Err(e.into()),
        Err(e) => {
            ui.skipped(&e.to_string());
            return Ok(());
        }
    };
    let found = embedder.embed(&[photo])?.pop().unwrap_or_default();
    let faces: Vec<_> = found
        .faces
        .iter()
        .map(|f| {
            let (person, similarity) = people.who(&f.embedding);
            let mut face = record(f);
            face["person"] = json!(person);
            face["similarity"] = similarity.map_or(serde_json::Value::Null, number);
            face
        })
        .collect();
    ui.record(&json!({ "image": path.display().to_string(), "faces": faces }).to_string())
}
