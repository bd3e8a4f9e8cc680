//! Pictures with who is on them, and the part they play.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lookalike::Result;
use lookalike::gallery::cluster::consecutive;

use super::{Files, Table, Wrong};

/// What a picture is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Searched among.
    Gallery,
    /// Searched for.
    Probe,
    /// Somebody else.
    Distractor,
}

/// Pictures of people.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct People {
    pub(crate) files: Vec<PathBuf>,
    /// Place among the files, person, role.
    pub(crate) entries: Vec<(usize, u32, Role)>,
}

impl People {
    /// Reads a CSV with the columns `file,label,role` (or `identity` for the label; `probe_known` and `probe_unknown` for probes, which the
    /// labels tell anyway); `roles` are those that the protocol knows.
    ///
    /// # Errors
    /// As [`super::read`].
    pub(crate) fn read(path: &Path, root: &Path, roles: &[Role]) -> Result<Self> {
        super::read(path, |text| parse(text, root, roles))
    }
}

fn parse(text: &str, root: &Path, roles: &[Role]) -> Result<People, Wrong> {
    let mut table = Table::new(text)?;
    let named = if table.column("identity").is_some() { "identity" } else { "label" };
    let [file, label, role] = table.columns(["file", named, "role"])?;
    let (mut files, mut people, mut entries) = (Files::below(root), HashMap::<String, u32>::new(), Vec::new());
    for row in table.rows() {
        let (line, row) = row?;
        let field = |i: usize| row.get(i).unwrap_or_default();
        let part = match field(role).to_ascii_lowercase().as_str() {
            "gallery" => Some(Role::Gallery),
            "probe" | "probe_known" | "probe_unknown" => Some(Role::Probe),
            "distractor" => Some(Role::Distractor),
            _ => None,
        };
        let part = part.filter(|p| roles.contains(p)).ok_or_else(|| {
            let known: Vec<String> = roles.iter().map(|r| format!("{r:?}").to_lowercase()).collect();
            (line, format!("has the role `{}`, but this protocol knows {}", field(role), known.join(" and ")))
        })?;
        if field(file).is_empty() || (field(label).is_empty() && part != Role::Distractor) {
            return Err((line, "lacks a file or a label".to_owned()));
        }
        let next = people.len() as u32;
        let person = *people.entry(field(label).to_owned()).or_insert(next);
        entries.push((files.place(field(file)), person, part));
    }
    Ok(People { files: files.paths, entries })
}

/// Who is who, and what was found: labels of both kinds as whole numbers.
#[derive(Debug, PartialEq)]
pub(crate) struct Clusters {
    pub(crate) truth: Vec<u32>,
    pub(crate) found: Vec<u32>,
}

impl Clusters {
    /// Reads a CSV with the columns `label,cluster`.
    ///
    /// # Errors
    /// As [`super::read`].
    pub(crate) fn read(path: &Path) -> Result<Self> {
        super::read(path, |text| {
            let mut table = Table::new(text)?;
            let places = table.columns(["label", "cluster"])?;
            let mut columns: [Vec<String>; 2] = Default::default();
            for row in table.rows() {
                let (line, row) = row?;
                for (values, place) in columns.iter_mut().zip(places) {
                    let value = row.get(place).filter(|v| !v.is_empty()).ok_or_else(|| (line, "lacks a label or a cluster".to_owned()))?;
                    values.push(value.to_owned());
                }
            }
            if columns[0].is_empty() {
                return Err((1, "is all there is, but faces are needed".to_owned()));
            }
            let [truth, found] = columns.map(|values| consecutive(&values.iter().map(String::as_str).collect::<Vec<_>>()));
            Ok(Self { truth, found })
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn people_are_numbered_and_files_looked_for_below_the_root() {
        let text = "identity,file,role\nAda,a.jpg,gallery\nBob,b.jpg,Gallery\nAda,c.jpg,probe\nEve,d.jpg,probe_unknown\n";
        let people = parse(text, Path::new("r"), &[Role::Gallery, Role::Probe]).unwrap();
        assert_eq!(people.files, ["a.jpg", "b.jpg", "c.jpg", "d.jpg"].map(|f| Path::new("r").join(f)));
        let (g, p) = (Role::Gallery, Role::Probe);
        assert_eq!(people.entries, [(0, 0, g), (1, 1, g), (2, 0, p), (3, 2, p)]);
    }

    #[test]
    fn what_is_not_understood_is_named_by_line() {
        let roles = [Role::Probe, Role::Distractor];
        for (text, line, what) in [
            ("file,label\na,b\n", 1, "role"),
            ("file,label,role\na,Ada,probe\nb,Bob,gallery\n", 3, "probe and distractor"),
            ("file,label,role\na,,probe\n", 2, "label"),
        ] {
            let (at, why) = parse(text, Path::new(""), &roles).unwrap_err();
            assert!(at == line && why.contains(what), "{at} {why}");
        }
        assert!(parse("file,label,role\na,,distractor\n", Path::new(""), &roles).is_ok());
    }
}
