//! What several test files share.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::tensor::Tensor;

/// The folder with models, pictures and expected numbers, or `None` (said so) when there is none.
pub(crate) fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("LOOKALIKE_TEST_DATA").map(PathBuf::from).filter(|p| p.is_dir());
    if folder.is_none() {
        println!("skipped: LOOKALIKE_TEST_DATA is not set");
    }
    folder
}

/// One device for all tests of a file. A machine without any adapter fails here; it does not pass by skipping.
pub(crate) fn gpu() -> Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| Gpu::new(&GpuOptions::default()).unwrap()).clone()
}

/// Reads a little-endian f32 array.
pub(crate) fn read_npy(path: &Path) -> Tensor {
    let npy = npyz::NpyFile::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).unwrap();
    let shape: Vec<usize> = npy.shape().iter().map(|&d| d as usize).collect();
    Tensor::from_f32(shape, npy.into_vec::<f32>().unwrap()).unwrap()
}

/// Rows `indices` of the first dimension.
pub(crate) fn pick(t: &Tensor, indices: impl IntoIterator<Item = usize>) -> Tensor {
    let row = t.len() / t.shape()[0];
    let data = t.to_f32();
    let mut out = Vec::new();
    let mut count = 0;
    for i in indices {
        out.extend_from_slice(&data[i * row..(i + 1) * row]);
        count += 1;
    }
    let mut shape = t.shape().to_vec();
    shape[0] = count;
    Tensor::from_f32(shape, out).unwrap()
}

/// Cosine similarity and relative L2 error of two arrays of the same length.
pub(crate) fn compare(got: &[f32], want: &[f32]) -> (f64, f64) {
    assert_eq!(got.len(), want.len());
    let (mut dot, mut gg, mut ww, mut dd) = (0.0, 0.0, 0.0, 0.0);
    for (&g, &w) in got.iter().zip(want) {
        let (g, w) = (f64::from(g), f64::from(w));
        dot += g * w;
        gg += g * g;
        ww += w * w;
        dd += (g - w) * (g - w);
    }
    (dot / (gg * ww).sqrt(), (dd / ww).sqrt())
}

/// A small deterministic generator (SplitMix64) for test inputs.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    pub(crate) fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    pub(crate) fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let data = (0..shape.iter().product()).map(|_| self.signed()).collect();
        Tensor::from_f32(shape.to_vec(), data).unwrap()
    }
}
