//! Frames of a video from a pipe: raw RGB of a known size, or JPEG files one after the other, as `ffmpeg` writes both.

use std::io::Read;

use lookalike::embed::{MAX_FILE_BYTES, Picture};
use lookalike::{Error, Result};

/// How frames are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `width * height * 3` bytes each (`ffmpeg -f rawvideo -pix_fmt rgb24`).
    Rgb24 { width: u32, height: u32 },
    /// JPEG files (`ffmpeg -f mjpeg`).
    Mjpeg,
}

/// A stream of frames.
pub(super) struct Frames<R> {
    source: R,
    format: Format,
    /// Bytes read but not used yet.
    waiting: Vec<u8>,
    ended: bool,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R, format: Format) -> Self {
        Self { source, format, waiting: Vec::new(), ended: false }
    }

    /// The bytes of the next frame; `None` at the end of the stream.
    ///
    /// # Errors
    /// A stream that breaks off inside a frame, that is no JPEG, or a frame beyond the limit of a picture file.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let limit = match self.format {
            Format::Rgb24 { width, height } => width as usize * height as usize * 3,
            Format::Mjpeg => MAX_FILE_BYTES as usize,
        };
        let mut scan = Scan::default();
        loop {
            let length = match self.format {
                Format::Rgb24 { .. } => (self.waiting.len() >= limit).then_some(limit),
                Format::Mjpeg => scan.end(&self.waiting)?,
            };
            if let Some(length) = length {
                let rest = self.waiting.split_off(length);
                return Ok(Some(std::mem::replace(&mut self.waiting, rest)));
            }
            if self.waiting.len() > limit {
                return Err(Error::Limits(format!("A frame of the stream has more than {limit} bytes. Write smaller frames.")));
            }
            if self.ended || self.fill()? == 0 {
                self.ended = true;
                return if self.waiting.is_empty() { Ok(None) } else { Err(self.broken_off()) };
            }
        }
    }

    fn fill(&mut self) -> Result<usize> {
        let mut chunk = [0; 1 << 16];
        loop {
            match self.source.read(&mut chunk) {
                Ok(n) => {
                    self.waiting.extend_from_slice(&chunk[..n]);
                    return Ok(n);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io("Reading", "standard input", e)),
            }
        }
    }

    fn broken_off(&self) -> Error {
        let hint = match self.format {
            Format::Rgb24 { width, height } => {
                format!("Frames of {width}x{height} have {} bytes; check --size.", width as usize * height as usize * 3)
            }
            Format::Mjpeg => "The program that writes it ended early.".to_owned(),
        };
        Error::Picture(format!("The stream of frames ends inside a frame, after {} bytes of it. {hint}", self.waiting.len()))
    }
}

/// The picture of a frame.
pub(super) fn decode(format: Format, bytes: Vec<u8>, name: &str) -> Result<Picture> {
    match format {
        Format::Rgb24 { width, height } => Picture::new(width, height, bytes),
        Format::Mjpeg => Picture::decode(&bytes, name),
    }
}

/// Walks over the segments of a JPEG file; an end marker inside of one (a thumbnail has it) does not count.
#[derive(Default)]
struct Scan {
    at: usize,
    entropy: bool,
}

impl Scan {
    /// Bytes of the first JPEG file, once all of it is there.
    fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let wrong = || {
            Error::Picture(
                "The stream of frames is no sequence of JPEG files. Write it with `ffmpeg -f mjpeg`, or give --size for raw RGB."
                    .to_owned(),
            )
        };
        loop {
            let Some(&[first, second]) = bytes.get(self.at..self.at + 2).and_then(|b| b.first_chunk()) else { return Ok(None) };
            if self.at == 0 {
                if [first, second] != [0xFF, 0xD8] {
                    return Err(wrong());
                }
                self.at = 2;
                continue;
            }
            match (first, second) {
                // Stuffed zeros, restarts and fill bytes lie inside of entropy-coded data, which only another marker ends.
                (0xFF, 0x00 | 0xD0..=0xD7) if self.entropy => self.at += 2,
                (0xFF, 0xFF) => self.at += 1,
                (0xFF, 0xD9) => return Ok(Some(self.at + 2)),
                (0xFF, 0x01 | 0xD0..=0xD8) => self.at += 2,
                (0xFF, marker) => {
                    let Some(&length) = bytes.get(self.at + 2..self.at + 4).and_then(|b| b.first_chunk()) else { return Ok(None) };
                    let length = usize::from(u16::from_be_bytes(length));
                    if length < 2 {
                        return Err(wrong());
                    }
                    self.entropy = marker == 0xDA;
                    self.at += 2 + length;
                }
                _ if self.entropy => self.at += 1,
                _ => return Err(wrong()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Gives a few bytes at a time, as pipes do.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.len().min(7).min(out.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn all(bytes: &[u8], format: Format) -> Result<Vec<Vec<u8>>> {
        let mut frames = Frames::new(Drip(bytes), format);
        let mut out = Vec::new();
        while let Some(frame) = frames.next()? {
            out.push(frame);
        }
        Ok(out)
    }

    fn jpeg(level: u8) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let rgb: Vec<u8> = (0..48 * 32 * 3).map(|i: u32| level.wrapping_add((i * i % 251) as u8)).collect();
        image::write_buffer_with_format(&mut bytes, &rgb, 48, 32, image::ExtendedColorType::Rgb8, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn jpeg_files_in_a_row_are_told_apart_whatever_their_segments_hold() {
        let mut with_thumbnail = jpeg(3);
        // An application segment with a whole JPEG inside, as cameras write it.
        let inner = jpeg(9);
        let length = u16::try_from(inner.len() + 2).unwrap().to_be_bytes();
        with_thumbnail.splice(2..2, [0xFF, 0xE1, length[0], length[1]].into_iter().chain(inner));
        let files = [jpeg(0), with_thumbnail, jpeg(77)];
        assert_eq!(all(&files.concat(), Format::Mjpeg).unwrap(), files);
        for file in files {
            assert_eq!(decode(Format::Mjpeg, file, "frame").unwrap().width, 48);
        }
    }

    #[test]
    fn raw_frames_have_the_size_that_was_given() {
        let format = Format::Rgb24 { width: 3, height: 2 };
        let bytes: Vec<u8> = (0..36).collect();
        let frames = all(&bytes, format).unwrap();
        assert_eq!(frames.concat(), bytes);
        assert_eq!(frames.len(), 2);
        assert_eq!(decode(format, frames[1].clone(), "frame").unwrap().rgb[0], 18);
        assert!(all(&bytes[..35], format).unwrap_err().to_string().contains("--size"));
        assert_eq!(all(&[], format).unwrap().len(), 0);
    }

    #[test]
    fn what_is_no_jpeg_or_breaks_off_is_an_error() {
        assert!(all(b"RIFF....AVI ", Format::Mjpeg).is_err());
        let file = jpeg(1);
        assert!(all(&file[..file.len() - 1], Format::Mjpeg).unwrap_err().to_string().contains("ends inside"));
    }
}
