//! Groups of faces against who is who.

use std::path::Path;

use serde_json::json;

use super::lists::Clusters;
use super::report::{Report, Section};
use super::{Args, Verdict};
use crate::cli::args::GlobalArgs;
use crate::cli::cluster::AgreementOf;
use crate::cli::ui::{Outcome, Ui};

pub(super) fn run(_: &GlobalArgs, _: &Ui, args: &Args, _: &Path) -> Outcome<Verdict> {
    let Clusters { truth, found } = Clusters::read(&args.list)?;
    let agreement = AgreementOf::new(&truth, &found);
    let count = |labels: &[u32]| labels.iter().max().map_or(0, |m| m + 1);
    let mut lines = vec![format!("{} faces of {} people in {} groups", truth.len(), count(&truth), count(&found))];
    lines.extend(agreement.lines());
    let json = json!({ "faces": truth.len(), "people": count(&truth), "clusters": count(&found), "agreement": agreement.json() });
    let section = Section { lines, ..Section::default() };
    Ok(Verdict { report: Report { title: "Clustering".to_owned(), sections: vec![section], ..Report::default() }, json })
}
