//! `lookalike devices`

use lookalike::Error;
use lookalike::gpu::{AdapterReport, Gpu, GpuOptions, adapters, known_speed};
use serde_json::{Value, json};

use super::args::GlobalArgs;
use super::context::speed_line;
use super::table::Table;
use super::ui::{Done, Outcome, Ui};

/// Columns of the table: heading and the field of the report.
const COLUMNS: [(&str, &str); 10] = [
    ("#", "index"),
    ("name", "name"),
    ("type", "kind"),
    ("backend", "backend"),
    ("driver", "driver_info"),
    ("f16", "f16"),
    ("subgroups", "subgroups"),
    ("coop matrix", "cooperative_matrix"),
    ("timestamps", "timestamps"),
    ("cache", "pipeline_cache"),
];

pub(crate) fn run(global: &GlobalArgs, ui: &Ui) -> Outcome {
    let found = adapters()?;
    if found.is_empty() && !ui.json {
        let text =
            "There is no graphics adapter. Install a Vulkan, Metal, DX12 or GL driver (on a server, Mesa's lavapipe: mesa-vulkan-drivers).";
        return Err(Error::NoAdapter(text.to_owned()).into());
    }
    let mut reports: Vec<_> = found.iter().filter_map(report).collect();
    if global.experimental_coop {
        for (report, adapter) in reports.iter_mut().zip(&found) {
            report["experimental_coop"] = cooperative(adapter).into();
        }
    }
    if ui.json {
        ui.json(&reports)?;
        return Ok(Done::Yes);
    }
    let mut table = Table::new(&COLUMNS.map(|c| c.0));
    for report in &reports {
        table.row(COLUMNS.map(|(_, field)| cell(report, field)));
    }
    ui.line(&table.to_string())?;
    for report in &reports {
        if let Some(limits) = report.get("limits").and_then(|l| l.as_object()) {
            let text: Vec<_> = limits.iter().map(|(k, v)| format!("{k} {v}")).collect();
            ui.line(&format!("\nlimits of {}: {}", cell(report, "index"), text.join(", ")))?;
        }
    }
    for report in &reports {
        let speed = report.get("speed").and_then(speed_line);
        let text = speed.unwrap_or_else(|| "not measured yet; `info` and --autotune do it".to_owned());
        ui.line(&format!("\nspeed of {}: {text}", cell(report, "index")))?;
    }
    for report in reports.iter().filter(|r| r.get("experimental_coop").is_some()) {
        ui.line(&format!("\n{}: {}", cell(report, "index"), cell(report, "experimental_coop")))?;
    }
    Ok(Done::Yes)
}

/// What becomes of `--experimental-coop` on an adapter; one that does not open does not keep the others from being listed.
fn cooperative(adapter: &AdapterReport) -> String {
    let options = GpuOptions { device: Some(adapter.index.to_string()), experimental_coop: true, ..GpuOptions::default() };
    Gpu::new(&options).map_or_else(|e| e.to_string(), |gpu| gpu.cooperative().unwrap_or_default().to_owned())
}

/// The report of an adapter with its `speed`: what an earlier run has measured, or null.
fn report(adapter: &AdapterReport) -> Option<Value> {
    let mut report = serde_json::to_value(adapter).ok()?;
    report["speed"] = json!(known_speed(adapter));
    Some(report)
}

fn cell(report: &Value, field: &str) -> String {
    let text = match report.get(field) {
        Some(Value::Bool(b)) => if *b { "yes" } else { "-" }.to_owned(),
        Some(Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let number = |name: &str| report.get(name).and_then(Value::as_u64);
    let sizes = report.get("cooperative_sizes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if field == "cooperative_matrix" && !sizes.is_empty() {
        return sizes.iter().map(|n| format!("{n}x{n}")).collect::<Vec<_>>().join(", ");
    }
    match (field, number("subgroup_min"), number("subgroup_max")) {
        ("subgroups", Some(low), Some(high)) if text == "yes" && low == high => low.to_string(),
        ("subgroups", Some(low), Some(high)) if text == "yes" => format!("{low}-{high}"),
        _ => text,
    }
}
