//! The command-line tool, run in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub(crate) struct Tool {
    dir: tempfile::TempDir,
    program: &'static str,
}

impl Tool {
    /// `program`: `env!("CARGO_BIN_EXE_lookalike")`, which only test files know.
    pub(crate) fn new(program: &'static str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), program }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and the folders it is in.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The tool with arguments that hold no spaces.
    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = Command::new(self.program);
        command.args(args.split_whitespace()).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &str) -> Output {
        self.command(args).output().unwrap()
    }

    /// The standard output of a command that must succeed.
    pub(crate) fn succeed(&self, args: &str) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, args: &str) -> Value {
        serde_json::from_str(&self.succeed(&format!("{args} --json"))).unwrap()
    }

    /// The message of a command that must end in one clean error.
    pub(crate) fn fail(&self, args: &str) -> String {
        one_error(&self.run(args))
    }
}

/// The message of what ended in one clean error.
pub(crate) fn one_error(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(stderr.lines().filter(|l| l.starts_with("error: ")).count(), 1, "{stderr}");
    stderr
}

/// A .npy file of f32.
pub(crate) fn npy(shape: &[usize], data: &[f32]) -> Vec<u8> {
    let dims: String = shape.iter().map(|d| format!("{d},")).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({dims}), }}\n");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.bytes());
    out.extend(data.iter().flat_map(|x| x.to_le_bytes()));
    out
}
