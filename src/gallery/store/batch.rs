//! Transactions: faces come in and go out together, or not at all.

use std::path::Path;

use half::f16;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::codec::{face_sum, of_bytes, person_sum, picture_sum, to_bytes};
use super::failure::{Context, damaged};
use super::schema::{Facts, MAX_DIMENSION, facts};
use super::write::{check_label, check_source};
use super::{Added, Faces, GalleryModel, NewEntry, now};
use crate::error::{Error, Result};
use crate::model::Precision;

/// A transaction: changes that become part of the gallery together, with [`Self::commit`], or not at all.
pub struct Batch<'g> {
    db: Transaction<'g>,
    pub(super) path: &'g Path,
    /// What the gallery will say of itself after the commit.
    facts: Facts,
    shown: &'g mut Facts,
    next: Next,
}

/// The next id of every table.
struct Next {
    person: i64,
    picture: i64,
    face: i64,
}

impl<'g> Batch<'g> {
    pub(super) fn new(db: Transaction<'g>, path: &'g Path, shown: &'g mut Facts) -> Result<Self> {
        let facts = facts(&db, path)?;
        let next = |table| next_id(&db, path, table);
        let next = Next { person: next("person")?, picture: next("picture")?, face: next("face")? };
        Ok(Self { db, path, facts, shown, next })
    }

    /// Makes all of it durable.
    ///
    /// # Errors
    /// [`Error::Gallery`] (no space); then nothing of the batch is in the gallery.
    pub fn commit(self) -> Result<()> {
        self.db.commit().within(self.path)?;
        *self.shown = self.facts;
        Ok(())
    }

    /// See [`super::Gallery::bind`]; asked again here, where nobody else can write.
    pub(super) fn bind(&mut self, model: &GalleryModel) -> Result<()> {
        match &self.facts.model {
            Some(own) => return own.same_as(model, self.path),
            None if self.one::<i64>("SELECT 1 FROM face LIMIT 1", [])?.is_some() => return Err(model.after_strangers(self.path)),
            None => self.facts.model = Some(model.clone()),
        }
        self.facts.store(&self.db, self.path)
    }

    /// Enrols a face, unless it is enrolled: the same face of a picture with the same digest, or, of a picture without one, the same
    /// person, source and embedding.
    ///
    /// # Errors
    /// As [`super::Gallery::add_many`].
    pub fn add(&mut self, entry: &NewEntry<'_>) -> Result<Added> {
        let bytes = self.check(entry)?;
        if self.facts.dimension.is_none() {
            self.facts.dimension = Some(entry.vector.len());
            self.facts.store(&self.db, self.path)?;
        }
        let crc = of_bytes(&bytes);
        let person = self.person(entry.label)?;
        let picture = match &entry.picture_digest {
            Some(digest) => self.picture_of(digest)?,
            None => self.picture_from(entry.source)?,
        };
        if let Some(picture) = picture {
            let known = match entry.picture_digest {
                Some(_) => self.face_at(picture, entry.face.unwrap_or(0))?,
                None => self.face_like(picture, person, crc, &bytes)?,
            };
            if let Some((id, label)) = known {
                return Ok(Added::Known { id: to_id(id, self.path)?, label });
            }
        }
        let picture = match picture {
            Some(id) => id,
            None => self.new_picture(entry)?,
        };
        let person = match person {
            Some(id) => id,
            None => self.new_person(entry.label)?,
        };
        let number = self.number(picture, entry)?;
        let id = self.new_face(entry, person, picture, number, &bytes, crc)?;
        Ok(Added::New(to_id(id, self.path)?))
    }

    /// Whether an entry can be stored, and the bytes of its embedding.
    fn check(&self, entry: &NewEntry<'_>) -> Result<Vec<u8>> {
        check_label(entry.label)?;
        check_source(entry.source)?;
        let wrong = |what: String| Err(Error::Caller(format!("The embedding of `{}` from `{}` {what}.", entry.label, entry.source)));
        let n = entry.vector.len();
        match self.facts.dimension {
            Some(d) if d != n => return wrong(format!("has {n} numbers, but the gallery {} holds embeddings of {d}", self.path.display())),
            None if !(1..=MAX_DIMENSION).contains(&n) => {
                return wrong(format!("has {n} numbers. A gallery holds between 1 and {MAX_DIMENSION}"));
            }
            _ => {}
        }
        let stored = |x: f32| match self.facts.precision {
            Precision::F32 => x,
            Precision::F16 => f16::from_f32(x).to_f32(),
        };
        if let Some(x) = entry.vector.iter().find(|&&x| !stored(x).is_finite()) {
            return wrong(format!("has the number {x}, which cannot be stored. Embed the picture again"));
        }
        if entry.vector.iter().all(|&x| stored(x) == 0.0) {
            return wrong("is zero, which resembles nothing. Embed the picture again".to_owned());
        }
        if entry.quality.iter().chain(entry.bounds.iter().flatten()).any(|x| !x.is_finite()) {
            return wrong("comes with a quality or a box that is not finite. Leave it out".to_owned());
        }
        Ok(to_bytes(entry.vector, self.facts.precision))
    }

    fn one<T: rusqlite::types::FromSql>(&self, sql: &str, with: impl rusqlite::Params) -> Result<Option<T>> {
        let mut statement = self.db.prepare_cached(sql).within(self.path)?;
        statement.query_row(with, |row| row.get(0)).optional().within(self.path)
    }

    pub(super) fn person(&self, label: &str) -> Result<Option<i64>> {
        self.one("SELECT id FROM person WHERE label = ?", [label])
    }

    pub(super) fn picture_of(&self, digest: &[u8; 32]) -> Result<Option<i64>> {
        self.one("SELECT id FROM picture WHERE digest = ?", [digest.as_slice()])
    }

    fn picture_from(&self, source: &str) -> Result<Option<i64>> {
        // The plus keeps SQLite from looking for NULL in the index of digests, where all rows without one are.
        self.one("SELECT id FROM picture WHERE source = ? AND +digest IS NULL", [source])
    }

    fn face_at(&self, picture: i64, number: u32) -> Result<Option<(i64, String)>> {
        let sql = "SELECT face.id, label FROM face JOIN person ON person.id = person WHERE picture = ? AND number = ?";
        let mut statement = self.db.prepare_cached(sql).within(self.path)?;
        statement.query_row(params![picture, number], |row| Ok((row.get(0)?, row.get(1)?))).optional().within(self.path)
    }

    fn face_like(&self, picture: i64, person: Option<i64>, crc: u32, bytes: &[u8]) -> Result<Option<(i64, String)>> {
        let sql = "SELECT face.id, label FROM face JOIN person ON person.id = person \
                   WHERE picture = ? AND vector_crc = ? AND +person = ? AND vector = ?";
        let mut statement = self.db.prepare_cached(sql).within(self.path)?;
        statement.query_row(params![picture, crc, person, bytes], |row| Ok((row.get(0)?, row.get(1)?))).optional().within(self.path)
    }

    /// Which face of the picture it becomes.
    fn number(&self, picture: i64, entry: &NewEntry<'_>) -> Result<i64> {
        let wanted = entry.face.or(entry.picture_digest.map(|_| 0));
        if let Some(n) = wanted
            && self.face_at(picture, n)?.is_none()
        {
            return Ok(i64::from(n));
        }
        let last: Option<Option<i64>> = self.one("SELECT max(number) FROM face WHERE picture = ?", [picture])?;
        match last.flatten() {
            None => Ok(0),
            Some(n) => {
                n.checked_add(1).filter(|n| u32::try_from(*n).is_ok()).ok_or_else(|| damaged(self.path, "a face has an impossible number"))
            }
        }
    }

    fn new_person(&mut self, label: &str) -> Result<i64> {
        let id = take(&mut self.next.person, self.path)?;
        let mut insert = self.db.prepare_cached("INSERT INTO person (id, label, checksum) VALUES (?, ?, ?)").within(self.path)?;
        insert.execute(params![id, label, person_sum(id, label)]).within(self.path)?;
        Ok(id)
    }

    fn new_picture(&mut self, entry: &NewEntry<'_>) -> Result<i64> {
        let id = take(&mut self.next.picture, self.path)?;
        let digest = entry.picture_digest.as_ref().map(|d| d.as_slice());
        let sum = picture_sum(id, digest, entry.source);
        let mut insert =
            self.db.prepare_cached("INSERT INTO picture (id, digest, source, checksum) VALUES (?, ?, ?, ?)").within(self.path)?;
        insert.execute(params![id, digest, entry.source, sum]).within(self.path)?;
        Ok(id)
    }

    fn new_face(&mut self, entry: &NewEntry<'_>, person: i64, picture: i64, number: i64, bytes: &[u8], crc: u32) -> Result<i64> {
        let id = take(&mut self.next.face, self.path)?;
        let quality = entry.quality.map(f64::from);
        let bounds = entry.bounds.map(|b| b.map(f64::from));
        let [x1, y1, x2, y2] = split(bounds);
        let added = now();
        let sum = face_sum(id, person, picture, number, quality, [x1, y1, x2, y2], added, crc);
        let sql = "INSERT INTO face (id, person, picture, number, quality, x1, y1, x2, y2, added, vector, vector_crc, checksum) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let mut insert = self.db.prepare_cached(sql).within(self.path)?;
        insert.execute(params![id, person, picture, number, quality, x1, y1, x2, y2, added, bytes, crc, sum]).within(self.path)?;
        Ok(id)
    }

    /// The faces that `which` means.
    pub(super) fn select(&self, which: &Faces<'_>) -> Result<Vec<i64>> {
        match which {
            Faces::Id(id) => self.ids("SELECT id FROM face WHERE id = ?", i64::try_from(*id).unwrap_or(-1)),
            Faces::Person(label) => self.ids("SELECT id FROM face WHERE person = (SELECT id FROM person WHERE label = ?)", label),
            Faces::Source(source) => self.ids("SELECT id FROM face WHERE picture IN (SELECT id FROM picture WHERE source = ?)", source),
        }
    }

    fn ids(&self, sql: &str, of: impl rusqlite::ToSql) -> Result<Vec<i64>> {
        let mut statement = self.db.prepare_cached(sql).within(self.path)?;
        let rows = statement.query_map([of], |row| row.get(0)).within(self.path)?;
        rows.collect::<rusqlite::Result<_>>().within(self.path)
    }

    /// Removes a face; 0 when it is gone already.
    pub(super) fn remove(&self, id: i64) -> Result<usize> {
        let mut delete = self.db.prepare_cached("DELETE FROM face WHERE id = ?").within(self.path)?;
        delete.execute([id]).within(self.path)
    }

    /// Says where a picture is.
    pub(super) fn place(&self, picture: i64, digest: &[u8; 32], source: &str) -> Result<bool> {
        let sql = "UPDATE picture SET source = ?1, checksum = ?2 WHERE id = ?3 AND source <> ?1";
        let sum = picture_sum(picture, Some(digest), source);
        Ok(self.db.execute(sql, params![source, sum, picture]).within(self.path)? > 0)
    }

    /// Removes pictures and people without faces.
    pub(super) fn sweep(&self) -> Result<()> {
        let sql = "DELETE FROM picture WHERE id NOT IN (SELECT picture FROM face);
                   DELETE FROM person WHERE id NOT IN (SELECT person FROM face);";
        self.db.execute_batch(sql).within(self.path)
    }

    pub(super) fn faces_of(&self, person: i64) -> Result<Vec<i64>> {
        self.ids("SELECT id FROM face WHERE person = ?", person)
    }

    pub(super) fn relabel(&self, person: i64, label: &str) -> Result<()> {
        let sql = "UPDATE person SET label = ?, checksum = ? WHERE id = ?";
        self.db.execute(sql, params![label, person_sum(person, label), person]).within(self.path).map(|_| ())
    }

    pub(super) fn hand_over(&self, faces: &[i64], person: i64) -> Result<()> {
        let columns = "SELECT picture, number, quality, x1, y1, x2, y2, added, vector_crc FROM face WHERE id = ?";
        let mut read = self.db.prepare(columns).within(self.path)?;
        let mut write = self.db.prepare("UPDATE face SET person = ?, checksum = ? WHERE id = ?").within(self.path)?;
        for &id in faces {
            let sum = read.query_row([id], |r| {
                let bounds = [r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?];
                Ok(face_sum(id, person, r.get(0)?, r.get(1)?, r.get(2)?, bounds, r.get(7)?, r.get(8)?))
            });
            write.execute(params![person, sum.within(self.path)?, id]).within(self.path)?;
        }
        Ok(())
    }
}

/// One more than the largest id that a table ever had.
fn next_id(db: &Connection, path: &Path, table: &str) -> Result<i64> {
    let last: Option<i64> =
        db.query_row("SELECT seq FROM sqlite_sequence WHERE name = ?", [table], |r| r.get(0)).optional().within(path)?;
    let last = last.unwrap_or(0);
    if last < 0 {
        return Err(damaged(path, "a counter of ids is negative"));
    }
    last.checked_add(1).ok_or_else(|| damaged(path, "a counter of ids is at its end"))
}

/// The next id; `next` moves on.
fn take(next: &mut i64, path: &Path) -> Result<i64> {
    let id = *next;
    *next = id.checked_add(1).ok_or_else(|| damaged(path, "a counter of ids is at its end"))?;
    Ok(id)
}

pub(super) fn to_id(id: i64, path: &Path) -> Result<u64> {
    u64::try_from(id).map_err(|_| damaged(path, "an id is negative"))
}

fn split(bounds: Option<[f64; 4]>) -> [Option<f64>; 4] {
    bounds.map_or([None; 4], |b| b.map(Some))
}
