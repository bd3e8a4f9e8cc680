//! Networks as exporters write them (PyTorch's two, ONNX Script, the layout of converters from TensorFlow) against ONNX Runtime.
//!
//! `cargo xtask exports` exports the networks and runs this; LOOKALIKE_EXPORTS names the folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};

use common::{compare, gpu, read_npy};
use lookalike::error::Error;
use lookalike::import::Limits;
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};
use serde::Deserialize;

/// Relative L2 of an output.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Export {
    name: String,
    model: PathBuf,
    batches: Vec<Batch>,
}

#[derive(Deserialize)]
struct Batch {
    batch: usize,
    input: Stored,
    outputs: Vec<Stored>,
}

#[derive(Deserialize)]
struct Stored {
    name: String,
    file: PathBuf,
}

/// The largest relative L2 of the outputs at each batch, or why there is none.
fn check(folder: &Path, export: &Export) -> Result<Vec<f64>, String> {
    let text = |e: Error| e.to_string();
    let model = Model::load(&folder.join(&export.model), &Limits::default()).map_err(text)?;
    let network = Network::compile(&gpu(), &model, &CompileOptions::default()).map_err(text)?;
    export.batches.iter().map(|batch| check_batch(folder, &network, batch)).collect()
}

fn check_batch(folder: &Path, network: &Network, batch: &Batch) -> Result<f64, String> {
    let input = read_npy(&folder.join(&batch.input.file));
    let results = network.run(&[(&batch.input.name, &input)]).map_err(|e| e.to_string())?;
    let names: Vec<&str> = results.iter().map(|(name, _)| name.as_str()).collect();
    let due: Vec<&str> = batch.outputs.iter().map(|o| o.name.as_str()).collect();
    if names != due {
        return Err(format!("batch {}: the outputs are {} instead of {}", batch.batch, names.join(", "), due.join(", ")));
    }
    let mut worst = 0.0_f64;
    for ((name, got), stored) in results.iter().zip(&batch.outputs) {
        let want = read_npy(&folder.join(&stored.file));
        if got.shape() != want.shape() {
            return Err(format!("batch {}: `{name}` has the shape {} instead of {}", batch.batch, got.shape(), want.shape()));
        }
        let (_, error) = compare(&got.to_f32(), &want.to_f32());
        worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
    }
    Ok(worst)
}

#[test]
fn exported_networks_agree_with_onnx_runtime() {
    let Some(folder) = std::env::var_os("LOOKALIKE_EXPORTS").map(PathBuf::from) else {
        println!("skipped: LOOKALIKE_EXPORTS is not set");
        return;
    };
    let listed = std::fs::read(folder.join("exports.json")).expect("cargo xtask exports writes the networks");
    let exports: Vec<Export> = serde_json::from_slice(&listed).unwrap();
    let mut wrong = Vec::new();
    for export in &exports {
        let line = match check(&folder, export) {
            Ok(errors) => {
                let columns: Vec<_> = export.batches.iter().zip(&errors).map(|(b, e)| format!("batch {} {e:.1e}", b.batch)).collect();
                if !errors.iter().all(|&e| e <= TOLERANCE) {
                    wrong.push(export.name.as_str());
                }
                columns.join("   ")
            }
            Err(reason) => {
                wrong.push(export.name.as_str());
                reason
            }
        };
        println!("{:<36} {line}", export.name);
    }
    println!("{} of {} networks agree (relative L2 of every output at most {TOLERANCE:e})", exports.len() - wrong.len(), exports.len());
    assert!(!exports.is_empty() && wrong.is_empty(), "{}", wrong.join(", "));
}
