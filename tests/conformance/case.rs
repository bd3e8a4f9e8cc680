//! What `scripts/conformance.py` wrote.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One official test.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    /// node, simple, pytorch-operator, pytorch-converted or light.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) rtol: f64,
    pub(crate) atol: f64,
    /// Of the standard domain; `None` in a model of other domains.
    pub(crate) opset: Option<i64>,
    /// Operators of the model and its subgraphs, sorted.
    pub(crate) operators: Vec<String>,
    /// Nodes of the outermost graph.
    pub(crate) nodes: usize,
    /// `None` when something else than tensors goes in or comes out.
    pub(crate) sets: Option<Vec<DataSet>>,
    #[serde(skip)]
    folder: PathBuf,
}

/// Inputs and the outputs that belong to them.
#[derive(Debug, Deserialize)]
pub(crate) struct DataSet {
    pub(crate) inputs: Vec<Stored>,
    pub(crate) outputs: Vec<Stored>,
}

/// A tensor in a file.
#[derive(Debug, Deserialize)]
pub(crate) struct Stored {
    pub(crate) name: String,
    /// The element type: float, int64, bfloat16, …
    #[serde(rename = "type")]
    pub(crate) element: String,
    file: PathBuf,
}

/// All tests of a folder.
pub(crate) fn read(folder: &Path) -> Vec<Case> {
    let text = std::fs::read(folder.join("cases.json")).expect("cargo xtask conformance writes the tests");
    let mut cases: Vec<Case> = serde_json::from_slice(&text).unwrap();
    for case in &mut cases {
        folder.clone_into(&mut case.folder);
    }
    cases
}

impl Case {
    pub(crate) fn model(&self) -> Vec<u8> {
        std::fs::read(self.folder.join(&self.kind).join(&self.name).join("model.onnx")).unwrap()
    }

    pub(crate) fn bytes(&self, stored: &Stored) -> Vec<u8> {
        std::fs::read(self.folder.join(&stored.file)).unwrap()
    }

    /// Whether this is one of the tenth that `seed` chooses.
    pub(crate) fn in_sample(&self, seed: u64) -> bool {
        // FNV-1a
        let bytes = self.kind.bytes().chain(self.name.bytes()).chain(seed.to_le_bytes());
        let hash = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
        (hash >> 32).is_multiple_of(10)
    }
}
