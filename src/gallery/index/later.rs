//! Searches that are awaited.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{GalleryIndex, Hit, SearchOptions};
use crate::error::{Error, Result};

type Hits = Result<Vec<Vec<Hit>>>;

/// What the thread leaves and who waits for it.
#[derive(Debug, Default)]
struct Slot {
    hits: Option<Hits>,
    waker: Option<Waker>,
}

/// Puts the result into the slot; if the thread ends without one, an error.
struct Sender(Arc<Mutex<Slot>>);

impl Sender {
    fn put(&self, hits: impl FnOnce() -> Hits) {
        let waker = {
            let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            slot.hits.get_or_insert_with(hits);
            slot.waker.take()
        };
        // Without the lock: some executors poll again at once, on this thread.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.put(|| Err(Error::Device("The thread that searches ended.".to_owned())));
    }
}

struct Receiver(Arc<Mutex<Slot>>);

impl Future for Receiver {
    type Output = Hits;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Hits> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.hits.take() {
            Some(hits) => Poll::Ready(hits),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl GalleryIndex {
    /// As [`GalleryIndex::search`], for callers with an executor: a thread of its own searches, beginning now, and wakes who awaits it. A future
    /// that is dropped leaves the thread to finish.
    pub fn search_async(
        self: &Arc<Self>,
        probes: Vec<f32>,
        k: usize,
        options: &SearchOptions<'_>,
    ) -> impl Future<Output = Result<Vec<Vec<Hit>>>> + Send + 'static + use<> {
        let slot = Arc::new(Mutex::new(Slot::default()));
        let (index, sender) = (Arc::clone(self), Sender(Arc::clone(&slot)));
        let labels = options.labels.map(<[u32]>::to_vec);
        let (threshold, per_label) = (options.threshold, options.per_label);
        let search = move || {
            let found = index.search(&probes, k, &SearchOptions { threshold, labels: labels.as_deref(), per_label });
            sender.put(|| found);
        };
        // A thread that does not start drops the sender, which says so.
        let _ = std::thread::Builder::new().name("lookalike search".to_owned()).spawn(search);
        Receiver(slot)
    }
}
