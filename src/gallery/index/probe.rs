//! Probes for the device, and how far its scores can be off.

use super::rows::{MOST_EXPONENT, Rows, dot, exponent, largest, quantised};
use super::{Metric, Storage};
use crate::gpu::Probes;
use crate::kernels::search::Format;

/// One probe.
#[derive(Debug)]
pub(super) struct Probe<'a> {
    pub(super) numbers: &'a [f32],
    /// Its length; not a number when one of its numbers is not finite.
    pub(super) norm: f64,
    /// The length of what products are taken with: the probe, for Joint Bayesian times its weights.
    carried: f64,
    /// Distance of that to what the device gets.
    error: f64,
    /// What the exact score has beyond the device's.
    constant: f64,
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

/// Roundings are of this size: in any direction, which Vulkan allows.
const U: f64 = 1.0 / 8_388_608.0;

/// How far a sum of `n` terms can be off, as a part of the sum of their magnitudes (Higham, Accuracy and Stability of Numerical Algorithms,
/// ch. 3). Some more roundings stand for what is done to a term and to the sum.
fn gamma(n: usize) -> f64 {
    let n = (n + 40) as f64 * U;
    if n < 0.5 { n / (1.0 - n) } else { f64::INFINITY }
}

impl<'a> Probe<'a> {
    /// Measures whole probes, one after the other, and packs them; weights of distances follow the last one.
    pub(super) fn all(numbers: &'a [f32], rows: &Rows, format: Format) -> (Probes, Vec<Self>) {
        let mut packed = Probes::default();
        let probes = numbers.chunks_exact(rows.dimension).map(|p| Self::new(p, rows, format, &mut packed)).collect();
        let end = packed.bytes.len() + format.probe_vec4s(rows.dimension) * 16;
        if rows.metric.is_weighted_distance() {
            rows.learned.device_weights().for_each(|w| packed.bytes.extend_from_slice(&w.to_le_bytes()));
            packed.bytes.resize(end, 0);
        }
        (packed, probes)
    }

    /// Measures a probe and appends what the device gets of it.
    fn new(numbers: &'a [f32], rows: &Rows, format: Format, out: &mut Probes) -> Self {
        let metric = rows.metric;
        let start = out.bytes.len();
        let end = start + format.probe_vec4s(numbers.len()) * 16;
        let most = largest(numbers);
        let e = most.map_or(0, exponent);
        let norm = if most.is_some() { dot(numbers, numbers).sqrt() } else { f64::NAN };
        let in_range = metric == Metric::Cosine || e.abs() <= MOST_EXPONENT;
        let mut probe = Self { numbers, norm, carried: norm, error: 0.0, constant: 0.0, on_device: most.is_some() && in_range };
        let factor = match (metric, &rows.learned.ratio) {
            _ if !probe.on_device => 0.0,
            // Weights multiply the probe, so that rows stay as they are.
            (Metric::JointBayesian, Some(ratio)) => {
                let carried: Vec<f64> = numbers.iter().zip(&ratio.u).map(|(&x, u)| f64::from(x) * u).collect();
                probe.constant = ratio.constant - ratio.half_squares(numbers, 1.0);
                probe.carried = carried.iter().map(|x| x * x).sum::<f64>().sqrt();
                let e = carried.iter().fold(0f64, |most, x| most.max(x.abs())).log2().floor();
                probe.on_device = probe.carried == 0.0 || e >= f64::from(-2 * MOST_EXPONENT);
                let unit = if probe.carried > 0.0 && probe.on_device { 2f64.powi(e as i32) } else { 1.0 };
                if format == Format::I8 { probe.quantise(&carried, unit * 2.0 / 127.0, out) } else { probe.round(&carried, unit, out) }
            }
            (Metric::ChiSquared | Metric::WeightedL1, _) => {
                numbers.iter().for_each(|x| out.bytes.extend_from_slice(&x.to_le_bytes()));
                1.0
            }
            _ => {
                let exact: Vec<f64> = numbers.iter().map(|&x| f64::from(x)).collect();
                if format == Format::I8 {
                    let unit = most.filter(|&m| m > 0.0).map_or(1.0, |m| f64::from(m) / 127.0);
                    probe.quantise(&exact, unit, out)
                } else {
                    probe.round(&exact, 2f64.powi(e), out)
                }
            }
        };
        out.bytes.resize(end, 0);
        let factor = match metric {
            Metric::Cosine if norm > 0.0 => factor / norm,
            Metric::Cosine => 0.0,
            _ => factor,
        };
        out.factors.push(if probe.on_device { factor as f32 } else { 0.0 });
        probe
    }

    /// Appends numbers as int8 in units of `unit`, which comes back.
    fn quantise(&mut self, numbers: &[f64], unit: f64, out: &mut Probes) -> f64 {
        let mut squares = 0.0;
        for &x in numbers {
            let q = quantised(x, unit);
            squares += (x - f64::from(q) * unit).powi(2);
            out.bytes.push(q as u8);
        }
        self.error = squares.sqrt();
        unit
    }

    /// Appends numbers as f32 in units of `unit`, a power of two, which comes back.
    fn round(&mut self, numbers: &[f64], unit: f64, out: &mut Probes) -> f64 {
        let mut squares = 0.0;
        for &x in numbers {
            let rounded = (x / unit) as f32;
            squares += (x - f64::from(rounded) * unit).powi(2);
            out.bytes.extend_from_slice(&rounded.to_le_bytes());
        }
        self.error = squares.sqrt();
        unit
    }

    /// How far a score on the device can be from the exact one (for Euclidean distances: from `2 x·y - |y|²`; for Joint Bayesian: from what is
    /// left without the probe's constant). For weighted distances it is what underflow takes away; see [`Probe::bound`].
    ///
    /// A sum of products is at most the product of the lengths. Rounding x and y to x' and y' changes their product by at most
    /// |x - x'| |y| + |x'| |y - y'|.
    pub(super) fn margin(&self, rows: &Rows, extremes: &Extremes) -> f64 {
        let gamma = gamma(if rows.storage == Storage::I8 { 0 } else { self.numbers.len() });
        let lengths = self.carried * extremes.norm;
        let rounded = self.error * extremes.norm + (self.carried + self.error) * extremes.error;
        let squares = extremes.norm * extremes.norm;
        match rows.metric {
            Metric::Cosine if self.norm == 0.0 => 1e-6,
            Metric::Cosine => {
                let own = self.error / self.norm;
                // What is added is larger than 1 by quantisation at most.
                gamma * 1.1 + own + (1.0 + own) * extremes.relative_error + 1e-12
            }
            Metric::Dot => gamma * (lengths + rounded) + rounded + 1e-12 * lengths,
            Metric::Euclidean => {
                gamma * 2.0 * (lengths + rounded)
                    + 8.0 * U * (2.0 * (lengths + rounded) + squares)
                    + 2.0 * rounded
                    + 1e-12 * (self.norm * self.norm + squares)
            }
            Metric::JointBayesian => {
                // A row's bias is at most a quarter of its square: v is less than one half.
                let exact = (self.numbers.len() + 16) as f64 * f64::EPSILON;
                gamma * (lengths + rounded)
                    + 8.0 * U * (lengths + rounded + squares)
                    + rounded
                    + exact * (lengths + squares + self.norm * self.norm + self.constant.abs())
            }
            // Numbers below the smallest of f32, of the row and of the probe, count as 0.
            Metric::ChiSquared | Metric::WeightedL1 => rows.learned.sum * (self.norm + extremes.norm) * 2f64.powi(-120),
        }
    }

    /// The best score that a row may have whose score on the device is at most `score`.
    pub(super) fn bound(&self, rows: &Rows, score: f32, margin: f64) -> f32 {
        let score = f64::from(score);
        match rows.metric {
            Metric::Euclidean => -(self.norm * self.norm - score - margin).max(0.0).sqrt() as f32,
            // Every term is at least 0 and its own roundings are a part of it, so those of the sum are a part of the sum.
            Metric::ChiSquared | Metric::WeightedL1 => {
                let exact = 1.0 - (self.numbers.len() + 16) as f64 * f64::EPSILON;
                -((-score * rows.learned.unit / (1.0 + gamma(self.numbers.len())) - margin) * exact).max(0.0) as f32
            }
            _ => (score + margin + self.constant) as f32,
        }
    }
}
