//! The files of this folder and what `scripts/hostile.py` says each has to give.

#![allow(dead_code, reason = "each test crate uses a part")]

use std::path::{Path, PathBuf};

use lookalike::error::Error;
use lookalike::import::Limits;
use lookalike::import::onnx::supported_operators;
use lookalike::model::Model;

/// An entry of the manifest.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) what: String,
    /// The variant of the error; empty when the file has to work, `*` when any error will do.
    #[serde(default)]
    pub(crate) error: String,
    #[serde(default)]
    phrase: String,
    /// Operators: while one of them is not supported, Unsupported with its name will do.
    #[serde(default)]
    waits: String,
}

#[derive(serde::Deserialize)]
struct Manifest {
    file: Vec<Entry>,
}

/// All entries.
pub(crate) fn entries() -> Vec<Entry> {
    let text = std::fs::read_to_string(folder().join("manifest.toml")).unwrap();
    toml::from_str::<Manifest>(&text).unwrap().file
}

/// The folder that the files lie in.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile")
}

/// The files in a temporary folder, with everything around them that must not be read.
pub(crate) fn prepared() -> (tempfile::TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("hostile");
    let external = root.join("external");
    for part in std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        let copy = root.join(part.file_name().unwrap());
        std::fs::create_dir_all(&copy).unwrap();
        for file in std::fs::read_dir(&part).unwrap().map(|e| e.unwrap().path()) {
            std::fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
        }
    }
    // Exactly what the models ask for: reading any of them would make the model load.
    let secret = vec![0u8; 288];
    std::fs::create_dir(external.join("sub")).unwrap();
    for place in [root.join("secret.bin"), external.join("sub/weights.bin")] {
        std::fs::write(place, &secret).unwrap();
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(root.join("secret.bin"), external.join("symbolic_link")).unwrap();
        std::fs::hard_link(root.join("secret.bin"), external.join("hard_link")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(external.join("pipe")).status().unwrap();
        assert!(made.success());
    }
    (outer, root)
}

impl Entry {
    /// Whether the file can be tried here: some need links and pipes.
    pub(crate) fn applies(&self) -> bool {
        cfg!(unix) || !["symbolic_link", "hard_link", "pipe"].iter().any(|n| self.file.contains(n))
    }

    /// The operators that this file waits for.
    pub(crate) fn waits_for(&self) -> Vec<&str> {
        self.waits.split_whitespace().filter(|o| !supported_operators().any(|s| s == *o)).collect()
    }

    /// Reads the file and prepares it for one picture.
    pub(crate) fn run(&self, root: &Path, limits: &Limits) -> Result<(), Error> {
        Model::load(&root.join(&self.file), limits).and_then(|model| super::bodies::plan(&model, 1, 12))
    }

    /// What is wrong with an outcome, if anything is.
    pub(crate) fn objection(&self, outcome: &Result<(), Error>) -> Option<String> {
        let missing = self.waits_for();
        match outcome {
            Err(Error::Unsupported(text)) if missing.iter().any(|o| text.contains(o)) => None,
            Ok(()) if self.error.is_empty() => None,
            Ok(()) => Some(format!("works, but should be {}", self.error)),
            Err(e) => {
                let (variant, text) = (variant(e), e.to_string());
                super::bodies::sentence(e);
                let fits = (self.error == "*" || self.error == variant) && text.contains(&self.phrase);
                (!fits).then(|| format!("{variant} instead of {} with {:?}: {text}", self.error, self.phrase))
            }
        }
    }
}

/// The name of the variant.
pub(crate) fn variant(e: &Error) -> &'static str {
    match e {
        Error::Model(_) => "Model",
        Error::Caller(_) => "Caller",
        Error::Limits(_) => "Limits",
        Error::Unsupported(_) => "Unsupported",
        Error::Io { .. } => "Io",
        _ => "another variant",
    }
}
