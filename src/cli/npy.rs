//! NumPy's .npy arrays, and files that appear only when they are complete.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::f16;
use lookalike::tensor::{DType, Data, Shape, Tensor, strides};
use lookalike::{Error, Result};

/// Bytes before the data of a file written here: room for any shape, a multiple of 64 as the format asks.
const HEADER: usize = 192;

/// Reads an array. Floats become f32; whole numbers and truth values keep their type.
///
/// # Errors
/// A file that is no .npy array, is truncated, or holds something other than numbers.
pub(crate) fn read(path: &Path) -> Result<Tensor> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("Reading", path, e))?;
    parse(&bytes, &path.display().to_string())
}

fn parse(bytes: &[u8], name: &str) -> Result<Tensor> {
    let wrong = |what: String| Error::Caller(format!("The file `{name}` {what}. Save it with numpy.save as float32."));
    let (text, rest) = split_header(bytes).ok_or_else(|| wrong("is not a .npy array".to_owned()))?;
    let header = Header::parse(text).ok_or_else(|| wrong("has a .npy header that cannot be read".to_owned()))?;
    let kind = header.kind.as_str();
    let size: usize = kind.get(2..).and_then(|s| s.parse().ok()).unwrap_or(0);
    let needed = header.shape.checked_len().and_then(|n| n.checked_mul(size));
    let needed = needed.ok_or_else(|| wrong(format!("has an impossible shape ({})", header.shape)))?;
    let shape = header.shape;
    if rest.len() < needed {
        return Err(wrong(format!(
            "is truncated: {shape} of {size} bytes each needs {needed} bytes of data, but there are {}",
            rest.len()
        )));
    }
    let (dtype, data) =
        elements(&rest[..needed], kind).ok_or_else(|| wrong(format!("holds `{kind}`, not float16/32/64, integers or booleans")))?;
    let data = if header.fortran { to_row_major(&data, &shape) } else { data };
    let tensor = match data {
        Data::I64(v) => Tensor::integers(dtype, shape, v),
        data => Tensor::new(shape, data),
    };
    tensor.ok_or_else(|| wrong("has numbers out of range or a shape that does not fit its data".to_owned()))
}

/// The header's text and the data after it (format versions 1 to 3).
fn split_header(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = if version[0] == 1 {
        let (n, rest) = rest.split_first_chunk()?;
        (usize::from(u16::from_le_bytes(*n)), rest)
    } else {
        let (n, rest) = rest.split_first_chunk()?;
        (usize::try_from(u32::from_le_bytes(*n)).ok()?, rest)
    };
    let (text, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, data))
}

/// The Python dictionary at the beginning of an array.
struct Header {
    /// Byte order, letter and bytes: `<f4`.
    kind: String,
    /// Whether the first dimension runs fastest.
    fortran: bool,
    shape: Shape,
}

impl Header {
    /// NumPy writes the three keys in one form only; records, which have a list for `descr`, are refused.
    fn parse(text: &str) -> Option<Self> {
        let after = |key: &str| {
            let at = text.find(&format!("'{key}'"))? + key.len() + 2;
            Some(text[at..].trim_start().strip_prefix(':')?.trim_start())
        };
        let kind = after("descr")?.strip_prefix('\'')?.split('\'').next()?.to_owned();
        let fortran = after("fortran_order")?.starts_with("True");
        let dims = after("shape")?.strip_prefix('(')?.split(')').next()?;
        let dims: Option<Vec<usize>> = dims.split(',').map(str::trim).filter(|d| !d.is_empty()).map(|d| d.parse().ok()).collect();
        Some(Self { kind, fortran, shape: Shape::from(dims?) })
    }
}

fn elements(bytes: &[u8], kind: &str) -> Option<(DType, Data)> {
    let big = kind.starts_with('>');
    macro_rules! each {
        ($t:ty, $as:ty) => {
            bytes
                .chunks_exact(size_of::<$t>())
                .map(|b| {
                    let mut raw = [0; size_of::<$t>()];
                    raw.copy_from_slice(b);
                    if big { <$t>::from_be_bytes(raw) as $as } else { <$t>::from_le_bytes(raw) as $as }
                })
                .collect()
        };
    }
    Some(match kind.get(1..)? {
        "f4" => (DType::F32, Data::F32(each!(f32, f32))),
        "f8" => (DType::F32, Data::F32(each!(f64, f32))),
        "f2" => {
            let bits: Vec<u16> = each!(u16, u16);
            (DType::F32, Data::F32(bits.into_iter().map(|b| f16::from_bits(b).to_f32()).collect()))
        }
        "b1" => (DType::Bool, Data::I64(bytes.iter().map(|&b| i64::from(b != 0)).collect())),
        "u1" => (DType::U8, Data::I64(each!(u8, i64))),
        "i1" => (DType::I8, Data::I64(each!(i8, i64))),
        "u2" => (DType::U16, Data::I64(each!(u16, i64))),
        "i2" => (DType::I16, Data::I64(each!(i16, i64))),
        "u4" => (DType::U32, Data::I64(each!(u32, i64))),
        "i4" => (DType::I32, Data::I64(each!(i32, i64))),
        "u8" => (DType::U64, Data::I64(each!(u64, i64))),
        "i8" => (DType::I64, Data::I64(each!(i64, i64))),
        _ => return None,
    })
}

/// Elements whose first dimension runs fastest, reordered so that the last one does.
fn to_row_major(data: &Data, shape: &Shape) -> Data {
    let reversed: Vec<_> = shape.iter().rev().copied().collect();
    let mut from: Vec<_> = strides(&reversed);
    from.reverse();
    let to = strides(shape);
    let index = |i: usize| -> usize { to.iter().zip(&from).zip(shape.iter()).map(|((&t, &f), &d)| i / t.max(1) % d.max(1) * f).sum() };
    match data {
        Data::F32(v) => Data::F32((0..v.len()).map(|i| v[index(i)]).collect()),
        Data::F16(v) => Data::F16((0..v.len()).map(|i| v[index(i)]).collect()),
        Data::I64(v) => Data::I64((0..v.len()).map(|i| v[index(i)]).collect()),
    }
}

/// The header of a little-endian array in row-major order, always [`HEADER`] bytes.
fn header(shape: &[usize], dtype: DType) -> Vec<u8> {
    let mut dims: String = shape.iter().map(|d| format!("{d}, ")).collect();
    if shape.len() != 1 {
        dims.truncate(dims.trim_end_matches(", ").len());
    }
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(((HEADER - 10) as u16).to_le_bytes());
    out.extend(format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr(dtype), dims.trim_end()).bytes());
    out.resize(HEADER - 1, b' ');
    out.push(b'\n');
    out
}

fn descr(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 | DType::F16 => "<f4",
        DType::I64 => "<i8",
        DType::I32 => "<i4",
        DType::I16 => "<i2",
        DType::I8 => "|i1",
        DType::U64 => "<u8",
        DType::U32 => "<u4",
        DType::U16 => "<u2",
        DType::U8 => "|u1",
        DType::Bool => "|b1",
    }
}

/// Writes a tensor: floats as float32, whole numbers and truth values in their own type.
///
/// # Errors
/// As [`NewFile`].
pub(crate) fn write(path: &Path, tensor: &Tensor) -> Result<()> {
    let mut file = NewFile::create(path)?;
    file.write(&header(tensor.shape(), tensor.dtype()))?;
    match tensor.as_i64() {
        Some(whole) => {
            let width = tensor.dtype().bytes();
            whole.iter().try_for_each(|v| file.write(&v.to_le_bytes()[..width]))?;
        }
        None => file.write_f32(&tensor.to_f32())?,
    }
    file.finish()
}

/// A float32 matrix whose number of rows is known only at the end.
pub(crate) struct MatrixWriter {
    file: NewFile,
    rows: usize,
    columns: usize,
}

impl MatrixWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut file = NewFile::create(path)?;
        file.write(&header(&[0, 0], DType::F32))?;
        Ok(Self { file, rows: 0, columns: 0 })
    }

    pub(crate) fn row(&mut self, row: &[f32]) -> Result<()> {
        self.columns = row.len();
        self.rows += 1;
        self.file.write_f32(row)
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.file.overwrite_start(&header(&[self.rows, self.columns], DType::F32))?;
        self.file.finish()
    }
}

/// A file that gets its name when it is complete: what was there before stays until then.
pub(crate) struct NewFile {
    path: PathBuf,
    partial: PathBuf,
    out: Option<BufWriter<File>>,
}

impl NewFile {
    /// # Errors
    /// A place that cannot be written to; asked before any work is done.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let fail = |e| Error::io("Writing", path, e);
        if path.is_dir() {
            return Err(Error::Caller(format!("The output {} is a folder. Name a file in it.", path.display())));
        }
        let name = path.file_name().ok_or_else(|| fail(std::io::ErrorKind::InvalidFilename.into()))?;
        let partial = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let out = Some(BufWriter::new(File::create(&partial).map_err(fail)?));
        Ok(Self { path: path.to_owned(), partial, out })
    }

    fn with<T>(&mut self, f: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<T>) -> Result<T> {
        let out = self.out.as_mut().ok_or_else(|| Error::io("Writing", &self.path, std::io::ErrorKind::BrokenPipe.into()))?;
        f(out).map_err(|e| Error::io("Writing", &self.path, e))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.with(|out| out.write_all(bytes))
    }

    fn write_f32(&mut self, values: &[f32]) -> Result<()> {
        self.with(|out| values.iter().try_for_each(|x| out.write_all(&x.to_le_bytes())))
    }

    fn overwrite_start(&mut self, bytes: &[u8]) -> Result<()> {
        self.with(|out| {
            out.seek(SeekFrom::Start(0))?;
            out.write_all(bytes)
        })
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.with(|out| out.flush())?;
        self.out = None;
        std::fs::rename(&self.partial, &self.path).map_err(|e| Error::io("Writing", &self.path, e))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After `finish` the partial file has its final name and there is nothing to remove.
        if self.out.take().is_some() {
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
