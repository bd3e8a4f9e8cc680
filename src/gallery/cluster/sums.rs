//! Sums of rows by label on the GPU: where the centres of k-means move.

use crate::error::Result;
use crate::gpu::{Gpu, Memory, Work, numbers};
use crate::kernels::margin::{Params, gather};

/// Rows of one launch: no invocation of the kernel sums more (software adapters end a loop after 65,535 rounds).
const MOST_ROWS: usize = 65_535;
/// Bytes of rows in one binding.
const MOST_BYTES: u64 = 128 << 20;

/// Rows on the device.
pub(super) struct Sums<'g> {
    gpu: &'g Gpu,
    dimension: usize,
    /// vec4s of a row.
    depth: usize,
    /// Parts of the rows, and how many are in each.
    parts: Vec<(Memory, usize)>,
}

impl<'g> Sums<'g> {
    /// Brings row-major rows to the device.
    pub(super) fn new(gpu: &'g Gpu, rows: &[f32], dimension: usize) -> Result<Self> {
        let depth = dimension.div_ceil(4);
        let most = (gpu.caps().max_binding.min(MOST_BYTES) as usize / (depth * 16)).clamp(1, MOST_ROWS);
        let mut parts = Vec::new();
        for part in rows.chunks(most * dimension) {
            let mut padded = Vec::with_capacity(part.len() / dimension * depth * 4);
            for row in part.chunks_exact(dimension) {
                padded.extend_from_slice(row);
                padded.resize(padded.len().next_multiple_of(4), 0.0);
            }
            parts.push((gpu.matrix("k-means", &padded, gpu.caps().textures)?, part.len() / dimension));
        }
        Ok(Self { gpu, dimension, depth, parts })
    }

    /// The sum of the rows of each of `k` labels, k x dimension, in f32 and the order of the rows.
    pub(super) fn of(&self, labels: &[u32], k: usize) -> Result<Vec<f32>> {
        let bytes = (k * self.depth * 16) as u64;
        let sums = self.gpu.blank("k-means", bytes)?;
        let params = Params { rows: k as u32, depth: self.depth as u32, ..Params::default() };
        let (mut work, mut tables, mut rest) = (Work::new(self.gpu, "k-means"), Vec::new(), labels);
        for (rows, count) in &self.parts {
            let (own, tail) = rest.split_at(*count);
            rest = tail;
            let (starts, entries) = by_label(own, k);
            let starts = self.gpu.filled("k-means", &starts)?;
            let entries = self.gpu.filled("k-means", &entries)?;
            work.launch(&gather::launch(self.gpu.caps(), rows.is_texture(), &params, *count), &[rows, &starts, &entries, &sums])?;
            tables.push([starts, entries]);
        }
        let done = work.run(&[(&sums, bytes)])?;
        let padded: &[f32] = numbers(done.part(0))?;
        Ok(padded.chunks_exact(self.depth * 4).flat_map(|row| &row[..self.dimension]).copied().collect())
    }
}

/// Where each label's rows begin among all sorted by label, and those, each with a factor of 1.
fn by_label(labels: &[u32], k: usize) -> (Vec<u32>, Vec<[u32; 2]>) {
    let mut starts = vec![0u32; k + 1];
    labels.iter().for_each(|&l| starts[l as usize + 1] += 1);
    for i in 0..k {
        starts[i + 1] += starts[i];
    }
    let mut order: Vec<u32> = (0..labels.len() as u32).collect();
    order.sort_by_key(|&row| labels[row as usize]);
    (starts, order.into_iter().map(|row| [row, 1f32.to_bits()]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::gpu::GpuOptions;

    #[test]
    fn sums_are_those_of_f64_arithmetic_and_the_same_every_time() {
        let gpu = Gpu::new(&GpuOptions::default()).unwrap();
        for (n, dimension, k) in [(1, 1, 1), (5, 3, 2), (300, 7, 65), (70_000, 2, 3)] {
            let rows: Vec<f32> = (0..n * dimension).map(|i| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5).collect();
            // The last label has no rows when there are several.
            let labels: Vec<u32> = (0..n).map(|i| (i * i % (k - 1).max(1)) as u32).collect();
            let sums = Sums::new(&gpu, &rows, dimension).unwrap();
            assert_eq!(sums.parts.len(), n.div_ceil(MOST_ROWS));
            let got = sums.of(&labels, k).unwrap();
            assert_eq!(got, sums.of(&labels, k).unwrap());
            assert_eq!(got.len(), k * dimension);
            let (mut want, mut magnitude) = (vec![0f64; k * dimension], vec![0f64; k * dimension]);
            for (row, &label) in rows.chunks_exact(dimension).zip(&labels) {
                for (i, &x) in row.iter().enumerate() {
                    want[label as usize * dimension + i] += f64::from(x);
                    magnitude[label as usize * dimension + i] += f64::from(x.abs());
                }
            }
            for ((&g, w), m) in got.iter().zip(&want).zip(&magnitude) {
                let bound = 4.0 * (n as f64).sqrt() * 2f64.powi(-24) * m;
                assert!((f64::from(g) - w).abs() <= bound, "{n} x {dimension}, {k}: {g} for {w}");
            }
        }
    }
}
