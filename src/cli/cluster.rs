//! `lookalike cluster`

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use lookalike::Error;
use lookalike::embed::Comparison;
use lookalike::gallery::cluster::{
    Agreement, Whispers, agglomerative, bcubed, chinese_whispers, connected_components, consecutive, normalised_mutual_information,
    pairwise, spherical_kmeans,
};
use lookalike::gallery::index::{GalleryIndex, IndexOptions, Storage};
use lookalike::model::Similarity;
use serde_json::json;

use super::args::{DescribeArg, GlobalArgs};
use super::context::{load_model, open_gpus};
use super::labels;
use super::npy::{self, NewFile};
use super::ui::{Done, Outcome, Ui};

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// Labels spread among neighbours above the threshold.
    ChineseWhispers,
    /// Neighbours above the threshold, and theirs.
    Components,
    /// Groups whose mean similarity is above the threshold are merged.
    Agglomerative,
    /// A given number of groups (--groups).
    Kmeans,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Embeddings, one a row, as `embed -o` writes them.
    embeddings: PathBuf,
    /// How to group.
    #[arg(long, value_enum, default_value_t = Method::ChineseWhispers)]
    method: Method,
    /// The model that embeddings are compared as. Default: by cosine.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    describe: DescribeArg,
    /// The similarity from which (for distances: up to which) two faces are taken for one person. Default: the model's, a cosine of 0.5
    /// without a model.
    #[arg(long, allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// Groups of `--method kmeans`.
    #[arg(long, value_name = "N")]
    groups: Option<usize>,
    /// Seeds what is drawn by chance.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Who is who: a .csv with a column `label`, or an .npy of whole numbers, one for each row. Prints how well the groups agree.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Write `row,cluster` lines.
    #[arg(short, long, value_name = "FILE.csv")]
    output: Option<PathBuf>,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let tensor = npy::read(&args.embeddings)?;
    let &[rows, dimension] = tensor.shape().as_ref() else {
        return Err(
            Error::Caller(format!("The file {} holds {}, not rows of embeddings.", args.embeddings.display(), tensor.shape())).into()
        );
    };
    let vectors = tensor.to_f32();
    let truth = args.labels.as_deref().map(|path| labels::read(path, rows)).transpose()?;
    let comparison = match &args.model {
        Some(path) => Comparison::of(&load_model(path, &args.describe)?.description, args.threshold)?,
        None => Comparison::plain(Similarity::Cosine, args.threshold.unwrap_or(0.5))?,
    };
    if args.method == Method::Kmeans && comparison.similarity() != Similarity::Cosine {
        let text = format!("The method kmeans groups by cosine, not by {}. Choose another --method.", comparison.similarity().name());
        return Err(Error::Caller(text).into());
    }
    // As scores: more is more alike.
    let least = if comparison.similarity().is_distance() { -comparison.threshold } else { comparison.threshold };
    if global.devices.is_some() && args.method == Method::Kmeans {
        return Err(Error::Caller("The method kmeans uses one adapter. Choose it with --device instead of --devices.".to_owned()).into());
    }
    let gpus = open_gpus(global, ui)?;
    let neighbours = |threshold| {
        let index = GalleryIndex::over(&gpus, dimension, &IndexOptions::scored(Storage::F32, &comparison.scoring))?;
        index.add(&(0..rows as u64).collect::<Vec<_>>(), &vec![0; rows], &vectors)?;
        index.neighbours(usize::MAX, threshold)
    };
    let found = match args.method {
        Method::ChineseWhispers => chinese_whispers(&neighbours(Some(least))?, &Whispers { seed: args.seed, ..Whispers::default() }),
        Method::Components => connected_components(&neighbours(Some(least))?),
        Method::Agglomerative => agglomerative(&neighbours(None)?, least)?,
        Method::Kmeans => {
            let groups =
                args.groups.ok_or_else(|| Error::Caller("The method kmeans needs a number of groups. Give --groups N.".to_owned()))?;
            consecutive(&spherical_kmeans(&gpus[0], &vectors, dimension, groups, args.seed, 100)?.labels)
        }
    };
    let mut sizes = HashMap::<u32, usize>::new();
    found.iter().for_each(|&c| *sizes.entry(c).or_default() += 1);
    if let Some(path) = &args.output {
        let mut text = "row,cluster\n".to_owned();
        found.iter().enumerate().for_each(|(row, cluster)| {
            let _ = writeln!(text, "{row},{cluster}");
        });
        let mut file = NewFile::create(path)?;
        file.write(text.as_bytes())?;
        file.finish()?;
    }
    let agreement = truth.as_ref().map(|t| AgreementOf::new(t, &found));
    if ui.json {
        let agreement = agreement.map(|a| a.json());
        ui.json(&json!({ "rows": rows, "clusters": sizes.len(), "labels": found, "agreement": agreement }))?;
        return Ok(Done::Yes);
    }
    let largest = sizes.values().max().copied().unwrap_or(0);
    let alone = sizes.values().filter(|&&n| n == 1).count();
    ui.line(&format!("{rows} rows in {} groups; the largest has {largest}, {alone} rows are alone", sizes.len()))?;
    agreement.iter().flat_map(AgreementOf::lines).try_for_each(|line| ui.line(&line))?;
    Ok(Done::Yes)
}

/// How well groups agree with who is who.
pub(super) struct AgreementOf {
    pairwise: Agreement,
    bcubed: Agreement,
    nmi: f64,
}

impl AgreementOf {
    pub(super) fn new(truth: &[u32], found: &[u32]) -> Self {
        Self { pairwise: pairwise(truth, found), bcubed: bcubed(truth, found), nmi: normalised_mutual_information(truth, found) }
    }

    pub(super) fn json(&self) -> serde_json::Value {
        json!({ "pairwise": self.pairwise, "bcubed": self.bcubed, "nmi": self.nmi })
    }

    pub(super) fn lines(&self) -> [String; 3] {
        let line = |name: &str, a: Agreement| format!("{name:<9} precision {:.4}, recall {:.4}, F {:.4}", a.precision, a.recall, a.f);
        [line("pairwise", self.pairwise), line("BCubed", self.bcubed), format!("NMI       {:.4}", self.nmi)]
    }
}
