//! Writing tables of embeddings.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float32Builder};
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float16Array, Float32Array, RecordBatch, StringArray, TimestampMillisecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use half::f16;
use lookalike::gallery::{Entry, GalleryModel};
use lookalike::model::Precision;
use lookalike::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{MODEL_DIGEST, PREPROCESSING_DIGEST};
use crate::cli::npy::NewFile;

/// Rows that are encoded together.
const BATCH: usize = 1024;
/// Rows of a row group, which is in memory until it is complete.
const GROUP: usize = 16 * BATCH;

/// The file for an encoder that writes to anything.
struct Sink(NewFile);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map(|()| bytes.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A Parquet file in the making.
struct Table {
    path: String,
    schema: SchemaRef,
    writer: ArrowWriter<Sink>,
}

impl Table {
    fn create(file: NewFile, path: &Path, fields: Vec<Field>, notes: Vec<KeyValue>) -> Result<Self> {
        let path = path.display().to_string();
        let schema = Arc::new(Schema::new(fields));
        // Embeddings do not repeat, so neither dictionaries nor statistics are worth their time.
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_max_row_group_row_count(Some(GROUP))
            .set_key_value_metadata(Some(notes).filter(|n| !n.is_empty()))
            .set_created_by(format!("lookalike {}", env!("CARGO_PKG_VERSION")))
            .build();
        let writer = ArrowWriter::try_new(Sink(file), schema.clone(), Some(properties)).map_err(|e| failed(&path, &e))?;
        Ok(Self { path, schema, writer })
    }

    fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(|e| failed(&self.path, &e.into()))?;
        self.writer.write(&batch).map_err(|e| failed(&self.path, &e))
    }

    fn finish(self) -> Result<()> {
        let sink = self.writer.into_inner().map_err(|e| failed(&self.path, &e))?;
        sink.0.finish()
    }
}

fn failed(path: &str, e: &ParquetError) -> Error {
    Error::Caller(format!("Writing the Parquet file {path} failed ({e}). Check the space on the disk, or write .npy."))
}

/// A list of as many numbers as an embedding has.
fn embedding_type(dimension: usize, precision: Precision) -> Result<DataType> {
    let size = i32::try_from(dimension).map_err(|_| Error::Limits(format!("An embedding of {dimension} numbers does not fit Parquet.")))?;
    let element = match precision {
        Precision::F32 => DataType::Float32,
        Precision::F16 => DataType::Float16,
    };
    Ok(DataType::FixedSizeList(Arc::new(Field::new("element", element, false)), size))
}

/// The numbers of several embeddings as a column of that type.
fn embeddings(numbers: Vec<f32>, kind: &DataType, path: &str) -> Result<ArrayRef> {
    let DataType::FixedSizeList(field, size) = kind else {
        return Err(Error::Caller(format!("Writing the Parquet file {path} failed (an embedding is no list). Report this.")));
    };
    let values: ArrayRef = match field.data_type() {
        DataType::Float16 => Arc::new(Float16Array::from_iter_values(numbers.into_iter().map(f16::from_f32))),
        _ => Arc::new(Float32Array::from(numbers)),
    };
    let list = FixedSizeListArray::try_new(field.clone(), *size, values, None).map_err(|e| failed(path, &e.into()))?;
    Ok(Arc::new(list))
}

/// What `embed` writes: `source`, `embedding`.
pub(crate) struct EmbeddingTable {
    /// Before the first row tells the dimension.
    file: Option<NewFile>,
    table: Option<(Table, DataType)>,
    path: std::path::PathBuf,
    sources: Vec<String>,
    numbers: Vec<f32>,
}

impl EmbeddingTable {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = Some(NewFile::create(path)?);
        Ok(Self { file, table: None, path: path.to_owned(), sources: Vec::new(), numbers: Vec::new() })
    }

    pub(crate) fn row(&mut self, source: &str, embedding: &[f32]) -> Result<()> {
        if let Some(file) = self.file.take() {
            let kind = embedding_type(embedding.len(), Precision::F32)?;
            let fields = vec![Field::new("source", DataType::Utf8, false), Field::new("embedding", kind.clone(), false)];
            self.table = Some((Table::create(file, &self.path, fields, Vec::new())?, kind));
        }
        self.sources.push(source.to_owned());
        self.numbers.extend(embedding);
        if self.sources.len() == BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let (sources, numbers) = (std::mem::take(&mut self.sources), std::mem::take(&mut self.numbers));
        match &mut self.table {
            Some((table, kind)) if !sources.is_empty() => {
                let numbers = embeddings(numbers, kind, &table.path)?;
                table.write(vec![Arc::new(StringArray::from(sources)), numbers])
            }
            _ => Ok(()),
        }
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        match self.table {
            Some((table, _)) => table.finish(),
            None => Err(Error::Caller(format!("There is no embedding to write to {}.", self.path.display()))),
        }
    }
}

/// What `gallery export` writes.
pub(crate) struct GalleryTable {
    table: Table,
    kind: DataType,
    waiting: Vec<Entry>,
}

impl GalleryTable {
    pub(crate) fn create(path: &Path, dimension: usize, precision: Precision, model: Option<&GalleryModel>) -> Result<Self> {
        let kind = embedding_type(dimension, precision)?;
        let corner = Arc::new(Field::new("element", DataType::Float32, false));
        let fields = vec![
            Field::new("id", DataType::UInt64, false),
            Field::new("label", DataType::Utf8, false),
            Field::new("source", DataType::Utf8, false),
            Field::new("face", DataType::UInt32, false),
            Field::new("quality", DataType::Float32, true),
            Field::new("box", DataType::FixedSizeList(corner, 4), true),
            Field::new("picture_sha256", DataType::Utf8, true),
            Field::new("added", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
            Field::new("embedding", kind.clone(), false),
        ];
        let note = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
        let notes = model.map(|m| {
            vec![
                note(MODEL_DIGEST, &m.digest),
                note("lookalike.model_name", &m.name),
                note("lookalike.preprocessing", &m.preprocessing),
                note(PREPROCESSING_DIGEST, &m.preprocessing_digest),
            ]
        });
        let table = Table::create(NewFile::create(path)?, path, fields, notes.unwrap_or_default())?;
        Ok(Self { table, kind, waiting: Vec::new() })
    }

    pub(crate) fn row(&mut self, entry: Entry) -> Result<()> {
        self.waiting.push(entry);
        if self.waiting.len() == BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let numbers = rows.iter().flat_map(|e| e.vector.iter().copied()).collect();
        let hex = |d: [u8; 32]| d.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let corner = Arc::new(Field::new("element", DataType::Float32, false));
        let mut boxes = FixedSizeListBuilder::new(Float32Builder::new(), 4).with_field(corner);
        for e in &rows {
            boxes.values().append_slice(&e.bounds.unwrap_or_default());
            boxes.append(e.bounds.is_some());
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|e| e.id))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|e| &e.label))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|e| &e.source))),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|e| e.face))),
            Arc::new(rows.iter().map(|e| e.quality).collect::<Float32Array>()),
            Arc::new(boxes.finish()),
            Arc::new(rows.iter().map(|e| e.picture_digest.map(hex)).collect::<StringArray>()),
            Arc::new(TimestampMillisecondArray::from_iter_values(rows.iter().map(|e| e.added)).with_timezone("UTC")),
            embeddings(numbers, &self.kind, &self.table.path)?,
        ];
        self.table.write(columns)
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.table.finish()
    }
}
