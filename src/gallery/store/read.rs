//! Everything that reads a gallery.

use std::collections::{HashSet, VecDeque};

use rusqlite::{OptionalExtension, Row, Transaction};

use super::batch::to_id;
use super::codec::{face_sum, from_bytes, of_bytes, person_sum, picture_sum, width};
use super::failure::{Context, damaged};
use super::{Entry, Gallery, schema};
use crate::error::Result;

/// Rows that are read at once.
const PAGE: usize = 256;

const COLUMNS: &str = "SELECT face.id, person.id, label, person.checksum, picture.id, digest, source, picture.checksum, \
    number, quality, x1, y1, x2, y2, added, vector, vector_crc, face.checksum \
    FROM face JOIN person ON person.id = face.person JOIN picture ON picture.id = face.picture";

/// A person of a gallery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The person's number.
    pub id: u64,
    /// The person's name.
    pub label: String,
    /// How many faces are enrolled.
    pub faces: u64,
}

/// Figures of a gallery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// People.
    pub people: u64,
    /// Pictures.
    pub pictures: u64,
    /// Faces, each with an embedding.
    pub faces: u64,
    /// Size of the gallery with its log, in bytes.
    pub bytes: u64,
    /// Version of the schema.
    pub schema: u64,
    /// When it was created: milliseconds since 1970, UTC.
    pub created: i64,
}

impl Gallery {
    /// All faces in the order of their ids, as they are now: what is written meanwhile does not show. Only a few are in memory at a time.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`], also from the iterator, which ends after an error.
    pub fn entries(&self) -> Result<Entries<'_>> {
        // One snapshot for all pages; within another one, that one.
        let snapshot = if self.db.is_autocommit() { Some(self.db.unchecked_transaction().within(&self.path)?) } else { None };
        Ok(Entries { gallery: self, _snapshot: snapshot, page: VecDeque::new(), last: i64::MIN, done: false })
    }

    /// One face.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`].
    pub fn entry(&self, id: u64) -> Result<Option<Entry>> {
        let Ok(id) = i64::try_from(id) else { return Ok(None) };
        let mut statement = self.db.prepare_cached(&format!("{COLUMNS} WHERE face.id = ?")).within(&self.path)?;
        let raw = statement.query_row([id], Raw::read).optional().within(&self.path)?;
        raw.map(|raw| self.decode(raw)).transpose()
    }

    /// Everybody with at least one face, in the order of labels.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`].
    pub fn people(&self) -> Result<Vec<Person>> {
        let sql = "SELECT person.id, label, person.checksum, count(*) FROM person JOIN face ON face.person = person.id GROUP BY person.id ORDER BY label";
        let mut statement = self.db.prepare(sql).within(&self.path)?;
        let mut rows = statement.query([]).within(&self.path)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().within(&self.path)? {
            let read = || Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            let (id, label, checksum, faces): (i64, String, u32, i64) = read().within(&self.path)?;
            if person_sum(id, &label) != checksum {
                return Err(damaged(&self.path, &format!("the checksum of person {id} is wrong")));
            }
            out.push(Person { id: to_id(id, &self.path)?, label, faces: u64::try_from(faces).unwrap_or(0) });
        }
        Ok(out)
    }

    /// SHA-256 of every picture file that is enrolled, as far as they are known.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`].
    pub fn picture_digests(&self) -> Result<HashSet<[u8; 32]>> {
        let sql = "SELECT digest FROM picture WHERE digest IS NOT NULL AND id IN (SELECT picture FROM face)";
        let mut statement = self.db.prepare(sql).within(&self.path)?;
        let rows = statement.query_map([], |row| row.get(0)).within(&self.path)?;
        rows.collect::<rusqlite::Result<_>>().within(&self.path)
    }

    /// Who is in the picture with this digest and where it came from: labels in the order of faces, and the source.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`].
    pub fn picture(&self, digest: &[u8; 32]) -> Result<Option<(Vec<String>, String)>> {
        let sql = "SELECT label, source FROM picture JOIN face ON face.picture = picture.id JOIN person ON person.id = face.person \
                   WHERE digest = ? ORDER BY number";
        let mut statement = self.db.prepare_cached(sql).within(&self.path)?;
        let rows = statement.query_map([digest.as_slice()], |row| Ok((row.get(0)?, row.get(1)?))).within(&self.path)?;
        let rows: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>().within(&self.path)?;
        let source = rows.first().map(|r| r.1.clone());
        Ok(source.map(|s| (rows.into_iter().map(|r| r.0).collect(), s)))
    }

    /// How many faces there are.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`].
    pub fn len(&self) -> Result<u64> {
        self.count("SELECT count(*) FROM face")
    }

    /// Whether there is no face.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.count("SELECT EXISTS (SELECT 1 FROM face)")? == 0)
    }

    /// Figures of the gallery.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`].
    pub fn stats(&self) -> Result<Stats> {
        Ok(Stats {
            people: self.count("SELECT count(*) FROM person")?,
            pictures: self.count("SELECT count(*) FROM picture")?,
            faces: self.len()?,
            bytes: self.bytes()?,
            schema: u64::try_from(schema::version(&self.db).within(&self.path)?).unwrap_or(0),
            created: self.facts.created,
        })
    }

    /// Bytes of the file, and of the log where there is one.
    pub(super) fn bytes(&self) -> Result<u64> {
        let pages = self.count("PRAGMA page_count")?.saturating_mul(self.count("PRAGMA page_size")?);
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        Ok(pages.saturating_add(std::fs::metadata(log).map_or(0, |m| m.len())))
    }

    fn count(&self, sql: &str) -> Result<u64> {
        let n: i64 = self.db.query_row(sql, [], |row| row.get(0)).within(&self.path)?;
        u64::try_from(n).map_err(|_| damaged(&self.path, "a count is negative"))
    }

    /// A row, if its checksums are right.
    fn decode(&self, raw: Raw) -> Result<Entry> {
        if let Some(what) = raw.fault(self.facts.dimension, width(self.facts.precision)) {
            return Err(damaged(&self.path, &format!("face {}: {what}", raw.id)));
        }
        let id = |n| to_id(n, &self.path);
        let number = u32::try_from(raw.number).map_err(|_| damaged(&self.path, &format!("face {} has an impossible number", raw.id)))?;
        Ok(Entry {
            id: id(raw.id)?,
            person: id(raw.person)?,
            vector: from_bytes(&raw.vector, self.facts.precision),
            face: number,
            quality: raw.quality.map(|x| x as f32),
            bounds: match raw.bounds {
                [Some(a), Some(b), Some(c), Some(d)] => Some([a, b, c, d].map(|x| x as f32)),
                _ => None,
            },
            label: raw.label,
            source: raw.source,
            picture_digest: raw.digest,
            added: raw.added,
        })
    }
}

/// See [`Gallery::entries`].
pub struct Entries<'g> {
    gallery: &'g Gallery,
    _snapshot: Option<Transaction<'g>>,
    page: VecDeque<Raw>,
    last: i64,
    done: bool,
}

impl Entries<'_> {
    fn fill(&mut self) -> rusqlite::Result<()> {
        let sql = format!("{COLUMNS} WHERE face.id > ? ORDER BY face.id LIMIT {PAGE}");
        let mut statement = self.gallery.db.prepare_cached(&sql)?;
        let rows = statement.query_map([self.last], Raw::read)?;
        for raw in rows {
            self.page.push_back(raw?);
        }
        self.done = self.page.len() < PAGE;
        Ok(())
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && !self.done
            && let Err(e) = self.fill().within(&self.gallery.path)
        {
            (self.done, self.page) = (true, VecDeque::new());
            return Some(Err(e));
        }
        let raw = self.page.pop_front()?;
        self.last = raw.id;
        let entry = self.gallery.decode(raw);
        if entry.is_err() {
            (self.done, self.page) = (true, VecDeque::new());
        }
        Some(entry)
    }
}

/// A row as it is stored.
pub(super) struct Raw {
    pub(super) id: i64,
    pub(super) person: i64,
    label: String,
    person_checksum: u32,
    picture: i64,
    digest: Option<[u8; 32]>,
    source: String,
    picture_checksum: u32,
    number: i64,
    quality: Option<f64>,
    bounds: [Option<f64>; 4],
    added: i64,
    pub(super) vector: Vec<u8>,
    vector_crc: u32,
    checksum: u32,
}

impl Raw {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            person: row.get(1)?,
            label: row.get(2)?,
            person_checksum: row.get(3)?,
            picture: row.get(4)?,
            digest: row.get(5)?,
            source: row.get(6)?,
            picture_checksum: row.get(7)?,
            number: row.get(8)?,
            quality: row.get(9)?,
            bounds: [row.get(10)?, row.get(11)?, row.get(12)?, row.get(13)?],
            added: row.get(14)?,
            vector: row.get(15)?,
            vector_crc: row.get(16)?,
            checksum: row.get(17)?,
        })
    }

    /// What is wrong with the row.
    pub(super) fn fault(&self, dimension: Option<usize>, width: usize) -> Option<&'static str> {
        let row = face_sum(self.id, self.person, self.picture, self.number, self.quality, self.bounds, self.added, self.vector_crc);
        if row != self.checksum {
            return Some("the checksum of its row is wrong");
        }
        if of_bytes(&self.vector) != self.vector_crc {
            return Some("the checksum of its embedding is wrong");
        }
        if person_sum(self.person, &self.label) != self.person_checksum {
            return Some("the checksum of its person is wrong");
        }
        if picture_sum(self.picture, self.digest.as_ref().map(|d| d.as_slice()), &self.source) != self.picture_checksum {
            return Some("the checksum of its picture is wrong");
        }
        (dimension.and_then(|d| d.checked_mul(width)) != Some(self.vector.len()))
            .then_some("its embedding has another length than the gallery's")
    }
}

/// The query of [`Raw::read`], in the order of ids.
pub(super) fn all_rows() -> String {
    format!("{COLUMNS} ORDER BY face.id")
}
