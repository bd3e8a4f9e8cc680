//! Picture files to RGB.
//!
//! The format is told by content, never by name. EXIF orientation is applied; of an animation the first frame is taken; grey becomes RGB;
//! 16-bit samples are scaled to 8 bits; transparent pixels are blended onto white, as most viewers show them.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::Picture;
use crate::error::{Error, Result};

/// Largest width or height that is decoded, in pixels.
pub const MAX_SIDE: u32 = 65535;
/// Largest picture file that is read.
pub const MAX_FILE_BYTES: u64 = 1 << 30;
/// Largest memory one decoder may take.
const MAX_ALLOCATION: u64 = 512 << 20;
const FORMATS: &str = "JPEG, PNG, WebP, BMP, TIFF, GIF or PNM";

impl Picture {
    /// Reads and decodes a picture file.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::Picture`] or [`Error::Limits`] when its content cannot be decoded.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let meta = std::fs::metadata(path).map_err(|e| Error::io("Reading", path, e))?;
        let name = path.display().to_string();
        if meta.is_dir() {
            return Err(Error::Picture(format!("`{name}` is a folder, not a picture. Name a picture file.")));
        }
        if meta.len() > MAX_FILE_BYTES {
            return Err(Error::Limits(format!(
                "The picture `{name}` has {} bytes, more than the {MAX_FILE_BYTES} that are read. Save it smaller.",
                meta.len()
            )));
        }
        let bytes = std::fs::read(path).map_err(|e| Error::io("Reading", path, e))?;
        Self::decode(&bytes, &name)
    }

    /// Decodes a picture. `name` stands for it in messages.
    ///
    /// # Errors
    /// [`Error::Picture`] for empty, damaged or unknown content, [`Error::Limits`] for a picture beyond [`MAX_SIDE`] or 512 MiB.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::Picture(format!("The picture `{name}` is empty (0 bytes). Copy or download it again.")));
        }
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| damaged(name, &e.to_string()))?;
        let Some(format) = reader.format() else { return Err(unknown(name, bytes)) };
        if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
            return Err(damaged(name, "its data end before the end marker"));
        }
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_ALLOCATION);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(|e| sentence(name, e))?;
        let (width, height) = decoder.dimensions();
        if width.max(height) > MAX_SIDE || decoder.total_bytes() > MAX_ALLOCATION {
            return Err(too_large(name, &format!("{width}x{height} pixels")));
        }
        // Metadata that cannot be read is no reason to refuse the pixels.
        let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
        let colour_jpeg = if format == ImageFormat::Jpeg { colour_jpeg(bytes) } else { None };
        let mut picture = match colour_jpeg {
            Some(picture) => picture,
            None => DynamicImage::from_decoder(decoder).map_err(|e| sentence(name, e))?,
        };
        picture.apply_orientation(orientation);
        let (width, height) = (picture.width(), picture.height());
        Self::new(width, height, opaque(picture)).map_err(|_| damaged(name, "it has no pixels"))
    }
}

/// A colour JPEG as libjpeg decodes it: enrolled and searched by whatever program, a file should give the same embedding
/// (docs/tolerances.md). Kinds that are rare are decoded with libjpeg's way of enlarging chroma, but rounded otherwise. `None` for any
/// other JPEG, and for one that neither decoder takes; `image` then decodes it or says what is wrong.
fn colour_jpeg(bytes: &[u8]) -> Option<DynamicImage> {
    let most = usize::try_from(MAX_ALLOCATION).ok()?;
    if let Some((width, height, pixels)) = super::jpeg::decode(bytes, most) {
        return image::RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8);
    }
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(most);
    let pixels = decoder.decode().ok()?;
    let info = decoder.info().filter(|i| i.pixel_format == jpeg_decoder::PixelFormat::RGB24)?;
    image::RgbImage::from_raw(u32::from(info.width), u32::from(info.height), pixels).map(DynamicImage::ImageRgb8)
}

/// RGB bytes; alpha is blended onto white.
fn opaque(picture: DynamicImage) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.into_rgb8().into_raw();
    }
    let rgba = picture.into_rgba8().into_raw();
    rgba.chunks_exact(4).flat_map(|p| [0, 1, 2].map(|i| blend(p[i], p[3]))).collect()
}

fn blend(colour: u8, alpha: u8) -> u8 {
    let (c, a) = (u32::from(colour), u32::from(alpha));
    ((c * a + 255 * (255 - a) + 127) / 255) as u8
}

/// Whether the markers of a JPEG lead to its end marker. Decoders fill what is missing with grey, which would become an embedding of nothing.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // Between segments: fill bytes are 0xFF; anything else is left to the decoder.
        while bytes.get(at) == Some(&0xFF) && bytes.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        let (Some(0xFF), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) else { return at < bytes.len() };
        at += 2;
        match marker {
            0xD9 => return true,
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let (Some(&high), Some(&low)) = (bytes.get(at), bytes.get(at + 1)) else { return false };
        at += usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xDA {
            at = match end_of_scan(bytes, at) {
                Some(end) => end,
                None => return false,
            };
        }
    }
}

/// The next marker after entropy-coded data, in which 0xFF is followed by 0 or a restart marker.
fn end_of_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let data = bytes.get(from..)?;
    data.windows(2).position(|w| w[0] == 0xFF && !matches!(w[1], 0 | 0xFF | 0xD0..=0xD7)).map(|i| from + i)
}

fn unknown(name: &str, bytes: &[u8]) -> Error {
    let what = if bytes.get(4..8) == Some(b"ftyp") {
        "looks like HEIC or AVIF, which is not supported"
    } else {
        "is not a picture of a known format"
    };
    Error::Picture(format!("The file `{name}` {what}. Convert it to {FORMATS}."))
}

fn damaged(name: &str, reason: &str) -> Error {
    let reason = reason.trim_end_matches('.').replace(['\n', '\r'], " ");
    Error::Picture(format!("The picture `{name}` is damaged or truncated ({reason}). Copy or download it again."))
}

fn too_large(name: &str, reason: &str) -> Error {
    Error::Limits(format!(
        "The picture `{name}` is too large ({reason}); at most {MAX_SIDE} pixels a side and {} MiB are decoded. Save it smaller.",
        MAX_ALLOCATION >> 20
    ))
}

fn sentence(name: &str, e: ImageError) -> Error {
    match e {
        ImageError::Limits(l) => too_large(name, &l.to_string()),
        ImageError::Unsupported(u) => {
            Error::Picture(format!("The picture `{name}` is of a kind that is not supported ({u}). Convert it to {FORMATS}."))
        }
        ImageError::Decoding(d) => damaged(name, &d.to_string()),
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => damaged(name, "its data end too early"),
        other => damaged(name, &other.to_string()),
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
