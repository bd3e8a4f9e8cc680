//! Embeds every picture of a folder and prints, for each, the picture it resembles most.
//!
//! ```text
//! cargo run --release --example embed_folder -- FOLDER [MODEL]
//! ```
//!
//! The pictures are face crops that are aligned already. Without MODEL (an .onnx or a model file) the built-in embedder is used.

use std::error::Error;
use std::path::{Path, PathBuf};

use lookalike::embed::{EmbedOptions, Embedder, Embedding, Fit, Picture, builtin_model};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::import::Limits;
use lookalike::model::Model;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let folder = args.next().map(PathBuf::from).ok_or("Give a folder of aligned face crops.")?;
    let model = match args.next() {
        Some(path) => Model::load(Path::new(&path), &Limits::default())?,
        None => builtin_model()?,
    };
    let gpu = Gpu::new(&GpuOptions::default())?;
    let embedder = Embedder::new(&gpu, &model, &EmbedOptions { fit: Fit::Aligned, ..EmbedOptions::default() })?;

    let (names, pictures) = read(&folder)?;
    let mut embeddings = embedder.embed(&pictures)?;
    // A description may ask for raw embeddings; cosines want unit length.
    embeddings.iter_mut().for_each(Embedding::normalize);
    for (i, name) in names.iter().enumerate() {
        let others = (0..names.len()).filter(|&j| j != i).map(|j| (embeddings[i].cosine(&embeddings[j]), &names[j]));
        if let Some((cosine, nearest)) = others.max_by(|a, b| a.0.total_cmp(&b.0)) {
            println!("{name}  {nearest}  {cosine:.3}");
        }
    }
    Ok(())
}

/// Names and pixels of the files that are pictures, in order of their names.
fn read(folder: &Path) -> Result<(Vec<String>, Vec<Picture>), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.retain(|p| p.is_file());
    paths.sort();
    let (mut names, mut pictures) = (Vec::new(), Vec::new());
    for path in paths {
        match Picture::open(&path) {
            Ok(picture) => {
                names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
                pictures.push(picture);
            }
            Err(e) => eprintln!("skipped: {e}"),
        }
    }
    Ok((names, pictures))
}
