//! The command line: one file per subcommand. Results go to stdout, everything else to stderr.
//!
//! Exit codes: 0 done, 1 it ran but the answer is no (a self-test missed, nobody was found), 2 an error, told in a sentence.

mod align;
mod analyze;
mod args;
mod bench;
mod cluster;
mod context;
mod convert;
mod demo;
mod detect;
mod detector;
mod devices;
mod embed;
mod eval;
mod faces;
mod fit;
mod font;
mod gallery;
mod info;
mod labels;
mod margin;
mod mesa;
mod npy;
mod parquet;
mod pictures;
mod plot;
mod recogniser;
mod run;
mod search;
mod selftest;
mod sheet;
mod symbolic;
mod table;
mod train;
mod ui;
mod verify;
mod watch;
mod zoo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use args::GlobalArgs;
use ui::{Failure, Outcome, Ui};

/// Face recognition on any GPU.
#[derive(Parser)]
#[command(name = "lookalike", version, about, long_about = None, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole journey with nothing but this program: generate people, embed, enrol, search, measure, draw a contact sheet.
    Demo(demo::Args),
    /// Lists every graphics adapter with the features and limits that matter.
    Devices,
    /// Runs every kernel on this adapter against the CPU reference. Exit code 1 when one misses.
    Selftest(selftest::Args),
    /// Converts an ONNX model (or a model file) to a model file.
    Convert(convert::Args),
    /// Shows a model: layers, shapes, parameters, multiply-adds, memory plan, chosen kernels, description.
    Info(info::Args),
    /// Runs any model on .npy arrays and writes its outputs, or any other value, as .npy.
    Run(run::Args),
    /// Networks by name: lists them, shows their layers, builds model files from checkpoints.
    #[command(subcommand)]
    Zoo(zoo::Command),
    /// Finds faces in pictures: boxes, scores, landmarks.
    Detect(detect::Args),
    /// Writes the faces of pictures as networks see them.
    Align(align::Args),
    /// Turns the faces of pictures into embeddings.
    Embed(embed::Args),
    /// Tells whether two pictures show one person. Exit code 1 when they do not.
    Verify(verify::Args),
    /// Tells age, gender, emotion and race, as far as networks for them are given.
    Analyze(analyze::Args),
    /// Follows who is in a video, or in pictures as they arrive: a line of JSON for each.
    Watch(watch::Args),
    /// Whose face is whose, in a file: enrols people, lists, checks, exports and imports them.
    #[command(subcommand)]
    Gallery(gallery::Command),
    /// Searches a gallery for the faces most alike. Exit code 1 when nobody is above the threshold.
    Search(search::Args),
    /// Judges embeddings on labelled pairs: accuracy in folds, true accept rates, curves.
    Eval(eval::Args),
    /// Evaluates a training objective on .npy arrays: margin heads, contrastive and triplet losses, regularisers, distillation.
    Margin(margin::Args),
    /// Trains a layer behind frozen embeddings under any of these objectives, on the device.
    TrainHead(train::Args),
    /// Groups embeddings by person.
    Cluster(cluster::Args),
    /// Learns a score on labelled embeddings and writes the model that embeds and compares so.
    Fit(fit::Args),
    /// Measures kernels, a whole network, searches or training steps on this adapter.
    #[command(subcommand)]
    Bench(bench::Command),
}

/// Runs the program and says how it ended.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version count as done; a closed pipe is no reason to fail either.
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    let ui = Ui::new(&cli.global);
    match mesa::prepare().map_err(Failure::from).and_then(|()| dispatch(&cli.global, &ui, &cli.command)) {
        Ok(code) => code.into(),
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Error(e)) => {
            ui.error(&e.to_string());
            ExitCode::from(2)
        }
    }
}

fn dispatch(global: &GlobalArgs, ui: &Ui, command: &Command) -> Outcome {
    let several = matches!(command, Command::Search(_) | Command::Cluster(_) | Command::Bench(bench::Command::Search(_)));
    if global.devices.is_some() && !several {
        let text = "This command uses one adapter. Choose it with --device; --devices is for search, cluster and bench search.";
        return Err(lookalike::Error::Caller(text.to_owned()).into());
    }
    match command {
        Command::Demo(args) => demo::run(global, ui, args),
        Command::Devices => devices::run(global, ui),
        Command::Selftest(args) => selftest::run(global, ui, args),
        Command::Convert(args) => convert::run(global, ui, args),
        Command::Info(args) => info::run(global, ui, args),
        Command::Run(args) => run::run(global, ui, args),
        Command::Zoo(command) => zoo::run(global, ui, command),
        Command::Detect(args) => detect::run(global, ui, args),
        Command::Align(args) => align::run(global, ui, args),
        Command::Embed(args) => embed::run(global, ui, args),
        Command::Verify(args) => verify::run(global, ui, args),
        Command::Analyze(args) => analyze::run(global, ui, args),
        Command::Watch(args) => watch::run(global, ui, args),
        Command::Eval(args) => eval::run(global, ui, args),
        Command::Gallery(command) => gallery::run(global, ui, command),
        Command::Search(args) => search::run(global, ui, args),
        Command::Margin(args) => margin::run(global, ui, args),
        Command::TrainHead(args) => train::run(global, ui, args),
        Command::Cluster(args) => cluster::run(global, ui, args),
        Command::Fit(args) => fit::run(global, ui, args),
        Command::Bench(command) => bench::run(global, ui, command),
    }
}
