//! `lookalike selftest`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lookalike::Error;
use lookalike::selftest::{CaseResult, NotHere, not_on_this_adapter};
use lookalike::shader::Shader;
use serde_json::json;

use super::args::GlobalArgs;
use super::context::open_gpu;
use super::table::{Table, micros};
use super::ui::{Done, Outcome, Ui};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only kernels, permutations and cases whose name contains this.
    filter: Option<String>,
    /// Write the WGSL of every permutation, expanded as it is compiled in, to this folder and test nothing.
    #[arg(long, value_name = "DIR")]
    dump_shaders: Option<PathBuf>,
}

/// The cases of one permutation together.
#[derive(Default)]
struct Group {
    cases: usize,
    missed: usize,
    ratio: f64,
    micros: f64,
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    if let Some(folder) = &args.dump_shaders {
        return dump_shaders(ui, folder);
    }
    let gpu = open_gpu(global, ui)?;
    let results = lookalike::selftest::run(&gpu, args.filter.as_deref())?;
    let elsewhere = elsewhere(&not_on_this_adapter(&gpu, args.filter.as_deref()));
    if results.is_empty() {
        let filter = args.filter.as_deref().unwrap_or_default();
        let why = elsewhere.iter().map(|line| format!("; {line}")).collect::<String>();
        let text = format!("No self-test of this adapter matches `{filter}`{why}. Leave the filter out to run all of them.");
        return Err(Error::Caller(text).into());
    }
    let missed: Vec<_> = results.iter().filter(|r| !r.passed).collect();
    if ui.json {
        let cases: Vec<_> = results.iter().map(case_json).collect();
        ui.json(&json!({
            "adapter": gpu.adapter(), "cooperative": gpu.cooperative(), "cases": cases, "passed": results.len() - missed.len(),
            "missed": missed.len(), "not_on_this_adapter": elsewhere,
        }))?;
    } else {
        ui.line(&table(&results).to_string())?;
        for r in &missed {
            ui.line(&format!("missed: {} / {} / {}: error {:.3e}, bound {:.3e}", r.kernel, r.permutation, r.case, r.max_error, r.bound))?;
        }
        for line in &elsewhere {
            ui.line(line)?;
        }
        ui.line(&format!("{} cases, {} missed", results.len(), missed.len()))?;
    }
    Ok(if missed.is_empty() { Done::Yes } else { Done::No })
}

/// A line for every reason why permutations are not run; few of them are named.
fn elsewhere(all: &[NotHere]) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for p in all {
        reasons.entry(&p.reason).or_default().push(p.permutation);
    }
    let line = |(reason, names): (&str, Vec<&str>)| match names.len() {
        1..=4 => format!("not on this adapter: {} ({reason})", names.join(", ")),
        n => format!("not on this adapter: {n} permutations ({reason})"),
    };
    reasons.into_iter().map(line).collect()
}

/// One file a permutation: `conv/depthwise.k3s1` becomes `DIR/conv/depthwise.k3s1.wgsl`.
fn dump_shaders(ui: &Ui, folder: &Path) -> Outcome {
    for shader in Shader::all() {
        let path = folder.join(format!("{}.wgsl", shader.name));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| Error::io("Creating", parent, e))?;
        }
        std::fs::write(&path, shader.source).map_err(|e| Error::io("Writing", &path, e))?;
    }
    ui.line(&format!("{} shaders written to {}", Shader::all().len(), folder.display()))?;
    Ok(Done::Yes)
}

fn case_json(r: &CaseResult) -> serde_json::Value {
    json!({
        "kernel": r.kernel, "permutation": r.permutation, "case": r.case,
        "max_error": r.max_error, "bound": r.bound, "passed": r.passed, "micros": r.micros,
    })
}

fn table(results: &[CaseResult]) -> Table {
    let mut groups: BTreeMap<(&str, &str), Group> = BTreeMap::new();
    for r in results {
        let group = groups.entry((&r.kernel, &r.permutation)).or_default();
        group.cases += 1;
        group.missed += usize::from(!r.passed);
        group.micros += r.micros;
        group.ratio = worse(group.ratio, r.max_error / r.bound.max(f64::MIN_POSITIVE));
    }
    let mut table = Table::new(&["kernel", "permutation", ">cases", ">worst error/bound", ">time", "result"]);
    for ((kernel, permutation), g) in groups {
        let result = if g.missed == 0 { "ok".to_owned() } else { format!("{} MISSED", g.missed) };
        table.row([kernel.to_owned(), permutation.to_owned(), g.cases.to_string(), format!("{:.3}", g.ratio), micros(g.micros), result]);
    }
    table
}

/// The larger ratio; NaN is the worst of all.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}
