//! One error type. Variants say who is at fault; every message is a full sentence that names the thing, the value and the remedy.

use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, by who is at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model (or its description) is malformed or contradicts itself.
    #[error("{0}")]
    Model(String),
    /// The caller asked for something that does not fit: a shape, a name, an option.
    #[error("{0}")]
    Caller(String),
    /// A limit of [`crate::import::Limits`] or of a picture is exceeded.
    #[error("{0}")]
    Limits(String),
    /// The input is valid but uses something this crate does not do; all of it is listed.
    #[error("{0}")]
    Unsupported(String),
    /// A picture could not be decoded.
    #[error("{0}")]
    Picture(String),
    /// There is no face in a picture that has to have one.
    #[error("{0}")]
    NoFace(String),
    /// The landmarks of a face do not allow the alignment that was asked for: they coincide, or there are none.
    #[error("{0}")]
    NoAlignment(String),
    /// A gallery refuses: embeddings of another model, no space, no permission.
    #[error("{0}")]
    Gallery(String),
    /// A gallery's file is damaged: bits changed, a part is missing, or it is none. Restore a copy.
    #[error("{0}")]
    Damaged(String),
    /// Another process is writing to the gallery. Try again.
    #[error("{0}")]
    Locked(String),
    /// No graphics adapter fits the request.
    #[error("{0}")]
    NoAdapter(String),
    /// The device went away (driver reset, unplugged, destroyed). Make a new [`crate::gpu::Gpu`] and compile again.
    #[error("The GPU device was lost ({0}). Make a new Gpu and compile the network again; results of an earlier device stay valid.")]
    DeviceLost(String),
    /// An allocation on the device does not fit.
    #[error(
        "The GPU needs {wanted} more bytes for {what}, but only {limit} bytes are allowed. Use a smaller batch, --precision f16, or raise LOOKALIKE_MEMORY_BUDGET."
    )]
    OutOfMemory {
        /// What the memory was for.
        what: String,
        /// Bytes asked for.
        wanted: u64,
        /// Bytes that were still allowed.
        limit: u64,
    },
    /// The device did not finish in time.
    #[error("The GPU did not finish {what} within {seconds} s. The device may hang; raise LOOKALIKE_TIMEOUT or choose another --device.")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// The device or driver reported an error: a defect of this crate or of the driver.
    #[error("{0}")]
    Device(String),
    /// Reading or writing a file failed.
    #[error("{action} {} failed: {source}.{}", .path.display(), io_remedy(.source))]
    Io {
        /// What was tried, as the beginning of a sentence ("Reading").
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source }
    }
}

fn io_remedy(e: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as K;
    match e.kind() {
        K::NotFound => " Check the path.",
        K::PermissionDenied => " Check the permissions of the file and its folder.",
        K::StorageFull => " Free some space.",
        _ => "",
    }
}
