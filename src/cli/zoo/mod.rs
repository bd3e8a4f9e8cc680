//! `lookalike zoo`

mod build;
mod list;
mod show;

use lookalike::zoo::Output;

use super::args::GlobalArgs;
use super::ui::{Outcome, Ui};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Every network that can be built: year, input, embedding, parameters, multiply-adds, accuracy on LFW as published.
    List(list::Args),
    /// One network: where it comes from, how it is fed, its layers.
    Show(show::Args),
    /// Writes the model file of a network with the weights of a checkpoint, or with generated ones.
    Build(build::Args),
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, command: &Command) -> Outcome {
    match command {
        Command::List(args) => list::run(ui, args),
        Command::Show(args) => show::run(ui, args),
        Command::Build(args) => build::run(global, ui, args),
    }
}

/// What comes out, in a word or two.
fn describe(output: &Output) -> String {
    match output {
        Output::Embedding(e) => e.length.to_string(),
        Output::Detector => "detector".to_owned(),
        Output::Classes(classes) => format!("{} classes", classes.len()),
        Output::Other(_) => "other".to_owned(),
    }
}
