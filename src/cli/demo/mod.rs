//! `lookalike demo`: the whole journey with people who do not exist.

mod draw;
mod measure;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lookalike::embed::{ARCFACE_112, EmbedOptions, Embedder, Embedding, Similarity, align_points, builtin_model};
use lookalike::gpu::Gpu;
use lookalike::graph::{Dim, Graph, Linear, Op};
use lookalike::model::{Description, Model, Precision};
use lookalike::network::{CompileOptions, Network, PictureView};
use lookalike::people::{GeneratedPicture, PeopleDecoder, PeopleModel};
use lookalike::tensor::Tensor;
use lookalike::{Error, Result};
use serde_json::json;

use super::args::GlobalArgs;
use super::context::{adapter_line, open_gpu};
use super::npy::{self, MatrixWriter, NewFile};
use super::ui::{Done, Outcome, Ui};
use measure::{Accuracy, Probe};

/// Pictures decoded and embedded together.
const BATCH: usize = 16;
const SHEET: &str = "lookalike-demo.png";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many people to generate.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    people: u32,
    /// Pictures of each; the first is enrolled, the others are searched.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=100))]
    pictures: u32,
    /// Other people for another number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also write the embeddings, person after person, and the number of each one's person to X.labels.npy: to try `train-head` on.
    #[arg(long, value_name = "X.npy")]
    embeddings: Option<PathBuf>,
    /// The folder for the contact sheet.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Where the time went.
#[derive(Default)]
struct Times {
    compile: Duration,
    sample: Duration,
    embed: Duration,
    search: Duration,
}

/// Everyone's pictures and embeddings, person after person.
struct Crowd {
    pictures: Vec<GeneratedPicture>,
    transforms: Vec<[f32; 6]>,
    embeddings: Vec<Embedding>,
    size: [usize; 2],
    per_person: usize,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io("Creating the folder", &args.out, e))?;
    let path = args.out.join(SHEET);
    // Better to find out now than after the work.
    drop(NewFile::create(&path)?);
    args.embeddings.iter().try_for_each(|path| NewFile::create(path).map(drop))?;
    let model = builtin_model()?;
    let gpu = open_gpu(global, ui)?;
    let mut times = Times::default();
    let crowd = gather(global, ui, args, &gpu, &model, &mut times)?;
    if let Some(path) = &args.embeddings {
        write_embeddings(path, &crowd)?;
    }
    let probes = search(&gpu, &crowd, &mut times)?;
    let accuracy = measure::accuracy(&probes);
    draw::sheet(&crowd, &probes, &accuracy, &gpu.adapter().name)?.save(&path)?;
    let faces = crowd.embeddings.len();
    let rate = faces as f64 / times.embed.as_secs_f64().max(1e-9);
    if ui.json {
        ui.json(&json!({
            "people": args.people, "pictures": faces, "seed": args.seed, "rank1": accuracy.rank1, "auc": accuracy.auc,
            "similarity_same": accuracy.same, "similarity_different": accuracy.different, "faces_per_second": rate,
            "seconds": { "compile": times.compile.as_secs_f64(), "sample": times.sample.as_secs_f64(),
                         "embed": times.embed.as_secs_f64(), "search": times.search.as_secs_f64() },
            "sheet": path.display().to_string(), "precision": global.precision.name(), "adapter": gpu.adapter(),
        }))?;
    } else {
        report(ui, args, &accuracy, &times, faces, rate)?;
        ui.line(&format!("adapter         {}", adapter_line(&gpu)))?;
        ui.line(&format!("contact sheet   {}", path.display()))?;
    }
    Ok(Done::Yes)
}

fn report(ui: &Ui, args: &Args, accuracy: &Accuracy, times: &Times, faces: usize, rate: f64) -> Outcome<()> {
    let Accuracy { rank1, hits, probes, same, different, auc } = accuracy;
    ui.line(&format!("{} generated people, {} pictures each: one enrolled, {probes} searched", args.people, args.pictures))?;
    ui.line(&format!("rank-1          {:.1} % ({hits} of {probes})", 100.0 * rank1))?;
    ui.line(&format!("similarity      same person {same:.3}, different people {different:.3}; AUC {auc:.4}"))?;
    ui.line(&format!("throughput      {rate:.1} faces/s"))?;
    let s = |d: Duration| d.as_secs_f64();
    ui.line(&format!(
        "time            compile {:.2} s, generate {:.2} s, embed {faces} faces {:.2} s, search {:.3} s",
        s(times.compile),
        s(times.sample),
        s(times.embed),
        s(times.search)
    ))
}

/// Generates, aligns and embeds.
fn gather(global: &GlobalArgs, ui: &Ui, args: &Args, gpu: &Gpu, model: &Model, times: &mut Times) -> Outcome<Crowd> {
    let start = Instant::now();
    let decoder = PeopleDecoder::new(gpu, PeopleModel::builtin()?, BATCH)?;
    let options = EmbedOptions { batch: BATCH, precision: Precision::from(global.precision), ..EmbedOptions::default() };
    let embedder = Embedder::new(gpu, model, &options)?;
    decoder.network().warm_up()?;
    embedder.warm_up()?;
    times.compile += start.elapsed();

    let template = model.description.align.as_ref().and_then(align_points).unwrap_or(ARCFACE_112);
    let ids: Vec<(u64, u64)> =
        (0..u64::from(args.people)).flat_map(|person| (1..=u64::from(args.pictures)).map(move |picture| (person, picture))).collect();
    let mut crowd = Crowd {
        pictures: Vec::with_capacity(ids.len()),
        transforms: Vec::with_capacity(ids.len()),
        embeddings: Vec::with_capacity(ids.len()),
        size: embedder.size(),
        per_person: args.pictures as usize,
    };
    let mut progress = ui.progress(ids.len(), "faces");
    for chunk in ids.chunks(BATCH) {
        let start = Instant::now();
        let pictures = decoder.pictures(args.seed, chunk)?;
        times.sample += start.elapsed();
        let transforms = pictures.iter().map(|p| aligned(&p.landmarks, &template)).collect::<Result<Vec<_>>>()?;
        let start = Instant::now();
        let views: Vec<_> = pictures.iter().zip(&transforms).map(|(p, &t)| view(p, t)).collect();
        crowd.embeddings.extend(embedder.embed_views(&views)?);
        times.embed += start.elapsed();
        drop(views);
        crowd.pictures.extend(pictures);
        crowd.transforms.extend(transforms);
        progress.advance(chunk.len());
    }
    progress.finish();
    // Cosines are dot products of unit vectors, whatever the description says about normalisation.
    crowd.embeddings.iter_mut().for_each(Embedding::normalize);
    Ok(crowd)
}

/// Embeddings and labels as arrays.
fn write_embeddings(path: &Path, crowd: &Crowd) -> Result<()> {
    let mut file = MatrixWriter::create(path)?;
    crowd.embeddings.iter().try_for_each(|e| file.row(e))?;
    file.finish()?;
    let labels = (0..crowd.embeddings.len()).map(|i| (i / crowd.per_person) as i64).collect();
    npy::write(&path.with_extension("labels.npy"), &Tensor::indices(labels))
}

/// The transform that puts these landmarks onto the template.
fn aligned(landmarks: &[[f64; 2]; 5], template: &[[f64; 2]; 5]) -> Result<[f32; 6]> {
    let back = Similarity::fit(landmarks, template).and_then(|s| s.inverse());
    back.map(|s| s.transform()).ok_or_else(|| Error::Picture("The landmarks of a generated face coincide. Report this.".to_owned()))
}

fn view(generated: &GeneratedPicture, transform: [f32; 6]) -> PictureView<'_> {
    let p = &generated.picture;
    PictureView { rgb: &p.rgb, width: p.width, height: p.height, transform }
}

/// Scores every picture but the first of each person against the first of everyone, as one linear layer.
fn search(gpu: &Gpu, crowd: &Crowd, times: &mut Times) -> Result<Vec<Probe>> {
    let enrolled: Vec<&Embedding> = crowd.embeddings.iter().step_by(crowd.per_person).collect();
    let searched: Vec<usize> = (0..crowd.embeddings.len()).filter(|i| i % crowd.per_person != 0).collect();
    let start = Instant::now();
    let model = gallery_model(&enrolled)?;
    let options = CompileOptions { batch: searched.len(), precision: Precision::F32, ..CompileOptions::default() };
    let network = Network::compile(gpu, &model, &options)?;
    network.warm_up()?;
    times.compile += start.elapsed();
    let start = Instant::now();
    let rows: Vec<f32> = searched.iter().flat_map(|&i| crowd.embeddings[i].iter().copied()).collect();
    let dimension = enrolled.first().map_or(0, |e| e.len());
    let probes = Tensor::from_f32([searched.len(), dimension], rows).ok_or_else(unequal)?;
    let scores = network.run(&[("probe", &probes)])?.pop().map(|(_, t)| t).ok_or_else(unequal)?;
    times.search += start.elapsed();
    if scores.len() != searched.len() * enrolled.len() {
        return Err(unequal());
    }
    let rows = scores.to_f32();
    let probe = |(&picture, row): (&usize, &[f32])| Probe { picture, person: picture / crowd.per_person, scores: row.to_vec() };
    Ok(searched.iter().zip(rows.chunks_exact(enrolled.len())).map(probe).collect())
}

fn unequal() -> Error {
    Error::Model("The embedder gave embeddings of different lengths. Report this.".to_owned())
}

/// The gallery as the weights of a linear layer: unit vectors in, cosines out.
fn gallery_model(gallery: &[&Embedding]) -> Result<Model> {
    let dimension = gallery.first().map_or(0, |e| e.len());
    let weights = gallery.iter().flat_map(|e| e.iter().copied()).collect();
    let mut graph = Graph::default();
    let x = graph.add_input("probe", vec![Dim::Free("batch".to_owned()), Dim::Fixed(dimension)]);
    let w = graph.add_constant("gallery", Tensor::from_f32([gallery.len(), dimension], weights).ok_or_else(unequal)?);
    let y = graph.add_node("scores", Op::Linear(Linear { bias: false, flatten_order: Vec::new(), epilogue: Default::default() }), &[x, w]);
    graph.outputs.push(y);
    Model::new(&graph, Description { name: "gallery".to_owned(), ..Description::default() })
}
