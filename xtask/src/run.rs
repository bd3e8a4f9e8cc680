//! Running other programs, and where things are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a command of xtask ends early.
pub(crate) struct Failure {
    /// Exit code.
    pub(crate) code: u8,
    /// One sentence for the terminal; empty when the failed program has already said it.
    pub(crate) message: String,
}

impl Failure {
    /// Something is missing or wrong outside of the project's own code.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder that holds `debug/` and `release/`: two above this program, which follows CARGO_TARGET_DIR and cargo's configuration.
pub(crate) fn target() -> PathBuf {
    std::env::current_exe().ok().and_then(|exe| exe.ancestors().nth(2).map(Path::to_owned)).unwrap_or_else(|| root().join("target"))
}

/// The tool as `cargo build --release` leaves it.
pub(crate) fn lookalike() -> PathBuf {
    target().join("release").join(format!("lookalike{}", std::env::consts::EXE_SUFFIX))
}

/// `cargo`, in the root of the repository.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The command line of `command` as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let args = command.get_args().map(|a| a.to_string_lossy().into_owned());
    std::iter::once(name).chain(args).collect::<Vec<_>>().join(" ")
}

/// Runs `command` with its output on the terminal, after printing it.
pub(crate) fn step(command: &mut Command) -> Result<(), Failure> {
    let line = line(command);
    eprintln!("xtask: {line}");
    match command.status() {
        Err(e) => Err(Failure::usage(format!("`{line}` could not be started ({e})."))),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let code = status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1);
            Err(Failure { code, message: format!("`{line}` failed ({status}).") })
        }
    }
}

/// Standard output of `command`, or nothing when it cannot be started or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name is in PATH.
pub(crate) fn in_path(program: &str) -> bool {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(&file).is_file()))
}
