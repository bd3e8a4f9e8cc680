//! The durable gallery: people, pictures and embeddings in one SQLite file.
//!
//! Every change is a transaction that is on the disk when the call returns: a process that is killed or a machine that loses power keeps
//! what was acknowledged and nothing of what was not. One process writes at a time, any number read, and readers never wait. Ids are given
//! once. A checksum in every row finds bits that changed on the disk. `docs/gallery.md` has the schema and how all of this is tested.

mod batch;
mod check;
mod codec;
mod entry;
mod failure;
mod model;
mod read;
mod schema;
mod write;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use batch::Batch;
pub use check::Check;
pub use entry::{Added, Entry, Faces, NewEntry};
pub use model::GalleryModel;
pub use read::{Entries, Person, Stats};

use crate::error::{Error, Result};
use crate::model::{EmbeddingDescription, Precision, Similarity};
use crate::score::Scoring;
use failure::Context;
use schema::Facts;

/// How long a writer waits for another one before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Choices that a gallery is made with.
#[derive(Clone, Debug, Default)]
pub struct GalleryOptions {
    /// The model whose embeddings go in. `None`: the first one that adds to it, or embeddings of unknown origin.
    pub model: Option<GalleryModel>,
    /// Numbers in an embedding, 1..=65536. `None`: as many as the first one has.
    pub dimension: Option<usize>,
    /// How numbers are stored. f16 halves the file and rounds them to 11 bits.
    pub precision: Precision,
}

/// Enrolled faces in a file. See the [module](self) for what is guaranteed.
///
/// ```no_run
/// use lookalike::gallery::{Gallery, GalleryOptions, NewEntry};
///
/// let mut gallery = Gallery::create("people.gallery", &GalleryOptions::default())?;
/// gallery.add(&NewEntry { label: "Ada", source: "ada.jpg", vector: &[0.6, 0.8], ..NewEntry::default() })?;
/// for entry in gallery.entries()? {
///     let entry = entry?;
///     println!("{} is {}", entry.id, entry.label);
/// }
/// # Ok::<(), lookalike::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Gallery {
    db: Connection,
    path: PathBuf,
    facts: Facts,
}

impl Gallery {
    /// Makes a new gallery. A process that dies meanwhile leaves at most an empty file, in whose place the next call makes the gallery.
    ///
    /// # Errors
    /// [`Error::Gallery`] when there is a file already; [`Error::Caller`] for an impossible dimension; [`Error::Io`].
    pub fn create(path: impl AsRef<Path>, options: &GalleryOptions) -> Result<Self> {
        let path = path.as_ref();
        if let Some(d) = options.dimension.filter(|d| !(1..=schema::MAX_DIMENSION).contains(d)) {
            let text =
                format!("A gallery cannot hold embeddings of {d} numbers. Give a dimension between 1 and {}.", schema::MAX_DIMENSION);
            return Err(Error::Caller(text));
        }
        if std::fs::metadata(path).is_ok_and(|m| m.is_dir() || m.len() > 0) {
            let text = format!("The gallery {} would replace something that is there. Choose another name.", path.display());
            return Err(Error::Gallery(text));
        }
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        drop(file.map_err(|e| Error::io("Creating", path, e))?);
        let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::create(&mut db, path, options)?;
        Self::opened(db, path)
    }

    /// Opens a gallery to read and write it. A gallery of an older version of the schema is brought up to date first.
    ///
    /// # Errors
    /// [`Error::Gallery`] when there is none, or another kind of database; [`Error::Damaged`]; [`Error::Unsupported`] for one of a newer
    /// version; [`Error::Locked`]; [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        looks_like_a_database(path)?;
        let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::migrate(&mut db, path)?;
        Self::opened(db, path)
    }

    /// Opens a gallery to read it, beside another process that may be writing. Works on read-only files and media.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::Unsupported`] also for a gallery of an older version, which [`Self::open`] brings up to date.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        looks_like_a_database(path)?;
        let readable = raw(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|db| schema::version(&db).map(|_| db));
        // On a medium where nothing can be written SQLite cannot share the index of its log; without a log it needs none.
        let db = match readable {
            Ok(db) => db,
            Err(e) if failure::needs_shared_memory(&e) && !has_log(path) => connect_immutable(path)?,
            Err(e) => return Err(failure::sentence(e, path)),
        };
        schema::current(&db, path)?;
        Self::opened(db, path)
    }

    fn opened(db: Connection, path: &Path) -> Result<Self> {
        let facts = schema::verify(&db, path)?;
        Ok(Self { db, path: path.to_owned(), facts })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The model whose embeddings it holds; `None` while no model added any.
    pub fn model(&self) -> Option<&GalleryModel> {
        self.facts.model.as_ref()
    }

    /// The digest of that model.
    pub fn model_digest(&self) -> Option<&str> {
        self.facts.model.as_ref().map(|m| m.digest.as_str())
    }

    /// How many numbers an embedding has; `None` while there is none and nobody said.
    pub fn dimension(&self) -> Option<usize> {
        self.facts.dimension
    }

    /// How the numbers are stored.
    pub fn precision(&self) -> Precision {
        self.facts.precision
    }

    /// How embeddings are compared: as the model says, by cosine where no model is known.
    pub fn similarity(&self) -> Similarity {
        self.facts.model.as_ref().map(|m| m.similarity).unwrap_or_default()
    }

    /// The same with its parameters.
    ///
    /// # Errors
    /// [`Error::Model`] when what the file says of them is not sound.
    pub fn scoring(&self) -> Result<Scoring> {
        let score = self.facts.model.as_ref().and_then(|m| m.score.clone());
        Scoring::of(&EmbeddingDescription { similarity: self.similarity(), score, ..EmbeddingDescription::default() })
    }

    /// From which similarity on (for distances: up to which one) two faces are of one person, as the model says.
    pub fn threshold(&self) -> Option<f32> {
        self.facts.model.as_ref().and_then(|m| m.threshold)
    }

    /// Whether the gallery takes embeddings of `model`: it holds those of this one, or none yet.
    ///
    /// # Errors
    /// [`Error::Gallery`], naming both digests.
    pub fn accepts(&self, model: &GalleryModel) -> Result<()> {
        match &self.facts.model {
            Some(own) => own.same_as(model, &self.path),
            None if self.facts.dimension.is_none() => Ok(()),
            None if self.is_empty()? => Ok(()),
            None => Err(model.after_strangers(&self.path)),
        }
    }

    /// Makes the gallery the one of `model`, unless it is already.
    ///
    /// # Errors
    /// As [`Self::accepts`], and those of writing.
    pub fn bind(&mut self, model: &GalleryModel) -> Result<()> {
        if let Some(own) = &self.facts.model {
            return own.same_as(model, &self.path);
        }
        let mut batch = self.begin()?;
        batch.bind(model)?;
        batch.commit()
    }

    /// How long to wait for another process that is writing (default 10 s).
    ///
    /// # Errors
    /// [`Error::Gallery`] when SQLite refuses.
    pub fn set_patience(&self, patience: Duration) -> Result<()> {
        self.db.busy_timeout(patience).within(&self.path)
    }

    /// Begins a transaction: nothing of it is in the gallery until [`Batch::commit`].
    ///
    /// # Errors
    /// [`Error::Locked`] when another process is writing for too long; [`Error::Gallery`] when the file cannot be written.
    pub fn begin(&mut self) -> Result<Batch<'_>> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).within(&self.path)?;
        Batch::new(transaction, &self.path, &mut self.facts)
    }
}

/// A connection with everything that this crate wants of one.
fn connect(path: &Path, access: OpenFlags) -> Result<Connection> {
    raw(path, access).within(path)
}

fn raw(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let db = Connection::open_with_flags(path, flags)?;
    schema::configure(&db)?;
    Ok(db)
}

/// A connection to a file that nobody can change.
fn connect_immutable(path: &Path) -> Result<Connection> {
    let text = path.to_str().ok_or_else(|| {
        Error::Caller(format!(
            "The name of the gallery {} is not valid Unicode, so it can be read only where its folder can be written.",
            path.display()
        ))
    })?;
    let mut uri = "file:".to_owned();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    connect(Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// Whether there are changes that are not in the main file yet.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|m| m.len() > 0)
}

/// What can be said about a file before SQLite sees it.
fn looks_like_a_database(path: &Path) -> Result<()> {
    use std::io::Read;
    let fail = |e| Error::io("Opening the gallery", path, e);
    let meta = std::fs::metadata(path);
    if meta.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
        let text = format!("There is no gallery {}. Check the path, or create one with `lookalike gallery create`.", path.display());
        return Err(Error::Gallery(text));
    }
    if meta.map_err(fail)?.is_dir() {
        return Err(Error::Caller(format!("The gallery {} is a folder. Name the gallery's file.", path.display())));
    }
    let mut start = Vec::new();
    std::fs::File::open(path).map_err(fail)?.take(16).read_to_end(&mut start).map_err(fail)?;
    if start.is_empty() {
        return Err(Error::Damaged(format!("The gallery {} is an empty file. Create it again, or restore a copy.", path.display())));
    }
    if start != b"SQLite format 3\0" {
        return Err(Error::Damaged(format!(
            "The file {} is not a gallery, or its beginning is damaged. Name a gallery, or restore a copy.",
            path.display()
        )));
    }
    Ok(())
}

/// Milliseconds since 1970, UTC.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_millis()).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
