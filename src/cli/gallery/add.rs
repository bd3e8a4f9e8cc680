//! `lookalike gallery add`

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use lookalike::embed::{MAX_FILE_BYTES, Picture};
use lookalike::face::Which;
use lookalike::gallery::{Added, Gallery, NewEntry};
use lookalike::{Error, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{AddArgs, counted};
use crate::cli::args::GlobalArgs;
use crate::cli::context::open_gpu;
use crate::cli::pictures;
use crate::cli::recogniser::{Recogniser, RecogniserArgs, Seen};
use crate::cli::ui::{Done, Outcome, Progress, Ui};

/// SHA-256 of a picture file.
type PictureDigest = [u8; 32];

/// What a file turned out to be.
enum Found {
    /// It is enrolled.
    Known(PictureDigest),
    New(PictureDigest, Picture),
}

/// A picture that waits for its batch.
struct Waiting {
    source: String,
    label: String,
    digest: PictureDigest,
    picture: Picture,
}

/// An enrolment under way.
struct Enrolment<'a> {
    ui: &'a Ui,
    gallery: Gallery,
    recogniser: Recogniser,
    waiting: Vec<Waiting>,
    /// Pictures that this run has taken, under which label.
    taken: HashMap<PictureDigest, String>,
    progress: Progress,
    added: usize,
    known: usize,
    /// Files that were left out, and why: told at the end, where they are not lost among other lines.
    skipped: Vec<(String, String)>,
    surprises: Vec<String>,
}

pub(super) fn run(global: &GlobalArgs, ui: &Ui, args: &AddArgs) -> Outcome {
    pictures(global, ui, &args.gallery, &args.pictures, args.label.as_deref(), &args.recogniser)
}

/// Enrols the pictures that `named` files are and folders hold.
pub(super) fn pictures(global: &GlobalArgs, ui: &Ui, path: &Path, named: &[PathBuf], label: Option<&str>, how: &RecogniserArgs) -> Outcome {
    let mut gallery = Gallery::open(path)?;
    let paths = pictures::list(named)?;
    let (model, identity) = how.load()?;
    gallery.bind(&identity)?;
    let gpu = open_gpu(global, ui)?;
    // One face of a picture is that of the person whom the folder is named after.
    let recogniser = Recogniser::open(global, &gpu, how, &model, Which::Main, true)?;
    let known = gallery.picture_digests()?;
    let progress = ui.progress(paths.len(), "enrolling");
    let start = Instant::now();
    let mut enrolment = Enrolment {
        ui,
        gallery,
        recogniser,
        waiting: Vec::new(),
        taken: HashMap::new(),
        progress,
        added: 0,
        known: 0,
        skipped: Vec::new(),
        surprises: Vec::new(),
    };
    let batch = enrolment.recogniser.batch();
    pictures::prepared(&paths, batch, |path| look(path, &known), |index, found| enrolment.take(&paths[index], label, found))?;
    enrolment.flush()?;
    enrolment.finish(start.elapsed().as_secs_f64())
}

/// Reads a file and decodes it, unless it is enrolled.
fn look(path: &Path, known: &HashSet<PictureDigest>) -> Result<Found> {
    let bytes = read(path)?;
    let digest: PictureDigest = Sha256::digest(&bytes).into();
    if known.contains(&digest) {
        return Ok(Found::Known(digest));
    }
    Picture::decode(&bytes, &path.display().to_string()).map(|picture| Found::New(digest, picture))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).map_err(|e| Error::io("Reading", path, e))?.len();
    if size > MAX_FILE_BYTES {
        let text =
            format!("The picture `{}` has {size} bytes, more than the {MAX_FILE_BYTES} that are read. Save it smaller.", path.display());
        return Err(Error::Limits(text));
    }
    std::fs::read(path).map_err(|e| Error::io("Reading", path, e))
}

/// The name of the folder that a picture is in.
fn label_of(path: &Path) -> Result<String> {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned());
    folder.ok_or_else(|| Error::Caller(format!("The picture `{}` is in no folder that names a person. Give --label.", path.display())))
}

/// Where a picture is, for anybody who looks from another folder.
fn source_of(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

impl Enrolment<'_> {
    fn take(&mut self, path: &Path, label: Option<&str>, found: Result<Found>) -> Outcome<()> {
        let (source, label) = (source_of(path), label.map_or_else(|| label_of(path), |l| Ok(l.to_owned())));
        match found.and_then(|f| Ok((f, label?))) {
            Err(e) => {
                self.skipped.push((source, e.to_string()));
                self.progress.advance(1);
            }
            Ok((Found::Known(digest), label)) => self.meet(&digest, &source, &label)?,
            Ok((Found::New(digest, picture), label)) => match self.taken.get(&digest) {
                Some(other) => {
                    if *other != label {
                        self.surprises
                            .push(format!("`{source}` is the same picture as one of `{other}` and stays there, not under `{label}`."));
                    }
                    self.known += 1;
                    self.progress.advance(1);
                }
                None => {
                    self.taken.insert(digest, label.clone());
                    self.waiting.push(Waiting { source, label, digest, picture });
                }
            },
        }
        if self.waiting.len() == self.recogniser.batch() { self.flush() } else { Ok(()) }
    }

    /// A picture that is enrolled: perhaps it has moved, or is now under another name.
    fn meet(&mut self, digest: &PictureDigest, source: &str, label: &str) -> Outcome<()> {
        self.known += 1;
        self.progress.advance(1);
        let Some((labels, before)) = self.gallery.picture(digest)? else { return Ok(()) };
        if !labels.iter().any(|l| l == label) {
            let whose = labels.join("`, `");
            self.surprises.push(format!(
                "`{source}` is enrolled already, as `{whose}`, and stays so, not as `{label}`. `gallery rename` or `remove` changes that."
            ));
        }
        if before != source && !Path::new(&before).exists() {
            self.gallery.relocate(digest, source)?;
        }
        Ok(())
    }

    /// Enrols what waits: looked at together, written in one transaction.
    fn flush(&mut self) -> Outcome<()> {
        let (pictures, facts): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().map(|w| (w.picture, (w.source, w.label, w.digest))).unzip();
        if pictures.is_empty() {
            return Ok(());
        }
        let seen = self.recogniser.see(&pictures)?;
        let mut faces = Vec::new();
        for ((source, label, digest), found) in facts.iter().zip(&seen) {
            self.skipped.extend(found.reasons(source).into_iter().map(|reason| (source.clone(), reason)));
            faces.extend((0..).zip(&found.seen).map(|(n, face)| new_entry(source, label, *digest, n, face)));
        }
        let added = self.gallery.add_many(&faces)?;
        for (face, added) in faces.iter().zip(&added) {
            match added {
                Added::New(id) => {
                    self.added += 1;
                    if self.ui.verbosity > 0 {
                        self.progress.interrupt(|| self.ui.say_plain(&format!("enrolled {id} {} {}", face.label, face.source)));
                    }
                }
                Added::Known { .. } => self.known += 1,
            }
        }
        self.progress.advance(pictures.len());
        Ok(())
    }

    fn finish(self, seconds: f64) -> Outcome {
        self.progress.finish();
        self.surprises.iter().for_each(|s| self.ui.warn(s));
        self.skipped.iter().for_each(|(_, reason)| self.ui.skipped(reason));
        let rate = if seconds > 0.0 { self.added as f64 / seconds } else { 0.0 };
        if self.ui.json {
            let problems: Vec<_> = self.skipped.iter().map(|(source, reason)| json!({ "source": source, "reason": reason })).collect();
            self.ui.json(&json!({
                "added": self.added, "known": self.known, "skipped": self.skipped.len(), "problems": problems, "seconds": seconds,
                "images_per_second": rate,
            }))?;
        }
        if self.added + self.known == 0 {
            let text = format!("No picture could be enrolled ({} skipped). See the reasons above.", self.skipped.len());
            return Err(Error::Picture(text).into());
        }
        self.ui.say_plain(&format!(
            "enrolled {} in {}, {} there before, {} skipped, {seconds:.2} s ({rate:.1} per second)",
            counted(self.added, "face", "faces"),
            self.gallery.path().display(),
            self.known,
            self.skipped.len()
        ));
        Ok(Done::Yes)
    }
}

fn new_entry<'a>(source: &'a str, label: &'a str, digest: PictureDigest, n: u32, face: &'a Seen) -> NewEntry<'a> {
    NewEntry {
        label,
        source,
        picture_digest: Some(digest),
        face: Some(n),
        vector: &face.embedding,
        quality: face.quality(),
        bounds: face.bounds(),
    }
}
