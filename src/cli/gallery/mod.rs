//! `lookalike gallery …`: the durable store of people and their embeddings.

mod add;
mod export;
mod import;
mod manage;

use std::path::PathBuf;

use super::args::{DescribeArg, FlipArg, GlobalArgs};
use super::recogniser::RecogniserArgs;
use super::ui::{Outcome, Ui};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Makes an empty gallery. --precision f16 stores embeddings in half the space.
    Create(CreateArgs),
    /// Enrols pictures. The label is the name of the folder that a picture is in. Pictures that are enrolled are left out, so a run that
    /// was interrupted is continued by running it again.
    Add(AddArgs),
    /// Removes people, faces or pictures.
    Remove(RemoveArgs),
    /// Gives a person another label.
    Rename(RenameArgs),
    /// Lists the faces, or the people.
    List(ListArgs),
    /// Shows how much is in the gallery, and of which model.
    Stats(OnlyGallery),
    /// Looks at everything in the file: structure, checksums, references, dimensions, norms. Exit code 1 when something is wrong.
    Check(OnlyGallery),
    /// Writes the file anew without gaps.
    Compact(OnlyGallery),
    /// Writes everything to .parquet, to .npy with a .csv beside it, or the pictures to a folder (`person/picture.jpg`).
    Export(ExportArgs),
    /// Adds embeddings from .npy with a .csv, or from .parquet, all of them or none; or the pictures of a folder.
    Import(ImportArgs),
}

#[derive(clap::Args)]
pub(crate) struct OnlyGallery {
    /// The gallery's file.
    gallery: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    /// The gallery's file.
    gallery: PathBuf,
    /// The model whose embeddings go in. Default: the first one that adds to it.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    describe: DescribeArg,
    /// Mirror augmentation, where it is another than the model's description says.
    #[arg(long, value_enum, requires = "model")]
    flip: Option<FlipArg>,
    /// Numbers in an embedding. Default: as many as the first one has.
    #[arg(long, visible_alias = "dim", value_name = "N")]
    dimension: Option<usize>,
}

#[derive(clap::Args)]
pub(crate) struct AddArgs {
    /// The gallery's file.
    pub(super) gallery: PathBuf,
    /// Pictures, or folders that are searched for pictures.
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pub(super) pictures: Vec<PathBuf>,
    /// One label for all of the pictures, whatever folders they are in.
    #[arg(long)]
    pub(super) label: Option<String>,
    #[command(flatten)]
    pub(super) recogniser: RecogniserArgs,
}

#[derive(clap::Args)]
pub(crate) struct RemoveArgs {
    /// The gallery's file.
    gallery: PathBuf,
    /// People, with all of their faces.
    #[arg(value_name = "LABEL", required_unless_present_any = ["id", "source"])]
    labels: Vec<String>,
    /// Single faces.
    #[arg(long, value_name = "ID")]
    id: Vec<u64>,
    /// All faces from a source, as `list` shows it.
    #[arg(long, value_name = "SOURCE")]
    source: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct RenameArgs {
    /// The gallery's file.
    gallery: PathBuf,
    /// The person's label.
    from: String,
    /// The new one.
    to: String,
    /// If somebody has the new label, the two are one person.
    #[arg(long)]
    merge: bool,
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// The gallery's file.
    gallery: PathBuf,
    /// People and how many faces each has, instead of faces.
    #[arg(long)]
    people: bool,
}

#[derive(clap::Args)]
pub(crate) struct ExportArgs {
    /// The gallery's file.
    gallery: PathBuf,
    /// Where to write: .parquet, .npy (with a .csv beside it), or a folder.
    #[arg(value_name = "OUT")]
    output: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// The gallery's file.
    gallery: PathBuf,
    /// What to read: .npy of [n, d], .parquet with a column `embedding`, or a folder of pictures (as `add`).
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// The table of an .npy file's rows, with the columns `label` and `source`. Default: the .csv beside it.
    #[arg(long, value_name = "FILE.csv")]
    labels: Option<PathBuf>,
    /// One label for all rows.
    #[arg(long, conflicts_with = "labels")]
    label: Option<String>,
    #[command(flatten)]
    recogniser: RecogniserArgs,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, command: &Command) -> Outcome {
    match command {
        Command::Create(args) => manage::create(global, ui, args),
        Command::Add(args) => add::run(global, ui, args),
        Command::Remove(args) => manage::remove(ui, args),
        Command::Rename(args) => manage::rename(ui, args),
        Command::List(args) => manage::list(ui, args),
        Command::Stats(args) => manage::stats(ui, &args.gallery),
        Command::Check(args) => manage::check(ui, &args.gallery),
        Command::Compact(args) => manage::compact(ui, &args.gallery),
        Command::Export(args) => export::run(ui, args),
        Command::Import(args) => import::run(global, ui, args),
    }
}

/// `1 face`, `2 faces`.
fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
