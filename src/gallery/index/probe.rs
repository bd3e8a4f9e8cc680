//! Probes for the device, and how far its scores can be off.

use super::rows::{MOST_EXPONENT, dot, exponent, largest, quantised};
use super::{Metric, Storage};
use crate::gpu::Probes;
use crate::kernels::search::Format;

/// One probe.
#[derive(Debug)]
pub(super) struct Probe<'a> {
    pub(super) numbers: &'a [f32],
    /// Its length; not a number when one of its numbers is not finite.
    pub(super) norm: f64,
    /// Distance to what the device gets of it.
    error: f64,
    /// Whether the device can score it.
    pub(super) on_device: bool,
}

/// The largest of all rows on the device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extremes {
    /// Length.
    pub(super) norm: f64,
    /// Distance to what the device keeps.
    pub(super) error: f64,
    /// The same as a part of the length.
    pub(super) relative_error: f64,
}

impl<'a> Probe<'a> {
    /// Measures a probe and appends what the device gets of it.
    pub(super) fn new(numbers: &'a [f32], metric: Metric, format: Format, out: &mut Probes) -> Self {
        let start = out.bytes.len();
        let end = start + format.probe_vec4s(numbers.len()) * 16;
        let most = largest(numbers);
        let e = most.map_or(0, exponent);
        let norm = if most.is_some() { dot(numbers, numbers).sqrt() } else { f64::NAN };
        let on_device = most.is_some() && (metric == Metric::Cosine || e.abs() <= MOST_EXPONENT);
        let (mut unit, mut error) = (1.0, 0f64);
        if on_device {
            if format == Format::I8 {
                unit = most.filter(|&m| m > 0.0).map_or(1.0, |m| f64::from(m) / 127.0);
                for &x in numbers {
                    let q = quantised(x, unit);
                    error += (f64::from(x) - f64::from(q) * unit).powi(2);
                    out.bytes.push(q as u8);
                }
            } else {
                unit = 2f64.powi(e);
                numbers.iter().for_each(|&x| out.bytes.extend_from_slice(&((f64::from(x) / unit) as f32).to_le_bytes()));
            }
        }
        out.bytes.resize(end, 0);
        let factor = match metric {
            Metric::Cosine if norm > 0.0 => unit / norm,
            Metric::Cosine => 0.0,
            _ => unit,
        };
        out.factors.push(if on_device { factor as f32 } else { 0.0 });
        Self { numbers, norm, error: error.sqrt(), on_device }
    }

    /// How far a score on the device can be from the exact one (for distances: from `2 x·y - |y|²`).
    ///
    /// A sum of n products errs by at most γ = n u / (1 - n u) of the sum of their magnitudes, which is at most the product of the lengths
    /// (Higham, Accuracy and Stability of Numerical Algorithms, ch. 3). u is that of rounding in any direction, which Vulkan allows; some
    /// more roundings stand for factors and bias. Rounding x and y to x' and y' changes their product by at most |x - x'| |y| + |x'| |y - y'|.
    pub(super) fn margin(&self, metric: Metric, storage: Storage, rows: &Extremes) -> f64 {
        const U: f64 = 1.0 / 8_388_608.0;
        let terms = if storage == Storage::I8 { 0 } else { self.numbers.len() };
        let n = (terms + 40) as f64 * U;
        let gamma = if n < 0.5 { n / (1.0 - n) } else { f64::INFINITY };
        let lengths = self.norm * rows.norm;
        let rounded = self.error * rows.norm + (self.norm + self.error) * rows.error;
        match metric {
            Metric::Cosine if self.norm == 0.0 => 1e-6,
            Metric::Cosine => {
                let own = self.error / self.norm;
                // What is added is larger than 1 by quantisation at most.
                gamma * 1.1 + own + (1.0 + own) * rows.relative_error + 1e-12
            }
            Metric::Dot => gamma * (lengths + rounded) + rounded + 1e-12 * lengths,
            Metric::Euclidean => {
                let squares = rows.norm * rows.norm;
                gamma * 2.0 * (lengths + rounded)
                    + 8.0 * U * (2.0 * (lengths + rounded) + squares)
                    + 2.0 * rounded
                    + 1e-12 * (self.norm * self.norm + squares)
            }
        }
    }

    /// The best score that a row may have whose score on the device is at most `score`.
    pub(super) fn bound(&self, metric: Metric, score: f32, margin: f64) -> f32 {
        let score = f64::from(score) + margin;
        match metric {
            Metric::Euclidean => -(self.norm * self.norm - score).max(0.0).sqrt() as f32,
            _ => score as f32,
        }
    }
}
