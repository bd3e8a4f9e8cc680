//! Frames from standard input: search, follow, embed who is new.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use lookalike::Result;
use lookalike::embed::FaceEmbedder;
use lookalike::face::Face;
use lookalike::face::track::{TrackOptions, Tracker};
use lookalike::gpu::{Gpu, Photo};
use serde_json::json;

use super::Args;
use super::frames::{Format, Frames, decode};
use super::people::People;
use crate::cli::faces::{number, place, upload};
use crate::cli::ui::{Done, Outcome, Ui};

/// Frames that are read ahead.
const AHEAD: usize = 4;

/// Who a followed face is.
type Who = (usize, Option<f32>);

/// What happened so far.
#[derive(Default)]
struct Tally {
    frames: usize,
    left_out: usize,
    searches: usize,
    embedded: usize,
}

pub(super) fn watch(ui: &Ui, gpu: &Gpu, embedder: &FaceEmbedder, mut people: People, args: &Args) -> Outcome {
    let format = args.size.map_or(Format::Mjpeg, |[width, height]| Format::Rgb24 { width, height });
    let (send, receiver) = sync_channel::<Result<Option<Vec<u8>>>>(AHEAD);
    // The thread ends with the stream, or when the receiver is gone; nothing waits for it.
    std::thread::spawn(move || {
        let mut frames = Frames::new(std::io::stdin(), format);
        loop {
            let next = frames.next();
            let last = !matches!(next, Ok(Some(_)));
            if send.send(next).is_err() || last {
                return;
            }
        }
    });
    let mut tracker = Tracker::new(TrackOptions { refresh: args.refresh, ..TrackOptions::default() });
    let mut tally = Tally::default();
    let mut queue = Queue { receiver, end: None };
    let start = Instant::now();
    while let Some(bytes) = queue.next(args.live, &mut tally.left_out)? {
        let number = tally.frames;
        tally.frames += 1;
        if (number as u64).is_multiple_of(u64::from(args.every)) {
            match decode(format, bytes, &format!("frame {number}")) {
                Ok(picture) => search(&upload(gpu, &picture)?, embedder, &mut tracker, &mut people, &mut tally)?,
                // A camera's broken frame: the faces stay where they were.
                Err(e) => ui.skipped(&e.to_string()),
            }
        }
        ui.record(&line(number, &tracker).to_string())?;
    }
    let seconds = start.elapsed().as_secs_f64();
    ui.say_plain(&format!(
        "{} frames ({} left out) in {seconds:.1} s, {:.1} a second; {} searches, {} embeddings, {} people",
        tally.frames,
        tally.left_out,
        (tally.frames + tally.left_out) as f64 / seconds.max(1e-9),
        tally.searches,
        tally.embedded,
        people.len()
    ));
    Ok(Done::Yes)
}

/// Frames as the reader sends them: the last thing it sends is the end or an error.
struct Queue {
    receiver: Receiver<Result<Option<Vec<u8>>>>,
    /// An end that was seen while frames were left out.
    end: Option<Result<Option<Vec<u8>>>>,
}

impl Queue {
    /// The next frame; with `live`, the newest that is there. Counts those left out.
    fn next(&mut self, live: bool, left_out: &mut usize) -> Result<Option<Vec<u8>>> {
        if let Some(end) = self.end.take() {
            return end;
        }
        let mut newest = self.receiver.recv().unwrap_or(Ok(None))?;
        while live && newest.is_some() {
            match self.receiver.try_recv() {
                Ok(Ok(Some(newer))) => {
                    newest = Some(newer);
                    *left_out += 1;
                }
                Ok(end) => {
                    self.end = Some(end);
                    break;
                }
                Err(_) => break,
            }
        }
        Ok(newest)
    }
}

/// Finds the faces of a frame and embeds those that are new or were not looked at for long.
fn search(photo: &Photo, embedder: &FaceEmbedder, tracker: &mut Tracker<Who>, people: &mut People, tally: &mut Tally) -> Result<()> {
    let photos = std::slice::from_ref(photo);
    let faces = embedder.finder().find(photos)?.pop().unwrap_or_default();
    tally.searches += 1;
    let ids = tracker.update(&faces);
    let due = tracker.forgotten();
    let new: Vec<(u64, Face)> = ids.into_iter().zip(faces).filter(|(id, _)| due.contains(id)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let found = embedder.embed_faces(photos, vec![new.iter().map(|(_, f)| f.clone()).collect()])?.pop().unwrap_or_default();
    for face in &found.faces {
        // Faces that were left out stay unknown, and are tried again in the next search.
        if let Some((id, _)) = new.iter().find(|(_, f)| *f == face.face) {
            tally.embedded += 1;
            tracker.remember(*id, people.who(&face.embedding));
        }
    }
    Ok(())
}

fn line(frame: usize, tracker: &Tracker<Who>) -> serde_json::Value {
    let seen = tracker.tracks().iter().filter(|t| t.missed() == 0);
    let faces: Vec<_> = seen
        .map(|t| {
            let mut face = place(&t.face);
            face["track"] = json!(t.id);
            face["person"] = json!(t.memory.map(|(person, _)| person));
            face["similarity"] = t.memory.and_then(|(_, s)| s).map_or(serde_json::Value::Null, number);
            face
        })
        .collect();
    json!({ "frame": frame, "faces": faces })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_live_stream_leaves_old_frames_out_but_never_its_end() {
        let (send, receiver) = sync_channel(8);
        for frame in 0..4u8 {
            send.send(Ok(Some(vec![frame]))).unwrap();
        }
        send.send(Err(lookalike::Error::Picture("broken".to_owned()))).unwrap();
        drop(send);
        let mut queue = Queue { receiver, end: None };
        let mut left_out = 0;
        assert_eq!(queue.next(false, &mut left_out).unwrap(), Some(vec![0]));
        assert_eq!(queue.next(true, &mut left_out).unwrap(), Some(vec![3]));
        assert_eq!(left_out, 2);
        assert!(queue.next(true, &mut left_out).is_err());
        assert_eq!(queue.next(true, &mut left_out).unwrap(), None);
    }
}
