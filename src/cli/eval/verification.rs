//! Pairs of pictures.

use std::path::Path;

use lookalike::model::{Precision, Similarity};
use lookalike::{Error, Result};

use super::embeddings::Embedded;
use super::judge::{Judgement, Scored};
use super::lists::Pairs;
use super::report::{Report, Section};
use super::{Args, Verdict, plots, sign};
use crate::cli::args::GlobalArgs;
use crate::cli::ui::{Outcome, Ui};

pub(super) fn run(global: &GlobalArgs, ui: &Ui, args: &Args, root: &Path) -> Outcome<Verdict> {
    let list = Pairs::read(&args.list, root)?;
    let mut embedded = Embedded::new(global, ui, args, root, &list.files)?;
    let similarity = embedded.similarity();
    let scoring = embedded.scoring()?;
    let scored = Scored::new(&list.pairs, |pair| {
        let [a, b] = pair.files.map(|f| embedded.of[f].as_ref());
        Some(sign(similarity) * scoring.between(a?, b?))
    });
    let own = embedded.model.description.embedding.as_ref().and_then(|e| e.threshold);
    let dropped = std::mem::take(&mut embedded.dropped);
    let judged = Judgement::new(embedded.name().to_owned(), similarity, own, scored, dropped, args)?;
    if let (Some(far), Some(path)) = (args.calibrate, &args.calibrated) {
        calibrate(&mut embedded.model, &judged, far, similarity)?;
        embedded.model.save(path, Precision::from(global.precision))?;
        ui.note(&format!("{} holds the threshold of a false accept rate of {far}.", path.display()));
    }
    let title = format!("Verification: {}", judged.name);
    let report = Report { title, sections: vec![section(&judged, String::new())?], dropped: judged.dropped.clone() };
    Ok(Verdict { report, json: judged.json() })
}

/// Figures, curves and folds of a judgement.
pub(super) fn section(judged: &Judgement, heading: String) -> Result<Section> {
    let mut table = Vec::new();
    if let Some(folds) = &judged.folds {
        table.push(["fold", "accuracy", "threshold"].map(str::to_owned).to_vec());
        for (i, (accuracy, &threshold)) in folds.folds.iter().zip(&folds.thresholds).enumerate() {
            table.push(vec![(i + 1).to_string(), format!("{:.2} %", 100.0 * accuracy), format!("{:.4}", judged.shown(threshold))]);
        }
    }
    Ok(Section { heading, lines: judged.lines(), plots: plots::of_pairs(judged)?, table })
}

/// The threshold of a false accept rate becomes the model's own.
fn calibrate(model: &mut lookalike::model::Model, judged: &Judgement, far: f64, similarity: Similarity) -> Result<()> {
    let point = judged.separation.tar_at_far(far);
    if !point.measurable {
        return Err(Error::Caller(format!(
            "A false accept rate of {far} cannot be measured on {} pairs of different people. Give more pairs, or at least 1/{}.",
            judged.separation.impostor().len(),
            judged.separation.impostor().len()
        )));
    }
    let mut description = model.description.clone();
    // Scores above the order statistic count; a model accepts its threshold itself, so it is the next larger number.
    let score = (point.threshold as f32).next_up();
    let threshold = if similarity.is_distance() { -score } else { score };
    description.embedding.get_or_insert_with(Default::default).threshold = Some(threshold);
    model.describe(description)
}
