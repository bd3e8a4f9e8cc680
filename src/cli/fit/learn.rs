//! From embeddings to a model that compares by what was learned on them.

use lookalike::Result;
use lookalike::model::{Model, Similarity};
use lookalike::score::{ChiSquared, JointBayesian, JointBayesianOptions, MStep, Pca, Samples, Scoring, Siamese};

use super::{Args, Kind, Method};

/// What came of it.
pub(super) struct Learned {
    pub(super) model: Model,
    /// The samples as the new model embeds them.
    pub(super) rows: Samples,
    pub(super) scoring: Scoring,
    /// Where the score itself decides.
    pub(super) threshold: Option<f32>,
    /// Pairs it was learned from, where it was learned from pairs.
    pub(super) pairs: Option<usize>,
    pub(super) log_likelihood: Option<f64>,
    /// The part of the variance that is left behind a PCA.
    pub(super) explained: Option<f64>,
}

pub(super) fn learn(args: &Args, model: &Model, samples: &Samples) -> Result<Learned> {
    match args.kind {
        Kind::Pca => pca(args, model, samples),
        Kind::JointBayesian => joint_bayesian(args, model, samples),
        Kind::ChiSquared => chi_squared(model, samples),
        Kind::Siamese => siamese(model, samples),
    }
}

fn explained(pca: &Pca) -> Option<f64> {
    (pca.total_variance > 0.0).then(|| pca.eigenvalues.iter().sum::<f64>() / pca.total_variance)
}

fn pca(args: &Args, model: &Model, samples: &Samples) -> Result<Learned> {
    let pca = Pca::fit(samples, args.dimension.unwrap_or(samples.dimension()))?;
    let projection = pca.projection(args.whiten)?;
    let scoring = Scoring::new(Similarity::Cosine, &[])?;
    Ok(Learned {
        model: model.followed_by(&projection.layer())?.compared_by(&scoring, None)?,
        rows: samples.projected(&projection)?,
        scoring,
        threshold: None,
        pairs: None,
        log_likelihood: None,
        explained: explained(&pca),
    })
}

fn joint_bayesian(args: &Args, model: &Model, samples: &Samples) -> Result<Learned> {
    let first = args.dimension.map(|d| Pca::fit(samples, d)).transpose()?;
    let before = first.as_ref().map(|pca| pca.projection(false)).transpose()?;
    let reduced = before.as_ref().map(|p| samples.projected(p)).transpose()?;
    let defaults = JointBayesianOptions::default();
    let options = JointBayesianOptions {
        iterations: args.iterations.map_or(defaults.iterations, |n| n as usize),
        m_step: if args.method == Some(Method::Published) { MStep::Published } else { MStep::Full },
        ..defaults
    };
    let fitted = JointBayesian::fit(reduced.as_ref().unwrap_or(samples), &options)?;
    let projection = match &before {
        Some(before) => before.then(&fitted.projection())?,
        None => fitted.projection(),
    };
    let scoring = Scoring::new(Similarity::JointBayesian, &fitted.phi_f32())?;
    Ok(Learned {
        model: model.followed_by(&projection.layer())?.compared_by(&scoring, Some(0.0))?,
        rows: samples.projected(&projection)?,
        scoring,
        // Where both are as likely.
        threshold: Some(0.0),
        pairs: None,
        log_likelihood: Some(fitted.log_likelihood),
        explained: first.as_ref().and_then(explained),
    })
}

fn chi_squared(model: &Model, samples: &Samples) -> Result<Learned> {
    let fitted = ChiSquared::fit(samples)?;
    let scoring = fitted.scoring()?;
    Ok(Learned {
        model: model.scaled_by(&fitted.scale)?.compared_by(&scoring, Some(fitted.threshold))?,
        rows: fitted.scaled(samples),
        scoring,
        threshold: Some(fitted.threshold),
        pairs: Some(fitted.pairs),
        log_likelihood: None,
        explained: None,
    })
}

fn siamese(model: &Model, samples: &Samples) -> Result<Learned> {
    let fitted = Siamese::fit(samples)?;
    let scoring = fitted.scoring()?;
    Ok(Learned {
        model: model.compared_by(&scoring, Some(fitted.threshold))?,
        rows: samples.clone(),
        scoring,
        threshold: Some(fitted.threshold),
        pairs: Some(fitted.pairs),
        log_likelihood: None,
        explained: None,
    })
}
