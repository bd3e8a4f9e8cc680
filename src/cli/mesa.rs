//! Keeps Mesa's voice out of ours.

/// Starts the program anew with Mesa's device-selection layer switched off, where that layer would only complain.
///
/// The layer asks Wayland for the default GPU. Without XDG_RUNTIME_DIR (containers, servers, cron) libwayland then writes lines that begin
/// with `error:` to standard error, which whoever watches this program takes for its own. The layer is switched off by an environment
/// variable, and the only safe way to set one for a library in this process is to set it before the process begins.
#[cfg(target_os = "linux")]
pub(crate) fn hush() {
    use std::os::unix::process::CommandExt;
    // Whoever steers the layer wants it.
    if ["XDG_RUNTIME_DIR", "NODEVICE_SELECT", "MESA_VK_DEVICE_SELECT", "DRI_PRIME"].iter().any(|v| std::env::var_os(v).is_some()) {
        return;
    }
    let mut args = std::env::args_os();
    let (Some(name), Ok(program)) = (args.next(), std::env::current_exe()) else { return };
    // Returns only if it fails, and then nothing is lost but silence.
    let _ = std::process::Command::new(program).arg0(name).args(args).env("NODEVICE_SELECT", "1").exec();
}

/// Other systems have no such layer.
#[cfg(not(target_os = "linux"))]
pub(crate) fn hush() {}
