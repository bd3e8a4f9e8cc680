//! Python environments for the scripts, made on first use.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, in_path, root, step, target};

/// A virtual environment under `target/`.
pub(crate) struct Environment {
    /// Its folder.
    pub(crate) folder: &'static str,
    /// The file in `scripts/` that lists its packages.
    pub(crate) requirements: &'static str,
    /// More options of `pip install`.
    pub(crate) pip: &'static [&'static str],
    /// The command that needs it, for messages.
    pub(crate) command: &'static str,
}

/// Takes `--python FILE` out of `args`; without it, the interpreter of `environment`.
pub(crate) fn interpreter(args: &mut Vec<String>, environment: &Environment) -> Result<PathBuf, Failure> {
    match option(args, "--python", "the path of a Python interpreter")? {
        Some(python) => Ok(python.into()),
        None => environment.interpreter(),
    }
}

/// Takes the option `name` and its value out of `args`. `value` is what messages call the value.
pub(crate) fn option(args: &mut Vec<String>, name: &str, value: &str) -> Result<Option<String>, Failure> {
    match args.iter().position(|a| a == name) {
        Some(at) if at + 1 < args.len() => Ok(args.drain(at..at + 2).nth(1)),
        Some(_) => Err(Failure::usage(format!("{name} needs {value}."))),
        None => Ok(None),
    }
}

/// `python` with a file of `scripts/` to run.
pub(crate) fn script(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(root().join("scripts").join(name));
    command
}

impl Environment {
    /// The interpreter, after the packages are installed.
    pub(crate) fn interpreter(&self) -> Result<PathBuf, Failure> {
        let folder = target().join(self.folder);
        let python = if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") };
        let requirements = root().join("scripts").join(self.requirements);
        let wanted = std::fs::read_to_string(&requirements)
            .map_err(|e| Failure::usage(format!("Reading {} failed: {e}.", requirements.display())))?;
        let stamp = folder.join("installed-requirements.txt");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(python);
        }
        self.make(&folder, &python)?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(self.pip).arg("-r").arg(&requirements);
        step(&mut install).map_err(|f| {
            Failure::usage(format!("{} pip needs a network; or give --python an interpreter that has the packages.", f.message))
        })?;
        std::fs::write(&stamp, wanted).map_err(|e| Failure::usage(format!("Writing {} failed: {e}.", stamp.display())))?;
        Ok(python)
    }

    fn make(&self, folder: &Path, python: &Path) -> Result<(), Failure> {
        let program = ["python3", "python"].into_iter().find(|p| in_path(p)).ok_or_else(|| {
            Failure::usage(format!("`{}` needs Python 3, and none is in PATH. Install python3 with its venv module.", self.command))
        })?;
        let made = step(Command::new(program).args(["-m", "venv", "--clear"]).arg(folder));
        if made.is_err() || !python.is_file() {
            return Err(Failure::usage(format!(
                "`{program} -m venv` failed. Install the venv module (Debian and Ubuntu: apt-get install python3-venv)."
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_taken_out_with_its_value() {
        let mut args: Vec<String> = ["--a", "--seed", "7", "--b"].map(String::from).into();
        assert!(matches!(option(&mut args, "--seed", "a number"), Ok(Some(v)) if v == "7"));
        assert_eq!(args, ["--a", "--b"]);
        assert!(matches!(option(&mut args, "--seed", "a number"), Ok(None)));
        assert!(option(&mut args, "--b", "a number").is_err());
    }
}
