//! `lookalike devices`

use lookalike::Error;
use lookalike::gpu::adapters;

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

pub(crate) fn run(ui: &Ui) -> Outcome {
    let found = adapters()?;
    if found.is_empty() && !ui.json {
        let text =
            "There is no graphics adapter. Install a Vulkan, Metal, DX12 or GL driver (on a server, Mesa's lavapipe: mesa-vulkan-drivers).";
        return Err(Error::NoAdapter(text.to_owned()).into());
    }
    if ui.json {
        ui.json(&found)?;
        return Ok(Done::Yes);
    }
    let reports: Vec<_> = found.iter().filter_map(|a| serde_json::to_value(a).ok()).collect();
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
    Ok(Done::Yes)
}

fn cell(report: &serde_json::Value, field: &str) -> String {
    let text = match report.get(field) {
        Some(serde_json::Value::Bool(b)) => if *b { "yes" } else { "-" }.to_owned(),
        Some(serde_json::Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let number = |name: &str| report.get(name).and_then(serde_json::Value::as_u64);
    match (field, number("subgroup_min"), number("subgroup_max")) {
        ("subgroups", Some(low), Some(high)) if text == "yes" && low == high => low.to_string(),
        ("subgroups", Some(low), Some(high)) if text == "yes" => format!("{low}-{high}"),
        _ => text,
    }
}
