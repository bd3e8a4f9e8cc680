//! The rows as the host keeps them: packing for the device, and exact scores.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::learned::Learned;
use super::{Metric, Storage};
use crate::kernels::search::{BLOCK, Format};

/// Exponents beyond this, of a row or a probe whose length matters, are left to the host: f32 on the device would over- or underflow.
pub(super) const MOST_EXPONENT: i32 = 40;

/// Who scores a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The device finds it.
    Device,
    /// Too large or small for f32: the host scores it in every search.
    Host,
    /// Holds something that is no finite number: its score is none.
    Nan,
}

/// What is known of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact {
    /// Its length, of the numbers the host keeps.
    pub(super) norm: f64,
    /// What a number on the device is multiplied by.
    pub(super) unit: f64,
    /// Distance between the row and what the device keeps of it.
    pub(super) error: f32,
    pub(super) fate: Fate,
}

/// All rows, by place.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) dimension: usize,
    pub(super) storage: Storage,
    pub(super) metric: Metric,
    pub(super) learned: Learned,
    numbers: Vec<f32>,
    halves: Vec<f16>,
    pub(super) facts: Vec<Fact>,
}

/// e for the largest magnitude in [2^e, 2^(e+1)); 0 for 0.
pub(super) fn exponent(largest: f32) -> i32 {
    if largest == 0.0 { 0 } else { ((f64::from(largest).to_bits() >> 52) & 0x7ff) as i32 - 1023 }
}

/// The largest magnitude, or `None` where something is no finite number.
pub(super) fn largest(row: &[f32]) -> Option<f32> {
    row.iter().try_fold(0f32, |most, x| x.is_finite().then(|| most.max(x.abs())))
}

/// Numbers as int8 in units of `unit`.
pub(super) fn quantised(x: f64, unit: f64) -> i8 {
    (x / unit).round().clamp(-127.0, 127.0) as i8
}

/// Products summed in f64 and a fixed order.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0f64; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
    for (x, y) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += f64::from(x[i]) * f64::from(y[i]);
        }
    }
    sums.iter().sum::<f64>() + rest
}

impl Rows {
    pub(super) fn new(dimension: usize, storage: Storage, metric: Metric, learned: Learned) -> Self {
        Self { dimension, storage, metric, learned, numbers: Vec::new(), halves: Vec::new(), facts: Vec::new() }
    }

    pub(super) fn places(&self) -> usize {
        self.facts.len()
    }

    /// Makes place for `n` more rows.
    pub(super) fn reserve(&mut self, n: usize) {
        if self.storage == Storage::F16 {
            self.halves.reserve(n * self.dimension)
        } else {
            self.numbers.reserve(n * self.dimension)
        }
        self.facts.reserve(n);
    }

    /// Puts a row into a place; places before it that were not there yet are empty.
    pub(super) fn put(&mut self, place: usize, row: &[f32]) {
        if place >= self.places() {
            let end = (place + 1) * self.dimension;
            match self.storage {
                Storage::F16 => self.halves.resize(end, f16::ZERO),
                _ => self.numbers.resize(end, 0.0),
            }
            self.facts.resize(place + 1, Fact { norm: 0.0, unit: 1.0, error: 0.0, fate: Fate::Nan });
        }
        self.facts[place] = self.prepare(place, row);
    }

    /// Copies a row to another place.
    pub(super) fn copy(&mut self, from: usize, to: usize) {
        let range = |place: usize| place * self.dimension..(place + 1) * self.dimension;
        match self.storage {
            Storage::F16 => self.halves.copy_within(range(from), to * self.dimension),
            _ => self.numbers.copy_within(range(from), to * self.dimension),
        }
        self.facts[to] = self.facts[from];
    }

    /// Forgets the places from `places` on.
    pub(super) fn truncate(&mut self, places: usize) {
        self.facts.truncate(places);
        self.halves.truncate(places * self.dimension);
        self.numbers.truncate(places * self.dimension);
        self.facts.shrink_to_fit();
        self.halves.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }

    /// Stores the numbers and measures them.
    fn prepare(&mut self, place: usize, row: &[f32]) -> Fact {
        let range = place * self.dimension..(place + 1) * self.dimension;
        let Some(largest) = largest(row) else {
            return Fact { norm: f64::NAN, unit: 1.0, error: 0.0, fate: Fate::Nan };
        };
        let e = exponent(largest);
        let in_range = self.metric == Metric::Cosine || e.abs() <= MOST_EXPONENT;
        let fate = if in_range { Fate::Device } else { Fate::Host };
        let (mut squares, mut error) = (0f64, 0f64);
        let unit = match self.storage {
            Storage::F32 => {
                self.numbers[range].copy_from_slice(row);
                squares = dot(row, row);
                2f64.powi(e)
            }
            Storage::F16 => {
                // The largest half is in [2^14, 2^15]; halves below 2^-14, which some drivers take for 0, are 0.
                let unit = 2f64.powi(e - 14);
                for (to, &x) in self.halves[range].iter_mut().zip(row) {
                    let half = f16::from_f64(f64::from(x) / unit);
                    *to = if half.is_normal() { half } else { f16::ZERO };
                    squares += to.to_f64() * to.to_f64();
                }
                squares *= unit * unit;
                unit
            }
            Storage::I8 => {
                self.numbers[range].copy_from_slice(row);
                let unit = if largest == 0.0 { 1.0 } else { f64::from(largest) / 127.0 };
                for &x in row {
                    let difference = f64::from(x) - f64::from(quantised(f64::from(x), unit)) * unit;
                    squares += f64::from(x) * f64::from(x);
                    error += difference * difference;
                }
                unit
            }
        };
        // Rounded up, for bounds are made of it.
        Fact { norm: squares.sqrt(), unit, error: (error.sqrt() * (1.0 + 1e-6)) as f32, fate }
    }

    /// Appends the numbers of a row.
    pub(super) fn extend_with(&self, place: usize, out: &mut Vec<f32>) {
        let range = place * self.dimension..(place + 1) * self.dimension;
        let fact = &self.facts[place];
        match self.storage {
            _ if fact.fate == Fate::Nan => out.extend(std::iter::repeat_n(f32::NAN, self.dimension)),
            Storage::F16 => out.extend(self.halves[range].iter().map(|h| (h.to_f64() * fact.unit) as f32)),
            _ => out.extend_from_slice(&self.numbers[range]),
        }
    }

    /// Adds `factor` times a row to `sum`; what is no number makes all of it none.
    pub(super) fn add_to(&self, place: usize, factor: f64, sum: &mut [f64]) {
        let range = place * self.dimension..(place + 1) * self.dimension;
        let fact = &self.facts[place];
        match self.storage {
            _ if fact.fate == Fate::Nan => sum.fill(f64::NAN),
            Storage::F16 => sum.iter_mut().zip(&self.halves[range]).for_each(|(s, h)| *s += factor * (h.to_f64() * fact.unit)),
            _ => sum.iter_mut().zip(&self.numbers[range]).for_each(|(s, &x)| *s += factor * f64::from(x)),
        }
    }

    /// The score of a row, in f64. `buffer` has room for a row.
    pub(super) fn score(&self, probe: &[f32], probe_norm: f64, place: usize, buffer: &mut [f32]) -> f64 {
        let range = place * self.dimension..(place + 1) * self.dimension;
        let fact = &self.facts[place];
        if fact.fate == Fate::Nan || probe_norm.is_nan() {
            return f64::NAN;
        }
        let (row, unit): (&[f32], f64) = if self.storage == Storage::F16 {
            self.halves[range].convert_to_f32_slice(buffer);
            (buffer, fact.unit)
        } else {
            (&self.numbers[range], 1.0)
        };
        match self.metric {
            Metric::Cosine => {
                let lengths = probe_norm * fact.norm;
                if lengths == 0.0 { 0.0 } else { dot(probe, row) * unit / lengths }
            }
            Metric::Dot => dot(probe, row) * unit,
            Metric::Euclidean => {
                let squares = probe.iter().zip(row).map(|(&x, &y)| (f64::from(x) - f64::from(y) * unit).powi(2));
                -squares.sum::<f64>().sqrt()
            }
            Metric::JointBayesian | Metric::ChiSquared | Metric::WeightedL1 => self.learned.score(self.metric, probe, row, unit),
        }
    }

    /// A block as the device reads it (shaders/shared/search.wgsl), and factor and bias of its rows.
    pub(super) fn pack(&self, format: Format, block: usize) -> (Vec<u8>, [[f32; 2]; BLOCK]) {
        let mut bytes = vec![0; format.block_bytes(self.dimension)];
        let mut factors = [[0f32; 2]; BLOCK];
        let mut buffer = vec![0f32; self.dimension];
        for (r, factor) in factors.iter_mut().enumerate() {
            let place = block * BLOCK + r;
            let Some(fact) = self.facts.get(place).filter(|f| f.fate == Fate::Device) else { continue };
            *factor = match self.metric {
                Metric::Cosine if fact.norm == 0.0 => [0.0, 0.0],
                Metric::Cosine => [(fact.unit / fact.norm) as f32, 0.0],
                Metric::Dot | Metric::JointBayesian | Metric::ChiSquared | Metric::WeightedL1 => [fact.unit as f32, 0.0],
                Metric::Euclidean => [(2.0 * fact.unit) as f32, -(fact.norm * fact.norm) as f32],
            };
            let range = place * self.dimension..(place + 1) * self.dimension;
            if let Some(ratio) = &self.learned.ratio {
                let (row, unit): (&[f32], f64) = if self.storage == Storage::F16 {
                    self.halves[range.clone()].convert_to_f32_slice(&mut buffer);
                    (&buffer, fact.unit)
                } else {
                    (&self.numbers[range.clone()], 1.0)
                };
                factor[1] = -ratio.half_squares(row, unit) as f32;
            }
            let mut step = |i: usize, part: &[u8]| {
                let at = (i * BLOCK + r) * 16;
                bytes[at..at + part.len()].copy_from_slice(part);
            };
            match self.storage {
                Storage::F32 => {
                    let scaled = |x: &f32| (f64::from(*x) / fact.unit) as f32;
                    for (i, four) in self.numbers[range].chunks(4).enumerate() {
                        let four: Vec<f32> = four.iter().map(scaled).collect();
                        step(i, bytemuck::cast_slice(&four));
                    }
                }
                Storage::F16 => self.halves[range].chunks(8).enumerate().for_each(|(i, eight)| step(i, bytemuck::cast_slice(eight))),
                Storage::I8 => {
                    for (i, part) in self.numbers[range].chunks(16).enumerate() {
                        let part: Vec<i8> = part.iter().map(|&x| quantised(f64::from(x), fact.unit)).collect();
                        step(i, bytemuck::cast_slice(&part));
                    }
                }
            }
        }
        (bytes, factors)
    }
}
