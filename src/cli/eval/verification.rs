//! Pairs of pictures.

use std::path::Path;

use lookalike::Result;
use lookalike::model::Precision;

use super::embeddings::Embedded;
use super::judge::{Judgement, Scored};
use super::lists::Pairs;
use super::report::{Report, Section};
use super::{Args, Verdict, plots, sign, threshold_at};
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
        let mut description = embedded.model.description.clone();
        description.embedding.get_or_insert_with(Default::default).threshold = Some(threshold_at(&judged.separation, far, similarity)?);
        embedded.model.describe(description)?;
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
