//! Faces from one frame of a video to the next, so that a person is embedded once and not in every frame.

use std::collections::HashMap;

use super::Face;

/// How a [`Tracker`] tells that two faces of neighbouring frames are one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackOptions {
    /// Least overlap of the bounds, as intersection over union, 0..1.
    pub overlap: f32,
    /// Searches without the face after which its track ends.
    pub patience: u32,
    /// Searches after which what was remembered of a face is to be computed again; 0 = never.
    pub refresh: u32,
}

impl Default for TrackOptions {
    fn default() -> Self {
        Self { overlap: 0.3, patience: 10, refresh: 30 }
    }
}

/// A face that is followed, and what was remembered of it.
#[derive(Clone, Debug)]
pub struct Track<T> {
    /// Counts up from 0; never used twice by one tracker.
    pub id: u64,
    /// Where the face was seen last.
    pub face: Face,
    /// What [`Tracker::remember`] was given last.
    pub memory: Option<T>,
    missed: u32,
    age: u32,
}

impl<T> Track<T> {
    /// Searches since the face was seen; 0 = it was in the last one.
    pub fn missed(&self) -> u32 {
        self.missed
    }
}

/// Follows faces by the overlap of their bounds: the best pair first, ties by the older track.
#[derive(Clone, Debug)]
pub struct Tracker<T> {
    options: TrackOptions,
    next: u64,
    tracks: Vec<Track<T>>,
}

impl<T> Tracker<T> {
    /// A tracker that follows nobody yet.
    pub fn new(options: TrackOptions) -> Self {
        Self { options, next: 0, tracks: Vec::new() }
    }

    /// The faces that are followed, oldest first.
    pub fn tracks(&self) -> &[Track<T>] {
        &self.tracks
    }

    /// Takes the faces of the next search. Returns the ids of the tracks that they belong to, in the order of `faces`.
    pub fn update(&mut self, faces: &[Face]) -> Vec<u64> {
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (t, track) in self.tracks.iter().enumerate() {
            for (f, face) in faces.iter().enumerate() {
                let overlap = track.face.overlap(face);
                if overlap >= self.options.overlap {
                    pairs.push((overlap, t, f));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut of_track: HashMap<usize, usize> = HashMap::new();
        let mut of_face: HashMap<usize, usize> = HashMap::new();
        for (_, t, f) in pairs {
            if !of_track.contains_key(&t) && !of_face.contains_key(&f) {
                of_track.insert(t, f);
                of_face.insert(f, t);
            }
        }
        for (t, track) in self.tracks.iter_mut().enumerate() {
            track.age += 1;
            match of_track.get(&t) {
                Some(&f) => {
                    track.missed = 0;
                    track.face = faces[f].clone();
                }
                None => track.missed += 1,
            }
        }
        let ids = (0..faces.len())
            .map(|f| match of_face.get(&f) {
                Some(&t) => self.tracks[t].id,
                None => self.begin(faces[f].clone()),
            })
            .collect();
        let patience = self.options.patience;
        self.tracks.retain(|t| t.missed <= patience);
        ids
    }

    fn begin(&mut self, face: Face) -> u64 {
        let id = self.next;
        self.next += 1;
        self.tracks.push(Track { id, face, memory: None, missed: 0, age: 0 });
        id
    }

    /// The tracks seen in the last search that nothing is remembered of, or for too long.
    pub fn forgotten(&self) -> Vec<u64> {
        let refresh = self.options.refresh;
        let stale = |t: &&Track<T>| t.missed == 0 && (t.memory.is_none() || (refresh > 0 && t.age >= refresh));
        self.tracks.iter().filter(stale).map(|t| t.id).collect()
    }

    /// Remembers something of a track.
    pub fn remember(&mut self, id: u64, memory: T) {
        if let Some(track) = self.tracks.iter_mut().find(|t| t.id == id) {
            track.memory = Some(memory);
            track.age = 0;
        }
    }

    /// The track with this id, while it is followed.
    pub fn track(&self, id: u64) -> Option<&Track<T>> {
        self.tracks.iter().find(|t| t.id == id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(x: f32, y: f32) -> Face {
        Face { bounds: [x, y, x + 10.0, y + 10.0], score: 1.0, landmarks: Vec::new() }
    }

    #[test]
    fn a_face_that_moves_keeps_its_track_and_a_new_one_begins_another() {
        let mut tracker: Tracker<&str> = Tracker::new(TrackOptions::default());
        assert_eq!(tracker.update(&[at(0.0, 0.0), at(50.0, 0.0)]), [0, 1]);
        assert_eq!(tracker.forgotten(), [0, 1]);
        tracker.remember(0, "left");
        tracker.remember(1, "right");
        // The order of the faces does not matter, their places do.
        assert_eq!(tracker.update(&[at(48.0, 1.0), at(2.0, 1.0), at(100.0, 0.0)]), [1, 0, 2]);
        assert_eq!(tracker.forgotten(), [2]);
        assert_eq!(tracker.track(1).unwrap().memory, Some("right"));
        assert_eq!(tracker.track(0).unwrap().face, at(2.0, 1.0));
    }

    #[test]
    fn tracks_end_after_their_patience_and_ids_are_not_used_again() {
        let mut tracker: Tracker<()> = Tracker::new(TrackOptions { patience: 2, ..TrackOptions::default() });
        tracker.update(&[at(0.0, 0.0)]);
        tracker.update(&[]);
        assert_eq!(tracker.tracks()[0].missed(), 1);
        tracker.update(&[]);
        assert_eq!(tracker.update(&[at(0.0, 0.0)]), [0]);
        for _ in 0..3 {
            tracker.update(&[]);
        }
        assert!(tracker.tracks().is_empty());
        assert_eq!(tracker.update(&[at(0.0, 0.0)]), [1]);
    }

    #[test]
    fn the_best_overlap_wins() {
        let mut tracker: Tracker<()> = Tracker::new(TrackOptions::default());
        tracker.update(&[at(0.0, 0.0), at(4.0, 0.0)]);
        assert_eq!(tracker.update(&[at(3.0, 0.0), at(0.5, 0.0)]), [1, 0]);
    }

    #[test]
    fn what_is_remembered_grows_old() {
        let mut tracker: Tracker<u8> = Tracker::new(TrackOptions { refresh: 2, ..TrackOptions::default() });
        tracker.update(&[at(0.0, 0.0)]);
        tracker.remember(0, 1);
        tracker.update(&[at(0.0, 0.0)]);
        assert_eq!(tracker.forgotten(), [] as [u64; 0]);
        tracker.update(&[at(0.0, 0.0)]);
        assert_eq!(tracker.forgotten(), [0]);
        // Who is not seen cannot be looked at again.
        tracker.update(&[]);
        assert_eq!(tracker.forgotten(), [] as [u64; 0]);
    }
}
