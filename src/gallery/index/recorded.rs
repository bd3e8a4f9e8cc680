//! Searches between buffers of the caller.

use super::rows::MOST_EXPONENT;
use super::{GalleryIndex, Metric, Storage};
use crate::error::{Error, Result};
use crate::gpu::{Request, wgpu};
use crate::kernels::search::Score;
use crate::kernels::search::cutoff::Slack;
use crate::kernels::search::rescore::MOST;

impl GalleryIndex {
    /// Records a search into the caller's encoder: no submit, no readback, no waiting. `probes` holds `count` rows of f32, one after the other,
    /// and needs `COPY_SRC`; `hits` gets `count` x `k` records of 16 bytes, best first, and needs `COPY_DST`:
    ///
    /// | bytes | |
    /// |---|---|
    /// | 0 to 7 | [`Hit::id`](super::Hit::id), little-endian: low word, high word |
    /// | 8 to 11 | [`Hit::label`](super::Hit::label) |
    /// | 12 to 15 | [`Hit::score`](super::Hit::score) |
    ///
    /// Where there are fewer rows than `k`, the rest have a score of minus infinity and all bits of id and label set. `k` is 1 to 128.
    ///
    /// Scores are computed in f32 and a fixed order on the device; the hits are the `k` best by these, equal ones by id. They differ from those
    /// of [`GalleryIndex::search`], which are f64 rounded once, by the rounding of a sum of `dimension` products, so rows that are as close as
    /// that may change places. Rows and probes that hold something that is no finite number, or (unless scores are cosines) numbers beyond
    /// 2^±40, are not found and find nothing.
    ///
    /// What is searched is the gallery as it is when the commands run, as far as it was there when they were recorded: submit them before it
    /// changes. The first call puts ids and labels on the device, 16 bytes a row.
    ///
    /// # Errors
    /// [`Error::Caller`] for a `k` beyond the range, a buffer that is too small or lacks its usage, int8 storage (its rows are on the host),
    /// and a gallery on several devices; too little memory; a lost device.
    pub fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        probes: &wgpu::Buffer,
        count: usize,
        k: usize,
        hits: &wgpu::Buffer,
    ) -> Result<()> {
        if k == 0 || k > MOST {
            return Err(Error::Caller(format!(
                "A search on the device gives 1 to {MOST} results a probe, not {k}. Use `search` for more."
            )));
        }
        let wanted = |numbers: usize, bytes: u64| count.checked_mul(numbers).and_then(|n| (n as u64).checked_mul(bytes));
        let needs = [
            ("probes", probes, wanted(self.dimension, 4), wgpu::BufferUsages::COPY_SRC, "COPY_SRC"),
            ("hits", hits, wanted(k, 16), wgpu::BufferUsages::COPY_DST, "COPY_DST"),
        ];
        for (name, buffer, bytes, usage, word) in needs {
            if bytes.is_none_or(|bytes| buffer.size() < bytes) {
                let (has, bytes) = (buffer.size(), bytes.map_or("more".to_owned(), |b| b.to_string()));
                return Err(Error::Caller(format!("The buffer for {name} has {has} bytes, but {bytes} are needed for {count} probes.")));
            }
            if !buffer.usage().contains(usage) {
                return Err(Error::Caller(format!("The buffer for {name} lacks the usage {word}. Create it with that.")));
            }
        }
        let Some(device) = self.devices.only() else {
            let text = "A gallery on several devices cannot be searched between buffers of one. Make it on the device of the buffers.";
            return Err(Error::Caller(text.to_owned()));
        };
        let state = self.read();
        if state.rows.storage == Storage::I8 {
            let text = "A gallery of int8 is scored on the host, so it cannot be searched on the device alone. Use f16 or f32 storage.";
            return Err(Error::Caller(text.to_owned()));
        }
        if count == 0 {
            return Ok(());
        }
        let score = match state.rows.metric {
            Metric::Cosine => Score::Cosine,
            Metric::Dot => Score::Product,
            Metric::Euclidean => Score::Distance,
            Metric::JointBayesian | Metric::ChiSquared | Metric::WeightedL1 => {
                let text =
                    "A gallery of a learned score is scored on the host, so it cannot be searched on the device alone. Use `search`.";
                return Err(Error::Caller(text.to_owned()));
            }
        };
        for (_, first, seen) in state.seen(&self.devices).filter(|(_, _, seen)| !seen.shard.is_tagged()) {
            let rows = |b: usize| (state.names(first + b), state.rows.pack(self.format, first + b).1);
            device.layout.tag(&device.gpu, seen.shard, seen.blocks, rows)?;
        }
        let seen: Vec<_> = state.seen(&self.devices).map(|(_, _, seen)| seen).collect();
        let slack = Slack { score, margin: margin(self.dimension), longest: (state.extremes.norm * (1.0 + 1e-6)) as f32 };
        let request = Request { probes, count, k, hits, slack, most_exponent: MOST_EXPONENT as u32 };
        device.scanner.record(&device.gpu, encoder, &seen, &request)
    }
}

/// Twice what two sums of `dimension` products may lie apart, each off by γ of the product of the lengths (see `probe.rs`), and a quarter
/// more for what else is rounded.
fn margin(dimension: usize) -> f32 {
    let n = (dimension + 64) as f64 / 8_388_608.0;
    (5.0 * n / (1.0 - n)) as f32
}
