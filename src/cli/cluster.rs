//! `lookalike cluster`

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lookalike::gallery::cluster::{
    Agreement, Whispers, agglomerative, bcubed, chinese_whispers, connected_components, consecutive, normalised_mutual_information,
    pairwise, spherical_kmeans,
};
use lookalike::gallery::index::{GalleryIndex, IndexOptions};
use lookalike::{Error, Result};
use serde_json::json;

use super::args::GlobalArgs;
use super::context::open_gpu;
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
    /// The cosine similarity from which two faces are taken for one person.
    #[arg(long, default_value_t = 0.5, allow_negative_numbers = true)]
    threshold: f32,
    /// Groups of `--method kmeans`.
    #[arg(long, value_name = "N")]
    groups: Option<usize>,
    /// Seeds what is drawn by chance.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Who is who: a .csv with a column `label`, one line a row. Prints how well the groups agree.
    #[arg(long, value_name = "FILE.csv")]
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
    let truth = args.labels.as_deref().map(|path| read_labels(path, rows)).transpose()?;
    let gpu = open_gpu(global, ui)?;
    let neighbours = |threshold| {
        let index = GalleryIndex::new(&gpu, dimension, &IndexOptions::default())?;
        index.add(&(0..rows as u64).collect::<Vec<_>>(), &vec![0; rows], &vectors)?;
        index.neighbours(usize::MAX, threshold)
    };
    let found = match args.method {
        Method::ChineseWhispers => {
            chinese_whispers(&neighbours(Some(args.threshold))?, &Whispers { seed: args.seed, ..Whispers::default() })
        }
        Method::Components => connected_components(&neighbours(Some(args.threshold))?),
        Method::Agglomerative => agglomerative(&neighbours(None)?, args.threshold)?,
        Method::Kmeans => {
            let groups =
                args.groups.ok_or_else(|| Error::Caller("The method kmeans needs a number of groups. Give --groups N.".to_owned()))?;
            consecutive(&spherical_kmeans(&gpu, &vectors, dimension, groups, args.seed, 100)?.labels)
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
    let agreement = truth.as_ref().map(|t| (pairwise(t, &found), bcubed(t, &found), normalised_mutual_information(t, &found)));
    if ui.json {
        let agreement = agreement.map(|(pairs, b, nmi)| json!({ "pairwise": pairs, "bcubed": b, "nmi": nmi }));
        ui.json(&json!({ "rows": rows, "clusters": sizes.len(), "labels": found, "agreement": agreement }))?;
        return Ok(Done::Yes);
    }
    let largest = sizes.values().max().copied().unwrap_or(0);
    let alone = sizes.values().filter(|&&n| n == 1).count();
    ui.line(&format!("{rows} rows in {} groups; the largest has {largest}, {alone} rows are alone", sizes.len()))?;
    if let Some((pairs, b, nmi)) = agreement {
        let line = |name: &str, a: Agreement| format!("{name:<9} precision {:.4}, recall {:.4}, F {:.4}", a.precision, a.recall, a.f);
        ui.line(&line("pairwise", pairs))?;
        ui.line(&line("BCubed", b))?;
        ui.line(&format!("NMI       {nmi:.4}"))?;
    }
    Ok(Done::Yes)
}

/// The column `label` of a table, as whole numbers.
pub(crate) fn read_labels(path: &Path, rows: usize) -> Result<Vec<u32>> {
    let wrong =
        |why: String| Error::Caller(format!("The table {} {why}. Give a column `label` with a line for every embedding.", path.display()));
    let file = std::fs::File::open(path).map_err(|e| Error::io("Reading", path, e))?;
    let mut table = csv::Reader::from_reader(file);
    let headers = table.headers().map_err(|e| wrong(format!("cannot be read ({e})")))?;
    let column = headers.iter().position(|h| h.trim() == "label").ok_or_else(|| wrong("has no column `label`".to_owned()))?;
    let names = table
        .records()
        .map(|record| record.map(|r| r.get(column).unwrap_or_default().to_owned()))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|e| wrong(format!("cannot be read ({e})")))?;
    if names.len() != rows {
        return Err(wrong(format!("has {} lines for {rows} embeddings", names.len())));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(consecutive(&names))
}
