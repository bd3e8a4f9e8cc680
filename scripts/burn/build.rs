//! Makes Rust code of the ONNX file that the environment variable `BURN_NETWORK` names.

use std::env::var;
use std::path::Path;

use burn_onnx::{LoadStrategy, ModelGen};

fn main() {
    println!("cargo:rerun-if-env-changed=BURN_NETWORK");
    let Ok(network) = var("BURN_NETWORK") else { panic!("BURN_NETWORK is not set: `cargo xtask compare --peers burn` sets it.") };
    println!("cargo:rerun-if-changed={network}");
    ModelGen::new().input(&network).out_dir("network").load_strategy(LoadStrategy::Embedded).run_from_script();

    let folder = var("OUT_DIR").unwrap_or_default();
    let name = Path::new(&network).with_extension("rs");
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    println!("cargo:rustc-env=NETWORK={folder}/network/{name}");
    println!("cargo:rustc-env=VERSIONS=burn {}, burn-onnx {}", locked("burn"), locked("burn-onnx"));
}

/// The version of a package in Cargo.lock.
fn locked(package: &str) -> String {
    let lock = std::fs::read_to_string("Cargo.lock").unwrap_or_default();
    let entry = lock.split_once(&format!("name = \"{package}\"\nversion = \"")).map_or("", |(_, rest)| rest);
    entry.split('"').next().unwrap_or_default().to_owned()
}
