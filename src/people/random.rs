//! The deterministic stream of random numbers behind generated people. Integer arithmetic wraps.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of SplitMix64 (Steele et al. 2014).
pub(crate) fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The numbers of one picture of one person.
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(seed: u64, person: u64, picture: u64) -> Self {
        Self(mix(seed ^ mix(person ^ mix(picture))))
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        let bits = mix(self.0);
        self.0 = self.0.wrapping_add(GOLDEN);
        ((bits >> 11) as f64 + 0.5) * (-53f64).exp2()
    }

    /// Uniform in (-a, a).
    pub(crate) fn symmetric(&mut self, a: f64) -> f64 {
        a * (2.0 * self.uniform() - 1.0)
    }

    /// `n` standard normal numbers (Box-Muller), clamped to -2..2: no person is a monster.
    pub(crate) fn normal(&mut self, n: usize) -> Vec<f64> {
        let mut out = Vec::with_capacity(n + 1);
        while out.len() < n {
            let (u1, u2) = (self.uniform(), self.uniform());
            let r = (-2.0 * u1.ln()).sqrt();
            let angle = 2.0 * std::f64::consts::PI * u2;
            out.extend([r * angle.cos(), r * angle.sin()]);
        }
        out.truncate(n);
        out.iter_mut().for_each(|x| *x = x.clamp(-2.0, 2.0));
        out
    }
}
