//! `lookalike fit`

mod learn;

use std::path::PathBuf;

use lookalike::eval::Separation;
use lookalike::model::{Model, Normalize, Precision};
use lookalike::score::Samples;
use lookalike::{Error, Result};
use serde_json::json;

use super::args::{DescribeArg, GlobalArgs};
use super::context::model_or_builtin;
use super::eval::threshold_at;
use super::ui::{Done, Outcome, Ui};
use super::{convert, labels, npy};
use learn::Learned;

/// Pairs of one person, and of two, that a threshold is picked on.
const PAIRS: usize = 200_000;

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Principal components, compared by cosine; --whiten gives all of them the same variance.
    Pca,
    /// Joint Bayesian: the log-likelihood ratio of one person against two.
    JointBayesian,
    /// DeepFace's weighted chi-squared distance, for networks that end in a ReLU.
    ChiSquared,
    /// DeepFace's Siamese top: a weighted L1 distance.
    Siamese,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// Expectation maximisation.
    #[default]
    Full,
    /// As published, from the means of the posterior alone.
    Published,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is learned.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Embeddings of the model, one a row, as `embed -o` writes them.
    #[arg(long, value_name = "X.npy")]
    embeddings: PathBuf,
    /// Who is who: an .npy of whole numbers, or a .csv with a column `label`, or as `embed` writes it, where the folder of each `source` is a
    /// person. PCA does without.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The model that made the embeddings. Default: the built-in embedder.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    describe: DescribeArg,
    /// Keep this many principal components: of PCA, or before Joint Bayesian. Default: all numbers of an embedding.
    #[arg(long, value_name = "D")]
    dimension: Option<usize>,
    /// Divide every principal component by its standard deviation (--kind pca).
    #[arg(long)]
    whiten: bool,
    /// Iterations of Joint Bayesian. Default: 20.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    iterations: Option<u32>,
    /// How Joint Bayesian estimates its covariances. Default: full.
    #[arg(long, value_enum)]
    method: Option<Method>,
    /// Picks the threshold of this false accept rate on pairs of the embeddings. Default: where the score itself decides; none for PCA.
    #[arg(long, value_name = "FAR", value_parser = rate)]
    far: Option<f64>,
    /// The model file to write.
    #[arg(short, long, value_name = "OUT.safetensors")]
    output: PathBuf,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|v| *v > 0.0 && *v <= 1.0).ok_or_else(|| format!("`{text}` is not a rate above 0 and up to 1"))
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    convert::check_output(&args.output)?;
    check(args)?;
    let model = model_or_builtin(args.model.as_deref(), &args.describe)?;
    let (samples, labelled) = read(args, &model)?;
    let mut learned = learn::learn(args, &model, &samples)?;
    // Nothing in the graph would notice factors of another length.
    if learned.model.embedding_size().is_some_and(|n| n != learned.rows.dimension()) {
        return Err(other_model(args, &model, &samples).into());
    }
    let found = if labelled { Some(separate(&learned)?) } else { None };
    if let (Some(far), Some((separation, _))) = (args.far, &found) {
        learned.threshold = Some(threshold_at(separation, far, learned.scoring.similarity())?);
    }
    let mut description = learned.model.description.clone();
    description.embedding.get_or_insert_with(Default::default).threshold = learned.threshold;
    learned.model.describe(description)?;
    learned.model.save(&args.output, Precision::from(global.precision))?;
    // Rounding changes the digest, and a file that does not load is better found out here.
    let written = Model::load(&args.output, &args.describe.limits()?)?;
    let pairs = found.as_ref().map(|(_, pairs)| *pairs);
    let auc = found.as_ref().map(|(separation, _)| separation.auc());
    if ui.json {
        ui.json(&json!({
            "file": args.output.display().to_string(), "digest": written.digest(), "rows": samples.rows(),
            "people": labelled.then_some(samples.people()), "learned_pairs": learned.pairs, "pairs": pairs, "inputs": samples.dimension(),
            "outputs": learned.rows.dimension(), "similarity": learned.scoring.similarity(), "threshold": learned.threshold, "auc": auc,
            "log_likelihood": learned.log_likelihood, "explained_variance": learned.explained,
        }))?;
        return Ok(Done::Yes);
    }
    let people = if labelled { format!(" of {} people", samples.people()) } else { String::new() };
    ui.line(&format!(
        "learned from {} embeddings{people}: {} numbers become {}",
        samples.rows(),
        samples.dimension(),
        learned.rows.dimension()
    ))?;
    if let Some(n) = learned.pairs {
        ui.line(&format!("learned pairs     {n}, half of them of one person"))?;
    }
    if let Some(part) = learned.explained {
        ui.line(&format!("variance kept     {:.2} %", 100.0 * part))?;
    }
    if let Some(l) = learned.log_likelihood {
        ui.line(&format!("log-likelihood    {l:.6}"))?;
    }
    if let (Some(auc), Some(n)) = (auc, pairs) {
        ui.line(&format!("AUC               {auc:.5} on {n} pairs of these embeddings, so optimistic"))?;
    }
    let compared = learned.scoring.similarity().name();
    ui.line(
        &learned.threshold.map_or(format!("compared by       {compared}"), |t| format!("compared by       {compared}, threshold {t}")),
    )?;
    ui.line(&format!("{}: digest {}", args.output.display(), written.digest()))?;
    Ok(Done::Yes)
}

/// Options that the kind does not have.
fn check(args: &Args) -> Result<()> {
    let joint = args.kind == Kind::JointBayesian;
    let wrong = [
        (args.whiten && args.kind != Kind::Pca, "--whiten", "--kind pca"),
        (args.dimension.is_some() && !joint && args.kind != Kind::Pca, "--dimension", "--kind pca and joint-bayesian"),
        (args.iterations.is_some() && !joint, "--iterations", "--kind joint-bayesian"),
        (args.method.is_some() && !joint, "--method", "--kind joint-bayesian"),
    ];
    if let Some((_, option, kind)) = wrong.into_iter().find(|(wrong, ..)| *wrong) {
        return Err(Error::Caller(format!("The option {option} belongs to {kind}. Leave it out.")));
    }
    if args.labels.is_none() && (args.kind != Kind::Pca || args.far.is_some()) {
        return Err(Error::Caller("Whose embeddings are whose is not said. Give --labels.".to_owned()));
    }
    Ok(())
}

/// The embeddings as the model gives them, and whether they are labelled.
fn read(args: &Args, model: &Model) -> Result<(Samples, bool)> {
    let tensor = npy::read(&args.embeddings)?;
    let &[rows, dimension] = tensor.shape().as_ref() else {
        return Err(Error::Caller(format!("The file {} holds {}, not rows of embeddings.", args.embeddings.display(), tensor.shape())));
    };
    let people = match &args.labels {
        Some(path) => labels::read(path, rows)?,
        None => vec![0; rows],
    };
    let samples = Samples::new(&tensor.to_f32(), dimension, &people)?;
    let embedding = model.description.embedding.clone().unwrap_or_default();
    if model.embedding_size().is_some_and(|n| n != dimension) {
        return Err(other_model(args, model, &samples));
    }
    let samples = if embedding.normalize == Normalize::L2 { samples.unit_length() } else { samples };
    Ok((samples, args.labels.is_some()))
}

fn other_model(args: &Args, model: &Model, samples: &Samples) -> Error {
    Error::Caller(format!(
        "The embeddings in {} have {} numbers, those of `{}` another number of them. Name the model that made them.",
        args.embeddings.display(),
        samples.dimension(),
        model.description.title()
    ))
}

/// The scores of pairs, more = more alike, and how many there are.
fn separate(learned: &Learned) -> Result<(Separation, usize)> {
    let pairs = learned.rows.pairs(PAIRS)?;
    let row = |i: usize| learned.rows.row(i).iter().map(|&x| x as f32).collect::<Vec<_>>();
    let sign = if learned.scoring.similarity().is_distance() { -1.0 } else { 1.0 };
    let scores = |pairs: &[[usize; 2]]| pairs.iter().map(|&[i, j]| sign * learned.scoring.between(&row(i), &row(j))).collect();
    Ok((Separation::new(scores(&pairs.same), scores(&pairs.different))?, pairs.same.len() + pairs.different.len()))
}
