//! Everything that changes a gallery.

use super::failure::{Context, damaged};
use super::{Added, Faces, Gallery, NewEntry};
use crate::error::{Error, Result};

/// Longest label and source in bytes.
const MAX_LABEL: usize = 1000;
const MAX_SOURCE: usize = 1 << 16;

impl Gallery {
    /// Enrols one face. It is on the disk when the call returns.
    ///
    /// # Errors
    /// As [`Self::add_many`].
    pub fn add(&mut self, entry: &NewEntry<'_>) -> Result<Added> {
        let mut added = self.add_many(std::slice::from_ref(entry))?;
        added.pop().ok_or_else(|| damaged(&self.path, "a face got lost while it was enrolled"))
    }

    /// Enrols faces in one transaction: all of them, or none when there is an error. All faces of a picture belong into one call.
    ///
    /// # Errors
    /// [`Error::Caller`] for an embedding of another length, one that is zero or not finite, or an impossible label;
    /// [`Error::Locked`], [`Error::Damaged`], [`Error::Gallery`] (no space, read-only).
    pub fn add_many(&mut self, entries: &[NewEntry<'_>]) -> Result<Vec<Added>> {
        let mut batch = self.begin()?;
        let added = entries.iter().map(|e| batch.add(e)).collect::<Result<_>>()?;
        batch.commit()?;
        Ok(added)
    }

    /// Removes faces, and with them pictures and people that no face is left of. Returns how many there were.
    /// Their numbers are overwritten in the file; [`Self::compact`] also shortens it.
    ///
    /// # Errors
    /// [`Error::Caller`] when one of `which` means no face, then nothing is removed; [`Error::Locked`], [`Error::Damaged`],
    /// [`Error::Gallery`].
    pub fn remove(&mut self, which: &[Faces<'_>]) -> Result<usize> {
        let batch = self.begin()?;
        let mut ids = Vec::new();
        for faces in which {
            let found = batch.select(faces)?;
            if found.is_empty() {
                let what = match faces {
                    Faces::Id(id) => format!("face {id}"),
                    Faces::Person(label) => format!("person with the label `{label}`"),
                    Faces::Source(source) => format!("face from `{source}`"),
                };
                let text =
                    format!("The gallery {} has no {what}. `gallery list` shows what it has; nothing was removed.", batch.path.display());
                return Err(Error::Caller(text));
            }
            ids.extend(found);
        }
        let removed = ids.into_iter().map(|id| batch.remove(id)).sum::<Result<usize>>()?;
        batch.sweep()?;
        batch.commit()?;
        self.forget_log();
        Ok(removed)
    }

    /// Gives a person another label. With `merge`, a person who has it already takes over the faces. Returns how many faces that are.
    ///
    /// # Errors
    /// [`Error::Caller`] when nobody has the label `from`, or somebody has `to` and `merge` is not set; as [`Self::remove`].
    pub fn rename(&mut self, from: &str, to: &str, merge: bool) -> Result<usize> {
        check_label(to)?;
        let batch = self.begin()?;
        let Some(person) = batch.person(from)? else {
            return Err(Error::Caller(format!(
                "Nobody in the gallery {} has the label `{from}`. `gallery list` shows them.",
                batch.path.display()
            )));
        };
        let faces = batch.faces_of(person)?;
        match batch.person(to)? {
            Some(other) if other == person => {}
            Some(_) if !merge => {
                let text =
                    format!("Somebody in the gallery {} has the label `{to}` already. Merge the two with --merge.", batch.path.display());
                return Err(Error::Caller(text));
            }
            Some(other) => batch.hand_over(&faces, other)?,
            None => batch.relabel(person, to)?,
        }
        batch.sweep()?;
        batch.commit()?;
        Ok(faces.len())
    }

    /// Says where a picture is now, if it is enrolled and where it was is not `source`. Returns whether something changed.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn relocate(&mut self, picture_digest: &[u8; 32], source: &str) -> Result<bool> {
        check_source(source)?;
        let batch = self.begin()?;
        let Some(id) = batch.picture_of(picture_digest)? else { return Ok(false) };
        let changed = batch.place(id, picture_digest, source)?;
        batch.commit()?;
        Ok(changed)
    }

    /// Removes what nothing refers to, writes the file anew without gaps and empties the log. Returns the bytes before and after.
    ///
    /// # Errors
    /// As [`Self::remove`]; needs free space of about the size of the gallery.
    pub fn compact(&mut self) -> Result<(u64, u64)> {
        let before = self.bytes()?;
        let batch = self.begin()?;
        batch.sweep()?;
        batch.commit()?;
        self.db.execute_batch("VACUUM").within(&self.path)?;
        self.forget_log();
        Ok((before, self.bytes()?))
    }

    /// Moves the log into the file and cuts it off, so that no copy of what was removed stays in it. While somebody reads, that
    /// has to wait for the last one who closes the gallery.
    fn forget_log(&self) {
        let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

pub(super) fn check_label(label: &str) -> Result<()> {
    if label.trim().is_empty() || label.len() > MAX_LABEL || label.contains('\0') {
        let start: String = label.chars().take(40).collect();
        return Err(Error::Caller(format!(
            "`{start}` ({} bytes) cannot be a label. Give a name of 1 to {MAX_LABEL} bytes that is more than blanks.",
            label.len()
        )));
    }
    Ok(())
}

pub(super) fn check_source(source: &str) -> Result<()> {
    if source.len() > MAX_SOURCE || source.contains('\0') {
        return Err(Error::Caller(format!(
            "A source of {} bytes cannot be stored. Give at most {MAX_SOURCE}, none of them 0.",
            source.len()
        )));
    }
    Ok(())
}
