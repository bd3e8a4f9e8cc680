//! `lookalike train-head`

mod args;
mod curve;

use std::path::Path;
use std::time::Instant;

use lookalike::model::{LastLayer, Model, Normalize, Precision};
use lookalike::score::Scoring;
use lookalike::train::{Progress, Rank1, Samples, Trainer};
use lookalike::{Error, Result};
use serde_json::json;

pub(crate) use args::Args;

use super::args::GlobalArgs;
use super::context::{model_or_builtin, open_gpu};
use super::npy::{self, NewFile};
use super::ui::{Done, Outcome, Ui};
use super::{labels, plot};

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let all = load(&args.embeddings, &args.labels)?;
    let (train, held) = match (args.validation, &args.val_embeddings, &args.val_labels) {
        (Some(share), ..) => all.split(share, args.seed).map(|(train, held)| (train, Some(held)))?,
        (None, Some(x), Some(y)) => (all, Some(load(x, y)?)),
        _ => (all, None),
    };
    let (options, steps) = args.training(&train)?;
    let model = model_or_builtin(args.model.as_deref(), &args.describe)?;
    check_model(&model, &train, options.objective.is_siamese())?;
    // Before the work: places that cannot be written to.
    let curve_kind = args.curve.as_deref().map(plot::Kind::of).transpose()?;
    for path in std::iter::once(&args.output).chain(&args.curve).chain(&args.checkpoint) {
        drop(NewFile::create(path)?);
    }
    let gpu = open_gpu(global, ui)?;
    let mut trainer = match &args.resume {
        Some(path) => Trainer::resume(&gpu, &train, &options, path, &args.describe.limits()?)?,
        None => Trainer::new(&gpu, &train, &options)?,
    };
    if trainer.steps() >= steps {
        return Err(Error::Caller(format!(
            "The checkpoint is of step {} of {steps}: nothing is left to do. Raise --steps.",
            trainer.steps()
        ))
        .into());
    }
    let before = held.as_ref().map(|held| Rank1::of(&gpu, held)).transpose()?;
    let start = Instant::now();
    let done = train_to(ui, args, &mut trainer, steps)?;
    let seconds = start.elapsed().as_secs_f64();
    let learned = match trainer.scoring()? {
        Some((scoring, threshold)) => Learned::Score(scoring, threshold),
        None => Learned::Layer(trainer.layer()?),
    };
    let after = held
        .as_ref()
        .map(|held| match &learned {
            Learned::Score(scoring, _) => Rank1::scored(&gpu, held, scoring),
            Learned::Layer(_) => Rank1::of(&gpu, &trainer.project(held)?),
        })
        .transpose()?;
    let model = match &learned {
        Learned::Score(scoring, threshold) => model.compared_by(scoring, Some(*threshold))?,
        Learned::Layer(layer) => model.followed_by(layer)?,
    };
    model.save(&args.output, Precision::from(global.precision))?;
    if let (Some(path), Some(kind)) = (&args.curve, curve_kind) {
        curve::write(path, kind, options.objective.name(), &done)?;
    }
    let tenth = (done.len() / 10).max(1);
    let mean = |part: &[Progress]| part.iter().map(|p| p.loss).sum::<f64>() / part.len() as f64;
    let (first, last) = (mean(&done[..tenth]), mean(&done[done.len() - tenth..]));
    let [inputs, outputs] = learned.dimensions();
    let epochs = steps as f64 / trainer.steps_per_epoch() as f64;
    if ui.json {
        ui.json(&json!({
            "steps": steps, "epochs": epochs, "embeddings": train.len(), "people": train.people(), "dimensions": [inputs, outputs], "threshold": learned.threshold(),
            "loss": { "name": options.objective.name(), "first": first, "last": last },
            "held_out": held.as_ref().zip(before.zip(after)).map(|(held, (before, after))| json!({
                "people": held.people(), "probes": after.probes, "rank1_before": before.share(), "rank1": after.share(),
            })),
            "seconds": seconds, "model": args.output.display().to_string(),
            "checkpoint": args.checkpoint.as_ref().map(|p| p.display().to_string()),
            "curve": args.curve.as_ref().map(|p| p.display().to_string()),
        }))?;
        return Ok(Done::Yes);
    }
    let people = train.people();
    ui.line(&format!("trained   {steps} steps, {epochs:.1} epochs, on {} embeddings of {people} people in {seconds:.1} s", train.len()))?;
    ui.line(&match learned.threshold() {
        Some(threshold) => format!("score     {inputs} weights; one person up to a distance of {threshold:.4}"),
        None => format!("layer     {inputs} -> {outputs} numbers"),
    })?;
    ui.line(&format!("loss      {first:.4} in the first tenth of the steps, {last:.4} in the last"))?;
    if let (Some(held), Some(before), Some(after)) = (&held, before, after) {
        let (before, share) = (100.0 * before.share(), 100.0 * after.share());
        ui.line(&format!(
            "rank-1    {before:.1} % before, {share:.1} % after ({} searches for {} held-out people)",
            after.probes,
            held.people()
        ))?;
    }
    ui.line(&format!("model     {}", args.output.display()))?;
    Ok(Done::Yes)
}

/// What the model gets.
enum Learned {
    Layer(LastLayer),
    /// With the distance up to which two are one person.
    Score(Scoring, f32),
}

impl Learned {
    /// Numbers of an embedding before and after.
    fn dimensions(&self) -> [usize; 2] {
        match self {
            Self::Layer(layer) => [layer.inputs, layer.outputs],
            Self::Score(scoring, _) => [scoring.numbers().len(); 2],
        }
    }

    fn threshold(&self) -> Option<f32> {
        match self {
            Self::Layer(_) => None,
            Self::Score(_, threshold) => Some(*threshold),
        }
    }
}

/// The steps that are left, with checkpoints.
fn train_to(ui: &Ui, args: &Args, trainer: &mut Trainer<'_>, steps: u64) -> Result<Vec<Progress>> {
    let mut done = Vec::new();
    let mut progress = ui.progress((steps - trainer.steps()) as usize, "steps");
    let mut saved = args.resume.clone().map(|path| (trainer.steps(), path));
    while trainer.steps() < steps {
        let step = trainer.step().inspect_err(|_| {
            if let Some((step, path)) = &saved {
                progress.interrupt(|| ui.note(&format!("the checkpoint {} is of step {step}", path.display())));
            }
        })?;
        if ui.verbosity > 0 && (step.step.is_multiple_of(50) || step.step == steps) {
            let Progress { step, loss, rate, gradient_norm, .. } = step;
            let line = format!("step {step}  loss {loss:.4}  rate {rate:.3e}  gradient {gradient_norm:.3e}");
            progress.interrupt(|| ui.say_plain(&line));
        }
        done.push(step);
        if let Some(path) = &args.checkpoint
            && (step.step.is_multiple_of(args.checkpoint_every) || step.step == steps)
        {
            trainer.save_checkpoint(path)?;
            saved = Some((step.step, path.clone()));
        }
        progress.advance(1);
    }
    progress.finish();
    Ok(done)
}

/// Embeddings and labels from their files.
fn load(embeddings: &Path, labels: &Path) -> Result<Samples> {
    let x = npy::read(embeddings)?;
    if labels.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
        let rows = x.shape().first().copied().unwrap_or(0);
        let numbers: Vec<i64> = labels::read(labels, rows)?.into_iter().map(i64::from).collect();
        return Samples::new(&x, &numbers);
    }
    let whole = |(i, v): (usize, f64)| {
        (v.fract() == 0.0 && v.abs() < 2f64.powi(53)).then_some(v as i64).ok_or_else(|| {
            Error::Caller(format!("The label {v} of row {i} in {} is no whole number. Give every person a number.", labels.display()))
        })
    };
    let numbers = npy::read(labels)?.to_f64().into_iter().enumerate().map(whole).collect::<Result<Vec<_>>>()?;
    Samples::new(&x, &numbers)
}

/// Whether the layer will fit behind the model, or the score to it, and the embeddings are such as the model gives.
fn check_model(model: &Model, samples: &Samples, score: bool) -> Result<()> {
    let (name, dimension) = (model.description.title(), samples.dimension());
    // Refuses what no layer may follow.
    if !score {
        model.followed_by(&LastLayer { weight: vec![0.0; dimension], bias: Vec::new(), inputs: dimension, outputs: 1 })?;
    }
    model.embedding_output()?;
    if let Some(numbers) = model.embedding_size().filter(|&n| n != dimension) {
        return Err(Error::Caller(format!(
            "`{name}` gives embeddings of {numbers} numbers, but these have {dimension}. Name the model that made them with --model."
        )));
    }
    let unit = model.description.embedding.as_ref().is_none_or(|e| e.normalize == Normalize::L2);
    let length = |row: &[f32]| row.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
    if unit && let Some(i) = (0..samples.len()).find(|&i| (length(samples.row(i)) - 1.0).abs() > 1e-3) {
        return Err(Error::Caller(format!(
            "`{name}` gives embeddings of length 1, but one of these has the length {:.4}. Embed with this model, or describe it with normalize = \"none\".",
            length(samples.row(i))
        )));
    }
    Ok(())
}
