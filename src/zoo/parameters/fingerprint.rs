//! Numbers from names alone, so that two programs can build the same network without a file between them.
//!
//! The value at flat index `i` of the tensor `name` comes from `v = 2 h / 2^32 - 1`, where `h` mixes `fnv1a(name) + i * 0x9E3779B9`
//! (FNV-1a of the ASCII name, then the 32-bit finaliser of MurmurHash3).

use super::{Parameters, Role};
use crate::error::Result;
use crate::tensor::Tensor;

/// The fixed rule by which networks of different programs are compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fingerprint;

impl Fingerprint {
    /// The input that goes with it: `v` of the name `input`, for one picture.
    pub fn input(shape: &[usize]) -> Tensor {
        filled(fnv1a("input"), shape, |v| v)
    }
}

impl Parameters for Fingerprint {
    fn tensor(&mut self, name: &str, role: Role, shape: &[usize]) -> Result<Tensor> {
        Ok(generate(fnv1a(name), role, shape))
    }
}

/// The same distributions from a seed: networks of any size to measure, with nothing learned.
#[derive(Clone, Copy, Debug)]
pub struct Seeded(pub u64);

impl Parameters for Seeded {
    fn tensor(&mut self, name: &str, role: Role, shape: &[usize]) -> Result<Tensor> {
        let [low, high] = [self.0 as u32, (self.0 >> 32) as u32];
        Ok(generate(mix(fnv1a(name) ^ mix(low ^ mix(high.wrapping_add(1)))), role, shape))
    }
}

/// Uniform numbers that keep activations near their size: weights by fan-in, the rest near 0 or 1.
fn generate(seed: u32, role: Role, shape: &[usize]) -> Tensor {
    let fan_in = |axes: usize| (3.0 / shape.iter().skip(axes).product::<usize>().max(1) as f64).sqrt();
    match role {
        Role::Weight => {
            let scale = fan_in(1);
            filled(seed, shape, |v| v * scale)
        }
        Role::LocalWeight => {
            let scale = fan_in(3);
            filled(seed, shape, |v| v * scale)
        }
        Role::Bias | Role::Shift | Role::Mean => filled(seed, shape, |v| 0.1 * v),
        Role::Scale | Role::Variance => filled(seed, shape, |v| 1.0 + 0.1 * v),
        Role::Slope => filled(seed, shape, |v| 0.25 + 0.1 * v),
    }
}

fn filled(seed: u32, shape: &[usize], value: impl Fn(f64) -> f64) -> Tensor {
    let data: Vec<f32> = (0..shape.iter().product()).map(|i| value(signed(seed, i)) as f32).collect();
    // As many numbers as the shape says: never the second.
    Tensor::from_f32(shape.to_vec(), data).unwrap_or_else(|| Tensor::zeros([0]))
}

/// `v` at index `i`, in [-1, 1).
fn signed(seed: u32, i: usize) -> f64 {
    let h = mix(seed.wrapping_add((i as u32).wrapping_mul(0x9E37_79B9)));
    2.0 * f64::from(h) / 4_294_967_296.0 - 1.0
}

fn fnv1a(name: &str) -> u32 {
    name.bytes().fold(2_166_136_261, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619))
}

/// The finaliser of MurmurHash3, 32 bits.
fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ h >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_indices_give_the_published_values() {
        assert_eq!(fnv1a("input"), 0xF9D8_6F7B);
        assert_eq!(fnv1a("conv1.weight"), 0xBDCE_C494);
        let close = |name: &str, want: [f64; 4]| {
            for (i, w) in want.iter().enumerate() {
                assert!((signed(fnv1a(name), i) - w).abs() < 1e-10, "{name} {i}");
            }
        };
        close("input", [0.598_066_272_2, 0.370_348_495_0, 0.960_529_446_6, -0.991_520_699_1]);
        close("conv1.weight", [0.908_837_681_2, -0.201_232_030_5, -0.238_179_805_2, -0.900_726_422_7]);
        let norm = Fingerprint::input(&[1, 3, 112, 112]).to_f64().iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!((norm - 112.084).abs() < 5e-4, "{norm}");
    }

    #[test]
    fn seeds_differ() {
        let of = |seed: u64| Seeded(seed).tensor("a", Role::Weight, &[3, 5]);
        assert_eq!(of(1).ok(), of(1).ok());
        assert_ne!(of(1).ok(), of(2).ok());
        assert_ne!(of(1).ok(), of(1 << 32).ok());
    }
}
