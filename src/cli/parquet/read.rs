//! Reading tables of embeddings, whoever wrote them.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use lookalike::{Error, Result};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::{MODEL_DIGEST, PREPROCESSING_DIGEST};

/// Rows that are decoded together.
const BATCH: usize = 1024;

/// A table with the columns `embedding`, and if it has them `label`, `source`, `face`, `quality`, `box` and `picture_sha256`.
pub(crate) struct Rows {
    path: String,
    reader: ParquetRecordBatchReader,
    /// How many rows there are.
    pub(crate) count: usize,
    /// Which model made the embeddings, and how it was fed, where the file says so.
    pub(crate) model_digest: Option<String>,
    pub(crate) preprocessing_digest: Option<String>,
}

/// Columns of some rows.
pub(crate) struct Part {
    pub(crate) labels: Option<Vec<Option<String>>>,
    pub(crate) sources: Option<Vec<Option<String>>>,
    pub(crate) faces: Option<Vec<Option<u32>>>,
    pub(crate) qualities: Option<Vec<Option<f32>>>,
    pub(crate) boxes: Option<Vec<Option<Vec<f32>>>>,
    pub(crate) digests: Option<Vec<Option<String>>>,
    pub(crate) embeddings: Vec<Vec<f32>>,
}

impl Rows {
    /// # Errors
    /// [`Error::Io`]; [`Error::Caller`] for a file that is no Parquet, is damaged, or is compressed in a way that is not supported.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("Reading", path, e))?;
        let path = path.display().to_string();
        let fail = |e: &dyn std::fmt::Display| broken(&path, &e.to_string());
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| fail(&e))?;
        let meta = builder.metadata().file_metadata();
        let note = |key: &str| meta.key_value_metadata()?.iter().find(|kv| kv.key == key)?.value.clone();
        let (model_digest, preprocessing_digest) = (note(MODEL_DIGEST), note(PREPROCESSING_DIGEST));
        let count = usize::try_from(meta.num_rows()).map_err(|_| fail(&"a negative number of rows"))?;
        let reader = builder.with_batch_size(BATCH).build().map_err(|e| fail(&e))?;
        Ok(Self { path, reader, count, model_digest, preprocessing_digest })
    }

    /// The next rows, `None` at the end.
    ///
    /// # Errors
    /// [`Error::Caller`] for damage, a missing column, or one of another type.
    pub(crate) fn next(&mut self) -> Result<Option<Part>> {
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(|e| broken(&self.path, &e.to_string()))?;
        let text = |name| self.column(&batch, name, "text", texts);
        let embeddings = self.column(&batch, "embedding", "a list of numbers", lists)?;
        let embeddings = embeddings.ok_or_else(|| {
            let names: Vec<_> = batch.schema().fields().iter().map(|f| format!("`{}`", f.name())).collect();
            let text =
                format!("The file {} has no column `embedding`, only {}. Rename the one with embeddings.", self.path, names.join(", "));
            Error::Caller(text)
        })?;
        let embeddings: Option<Vec<_>> = embeddings.into_iter().collect();
        Ok(Some(Part {
            labels: text("label")?,
            sources: text("source")?,
            faces: self
                .column(&batch, "face", "unsigned 32-bit numbers", |a| a.as_primitive_opt::<UInt32Type>().map(|a| a.iter().collect()))?,
            qualities: self
                .column(&batch, "quality", "32-bit floats", |a| a.as_primitive_opt::<Float32Type>().map(|a| a.iter().collect()))?,
            boxes: self.column(&batch, "box", "lists of four numbers", lists)?,
            digests: text("picture_sha256")?,
            embeddings: embeddings.ok_or_else(|| broken(&self.path, "a row has no embedding"))?,
        }))
    }

    /// A column read by `read`, if the table has it.
    fn column<T>(&self, batch: &RecordBatch, name: &str, wanted: &str, read: impl Fn(&ArrayRef) -> Option<T>) -> Result<Option<T>> {
        let Some(column) = batch.column_by_name(name) else { return Ok(None) };
        read(column).map(Some).ok_or_else(|| {
            Error::Caller(format!(
                "The column `{name}` of {} holds {}, not {wanted}. Write it in that type, or leave it out.",
                self.path,
                column.data_type()
            ))
        })
    }
}

fn broken(path: &str, reason: &str) -> Error {
    Error::Caller(format!(
        "The file {path} is not a Parquet file that can be read ({}). Write it without compression or with snappy, gzip or zstd.",
        reason.trim_end_matches('.').replace(['\n', '\r'], " ")
    ))
}

fn texts(array: &ArrayRef) -> Option<Vec<Option<String>>> {
    fn own<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Vec<Option<String>> {
        texts.map(|t| t.map(str::to_owned)).collect()
    }
    match array.data_type() {
        DataType::Utf8 => Some(own(array.as_string_opt::<i32>()?.iter())),
        DataType::LargeUtf8 => Some(own(array.as_string_opt::<i64>()?.iter())),
        DataType::Utf8View => Some(own(array.as_string_view_opt()?.iter())),
        // Categories of pandas and polars.
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary_opt()?;
            let (keys, values) = (dictionary.normalized_keys(), texts(dictionary.values())?);
            let row = |i: usize| if array.is_null(i) { None } else { values.get(keys[i]).cloned().flatten() };
            Some((0..array.len()).map(row).collect())
        }
        _ => None,
    }
}

fn lists(array: &ArrayRef) -> Option<Vec<Option<Vec<f32>>>> {
    let row = |i: usize, values: ArrayRef| if array.is_null(i) { Some(None) } else { numbers(&values).map(Some) };
    match array.data_type() {
        DataType::FixedSizeList(..) => {
            let lists = array.as_fixed_size_list_opt()?;
            (0..lists.len()).map(|i| row(i, lists.value(i))).collect()
        }
        DataType::List(_) => {
            let lists = array.as_list_opt::<i32>()?;
            (0..lists.len()).map(|i| row(i, lists.value(i))).collect()
        }
        DataType::LargeList(_) => {
            let lists = array.as_list_opt::<i64>()?;
            (0..lists.len()).map(|i| row(i, lists.value(i))).collect()
        }
        _ => None,
    }
}

/// Numbers as f32; one that is missing is none at all.
fn numbers(array: &ArrayRef) -> Option<Vec<f32>> {
    if array.null_count() > 0 {
        return None;
    }
    match array.data_type() {
        DataType::Float16 => Some(array.as_primitive_opt::<Float16Type>()?.values().iter().map(|x| x.to_f32()).collect()),
        DataType::Float32 => Some(array.as_primitive_opt::<Float32Type>()?.values().to_vec()),
        DataType::Float64 => Some(array.as_primitive_opt::<Float64Type>()?.values().iter().map(|&x| x as f32).collect()),
        _ => None,
    }
}
