//! The command line: one file per subcommand. Results go to stdout, everything else to stderr.
//!
//! Exit codes: 0 done, 1 it ran but the answer is no (a self-test missed), 2 an error, told in a sentence.

mod args;
mod bench;
mod bench_search;
mod cluster;
mod context;
mod convert;
mod demo;
mod devices;
mod embed;
mod info;
mod mesa;
mod npy;
mod run;
mod selftest;
mod sheet;
mod symbolic;
mod table;
mod ui;
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
    /// Turns pictures into embeddings.
    Embed(embed::Args),
    /// Groups embeddings by person.
    Cluster(cluster::Args),
    /// Measures kernels, a whole network or searches on this adapter.
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
    mesa::hush();
    let ui = Ui::new(&cli.global);
    match dispatch(&cli.global, &ui, &cli.command) {
        Ok(code) => code.into(),
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Error(e)) => {
            ui.error(&e.to_string());
            ExitCode::from(2)
        }
    }
}

fn dispatch(global: &GlobalArgs, ui: &Ui, command: &Command) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(global, ui, args),
        Command::Devices => devices::run(ui),
        Command::Selftest(args) => selftest::run(global, ui, args),
        Command::Convert(args) => convert::run(global, ui, args),
        Command::Info(args) => info::run(global, ui, args),
        Command::Run(args) => run::run(global, ui, args),
        Command::Zoo(command) => zoo::run(global, ui, command),
        Command::Embed(args) => embed::run(global, ui, args),
        Command::Cluster(args) => cluster::run(global, ui, args),
        Command::Bench(command) => bench::run(global, ui, command),
    }
}
