//! Where embeddings go.

use std::path::Path;

use lookalike::embed::Embedding;
use lookalike::{Error, Result};

use crate::cli::npy::{MatrixWriter, NewFile};
use crate::cli::parquet::EmbeddingTable;
use crate::cli::recogniser::Seen;
use crate::cli::ui::{Outcome, Ui};

/// A place for embeddings, told by the name of the file.
pub(super) struct Output<'a> {
    ui: &'a Ui,
    place: Option<String>,
    kind: Kind,
    rows: usize,
}

enum Kind {
    /// JSON lines on standard output.
    Lines,
    /// A few numbers of each on standard output.
    Table,
    Npy(MatrixWriter, NewFile),
    Jsonl(NewFile),
    Csv(NewFile),
    Parquet(Box<EmbeddingTable>),
}

impl<'a> Output<'a> {
    /// `faces`: whether faces are looked for, so that there is something to say of each.
    ///
    /// # Errors
    /// A file name with another ending, or a place that cannot be written to.
    pub(super) fn open(ui: &'a Ui, path: Option<&Path>, faces: bool) -> Result<Self> {
        let Some(path) = path else {
            let kind = if ui.json { Kind::Lines } else { Kind::Table };
            return Ok(Self { ui, place: None, kind, rows: 0 });
        };
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let kind = match ending.as_str() {
            "npy" => {
                let mut sources = NewFile::create(&path.with_extension("csv"))?;
                sources.write(if faces { b"row,source,face,left,top,right,bottom,score,quality\n" } else { b"row,source\n" })?;
                Kind::Npy(MatrixWriter::create(path)?, sources)
            }
            "jsonl" => Kind::Jsonl(NewFile::create(path)?),
            "csv" => Kind::Csv(NewFile::create(path)?),
            "parquet" => Kind::Parquet(Box::new(EmbeddingTable::create(path)?)),
            _ => {
                return Err(Error::Caller(format!(
                    "The output {} is of no known kind. Name it .npy, .parquet, .jsonl or .csv.",
                    path.display()
                )));
            }
        };
        Ok(Self { ui, place: Some(path.display().to_string()), kind, rows: 0 })
    }

    /// Writes one embedding: of face `number` of the picture, counted from 0.
    pub(super) fn write(&mut self, source: &Path, number: usize, seen: &Seen) -> Outcome<()> {
        let row = self.rows;
        self.rows += 1;
        let source = source.display().to_string();
        let embedding = &seen.embedding;
        match &mut self.kind {
            Kind::Lines => self.ui.record(&json_line(&source, number, seen))?,
            Kind::Table => self.ui.line(&table_line(&source, embedding))?,
            Kind::Npy(matrix, sources) => {
                matrix.row(embedding)?;
                sources.write(format!("{row},{}{}\n", quoted(&source), place(number, seen)).as_bytes())?;
            }
            Kind::Jsonl(file) => file.write(format!("{}\n", json_line(&source, number, seen)).as_bytes())?,
            Kind::Csv(file) => file.write(csv_line(row, &source, embedding).as_bytes())?,
            Kind::Parquet(table) => table.row(&source, embedding)?,
        }
        Ok(())
    }

    /// Completes the files and says where they are.
    pub(super) fn finish(self) -> Result<Option<String>> {
        match self.kind {
            Kind::Lines | Kind::Table => {}
            Kind::Npy(matrix, sources) => {
                matrix.finish()?;
                sources.finish()?;
            }
            Kind::Jsonl(file) | Kind::Csv(file) => file.finish()?,
            Kind::Parquet(table) => table.finish()?,
        }
        Ok(self.place)
    }
}

/// Which face of its picture, where, and how good, as fields; nothing where no face was looked for.
fn place(number: usize, seen: &Seen) -> String {
    let Some(face) = &seen.face else { return String::new() };
    let [left, top, right, bottom] = face.face.bounds;
    let quality = seen.quality().map(|q| q.to_string()).unwrap_or_default();
    format!(",{number},{left},{top},{right},{bottom},{},{quality}", face.face.score)
}

#[derive(serde::Serialize)]
struct Line<'a> {
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<Face<'a>>,
    embedding: &'a [f32],
}

#[derive(serde::Serialize)]
struct Face<'a> {
    number: usize,
    #[serde(rename = "box")]
    bounds: [f32; 4],
    score: f32,
    landmarks: &'a [[f32; 2]],
    quality: Option<f32>,
}

fn json_line(source: &str, number: usize, seen: &Seen) -> String {
    let face = seen.face.as_ref().map(|f| Face {
        number,
        bounds: f.face.bounds,
        score: f.face.score,
        landmarks: &f.face.landmarks,
        quality: seen.quality(),
    });
    // Not through a JSON value: those hold f64, in which an f32 has many more digits.
    serde_json::to_string(&Line { source, face, embedding: &seen.embedding }).unwrap_or_default()
}

fn table_line(source: &str, embedding: &Embedding) -> String {
    let shown: Vec<_> = embedding.iter().take(4).map(|x| format!("{x:+.4}")).collect();
    format!("{source}  {} numbers: {} …", embedding.len(), shown.join(" "))
}

/// `source,e0,e1,…`, with that heading before the first row.
fn csv_line(row: usize, source: &str, embedding: &Embedding) -> String {
    let mut line = String::new();
    if row == 0 {
        line.push_str("source");
        (0..embedding.len()).for_each(|i| line.push_str(&format!(",e{i}")));
        line.push('\n');
    }
    line.push_str(&quoted(source));
    embedding.iter().for_each(|x| line.push_str(&format!(",{x}")));
    line.push('\n');
    line
}

/// A CSV field, quoted when it has to be (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_fields_survive_commas_and_quotes() {
        assert_eq!(quoted("a b.png"), "a b.png");
        assert_eq!(quoted("a,\"b\".png"), "\"a,\"\"b\"\".png\"");
        let e = Embedding(vec![0.5, -1.0]);
        assert_eq!(csv_line(0, "x", &e), "source,e0,e1\nx,0.5,-1\n");
        assert_eq!(csv_line(1, "x", &e), "x,0.5,-1\n");
    }

    #[test]
    fn json_lines_are_one_line_each() {
        let line = json_line("a\nb", 0, &Seen { face: None, embedding: Embedding(vec![1.0]) });
        assert!(!line.contains('\n') && line.contains("[1.0]"), "{line}");
    }
}
