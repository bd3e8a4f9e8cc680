//! The tables, their versions, and how a connection is set up.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::codec::Sum;
use super::failure::{Context, damaged};
use super::{GalleryModel, GalleryOptions, PATIENCE, now};
use crate::error::{Error, Result};
use crate::model::Precision;

/// "LkGa": what tells a gallery from other SQLite databases.
const APPLICATION: i32 = 0x4C6B_4761;
/// Largest embedding.
pub(super) const MAX_DIMENSION: usize = 1 << 16;

/// What brings a gallery from version i to version i + 1.
const STEPS: &[&str] = &["
CREATE TABLE gallery (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  element TEXT NOT NULL CHECK (element IN ('f32', 'f16')),
  dimension INTEGER CHECK (dimension BETWEEN 1 AND 65536),
  model TEXT,
  created INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE person (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  label TEXT NOT NULL UNIQUE,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE picture (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB UNIQUE CHECK (length(digest) = 32),
  source TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX picture_source ON picture (source);
CREATE TABLE face (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL REFERENCES person (id),
  picture INTEGER NOT NULL REFERENCES picture (id),
  number INTEGER NOT NULL CHECK (number >= 0),
  quality REAL,
  x1 REAL, y1 REAL, x2 REAL, y2 REAL,
  added INTEGER NOT NULL,
  vector BLOB NOT NULL,
  vector_crc INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  UNIQUE (picture, number)
) STRICT;
CREATE INDEX face_person ON face (person);
CREATE INDEX face_vector ON face (picture, vector_crc);
"];

/// What the gallery as a whole says of itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) precision: Precision,
    pub(super) dimension: Option<usize>,
    pub(super) model: Option<GalleryModel>,
    pub(super) created: i64,
}

impl Facts {
    fn element(&self) -> &'static str {
        match self.precision {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
        }
    }

    /// Writes the one row.
    pub(super) fn store(&self, db: &Connection, path: &Path) -> Result<()> {
        let model = self.model.as_ref().map(serde_json::to_string).transpose();
        let model = model.map_err(|e| Error::Model(format!("The model's description cannot be stored ({e}). Correct it.")))?;
        let dimension = self.dimension.map(|d| d as i64);
        let checksum = sum(self.element(), dimension, model.as_deref(), self.created);
        db.execute(
            "INSERT OR REPLACE INTO gallery (one, element, dimension, model, created, checksum) VALUES (1, ?, ?, ?, ?, ?)",
            params![self.element(), dimension, model, self.created, checksum],
        )
        .within(path)?;
        Ok(())
    }
}

fn sum(element: &str, dimension: Option<i64>, model: Option<&str>, created: i64) -> u32 {
    let row = Sum::new(1).bytes(element.as_bytes()).whole(dimension.unwrap_or(0));
    row.bytes(model.unwrap_or_default().as_bytes()).whole(created).finish()
}

/// Sets up a connection. Nothing here writes to the file.
pub(super) fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(PATIENCE)?;
    // A file from a stranger may hold triggers and views: they call no functions, and the schema cannot be rewritten.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    db.set_prepared_statement_cache_capacity(64);
    // FULL: a commit returns when it is on the disk. Embeddings of people who were removed are overwritten, not only forgotten.
    for (name, value) in [("synchronous", "FULL"), ("foreign_keys", "ON"), ("secure_delete", "ON"), ("cell_size_check", "ON")] {
        db.pragma_update(None, name, value)?;
    }
    Ok(())
}

fn pragma(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, name, |row| row.get(0))
}

/// The version of the schema.
pub(super) fn version(db: &Connection) -> rusqlite::Result<i64> {
    pragma(db, "user_version")
}

/// Makes the tables in an empty file.
pub(super) fn create(db: &mut Connection, path: &Path, options: &GalleryOptions) -> Result<()> {
    // Readers beside the writer; the mode stays with the file.
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).within(path)?;
    if mode != "wal" {
        let text =
            format!("The gallery {} cannot be made: its file system allows no write-ahead log. Choose a local disk.", path.display());
        return Err(Error::Gallery(text));
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).within(path)?;
    if pragma(&transaction, "application_id").within(path)? != 0 {
        let text = format!("The gallery {} would replace something that is there. Choose another name.", path.display());
        return Err(Error::Gallery(text));
    }
    transaction.pragma_update(None, "application_id", APPLICATION).within(path)?;
    apply(&transaction, STEPS).within(path)?;
    let facts = Facts { precision: options.precision, dimension: options.dimension, model: options.model.clone(), created: now() };
    facts.store(&transaction, path)?;
    transaction.commit().within(path)
}

fn apply(db: &Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let from = usize::try_from(version(db)?).unwrap_or(0);
    for step in steps.iter().skip(from) {
        db.execute_batch(step)?;
    }
    db.pragma_update(None, "user_version", steps.len() as i64)
}

/// Brings a gallery up to date.
pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<()> {
    migrate_by(db, path, STEPS)
}

fn migrate_by(db: &mut Connection, path: &Path, steps: &[&str]) -> Result<()> {
    if known(db, path, steps.len())? == steps.len() {
        return Ok(());
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).within(path)?;
    apply(&transaction, steps).within(path)?;
    transaction.commit().within(path)
}

/// Whether a gallery can be read as it is.
pub(super) fn current(db: &Connection, path: &Path) -> Result<()> {
    let version = known(db, path, STEPS.len())?;
    if version < STEPS.len() {
        let text = format!(
            "The gallery {} has the schema of an older version ({version}; this program writes {}). Open it for writing once, as `lookalike gallery compact` does.",
            path.display(),
            STEPS.len()
        );
        return Err(Error::Unsupported(text));
    }
    Ok(())
}

/// The version, if this program knows it.
fn known(db: &Connection, path: &Path, newest: usize) -> Result<usize> {
    if pragma(db, "application_id").within(path)? != i64::from(APPLICATION) {
        let text =
            format!("The file {} is a database, but not a gallery. Name a gallery, or create one under another name.", path.display());
        return Err(Error::Gallery(text));
    }
    let version = version(db).within(path)?;
    match usize::try_from(version) {
        Ok(v) if (1..=newest).contains(&v) => Ok(v),
        Ok(v) if v > newest => Err(Error::Unsupported(format!(
            "The gallery {} was written by a newer version of this program (schema {v}; this one knows up to {newest}). Update lookalike.",
            path.display()
        ))),
        _ => Err(damaged(path, &format!("it has the impossible schema version {version}"))),
    }
}

/// Whether the tables are those of this version, and what the gallery says of itself.
pub(super) fn verify(db: &Connection, path: &Path) -> Result<Facts> {
    let model = Connection::open_in_memory().and_then(|m| apply(&m, STEPS).map(|()| m)).within(path)?;
    let (own, found) = (tables(&model).within(path)?, tables(db).within(path)?);
    if let Some((name, _)) = own.iter().find(|t| !found.contains(t)) {
        return Err(damaged(path, &format!("its table or index `{name}` is missing or another one")));
    }
    facts(db, path)
}

/// Names and definitions of tables and indexes.
fn tables(db: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut statement = db.prepare("SELECT name, sql FROM sqlite_schema")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Reads the one row.
pub(super) fn facts(db: &Connection, path: &Path) -> Result<Facts> {
    type Row = (String, Option<i64>, Option<String>, i64, u32);
    let row: Option<Row> = db
        .query_row("SELECT element, dimension, model, created, checksum FROM gallery", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
        })
        .optional()
        .within(path)?;
    let (element, dimension, model, created, checksum) = row.ok_or_else(|| damaged(path, "it does not describe itself"))?;
    if sum(&element, dimension, model.as_deref(), created) != checksum {
        return Err(damaged(path, "the checksum of its description is wrong"));
    }
    let precision = if element == "f16" { Precision::F16 } else { Precision::F32 };
    let model = model.map(|m| serde_json::from_str(&m)).transpose();
    let model = model.map_err(|e| damaged(path, &format!("what it says of its model cannot be read: {e}")))?;
    let dimension = dimension.map(usize::try_from).transpose();
    let dimension = dimension.ok().filter(|d| d.is_none_or(|d| (1..=MAX_DIMENSION).contains(&d)));
    let dimension = dimension.ok_or_else(|| damaged(path, "its dimension is impossible"))?;
    Ok(Facts { precision, dimension, model, created })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::gallery::{Gallery, NewEntry};

    #[test]
    fn a_step_brings_an_older_gallery_forward_once_and_keeps_its_rows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g");
        let mut gallery = Gallery::create(&path, &GalleryOptions::default()).unwrap();
        gallery.add(&NewEntry { label: "a", source: "s", vector: &[1.0, 0.0], ..NewEntry::default() }).unwrap();
        drop(gallery);
        let steps = [STEPS[0], "ALTER TABLE person ADD COLUMN note TEXT; UPDATE person SET note = 'old';"];
        let mut db = super::super::connect(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        for _ in 0..2 {
            migrate_by(&mut db, &path, &steps).unwrap();
        }
        let note: String = db.query_row("SELECT note FROM person WHERE label = 'a'", [], |r| r.get(0)).unwrap();
        assert_eq!((note.as_str(), version(&db).unwrap()), ("old", 2));
        drop(db);
        // Now it is of a newer version than this program knows.
        for opened in [Gallery::open(&path), Gallery::open_read_only(&path)] {
            let text = opened.unwrap_err().to_string();
            assert!(text.contains("newer version") && text.contains("schema 2"), "{text}");
        }
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g");
        drop(Gallery::create(&path, &GalleryOptions::default()).unwrap());
        let mut db = super::super::connect(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let steps = [STEPS[0], "ALTER TABLE person ADD COLUMN note TEXT; SELECT * FROM nowhere;"];
        assert!(migrate_by(&mut db, &path, &steps).is_err());
        drop(db);
        Gallery::open(&path).unwrap();
    }
}
