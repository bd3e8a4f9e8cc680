//! What Mesa reads from the environment when a process begins.
//!
//! A variable for a library in this process can only be set safely before the process begins, so the program starts itself anew with what is
//! missing.

use lookalike::Result;

/// How wide lavapipe's vectors shall be, in bits.
#[cfg(target_os = "linux")]
const WIDTH: &str = "LOOKALIKE_VECTOR_BITS";
/// Threads that lavapipe computes with. By itself it takes one for each core and cuts a launch into as many parts.
#[cfg(target_os = "linux")]
const THREADS: &str = "LP_NUM_THREADS";
/// How many it is given for each core: smaller parts are spread more evenly where two threads are woken on one core or a core is busy (docs/benchmarks.md).
#[cfg(target_os = "linux")]
const THREADS_PER_CORE: usize = 3;

/// Starts the program anew where Mesa needs other variables than there are; otherwise returns.
///
/// * Mesa's device-selection layer is switched off where it would only complain: it asks Wayland for the default GPU, and without XDG_RUNTIME_DIR
///   (containers, servers, cron) libwayland then writes lines that begin with `error:` to standard error, which whoever watches this
///   program takes for its own.
/// * [`WIDTH`] becomes lavapipe's own variable, with a shader cache of its own: Mesa keeps compiled code without noting its width, and code of another
///   width gives wrong results.
/// * [`THREADS`] becomes [`THREADS_PER_CORE`] times the cores that this process may use, if nobody has set it.
///
/// # Errors
/// A width that there is not.
#[cfg(target_os = "linux")]
pub(crate) fn prepare() -> Result<()> {
    use std::os::unix::process::CommandExt;
    let mut variables = Vec::new();
    // Whoever steers the layer wants it.
    if !["XDG_RUNTIME_DIR", "NODEVICE_SELECT", "MESA_VK_DEVICE_SELECT", "DRI_PRIME"].iter().any(is_set) {
        variables.push(("NODEVICE_SELECT", "1".into()));
    }
    // Set by the process before this one, or by somebody who looks after the cache.
    if !is_set(&"LP_NATIVE_VECTOR_WIDTH")
        && let Some(width) = width()?
    {
        variables.push(("LP_NATIVE_VECTOR_WIDTH", width.to_string().into()));
        variables.push(("MESA_SHADER_CACHE_DIR", cache(width)));
    }
    if !is_set(&THREADS) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        variables.push((THREADS, (THREADS_PER_CORE * cores).to_string().into()));
    }
    let mut args = std::env::args_os();
    let (Some(name), Ok(program), false) = (args.next(), std::env::current_exe(), variables.is_empty()) else { return Ok(()) };
    // Returns only if it fails, and then nothing is lost but silence and speed.
    let _ = std::process::Command::new(program).arg0(name).args(args).envs(variables).exec();
    Ok(())
}

#[cfg(target_os = "linux")]
fn is_set(name: &&str) -> bool {
    std::env::var_os(name).is_some()
}

/// The width that is asked for.
#[cfg(target_os = "linux")]
fn width() -> Result<Option<u32>> {
    let Some(value) = std::env::var_os(WIDTH).filter(|v| !v.is_empty()) else { return Ok(None) };
    let known = [128, 256, 512].into_iter().find(|w| value.to_str().is_some_and(|v| v.trim() == w.to_string()));
    let width = known.ok_or_else(|| {
        lookalike::Error::Caller(format!(
            "{WIDTH} is `{}`, but vectors have 128, 256 or 512 bits. Correct it or leave it out.",
            value.display()
        ))
    })?;
    #[cfg(target_arch = "x86_64")]
    if width == 512 && !std::arch::is_x86_feature_detected!("avx512f") {
        let text = format!("{WIDTH} is 512, but this processor has no vectors of 512 bits (AVX-512). Leave it out.");
        return Err(lookalike::Error::Unsupported(text));
    }
    Ok(Some(width))
}

/// The shader cache of a width, inside of the one that is there.
#[cfg(target_os = "linux")]
fn cache(width: u32) -> std::ffi::OsString {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(std::path::PathBuf::from);
    let base =
        folder("MESA_SHADER_CACHE_DIR").or_else(|| folder("XDG_CACHE_HOME")).or_else(|| folder("HOME").map(|home| home.join(".cache")));
    base.unwrap_or_else(std::env::temp_dir).join(format!("lookalike-lavapipe-{width}")).into_os_string()
}

/// Other systems have no Mesa to prepare.
#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() -> Result<()> {
    Ok(())
}
