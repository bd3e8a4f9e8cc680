//! Enrols a folder (`person/picture.jpg`, aligned crops) in a gallery and searches it for whoever is in another picture.
//!
//! ```text
//! cargo run --release --example search_folder -- GALLERY FOLDER PICTURE
//! ```

use std::path::PathBuf;

use lookalike::embed::{EmbedOptions, Embedder, Embedding, Fit, Picture, builtin_model};
use lookalike::gallery::{Gallery, GalleryModel, GalleryOptions, NewEntry};
use lookalike::gpu::{Gpu, GpuOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [file, folder, probe] = args.as_slice() else { return Err("Give a gallery, a folder of people, and a picture.".into()) };
    let (gpu, model) = (Gpu::new(&GpuOptions::default())?, builtin_model()?);
    let embedder = Embedder::new(&gpu, &model, &EmbedOptions { fit: Fit::Aligned, ..EmbedOptions::default() })?;
    let mut gallery = if file.exists() { Gallery::open(file)? } else { Gallery::create(file, &GalleryOptions::default())? };
    gallery.bind(&GalleryModel::new(&model, None))?;

    for person in std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?.iter().filter(|p| p.path().is_dir()) {
        let label = person.file_name().to_string_lossy().into_owned();
        for picture in std::fs::read_dir(person.path())? {
            let path = picture?.path();
            let (source, vector) = (path.display().to_string(), embedder.embed(&[Picture::open(&path)?])?.remove(0));
            gallery.add(&NewEntry { label: &label, source: &source, vector: &vector, ..NewEntry::default() })?;
        }
    }
    let query = embedder.embed(&[Picture::open(probe)?])?.remove(0);
    let mut found =
        gallery.entries()?.map(|e| e.map(|e| (Embedding(e.vector).cosine(&query), e.label, e.source))).collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.iter().take(5).for_each(|(score, label, source)| println!("{score:.3}  {label}  {source}"));
    Ok(())
}
