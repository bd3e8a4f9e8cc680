//! Looking at everything in a gallery.

use rusqlite::Connection;

use super::codec::{from_bytes, norm, person_sum, picture_sum, width};
use super::failure::Context;
use super::read::{Raw, all_rows};
use super::{Gallery, schema};
use crate::error::Result;
use crate::model::{Normalize, Precision};

/// Most problems that are listed; all are counted.
const LISTED: usize = 100;

/// What [`Gallery::check`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// What is wrong, the first hundred of it, a sentence each.
    pub problems: Vec<String>,
    /// How many problems there are.
    pub count: usize,
    /// What is unusual but may be meant.
    pub notes: Vec<String>,
    /// Faces that were looked at.
    pub faces: usize,
}

impl Check {
    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.count == 0
    }

    /// One more problem.
    fn add(&mut self, problem: String) {
        self.count += 1;
        if self.problems.len() < LISTED {
            self.problems.push(problem);
        }
    }
}

impl Gallery {
    /// Looks at everything: the structure of the file, the tables, references, the checksum of every row, dimensions, norms, pictures and
    /// people without faces, counters of ids. Changes nothing; the larger the gallery, the longer it takes.
    ///
    /// # Errors
    /// Only when the gallery cannot be looked at at all; what is wrong with it is in the result.
    pub fn check(&self) -> Result<Check> {
        let snapshot = if self.db.is_autocommit() { Some(self.db.unchecked_transaction().within(&self.path)?) } else { None };
        let mut found = Check::default();
        let steps: [(&str, fn(&Self, &mut Check) -> rusqlite::Result<()>); 6] = [
            ("structure", Self::check_structure),
            ("references", Self::check_references),
            ("people", Self::check_people),
            ("pictures", Self::check_pictures),
            ("faces", Self::check_faces),
            ("ids", Self::check_counters),
        ];
        for (what, step) in steps {
            if let Err(e) = step(self, &mut found) {
                found.add(format!("The {what} cannot be read to the end ({e})."));
            }
        }
        if let Err(e) = schema::verify(&self.db, &self.path) {
            found.add(e.to_string());
        }
        drop(snapshot);
        Ok(found)
    }

    fn check_structure(&self, found: &mut Check) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare(&format!("PRAGMA integrity_check({LISTED})"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            if text != "ok" {
                found.add(format!("The file's structure is damaged: {}.", text.replace('\n', "; ")));
            }
        }
        Ok(())
    }

    fn check_references(&self, found: &mut Check) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare("PRAGMA foreign_key_check")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            found.add(format!("The {table} {} refers to a {parent} that does not exist.", id.unwrap_or(0)));
        }
        for (parent, column) in [("person", "person"), ("picture", "picture")] {
            let sql = format!("SELECT id FROM {parent} WHERE id NOT IN (SELECT {column} FROM face) ORDER BY id");
            let mut statement = self.db.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                found.add(format!("The {parent} {} has no face (`gallery compact` removes it).", row.get::<_, i64>(0)?));
            }
        }
        Ok(())
    }

    fn check_people(&self, found: &mut Check) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare("SELECT id, label, checksum FROM person")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, label, checksum): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if i64::from(person_sum(id, &label)) != checksum {
                found.add(format!("The checksum of person {id} (`{label}`) is wrong."));
            }
        }
        Ok(())
    }

    fn check_pictures(&self, found: &mut Check) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare("SELECT id, digest, source, checksum FROM picture")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, digest, source, checksum): (i64, Option<Vec<u8>>, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            if i64::from(picture_sum(id, digest.as_deref(), &source)) != checksum {
                found.add(format!("The checksum of picture {id} (`{source}`) is wrong."));
            }
        }
        Ok(())
    }

    fn check_faces(&self, found: &mut Check) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare(&all_rows())?;
        let mut rows = statement.query([])?;
        let mut unscaled = 0usize;
        while let Some(row) = rows.next()? {
            let raw = match Raw::read(row) {
                Ok(raw) => raw,
                Err(e) if e.sqlite_error_code().is_none() => {
                    found.add(format!("Face {} cannot be read ({e}).", row.get::<_, i64>(0)?));
                    continue;
                }
                Err(e) => return Err(e),
            };
            found.faces += 1;
            if let Some(what) = raw.fault(self.facts.dimension, width(self.facts.precision)) {
                found.add(format!("Face {}: {what}.", raw.id));
                continue;
            }
            let length = norm(&from_bytes(&raw.vector, self.facts.precision));
            if !(length.is_finite() && length > 0.0) {
                found.add(format!("Face {}: its embedding has the length {length}.", raw.id));
            } else if (length - 1.0).abs() > unit_tolerance(self.facts.precision, raw.vector.len()) {
                unscaled += 1;
            }
        }
        let unit = self.facts.model.as_ref().is_some_and(|m| m.normalize == Normalize::L2);
        if unit && unscaled > 0 {
            found.notes.push(format!(
                "{unscaled} embeddings are not of unit length, although the model's are. Comparisons by cosine do not mind."
            ));
        }
        Ok(())
    }

    /// Ids that were given and ids that will be.
    fn check_counters(&self, found: &mut Check) -> rusqlite::Result<()> {
        for table in ["person", "picture", "face"] {
            let largest = largest(&self.db, &format!("SELECT max(id) FROM {table}"))?;
            let counter = largest_or_zero(&self.db, table)?;
            if largest.unwrap_or(0) > counter {
                found.add(format!("The counter of the {table} ids ({counter}) is behind the largest one ({}).", largest.unwrap_or(0)));
            }
        }
        Ok(())
    }
}

/// How far from 1 rounding can bring the norm of a vector that was scaled to unit length. f32: scaled in f32 by whatever program. f16: each
/// number by half a unit in its last place, and numbers below 2^-14 by 2^-25.
fn unit_tolerance(precision: Precision, bytes: usize) -> f64 {
    match precision {
        Precision::F32 => 1e-5,
        Precision::F16 => 2f64.powi(-11) + ((bytes / 2) as f64).sqrt() * 2f64.powi(-25),
    }
}

fn largest(db: &Connection, sql: &str) -> rusqlite::Result<Option<i64>> {
    db.query_row(sql, [], |row| row.get(0))
}

fn largest_or_zero(db: &Connection, table: &str) -> rusqlite::Result<i64> {
    db.query_row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?", [table], |row| row.get(0))
}
