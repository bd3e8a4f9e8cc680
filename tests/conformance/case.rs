//! What `scripts/conformance.py` wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The official tests of one version of the onnx package.
#[derive(Debug, Deserialize)]
pub(crate) struct Suite {
    /// The version.
    pub(crate) onnx: String,
    /// Standard operators, each with its versions from the oldest to the newest.
    pub(crate) schemas: BTreeMap<String, Vec<Schema>>,
    pub(crate) cases: Vec<Case>,
}

/// An operator from one operator set on.
#[derive(Debug, Deserialize)]
pub(crate) struct Schema {
    pub(crate) since: i64,
    pub(crate) deprecated: bool,
    pub(crate) attributes: Vec<String>,
}

/// One official test.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    /// node, simple, pytorch-operator, pytorch-converted or light.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) rtol: f64,
    pub(crate) atol: f64,
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
pub(crate) fn read(folder: &Path) -> Suite {
    let text = std::fs::read(folder.join("cases.json")).expect("cargo xtask conformance writes the tests");
    let mut suite: Suite = serde_json::from_slice(&text).unwrap();
    for case in &mut suite.cases {
        folder.clone_into(&mut case.folder);
    }
    suite
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
