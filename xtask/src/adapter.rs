//! Makes sure that there is a graphics adapter before anything that needs one runs.
//!
//! The tool itself is asked (`lookalike devices --json`): a driver manifest on disk does not prove that its hardware is there.
//! When nothing usable is listed on Linux, the software Vulkan driver is installed.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, in_path, output, step};

/// Environment variables of the Vulkan loader that replace the drivers it would find by itself.
const DRIVER_VARIABLES: [&str; 2] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/// Finds an adapter with `tool`, installing the software driver on Linux when there is none.
pub(crate) fn ensure(tool: &Path) -> Result<(), Failure> {
    let found = backends_of(tool);
    if usable(&found) {
        return Ok(());
    }
    // A choice of backends or drivers in the environment is the user's; more drivers would not change what it finds.
    if let Some(variable) = ["LOOKALIKE_BACKENDS"].into_iter().chain(DRIVER_VARIABLES).find(|v| std::env::var_os(v).is_some()) {
        return if found.is_empty() {
            Err(Failure::usage(format!(
                "No graphics adapter was found, and {variable} is set, which restricts the search. Unset it or correct it."
            )))
        } else {
            Ok(())
        };
    }
    if !cfg!(target_os = "linux") {
        return Err(Failure::usage(
            "No graphics adapter was found. Update the graphics driver; `lookalike devices` lists what this machine offers.",
        ));
    }
    eprintln!("xtask: no usable graphics adapter ({}); installing the software Vulkan driver", diagnosis(&found));
    let installed = install();
    let found = backends_of(tool);
    if usable(&found) {
        return Ok(());
    }
    if !found.is_empty() {
        eprintln!("xtask: going on with OpenGL, which is slower and less exact than Vulkan");
        return Ok(());
    }
    let reason = match installed {
        Ok(()) => format!("the software Vulkan driver is installed, but no adapter appeared ({})", diagnosis(&found)),
        Err(reason) => format!("{} and {reason}", diagnosis(&found)),
    };
    Err(Failure::usage(format!(
        "No graphics adapter was found: {reason}. Install a Vulkan loader and a driver by hand (for the CPU: Mesa's lavapipe; \
         Debian and Ubuntu: apt-get install mesa-vulkan-drivers libvulkan1)."
    )))
}

/// The backend of every adapter that `tool` lists, in lower case.
fn backends_of(tool: &Path) -> Vec<String> {
    output(Command::new(tool).args(["devices", "--json"])).map(|json| backends(&json)).unwrap_or_default()
}

/// The values of all `"backend"` fields. The tool's own output is well-formed, so looking for the key is enough.
fn backends(json: &str) -> Vec<String> {
    json.split("\"backend\"")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next())
        .map(str::to_lowercase)
        .collect()
}

fn usable(backends: &[String]) -> bool {
    backends.iter().any(|b| !matches!(b.as_str(), "gl" | "gles" | "opengl" | "noop" | "empty"))
}

/// What is missing, for the sentence a user reads.
fn diagnosis(found: &[String]) -> String {
    if !found.is_empty() {
        return "only OpenGL is there".to_owned();
    }
    if !loader_exists() {
        return "the Vulkan loader libvulkan.so.1 is missing".to_owned();
    }
    match manifests().len() {
        0 => "no Vulkan driver is installed".to_owned(),
        1 => "the one installed Vulkan driver finds no device".to_owned(),
        n => format!("none of the {n} installed Vulkan drivers finds a device"),
    }
}

fn loader_exists() -> bool {
    let listed =
        ["ldconfig", "/sbin/ldconfig"].iter().any(|p| output(Command::new(p).arg("-p")).is_some_and(|l| l.contains("libvulkan.so.1")));
    listed || library_dirs().iter().any(|dir| dir.join("libvulkan.so.1").exists())
}

fn library_dirs() -> Vec<PathBuf> {
    let arch = std::env::consts::ARCH;
    let fixed = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let multiarch = ["/lib", "/usr/lib"].map(|dir| PathBuf::from(format!("{dir}/{arch}-linux-gnu")));
    let extra = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    std::env::split_paths(&extra).chain(fixed).chain(multiarch).collect()
}

/// Driver manifests in the folders where the Vulkan loader looks for them.
fn manifests() -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = ["/etc", "/usr/local/etc", "/usr/local/share", "/usr/share"].map(PathBuf::from).into();
    for variable in ["XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"] {
        roots.extend(std::env::var_os(variable).iter().flat_map(std::env::split_paths));
    }
    if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
        roots.extend([home.join(".local/share"), home.join(".config")]);
    }
    roots.sort();
    roots.dedup();
    let folders = roots.iter().filter_map(|root| std::fs::read_dir(root.join("vulkan/icd.d")).ok());
    let files = folders.flat_map(|entries| entries.flatten().map(|e| e.path()));
    files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect()
}

/// A package manager, with the arguments that install the driver and the ones that refresh the package lists.
struct Manager {
    program: &'static str,
    install: &'static [&'static str],
    refresh: Option<&'static [&'static str]>,
}

const MANAGERS: [Manager; 4] = [
    Manager {
        program: "apt-get",
        install: &["install", "-y", "--no-install-recommends", "mesa-vulkan-drivers", "libvulkan1"],
        refresh: Some(&["update"]),
    },
    Manager { program: "dnf", install: &["install", "-y", "mesa-vulkan-drivers", "vulkan-loader"], refresh: None },
    Manager { program: "pacman", install: &["-S", "--noconfirm", "--needed", "vulkan-swrast", "vulkan-icd-loader"], refresh: None },
    Manager { program: "apk", install: &["add", "mesa-vulkan-swrast", "vulkan-loader"], refresh: None },
];

/// Installs the software driver. The error is the second half of a sentence.
fn install() -> Result<(), String> {
    let Manager { program, install, refresh } =
        MANAGERS.into_iter().find(|m| in_path(m.program)).ok_or("none of the package managers apt-get, dnf, pacman and apk is here")?;
    let run = |args: &[&str]| {
        let mut command = privileged(program)?;
        step(command.args(args).env("DEBIAN_FRONTEND", "noninteractive")).map_err(|f| f.message.trim_end_matches('.').to_owned())
    };
    let refreshed = refresh.filter(|_| !package_lists_exist());
    if let Some(args) = refreshed {
        run(args)?;
    }
    match (run(install), refresh) {
        // The lists may be there and out of date.
        (Err(_), Some(args)) if refreshed.is_none() => run(args).and_then(|()| run(install)),
        (outcome, _) => outcome,
    }
}

fn package_lists_exist() -> bool {
    let lists = std::fs::read_dir("/var/lib/apt/lists").into_iter().flatten().flatten();
    lists.into_iter().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

/// `program` with the rights to install packages.
fn privileged(program: &str) -> Result<Command, String> {
    if output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0") {
        return Ok(Command::new(program));
    }
    if !in_path("sudo") {
        return Err(format!("installing one with {program} needs root, and there is no sudo"));
    }
    let mut command = Command::new("sudo");
    if !std::io::stdin().is_terminal() {
        command.arg("-n"); // fail instead of waiting for a password that nobody can type
    }
    command.arg(program);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_read_from_compact_and_indented_json() {
        assert_eq!(backends(r#"[{"index":0,"backend":"Vulkan"},{"backend" : "Gl"}]"#), ["vulkan", "gl"]);
        assert_eq!(backends("[]"), [""; 0]);
        assert_eq!(backends(""), [""; 0]);
    }

    #[test]
    fn opengl_alone_is_not_usable() {
        assert!(!usable(&[]));
        assert!(!usable(&["gl".to_owned()]));
        assert!(usable(&["gl".to_owned(), "vulkan".to_owned()]));
        assert!(usable(&["metal".to_owned()]));
    }

    #[test]
    fn a_missing_tool_lists_no_adapters() {
        assert!(backends_of(Path::new("no/such/program")).is_empty());
    }
}
