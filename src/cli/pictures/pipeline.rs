//! Decoding on all cores while the GPU works.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use lookalike::embed::Picture;
use lookalike::{Error, Result};

use crate::cli::ui::Outcome;

/// Calls `take` with every picture in order, decoded ahead by at most about `ahead` pictures.
pub(crate) fn decoded(paths: &[PathBuf], ahead: usize, take: impl FnMut(usize, Result<Picture>) -> Outcome<()>) -> Outcome<()> {
    prepared(paths, ahead, |path| Picture::open(path), take)
}

/// Calls `take` with what `work` makes of every file, in order, ahead by at most about `ahead` files.
///
/// Worker k works on files k, k + n, … into a channel of its own, and the channels are read in turn: the order is that of `paths`, and
/// a picture that takes long holds up its successors instead of filling the memory with them.
pub(crate) fn prepared<T: Send>(
    paths: &[PathBuf],
    ahead: usize,
    work: impl Fn(&Path) -> Result<T> + Sync,
    mut take: impl FnMut(usize, Result<T>) -> Outcome<()>,
) -> Outcome<()> {
    let work = &work;
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let workers = cores.min(paths.len()).max(1);
    std::thread::scope(|scope| {
        let channels: Vec<Receiver<Result<T>>> = (0..workers)
            .map(|k| {
                let (send, receive) = sync_channel(ahead.div_ceil(workers).max(1));
                scope.spawn(move || work_on_every(paths, k, workers, work, &send));
                receive
            })
            .collect();
        for index in 0..paths.len() {
            let ready = channels[index % workers].recv().unwrap_or_else(|_| Err(lost(&paths[index])));
            // On an error the channels are dropped, which ends the workers.
            take(index, ready)?;
        }
        Ok(())
    })
}

fn work_on_every<T>(paths: &[PathBuf], first: usize, step: usize, work: &impl Fn(&Path) -> Result<T>, send: &SyncSender<Result<T>>) {
    for path in paths.iter().skip(first).step_by(step) {
        if send.send(work(path)).is_err() {
            return;
        }
    }
}

/// The worker died, which only a defect of a decoder can cause.
fn lost(path: &Path) -> Error {
    Error::Picture(format!("The picture `{}` could not be decoded: the decoder failed. Save it in another format.", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::cli::ui::Failure;

    fn pictures(dir: &Path, n: usize) -> Vec<PathBuf> {
        let save = |i: usize| {
            let path = dir.join(format!("{i}.ppm"));
            let bytes = if i == 5 { Vec::new() } else { format!("P3 1 1 255 {i} 0 0\n").into_bytes() };
            std::fs::write(&path, bytes).unwrap();
            path
        };
        (0..n).map(save).collect()
    }

    #[test]
    fn pictures_arrive_in_order_and_bad_ones_as_errors() {
        let dir = tempfile::tempdir().unwrap();
        let paths = pictures(dir.path(), 23);
        let mut seen = Vec::new();
        decoded(&paths, 3, |i, p| {
            seen.push(p.map(|p| usize::from(p.rgb[0])).unwrap_or(100 + i));
            Ok(())
        })
        .unwrap();
        let expected: Vec<_> = (0..23).map(|i| if i == 5 { 105 } else { i }).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_error_stops_the_workers() {
        let dir = tempfile::tempdir().unwrap();
        let paths = pictures(dir.path(), 40);
        let mut taken = 0;
        let result = decoded(&paths, 1, |_, _| {
            taken += 1;
            if taken == 3 { Err(Failure::BrokenPipe) } else { Ok(()) }
        });
        assert!(matches!(result, Err(Failure::BrokenPipe)));
        assert_eq!(taken, 3);
    }
}
