//! What `train-head` is told.

use std::path::PathBuf;

use lookalike::train::{Objective, Optimizer, Rate, Samples, Sampling, Schedule, TrainOptions};
use lookalike::{Error, Result};

use crate::cli::args::DescribeArg;

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OptimizerArg {
    /// Gradient descent with momentum.
    Sgd,
    /// Adam; weight decay is decoupled (AdamW).
    Adam,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ScheduleArg {
    /// The same rate at every step.
    Constant,
    /// Times --step-factor after every --step-every steps.
    Step,
    /// Half a cosine down to 0 at the last step.
    Cosine,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Embeddings, one a row, as `embed -o` writes them.
    #[arg(long, value_name = "X.npy")]
    pub(super) embeddings: PathBuf,
    /// Whose they are: a whole number for each row, -1 for rows that do not count; or a .csv with a column `label`, or `source` in a
    /// folder for every person.
    #[arg(long, value_name = "Y.npy|CSV")]
    pub(super) labels: PathBuf,
    /// What is minimised: a head of `margin` on classes, pairs (contrastive, deepid2_cosine) or mined triplets. `siamese` learns the weights of
    /// a distance, and no layer.
    #[arg(long, value_name = "NAME", default_value = "arcface")]
    loss: String,
    /// A parameter of the loss: s=30, m=0.3.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Numbers of an embedding behind the projection. Default: as many as before it.
    #[arg(long, value_name = "N")]
    dimension: Option<usize>,
    /// Also learn what is added to the projection.
    #[arg(long)]
    bias: bool,
    /// How weights follow their gradients.
    #[arg(long, value_enum, default_value_t = OptimizerArg::Sgd)]
    optimizer: OptimizerArg,
    /// The learning rate. Default: 0.001 for adam; for sgd 0.01 with losses on classes and 0.1 with others.
    #[arg(long, value_name = "RATE")]
    lr: Option<f64>,
    /// Share of SGD's velocity that stays.
    #[arg(long, default_value_t = 0.9, value_name = "SHARE")]
    momentum: f64,
    /// Nesterov's momentum for SGD.
    #[arg(long)]
    nesterov: bool,
    /// Decoupled weight decay.
    #[arg(long, default_value_t = 5e-4, value_name = "DECAY")]
    weight_decay: f64,
    /// How the rate goes on behind the warm-up.
    #[arg(long, value_enum, default_value_t = ScheduleArg::Constant)]
    schedule: ScheduleArg,
    /// Steps between two changes of `--schedule step`.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    step_every: u64,
    /// What the rate is multiplied by then.
    #[arg(long, default_value_t = 0.1, value_name = "FACTOR")]
    step_factor: f64,
    /// Steps during which the rate rises from 0.
    #[arg(long, default_value_t = 0, value_name = "N")]
    warmup: u64,
    /// Steps in all, those before --resume included. Default: 20 epochs.
    #[arg(long, value_name = "N", conflicts_with = "epochs", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Epochs in all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// Rows of a batch, in shuffled order. Default for losses on classes: 128.
    #[arg(long, value_name = "N", conflicts_with_all = ["people", "pictures"])]
    batch: Option<usize>,
    /// People of a batch, instead of --batch. Default for pairs and triplets: 16.
    #[arg(long, value_name = "P")]
    people: Option<usize>,
    /// Rows of each of them. Default: 4.
    #[arg(long, value_name = "K")]
    pictures: Option<usize>,
    /// The greatest norm of the gradient; a longer one is shortened to it.
    #[arg(long, value_name = "NORM")]
    clip: Option<f64>,
    /// Other batches and beginnings for another number.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Hold out this share of the people and say how often they are found, before and after.
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["val_embeddings", "val_labels"])]
    pub(super) validation: Option<f64>,
    /// Embeddings of other people for that.
    #[arg(long, value_name = "X.npy", requires = "val_labels")]
    pub(super) val_embeddings: Option<PathBuf>,
    /// Whose those are.
    #[arg(long, value_name = "Y.npy|CSV", requires = "val_embeddings")]
    pub(super) val_labels: Option<PathBuf>,
    /// The model that made the embeddings. Default: the built-in embedder.
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<PathBuf>,
    #[command(flatten)]
    pub(super) describe: DescribeArg,
    /// The model with the projection behind its embedding.
    #[arg(short, long, value_name = "OUT.safetensors")]
    pub(super) output: PathBuf,
    /// Draw the loss over the steps: a .png or an .svg.
    #[arg(long, value_name = "FILE.png")]
    pub(super) curve: Option<PathBuf>,
    /// Write what --resume needs, every --checkpoint-every steps and at the end.
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
    /// Steps between two checkpoints.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) checkpoint_every: u64,
    /// Go on from a checkpoint, with the arguments it was begun with; only --steps may be more, if the schedule is not cosine.
    #[arg(long, value_name = "FILE")]
    pub(super) resume: Option<PathBuf>,
}

impl Args {
    /// The training and how many steps it has.
    ///
    /// # Errors
    /// A loss, parameter or batch that there is not.
    pub(super) fn training(&self, samples: &Samples) -> Result<(TrainOptions, u64)> {
        let split = |text: &'_ String| {
            let (name, value) =
                text.split_once('=').ok_or_else(|| Error::Caller(format!("`{text}` has no `=`. Write --set NAME=VALUE.")))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        let params = self.set.iter().map(split).collect::<Result<Vec<_>>>()?;
        let params: Vec<_> = params.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let defaults = TrainOptions::new(Objective::new(&self.loss, &params)?);
        let optimizer = match self.optimizer {
            OptimizerArg::Sgd => Optimizer::Sgd { momentum: self.momentum, nesterov: self.nesterov },
            OptimizerArg::Adam => Optimizer::ADAM,
        };
        let of_people = || Sampling::People { people: self.people.unwrap_or(16), pictures: self.pictures.unwrap_or(4) };
        let sampling = match (self.batch, self.people.is_some() || self.pictures.is_some()) {
            (Some(batch), _) => Sampling::Shuffled { batch },
            (None, true) => of_people(),
            (None, false) => defaults.sampling,
        };
        let per_epoch = sampling.steps_per_epoch(samples, &defaults.objective)?;
        let steps = self.steps.unwrap_or(per_epoch.saturating_mul(self.epochs.unwrap_or(20)));
        let schedule = match self.schedule {
            ScheduleArg::Constant => Schedule::Constant,
            ScheduleArg::Step => Schedule::Step { every: self.step_every, factor: self.step_factor },
            ScheduleArg::Cosine => Schedule::Cosine { steps },
        };
        let base = self.lr.unwrap_or(if self.optimizer == OptimizerArg::Adam { 0.001 } else { defaults.rate.base });
        let options = TrainOptions {
            dimension: self.dimension,
            bias: self.bias,
            optimizer,
            rate: Rate { base, warmup: self.warmup, schedule },
            weight_decay: self.weight_decay,
            clip: self.clip,
            sampling,
            seed: self.seed,
            ..defaults
        };
        Ok((options, steps))
    }
}
